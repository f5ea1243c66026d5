//! Exploring a model level by level on timely dataflow workers.
//!
//! **What it is.** [`Explorer`] visits every reachable state of any [`stateright::Model`] breadth first, and makes a [`Report`]:
//! counts, states per level, every property's verdict, deadlocks, and shortest counterexamples. [`graph`] records the edges on the
//! way; [`liveness`] decides on them what no single state shows.
//!
//! **What it is not.** It reduces nothing: no symmetry, no partial order. It decides no `eventually` property of stateright's;
//! those are reported as [`Verdict::Undecided`], and [`liveness`] is there for them.
//!
//! **The laws it keeps.**
//! 1. Counts, verdicts and counterexamples are equal with any number of workers, and in every run.
//! 2. A counterexample is a shortest one; among those, each state is the smallest in the order of keys that leads on.
//! 3. All properties are judged in one run; a violation does not hide another.
//! 4. The report states whether equal keys were equal states, and if not, how probable a confusion is.
//!
//! ```
//! use explorer::Explorer;
//! use explorer::reference::two_phase::TwoPhase;
//!
//! let report = Explorer::exact(TwoPhase::new(3)).workers(2).explore().unwrap();
//! assert_eq!((report.states, report.edges), (288, 1145));
//! ```

#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod cluster;
pub mod fingerprint;
pub mod graph;
pub mod liveness;
pub mod reference;

mod cold;
mod form;
mod frontier;
mod key;
mod owned;
mod path;
mod stored;
mod table;
mod tape;
mod worker;

use std::fmt;
use std::hash::Hash;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stateright::{Expectation, Model};

pub use checkpoint::{Checkpoints, Subject};
pub use cluster::{Cluster, ClusterError};
pub use form::{Exact, Form, Hashed, Here, Identity, Pack, Reach, Retraced};
pub use graph::{Edge, Graph, Labels};
pub use key::{Key, collision_probability};
pub use path::Path;

use checkpoint::Saved;
use graph::{Recorder, Recording};
use table::{Parent, Trail};
use worker::{Part, Sums};

/// An exploration to be run.
pub struct Explorer<M: Model, F> {
    plan: Plan<M, F>,
    examples: Examples,
}

/// What all workers share.
struct Plan<M: Model, F> {
    model: Arc<M>,
    limits: Limits,
    classes: Classes<M>,
    is_final: fn(&M, &M::State) -> bool,
    recording: Recording<M>,
    progress: Arc<dyn Fn(&Level) + Send + Sync>,
    checkpoints: Option<Checkpoints>,
    resumed: Option<Saved>,
    memory: Option<Memory>,
    notes: Option<Arc<AtomicU32>>,
    /// Threads of this process.
    workers: usize,
    cluster: Option<Cluster>,
    form: std::marker::PhantomData<fn() -> F>,
}

/// The classes of a model's actions: what is counted apart, and what is fair apart.
pub struct Classes<M: Model> {
    /// Their names.
    pub names: Vec<String>,
    /// The class of an action, as an index of `names`.
    pub of: fn(&M::Action) -> usize,
}

impl<M: Model> Clone for Classes<M> {
    fn clone(&self) -> Self {
        Classes { names: self.names.clone(), of: self.of }
    }
}

/// Which paths are rebuilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Examples {
    /// To nothing: which properties are violated is all that is wanted.
    None,
    /// To violations and deadlocks.
    Violations,
    /// Also to the states that `sometimes` properties ask for.
    All,
}

/// A bound of memory, and where that goes which does not fit.
///
/// The visited set and two frontiers keep within it, but for one level: its new keys are in memory until it is complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// For all workers of this process together.
    pub bytes: u64,
    /// A directory on a disk. Files there have no names, and vanish with the process.
    pub directory: PathBuf,
}

/// Where an exploration ends although there is more. Each is looked at when a level is complete, and the time also in between,
/// unless there are checkpoints: those are of complete levels, and nothing that was done is to be lost. That it is enough is looked at in
/// between in any case.
#[derive(Clone, Copy, Default, Debug)]
pub struct Limits {
    /// The deepest level expanded is the one before this.
    pub depth: Option<u32>,
    /// At least this number of states was found.
    pub states: Option<u64>,
    /// So much time has passed.
    pub time: Option<Duration>,
    /// Set from outside when it is enough. With checkpoints the level under way has [`Limits::LAST_LEVEL`] to be finished and kept.
    pub enough: Option<&'static AtomicBool>,
}

