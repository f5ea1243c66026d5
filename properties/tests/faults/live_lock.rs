//! A service whose lock is never free again takes no run with it. Needs the feature `faults`.
//!
//! One such service hung a night for ever: a handle that goes takes the lock, and the run dropped its handles at the end.

use std::time::{Duration, Instant};

use contract::Dialect;
use contract::defect::Fault;
use properties::live::{LiveConfig, run};
use properties::oracle::{self, OracleConfig, Stop};

#[test]
fn a_run_on_a_service_that_keeps_its_lock_ends_and_says_what_is_open() {
    let directory = tempfile::tempdir().expect("there is room for files");
    let (budget, grace) = (Duration::from_secs(2), Duration::from_secs(1));
    let fault = Some(Fault::LockKept);
    let profile = Dialect::Bits.profile();
    let config = LiveConfig { fault, budget, grace, ..LiveConfig::new(profile, directory.path()) };
    let began = Instant::now();
    let report = run(&config, &|_| {}).expect("the machine has threads and a port");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let hang = report.hang.as_deref().expect("a job is cancelled in every run");
    assert!(hang.contains("Cancel on j"), "{hang}");
}

#[test]
fn a_row_that_hangs_is_a_finding_and_the_last_row() {
    let directory = tempfile::tempdir().expect("there is room for files");
    let config = OracleConfig {
        profile: *Dialect::Bits.profile(),
        fault: Some(Fault::LockKept),
        budget: Duration::from_secs(60),
        threads: 1,
        stop: Stop::Never,
        only: None,
        enough: None,
        directory: directory.path(),
    };
    let report = oracle::run(&config).expect("the machine has a port");
    assert!(report.hung > 0 && report.rows < report.of, "{} of {}", report.rows, report.of);
    assert!(report.wrong.iter().any(|wrong| wrong.what == "the end of the row"), "{:?}", report.wrong);
}
