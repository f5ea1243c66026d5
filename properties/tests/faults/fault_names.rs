//! A seeded fault has one name in the checker, the fuzzer, the samples and the suites, or the skeletons show why not.
//! Needs the feature `faults`.
//!
//! The fuzz target is stood in for by its body on random bytes. Each engine searches for a break of the fault's own rule, which is made
//! small and named as a report names it.

use contract::core::Config;
use contract::defect::Fault;
use contract::{Call, Core as _, Dialect, ThreadId};
use engine::core::Core;
use judge::{Rule, RuleSet};
use model::drive::{From, Stimulus};
use model::explore::{Engine, Options, Proof, Resources, explore};
use model::scope::{ScopeName, slices, variants};
use model::suite::{Cover, Pace};
use properties::minimize::{Failed, stepped};
use properties::program::Program;
use properties::run::{self, Broken};
use properties::sample;
use properties::suite::{Order, Suite, generate, on_core};

type Make = fn(&Config) -> Core;

/// What a fault is called by `check`, `lockstep`, `properties` and `suites`.
fn names(fault: Fault, suite: &Suite) -> [Failed; 4] {
    let (rule, make): (Rule, Make) = (fault.rule(), fault.maker());
    let found = [
        ("check", checked(make, rule)),
        ("lockstep", (0..20_000).map(from_bytes).find(|program| breaks(program, make, rule))),
        ("properties", (1..20_000).map(sample::program).find(|program| breaks(program, make, rule))),
        ("suites", in_suite(suite, make, rule)),
    ];
    found.map(|(engine, program)| {
        let program = program.unwrap_or_else(|| panic!("{engine} does not see {fault}"));
        let failure = |program| stepped::failure(program, RuleSet::of(&[rule]), make);
        let failed = failure(&program).expect("it breaks the rule");
        failure(&stepped::smallest(&program, &failed, make).0).expect("it still does when it is small")
    })
}

fn breaks(program: &Program, make: Make, rule: Rule) -> bool {
    matches!(run::run(program, make).broken, Some(Broken::Rules(rules)) if rules.contains(rule))
}

/// What the checker finds in the smallest scope.
fn checked(make: Make, rule: Rule) -> Option<Program> {
    let variant = variants(Dialect::Bits, ScopeName::Tiny)[0];
    let options = Options {
        threads: 2,
        budget: None,
        progress: &|_| (),
        engine: Engine::default(),
        resources: Resources::none(),
    };
    slices(ScopeName::Tiny, &variant.profile).iter().find_map(|slice| {
        let report = explore(&variant.profile, slice, RuleSet::of(&[rule]), make, &options);
        let report = report.expect("it can be explored");
        let Some(Proof::Violated(found)) = report.proof(rule) else { return None };
        let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
        let created = Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create };
        let steps = std::iter::once(created).chain(found.iter().cloned()).collect();
        Some(Program {
            variant,
            callback_slots: slice.callback_slots,
            users: slice.users,
            slice: slice.name,
            steps,
        })
    })
}

/// The program of random bytes, twice as many as the sampler's programs have.
fn from_bytes(seed: u64) -> Program {
    let bytes = [sample::bytes(seed ^ 0x6e61_6d65), sample::bytes(!seed)].concat();
    Program::from_bytes(&bytes)
}

/// A suite with every edge of the smallest scope, planned on the unchanged core.
fn suite() -> Suite {
    let (cover, scope, pace) = (Cover::Transition, ScopeName::Tiny, Pace::AnyTime);
    let order = Order { cover, dialect: Dialect::Bits, scope, pace, longest: 200 };
    generate(&order, Core::new, &|_, _| ()).expect("it can be planned")
}

fn in_suite(suite: &Suite, make: Make, rule: Rule) -> Option<Program> {
    let conformed = on_core(suite, make, &|_| ()).expect("it can be run");
    let mut programs = conformed.failures().filter_map(|(_, failed)| run::from_trace(&failed.trace).ok());
    programs.find(|program| breaks(program, make, rule))
}

#[test]
fn a_fault_has_one_name_whichever_engine_comes_upon_it() {
    let suite = suite();
    let faults = [
        Fault::MaskReturnsEarly,
        Fault::RegisterReturnsEarly,
        Fault::ResumeReturnsEarly,
        Fault::ResumeSkipsQueue,
        Fault::SuspendLeavesError,
    ];
    for fault in faults {
        let [first, others @ ..] = names(fault, &suite);
        for other in others {
            assert_eq!(other.id, first.id, "{fault}: {:?} and {:?}", other.skeleton, first.skeleton);
        }
    }
}

/// What forbade the event is part of the name, with the outcome of the call or the edge that did it. An engine that meets the fault after
/// another outcome, or after another edge, names it otherwise, and its skeleton, which every report prints, names that one.
#[test]
fn where_a_fault_has_more_than_one_name_the_skeletons_say_what_differs() {
    let suite = suite();
    let by_outcome =
        [(Fault::CancelReturnsEarly, "Cancel -> "), (Fault::CompleteReturnsEarly, "Complete -> ")];
    let by_edge = [(Fault::FinalJobFound, "-> ")];
    for (fault, shared) in by_outcome.into_iter().chain(by_edge) {
        let names = names(fault, &suite);
        let ids: std::collections::BTreeSet<_> = names.iter().map(|failed| failed.id).collect();
        assert!((2..4).contains(&ids.len()), "{fault} has other names than it had: {ids:?}");
        for failed in &names {
            let [forbidden, broken] = &failed.skeleton[..] else { panic!("{fault}: {:?}", failed.skeleton) };
            assert!(forbidden.contains(shared), "{fault}: {forbidden}");
            assert_eq!(*broken, names[0].skeleton[1], "{fault}: something else broke the rule");
            // Names differ where skeletons do, and only there.
            for other in &names {
                assert_eq!(failed.id == other.id, failed.skeleton == other.skeleton, "{fault}");
            }
        }
    }
}