/// Why an exploration ended although there was more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
pub enum Stop {
    /// The model panicked, with this message.
    Panic(String),
    /// The way to a state did not lead there again.
    Strayed,
    /// There is no room for a checkpoint.
    DiskFull,
    /// A checkpoint could not be written: the system's error.
    Disk(String),
    /// A file of a checkpoint is not what was written, and why.
    Damaged(String, String),
    /// The limit of depth.
    Depth,
    /// The limit of states.
    States,
    /// The limit of time, at a level's end.
    Time,
    /// The limit of time, in the middle of a level.
    Overtime,
}

impl Stop {
    /// Whether a limit of the caller ended the run, so that it may go on from here another time.
    fn is_limit(&self) -> bool {
        matches!(self, Stop::Depth | Stop::States | Stop::Time | Stop::Overtime)
    }

    /// Whether the disk did not take something.
    fn is_of_disk(&self) -> bool {
        matches!(self, Stop::DiskFull | Stop::Disk(_))
    }

    fn disk(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Stop::DiskFull,
            _ => Stop::Disk(error.to_string()),
        }
    }

    /// The error it is, if it is one.
    fn into_error(self) -> Option<Error> {
        match self {
            Stop::Panic(text) => Some(Error::Model(text)),
            Stop::Strayed => Some(Error::Path),
            Stop::DiskFull => Some(Error::DiskFull),
            Stop::Disk(text) => Some(Error::Disk(text)),
            Stop::Damaged(path, why) => Some(Error::Damaged { path: path.into(), why }),
            Stop::Depth | Stop::States | Stop::Time | Stop::Overtime => None,
        }
    }
}

impl Limits {
    /// How long a level may go on after it is enough, where it would be kept.
    pub const LAST_LEVEL: Duration = Duration::from_millis(600);

    fn is_reached(&self, level: &Level) -> Option<Stop> {
        if self.depth.is_some_and(|depth| level.depth >= depth) {
            return Some(Stop::Depth);
        }
        self.states.is_some_and(|states| level.states >= states).then_some(Stop::States)
    }
}

/// How far an exploration has come: a line of progress, and of the report.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Level {
    /// The level, which is its states' distance from the first ones.
    pub depth: u32,
    /// Its states.
    pub frontier: u64,
    /// Distinct states so far.
    pub states: u64,
    /// Edges so far: those out of all earlier levels.
    pub edges: u64,
    /// What the visited set and two frontiers take in memory, in bytes.
    pub bytes: u64,
    /// What of them is on disk, in bytes.
    pub bytes_on_disk: u64,
    /// Time since the exploration began, in milliseconds.
    pub elapsed_ms: u64,
}

impl Level {
    /// Distinct states per second so far.
    #[must_use]
    pub fn states_per_second(&self) -> f64 {
        self.states as f64 * 1e3 / (self.elapsed_ms as f64).max(1.0)
    }
}

/// What became of a property.
#[derive(Clone, Debug)]
pub enum Verdict<P> {
    /// `always`: in every state. Only if the exploration was complete.
    Held,
    /// `always`: not in the last state of this path, if paths to such were asked for.
    Violated(Option<P>),
    /// `sometimes`: in the last state of this path, if paths to such were asked for.
    Found(Option<P>),
    /// `sometimes`: in no state. Only if the exploration was complete.
    Absent,
    /// The exploration ended before, or the property is an `eventually`.
    Undecided,
}

/// A property and what became of it.
#[derive(Clone, Debug)]
pub struct Finding<P> {
    /// The property's name.
    pub property: &'static str,
    /// What it expects.
    pub expectation: Expectation,
    /// What became of it.
    pub verdict: Verdict<P>,
}

/// States without a successor that the model does not declare final.
#[derive(Clone, Debug)]
pub struct Deadlocks<P> {
    /// How many.
    pub states: u64,
    /// A shortest path to one.
    pub path: Option<P>,
}

/// Edges per class of actions; a class that never fired has none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Fired {
    /// The class.
    pub class: String,
    /// How many edges.
    pub edges: u64,
}

