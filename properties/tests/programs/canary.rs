//! The broken subject is caught, by name, and made small: a check that cannot fail proves nothing.

use std::time::Duration;

use contract::Core as _;
use engine::core::Core;
use judge::{Rule, TimelineOptions, Verdicts, timeline};
use properties::canary::Canary;
use properties::run::{self, Broken};
use properties::sample::{Options, sample};

fn options() -> Options<'static> {
    Options { runs: Some(4000), ..Options::new(1, Duration::from_secs(600)) }
}

#[test]
fn the_canary_breaks_r1_and_r2_and_each_is_told_as_a_short_story() {
    let found = sample(<Canary<Core>>::new, &options());
    for rule in [Rule::R1, Rule::R2] {
        let failure = found.failures.iter().find(|failure| match failure.broken {
            Broken::Rules(rules) => rules.contains(rule),
            Broken::Agreement(_) => false,
        });
        let failure = failure.unwrap_or_else(|| panic!("{rule} was not found in {} runs", found.runs));
        assert!(failure.program.steps.len() <= 9, "{}", failure.program);
        let trace = run::trace(&failure.program, <Canary<Core>>::new, "test", Some(failure.seed));
        let verdicts = Verdicts::of(&trace);
        assert!(
            verdicts.violated().contains(rule),
            "the judge of traces agrees with the monitors of the run"
        );
        let violation = verdicts.violations().find(|violation| violation.rule == rule);
        let story = timeline(&trace, &TimelineOptions { violation, ..TimelineOptions::default() });
        assert!(story.contains(">>"), "the decisive lines are marked:\n{story}");
    }
}

#[test]
fn the_engine_breaks_nothing_in_the_same_programs() {
    let found = sample(Core::new, &options());
    assert!(found.failures.is_empty(), "{}", found.failures[0].program);
    assert_eq!(found.runs, 4000);
}

#[test]
fn every_step_of_a_small_program_is_needed() {
    let found = sample(<Canary<Core>>::new, &options());
    for failure in found.failures {
        for left_out in 0..failure.program.steps.len() {
            let mut less = failure.program.clone();
            less.steps.remove(left_out);
            let outcome = run::run(&less, <Canary<Core>>::new);
            assert!(!outcome.broken.is_some_and(|broken| broken.is_like(&failure.broken)), "{less}");
        }
    }
}
