//! One result with any number of workers, in every run; and that result a shortest path.

use std::collections::VecDeque;

use explorer::reference::two_phase::{Fault, State, TwoPhase};
use explorer::{Examples, Explorer, Hashed, Limits, Path, Report, Stop, Verdict};
use proptest::prelude::*;
use stateright::Model;

use crate::toy::Table;

/// All of a report but times.
fn essence<M: Model, K>(report: &Report<M, K>) -> String
where
    M::Action: std::fmt::Debug,
    M::State: std::fmt::Debug,
{
    let levels: Vec<_> =
        report.levels.iter().map(|level| (level.frontier, level.states, level.edges)).collect();
    let path = |path: &Path<M>| format!("{:?} {:?}", path.first, path.steps);
    let findings: Vec<String> = report
        .findings
        .iter()
        .map(|finding| match &finding.verdict {
            Verdict::Violated(found) => {
                format!("violated {}", found.as_ref().map_or_else(String::new, |found| path(found)))
            }
            Verdict::Found(Some(found)) => format!("found {}", path(found)),
            other => format!("{other:?}"),
        })
        .collect();
    let deadlock = report.deadlocks.path.as_deref().map(path);
    format!("{levels:?} {findings:#?} {} {deadlock:?} {:?}", report.deadlocks.states, report.fired)
}

#[test]
fn counterexamples_counts_and_verdicts_do_not_depend_on_the_workers() {
    let model = || TwoPhase::broken(4, Fault::AbortsAfterPreparing);
    let exact = |workers| {
        let explorer = Explorer::exact(model()).workers(workers).examples(Examples::All);
        essence(&explorer.explore().expect("an exploration"))
    };
    let hashed = |workers| {
        let explorer = Explorer::<_, Hashed<u64>>::hashed(model()).workers(workers).examples(Examples::All);
        essence(&explorer.explore().expect("an exploration"))
    };
    let (first_exact, first_hashed) = (exact(1), hashed(1));
    assert!(first_exact.contains("violated"));
    for _ in 0..20 {
        for workers in 1..=3 {
            assert_eq!(exact(workers), first_exact, "{workers} workers");
            assert_eq!(hashed(workers), first_hashed, "{workers} workers");
        }
    }
}

#[test]
fn a_counterexample_is_a_real_path_to_a_bad_state() {
    let model = TwoPhase::broken(3, Fault::AbortsAfterPreparing);
    let report = Explorer::exact(model.clone()).workers(2).explore().expect("an exploration");
    let Some(Verdict::Violated(Some(path))) = report.verdict("consistent") else { panic!("{report:?}") };
    let mut at: State = path.first;
    for (action, state) in &path.steps {
        at = model.next_state(&at, *action).expect("an enabled step");
        assert_eq!(at, *state);
    }
    let consistent = model.property("consistent");
    assert!(!(consistent.condition)(&model, path.last()));
}

#[test]
fn a_deadlock_is_reported_unless_it_is_final() {
    let table = || Table {
        first: vec![0],
        successors: vec![vec![1, 2], vec![3], vec![], vec![4], vec![]],
        bad: Vec::new(),
        worse: Vec::new(),
    };
    let report = Explorer::exact(table()).explore().expect("an exploration");
    assert_eq!(report.deadlocks.states, 2);
    assert_eq!(report.deadlocks.path.as_ref().map(|path| *path.last()), Some(2));
    let report = Explorer::exact(table()).finals(|_, state| *state == 2).explore().expect("an exploration");
    assert_eq!(report.deadlocks.states, 1);
    assert_eq!(report.deadlocks.path.as_ref().map(|path| path.steps.len()), Some(3));
    let report = Explorer::exact(table()).finals(|_, _| true).explore().expect("an exploration");
    assert!(report.deadlocks.path.is_none());
}

#[test]
fn a_limit_ends_the_run_at_a_level_and_nothing_is_called_proved() {
    let limits = Limits { depth: Some(3), ..Limits::default() };
    let report =
        Explorer::exact(TwoPhase::new(3)).limits(limits).workers(2).explore().expect("an exploration");
    assert_eq!(report.stop, Some(Stop::Depth));
    assert!(matches!(report.verdict("consistent"), Some(Verdict::Undecided)));
    assert_eq!(report.levels.len(), 4);
}

#[test]
fn a_panic_of_the_model_is_an_error_on_any_number_of_workers() {
    for workers in 1..=3 {
        // State 2 has no successors in the table, not even an empty list of them.
        let table = Table {
            first: vec![0],
            successors: vec![vec![1], vec![2, 0]],
            bad: Vec::new(),
            worse: Vec::new(),
        };
        let error = Explorer::exact(table).workers(workers).explore().expect_err("a panic");
        assert!(error.to_string().contains("index out of bounds"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counterexamples_are_shortest(table in tables()) {
        let distance = distances(&table);
        let nearest = |bad: &[u32]| bad.iter().filter_map(|state| distance[*state as usize]).min();
        let edges: usize = (0..table.successors.len())
            .filter(|state| distance[*state].is_some())
            .map(|state| table.successors[state].len())
            .sum();
        for workers in [1, 2] {
            let report = Explorer::exact(table.clone()).workers(workers).explore().expect("an exploration");
            prop_assert_eq!(report.states as usize, distance.iter().flatten().count());
            prop_assert_eq!(report.edges as usize, edges);
            for (property, bad) in [("not bad", &table.bad), ("not worse", &table.worse)] {
                let length = match report.verdict(property) {
                    Some(Verdict::Violated(Some(path))) => Some(path.steps.len()),
                    _ => None,
                };
                prop_assert_eq!(length, nearest(bad));
            }
        }
    }
}

fn tables() -> impl Strategy<Value = Table> {
    (1u32..30).prop_flat_map(|states| {
        let state = || 0..states;
        let successors = prop::collection::vec(prop::collection::vec(state(), 0..4), states as usize);
        let some = || prop::collection::vec(state(), 0..3);
        (prop::collection::vec(state(), 1..3), successors, some(), some())
            .prop_map(|(first, successors, bad, worse)| Table { first, successors, bad, worse })
    })
}

fn distances(table: &Table) -> Vec<Option<usize>> {
    let mut distance = vec![None; table.successors.len()];
    let mut queue: VecDeque<u32> = table.first.iter().copied().collect();
    table.first.iter().for_each(|state| distance[*state as usize] = Some(0));
    while let Some(state) = queue.pop_front() {
        for next in &table.successors[state as usize] {
            if distance[*next as usize].is_none() {
                distance[*next as usize] = distance[state as usize].map(|steps: usize| steps + 1);
                queue.push_back(*next);
            }
        }
    }
    distance
}
