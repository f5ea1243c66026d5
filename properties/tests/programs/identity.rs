//! One fault has one name: whichever engine comes upon it, from whichever seed.

use std::time::Duration;

use contract::defect::Design;
use contract::{Call, Core as _, Dialect, ThreadId};
use engine::core::Core;
use judge::{Rule, RuleSet, Verdicts, failure_id, skeleton};
use model::drive::{From, Stimulus};
use model::explore::{Engine, Options, Proof, Resources, explore};
use model::protocol::{self, Law, Reduction, Story};
use model::scope::{ScopeName, slices, variants};
use properties::canary::Canary;
use properties::live::{self, LiveConfig};
use properties::minimize::races::Scheduled;
use properties::minimize::{Case, CoreName, Minimal, minimize};
use properties::program::Program;
use properties::race::{self, HuntOptions, Kind, Stop, hunt};
use properties::sample::{self, sample};

/// The names of the canary's two faults, wherever they are found.
const LATE: &str = "R1-20902fa0";
const MASKED: &str = "R2-a781a286";

fn small(case: &Case, rule: Rule) -> Minimal {
    minimize(case, RuleSet::of(&[rule])).unwrap_or_else(|error| panic!("{rule}: {error}"))
}

fn options() -> Options<'static> {
    Options {
        threads: 2,
        budget: None,
        progress: &|_| (),
        engine: Engine::default(),
        resources: Resources::none(),
    }
}

/// What the checker finds of the canary, as a program.
fn checked(dialect: Dialect, rule: Rule) -> Case {
    let variant = variants(dialect, ScopeName::Tiny)[0];
    let slice = &slices(ScopeName::Tiny, dialect.profile())[0];
    let report = explore(&variant.profile, slice, RuleSet::of(&[rule]), <Canary<Core>>::new, &options());
    let Some(Proof::Violated(found)) = report.as_ref().expect("it can be explored").proof(rule) else {
        panic!("{rule} is not violated")
    };
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let created = Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create };
    let steps = std::iter::once(created).chain(found.iter().cloned()).collect();
    let program = Program {
        variant,
        callback_slots: slice.callback_slots,
        users: slice.users,
        slice: slice.name,
        steps,
    };
    Case::Stepped(CoreName::Canary, program)
}

#[test]
fn a_fault_of_the_core_has_one_name_in_the_checker_in_samples_and_in_live_runs() {
    for (rule, name) in [(Rule::R1, LATE), (Rule::R2, MASKED)] {
        for dialect in Dialect::ALL {
            let minimal = small(&checked(dialect, rule), rule);
            assert_eq!(minimal.failed.id.to_string(), name, "check, {dialect}: {minimal}");
        }
        for seed in [1, 1_000, 50_000] {
            let options =
                sample::Options { runs: Some(8_000), ..sample::Options::new(seed, Duration::from_secs(600)) };
            let found = sample(<Canary<Core>>::new, &options).failures.into_iter();
            let programs = found.map(|failure| Case::Stepped(CoreName::Canary, failure.program));
            let failing = { programs }.find_map(|case| minimize(&case, RuleSet::of(&[rule])).ok());
            let minimal = failing.unwrap_or_else(|| panic!("{rule} is not found from seed {seed}"));
            assert_eq!(minimal.failed.id.to_string(), name, "seed {seed}: {minimal}");
        }
    }
    let directory = tempfile::tempdir().expect("there is room for files");
    let profile = Dialect::Bits.profile();
    let budget = Duration::from_secs(15);
    let canary = live::Canary::On;
    let config = LiveConfig { jobs: 24, budget, canary, ..LiveConfig::new(profile, directory.path()) };
    let report = live::run(&config, &|_| {}).expect("the machine has threads and a port");
    for (rule, name) in [(Rule::R1, LATE), (Rule::R2, MASKED)] {
        let minimal = small(&Case::of_trace(&report.trace), rule);
        assert_eq!(minimal.failed.id.to_string(), name, "live: {minimal}");
    }
}

/// The name of a rule's failure in the model of the protocol.
fn modelled(design: Design, rule: Rule) -> String {
    let profile = Dialect::Bits.profile();
    let laws = [Law::Rule(rule)];
    for slice in protocol::slices(ScopeName::Tiny, profile) {
        let report = protocol::check(design, profile, &slice, &laws, Reduction::Fewest, &options());
        if let Some((law, Proof::Violated(acts))) = report.expect("it can be explored").proofs.first() {
            let story = Story::of(design, profile, &slice, Some(*law), acts);
            let violation = Verdicts::of(&story.trace).violations().find(|broken| broken.rule == rule);
            let violation = violation.expect("the judge of traces agrees");
            return failure_id(&story.trace, &violation).to_string();
        }
    }
    panic!("{design} does not break {rule}");
}

/// The name of a rule's failure in races from a seed, until one breaks it.
fn raced(design: Design, rule: Rule, kind: Kind, seed: u64) -> String {
    let never = HuntOptions::new(Duration::from_secs(60), &|_| ());
    let one =
        |seed| hunt(&HuntOptions { kind, design, seed, runs: Some(2_000), stop: Stop::AtFirst, ..never });
    let found = (0..50).flat_map(|step| one(seed + step * 997).failures);
    let failure = { found }.find(|failure| failure.violated.contains(rule)).expect("a race breaks it");
    let case = Case::Race(Scheduled { race: failure.race, schedule: failure.schedule });
    small(&case, rule).failed.id.to_string()
}

/// The name of a rule's failure in what the fuzz target reads from bytes.
fn fuzzed(design: Design, rule: Rule) -> String {
    let mut state = 11_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    loop {
        let bytes: Vec<u8> = (0..96).map(|_| byte()).collect();
        let (mut race, tape) = race::from_bytes(&bytes);
        race.design = design;
        // A Cancel that leaves a file behind answers another code, and so breaks the rule under another name.
        race.jobs.iter_mut().for_each(|fate| fate.removals_fail = 0);
        let case = Case::Race(Scheduled { race, schedule: tape.choices().to_vec() });
        if let Ok(minimal) = minimize(&case, RuleSet::of(&[rule])) {
            return minimal.failed.id.to_string();
        }
    }
}

#[test]
fn a_fault_of_the_service_has_one_name_in_the_model_in_races_and_in_the_fuzzer() {
    let faults = [(Design::GateNoWait, Rule::R1), (Design::ResumeNoWait, Rule::R5)];
    for (design, rule) in faults {
        let name = modelled(design, rule);
        for (kind, seed) in [(Kind::Random, 4_242), (Kind::Pct { depth: 3 }, 7)] {
            assert_eq!(raced(design, rule, kind, seed), name, "{design}, {kind}, seed {seed}");
        }
        assert_eq!(fuzzed(design, rule), name, "{design}, the bytes of the fuzz target");
    }
}

#[test]
fn another_fault_has_another_name_and_the_skeletons_say_why() {
    let by_cancel = small(&checked(Dialect::Bits, Rule::R1), Rule::R1);
    let by_mask = small(&checked(Dialect::Bits, Rule::R2), Rule::R2);
    assert_ne!(by_cancel.failed.id, by_mask.failed.id);
    assert_eq!(by_cancel.failed.skeleton, ["Cancel -> S_OK", "a callback starts"]);
    assert_eq!(by_mask.failed.skeleton, ["SetNotifyFlags -> S_OK", "a callback starts"]);
    let violation = by_mask.failed.violation.expect("a rule is broken");
    assert_eq!(skeleton(&by_mask.failed.trace, &violation), by_mask.failed.skeleton);
}
