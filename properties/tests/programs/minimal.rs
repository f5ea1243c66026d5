//! What is made small is 1-minimal, keeps its name, and comes out in seconds.

use std::time::{Duration, Instant};

use contract::Core as _;
use contract::Event;
use contract::defect::Design;
use engine::core::Core;
use judge::trace::Kind as LineKind;
use judge::{Line, Rule, RuleSet, Trace};
use properties::canary::Canary;
use properties::minimize::races::{self, Scheduled};
use properties::minimize::{Case, CoreName, End, Identity, Rate, Smaller as _, minimize, stepped};
use properties::program::Program;
use properties::race::{self, Kind, Session, Tape};
use properties::{run, sample};

/// A program with this number of steps in which the canary breaks a rule, and the rule.
fn long_failure(steps: usize) -> (Program, Rule) {
    let failing = (0..).find_map(|seed| {
        let bytes: Vec<u8> = (0..6).flat_map(|part| sample::bytes(seed * 6 + part)).collect();
        let mut program = Program::from_bytes(&bytes);
        let mut ran = 0;
        let outcome = run::run_watched(&program, <Canary<Core>>::new, &mut |_, _| ran += 1);
        let Some(run::Broken::Rules(rules)) = outcome.broken else { return None };
        program.steps.truncate(steps);
        let still = run::run(&program, <Canary<Core>>::new).broken.is_some();
        (still && program.steps.len() == steps).then(|| Some((program, rules.iter().next()?))).flatten()
    });
    failing.expect("the seeds do not end")
}

#[test]
fn two_hundred_steps_are_made_small_within_ten_seconds_and_none_can_go() {
    let (program, rule) = long_failure(200);
    let started = Instant::now();
    let minimal =
        minimize(&Case::Stepped(CoreName::Canary, program), RuleSet::of(&[rule])).expect("it fails");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let Case::Stepped(_, small) = &minimal.case else { panic!("{minimal}") };
    assert!(small.steps.len() <= 10, "{minimal}");
    assert_eq!(minimal.tapes[0].effort.before, 200);
    assert_eq!(minimal.tapes[0].effort.end, End::Minimal);
    assert_eq!(minimal.rate, Some(Rate { reproduced: 20, replays: 20 }));
    for at in 0..small.steps.len() {
        let less = small.without(at..at + 1);
        assert!(
            !stepped::fails_so(&less, &minimal.failed, <Canary<Core>>::new),
            "step {at} can go:\n{small}"
        );
    }
    // The program ends with the late callback. One that starts earlier has to be waited for, so with one step exchanged the call does
    // not return, or the canary parts from the specification: no run does as much and passes, and the page says so. That the decision is
    // named where there is one, the test of races below shows.
    assert_eq!(minimal.nearest, None);
    let said = "no change of one decision gives a run that does as much and passes";
    assert!(minimal.facts().iter().any(|fact| fact == said), "{minimal}");
    for at in 1..small.steps.len() {
        let mut exchanged = small.clone();
        exchanged.steps.swap(at - 1, at);
        let outcome = run::run(&exchanged, <Canary<Core>>::new);
        let trace = run::trace(&exchanged, <Canary<Core>>::new, "test", None);
        let does_less = returns_and_enters(&trace) < returns_and_enters(&minimal.failed.trace);
        assert!(outcome.broken.is_some() || does_less, "step {at} later saves it:\n{exchanged}");
    }
}

/// Calls that succeed and callbacks that start.
fn returns_and_enters(trace: &Trace) -> usize {
    let counts = |line: &&Line| match &line.what {
        LineKind::Return(returned) => returned.hr.succeeded(),
        LineKind::Enter(_) => true,
        _ => false,
    };
    trace.lines.iter().filter(counts).count()
}

/// A race of a wrong design that breaks a rule.
fn found(design: Design, rule: Rule) -> Scheduled {
    let race = |seed| {
        let mut race = race::race_of(seed);
        race.design = design;
        std::sync::Arc::new(race)
    };
    let run = |seed| {
        let race = race(seed);
        let run = Session::new(Kind::Random.start(seed)).run(&race);
        let schedule = Tape::of(&run.choices).choices().to_vec();
        run.violated.contains(rule).then(|| Scheduled { race: race::Race::clone(&race), schedule })
    };
    (0..).find_map(run).expect("the seeds do not end")
}

