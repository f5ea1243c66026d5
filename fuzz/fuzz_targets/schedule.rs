//! Any bytes are a race and its schedule; on the engine's real service it breaks no rule.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::fuzzing::schedule(bytes));
