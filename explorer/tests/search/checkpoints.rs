//! Checkpoints: an unchanged result after an interruption, refusals, and a disk that is full.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use explorer::checkpoint::{Checkpoints, Durable, Subject};
use explorer::reference::two_phase::{Fault, TwoPhase};
use explorer::{Error, Exact, Explorer, Form, Hashed, Level, Limits, Report, Retraced, Stop, Verdict};

/// Where the process that dies writes its checkpoints.
const DIRECTORY: &str = "BGCHECK_TEST_CHECKPOINTS";

fn subject() -> Subject {
    Subject { model: "two-phase commit".to_owned(), scope: "5 managers".to_owned() }
}

fn explorer() -> Explorer<TwoPhase, Exact> {
    explorer_of()
}

fn explorer_of<F: Form<TwoPhase>>() -> Explorer<TwoPhase, F> {
    Explorer::new(TwoPhase::broken(5, Fault::AbortsAfterPreparing))
}

fn at_each_level(directory: &Path) -> Checkpoints {
    Checkpoints { every: Duration::ZERO, ..Checkpoints::new(directory, subject()) }
}

/// What must not depend on an interruption.
fn essence<K: std::fmt::Debug>(report: &Report<TwoPhase, K>) -> String {
    let levels: Vec<_> =
        report.levels.iter().map(|level| (level.frontier, level.states, level.edges)).collect();
    let Some(Verdict::Violated(Some(path))) = report.verdict("consistent") else { panic!("{report:?}") };
    format!("{levels:?} {path:?} {} {}", report.edges, report.deadlocks.states)
}

#[test]
fn a_run_that_was_interrupted_comes_to_the_same_result() {
    interrupts::<Exact>();
}

#[test]
fn and_so_does_one_of_states_that_have_no_packed_form() {
    interrupts::<Retraced<u64>>();
}

fn interrupts<F: Form<TwoPhase>>() {
    let explorer = explorer_of::<F>;
    let whole = essence(&explorer().explore().expect("an exploration"));
    for (before, after) in [(1, 2), (2, 1), (3, 2), (2, 3)] {
        for depth in [1, 5, 11] {
            let directory = tempfile::tempdir().expect("a directory");
            let limits = Limits { depth: Some(depth), ..Limits::default() };
            let first = explorer().workers(before).limits(limits);
            let first = first.checkpoints(at_each_level(directory.path())).explore().expect("an exploration");
            assert_eq!(first.stop, Some(Stop::Depth));
            let second =
                explorer().workers(after).resume(directory.path(), &subject()).expect("a checkpoint");
            let second =
                second.checkpoints(at_each_level(directory.path())).explore().expect("an exploration");
            assert_eq!(essence(&second), whole, "{before} workers, then {after}, from level {depth}");
        }
    }
}

#[test]
fn a_run_that_was_killed_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = std::env::current_exe().expect("this program's path");
    let mut child = Command::new(program);
    child.args(["--ignored", "--exact", "checkpoints::dies_on_the_way"]).env(DIRECTORY, directory.path());
    let output = child.output().expect("a process");
    assert!(!output.status.success(), "it did not die");
    let resumed = explorer().workers(2).resume(directory.path(), &subject()).expect("a checkpoint");
    let resumed = resumed.explore().expect("an exploration");
    assert_eq!(essence(&resumed), essence(&explorer().explore().expect("an exploration")));
}

/// No test: the process that [`a_run_that_was_killed_goes_on`] starts. It ends in the middle of a level, with nothing cleaned up.
#[test]
#[ignore = "a part of another test, which starts it"]
fn dies_on_the_way() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let explorer = explorer().checkpoints(at_each_level(Path::new(&directory)));
    let _unreachable = explorer
        .progress(|level| {
            if level.depth == 9 {
                std::process::abort()
            }
        })
        .explore();
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits { depth: Some(3), ..Limits::default() };
    explorer().limits(limits).checkpoints(at_each_level(directory.path())).explore().expect("an exploration");
    let other_model = Subject { model: "three-phase commit".to_owned(), ..subject() };
    let other_scope = Subject { scope: "6 managers".to_owned(), ..subject() };
    for (other, differs) in [(other_model, "model"), (other_scope, "scope")] {
        let refused = explorer().resume(directory.path(), &other).err();
        assert!(
            matches!(&refused, Some(Error::OtherCheckpoint { what, .. }) if *what == differs),
            "{refused:?}"
        );
    }
    let header = header_of(directory.path());
    let text = fs::read_to_string(&header).expect("a header");
    let version = format!("{:?}", env!("CARGO_PKG_VERSION"));
    fs::write(&header, text.replace(&version, "\"0.0.0\"")).expect("a changed header");
    let refused = explorer().resume(directory.path(), &subject()).err();
    assert!(matches!(&refused, Some(Error::OtherCheckpoint { what: "version", .. })), "{refused:?}");
}

