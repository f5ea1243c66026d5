//! Forms: how a state is remembered, and how it travels.
//!
//! **What it is.** A [`Form`] turns states into what the frontier holds and the workers exchange (the *wire*), and gives the key
//! that the visited set holds. [`Exact`] is for models that can pack a state into an integer: key and wire are that integer,
//! and the result is exact. [`Hashed`] is for every other model: the wire is the state itself, the key a fingerprint. [`Retraced`] is
//! for every model, too, when states have to leave the process, into a file or to another one: see `tape`.
//!
//! **What it is not.** [`Hashed`] does not serialise states: they move between the threads of one process as they are. So it has no
//! checkpoints, spills no frontier and has no other processes.

use std::borrow::Cow;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stateright::Model;

use super::key::Key;
pub use super::tape::Retraced;

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
    /// Unless two fingerprints of this number of bits collide.
    Fingerprint {
        /// The bits of a fingerprint.
        bits: u32,
    },
}

/// Where wires can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Between the threads of a process.
    Process,
    /// Also into files, and to other processes.
    Anywhere,
}

/// How the states of `M` are remembered and how they travel.
pub trait Form<M: Model>: Send + Sync + 'static {
    /// What the visited set holds.
    type Key: Key;
    /// What the frontier holds and the workers exchange.
    type Wire: Clone + Send + Serialize + DeserializeOwned + 'static;
    /// What helps to turn one wire after another into states.
    type Guide: Default;
    /// Whether equal keys are equal states.
    const IDENTITY: Identity;
    /// Where wires can go.
    const REACH: Reach;

    /// The wire of the first state of this number, in the order the model lists them.
    fn first(model: &M, number: usize, state: M::State) -> Self::Wire;

    /// The wire of a state that the action of this number leads to, in the order the model lists them.
    fn next(model: &M, from: &Self::Wire, number: usize, state: M::State) -> Self::Wire;

    /// The key of a state.
    fn key_of(model: &M, state: &M::State) -> Self::Key;

    /// A wire's key.
    fn key(wire: &Self::Wire) -> Self::Key;

    /// A wire's state; none when the model does not lead there, or not any more.
    fn state<'a>(model: &M, wire: &'a Self::Wire, guide: &'a mut Self::Guide) -> Option<Cow<'a, M::State>>
    where
        M::State: Clone;

    /// Puts wires into the order in which a guide does best.
    fn sort(_wires: &mut [Self::Wire]) {}

    /// The bytes that a wire takes beside its own size.
    fn heap_bytes(_wire: &Self::Wire) -> usize {
        0
    }
}

/// Packed states: nothing is forgotten, and nothing is confused.
#[derive(Clone, Copy, Debug)]
pub enum Exact {}

impl<M: Pack> Form<M> for Exact {
    type Key = M::Key;
    type Wire = M::Key;
    type Guide = ();
    const IDENTITY: Identity = Identity::Packed;
    const REACH: Reach = Reach::Anywhere;

    #[inline]
    fn first(model: &M, _: usize, state: M::State) -> M::Key {
        model.pack(&state)
    }

    #[inline]
    fn next(model: &M, _: &M::Key, _: usize, state: M::State) -> M::Key {
        model.pack(&state)
    }

    fn key_of(model: &M, state: &M::State) -> M::Key {
        model.pack(state)
    }

    #[inline]
    fn key(wire: &M::Key) -> M::Key {
        *wire
    }

    #[inline]
    fn state<'a>(model: &M, wire: &'a M::Key, (): &'a mut ()) -> Option<Cow<'a, M::State>>
    where
        M::State: Clone,
    {
        Some(Cow::Owned(model.unpack(*wire)))
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
    type Guide = ();
    const IDENTITY: Identity = Identity::Fingerprint { bits: K::BITS };
    const REACH: Reach = Reach::Process;

    fn first(model: &M, _: usize, state: M::State) -> Self::Wire {
        (Self::key_of(model, &state), Here(state))
    }

    fn next(model: &M, _: &Self::Wire, _: usize, state: M::State) -> Self::Wire {
        (Self::key_of(model, &state), Here(state))
    }

    fn key_of(_: &M, state: &M::State) -> K {
        K::of(state)
    }

    #[inline]
    fn key(wire: &Self::Wire) -> K {
        wire.0
    }

    fn state<'a>(_: &M, wire: &'a Self::Wire, (): &'a mut ()) -> Option<Cow<'a, M::State>>
    where
        M::State: Clone,
    {
        Some(Cow::Borrowed(&wire.1.0))
    }
}

/// A value that stays in its process. timely requires a serialised form of what it exchanges, and between threads never uses it.
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
