//! Liveness on a recorded graph: does something good always come, if the fair actions are not withheld for ever?
//!
//! **What it is.** [`check`] decides a [`Goal`] under weak fairness of some classes of actions, and if it fails gives a [`Lasso`]: a way
//! from a first state, then a cycle that is gone round for ever. The good state is never in it.
//!
//! **The semantics.**
//! 1. A run is infinite. It may stay in a state for ever; where nothing is enabled it must.
//! 2. Weak fairness: a fair class that is enabled in every state from some point on is taken again and again. A class is enabled in
//!    a state if an edge of it leads out; an edge that leads back to its own state is an edge.
//! 3. So a set of states that are visited for ever is fair if each fair class is disabled in one of them, or taken between two of them.
//!
//! **Why components.** Going round all of a strongly connected component takes most classes and meets most states where one is
//! disabled. So if any cycle in it is fair, all of it is, and each component is looked at once.
//!
//! **What it is not.** Sound only on a complete and unreduced graph: a state left out may be the one that matters. A class above 63 is
//! never fair.

use std::collections::VecDeque;

use super::graph::{Edge, Graph, class_bit};
use super::key::Key;

/// What must come, in labels of the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// From each first state on, a state with this label comes.
    Eventually(usize),
    /// After each state with the label `after`, or in it, a state with the label `comes` does.
    LeadsTo {
        /// The label after which it must come.
        after: usize,
        /// What must come.
        comes: usize,
    },
}

/// The classes of actions that are weakly fair.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fair(u64);

impl Fair {
    /// None: whatever is enabled may be withheld for ever.
    pub const NONE: Fair = Fair(0);

    /// These classes.
    #[must_use]
    pub fn classes(classes: &[u16]) -> Self {
        Fair(classes.iter().fold(0, |bits, class| bits | class_bit(*class)))
    }

    fn bits(self) -> impl Iterator<Item = u64> {
        (0..u64::BITS).map(|bit| 1 << bit).filter(move |bit| self.0 & bit != 0)
    }
}

/// A run that breaks a goal: each edge leads from the node before, the first one from `first`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lasso {
    /// Where it begins, a first state.
    pub first: u32,
    /// The way to the cycle.
    pub stem: Vec<Edge>,
    /// The cycle, back to where the stem ends. Empty if the run stays there for ever.
    pub cycle: Vec<Edge>,
}

impl Lasso {
    /// The node where the cycle begins.
    #[must_use]
    pub fn knot(&self) -> u32 {
        self.stem.last().map_or(self.first, |edge| edge.to)
    }
}

/// A shortest way to break the goal, then a shortest fair cycle from there; none if the goal holds.
///
/// The search for a shortest cycle is bounded, because its memory doubles with each fair class. Beyond the bound the cycle is short, not
/// shortest.
#[must_use]
pub fn check<K: Key>(graph: &Graph<K>, goal: Goal, fair: Fair) -> Option<Lasso> {
    let waiting = Waiting::of(graph, goal);
    let unfulfilled = Part { graph, nodes: &waiting.missing };
    let components = components(&unfulfilled);
    let is_fair: Vec<Fairness> =
        components.members.iter().map(|members| fairness(&unfulfilled, members, fair)).collect();
    let knots = graph.nodes().map(|node| {
        components.of[node as usize].is_some_and(|component| is_fair[component] == Fairness::Fair)
    });
    let knots: Vec<bool> = knots.collect();
    let (first, stem) = waiting.shortest_stem(graph, &knots)?;
    let knot = stem.last().map_or(first, |edge: &Edge| edge.to);
    let component = components.of[knot as usize]?;
    let inside: Vec<bool> = components.of.iter().map(|of| *of == Some(component)).collect();
    let cycle = fair_cycle(&Part { graph, nodes: &inside }, knot, fair);
    Some(Lasso { first, stem, cycle })
}

/// A graph without the nodes that are not marked.
struct Part<'a, K> {
    graph: &'a Graph<K>,
    nodes: &'a [bool],
}

impl<K: Key> Part<'_, K> {
    fn has(&self, node: u32) -> bool {
        self.nodes[node as usize]
    }

    fn edges(&self, node: u32) -> impl Iterator<Item = Edge> {
        self.graph.edges(node).iter().copied().filter(|edge| self.has(edge.to))
    }
}

/// Where the goal is required and where it is missing.
struct Waiting {
    goal: Goal,
    /// Nodes where what must come is not there.
    missing: Vec<bool>,
}

impl Waiting {
    fn of<K: Key>(graph: &Graph<K>, goal: Goal) -> Self {
        let (Goal::Eventually(comes) | Goal::LeadsTo { comes, .. }) = goal;
        Waiting { goal, missing: graph.nodes().map(|node| !graph.has(node, comes)).collect() }
    }

