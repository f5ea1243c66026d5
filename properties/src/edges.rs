//! The edges of the model: which there are, and which of them inputs of the fuzz target `lockstep` reach.

use std::collections::BTreeSet;
use std::fmt;

use contract::{Core as _, Dialect};
use engine::core::Core;
pub use model::edge::{Edge, EdgeSink};
pub use model::edges::{Breadth, Index, MOST};
use model::edges::{Explored, explorations, reachable};

use crate::{program, run};

/// Specification and core part in this slice, so that the edges mean nothing. `bgcheck check` prints where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("specification and core do not agree in slice {0}: the edges say nothing")]
pub struct Unsound(pub &'static str);

/// Explores both dialects with the alphabet of programs, and gives every edge there is. `tell` is called with each slice that is done:
/// its dialect, its name and what was explored.
///
/// # Errors
/// Specification and core part.
pub fn explore(
    breadth: Breadth,
    threads: usize,
    tell: &mut dyn FnMut(Dialect, &str, &Explored),
) -> Result<BTreeSet<Edge>, Unsound> {
    let calls = program::calls();
    let mut edges = BTreeSet::new();
    for dialect in Dialect::ALL {
        let slices = explorations(breadth).into_iter();
        for exploration in slices.filter(|one| is_worth_while(dialect, breadth, one.slice.name)) {
            let explored = reachable::<Core>(dialect.profile(), &exploration, &calls, threads);
            tell(dialect, exploration.slice.name, &explored);
            if !explored.is_sound {
                return Err(Unsound(exploration.slice.name));
            }
            edges.extend(explored.edges);
        }
    }
    Ok(edges)
}

/// The names of edges, sorted, as they are committed.
#[must_use]
pub fn names(edges: &BTreeSet<Edge>) -> Vec<String> {
    let mut names: Vec<String> = edges.iter().map(Edge::to_string).collect();
    names.sort_unstable();
    names
}

/// Delivery Optimization has no command lines, and what it does otherwise than BITS, its files and its calls show. That the other slices
/// add nothing there is found out again whenever the larger ones are explored.
fn is_worth_while(dialect: Dialect, breadth: Breadth, slice: &str) -> bool {
    match (dialect, breadth) {
        (Dialect::Bits, _) => true,
        (Dialect::Do, Breadth::Index) => matches!(slice, "edges/files" | "edges/calls"),
        (Dialect::Do, Breadth::Larger) => !slice.contains("programs"),
    }
}

/// Which edges of the committed index inputs have reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// By place in the index.
    reached: Vec<bool>,
    /// Edges that are not in the index: it is out of date.
    unknown: Vec<Edge>,
}

impl Reached {
    /// None so far.
    #[must_use]
    pub fn none() -> Reached {
        Reached { reached: vec![false; Index::committed().edges().len()], unknown: Vec::new() }
    }

    /// Runs the program that the bytes mean, and notes its edges.
    pub fn run(&mut self, bytes: &[u8]) {
        let _outcome = run::run_bytes_telling(bytes, Core::new, self);
    }

    /// How many are reached.
    #[must_use]
    pub fn count(&self) -> usize {
        self.reached.iter().filter(|reached| **reached).count()
    }

    /// How many there are.
    #[must_use]
    pub fn of(&self) -> usize {
        self.reached.len()
    }

    /// The edges of the index that are not reached, in its order.
    pub fn missing(&self) -> impl Iterator<Item = Edge> {
        let edges = Index::committed().edges().iter().zip(&self.reached);
        edges.filter(|(_, reached)| !**reached).map(|(edge, _)| *edge)
    }

    /// Edges that were reached and are not in the index, in the order in which they were met.
    #[must_use]
    pub fn unknown(&self) -> &[Edge] {
        &self.unknown
    }
}

impl EdgeSink for Reached {
    const LISTENS: bool = true;

    fn edge(&mut self, edge: Edge) {
        match Index::committed().place(edge) {
            Some(place) => self.reached[place] = true,
            None if self.unknown.contains(&edge) => {}
            None => self.unknown.push(edge),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} edges reached", self.count(), self.of())
    }
}
