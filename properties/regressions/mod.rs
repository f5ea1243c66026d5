//! Tests that `bgcheck minimize --emit-test` wrote, named after their failures.

mod r1_20902fa0_canary;
mod r1_20902fa0_recheck;
