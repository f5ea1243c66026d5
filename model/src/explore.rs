//! Exploring a slice to the end, and saying what that proves.
//!
//! **What it is.** [`explore`] runs a breadth-first search over the product of one slice and makes a [`Report`] of it: counts, and for
//! each rule whether it is proved in the slice, violated, or vacuous. The search is our own, [`explorer`]; stateright's is kept to
//! hold it against ([`Engine`]).
//!
//! **What it does not prove.** A slice in which specification and core part proves nothing, and nor does one that was not explored to its
//! end. Behind a disagreement the core is explored alone, so that a rule which it breaks there is named, too.
//!
//! **Why two runs.** The first run, on all cores, gives counts and verdicts. For what it finds violated a second run, on one thread and with
//! that property alone, gives the shortest counterexample: so it does not depend on the engine that found it, and, in the
//! protocol, it is without the shortcuts that the first run takes.

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use contract::{Core, Profile};
use explorer::{
    Classes, Cluster, Explorer, Fired, Form, Hashed, Identity, Level, Limits, Memory, Retraced, Subject,
};
use judge::{Rule, RuleSet};
use serde::{Deserialize, Serialize};
use stateright::{Checker, Model, Property};

use crate::drive::Stimulus;
use crate::keep::Keep;
use crate::lockstep::Disagreement;
use crate::product::{AGREEMENT, Product, property_names};
use crate::scope::Slice;

/// What became of a rule in a slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof<A = Stimulus> {
    /// No reachable state breaks it, and in some reachable state it bites.
    Proved,
    /// These actions, after the slice's prefix, break it; no shorter sequence does.
    Violated(Vec<A>),
    /// No reachable state breaks it, and none would without it either.
    Vacuous,
    /// The exploration ended before it was done.
    Unfinished,
    /// No reachable state breaks it, but specification and core part in the slice, so that nothing is proved there.
    Parted,
}

/// The result of exploring one slice.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The slice's name.
    pub slice: &'static str,
    /// The slice in one line.
    pub scope: String,
    /// Distinct states.
    pub states: usize,
    /// Transitions between them.
    pub edges: usize,
    /// The longest of the shortest paths, in steps.
    pub depth: usize,
    /// How long the first run took.
    pub elapsed: Duration,
    /// What became of each rule carried.
    pub proofs: Vec<(Rule, Proof)>,
    /// Where specification and core part, and the shortest way there.
    pub disagreement: Option<(Disagreement, Vec<Stimulus>)>,
    /// Whether every state was explored.
    pub extent: Extent,
    /// What the visited set keeps of a state, and what it costs.
    pub visited: Visited,
    /// Edges per class of actions, where the engine counts them.
    pub fired: Vec<Fired>,
}

/// Which search explores.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Engine {
    /// [`explorer`].
    #[default]
    Own,
    /// stateright's breadth-first search.
    Stateright,
}

/// How states are remembered.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Visited {
    /// Whether equal entries are equal states.
    pub identity: Identity,
    /// The probability that two states were taken for one.
    pub collision_probability: f64,
    /// The most that the visited set and two frontiers took in memory, in bytes; none where the engine does not report it.
    pub bytes: Option<u64>,
    /// The most of them that was on disk, in bytes.
    pub bytes_on_disk: u64,
}

/// Whether an exploration is complete.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub enum Extent {
    /// Every reachable state was seen.
    Complete,
    /// The budget was spent before.
    BudgetSpent,
}

impl Visited {
    pub(crate) fn of<M: Model, K>(report: &explorer::Report<M, K>) -> Self {
        Visited {
            identity: report.identity,
            collision_probability: report.collision_probability(),
            bytes: Some(report.bytes),
            bytes_on_disk: report.bytes_on_disk,
        }
    }
}

impl Extent {
    /// Nothing but time limits an exploration here.
    pub(crate) fn of<M: Model, K>(report: &explorer::Report<M, K>) -> Self {
        if report.is_complete() { Extent::Complete } else { Extent::BudgetSpent }
    }
}

impl Report {
    /// The proof of one rule.
    #[must_use]
    pub fn proof(&self, rule: Rule) -> Option<&Proof> {
        self.proofs.iter().find(|(other, _)| *other == rule).map(|(_, proof)| proof)
    }

