//! The results as JUnit's XML, for CI systems that show tests.
//!
//! A suite for each engine and dialect, in it a case for each rule it carried and one for its comparison; a suite for the canaries. What had nothing to
//! decide, could not be decided, or did not run is `skipped` with its reason, and never passed.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::results::{Canary, EngineResult, Failure, Finding, Ran, Results, Status};

/// The results as JUnit's XML.
#[must_use]
pub fn junit(results: &Results) -> String {
    let mut report = Report::new("bgcheck");
    for engine in &results.engines {
        report.add_test_suite(suite(engine));
    }
    if !results.canaries.is_empty() {
        report.add_test_suite(canaries(&results.canaries));
    }
    // Everything in it is text, which always has an XML form.
    report.to_string().unwrap_or_default()
}

fn suite(engine: &EngineResult) -> TestSuite {
    let dialect = engine.dialect.map(|dialect| format!(", {dialect}")).unwrap_or_default();
    let switches = if engine.switches.is_empty() { String::new() } else { format!(", {}", engine.switches) };
    let mut suite = TestSuite::new(format!("{}{dialect}{switches}", engine.name));
    match &engine.status {
        Status::Ran(ran) => cases(&mut suite, ran),
        Status::Skipped { why, .. } => {
            suite.add_test_case(skipped("runs", why));
        }
        Status::Failed { why } => {
            suite.add_test_case(wrong("runs", NonSuccessKind::Error, "defect", why, ""));
        }
    }
    suite
}

fn cases(suite: &mut TestSuite, ran: &Ran) {
    suite.set_time(std::time::Duration::from_millis(ran.time_ms));
    for result in &ran.findings {
        suite.add_test_case(of_rule(&result.rule.0, &result.finding));
    }
    let Some(agreement) = &ran.agreement else { return };
    for failure in &agreement.disagreements {
        suite.add_test_case(failed(&failure.id, "disagreement", failure));
    }
    if agreement.compared == 0 {
        suite.add_test_case(skipped("agreement", "nothing was compared"));
    } else if agreement.disagreements.is_empty() {
        suite.add_test_case(passed("agreement"));
    }
}

fn of_rule(rule: &str, finding: &Finding) -> TestCase {
    match finding {
        Finding::Proved { .. } | Finding::Sampled { .. } => passed(rule),
        Finding::Violated(failure) => failed(rule, "violated", failure),
        Finding::Flaky { failure, reproduced, replays } => {
            let mut case = failed(rule, "flaky", failure);
            case.set_system_out(format!("reproduced {reproduced} of {replays}"));
            case
        }
        Finding::Vacuous => skipped(rule, "vacuous: it had nothing to decide"),
        Finding::NotDecidable { why } => skipped(rule, why),
        Finding::NotRun => skipped(rule, "the engine did not carry it"),
    }
}

fn canaries(canaries: &[Canary]) -> TestSuite {
    let mut suite = TestSuite::new("canaries");
    for canary in canaries {
        let name = format!("{}: {}", canary.engine, canary.broken);
        suite.add_test_case(match canary.is_caught() {
            true => passed(&name),
            false => wrong(
                &name,
                NonSuccessKind::Failure,
                "not found",
                "what is broken on purpose was not found",
                "",
            ),
        });
    }
    suite
}

fn passed(name: &str) -> TestCase {
    TestCase::new(name, TestCaseStatus::success())
}

fn skipped(name: &str, why: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    TestCase::new(name, status)
}

fn failed(name: &str, kind: &str, failure: &Failure) -> TestCase {
    let text =
        format!("{}\nreplay: {}\n{}", failure.timeline, failure.replay_command, failure.notes.join("\n"));
    wrong(name, NonSuccessKind::Failure, kind, &failure.id, &text)
}

fn wrong(name: &str, kind: NonSuccessKind, type_: &str, message: &str, text: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(type_).set_message(message).set_description(text);
    TestCase::new(name, status)
}
