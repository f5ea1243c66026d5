//! Exploring a slice of the protocol to its end, and saying what that proves.

use std::time::Duration;

use contract::Profile;
use contract::defect::Design;
use explorer::{Fired, Subject};

use super::act::Act;
use super::law::Law;
use super::scope::Slice;
use super::story::Story;
use super::{CLIENTS_OWN, Exercised, Protocol, Reduction, State, World};
use crate::explore::{Extent, FirstRun, Options, Proof, Visited, first_run, shortest_path};

/// The result of exploring one slice under one design.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The slice's name.
    pub slice: &'static str,
    /// The slice in one line.
    pub scope: String,
    /// The design.
    pub design: Design,
    /// Distinct states.
    pub states: usize,
    /// Transitions between them.
    pub edges: usize,
    /// The longest of the shortest paths, in steps.
    pub depth: usize,
    /// How long the first run took.
    pub elapsed: Duration,
    /// What became of each law.
    pub proofs: Vec<(Law, Proof<Act>)>,
    /// The shortest way to a client that waits for itself through a lock of its own, if there is one (clause 7).
    pub clients_own: Option<Vec<Act>>,
    /// Whether every state was explored.
    pub extent: Extent,
    /// How large a state is.
    pub size: Size,
    /// What the visited set keeps of a state, and what it costs.
    pub visited: Visited,
    /// Edges per class of steps, where the engine counts them.
    pub fired: Vec<Fired>,
}

/// How large a state is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// The protocol's part.
    pub protocol: usize,
    /// All of it, with the memory of the rules.
    pub state: usize,
}

