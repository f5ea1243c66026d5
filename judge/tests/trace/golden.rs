//! Traces written down once, by hand. They are never regenerated: a change that breaks one breaks every trace there is.

use judge::trace::Kind;
use judge::{Rule, RuleSet, Trace, Verdict, Verdicts};

pub(crate) fn read(name: &str) -> String {
    let path = format!("{}/golden/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn golden_traces_are_read_and_judged_as_ever() {
    let golden: [(&str, usize, &[Rule]); 6] = [
        ("bits-download", 39, &[]),
        ("do-cancel-race", 21, &[]),
        ("bits-late-callback", 14, &[Rule::R1]),
        ("do-masked", 20, &[Rule::R2]),
        ("bits-program-and-crash", 26, &[]),
        ("bits-foreign", 4, &[Rule::R2, Rule::R3]),
    ];
    for (name, lines, broken) in golden {
        let trace = Trace::parse(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(trace.lines.len(), lines, "{name}");
        assert_eq!(Trace::parse(&trace.print()).as_ref(), Ok(&trace), "{name}");
        let verdicts = Verdicts::of(&trace);
        assert_eq!(verdicts.violated(), RuleSet::of(broken), "{name}: {verdicts:#?}");
    }
    assert_eq!(golden.len(), count(), "every golden trace is in the list");
}

fn count() -> usize {
    let folder = std::fs::read_dir(format!("{}/golden", env!("CARGO_MANIFEST_DIR")));
    folder.expect("the folder is part of the crate").count()
}

#[test]
fn a_good_run_exercises_most_rules() {
    let trace = Trace::parse(&read("bits-download")).expect("a golden trace");
    let verdicts = Verdicts::of(&trace);
    let held = |rule: &Rule| matches!(verdicts.rules[rule], Verdict::Held { .. });
    let vacuous: Vec<Rule> = RuleSet::HERE.iter().filter(|rule| !held(rule)).collect();
    // Nothing was cancelled, and there is one user with one job.
    assert_eq!(vacuous, [Rule::R1, Rule::R9]);
}

#[test]
fn the_header_turns_switches_and_fields_of_strangers_are_ignored() {
    let masked = Trace::parse(&read("do-masked")).expect("a golden trace");
    assert!(!masked.header.profile().disable_masks.is_on());
    assert!(masked.lines.iter().any(|line| matches!(line.what, Kind::Choose(_))));
    let foreign = Trace::parse(&read("bits-foreign")).expect("a golden trace");
    assert!(!foreign.print().contains("vendor"));
    assert!(!foreign.print().contains("duration_us"));
}
