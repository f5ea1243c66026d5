//! The graph of a slice with what `explorer` does not see: the outcome of each edge, and the stimulus itself.
//!
//! **What it is.** Breadth first, on one thread, so that nodes have equal numbers everywhere. States are kept by a fingerprint of
//! 128 bits; only a frontier has its states in memory.
//!
//! **What it is not.** A check: a state in which anything is wrong ends it with an error.

use std::collections::BTreeMap;

use contract::Core;
use explorer::fingerprint::fingerprint;
use stateright::Model as _;

use super::quotient::{EdgeId, PlaceId, Quotient, Seen};
use super::walk::{goes_on, job_of, places};
use super::{Error, MOST_STATES, Options, Progress};
use crate::drive::Stimulus;
use crate::product::{Product, State};

/// When clients call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pace {
    /// At any moment, also between two steps of the engine.
    AnyTime,
    /// Only when nothing goes on by itself any more: no transfer, no delivery, no timer. What cannot be stepped can follow that. The
    /// network may be up or lost.
    AtRest,
    /// As at rest, for a subject whose clock cannot be moved: no time passes, so a timer that runs is nothing that is waited for.
    Untimed,
}

impl Pace {
    /// When clients call, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Pace::AnyTime => "any time",
            Pace::AtRest => "at rest",
            Pace::Untimed => "at rest, while no time passes",
        }
    }

    /// Whether what comes from outside may come now.
    pub(super) fn admits<C: Core, const J: usize>(self, state: &State<C, J>) -> bool {
        match self {
            Pace::AnyTime => true,
            Pace::AtRest => is_at_rest::<C, J>(state),
            Pace::Untimed => !goes_on(state),
        }
    }
}

/// A concrete edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) class: EdgeId,
    pub(super) into: PlaceId,
    stimulus: u16,
}

/// The graph of a slice. See the module's documentation.
pub(super) struct Graph {
    steps: Vec<Step>,
    /// Per node the end of its steps.
    ends: Vec<u32>,
    /// Per node the step by which it was found; none of the first one.
    found_by: Vec<Option<u32>>,
    first: PlaceId,
    alphabet: Vec<Stimulus>,
}

impl Graph {
    pub(super) fn explore<C: Core, const J: usize>(
        product: &Product<C, J>,
        slice: &'static str,
        options: &Options<'_>,
        quotient: &mut Quotient,
    ) -> Result<Graph, Error> {
        let first = product.first();
        let place = places(product.profile(), &first)[0].map_or(PlaceId(0), |place| quotient.place(place));
        let mut graph =
            Graph { steps: vec![], ends: vec![], found_by: vec![None], first: place, alphabet: vec![] };
        let mut search = Search { nodes: BTreeMap::new(), letters: BTreeMap::new(), product, slice, options };
        search.nodes.insert(fingerprint(&first), 0);
        let mut level = vec![first];
        while !level.is_empty() {
            let mut next = Vec::new();
            for state in &level {
                search.expand(state, &mut graph, quotient, &mut next)?;
            }
            (options.progress)(Progress::Exploring(graph.len()));
            if graph.len() > MOST_STATES {
                return Err(Error::TooWide(slice));
            }
            level = next;
        }
        Ok(graph)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn edge_count(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn first_place(&self) -> PlaceId {
        self.first
    }

    pub(super) fn step(&self, step: u32) -> &Step {
        &self.steps[step as usize]
    }

    pub(super) fn steps(&self) -> std::ops::Range<u32> {
        0..self.steps.len() as u32
    }

    /// The steps out of a node.
    pub(super) fn out(&self, node: u32) -> std::ops::Range<u32> {
        let begin = node.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        begin..self.ends[node as usize]
    }

    pub(super) fn stimulus(&self, step: u32) -> &Stimulus {
        &self.alphabet[usize::from(self.step(step).stimulus)]
    }

    /// The way by which the node was found: a shortest one.
    pub(super) fn way_to(&self, node: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut at = node;
        while let Some(step) = self.found_by[at as usize] {
            way.push(step);
            at = self.step(step).from;
        }
        way.reverse();
        way
    }
}

struct Search<'a, C: Core, const J: usize> {
    nodes: BTreeMap<u128, u32>,
    letters: BTreeMap<u128, u16>,
    product: &'a Product<C, J>,
    slice: &'static str,
    options: &'a Options<'a>,
}

impl<C: Core, const J: usize> Search<'_, C, J> {
    fn expand(
        &mut self,
        state: &State<C, J>,
        graph: &mut Graph,
        quotient: &mut Quotient,
        found: &mut Vec<State<C, J>>,
    ) -> Result<(), Error> {
        let from = graph.ends.len() as u32;
        let before = places(self.product.profile(), state);
        let mut actions = Vec::new();
        self.product.actions(state, &mut actions);
        if !self.options.pace.admits::<C, J>(state) {
            actions.retain(|stimulus| !comes_from_outside(stimulus));
        }
        if self.options.pace == Pace::Untimed {
            actions.retain(|stimulus| *stimulus != Stimulus::Timeout);
        }
        actions.retain(self.options.allows);
        for stimulus in actions {
            let mut seen = Seen::default();
            let Some(next) = self.product.step(state, &stimulus, &mut |event| seen.note(event)) else {
                continue;
            };
            if !next.is_sound() {
                return Err(Error::Unsound(self.slice));
            }
            let after = places(self.product.profile(), &next);
            let job = job_of(&stimulus, &before, &after);
            let (Some(was), Some(is)) = (before[job], after[job]) else { continue };
            let was = quotient.place(was);
            let class = quotient.edge(was, &stimulus, seen, &is);
            let number = graph.steps.len() as u32;
            let to = *self.nodes.entry(fingerprint(&next)).or_insert_with(|| {
                graph.found_by.push(Some(number));
                found.push(next);
                graph.found_by.len() as u32 - 1
            });
            let stimulus = self.letter(stimulus, &mut graph.alphabet);
            graph.steps.push(Step { from, to, class, into: quotient.place(is), stimulus });
        }
        graph.ends.push(graph.steps.len() as u32);
        Ok(())
    }

    fn letter(&mut self, stimulus: Stimulus, alphabet: &mut Vec<Stimulus>) -> u16 {
        *self.letters.entry(fingerprint(&stimulus)).or_insert_with(|| {
            alphabet.push(stimulus);
            alphabet.len() as u16 - 1
        })
    }
}

/// Whether nothing goes on by itself, and nothing is waited for.
fn is_at_rest<C: Core, const J: usize>(state: &State<C, J>) -> bool {
    !goes_on(state) && state.driver().core().poll_timeout().is_none()
}

/// Whether it comes from outside and not from the engine, its transfers, its callbacks or its clock.
fn comes_from_outside(stimulus: &Stimulus) -> bool {
    matches!(
        stimulus,
        Stimulus::Call { .. } | Stimulus::Logoff(_) | Stimulus::NetworkLost | Stimulus::NetworkBack
    )
}
