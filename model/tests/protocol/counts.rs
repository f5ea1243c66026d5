//! Equal states, edges and counterexamples, however many threads explore.

use contract::Dialect;
use contract::defect::Design;
use model::protocol::{Law, Reduction, check};
use model::scope::ScopeName;

use crate::support::{options, slice};

#[test]
fn counts_verdicts_and_counterexamples_do_not_depend_on_threads() {
    let profile = Dialect::Bits.profile();
    let nested = slice(ScopeName::Small, profile, "small/nested");
    let explore = |threads| {
        let report =
            check(Design::WaitUnlessAny, profile, &nested, Law::ALL, Reduction::Fewest, &options(threads))
                .expect("the model does not panic");
        (report.states, report.edges, report.proofs, report.clients_own)
    };
    assert_eq!(explore(1), explore(3));
}
