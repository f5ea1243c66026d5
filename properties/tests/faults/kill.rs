//! The engines see seeded faults, and see nothing where there is none. Needs the feature `faults`.

use std::path::Path;
use std::time::Duration;

use contract::defect::Fault;
use contract::mutation::Mutation;
use engine::core::Core;
use judge::{Rule, RuleSet};
use model::scope::ScopeName;
use model::suite::Pace;
use properties::kill::{Attacked, Engine, Plan, Sign, attack};
use properties::suite::{COMMITTED, first_failure};

fn attacked(engine: Engine, fault: Option<Fault>, budget: Duration, directory: &Path) -> Attacked {
    attack(engine, &Plan { fault, budget, seed: 1, directory, corpus: &[] })
}

/// One fault for each engine that it is sure to see within a second, so that the time limit is one for hanging only.
#[test]
fn each_engine_sees_a_fault() {
    let directory = tempfile::tempdir().expect("tests have a temporary directory");
    let limit = Duration::from_secs(60);
    let sees = |engine, fault, rules: &[Rule]| {
        let attacked = attacked(engine, Some(fault), limit, directory.path());
        match attacked.sign {
            Some(Sign::Rules(seen)) => {
                assert!(seen.intersects(RuleSet::of(rules)), "{engine} on {fault}: {seen}")
            }
            // These compare who is waited for: core and specification part before the rule is broken.
            Some(Sign::Agreement) if matches!(engine, Engine::Lockstep | Engine::Properties) => {}
            _ => panic!("{engine} on {fault}: {attacked:?}"),
        }
        assert!(attacked.runs > 0);
    };
    sees(Engine::Check, Fault::CancelReturnsEarly, &[Rule::R1]);
    sees(Engine::Lockstep, Fault::MaskReturnsEarly, &[Rule::R2]);
    sees(Engine::Properties, Fault::CompleteReturnsEarly, &[Rule::R4]);
    sees(Engine::Race, Fault::OneSlotTooMany, &[Rule::R9]);
    sees(Engine::Schedule, Fault::ReleasedAtBegin, &[Rule::R1, Rule::R2, Rule::R3, Rule::R4]);
}

/// A fault in the configuration of one core is in no other.
#[test]
fn no_engine_sees_anything_where_there_is_no_fault() {
    let directory = tempfile::tempdir().expect("tests have a temporary directory");
    for engine in Engine::ALL {
        let attacked = attacked(*engine, None, Duration::from_millis(700), directory.path());
        assert_eq!(attacked.sign, None, "{engine}");
        assert!(attacked.runs > 0, "{engine}");
    }
}

/// What an engine is not given it cannot see: the service's faults are not in the core.
#[test]
fn a_fault_of_the_service_is_out_of_reach_of_those_who_step_the_core() {
    let directory = tempfile::tempdir().expect("tests have a temporary directory");
    let fault = Fault::ReleasedAtBegin;
    for engine in Engine::ALL.iter().filter(|engine| !engine.reaches(fault.place())) {
        let attacked = attacked(*engine, Some(fault), Duration::from_millis(300), directory.path());
        assert_eq!(attacked.sign, None, "{engine}");
    }
}

/// Masks with JobModification are in no slice of the scope `tiny`.
#[test]
fn only_the_suites_of_scope_default_see_what_is_wrong_with_modifications() {
    for fault in [Fault::FlagsAreModification, Fault::ModificationStays] {
        for committed in COMMITTED.iter().filter(|suite| suite.order.pace == Pace::AnyTime) {
            let suite = committed.read().expect("it is committed");
            let first = first_failure::<Core>(&suite, fault.maker(), Mutation::NONE, &|| true);
            let failed = first.expect("the manifest names a cover").failed.is_some();
            assert_eq!(failed, committed.order.scope == ScopeName::Default, "{fault}: {}", committed.name);
        }
    }
}
