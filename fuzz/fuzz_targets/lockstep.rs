//! Any bytes are a program; on it, specification and core agree and no rule is broken.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::fuzzing::lockstep(bytes));
