//! The exit code is a pure function of the results: each reason alone, and every subset of them together.

use crate::fixture;

use reports::{
    Agreement, Amount, Approach, Canary, Ended, ExitCode, Failure, Finding, Kills, ModelEdges, Ran, Rate,
    Results, RuleId, Signal, Standing, Status, Table, Unit, WitnessSeen,
};

/// Changes one engine of a run, and with it the exit code.
type Spoil = fn(&mut Results);

/// The code that each way to spoil a run asks for; each touches an engine, or a field, of its own.
const SPOILS: [(ExitCode, Spoil); 6] = [
    (ExitCode::Internal, |results| {
        results.engines[0].status = Status::Failed { why: "out of memory".to_owned() }
    }),
    (ExitCode::Violated, |results| {
        ran(results, 7).findings[0].finding = Finding::Violated(fixture::failure("R1-1"));
    }),
    (ExitCode::Flaky, |results| {
        let failure = fixture::failure("R2-1");
        ran(results, 7).findings[1].finding = Finding::Flaky { failure, reproduced: 1, replays: 10 };
    }),
    (ExitCode::Vacuous, |results| ran(results, 7).findings[3].finding = Finding::sampled(0)),
    (ExitCode::Skipped, |results| {
        results.engines[4].status = Status::Skipped { why: "no cargo-fuzz".to_owned(), install_hint: None };
    }),
    (ExitCode::BudgetSpent, |results| {
        let ran = ran(results, 2);
        ran.ended = Ended::BudgetSpent;
        // Without an end nothing is proved: what held was sampled.
        ran.findings.iter_mut().for_each(|result| result.finding = Finding::sampled(5));
    }),
];

#[test]
fn of_every_set_of_reasons_the_weightiest_decides() {
    let precedence = [70, 2, 3, 4, 6, 5, 0];
    for subset in 0..1_u32 << SPOILS.len() {
        let mut results = fixture::held();
        let mut codes = vec![ExitCode::Held];
        for (index, (code, spoil)) in SPOILS.iter().enumerate() {
            if subset & (1 << index) != 0 {
                spoil(&mut results);
                codes.push(*code);
            }
        }
        let outcome = results.outcome();
        let expected = precedence.into_iter().find(|code| codes.iter().any(|each| each.code() == *code));
        assert_eq!(Some(outcome.exit_code.code()), expected, "{codes:?}");
        assert_eq!(outcome.reasons.len(), codes.len() - 1, "each is told: {:?}", outcome.reasons);
    }
}

#[test]
fn the_numbers_are_the_documented_ones() {
    let numbers = ExitCode::BY_PRECEDENCE.map(ExitCode::code);
    assert_eq!(numbers, [70, 1, 2, 3, 4, 6, 5, 0]);
}

/// What is known decides how a run ends that was stopped; where nothing is, the signal does, as shells have it.
#[test]
fn a_run_that_was_stopped_ends_with_what_is_known_and_else_with_its_signal() {
    for (signal, number) in Signal::ALL {
        let mut results = fixture::held();
        results.run.stopped_by = Some(signal);
        assert_eq!(results.outcome().exit_code, ExitCode::Held, "it had done its work");
        results.engines.clear();
        results.canaries.clear();
        results.kills = None;
        assert_eq!(results.outcome().exit_code.code(), 128 + number);
        let mut results = fixture::held();
        results.run.stopped_by = Some(signal);
        SPOILS.iter().for_each(|(_, spoil)| spoil(&mut results));
        assert_eq!(results.outcome().exit_code, ExitCode::Internal, "it knows what it knows");
    }
}

#[test]
fn nothing_done_is_never_held() {
    let nothing: [(&str, Spoil); 7] = [
        ("no engine", |results| results.engines.clear()),
        ("no runs", |results| {
            ran(results, 4).work = vec![Amount::new(Unit::Runs, 0), Amount::new(Unit::Steps, 9)]
        }),
        ("no states", |results| ran(results, 0).work[0].done = 0),
        ("no traces", |results| ran(results, 7).work[3].done = 0),
        ("nothing counted", |results| ran(results, 7).work.clear()),
        ("nothing compared", |results| ran(results, 5).agreement = agreement(0)),
        ("nothing judged", |results| ran(results, 5).agreement = None),
    ];
    for (name, spoil) in nothing {
        let mut results = fixture::held();
        spoil(&mut results);
        let outcome = results.outcome();
        assert_eq!(outcome.exit_code, ExitCode::Vacuous, "{name}: {:?}", outcome.reasons);
    }
}

