//! The annotations of a GitHub workflow.

use crate::fixture;

use reports::{ANNOTATIONS, EngineResult, Status, annotations};

#[test]
fn errors_come_first_and_each_names_its_failure_and_its_command() {
    let mut results = fixture::violated();
    results.engines[0].status =
        Status::Skipped { why: "no network, 100 %".to_owned(), install_hint: Some("none".to_owned()) };
    let lines = annotations(&results, &["race: schedules per second: 21 % below".to_owned()]);
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn there_are_never_more_than_are_shown() {
    let mut results = fixture::violated();
    let Some(last) = results.engines.last().cloned() else { unreachable!("it has engines") };
    for number in 0..30 {
        let mut engine = EngineResult { name: format!("engine {number}"), ..last.clone() };
        let Status::Ran(ran) = &mut engine.status else { unreachable!("it ran") };
        for result in &mut ran.findings {
            if let reports::Finding::Violated(failure) = &mut result.finding {
                failure.id = format!("{}-{number:08x}", result.rule);
            }
        }
        results.engines.push(engine);
    }
    let lines = annotations(&results, &[]);
    assert_eq!(lines.len(), ANNOTATIONS);
    assert_eq!(lines[ANNOTATIONS - 1], "::error title=bgcheck::and 53 more: the report has them all");
    // A failure that a second engine finds is no second one.
    let mut results = fixture::violated();
    let twice = EngineResult { name: "again".to_owned(), ..last };
    results.engines.push(twice);
    assert_eq!(annotations(&results, &[]).len(), 2);
    assert_eq!(annotations(&fixture::held(), &[]), Vec::<String>::new());
}
