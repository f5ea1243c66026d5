//! Exploring a slice to the end with stateright, and saying what that proves.
//!
//! **What it is.** [`explore`] runs a breadth-first search over the product of one slice and makes a [`Report`] of it: counts, and for
//! each rule whether it is proved in the slice, violated, or vacuous.
//!
//! **Why two runs.** stateright overwrites the discovery of an `always` property at each later violation, and with several
//! threads levels overlap. So the first run, on all cores, gives counts and verdicts; for what it finds violated a second run, on one
//! thread and with that property alone, gives the shortest counterexample.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use contract::judge::{Rule, RuleSet};
use contract::{Core, Profile};
use stateright::{Checker, Model, Property};

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
}

/// Whether an exploration is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Every reachable state was seen.
    Complete,
    /// The budget was spent before.
    BudgetSpent,
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
    pub states: usize,
    /// The depth reached.
    pub depth: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, depth {}", self.states, self.depth)
    }
}

/// How to explore.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Threads of the first run.
    pub threads: usize,
    /// How long the first run may take.
    pub budget: Option<Duration>,
    /// Told now and then how far the run is.
    pub progress: &'a dyn Fn(Progress),
}

/// Explores one slice of the product of `C`, judged by `rules`. `make` builds the core.
pub fn explore<C: Core>(
    profile: &Profile,
    slice: &Slice,
    rules: RuleSet,
    make: fn(&contract::core::Config) -> C,
    options: &Options<'_>,
) -> Report {
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
) -> Report {
    let product = || Product::<C, J>::around(profile, slice, rules, make);
    let started = Instant::now();
    let mut builder = product().checker().threads(options.threads);
    if let Some(budget) = options.budget {
        builder = builder.timeout(budget);
    }
    let checker = watch(builder.spawn_bfs(), options.progress);
    let elapsed = started.elapsed();
    let discoveries = checker.discoveries();
    let spent = options.budget.is_some_and(|budget| elapsed >= budget);
    let extent = if spent { Extent::BudgetSpent } else { Extent::Complete };
    let shortest = |property: &'static str| shortest_path(product(), property);
    let proof = |rule: Rule| {
        let (holds, bites) = property_names(rule)?;
        Some(match (discoveries.contains_key(holds), discoveries.contains_key(bites)) {
            (true, _) => Proof::Violated(shortest(holds).map_or_else(Vec::new, |(_, path)| path)),
            _ if spent => Proof::Unfinished,
            (false, true) => Proof::Proved,
            (false, false) => Proof::Vacuous,
        })
    };
    let parted = discoveries.contains_key(AGREEMENT).then(|| shortest(AGREEMENT)).flatten();
    Report {
        slice: slice.name,
        scope: slice.describe(),
        states: checker.unique_state_count(),
        // The first state counts as generated without an edge to it.
        edges: checker.state_count().saturating_sub(1),
        depth: checker.max_depth(),
        elapsed,
        proofs: rules.iter().filter_map(|rule| Some((rule, proof(rule)?))).collect(),
        disagreement: parted.and_then(|(state, path)| Some((state.disagreement()?, path))),
        extent,
    }
}

/// Waits for the checker, telling how far it is.
pub(crate) fn watch<M: Model, K: Checker<M>>(checker: K, progress: &dyn Fn(Progress)) -> K {
    let mut pause = Duration::from_micros(200);
    while !checker.is_done() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
        progress(Progress { states: checker.unique_state_count(), depth: checker.max_depth() });
    }
    checker.join()
}

/// A model that can be asked whether one state breaks one property.
pub trait Judged: Model {
    /// Whether the state breaks the property of this name.
    fn breaks(&self, state: &Self::State, property: &str) -> bool;
}

/// The last state of the shortest path to a state that breaks the property, and the actions on the way.
pub(crate) fn shortest_path<M>(model: M, property: &'static str) -> Option<(M::State, Vec<M::Action>)>
where
    M: Judged + Send + Sync + 'static,
    M::State: Clone + fmt::Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + fmt::Debug + PartialEq + Send + Sync + 'static,
{
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
