//! Counts and verdicts: published ones, and stateright's.

use std::hash::Hash;

use explorer::reference::counters::Counters;
use explorer::reference::two_phase::{Fault, TwoPhase};
use explorer::{Explorer, Form, Identity, Report, Verdict};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// The explorer and stateright's breadth-first search agree in states, edges, depth, and what was discovered.
fn agrees_with_stateright<M, F>(model: M, explorer: Explorer<M, F>)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Hash + Send + Sync + PartialEq + std::fmt::Debug,
    M::Action: Clone + std::fmt::Debug + PartialEq,
    F: Form<M>,
{
    let first_states = model.init_states().len() as u64;
    // stateright ends as soon as each property has its discovery; waiting for one that does not exist keeps it going.
    let checker = model.checker().finish_when(HasDiscoveries::AllOf(["none"].into()));
    let checker = checker.spawn_bfs().join();
    let report = explorer.explore().expect("an exploration");
    assert_eq!(report.states, checker.unique_state_count() as u64);
    assert_eq!(report.edges, checker.state_count() as u64 - first_states);
    assert_eq!(u64::from(report.depth()) + 1, checker.max_depth() as u64);
    for finding in &report.findings {
        let discovered = checker.discovery(finding.property).is_some();
        assert_eq!(is_discovery(&finding.verdict), discovered, "{}", finding.property);
    }
}

fn is_discovery<P>(verdict: &Verdict<P>) -> bool {
    matches!(verdict, Verdict::Violated(_) | Verdict::Found(_))
}

fn is_held<M: Model, K>(report: &Report<M, K>, property: &str) -> bool {
    matches!(report.verdict(property), Some(Verdict::Held))
}

#[test]
fn two_phase_commit_has_its_counts() {
    // The published count of 8 managers takes too long unoptimised: the benchmark asserts it.
    for (managers, states, edges) in [(3, 288, 1_145), (4, 1_568, 8_257), (5, 8_832, 58_145)] {
        let report = Explorer::exact(TwoPhase::new(managers)).explore().expect("an exploration");
        assert_eq!((report.states, report.edges), (states, edges), "{managers} managers");
        assert!(is_held(&report, "consistent"));
        assert_eq!(report.identity, Identity::Packed);
        assert_eq!(report.collision_probability(), 0.0);
    }
}

#[test]
fn two_phase_commit_agrees_with_stateright() {
    for managers in 3..=5 {
        let model = || TwoPhase::new(managers);
        agrees_with_stateright(model(), Explorer::exact(model()).workers(2));
        agrees_with_stateright(model(), Explorer::<_, explorer::Hashed<u64>>::hashed(model()).workers(2));
        agrees_with_stateright(model(), Explorer::<_, explorer::Hashed<u128>>::hashed(model()));
    }
    let broken = || TwoPhase::broken(3, Fault::AbortsAfterPreparing);
    agrees_with_stateright(broken(), Explorer::exact(broken()).workers(3));
}

#[test]
fn counters_have_as_many_states_as_they_must() {
    for workers in 1..=3 {
        let model = Counters { count: 5, modulus: 7 };
        let (states, edges) = (model.states(), model.edges());
        let report = Explorer::exact(model).workers(workers).explore().expect("an exploration");
        assert_eq!((report.states, report.edges), (states, edges));
        assert_eq!(report.depth(), 5 * 6);
        assert!(report.is_complete() && is_held(&report, "bounded"));
        assert_eq!(report.levels.iter().map(|level| level.frontier).sum::<u64>(), states);
        // Each state has a successor for each counter, so there is no dead end.
        assert_eq!(report.deadlocks.states, 0);
    }
}

#[test]
fn counters_agree_with_stateright() {
    let model = || Counters { count: 4, modulus: 5 };
    agrees_with_stateright(model(), Explorer::exact(model()).workers(2));
    agrees_with_stateright(model(), Explorer::<_, explorer::Hashed<u64>>::hashed(model()));
}

#[test]
fn every_expectation_is_told_apart() {
    let report = Explorer::exact(TwoPhase::new(3)).explore().expect("an exploration");
    for finding in &report.findings {
        match finding.expectation {
            Expectation::Always => assert!(matches!(finding.verdict, Verdict::Held)),
            // Found, and no path rebuilt, since none was asked for.
            _ => assert!(matches!(finding.verdict, Verdict::Found(None))),
        }
    }
}
