//! What is asked of the subjects: the engines of the workbench that sample.
//!
//! - [`sample`]: many random programs; [`fuzzing`]: the bodies of the fuzz targets.
//! - [`race`]: schedules of the service, searched; `live`: runs of the service on real threads, one after another.
//! - [`findings`]: what was found, each name once, and explained; [`minimize`]: what broke something made small, named, seen again.
//! - [`difference`]: two accounts of one run that part, as one finding.
//! - [`deadlines`]: whether the core keeps those of the model.
//! - [`edges`]: the edges of the model that inputs reach.
//! - [`translate`]: a recorded run of another subject as a program.
//! - `simulate`: a person plays client, network, disk and clock.
//! - `suite`: generated suites as files, and what becomes of them on a subject.
//! - `kill`: engines against the seeded faults of `contract::defect`.
//! - `mutate`: engines against the mutants of the model, `model::mutants`.
//! - `foreign`: other people's implementations, through an adapter.
//! - `oracle`: what the service owes to its client when a server or a disk is bad, as one table.
//!
//! The subjects are in the crate [`subjects`]. Its modules are exported here, so that the command, the fuzz targets and a regression name one crate.

#![forbid(unsafe_code)]

pub mod deadlines;
pub mod difference;
pub mod edges;
pub mod findings;
#[cfg(feature = "live")]
pub mod foreign;
pub mod fuzzing;
pub mod identity;
#[cfg(feature = "live")]
pub mod kill;
#[cfg(feature = "live")]
pub mod live;
pub mod minimize;
#[cfg(feature = "mutants")]
pub mod mutate;
#[cfg(feature = "live")]
pub mod oracle;
pub mod pins;
pub mod race;
pub mod sample;
#[cfg(feature = "live")]
pub mod simulate;
pub mod stop;
#[cfg(feature = "live")]
pub mod suite;
pub mod translate;

#[cfg(feature = "live")]
pub use subjects::server;
pub use subjects::{NAMESPACE, canary, program, random, run, tape};
