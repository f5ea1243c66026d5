//! The engines notice mutants of the model, and nothing of the model as it is. Needs the feature `mutants`.

use contract::mutation::{Mutant, Part, Site};
use model::mutants::{Listed, all};
use properties::mutate::{Bench, Engine};

/// A mutant for each engine that it is sure to notice.
#[test]
fn each_engine_notices_a_mutant_and_nothing_of_the_model_as_it_is() {
    let bench = Bench::new(1);
    for (engine, name) in [
        (Engine::Lockstep, "edge/transferring/file-done/transferred/elsewhere"),
        (Engine::Faults, "guard/r5/forgets/job-error"),
        (Engine::Traces, "rule/r1/silent"),
        (Engine::Suites, "setter/set-notify-flags/dropped"),
        (Engine::Refusals, "spec/bytes-go-back"),
        (Engine::Deadlines, "dialect/bits/expiry"),
    ] {
        let mutant = named(name);
        assert!(engine.reaches(&mutant), "{engine} on {name}");
        assert_eq!(bench.attack(engine, None).sign, None, "{engine} on the model as it is");
        let first = bench.attack(engine, Some(mutant.mutant)).sign;
        assert!(first.is_some(), "{engine} on {name}");
        // Not only that something is noticed is the same everywhere, but what.
        let again = Bench::new(1).attack(engine, Some(mutant.mutant)).sign;
        assert_eq!(first, again, "{engine} on {name}");
    }
}

/// The survivors that a run shows to be the same model, and one that is not.
#[test]
fn only_what_nobody_can_tell_apart_is_the_same_model() {
    let states = Bench::same_as_the_model(&named("mark/timeout-set/not-cleared"));
    assert!(states.is_some_and(|states| states > 10_000), "{states:?}");
    assert_eq!(Bench::same_as_the_model(&named("mark/owed/not-set")), None);
}

fn named(name: &str) -> Listed {
    let found: Option<Listed> = all().into_iter().find(|listed| listed.name == name);
    found.unwrap_or_else(|| panic!("there is no mutant {name}"))
}

/// What an engine has not inside it cannot notice.
#[test]
fn a_mutant_of_the_protocol_is_out_of_reach_of_those_who_step_the_core() {
    let bench = Bench::new(1);
    let mutant = Mutant::At(Site::NobodyClaims);
    let listed = all().into_iter().find(|listed| listed.mutant == mutant).expect("every site is listed");
    assert_eq!(Site::NobodyClaims.part(), Part::Protocol);
    assert!(!Engine::Refusals.reaches(&listed));
    assert_eq!(bench.attack(Engine::Refusals, Some(mutant)).sign, None);
}
