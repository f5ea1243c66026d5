//! A disagreement of specification and core has the name of its fault: after which step what is missing or extra. Needs the feature `faults`.

use std::collections::BTreeMap;

use contract::core::Config;
use contract::defect::Fault;
use contract::{Call, Dialect, ThreadId};
use engine::core::Core;
use judge::{RuleSet, TimelineOptions};
use model::drive::{From, Stimulus};
use model::explore::{Engine, Options, Resources, explore};
use model::scope::{ScopeName, slices, variants};
use properties::minimize::{Failed, Identity, stepped};
use properties::program::Program;
use properties::run::{self, Broken};
use properties::sample;

/// Faults that show as a disagreement about pending events, each of another kind.
const FAULTS: [Fault; 7] = [
    Fault::ErrorKeptAfterResume,
    Fault::TransientErrorTold,
    Fault::JobBeforeFiles,
    Fault::EpochForgetsFiles,
    Fault::FlagsAreModification,
    Fault::ModificationStays,
    Fault::PanicAcknowledges,
];

/// Disagreements of random programs that are looked at for each fault.
const EACH: usize = 12;

/// How random programs part on a core with the fault. Making one small does not change its name.
fn parted(fault: Fault) -> impl Iterator<Item = Failed> {
    let make: fn(&Config) -> Core = fault.maker();
    let parts = move |program: &Program| matches!(run::run(program, make).broken, Some(Broken::Agreement(_)));
    let found = (0..60_000).map(sample::program).filter(parts);
    found.filter_map(move |program| stepped::failure(&program, RuleSet::ALL, make))
}

#[test]
fn no_two_faults_share_the_name_of_a_disagreement() {
    let mut known: BTreeMap<Identity, (Fault, Vec<String>)> = BTreeMap::new();
    for fault in FAULTS {
        let names: BTreeMap<Identity, Failed> =
            parted(fault).take(EACH).map(|failed| (failed.id, failed)).collect();
        assert!(!names.is_empty(), "{fault} is not seen");
        for (id, failed) in names {
            let before = known.insert(id, (fault, failed.skeleton.clone()));
            assert_eq!(before, None, "{fault} has the name of another fault: {id}, {:?}", failed.skeleton);
        }
    }
}

#[test]
fn the_name_of_a_disagreement_is_the_same_in_check_and_in_lockstep() {
    for fault in [Fault::ErrorKeptAfterResume, Fault::TransientErrorTold, Fault::EmptyResumeSucceeds] {
        let checked = checked(fault);
        let has_name = |failed: Failed| failed.id == checked.id;
        assert!(parted(fault).any(has_name), "{fault}: lockstep does not have {:?}", checked.skeleton);
    }
}

/// What the checker finds in the smallest scope.
fn checked(fault: Fault) -> Failed {
    let make: fn(&Config) -> Core = fault.maker();
    let variant = variants(Dialect::Bits, ScopeName::Tiny)[0];
    let options = Options {
        threads: 1,
        budget: None,
        progress: &|_| (),
        engine: Engine::default(),
        resources: Resources::none(),
    };
    let slice = slices(ScopeName::Tiny, &variant.profile).remove(0);
    let report =
        explore(&variant.profile, &slice, RuleSet::EMPTY, make, &options).expect("it can be explored");
    let (_, stimuli) = report.disagreement.expect("specification and core part");
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let created = Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create };
    let steps = std::iter::once(created).chain(stimuli).collect();
    let (users, callback_slots) = (slice.users, slice.callback_slots);
    let program = Program { variant, callback_slots, users, slice: slice.name, steps };
    let failed = stepped::failure(&program, RuleSet::ALL, make).expect("it still parts");
    stepped::failure(&stepped::smallest(&program, &failed, make).0, RuleSet::ALL, make)
        .expect("when it is small")
}

#[test]
fn a_disagreement_shows_both_sides_the_rule_and_the_line() {
    let failed = checked(Fault::ErrorKeptAfterResume);
    let picture = failed.picture(&TimelineOptions::default());
    let heading: Vec<&str> = picture.lines().take(4).map(str::trim_start).collect();
    assert!(heading[0].starts_with("disagreement at seq "), "{picture}");
    assert!(heading[1].starts_with("subject") && heading[1].contains("JobError"), "{picture}");
    assert!(heading[2].starts_with("specification") && !heading[2].contains("JobError"), "{picture}");
    assert!(heading[3].starts_with("concerns") && heading[3].contains("R5"), "{picture}");
    assert_eq!(picture.lines().filter(|line| line.starts_with(">>")).count(), 1, "{picture}");
}
