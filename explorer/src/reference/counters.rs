//! Counters that go up one at a time, all modulo one number.
//!
//! **What it is for.** The model does next to nothing, so what is measured is the explorer.

use stateright::{Model, Property};

use crate::Pack;

/// The most counters of a model.
pub const MOST: usize = 8;

/// The model.
#[derive(Clone, Debug)]
pub struct Counters {
    /// How many counters.
    pub count: usize,
    /// Modulo what.
    pub modulus: u8,
}

/// The counters; those that the model does not have stay zero.
pub type Values = [u8; MOST];

/// The step of one counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Up(pub u8);

impl Counters {
    /// How many states are reachable.
    #[must_use]
    pub fn states(&self) -> u64 {
        u64::from(self.modulus).pow(self.count as u32)
    }

    /// How many edges are between them.
    #[must_use]
    pub fn edges(&self) -> u64 {
        self.states() * self.count as u64
    }
}

impl Model for Counters {
    type State = Values;
    type Action = Up;

    fn init_states(&self) -> Vec<Values> {
        vec![[0; MOST]]
    }

    fn actions(&self, _: &Values, actions: &mut Vec<Up>) {
        actions.extend((0..self.count as u8).map(Up));
    }

    fn next_state(&self, state: &Values, Up(index): Up) -> Option<Values> {
        let mut next = *state;
        let value = &mut next[usize::from(index)];
        *value = if *value + 1 == self.modulus { 0 } else { *value + 1 };
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let bounded = |model: &Self, state: &Values| state.iter().all(|value| *value < model.modulus);
        vec![Property::always("bounded", bounded)]
    }
}

impl Pack for Counters {
    type Key = u64;

    fn pack(&self, state: &Values) -> u64 {
        u64::from_le_bytes(*state)
    }

    fn unpack(&self, key: u64) -> Values {
        key.to_le_bytes()
    }
}
