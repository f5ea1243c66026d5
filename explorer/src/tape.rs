//! Tapes: a state as the numbers of the actions that lead to it, which is a stored form that every model has.
//!
//! **What it is.** [`Retraced`] is a form whose wire is a state with its *tape*: which first state, then which action of those that
//! the model lists, and so on. Between the threads of a process the state comes along. Into a file or to another process only
//! the tape goes, a byte or two a step, and where it arrives the model goes the way again.
//!
//! **Why not the state itself.** A state of the product holds the engine's own core, which has no stored form and should not
//! get one for our sake; and one of the protocol means nothing without the memories its model keeps (`protocol::memory`). The
//! way to a state has all of that in it.
//!
//! **Why that is fast enough.** Tapes that begin alike are neighbours when they are sorted, and a [`Guide`] keeps the states along the
//! last one: it goes only the steps in which the next tape differs.
//!
//! **The law it keeps.** A tape leads to the state it was made with, in any process, as long as the model lists its actions in
//! one order. A tape that leads nowhere, or elsewhere, is found out, because the key of the state does not fit.

use std::borrow::Cow;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stateright::Model;

use super::form::{Form, Identity, Reach};
use super::key::Key;

/// States with the way to them, fingerprints of `K`'s width in the visited set.
#[derive(Clone, Copy, Debug)]
pub struct Retraced<K>(PhantomData<fn() -> K>);

/// The numbers of the actions that lead to a state, each in as many bytes as it needs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
struct Tape(Box<[u8]>);

/// Bits of a number in a byte; the one that is left is set when more follow.
const BITS: u32 = 7;
const MORE: u8 = 1 << BITS;

impl Tape {
    fn first(number: usize) -> Self {
        Tape(encoded(number).collect())
    }

    fn then(&self, number: usize) -> Self {
        // One allocation of the right size: there is one for every edge.
        let mut bytes = Vec::with_capacity(self.0.len() + encoded(number).count());
        bytes.extend_from_slice(&self.0);
        bytes.extend(encoded(number));
        Tape(bytes.into_boxed_slice())
    }

    /// The numbers. A number that was cut off is left out.
    fn numbers(&self) -> impl Iterator<Item = usize> {
        let mut bytes = self.0.iter();
        std::iter::from_fn(move || {
            let (mut number, mut shift) = (0_usize, 0);
            loop {
                let byte = *bytes.next()?;
                number |= usize::from(byte & !MORE).checked_shl(shift)?;
                if byte & MORE == 0 {
                    return Some(number);
                }
                shift += BITS;
            }
        })
    }
}

fn encoded(number: usize) -> impl Iterator<Item = u8> {
    let mut rest = Some(number);
    std::iter::from_fn(move || {
        let number = rest?;
        rest = Some(number >> BITS).filter(|more| *more > 0);
        Some(number as u8 & !MORE | if rest.is_some() { MORE } else { 0 })
    })
}

/// A state on its way.
#[derive(Clone, Debug)]
pub struct Traveller<K, S> {
    key: K,
    tape: Tape,
    /// It stays behind when the traveller leaves its process.
    state: Option<S>,
}

impl<K: Serialize, S> Serialize for Traveller<K, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (&self.key, &self.tape).serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de>, S> Deserialize<'de> for Traveller<K, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (key, tape) = Deserialize::deserialize(deserializer)?;
        Ok(Traveller { key, tape, state: None })
    }
}

/// The states along the last tape that was followed.
pub struct Guide<S> {
    numbers: Vec<usize>,
    /// One for each number.
    states: Vec<S>,
}

impl<S> Default for Guide<S> {
    fn default() -> Self {
        Guide { numbers: Vec::new(), states: Vec::new() }
    }
}

impl<S: Clone> Guide<S> {
    /// Goes where the tape leads.
    fn follow<M: Model<State = S>>(&mut self, model: &M, tape: &Tape) -> Option<&S> {
        let same =
            self.numbers.iter().copied().zip(tape.numbers()).take_while(|(old, new)| old == new).count();
        self.numbers.truncate(same);
        self.states.truncate(same);
        for number in tape.numbers().skip(same) {
            let state = match self.states.last() {
                None => model.init_states().into_iter().nth(number)?,
                Some(state) => step(model, state, number)?,
            };
            self.numbers.push(number);
            self.states.push(state);
        }
        self.states.last()
    }
}

fn step<M: Model>(model: &M, state: &M::State, number: usize) -> Option<M::State> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    model.next_state(state, actions.into_iter().nth(number)?)
}

impl<M: Model, K: Key> Form<M> for Retraced<K>
where
    M::State: Clone + Hash + Send + 'static,
{
    type Key = K;
    type Wire = Traveller<K, M::State>;
    type Guide = Guide<M::State>;
    const IDENTITY: Identity = Identity::Fingerprint { bits: K::BITS };
    const REACH: Reach = Reach::Anywhere;

    fn first(model: &M, number: usize, state: M::State) -> Self::Wire {
        Traveller { key: Self::key_of(model, &state), tape: Tape::first(number), state: Some(state) }
    }

    fn next(model: &M, from: &Self::Wire, number: usize, state: M::State) -> Self::Wire {
        Traveller { key: Self::key_of(model, &state), tape: from.tape.then(number), state: Some(state) }
    }

    fn key_of(_: &M, state: &M::State) -> K {
        K::of(state)
    }

    fn key(wire: &Self::Wire) -> K {
        wire.key
    }

    fn state<'a>(model: &M, wire: &'a Self::Wire, guide: &'a mut Self::Guide) -> Option<Cow<'a, M::State>>
    where
        M::State: Clone,
    {
        if let Some(state) = &wire.state {
            return Some(Cow::Borrowed(state));
        }
        let state = guide.follow(model, &wire.tape)?;
        (Self::key_of(model, state) == wire.key).then_some(Cow::Borrowed(state))
    }

    fn sort(wires: &mut [Self::Wire]) {
        wires.sort_unstable_by(|left, right| left.tape.cmp(&right.tape));
    }

    fn heap_bytes(wire: &Self::Wire) -> usize {
        wire.tape.0.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tape_holds_its_numbers(numbers in prop::collection::vec(prop_oneof![0usize..300, any::<usize>()], 1..20)) {
            let first = Tape::first(numbers[0]);
            let tape = numbers[1..].iter().fold(first, |tape, number| tape.then(*number));
            prop_assert_eq!(tape.numbers().collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn bytes_from_outside_are_some_tape(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _numbers: Vec<usize> = Tape(bytes.into()).numbers().collect();
        }
    }
}
