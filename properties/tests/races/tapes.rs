//! Any bytes are a race and a schedule, and equal bytes give equal traces; the choices of a run repeat it.

use properties::race::{self, Kind, Race, Session, Tape};
use std::sync::Arc;

#[test]
fn the_same_tape_gives_the_same_trace_ten_thousand_times() {
    let mut state = 7_u64;
    for round in 0..10_000 {
        // The bytes are chance of the poorest kind, on purpose: everything is a tape.
        let bytes: Vec<u8> = (0..round % 96)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let (race, tape) = race::from_bytes(&bytes);
        let first = race::trace(&race, tape.choices(), None);
        assert_eq!(first, race::trace(&race, tape.choices(), None), "{race}");
        if round % 16 == 0 {
            assert_eq!(first.check(), Ok(()), "{race}");
            assert_eq!(race::replay(&first).as_ref(), Ok(&first), "{race}");
        }
    }
}

#[test]
fn what_a_strategy_chose_is_a_tape_and_every_race_is_its_lines() {
    for (seed, kind) in
        (0..600).zip([Kind::Random, Kind::Pct { depth: 3 }, Kind::Exhaustive].into_iter().cycle())
    {
        let race = race::race_of(seed);
        let lines = race.print();
        assert_eq!(Race::parse(lines.iter().map(String::as_str)).as_ref(), Ok(&race));
        let run = Session::new(kind.start(seed)).run(&Arc::new(race.clone()));
        assert_eq!(race::run(&race, Tape::of(&run.choices).choices()), run, "{kind}: {race}");
    }
}

#[test]
fn a_trace_that_no_longer_fits_is_refused_with_the_first_step_that_differs() {
    let race = race::race_of(3);
    let mut trace = race::trace(&race, &[1, 2, 1], None);
    let at = trace.lines.len() / 2;
    let seq = trace.lines[at].seq;
    trace.lines.remove(at);
    let refused = race::replay(&trace).expect_err("a line is missing");
    let race::ReplayError::Differs { seq: first, .. } = &refused else { panic!("{refused}") };
    // The line behind the missing one is the first that differs, unless a choice is missing.
    assert!(*first <= seq + 1, "{refused}");
}
