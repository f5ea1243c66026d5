//! What two moments of a race have in common when they have one future.
//!
//! **What it is.** [`Moment::digest`] is a hash of a moment at which several tasks could go on. Two moments with one digest have one
//! set of ways to go, and each way leads on to one digest: so a schedule that comes to a digest that is known need not be run further.
//!
//! **Why it is sound.** A task is code that runs from one scheduling point to the next. What it does there depends on what it has read so far
//! and on what it reads now, and on nothing else: no clock, no chance, no address. So the future of a moment is a function of
//!
//! 1. *what all share*: the contents of every mutex ([`Protected`]), who holds it and who waits for it; who waits at each
//!    condition variable, in order; the clock and the next deadline; the simulated disk, network and clients (`Stage::digest`); and
//! 2. *what each task has read* ([`Past`]) since it held nothing, and the scheduling points that it has come past since then: together
//!    they determine where it stands and what is in its variables; and
//! 3. *what the rules remember* (`Judge::digest`), because the verdict is a part of the future; and where the race is held to the protocol
//!    (`refined.rs`), the states in which that may be.
//!
//! A mutex that is held has no contents of its own here. Its holder read them when it took it, so they follow from 2.
//!
//! A task holds nothing where it looks for work (`Runtime::looks_for_work`), and where a client is about to make its next call. Its past begins
//! anew there, with the place. Where it still needs a part of what it has read, it states that part (`Runtime::carries`): a call its disk work,
//! its answer and the delivery it waits for; a delivery its arguments, or how it has left; a worker its transfer and what it has reported.
//! Its past begins anew there, too, with that part. So a call that waits and looks again in vain is where it was, and a worker does not
//! remember what others did before its last report. A task that has ended needs nothing.
//!
//! A statement that leaves out something is wrong, and would merge two moments with two futures. [`Forgets::Carried`] leaves out all of them.
//!
//! **What is left out.** Numbers of past events; how often a rule decided something; which windows were hit; the counter of calls. A call is named
//! by who makes it, see `Inner::name_of`, so that two orders of two calls have one name each. Objects are known by the number of their
//! receiver, so [`Race::has_digests`] refuses races in which two objects of one number differ.
//!
//! **How it is tested.** `properties/tests/races/complete.rs` runs every schedule without merging and holds the digest to the sentence above: one digest, one
//! set of ways, and for each way one next digest. Each of [`Forgets::ALL`] breaks that test. In its races the simulated world
//! and the rules' part follow from the others, so that leaving those out would not show.
//!
//! [`Moment::digest`]: super::moment::Moment::digest
//! [`Protected`]: engine::service::Protected
//! [`Race::has_digests`]: super::program::Race::has_digests

use std::hash::{Hash, Hasher};

use super::kept::Feed;
use super::world::{Deadline, Inner};

/// A hash of 128 bits: a million moments share one with a chance of 1 to 10^26.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Digest(pub(super) u128);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl Digest {
    /// The hash of what `add` adds.
    pub fn of(add: impl FnOnce(&mut Feed)) -> Digest {
        let mut feed = Feed::new();
        add(&mut feed);
        feed.digest()
    }
}

/// What a task has read since it held nothing, as a hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Past(Digest);

impl Past {
    /// A task that holds nothing, at this place.
    pub(super) fn at(place: impl Hash) -> Past {
        Past(Digest::of(|hasher| place.hash(hasher)))
    }

    /// It has read this, or has come past this point.
    pub(super) fn then(&mut self, what: impl Hash) {
        let before = self.0;
        self.0 = Digest::of(|hasher| (before, what).hash(hasher));
    }
}

/// A part of the digest that is left out. For tests of the tests: with each of these the reduction is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Forgets {
    /// No part.
    #[default]
    Nothing,
    /// What tasks have read.
    Reads,
    /// What the mutexes protect.
    Contents,
    /// Who waits for a notification.
    Waiters,
    /// What a task still needs, where it states that (`Runtime::carries`).
    Carried,
    /// The past of the task, where a leg is taken to be known.
    LegPast,
    /// What all share, where a leg is taken to be known.
    LegShared,
    /// What has happened in a leg that is known.
    LegEvents,
}

impl Forgets {
    /// Every part of a moment that can be left out.
    pub const ALL: &'static [Forgets] =
        &[Forgets::Reads, Forgets::Contents, Forgets::Waiters, Forgets::Carried];

    /// Every part of a leg that can be left out.
    pub const OF_LEGS: &'static [Forgets] = &[Forgets::LegPast, Forgets::LegShared, Forgets::LegEvents];
}

impl Inner {
    /// What all tasks share, in which these may go on.
    pub(super) fn shared(&self, runnable: &[usize], forgets: Forgets) -> Digest {
        Digest::of(|hasher| {
            for task in &self.tasks {
                (task.done, task.wait, task.joiners.len()).hash(hasher);
            }
            self.ticking.hash(hasher);
            if forgets != Forgets::Waiters {
                runnable.hash(hasher);
            }
            self.hash_shared(forgets, hasher);
            if let Some(around) = &self.around {
                around.digest(hasher);
            }
        })
    }

    fn hash_shared<H: Hasher>(&self, forgets: Forgets, state: &mut H) {
        self.locks.digest(forgets, state);
        if forgets != Forgets::Waiters {
            self.waiting().hash(state);
        }
        (self.spurious, self.client_locks, sorted(&self.lock_waiters)).hash(state);
        let deadline = match self.deadline {
            Deadline::None => None,
            Deadline::Unasked => Some(None),
            Deadline::At(then) => Some(Some(then)),
        };
        (self.now, deadline, self.overwaits > 0, self.seen.is_some()).hash(state);
        self.hash_calls(state);
    }
}

/// Tasks as a set: the order in which they began to wait does not count.
pub(super) fn sorted(tasks: &[usize]) -> Vec<usize> {
    let mut sorted = tasks.to_vec();
    sorted.sort_unstable();
    sorted
}
