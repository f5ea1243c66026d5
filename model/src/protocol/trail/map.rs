//! The protocol of one ground, and its steps, for all trails on it.
//!
//! **What it is not.** A trail: nothing here is about what was seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contract::Profile;
use contract::defect::Design;

use super::super::Reduction;
use super::super::act::{Act, Note};
use super::super::scope::{Ask, Leaves, Locks, Mishaps, Slice, Transfers};
use super::super::state::{CLIENTS, World};
use super::super::step::Rig;
use super::Is;

/// What a trail is about.
#[derive(Clone, PartialEq, Debug)]
pub struct Ground {
    /// The dialect.
    pub profile: Profile,
    /// Jobs of one user: one, or two.
    pub jobs: Jobs,
    /// Dispatchers.
    pub dispatchers: u8,
    /// Callback slots of the user.
    pub slots: u8,
    /// What was called on each job before its transfer began, besides CreateJob, the first AddFile and Resume.
    pub before: Vec<Ask>,
    /// Every call that may be made and that the dialect has. Any other one changes nothing.
    pub asks: Vec<Ask>,
    /// Whether renames may fail.
    pub mishaps: Mishaps,
}

impl Ground {
    /// The slice of the protocol on this ground, with at most this number of calls of all clients, and of all callbacks.
    #[must_use]
    pub fn slice(&self, calls: u8, nested: u8) -> Slice {
        Slice {
            name: "trail",
            jobs: match self.jobs {
                Jobs::One => 1,
                Jobs::Two => 2,
            },
            clients: CLIENTS as u8,
            calls,
            asks: self.asks.clone(),
            nested,
            nested_asks: self.asks.clone(),
            dispatchers: self.dispatchers,
            slots: self.slots,
            before: self.before.clone(),
            transfers: Transfers::ArriveOrFail,
            leaves: Leaves::AcknowledgeOrFail,
            locks: Locks::None,
            mishaps: self.mishaps,
        }
    }

    /// Takes the calls of another ground in. Otherwise the two have to be alike; if not, nothing is done.
    #[must_use]
    pub fn takes_in(&mut self, other: &Ground) -> Is {
        let with_asks = |asks: &[Ask]| Ground { asks: asks.to_vec(), ..other.clone() };
        if *self != with_asks(&self.asks) {
            return Is::Not;
        }
        let new: Vec<Ask> = other.asks.iter().copied().filter(|ask| !self.asks.contains(ask)).collect();
        self.asks.extend(new);
        Is::So
    }
}

/// Jobs of a trail at most.
pub const JOBS: usize = 2;

/// How many jobs the protocol has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jobs {
    /// One.
    One,
    /// Two.
    Two,
}

/// The protocol of one ground, for all trails on it.
#[derive(Clone)]
pub struct Map(pub(super) Ways);

#[derive(Clone)]
pub(super) enum Ways {
    One(Arc<Steps<1>>),
    Two(Arc<Steps<2>>),
}

/// The steps of the protocol, as far as trails have asked for them.
pub(super) struct Steps<const J: usize> {
    pub(super) rig: Rig,
    pub(super) first: World<J>,
    known: Mutex<BTreeMap<World<J>, Arc<[Next<J>]>>>,
    offered: AtomicU32,
    pub(super) taken: AtomicU32,
}

/// Kinds of steps, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Kinds(pub(super) u32);

/// A step of the protocol.
pub(super) struct Next<const J: usize> {
    pub(super) act: Act,
    pub(super) to: World<J>,
    pub(super) shows: Vec<Note>,
}

impl Map {
    /// The protocol on this ground.
    #[must_use]
    pub fn new(ground: &Ground) -> Map {
        Map(match ground.jobs {
            Jobs::One => Ways::One(Steps::new(ground)),
            Jobs::Two => Ways::Two(Steps::new(ground)),
        })
    }

    /// The kinds of steps that were possible in some state of a trail on this map.
    #[must_use]
    pub fn offered(&self) -> Vec<&'static str> {
        self.kinds().0.names()
    }

    /// The kinds of steps in some account of what was seen. One that is not there was not taken.
    #[must_use]
    pub fn taken(&self) -> Vec<&'static str> {
        self.kinds().1.names()
    }

    fn kinds(&self) -> (Kinds, Kinds) {
        let (offered, taken) = match &self.0 {
            Ways::One(steps) => (&steps.offered, &steps.taken),
            Ways::Two(steps) => (&steps.offered, &steps.taken),
        };
        (Kinds(offered.load(Ordering::Relaxed)), Kinds(taken.load(Ordering::Relaxed)))
    }
}

impl<const J: usize> Steps<J> {
    fn new(ground: &Ground) -> Arc<Steps<J>> {
        let slice = ground.slice(CALLS, CALLS);
        let rig = Rig::new(Design::Barrier, &ground.profile, &slice, Reduction::Full);
        let first: World<J> = rig.first();
        let (offered, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Steps { rig, first, known: Mutex::default(), offered, taken })
    }

    pub(super) fn of(&self, world: &World<J>) -> Arc<[Next<J>]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(world) {
            return Arc::clone(known);
        }
        let mut acts = Vec::new();
        self.rig.acts(world, &mut acts);
        let all: Arc<[Next<J>]> = acts
            .into_iter()
            .map(|act| {
                let (mut to, mut shows) = (*world, Vec::new());
                self.rig.take(&mut to, act, &mut |note| shows.push(note));
                // The budget of calls is none here, so that states do not differ in it.
                (to.calls, to.nested) = (CALLS, CALLS);
                Next { act, to, shows }
            })
            .collect();
        let kinds = all.iter().fold(0, |kinds, next| kinds | 1 << next.act.class());
        self.offered.fetch_or(kinds, Ordering::Relaxed);
        known.insert(*world, Arc::clone(&all));
        all
    }
}

/// Calls that may always be made.
const CALLS: u8 = u8::MAX;

impl Kinds {
    fn names(self) -> Vec<&'static str> {
        let all = Act::CLASSES.iter().enumerate();
        all.filter(|(bit, _)| self.0 & 1 << bit != 0).map(|(_, name)| *name).collect()
    }

    pub(super) fn with(self, act: Act) -> Kinds {
        Kinds(self.0 | 1 << act.class())
    }
}
