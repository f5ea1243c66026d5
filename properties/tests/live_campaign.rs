//! A campaign goes on with the next seed until its budget is spent, and does only what it is asked for.
#![cfg(feature = "live")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use contract::Dialect;
use properties::live::{Campaign, Campaigned, LiveConfig, campaign};
use properties::oracle::{Stop, rows};

fn asked(directory: &Path) -> Campaign<'_> {
    Campaign {
        first: LiveConfig { jobs: 12, threads: 4, ..LiveConfig::new(Dialect::Bits.profile(), directory) },
        budget: Duration::from_secs(20),
        runs: None,
        row: None,
        stop: Stop::Never,
        enough: None,
    }
}

fn done(asked: &Campaign<'_>) -> Campaigned {
    let all = campaign(asked, &|_, _| (), &|_| ()).expect("the machine has threads and a port");
    assert!(all.is_good(), "{:?} {:?} {:?} {:?}", all.wrong, all.wrong_files, all.broken.keys(), all.hang);
    all
}

#[test]
fn runs_are_repeated_until_the_budget_is_spent() {
    let directory = tempfile::tempdir().expect("there is room for files");
    let all = done(&asked(directory.path()));
    assert_eq!(all.oracle.of, rows().len() as u64);
    assert!(all.runs > 2, "one run of 12 jobs takes a second: {} runs in {:?}", all.runs, all.running);
    assert_eq!(all.jobs, 12 * u64::from(all.runs));
    let left = std::fs::read_dir(directory.path()).expect("it is there").count();
    assert_eq!(left, 0, "nothing is left of runs in which nothing was wrong");
}

#[test]
fn a_number_of_runs_a_row_and_a_stop_are_obeyed() {
    let directory = tempfile::tempdir().expect("there is room for files");
    let asked = asked(directory.path());
    let two = done(&Campaign { runs: Some(2), ..asked });
    assert_eq!((two.runs, two.oracle.of), (2, 0));
    let row = done(&Campaign { row: Some("only-the-rest"), ..asked });
    assert_eq!((row.runs, row.oracle.rows, row.oracle.of), (0, 1, 1));
    let enough = AtomicBool::new(true);
    let stopped = done(&Campaign { enough: Some(&enough), ..asked });
    assert_eq!((stopped.runs, stopped.oracle.rows), (0, 0));
}