    /// Whether a run that comes to this node waits from now on. A wait for what must come eventually begins at first states only.
    fn asks<K: Key>(&self, graph: &Graph<K>, node: u32) -> bool {
        match self.goal {
            Goal::Eventually(_) => false,
            Goal::LeadsTo { after, .. } => graph.has(node, after) && self.missing[node as usize],
        }
    }

    /// The shortest way from a first state to a knot, that waits when it gets there. Breadth first over pairs of a node and
    /// whether the run waits.
    fn shortest_stem<K: Key>(&self, graph: &Graph<K>, knots: &[bool]) -> Option<(u32, Vec<Edge>)> {
        let place = |node: u32, waits: bool| node as usize * 2 + usize::from(waits);
        let mut from: Vec<Option<From>> = vec![None; graph.len() * 2];
        let mut queue = VecDeque::new();
        for node in graph.first() {
            let waits = match self.goal {
                Goal::Eventually(_) => self.missing[node as usize],
                Goal::LeadsTo { .. } => self.asks(graph, node),
            };
            from[place(node, waits)] = Some(From::Nowhere);
            queue.push_back((node, waits));
        }
        while let Some((node, waits)) = queue.pop_front() {
            let here = place(node, waits);
            if waits && knots[node as usize] {
                return Some(way_back(&from, here, |place| place / 2));
            }
            for edge in graph.edges(node) {
                let waits = (waits && self.missing[edge.to as usize]) || self.asks(graph, edge.to);
                let there = place(edge.to, waits);
                if from[there].is_none() {
                    from[there] = Some(From::Place(here, *edge));
                    queue.push_back((edge.to, waits));
                }
            }
        }
        None
    }
}

/// How a search came to a place.
#[derive(Clone, Copy)]
enum From {
    Nowhere,
    Place(usize, Edge),
}

/// Goes back from a place to where the search began: that node, and the edges from there.
fn way_back(from: &[Option<From>], mut place: usize, node: impl Fn(usize) -> usize) -> (u32, Vec<Edge>) {
    let mut edges = Vec::new();
    while let Some(From::Place(before, edge)) = from[place] {
        edges.push(edge);
        place = before;
    }
    edges.reverse();
    (node(place) as u32, edges)
}

/// Whether a run may go round a component for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fairness {
    /// It may.
    Fair,
    /// A fair class would be withheld for ever.
    Unfair,
}

fn fairness<K: Key>(part: &Part<'_, K>, members: &[u32], fair: Fair) -> Fairness {
    let mut unmet = fair.0;
    for node in members {
        unmet &= part.graph.enabled(*node);
        // Two members of a component are linked, so an edge to a member is taken going round.
        let inside = part.edges(*node).filter(|edge| members.binary_search(&edge.to).is_ok());
        unmet &= !inside.fold(0, |bits, edge| bits | class_bit(edge.class));
    }
    if unmet == 0 { Fairness::Fair } else { Fairness::Unfair }
}

/// A walk inside a fair component from the knot back to it that is fair, if the run may not simply stay there.
fn fair_cycle<K: Key>(part: &Part<'_, K>, knot: u32, fair: Fair) -> Vec<Edge> {
    // Where a class is disabled the walk meets it, so only those enabled at the knot matter.
    let wanted: Vec<u64> = fair.bits().filter(|bit| part.graph.enabled(knot) & bit != 0).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let members: Vec<u32> = part.graph.nodes().filter(|node| part.has(*node)).collect();
    let bits = wanted.len() as u32;
    if members.len().leading_zeros() <= bits || members.len() << bits > MOST_PLACES {
        return stitched_cycle(part, knot, &wanted);
    }
    shortest_cycle(part, knot, &members, &wanted)
}

/// A search over more pairs of a node and classes met gives up being shortest.
const MOST_PLACES: usize = 1 << 24;

impl<K: Key> Part<'_, K> {
    /// The classes met by going along an edge: its own, and those disabled where it leads.
    fn met(&self, edge: Edge) -> u64 {
        class_bit(edge.class) | !self.graph.enabled(edge.to)
    }
}

/// The shortest such walk: breadth first over pairs of a node and the classes met so far.
fn shortest_cycle<K: Key>(part: &Part<'_, K>, knot: u32, members: &[u32], wanted: &[u64]) -> Vec<Edge> {
    let among_wanted = |bits: u64| {
        let met = wanted.iter().enumerate().filter(|(_, bit)| bits & **bit != 0);
        met.fold(0, |met, (index, _)| met | 1usize << index)
    };
    let all = (1usize << wanted.len()) - 1;
    let place =
        |node: u32, met: usize| members.binary_search(&node).map_or(0, |index| index << wanted.len() | met);
    let mut from: Vec<Option<From>> = vec![None; members.len() << wanted.len()];
    from[place(knot, 0)] = Some(From::Nowhere);
    let mut queue = VecDeque::from([(knot, 0)]);
    while let Some((node, met)) = queue.pop_front() {
        let here = place(node, met);
        if node == knot && met == all {
            return way_back(&from, here, |place| place >> wanted.len()).1;
        }
        for edge in part.edges(node) {
            let met = met | among_wanted(part.met(edge));
            let there = place(edge.to, met);
            if from[there].is_none() {
                from[there] = Some(From::Place(here, edge));
                queue.push_back((edge.to, met));
            }
        }
    }
    Vec::new()
}

