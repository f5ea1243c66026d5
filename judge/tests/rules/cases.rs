//! Every run that a test here has judged, written down in `cases.jsonl`: `bgcheck mutate` holds mutants of the rules against these runs.
//! Those that are examples of a rule stand in `examples.jsonl`, too.
//!
//! After a change of a run, `UPDATE_CASES=1 cargo test -p judge --test rules` writes the file again.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use judge::cases::Example;
use judge::{Rule, RuleSet, Trace};

/// Set in the process that writes down what its tests judge: the file it goes to.
const WRITE_DOWN: &str = "WRITE_DOWN_CASES";

/// Lines of a run that is still worth its bytes.
const LONGEST: usize = 500;

/// Appends a run to the file of this process, if it has one; its scope is the test that made it.
pub(crate) fn write_down(trace: &Trace) {
    let Some(path) = std::env::var_os(WRITE_DOWN).filter(|_| trace.lines.len() <= LONGEST) else { return };
    let mut trace = trace.clone();
    trace.header.scope = std::thread::current().name().unwrap_or("test").to_owned();
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(trace.print().as_bytes())).expect("the file can be written");
}

#[test]
fn what_the_tests_judge_is_what_is_written_down() {
    if std::env::var_os(WRITE_DOWN).is_some() {
        return;
    }
    let cases = judged_by_all_tests();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/cases.jsonl");
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&committed, &cases).expect("the file can be written");
    }
    let hint = "a run has changed: run this test with UPDATE_CASES=1";
    assert!(fs::read_to_string(&committed).is_ok_and(|text| text == cases), "{hint}");
    let (examples, committed) = (examples_in(&cases), committed.with_file_name("examples.jsonl"));
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&committed, &examples).expect("the file can be written");
    }
    assert!(fs::read_to_string(&committed).is_ok_and(|text| text == examples), "{hint}");
}

/// The run that each rule has as its example.
fn examples_in(cases: &str) -> String {
    let runs = Trace::parse_all(cases).expect("what is printed can be read");
    let examples = Rule::ALL.iter().filter_map(|rule| Example::among(runs.clone(), *rule));
    let mut seen = BTreeSet::new();
    examples.map(|example| example.trace.print()).filter(|trace| seen.insert(trace.clone())).collect()
}

/// Runs this program again, test by test, so that the order is fixed; what is judged twice stands there once.
fn judged_by_all_tests() -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cases.jsonl");
    fs::write(&path, "").expect("the file can be written");
    let myself = std::env::current_exe().expect("this program has a path");
    let again = Command::new(myself).args(["--test-threads=1", "--quiet"]).env(WRITE_DOWN, &path).output();
    let again = again.expect("this program can be run again");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    let text = fs::read_to_string(&path).expect("the file can be read");
    let traces = Trace::parse_all(&text).expect("what is printed can be read");
    let mut seen = BTreeSet::new();
    traces.iter().map(Trace::print).filter(|trace| seen.insert(trace.clone())).collect()
}

/// What `bgcheck explain R6` and `docs/rules.md` show.
#[test]
fn every_rule_with_a_monitor_has_a_run_here_that_breaks_it() {
    for rule in Rule::ALL {
        let example = Example::of(*rule);
        assert_eq!(example.is_some(), RuleSet::HERE.contains(*rule), "{rule}: {:?}", rule.case());
        assert!(example.is_none_or(|example| example.violation.rule == *rule), "{rule}");
    }
}
