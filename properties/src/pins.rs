//! How many states each slice of the checker has, as committed.
//!
//! **What it is.** [`states`] reads `docs/pinned/check-small.txt` and `docs/pinned/check-default.txt`, which `bgcheck check` prints and CI compares. A core
//! whose view tells apart what is one state, or takes for one what is two, agrees with the specification in every state that is explored, and
//! breaks no rule. The number of states shows it.
//!
//! **What it is not.** A verdict: a number may change with every change of model or core, and is then renewed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::scope::{ScopeName, Variant};

/// What `check` printed of each scope.
const PAGES: [(ScopeName, &str); 2] = [
    (ScopeName::Small, include_str!("../../docs/pinned/check-small.txt")),
    (ScopeName::Default, include_str!("../../docs/pinned/check-default.txt")),
];

/// By the heading of the variant and the name of the slice.
type Pins = BTreeMap<(&'static str, &'static str), u64>;

/// The states of a slice; nothing where no number is committed.
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
    static PINS: LazyLock<Pins> =
        LazyLock::new(|| PAGES.iter().flat_map(|(_, page)| pins_of(page)).collect());
    let dialect = variant.profile.dialect;
    let turned = if variant.turned.is_empty() { String::new() } else { format!(", {}", variant.turned) };
    PINS.get(&(format!("check, scope {scope}, dialect {dialect}{turned}").as_str(), slice)).copied()
}

/// A heading begins at the margin; a slice begins two spaces from it, with its name, and the line behind has its states.
fn pins_of(page: &'static str) -> impl Iterator<Item = ((&'static str, &'static str), u64)> {
    let mut heading = "";
    page.lines().zip(page.lines().skip(1)).filter_map(move |(line, next)| {
        if line.starts_with("check, ") {
            heading = line;
        }
        let (slice, _) = line.strip_prefix("  ")?.split_once(" (")?;
        let (states, _) = next.trim_start().split_once(" states, ")?;
        Some(((heading, slice), states.replace(',', "").parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use contract::Dialect;
    use model::scope::{slices, variants};

    use super::*;

    #[test]
    fn every_slice_of_these_scopes_is_committed() {
        for (scope, _) in PAGES {
            for variant in Dialect::ALL.iter().flat_map(|dialect| variants(*dialect, scope)) {
                for slice in slices(scope, &variant.profile) {
                    assert!(states(scope, &variant, slice.name).is_some(), "{scope}: {}", slice.name);
                }
            }
        }
    }
}
