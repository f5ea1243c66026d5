//! How an exhaustive engine searches, and what it says meanwhile: the same for every model.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::Dialect;
use indicatif::HumanCount;
use model::explore::{Engine, Holds, Options, Progress as Now, Resources};
use model::scope::ScopeName;
use reports::Subject;
use serde_json::json;

use super::counterexample::Traces;
use crate::error::Error;
use crate::output::Output;
use crate::peers;
use crate::place::Place;
use crate::progress::Progress;
use crate::run::cores;
use crate::watch::{Limit, worker};

/// What to search, and with what.
pub(crate) struct Search<'a> {
    pub(crate) scope: ScopeName,
    pub(crate) dialects: &'a [Dialect],
    pub(crate) engine: Engine,
    pub(crate) threads: usize,
    /// For everything together; without one, every slice is explored to its end.
    pub(crate) budget: Option<Duration>,
    pub(crate) traces: &'a Traces,
    pub(crate) resources: &'a Resources,
    pub(crate) telling: Telling,
    pub(crate) sizes: Sizes,
    /// Set when something was found and that is enough; nothing when all is to be explored.
    pub(crate) enough: Option<&'a Cell<bool>>,
}

/// How progress is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Telling {
    /// To people, in a line that changes.
    Words,
    /// To machines, a line of JSON for each level.
    Json,
}

impl<'a> Search<'a> {
    /// To the end, with our engine on all cores and with nothing else.
    pub(crate) fn whole(scope: ScopeName, traces: &'a Traces) -> Self {
        Search {
            scope,
            dialects: &Dialect::ALL,
            engine: Engine::Own,
            threads: cores(),
            budget: None,
            traces,
            resources: Resources::none(),
            telling: Telling::Words,
            sizes: Sizes::of(&Place::here()),
            enough: None,
        }
    }

    /// Whether no more has to be explored.
    pub(crate) fn is_enough(&self) -> bool {
        self.enough.is_some_and(Cell::get) || worker::is_stopped()
    }

    /// Tells whoever watches that an engine begins. Of a scope that is explored to its end nobody knows how long it takes. A search that
    /// goes on finds states, and whoever watches sees that it does.
    pub(crate) fn begin(&self, engine: &str, subject: Subject) {
        let limit = self.budget.map_or(Limit::Silence(SILENCE), Limit::of);
        worker::begin(engine, Some(subject), "", limit);
    }

    /// When the budget is spent, counted from now.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.budget.map(|budget| Instant::now() + budget)
    }

    /// Runs one exploration, and tells how far it is. `label` names what is explored, the same in every run; `whole` says how many
    /// states it had, if it came to its end.
    pub(crate) fn explore<R>(
        &self,
        label: &str,
        budget: Option<Duration>,
        output: &Output,
        whole: fn(&R) -> Option<usize>,
        explore: impl FnOnce(&Options<'_>) -> Result<R, explorer::Error>,
    ) -> Result<R, Error> {
        let progress = output.progress(label);
        let expected = self.sizes.expected(label);
        let teller = Teller { label, progress, telling: self.telling, expected, level: Cell::new(None) };
        let tell = |now: Now| teller.tell(now);
        let (engine, threads) = (self.engine, self.threads);
        let resources = &Resources { enough: Some(worker::stop()), ..self.resources.clone() };
        let result = explore(&Options { engine, threads, budget, progress: &tell, resources })?;
        if let Some(states) = whole(&result) {
            self.sizes.learn(label, states as u64);
        }
        Ok(result)
    }
}

/// How long a search may find nothing.
const SILENCE: Duration = Duration::from_secs(300);

/// Tells how far an exploration is.
struct Teller<'a> {
    label: &'a str,
    progress: Progress,
    telling: Telling,
    /// The states of an earlier run of the same.
    expected: Option<u64>,
    /// The last level told.
    level: Cell<Option<u32>>,
}

impl Teller<'_> {
    fn tell(&self, now: Now) {
        peers::reached(self.label, now.depth);
        worker::done(now.states);
        match self.telling {
            Telling::Words => self.progress.tell(|| self.in_words(&now)),
            Telling::Json if self.level.replace(Some(now.depth)) != Some(now.depth) => {
                self.progress.raw(&self.in_json(&now));
            }
            Telling::Json => {}
        }
    }

    fn in_words(&self, now: &Now) -> String {
        match self.expected {
            // A model that has changed may well have more.
            Some(expected) if expected >= now.states => {
                let share = now.states as f64 * 100.0 / expected.max(1) as f64;
                format!("{now}, {share:.0} % of the {} states of an earlier run", HumanCount(expected))
            }
            _ => now.to_string(),
        }
    }

    fn in_json(&self, now: &Now) -> String {
        let Holds { frontier, edges, bytes, bytes_on_disk, elapsed_ms } = now.holds.unwrap_or(Holds::NONE);
        json!({
            "version": 1,
            "exploration": self.label,
            "level": now.depth,
            "frontier": frontier,
            "states": now.states,
            "edges": edges,
            "bytes": bytes,
            "bytes_on_disk": bytes_on_disk,
            "elapsed_ms": elapsed_ms,
            "expected_states": self.expected,
        })
        .to_string()
    }
}

/// How many states each exploration had when it was last explored to its end. Only for estimates: nothing depends on it, so a file
/// that cannot be read or written is no error.
pub(crate) struct Sizes {
    path: PathBuf,
    known: RefCell<BTreeMap<String, u64>>,
}

impl Sizes {
    pub(crate) fn of(place: &Place) -> Self {
        let path = place.target().join("check-sizes.json");
        let known = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Sizes { path, known: RefCell::new(known.unwrap_or_default()) }
    }

    fn expected(&self, label: &str) -> Option<u64> {
        self.known.borrow().get(label).copied()
    }

    fn learn(&self, label: &str, states: u64) {
        let mut known = self.known.borrow_mut();
        if known.insert(label.to_owned(), states) != Some(states) {
            let _only_an_estimate =
                serde_json::to_vec_pretty(&*known).map(|bytes| fs::write(&self.path, bytes));
        }
    }
}
