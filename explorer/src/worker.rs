//! One worker of an exploration: a dataflow of two streams, and the loop that drives it level by level.
//!
//! **What it is.** Every worker owns the keys whose mixed bits fall to it: their part of the visited set and of the frontier. It
//! expands its frontier and sends each successor to its owner (stream one). At a level's end every worker sends its counts to all
//! workers (stream two), so all decide alike whether to go on. timely carries both streams, between threads and between processes.
//!
//! **The laws it keeps.**
//! 1. A level begins when the one before has arrived everywhere: depths are shortest distances.
//! 2. What is kept does not depend on who was first: of several findings of a level the smallest key stays, of several parents too.
//! 3. A panic of the model ends the run at the level's end on all workers, with its message; no worker waits for ever.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stateright::{Expectation, Model, Property};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Input, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

use super::checkpoint::{Checkpoints, Saved};
use super::form::Form;
use super::frontier::Frontier;
use super::graph::Recorder;
use super::key::Key;
use super::owned::{Arrival, Owned, Restored};
use super::table::{Inserted, Parent, Recent, Table};
use super::{Error, Level, Limits, Plan, Stop};

/// States expanded between two looks at what arrived.
const CHUNK: usize = 256;
/// How long a worker with nothing to do sleeps at most before it looks again.
const NAP: Duration = Duration::from_millis(1);

/// Where records of one kind go into the dataflow.
type Inlet<R> = InputHandle<u64, CapacityContainerBuilder<Vec<R>>>;
/// What the worker's loop and an operator of its dataflow both hold, on one thread.
type Shared<R> = Rc<RefCell<R>>;

/// Something found: the first level where, and there the smallest key.
pub(super) type Found<K> = Option<(u32, K)>;

/// What a worker has to show in the end.
pub(super) struct Part<K, T> {
    pub(super) table: Table<K, T>,
    pub(super) record: Recorder<K>,
    /// What all workers counted and found, equal on every one.
    pub(super) sums: Sums<K>,
    /// The levels, equal on every worker.
    pub(super) levels: Vec<Level>,
    pub(super) stop: Option<Stop>,
    /// Why the last checkpoints are missing.
    pub(super) unkept: Option<Error>,
}

/// What a worker counted and found.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(bound = "K: Key")]
pub(super) struct Sums<K> {
    pub(super) edges: u64,
    pub(super) deadlocks: u64,
    pub(super) deadlock: Found<K>,
    /// Per property.
    pub(super) found: Vec<Found<K>>,
    /// Edges per class of actions.
    pub(super) classes: Vec<u64>,
    /// What the model noted, a bit each.
    pub(super) notes: u32,
}

impl<K: Key> Sums<K> {
    pub(super) fn new(properties: usize, classes: usize) -> Self {
        Sums {
            edges: 0,
            deadlocks: 0,
            deadlock: None,
            found: vec![None; properties],
            classes: vec![0; classes],
            notes: 0,
        }
    }

    /// Adds another worker's.
    pub(super) fn add(&mut self, other: &Self) {
        self.edges += other.edges;
        self.deadlocks += other.deadlocks;
        keep_first(&mut self.deadlock, other.deadlock);
        for (mine, theirs) in self.found.iter_mut().zip(&other.found) {
            keep_first(mine, *theirs);
        }
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            *mine += theirs;
        }
        self.notes |= other.notes;
    }
}

fn keep_first<K: Key>(kept: &mut Found<K>, other: Found<K>) {
    *kept = match (*kept, other) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    };
}

/// What a worker sends to the others at a level's end.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(bound = "K: Key")]
struct Tally<K> {
    /// Which exchange it is of. A worker may send for the next exchange before another worker has taken out the tallies of this one.
    round: u64,
    frontier: u64,
    states: u64,
    edges: u64,
    bytes: u64,
    bytes_on_disk: u64,
    stop: Option<Stop>,
    checkpoint_is_due: bool,
    /// At the run's end.
    sums: Option<Sums<K>>,
}

