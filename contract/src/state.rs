//! Job states and the one transition table (facts A, A2, B1).
//!
//! The table is data: [`EDGES`]. The specification steps by it, rule R13 judges by it, and the pictures of
//! `bgcheck graph` are drawn from it, so a changed transition is a changed picture in review.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::described::described;
use crate::dialect::{Dialect, Profile};
use crate::env::StepKind;
use crate::mutation::Mutant;
use crate::sentence::Follows;
use crate::sentences;

described! {
    /// `BG_JOB_STATE_*` (facts A).
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[repr(u8)]
    pub enum JobState {
        /// Waiting for the scheduler.
        Queued = 0,
        /// Connecting to the server. Never seen in Delivery Optimization.
        Connecting = 1,
        /// Moving bytes.
        Transferring = 2,
        /// The state of a new job; left by Resume, Complete or Cancel.
        Suspended = 3,
        /// A fatal error; needs Resume, Cancel or Complete.
        Error = 4,
        /// A retryable error; retried after the minimum retry delay.
        TransientError = 5,
        /// All files are here; waiting for Complete.
        Transferred = 6,
        /// Final, after Complete.
        Acknowledged = 7,
        /// Final, after Cancel or expiry.
        Cancelled = 8,
    }
}

impl JobState {
    /// Every state in the order of the enumeration (facts A).
    pub const ALL: [JobState; 9] = [
        JobState::Queued,
        JobState::Connecting,
        JobState::Transferring,
        JobState::Suspended,
        JobState::Error,
        JobState::TransientError,
        JobState::Transferred,
        JobState::Acknowledged,
        JobState::Cancelled,
    ];

    /// The states a job never leaves (R10).
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, JobState::Acknowledged | JobState::Cancelled)
    }

    /// The states in which the transfer holds a connection, and in BITS the one background slot.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, JobState::Connecting | JobState::Transferring)
    }

    /// The documents' name, such as `BG_JOB_STATE_TRANSIENT_ERROR`.
    #[must_use]
    pub const fn documented_name(self) -> &'static str {
        match self {
            JobState::Queued => "BG_JOB_STATE_QUEUED",
            JobState::Connecting => "BG_JOB_STATE_CONNECTING",
            JobState::Transferring => "BG_JOB_STATE_TRANSFERRING",
            JobState::Suspended => "BG_JOB_STATE_SUSPENDED",
            JobState::Error => "BG_JOB_STATE_ERROR",
            JobState::TransientError => "BG_JOB_STATE_TRANSIENT_ERROR",
            JobState::Transferred => "BG_JOB_STATE_TRANSFERRED",
            JobState::Acknowledged => "BG_JOB_STATE_ACKNOWLEDGED",
            JobState::Cancelled => "BG_JOB_STATE_CANCELLED",
        }
    }
}

impl fmt::Display for JobState {
    /// The short form of the documents, without the prefix: `TRANSIENT_ERROR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.documented_name()["BG_JOB_STATE_".len()..])
    }
}

/// A set of job states, as a bit per state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StateSet(u16);

impl StateSet {
    /// No state.
    pub const EMPTY: StateSet = StateSet(0);
    /// Every state.
    pub const ALL: StateSet = StateSet(0x1FF);

    /// A set of one.
    #[must_use]
    pub const fn of(state: JobState) -> StateSet {
        StateSet(1 << state as u16)
    }

    /// The set with `state` added.
    #[must_use]
    pub const fn with(self, state: JobState) -> StateSet {
        StateSet(self.0 | 1 << state as u16)
    }

    /// The set without `state`.
    #[must_use]
    pub const fn without(self, state: JobState) -> StateSet {
        StateSet(self.0 & !(1 << state as u16))
    }

    /// Whether `state` is in the set.
    #[must_use]
    pub const fn contains(self, state: JobState) -> bool {
        self.0 & (1 << state as u16) != 0
    }

    /// The states of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = JobState> {
        JobState::ALL.into_iter().filter(move |state| self.contains(*state))
    }
}

impl fmt::Debug for StateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|state| state.to_string())).finish()
    }
}

/// Why a job changes state: a call was made, or the environment moved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An API call.
    Call(Method),
    /// An environment step (contract section 2).
    Env(StepKind),
}

impl Cause {
    /// Its place among all causes: methods, then steps.
    const fn index(self) -> usize {
        match self {
            Cause::Call(method) => method as usize,
            Cause::Env(step) => Method::ALL.len() + step as usize,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Call(method) => write!(f, "{method}"),
            Cause::Env(step) => write!(f, "{step}"),
        }
    }
}

/// In which dialects an edge exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum In {
    /// In both.
    Both,
    /// In one only.
    Only(Dialect),
}

