//! Lockstep on a core that is broken on purpose: a night must see libFuzzer crash on it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    #[cfg(fuzzing)]
    properties::fuzzing::canary_telling(bytes, &mut fuzz::counters::Counting::new());
    #[cfg(not(fuzzing))]
    properties::fuzzing::canary(bytes);
});
