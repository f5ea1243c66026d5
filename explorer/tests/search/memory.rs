//! A bound of memory: an unchanged result, and what does not fit on the disk.

use std::path::Path;
use std::time::Duration;

use explorer::checkpoint::{Checkpoints, Subject};
use explorer::reference::counters::Counters;
use explorer::reference::two_phase::{Fault, TwoPhase};
use explorer::{Exact, Explorer, Form, Limits, Memory, Report, Retraced, Stop, Verdict};

fn essence<K: std::fmt::Debug>(report: &Report<TwoPhase, K>) -> String {
    let levels: Vec<_> =
        report.levels.iter().map(|level| (level.frontier, level.states, level.edges)).collect();
    let Some(Verdict::Violated(Some(path))) = report.verdict("consistent") else { panic!("{report:?}") };
    format!("{levels:?} {path:?} {} {}", report.edges, report.deadlocks.states)
}

fn explorer<F: Form<TwoPhase>>(workers: usize) -> Explorer<TwoPhase, F> {
    Explorer::new(TwoPhase::broken(6, Fault::AbortsAfterPreparing)).workers(workers)
}

fn little(directory: &Path) -> Memory {
    Memory { bytes: 40_000, directory: directory.to_owned() }
}

#[test]
fn what_is_on_disk_changes_no_result() {
    spills::<Exact>();
    spills::<Retraced<u64>>();
}

fn spills<F: Form<TwoPhase>>() {
    let directory = tempfile::tempdir().expect("a directory");
    let whole = explorer::<F>(1).explore().expect("an exploration");
    for workers in 1..=3 {
        let bounded = explorer::<F>(workers).memory(little(directory.path()));
        let bounded = bounded.explore().expect("an exploration");
        assert_eq!(essence(&bounded), essence(&whole), "{workers} workers");
        assert!(bounded.bytes_on_disk > 100_000, "nothing was put on the disk: {}", bounded.bytes_on_disk);
    }
    assert_eq!(whole.bytes_on_disk, 0);
    let left = directory.path().read_dir().expect("a directory").count();
    assert_eq!(left, 0, "files stayed behind");
}

#[test]
fn a_bounded_run_is_resumed_with_another_bound() {
    let subject = Subject { model: "two-phase commit".to_owned(), scope: "6 managers".to_owned() };
    let directory = tempfile::tempdir().expect("a directory");
    let whole = essence(&explorer::<Retraced<u64>>(1).explore().expect("an exploration"));
    for (bytes, more) in [(40_000, 20_000), (20_000, 1 << 30), (1 << 30, 30_000)] {
        let saved = tempfile::tempdir().expect("a directory");
        let checkpoints =
            || Checkpoints { every: Duration::ZERO, ..Checkpoints::new(saved.path(), subject.clone()) };
        let memory = |bytes| Memory { bytes, directory: directory.path().to_owned() };
        let first = explorer::<Retraced<u64>>(2).memory(memory(bytes)).checkpoints(checkpoints());
        let first = first.limits(Limits { depth: Some(14), ..Limits::default() });
        assert_eq!(first.explore().expect("an exploration").stop, Some(Stop::Depth));
        let second = explorer::<Retraced<u64>>(1).memory(memory(more));
        let second = second.resume(saved.path(), &subject).expect("a checkpoint").checkpoints(checkpoints());
        assert_eq!(essence(&second.explore().expect("an exploration")), whole, "{bytes}, then {more} bytes");
    }
}

#[test]
fn the_bound_is_kept_but_for_a_level() {
    let directory = tempfile::tempdir().expect("a directory");
    let counters = || Explorer::exact(Counters { count: 5, modulus: 10 });
    let free = counters().explore().expect("an exploration");
    let memory = Memory { bytes: free.bytes / 4, directory: directory.path().to_owned() };
    let bounded = counters().memory(memory.clone()).explore().expect("an exploration");
    assert_eq!((bounded.states, bounded.edges), (100_000, 500_000));
    assert!(bounded.bytes <= memory.bytes, "{} of {} bytes", bounded.bytes, memory.bytes);
}

#[test]
fn a_disk_that_cannot_be_used_is_an_error() {
    let nowhere = Path::new("/nonexistent/directory");
    let error = explorer::<Exact>(2).memory(little(nowhere)).explore().expect_err("no directory");
    assert!(matches!(error, explorer::Error::Disk(_)), "{error}");
}