#[test]
fn a_damaged_checkpoint_is_refused_on_any_number_of_workers() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits { depth: Some(6), ..Limits::default() };
    explorer().limits(limits).checkpoints(at_each_level(directory.path())).explore().expect("an exploration");
    let part = header_of(directory.path()).with_file_name("part-0");
    let mut bytes = fs::read(&part).expect("a part");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).expect("a changed part");
    for workers in 1..=3 {
        let resumed = explorer().workers(workers).resume(directory.path(), &subject()).expect("a header");
        assert!(matches!(resumed.explore(), Err(Error::Damaged { .. })));
    }
}

#[test]
fn what_cannot_be_resumed_is_said_before_the_work() {
    let directory = tempfile::tempdir().expect("a directory");
    let none = explorer().resume(directory.path(), &subject()).err();
    assert!(matches!(none, Some(Error::NoCheckpoint(_))), "{none:?}");
    let hashed =
        Explorer::<_, Hashed<u64>>::hashed(TwoPhase::new(3)).checkpoints(at_each_level(directory.path()));
    assert!(matches!(hashed.explore(), Err(Error::NotStorable)));
    let limits = Limits { depth: Some(2), ..Limits::default() };
    explorer().limits(limits).checkpoints(at_each_level(directory.path())).explore().expect("an exploration");
    let again = explorer().checkpoints(at_each_level(directory.path())).explore();
    assert!(matches!(again, Err(Error::Occupied(_))));
}

/// A file on a disk that has room for `left` bytes.
struct Small {
    file: File,
    left: Arc<AtomicUsize>,
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes.len()));
        taken.map_err(|_| io::Error::from(io::ErrorKind::StorageFull))?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Durable for Small {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[test]
fn a_full_disk_costs_checkpoints_and_no_result_and_the_last_one_is_intact() {
    let whole = essence(&explorer().explore().expect("an exploration"));
    for (workers, room) in [(1, 30_000), (2, 30_000), (3, 100_000)] {
        let directory = tempfile::tempdir().expect("a directory");
        let left = Arc::new(AtomicUsize::new(room));
        let create = {
            let left = Arc::clone(&left);
            move |path: &Path| -> io::Result<Box<dyn Durable>> {
                Ok(Box::new(Small { file: File::create(path)?, left: Arc::clone(&left) }))
            }
        };
        let checkpoints = Checkpoints { create: Arc::new(create), ..at_each_level(directory.path()) };
        let report = explorer().workers(workers).checkpoints(checkpoints).explore().expect("a result");
        assert_eq!(report.unkept, Some(Error::DiskFull));
        assert_eq!(essence(&report), whole);
        let resumed = explorer().resume(directory.path(), &subject()).expect("the last checkpoint");
        assert_eq!(essence(&resumed.explore().expect("an exploration")), whole);
    }
}

/// What is stopped from outside ends in the middle of a level, and what it kept is of whole levels.
#[test]
fn enough_ends_an_exploration_and_its_checkpoint_can_be_resumed() {
    static ENOUGH: AtomicBool = AtomicBool::new(false);
    let whole = essence(&explorer().explore().expect("an exploration"));
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits { enough: Some(&ENOUGH), ..Limits::default() };
    let stop = |level: &Level| ENOUGH.store(level.depth >= 4, Ordering::SeqCst);
    let stopped = explorer().limits(limits).progress(stop).checkpoints(at_each_level(directory.path()));
    let stopped = stopped.explore().expect("an exploration");
    assert!(!stopped.is_complete(), "{stopped:?}");
    let resumed = explorer().resume(directory.path(), &subject()).expect("a checkpoint");
    assert_eq!(essence(&resumed.explore().expect("an exploration")), whole);
}

/// The header of the only checkpoint that is kept.
fn header_of(directory: &Path) -> std::path::PathBuf {
    let names = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let levels: Vec<_> = names.filter(|path| path.to_string_lossy().contains("level-")).collect();
    let [level] = &levels[..] else { panic!("not one checkpoint: {levels:?}") };
    level.join("header.json")
}
