//! What may happen in one step, and what is seen of it.

use contract::FileId;
use contract::JobState;
use contract::env::EnvStep;

use super::state::{Answer, Delivery, Outcome, Who};

/// One step of a caller, a dispatcher or the environment. Jobs and callers are numbered as in the state it is taken in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// A client or a callback makes a call.
    Call {
        /// Who.
        who: Who,
        /// On which job.
        on: u8,
        /// Which of the slice's calls.
        ask: u8,
    },
    /// The call takes the lock and takes effect. The lock is free between steps.
    Effect(Who),
    /// The call's disk work is over; it takes the lock and is done.
    Disk(Who, Disk),
    /// The call is back.
    Return(Who),
    /// A dispatcher claims the job's next delivery, under the lock.
    Claim(u8),
    /// The dispatcher begins it, under the lock.
    Begin(u8),
    /// The client's code starts, or the program's process is created.
    Enter(u8),
    /// The client's code is done.
    Leave(u8, Outcome),
    /// The client's code waits for a lock that a client holds while it calls.
    Block {
        /// The job whose callback waits.
        job: u8,
        /// The client.
        client: u8,
    },
    /// The dispatcher reports the leave, or that the program's process exists, under the lock.
    Settle(u8),
    /// The program exits, and that is reported.
    Exit(u8, Outcome),
    /// The scheduler takes the job on.
    Turn(u8),
    /// A file of the job is whole.
    Arrive(u8),
    /// The transfer fails for good.
    Fail(u8),
    /// The minimum retry delay of the job's deliveries is over.
    RetryDelayOver(u8),
    /// The job expires.
    Expire(u8),
}

impl Act {
    /// Whether it need never be taken, however long other threads wait for it.
    pub(super) const fn is_optional(self) -> bool {
        match self {
            Act::Call { .. } | Act::Block { .. } | Act::Turn(_) | Act::Arrive(_) | Act::Fail(_) => true,
            Act::RetryDelayOver(_) | Act::Expire(_) => true,
            Act::Effect(_)
            | Act::Disk(..)
            | Act::Return(_)
            | Act::Claim(_)
            | Act::Begin(_)
            | Act::Enter(_) => false,
            Act::Leave(..) | Act::Settle(_) | Act::Exit(..) => false,
        }
    }
}

impl Act {
    /// The job that goes on by it; none where a call does.
    pub(super) const fn job(self) -> Option<u8> {
        match self {
            Act::Call { .. } | Act::Effect(_) | Act::Disk(..) | Act::Return(_) => None,
            Act::Claim(job) | Act::Begin(job) | Act::Enter(job) | Act::Leave(job, _) => Some(job),
            Act::Block { job, .. } | Act::Settle(job) | Act::Exit(job, _) | Act::Turn(job) => Some(job),
            Act::Arrive(job) | Act::Fail(job) | Act::RetryDelayOver(job) | Act::Expire(job) => Some(job),
        }
    }

    /// The step as a reader wants it. `call` has the words of a call.
    pub(super) fn in_words(self, call: impl Fn(u8) -> String) -> String {
        match self {
            Act::Call { who, on, ask } => format!("{who} calls {} on job {on}", call(ask)),
            Act::Effect(who) => format!("the call of {who} takes effect, under the lock"),
            Act::Disk(who, Disk::Good) => format!("the disk work of {who}'s call is done"),
            Act::Disk(who, Disk::Fails) => format!("the disk work of {who}'s call fails"),
            Act::Return(who) => format!("the call of {who} returns"),
            Act::Claim(job) => format!("a dispatcher claims the next delivery of job {job}"),
            Act::Begin(job) => format!("the delivery of job {job} begins"),
            Act::Enter(job) => format!("the delivery of job {job} enters the client's code"),
            Act::Leave(job, outcome) => format!("the callback of job {job} leaves and {}", outcome.verb()),
            Act::Block { job, client } => {
                format!("the callback of job {job} waits for a lock of client {client}")
            }
            Act::Settle(job) => format!("the leave of job {job}'s delivery is reported"),
            Act::Exit(job, outcome) => format!("the program of job {job} exits and {}", outcome.verb()),
            Act::Turn(job) => format!("the scheduler takes job {job} on"),
            Act::Arrive(job) => format!("a file of job {job} is whole"),
            Act::Fail(job) => format!("the transfer of job {job} fails for good"),
            Act::RetryDelayOver(job) => format!("the retry delay of job {job} is over"),
            Act::Expire(job) => format!("job {job} expires"),
        }
    }

