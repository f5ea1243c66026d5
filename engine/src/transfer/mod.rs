//! One download of one file, over HTTP or HTTPS, blocking and streaming.
//!
//! **What it is.** [`download`] requests a file, or the rest of it, from a server, writes the bytes to the temporary file and
//! reports every step to a [`Progress`], whose reply decides whether to go on.
//!
//! **What it is not.** A decision: it retries nothing, renames nothing and knows no job. What a failure means for a job is
//! decided by the core.
//!
//! **The law it keeps.** The bytes in the temporary file are always a beginning of *one* version of the file: the rest is
//! requested only with evidence of the version that is here ([`Validator`]), and added only when the answer agrees with
//! it. Anything else starts again from nothing, and reports that first. Memory does not depend on the file's size.
//!
//! What a hostile server can do is bounded: the size of headers and body, the number of redirects, the wait for each
//! read, the time without a byte of the file, and the time for the next thousand of them.
//! Redirects keep their scheme. One end cannot be checked: that of a body that has neither a length nor
//! chunks and ends when the connection does. There a cut looks like the end.
//!
//! Without the feature `http` only the trait [`Progress`] is here.
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

#[cfg(feature = "http")]
mod answer;
#[cfg(feature = "http")]
mod attempt;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod download;
#[cfg(feature = "http")]
mod failed;
#[cfg(feature = "http")]
mod patience;
#[cfg(feature = "http")]
mod redirect;
#[cfg(feature = "http")]
mod validator;
#[cfg(feature = "http")]
mod write_back;

use contract::core::{TransferEvent, TransferReply};

#[cfg(feature = "http")]
pub use self::client::{Client, ClientConfig, Roots, Slowest};
#[cfg(feature = "http")]
pub use self::download::{Ended, Outcome, Request, download};
#[cfg(feature = "http")]
pub use self::validator::Validator;

/// What a transfer reports to.
pub trait Progress {
    /// Takes note of an event, and returns what to do next.
    fn report(&mut self, event: TransferEvent) -> TransferReply;
}
