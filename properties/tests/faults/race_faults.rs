//! Faults of the service that need what a race has beside its calls: a disk, destructors, condition variables as they are, an order of
//! locks, and objects that look at what they are handed. Each is found, as the break of its own rule. Needs the feature `faults`.

use std::time::Duration;

use contract::defect::Fault;
use properties::race::{self, HuntOptions, Hunted, Kind, Race, Stop, hunt};

/// Each fault, and the schedules of each strategy within which one of the two finds it.
const FOUND: [(Fault, u64); 13] = [
    (Fault::WrongObjectCalled, 2_000),
    (Fault::WrongJobHanded, 2_000),
    (Fault::WrongFileHanded, 4_000),
    (Fault::WrongErrorHanded, 2_000),
    (Fault::ErrorSwallowed, 2_000),
    (Fault::CallbackNotMade, 2_000),
    (Fault::CallbackMadeTwice, 2_000),
    (Fault::NotStartedAcknowledges, 4_000),
    (Fault::LocksInverted, 2_000),
    (Fault::DroppedUnderLock, 4_000),
    (Fault::LeftoverKept, 4_000),
    (Fault::StopUnheard, 4_000),
    (Fault::PanicKillsDispatcher, 4_000),
];

fn hunted(fault: Fault, runs: u64) -> Vec<Hunted> {
    let kinds = [Kind::Random, Kind::Pct { depth: 3 }];
    let patience = HuntOptions::new(Duration::from_secs(120), &|_| ());
    let hunt = |kind| {
        hunt(&HuntOptions { kind, fault: Some(fault), runs: Some(runs), stop: Stop::AtFirst, ..patience })
    };
    kinds.map(hunt).into()
}

#[test]
fn every_fault_beside_the_calls_is_found_as_the_break_of_its_rule() {
    for (fault, runs) in FOUND {
        let hunted = hunted(fault, runs);
        let found = hunted.iter().flat_map(|hunted| &hunted.failures);
        let broken: Vec<_> = found.map(|failure| failure.violated).collect();
        assert!(broken.iter().any(|rules| rules.contains(fault.rule())), "{fault}: {broken:?}");
    }
}

#[test]
fn a_race_looks_at_its_disk_when_it_is_over() {
    let mut race = Race::parse([
        "race bits",
        "renames_fail 0 1",
        r#"prefix job - {"method":"CreateJob","args":{"name":"job","kind":0}}"#,
        r#"prefix job 0 {"method":"AddFile","args":{"file":{"remote":"http://h/f","local":"/f"}}}"#,
        r#"prefix job 0 {"method":"Resume"}"#,
        "settle",
        "branch 1",
        r#"branch 1 job 0 {"method":"Complete"}"#,
    ])
    .expect("these are the lines of a race");
    race::assert_sound(&race, &[]);
    race.fault = Some(Fault::HiddenRenameFailure);
    let run = race::run(&race, &[]);
    assert!(run.violated.contains(Fault::HiddenRenameFailure.rule()), "{}", run.violated);
}
