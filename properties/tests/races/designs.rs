//! Each naive design of contract section 4 is found out on the real service, with a trace that replays.

use std::time::Duration;

use contract::defect::{Breaks, Design};
use judge::Rule;
use properties::race::{HuntOptions, Stop, hunt, replay};

/// The rules that a delivery breaks which enters too late, whatever call came before it.
const LATE: &[Rule] = &[Rule::R1, Rule::R2, Rule::R3, Rule::R4, Rule::R5];

/// The design, the rules one of which it breaks, and the schedules within which it is found.
const FOUND: [(Design, &[Rule], u64); 9] = [
    (Design::ClaimThenCall, LATE, 2_000),
    (Design::Recheck, LATE, 2_000),
    (Design::GateNoWait, LATE, 2_000),
    (Design::GateAndWait, &[Rule::R16], 2_000),
    (Design::WaitUnlessOwn, &[Rule::R16], 20_000),
    (Design::WaitUnlessAny, LATE, 2_000),
    (Design::NothingNew, &[Rule::R2], 20_000),
    (Design::ResumeNoWait, &[Rule::R5], 20_000),
    (Design::BeginBeforeSlot, &[Rule::R16], 20_000),
];

#[test]
fn every_naive_design_is_found_out() {
    for (design, rules, runs) in FOUND {
        assert!(rules.iter().any(|rule| design.defect().breaks == Breaks::Rule(*rule)), "{design}");
        let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
        let hunted = hunt(&HuntOptions { design, runs: Some(runs), stop: Stop::AtFirst, ..patience });
        let Some(failure) = hunted.failures.first() else {
            panic!("{design}: nothing broke in {} schedules", hunted.schedules);
        };
        assert!(rules.iter().any(|rule| failure.violated.contains(*rule)), "{design}: {}", failure.violated);
        let trace = failure.trace();
        assert_eq!(replay(&trace).as_ref(), Ok(&trace), "{design}: its trace replays");
    }
}

#[test]
fn a_call_that_later_deliveries_starve_is_found_out() {
    let design = Design::WaitAnyRunning;
    let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
    let hunted = hunt(&HuntOptions { design, runs: Some(20_000), stop: Stop::AtFirst, ..patience });
    let Some(failure) = hunted.overwaited else {
        panic!("{design}: no call waited too long in {} schedules", hunted.schedules);
    };
    let trace = failure.trace();
    assert_eq!(replay(&trace).as_ref(), Ok(&trace), "{design}: its trace replays");
}
