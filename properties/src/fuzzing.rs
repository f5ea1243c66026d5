//! The bodies of the fuzz targets. The bindings in `fuzz/` are a line each, so that everything here is tested by
//! `cargo test` as well.

use contract::Core as _;
use contract::judge::{TimelineOptions, Trace, timeline};
use engine::core::Core;

use crate::program::Program;
#[cfg(feature = "race")]
use crate::race;
use crate::run;

/// Target `lockstep`: any bytes are a program; on it, specification and core agree and no rule is broken.
///
/// # Panics
/// They do not. The message is the program and its timeline, not the bytes.
pub fn lockstep(bytes: &[u8]) {
    if let Some(broken) = run::run_bytes(bytes, Core::new).broken {
        let small = run::shrink(&Program::from_bytes(bytes), &broken, Core::new);
        let trace = run::trace(&small, Core::new, "fuzz lockstep", None);
        let story = timeline(&trace, &TimelineOptions::default());
        panic!(
            "{broken}\n\nThe program, without the steps it does not need:\n{small}\n{story}\n{}",
            small.to_rust()
        );
    }
}

/// Target `trace`: any bytes are either no trace, which is said with its line, or one that prints and parses to itself.
///
/// # Panics
/// The law is broken.
pub fn trace(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(trace) = Trace::parse(text) else { return };
    let printed = trace.print();
    match Trace::parse(&printed) {
        Ok(again) => assert_eq!(again, trace, "printed as:\n{printed}"),
        Err(error) => panic!("a printed trace does not parse: {error}\n{printed}"),
    }
}

/// Target `schedule`: any bytes are a race and its schedule; on the engine's real service it breaks no rule.
///
/// # Panics
/// It does. The message is the race and its timeline, not the bytes.
#[cfg(feature = "race")]
pub fn schedule(bytes: &[u8]) {
    let (race, tape) = race::from_bytes(bytes);
    let run = race::run(&race, tape.choices());
    if run.is_broken() {
        let (small, schedule) = race::shrink_while(&race, tape.choices(), &|again| again.is_like(&run));
        let trace = race::trace(&small, &schedule, None);
        let story = timeline(&trace, &TimelineOptions::default());
        panic!(
            "{}, calls that waited for a later delivery (L3): {}\n\nThe race, without what it does not need:\n{small}\n{story}\n{}",
            run.violated,
            run.overwaits,
            small.to_rust(&schedule)
        );
    }
}
