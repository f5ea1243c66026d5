//! The adapter protocol, `bgcheck-adapter/1`: how bgcheck uses an implementation that it does not know.
//!
//! **What it is.** [`wire`] has the lines of both sides as types, and their schema. [`Manifest`] is an `adapter.toml`. A [`Session`] starts the
//! adapter's process, sends it commands, and makes a trace of what it reports. [`serve`] is the other side, for adapters in Rust.
//!
//! **What it is not.** A judge, or a source of stimuli: it contains no rule and no suite.
//!
//! **The laws it keeps.**
//! 1. The order of events is that of the adapter's counter `q`, and not that of the lines.
//! 2. A command that is not answered in time is open, and the process is ended. It is never taken for an answer.
//! 3. What the adapter does wrong is a [`Fault`], with the line and the reason. It is never an event of the subject.
//!
//! `docs/adapter-protocol.md` describes the protocol.

#![forbid(unsafe_code)]

mod manifest;
mod process;
pub mod serve;
mod session;
pub mod wire;

pub use manifest::{Manifest, ManifestError, SuspendAtEnd};
pub use process::{Fault, on_start};
pub use session::{Answered, Calling, Heard, Limits, Session, Surroundings, order_for};
