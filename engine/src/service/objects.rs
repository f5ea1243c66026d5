//! The objects clients hold: the manager, jobs and files.
//!
//! Every method makes one call of its name, recorded as such, on behalf of the current thread. A call from inside a
//! callback is recognised by the thread, so a client uses its objects there, too. Where only S_OK means success, a method gives a
//! plain `Result`; where other success codes mean something, the value comes as [`Returned`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use contract::call::{CommandLine, FileNames, FileProgress, Priority, Progress, Times, Whose};
use contract::{
    Call, FileId, HResult, Interfaces, JobId, JobState, Millis, NotifyFlags, Out, Receiver, UserId,
};

use super::callback::Callback;
use super::calls::{Engine, Handles, Request};
use super::enumerators::{EnumFiles, EnumJobs};
use super::errors::ErrorObject;
use super::guid::Guid;
use super::refusal;

/// A success and what came with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Returned<T> {
    /// A code that is not negative: S_OK, S_FALSE, BG_S_PARTIAL_COMPLETE, ...
    pub hr: HResult,
    /// What the call gave back.
    pub value: T,
}

/// `IBackgroundCopyManager`, for one user.
#[derive(Clone)]
pub struct Manager {
    engine: Arc<dyn Engine>,
    user: UserId,
}

/// `IBackgroundCopyJob` and `IBackgroundCopyJob2`. Clones are one object.
#[derive(Clone)]
pub struct Job {
    held: Arc<Held>,
    user: UserId,
}

/// `IBackgroundCopyFile` and its later versions.
#[derive(Clone)]
pub struct File {
    job: Job,
    file: FileId,
}

/// A hold on a job's record; the last one of a final job lets the record go.
struct Held {
    engine: Arc<dyn Engine>,
    job: JobId,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.engine.let_go(self.job);
    }
}

impl Manager {
    pub(super) fn new(engine: Arc<dyn Engine>, user: UserId) -> Self {
        Manager { engine, user }
    }

    /// A new download, SUSPENDED and empty.
    pub fn create_job(&self, name: &str) -> Result<Job, HResult> {
        self.job_from(None, &Call::CreateJob { name: Some(name.to_owned().into()), kind: 0 })
    }

    /// The job with this id, unless it has left the queue.
    pub fn job(&self, id: Guid) -> Result<Job, HResult> {
        self.job_from(Some(self.engine.job_of(id)), &Call::GetJob)
    }