/// The result of an exploration.
pub struct Report<M: Model, K> {
    /// The model, with what it noted on the way.
    pub model: Arc<M>,
    /// Distinct states.
    pub states: u64,
    /// Edges between them, the ones to known states included.
    pub edges: u64,
    /// Each level; the last one has an empty frontier if the exploration was complete.
    pub levels: Vec<Level>,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
    /// Why no more checkpoints could be written, where they were asked for. The last one is intact.
    pub unkept: Option<Error>,
    /// Whether equal keys were equal states.
    pub identity: Identity,
    /// Each property.
    pub findings: Vec<Finding<Arc<Path<M>>>>,
    /// Where nothing more can happen.
    pub deadlocks: Deadlocks<Arc<Path<M>>>,
    /// Per class of actions.
    pub fired: Vec<Fired>,
    /// The most bytes the visited set and frontiers took in memory.
    pub bytes: u64,
    /// The most of them that were on disk.
    pub bytes_on_disk: u64,
    /// How long it took, without rebuilding paths.
    pub elapsed: Duration,
    /// The graph, if it was to be recorded.
    pub graph: Option<Graph<K>>,
}

impl<M: Model, K> Report<M, K> {
    /// The probability that two states were taken for one.
    #[must_use]
    pub fn collision_probability(&self) -> f64 {
        match self.identity {
            Identity::Packed => 0.0,
            Identity::Fingerprint { bits } => collision_probability(self.states, bits),
        }
    }

    /// Whether every reachable state was seen.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stop.is_none()
    }

    /// The longest of the shortest paths, in steps.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.levels.iter().rev().find(|level| level.frontier > 0).map_or(0, |level| level.depth)
    }

    /// The properties that are violated, or have an example.
    pub fn discovered(&self) -> impl Iterator<Item = &'static str> {
        let is_found = |verdict: &Verdict<_>| matches!(verdict, Verdict::Violated(_) | Verdict::Found(_));
        self.findings.iter().filter(move |finding| is_found(&finding.verdict)).map(|finding| finding.property)
    }

    /// What became of a property.
    #[must_use]
    pub fn verdict(&self, property: &str) -> Option<&Verdict<Arc<Path<M>>>> {
        self.findings.iter().find(|finding| finding.property == property).map(|finding| &finding.verdict)
    }

    /// Distinct states per second.
    #[must_use]
    pub fn states_per_second(&self) -> f64 {
        self.states as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The model's own code panicked.
    #[error("the model panicked: {0}")]
    Model(String),
    /// The dataflow could not be run.
    #[error("the workers did not finish: {0}")]
    Workers(String),
    /// No step leads along the path that the search went: the model is not deterministic, or two states share a fingerprint.
    #[error(
        "the path to a state found cannot be walked again: the model is not deterministic, or fingerprints collide"
    )]
    Path,
    /// There is no room for a checkpoint, or for what does not fit into memory.
    #[error("the disk is full; the last checkpoint, if there was one, is intact")]
    DiskFull,
    /// A checkpoint could not be written, or what does not fit into memory.
    #[error("the disk does not take what it should; the last checkpoint, if there was one, is intact: {0}")]
    Disk(String),
    /// The form of the states, or a recorded graph, stays in the process.
    #[error("states of this form, and a recorded graph, do not leave their process")]
    NotStorable,
    /// The processes did not come together.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is nothing to resume.
    #[error("there is no checkpoint in {}", .0.display())]
    NoCheckpoint(PathBuf),
    /// A file of a checkpoint is not what was written.
    #[error("the checkpoint {} is damaged: {why}", path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory has checkpoints of an earlier run, which this run does not go on from.
    #[error("{} has a checkpoint: resume it, or choose another directory", .0.display())]
    Occupied(PathBuf),
    /// The checkpoint is of something else.
    #[error("the checkpoint is of another {what}: {saved:?}, and not {wanted:?}")]
    OtherCheckpoint {
        /// What differs.
        what: &'static str,
        /// What it is in the checkpoint.
        saved: String,
        /// What it is in this run.
        wanted: String,
    },
}

impl Error {
    /// What the disk's refusal comes to.
    pub fn disk(error: &io::Error) -> Self {
        Stop::disk(error).into_error().unwrap_or_else(|| Error::Disk(error.to_string()))
    }
}

impl<M> Explorer<M, Exact>
where
    M: Pack + Send + Sync + 'static,
    M::State: Clone,
{
    /// An exploration with packed states: exact.
    pub fn exact(model: M) -> Self {
        Self::new(model)
    }
}

impl<M, K: Key> Explorer<M, Hashed<K>>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Hash + Send + 'static,
{
    /// An exploration with fingerprints of `K`'s width.
    pub fn hashed(model: M) -> Self {
        Self::new(model)
    }
}

impl<M, K: Key> Explorer<M, Retraced<K>>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Hash + Send + 'static,
{
    /// An exploration with fingerprints of `K`'s width, whose states can leave the process nevertheless.
    pub fn retraced(model: M) -> Self {
        Self::new(model)
    }
}

