//! The words of background-copy jobs, shared by the engine, the model and everything that judges them.
//!
//! **What it is.** States, flags, events, calls, HRESULTs and environment steps under their documented names; the two
//! dialects and the one table of everything they disagree on; the transition table and the method x state table as
//! data; the trait [`Core`], through which a checker drives any implementation; the events of a run, and the rules R1 to R19 by number
//! and sentence (what judges them is the crate `judge`). [`sentence`] has the ids of the documents' sentences, which all of these cite.
//!
//! **What it is not.** Behaviour. Nothing here moves a job from one state to another.
//!
//! **The law it keeps.** Only [`dialect`] holds how the dialects differ; every other file reads a [`Profile`].
//!
//! ```
//! use contract::{Dialect, Event, NotifyFlags};
//!
//! let bits = Dialect::Bits.profile();
//! assert!(bits.unmasked(NotifyFlags::DEFAULT, Event::JobError).is_yes());
//! assert!(!bits.unmasked(NotifyFlags::DEFAULT | NotifyFlags::DISABLE, Event::JobError).is_yes());
//! ```

#![forbid(unsafe_code)]

pub mod answers;
pub mod call;
pub mod core;
pub mod defect;
mod described;
pub mod dialect;
pub mod env;
pub mod event;
pub mod hresult;
pub mod ids;
pub mod mutation;
pub mod named;
pub mod names;
pub mod notify;
pub mod rule;
pub mod sentence;
pub mod state;

pub use crate::call::{
    Call, CommandLine, Completed, ErrorContext, ErrorInfo, FileNames, FileProgress, Method, Out, Priority,
    Progress, Text, Times,
};
pub use crate::core::Core;
pub use crate::dialect::{Dialect, Profile};
pub use crate::env::{DiskAct, EnvStep, Found, StepKind};
pub use crate::event::{EventView, Recorder};
pub use crate::hresult::HResult;
pub use crate::ids::{CallId, DeliveryId, FileId, JobId, Millis, Moment, ReceiverId, ThreadId, Time, UserId};
pub use crate::notify::{Event, Interfaces, NotifyFlags, Receiver};
pub use crate::rule::{Rule, RuleSet, UnknownRule};
pub use crate::sentence::Sentence;
pub use crate::state::{Cause, JobState, StateSet};
