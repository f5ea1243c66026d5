//! Canaries: engines let loose on what is broken on purpose, so that a night knows that they can find something.
//!
//! **What it is not.** A measure: `bgcheck kill` has many faults and says how soon each is seen. A canary is as cheap as it can be, and
//! one that is not caught says that the engine, or what reads its results, is broken.

use std::time::Duration;

use contract::Dialect;
use judge::{Rule, RuleSet};
use model::scope::ScopeName;
use properties::race::{Design, Kind};
use properties::sample::Stop;
use reports::{Canary, EngineResult, RuleId};

use super::counterexample::Traces;
use super::fuzz::{Sanitizer, Target};
use super::search::Search;
use super::{check, fuzz, live, race, sample};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::Output;
use crate::place::Place;

/// How long random programs have at most: they end when they have seen all that they are to find, at once.
const PROGRAMS: Duration = Duration::from_secs(20);

/// How long races have at most: they are slow to begin, and end with the first that is broken.
const RACES: Duration = Duration::from_secs(10);

/// Schedules of each strategy at most: the wrong design is found within a few hundred.
const SCHEDULES: u64 = 100_000;

/// How long libFuzzer has at most, from an empty corpus; it stops at its first crash, which takes it some seconds.
const FUZZER: Duration = Duration::from_secs(30);

/// How long the live run has at most; it ends when its jobs have.
const LIVE: Duration = Duration::from_secs(6);

/// What a canary is let loose with.
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    pub(crate) seed: u64,
    /// Whether libFuzzer can run; where it cannot, the night says so already.
    pub(crate) fuzzer: Fuzzer,
    /// Download nothing.
    pub(crate) offline: bool,
    /// How long all of them have at most, about.
    pub(crate) budget: Duration,
}

/// Whether the fuzz target of the canary is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fuzzer {
    Built,
    Missing,
}

/// Lets each engine loose on what is broken.
pub(crate) fn run(plan: &Plan<'_>, output: &mut Output) -> Result<Vec<Canary>, Error> {
    // What is found is no finding of the night's, and its traces are for nobody.
    let unwritable = |source| Error::Write { path: std::env::temp_dir(), source };
    let directory = tempfile::tempdir().map_err(unwritable)?;
    let traces = Traces::in_dir(directory.path().to_owned());
    let programs = PROGRAMS.min(plan.budget / 3);
    let mut canaries = on_core(CoreChoice::Canary, (plan.seed, programs), &traces, output);
    if plan.fuzzer == Fuzzer::Built {
        canaries.push(by_fuzzer(plan, &traces, output));
    }
    let races = RACES.min(plan.budget / 3);
    canaries.push(on_service(Design::Recheck, plan.seed, (SCHEDULES, races), &traces, output));
    canaries.push(on_threads(CoreChoice::Canary, plan.seed, &traces, output));
    Ok(canaries)
}

const BROKEN_CORE: &str = "a core whose Cancel and SetNotifyFlags wait for no callback";

fn on_core(
    core: CoreChoice,
    (seed, budget): (u64, Duration),
    traces: &Traces,
    output: &mut Output,
) -> Vec<Canary> {
    let (rules, expected) = expected();
    let mut engines = explored(core, rules, traces, output);
    let plan = sample::Plan { core, seed, budget, programs: None, stop: Stop::Never, until: rules, traces };
    engines.push(told("properties", sample::run(&plan, output)));
    engines.iter().map(|engine| Canary::of(engine, BROKEN_CORE, &expected)).collect()
}

/// The rules that the canaries break.
fn expected() -> (RuleSet, Vec<RuleId>) {
    let rules = RuleSet::of(&[Rule::R1, Rule::R2]);
    (rules, rules.iter().map(|rule| RuleId(rule.to_string())).collect())
}