impl<M, F> Explorer<M, F>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone,
    F: Form<M>,
{
    /// An exploration to the end, on one worker, that reports nothing meanwhile.
    pub fn new(model: M) -> Self {
        let plan = Plan {
            model: Arc::new(model),
            limits: Limits::default(),
            classes: Classes { names: Vec::new(), of: |_| 0 },
            is_final: |_, _| false,
            recording: Recording::Nothing,
            progress: Arc::new(|_| ()),
            checkpoints: None,
            resumed: None,
            memory: None,
            notes: None,
            workers: 1,
            cluster: None,
            form: std::marker::PhantomData,
        };
        Explorer { plan, examples: Examples::Violations }
    }

    /// On this number of threads.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.plan.workers = workers.max(1);
        self
    }

    /// Within so much memory; what does not fit goes to the disk.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.plan.memory = Some(memory);
        self
    }

    /// Together with other processes, each of which explores this, too. All come to equal counts and verdicts; paths are rebuilt
    /// by the first process alone, on its own threads.
    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.plan.cluster = Some(cluster);
        self
    }

    /// With bits that the model sets while it is explored. In the end there are those of all processes, and of the runs before that
    /// a checkpoint is from.
    #[must_use]
    pub fn notes(mut self, notes: Arc<AtomicU32>) -> Self {
        self.plan.notes = Some(notes);
        self
    }

    /// Only so far.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.plan.limits = limits;
        self
    }

    /// With the edges of each class of actions counted.
    #[must_use]
    pub fn classes(mut self, classes: Classes<M>) -> Self {
        self.plan.classes = classes;
        self
    }

    /// States of which it is right that nothing follows.
    #[must_use]
    pub fn finals(mut self, is_final: fn(&M, &M::State) -> bool) -> Self {
        self.plan.is_final = is_final;
        self
    }

    /// With paths to these.
    #[must_use]
    pub fn examples(mut self, examples: Examples) -> Self {
        self.examples = examples;
        self
    }

    /// With the graph recorded, and for each state which of these labels it has.
    #[must_use]
    pub fn record(mut self, labels: Labels<M>) -> Self {
        self.plan.recording = Recording::Graph(labels);
        self
    }

    /// With `progress` called on each level when it is complete.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(&Level) + Send + Sync + 'static) -> Self {
        self.plan.progress = Arc::new(progress);
        self
    }

    /// With checkpoints written on the way, and one when a limit is reached.
    #[must_use]
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.plan.checkpoints = Some(checkpoints);
        self
    }

    /// From the latest checkpoint in a directory on.
    ///
    /// # Errors
    ///
    /// When there is none, or it is of something else.
    pub fn resume(mut self, directory: &std::path::Path, subject: &Subject) -> Result<Self, Error> {
        self.plan.resumed = Some(Saved::find::<F::Key>(directory, subject)?);
        Ok(self)
    }

    /// Explores.
    ///
    /// # Errors
    ///
    /// When the model panics or is not deterministic, and when a checkpoint cannot be written or read.
    pub fn explore(self) -> Result<Report<M, F::Key>, Error> {
        let Explorer { mut plan, examples } = self;
        plan.admit()?;
        let unprepared = plan.prepare()?;
        let plan = Arc::new(plan);
        let started = Instant::now();
        let parts = launch::<M, F, ()>(&plan)?;
        let elapsed = started.elapsed();
        let (first, records) = joined(parts)?;
        let targets = plan.targets(examples, &first.sums);
        let paths = path::rebuild::<M, F>(&plan, plan.workers, targets)?;
        let path = |found: (u32, F::Key)| paths.get(&found.1).cloned();
        let Sums { edges, deadlocks, deadlock, found, classes, .. } = first.sums;
        let properties = plan.model.properties().into_iter().zip(found);
        let findings = properties.map(|(property, found)| Finding {
            property: property.name,
            verdict: Verdict::of(&property.expectation, found, first.stop.as_ref(), path),
            expectation: property.expectation,
        });
        let fired = plan.classes.names.iter().zip(classes);
        let most = |of: fn(&Level) -> u64| first.levels.iter().map(of).max().unwrap_or(0);
        Ok(Report {
            model: Arc::clone(&plan.model),
            states: first.levels.last().map_or(0, |level| level.states),
            edges,
            findings: findings.collect(),
            deadlocks: Deadlocks { states: deadlocks, path: deadlock.and_then(path) },
            fired: fired.map(|(class, edges)| Fired { class: class.clone(), edges }).collect(),
            bytes: most(|level| level.bytes),
            bytes_on_disk: most(|level| level.bytes_on_disk),
            levels: first.levels,
            stop: first.stop,
            unkept: first.unkept.or(unprepared),
            identity: F::IDENTITY,
            elapsed,
            graph: plan.recording.is_graph().then(|| Graph::assemble(records)),
        })
    }
}

