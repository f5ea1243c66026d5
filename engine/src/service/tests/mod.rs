//! The service on real threads, with a simulated network and disk: the barrier, deliveries, objects and programs.
//!
//! Each test is a short script. Waits are bounded by `support::PATIENCE`, so that a hang is a failure with a log.

mod barrier;
mod delivery;
mod objects;
#[cfg(unix)]
mod programs;
mod properties;
mod support;
