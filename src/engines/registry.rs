//! The engines of the workbench behind one trait, and the list of them.
//!
//! **The law.** A night, its help, its budget and its canaries read [`ALL`] and name no engine. An engine is one file beside this one and
//! one line in the list (`docs/howto/add-an-engine.md`).
//!
//! **What it is not.** The verbs that run one engine with options of its own, such as `bgcheck race`, have plans of their own, which an
//! engine of the list makes from a [`Task`].

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use model::scope::ScopeName;
use properties::stop::Stop;
use reports::{Canary, EngineResult, Results};

use super::fuzz::{Fuzz, Target};
use super::search::Search;
use super::{adapter, canary, check, complete, conform, live, protocol, race, sample};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::place::Place;
use crate::watch::worker;

/// Every engine, in the order in which a night runs them.
pub(crate) static ALL: [&dyn Engine; 12] = [
    &check::Check,
    &protocol::Protocol,
    &complete::Complete,
    &conform::Conform,
    &canary::Canaries,
    &Fuzz(Target::Lockstep),
    &Fuzz(Target::Schedule),
    &Fuzz(Target::Trace),
    &race::Race,
    &sample::Properties,
    &live::Live,
    &adapter::Adapters,
];

/// An engine of the workbench: it explores or samples runs of a subject, and reports what the rules make of them.
pub(crate) trait Engine: Sync {
    /// Its name as typed, such as `race`.
    fn id(&self) -> &'static str;

    /// What it tries, in a line of help.
    fn what(&self) -> &'static str;

    /// How results name it, when it could not run.
    fn in_results(&self) -> &'static str {
        self.id()
    }

    /// How much of a night it gets.
    fn share(&self) -> Share;

    /// The fuzz target that it runs, if it runs one.
    fn target(&self) -> Option<Target> {
        None
    }

    /// Whether its subject can be the core that is broken on purpose, for a whole night.
    fn has_canary_core(&self) -> bool {
        false
    }

    /// Whether it has something to run in a night with these adapters.
    fn is_in_night(&self, _adapters: &[PathBuf]) -> bool {
        true
    }

    /// Whether its results are about the subject under test, and not about the workbench.
    fn is_about_subject(&self) -> bool {
        true
    }

    /// Runs, and passes each result to `sink` at once.
    ///
    /// # Errors
    ///
    /// What is outside the subject, and the traces that cannot be written.
    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error>;

    /// Whether it finds a subject that is broken on purpose; nothing where it has none, or cannot run here. With a core that is not
    /// broken it has to find nothing.
    fn canary(&self, _task: &Task<'_>, _output: &mut Output) -> Option<Canary> {
        None
    }
}

/// What an engine is to do.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) place: &'a Place,
    /// Which core is under test.
    pub(crate) core: CoreChoice,
    pub(crate) seed: u64,
    pub(crate) budget: Duration,
    pub(crate) stop: Stop,
    /// How much of a model is explored, when the night names it.
    pub(crate) scope: Option<ScopeName>,
    /// Manifests of other implementations.
    pub(crate) adapters: &'a [PathBuf],
    /// Whether libFuzzer can run on what is broken on purpose.
    pub(crate) fuzzer: Fuzzer,
    /// Download nothing.
    pub(crate) offline: bool,
    pub(crate) traces: &'a Traces,
}

impl Task<'_> {
    /// A search of the scope of the night, for the budget.
    pub(crate) fn search(&self) -> Search<'_> {
        let scope = self.scope.unwrap_or(match self.core {
            CoreChoice::Core => ScopeName::Default,
            CoreChoice::Canary => ScopeName::Tiny,
        });
        Search { budget: Some(self.budget), ..Search::whole(scope, self.traces) }
    }
}

/// Whether the fuzz target of the canary is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fuzzer {
    /// libFuzzer can run.
    Built,
    /// It cannot, and the results of the night have the reason.
    Missing,
}