/// What a worker has to show that is equal on all of them, and what each has recorded.
type Joined<K> = (Part<K, ()>, Vec<Recorder<K>>);

fn joined<K>(parts: Vec<Part<K, ()>>) -> Result<Joined<K>, Error> {
    let mut parts = parts.into_iter();
    let mut first = parts.next().ok_or_else(|| Error::Workers("there is none".to_owned()))?;
    if let Some(error) = first.stop.clone().and_then(Stop::into_error) {
        return Err(error);
    }
    let mut records = vec![std::mem::take(&mut first.record)];
    records.extend(parts.map(|part| part.record));
    Ok((first, records))
}

impl<P> Verdict<P> {
    /// What was found decides a property; that nothing was found only when nothing stopped the run.
    fn of<K>(
        expectation: &Expectation,
        found: Option<K>,
        stop: Option<&Stop>,
        path: impl Fn(K) -> Option<P>,
    ) -> Self {
        match (expectation, found, stop) {
            (Expectation::Always, Some(found), _) => Verdict::Violated(path(found)),
            (Expectation::Sometimes, Some(found), _) => Verdict::Found(path(found)),
            (Expectation::Always, None, None) => Verdict::Held,
            (Expectation::Sometimes, None, None) => Verdict::Absent,
            _ => Verdict::Undecided,
        }
    }
}

impl<M: Model, K: fmt::Debug> fmt::Debug for Report<M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, {} edges, depth {}", self.states, self.edges, self.depth())
    }
}

impl<M: Model, F: Form<M>> Plan<M, F> {
    /// Whether the run can be made.
    fn admit(&self) -> Result<(), Error> {
        let leaves = self.checkpoints.is_some()
            || self.resumed.is_some()
            || self.memory.is_some()
            || self.cluster.is_some();
        if leaves && (F::REACH == Reach::Process || self.recording.is_graph()) {
            return Err(Error::NotStorable);
        }
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        let goes_on = self.resumed.as_ref().is_some_and(|saved| saved.is_in(&checkpoints.directory));
        if checkpoints.is_occupied() && !goes_on {
            return Err(Error::Occupied(checkpoints.directory.clone()));
        }
        Ok(())
    }

    /// Makes the directory of checkpoints ready. Without it the run goes on without checkpoints, and this is why; unless other processes
    /// take part, which have to do as this one does.
    fn prepare(&mut self) -> Result<Option<Error>, Error> {
        let prepared = self.checkpoints.as_ref().map_or(Ok(()), Checkpoints::prepare);
        let Err(error) = prepared.map_err(|error| Error::disk(&error)) else { return Ok(None) };
        if self.cluster.is_some() {
            return Err(error);
        }
        self.checkpoints = None;
        Ok(Some(error))
    }

    /// What paths are rebuilt to. Of several processes, only the first one does that.
    fn targets(&self, examples: Examples, sums: &Sums<F::Key>) -> Vec<(u32, F::Key)> {
        if examples == Examples::None || self.cluster.as_ref().is_some_and(|cluster| cluster.process() > 0) {
            return Vec::new();
        }
        let properties = self.model.properties().into_iter().zip(&sums.found);
        let wanted = properties.filter(|(property, _)| {
            examples == Examples::All || property.expectation != Expectation::Sometimes
        });
        wanted.filter_map(|(_, found)| *found).chain(sums.deadlock).collect()
    }
}

/// Runs the workers and waits for them.
fn launch<M, F, T>(plan: &Arc<Plan<M, F>>) -> Result<Vec<Part<F::Key, T>>, Error>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone,
    F: Form<M>,
    T: Parent<F::Key>,
{
    let shared = Arc::clone(plan);
    let work = move |worker: &mut timely::worker::Worker| worker::run::<M, F, T>(worker, &shared);
    let guards = match (&plan.cluster, plan.workers) {
        (Some(cluster), workers) => {
            let (builders, guard) = cluster.meet(workers)?;
            timely::execute::execute_from(builders, guard, timely::WorkerConfig::default(), work)
        }
        (None, 1) => timely::execute(timely::Config::thread(), work),
        (None, workers) => timely::execute(timely::Config::process(workers), work),
    };
    guards.map_err(Error::Workers)?.join().into_iter().collect::<Result<_, _>>().map_err(Error::Workers)
}
