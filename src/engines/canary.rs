//! Canaries: engines let loose on what is broken on purpose, so that a night shows that they can find something.
//!
//! **What it is not.** A measure: `bgcheck kill` has many faults and reports how soon each is seen. A canary is as cheap as possible. If
//! one is not caught, the engine, or what reads its results, is broken.

use contract::defect::{self, Design};
use judge::{Rule, RuleSet};
use reports::{EngineResult, RuleId};

use super::explored::Done;
use super::registry::{self, Engine, Share, Sink, Task};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;

/// The design that is broken on purpose, in words.
pub(super) const LOOKS_AGAIN: &str = "a service that looks at the job again instead of waiting";

/// The canaries of a night, as a part of their own.
pub(crate) struct Canaries;

impl Engine for Canaries {
    fn id(&self) -> &'static str {
        "canaries"
    }

    fn what(&self) -> &'static str {
        "Subjects that are broken on purpose"
    }

    fn share(&self) -> Share {
        Share::Part(8)
    }

    fn is_about_subject(&self) -> bool {
        false
    }

    /// Lets each engine that has a canary loose on it.
    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        // What is found is no finding of the night's, and its traces have no reader.
        let unwritable = |source| Error::Write { path: std::env::temp_dir(), source };
        let directory = tempfile::tempdir().map_err(unwritable)?;
        let traces = Traces::in_dir(directory.path().to_owned());
        let broken = Task { core: CoreChoice::Canary, budget: task.budget / 3, traces: &traces, ..*task };
        let_loose(&broken, sink, output);
        Ok(())
    }
}

fn let_loose(task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) {
    let canaries = registry::ALL.iter().filter_map(|engine| engine.canary(task, output));
    canaries.for_each(|canary| sink.take_canary(canary));
}

/// The core that is broken on purpose, in words.
pub(super) fn broken_core() -> String {
    defect::Canary::Core.defect().phrase()
}

/// The rules that the broken core breaks.
pub(super) fn expected() -> (RuleSet, Vec<RuleId>) {
    let rules = RuleSet::of(&[Rule::R1, Rule::R2]);
    (rules, rules.iter().map(|rule| RuleId(rule.to_string())).collect())
}

/// The design of the service in the place of the broken core: a service has no core to exchange.
pub(super) fn design(core: CoreChoice) -> Design {
    match core {
        CoreChoice::Core => Design::Barrier,
        CoreChoice::Canary => Design::Recheck,
    }
}

/// What an exploration of one dialect came to; nothing when it was ended before.
pub(super) fn explored(
    run: impl FnOnce(Done<'_>) -> Result<(), Error>,
) -> Option<Result<EngineResult, Error>> {
    let mut engine = None;
    let ran = run(&mut |explored, _| {
        engine = Some(explored.result());
        Ok(())
    });
    ran.map(|()| engine).transpose()
}

/// What an engine came to. One that could not do its work has caught nothing.
pub(super) fn or_failed(engine: &dyn Engine, result: Result<EngineResult, Error>) -> EngineResult {
    result.unwrap_or_else(|error| EngineResult::failed(engine.in_results(), error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use properties::stop::Stop;
    use reports::{Canary, ExitCode, Results};

    use super::registry::Fuzzer;
    use super::*;
    use crate::output::Color;
    use crate::place::Place;
    use crate::progress::Talk;

    fn results() -> Results {
        crate::run::results(&Place::here(), RuleSet::EMPTY, 1, None)
    }

    /// The canaries of every engine that needs nothing installed.
    fn canaries(core: CoreChoice, budget: Duration) -> Vec<Canary> {
        let mut output = Output::new(Color::Never, Talk::Quiet);
        let (place, elsewhere, mut results) = (Place::here(), std::env::temp_dir(), results());
        let task = Task {
            place: &place,
            core,
            seed: 1,
            budget,
            stop: Stop::Never,
            scope: None,
            adapters: &[],
            fuzzer: Fuzzer::Missing,
            offline: true,
            traces: &Traces::in_dir(elsewhere),
        };
        let_loose(&task, &mut Sink(&mut results), &mut output);
        results.canaries
    }

    /// On subjects that keep the rules nothing is caught, and a night that reports that ends with 4.
    #[test]
    fn an_engine_that_finds_nothing_ends_the_night_with_4() {
        for canary in canaries(CoreChoice::Core, Duration::from_secs(12)) {
            assert!(!canary.is_caught(), "{canary:?}");
            assert!(canary.work.iter().any(|amount| amount.done > 0), "it did look: {canary:?}");
            let mut results = results();
            results.canaries.push(canary);
            let codes: Vec<_> = results.outcome().reasons.iter().map(|reason| reason.exit_code).collect();
            // The first is that no engine ran.
            assert_eq!(codes, [ExitCode::Vacuous; 2]);
        }
    }

    #[test]
    fn what_is_broken_is_caught() {
        let canaries = canaries(CoreChoice::Canary, Duration::from_secs(60));
        let engines: Vec<_> = canaries.iter().map(|canary| canary.engine.as_str()).collect();
        assert_eq!(
            engines,
            [
                "check product (canary)",
                "check protocol (recheck)",
                "race complete (recheck)",
                "conform core",
                "race (recheck)",
                "properties (canary)",
                "live (canary)"
            ]
        );
        assert!(canaries.iter().all(Canary::is_caught), "{canaries:?}");
    }
}
