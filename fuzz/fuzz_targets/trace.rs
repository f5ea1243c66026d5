//! Any bytes are either no trace, or one that prints and parses to itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::fuzzing::trace(bytes));
