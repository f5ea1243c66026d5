//! Tests that `bgcheck minimize --emit-test` wrote, named after their failures, and one that `bgcheck simulate` printed.

mod r1_20902fa0_canary;
mod r1_20902fa0_recheck;
mod simulated_masked_end;
