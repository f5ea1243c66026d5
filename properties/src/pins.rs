//! How large each slice of the checker and each situation of races is, as committed.
//!
//! **What it is.** [`states`] and [`size`] read what `bgcheck check` printed (`docs/pinned/check-*.txt`), and CI compares. A core whose
//! view splits what is one state, or takes for one what is two, agrees with the specification in every state that is explored, and breaks no
//! rule. The number of states shows it. [`race`] reads what `race --complete` printed (`docs/pinned/race-*.txt`).
//!
//! **What it is not.** A verdict: a number may change with every change of model or core, and is then renewed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::scope::{ScopeName, Variant};

/// What `check` printed.
const PAGES: [&str; 4] = [
    include_str!("../../docs/pinned/check-small.txt"),
    include_str!("../../docs/pinned/check-default.txt"),
    include_str!("../../docs/pinned/check-protocol.txt"),
    include_str!("../../docs/pinned/check-wide.txt"),
];

/// What `race --complete` printed.
const RACES: [&str; 3] = [
    include_str!("../../docs/pinned/race-tiny.txt"),
    include_str!("../../docs/pinned/race-default.txt"),
    include_str!("../../docs/pinned/race-small.txt"),
];

/// How large a slice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Its states.
    pub states: u64,
    /// Its edges.
    pub edges: u64,
}

impl Size {
    /// The size with these numbers of states and edges, as an exploration counts them.
    #[must_use]
    pub const fn of(states: usize, edges: usize) -> Size {
        Size { states: states as u64, edges: edges as u64 }
    }
}

/// How large the races of a situation are on average.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RaceSize {
    /// Steps along the schedules of a race.
    pub steps: u64,
    /// Runs of the service.
    pub runs: u64,
}

/// By the heading of the variant and the name of the slice.
type Pins = BTreeMap<(&'static str, &'static str), Size>;

/// The states of a slice of the product; nothing where no number is committed.
///
/// ```
/// use contract::Dialect;
/// use model::scope::{ScopeName, variants};
///
/// let bits = &variants(Dialect::Bits, ScopeName::Small)[0];
/// assert!(properties::pins::states(ScopeName::Small, bits, "small").is_some());
/// assert_eq!(properties::pins::states(ScopeName::Small, bits, "none"), None);
/// ```
#[must_use]
pub fn states(scope: ScopeName, variant: &Variant, slice: &str) -> Option<u64> {
    size(&product(scope, variant), slice).map(|size| size.states)
}

/// The heading of a variant of the product.
#[must_use]
pub fn product(scope: ScopeName, variant: &Variant) -> String {
    let turned = if variant.turned.is_empty() { String::new() } else { format!(", {}", variant.turned) };
    format!("check, scope {scope}, dialect {}{turned}", variant.profile.dialect)
}

/// How large the slice of this name is below this heading; nothing where it is not committed.
#[must_use]
pub fn size(heading: &str, slice: &str) -> Option<Size> {
    static PINS: LazyLock<Pins> = LazyLock::new(|| PAGES.into_iter().flat_map(pins_of).collect());
    PINS.get(&(heading, slice)).copied()
}

/// How large a race of this situation is on average, such as of `race tiny (bits)` and `delivery`.
///
/// ```
/// let race = properties::pins::race("race tiny (bits)", "delivery").expect("it is committed");
/// assert!(race.steps > race.runs);
/// ```
#[must_use]
pub fn race(scope: &str, situation: &str) -> Option<RaceSize> {
    let of_situation = RACES.into_iter().flat_map(str::lines).find_map(|line| {
        let (name, rest) = line.split_once(" | ")?;
        rest.strip_prefix(situation)?.strip_prefix(": ").filter(|_| name == scope)
    })?;
    let before = |word: &str| {
        let (numbers, _) = of_situation.split_once(word)?;
        numbers.rsplit(' ').next()?.replace(',', "").parse::<u64>().ok()
    };
    let races = before(" of ")?.max(1);
    Some(RaceSize { steps: before(" steps, ")? / races, runs: before(" runs, ")? / races })
}

/// A heading begins at the margin; a slice begins two spaces from it, with its name, and the line behind has its states and edges.
fn pins_of(page: &'static str) -> impl Iterator<Item = ((&'static str, &'static str), Size)> {
    let mut heading = "";
    page.lines().zip(page.lines().skip(1)).filter_map(move |(line, next)| {
        if line.starts_with("check") {
            heading = line;
        }
        let (slice, _) = line.strip_prefix("  ")?.split_once(" (")?;
        let (states, edges) = next.trim_start().split_once(" states, ")?;
        let number = |text: &str| text.replace(',', "").parse().ok();
        Some((
            (heading, slice),
            Size { states: number(states)?, edges: number(edges.split_once(" edges")?.0)? },
        ))
    })
}

#[cfg(test)]
mod tests {
    use contract::Dialect;
    use model::scope::{slices, variants};

    use super::*;

    #[test]
    fn every_slice_of_these_scopes_is_committed() {
        for scope in [ScopeName::Small, ScopeName::Default] {
            for variant in Dialect::ALL.iter().flat_map(|dialect| variants(*dialect, scope)) {
                for slice in slices(scope, &variant.profile) {
                    assert!(states(scope, &variant, slice.name).is_some(), "{scope}: {}", slice.name);
                }
            }
        }
    }

    #[test]
    fn the_protocol_and_its_duties_are_committed_too() {
        let heading = "check, scope wide of the protocol, design barrier, dialect do";
        assert!(size(heading, "wide/together").is_some_and(|size| size.edges > size.states));
        let duties = "check liveness, scope default of the protocol, design barrier, dialect bits";
        assert!(size(duties, "default/calls").is_some());
        assert_eq!(race("race tiny (bits)", "no situation"), None);
        let of_small = race("race small (do)", "transfer fails").expect("it is committed");
        assert!(of_small.steps > of_small.runs);
    }
}
