//! The list of calls that sneak paths are made of leaves out no method that can fail.

use std::collections::BTreeSet;

use contract::answers::{self, Class};
use contract::core::DiskOutcome;
use contract::{Call, Dialect, HResult, JobId, Method, UserId};
use model::spec::World;
use model::suite::refused;

const JOB: JobId = JobId(0);

/// A job that was cancelled.
fn ended(dialect: Dialect) -> World<2> {
    let profile = dialect.profile();
    let mut world = World::new();
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let _ = world.call(profile, UserId(0), None, &create);
    let _ = world.call(profile, UserId(0), Some(JOB), &Call::Cancel);
    let _ = world.disk(profile, JOB, &DiskOutcome::default());
    world
}

#[test]
fn every_method_that_a_final_state_forbids_is_tried_there_and_no_other_is_refused_for_it() {
    for dialect in Dialect::ALL {
        let profile = dialect.profile();
        let refused = refused(profile, &ended(dialect), JOB);
        let for_the_state = refused.iter().filter(|(_, hr)| *hr == profile.invalid_state);
        let tried: BTreeSet<Method> = for_the_state.map(|(call, _)| call.method()).collect();
        let changes = |method: &Method| {
            let class = answers::class(*method);
            !matches!(class, Class::Getter | Class::ErrorGetter | Class::Manager)
                && !answers::is_omitted(profile, *method)
        };
        let forbidden: BTreeSet<Method> = Method::ALL.iter().copied().filter(changes).collect();
        assert_eq!(tried, forbidden, "{dialect}");
    }
}

#[test]
fn every_method_that_a_dialect_omits_is_tried() {
    for dialect in Dialect::ALL {
        let profile = dialect.profile();
        let refused = refused(profile, &ended(dialect), JOB);
        let not_there = refused.iter().filter(|(_, hr)| *hr == HResult::E_NOTIMPL);
        let tried: BTreeSet<Method> = not_there.map(|(call, _)| call.method()).collect();
        let omitted = Method::ALL.iter().filter(|method| answers::is_omitted(profile, **method));
        let left_out: Vec<_> = omitted.filter(|method| !tried.contains(*method)).collect();
        assert!(left_out.is_empty(), "{dialect}: {left_out:?}");
    }
}
