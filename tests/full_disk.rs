//! A verdict is printed, and its exit code kept, when what belongs to it cannot be written.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const CANARY: [&str; 9] =
    ["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2", "--quiet"];

#[test]
fn a_trace_that_cannot_be_written_is_a_note_beside_the_violation() {
    let dir = without_target();
    let ran = command(&CANARY, dir.path()).output().expect("the command runs");
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    for words in ["its trace is lost: cannot write", "verdict: violated, exit code 2"] {
        assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
    }
}

#[test]
fn a_full_stdout_changes_no_exit_code_and_the_verdict_goes_to_stderr() {
    let dir = tempfile::tempdir().expect("a directory");
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let mut ran = command(&CANARY, dir.path());
    let ran = ran.stdout(Stdio::from(full)).stderr(Stdio::piped()).spawn().expect("the command runs");
    let ran = ran.wait_with_output().expect("the command runs");
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    for words in ["warning: cannot write the results to stdout", "verdict: violated, exit code 2"] {
        assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
    }
}

#[test]
fn a_night_without_a_place_for_its_report_has_a_verdict() {
    let dir = without_target();
    let args =
        ["nightly", "--canary", "--budget", "4m", "--seed", "1", "--quiet", "--engine", "check", "--out"];
    let ran = command(&[&args[..], &["target/out"]].concat(), dir.path()).output().expect("the command runs");
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    for words in ["warning: cannot write target/out", "R1 cancelled is violated"] {
        assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
    }
}

/// A directory in which `target` is a file, so that nothing can be written below it.
fn without_target() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("target"), "").expect("a test may fail here");
    dir
}

fn command(args: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