/// Where results go. The process that watches the engine gets each at once, so that none is lost when the engine dies.
pub(crate) struct Sink<'a>(pub(crate) &'a mut Results);

impl Sink<'_> {
    /// Takes a result.
    pub(crate) fn take(&mut self, engine: EngineResult) {
        self.0.engines.push(engine);
        worker::know(self.0);
    }

    /// Takes what became of a canary.
    pub(crate) fn take_canary(&mut self, canary: Canary) {
        self.0.canaries.push(canary);
        worker::know(self.0);
    }
}

/// How much of a night's budget an engine gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Share {
    /// All until this percentage of the night's budget is spent: it explores.
    UntilPercent(u32),
    /// The n-th part of the budget.
    Part(u32),
    /// Of what is left, by this weight among those that are still to come: it samples.
    Weight(u32),
}

/// Up to here an exploration runs when no other follows it.
const LAST_EXPLORES_UNTIL_PERCENT: u32 = 85;

/// What an engine gets even when the others took the whole budget.
pub(crate) const LEAST: Duration = Duration::from_secs(1);

/// The budget of the first of these engines, which are still to come, when so much of the night's is left.
pub(crate) fn budget(to_come: &[Named], whole: Duration, left: Duration) -> Duration {
    let Some((first, others)) = to_come.split_first() else { return LEAST };
    let explores = |engine: &Named| matches!(engine.0.share(), Share::UntilPercent(_));
    let weight = |engine: &Named| match engine.0.share() {
        Share::Weight(weight) => weight,
        Share::UntilPercent(_) | Share::Part(_) => 0,
    };
    let budget = match first.0.share() {
        Share::UntilPercent(percent) => {
            let until = if others.iter().any(explores) { percent } else { LAST_EXPLORES_UNTIL_PERCENT };
            left.saturating_sub(whole * (100 - until) / 100)
        }
        Share::Part(part) => whole / part,
        Share::Weight(own) => left * own / to_come.iter().map(weight).sum::<u32>().max(1),
    };
    budget.max(LEAST)
}

/// An engine of the list, by its name on the command line.
#[derive(Clone, Copy)]
pub(crate) struct Named(pub(crate) &'static dyn Engine);

impl Named {
    /// Those of the list.
    pub(crate) fn all() -> impl Iterator<Item = Named> {
        ALL.iter().map(|engine| Named(*engine))
    }

    /// Reads the name of one.
    pub(crate) fn parser() -> impl TypedValueParser<Value = Named> {
        let values = ALL.iter().map(|engine| PossibleValue::new(engine.id()).help(engine.what()));
        PossibleValuesParser::new(values)
            .try_map(|id| Named::all().find(|named| named.0.id() == id).ok_or("no engine has this name"))
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_engine_has_a_name_of_its_own_and_a_line_of_help() {
        let ids: BTreeSet<_> = ALL.iter().map(|engine| engine.id()).collect();
        assert_eq!(ids.len(), ALL.len());
        assert!(ALL.iter().all(|engine| engine.what().ends_with(|end: char| end.is_ascii_alphabetic())));
    }

    /// The samplers get what the explorations leave, by weight, and each gets something.
    #[test]
    fn the_budget_of_a_night_is_shared_out() {
        let all: Vec<Named> = Named::all().collect();
        let whole = Duration::from_secs(180);
        let (mut left, mut budgets) = (whole, Vec::new());
        for at in 0..all.len() {
            let budget = budget(&all[at..], whole, left);
            left = left.saturating_sub(budget);
            budgets.push((all[at].0.id(), budget.as_secs()));
        }
        let first = [("check", 117), ("protocol", 36), ("complete", 22), ("conform", 22), ("canaries", 22)];
        // Where the explorations take all that they may, the samplers have a second each.
        assert_eq!(budgets[..5], first);
        assert_eq!(budget(&all, whole, Duration::ZERO), LEAST);
        assert_eq!(budget(&all[..1], whole, whole), Duration::from_secs(153), "nothing else explores");
    }
}
