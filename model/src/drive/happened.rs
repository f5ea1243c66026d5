//! What an observer of a driver is shown.

use contract::core::{Answer, Change, Delivery, DiskOutcome, TransferEvent, TransferReply, TransferStart};
use contract::event::{By, Leave};
use contract::{Call, CallId, EventView, JobId, Time, UserId};

use super::stimulus::Late;

/// What happens while a stimulus is applied, in order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Happened<'a> {
    /// An observable event: the trace and the rules see these and nothing else.
    Event(EventView<'a>),
    /// The core has answered a call; what changed by it follows.
    Answered {
        /// Who called.
        user: UserId,
        /// On which job.
        job: Option<JobId>,
        /// What.
        call: &'a Call,
        /// The answer.
        answer: &'a Answer,
        /// The slot of the delivery that the call waits for, if it waits for one; [`DELIVERIES`](super::DELIVERIES) for one that is not there.
        waits: Option<usize>,
    },
    /// The core has answered the second half of a Complete or Cancel.
    DiskDone {
        /// The job.
        job: JobId,
        /// How the disk work went.
        outcome: &'a DiskOutcome,
        /// The answer.
        answer: &'a Answer,
        /// See [`Happened::Answered`].
        waits: Option<usize>,
    },
    /// The environment is about to move; the changes that follow are what the core makes of it.
    Input(Input<'a>),
    /// The core has given a transfer to run, or nothing.
    Turned(Option<TransferStart>),
    /// The core has replied to a transfer.
    Replied(TransferReply),
    /// What came too late has been taken in, and answered if it was disk work.
    TooLate(Option<&'a Answer>),
    /// The core reports a change; the events about it follow.
    Changed(Change),
    /// A delivery has begun and has this slot until it leaves.
    Begun(usize, Delivery),
    /// The process of the program in this slot exists.
    ProgramStarted(usize, JobId),
    /// The delivery in this slot has left.
    Left(usize, JobId, Leave),
}

/// What the environment does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Input<'a> {
    /// The running transfer of a job reports.
    Report(JobId, &'a TransferEvent),
    /// Time has come so far.
    Time(Time),
    /// A user logs off.
    Logoff(UserId),
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// Something comes too late.
    Late(Late),
}

/// Who looks on.
pub trait Observer {
    /// Something happened.
    fn happened(&mut self, happened: Happened<'_>);
}

impl<F: FnMut(Happened<'_>)> Observer for F {
    fn happened(&mut self, happened: Happened<'_>) {
        self(happened);
    }
}

/// The events of a change, in order: what the environment did, then what state that led to.
pub fn events_of(change: &Change, call: Option<CallId>) -> impl Iterator<Item = EventView<'static>> {
    let Change { job, file, step, state } = *change;
    let env = step.map(|step| EventView::Env { step, job, file });
    let by = step.map(By::Env).or(call.map(By::Call));
    let state = state.zip(job).zip(by).map(|(((from, to), job), by)| EventView::State { job, from, to, by });
    env.into_iter().chain(state)
}
