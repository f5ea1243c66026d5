//! Ctrl-C, SIGTERM and SIGHUP once: the run stops, prints and writes its results so far, marked as a part. Twice: it quits. Nothing that it
//! has started is left behind, however it ends.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::said;

/// Long enough for the engine to have begun, on a busy machine, too.
const BEGUN: Duration = Duration::from_secs(4);

/// It takes two seconds, and more on a busy machine.
const STOPPED: Duration = Duration::from_secs(15);

#[test]
fn a_signal_stops_an_engine_and_what_it_found_is_printed() {
    for signal in ["INT", "TERM", "HUP"] {
        let dir = tempfile::tempdir().expect("a directory");
        let child = start(&["properties", "--canary", "--seed", "1", "--budget", "10m"], dir.path());
        let ended = stop(child, signal);
        assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
        for words in ["partial: it was stopped from outside", "R1 cancelled is violated"] {
            assert!(said(&ended).contains(words), "no {words:?} in\n{}", said(&ended));
        }
    }
}

/// That it broke nothing so far is known, and no more: the code is that of a budget that was spent.
#[test]
fn a_signal_stops_an_exploration() {
    let dir = tempfile::tempdir().expect("a directory");
    for model in ["product", "protocol"] {
        let args = ["check", "--scope", "wide", "--quiet", "--dialect", "bits", "--model", model];
        let ended = stop(start(&args, dir.path()), "TERM");
        assert!(said(&ended).contains("partial: it was stopped from outside"), "{}", said(&ended));
        assert_eq!(ended.status.code(), Some(5), "{}", said(&ended));
    }
}

/// A suite that is not whole is none, and a server has nothing to print.
#[test]
fn what_knows_nothing_when_it_is_stopped_ends_with_the_signal() {
    let dir = tempfile::tempdir().expect("a directory");
    let generate = ["generate", "--scope", "default", "--cover", "pair", "-o", "suite", "--quiet"];
    let explore = ["explore", "--port", "0"];
    let graph = ["graph", "--table", "edges", "--quiet"];
    for (args, signal, code) in
        [(&generate[..], "TERM", 143), (&explore, "INT", 130), (&graph, "HUP", 129), (&graph, "TERM", 143)]
    {
        let ended = stop(start(args, dir.path()), signal);
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {}", said(&ended));
    }
    let left = std::fs::read_dir(dir.path().join("suite")).into_iter().flatten().flatten();
    let files: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != ".bgcheck.lock").collect();
    assert!(files.is_empty(), "half a suite is left: {files:?}");
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
fn a_night_that_is_killed_leaves_a_report_that_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let args =
        ["nightly", "--budget", "10m", "--seed", "1", "--out", "out", "--quiet", "--engine", "properties"];
    let mut child = start(&args, dir.path());
    std::thread::sleep(BEGUN);
    let started = below(child.id());
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    assert!(!started.is_empty(), "its engines work in processes of their own");
    wait_for_the_end_of(&started);
    let shown =
        support::command(&["report", "out"], dir.path(), dir.path()).output().expect("the command runs");
    assert!(said(&shown).contains("it goes on, or it was killed"), "{}", said(&shown));
}

#[test]
fn a_second_signal_quits_and_leaves_no_process_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = start(&["race", "--budget", "10m", "--seed", "1"], dir.path());
    std::thread::sleep(BEGUN);
    let started = below(child.id());
    assert!(!started.is_empty(), "it works in a process of its own");
    kill(child.id(), "INT");
    std::thread::sleep(Duration::from_millis(200));
    kill(child.id(), "INT");
    let asked = Instant::now();
    child.wait().expect("it ends");
    assert!(asked.elapsed() < STOPPED, "it took {:?}", asked.elapsed());
    wait_for_the_end_of(&started);
}

/// The adapter is a foreign program in a process group of its own. Ctrl-C does not reach it, and it does not read the end of its input.
#[test]
fn a_verb_that_is_stopped_or_killed_ends_the_programs_it_started() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = "sleep 1000 & exec sleep 1000";
    let manifest = format!(
        "command = [\"sh\", \"-c\", {script:?}]\ndialect = \"bits\"\nstart_ms = 600000\ncall_ms = 600000\n"
    );
    std::fs::write(dir.path().join("adapter.toml"), manifest).expect("a test may fail here");
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let mut child = start(&["adapter", "check", "adapter.toml", "--quiet"], dir.path());
        std::thread::sleep(BEGUN);
        let started = below(child.id());
        assert!(started.len() > 1, "the adapter runs: {started:?}");
        kill(child.id(), signal);
        child.wait().expect("it ends");
        wait_for_the_end_of(&started);
    }
}

#[test]
fn a_run_says_where_it_stands_when_it_is_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let child = start(&["properties", "--seed", "1", "--budget", "10m", "--quiet"], dir.path());
    std::thread::sleep(BEGUN);
    kill(child.id(), "USR1");
    let ended = stop(child, "TERM");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let line =
        stderr.lines().find(|line| line.starts_with("properties: ")).unwrap_or_else(|| panic!("{stderr}"));
    for words in [" programs; ", " of 600 s, about ", " left; ", "failures so far: 0"] {
        assert!(line.contains(words), "no {words:?} in {line}");
    }
}

fn start(args: &[&str], dir: &Path) -> Child {
    let mut command = support::command(args, dir, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs")
}

fn stop(child: Child, signal: &str) -> Output {
    std::thread::sleep(BEGUN);
    kill(child.id(), signal);
    let asked = Instant::now();
    let ended = child.wait_with_output().expect("it ends");
    assert!(asked.elapsed() < STOPPED, "it took {:?}\n{}", asked.elapsed(), said(&ended));
    ended
}

fn kill(process: u32, signal: &str) {
    let killed = Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(killed.expect("there is a kill").success());
}

/// Every process that a process has started, and what those have started.
fn below(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let listed = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        listed.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()
    });
    children.flat_map(|child| [vec![child], below(child)].concat()).collect()
}

/// They end soon; one that does not fails the test.
fn wait_for_the_end_of(processes: &[u32]) {
    let is_there = |process: &&u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // One that has ended and has not been waited for is no process any more.
        !stat.is_empty() && !stat.contains(") Z ")
    };
    let until = Instant::now() + STOPPED;
    while processes.iter().any(|process| is_there(&process)) {
        let left: Vec<&u32> = processes.iter().filter(is_there).collect();
        assert!(Instant::now() < until, "still there: {left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
