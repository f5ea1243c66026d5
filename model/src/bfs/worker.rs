//! One worker of an exploration: a dataflow of two streams, and the loop that drives it level by level.
//!
//! **What it is.** Every worker owns the keys whose mixed bits fall to it: their part of the visited set and of the frontier. It
//! expands its frontier and sends each successor to its owner (stream one). At a level's end everybody tells everybody how
//! much was found (stream two), so all decide alike whether to go on. timely carries both streams, between threads here, and it
//! would between processes.
//!
//! **The laws it keeps.**
//! 1. A level begins when the one before has arrived everywhere: depths are shortest distances.
//! 2. What is kept does not depend on who was first: of several findings of a level the smallest key stays, of several parents too.
//! 3. A panic of the model ends the run at the level's end on all workers, with its message; nobody waits for ever.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
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
use super::graph::Recorder;
use super::key::Key;
use super::table::{Inserted, Mark, Recent, Table};
use super::{Level, Plan, Stop};

/// States expanded between two looks at what arrived.
const CHUNK: usize = 256;
/// Arrivals whose slots are read together.
const WINDOW: usize = 32;
/// How long a worker with nothing to do sleeps at most before it looks again.
const NAP: Duration = Duration::from_millis(1);

/// Where a state of the second run was come from.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(super) struct Trail<K> {
    /// The smallest key of the level before that leads here.
    pub(super) parent: K,
    /// The state's level.
    pub(super) level: u32,
}

/// A mark that can be made of a parent.
pub(super) trait Parent<K>: Mark + Serialize + for<'de> Deserialize<'de> {
    /// The mark of a state of `level` come from `parent`.
    fn of(parent: K, level: u32) -> Self;
}

impl<K> Parent<K> for () {
    #[inline]
    fn of(_: K, _: u32) {}
}

impl<K: Key> Mark for Trail<K> {
    const NONE: Self = Trail { parent: K::VACANT, level: 0 };
    const COUNTS_AGAIN: bool = true;

    fn replaces(self, there: Self) -> bool {
        self.level == there.level && self.parent < there.parent
    }
}

impl<K: Key> Parent<K> for Trail<K> {
    fn of(parent: K, level: u32) -> Self {
        Trail { parent, level }
    }
}

/// A state on its way to its owner.
type Arrival<W, T> = (W, T);
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
    pub(super) sums: Sums<K>,
    /// The levels, the same on every worker.
    pub(super) levels: Vec<Level>,
    pub(super) stop: Option<Stop>,
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
}

impl<K: Key> Sums<K> {
    pub(super) fn new(properties: usize, classes: usize) -> Self {
        Sums {
            edges: 0,
            deadlocks: 0,
            deadlock: None,
            found: vec![None; properties],
            classes: vec![0; classes],
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
    }
}

fn keep_first<K: Key>(kept: &mut Found<K>, other: Found<K>) {
    *kept = match (*kept, other) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    };
}

/// What a worker tells the others at a level's end.
#[derive(Clone, Default, Serialize, Deserialize, Debug)]
struct Tally {
    frontier: u64,
    states: u64,
    edges: u64,
    bytes: u64,
    stop: Option<Stop>,
    checkpoint_is_due: bool,
}

/// What arrives: the owned part of the visited set, and the next frontier.
struct Owned<K, W, T> {
    table: Table<K, T>,
    next: Vec<W>,
}

/// The worker.
struct Explorer<'a, M: Model, F: Form<M>, T: Parent<F::Key>> {
    plan: &'a Plan<M, F>,
    properties: Vec<Property<M>>,
    owned: Shared<Owned<F::Key, F::Wire, T>>,
    arrivals: Inlet<Arrival<F::Wire, T>>,
    arrived: ProbeHandle<u64>,
    tallies: Inlet<Tally>,
    heard: Shared<Vec<Tally>>,
    told: ProbeHandle<u64>,
    recent: Recent<F::Key>,
    outbox: Vec<Arrival<F::Wire, T>>,
    actions: Vec<M::Action>,
    sums: Sums<F::Key>,
    record: Recorder<F::Key>,
    levels: Vec<Level>,
    started: Instant,
    /// How long the runs took that a checkpoint is from.
    earlier_ms: u64,
    /// When the last checkpoint was written.
    saved: Instant,
}

/// Explores on one worker.
pub(super) fn run<M, F, T>(worker: &mut Worker, plan: &Plan<M, F>) -> Part<F::Key, T>
where
    M: Model,
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
    explorer.into_part(stop)
}

