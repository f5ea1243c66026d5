//! Long explorations: interrupted and resumed, in little memory, by several processes, one of which is killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The protocol in a scope of a few slices, as text that is identical every time.
const CHECK: [&str; 7] = ["check", "--model", "protocol", "--rules", "R1,R16", "--no-times", "--quiet"];

fn check(more: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(CHECK).args(more).current_dir(directory).env("NO_COLOR", "1");
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a test may fail here")
}

#[test]
fn what_is_interrupted_bounded_or_shared_comes_to_the_same() {
    let directory = directory();
    let run = |more: &[&str]| check(more, directory.path()).output().expect("the command runs");
    let whole = run(&["--scope", "small"]);
    assert_eq!(whole.status.code(), Some(0), "{}", complaint(&whole));

    // A level is always finished, so a run gets somewhere each time; a fast machine may be done at once.
    let mut last = run(&["--scope", "small", "--checkpoint", "kept", "--budget", "1s"]);
    let mut resumed = 0;
    while last.status.code() == Some(5) && resumed < 100 {
        last = run(&["--scope", "small", "--resume", "kept", "--budget", "1s", "--threads", "1"]);
        resumed += 1;
    }
    assert_eq!((last.status.code(), text(&last)), (Some(0), text(&whole)), "{}", complaint(&last));
    let kept = run(&["--scope", "small", "--resume", "kept"]);
    assert_eq!(text(&kept), text(&whole), "what is kept is not what was found");

    let bounded = run(&["--scope", "small", "--memory", "1M", "--spill-dir", "."]);
    assert_eq!(text(&bounded), text(&whole), "{}", complaint(&bounded));

    let other = run(&["--scope", "tiny", "--resume", "kept"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        complaint(&other).contains("another scope: \"small\", and not \"tiny\""),
        "{}",
        complaint(&other)
    );
    let again = run(&["--scope", "small", "--checkpoint", "kept"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(complaint(&again).contains("has a checkpoint: resume it"), "{}", complaint(&again));
}

#[test]
fn threads_beyond_the_cores_come_to_the_same() {
    let directory = directory();
    let run = |more: &[&str]| check(more, directory.path()).output().expect("the command runs");
    let [usual, many] = [run(&["--scope", "tiny"]), run(&["--scope", "tiny", "--threads", "1024"])];
    assert_eq!(
        (many.status.code(), text(&many)),
        (usual.status.code(), text(&usual)),
        "{}",
        complaint(&many)
    );
}

/// A file with addresses on which no process listens just now.
fn hosts(directory: &Path, processes: usize) {
    let listeners: Vec<_> =
        (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let lines = listeners.iter().map(|listener| format!("{}\n", listener.local_addr().expect("an address")));
    std::fs::write(directory.join("hosts.txt"), lines.collect::<String>()).expect("a test may fail here");
}

fn process(number: &str, more: &[&str], directory: &Path) -> Command {
    let mut command = check(more, directory);
    command.args(["--hosts", "hosts.txt", "--process", number, "--threads", "1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn two_processes_come_to_what_one_comes_to() {
    let directory = directory();
    hosts(directory.path(), 2);
    let alone = check(&["--scope", "tiny"], directory.path()).output().expect("the command runs");
    let spawn =
        |number| process(number, &["--scope", "tiny"], directory.path()).spawn().expect("the command runs");
    for process in [spawn("0"), spawn("1")] {
        let output = process.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), text(&output)), (Some(0), text(&alone)), "{}", complaint(&output));
    }
}

#[test]
fn a_process_whose_peer_is_killed_ends_and_says_how_to_go_on() {
    let directory = directory();
    hosts(directory.path(), 2);
    // The test does not wait until this scope is explored.
    let more = ["--scope", "wide", "--checkpoint", "kept", "--checkpoint-every", "1s"];
    let spawn = |number| process(number, &more, directory.path()).spawn().expect("the command runs");
    let (mut survivor, mut killed) = (spawn("0"), spawn("1"));
    let checkpoint = || {
        let explorations = directory.path().join("kept").read_dir().ok()?.flatten();
        explorations
            .flat_map(|entry| entry.path().read_dir())
            .flatten()
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with("level-"))
    };
    let begun = Instant::now();
    while checkpoint().is_none() {
        let runs = survivor.try_wait().expect("it can be asked").is_none();
        assert!(runs && begun.elapsed() < Duration::from_secs(120), "there is no checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
    killed.kill().expect("it runs");
    let killed_at = Instant::now();
    let output = survivor.wait_with_output().expect("it ends");
    assert!(killed_at.elapsed() < Duration::from_secs(10), "it took {:?}", killed_at.elapsed());
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(70), "{said}");
    assert!(said.contains("process 1 at 127.0.0.1:"), "{said}");
    assert!(said.contains("check wide/") && said.contains("after level "), "{said}");
    assert!(said.contains("--resume kept"), "{said}");
    let _reaped = killed.wait();
}

/// The races of scope tiny in one dialect.
const RACES: usize = 66;

#[test]
fn a_race_counts_as_finished_for_the_build_that_finished_it() {
    let directory = directory();
    let file = directory.path().join("races.jsonl");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
        let args = ["race", "--complete", "--dialect", "do", "--no-times", "--resume", "races.jsonl"];
        let output = command.args(args).current_dir(&directory).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
        (text(&output), complaint(&output))
    };
    let rows = || std::fs::read_to_string(&file).expect("finished races are written").lines().count();
    let (first, _) = run();
    assert_eq!(rows(), RACES);
    let (again, notes) = run();
    assert_eq!((&again, rows()), (&first, RACES));
    assert!(!notes.contains("another build"), "{notes}");

    let ours = std::fs::read_to_string(&file).expect("it was read before");
    let build = ours.split('"').nth(3).expect("the first field of a line is the build").to_owned();
    std::fs::write(&file, ours.replace(&build, "another")).expect("a test may write here");
    let (anew, notes) = run();
    assert_eq!((&anew, rows()), (&first, 2 * RACES));
    assert!(notes.contains("66 races of another build of bgcheck"), "{notes}");
}
