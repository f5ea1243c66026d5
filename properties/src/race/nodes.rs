//! Moments with a choice, and how each is reached: the tree of schedules.
//!
//! **What it is.** A [`Node`] is a moment with the beginning of the schedule that came to it first. [`Begins`] is such a beginning: the node before,
//! the way from there, and what is chosen in the legs that follow. A large race has tens of millions of both, so they are a few integers.
//!
//! **The law it keeps.** No two nodes have one moment ([`Nodes::enter`]); which moments are one is up to [`Merges`].

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::complete::Merges;
use super::legs::{Spot, SpotKey};
use super::numbers::{Added, Numbers, hash};

/// See the module's documentation.
pub(super) struct Nodes {
    merges: Merges,
    all: Vec<Node>,
    /// The nodes by their moments.
    known: HashTable<u32>,
    /// What was chosen in legs.
    chosen: Numbers<Box<[u8]>>,
}

/// A moment with a choice, and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) before: Begins,
    pub(super) spot: Spot,
    /// Choices up to here.
    pub(super) depth: u32,
}

/// The number of a [`Node`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NodeId(u32);

/// The beginning of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Begins {
    /// The last moment with a choice; [`NOTHING`] before the first one.
    node: u32,
    /// The way from there.
    way: u8,
    /// What is chosen in the legs that follow, besides who goes on; [`NOTHING`] where nothing is.
    then: u32,
}

const NOTHING: u32 = u32::MAX;

impl NodeId {
    /// The node of this number, from 0 on in the order of entering.
    pub(super) const fn of(number: u32) -> NodeId {
        NodeId(number)
    }

    pub(super) const fn number(self) -> u32 {
        self.0
    }
}

impl Begins {
    /// Before the first moment with a choice.
    pub(super) const FIRST: Begins = Begins { node: NOTHING, way: 0, then: NOTHING };

    /// This way from that moment.
    pub(super) fn at(node: NodeId, way: u8) -> Begins {
        Begins { node: node.0, way, then: NOTHING }
    }

    /// The last moment with a choice, and the way from there; nothing before the first one.
    pub(super) fn after(self) -> Option<(NodeId, u8)> {
        (self.node != NOTHING).then_some((NodeId(self.node), self.way))
    }

    /// Whether nothing was chosen in the legs that follow, besides who goes on.
    pub(super) fn is_plain(self) -> bool {
        self.then == NOTHING
    }
}

impl Nodes {
    pub(super) fn new(merges: Merges) -> Nodes {
        Nodes { merges, all: Vec::new(), known: HashTable::new(), chosen: Numbers::new() }
    }

    pub(super) fn get(&self, node: NodeId) -> &Node {
        &self.all[node.0 as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.all.iter()
    }

    /// A schedule comes to a moment.
    pub(super) fn enter(&mut self, spot: Spot, before: Begins) -> (NodeId, Added) {
        let key = self.key(spot);
        let Nodes { merges, all, known, .. } = self;
        let of = |number: &u32| key_of(*merges, all[*number as usize].spot);
        let place = known.entry(hash(&key), |number| of(number) == key, |number| hash(&of(number)));
        let place = match place {
            Entry::Occupied(known) => return (NodeId(*known.get()), Added::Known),
            Entry::Vacant(place) => place,
        };
        let number = all.len() as u32;
        place.insert(number);
        let depth = self.depth(before);
        self.all.push(Node { before, spot, depth });
        (NodeId(number), Added::New)
    }

    /// What is chosen in the legs behind the last moment with a choice.
    pub(super) fn then(&self, begins: Begins) -> &[u8] {
        match begins.is_plain() {
            true => &[],
            false => self.chosen.get(begins.then),
        }
    }

    /// This beginning, and `way` is chosen in the leg that follows.
    pub(super) fn with(&mut self, begins: Begins, way: u8) -> Begins {
        let then = self.then(begins).iter().copied().chain(Some(way)).collect();
        Begins { then: self.chosen.add(then).0, ..begins }
    }

    /// Every choice of a schedule that begins so.
    pub(super) fn choices(&self, begins: Begins) -> Vec<u8> {
        let mut parts: Vec<(&[u8], Option<u8>)> = Vec::new();
        let mut at = begins;
        loop {
            parts.push((self.then(at), at.after().map(|(_, way)| way)));
            let Some((node, _)) = at.after() else { break };
            at = self.get(node).before;
        }
        let backwards = parts.into_iter().rev();
        backwards.flat_map(|(then, way)| way.into_iter().chain(then.iter().copied())).collect()
    }

    fn depth(&self, before: Begins) -> u32 {
        let choices = self.then(before).len() as u32;
        choices + before.after().map_or(0, |(node, _)| self.get(node).depth + 1)
    }

    fn key(&self, spot: Spot) -> (SpotKey, usize) {
        key_of(self.merges, spot)
    }
}

/// What two spots have in common that are one moment.
fn key_of(merges: Merges, spot: Spot) -> (SpotKey, usize) {
    match merges {
        Merges::Most => (spot.key(), 0),
        Merges::OfOneTask => (spot.key(), spot.current()),
    }
}
