//! The edges of the model that inputs of the fuzz target `lockstep` reach.

use std::fmt;

use contract::Core as _;
use engine::core::Core;
pub use model::edge::{Edge, EdgeSink};
pub use model::edges::{Index, MOST};

use crate::run;

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
