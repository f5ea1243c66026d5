//! A law that never had to decide anything is not proved.

use contract::Dialect;
use contract::defect::Design;
use judge::Rule;
use model::explore::Proof;
use model::protocol::{Law, Reduction};
use model::scope::ScopeName;

use crate::support::{explore, slice};

#[test]
fn where_no_call_waits_no_deadlock_is_no_proof() {
    let profile = Dialect::Bits.profile();
    let calls = slice(ScopeName::Tiny, profile, "tiny/one-slot");
    let report = explore(Design::ClaimThenCall, profile, &calls, Reduction::Fewest);
    for law in [Law::Rule(Rule::R16), Law::BoundedWait, Law::Rule(Rule::R4)] {
        assert_eq!(report.proof(law), Some(&Proof::Vacuous), "{law}");
    }
    assert_eq!(report.proof(Law::Rule(Rule::R9)), Some(&Proof::Proved));
}
