//! Our explorer and stateright's agree on the real product: states, edges and verdicts, slice by slice.

use contract::{Core as _, Dialect};
use engine::core::Core;
use explorer::{Explorer, Hashed, Verdict};
use judge::RuleSet;
use model::product::Product;
use model::scope::{ScopeName, Slice, slices};
use stateright::{Checker, Model};

#[test]
fn they_agree_on_tiny() {
    Dialect::ALL.into_iter().for_each(|dialect| they_agree_on(ScopeName::Tiny, dialect));
}

#[test]
fn they_agree_on_small_in_bits() {
    they_agree_on(ScopeName::Small, Dialect::Bits);
}

#[test]
fn they_agree_on_small_in_delivery_optimization() {
    they_agree_on(ScopeName::Small, Dialect::Do);
}

fn they_agree_on(scope: ScopeName, dialect: Dialect) {
    for slice in slices(scope, dialect.profile()) {
        compare(dialect, &slice);
    }
}

fn compare(dialect: Dialect, slice: &Slice) {
    let at = format!("{dialect}, {}", slice.name);
    let product = || Product::<Core, 1>::around(dialect.profile(), slice, RuleSet::ALL, Core::new);
    assert!(slice.jobs <= 1, "{at}: this test is written for one job");
    let theirs = product().checker().threads(2).spawn_bfs().join();
    let ours = Explorer::<_, Hashed<u64>>::hashed(product()).workers(2).explore().expect("an exploration");
    assert_eq!(ours.states, theirs.unique_state_count() as u64, "{at}: states");
    // stateright counts the first state as generated, without an edge to it.
    assert_eq!(ours.edges, theirs.state_count() as u64 - 1, "{at}: edges");
    // Its threads do not wait for each other at a level's end, so its depth is an upper bound.
    assert!(u64::from(ours.depth()) < theirs.max_depth() as u64, "{at}: depth");
    assert!(ours.collision_probability() < 1e-6, "{at}: fingerprints are too short");
    for finding in &ours.findings {
        let discovered = theirs.discovery(finding.property).is_some();
        let found = matches!(finding.verdict, Verdict::Violated(_) | Verdict::Found(_));
        assert_eq!(found, discovered, "{at}: {}", finding.property);
    }
}
