//! The pages of `bgcheck explore`: walk through the specification, look at a trace, look at its tables.
//!
//! **What it is.** A [`Site`] turns a [`Request`] into a [`Reply`], and [`serve`] puts it on a socket of this machine. [`export_walk`] and
//! [`export_trace`] write one file that needs no server. The *walk* is a session of [`properties::simulate`], shown: a step, its answer and why,
//! what is due, and what may happen next. The *trace* is judged by [`judge`], event by event. The *graph* is the contract's tables.
//!
//! **What it is not.** A second model, or a second prompt. An address has the statements that the prompt reads, so that a link is a script.
//!
//! **The law it keeps.** A page is a function of its address, of the traces that were loaded, and of nothing else. Each request has an
//! answer: a page that states what is wrong and what to type. Nothing outside of this machine is loaded, and no page needs its script.

#![forbid(unsafe_code)]

mod ask;
mod export;
mod frame;
mod graph;
mod layout;
mod problem;
mod serve;
mod site;
mod steps;
mod store;
mod told;
mod trace;
mod walk;

pub use self::ask::{Ask, CoreChoice, Dialects};
pub use self::export::{
    Export, MOST_BYTES, MOST_EVENTS, MOST_STATES, NotExported, export_trace, export_walk,
};
pub use self::layout::{Arrows, Shown, state_graph, state_picture};
pub use self::problem::Problem;
pub use self::serve::{MOST_BODY, MOST_HEAD, Served, serve};
pub use self::site::{Method, ReadTrace, Reply, Request, Site};
pub use self::steps::check;
pub use self::store::{MOST_LINES, MOST_TRACES};
