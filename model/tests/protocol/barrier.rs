//! The engine's design keeps every law, and every law has something to decide.

use contract::Dialect;
use contract::defect::Design;
use model::explore::Proof;
use model::protocol::{Law, Reduction, slices};
use model::scope::ScopeName;

use crate::support::explore;

#[test]
fn the_barrier_keeps_every_law_in_tiny_and_small() {
    for dialect in Dialect::ALL {
        for scope in [ScopeName::Tiny, ScopeName::Small] {
            let profile = dialect.profile();
            let explore = |slice| explore(Design::Barrier, profile, &slice, Reduction::Fewest);
            let reports: Vec<_> = slices(scope, profile).into_iter().map(explore).collect();
            for law in Law::ALL {
                let proofs = || reports.iter().filter_map(|report| report.proof(*law));
                let broken = proofs().find(|proof| !matches!(proof, Proof::Proved | Proof::Vacuous));
                assert_eq!(broken, None, "{law} in {scope}, {dialect}");
                assert!(
                    proofs().any(|proof| *proof == Proof::Proved),
                    "{law} is vacuous in {scope}, {dialect}"
                );
            }
        }
    }
}

/// Clause 7: the price.
#[test]
fn a_client_that_waits_for_its_own_callback_blocks_itself_and_that_is_no_violation() {
    let profile = Dialect::Bits.profile();
    let slices = slices(ScopeName::Tiny, profile);
    let lock = slices.iter().find(|slice| slice.name == "tiny/lock").expect("it is there");
    let report = explore(Design::Barrier, profile, lock, Reduction::Fewest);
    assert_eq!(report.clients_own.map(|acts| acts.len()), Some(8));
}