/// A night that did nothing new is none, whatever its findings on the rules.
#[test]
fn nothing_new_is_never_held() {
    let nothing_new: [(&str, Spoil, ExitCode); 12] = [
        ("three idle nights, and edges are missing", |results| idle(results, 3), ExitCode::Vacuous),
        ("two idle nights", |results| idle(results, 2), ExitCode::Held),
        (
            "idle, and nothing is missing",
            |results| {
                idle(results, 30);
                edges(results).missing.clear();
            },
            ExitCode::Held,
        ),
        ("more than nine of ten runs were replayed", |results| replayed(results, 901), ExitCode::Vacuous),
        ("nine of ten", |results| replayed(results, 900), ExitCode::Held),
        ("fewer edges", |results| edges(results).last_night = Some(3_943), ExitCode::Vacuous),
        ("as many edges", |results| edges(results).last_night = Some(3_942), ExitCode::Held),
        ("half a canary", |results| results.canaries[0].seen.truncate(1), ExitCode::Vacuous),
        ("a canary by any rule", |results| results.canaries[0].expected.clear(), ExitCode::Held),
        ("no canary", |results| unseen(results), ExitCode::Vacuous),
        ("a fault that is no longer seen", lose_a_fault, ExitCode::Violated),
        ("no fault was tried", |results| kills(results).rows.clear(), ExitCode::Vacuous),
    ];
    for (name, spoil, code) in nothing_new {
        let mut results = fixture::held();
        spoil(&mut results);
        let outcome = results.outcome();
        assert_eq!(outcome.exit_code, code, "{name}: {:?}", outcome.reasons);
    }
}

/// A canary is caught by the rules that were expected, not by any.
#[test]
fn a_canary_is_caught_when_all_that_is_expected_is_broken() {
    let mut results = fixture::violated();
    let engine = results.engines.pop().expect("the live run, which finds R1 and R2 broken");
    let is_caught = |expected: &[&str]| {
        let expected: Vec<RuleId> = expected.iter().map(|id| (*id).into()).collect();
        Canary::of(&engine, "a core that does not wait", &expected).is_caught()
    };
    assert!(is_caught(&["R1", "R2"]));
    assert!(is_caught(&[]), "any rule");
    assert!(!is_caught(&["R1", "R9"]));
    let compared = |disagreements: Vec<Failure>| {
        let mut results = fixture::violated();
        let ran = ran(&mut results, 0);
        ran.findings.clear();
        ran.agreement =
            Some(Agreement { what: "specification and core".to_owned(), compared: 9, disagreements });
        results.engines.swap_remove(0)
    };
    let parted = compared(vec![fixture::failure("it does something else")]);
    assert!(Canary::of(&parted, "a core that does not wait", &[]).is_caught(), "no rule is named");
    assert!(!Canary::of(&parted, "a core that does not wait", &["R1".into()]).is_caught());
    assert!(!Canary::of(&compared(Vec::new()), "a core that does not wait", &[]).is_caught());
    let skipped = fixture::skipped();
    let engine = &skipped.engines[4];
    assert!(!Canary::of(engine, "a core that does not wait", &["R1".into()]).is_caught());
}

fn idle(results: &mut Results, nights: u64) {
    ran(results, 4).corpus.as_mut().expect("a fuzzer has one").idle_nights = nights;
}

/// Of a thousand runs.
fn replayed(results: &mut Results, runs: u64) {
    let ran = ran(results, 4);
    ran.work[0] = Amount::new(Unit::Runs, 1_000);
    ran.corpus.as_mut().expect("a fuzzer has one").replayed = runs;
}

fn edges(results: &mut Results) -> &mut ModelEdges {
    ran(results, 4).edges.as_mut().expect("lockstep has them")
}

fn kills(results: &mut Results) -> &mut Kills {
    results.kills.as_mut().expect("the run had faults")
}

fn lose_a_fault(results: &mut Results) {
    kills(results).lost.push(("cancel-returns-early".to_owned(), "lockstep".to_owned()));
}

fn unseen(results: &mut Results) {
    (results.canaries[0].expected, results.canaries[0].seen) = (Vec::new(), Vec::new());
}

/// An exhaustive engine proves at its end. Before that it has judged nothing, and that is the budget's fault.
#[test]
fn an_exploration_that_was_cut_short_is_unfinished_and_not_vacuous() {
    let mut results = fixture::held();
    let ran = ran(&mut results, 0);
    (ran.ended, ran.agreement) = (Ended::BudgetSpent, None);
    let why = "the budget was spent before".to_owned();
    ran.findings.iter_mut().for_each(|result| result.finding = Finding::NotDecidable { why: why.clone() });
    assert_eq!(results.outcome().exit_code, ExitCode::BudgetSpent);
}

