//! The traces that were loaded: the last few, each with what the rules make of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use judge::{RuleSet, Trace, Verdicts, fingerprint};
use properties::minimize::{Case, Failed, Nearest, beside};

use crate::problem::Problem;
use crate::told::{Told, told};

/// Traces that are kept; then the oldest goes.
pub const MOST_TRACES: usize = 8;

/// Lines of a trace that is shown, at most.
pub const MOST_LINES: usize = 20_000;

/// A trace, and what is known of it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What its address has.
    pub(crate) id: String,
    /// What it was called where it came from.
    pub(crate) name: String,
    pub(crate) trace: Trace,
    pub(crate) verdicts: Verdicts,
    pub(crate) told: Vec<Told>,
    beside: OnceLock<Option<(Failed, Option<Nearest>)>>,
}

impl Loaded {
    /// Reads what the rules make of a trace.
    pub(crate) fn new(name: &str, trace: Trace) -> Result<Loaded, Problem> {
        let lines = trace.lines.len();
        if lines > MOST_LINES {
            return Err(Problem::BadTrace {
                what: format!("{name} has {lines} lines, and a page shows {MOST_LINES} at most"),
                help: format!(
                    "Type `bgcheck minimize {name}` for an excerpt of what breaks a rule, or `bgcheck replay {name} --around SEQ`."
                ),
            });
        }
        let verdicts = Verdicts::of(&trace);
        let told = told(&trace, &verdicts);
        let print = trace.print();
        let id = format!("{:08x}", fingerprint(print.lines()));
        Ok(Loaded { id, name: name.to_owned(), trace, verdicts, told, beside: OnceLock::new() })
    }

    /// How the run fails when it is run again, and the nearest one that passes. It is looked for once, which may take seconds.
    pub(crate) fn beside(&self) -> Option<&(Failed, Option<Nearest>)> {
        let look = || {
            let case = Case::of_trace(&self.trace);
            let rules = match (&case, self.verdicts.first()) {
                (_, Some(first)) => RuleSet::of(&[first.rule]),
                (Case::Race(_), None) => RuleSet::EMPTY,
                (_, None) => RuleSet::ALL,
            };
            beside(&case, rules)
        };
        self.beside.get_or_init(look).as_ref()
    }

    /// Whether it can be run again.
    pub(crate) fn is_recorded(&self) -> bool {
        matches!(Case::of_trace(&self.trace), Case::Recorded(_))
    }
}

/// The traces of a site, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<VecDeque<Arc<Loaded>>>);

impl Store {
    fn open(&self) -> MutexGuard<'_, VecDeque<Arc<Loaded>>> {
        // A list of what was loaded is whole after each step, whatever became of the thread that held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a trace; returns its id.
    pub(crate) fn keep(&self, loaded: Loaded) -> String {
        let id = loaded.id.clone();
        let mut all = self.open();
        all.retain(|other| other.id != id);
        if all.len() == MOST_TRACES {
            all.pop_front();
        }
        all.push_back(Arc::new(loaded));
        id
    }

    /// The trace of this id.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Loaded>, Problem> {
        let found = self.open().iter().find(|loaded| loaded.id == id).cloned();
        found.ok_or_else(|| Problem::NoTrace(id.chars().take(32).collect()))
    }

    /// All of them, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<Loaded>> {
        self.open().iter().rev().cloned().collect()
    }
}