    /// Whether every rule carried is proved and nothing disagrees.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.disagreement.is_none() && self.proofs.iter().all(|(_, proof)| *proof == Proof::Proved)
    }

    /// Distinct states, if every reachable one was seen.
    #[must_use]
    pub fn whole(&self) -> Option<usize> {
        (self.extent == Extent::Complete).then_some(self.states)
    }

    /// Distinct states per second.
    #[must_use]
    pub fn states_per_second(&self) -> f64 {
        self.states as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// How far an exploration has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Distinct states so far.
    pub states: u64,
    /// The depth reached.
    pub depth: u32,
    /// States found and not yet expanded, and bytes held, where the engine reports them.
    pub holds: Option<Holds>,
}

/// What an exploration holds while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holds {
    /// States found and not yet expanded.
    pub frontier: u64,
    /// Edges so far.
    pub edges: u64,
    /// Bytes of the visited set and two frontiers in memory.
    pub bytes: u64,
    /// What of them is on disk.
    pub bytes_on_disk: u64,
    /// Milliseconds since it began.
    pub elapsed_ms: u64,
}

impl Holds {
    /// Nothing.
    pub const NONE: Holds = Holds { frontier: 0, edges: 0, bytes: 0, bytes_on_disk: 0, elapsed_ms: 0 };
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, depth {}", self.states, self.depth)?;
        let Some(Holds { frontier, bytes, bytes_on_disk, elapsed_ms, .. }) = self.holds else {
            return Ok(());
        };
        let rate = self.states as f64 / (elapsed_ms as f64).max(1.0);
        write!(f, ", frontier {frontier}, {rate:.0} k states/s, {} MiB", bytes >> 20)?;
        if bytes_on_disk > 0 {
            write!(f, " and {} MiB on disk", bytes_on_disk >> 20)?;
        }
        Ok(())
    }
}

/// How to explore.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Which search explores.
    pub engine: Engine,
    /// Threads of the first run.
    pub threads: usize,
    /// How long the first run may take.
    pub budget: Option<Duration>,
    /// Called now and then with how far the run is.
    pub progress: &'a dyn Fn(Progress),
    /// What it may use beside threads and memory.
    pub resources: &'a Resources,
}

/// What a first run may use beside threads and memory. Only [`Engine::Own`] uses any of it.
#[derive(Clone, Default)]
pub struct Resources {
    /// A directory for checkpoints and results.
    pub keep: Option<Keep>,
    /// A bound of memory, and a place on disk for what is beyond.
    pub memory: Option<Memory>,
    /// Other processes.
    pub cluster: Option<Cluster>,
    /// Set from outside when the run is to end early.
    pub enough: Option<&'static AtomicBool>,
}

impl Resources {
    /// Nothing else.
    #[must_use]
    pub fn none() -> &'static Resources {
        static NONE: Resources = Resources { keep: None, memory: None, cluster: None, enough: None };
        &NONE
    }

    /// Whether no state has to leave the process.
    fn is_empty(&self) -> bool {
        self.keep.is_none() && self.memory.is_none() && self.cluster.is_none()
    }
}

/// Explores one slice of the product of `C`, judged by `rules`. `make` builds the core.
///
/// # Errors
///
/// When the core panics, or does something else when it is run again.
pub fn explore<C: Core>(
    profile: &Profile,
    slice: &Slice,
    rules: RuleSet,
    make: fn(&contract::core::Config) -> C,
    options: &Options<'_>,
) -> Result<Report, explorer::Error> {
    // The number of jobs is a type: a state of one job carries the monitors of one.
    match slice.jobs {
        0 | 1 => explore_jobs::<C, 1>(profile, slice, rules, make, options),
        _ => explore_jobs::<C, 2>(profile, slice, rules, make, options),
    }
}

fn explore_jobs<C: Core, const J: usize>(
    profile: &Profile,
    slice: &Slice,
    rules: RuleSet,
    make: fn(&contract::core::Config) -> C,
    options: &Options<'_>,
) -> Result<Report, explorer::Error> {
    let product = || Product::<C, J>::around(profile, slice, rules, make);
    // Two things explored are of one name only if they are equal: the core, the switches, the rules, the slice.
    let subject = Subject {
        model: format!("product of {}, {rules}, {profile:?}", std::any::type_name::<C>()),
        scope: slice.describe(),
    };
    let first = first_run(product(), &subject, &Arc::default(), options)?;
    let shortest = |property: &'static str| shortest_path(product(), property);
    let proof = |rule: Rule| {
        let (holds, bites) = property_names(rule)?;
        Some(match (first.has(holds), first.has(bites)) {
            (true, _) => Proof::Violated(shortest(holds).map_or_else(Vec::new, |(_, path)| path)),
            _ if first.extent == Extent::BudgetSpent => Proof::Unfinished,
            _ if first.has(AGREEMENT) => Proof::Parted,
            (false, true) => Proof::Proved,
            (false, false) => Proof::Vacuous,
        })
    };
    let parted = first.has(AGREEMENT).then(|| shortest(AGREEMENT)).flatten();
    Ok(Report {
        slice: slice.name,
        scope: slice.describe(),
        states: first.states,
        edges: first.edges,
        depth: first.depth,
        elapsed: first.elapsed,
        proofs: rules.iter().filter_map(|rule| Some((rule, proof(rule)?))).collect(),
        disagreement: parted.and_then(|(state, path)| Some((state.disagreement()?, path))),
        extent: first.extent,
        visited: first.visited,
        fired: first.fired,
    })
}

