//! The graph of an exploration, recorded on the way: who leads to whom, by which class of actions, and which labels a state has.
//!
//! **What it is.** Nodes are numbered in the order of their keys, edges lie in the order their source lists its actions, so the graph
//! does not depend on the number of workers. A label is a predicate, evaluated once on each state, when it is visited; liveness is
//! decided on labels and classes alone.
//!
//! **What it is not.** It is not for runs near the bound of memory: an edge takes 8 bytes, a node about 40.

use std::ops::Range;

use stateright::Model;

use super::key::Key;

/// The most labels and the most classes of a recorded graph: one bit each.
pub const MOST: usize = 64;

/// A predicate that is evaluated on each state.
pub type Question<M> = fn(&M, &<M as Model>::State) -> bool;

/// Predicates that are evaluated on each state.
pub struct Labels<M: Model> {
    /// The questions, at most [`MOST`].
    pub questions: Vec<Question<M>>,
}

impl<M: Model> Labels<M> {
    /// No question.
    #[must_use]
    pub fn none() -> Self {
        Labels { questions: Vec::new() }
    }

    fn answer(&self, model: &M, state: &M::State) -> u64 {
        let yes = self.questions.iter().take(MOST).enumerate().filter(|(_, asked)| asked(model, state));
        yes.fold(0, |bits, (index, _)| bits | 1 << index)
    }
}

/// What is recorded.
pub(super) enum Recording<M: Model> {
    Nothing,
    Graph(Labels<M>),
}

impl<M: Model> Recording<M> {
    pub(super) fn is_graph(&self) -> bool {
        matches!(self, Recording::Graph(_))
    }
}

/// What a worker recorded of the states it owns.
pub(super) struct Recorder<K> {
    nodes: Vec<Visited<K>>,
    edges: Vec<(K, u16)>,
}

struct Visited<K> {
    key: K,
    level: u32,
    labels: u64,
    first_edge: usize,
}

impl<K> Default for Recorder<K> {
    fn default() -> Self {
        Recorder { nodes: Vec::new(), edges: Vec::new() }
    }
}

impl<K: Key> Recorder<K> {
    /// The edges that follow are this state's.
    #[inline]
    pub(super) fn open<M: Model>(
        &mut self,
        what: &Recording<M>,
        model: &M,
        key: K,
        level: u32,
        state: &M::State,
    ) {
        if let Recording::Graph(labels) = what {
            let labels = labels.answer(model, state);
            self.nodes.push(Visited { key, level, labels, first_edge: self.edges.len() });
        }
    }

    #[inline]
    pub(super) fn edge<M: Model>(&mut self, what: &Recording<M>, to: K, class: usize) {
        if let Recording::Graph(_) = what {
            self.edges.push((to, class as u16));
        }
    }
}

/// An edge out of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Edge {
    /// The node it leads to.
    pub to: u32,
    /// The class of its action.
    pub class: u16,
}

/// A recorded graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graph<K> {
    keys: Vec<K>,
    levels: Vec<u32>,
    labels: Vec<u64>,
    /// Per node the end of its edges.
    ends: Vec<usize>,
    edges: Vec<Edge>,
}

impl<K: Key> Graph<K> {
    /// A graph of nodes in the order of their keys: each one's key, level, labels, and edges.
    #[must_use]
    pub fn new(nodes: Vec<(K, u32, u64, Vec<Edge>)>) -> Self {
        let mut graph = Graph {
            keys: Vec::new(),
            levels: Vec::new(),
            labels: Vec::new(),
            ends: Vec::new(),
            edges: Vec::new(),
        };
        for (key, level, labels, edges) in nodes {
            graph.push(key, level, labels, edges);
        }
        graph
    }

    /// Puts together what the workers recorded. An edge to a state that was not visited any more is left out.
    pub(super) fn assemble(records: Vec<Recorder<K>>) -> Self {
        let mut order: Vec<(K, usize, usize)> = Vec::new();
        for (worker, record) in records.iter().enumerate() {
            order.extend(record.nodes.iter().enumerate().map(|(index, node)| (node.key, worker, index)));
        }
        order.sort_unstable_by_key(|(key, _, _)| *key);
        let keys: Vec<K> = order.iter().map(|(key, _, _)| *key).collect();
        let mut graph = Graph::new(Vec::new());
        for (key, worker, index) in order {
            let record = &records[worker];
            let node = &record.nodes[index];
            let end = record.nodes.get(index + 1).map_or(record.edges.len(), |next| next.first_edge);
            let edges = record.edges[node.first_edge..end].iter().filter_map(|(to, class)| {
                Some(Edge { to: keys.binary_search(to).ok()? as u32, class: *class })
            });
            graph.push(key, node.level, node.labels, edges);
        }
        graph
    }

    fn push(&mut self, key: K, level: u32, labels: u64, edges: impl IntoIterator<Item = Edge>) {
        self.keys.push(key);
        self.levels.push(level);
        self.labels.push(labels);
        self.edges.extend(edges);
        self.ends.push(self.edges.len());
    }

    /// How many nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> Range<u32> {
        0..self.keys.len() as u32
    }

    /// The first states.
    pub fn first(&self) -> impl Iterator<Item = u32> {
        self.nodes().filter(|node| self.level(*node) == 0)
    }

    /// A node's key.
    #[must_use]
    pub fn key(&self, node: u32) -> K {
        self.keys[node as usize]
    }

    /// A node's distance from the first states.
    #[must_use]
    pub fn level(&self, node: u32) -> u32 {
        self.levels[node as usize]
    }

    /// Whether a node has the label, that is, the question of this index was answered with yes.
    #[must_use]
    pub fn has(&self, node: u32, label: usize) -> bool {
        self.labels[node as usize] >> label & 1 == 1
    }

    /// The edges out of a node.
    #[must_use]
    pub fn edges(&self, node: u32) -> &[Edge] {
        let index = node as usize;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.edges[begin..self.ends[index]]
    }

    /// The classes with an edge out of a node, one bit each.
    #[must_use]
    pub fn enabled(&self, node: u32) -> u64 {
        self.edges(node).iter().fold(0, |bits, edge| bits | class_bit(edge.class))
    }

    /// How many edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }
}

/// A class as a bit; classes beyond the last bit have none, and so are never fair.
pub(super) fn class_bit(class: u16) -> u64 {
    1u64.checked_shl(u32::from(class)).unwrap_or(0)
}
