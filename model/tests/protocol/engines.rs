//! Our explorer and stateright's agree on the protocol: states, edges and verdicts, slice by slice, under a sound design and a broken one.

use contract::Dialect;
use contract::defect::Design;
use model::explore::{Engine, Options};
use model::protocol::{Law, Reduction, Report, check, slices};
use model::scope::ScopeName;

use crate::support::options;

#[test]
fn they_agree_on_the_barrier() {
    for dialect in Dialect::ALL {
        they_agree(Design::Barrier, dialect, ScopeName::Tiny);
        they_agree(Design::Barrier, dialect, ScopeName::Small);
    }
}

#[test]
fn they_agree_on_what_is_broken() {
    they_agree(Design::Recheck, Dialect::Bits, ScopeName::Tiny);
}

fn they_agree(design: Design, dialect: Dialect, scope: ScopeName) {
    for slice in slices(scope, dialect.profile()) {
        let explore = |engine| {
            let options = Options { engine, ..options(2) };
            check(design, dialect.profile(), &slice, Law::ALL, Reduction::Fewest, &options)
                .expect("the model does not panic")
        };
        let (ours, theirs) = (explore(Engine::Own), explore(Engine::Stateright));
        assert_eq!(counts(&ours), counts(&theirs), "{design}, {dialect}, {}", slice.name);
        assert_eq!(ours.proofs, theirs.proofs, "{design}, {dialect}, {}", slice.name);
    }
}

fn counts(report: &Report) -> (usize, usize) {
    (report.states, report.edges)
}
