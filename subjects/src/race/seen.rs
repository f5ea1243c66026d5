//! What a race sees that stands in no event of its trace.

use contract::{FileId, JobId};
use judge::Rule;

use super::locks::Circle;

/// See the module's documentation. Each breaks a rule, although no monitor reports it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Seen {
    /// The service takes its locks in an order that goes round.
    LockOrder(Circle),
    /// Two fetches of one file run at one time, and write over each other.
    TwoFetches {
        /// The job.
        job: JobId,
        /// Its file.
        file: FileId,
    },
    /// A transfer of a job gets the reply to go on after the job has ended and the call that ended it is back.
    WorksOn {
        /// The job.
        job: JobId,
    },
    /// The service keeps a thread that has ended.
    HandleKept,
    /// The service panics outside of its clients' code.
    Died {
        /// The message of the panic.
        why: String,
    },
}

impl Seen {
    /// The rule that it breaks.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self {
            Seen::LockOrder(_) => Rule::R16,
            Seen::TwoFetches { .. } | Seen::WorksOn { .. } => Rule::R15,
            Seen::HandleKept | Seen::Died { .. } => Rule::R18,
        }
    }

    /// Its name, as part of the name of a failure.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Seen::LockOrder(_) => "lock-order",
            Seen::TwoFetches { .. } => "two-fetches",
            Seen::WorksOn { .. } => "works-on",
            Seen::HandleKept => "handle-kept",
            Seen::Died { .. } => "died",
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Seen::LockOrder(circle) => circle.fmt(f),
            Seen::TwoFetches { job, file } => {
                write!(f, "two fetches of file {file} of job {job} run at one time")
            }
            Seen::WorksOn { job } => {
                write!(
                    f,
                    "a transfer of job {job} is told to go on after the call that ended the job is back"
                )
            }
            Seen::HandleKept => f.write_str("the service keeps the handle of a thread that has ended"),
            Seen::Died { why } => write!(f, "the service panics: {why}"),
        }
    }
}
