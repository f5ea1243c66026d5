//! How an exhaustive engine searches, and the progress that it shows, for every model.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contract::Dialect;
use model::explore::{Engine, Holds, Options, Progress as Now, Resources};
use model::scope::ScopeName;
use properties::pins::Size;
use reports::Subject;
use serde_json::json;

use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::peers;
use crate::place::Place;
use crate::progress::{Ahead, Cost, Guess, Progress, Work};
use crate::run::{cores, millis};
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
    /// What is to be explored in all.
    pub(crate) ahead: Ahead,
    /// The explorations among it, by their labels.
    pub(crate) expected: Labels,
    /// Set when something was found and that is enough; nothing when all is to be explored.
    pub(crate) enough: Option<&'a Cell<bool>>,
}

/// How progress is shown.
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
            ahead: Ahead::on(1, &Place::here()),
            expected: Labels::default(),
            enough: None,
        }
    }

    /// Whether no more has to be explored.
    pub(crate) fn is_enough(&self) -> bool {
        self.enough.is_some_and(Cell::get) || worker::is_stopped()
    }

    /// Sends the watcher the message that an engine begins. How long an exploration to its end takes is not known before. A search that
    /// goes on finds states, which the watcher counts as signs of life.
    pub(crate) fn begin(&self, engine: &str, subject: Subject) {
        let limit = self.budget.map_or(Limit::Silence(SILENCE), Limit::of);
        worker::begin(engine, Some(subject), "", limit);
    }

    /// When the budget is spent, counted from now.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ahead.bound(self.budget);
        self.budget.map(|budget| Instant::now() + budget)
    }

    /// These are to be explored, in this order behind those that are known already.
    pub(crate) fn expect(&self, parts: impl IntoIterator<Item = Part>) {
        for Part { label, depends_on, pinned, edges_per_ms } in parts {
            let name = [&*label, &*depends_on].concat();
            let before = self.ahead.before(&name);
            let amount = pinned.map(|size| size.edges);
            let ms = amount.map(|edges| edges as f64 / f64::from(edges_per_ms.max(1)));
            let number = self.ahead.expect(name, Guess { amount, ms, worth: WORTH });
            let before = before.map(|Cost { amount: edges, states, .. }| Size { states, edges });
            self.expected.borrow_mut().insert(label, Expected { number, size: before.or(pinned) });
        }
    }

    /// Runs one of the explorations that are expected, and reports how far it is. `whole` returns its size, if it came to its end.
    pub(crate) fn explore<R>(
        &self,
        label: &str,
        budget: Option<Duration>,
        output: &Output,
        whole: impl FnOnce(&R) -> Option<Size>,
        explore: impl FnOnce(&Options<'_>) -> Result<R, explorer::Error>,
    ) -> Result<R, Error> {
        let expected = self.expected.borrow().get(label).copied();
        let Some(expected) = expected else { unreachable!("{label} was not expected") };
        let progress = output.progress_along(label, self.ahead.track());
        let (telling, level) = (self.telling, Cell::new(None));
        let teller = Teller { label, expected, ahead: &self.ahead, progress, telling, level };
        if telling == Telling::Words {
            teller.progress.tell(teller.reach(0), || "it begins".to_owned());
        }
        let tell = |now: Now| teller.tell(now);
        let (engine, threads) = (self.engine, self.threads);
        let resources = &Resources { enough: Some(worker::stop()), ..self.resources.clone() };
        let started = Instant::now();
        let result = explore(&Options { engine, threads, budget, progress: &tell, resources })?;
        if let Some(Size { states, edges }) = whole(&result) {
            self.ahead.end(
                expected.number,
                Cost { amount: edges, ms: millis(started.elapsed()), states, ..Cost::default() },
            );
            self.ahead.remember();
        }
        Ok(result)
    }
}

/// The time guessed from the edges of a slice is worth as much as this number of runs measured on a busy machine.
const WORTH: u32 = 2;

/// Explorations by their labels.
pub(crate) type Labels = RefCell<BTreeMap<String, Expected>>;

/// How long a search may find nothing.
const SILENCE: Duration = Duration::from_secs(300);

/// Reports how far an exploration is.
struct Teller<'a> {
    label: &'a str,
    expected: Expected,
    ahead: &'a Ahead,
    progress: Progress,
    telling: Telling,
    /// The last level reported.
    level: Cell<Option<u32>>,
}

impl Teller<'_> {
    fn tell(&self, now: Now) {
        peers::reached(self.label, now.depth);
        worker::done(now.states);
        let work = self.reach(self.edges(&now));
        match self.telling {
            Telling::Words => self.progress.tell(work, || now.to_string()),
            Telling::Json => {
                self.progress.note_work(work);
                if self.level.replace(Some(now.depth)) != Some(now.depth) {
                    self.progress.raw(&self.in_json(&now));
                }
            }
        }
    }

    fn reach(&self, edges: u64) -> Work {
        self.ahead.reach(self.expected.number, edges);
        self.ahead.in_amounts("edges", "slices")
    }

    /// What takes the time are edges, and not states: those of the last level are found and not yet looked into. A search that does not
    /// count edges has as many as its states let one expect.
    fn edges(&self, now: &Now) -> u64 {
        let by_states = |Size { states, edges }| {
            (edges as f64 * (now.states as f64 / states.max(1) as f64).min(1.0)) as u64
        };
        now.holds.map_or_else(|| self.expected.size.map_or(0, by_states), |holds| holds.edges)
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
            "expected_states": self.expected.size.map(|size| size.states),
            "expected_edges": self.expected.size.map(|size| size.edges),
            "left_ms": self.progress.standing().left.map(millis),
        })
        .to_string()
    }
}

/// One exploration among those of a search.
pub(crate) struct Part {
    /// Its name in progress, which no other one of the search has.
    pub(crate) label: String,
    /// What else its size depends on.
    pub(crate) depends_on: String,
    /// Its committed size, if it has one.
    pub(crate) pinned: Option<Size>,
    /// Edges of its model in a millisecond, about: for those that were not measured yet.
    pub(crate) edges_per_ms: u32,
}

/// What is known of an exploration.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    /// Its number among the parts.
    number: usize,
    size: Option<Size>,
}
