//! What a client implements to receive events.

use contract::{HResult, Interfaces};

use super::errors::ErrorObject;
use super::objects::{File, Job};

/// A client object for SetNotifyInterface (facts C1 to C3).
///
/// Its methods run on threads of the service, at most four at once per user and one at once per job. Every method of the job may be
/// called from inside, Cancel and Complete included; what is not allowed is to wait there for another thread that is itself
/// waiting in Cancel, Complete, SetNotifyInterface or SetNotifyFlags of this job (contract section 4, clause 7).
/// A panic counts as not acknowledged.
///
/// ```
/// use contract::HResult;
/// use engine::service::{Callback, Job};
///
/// struct Finish;
///
/// impl Callback for Finish {
///     fn job_transferred(&self, job: &Job) -> HResult {
///         job.complete().map_or_else(|refused| refused, |_| HResult::S_OK)
///     }
/// }
/// ```
pub trait Callback: Send + Sync + 'static {
    /// Which interfaces the object has. Called once, by each SetNotifyInterface; [`Callback::file_transferred`] is
    /// only called on an object that returns [`Interfaces::CALLBACK2`].
    fn receives(&self) -> Interfaces {
        Interfaces::CALLBACK
    }

    /// All files are here. Delivered again until the answer is S_OK.
    fn job_transferred(&self, job: &Job) -> HResult {
        let _ = job;
        HResult::S_OK
    }

    /// The job entered ERROR. Delivered again until the answer is S_OK.
    fn job_error(&self, job: &Job, error: &ErrorObject) -> HResult {
        let _ = (job, error);
        HResult::S_OK
    }

    /// Something about the job changed. Delivered once, whatever the answer.
    fn job_modification(&self, job: &Job) -> HResult {
        let _ = job;
        HResult::S_OK
    }

    /// One file is done. Delivered again until the answer is one that the dialect takes for an acknowledgement.
    fn file_transferred(&self, job: &Job, file: &File) -> HResult {
        let _ = (job, file);
        HResult::S_OK
    }
}
