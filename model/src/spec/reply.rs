//! What the specification answers: to a call a [`Reply`], to a step it does not allow a [`Refused`].

use contract::core::{Answer, Then, Timer};
use contract::dialect::Profile;
use contract::env::StepKind;
use contract::mutation::{Mutant, other_code};
use contract::{
    ErrorContext, FileId, FileProgress, HResult, JobId, JobState, Method, Millis, NotifyFlags, Out, Priority,
    Progress, ReceiverId,
};

/// The answer to a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub struct Reply {
    /// The HRESULT; it means nothing yet when `then` is not [`Then::Return`].
    pub hr: HResult,
    /// What the call gives back, as far as the model has it.
    pub out: Expected,
    /// What comes before the return: nothing, disk work, or a finalising job. The specification is sequential and never
    /// returns [`Then::Wait`].
    pub then: Then,
}

impl Reply {
    pub(super) const BUSY: Reply = Reply { hr: HResult::S_OK, out: Expected::Unknown, then: Then::Busy };
    pub(super) const DISK: Reply = Reply { hr: HResult::S_OK, out: Expected::Unknown, then: Then::Disk };

    pub(super) const fn of(hr: HResult) -> Reply {
        Reply { hr, out: Expected::Nothing, then: Then::Return }
    }

    pub(super) const fn ok(out: Expected) -> Reply {
        Reply { hr: HResult::S_OK, out, then: Then::Return }
    }

    /// The reply of a mutant whose cell of the method x state table this is; otherwise the unchanged reply.
    pub(super) fn mutated(self, profile: &Profile, method: Method, state: JobState) -> Reply {
        let mutated = self.then == Then::Return && profile.mutation.is(Mutant::Answer(method, state));
        if mutated { Reply { hr: other_code(self.hr), ..self } } else { self }
    }

    /// Whether an implementation that answers so agrees. A wait for a delivery counts as a return, and values that are
    /// not final yet are not compared.
    #[must_use]
    pub fn agrees(&self, answer: &Answer) -> bool {
        match (self.then, answer.then) {
            (Then::Return, Then::Return | Then::Wait(_)) => {
                self.hr == answer.hr && self.out.admits(&answer.out)
            }
            (Then::Disk, Then::Disk | Then::Wait(_)) | (Then::Busy, Then::Busy) => true,
            _ => false,
        }
    }
}

/// What a call gives back, without allocation, and only as far as the model has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Expected {
    /// Nothing.
    Nothing,
    /// Something the model does not know: texts, times, counts beyond its range.
    Unknown,
    /// This job.
    Job(JobId),
    /// These jobs, a bit per job, in the order of their creation.
    Jobs(u32),
    /// `count` files, from the first on, in their order.
    Files {
        /// The first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// This file.
    File(FileId),
    /// This number.
    Count(u32),
    /// This state.
    State(JobState),
    /// These flags.
    Flags(NotifyFlags),
    /// This object, or none.
    Receiver(Option<ReceiverId>),
    /// This priority.
    Priority(Priority),
    /// This length of time.
    Delay(Millis),
    /// This progress of the job.
    Progress(Progress),
    /// This progress of a file.
    FileProgress(FileProgress),
    /// This error, and where it happened if the model has that.
    Error {
        /// The code.
        hr: HResult,
        /// Where, if known.
        context: Option<ErrorContext>,
        /// The file it is about.
        file: Option<FileId>,
    },
    /// Whether a notification program is set.
    CommandLine(Presence),
}

/// Whether something is set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Presence {
    /// It is.
    Set,
    /// It is not.
    Unset,
}

