//! The engines: each runs one crate's exploration or sampling and returns what it found as an [`reports::EngineResult`].

pub(crate) mod adapter;
pub(crate) mod bench;
mod builds;
pub(crate) mod canary;
pub(crate) mod check;
pub(crate) mod complete;
pub(crate) mod conform;
pub(crate) mod doctor;
pub(crate) mod explored;
pub(crate) mod fuzz;
pub(crate) mod history;
pub(crate) mod kill;
pub(crate) mod known;
pub(crate) mod known_traces;
pub(crate) mod last_night;
mod lines;
pub(crate) mod live;
pub(crate) mod liveness;
#[cfg(feature = "mutants")]
mod looker;
pub(crate) mod minimal;
pub(crate) mod mutants;
pub(crate) mod mutate;
pub(crate) mod protocol;
pub(crate) mod race;
pub(crate) mod registry;
pub(crate) mod regression;
pub(crate) mod replay;
pub(crate) mod sample;
pub(crate) mod search;
pub(crate) mod shown;
pub(crate) mod simulate;
pub(crate) mod tables;
pub(crate) mod tools;
