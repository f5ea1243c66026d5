//! The engine owes nothing: every row of the transfer oracle comes out as it has to, in both dialects.
#![cfg(feature = "live")]

use std::time::Duration;

use contract::Dialect;
use properties::oracle::{OracleConfig, Stop, rows, run};

#[test]
fn the_engine_owes_nothing_to_its_clients() {
    for dialect in Dialect::ALL {
        let directory = tempfile::tempdir().expect("there is room for files");
        let config = OracleConfig {
            profile: *dialect.profile(),
            fault: None,
            budget: Duration::from_secs(120),
            threads: 8,
            stop: Stop::Never,
            only: None,
            enough: None,
            directory: directory.path(),
        };
        let report = run(&config).expect("the machine has a port");
        let wrong: Vec<String> = report
            .wrong
            .iter()
            .map(|wrong| {
                format!("{} / {}: found {}, owed {}", wrong.case, wrong.what, wrong.found, wrong.owed)
            })
            .collect();
        println!(
            "{dialect}: {} of {} rows, {} checks, {} once, {:?}",
            report.rows, report.of, report.checks, report.once, report.elapsed
        );
        assert!(wrong.is_empty(), "{dialect}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
        assert_eq!((report.rows, report.of), (rows().len() as u64, rows().len() as u64), "{dialect}");
    }
}