/// A short such walk: each time to the nearest edge that meets something new, in the end back.
fn stitched_cycle<K: Key>(part: &Part<'_, K>, knot: u32, wanted: &[u64]) -> Vec<Edge> {
    let mut unmet = wanted.iter().fold(0, |bits, bit| bits | bit);
    let mut cycle: Vec<Edge> = Vec::new();
    let mut at = knot;
    while unmet != 0 || at != knot {
        let leg = match unmet {
            0 => nearest(part, at, |edge| edge.to == knot),
            _ => nearest(part, at, |edge| part.met(edge) & unmet != 0),
        };
        // In a fair component there is always a next leg; an empty one would go on for ever.
        let Some(last) = leg.last() else { break };
        at = last.to;
        unmet = leg.iter().fold(unmet, |unmet, edge| unmet & !part.met(*edge));
        cycle.extend(leg);
    }
    cycle
}

/// The shortest walk whose last edge is accepted.
fn nearest<K: Key>(part: &Part<'_, K>, start: u32, accepts: impl Fn(Edge) -> bool) -> Vec<Edge> {
    let mut from: Vec<Option<From>> = vec![None; part.graph.len()];
    from[start as usize] = Some(From::Nowhere);
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for edge in part.edges(node) {
            if accepts(edge) {
                let (_, mut walk) = way_back(&from, node as usize, |place| place);
                walk.push(edge);
                return walk;
            }
            if from[edge.to as usize].is_none() {
                from[edge.to as usize] = Some(From::Place(node as usize, edge));
                queue.push_back(edge.to);
            }
        }
    }
    Vec::new()
}

/// Strongly connected components.
struct Components {
    /// The component of each node that is in the part.
    of: Vec<Option<usize>>,
    /// The nodes of each component, in order.
    members: Vec<Vec<u32>>,
}

/// Tarjan's algorithm, with its own stack: a path of the graph may be longer than a thread's stack is deep.
fn components<K: Key>(part: &Part<'_, K>) -> Components {
    let count = part.graph.len();
    let mut tarjan = Tarjan {
        found: Components { of: vec![None; count], members: Vec::new() },
        number: vec![None; count],
        low: vec![0; count],
        open: Vec::new(),
        next: 0,
    };
    for node in part.graph.nodes().filter(|node| part.has(*node)) {
        if tarjan.number[node as usize].is_none() {
            tarjan.search(part, node);
        }
    }
    tarjan.found
}

struct Tarjan {
    found: Components,
    number: Vec<Option<u32>>,
    /// The smallest number known to be reachable.
    low: Vec<u32>,
    /// Nodes whose component is not complete.
    open: Vec<u32>,
    next: u32,
}

impl Tarjan {
    fn search<K: Key>(&mut self, part: &Part<'_, K>, root: u32) {
        // Each node on the way, and which of its edges is next.
        let mut way = vec![(root, 0)];
        self.enter(root);
        while let Some((node, position)) = way.last_mut() {
            let (at, edges) = (*node, part.graph.edges(*node));
            let Some(edge) = edges.get(*position) else {
                way.pop();
                self.leave(at, way.last().map(|(before, _)| *before));
                continue;
            };
            *position += 1;
            if !part.has(edge.to) {
                continue;
            }
            match self.number[edge.to as usize] {
                None => {
                    self.enter(edge.to);
                    way.push((edge.to, 0));
                }
                // An edge into a component that is complete changes nothing.
                Some(number) if self.found.of[edge.to as usize].is_none() => {
                    self.low[at as usize] = self.low[at as usize].min(number);
                }
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, node: u32) {
        self.number[node as usize] = Some(self.next);
        self.low[node as usize] = self.next;
        self.next += 1;
        self.open.push(node);
    }

    fn leave(&mut self, node: u32, before: Option<u32>) {
        let low = self.low[node as usize];
        if let Some(before) = before {
            self.low[before as usize] = self.low[before as usize].min(low);
        }
        if self.number[node as usize] == Some(low) {
            self.close(node);
        }
    }

    /// All that was opened since the node is its component.
    fn close(&mut self, node: u32) {
        let begin = self.open.iter().rposition(|open| *open == node).unwrap_or(0);
        let mut members = self.open.split_off(begin);
        members.sort_unstable();
        for member in &members {
            self.found.of[*member as usize] = Some(self.found.members.len());
        }
        self.found.members.push(members);
    }
}
