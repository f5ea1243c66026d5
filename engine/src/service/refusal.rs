//! Why an argument was refused: the reason behind an E_INVALIDARG.
//!
//! **What it is.** A call answers with a code alone, as the documents have it. The builder of the service takes a function that
//! receives the reason of each E_INVALIDARG ([`super::Builder::refusals`]).
//!
//! **What it is not.** A check: the core has refused already, and this only looks for what it objected to.

use std::fmt;

use contract::call::FileNames;
use contract::names::{self, Checked};
use contract::{Call, HResult, JobId, Method, UserId};

/// A call that was refused because of an argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Whose call.
    pub user: UserId,
    /// The job it was made on, if it was made on one.
    pub job: Option<JobId>,
    /// What was called.
    pub method: Method,
    /// The answer.
    pub hr: HResult,
    /// What is wrong with the argument, for people.
    pub reason: &'static str,
}

/// Receives refusals, on the thread that called and before the call is back.
pub(super) type Hook = Box<dyn Fn(&Refusal) + Send + Sync>;

/// What stands for a name that is not UTF-8: the empty name, which the core refuses as it refuses every bad name.
pub(super) const NOT_UTF8: &str = "the path is not valid UTF-8";

/// What is wrong with the arguments of a call that was refused for them.
pub(super) fn reason(call: &Call) -> &'static str {
    match call {
        Call::CreateJob { name, .. } | Call::SetDisplayName { name } => match name {
            None => "there is no name",
            Some(_) => "the name is longer than 256 characters",
        },
        Call::SetDescription { .. } => "there is no description",
        Call::AddFile { file } => of_names(std::slice::from_ref(file)),
        Call::AddFileSet { files } => of_names(files),
        Call::FileSetRemoteName { remote, .. } => match names::check_remote(remote) {
            Checked::Bad(why) => why,
            Checked::Good => "the job has no such file",
        },
        Call::FileGetRemoteName { .. }
        | Call::FileGetLocalName { .. }
        | Call::FileGetProgress { .. }
        | Call::FileGetFileRanges { .. } => "the job has no such file",
        Call::SetNotifyCmdLine { .. } => "there are parameters without a program",
        Call::EnumFilesNext { .. } | Call::EnumJobsNext { .. } => {
            "more than one item is wanted, and their number is not"
        }
        _ => "an argument is not valid",
    }
}

fn of_names(files: &[FileNames]) -> &'static str {
    let checks =
        files.iter().flat_map(|file| [names::check_remote(&file.remote), names::check_local(&file.local)]);
    let bad = checks.into_iter().find_map(|checked| match checked {
        Checked::Bad(why) => Some(why),
        Checked::Good => None,
    });
    bad.unwrap_or("a name is not valid")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.method, self.hr, self.reason)
    }
}
