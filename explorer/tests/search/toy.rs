//! A model given as a table, for graphs of any shape.

use explorer::Pack;
use stateright::{Model, Property};

/// States are numbers; each has its successors. An action is the index of the successor.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) first: Vec<u32>,
    pub(crate) successors: Vec<Vec<u32>>,
    pub(crate) bad: Vec<u32>,
    pub(crate) worse: Vec<u32>,
}

impl Model for Table {
    type State = u32;
    type Action = usize;

    fn init_states(&self) -> Vec<u32> {
        self.first.clone()
    }

    fn actions(&self, state: &u32, actions: &mut Vec<usize>) {
        actions.extend(0..self.successors[*state as usize].len());
    }

    fn next_state(&self, state: &u32, action: usize) -> Option<u32> {
        Some(self.successors[*state as usize][action])
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("not bad", |model: &Self, state: &u32| !model.bad.contains(state)),
            Property::always("not worse", |model: &Self, state: &u32| !model.worse.contains(state)),
            Property::sometimes("bad", |model: &Self, state: &u32| model.bad.contains(state)),
            Property::always("small", |_: &Self, state: &u32| *state < u32::MAX),
        ]
    }
}

impl Pack for Table {
    type Key = u32;

    fn pack(&self, state: &u32) -> u32 {
        *state
    }

    fn unpack(&self, key: u32) -> u32 {
        key
    }
}
