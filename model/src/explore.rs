//! Exploring a slice to the end with stateright, and saying what that proves.
//!
//! **What it is.** [`explore`] runs a breadth-first search over the product of one slice and makes a [`Report`] of it: counts, and for
//! each rule whether it is proved in the slice, violated, or vacuous.
//!
//! **Why two runs.** stateright overwrites the discovery of an `always` property at each later violation, and with several
//! threads levels overlap. So the first run, on all cores, gives counts and verdicts; for what it finds violated a second run, on one
//! thread and with that property alone, gives the shortest counterexample.

use std::fmt;
use std::time::{Duration, Instant};

use contract::judge::{Rule, RuleSet};
use contract::{Core, Profile};
use stateright::{Checker, Model, Property};

use crate::drive::Stimulus;
use crate::lockstep::Disagreement;
use crate::product::{AGREEMENT, Product, State, property_names};
use crate::scope::Slice;

/// What became of a rule in a slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// No reachable state breaks it, and in some reachable state it bites.
    Proved,
    /// These stimuli, after the slice's prefix, break it; no shorter sequence does.
    Violated(Vec<Stimulus>),
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
    let shortest = |property: &'static str| shortest_path(Alone { product: product(), property });
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
fn watch<M: Model, K: Checker<M>>(checker: K, progress: &dyn Fn(Progress)) -> K {
    while !checker.is_done() {
        std::thread::sleep(Duration::from_millis(20));
        progress(Progress { states: checker.unique_state_count(), depth: checker.max_depth() });
    }
    checker.join()
}

/// The last state of the shortest path to a state that breaks the property, and the stimuli on the way.
fn shortest_path<C: Core, const J: usize>(alone: Alone<C, J>) -> Option<(State<C, J>, Vec<Stimulus>)> {
    let property = alone.property;
    let checker = alone.checker().threads(1).spawn_bfs().join();
    let path = checker.discovery(property)?;
    let state = path.last_state().clone();
    Some((state, path.into_actions()))
}

/// A product with one property only.
struct Alone<C, const J: usize> {
    product: Product<C, J>,
    property: &'static str,
}

impl<C: Core, const J: usize> Model for Alone<C, J> {
    type State = State<C, J>;
    type Action = Stimulus;

    fn init_states(&self) -> Vec<State<C, J>> {
        self.product.init_states()
    }

    fn actions(&self, state: &State<C, J>, actions: &mut Vec<Stimulus>) {
        self.product.actions(state, actions);
    }

    fn next_state(&self, state: &State<C, J>, stimulus: Stimulus) -> Option<State<C, J>> {
        self.product.next_state(state, stimulus)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        if self.property == AGREEMENT {
            return vec![Property::always(AGREEMENT, |_, state: &State<C, J>| {
                state.disagreement().is_none()
            })];
        }
        alone_properties(self.property)
    }
}

macro_rules! alone {
    ($($rule:ident),*) => {
        fn alone_properties<C: Core, const J: usize>(property: &str) -> Vec<Property<Alone<C, J>>> {
            $(if property == stringify!($rule) {
                let holds = |_: &Alone<C, J>, state: &State<C, J>| !state.violated().contains(Rule::$rule);
                return vec![Property::always(stringify!($rule), holds)];
            })*
            Vec::new()
        }
    };
}

alone!(R1, R2, R3, R4, R5, R6, R7, R8, R10, R11, R12, R13, R14, R15, R18);
