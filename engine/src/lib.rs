//! The implementation under test: a background copy service.
//!
//! **What it is.** [`core`] is the job state machine, sans IO. [`service`] runs it on real threads with real callbacks
//! (the barrier of contract section 4), [`transfer`] fetches files over HTTP and HTTPS, [`store`] keeps temporary files.
//!
//! **What it is not.** A judge: it carries no rules and no traces, only the [`contract::Recorder`] seam.
//!
//! A client needs no other crate: the words of the contract that its calls have are here, too, and the rest is in [`contract`].
//! `examples/` has a download with its progress, a Cancel against a completion, and two users.

#![forbid(unsafe_code)]

pub use contract;
pub use contract::call::{Fetched, Whose};
pub use contract::core::Config;
pub use contract::{
    CommandLine, Completed, Dialect, ErrorContext, ErrorInfo, Event, FileId, FileProgress, HResult,
    Interfaces, JobId, JobState, Millis, NotifyFlags, Priority, Profile, Progress, StateSet, Time, Times,
    UserId,
};

pub mod core;
pub mod service;
pub mod store;
pub mod transfer;
