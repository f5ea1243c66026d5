//! What may happen around a core, one move at a time.

use contract::core::{DiskOutcome, TransferEvent};
use contract::event::Leave;
use contract::{Call, FileId, HResult, JobId, ThreadId, UserId};

/// One move around the core.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Stimulus {
    /// A client, or a callback that is running, makes a call.
    Call {
        /// Who.
        from: From,
        /// On which job.
        job: Option<JobId>,
        /// What.
        call: Call,
    },
    /// The disk work of a finalising job is done.
    Disk {
        /// The job.
        job: JobId,
        /// How it went.
        result: DiskResult,
    },
    /// The scheduler moves.
    Turn,
    /// The transfer of a job reports.
    Transfer {
        /// The job.
        job: JobId,
        /// What.
        event: TransferEvent,
    },
    /// A dispatcher claims and begins a delivery of the job.
    Begin(JobId),
    /// The begun delivery of the job enters the client's code, or its program's process is created.
    Enter(JobId),
    /// The entered callback of the job leaves.
    Leave {
        /// The job.
        job: JobId,
        /// How.
        leave: Leave,
    },
    /// The oldest running program of the job exits; or the begun one could not be started.
    Exit {
        /// The job.
        job: JobId,
        /// Its exit code.
        code: i32,
    },
    /// Time passes up to the next timer.
    Timeout,
    /// A user logs off.
    Logoff(UserId),
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// Something comes too late, and must change nothing.
    Late(Late),
}

/// What comes when no call and no job waits for it any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Late {
    /// The worker of an older attempt of the job's transfer still reports.
    Report {
        /// The job.
        job: JobId,
        /// What.
        event: TransferEvent,
    },
    /// Disk work of a job is done that no call waits for.
    Disk {
        /// The job.
        job: JobId,
        /// How it went.
        result: DiskResult,
    },
    /// A delivery of the job that has left calls, or its program starts.
    Called,
    /// A delivery that has left leaves again.
    Left(Leave),
    /// The process of a program that has exited is reported as started.
    Started,
}

impl Stimulus {
    /// Whether it makes a job.
    #[must_use]
    pub fn is_create(&self) -> bool {
        matches!(self, Stimulus::Call { call: Call::CreateJob { .. }, .. })
    }

    /// The job that it is about, if it is about one.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Stimulus::Call { job, .. } => *job,
            Stimulus::Disk { job, .. }
            | Stimulus::Transfer { job, .. }
            | Stimulus::Begin(job)
            | Stimulus::Enter(job)
            | Stimulus::Leave { job, .. }
            | Stimulus::Exit { job, .. }
            | Stimulus::Late(Late::Report { job, .. } | Late::Disk { job, .. }) => Some(*job),
            Stimulus::Turn
            | Stimulus::Timeout
            | Stimulus::Logoff(_)
            | Stimulus::NetworkLost
            | Stimulus::NetworkBack
            | Stimulus::Late(Late::Called | Late::Left(_) | Late::Started) => None,
        }
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum From {
    /// A client thread. It calls as the owner of the job, and makes each job as the user that is to own it.
    Client(ThreadId),
    /// The callback of this job that is running.
    Callback(JobId),
    /// A client thread of this user, whichever user owns the job.
    User(UserId),
}

/// How disk work goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DiskResult {
    /// Well.
    Good,
    /// This number of renames succeeds, and the next one fails.
    RenameFails(u32),
    /// No temporary file can be removed.
    LeavesBehind,
}

impl DiskResult {
    /// The outcome for a job that has nothing to do on the disk.
    pub(super) fn told_late(self) -> DiskOutcome {
        match self {
            DiskResult::Good => DiskOutcome::default(),
            DiskResult::RenameFails(at) => {
                DiskOutcome { rename_failed: Some((FileId(at), SHARING_VIOLATION)), ..DiskOutcome::default() }
            }
            DiskResult::LeavesBehind => DiskOutcome { left_behind: 1, ..DiskOutcome::default() },
        }
    }
}

/// What a rename fails with when the destination is open elsewhere: ERROR_SHARING_VIOLATION.
pub(super) const SHARING_VIOLATION: HResult = HResult::from_win32(32);
