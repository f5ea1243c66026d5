//! The bodies of the fuzz targets. The bindings in `fuzz/` are a line each, so that everything here is tested by
//! `cargo test` as well.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use contract::Core as _;
use engine::core::Core;
use judge::{RuleSet, Trace};
use model::edge::{EdgeSink, NoEdges};

use crate::canary::Canary;
use crate::minimize::races::Scheduled;
use crate::minimize::{Case, CoreName, minimize};
use crate::program::Program;
use crate::race;
use crate::run;

/// Target `lockstep`: any bytes are a program; on it, specification and core agree and no rule is broken.
///
/// # Panics
/// They do not. The message is the program and its timeline, not the bytes.
pub fn lockstep(bytes: &[u8]) {
    lockstep_telling(bytes, &mut NoEdges);
}

/// As [`lockstep`], and sends the edges of the steps to `edges`, for a fuzzer to be guided by.
///
/// # Panics
/// As [`lockstep`].
pub fn lockstep_telling(bytes: &[u8], edges: &mut impl EdgeSink) {
    if let Some(broken) = run::run_bytes_telling(bytes, Core::new, edges).broken {
        tell(&broken.to_string(), &Case::Stepped(CoreName::Core, Program::from_bytes(bytes)));
    }
}

/// Target `canary`: as [`lockstep`], on a core that does not wait for callbacks. It is there to be found.
///
/// # Panics
/// The core has been seen to be broken. The message is what broke.
pub fn canary(bytes: &[u8]) {
    canary_telling(bytes, &mut NoEdges);
}

/// As [`canary`], and sends the edges of the steps to `edges`.
///
/// # Panics
/// As [`canary`].
pub fn canary_telling(bytes: &[u8], edges: &mut impl EdgeSink) {
    if let Some(broken) = run::run_bytes_telling(bytes, Canary::<Core>::new, edges).broken {
        panic!("{broken}");
    }
}

/// Set in the environment of a target by a caller that takes a crash's bytes as a raw finding, and explains it itself.
pub const EXPLAINS: &str = "BGCHECK_EXPLAINS";

/// Ends the run of a target with the counterexample, made small unless the caller does that.
fn tell(broken: &str, case: &Case) -> ! {
    if std::env::var_os(EXPLAINS).is_some() {
        panic!("{broken}\n\n{}", case.program().unwrap_or_default());
    }
    match minimize(case, RuleSet::ALL) {
        Ok(minimal) => panic!("{broken}\n\n{minimal}"),
        // It failed a moment ago, and equal bytes are equal runs: then it is the subject that differs.
        Err(error) => panic!("{broken}\n\nbut when it is run again, {error}"),
    }
}

/// Target `trace`: any bytes are either no trace, which is refused with its line, or one that prints and parses to itself.
///
/// # Panics
/// The law is broken.
pub fn trace(bytes: &[u8]) {
    if let Err(broken) = trace_law(bytes) {
        panic!("{broken}");
    }
}

/// The law of target `trace` on these bytes: how they keep it.
///
/// # Errors
/// How they break it.
pub fn trace_law(bytes: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok("it is no text, which the parser of traces never gets".to_owned());
    };
    let trace = match Trace::parse(text) {
        Ok(trace) => trace,
        Err(error) => return Ok(format!("it is no trace, and refused: {error}")),
    };
    let printed = trace.print();
    match Trace::parse(&printed) {
        Ok(again) if again == trace => Ok("it is a trace, and prints and parses to itself".to_owned()),
        Ok(_) => Err(format!("a printed trace parses to another one, printed as:\n{printed}")),
        Err(error) => Err(format!("a printed trace does not parse: {error}\n{printed}")),
    }
}

/// Target `schedule`: any bytes are a race and its schedule; on the engine's real service it breaks no rule.
///
/// # Panics
/// It does. The message is the race and its timeline, not the bytes.
pub fn schedule(bytes: &[u8]) {
    let _ = schedule_telling(bytes, &mut |_| ());
}

/// As [`schedule`], and calls `windows` with each window that was hit, in their order, for a fuzzer to be guided by. Returns which of the race's
/// schedules it was, up to the order of independent steps.
///
/// # Panics
/// As [`schedule`].
pub fn schedule_telling(bytes: &[u8], windows: &mut impl FnMut(race::Window)) -> Order {
    let (race, tape) = race::from_bytes(bytes);
    let run = race::run(&race, tape.choices());
    run.windows.iter().for_each(|window| windows(*window));
    if run.is_broken() {
        let said =
            format!("{}, calls that waited for a later delivery (L3): {}", run.violated, run.overwaits);
        let schedule = tape.choices().to_vec();
        tell(&said, &Case::Race(Scheduled { race, schedule }));
    }
    Order::of(&race, &run)
}

/// A race and the order of its steps, as a hash: equal for two schedules of one race that differ in the order of independent steps only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Order(u64);

impl Order {
    fn of(race: &race::Race, run: &race::Run) -> Order {
        let mut hasher = DefaultHasher::new();
        (race.print(), run.order).hash(&mut hasher);
        Order(hasher.finish())
    }
}

/// How many runs differ in more than the order of independent steps.
///
/// ```
/// use properties::fuzzing::{Distinct, schedule_telling};
///
/// let mut distinct = Distinct::default();
/// for bytes in [b"one", b"one", b"two"] {
///     distinct.count(schedule_telling(bytes, &mut |_| ()));
/// }
/// assert_eq!((distinct.runs(), distinct.distinct()), (3, 2));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    runs: u64,
    seen: BTreeSet<Order>,
}

impl Distinct {
    /// Runs that are counted at most: more would take too much memory.
    pub const MOST: u64 = 1 << 22;

    /// One more run.
    pub fn count(&mut self, order: Order) {
        if self.runs < Distinct::MOST {
            self.runs += 1;
            self.seen.insert(order);
        }
    }

    /// Runs that were counted.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Those of them that differ from each other.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.seen.len() as u64
    }
}
