//! A verdict is printed, and its exit code kept, when what belongs to it cannot be written.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{checkout, command, said};

const CANARY: [&str; 9] =
    ["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2", "--quiet"];

#[test]
fn a_trace_that_cannot_be_written_is_a_note_beside_the_violation() {
    let dir = without_target();
    let ran = command(&CANARY, dir.path(), dir.path()).output().expect("the command runs");
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    for words in ["its trace is lost: cannot write", "verdict: violated, exit code 2"] {
        assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
    }
}

/// All rules hold, and the one trace of the run is of what a client can do to itself.
#[test]
fn a_proof_is_no_error_where_nothing_can_be_written() {
    let dir = without_target();
    let args = ["check", "--model", "protocol", "--scope", "tiny", "--dialect", "bits", "--quiet"];
    let ran = command(&args, dir.path(), dir.path()).output().expect("the command runs");
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
}

#[test]
fn a_full_stdout_changes_no_exit_code_and_the_verdict_goes_to_stderr() {
    let dir = tempfile::tempdir().expect("a directory");
    let results = dir.path().join("results.json");
    let json = command(&[&CANARY[..], &["--json"]].concat(), dir.path(), dir.path()).output();
    fs::write(&results, json.expect("the command runs").stdout).expect("a test may fail here");
    let shown = ["report", "results.json"];
    for args in [&CANARY[..], &shown] {
        let Ok(full) = File::options().write(true).open("/dev/full") else { return };
        let mut ran = command(args, dir.path(), dir.path());
        let ran = ran.stdout(Stdio::from(full)).stderr(Stdio::piped()).spawn().expect("the command runs");
        let ran = ran.wait_with_output().expect("the command runs");
        assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
        for words in ["warning: cannot write the results to stdout", "verdict: violated, exit code 2"] {
            assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_where_it_was_asked_for_is_written_elsewhere() {
    let live = ["live", "--canary", "--dialect", "bits", "--budget", "3s", "--seed", "1", "--quiet", "--out"];
    let night =
        ["nightly", "--canary", "--budget", "4m", "--seed", "1", "--quiet", "--engine", "check", "--out"];
    for args in [&live[..], &night] {
        let (dir, temporary) = (without_target(), tempfile::tempdir().expect("a directory"));
        let args = [args, &["target/out"]].concat();
        let ran = command(&args, dir.path(), temporary.path()).output().expect("the command runs");
        assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
        for words in ["warning: cannot write target/out", "R1 cancelled is violated", "report: "] {
            assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
        }
        let text = said(&ran);
        let report = text.lines().find_map(|line| line.strip_prefix("report: ")).expect("it is named");
        assert!(Path::new(report).starts_with(temporary.path()) && Path::new(report).is_file(), "{report}");
    }
}

/// What is kept of an exploration is lost, and not what it comes to. A result is written beside its place, where something else is here.
#[test]
fn a_checkpoint_that_cannot_be_written_costs_no_verdict() {
    let dir = tempfile::tempdir().expect("a directory");
    let check = |kept: &str| {
        let args = ["check", "--model", "protocol", "--scope", "tiny", "--dialect", "bits", "--quiet"];
        let args = [&args[..], &["--checkpoint", kept]].concat();
        command(&args, dir.path(), dir.path()).output().expect("the command runs")
    };
    let whole = check("whole");
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    for entry in fs::read_dir(dir.path().join("whole")).expect("it is there") {
        let entry = entry.expect("it is there");
        if entry.path().is_dir() {
            let beside = dir.path().join("full").join(entry.file_name()).join("done.new");
            fs::create_dir_all(beside).expect("a test may fail here");
        }
    }
    let full = check("full");
    assert_eq!(full.status.code(), Some(0), "{}", said(&full));
    for words in ["warning: the disk does not take", "verdict: held, exit code 0"] {
        assert!(said(&full).contains(words), "no {words:?} in\n{}", said(&full));
    }
}

/// The runs of the live service are in a directory for temporary files: where the one that is named cannot be used, another one is.
#[test]
fn a_bad_directory_for_temporary_files_hides_no_violation() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = ["live", "--canary", "--dialect", "bits", "--budget", "3s", "--seed", "1", "--quiet"];
    for bad in [Path::new("/nowhere/at/all"), Path::new("/dev/null"), Path::new("/proc")] {
        let ran = command(&args, dir.path(), bad).output().expect("the command runs");
        assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
        assert!(said(&ran).contains("takes no temporary files"), "{}", said(&ran));
    }
}

/// A checkout in which `target` is a file, so that nothing can be written below it.
fn without_target() -> tempfile::TempDir {
    let dir = checkout();
    fs::write(dir.path().join("target"), "").expect("a test may fail here");
    dir
}

/// Outside of a checkout the current directory stays as it was, and what was written elsewhere is named.
#[test]
fn nothing_is_created_in_a_strange_directory_unasked() {
    let programs = ["properties", "--canary", "--programs", "300", "--seed", "1", "--quiet"];
    let protocol = ["check", "--model", "protocol", "--scope", "tiny", "--dialect", "do", "--quiet"];
    let night = ["nightly", "--canary", "--budget", "4m", "--seed", "1", "--quiet", "--engine", "check"];
    for args in [&CANARY[..], &programs, &protocol, &night] {
        let (dir, temporary) = (tempfile::tempdir(), tempfile::tempdir());
        let (dir, temporary) = (dir.expect("a directory"), temporary.expect("a directory"));
        let ran = command(args, dir.path(), temporary.path()).output().expect("the command runs");
        assert!(matches!(ran.status.code(), Some(0 | 2)), "{}", said(&ran));
        let left: Vec<_> = fs::read_dir(dir.path()).expect("it is there").collect();
        assert!(left.is_empty(), "{args:?}: {left:?}");
        let text = said(&ran);
        assert!(text.contains(&temporary.path().display().to_string()), "no trace is named in\n{text}");
    }
}

/// A path with a space is one word of the command that is printed.
#[test]
fn a_printed_command_can_be_typed() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = [&CANARY[..], &["--out", "found here"]].concat();
    let ran = command(&args, dir.path(), dir.path()).output().expect("the command runs");
    let text = said(&ran);
    let replay =
        text.lines().find_map(|line| line.trim().strip_prefix("replay: bgcheck ")).expect("it is named");
    let typed = format!("{} {replay}", env!("CARGO_BIN_EXE_bgcheck"));
    let mut shell = Command::new("sh");
    let again = shell.args(["-c", &typed]).current_dir(dir.path()).output().expect("there is a shell");
    assert_eq!(again.status.code(), Some(2), "{replay}: {}", said(&again));
}
