//! JUnit's XML: what is no success never looks like one.

use crate::fixture;

use quick_junit::{Report, TestCaseStatus};
use reports::{Finding, Status, junit};

#[test]
fn every_rule_is_a_case_and_only_what_was_judged_has_passed() {
    for results in [fixture::held(), fixture::violated(), fixture::skipped(), fixture::vacuous()] {
        let report = Report::deserialize_from_str(&junit(&results)).expect("it is JUnit's XML");
        let suites = report.test_suites.iter();
        for (engine, suite) in results.engines.iter().zip(suites) {
            let Status::Ran(ran) = &engine.status else {
                assert!(
                    suite
                        .test_cases
                        .iter()
                        .all(|case| !matches!(case.status, TestCaseStatus::Success { .. }))
                );
                continue;
            };
            for result in &ran.findings {
                let case = suite.test_cases.iter().find(|case| case.name.as_str() == result.rule.0);
                let has_passed =
                    matches!(case.expect("a case for the rule").status, TestCaseStatus::Success { .. });
                let was_judged = matches!(result.finding, Finding::Proved { .. } | Finding::Sampled { .. });
                assert_eq!(has_passed, was_judged, "{}: {:?}", suite.name.as_str(), result.finding);
            }
        }
    }
}

#[test]
fn no_text_from_outside_gets_out_of_its_place() {
    let mut results = fixture::violated();
    for engine in &mut results.engines {
        engine.name += "</testsuite><x>&\"'\u{1b}[31m\u{0}";
    }
    assert!(Report::deserialize_from_str(&junit(&results)).is_ok());
}
