//! Environment steps: what the network, the disk and the clock do (contract section 2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::described::described;
use crate::hresult::HResult;
use crate::ids::UserId;

described! {
    /// The kind of an environment step, without its values.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[serde(rename_all = "snake_case")]
    #[repr(u8)]
    pub enum StepKind {
        /// The scheduler gives the job its turn.
        Turn,
        /// The connection stands.
        Connected,
        /// The size of a file became known.
        SizeKnown,
        /// Bytes of a file arrived.
        Bytes,
        /// A file changed at the server and starts again from nothing.
        FileRestarted,
        /// A file is whole.
        FileDone,
        /// A retryable error.
        TransientError,
        /// A fatal error.
        FatalError,
        /// The job's time slice is over, or a job of higher priority needs its slot.
        Preempt,
        /// The owner logs off.
        Logoff,
        /// The network is lost.
        NetworkLost,
        /// The network is back.
        NetworkBack,
        /// The minimum retry delay is over.
        RetryDelayOver,
        /// The no-progress timeout is over.
        NoProgressTimeout,
        /// The job is too old, or idle for too long.
        Expiry,
        /// Complete or Cancel did something to a file on the disk.
        Disk,
        /// An observer outside the engine looked at a destination.
        Observed,
        /// Nothing of the job is pending, running or waiting for a retry.
        Idle,
        /// A policy of the machine holds the job back.
        PolicyHolds,
        /// The policy holds it back no longer.
        PolicyLifts,
        /// An attempt begins to fetch a file.
        FetchBegins,
        /// An attempt has stopped fetching a file.
        FetchEnds,
    }
}

impl StepKind {
    pub(crate) const COUNT: usize = StepKind::FetchEnds as usize + 1;

    /// Every kind, in order.
    pub const ALL: [StepKind; StepKind::COUNT] = [
        StepKind::Turn,
        StepKind::Connected,
        StepKind::SizeKnown,
        StepKind::Bytes,
        StepKind::FileRestarted,
        StepKind::FileDone,
        StepKind::TransientError,
        StepKind::FatalError,
        StepKind::Preempt,
        StepKind::Logoff,
        StepKind::NetworkLost,
        StepKind::NetworkBack,
        StepKind::RetryDelayOver,
        StepKind::NoProgressTimeout,
        StepKind::Expiry,
        StepKind::Disk,
        StepKind::Observed,
        StepKind::Idle,
        StepKind::PolicyHolds,
        StepKind::PolicyLifts,
        StepKind::FetchBegins,
        StepKind::FetchEnds,
    ];
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            StepKind::Turn => "turn",
            StepKind::Connected => "connected",
            StepKind::SizeKnown => "size known",
            StepKind::Bytes => "bytes",
            StepKind::FileRestarted => "file restarted",
            StepKind::FileDone => "file done",
            StepKind::TransientError => "transient error",
            StepKind::FatalError => "fatal error",
            StepKind::Preempt => "preempt",
            StepKind::Logoff => "logoff",
            StepKind::NetworkLost => "network lost",
            StepKind::NetworkBack => "network back",
            StepKind::RetryDelayOver => "retry delay over",
            StepKind::NoProgressTimeout => "no-progress timeout",
            StepKind::Expiry => "expiry",
            StepKind::Disk => "disk",
            StepKind::Observed => "observed",
            StepKind::Idle => "idle",
            StepKind::PolicyHolds => "policy holds",
            StepKind::PolicyLifts => "policy lifts",
            StepKind::FetchBegins => "fetch begins",
            StepKind::FetchEnds => "fetch ends",
        };
        f.pad(name)
    }
}

/// What stands at a path, as abstract as rule R15 needs it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Nothing.
    Absent,
    /// The whole file with the right bytes.
    Whole,
    /// A part of the file, or other bytes.
    Wrong,
    /// A file that the job did not make, untouched.
    Foreign,
}

/// What Complete or Cancel did to one file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiskAct {
    /// The temporary file was renamed to the destination.
    Renamed,
    /// The rename failed; the temporary file is still there.
    RenameFailed,
    /// The temporary file is gone (or never was).
    Removed,
    /// The temporary file could not be removed.
    RemoveFailed,
}

