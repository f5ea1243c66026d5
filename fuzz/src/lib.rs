//! What guides libFuzzer besides the code it covers.

#![deny(unsafe_code)]

#[cfg(fuzzing)]
#[allow(unsafe_code)]
pub mod counters;
