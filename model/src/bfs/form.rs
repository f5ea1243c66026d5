//! Forms: how a state is remembered, and how it travels.
//!
//! **What it is.** A [`Form`] turns states into what the frontier holds and the workers exchange (the *wire*), and gives the key
//! that the visited set holds. [`Exact`] is for models that can pack a state into an integer: key and wire are that integer,
//! and the result is exact. [`Hashed`] is for every other model: the wire is the state itself, the key a fingerprint.
//!
//! **What it is not.** [`Hashed`] does not serialise states: they move between the threads of one process as they are. So it has no
//! checkpoints, and a run of several processes needs a packed form.

use std::borrow::Cow;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stateright::Model;

use super::key::Key;
use crate::fingerprint::fingerprint;

/// A model whose states fit into an integer, one integer per state and back.
pub trait Pack: Model {
    /// The integer.
    type Key: Key;

    /// The state as an integer. Different states have different ones.
    fn pack(&self, state: &Self::State) -> Self::Key;

    /// The state again.
    fn unpack(&self, key: Self::Key) -> Self::State;
}

/// Whether equal keys are equal states.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub enum Identity {
    /// Always.
    Packed,
    /// But for a collision of fingerprints of so many bits.
    Fingerprint {
        /// The bits of a fingerprint.
        bits: u32,
    },
}

/// How the states of `M` are remembered and how they travel.
pub trait Form<M: Model>: Send + Sync + 'static {
    /// What the visited set holds.
    type Key: Key;
    /// What the frontier holds and the workers exchange.
    type Wire: Clone + Send + Serialize + DeserializeOwned + 'static;
    /// Whether equal keys are equal states.
    const IDENTITY: Identity;

    /// A state's wire.
    fn wire(model: &M, state: M::State) -> Self::Wire;

    /// A wire's key.
    fn key(wire: &Self::Wire) -> Self::Key;

    /// A wire's state.
    fn state<'a>(model: &M, wire: &'a Self::Wire) -> Cow<'a, M::State>
    where
        M::State: Clone;

    /// The wire of a stored key, if the form can be stored.
    fn stored(key: Self::Key) -> Option<Self::Wire>;
}

/// Packed states: nothing is forgotten, and nothing is confused.
#[derive(Clone, Copy, Debug)]
pub enum Exact {}

impl<M: Pack> Form<M> for Exact {
    type Key = M::Key;
    type Wire = M::Key;
    const IDENTITY: Identity = Identity::Packed;

    #[inline]
    fn wire(model: &M, state: M::State) -> M::Key {
        model.pack(&state)
    }

    #[inline]
    fn key(wire: &M::Key) -> M::Key {
        *wire
    }

    #[inline]
    fn state<'a>(model: &M, wire: &'a M::Key) -> Cow<'a, M::State>
    where
        M::State: Clone,
    {
        Cow::Owned(model.unpack(*wire))
    }

    fn stored(key: M::Key) -> Option<M::Key> {
        Some(key)
    }
}

/// Whole states on the way, fingerprints of `K`'s width in the visited set.
#[derive(Clone, Copy, Debug)]
pub struct Hashed<K>(PhantomData<fn() -> K>);

impl<M: Model, K: Key> Form<M> for Hashed<K>
where
    M::State: Clone + Hash + Send + 'static,
{
    type Key = K;
    type Wire = (K, Here<M::State>);
    const IDENTITY: Identity = Identity::Fingerprint { bits: K::BITS };

    fn wire(_: &M, state: M::State) -> Self::Wire {
        (K::from_fingerprint(fingerprint(&state)), Here(state))
    }

    #[inline]
    fn key(wire: &Self::Wire) -> K {
        wire.0
    }

    fn state<'a>(_: &M, wire: &'a Self::Wire) -> Cow<'a, M::State>
    where
        M::State: Clone,
    {
        Cow::Borrowed(&wire.1.0)
    }

    fn stored(_: K) -> Option<Self::Wire> {
        None
    }
}

/// A value that stays in its process. timely asks for a serialised form of what it exchanges, and between threads never uses it.
#[derive(Clone, Debug)]
pub struct Here<T>(T);

impl<T> Serialize for Here<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("a state without a packed form does not leave its process"))
    }
}

impl<'de, T> Deserialize<'de> for Here<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("a state without a packed form does not come from elsewhere"))
    }
}
