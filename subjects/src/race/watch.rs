//! A watch over a thread that runs races: whether it is stuck in one, and where everything stands there.
//!
//! **What it is.** A subject that spins, or that waits for something real, never comes back from a schedule, and no choice can end it.
//! So races are run on a thread of their own, which records in a [`Watch`] what it runs, and another thread looks at it.
//!
//! **What it is not.** An end to the thread that is stuck: it stays behind until the process ends.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use judge::Trace;

use super::program::Race;
use super::subject::header;
use super::world::World;

/// A run that takes so long is stuck: it is a hundred times what the longest takes.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// See the module's documentation.
#[derive(Default)]
pub struct Watch {
    runs: AtomicU64,
    current: Mutex<Option<Current>>,
}

/// The run that a thread is in.
#[derive(Clone)]
pub struct Current {
    world: Arc<World>,
    race: Arc<Race>,
}

/// A schedule that does not come to its end.
#[derive(Clone, Debug)]
pub struct Hang {
    /// The race, as it was found.
    pub race: Race,
    /// The choices up to where it is stuck.
    pub schedule: Vec<u8>,
    /// Where each thread stands, which locks it holds, and what it waits for.
    pub threads: Vec<String>,
    /// What happened up to there.
    pub trace: Trace,
}

thread_local! {
    static WATCH: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
}

/// From here on this thread records in the watch what it runs.
pub fn be_watched(watch: &Arc<Watch>) {
    WATCH.with_borrow_mut(|known| *known = Some(Arc::clone(watch)));
}

/// Runs one run of the race, under this thread's watch if it has one.
pub(super) fn watched(world: &Arc<World>, race: &Arc<Race>, run: impl FnOnce()) {
    let watch = WATCH.with_borrow(Option::clone);
    let Some(watch) = watch else { return run() };
    *watch.current() = Some(Current { world: Arc::clone(world), race: Arc::clone(race) });
    watch.runs.fetch_add(1, Ordering::Relaxed);
    run();
    *watch.current() = None;
}

impl Watch {
    /// Runs that have started.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The run that the thread is in now.
    pub fn now(&self) -> Option<Current> {
        self.current().clone()
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// What can be known of a run that is stuck.
    pub fn hang(&self, seed: Option<u64>) -> Hang {
        let (schedule, threads) = self.world.try_inner(PATIENCE).map_or_else(
            || (Vec::new(), vec!["the run records something for ever".to_owned()]),
            |inner| (inner.choices.iter().map(|choice| choice.taken).collect(), inner.threads()),
        );
        let trace = self.trace(&schedule, seed);
        Hang { race: Race::clone(&self.race), schedule, threads, trace }
    }

    /// These choices once more, written down up to where they are stuck.
    fn trace(&self, schedule: &[u8], seed: Option<u64>) -> Trace {
        let (race, schedule) = (Arc::clone(&self.race), schedule.to_vec());
        let watch = Arc::new(Watch::default());
        let watching = Arc::clone(&watch);
        let again = move || {
            be_watched(&watching);
            drop(super::trace(&race, &schedule, seed));
        };
        // Without a thread for it there is no trace, but everything else is known.
        let _ = std::thread::Builder::new().name("race once more".to_owned()).spawn(again);
        std::thread::sleep(REPEATED);
        let lines = watch.now().and_then(|stuck| {
            let mut inner = stuck.world.try_inner(PATIENCE)?;
            Some(inner.take_lines())
        });
        Trace { header: header(&self.race, seed, judge::Ended::Cut), lines: lines.unwrap_or_default() }
    }
}

/// How long the repeated run has to come to where it is stuck: a run takes less than a millisecond.
const REPEATED: Duration = Duration::from_millis(500);
