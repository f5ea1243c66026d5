//! Schedules that differ in more than the order of independent steps, counted among the runs of this process.
//!
//! **What it is.** Whenever the number of runs is a power of two, a line on the standard error: `DISTINCT: 8123 of 8192 runs`. `bgcheck` reads it.

use std::sync::{LazyLock, Mutex, PoisonError};

use properties::fuzzing::{Distinct, Order};

static DISTINCT: LazyLock<Mutex<Distinct>> = LazyLock::new(Mutex::default);

/// Fewer runs mean little.
const LEAST: u64 = 1 << 10;

/// One more run.
pub fn count(order: Order) {
    let mut distinct = DISTINCT.lock().unwrap_or_else(PoisonError::into_inner);
    let before = distinct.runs();
    distinct.count(order);
    let runs = distinct.runs();
    if runs > before && runs >= LEAST && runs.is_power_of_two() {
        eprintln!("DISTINCT: {} of {runs} runs", distinct.distinct());
    }
}
