//! Exploring a slice to the end, and saying what that proves.
//!
//! **What it is.** [`explore`] runs a breadth-first search over the product of one slice and makes a [`Report`] of it: counts, and for
//! each rule whether it is proved in the slice, violated, or vacuous. The search is our own, [`crate::bfs`]; stateright's is kept to
//! hold it against ([`Engine`]).
//!
//! **Why two runs.** The first run, on all cores, gives counts and verdicts. For what it finds violated a second run, on one thread and with
//! that property alone, gives the shortest counterexample: so it is the same one whichever engine found it, and, in the
//! protocol, one without the shortcuts that the first run takes.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use contract::judge::{Rule, RuleSet};
use contract::{Core, Profile};
use stateright::{Checker, Model, Property};

use crate::bfs::{self, Explorer, Hashed, Identity, Level, Limits};
use crate::drive::Stimulus;
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
    /// What the visited set says of a state, and what it costs.
    pub visited: Visited,
}

/// Which search explores.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Engine {
    /// [`crate::bfs`].
    #[default]
    Own,
    /// stateright's breadth-first search.
    Stateright,
}

/// How states are remembered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Visited {
    /// Whether equal entries are equal states.
    pub identity: Identity,
    /// The probability that two states were taken for one.
    pub collision_probability: f64,
    /// The most that the visited set and two frontiers took, in bytes; none where the engine does not say.
    pub bytes: Option<u64>,
}

/// Whether an exploration is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Every reachable state was seen.
    Complete,
    /// The budget was spent before.
    BudgetSpent,
}

impl Visited {
    pub(crate) fn of<M: Model, K>(report: &bfs::Report<M, K>) -> Self {
        Visited {
            identity: report.identity,
            collision_probability: report.collision_probability(),
            bytes: Some(report.bytes),
        }
    }
}

impl Extent {
    /// Nothing but time limits an exploration here.
    pub(crate) fn of<M: Model, K>(report: &bfs::Report<M, K>) -> Self {
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
    /// States found and not yet expanded, and bytes held, where the engine says so.
    pub holds: Option<Holds>,
}

/// What an exploration holds while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holds {
    /// States found and not yet expanded.
    pub frontier: u64,
    /// Bytes of the visited set and two frontiers.
    pub bytes: u64,
    /// Milliseconds since it began.
    pub elapsed_ms: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, depth {}", self.states, self.depth)?;
        let Some(Holds { frontier, bytes, elapsed_ms }) = self.holds else { return Ok(()) };
        let rate = self.states as f64 / (elapsed_ms as f64).max(1.0);
        write!(f, ", frontier {frontier}, {rate:.0} k states/s, {} MiB", bytes >> 20)
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
    /// Told now and then how far the run is.
    pub progress: &'a dyn Fn(Progress),
}

/// Explores one slice of the product of `C`, judged by `rules`. `make` builds the core.
///
/// # Errors
///
/// When the core panics, or does not do the same thing twice.
pub fn explore<C: Core>(
    profile: &Profile,
    slice: &Slice,
    rules: RuleSet,
    make: fn(&contract::core::Config) -> C,
    options: &Options<'_>,
) -> Result<Report, bfs::Error> {
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
) -> Result<Report, bfs::Error> {
    let product = || Product::<C, J>::around(profile, slice, rules, make);
    let first = first_run(product(), options)?;
    let shortest = |property: &'static str| shortest_path(product(), property);
    let proof = |rule: Rule| {
        let (holds, bites) = property_names(rule)?;
        Some(match (first.discovered.contains(holds), first.discovered.contains(bites)) {
            (true, _) => Proof::Violated(shortest(holds).map_or_else(Vec::new, |(_, path)| path)),
            _ if first.extent == Extent::BudgetSpent => Proof::Unfinished,
            (false, true) => Proof::Proved,
            (false, false) => Proof::Vacuous,
        })
    };
    let parted = first.discovered.contains(AGREEMENT).then(|| shortest(AGREEMENT)).flatten();
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
pub(crate) struct FirstRun {
    pub(crate) states: usize,
    pub(crate) edges: usize,
    pub(crate) depth: usize,
    pub(crate) elapsed: Duration,
    pub(crate) extent: Extent,
    /// The properties with an example or a counterexample.
    pub(crate) discovered: BTreeSet<&'static str>,
    pub(crate) visited: Visited,
}

/// The first run over a model.
pub(crate) fn first_run<M: Explorable>(model: M, options: &Options<'_>) -> Result<FirstRun, bfs::Error> {
    match options.engine {
        Engine::Own => first_run_of_ours(model, options),
        Engine::Stateright => Ok(first_run_of_stateright(model, options)),
    }
}

fn first_run_of_ours<M: Explorable>(model: M, options: &Options<'_>) -> Result<FirstRun, bfs::Error> {
    let (tell, told) = mpsc::channel();
    let explorer = Explorer::<_, Hashed<u64>>::hashed(model)
        .workers(options.threads)
        .limits(Limits { time: options.budget, ..Limits::default() })
        .examples(bfs::Examples::None)
        .progress(move |level| {
            // The run is over when nobody listens any more.
            let _nobody_listens = tell.send(*level);
        });
    let report = std::thread::scope(|scope| {
        let explored = scope.spawn(|| explorer.explore());
        told.iter().for_each(|level| (options.progress)(Progress::from(level)));
        explored.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    Ok(FirstRun {
        states: report.states as usize,
        edges: report.edges as usize,
        depth: report.depth() as usize,
        elapsed: report.elapsed,
        extent: Extent::of(&report),
        discovered: report.discovered().collect(),
        visited: Visited::of(&report),
    })
}

impl From<Level> for Progress {
    fn from(level: Level) -> Self {
        let Level { depth, frontier, states, bytes, elapsed_ms, .. } = level;
        Progress { states, depth, holds: Some(Holds { frontier, bytes, elapsed_ms }) }
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
        discovered: checker.discoveries().into_keys().collect(),
        visited: Visited {
            identity: Identity::Fingerprint { bits: 64 },
            collision_probability: bfs::collision_probability(states as u64, 64),
            bytes: None,
        },
    }
}

/// Waits for the checker, telling how far it is.
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

/// A model that can be asked whether one state breaks one property.
pub trait Judged: Model {
    /// Whether the state breaks the property of this name.
    fn breaks(&self, state: &Self::State, property: &str) -> bool;
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