/// The worker.
struct Explorer<'a, M: Model, F: Form<M>, T: Parent<F::Key>> {
    plan: &'a Plan<M, F>,
    properties: Vec<Property<M>>,
    owned: Shared<Owned<M, F, T>>,
    arrivals: Inlet<Arrival<F::Wire, T>>,
    arrived: ProbeHandle<u64>,
    tallies: Inlet<Tally<F::Key>>,
    heard: Shared<Vec<Tally<F::Key>>>,
    told: ProbeHandle<u64>,
    recent: Recent<F::Key>,
    outbox: Vec<Arrival<F::Wire, T>>,
    guide: F::Guide,
    actions: Vec<M::Action>,
    sums: Sums<F::Key>,
    record: Recorder<F::Key>,
    levels: Vec<Level>,
    started: Instant,
    /// How long the runs took that a checkpoint is from.
    earlier_ms: u64,
    /// When the last checkpoint was written.
    saved: Instant,
    /// Since when it is enough.
    enough_since: Option<Instant>,
    /// Why no more checkpoints are written.
    unkept: Option<Stop>,
}

/// Explores on one worker.
pub(super) fn run<M, F, T>(worker: &mut Worker, plan: &Plan<M, F>) -> Part<F::Key, T>
where
    M: Model + 'static,
    M::State: Clone,
    F: Form<M>,
    T: Parent<F::Key>,
{
    let mut explorer = Explorer::<M, F, T>::new(worker, plan);
    let (mut frontier, mut stop) = explorer.begin(worker);
    while stop.is_none() && explorer.levels.last().is_some_and(|level| level.frontier > 0) {
        let trouble = explorer.expand_all(worker, frontier);
        (frontier, stop) = explorer.close_level(worker, trouble);
    }
    explorer.into_part(worker, stop)
}

