//! What an adapter implements.

use std::collections::BTreeMap;

use contract::{Call, HResult, JobState};

use crate::wire::{ClockMove, DiskOrder, NetworkMove, Observed, RestartKind, WireOut};

/// An implementation, as an adapter uses it. Jobs, files and receivers have bgcheck's numbers.
///
/// Methods are called from several threads at once. A panic is reported as the adapter's own fault.
pub trait Subject: Send + Sync + 'static {
    /// Makes a call. For CreateJob, `job` is the number that the new job gets.
    ///
    /// # Errors
    /// The call was not made.
    fn call(&self, caller: Caller, job: Option<u32>, call: &Call) -> Result<Answer, Refusal>;

    /// The state of a job from outside of any client; none when the job is gone.
    ///
    /// # Errors
    /// The state cannot be had.
    fn poll(&self, job: u32) -> Result<Option<JobState>, Refusal>;

    /// Ends every job. Gives back those that could not be ended. Orders are forgotten and held callbacks are released before.
    ///
    /// # Errors
    /// It failed.
    fn reset(&self) -> Result<Vec<u32>, Refusal>;

    /// Moves the implementation's time.
    ///
    /// # Errors
    /// It cannot be moved.
    fn clock(&self, clock: ClockMove) -> Result<(), Refusal> {
        let _ = clock;
        Err(Refusal::unimplemented("time is real here"))
    }

    /// How the disk work of the next Complete or Cancel goes. Called by the thread that reads commands: it must not block.
    ///
    /// # Errors
    /// Disk work cannot be made to fail.
    fn disk(&self, order: DiskOrder) -> Result<(), Refusal> {
        let _ = order;
        Err(Refusal::unimplemented("disk work cannot be made to fail here"))
    }

    /// Loses the network of the implementation, or gives it back.
    ///
    /// # Errors
    /// The network cannot be lost.
    fn network(&self, network: NetworkMove) -> Result<(), Refusal> {
        let _ = network;
        Err(Refusal::unimplemented("the network cannot be lost here"))
    }

    /// A user logs off.
    ///
    /// # Errors
    /// There is one user only.
    fn logoff(&self, user: u32) -> Result<(), Refusal> {
        let _ = user;
        Err(Refusal::unimplemented("there is one user only"))
    }

    /// Ends the implementation and starts it again. Gives back what is lost by it.
    ///
    /// # Errors
    /// It cannot be restarted.
    fn restart(&self, kind: RestartKind) -> Result<Vec<String>, Refusal> {
        let _ = kind;
        Err(Refusal::unimplemented("there is no restart here"))
    }

    /// What stands in the directory, by name.
    ///
    /// # Errors
    /// The adapter does not look at the disk.
    fn observe(&self, names: &[String]) -> Result<BTreeMap<String, Option<Observed>>, Refusal> {
        let _ = names;
        Err(Refusal::unimplemented("bgcheck sees the disk itself"))
    }

    /// The input has ended.
    fn end(&self) {}
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A client thread, by bgcheck's number. The call is made on a thread of its own.
    Thread(u32),
    /// A client thread that calls for another user than the first, by bgcheck's numbers.
    User {
        /// The thread.
        thread: u32,
        /// The user.
        user: u32,
    },
    /// The callback with this number, on the thread that runs it.
    Inside(u64),
}

/// What a call answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The code.
    pub hr: HResult,
    /// What it gave back; none when there is nothing, or when it is not known.
    pub out: Option<WireOut>,
}

impl Answer {
    /// An answer with nothing to give back.
    #[must_use]
    pub const fn of(hr: HResult) -> Answer {
        Answer { hr, out: None }
    }

    /// Success, with something to give back.
    #[must_use]
    pub const fn ok(out: WireOut) -> Answer {
        Answer { hr: HResult::S_OK, out: Some(out) }
    }
}

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The implementation does not have it: it is left out, and reported with the reason.
    Unimplemented {
        /// Why.
        why: String,
        /// Where that is reported.
        issue: Option<String>,
    },
    /// The adapter is at fault.
    Errored {
        /// What went wrong.
        message: String,
    },
}

impl Refusal {
    /// The implementation does not have it.
    #[must_use]
    pub fn unimplemented(why: impl Into<String>) -> Refusal {
        Refusal::Unimplemented { why: why.into(), issue: None }
    }

    /// The adapter is at fault.
    #[must_use]
    pub fn errored(message: impl Into<String>) -> Refusal {
        Refusal::Errored { message: message.into() }
    }
}