    /// What a report counts apart: kinds of steps, by their names.
    pub(super) const CLASSES: [&str; 17] = [
        "call",
        "effect",
        "disk work",
        "disk work that fails",
        "return",
        "claim",
        "begin",
        "enter",
        "leave",
        "block",
        "settle",
        "exit",
        "turn",
        "file done",
        "fatal error",
        "retry delay over",
        "expiry",
    ];

    /// The kind of this step, as an index of [`Act::CLASSES`].
    pub(super) fn class(&self) -> usize {
        match self {
            Act::Call { .. } => 0,
            Act::Effect(_) => 1,
            Act::Disk(_, Disk::Good) => 2,
            Act::Disk(..) => 3,
            Act::Return(_) => 4,
            Act::Claim(_) => 5,
            Act::Begin(_) => 6,
            Act::Enter(_) => 7,
            Act::Leave(..) => 8,
            Act::Block { .. } => 9,
            Act::Settle(_) => 10,
            Act::Exit(..) => 11,
            Act::Turn(_) => 12,
            Act::Arrive(_) => 13,
            Act::Fail(_) => 14,
            Act::RetryDelayOver(_) => 15,
            Act::Expire(_) => 16,
        }
    }
}

/// How disk work goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Disk {
    /// Well.
    Good,
    /// The first rename fails.
    Fails,
}

/// What a step shows to an observer outside, as the rules see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Note {
    Call { who: Who, on: u8, ask: u8 },
    Return { who: Who, on: u8, ask: u8, answer: Answer },
    Enter { job: u8, delivery: Delivery },
    Leave { job: u8, delivery: Delivery, outcome: Outcome },
    Env { job: u8, step: EnvStep, file: Option<FileId> },
    State { job: u8, from: Option<JobState>, to: JobState, by: Cause },
}

impl Note {
    /// The job it is about.
    pub(super) fn job(&self) -> u8 {
        match *self {
            Note::Call { on, .. } | Note::Return { on, .. } => on,
            Note::Enter { job, .. }
            | Note::Leave { job, .. }
            | Note::Env { job, .. }
            | Note::State { job, .. } => job,
        }
    }

    /// The note as an observer of this job alone sees it: the job has no number, another job's callback is number 1, and how far
    /// a delivery has come is not seen.
    pub(super) fn alone(self) -> Note {
        let at = |on: u8, who: Who| match who {
            Who::Callback(job) => Who::Callback(u8::from(job != on)),
            client @ Who::Client(_) => client,
        };
        match self {
            Note::Call { who, on, ask } => Note::Call { who: at(on, who), on: 0, ask },
            Note::Return { who, on, ask, answer } => Note::Return { who: at(on, who), on: 0, ask, answer },
            Note::Enter { delivery, .. } => Note::Enter { job: 0, delivery: delivery.seen() },
            Note::Leave { delivery, outcome, .. } => {
                Note::Leave { job: 0, delivery: delivery.seen(), outcome }
            }
            Note::Env { step, file, .. } => Note::Env { job: 0, step, file },
            Note::State { job, from, to, by } => {
                let by = if let Cause::Call(who) = by { Cause::Call(at(job, who)) } else { by };
                Note::State { job: 0, from, to, by }
            }
        }
    }
}

/// What changed a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Cause {
    Call(Who),
    Env(EnvStep),
}
