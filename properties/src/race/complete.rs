//! Every schedule of a race, up to those whose rest is known.
//!
//! **What it is.** [`Complete`] runs schedules in the order of the switches that they force: first the one that forces none, then those with one,
//! and so on. A *forced switch* takes the turn from a task that could go on, or lets time pass or a task wake without need. A run that
//! comes to a moment with a known digest (`digest.rs`) ends there. When no schedule is left, every schedule of the race has been run,
//! up to its rest being that of another one.
//!
//! **What it is not.** A sample: it has no seed, and the same race gives the same numbers on every machine.
//!
//! **The law it keeps.** The first failure that it finds has as few forced switches as any schedule that fails ([`Merges::OfOneTask`]). Between two
//! bounds the statement is exact, too: all schedules with at most so many forced switches have been run ([`Explored::bound`]).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Forgets};
use super::strategy::{Arrives, More, Options, Strategy, What};
use super::world::Choice;

/// Which moments are taken for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merges {
    /// Those with one digest.
    Most,
    /// Those with one digest at which, besides, one and the same task has the turn. These are more, and then the number of forced
    /// switches is exact.
    OfOneTask,
}

/// How far a complete exploration has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Explored {
    /// Moments with a choice of who goes on, no two with one digest.
    pub states: u64,
    /// Runs that ended at a moment that was known.
    pub merged: u64,
    /// Choices in the longest run.
    pub depth: u64,
    /// Every schedule that forces at most so many switches has been run; none when not even those without one have.
    pub bound: Option<u32>,
}

/// See the module's documentation.
pub(super) struct Complete {
    merges: Merges,
    forgets: Forgets,
    known: BTreeSet<(Digest, usize)>,
    /// The choices that the present run repeats.
    repeats: Box<[u8]>,
    /// The choices that it has made.
    made: Vec<u8>,
    /// How many switches the present runs force.
    forced: u32,
    /// How runs begin that force as many switches as the present one.
    now: Vec<Box<[u8]>>,
    /// How runs begin that force one more.
    later: Vec<Box<[u8]>>,
    explored: Explored,
}

/// The strategy, with a part of the digest left out: for tests that hold the reduction to what it claims.
#[must_use]
pub fn complete(merges: Merges, forgets: Forgets) -> Box<dyn Strategy> {
    Box::new(Complete::new(merges, forgets))
}

impl Complete {
    fn new(merges: Merges, forgets: Forgets) -> Complete {
        Complete {
            merges,
            forgets,
            known: BTreeSet::new(),
            repeats: Box::default(),
            made: Vec::new(),
            forced: 0,
            now: Vec::new(),
            later: Vec::new(),
            explored: Explored::default(),
        }
    }

    fn is_repeating(&self) -> bool {
        self.made.len() < self.repeats.len()
    }

    /// The other ways begin runs of their own.
    fn put_off(&mut self, options: &Options<'_>) {
        for way in 1..options.tasks.len() {
            let begins: Box<[u8]> = self.made.iter().copied().chain([way as u8]).collect();
            match options.forces(way) {
                true => self.later.push(begins),
                false => self.now.push(begins),
            }
        }
    }
}

impl Strategy for Complete {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        let way = match self.repeats.get(self.made.len()) {
            Some(way) => *way,
            None => {
                self.put_off(options);
                0
            }
        };
        self.made.push(way);
        usize::from(way)
    }

    fn merges(&self) -> bool {
        true
    }

    fn wants_digest(&self) -> Option<Forgets> {
        (!self.is_repeating()).then_some(self.forgets)
    }

    fn arrives(&mut self, digest: Digest, current: usize) -> Arrives {
        let current = match self.merges {
            Merges::Most => 0,
            Merges::OfOneTask => current,
        };
        if self.known.insert((digest, current)) {
            self.explored.states += 1;
            return Arrives::AtNew;
        }
        self.explored.merged += 1;
        Arrives::AtKnown
    }

    fn next(&mut self, _: &[Choice]) -> More {
        self.explored.depth = self.explored.depth.max(self.made.len() as u64);
        self.made.clear();
        if self.now.is_empty() {
            self.explored.bound = Some(self.forced);
            self.forced += 1;
            std::mem::swap(&mut self.now, &mut self.later);
        }
        match self.now.pop() {
            Some(begins) => {
                self.repeats = begins;
                More::Yes
            }
            None => More::No,
        }
    }

    fn explored(&self) -> Option<Explored> {
        Some(self.explored)
    }
}

impl Options<'_> {
    /// Whether this way forces a switch: the task that has the turn could go on, or nothing has to happen at all.
    fn forces(&self, way: usize) -> bool {
        match self.what {
            What::GoesOn => self.tasks.first() == Some(&self.current),
            What::GoesOnOrTime => self.tasks.first() == Some(&self.current) || way + 1 == self.tasks.len(),
            What::Wakes => false,
            What::WakesWithoutCause => true,
        }
    }
}
