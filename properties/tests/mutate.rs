//! The engines notice mutants of the model, and nothing of the unchanged model. Needs the feature `mutants`.

use model::mutants::{Listed, all};
use properties::mutate::{Bench, Change, Engine};

/// A mutant for each engine that it is sure to notice.
#[test]
fn each_engine_notices_a_mutant_and_nothing_of_the_model_as_it_is() {
    let bench = Bench::new(1);
    for (engine, name) in [
        (Engine::Lockstep, "edge/transferring/file-done/transferred/elsewhere"),
        (Engine::Faults, "guard/r5/forgets/job-error"),
        (Engine::Traces, "rule/r1/silent"),
        (Engine::Suites, "answer/set-notify-flags/suspended"),
        (Engine::Refusals, "guard/r7/forgets/job-transferred"),
        (Engine::Deadlines, "dialect/bits/expiry"),
    ] {
        let mutant = named(name);
        assert!(engine.reaches(mutant.reach), "{engine} on {name}");
        assert_eq!(bench.attack(engine, Change::None).sign, None, "{engine} on the model as it is");
        let first = bench.attack(engine, Change::Table(mutant.mutant)).sign;
        assert!(first.is_some(), "{engine} on {name}");
        // Not only whether something is noticed is equal everywhere, but also what.
        let again = Bench::new(1).attack(engine, Change::Table(mutant.mutant)).sign;
        assert_eq!(first, again, "{engine} on {name}");
    }
}

/// The survivors that a run shows to be equivalent to the model, and one that is not.
#[test]
fn only_what_nobody_can_tell_apart_is_the_same_model() {
    let states = Bench::same_as_the_model(&named("guard/r2/forgets/job-modification"));
    assert!(states.is_some_and(|states| states > 10_000), "{states:?}");
    assert_eq!(Bench::same_as_the_model(&named("guard/r5/forgets/job-error")), None);
}

fn named(name: &str) -> Listed {
    let found: Option<Listed> = all().into_iter().find(|listed| listed.name == name);
    found.unwrap_or_else(|| panic!("there is no mutant {name}"))
}
