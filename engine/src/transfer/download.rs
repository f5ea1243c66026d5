//! What is requested and how it ended.

use std::path::Path;

use super::Progress;
use super::attempt::{Attempt, Halt};
use super::client::Client;
use super::validator::Validator;

/// What to download.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The URL.
    pub remote: &'a str,
    /// The name of the temporary file, as [`crate::store::Temporary::path`] gives it.
    pub temporary: &'a Path,
    /// Bytes that are in the temporary file already.
    pub from: u64,
    /// The version of the file those bytes are of. Without it they are fetched again.
    pub validator: Option<Validator>,
}

/// How a download ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Ended {
    /// Whether the file is whole.
    pub outcome: Outcome,
    /// The version of the file whose bytes are in the temporary file now.
    pub validator: Option<Validator>,
}

/// Whether the file is whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// It is, and was reported so.
    Done,
    /// A reply stopped it, and nothing was reported after that reply.
    Stopped,
    /// It is not; the failure was the last report.
    Failed,
}

/// Downloads one file, or the rest of it. Comes back when the file is whole, the download has failed, or a reply stops it.
pub fn download(client: &Client, request: &Request<'_>, progress: &mut dyn Progress) -> Ended {
    let mut attempt = Attempt::new(client, request, progress);
    let result = attempt.run();
    let validator = attempt.into_validator();
    let outcome = match result {
        Ok(()) => Outcome::Done,
        Err(Halt::Stopped) => Outcome::Stopped,
        Err(Halt::Failed(failed)) => {
            // The transfer is over, whatever the reply.
            let _ = progress.report(failed.event());
            Outcome::Failed
        }
    };
    Ended { outcome, validator }
}
