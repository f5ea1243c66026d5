//! Ctrl-C and SIGTERM once: the run stops, prints and writes what it knows, marked as a part. Twice: it quits.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Long enough for the engine to have begun, on a busy machine, too.
const BEGUN: Duration = Duration::from_secs(4);

#[test]
fn a_signal_stops_an_engine_and_what_it_found_is_printed() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().expect("a directory");
        let child = start(&["properties", "--canary", "--seed", "1", "--budget", "10m"], dir.path());
        let ended = stop(child, signal);
        assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
        for words in ["partial: it was stopped from outside", "R1 cancelled is violated"] {
            assert!(said(&ended).contains(words), "no {words:?} in\n{}", said(&ended));
        }
    }
}

#[test]
fn a_signal_stops_an_exploration() {
    let dir = tempfile::tempdir().expect("a directory");
    let child = start(&["check", "--scope", "wide", "--quiet", "--dialect", "bits"], dir.path());
    let ended = stop(child, "TERM");
    assert!(said(&ended).contains("partial: it was stopped from outside"), "{}", said(&ended));
    assert_ne!(ended.status.code(), Some(0), "nothing was explored to its end\n{}", said(&ended));
}

#[test]
fn a_night_that_is_stopped_writes_its_report() {
    let dir = tempfile::tempdir().expect("a directory");
    let child = start(
        &["nightly", "--canary", "--budget", "10m", "--seed", "1", "--out", "out", "--quiet"],
        dir.path(),
    );
    let ended = stop(child, "TERM");
    let report = std::fs::read_to_string(dir.path().join("out/report.md")).expect("it is written");
    assert!(report.contains("partial: it was stopped from outside"), "{report}");
    assert!(report.contains("was skipped") || ended.status.code() == Some(2), "{report}");
}

#[test]
fn a_second_signal_quits_and_leaves_no_process_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = start(&["race", "--budget", "10m", "--seed", "1"], dir.path());
    std::thread::sleep(BEGUN);
    let worker = children(child.id());
    assert!(!worker.is_empty(), "it works in a process of its own");
    kill(child.id(), "INT");
    std::thread::sleep(Duration::from_millis(200));
    kill(child.id(), "INT");
    let asked = Instant::now();
    child.wait().expect("it ends");
    assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
    for process in worker {
        assert!(!Path::new(&format!("/proc/{process}")).exists(), "process {process} is still there");
    }
}

fn start(args: &[&str], dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs")
}

fn stop(child: Child, signal: &str) -> Output {
    std::thread::sleep(BEGUN);
    kill(child.id(), signal);
    let asked = Instant::now();
    let ended = child.wait_with_output().expect("it ends");
    assert!(asked.elapsed() < Duration::from_secs(15), "it took {:?}\n{}", asked.elapsed(), said(&ended));
    ended
}

fn kill(process: u32, signal: &str) {
    let killed = Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(killed.expect("there is a kill").success());
}

fn children(process: u32) -> Vec<String> {
    let listed =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    listed.split_whitespace().map(str::to_owned).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
