//! Any bytes are a race and its schedule; on the engine's real service it breaks no rule.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Without libFuzzer, as in a check of this crate, there are no counters.
    #[cfg(fuzzing)]
    {
        let mut counting = fuzz::counters::Counting::new();
        let order = properties::fuzzing::schedule_telling(bytes, &mut |window| counting.window(window));
        fuzz::distinct::count(order);
    }
    #[cfg(not(fuzzing))]
    properties::fuzzing::schedule(bytes);
});
