//! Every weaker design falls, and to what its description says.

use contract::Dialect;
use judge::Rule::{R1, R2, R5, R9, R16};
use model::protocol::{Cell, Design, Law};

use crate::support::table;

/// The law that a design was built to break, and the steps it takes.
const FALLS: [(Design, Law, usize); 12] = [
    (Design::ClaimThenCall, Law::Rule(R1), 7),
    (Design::Recheck, Law::Rule(R1), 8),
    (Design::GateNoWait, Law::Rule(R1), 8),
    (Design::GateAndWait, Law::Rule(R16), 7),
    (Design::WaitUnlessOwn, Law::Rule(R16), 14),
    (Design::WaitUnlessAny, Law::Rule(R1), 12),
    (Design::NothingNew, Law::Rule(R2), 9),
    (Design::ResumeNoWait, Law::Rule(R5), 7),
    (Design::BeginBeforeSlot, Law::Rule(R16), 10),
    (Design::ClaimBeforeSlot, Law::Rule(R9), 7),
    (Design::WaitAnyRunning, Law::BoundedWait, 10),
    (Design::ExpireAnyway, Law::Rule(R5), 5),
];

#[test]
fn each_design_but_the_barrier_falls_to_what_it_leaves_out() {
    for dialect in Dialect::ALL {
        for (design, law, steps) in FALLS {
            let row = table(dialect).row(design).expect("every design has a row");
            let cell = row.cells.iter().find(|(other, _)| *other == law).map(|(_, cell)| cell);
            let Some(Cell::Broken(way)) = cell else { panic!("{design} keeps {law} in {dialect}: {cell:?}") };
            assert_eq!(way.acts.len(), steps, "{design} breaks {law} in {dialect}");
        }
        let barrier = table(dialect).row(Design::Barrier).expect("every design has a row");
        assert!(barrier.cells.iter().all(|(_, cell)| *cell == Cell::Proved), "{barrier:?}");
    }
}

#[test]
fn every_design_is_in_the_list_and_has_a_name_that_is_read_back() {
    let listed = FALLS.iter().map(|(design, ..)| *design).chain([Design::Barrier]);
    assert!(listed.eq(Design::ALL.iter().copied()));
    for design in Design::ALL {
        assert_eq!(design.to_string().parse(), Ok(*design));
    }
    assert!("barriere".parse::<Design>().is_err());
}