impl Report {
    /// The proof of one law.
    #[must_use]
    pub fn proof(&self, law: Law) -> Option<&Proof<Act>> {
        self.proofs.iter().find(|(other, _)| *other == law).map(|(_, proof)| proof)
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

/// Explores one slice under a design, held to `laws`.
///
/// # Errors
///
/// When the model panics, which would be a mistake in it.
pub fn check(
    design: Design,
    profile: &Profile,
    slice: &Slice,
    laws: &[Law],
    reduction: Reduction,
    options: &Options<'_>,
) -> Result<Report, explorer::Error> {
    // The number of jobs is a type: a state of one job carries the monitors of one.
    match slice.jobs {
        0 | 1 => check_jobs::<1>(design, profile, slice, laws, reduction, options),
        2 => check_jobs::<2>(design, profile, slice, laws, reduction, options),
        _ => check_jobs::<3>(design, profile, slice, laws, reduction, options),
    }
}

/// What became of a law in a slice, without the way there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// It holds, and decided something.
    Proved,
    /// It is broken.
    Broken,
    /// It had nothing to decide.
    Vacuous,
    /// The exploration ended before it was done.
    Unfinished,
}

/// What became of every law in a slice under a design, and last of clients that lock themselves out: [`check`] without its counterexamples.
///
/// # Errors
///
/// As of [`check`].
pub fn outcomes(
    design: Design,
    profile: &Profile,
    slice: &Slice,
    options: &Options<'_>,
) -> Result<Vec<(Option<Law>, Outcome)>, explorer::Error> {
    match slice.jobs {
        0 | 1 => outcomes_of_jobs::<1>(design, profile, slice, options),
        2 => outcomes_of_jobs::<2>(design, profile, slice, options),
        _ => outcomes_of_jobs::<3>(design, profile, slice, options),
    }
}

fn outcomes_of_jobs<const J: usize>(
    design: Design,
    profile: &Profile,
    slice: &Slice,
    options: &Options<'_>,
) -> Result<Vec<(Option<Law>, Outcome)>, explorer::Error> {
    let explored = explored::<J>(design, profile, slice, Law::ALL, Reduction::Fewest, options)?;
    let own = if explored.first.has(CLIENTS_OWN) { Outcome::Broken } else { Outcome::Vacuous };
    let laws = Law::ALL.iter().map(|law| (Some(*law), explored.outcome(*law)));
    Ok(laws.chain([(None, own)]).collect())
}

/// What the first run came to, and the laws that had something to decide in it.
struct Explored {
    first: FirstRun,
    exercised: Exercised,
}

fn explored<const J: usize>(
    design: Design,
    profile: &Profile,
    slice: &Slice,
    laws: &[Law],
    reduction: Reduction,
    options: &Options<'_>,
) -> Result<Explored, explorer::Error> {
    let protocol = Protocol::<J>::new(design, profile, slice, laws, reduction);
    let exercised = protocol.exercised.clone();
    let subject = subject(design, profile, slice, laws, reduction);
    let first = first_run(protocol, &subject, &exercised.0, options)?;
    Ok(Explored { first, exercised })
}

impl Explored {
    fn outcome(&self, law: Law) -> Outcome {
        if self.first.has(law.id()) {
            Outcome::Broken
        } else if self.first.extent == Extent::BudgetSpent {
            Outcome::Unfinished
        } else if self.exercised.has(law) {
            Outcome::Proved
        } else {
            Outcome::Vacuous
        }
    }
}

impl Story {
    /// The story of a counterexample of [`check`]: the steps that break `law`, or that lock a client out when there is none.
    #[must_use]
    pub fn of(design: Design, profile: &Profile, slice: &Slice, law: Option<Law>, acts: &[Act]) -> Story {
        match slice.jobs {
            0 | 1 => alone::<1>(design, profile, slice, law).story(acts, law),
            2 => alone::<2>(design, profile, slice, law).story(acts, law),
            _ => alone::<3>(design, profile, slice, law).story(acts, law),
        }
    }
}

/// The protocol for a shortest path: held to one law, and with every step, so that no step on the way is a detour.
fn alone<const J: usize>(design: Design, profile: &Profile, slice: &Slice, law: Option<Law>) -> Protocol<J> {
    Protocol::new(design, profile, slice, law.as_slice(), Reduction::Full)
}

/// Two things explored are of one name only if they are equal: the design, the dialect, the laws, the slice.
fn subject(design: Design, profile: &Profile, slice: &Slice, laws: &[Law], reduction: Reduction) -> Subject {
    let carried: Vec<&str> = laws.iter().map(|law| law.id()).collect();
    let model = format!("protocol, design {design}, {}, {reduction:?} steps, {profile:?}", carried.join(" "));
    Subject { model, scope: slice.describe() }
}

fn check_jobs<const J: usize>(
    design: Design,
    profile: &Profile,
    slice: &Slice,
    laws: &[Law],
    reduction: Reduction,
    options: &Options<'_>,
) -> Result<Report, explorer::Error> {
    let explored = explored::<J>(design, profile, slice, laws, reduction, options)?;
    let shortest = |law: Option<Law>| {
        let property = law.map_or(CLIENTS_OWN, Law::id);
        shortest_path(alone::<J>(design, profile, slice, law), property)
            .map_or_else(Vec::new, |(_, path)| path)
    };
    let proof = |law: Law| match explored.outcome(law) {
        Outcome::Broken => Proof::Violated(shortest(Some(law))),
        Outcome::Unfinished => Proof::Unfinished,
        Outcome::Proved => Proof::Proved,
        Outcome::Vacuous => Proof::Vacuous,
    };
    let proofs = laws.iter().map(|law| (*law, proof(*law))).collect();
    let first = explored.first;
    Ok(Report {
        slice: slice.name,
        scope: slice.describe(),
        design,
        states: first.states,
        edges: first.edges,
        depth: first.depth,
        elapsed: first.elapsed,
        proofs,
        clients_own: first.has(CLIENTS_OWN).then(|| shortest(None)),
        extent: first.extent,
        size: Size { protocol: size_of::<World<J>>(), state: size_of::<State<J>>() },
        visited: first.visited,
        fired: first.fired,
    })
}
