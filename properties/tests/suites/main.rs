//! Suites: generated, committed, recorded, and what becomes of them on a subject.
//!
//! One binary: each more is linked with everything once more.
#![cfg(feature = "live")]

mod committed;
mod generated;
mod live;
mod race;
mod recorded;
