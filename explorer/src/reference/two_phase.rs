//! Two-phase commit: a transaction manager and resource managers that prepare, commit or abort.
//!
//! **What it is.** The TLA+ example TwoPhase (Gray and Lamport, "Consensus on Transaction Commit"), with the messages sent as a
//! set that only grows. Its counts are published, so an explorer that disagrees with them is wrong.
//!
//! **Faults.** [`Fault`] breaks it in a known way, so that a counterexample has to be found.

use stateright::{Model, Property};

use crate::Pack;

/// The most resource managers of a model.
pub const MOST: u8 = 12;

/// The model.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    /// How many resource managers.
    pub managers: u8,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// A prepared resource manager may still change its mind.
    AbortsAfterPreparing,
}

/// A resource manager's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Manager {
    /// Nothing decided.
    Working,
    /// Ready to commit.
    Prepared,
    /// Committed.
    Committed,
    /// Aborted.
    Aborted,
}

/// The transaction manager's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// None yet.
    Open,
    /// Commit, and its message is sent.
    Commit,
    /// Abort, and its message is sent.
    Abort,
}

/// A state, as sets of resource managers: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// Resource managers that prepared or committed.
    ready: u16,
    /// Resource managers that committed or aborted.
    done: u16,
    /// Resource managers whose message that they are prepared has reached the transaction manager.
    known: u16,
    /// Resource managers that sent that they are prepared.
    sent: u16,
    decision: Decision,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// The transaction manager receives the message that a resource manager is prepared.
    HearPrepared(u8),
    /// It decides to commit.
    Commit,
    /// It decides to abort.
    Abort,
    /// A resource manager prepares.
    Prepare(u8),
    /// A resource manager aborts by itself.
    ChooseToAbort(u8),
    /// A resource manager receives the commit.
    HearCommit(u8),
    /// A resource manager receives the abort.
    HearAbort(u8),
}

impl State {
    /// The state of a resource manager.
    #[must_use]
    pub fn manager(&self, id: u8) -> Manager {
        match (self.ready >> id & 1, self.done >> id & 1) {
            (0, 0) => Manager::Working,
            (1, 0) => Manager::Prepared,
            (1, 1) => Manager::Committed,
            _ => Manager::Aborted,
        }
    }

    fn set(&mut self, id: u8, manager: Manager) {
        let bit = 1 << id;
        let (ready, done) = match manager {
            Manager::Working => (0, 0),
            Manager::Prepared => (bit, 0),
            Manager::Committed => (bit, bit),
            Manager::Aborted => (0, bit),
        };
        self.ready = self.ready & !bit | ready;
        self.done = self.done & !bit | done;
    }
}

impl TwoPhase {
    /// The protocol as published.
    #[must_use]
    pub fn new(managers: u8) -> Self {
        assert!(managers <= MOST, "a packed state has room for {MOST} resource managers");
        TwoPhase { managers, fault: Fault::None }
    }

    /// The protocol with a fault.
    #[must_use]
    pub fn broken(managers: u8, fault: Fault) -> Self {
        TwoPhase { fault, ..Self::new(managers) }
    }

    fn all(&self) -> u16 {
        (1 << self.managers) - 1
    }

    fn may_abort(&self, manager: Manager) -> bool {
        manager == Manager::Working
            || (manager == Manager::Prepared && self.fault == Fault::AbortsAfterPreparing)
    }
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { ready: 0, done: 0, known: 0, sent: 0, decision: Decision::Open }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.decision == Decision::Open {
            if state.known == self.all() {
                actions.push(Action::Commit);
            }
            actions.push(Action::Abort);
        }
        for id in 0..self.managers {
            if state.decision == Decision::Open && state.sent >> id & 1 == 1 {
                actions.push(Action::HearPrepared(id));
            }
            if state.manager(id) == Manager::Working {
                actions.push(Action::Prepare(id));
            }
            if self.may_abort(state.manager(id)) {
                actions.push(Action::ChooseToAbort(id));
            }
            match state.decision {
                Decision::Open => {}
                Decision::Commit => actions.push(Action::HearCommit(id)),
                Decision::Abort => actions.push(Action::HearAbort(id)),
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        match action {
            Action::HearPrepared(id) => next.known |= 1 << id,
            Action::Commit => next.decision = Decision::Commit,
            Action::Abort => next.decision = Decision::Abort,
            Action::Prepare(id) => {
                next.set(id, Manager::Prepared);
                next.sent |= 1 << id;
            }
            Action::ChooseToAbort(id) | Action::HearAbort(id) => next.set(id, Manager::Aborted),
            Action::HearCommit(id) => next.set(id, Manager::Committed),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("abort agreement", |model: &Self, state: &State| {
                state.done == model.all() && state.ready == 0
            }),
            Property::sometimes("commit agreement", |model: &Self, state: &State| {
                state.done & state.ready == model.all()
            }),
            Property::always("consistent", |_: &Self, state: &State| {
                state.done & state.ready == 0 || state.done & !state.ready == 0
            }),
        ]
    }
}

impl Pack for TwoPhase {
    type Key = u64;

    fn pack(&self, state: &State) -> u64 {
        let sets = [state.ready, state.done, state.known, state.sent];
        let packed = sets.into_iter().fold(0, |packed, set| packed << MOST | u64::from(set));
        packed << 2 | state.decision as u64
    }

    fn unpack(&self, key: u64) -> State {
        let set = |index: u32| (key >> (2 + u32::from(MOST) * index)) as u16 & ((1 << MOST) - 1);
        let decision = match key & 3 {
            0 => Decision::Open,
            1 => Decision::Commit,
            _ => Decision::Abort,
        };
        State { ready: set(3), done: set(2), known: set(1), sent: set(0), decision }
    }
}
