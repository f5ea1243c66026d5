//! The formal model of background-copy jobs.
//!
//! - [`spec`]: the sequential job, an account of the semantics that is independent of any implementation.
//! - [`deadlines`]: when time is up.
//! - [`drive`]: a core and all that is around it, one stimulus at a time.
//! - [`lockstep`]: specification and core side by side, judged by the rules.
//! - [`edge`]: what one step of one job was, for coverage; [`edges`]: all that can be, found by exploring, and committed.
//! - [`protocol`]: threads, lock, dispatchers and slots around jobs, under the engine's design and twelve weaker ones.
//! - [`product`]: all that as a stateright model; [`scope`]: what makes it finite; [`explore`]: exploring it, and what that proves.
//! - `mutants`: small changes of the tables, to see which engines notice.
//! - `suite`: test suites from the explored graph, and what they cover.
//! - `keep`: what is kept on disk of an exploration, to go on from.

#![forbid(unsafe_code)]

pub mod deadlines;
pub mod drive;
pub mod edge;
pub mod edges;
pub mod explore;
pub mod keep;
pub mod lockstep;
pub mod mutants;
pub mod product;
pub mod protocol;
pub mod scope;
mod slots;
pub mod spec;
pub mod suite;