impl<'a, M, F, T> Explorer<'a, M, F, T>
where
    M: Model + 'static,
    M::State: Clone,
    F: Form<M>,
    T: Parent<F::Key>,
{
    fn new(worker: &mut Worker, plan: &'a Plan<M, F>) -> Self {
        let owned = Rc::new(RefCell::new(Owned::<M, F, T>::new(plan)));
        let heard = Rc::new(RefCell::new(Vec::new()));
        let (mut arrivals, mut tallies) = (InputHandle::new(), InputHandle::new());
        let (arrived, told) = (ProbeHandle::new(), ProbeHandle::new());
        worker.dataflow(|scope| {
            let owned = Rc::clone(&owned);
            let by_owner = Exchange::new(|(wire, _): &Arrival<F::Wire, T>| F::key(wire).mix());
            scope
                .input_from(&mut arrivals)
                .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(by_owner, "visited", |_, _| {
                    move |input, _| input.for_each(|_, batch| owned.borrow_mut().arrive(batch))
                })
                .probe_with(&arrived);
            let heard = Rc::clone(&heard);
            scope
                .input_from(&mut tallies)
                .broadcast()
                .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "tallies", |_, _| {
                    move |input, _| input.for_each(|_, batch| heard.borrow_mut().append(batch))
                })
                .probe_with(&told);
        });
        let properties = plan.model.properties();
        Explorer {
            plan,
            owned,
            arrivals,
            arrived,
            tallies,
            heard,
            told,
            recent: Recent::new(),
            outbox: Vec::new(),
            guide: F::Guide::default(),
            actions: Vec::new(),
            sums: Sums::new(properties.len(), plan.classes.names.len()),
            properties,
            record: Recorder::default(),
            levels: Vec::new(),
            started: Instant::now(),
            earlier_ms: 0,
            saved: Instant::now(),
            enough_since: None,
            unkept: None,
        }
    }

    /// The first level, or the one that a checkpoint ends with.
    fn begin(&mut self, worker: &mut Worker) -> (Frontier<M, F>, Option<Stop>) {
        if let Some(saved) = &self.plan.resumed {
            let trouble = self.restore(worker, saved);
            let frontier = self.owned.borrow_mut().take_next();
            return (frontier, self.agree(worker, trouble.err()));
        }
        let trouble = self.send_first(worker);
        self.close_level(worker, trouble)
    }

    /// Sends the first states out. One worker does it for all.
    fn send_first(&mut self, worker: &Worker) -> Option<Stop> {
        if worker.index() > 0 {
            return None;
        }
        let plan = self.plan;
        let first = guarded(|| {
            let states = plan.model.init_states().into_iter().enumerate();
            let inside = states.filter(|(_, state)| plan.model.within_boundary(state));
            inside.map(|(number, state)| F::first(&plan.model, number, state)).collect::<Vec<_>>()
        });
        let wires = match first {
            Ok(wires) => wires,
            Err(stop) => return Some(stop),
        };
        self.outbox.extend(wires.into_iter().map(|wire| (wire, T::of(F::Key::VACANT, 0))));
        self.arrivals.send_batch(&mut self.outbox);
        None
    }

    /// Takes from a checkpoint what this worker owns. Counts are added up, so one worker takes them all.
    fn restore(&mut self, worker: &Worker, saved: &Saved) -> Result<(), Stop> {
        self.levels.clone_from(&saved.levels);
        self.earlier_ms = saved.levels.last().map_or(0, |level| level.elapsed_ms);
        saved.read::<F::Key, F::Wire>(&mut Restored {
            // timely sends a record to the worker of this number.
            index: worker.index() as u64,
            peers: worker.peers() as u64,
            owned: &mut self.owned.borrow_mut(),
            sums: &mut self.sums,
        })
    }

    /// Waits until all that was sent has arrived, everywhere.
    fn await_arrivals(&mut self, worker: &mut Worker) {
        let next = self.arrivals.time() + 1;
        self.arrivals.advance_to(next);
        while self.arrived.less_than(&next) {
            worker.step_or_park(Some(NAP));
        }
    }

    /// Waits for the level, sends what came of it to the others, and adds up what they send. All workers come to one result.
    fn close_level(&mut self, worker: &mut Worker, trouble: Option<Stop>) -> (Frontier<M, F>, Option<Stop>) {
        self.await_arrivals(worker);
        let settled = self.owned.borrow_mut().settle();
        let mut frontier = self.owned.borrow_mut().take_next();
        let tally = self.tally(&frontier, trouble.or(settled));
        let heard = self.exchange(worker, tally);
        let sum = |of: fn(&Tally<F::Key>) -> u64| heard.iter().map(of).sum();
        let level = Level {
            depth: self.levels.len() as u32,
            frontier: sum(|tally| tally.frontier),
            states: sum(|tally| tally.states),
            edges: sum(|tally| tally.edges),
            bytes: sum(|tally| tally.bytes),
            bytes_on_disk: sum(|tally| tally.bytes_on_disk),
            elapsed_ms: self.earlier_ms + self.started.elapsed().as_millis() as u64,
        };
        if is_first_here(worker, self.plan.workers) {
            (self.plan.progress)(&level);
        }
        self.levels.push(level);
        let over = (level.frontier > 0).then(|| self.plan.limits.is_reached(&level)).flatten();
        // Without an order among the workers' reasons, the workers would not all give one reason.
        let stop = heard.iter().filter_map(|tally| tally.stop.clone()).min().or(over);
        let is_due = heard.iter().any(|tally| tally.checkpoint_is_due) || stop.is_some();
        // A level that one worker has not finished is no level, whatever reason the others give.
        let is_whole = heard.iter().all(|tally| tally.stop != Some(Stop::Overtime));
        let is_sound = is_whole && stop.as_ref().is_none_or(Stop::is_limit);
        match &self.plan.checkpoints {
            Some(checkpoints) if is_due && is_sound && self.unkept.is_none() => {
                // All workers have agreed on the trouble and go on without checkpoints: the results are worth more than these.
                match self.save(worker, checkpoints, &mut frontier) {
                    Some(trouble) if trouble.is_of_disk() => self.unkept = Some(trouble),
                    Some(trouble) => return (frontier, Some(trouble)),
                    None => {}
                }
                (frontier, stop)
            }
            _ => (frontier, stop),
        }
    }

    fn tally(&self, frontier: &Frontier<M, F>, trouble: Option<Stop>) -> Tally<F::Key> {
        let owned = self.owned.borrow();
        // Twice the frontier: while it is expanded, the next one grows.
        let bytes = owned.bytes() + 2 * frontier.bytes();
        let every = self.plan.checkpoints.as_ref().map(|checkpoints| checkpoints.every);
        Tally {
            frontier: frontier.len(),
            states: owned.len(),
            edges: self.sums.edges,
            bytes,
            bytes_on_disk: frontier.bytes_on_disk() + owned.bytes_on_disk(),
            stop: trouble.or((self.is_late() && frontier.len() > 0).then_some(Stop::Time)),
            checkpoint_is_due: every.is_some_and(|every| self.saved.elapsed() >= every),
            ..Tally::nothing()
        }
    }

    /// Whether the time is over, or it is enough.
    fn is_late(&self) -> bool {
        let limits = &self.plan.limits;
        limits.time.is_some_and(|limit| self.started.elapsed() >= limit) || self.is_enough()
    }

    fn is_enough(&self) -> bool {
        self.plan.limits.enough.is_some_and(|enough| enough.load(Ordering::Relaxed))
    }

    /// Whether the level under way is not to be finished. A checkpoint is of whole levels, so with checkpoints it is given some time.
    fn breaks_off(&mut self) -> bool {
        if self.plan.checkpoints.is_none() {
            return self.is_late();
        }
        self.is_enough() && self.enough_since.get_or_insert_with(Instant::now).elapsed() >= Limits::LAST_LEVEL
    }

    /// Sends the tally to all workers, and returns the tallies of all workers.
    fn exchange(&mut self, worker: &mut Worker, tally: Tally<F::Key>) -> Vec<Tally<F::Key>> {
        let round = *self.tallies.time();
        self.tallies.send(Tally { round, ..tally });
        self.tallies.advance_to(round + 1);
        while self.told.less_than(&(round + 1)) {
            worker.step_or_park(Some(NAP));
        }
        self.heard.borrow_mut().extract_if(.., |tally| tally.round == round).collect()
    }

    /// The trouble that all workers agree on, if any of them has one.
    fn agree(&mut self, worker: &mut Worker, trouble: Option<Stop>) -> Option<Stop> {
        let heard = self.exchange(worker, Tally { stop: trouble, ..Tally::nothing() });
        heard.into_iter().filter_map(|tally| tally.stop).min()
    }

    /// Writes a checkpoint: each worker writes a part; when all parts are there, one worker writes the header.
    fn save(
        &mut self,
        worker: &mut Worker,
        checkpoints: &Checkpoints,
        frontier: &mut Frontier<M, F>,
    ) -> Option<Stop> {
        let written = self.write_part(worker.index(), checkpoints, frontier);
        let trouble = self.agree(worker, written.err().map(|error| Stop::disk(&error)));
        if trouble.is_some() {
            return trouble;
        }
        let committed = match worker.index() {
            0 => checkpoints.commit::<F::Key>(worker.peers(), &self.levels),
            _ => Ok(()),
        };
        self.saved = Instant::now();
        self.agree(worker, committed.err().map(|error| Stop::disk(&error)))
    }

    fn write_part(
        &mut self,
        worker: usize,
        checkpoints: &Checkpoints,
        frontier: &mut Frontier<M, F>,
    ) -> io::Result<()> {
        self.note();
        let mut part = checkpoints.part(worker, &self.sums)?;
        let owned = self.owned.borrow();
        part.count(owned.len())?;
        owned.each_key(|key| part.key(key))?;
        part.count(frontier.len())?;
        frontier.each(|wire| part.wire(wire))?;
        part.finish()
    }

    /// Takes what the model noted into the sums.
    fn note(&mut self) {
        let noted = self.plan.notes.as_ref().map_or(0, |notes| notes.load(Ordering::Relaxed));
        self.sums.notes |= noted;
    }

    /// Expands the frontier, looking now and then at what arrived, so that little is under way at any time.
    fn expand_all(&mut self, worker: &mut Worker, frontier: Frontier<M, F>) -> Option<Stop> {
        let mut batches = match frontier.into_batches() {
            Ok(batches) => batches,
            Err(error) => return Some(Stop::disk(&error)),
        };
        loop {
            let batch = match batches.next(CHUNK) {
                Ok(batch) if batch.is_empty() => return None,
                Ok(batch) => batch,
                Err(error) => return Some(Stop::disk(&error)),
            };
            let expanded = guarded(|| batch.iter().try_for_each(|wire| self.expand(wire)));
            self.arrivals.send_batch(&mut self.outbox);
            worker.step();
            if let Err(stop) = expanded.and_then(|expanded| expanded) {
                return Some(stop);
            }
            if self.breaks_off() {
                return Some(Stop::Overtime);
            }
        }
    }

    fn expand(&mut self, wire: &F::Wire) -> Result<(), Stop> {
        let plan = self.plan;
        let (key, level) = (F::key(wire), self.levels.len() as u32 - 1);
        let mut guide = std::mem::take(&mut self.guide);
        let state = F::state(&plan.model, wire, &mut guide).ok_or(Stop::Strayed)?;
        self.judge(key, level, &state);
        self.record.open(&plan.recording, &plan.model, key, level, &state);
        let before = self.sums.edges;
        plan.model.actions(&state, &mut self.actions);
        for (number, action) in self.actions.drain(..).enumerate() {
            let class = (plan.classes.of)(&action);
            let Some(next) = plan.model.next_state(&state, action) else { continue };
            if !plan.model.within_boundary(&next) {
                continue;
            }
            let wire = F::next(&plan.model, wire, number, next);
            self.sums.edges += 1;
            if let Some(count) = self.sums.classes.get_mut(class) {
                *count += 1;
            }
            self.record.edge(&plan.recording, F::key(&wire), class);
            if T::COUNTS_AGAIN || self.recent.insert(F::key(&wire)) == Inserted::New {
                self.outbox.push((wire, T::of(key, level + 1)));
            }
        }
        if self.sums.edges == before && !(plan.is_final)(&plan.model, &state) {
            self.sums.deadlocks += 1;
            keep_first(&mut self.sums.deadlock, Some((level, key)));
        }
        drop(state);
        self.guide = guide;
        Ok(())
    }

    /// Evaluates each property that may still find something in this level.
    fn judge(&mut self, key: F::Key, level: u32, state: &M::State) {
        for (property, found) in self.properties.iter().zip(&mut self.sums.found) {
            // What was found in an earlier level is nearer.
            if found.is_some_and(|(earlier, _)| earlier < level) {
                continue;
            }
            let holds = (property.condition)(&self.plan.model, state);
            let is_find = match property.expectation {
                Expectation::Always => !holds,
                Expectation::Sometimes => holds,
                // Nothing about one state decides it: see `liveness`.
                Expectation::Eventually => false,
            };
            if is_find {
                keep_first(found, Some((level, key)));
            }
        }
    }

    /// Sends what this worker counted to all workers, and adds up what all counted: in the end each worker has the totals.
    fn into_part(mut self, worker: &mut Worker, stop: Option<Stop>) -> Part<F::Key, T> {
        self.note();
        let nothing = Sums::new(self.properties.len(), self.plan.classes.names.len());
        let mine = std::mem::replace(&mut self.sums, nothing);
        let heard = self.exchange(worker, Tally { sums: Some(mine), ..Tally::nothing() });
        heard.iter().filter_map(|tally| tally.sums.as_ref()).for_each(|sums| self.sums.add(sums));
        if let Some(notes) = &self.plan.notes {
            notes.fetch_or(self.sums.notes, Ordering::Relaxed);
        }
        let table = self.owned.borrow_mut().take_table();
        let unkept = self.unkept.and_then(Stop::into_error);
        Part { table, record: self.record, sums: self.sums, levels: self.levels, stop, unkept }
    }
}

/// Whether a worker is the one of its process that speaks.
fn is_first_here(worker: &Worker, workers: usize) -> bool {
    worker.index().is_multiple_of(workers)
}

impl<K> Tally<K> {
    fn nothing() -> Self {
        Tally {
            round: 0,
            frontier: 0,
            states: 0,
            edges: 0,
            bytes: 0,
            bytes_on_disk: 0,
            stop: None,
            checkpoint_is_due: false,
            sums: None,
        }
    }
}

/// Runs the model's code and turns a panic into a reason to stop.
fn guarded<R>(body: impl FnOnce() -> R) -> Result<R, Stop> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Stop::Panic(text.unwrap_or_else(|| "the model panicked".to_owned()))
    })
}
