//! The command as a process: what it prints, writes, waits for and leaves behind.
//!
//! One binary: each more is linked with everything once more. These tests wait more than they work, so they run beside each other.

mod adapters;
mod crew;
mod foreign_faults;
mod foreign_transfers;
mod formats;
mod full_disk;
mod hangs;
mod inputs;
mod json;
mod known_failures;
mod known_traces;
mod locks;
mod long;
mod long_trace;
mod progress;
mod signals;
mod suites;
mod tutorial;

#[path = "../support/mod.rs"]
mod support;
