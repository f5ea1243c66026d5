//! SARIF: valid under the standard's own schema, whatever the texts are, and each failure in it once.
//!
//! The schema in `tests/sarif` is the file of OASIS for version 2.1.0, unchanged.

use crate::fixture;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use reports::{Finding, Pages, Results, Status, sarif};
use serde_json::Value;

/// The standard's schema, ready to judge.
struct Standard {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Standard {
    fn new() -> Standard {
        let schema =
            serde_json::from_str(include_str!("../sarif/sarif-2.1.0.schema.json")).expect("it is JSON");
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource("sarif.json", schema).expect("it is a schema");
        let mut schemas = Schemas::new();
        let index = compiler.compile("sarif.json", &mut schemas).expect("it is a schema");
        Standard { schemas, index }
    }

    fn judge(&self, log: &Value) -> Result<(), String> {
        self.schemas.validate(log, self.index).map_err(|error| format!("{error:#}\n{log:#}"))
    }
}

fn read(results: &Results, pages: &Pages) -> Value {
    serde_json::from_str(&sarif(results, pages)).expect("it is JSON")
}

fn pages() -> [Pages; 2] {
    [Pages::Unknown, Pages::Below("https://example.org/bgcheck/blob/626fa91".to_owned())]
}

#[test]
fn every_log_is_valid_and_one_with_a_mistake_is_not() {
    let standard = Standard::new();
    for results in [fixture::held(), fixture::violated(), fixture::skipped(), fixture::vacuous()] {
        for pages in pages() {
            standard.judge(&read(&results, &pages)).expect("it is valid");
        }
    }
    for (path, mistake) in [
        ("/runs/0/results/0/level", "bad"),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", "1"),
        ("/runs/0/tool/driver/rules/0/helpUri", "no address"),
        ("/version", "2.0.0"),
    ] {
        let mut log = read(&fixture::violated(), &pages()[1]);
        *log.pointer_mut(path).expect("it is there") = mistake.into();
        standard.judge(&log).expect_err(path);
    }
}

#[test]
fn each_failure_is_one_result_at_its_rule_with_its_name() {
    let mut results = fixture::violated();
    // A second engine finds one of them, too.
    let Some(engine) = results.engines.last().cloned() else { unreachable!("it has engines") };
    results.engines.push(reports::EngineResult { name: "again".to_owned(), ..engine });
    let log = read(&results, &Pages::Unknown);
    let found = log["runs"][0]["results"].as_array().expect("it has results");
    let line = |one: &Value| one["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
    let page: Vec<&str> = include_str!("../../../docs/contract.md").lines().collect();
    assert_eq!(found.len(), 2);
    for (one, (rule, id)) in found.iter().zip([("R1", "R1-7f3a09c2"), ("R2", "R2-01d5ce11")]) {
        assert_eq!((&one["ruleId"], &one["partialFingerprints"]["failureId/v1"]), (&rule.into(), &id.into()));
        assert_eq!(one["baselineState"], if rule == "R1" { "new" } else { "unchanged" });
        assert_eq!((&one["level"], &one["occurrenceCount"]), (&"error".into(), &2.into()));
        let line = line(one).and_then(|line| usize::try_from(line).ok()).expect("it has a line");
        assert!(page[line - 1].starts_with(&format!("### {rule} ")), "{}", page[line - 1]);
        let index =
            one["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok()).expect("an index");
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], rule);
        let steps = one["codeFlows"][0]["threadFlows"][0]["locations"].as_array().expect("it has a flow");
        assert!(steps.len() >= 3, "{steps:?}");
    }
}

#[test]
fn what_is_no_failure_is_told_and_is_no_result() {
    for (results, level) in
        [(fixture::skipped(), "warning"), (fixture::vacuous(), "warning"), (broken(), "error")]
    {
        let log = read(&results, &Pages::Unknown);
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(0));
        let told = &run["invocations"][0];
        assert_eq!(told["executionSuccessful"], level != "error");
        assert_eq!(told["exitCode"], results.outcome().exit_code.code());
        assert_eq!(told["toolExecutionNotifications"][0]["level"], level);
    }
    let log = read(&fixture::held(), &Pages::Unknown);
    assert_eq!(log["runs"][0]["invocations"][0]["toolExecutionNotifications"], Value::Array(Vec::new()));
}

fn broken() -> Results {
    let mut results = fixture::held();
    results.engines[0].status = Status::Failed { why: "no reason".to_owned() };
    results
}

#[test]
fn a_failure_that_does_not_come_each_time_is_a_warning() {
    let mut results = fixture::violated();
    let Some(Status::Ran(ran)) = results.engines.last_mut().map(|engine| &mut engine.status) else {
        unreachable!("it ran")
    };
    let failure = ran.findings[0].finding.failure().cloned().expect("it is broken");
    ran.findings[0].finding = Finding::Flaky { failure, reproduced: 1, replays: 20 };
    let log = read(&results, &Pages::Unknown);
    assert_eq!(log["runs"][0]["results"][0]["level"], "warning");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_log_invalid(noise in "(\\PC|[\u{0}-\u{1f}{}#%\\[\\]()\u{202e}]){0,40}") {
        let standard = Standard::new();
        let log = read(&fixture::said(&noise), &pages()[1]);
        prop_assert_eq!(standard.judge(&log), Ok(()));
    }
}