/// A model that either engine can explore.
pub(crate) trait Explorable:
    Model<
        State: Clone + fmt::Debug + Hash + PartialEq + Send + Sync + 'static,
        Action: Clone + fmt::Debug + PartialEq + Send + Sync + 'static,
    > + Send
    + Sync
    + 'static
{
}

impl<M> Explorable for M
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + fmt::Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + fmt::Debug + PartialEq + Send + Sync + 'static,
{
}

/// What a first run came to, whichever engine made it.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct FirstRun {
    pub(crate) states: usize,
    pub(crate) edges: usize,
    pub(crate) depth: usize,
    pub(crate) elapsed: Duration,
    pub(crate) extent: Extent,
    /// The properties with an example or a counterexample.
    pub(crate) discovered: Vec<String>,
    pub(crate) visited: Visited,
    pub(crate) fired: Vec<Fired>,
    /// What the model noted, a bit each.
    pub(crate) notes: u32,
}

impl FirstRun {
    /// Whether a property has an example or a counterexample.
    pub(crate) fn has(&self, property: &str) -> bool {
        self.discovered.iter().any(|discovered| discovered == property)
    }
}

/// The first run over a model, or what is kept of it. `notes` are bits that the model sets.
pub(crate) fn first_run<M: Judged + Explorable>(
    model: M,
    subject: &Subject,
    notes: &Arc<AtomicU32>,
    options: &Options<'_>,
) -> Result<FirstRun, explorer::Error> {
    let first = match (options.engine, &options.resources.keep) {
        (Engine::Stateright, _) => first_run_of_stateright(model, options),
        (Engine::Own, None) => first_run_of_ours(model, subject, notes, options)?,
        (Engine::Own, Some(keep)) => match keep.done(subject)? {
            Some(done) => done,
            None => {
                let first = first_run_of_ours(model, subject, notes, options)?;
                if first.extent == Extent::Complete {
                    // What was found is worth more than that it is kept.
                    let _lost = keep.finish(subject, &first).map_err(|error| keep.lose(error));
                }
                first
            }
        },
    };
    notes.fetch_or(first.notes, Ordering::Relaxed);
    Ok(first)
}

fn first_run_of_ours<M: Judged + Explorable>(
    model: M,
    subject: &Subject,
    notes: &Arc<AtomicU32>,
    options: &Options<'_>,
) -> Result<FirstRun, explorer::Error> {
    if options.resources.is_empty() {
        return explored(Explorer::<_, Hashed<u64>>::hashed(model), subject, notes, options);
    }
    explored(Explorer::<_, Retraced<u64>>::retraced(model), subject, notes, options)
}