fn by_fuzzer(plan: &Plan<'_>, traces: &Traces, output: &Output) -> Canary {
    let Plan { place, seed, offline, .. } = *plan;
    let (target, sanitizer) = (Target::Canary, Sanitizer::None);
    // What it found last night would be found again without fuzzing. If it cannot be removed, that is all that is lost.
    for old in ["fuzz/corpus/canary", "fuzz/artifacts/canary"] {
        let _ = std::fs::remove_dir_all(place.join(old));
    }
    let budget = FUZZER.min(plan.budget / 2);
    let fuzzed = fuzz::run(&fuzz::Plan { place, target, sanitizer, budget, seed, offline, traces }, output);
    // It stops at its first crash, and which rule that is about depends on the seed.
    Canary::of(&told("fuzz canary", fuzzed), BROKEN_CORE, &[])
}

fn on_threads(core: CoreChoice, seed: u64, traces: &Traces, output: &Output) -> Canary {
    let plan = live::Plan { core, ..live::Plan::usual(Dialect::Bits, seed, LIVE, traces) };
    let ran = told("live", live::run(&plan, output));
    Canary::of(&ran, "a service that tells two clients what it must not", &expected().1)
}

fn on_service(
    design: Design,
    seed: u64,
    (schedules, budget): (u64, Duration),
    traces: &Traces,
    output: &Output,
) -> Canary {
    let kinds = &[Kind::Random, Kind::Pct { depth: 3 }];
    let (schedules, stop) = (Some(schedules), race::Stop::AtFirst);
    let plan = race::Plan { kinds, design, seed, budget, schedules, before: 0, stop, traces };
    let raced = told("race", race::run(&plan, output));
    // Which rule breaks first depends on the seed.
    Canary::of(&raced, "a service that looks at the job again instead of waiting", &[])
}

/// The checker, in its smallest scope and one dialect.
fn explored(core: CoreChoice, rules: RuleSet, traces: &Traces, output: &mut Output) -> Vec<EngineResult> {
    let search = Search { dialects: &[Dialect::Bits], ..Search::whole(ScopeName::Tiny, traces) };
    let plan = check::Plan { search: &search, rules, core };
    let mut engines = Vec::new();
    let explored = check::run(&plan, output, &mut |explored, _| {
        engines.push(explored.result());
        Ok(())
    });
    engines.extend(explored.err().map(|error| EngineResult::failed("check product", error)));
    engines
}

fn told(name: &str, result: Result<EngineResult, Error>) -> EngineResult {
    // One that could not do its work has caught nothing.
    result.unwrap_or_else(|error| EngineResult::failed(name, error))
}

#[cfg(test)]
mod tests {
    use reports::ExitCode;

    use super::*;
    use crate::output::Color;
    use crate::progress::Talk;

    /// On subjects that keep the rules nothing is caught, and a night that reports that ends with 4.
    #[test]
    fn an_engine_that_finds_nothing_ends_the_night_with_4() {
        let mut output = Output::new(Color::Never, Talk::Quiet);
        let directory = tempfile::tempdir().expect("a directory");
        let traces = Traces::in_dir(directory.path().to_owned());
        let mut canaries = on_core(CoreChoice::Core, (1, Duration::from_secs(2)), &traces, &mut output);
        canaries.push(on_service(Design::Barrier, 1, (100, RACES), &traces, &output));
        canaries.push(on_threads(CoreChoice::Core, 1, &traces, &output));
        for canary in canaries {
            assert!(!canary.is_caught(), "{canary:?}");
            assert!(canary.work.iter().any(|amount| amount.done > 0), "it did look: {canary:?}");
            let mut results = crate::run::results(&Place::here(), RuleSet::EMPTY, 1, None);
            results.canaries.push(canary);
            let codes: Vec<_> = results.outcome().reasons.iter().map(|reason| reason.exit_code).collect();
            // The first is that no engine ran.
            assert_eq!(codes, [ExitCode::Vacuous; 2]);
        }
    }

    #[test]
    fn what_is_broken_is_caught() {
        let mut output = Output::new(Color::Never, Talk::Quiet);
        let budget = Duration::from_secs(60);
        let plan = Plan { place: &Place::here(), seed: 1, fuzzer: Fuzzer::Missing, offline: true, budget };
        let canaries = run(&plan, &mut output).expect("a place for traces");
        assert_eq!(canaries.len(), 4);
        assert!(canaries.iter().all(Canary::is_caught), "{canaries:?}");
    }
}
