//! Every weaker design falls, and to what its description says.

use contract::Dialect;
use contract::defect::{Breaks, Design};
use model::protocol::{Cell, Law};

use crate::support::table;

/// The steps that a design takes to what the catalogue has as broken by it.
const FALLS: [(Design, usize); 12] = [
    (Design::ClaimThenCall, 7),
    (Design::Recheck, 8),
    (Design::GateNoWait, 8),
    (Design::GateAndWait, 7),
    (Design::WaitUnlessOwn, 14),
    (Design::WaitUnlessAny, 12),
    (Design::NothingNew, 9),
    (Design::ResumeNoWait, 7),
    (Design::BeginBeforeSlot, 10),
    (Design::ClaimBeforeSlot, 7),
    (Design::WaitAnyRunning, 10),
    (Design::ExpireAnyway, 5),
];

#[test]
fn each_design_but_the_barrier_falls_to_what_it_leaves_out() {
    for dialect in Dialect::ALL {
        for (design, steps) in FALLS {
            let law = law(design);
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

/// The law of the protocol that a design is to break.
fn law(design: Design) -> Law {
    match design.defect().breaks {
        Breaks::Rule(rule) => Law::Rule(rule),
        // Of L3, the part that a single state can break.
        Breaks::Duty(3) => Law::BoundedWait,
        other => panic!("{design} breaks {other}, which is no law"),
    }
}
