//! Every schedule of a race, up to those whose rest is known.
//!
//! **What it is.** [`Complete`] runs schedules in the order of the switches that they force: first the one that forces none, then those with one,
//! and so on. A *forced switch* takes the turn from a task that could go on, or lets time pass or a task wake without need. A run that
//! comes to a moment with a known digest (`digest.rs`) ends there. When no schedule is left, every schedule of the race has been run,
//! up to its rest being that of another one.
//!
//! A run begins with the choices of another one. It takes what mutexes contain from there ([`Leg`]), since the service does the same again; and
//! no digest is made of a moment before its last repeated choice.
//!
//! **What it is not.** A sample: it has no seed, and the same race gives the same numbers on every machine.
//!
//! **The law it keeps.** The first failure that it finds has as few forced switches as any schedule that fails ([`Merges::OfOneTask`]). Between two
//! bounds the statement is exact, too: all schedules with at most so many forced switches have been run ([`Explored::bound`]).

use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// The legs that the present run repeats.
    repeats: Repeats,
    /// The last leg that is finished, and the way that leads on from it.
    last: Option<(Arc<Leg>, u8)>,
    /// Contents of mutexes in the present leg, where it is a new one.
    contents: Vec<Digest>,
    /// Choices that the present run has made.
    made: u64,
    /// How many switches the present runs force.
    forced: u32,
    /// How runs begin that force as many switches as the present one.
    now: Vec<Begins>,
    /// How runs begin that force one more.
    later: Vec<Begins>,
    explored: Explored,
}

/// What a run does from one choice to the next. Legs that follow from one another are a tree, and each is kept while a run is still to
/// begin with it.
///
/// A run that repeats a leg takes its digests from here: to compute them costs more than to run the leg.
struct Leg {
    /// The leg before, and the way that led on from it.
    before: Option<(Arc<Leg>, u8)>,
    /// What the mutexes contained whenever one was given back, in this order.
    contents: Box<[Digest]>,
}

/// The beginning of a run: all legs up to this one, and then this way.
struct Begins {
    after: Arc<Leg>,
    way: u8,
}

/// The legs that a run repeats, and how far it has come.
#[derive(Default)]
struct Repeats {
    legs: Vec<Arc<Leg>>,
    /// The ways at their ends.
    ways: Vec<u8>,
    leg: usize,
    digest: usize,
}

impl Repeats {
    /// Up to the end of the beginning.
    fn set(&mut self, begins: &Begins) {
        (self.leg, self.digest) = (0, 0);
        self.legs.clear();
        self.ways.clear();
        let (mut leg, mut way) = (&begins.after, begins.way);
        loop {
            self.legs.push(Arc::clone(leg));
            self.ways.push(way);
            match &leg.before {
                Some((before, led)) => (leg, way) = (before, *led),
                None => break,
            }
        }
        self.legs.reverse();
        self.ways.reverse();
    }

    fn is_over(&self) -> bool {
        self.leg == self.legs.len()
    }

    /// The way at the end of the present leg. The next one begins.
    fn way(&mut self) -> Option<u8> {
        let way = self.ways.get(self.leg).copied()?;
        (self.leg, self.digest) = (self.leg + 1, 0);
        Some(way)
    }

    fn contents(&mut self) -> Option<Digest> {
        let contents = self.legs.get(self.leg)?.contents.get(self.digest).copied();
        self.digest += 1;
        contents
    }
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
            repeats: Repeats::default(),
            last: None,
            contents: Vec::new(),
            made: 0,
            forced: 0,
            now: Vec::new(),
            later: Vec::new(),
            explored: Explored::default(),
        }
    }

    /// A leg that is new ends here. It goes on by the first way; the others begin runs of their own.
    fn ends_leg(&mut self, options: &Options<'_>) {
        let contents = std::mem::take(&mut self.contents).into_boxed_slice();
        let leg = Arc::new(Leg { before: self.last.take(), contents });
        for way in 1..options.tasks.len() {
            let begins = Begins { after: Arc::clone(&leg), way: way as u8 };
            match options.forces(way) {
                true => self.later.push(begins),
                false => self.now.push(begins),
            }
        }
        self.last = Some((leg, 0));
    }
}

impl Strategy for Complete {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        self.made += 1;
        match self.repeats.way() {
            Some(way) => usize::from(way),
            None => {
                self.ends_leg(options);
                0
            }
        }
    }

    fn merges(&self) -> bool {
        true
    }

    fn forgets(&self) -> Forgets {
        self.forgets
    }

    fn wants_digest(&self) -> Option<Forgets> {
        self.repeats.is_over().then_some(self.forgets)
    }

    fn recalls(&mut self) -> Option<Digest> {
        self.repeats.contents()
    }

    fn notes(&mut self, contents: Digest) {
        self.contents.push(contents);
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
        self.explored.depth = self.explored.depth.max(self.made);
        self.made = 0;
        self.contents.clear();
        if self.now.is_empty() {
            self.explored.bound = Some(self.forced);
            self.forced += 1;
            std::mem::swap(&mut self.now, &mut self.later);
        }
        let Some(begins) = self.now.pop() else { return More::No };
        self.repeats.set(&begins);
        self.last = Some((begins.after, begins.way));
        More::Yes
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
