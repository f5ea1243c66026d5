//! One download of one file, over HTTP or HTTPS, blocking and streaming.
//!
//! **What it is.** [`download`] asks a server for a file, or for the rest of it, writes the bytes to the temporary file and
//! reports every step to a [`Progress`], whose reply says whether to go on.
//!
//! **What it is not.** A decision: it retries nothing, renames nothing and knows no job. What a failure means for a job is the
//! core's to say.
//!
//! **The law it keeps.** The bytes in the temporary file are always a beginning of *one* version of the file: the rest is
//! asked for only with evidence of the version that is here ([`Validator`]), and added only when the answer agrees with
//! it. Anything else starts again from nothing, and says so first. Memory does not depend on the file's size.
//!
//! What a hostile server can do is bounded: the size of headers and body, the number of redirects, the wait for each
//! read, and the time without a byte of the file.
//! Redirects keep their scheme. The one end nobody can check is that of a body that has neither a length nor
//! chunks and ends when the connection does: there a cut looks like the end.
//!
//! ```no_run
//! use std::path::Path;
//! use contract::core::{TransferEvent, TransferReply};
//! use engine::transfer::{Client, ClientConfig, Outcome, Progress, Request, download};
//!
//! struct Patient;
//! impl Progress for Patient {
//!     fn report(&mut self, _event: TransferEvent) -> TransferReply {
//!         TransferReply::Continue
//!     }
//! }
//!
//! let client = Client::new(ClientConfig::default());
//! let request =
//!     Request { remote: "http://example.com/", temporary: Path::new("/tmp/it"), from: 0, validator: None };
//! assert_eq!(download(&client, &request, &mut Patient).outcome, Outcome::Done);
//! ```

mod answer;
mod attempt;
mod client;
mod failed;
mod patience;
mod redirect;
mod validator;

use std::path::Path;

use contract::core::{TransferEvent, TransferReply};

pub use self::client::{Client, ClientConfig, Roots};
pub use self::validator::Validator;

use self::attempt::{Attempt, Halt};

/// Whom a transfer tells what it does.
pub trait Progress {
    /// Takes note of an event, and says what to do next.
    fn report(&mut self, event: TransferEvent) -> TransferReply;
}

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
    /// Nobody wants it any more, and nothing was reported after that reply.
    Stopped,
    /// It is not; the failure was the last report.
    Failed,
}

/// Downloads one file, or the rest of it. Comes back when the file is whole, the download has failed, or a reply says stop.
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
