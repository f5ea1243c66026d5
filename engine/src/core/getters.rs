//! The API calls that only look (facts B2, B3, B5). They answer in final states too, for a pointer that is held (facts G31).

use std::borrow::Cow;

use contract::call::{Completed, ErrorContext, Fetched, Whose};
use contract::core::Answer;
use contract::{Call, FileId, FileProgress, HResult, JobId, Out, Progress, Times, UserId, fault};

use super::Core;
use super::job::{File, FilePhase, Job};

impl Core {
    pub(super) fn get(&self, id: JobId, call: &Call) -> Answer {
        let Some(job) = self.job(id) else { return Answer::of(self.profile().not_found) };
        match call {
            Call::GetState => Answer::ok(Out::State(job.state)),
            Call::GetId => Answer::ok(Out::Job(id)),
            Call::GetType => Answer::ok(Out::Count(0)),
            Call::GetOwner => Answer::ok(Out::Count(job.owner.0)),
            Call::GetProgress => Answer::ok(Out::Progress(progress(job))),
            Call::GetTimes => Answer::ok(Out::Times(times(job))),
            Call::GetDisplayName => Answer::ok(Out::Text(job.name.clone())),
            Call::GetDescription => Answer::ok(Out::Text(job.description.clone())),
            Call::GetPriority => Answer::ok(Out::Priority(job.priority)),
            Call::GetNotifyFlags => Answer::ok(Out::Flags(job.mask)),
            Call::GetNotifyInterface => Answer::ok(Out::Receiver(job.receiver.map(|receiver| receiver.id))),
            Call::GetNotifyCmdLine => Answer::ok(Out::CommandLine(job.command_line.clone())),
            Call::GetMinimumRetryDelay => Answer::ok(Out::Delay(job.retry_delay)),
            Call::GetNoProgressTimeout => Answer::ok(Out::Delay(job.no_progress_timeout(self.profile()))),
            Call::GetErrorCount => Answer::ok(Out::Count(job.error_count)),
            Call::FileGetRemoteName { file } => of_file(job, *file, |file| Out::Text(file.remote.clone())),
            Call::FileGetLocalName { file } => of_file(job, *file, |file| Out::Text(file.local.clone())),
            Call::FileGetProgress { file } => {
                of_file(job, *file, |file| Out::FileProgress(file_progress(file)))
            }
            // There are no ranges here, and the page answers that with S_FALSE.
            Call::FileGetFileRanges { file } if file.index() < job.files.len() => {
                Answer::of(HResult::S_FALSE)
            }
            Call::FileGetFileRanges { .. } => Answer::of(HResult::E_INVALIDARG),
            Call::EnumFiles => Answer::ok(Out::Files(files(job))),
            Call::EnumFilesNext { skip, celt, fetched } => {
                next(&files(job), *skip, *celt, *fetched, Out::Files)
            }
            Call::EnumFilesSkip { celt } => skip(job.files.len(), *celt),
            Call::EnumFilesReset | Call::EnumFilesClone => Answer::of(HResult::S_OK),
            Call::EnumFilesGetCount => Answer::ok(Out::Count(job.files.len() as u32)),
            _ => self.get_error(job, call),
        }
    }

    /// GetError, and the error object's own methods as if the object had just been fetched.
    fn get_error(&self, job: &Job, call: &Call) -> Answer {
        let Some(error) = job.shown_error() else { return Answer::of(self.profile().no_error_information) };
        match call {
            Call::GetError | Call::ErrorGetError => Answer::ok(Out::Error(error)),
            Call::ErrorGetFile => match error.file {
                Some(file) => Answer::ok(Out::File(file)),
                None => Answer::of(self.profile().file_not_available),
            },
            Call::ErrorGetErrorDescription { language } => describe(*language, error.hr.sentence()),
            Call::ErrorGetErrorContextDescription { language } => {
                describe(*language, place(error.context).to_owned())
            }
            Call::ErrorGetProtocol => match error.file.and_then(|file| job.files.get(file.index())) {
                Some(file) => Answer::ok(Out::Text(scheme(&file.remote).to_owned().into())),
                None => Answer::of(HResult::BG_E_PROTOCOL_NOT_AVAILABLE),
            },
            // `answers::class` sends nothing else here.
            _ => Answer::of(HResult::E_NOTIMPL),
        }
    }

