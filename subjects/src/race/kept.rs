//! The states that stand behind digests, kept: whether two of them share one.
//!
//! **What it is.** Where states are kept, [`Digest::of`] gives each digest with all that it was made of. A digest that was made of something
//! else before is a [`Collision`]. Digests are made of digests, so when none collides, two moments with one digest are one state, by induction.
//!
//! **What it is not.** A part of every exploration: it takes the memory of all states. It is for the scope `tiny`.
//!
//! [`Digest::of`]: super::digest::Digest::of

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::digest::Digest;

/// What is kept of states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum States {
    /// Their digests.
    #[default]
    Hashed,
    /// All that they are, beside digests of this number of bits: 128, or fewer to see two states that share one.
    Kept {
        /// Bits of a digest that count.
        bits: u32,
    },
}

/// Two states share a digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collision {
    digest: Digest,
    one: Box<[u8]>,
    other: Box<[u8]>,
}

impl std::fmt::Display for Collision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Collision { digest, one, other } = self;
        let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        write!(
            f,
            "two states share the digest {digest}: of {} and of {} bytes, and different from byte {same} on",
            one.len(),
            other.len()
        )
    }
}

/// What a digest is made of goes in here.
pub struct Feed {
    hasher: SipHasher13,
    kept: Option<Vec<u8>>,
}

/// What this thread keeps.
struct Kept {
    bits: u32,
    made_of: BTreeMap<Digest, Box<[u8]>>,
    collision: Option<Collision>,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// From here on this thread keeps states so, and has seen no collision.
pub fn keep(states: States) {
    let kept = match states {
        States::Hashed => None,
        States::Kept { bits } => Some(Kept { bits, made_of: BTreeMap::new(), collision: None }),
    };
    KEPT.with_borrow_mut(|known| *known = kept);
}

/// Whether this thread keeps states.
#[must_use]
pub fn is_keeping() -> bool {
    KEPT.with_borrow(Option::is_some)
}

/// The first collision that this thread has seen.
#[must_use]
pub fn collision() -> Option<Collision> {
    KEPT.with_borrow(|kept| kept.as_ref()?.collision.clone())
}

impl Feed {
    pub(super) fn new() -> Feed {
        Feed { hasher: SipHasher13::new(), kept: is_keeping().then(Vec::new) }
    }

    pub(super) fn digest(self) -> Digest {
        let digest = Digest(self.hasher.finish128().as_u128());
        let Some(made_of) = self.kept else { return digest };
        KEPT.with_borrow_mut(|kept| match kept {
            Some(kept) => kept.keep(digest, made_of),
            None => digest,
        })
    }
}

impl Kept {
    fn keep(&mut self, digest: Digest, made_of: Vec<u8>) -> Digest {
        let digest = Digest(digest.0 & u128::MAX.checked_shr(128 - self.bits.min(128)).unwrap_or(0));
        let first = self.made_of.entry(digest).or_insert_with(|| made_of.clone().into());
        if **first != *made_of && self.collision.is_none() {
            let (one, other) = (first.clone(), made_of.into());
            self.collision = Some(Collision { digest, one, other });
        }
        digest
    }
}

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
    }

    /// Of no use here: a digest has 128 bits.
    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}
