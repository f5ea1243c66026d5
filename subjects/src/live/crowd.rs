//! A crowd: callbacks of one user that take all its slots at once, and stay until a callback of another user runs.
//!
//! R9 is about users who are kept waiting by others, and callbacks as they come seldom fill four slots. A user of its own has a few
//! jobs whose object waits for three others of its kind, then for a callback of any other user. Both waits end by
//! themselves, so that an engine that starves a user is judged and does not hang.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// As many callbacks as a user has slots.
const SLOTS: u32 = judge::CALLBACK_SLOTS;
/// How long a callback waits for the others. Much longer than four small files take to arrive.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the callbacks of a crowd meet.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    inside: u32,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// Not all are there yet.
    #[default]
    Gathering,
    /// Every slot of the user is taken.
    Full,
    /// A callback of another user ran meanwhile, or a wait timed out: it is over.
    Over,
}

impl Crowd {
    /// A callback of the crowd runs: it comes back when the crowd is over, or when nothing comes of it.
    pub(super) fn stay(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.inside += 1;
        if state.inside >= SLOTS && state.phase == Phase::Gathering {
            state.phase = Phase::Full;
        }
        self.changed.notify_all();
        let is_on = |state: &mut State| state.phase != Phase::Over;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, is_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.inside -= 1;
        // The others would wait in vain for a callback that has left early.
        state.phase = Phase::Over;
        self.changed.notify_all();
    }

    /// A callback of another user runs.
    pub(super) fn is_passed_by(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.phase == Phase::Full {
            state.phase = Phase::Over;
            self.changed.notify_all();
        }
    }
}