    /// EnumJobs, its enumerator's methods, and GetErrorDescription.
    pub(super) fn enumerate_jobs(&self, user: UserId, call: &Call) -> Answer {
        let own = || -> Vec<JobId> {
            let listed = |job: &Job| !job.state.is_final() || fault!(self, FinalJobListed);
            let own = |job: &Job| job.owner == user || fault!(self, OthersJobListed);
            let live = self.ids().filter(|(_, job)| own(job) && listed(job));
            live.map(|(id, _)| id).collect()
        };
        match call {
            Call::EnumJobs { whose: Whose::All } => Answer::of(HResult::E_ACCESSDENIED),
            Call::EnumJobs { whose: Whose::Mine } => Answer::ok(Out::Jobs(own())),
            Call::EnumJobsNext { skip, celt, fetched } => next(&own(), *skip, *celt, *fetched, Out::Jobs),
            Call::EnumJobsSkip { celt } => skip(own().len(), *celt),
            Call::EnumJobsReset | Call::EnumJobsClone => Answer::of(HResult::S_OK),
            Call::EnumJobsGetCount => Answer::ok(Out::Count(own().len() as u32)),
            Call::GetErrorDescription { hr, language } => describe(*language, hr.sentence()),
            _ => Answer::of(HResult::E_NOTIMPL),
        }
    }
}

fn of_file(job: &Job, file: FileId, get: impl FnOnce(&File) -> Out) -> Answer {
    job.files.get(file.index()).map_or(Answer::of(HResult::E_INVALIDARG), |file| Answer::ok(get(file)))
}

fn files(job: &Job) -> Vec<FileId> {
    (0..job.files.len() as u32).map(FileId).collect()
}

/// `Next` after `Skip`: S_FALSE when there are fewer than wanted; only a single one may go uncounted (facts B5).
fn next<T: Copy>(
    all: &[T],
    skip: u32,
    celt: u32,
    fetched: Fetched,
    out: impl FnOnce(Vec<T>) -> Out,
) -> Answer {
    if fetched == Fetched::Null && celt != 1 {
        return Answer::of(HResult::E_INVALIDARG);
    }
    let some: Vec<T> = all.iter().copied().skip(skip as usize).take(celt as usize).collect();
    let hr = if some.len() == celt as usize { HResult::S_OK } else { HResult::S_FALSE };
    Answer { hr, ..Answer::ok(out(some)) }
}

fn skip(len: usize, celt: u32) -> Answer {
    Answer::of(if celt as usize <= len { HResult::S_OK } else { HResult::S_FALSE })
}

fn progress(job: &Job) -> Progress {
    Progress {
        bytes_total: job.files.iter().map(|file| file.size).sum(),
        bytes_transferred: job.files.iter().map(|file| file.transferred).sum(),
        files_total: job.files.len() as u32,
        files_transferred: job.files.iter().filter(|file| file.phase != FilePhase::Unfinished).count() as u32,
    }
}

fn file_progress(file: &File) -> FileProgress {
    let completed = if file.phase == FilePhase::Renamed { Completed::Yes } else { Completed::No };
    FileProgress { bytes_total: file.size, bytes_transferred: file.transferred, completed }
}

fn times(job: &Job) -> Times {
    Times { creation: job.creation, modification: job.modified, transfer_completion: job.transfer_completion }
}

fn scheme(remote: &str) -> &str {
    remote.split(':').next().unwrap_or_default()
}

/// Where an error happened, as a sentence.
const fn place(context: ErrorContext) -> &'static str {
    match context {
        ErrorContext::None => "There is no error, or nothing is known of its place.",
        ErrorContext::Unknown => "It is not known where the error happened.",
        ErrorContext::GeneralQueueManager => "The error happened in the service's queue.",
        ErrorContext::QueueManagerNotification => "The error happened while the service notified the client.",
        ErrorContext::LocalFile => "The error happened at the local file.",
        ErrorContext::RemoteFile => "The error happened at the remote file.",
        ErrorContext::GeneralTransport => "The error happened in the connection to the server.",
        ErrorContext::RemoteApplication => "The error happened in the server's application.",
    }
}

/// Descriptions exist in English, the neutral language here.
fn describe(language: u32, text: String) -> Answer {
    match language {
        0 | 0x0409 => Answer::ok(Out::Text(Cow::Owned(text))),
        _ => Answer::of(HResult::ERROR_RESOURCE_LANG_NOT_FOUND),
    }
}
