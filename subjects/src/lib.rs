//! What is under test: the subjects of the workbench, and what stands around them.
//!
//! - [`program`]: what happens in a run, from bytes or a seed; [`tape`]: its stimuli as text; [`random`]: the numbers of a seed.
//! - [`run`]: a program on a stepped core in lockstep with the specification, judged by the rules. [`canary`]: a core that is broken on purpose.
//! - [`race`]: the engine's service under schedules of our choice, with a simulated network and disk.
//! - `live`: the engine's service on real threads over real HTTP, and `server`, which misbehaves for it; `outcomes`: how its transfers end then.
//! - [`simulated`]: the service on real threads, with a network and a disk that follow the test's orders.
//!
//! **What it is not.** A search. What looks for failures, makes them small, compares and reports is in `properties`, which is a user of this crate.
//!
//! **The law it keeps.** A run is a function of what it is given: a program, a race and its choices, a seed. Only `live` depends on
//! the machine besides.
//!
//! A failure prints as a Rust test ([`program::Program::to_rust`], [`race::Race::to_rust`]). Such tests are for `properties/regressions`, and so they name
//! this crate's items by the paths by which `properties` exports them.

#![forbid(unsafe_code)]

pub mod canary;
#[cfg(feature = "live")]
pub mod live;
pub mod object;
#[cfg(feature = "live")]
pub mod outcomes;
pub mod program;
pub mod race;
pub mod random;
pub mod run;
#[cfg(feature = "live")]
pub mod server;
pub mod simulated;
pub mod tape;
#[cfg(feature = "live")]
pub mod wrong;

/// What the ids of jobs have in common in every service that is run here: a service would choose it at random, and runs have to repeat.
pub const NAMESPACE: u64 = 0x6267_6368_6563_6B00;
