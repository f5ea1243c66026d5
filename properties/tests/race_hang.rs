//! A service that spins for ever inside a schedule ends the hunt with a finding, which names the threads and their locks. Needs the
//! feature `faults`.

use std::time::{Duration, Instant};

use contract::defect::Fault;
use properties::race::{HuntOptions, hunt};

#[test]
fn a_schedule_that_never_ends_is_a_finding() {
    let started = Instant::now();
    let fault = Some(Fault::WaitsBusily);
    let hunted = hunt(&HuntOptions { fault, ..HuntOptions::new(Duration::from_secs(300), &|_| ()) });
    let hang = hunted.hung.expect("the service spins");
    // Long before the budget is spent: the watch gives a schedule some seconds.
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    let spins = hang.threads.iter().find(|thread| thread.contains("runs")).expect("one thread runs");
    assert!(spins.contains("holds the lock State"), "{spins}");
    assert!(hang.trace.lines.len() > 4, "what happened up to there is written down");
    assert_eq!(hang.trace.check(), Ok(()));
}
