//! Any bytes are a program; on it, specification and core agree and no rule is broken.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Without libFuzzer, as in a check of this crate, there are no counters.
    #[cfg(fuzzing)]
    properties::fuzzing::lockstep_telling(bytes, &mut fuzz::counters::Counting::new());
    #[cfg(not(fuzzing))]
    properties::fuzzing::lockstep(bytes);
});