impl Expected {
    /// Whether an implementation may give this back.
    #[must_use]
    pub fn admits(&self, out: &Out) -> bool {
        match (*self, out) {
            (Expected::Unknown, _) | (Expected::Nothing, Out::None) => true,
            (Expected::Job(job), Out::Job(said)) => job == *said,
            (Expected::Jobs(jobs), Out::Jobs(said)) => {
                let ids = (0..u32::BITS).filter(|job| jobs & (1 << job) != 0).map(JobId);
                ids.eq(said.iter().copied())
            }
            (Expected::Files { first, count }, Out::Files(said)) => {
                (first..first.saturating_add(count)).map(FileId).eq(said.iter().copied())
            }
            (Expected::File(file), Out::File(said)) => file == *said,
            (Expected::Count(count), Out::Count(said)) => count == *said,
            (Expected::State(state), Out::State(said)) => state == *said,
            (Expected::Flags(flags), Out::Flags(said)) => flags == *said,
            (Expected::Receiver(receiver), Out::Receiver(said)) => receiver == *said,
            (Expected::Priority(priority), Out::Priority(said)) => priority == *said,
            (Expected::Delay(delay), Out::Delay(said)) => delay == *said,
            (Expected::Progress(progress), Out::Progress(said)) => progress == *said,
            (Expected::FileProgress(progress), Out::FileProgress(said)) => progress == *said,
            (Expected::Error { hr, context, file }, Out::Error(said)) => {
                hr == said.hr && file == said.file && context.is_none_or(|context| context == said.context)
            }
            (Expected::CommandLine(presence), Out::CommandLine(said)) => {
                (presence == Presence::Set) == said.is_some()
            }
            _ => false,
        }
    }
}

/// Why the specification does not allow what an implementation did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such job.
    #[error("there is no such job")]
    UnknownJob,
    /// The step belongs to a job, and none is named.
    #[error("{0} is a step of one job, and none is named")]
    NoJob(StepKind),
    /// The transition table has no such row (R13).
    #[error("{from} has no edge for {step} (R13)")]
    NoEdge {
        /// The state the job is in.
        from: JobState,
        /// The step.
        step: StepKind,
    },
    /// The step is allowed and leads elsewhere (R13).
    #[error("the step leads from {from} to {to}, and the implementation says otherwise (R13)")]
    Elsewhere {
        /// The state the job is in.
        from: JobState,
        /// The state the step leads to.
        to: JobState,
    },
    /// Nothing but its disk work happens to a finalising job (semantics h).
    #[error("the job is finalising")]
    Finalising,
    /// Every transfer slot is taken.
    #[error("no transfer slot is free")]
    NoSlot,
    /// Every slot of callbacks of the user is taken (R9).
    #[error("no slot of callbacks is free (R9)")]
    NoCallbackSlot,
    /// A job of higher priority waits for the slot.
    #[error("a job of higher priority waits")]
    HigherWaits,
    /// No waiting job may take the slot that was taken away (semantics j).
    #[error("no waiting job may take this slot")]
    NobodyWaits,
    /// No retry timer runs (semantics l and m).
    #[error("no retry timer runs")]
    NoTimer,
    /// A delivery of the job has begun (semantics o, contract section 4).
    #[error("a delivery of the job has begun")]
    Begun,
    /// The step is about another file than the current one.
    #[error("the current file is another one")]
    WrongFile,
    /// Bytes went backwards, beyond the total, or beside it (R14).
    #[error("the bytes do not fit what is known of the file (R14)")]
    WrongBytes,
    /// Only whole files are renamed (R15).
    #[error("the file is not whole (R15)")]
    Unfinished,
    /// The event is not pending: the rule's guard holds it back, or nothing caused it (R5).
    #[error("the event is not pending ({0})")]
    NotPending(&'static str),
    /// An earlier event of the job comes first (R7, semantics d).
    #[error("another event of the job comes first (R7)")]
    OutOfOrder,
    /// A callback failed, and its retry time has not come (semantics e).
    #[error("its retry time has not come")]
    Early,
    /// The timer of the step has not run down, or does not run.
    #[error("the {0} has not run down")]
    NotDue(Timer),
    /// The step concerns other jobs: of another user, or in another state.
    #[error("the step does not concern this job")]
    NotConcerned,
    /// The event is for another target (R3, semantics e).
    #[error("another receiver is to be told (R3)")]
    WrongTarget,
    /// The program that was started for this event has not exited (semantics g).
    #[error("a program already tells this event")]
    ProgramRuns,
    /// No such delivery is in flight.
    #[error("no such delivery is in flight")]
    NotInFlight,
}
