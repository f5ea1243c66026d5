//! L1 to L4 hold in every slice of one job, and each is broken by a mistake that breaks no other.

use contract::Dialect;
use contract::defect::{Design, Flaw};
use model::protocol::{Duty, Lasso, LiveProof, LiveReport, Slice, check_live, live_slice, slices};
use model::scope::ScopeName;

fn live_slices(scope: ScopeName, dialect: Dialect) -> Vec<Slice> {
    slices(scope, dialect.profile()).into_iter().filter_map(live_slice).collect()
}

fn check(flaw: Option<Flaw>, dialect: Dialect, slice: &Slice, workers: usize) -> LiveReport {
    check_live(Design::Barrier, flaw, dialect.profile(), slice, workers, (None, None))
        .expect("the model does not panic")
}

/// The first lasso that breaks each duty, in the slices of scopes tiny and small.
fn broken_by(flaw: Flaw, dialect: Dialect) -> Vec<(Duty, Lasso)> {
    let mut broken: Vec<(Duty, Lasso)> = Vec::new();
    for scope in [ScopeName::Tiny, ScopeName::Small] {
        for slice in live_slices(scope, dialect) {
            for (duty, proof) in check(Some(flaw), dialect, &slice, 2).proofs {
                if let LiveProof::Violated(lasso) = proof
                    && broken.iter().all(|(other, _)| *other != duty)
                {
                    broken.push((duty, lasso));
                }
            }
        }
    }
    broken.sort_by_key(|(duty, _)| *duty);
    assert_eq!(broken[0].0.to_string(), flaw.defect().breaks.to_string(), "as the catalogue has it");
    broken
}

fn duties(broken: &[(Duty, Lasso)]) -> Vec<Duty> {
    broken.iter().map(|(duty, _)| *duty).collect()
}

#[test]
fn the_barrier_does_its_duties() {
    for dialect in Dialect::ALL {
        let mut proved = Vec::new();
        for scope in [ScopeName::Tiny, ScopeName::Small] {
            for slice in live_slices(scope, dialect) {
                for (duty, proof) in check(None, dialect, &slice, 2).proofs {
                    match proof {
                        LiveProof::Proved => proved.push(duty),
                        LiveProof::Vacuous => {}
                        other => panic!("{duty} in {}: {other:?}", slice.name),
                    }
                }
            }
        }
        proved.sort_unstable();
        proved.dedup();
        assert_eq!(proved, Duty::ALL, "{dialect}: none may be vacuous");
    }
}

#[test]
fn a_dispatcher_that_drops_a_failed_delivery_tells_nobody() {
    let broken = broken_by(Flaw::DropsFailed, Dialect::Bits);
    assert_eq!(duties(&broken), [Duty::TellsTransferred, Duty::TellsErrorsAndFiles]);
    // Arrive, claim, begin, enter, leave with failure, settle: and then nothing more has to happen.
    let (_, lasso) = &broken[0];
    assert_eq!((lasso.stem.len(), lasso.cycle.len()), (6, 0), "{lasso:?}");
}

#[test]
fn a_call_that_nobody_wakes_does_not_return() {
    assert_eq!(duties(&broken_by(Flaw::WakesNobody, Dialect::Bits)), [Duty::Returns]);
}

#[test]
fn a_scheduler_that_takes_nobody_on_leaves_a_job_in_its_queue() {
    assert_eq!(duties(&broken_by(Flaw::NeverTurns, Dialect::Bits)), [Duty::MovesOn]);
}

#[test]
fn a_lasso_does_not_depend_on_the_number_of_workers() {
    let slices = live_slices(ScopeName::Tiny, Dialect::Bits);
    for slice in &slices {
        let with = |workers| check(Some(Flaw::WakesNobody), Dialect::Bits, slice, workers).proofs;
        assert_eq!(with(1), with(3), "{}", slice.name);
    }
}

/// What `bgcheck explain L1` shows.
#[test]
fn each_duty_has_an_example_that_ends_in_what_never_comes() {
    for duty in Duty::ALL {
        let story = duty.example().expect("the model does not panic").expect("its flaw breaks it");
        assert!(story.ending.ends_with("never comes"), "{duty}: {}", story.picture(None));
    }
}