/// What fails only now and then is flaky, whether it breaks a rule or an agreement.
#[test]
fn a_failure_that_does_not_come_back_each_time_is_flaky() {
    let rate = |reproduced| Some(Rate { reproduced, replays: 20 });
    let failure = |reproduced| Failure { rate: rate(reproduced), ..fixture::failure("R1-7f3a09c2") };
    assert!(matches!(Finding::broken(failure(20)), Finding::Violated(_)));
    assert!(matches!(Finding::broken(failure(19)), Finding::Flaky { reproduced: 19, replays: 20, .. }));
    let mut results = fixture::held();
    ran(&mut results, 0).findings[0].finding = Finding::broken(failure(19));
    assert_eq!(results.outcome().exit_code, ExitCode::Flaky);
    for (reproduced, code) in [(0, ExitCode::Flaky), (20, ExitCode::Violated)] {
        let mut results = fixture::held();
        let agreement = ran(&mut results, 5).agreement.as_mut().expect("it compares");
        agreement.disagreements.push(failure(reproduced));
        assert_eq!(results.outcome().exit_code, code, "{reproduced} of 20");
    }
}

#[test]
fn a_run_of_skipped_engines_is_skipped() {
    let mut results = fixture::skipped();
    results.engines.retain(|engine| matches!(engine.status, Status::Skipped { .. }));
    assert_eq!(results.outcome().exit_code, ExitCode::Skipped);
}

#[test]
fn a_proof_that_its_engine_cannot_give_is_not_believed() {
    let unbelievable: [(ExitCode, Spoil); 3] = [
        (ExitCode::Internal, |results| ran(results, 0).approach = Approach::Sampling),
        (ExitCode::Internal, |results| ran(results, 0).ended = Ended::BudgetSpent),
        (ExitCode::Vacuous, |results| ran(results, 0).witnesses[0].seen = WitnessSeen::NotReached),
    ];
    for (code, spoil) in unbelievable {
        let mut results = fixture::held();
        spoil(&mut results);
        assert_eq!(results.outcome().exit_code, code);
        // The other dialect's proof stands, and covers for nothing.
        let table = Table::of(&results);
        let parts = &table.rows[0].cells[0].parts;
        assert_eq!(
            parts.iter().map(|part| part.standing == Standing::Proved).collect::<Vec<_>>(),
            [false, true]
        );
    }
}

#[test]
fn a_disagreement_violates() {
    let mut results = fixture::held();
    ran(&mut results, 4).agreement.as_mut().expect("lockstep compares").disagreements =
        vec![fixture::failure("D-1")];
    assert_eq!(results.outcome().exit_code, ExitCode::Violated);
}

#[test]
fn a_finding_of_a_rule_that_is_not_listed_still_counts() {
    let mut results = fixture::violated();
    results.rules.clear();
    assert_eq!(results.outcome().exit_code, ExitCode::Violated);
    let table = Table::of(&results);
    assert!(table.rows.iter().any(|row| row.cells.iter().any(|cell| cell.standing == Standing::Violated)));
}

fn agreement(compared: u64) -> Option<Agreement> {
    Some(Agreement { what: "equal".to_owned(), compared, disagreements: Vec::new() })
}

fn ran(results: &mut Results, engine: usize) -> &mut Ran {
    match &mut results.engines[engine].status {
        Status::Ran(ran) => ran,
        other => panic!("the fixture's engine {engine} runs, not {other:?}"),
    }
}

/// The document has the words of the code: a change of one is a change of both.
#[test]
fn the_document_has_a_row_for_each_code() {
    let document = include_str!("../../../docs/exit-codes.md");
    for code in ExitCode::all() {
        assert!(document.contains(&code.row()), "docs/exit-codes.md has no row {}", code.row());
    }
}

#[test]
fn engines_that_find_one_failure_give_one_reason_and_a_sure_one_is_kept_beside_a_flaky_one() {
    let mut results = fixture::held();
    for engine in [0, 2, 7] {
        ran(&mut results, engine).findings[0].finding = Finding::Violated(fixture::failure("R1-1"));
    }
    let outcome = results.outcome();
    let [reason] = &outcome.reasons[..] else { panic!("one finding, one reason: {:?}", outcome.reasons) };
    assert_eq!(reason.failure, Some("R1-1".to_owned()));
    assert!(reason.what.ends_with("; found by 2 more engines"), "{}", reason.what);

    let failure = fixture::failure("R1-1");
    ran(&mut results, 0).findings[0].finding = Finding::Flaky { failure, reproduced: 1, replays: 10 };
    let codes: Vec<ExitCode> = results.outcome().reasons.iter().map(|reason| reason.exit_code).collect();
    assert_eq!(codes, [ExitCode::Violated, ExitCode::Flaky]);
    // The page has one article of it, and that is not the flaky one.
    let page = reports::html(&results);
    assert_eq!(page.matches("<article").count(), 1);
    assert!(!page.contains("<b>Flaky</b>"), "{page}");
}
