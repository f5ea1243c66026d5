//! The implementation under test: a background copy service.
//!
//! **What it is.** [`core`] is the job state machine, sans IO. [`service`] runs it on real threads with real callbacks
//! (the barrier of contract section 4), [`transfer`] fetches files over HTTP and HTTPS, [`store`] keeps temporary files.
//!
//! **What it is not.** A judge: it carries no rules and no traces, only the [`contract::Recorder`] seam.

#![forbid(unsafe_code)]

pub mod core;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "service")]
pub mod transfer;
