//! `IBackgroundCopyError`: what went wrong, as it was when the object was made (facts B5).

use contract::call::{ErrorContext, ErrorInfo};
use contract::defect::Fault;
use contract::{Call, FileId, HResult};

use super::objects::{File, Job, text};

/// An error of a job. Code, context and file are a snapshot; sentences come from calls to the engine.
#[derive(Clone, Debug)]
pub struct ErrorObject {
    job: Job,
    info: ErrorInfo,
}

impl ErrorObject {
    pub(super) fn new(job: Job, info: ErrorInfo) -> Self {
        ErrorObject { job, info }
    }

    /// `GetError`: where and what.
    #[must_use]
    pub fn error(&self) -> (ErrorContext, HResult) {
        (self.info.context, self.info.hr)
    }

    /// `GetFile`.
    ///
    /// # Errors
    /// The dialect's code for an error that is not about a file.
    pub fn file(&self) -> Result<File, HResult> {
        let unavailable = self.job.engine().config().profile.file_not_available;
        let first = self.job.engine().config().seeded.is(Fault::FirstFileBlamed).then_some(FileId(0));
        let file = self.info.file.map(|file| first.unwrap_or(file));
        file.map(|file| File::new(self.job.clone(), file)).ok_or(unavailable)
    }

    /// `GetErrorDescription`. Language 0 is the neutral one.
    ///
    /// # Errors
    /// The job has no error any more, or there are no texts in this language or dialect.
    pub fn error_description(&self, language: u32) -> Result<String, HResult> {
        text(self.job.call(&Call::ErrorGetErrorDescription { language }))
    }

    /// `GetErrorContextDescription`. Language 0 is the neutral one.
    ///
    /// # Errors
    /// As [`ErrorObject::error_description`].
    pub fn error_context_description(&self, language: u32) -> Result<String, HResult> {
        text(self.job.call(&Call::ErrorGetErrorContextDescription { language }))
    }

    /// `GetProtocol`.
    ///
    /// # Errors
    /// As [`ErrorObject::error_description`], or the error is not about a protocol.
    pub fn protocol(&self) -> Result<String, HResult> {
        text(self.job.call(&Call::ErrorGetProtocol))
    }
}