/// One row of the transition table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The state left.
    pub from: JobState,
    /// What makes the job leave it.
    pub cause: Cause,
    /// The state entered.
    pub to: JobState,
    /// The dialects that have the edge.
    pub dialects: In,
    /// The fact it comes from.
    pub source: &'static str,
    /// The sentences of the documents that it follows; none where it is our choice.
    pub follows: Follows,
}

impl Edge {
    /// Whether `dialect` has this edge.
    #[must_use]
    pub fn is_in(&self, dialect: Dialect) -> bool {
        match self.dialects {
            In::Both => true,
            In::Only(only) => only == dialect,
        }
    }
}

const fn call(from: JobState, method: Method, to: JobState, source: &'static str, follows: Follows) -> Edge {
    Edge { from, cause: Cause::Call(method), to, dialects: In::Both, source, follows }
}

const fn env(from: JobState, step: StepKind, to: JobState, source: &'static str, follows: Follows) -> Edge {
    Edge { from, cause: Cause::Env(step), to, dialects: In::Both, source, follows }
}

const fn only(dialect: Dialect, edge: Edge) -> Edge {
    Edge { dialects: In::Only(dialect), ..edge }
}

/// Every way a job may change its state. Rows of facts A2 that have no step are listed in `docs/coverage.md`.
#[rustfmt::skip] // A row a line.
pub static EDGES: &[Edge] = {
    use Dialect::{Bits, Do};
    use JobState::{
        Acknowledged, Cancelled, Connecting, Error, Queued, Suspended, Transferred, Transferring,
        TransientError,
    };
    use Method::{Cancel, Complete, Resume, Suspend};
    &[
        call(Queued, Suspend, Suspended, "facts B1", sentences!["suspend.stops"]),
        only(Bits, call(Connecting, Suspend, Suspended, "facts B1", sentences!["suspend.stops"])),
        call(Transferring, Suspend, Suspended, "facts B1", sentences!["suspend.stops"]),
        call(TransientError, Suspend, Suspended, "facts B1", sentences!["suspend.stops"]),
        call(Suspended, Resume, Queued, "facts B1, G4", sentences!["resume.queues"]),
        call(Error, Resume, Queued, "facts B1, G22", sentences!["resume.after-error"]),
        call(TransientError, Resume, Queued, "facts B1, G23", sentences!["resume.after-transient"]),
        call(Transferred, Resume, Queued, "facts B1, G34: only with files added since", sentences!["resume.more-files"]),
        only(Do, call(Suspended, Resume, Transferring, "facts G4: a transfer slot is free", sentences!["resume.do-transfers"])),
        only(Do, call(Error, Resume, Transferring, "facts G22: a transfer slot is free", sentences!["resume.do-restarts"])),
        only(Do, call(TransientError, Resume, Transferring, "facts G23: a transfer slot is free", sentences!["resume.do-restarts"])),
        only(Do, call(Transferred, Resume, Transferring, "facts G34: with files added, a slot is free", sentences![])),
        call(Queued, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        only(Bits, call(Connecting, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"])),
        call(Transferring, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        call(Suspended, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        call(Error, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        call(TransientError, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        call(Transferred, Cancel, Cancelled, "facts B1", sentences!["cancel.ends"]),
        call(Queued, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        only(Bits, call(Connecting, Complete, Acknowledged, "facts B1", sentences!["complete.ends"])),
        call(Transferring, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        call(Suspended, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        call(Error, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        call(TransientError, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        call(Transferred, Complete, Acknowledged, "facts B1", sentences!["complete.ends"]),
        only(Bits, env(Queued, StepKind::Turn, Connecting, "facts A2", sentences!["scheduler.turn"])),
        only(Do, env(Queued, StepKind::Turn, Transferring, "contract R13: a slot frees", sentences![])),
        only(Bits, env(Connecting, StepKind::Connected, Transferring, "facts A2", sentences!["scheduler.connected"])),
        only(Bits, env(Connecting, StepKind::TransientError, TransientError, "facts A2", sentences!["scheduler.not-connected"])),
        env(Transferring, StepKind::TransientError, TransientError, "facts A2; in DO also a failed connect", sentences!["env.retryable"]),
        only(Bits, env(Connecting, StepKind::FatalError, Error, "facts A2: CONNECTING, too, may fail for good", sentences![])),
        env(Transferring, StepKind::FatalError, Error, "facts A2", sentences!["env.fatal"]),
        env(Transferring, StepKind::FileDone, Transferred, "facts A2: the last file", sentences!["env.done"]),
        env(Transferring, StepKind::Preempt, Queued, "facts A2: time slice, or a higher priority", sentences!["scheduler.time-slice", "scheduler.priority"]),
        env(Transferring, StepKind::Logoff, Queued, "facts A2, G43", sentences!["env.logoff"]),
        env(Queued, StepKind::NetworkLost, TransientError, "facts A2", sentences!["env.network-lost"]),
        only(Bits, env(Connecting, StepKind::NetworkLost, TransientError, "facts G44", sentences![])),
        env(Transferring, StepKind::NetworkLost, TransientError, "facts A2", sentences!["env.network-lost"]),
        env(TransientError, StepKind::NetworkBack, Queued, "facts A2, G45", sentences!["env.network-back"]),
        env(TransientError, StepKind::RetryDelayOver, Queued, "facts A2", sentences!["env.retry-delay", "env.do-retry"]),
        env(TransientError, StepKind::NoProgressTimeout, Error, "facts A2", sentences!["env.no-progress"]),
        env(Queued, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
        only(Bits, env(Connecting, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits"])),
        env(Transferring, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
        env(Suspended, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
        env(Error, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
        env(TransientError, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
        env(Transferred, StepKind::Expiry, Cancelled, "facts A2, G42", sentences!["expiry.bits", "expiry.do"]),
    ]
};

/// The states `cause` may lead to from `from` in a dialect, in order. Empty when there is no such edge.
pub fn targets(profile: &Profile, from: JobState, cause: Cause) -> impl Iterator<Item = JobState> {
    target_set(profile, from, cause).iter()
}

/// Whether the table has this edge in a dialect (rule R13).
#[must_use]
pub fn is_edge(profile: &Profile, from: JobState, cause: Cause, to: JobState) -> bool {
    target_set(profile, from, cause).contains(to)
}

fn target_set(profile: &Profile, from: JobState, cause: Cause) -> StateSet {
    /// The table by dialect, state and cause: models and rules look it up all the time.
    static TARGETS: [[[StateSet; CAUSES]; JobState::ALL.len()]; Dialect::ALL.len()] =
        [targets_in(Dialect::Bits), targets_in(Dialect::Do)];
    let targets = TARGETS[profile.dialect as usize][from as usize][cause.index()];
    match profile.mutation.mutant() {
        Some(Mutant::EdgeDropped(row)) if is_asked(profile, row, from, cause) => {
            targets.without(EDGES[usize::from(row)].to)
        }
        Some(Mutant::EdgeElsewhere(row)) if is_asked(profile, row, from, cause) => {
            let edge = &EDGES[usize::from(row)];
            targets.without(edge.to).with(elsewhere(edge))
        }
        _ => targets,
    }
}

/// Whether a row of the table is one for this dialect, state and cause.
fn is_asked(profile: &Profile, row: u8, from: JobState, cause: Cause) -> bool {
    let row = EDGES.get(usize::from(row));
    row.is_some_and(|edge| edge.is_in(profile.dialect) && (edge.from, edge.cause) == (from, cause))
}

/// The state that a mutated edge leads to: the next of the enumeration that is neither of its own.
#[must_use]
pub fn elsewhere(edge: &Edge) -> JobState {
    let after = (0..).map(|step| JobState::ALL[(edge.to as usize + 1 + step) % JobState::ALL.len()]);
    after.take(JobState::ALL.len()).find(|state| *state != edge.from && *state != edge.to).unwrap_or(edge.to)
}

const CAUSES: usize = Method::ALL.len() + StepKind::COUNT;

const fn targets_in(dialect: Dialect) -> [[StateSet; CAUSES]; JobState::ALL.len()] {
    let mut targets = [[StateSet::EMPTY; CAUSES]; JobState::ALL.len()];
    let mut i = 0;
    while i < EDGES.len() {
        let Edge { from, cause, to, dialects, .. } = EDGES[i];
        if matches!(dialects, In::Both) || matches!(dialects, In::Only(only) if only as u8 == dialect as u8) {
            let set = &mut targets[from as usize][cause.index()];
            *set = set.with(to);
        }
        i += 1;
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_have_no_way_out_and_delivery_optimization_never_connects() {
        for edge in EDGES {
            assert!(!edge.from.is_final(), "{edge:?}");
            if edge.is_in(Dialect::Do) {
                assert_ne!(edge.from, JobState::Connecting, "{edge:?}");
                assert_ne!(edge.to, JobState::Connecting, "{edge:?}");
            }
        }
    }

    #[test]
    fn no_row_stands_twice() {
        for (i, edge) in EDGES.iter().enumerate() {
            let again =
                |other: &&Edge| (other.from, other.cause, other.to) == (edge.from, edge.cause, edge.to);
            assert!(!EDGES[i + 1..].iter().any(|other| again(&other)), "{edge:?}");
        }
    }
}
