//! The replay of a finding ends with the finding's exit code, also where no rule sees it in the lines of its trace.

mod support;

use std::path::Path;
use std::process::{Command, Output};

/// Under this design a call waits for whichever callback runs, so that the next one keeps it waiting (L3).
#[test]
fn a_call_that_waits_for_a_later_callback_is_a_violation_when_it_is_replayed() {
    let dir = support::checkout();
    let checked = bgcheck(
        &[
            "check",
            "--design",
            "wait-any-running",
            "--scope",
            "tiny",
            "--dialect",
            "bits",
            "--rules",
            "R16",
            "--quiet",
        ],
        dir.path(),
    );
    assert_eq!(checked.status.code(), Some(2), "{}", said(&checked));
    let found = std::fs::read_dir(dir.path().join("target/traces")).expect("traces were written");
    let traces: Vec<String> =
        found.map(|entry| entry.expect("an entry").path().display().to_string()).collect();
    let by_law: Vec<&String> = traces.iter().filter(|trace| trace.contains("/L3")).collect();
    assert!(!by_law.is_empty(), "{traces:?}");
    for trace in by_law {
        let replayed = bgcheck(&["replay", trace], dir.path());
        assert_eq!(replayed.status.code(), Some(2), "{}", said(&replayed));
        assert!(said(&replayed).contains("written down for L3"), "{}", said(&replayed));
        let small = bgcheck(&["minimize", trace, "-o", "small.jsonl", "--quiet"], dir.path());
        assert_eq!(small.status.code(), Some(2), "{}", said(&small));
    }
}

/// What a client can do to itself is shown and is no finding.
#[test]
fn a_client_that_locks_itself_out_is_no_violation_when_it_is_replayed() {
    let dir = support::checkout();
    let checked = bgcheck(
        &["check", "--model", "protocol", "--scope", "tiny", "--dialect", "do", "--quiet"],
        dir.path(),
    );
    let own = dir.path().join("target/traces/own-lock-barrier-tiny-lock-do.jsonl");
    assert!(own.is_file(), "{}", said(&checked));
    let replayed = bgcheck(&["replay", &own.display().to_string()], dir.path());
    assert_eq!(replayed.status.code(), Some(0), "{}", said(&replayed));
}

/// A header from elsewhere cannot make a violation good.
#[test]
fn a_finding_is_never_held() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = include_str!("cmd/replay.in/violated.jsonl");
    for (code, ends) in [(0, 2), (2, 2), (3, 3), (70, 2)] {
        let finding = format!("{{\"finding\":{{\"id\":\"R1-1\",\"exit_code\":{code}}},");
        std::fs::write(dir.path().join("trace.jsonl"), trace.replacen('{', &finding, 1))
            .expect("it is written");
        let replayed = bgcheck(&["replay", "trace.jsonl"], dir.path());
        assert_eq!(replayed.status.code(), Some(ends), "{}", said(&replayed));
    }
}

fn bgcheck(args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").output().expect("the command runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