fn explored<M: Judged + Explorable, F: Form<M>>(
    explorer: Explorer<M, F>,
    subject: &Subject,
    notes: &Arc<AtomicU32>,
    options: &Options<'_>,
) -> Result<FirstRun, explorer::Error> {
    let (tell, told) = mpsc::channel();
    let explorer = explorer
        .workers(options.threads)
        .limits(Limits { time: options.budget, enough: options.resources.enough, ..Limits::default() })
        .examples(explorer::Examples::None)
        .classes(M::classes())
        .notes(Arc::clone(notes))
        .progress(move |level| {
            // Without a receiver the send fails: the run is over then.
            let _nobody_listens = tell.send(*level);
        });
    let explorer = equipped(explorer, subject, options.resources)?;
    let report = std::thread::scope(|scope| {
        let explored = scope.spawn(|| explorer.explore());
        told.iter().for_each(|level| (options.progress)(Progress::from(level)));
        explored.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    if let (Some(keep), Some(error)) = (&options.resources.keep, &report.unkept) {
        keep.lose(error.clone());
    }
    Ok(FirstRun {
        states: report.states as usize,
        edges: report.edges as usize,
        depth: report.depth() as usize,
        elapsed: report.elapsed,
        extent: Extent::of(&report),
        discovered: report.discovered().map(str::to_owned).collect(),
        visited: Visited::of(&report),
        notes: notes.load(Ordering::Relaxed),
        fired: report.fired,
    })
}

/// With what it may use.
fn equipped<M: Explorable, F: Form<M>>(
    mut explorer: Explorer<M, F>,
    subject: &Subject,
    resources: &Resources,
) -> Result<Explorer<M, F>, explorer::Error> {
    if let Some(memory) = &resources.memory {
        explorer = explorer.memory(memory.clone());
    }
    if let Some(cluster) = &resources.cluster {
        explorer = explorer.cluster(cluster.about(subject));
    }
    if let Some(keep) = &resources.keep {
        let checkpoints = keep.checkpoints(subject);
        if checkpoints.is_occupied() {
            explorer = explorer.resume(&checkpoints.directory, subject)?;
        }
        explorer = explorer.checkpoints(checkpoints);
    }
    Ok(explorer)
}

impl From<Level> for Progress {
    fn from(level: Level) -> Self {
        let Level { depth, frontier, states, edges, bytes, bytes_on_disk, elapsed_ms } = level;
        let holds = Holds { frontier, edges, bytes, bytes_on_disk, elapsed_ms };
        Progress { states, depth, holds: Some(holds) }
    }
}

fn first_run_of_stateright<M: Explorable>(model: M, options: &Options<'_>) -> FirstRun {
    let started = Instant::now();
    let mut builder = model.checker().threads(options.threads);
    if let Some(budget) = options.budget {
        builder = builder.timeout(budget);
    }
    let checker = watch(builder.spawn_bfs(), options.progress);
    let elapsed = started.elapsed();
    let spent = options.budget.is_some_and(|budget| elapsed >= budget);
    let states = checker.unique_state_count();
    FirstRun {
        states,
        // The first state counts as generated without an edge to it.
        edges: checker.state_count().saturating_sub(1),
        // It counts states along a path, not steps.
        depth: checker.max_depth().saturating_sub(1),
        elapsed,
        extent: if spent { Extent::BudgetSpent } else { Extent::Complete },
        discovered: checker.discoveries().into_keys().map(str::to_owned).collect(),
        // The notes stay in the model, where the caller finds them.
        notes: 0,
        visited: Visited {
            identity: Identity::Fingerprint { bits: 64 },
            collision_probability: explorer::collision_probability(states as u64, 64),
            bytes: None,
            bytes_on_disk: 0,
        },
        fired: Vec::new(),
    }
}

/// Waits for the checker, and reports how far it is.
fn watch<M: Model, K: Checker<M>>(checker: K, progress: &dyn Fn(Progress)) -> K {
    let mut pause = Duration::from_micros(200);
    while !checker.is_done() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
        let (states, depth) = (checker.unique_state_count() as u64, checker.max_depth() as u32);
        progress(Progress { states, depth, holds: None });
    }
    checker.join()
}

/// A model that can check whether one state breaks one property.
pub trait Judged: Model {
    /// Whether the state breaks the property of this name.
    fn breaks(&self, state: &Self::State, property: &str) -> bool;

    /// The classes of its actions, each counted apart.
    fn classes() -> Classes<Self>
    where
        Self: Sized;
}

/// The last state of the shortest path to a state that breaks the property, and the actions on the way.
pub(crate) fn shortest_path<M: Judged + Explorable>(
    model: M,
    property: &'static str,
) -> Option<(M::State, Vec<M::Action>)> {
    let checker = Alone { model, property }.checker().threads(1).spawn_bfs().join();
    let path = checker.discovery(property)?;
    let state = path.last_state().clone();
    Some((state, path.into_actions()))
}

/// A model with one property only.
struct Alone<M> {
    model: M,
    property: &'static str,
}

impl<M: Judged> Model for Alone<M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        self.model.actions(state, actions);
    }

    fn next_state(&self, state: &M::State, action: M::Action) -> Option<M::State> {
        self.model.next_state(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let keeps = |alone: &Self, state: &M::State| !alone.model.breaks(state, alone.property);
        vec![Property::always(self.property, keeps)]
    }
}