impl<'a, M, F, T> Explorer<'a, M, F, T>
where
    M: Model,
    M::State: Clone,
    F: Form<M>,
    T: Parent<F::Key>,
{
    fn new(worker: &mut Worker, plan: &'a Plan<M, F>) -> Self {
        let owned = Rc::new(RefCell::new(Owned { table: Table::new(), next: Vec::new() }));
        let heard = Rc::new(RefCell::new(Vec::new()));
        let (mut arrivals, mut tallies) = (InputHandle::new(), InputHandle::new());
        let (arrived, told) = (ProbeHandle::new(), ProbeHandle::new());
        worker.dataflow(|scope| {
            let owned = Rc::clone(&owned);
            let by_owner = Exchange::new(|(wire, _): &Arrival<F::Wire, T>| F::key(wire).mix());
            scope
                .input_from(&mut arrivals)
                .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(by_owner, "visited", |_, _| {
                    move |input, _| input.for_each(|_, batch| owned.borrow_mut().arrive::<M, F>(batch))
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
            actions: Vec::new(),
            sums: Sums::new(properties.len(), plan.classes.names.len()),
            properties,
            record: Recorder::new(),
            levels: Vec::new(),
            started: Instant::now(),
            earlier_ms: 0,
            saved: Instant::now(),
        }
    }

    /// The first level, or the one that a checkpoint ends with.
    fn begin(&mut self, worker: &mut Worker) -> (Vec<F::Wire>, Option<Stop>) {
        if let Some(saved) = &self.plan.resumed {
            let restored = self.restore(worker, saved);
            let (frontier, trouble) =
                restored.map_or_else(|stop| (Vec::new(), Some(stop)), |wires| (wires, None));
            return (frontier, self.agree(worker, trouble));
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
            let states = plan.model.init_states().into_iter();
            let inside = states.filter(|state| plan.model.within_boundary(state));
            inside.map(|state| F::wire(&plan.model, state)).collect::<Vec<_>>()
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
    fn restore(&mut self, worker: &Worker, saved: &Saved) -> Result<Vec<F::Wire>, Stop> {
        // timely sends a record to the worker of this number.
        let (index, peers) = (worker.index() as u64, worker.peers() as u64);
        let taken = saved.take(|key: F::Key| key.mix() % peers == index)?;
        self.levels.clone_from(&saved.levels);
        self.earlier_ms = saved.levels.last().map_or(0, |level| level.elapsed_ms);
        if index == 0 {
            taken.sums.iter().for_each(|sums| self.sums.add(sums));
        }
        let mut owned = self.owned.borrow_mut();
        for key in taken.visited {
            owned.table.reserve(1);
            owned.table.insert(key, T::NONE);
        }
        Ok(taken.frontier.into_iter().filter_map(F::stored).collect())
    }

    /// Waits until all that was sent has arrived, everywhere.
    fn await_arrivals(&mut self, worker: &mut Worker) {
        let next = self.arrivals.time() + 1;
        self.arrivals.advance_to(next);
        while self.arrived.less_than(&next) {
            worker.step_or_park(Some(NAP));
        }
    }

    /// Waits for the level, tells the others what came of it, and adds up what they tell. All workers come to the same result.
    fn close_level(&mut self, worker: &mut Worker, trouble: Option<Stop>) -> (Vec<F::Wire>, Option<Stop>) {
        self.await_arrivals(worker);
        let frontier = std::mem::take(&mut self.owned.borrow_mut().next);
        let tally = self.tally(&frontier, trouble);
        let heard = self.exchange(worker, tally);
        let sum = |of: fn(&Tally) -> u64| heard.iter().map(of).sum();
        let level = Level {
            depth: self.levels.len() as u32,
            frontier: sum(|tally| tally.frontier),
            states: sum(|tally| tally.states),
            edges: sum(|tally| tally.edges),
            bytes: sum(|tally| tally.bytes),
            elapsed_ms: self.earlier_ms + self.started.elapsed().as_millis() as u64,
        };
        if worker.index() == 0 {
            (self.plan.progress)(&level);
        }
        self.levels.push(level);
        let over = (level.frontier > 0).then(|| self.plan.limits.is_reached(&level)).flatten();
        // Without an order among the workers' reasons, they would not all give the same one.
        let stop = heard.iter().filter_map(|tally| tally.stop.clone()).min().or(over);
        let is_due = heard.iter().any(|tally| tally.checkpoint_is_due) || stop.is_some();
        let is_sound = stop.as_ref().is_none_or(Stop::is_limit);
        match &self.plan.checkpoints {
            Some(checkpoints) if is_due && is_sound => {
                let trouble = self.save(worker, checkpoints, &frontier);
                (frontier, trouble.or(stop))
            }
            _ => (frontier, stop),
        }
    }

    fn tally(&self, frontier: &[F::Wire], trouble: Option<Stop>) -> Tally {
        let owned = self.owned.borrow();
        // Twice the frontier: while it is expanded, the next one grows.
        let bytes = owned.table.bytes() + 2 * size_of_val(frontier);
        let late = self.plan.limits.time.is_some_and(|limit| self.started.elapsed() >= limit);
        let every = self.plan.checkpoints.as_ref().map(|checkpoints| checkpoints.every);
        Tally {
            frontier: frontier.len() as u64,
            states: owned.table.len() as u64,
            edges: self.sums.edges,
            bytes: bytes as u64,
            stop: trouble.or((late && !frontier.is_empty()).then_some(Stop::Time)),
            checkpoint_is_due: every.is_some_and(|every| self.saved.elapsed() >= every),
        }
    }

    /// Tells everybody, and hears everybody.
    fn exchange(&mut self, worker: &mut Worker, tally: Tally) -> Vec<Tally> {
        self.tallies.send(tally);
        let next = self.tallies.time() + 1;
        self.tallies.advance_to(next);
        while self.told.less_than(&next) {
            worker.step_or_park(Some(NAP));
        }
        std::mem::take(&mut *self.heard.borrow_mut())
    }

    /// Whether anybody is in trouble.
    fn agree(&mut self, worker: &mut Worker, trouble: Option<Stop>) -> Option<Stop> {
        let heard = self.exchange(worker, Tally { stop: trouble, ..Tally::default() });
        heard.into_iter().filter_map(|tally| tally.stop).min()
    }

    /// Writes a checkpoint: everybody a part, and one worker, when all parts are there, the header.
    fn save(&mut self, worker: &mut Worker, checkpoints: &Checkpoints, frontier: &[F::Wire]) -> Option<Stop> {
        let written = {
            let table = &self.owned.borrow().table;
            let frontier = frontier.iter().map(F::key);
            checkpoints.write_part(worker.index(), &self.sums, table.keys(), table.len(), frontier)
        };
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

    /// Expands the frontier, looking now and then at what arrived, so that little is under way at any time.
    fn expand_all(&mut self, worker: &mut Worker, frontier: Vec<F::Wire>) -> Option<Stop> {
        for chunk in frontier.chunks(CHUNK) {
            let expanded = guarded(|| chunk.iter().for_each(|wire| self.expand(wire)));
            self.arrivals.send_batch(&mut self.outbox);
            worker.step();
            if let Err(stop) = expanded {
                return Some(stop);
            }
        }
        None
    }

    fn expand(&mut self, wire: &F::Wire) {
        let plan = self.plan;
        let (key, level) = (F::key(wire), self.levels.len() as u32 - 1);
        let state = F::state(&plan.model, wire);
        self.judge(key, level, &state);
        self.record.open(&plan.recording, &plan.model, key, level, &state);
        let before = self.sums.edges;
        plan.model.actions(&state, &mut self.actions);
        for action in self.actions.drain(..) {
            let class = (plan.classes.of)(&action);
            let Some(next) = plan.model.next_state(&state, action) else { continue };
            if !plan.model.within_boundary(&next) {
                continue;
            }
            let wire = F::wire(&plan.model, next);
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

    fn into_part(self, stop: Option<Stop>) -> Part<F::Key, T> {
        let table = std::mem::replace(&mut self.owned.borrow_mut().table, Table::new());
        Part { table, record: self.record, sums: self.sums, levels: self.levels, stop }
    }
}

impl<K: Key, W, T: Parent<K>> Owned<K, W, T> {
    fn arrive<M: Model, F: Form<M, Key = K, Wire = W>>(&mut self, batch: &mut Vec<Arrival<W, T>>) {
        self.table.reserve(batch.len());
        let mut arrivals = batch.drain(..);
        while !arrivals.as_slice().is_empty() {
            for (wire, _) in arrivals.as_slice().iter().take(WINDOW) {
                std::hint::black_box(self.table.touch(F::key(wire)));
            }
            for (wire, mark) in arrivals.by_ref().take(WINDOW) {
                if self.table.insert(F::key(&wire), mark) == Inserted::New {
                    self.next.push(wire);
                }
            }
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
