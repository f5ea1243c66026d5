//! What is left out shows nothing new: equal verdicts, from fewer states.

use contract::Dialect;
use contract::defect::Design;
use model::explore::Proof;
use model::protocol::{Law, Reduction, Slice, slices};
use model::scope::ScopeName;

use crate::support::explore;

/// What became of every law, with the steps to the shortest counterexample.
fn verdicts(design: Design, dialect: Dialect, slice: &Slice, reduction: Reduction) -> (usize, Vec<String>) {
    let report = explore(design, dialect.profile(), slice, reduction);
    let word = |(law, proof): &(Law, Proof<_>)| match proof {
        Proof::Proved => format!("{law} proved"),
        Proof::Violated(acts) => format!("{law} violated in {}", acts.len()),
        Proof::Vacuous => format!("{law} vacuous"),
        Proof::Unfinished => format!("{law} unfinished"),
        Proof::Parted => format!("{law} undecided"),
    };
    let own = report.clients_own.as_ref().map(Vec::len);
    let words = report.proofs.iter().map(word).chain([format!("client's own: {own:?}")]).collect();
    (report.states, words)
}

fn compare(dialect: Dialect, slices: &[Slice]) {
    for design in Design::ALL {
        let (mut few, mut all) = (0, 0);
        for slice in slices {
            let (fewer, reduced) = verdicts(*design, dialect, slice, Reduction::Fewest);
            let (states, full) = verdicts(*design, dialect, slice, Reduction::Full);
            assert_eq!(reduced, full, "{design} in {}, {dialect}", slice.name);
            few += fewer;
            all += states;
        }
        assert!(few < all, "{design}: {few} of {all} states");
    }
}

#[test]
fn fewer_states_show_the_same_in_tiny() {
    compare(Dialect::Do, &slices(ScopeName::Tiny, Dialect::Do.profile()));
}

/// All of `small` but the slice of all calls, which is for a build with optimisation.
#[test]
fn fewer_states_show_the_same_in_small() {
    let mut slices = slices(ScopeName::Small, Dialect::Bits.profile());
    slices.retain(|slice| slice.name != "small/calls");
    compare(Dialect::Bits, &slices);
}

#[test]
#[ignore = "minutes without optimisation: cargo test --release -p model --test protocol -- --ignored"]
fn fewer_states_show_the_same_in_tiny_and_small_in_both_dialects() {
    for dialect in Dialect::ALL {
        for scope in [ScopeName::Tiny, ScopeName::Small] {
            compare(dialect, &slices(scope, dialect.profile()));
        }
    }
}