    /// A snapshot of the jobs in the queue.
    pub fn jobs(&self, whose: Whose) -> Result<EnumJobs, HResult> {
        match self.call(None, &Call::EnumJobs { whose }) {
            (hr, Out::Jobs(jobs)) if hr.succeeded() => {
                let held = jobs.into_iter().map(|job| Job::holding(Arc::clone(&self.engine), self.user, job));
                Ok(EnumJobs::new(held.collect(), *self.engine.config()))
            }
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// A sentence about a code. Language 0 is the neutral one.
    pub fn error_description(&self, hr: HResult, language: u32) -> Result<String, HResult> {
        text(self.call(None, &Call::GetErrorDescription { hr, language }))
    }

    fn job_from(&self, job: Option<JobId>, call: &Call) -> Result<Job, HResult> {
        match self.call(job, call) {
            (hr, Out::Job(job)) if hr.succeeded() => {
                Ok(Job::holding(Arc::clone(&self.engine), self.user, job))
            }
            (hr, _) => Err(refusal(hr)),
        }
    }

    fn call(&self, job: Option<JobId>, call: &Call) -> (HResult, Out) {
        let handles = Handles::Made;
        self.engine.call(Request { thread: None, user: self.user, job, call, handles, flaw: None })
    }
}

impl Job {
    /// Wraps a hold that the engine has already counted.
    pub(super) fn holding(engine: Arc<dyn Engine>, user: UserId, job: JobId) -> Self {
        Job { held: Arc::new(Held { engine, job }), user }
    }

    /// The number by which recorders and the core know the job. Not a call.
    #[must_use]
    pub fn number(&self) -> JobId {
        self.held.job
    }

    /// `Suspend`.
    pub fn suspend(&self) -> Result<(), HResult> {
        done(self.call(&Call::Suspend))
    }

    /// `Resume`.
    pub fn resume(&self) -> Result<(), HResult> {
        done(self.call(&Call::Resume))
    }

    /// `Cancel`. When it is back, no callback of the job starts any more.
    pub fn cancel(&self) -> Result<Returned<()>, HResult> {
        returned(self.call(&Call::Cancel))
    }

    /// `Complete`. When it is back with a success, no callback of the job starts any more.
    pub fn complete(&self) -> Result<Returned<()>, HResult> {
        returned(self.call(&Call::Complete))
    }

    /// `AddFile`. A destination that is not UTF-8 is refused as every other bad name is, with E_INVALIDARG.
    pub fn add_file(&self, remote: &str, local: impl AsRef<Path>) -> Result<(), HResult> {
        let (file, flaw) = names(remote, local.as_ref());
        done(self.call_with(&Call::AddFile { file }, flaw))
    }

    /// `AddFileSet`: pairs of remote and local names, all or none.
    pub fn add_file_set(&self, files: &[(&str, impl AsRef<Path>)]) -> Result<(), HResult> {
        let named = files.iter().map(|(remote, local)| names(remote, local.as_ref()));
        let (files, flaws): (Vec<FileNames>, Vec<Flaw>) = named.unzip();
        done(self.call_with(&Call::AddFileSet { files }, flaws.into_iter().flatten().next()))
    }

    /// `EnumFiles`: a snapshot of the files.
    pub fn files(&self) -> Result<EnumFiles, HResult> {
        match self.call(&Call::EnumFiles) {
            (hr, Out::Files(files)) if hr.succeeded() => {
                let files = files.into_iter().map(|file| File::new(self.clone(), file)).collect();
                Ok(EnumFiles::new(files, *self.held.engine.config()))
            }
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetId`.
    pub fn id(&self) -> Result<Guid, HResult> {
        done(self.call(&Call::GetId)).map(|()| self.held.engine.guid(self.held.job))
    }

    /// `GetType`: 0, a download.
    pub fn kind(&self) -> Result<u32, HResult> {
        count(self.call(&Call::GetType))
    }

    /// `GetProgress`.
    pub fn progress(&self) -> Result<Progress, HResult> {
        match self.call(&Call::GetProgress) {
            (hr, Out::Progress(progress)) if hr.succeeded() => Ok(progress),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetTimes`, in the service's time.
    pub fn times(&self) -> Result<Times, HResult> {
        match self.call(&Call::GetTimes) {
            (hr, Out::Times(times)) if hr.succeeded() => Ok(times),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetState`.
    pub fn state(&self) -> Result<JobState, HResult> {
        match self.call(&Call::GetState) {
            (hr, Out::State(state)) if hr.succeeded() => Ok(state),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetError`.
    pub fn error(&self) -> Result<ErrorObject, HResult> {
        match self.call(&Call::GetError) {
            (hr, Out::Error(info)) if hr.succeeded() => Ok(ErrorObject::new(self.clone(), info)),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetOwner`.
    pub fn owner(&self) -> Result<UserId, HResult> {
        count(self.call(&Call::GetOwner)).map(UserId)
    }

    /// `SetDisplayName`.
    pub fn set_display_name(&self, name: &str) -> Result<(), HResult> {
        done(self.call(&Call::SetDisplayName { name: Some(name.to_owned().into()) }))
    }

    /// `GetDisplayName`.
    pub fn display_name(&self) -> Result<String, HResult> {
        text(self.call(&Call::GetDisplayName))
    }

    /// `SetDescription`.
    pub fn set_description(&self, description: &str) -> Result<(), HResult> {
        done(self.call(&Call::SetDescription { description: Some(description.to_owned().into()) }))
    }

    /// `GetDescription`.
    pub fn description(&self) -> Result<String, HResult> {
        text(self.call(&Call::GetDescription))
    }

    /// `SetPriority`.
    pub fn set_priority(&self, priority: Priority) -> Result<(), HResult> {
        done(self.call(&Call::SetPriority { priority: priority as u32 }))
    }

    /// `GetPriority`.
    pub fn priority(&self) -> Result<Priority, HResult> {
        match self.call(&Call::GetPriority) {
            (hr, Out::Priority(priority)) if hr.succeeded() => Ok(priority),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `SetNotifyFlags`. When it is back, no callback for an event it masks starts any more.
    pub fn set_notify_flags(&self, flags: NotifyFlags) -> Result<(), HResult> {
        done(self.call(&Call::SetNotifyFlags { flags: flags.bits() }))
    }

    /// `GetNotifyFlags`.
    pub fn notify_flags(&self) -> Result<NotifyFlags, HResult> {
        match self.call(&Call::GetNotifyFlags) {
            (hr, Out::Flags(flags)) if hr.succeeded() => Ok(flags),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `SetNotifyInterface`; `None` is NULL. When it is back, no callback on the former object starts any more.
    pub fn set_notify_interface(&self, object: Option<Arc<dyn Callback>>) -> Result<(), HResult> {
        let Some(object) = object else {
            return done(self.call(&Call::SetNotifyInterface { receiver: None }));
        };
        let interfaces: Interfaces = object.receives();
        let id = self.held.engine.lend(&object);
        let receiver = Some(Receiver { id, interfaces });
        let answer = self.call(&Call::SetNotifyInterface { receiver });
        self.held.engine.give_back(id);
        done(answer)
    }

    /// `GetNotifyInterface`.
    pub fn notify_interface(&self) -> Result<Option<Arc<dyn Callback>>, HResult> {
        match self.call(&Call::GetNotifyInterface) {
            (hr, Out::Receiver(id)) if hr.succeeded() => Ok(id.and_then(|id| self.held.engine.receiver(id))),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `SetMinimumRetryDelay`.
    pub fn set_minimum_retry_delay(&self, seconds: u32) -> Result<(), HResult> {
        done(self.call(&Call::SetMinimumRetryDelay { seconds }))
    }

    /// `GetMinimumRetryDelay`.
    pub fn minimum_retry_delay(&self) -> Result<Millis, HResult> {
        delay(self.call(&Call::GetMinimumRetryDelay))
    }

    /// `SetNoProgressTimeout`.
    pub fn set_no_progress_timeout(&self, seconds: u32) -> Result<(), HResult> {
        done(self.call(&Call::SetNoProgressTimeout { seconds }))
    }

    /// `GetNoProgressTimeout`.
    pub fn no_progress_timeout(&self) -> Result<Millis, HResult> {
        delay(self.call(&Call::GetNoProgressTimeout))
    }

    /// `GetErrorCount`.
    pub fn error_count(&self) -> Result<u32, HResult> {
        count(self.call(&Call::GetErrorCount))
    }

    /// `SetNotifyCmdLine`. The parameters start with the program's own name; `None` for both removes the program.
    pub fn set_notify_cmd_line(
        &self,
        program: Option<&str>,
        parameters: Option<&str>,
    ) -> Result<(), HResult> {
        let owned = |text: Option<&str>| text.map(|text| text.to_owned().into());
        done(self.call(&Call::SetNotifyCmdLine { program: owned(program), parameters: owned(parameters) }))
    }

    /// `GetNotifyCmdLine`.
    pub fn notify_cmd_line(&self) -> Result<Option<CommandLine>, HResult> {
        match self.call(&Call::GetNotifyCmdLine) {
            (hr, Out::CommandLine(line)) if hr.succeeded() => Ok(line),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `SetProxySettings`: not here.
    pub fn set_proxy_settings(&self) -> Result<(), HResult> {
        done(self.call(&Call::SetProxySettings))
    }

    /// `GetProxySettings`: not here.
    pub fn proxy_settings(&self) -> Result<(), HResult> {
        done(self.call(&Call::GetProxySettings))
    }

    /// `TakeOwnership`: not here.
    pub fn take_ownership(&self) -> Result<(), HResult> {
        done(self.call(&Call::TakeOwnership))
    }

    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.held.engine
    }

    pub(super) fn call(&self, call: &Call) -> (HResult, Out) {
        self.call_with(call, None)
    }

    fn call_with(&self, call: &Call, flaw: Flaw) -> (HResult, Out) {
        let job = Some(self.held.job);
        let handles = Handles::None;
        self.held.engine.call(Request { thread: None, user: self.user, job, call, handles, flaw })
    }
}

impl File {
    pub(super) fn new(job: Job, file: FileId) -> Self {
        File { job, file }
    }

    /// The number by which recorders and the core know the file. Not a call.
    #[must_use]
    pub fn number(&self) -> FileId {
        self.file
    }

    /// `GetRemoteName`.
    pub fn remote_name(&self) -> Result<String, HResult> {
        text(self.job.call(&Call::FileGetRemoteName { file: self.file }))
    }

    /// `GetLocalName`.
    pub fn local_name(&self) -> Result<String, HResult> {
        text(self.job.call(&Call::FileGetLocalName { file: self.file }))
    }

    /// `GetProgress`.
    pub fn progress(&self) -> Result<FileProgress, HResult> {
        match self.job.call(&Call::FileGetProgress { file: self.file }) {
            (hr, Out::FileProgress(progress)) if hr.succeeded() => Ok(progress),
            (hr, _) => Err(refusal(hr)),
        }
    }

    /// `GetFileRanges`: there are none, so S_FALSE.
    pub fn file_ranges(&self) -> Result<Returned<()>, HResult> {
        returned(self.job.call(&Call::FileGetFileRanges { file: self.file }))
    }

    /// `SetRemoteName`.
    pub fn set_remote_name(&self, remote: &str) -> Result<(), HResult> {
        let remote = remote.to_owned().into();
        done(self.job.call(&Call::FileSetRemoteName { file: self.file, remote }))
    }

    /// `SetValidationState`: not here.
    pub fn set_validation_state(&self) -> Result<(), HResult> {
        done(self.job.call(&Call::FileSetValidationState { file: self.file }))
    }

    /// `GetProperty`: not here.
    pub fn property(&self, property: u32) -> Result<(), HResult> {
        done(self.job.call(&Call::FileGetProperty { file: self.file, property }))
    }

    /// `SetProperty`: not here.
    pub fn set_property(&self, property: u32) -> Result<(), HResult> {
        done(self.job.call(&Call::FileSetProperty { file: self.file, property }))
    }
}

impl PartialEq for Job {
    /// Whether they are one job of one service.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.held.engine), Arc::as_ptr(&other.held.engine))
            && self.held.job == other.held.job
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({})", self.user)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.held.job)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {})", self.job.held.job, self.file)
    }
}

/// What is wrong with an argument that could not be handed on unchanged.
type Flaw = Option<&'static str>;

/// A call carries text. For a path that is none there is the empty name: the core refuses it where it refuses other bad names, after
/// it has looked at the job's state (facts G57).
fn names(remote: &str, local: &Path) -> (FileNames, Flaw) {
    let (local, flaw) = match local.to_str() {
        Some(local) => (local.to_owned(), None),
        None => (String::new(), Some(refusal::NOT_UTF8)),
    };
    (FileNames { remote: remote.to_owned().into(), local: local.into() }, flaw)
}

/// The error of an answer that is not the expected success. A success without its value counts as E_UNEXPECTED.
pub(super) fn refusal(hr: HResult) -> HResult {
    if hr.failed() { hr } else { HResult::E_UNEXPECTED }
}

pub(super) fn returned((hr, _): (HResult, Out)) -> Result<Returned<()>, HResult> {
    if hr.succeeded() { Ok(Returned { hr, value: () }) } else { Err(hr) }
}

pub(super) fn done((hr, _): (HResult, Out)) -> Result<(), HResult> {
    if hr.succeeded() { Ok(()) } else { Err(hr) }
}

pub(super) fn text(answer: (HResult, Out)) -> Result<String, HResult> {
    match answer {
        (hr, Out::Text(text)) if hr.succeeded() => Ok(text.into_owned()),
        (hr, _) => Err(refusal(hr)),
    }
}

fn count(answer: (HResult, Out)) -> Result<u32, HResult> {
    match answer {
        (hr, Out::Count(count)) if hr.succeeded() => Ok(count),
        (hr, _) => Err(refusal(hr)),
    }
}

fn delay(answer: (HResult, Out)) -> Result<Millis, HResult> {
    match answer {
        (hr, Out::Delay(delay)) if hr.succeeded() => Ok(delay),
        (hr, _) => Err(refusal(hr)),
    }
}