/// An environment step with the values a trace records. Fields are in bytes where they count bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum EnvStep {
    /// See [`StepKind::Turn`].
    Turn,
    /// See [`StepKind::Connected`].
    Connected,
    /// See [`StepKind::SizeKnown`].
    SizeKnown {
        /// The file's size in bytes.
        total: u64,
    },
    /// See [`StepKind::Bytes`].
    Bytes {
        /// Bytes of the file transferred so far.
        transferred: u64,
        /// The file's size in bytes, when it is known.
        total: Option<u64>,
    },
    /// See [`StepKind::FileRestarted`].
    FileRestarted,
    /// See [`StepKind::FileDone`].
    FileDone,
    /// See [`StepKind::TransientError`].
    TransientError {
        /// What failed.
        hr: HResult,
    },
    /// See [`StepKind::FatalError`].
    FatalError {
        /// What failed.
        hr: HResult,
    },
    /// See [`StepKind::Preempt`].
    Preempt,
    /// See [`StepKind::Logoff`].
    Logoff {
        /// Who logs off, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
    },
    /// See [`StepKind::NetworkLost`].
    NetworkLost,
    /// See [`StepKind::NetworkBack`].
    NetworkBack,
    /// See [`StepKind::RetryDelayOver`].
    RetryDelayOver,
    /// See [`StepKind::NoProgressTimeout`].
    NoProgressTimeout,
    /// See [`StepKind::Expiry`].
    Expiry,
    /// See [`StepKind::Disk`].
    Disk {
        /// What was done to the file.
        act: DiskAct,
    },
    /// See [`StepKind::Observed`].
    Observed {
        /// What stands at the file's destination.
        destination: Found,
        /// What stands at its temporary path.
        temporary: Found,
    },
    /// See [`StepKind::Idle`].
    Idle,
    /// See [`StepKind::PolicyHolds`].
    PolicyHolds {
        /// Which policy, as a code.
        hr: HResult,
    },
    /// See [`StepKind::PolicyLifts`].
    PolicyLifts,
    /// See [`StepKind::FetchBegins`].
    FetchBegins {
        /// The number of the attempt within its job.
        attempt: u32,
    },
    /// See [`StepKind::FetchEnds`].
    FetchEnds {
        /// The number of the attempt within its job.
        attempt: u32,
    },
}

impl EnvStep {
    /// The step without its values.
    #[must_use]
    pub const fn kind(self) -> StepKind {
        match self {
            EnvStep::Turn => StepKind::Turn,
            EnvStep::Connected => StepKind::Connected,
            EnvStep::SizeKnown { .. } => StepKind::SizeKnown,
            EnvStep::Bytes { .. } => StepKind::Bytes,
            EnvStep::FileRestarted => StepKind::FileRestarted,
            EnvStep::FileDone => StepKind::FileDone,
            EnvStep::TransientError { .. } => StepKind::TransientError,
            EnvStep::FatalError { .. } => StepKind::FatalError,
            EnvStep::Preempt => StepKind::Preempt,
            EnvStep::Logoff { .. } => StepKind::Logoff,
            EnvStep::NetworkLost => StepKind::NetworkLost,
            EnvStep::NetworkBack => StepKind::NetworkBack,
            EnvStep::RetryDelayOver => StepKind::RetryDelayOver,
            EnvStep::NoProgressTimeout => StepKind::NoProgressTimeout,
            EnvStep::Expiry => StepKind::Expiry,
            EnvStep::Disk { .. } => StepKind::Disk,
            EnvStep::Observed { .. } => StepKind::Observed,
            EnvStep::Idle => StepKind::Idle,
            EnvStep::PolicyHolds { .. } => StepKind::PolicyHolds,
            EnvStep::PolicyLifts => StepKind::PolicyLifts,
            EnvStep::FetchBegins { .. } => StepKind::FetchBegins,
            EnvStep::FetchEnds { .. } => StepKind::FetchEnds,
        }
    }
}

impl fmt::Display for EnvStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvStep::SizeKnown { total } => write!(f, "size known: {total} bytes"),
            EnvStep::Bytes { transferred, total: Some(total) } => {
                write!(f, "bytes: {transferred} of {total}")
            }
            EnvStep::Bytes { transferred, total: None } => {
                write!(f, "bytes: {transferred} of an unknown size")
            }
            EnvStep::TransientError { hr } | EnvStep::FatalError { hr } | EnvStep::PolicyHolds { hr } => {
                write!(f, "{}: {hr}", self.kind())
            }
            EnvStep::Logoff { user: Some(user) } => write!(f, "logoff of {user}"),
            EnvStep::FetchBegins { attempt } | EnvStep::FetchEnds { attempt } => {
                write!(f, "{}: attempt {attempt}", self.kind())
            }
            EnvStep::Disk { act } => write!(f, "disk: {act:?}"),
            EnvStep::Observed { destination, temporary } => {
                write!(f, "observed: destination {destination:?}, temporary {temporary:?}")
            }
            other => write!(f, "{}", other.kind()),
        }
    }
}
