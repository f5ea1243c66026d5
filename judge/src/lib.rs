//! Traces, and the rules that judge them (contract sections 3 and 6).
//!
//! **What it is.** One format in which every engine of the workbench writes down what happened, and one set of rules
//! that decides whether it was allowed to. [`Monitors`] carry the rules of one job and are small enough to live in
//! the states of a model checker; [`Judge`] carries them for a whole run; [`Verdicts`] hold what became of each rule.
//!
//! **What it is not.** A model. A rule sees calls, callbacks, environment steps and state changes as they were
//! recorded, never the inside of an implementation, so one rule judges the model, the engine and a stranger's engine.
//!
//! **The laws it keeps.** `Trace::parse(&trace.print())` gives the trace back. A rule that a run does not carry is not
//! stepped and changes nothing. Where events overlap so that an observer cannot tell which came first, a rule
//! gives the benefit of the doubt: what it reports is wrong in every order that fits the trace.
//!
//! ```
//! use judge::{Monitors, Rule, RuleSet};
//! use contract::{Call, CallId, Dialect, DeliveryId, Event, EventView, HResult, JobId, Out, ReceiverId};
//!
//! let profile = Dialect::Bits.profile();
//! let mut monitors = Monitors::<3>::new(RuleSet::EMPTY.with(Rule::R1));
//! let (id, job) = (CallId(0), Some(JobId(0)));
//! let back = EventView::Return { id, job, call: &Call::Cancel, hr: HResult::S_OK, out: &Out::None };
//! assert!(monitors.step(profile, &back).is_empty());
//! let late = EventView::Enter {
//!     delivery: DeliveryId(0),
//!     job: JobId(0),
//!     event: Event::JobTransferred,
//!     target: contract::event::Target::Interface(ReceiverId(0)),
//!     file: None,
//! };
//! assert!(monitors.step(profile, &late).contains(Rule::R1));
//! ```

#![forbid(unsafe_code)]

mod across;
pub mod cases;
mod facts;
mod failure;
mod fetched;
mod handed;
mod monitor;
mod owed;
mod polled;
mod possible;
mod queue;
mod recorder;
mod registers;
mod rules;
mod small;
mod texts;
mod timeline;
pub mod trace;
mod verdict;
mod watched;

pub use contract::{Rule, RuleSet, UnknownRule};

pub use self::across::CALLBACK_SLOTS;
pub use self::failure::{FailureId, ParseFailureIdError, failure_id, fingerprint, skeleton};
pub use self::monitor::{Kind, Monitors};
pub use self::owed::owed;
pub use self::possible::{Possible, Value};
pub use self::recorder::TraceRecorder;
pub use self::timeline::{TimelineOptions, timeline};
pub use self::trace::{Ended, Header, Line, Reader, Recorded, Trace, TraceError};
pub use self::verdict::{Judge, Verdict, Verdicts, Violation};