#[test]
fn no_step_of_a_small_race_can_go_and_no_choice_of_its_schedule() {
    let case = Case::Race(found(Design::Recheck, Rule::R1));
    let minimal = minimize(&case, RuleSet::of(&[Rule::R1])).expect("it fails");
    let Case::Race(small) = &minimal.case else { panic!("{minimal}") };
    assert_eq!(minimal.rate, Some(Rate { reproduced: 20, replays: 20 }));
    for line in small.race.print() {
        let lines = small.race.print();
        let less = lines.iter().filter(|other| **other != line).map(String::as_str);
        // Lines that make the frame cannot be left out.
        let Ok(race) = race::Race::parse(less) else { continue };
        if line.starts_with("design") {
            continue;
        }
        let less = Scheduled { race, schedule: small.schedule.clone() };
        assert!(!races::fails_so(&less, &minimal.failed), "{line:?} can go:\n{}", small.race);
    }
    for at in 0..small.schedule.len() {
        let mut less = small.clone();
        less.schedule.remove(at);
        assert!(!races::fails_so(&less, &minimal.failed), "choice {at} can go: {:?}", small.schedule);
    }
    let nearest = minimal.nearest.as_ref().expect("one choice saves it");
    let again = race::replay(&nearest.trace).expect("it is a race");
    let (race, schedule) = race::from_trace(&again).expect("it is a race");
    assert!(!race::run(&race, &schedule).is_broken(), "{}", nearest.what);
}

#[test]
fn a_recorded_run_is_cut_down_to_what_shows_the_violation() {
    // A trace that cannot be run again: its subject is unknown.
    let (program, rule) = long_failure(80);
    let mut trace = run::trace(&program, <Canary<Core>>::new, "test", None);
    trace.header.subject = "a stranger".to_owned();
    let case = Case::of_trace(&trace);
    assert!(matches!(case, Case::Recorded(_)));
    let minimal = minimize(&case, RuleSet::of(&[rule])).expect("it fails");
    let Case::Recorded(small) = &minimal.case else { panic!("{minimal}") };
    assert!(small.lines.iter().all(|line| trace.lines.contains(line)), "every line was recorded");
    assert_eq!(small.check(), Ok(()));
    assert!(small.lines.len() < trace.lines.len() / 2, "{minimal}");
    let whole = Case::Recorded(trace).failure(RuleSet::of(&[rule])).expect("it fails");
    assert_eq!((minimal.failed.id, minimal.rate), (whole.id, None));
    assert!(minimal.to_string().contains("no engine here can repeat"), "{minimal}");
}

#[test]
fn a_failure_that_comes_and_goes_has_a_rate() {
    let mut runs = 0;
    let rate = Rate::of(&mut || {
        runs += 1;
        runs % 4 != 0
    });
    assert_eq!((rate, rate.is_certain()), (Rate { reproduced: 15, replays: 20 }, false));
}

#[test]
fn what_breaks_nothing_is_not_made_small() {
    let case = Case::Stepped(CoreName::Core, sample::program(1));
    assert!(minimize(&case, RuleSet::ALL).is_err());
    let failed = found(Design::GateNoWait, Rule::R4);
    assert!(matches!(
        races::failure(&failed, RuleSet::of(&[Rule::R4])).map(|failed| failed.id),
        Some(Identity::Rule(id)) if id.rule == Rule::R4
    ));
}

/// A call from inside a callback means nothing without the start of that callback.
#[test]
fn an_excerpt_keeps_the_enter_of_a_call_that_waits_inside() {
    let text = include_str!("../../../judge/reports/unregister-waits-for-itself/buggy.jsonl");
    let trace = Trace::parse(text).expect("a committed trace");
    let minimal = minimize(&Case::Recorded(trace), RuleSet::of(&[Rule::R16])).expect("it breaks R16");
    let Case::Recorded(small) = &minimal.case else { panic!("{minimal}") };
    let enters =
        |line: &Line| matches!(&line.what, LineKind::Enter(enter) if enter.event == Event::JobTransferred);
    assert!(small.lines.iter().any(enters), "{}", small.print());
    assert!(small.lines.len() <= 4, "{}", small.print());
}
