//! Test suites from the explored graph: what to cover, the paths that cover it, and a name for everything that is covered.
//!
//! **What it is.** [`plan`] explores slices of the product, looks at the graph through a [`Quotient`] (states and edges of one job, as
//! the specification distinguishes them), and finds paths of the product that cover what a [`Cover`] names. A path is a program
//! of stimuli from the empty queue on, so any subject that can follow stimuli can run it.
//!
//! **What it is not.** A proof of the subject: a suite visits each edge of the quotient somewhere, and not everywhere.
//!
//! **The laws it keeps.**
//! 1. One scope gives one suite, on any machine.
//! 2. Every path is one that the product can go; every item of the cover is on one of them.
//! 3. No path is superfluous: each covers something that no other one does.

mod graph;
mod quotient;
mod sneak;
mod tour;
mod walk;

use std::collections::BTreeSet;

use contract::core::Config;
use contract::{Core, HResult, JobId, Profile, ThreadId};
use judge::RuleSet;

use crate::drive::{From, Stimulus};
use crate::product::Product;
use crate::scope::Slice;

pub use graph::Pace;
pub use quotient::{EdgeId, Outcome, Place, PlaceId, Quotient, Seen, label};
pub use sneak::{calls, probes, refused};
pub use walk::{Walk, Walked, goes_on, is_still};

use graph::Graph;

/// What a suite reaches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cover {
    /// Every state of the quotient.
    State,
    /// Every edge of the quotient.
    Transition,
    /// Every two edges of the quotient that can follow one another.
    Pair,
    /// Every call in every state of the quotient in which it must fail.
    Sneak,
}

impl Cover {
    /// Every one, the smallest suite first.
    pub const ALL: [Cover; 4] = [Cover::State, Cover::Transition, Cover::Pair, Cover::Sneak];

    /// What is counted, for one of it.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Cover::State => "state",
            Cover::Transition => "edge",
            Cover::Pair => "pair of edges",
            Cover::Sneak => "refused call",
        }
    }

    /// Its name, as typed on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cover::State => "state",
            Cover::Transition => "transition",
            Cover::Pair => "pair",
            Cover::Sneak => "sneak",
        }
    }

    /// What is counted, for several of it.
    #[must_use]
    pub const fn units(self) -> &'static str {
        match self {
            Cover::State => "states",
            Cover::Transition => "edges",
            Cover::Pair => "pairs of edges",
            Cover::Sneak => "refused calls",
        }
    }
}

contract::named!(Cover, UnknownCover, "a cover");

/// Something to be covered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Item {
    /// A state.
    State(PlaceId),
    /// An edge.
    Edge(EdgeId),
    /// An edge, and one that follows it at once.
    Pair(EdgeId, EdgeId),
}

impl Item {
    /// What a step along `edge` into `to` covers, after a step along `last`.
    fn of(cover: Cover, last: Option<EdgeId>, edge: EdgeId, to: PlaceId) -> Option<Item> {
        match cover {
            Cover::State | Cover::Sneak => Some(Item::State(to)),
            Cover::Transition => Some(Item::Edge(edge)),
            Cover::Pair => last.map(|last| Item::Pair(last, edge)),
        }
    }

    /// The item in words.
    #[must_use]
    pub fn name(&self, quotient: &Quotient) -> String {
        match self {
            Item::State(place) => quotient.place_name(*place),
            Item::Edge(edge) => quotient.edge_name(*edge),
            Item::Pair(first, second) => {
                format!("{}; then {}", quotient.edge_name(*first), quotient.edge_name(*second))
            }
        }
    }
}

/// How to plan.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// What to cover.
    pub cover: Cover,
    /// When clients call.
    pub pace: Pace,
    /// Steps of a path at which it ends.
    pub longest: usize,
    /// Whether the subject can be made to take this step.
    pub allows: &'a dyn Fn(&Stimulus) -> bool,
    /// Called now and then with how far the plan is.
    pub progress: &'a dyn Fn(Progress),
}

