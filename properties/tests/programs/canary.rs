//! The broken subject is caught, by name, and made small: a check that cannot fail proves nothing.

use std::time::Duration;

use contract::Core as _;
use engine::core::Core;
use judge::{Rule, RuleSet, TimelineOptions, Verdicts, timeline};
use properties::canary::Canary;
use properties::findings::Raw;
use properties::minimize::{Case, CoreName, Minimal, minimize};
use properties::run;
use properties::sample::{Options, sample};

fn options() -> Options<'static> {
    Options { runs: Some(4000), ..Options::new(1, Duration::from_secs(600)) }
}

/// What is found of the canary, made small.
fn small() -> Vec<(Raw, Minimal)> {
    let failures = sample(<Canary<Core>>::new, &options()).failures;
    let raws = failures.iter().flat_map(|failure| failure.raws(CoreName::Canary));
    let small = |raw: Raw| {
        let rules = raw.rule().map_or(RuleSet::ALL, |rule| RuleSet::of(&[rule]));
        let minimal = minimize(&raw.case, rules).expect("it fails");
        (raw, minimal)
    };
    raws.map(small).collect()
}

#[test]
fn the_canary_breaks_r1_and_r2_and_each_is_told_as_a_short_story() {
    let found = small();
    for rule in [Rule::R1, Rule::R2] {
        let of_rule = found.iter().find(|(raw, _)| raw.rule() == Some(rule));
        let (raw, minimal) = of_rule.unwrap_or_else(|| panic!("{rule} was not found"));
        let Case::Stepped(_, program) = &minimal.case else { panic!("{minimal}") };
        assert!(program.steps.len() <= 9, "{program}");
        let trace = run::trace(program, <Canary<Core>>::new, "test", raw.seed);
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
    for (_, minimal) in small() {
        let Case::Stepped(_, program) = &minimal.case else { panic!("{minimal}") };
        for left_out in 0..program.steps.len() {
            let mut less = program.clone();
            less.steps.remove(left_out);
            let failed = Case::Stepped(CoreName::Canary, less).failure(minimal.failed.id.rules());
            assert_ne!(failed.map(|failed| failed.id), Some(minimal.failed.id));
        }
    }
}
