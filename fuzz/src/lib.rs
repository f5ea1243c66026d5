//! What guides libFuzzer besides the code it covers, and what is counted besides runs.

#![deny(unsafe_code)]

#[cfg(fuzzing)]
#[allow(unsafe_code)]
pub mod counters;

pub mod distinct;
