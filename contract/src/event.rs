//! What happens in a run, one observable event at a time, and the seam through which it is recorded.
//!
//! An [`EventView`] is small, `Copy` and borrowed: one value feeds the rules' monitors in the model checker, the
//! fuzzer and the live service, and becomes a line of a trace where one is written (contract section 6).

use crate::call::{Call, Out};
use crate::env::EnvStep;
use crate::hresult::HResult;
use crate::ids::{CallId, DeliveryId, FileId, JobId, ReceiverId, ThreadId, UserId};
use crate::notify::Event;
use crate::state::JobState;

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Caller {
    /// The client thread. A callback's calls carry the thread of the service that runs it.
    pub thread: ThreadId,
    /// On whose behalf.
    pub user: UserId,
    /// The delivery from inside which the call is made, if any.
    pub inside: Option<DeliveryId>,
}

/// What a delivery calls or starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Target {
    /// A registered client object.
    Interface(ReceiverId),
    /// The notification program.
    CommandLine,
}

/// How a delivery ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Leave {
    /// The client's method returned.
    Returned(HResult),
    /// The client's method panicked.
    Panicked,
    /// The notification program exited.
    Exited(i32),
}

/// What changed a job's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum By {
    /// A call.
    Call(CallId),
    /// An environment step.
    Env(EnvStep),
}

/// What the client's code was really given, as it saw it itself: recorded directly after `enter`.
///
/// None where the client did not look.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Given {
    /// The object whose method was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<ReceiverId>,
    /// The job it was handed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The file it was handed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
    /// The code of the error object it was handed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<HResult>,
}

/// One event of a run (contract sections 2 and 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventView<'a> {
    /// An API call starts.
    Call {
        /// The call.
        id: CallId,
        /// Who calls.
        caller: Caller,
        /// The job it is made on; none for CreateJob, EnumJobs and GetErrorDescription.
        job: Option<JobId>,
        /// Method and arguments.
        call: &'a Call,
    },
    /// An API call is back.
    Return {
        /// The call.
        id: CallId,
        /// The job it was made on; for a successful CreateJob the job it made.
        job: Option<JobId>,
        /// Method and arguments, as at the call.
        call: &'a Call,
        /// The answer.
        hr: HResult,
        /// What it gave back.
        out: &'a Out,
    },
    /// A delivery begins: from here on a call that forbids it waits for it. Recorded inside the engine's lock, by who records
    /// it at all.
    Begin {
        /// The delivery.
        delivery: DeliveryId,
        /// The job it is about.
        job: JobId,
        /// What it reports.
        event: Event,
        /// What it calls or starts.
        target: Target,
        /// The file, for FileTransferred.
        file: Option<FileId>,
    },
    /// An open call waits until a delivery has left. Recorded inside the engine's lock, by who records it at all.
    Wait {
        /// The call.
        id: CallId,
        /// The job it was made on.
        job: JobId,
        /// The delivery it waits for.
        delivery: DeliveryId,
    },
    /// The client's code starts.
    Enter {
        /// The delivery.
        delivery: DeliveryId,
        /// The job it is about.
        job: JobId,
        /// What it reports.
        event: Event,
        /// What it calls or starts.
        target: Target,
        /// The file, for FileTransferred.
        file: Option<FileId>,
    },
    /// What the client's code was given. Recorded by the client directly after `enter`, by who records it at all.
    Given {
        /// The delivery.
        delivery: DeliveryId,
        /// The job it is about.
        job: JobId,
        /// What it reports.
        event: Event,
        /// What it calls or starts.
        target: Target,
        /// The file, for FileTransferred.
        file: Option<FileId>,
        /// What the client got.
        given: Given,
    },
    /// The client's code is done.
    Leave {
        /// The delivery.
        delivery: DeliveryId,
        /// The job it was about.
        job: JobId,
        /// What it reported.
        event: Event,
        /// What it called or started.
        target: Target,
        /// The file, for FileTransferred.
        file: Option<FileId>,
        /// How it ended.
        leave: Leave,
    },
    /// The environment moved.
    Env {
        /// What it did.
        step: EnvStep,
        /// To which job; none when it concerns all.
        job: Option<JobId>,
        /// To which file.
        file: Option<FileId>,
    },
    /// A job changed its state; recorded inside the engine's lock.
    State {
        /// The job.
        job: JobId,
        /// The state left; none for a new job.
        from: Option<JobState>,
        /// The state entered.
        to: JobState,
        /// Why.
        by: By,
    },
}

impl EventView<'_> {
    /// The job the event is about, if it is about one.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        match *self {
            EventView::Call { job, .. } | EventView::Return { job, .. } | EventView::Env { job, .. } => job,
            EventView::Begin { job, .. }
            | EventView::Wait { job, .. }
            | EventView::Enter { job, .. }
            | EventView::Given { job, .. }
            | EventView::Leave { job, .. }
            | EventView::State { job, .. } => Some(job),
        }
    }
}

/// A kind of event that a subject may or may not record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Starts of calls.
    Call,
    /// Ends of calls.
    Return,
    /// Starts of callbacks.
    Enter,
    /// Ends of callbacks.
    Leave,
    /// Environment steps.
    Env,
    /// Changes of a job's state.
    State,
    /// Choices of a schedule or a generator.
    Choose,
    /// Begins of deliveries, before they enter.
    Begin,
    /// Which delivery an open call waits for.
    Wait,
    /// What the client's code was given.
    Given,
    /// Fetches: environment steps as well, of subjects that transfer files themselves.
    Fetch,
}

impl Recorded {
    /// The kinds that every engine of this workbench records. The other kinds sharpen what rules see, and no rule needs them.
    pub const EVENTS: [Recorded; 6] =
        [Recorded::Call, Recorded::Return, Recorded::Enter, Recorded::Leave, Recorded::Env, Recorded::State];
}

/// Where a service records what happens. Given to it at construction; without one nothing is recorded.
///
/// Called from many threads. An implementation numbers events with one atomic counter: a lock of its own would order
/// threads and so hide the races the trace is there to show. `state`, `env`, `begin` and `wait` events arrive while the
/// engine's lock is held, so an implementation neither blocks nor calls the service.
pub trait Recorder: Send + Sync {
    /// Records one event.
    fn record(&self, event: EventView<'_>);
}

/// Records nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Recorder for Silent {
    fn record(&self, _: EventView<'_>) {}
}
