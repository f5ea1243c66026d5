//! A service that blocks its clients for good is found out: the run ends, and reports who waits where.
//!
//! The service is one whose Cancel always waits for the callback, also from inside that very callback. The command calls that a
//! violation of R16; its monitor may not, because callbacks of other jobs go on, and then nothing follows from what is open.

use std::time::Duration;

use contract::Dialect;
use contract::defect::Design;
use properties::live::{LiveConfig, run};

#[test]
fn a_run_that_hangs_ends_and_says_where_every_thread_stands() {
    let directory = tempfile::tempdir().expect("there is room for files");
    let (budget, grace) = (Duration::from_secs(2), Duration::from_secs(1));
    let design = Design::GateAndWait;
    let config =
        LiveConfig { design, budget, grace, ..LiveConfig::new(Dialect::Bits.profile(), directory.path()) };
    let report = run(&config, &|_| {}).expect("the machine has threads and a port");
    let hang = report.hang.as_deref().expect("callbacks cancel their own jobs in every run");
    assert!(hang.contains("is open inside d"), "{hang}");
    assert!(hang.contains("where every thread was seen last:\nDispatcher"), "{hang}");
}
