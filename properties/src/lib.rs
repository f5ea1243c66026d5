//! Subjects, and what is asked of them: the engines of the workbench that sample.
//!
//! - [`program`]: what happens in a run, from bytes or a seed; [`tape`]: the same as text.
//! - [`run`]: a program on a core in lockstep with the specification, judged by the rules.
//! - [`sample`]: many random programs; [`fuzzing`]: the bodies of the fuzz targets.
//! - [`minimize`]: what broke something made small, named, seen again, and explained.
//! - [`difference`]: two accounts of one run that part, as one finding.
//! - [`deadlines`]: whether the core keeps those of the model.
//! - [`edges`]: the edges of the model that inputs reach.
//! - [`canary`]: a subject that is broken on purpose.
//! - [`translate`]: a recorded run of another subject as a program.
//! - `simulate`: a person plays client, network, disk and clock.
//! - `suite`: generated suites as files, and what becomes of them on a subject.
//! - `kill`: engines against the seeded faults of `contract::fault`.
//! - `mutate`: engines against the mutants of the model, `model::mutants`.
//! - `foreign`: other people's implementations, through an adapter.
//! - `race`: the engine's service under schedules of our choice.
//! - `live`: the engine on real threads over real HTTP, and `server`, which misbehaves for it.
//! - `oracle`: what the service owes to its client when a server or a disk is bad, as one table.

#![forbid(unsafe_code)]

pub mod canary;
pub mod deadlines;
pub mod difference;
pub mod edges;
#[cfg(feature = "live")]
pub mod foreign;
pub mod fuzzing;
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
pub mod program;
pub mod race;
#[cfg(feature = "live")]
mod random;
pub mod run;
pub mod sample;
#[cfg(feature = "live")]
pub mod server;
#[cfg(feature = "live")]
pub mod simulate;
pub mod stop;
#[cfg(feature = "live")]
pub mod suite;
pub mod tape;
pub mod translate;

/// What the ids of jobs have in common in every service that is run here: a service would choose it at random, and runs have to repeat.
pub const NAMESPACE: u64 = 0x6267_6368_6563_6B00;
