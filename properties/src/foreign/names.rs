//! What the files of one program are called: at the server, and on the disk.

use std::collections::BTreeMap;

use adapter::Session;
use contract::{Call, FileId, FileNames, JobId, Text};

use crate::server::Feed;
use crate::suite::JOBS;

/// Names of the files of one program.
pub(super) struct Names {
    pub(super) program: u64,
    /// Files that were added to each job.
    pub(super) files: BTreeMap<JobId, u32>,
    /// Of each job.
    pub(super) feeds: [Feed; JOBS],
}

impl Names {
    /// The files of a job. A path has no more jobs than there are feeds.
    pub(super) fn feed(&self, job: JobId) -> &Feed {
        &self.feeds[job.index().min(JOBS - 1)]
    }

    pub(super) fn of(&self, job: JobId, file: FileId) -> String {
        format!("p{}-{job}-{file}", self.program)
    }

    /// Notes files that were added.
    pub(super) fn note(&mut self, job: Option<JobId>, call: &Call) {
        let Some(job) = job else { return };
        let added = match call {
            Call::AddFile { .. } => 1,
            Call::AddFileSet { files } => files.len() as u32,
            _ => 0,
        };
        if added > 0 {
            *self.files.entry(job).or_default() += added;
        }
    }

    /// The call with names that are good here. Names that are wrong on purpose stay wrong.
    pub(super) fn here(&self, session: &Session, job: Option<JobId>, call: &Call) -> Call {
        let next = job.and_then(|job| self.files.get(&job).copied()).unwrap_or(0);
        let feed = self.feed(job.unwrap_or(JobId(0)));
        let names = |file: &FileNames, plus: u32| {
            let name = self.of(job.unwrap_or(JobId(0)), FileId(next + plus));
            let local =
                if file.local == GOOD_LOCAL { session.destination(&name).into() } else { file.local.clone() };
            let remote = if file.remote.starts_with(GOOD_REMOTE) {
                feed.url(&name).into()
            } else {
                file.remote.clone()
            };
            FileNames { remote, local }
        };
        let other = |remote: &Text| remote.starts_with(GOOD_REMOTE).then(|| feed.url("other").into());
        renamed(call, names, other)
    }
}

/// The call with other names of files, which are numbered in their order, and with another URL where there is one.
pub(super) fn renamed(
    call: &Call,
    names: impl Fn(&FileNames, u32) -> FileNames,
    url: impl Fn(&Text) -> Option<Text>,
) -> Call {
    match call {
        Call::AddFile { file } => Call::AddFile { file: names(file, 0) },
        Call::AddFileSet { files } => {
            Call::AddFileSet { files: files.iter().zip(0..).map(|(file, plus)| names(file, plus)).collect() }
        }
        Call::FileSetRemoteName { file, remote } => {
            Call::FileSetRemoteName { file: *file, remote: url(remote).unwrap_or_else(|| remote.clone()) }
        }
        other => other.clone(),
    }
}

/// What the paths of the model have for a good destination.
pub(super) const GOOD_LOCAL: &str = "/destination";
/// And for a good URL.
const GOOD_REMOTE: &str = "http://127.0.0.1/";
/// One of these.
pub(super) const GOOD_REMOTE_FILE: &str = "http://127.0.0.1/file";