/// How far a plan is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// States of the slice explored so far.
    Exploring(usize),
    /// Items still to be covered, of these.
    Covering {
        /// Still to be covered.
        left: usize,
        /// All.
        of: usize,
    },
}

/// States of a slice at most: they and the widest frontier are in memory. The slices of `default` have up to 620,000.
pub const MOST_STATES: usize = 1_000_000;

/// Why there is no plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The product is wrong somewhere, and no suite is made of what is wrong.
    #[error("specification and core part, or a rule is broken, in slice {0}")]
    Unsound(&'static str),
    /// There are more states than fit into memory.
    #[error("slice {0} has more than {MOST_STATES} states, too many for a suite")]
    TooWide(&'static str),
    /// The specification refuses a call with an answer that the method x state table does not have.
    #[error("the table of methods and states has no {hr} for {call} in: {place}")]
    Untabled {
        /// The call.
        call: String,
        /// Where.
        place: String,
        /// The answer.
        hr: HResult,
    },
}

/// The share of one slice in a suite.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// The slice's name.
    pub slice: &'static str,
    /// Concrete states explored.
    pub states: usize,
    /// Concrete edges explored.
    pub edges: usize,
    /// The paths, each from the empty queue on.
    pub paths: Vec<Vec<Stimulus>>,
}

/// What a slice is explored on.
#[derive(Clone, Copy)]
pub struct Subject<'a, C> {
    /// The dialect, perhaps with a switch turned.
    pub profile: &'a Profile,
    /// The slice.
    pub slice: &'a Slice,
    /// Makes the core.
    pub make: fn(&Config) -> C,
}

/// Plans the part of one slice: paths for everything that `covered` does not have yet, which is then in it.
///
/// # Errors
/// The product of the slice is wrong.
pub fn plan<C: Core>(
    subject: &Subject<'_, C>,
    options: &Options<'_>,
    quotient: &mut Quotient,
    covered: &mut BTreeSet<Item>,
) -> Result<Part, Error> {
    match subject.slice.jobs {
        0 | 1 => plan_jobs::<C, 1>(subject, options, quotient, covered),
        _ => plan_jobs::<C, 2>(subject, options, quotient, covered),
    }
}

fn plan_jobs<C: Core, const J: usize>(
    subject: &Subject<'_, C>,
    options: &Options<'_>,
    quotient: &mut Quotient,
    covered: &mut BTreeSet<Item>,
) -> Result<Part, Error> {
    let product = Product::<C, J>::around(subject.profile, subject.slice, RuleSet::OF_A_JOB, subject.make);
    let graph = Graph::explore(&product, subject.slice.name, options, quotient)?;
    let before = covered.clone();
    let tours = tour::tours(&graph, options, covered);
    let steps = |tour: &tour::Tour| tour.iter().map(|edge| graph.stimulus(*edge).clone()).collect();
    let mut paths: Vec<Vec<Stimulus>> = tours.iter().map(steps).collect();
    if options.cover == Cover::Sneak {
        let state = |item: &Item| if let Item::State(place) = item { Some(*place) } else { None };
        let mut fresh: BTreeSet<PlaceId> = covered.difference(&before).filter_map(state).collect();
        for path in &mut paths {
            *path = sneak::sneak_in(&product, options, path, &mut fresh, quotient, covered)?;
        }
    }
    let prefix: Vec<Stimulus> = product.prefix().collect();
    let paths = paths.into_iter().map(|path| prefix.iter().cloned().chain(path).collect()).collect();
    Ok(Part { slice: subject.slice.name, states: graph.len(), edges: graph.edge_count(), paths })
}

/// The call as the stimulus of a client that does nothing else.
#[must_use]
pub fn stranger(job: JobId, call: contract::Call) -> Stimulus {
    Stimulus::Call { from: From::Client(STRANGER), job: Some(job), call }
}

/// A client thread that no slice has: its calls never meet a call of its own that still waits.
pub const STRANGER: ThreadId = ThreadId(9);
