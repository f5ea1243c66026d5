//! What no engine judged before: each kind of fault that specification and core are compared for is seen. Needs the feature `faults`.

use crate::inputs;

use std::time::Duration;

use contract::defect::Fault;
use contract::{Core as _, Dialect};
use engine::core::Core;
use judge::{Rule, RuleSet};
use model::explore::{Engine as Search, Options, Proof, Report, Resources, explore};
use model::scope::{ScopeName, slices};
use properties::kill::{Engine, Plan, attack};

const OF_LOCKSTEP: [Fault; 18] = [
    Fault::OneCallbackPerUser,
    Fault::NeverToldAgain,
    Fault::MaskWaitsForAny,
    Fault::OthersJobFound,
    Fault::OthersJobListed,
    Fault::LogoffOfAll,
    Fault::FinalisingLosesNetwork,
    Fault::NetworkBackResumes,
    Fault::NetworkBackForgets,
    Fault::OldAttemptCounts,
    Fault::SecondSizeIgnored,
    Fault::FetchedFromStart,
    Fault::LateDiskCompletes,
    Fault::StrayLeaveEndsAnother,
    Fault::NoProgressRetries,
    Fault::RetryDelayDoubled,
    Fault::SliceLostByComplete,
    Fault::TransferNotRestarted,
];

/// Some of those for which one job of one user is enough.
const OF_TINY: [Fault; 5] = [
    Fault::NeverToldAgain,
    Fault::FinalisingLosesNetwork,
    Fault::OldAttemptCounts,
    Fault::LateDiskCompletes,
    Fault::NoProgressRetries,
];

#[test]
fn the_lockstep_sees_every_kind() {
    let directory = tempfile::tempdir().expect("tests have a temporary directory");
    // A limit for hanging only: each is seen within some thousand programs.
    let budget = Duration::from_secs(120);
    let corpus: Vec<_> = inputs::seeds().collect();
    for fault in OF_LOCKSTEP {
        let plan = Plan { fault: Some(fault), budget, seed: 1, directory: directory.path(), corpus: &corpus };
        let attacked = attack(Engine::Lockstep, &plan);
        assert!(attacked.sign.is_some(), "{fault} is not seen in {} programs", attacked.runs);
    }
}

#[test]
fn the_checker_sees_what_one_job_shows() {
    for fault in OF_TINY {
        let seen = Dialect::ALL.iter().any(|dialect| {
            let report = explored(*dialect, Some(fault));
            let broken = report.proofs.iter().any(|(_, proof)| matches!(proof, Proof::Violated(_)));
            broken || report.disagreement.is_some()
        });
        assert!(seen, "{fault}");
    }
}

/// The rule that is broken behind a disagreement is named beside it, and nothing is proved in such a slice.
#[test]
fn a_slice_in_which_specification_and_core_part_proves_nothing() {
    let report = explored(Dialect::Bits, Some(Fault::CancelReturnsEarly));
    assert!(report.disagreement.is_some(), "Cancel waits for nothing, and has to");
    assert!(matches!(report.proof(Rule::R1), Some(Proof::Violated(_))), "{:?}", report.proof(Rule::R1));
    for (rule, proof) in &report.proofs {
        assert!(matches!(proof, Proof::Violated(_) | Proof::Parted), "{rule}: {proof:?}");
    }
    assert!(!report.is_proved());
}

/// Steps without effect are no edges, and the sound core ignores them all: otherwise they would be edges of this graph.
#[test]
fn the_sound_core_is_proved_with_every_step_in_every_state() {
    for dialect in Dialect::ALL {
        let report = explored(dialect, None);
        assert_eq!(report.disagreement, None);
        assert!(matches!(report.proof(Rule::R19), Some(Proof::Proved)), "{:?}", report.proof(Rule::R19));
    }
}

fn explored(dialect: Dialect, fault: Option<Fault>) -> Report {
    let profile = dialect.profile();
    let slice = slices(ScopeName::Tiny, profile).into_iter().next().expect("the scope has a slice");
    let resources = Resources::none();
    let options = Options { engine: Search::Own, threads: 1, budget: None, progress: &|_| (), resources };
    let make = fault.map_or(Core::new as fn(&_) -> _, Fault::maker);
    explore(profile, &slice, RuleSet::OF_A_JOB, make, &options).expect("equal steps have equal results")
}
