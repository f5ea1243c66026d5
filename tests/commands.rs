//! The command from outside: what it writes and how it ends, pinned as transcripts.
//!
//! After a wanted change, `TRYCMD=overwrite cargo test --test commands` writes the transcripts again, to be read in review.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        // A terminal's wishes would change what is written.
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case("tests/cmd/*.trycmd")
        .case("docs/howto/simulate.md")
        .case("docs/reading-a-counterexample.md");
}

/// The test that is written is the one that is committed, which `properties` compiles and runs; a second time changes nothing.
#[test]
fn a_counterexample_is_written_as_the_test_that_is_committed() {
    let checkout = checkout();
    let write = |name: &str, text: &str| write(checkout.path(), name, text);
    let list = write("properties/regressions/mod.rs", "//! Tests.\n\nmod r9_later;\n");
    let crash = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/minimize/crash-late");
    for _ in 0..2 {
        let mut command = bgcheck(&[
            "minimize",
            crash,
            "--target",
            "lockstep",
            "--subject",
            "canary",
            "--quiet",
            "--emit-test",
        ]);
        let made = command.current_dir(checkout.path()).output().expect("the command runs");
        let text = String::from_utf8_lossy(&made.stdout);
        assert_eq!(made.status.code(), Some(2), "{text}{}", String::from_utf8_lossy(&made.stderr));
    }
    let written = checkout.path().join("properties/regressions/r1_20902fa0_canary.rs");
    let written = std::fs::read_to_string(written).expect("it has been written");
    assert_eq!(written, include_str!("../properties/regressions/r1_20902fa0_canary.rs"));
    let list = std::fs::read_to_string(list).expect("it is there");
    assert_eq!(list, "//! Tests.\n\nmod r1_20902fa0_canary;\nmod r9_later;\n");
}

/// A transcript has slashes where the command prints backslashes, so the page has the test outside of its transcript.
#[test]
fn the_page_on_counterexamples_has_the_test_that_is_committed() {
    let page = include_str!("../docs/reading-a-counterexample.md");
    let committed = include_str!("../properties/regressions/r1_20902fa0_canary.rs");
    let (_, test) = committed.split_once("\n\n").expect("a test follows the comment");
    assert!(page.contains(test), "docs/reading-a-counterexample.md has another test than:\n{test}");
}

/// What a machine reads is a report: shown again, its verdict and exit code do not change.
#[test]
fn results_written_as_json_are_shown_again_with_the_same_verdict() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let results = dir.path().join("results.json");
    let checked = canary("shown", &["--json"]).output().expect("the command runs");
    std::fs::write(&results, &checked.stdout).expect("a test may fail here");
    let shown = bgcheck(&["report"]).arg(&results).output().expect("the command runs");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert_eq!([checked.status.code(), shown.status.code()], [Some(2), Some(2)], "{text}");
    for rule in ["R1 cancelled is violated", "R2 masked is violated"] {
        assert!(text.contains(rule), "{text}");
    }
    let html = bgcheck(&["report", "--format", "html"]).arg(&results).output().expect("the command runs");
    assert!(html.stdout.starts_with(b"<!DOCTYPE html>"));
}

/// A reader that has seen enough changes neither the verdict nor the exit code, and causes no message.
#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = canary("closed", &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let mut said = String::new();
    let stderr = child.stderr.as_mut().expect("it is piped");
    stderr.read_to_string(&mut said).expect("it is text");
    assert_eq!(child.wait().expect("it ends").code(), Some(2), "{said}");
    assert_eq!(said, "");
}

/// A check that ends with 2 within a second.
fn canary(traces: &str, more: &[&str]) -> Command {
    let target = format!("{}/traces-{traces}", env!("CARGO_TARGET_TMPDIR"));
    let mut command =
        bgcheck(&["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2"]);
    command.args(["--quiet", "--out", &target]).args(more);
    command
}

/// What the command takes for a checkout of its sources.
fn checkout() -> tempfile::TempDir {
    let checkout = tempfile::tempdir().expect("a test may fail here");
    write(checkout.path(), "contract/Cargo.toml", "");
    write(checkout.path(), "fuzz/Cargo.toml", "");
    checkout
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("a test may fail here");
    std::fs::write(&path, text).expect("a test may fail here");
    path
}

fn bgcheck(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).env("NO_COLOR", "1");
    command
}

/// What a crash looks like, with a cargo-fuzz that only prints what libFuzzer would print.
#[cfg(unix)]
#[test]
fn a_crash_of_the_fuzzer_is_a_violation_that_can_be_replayed() {
    use std::os::unix::fs::PermissionsExt as _;

    const SAYS: &str = "#!/bin/sh
case \"$*\" in
  *--version*) echo 'cargo-fuzz 0.13.0'; exit 0 ;;
  *build*) exit 0 ;;
esac
echo 'INFO: Seed: 7' >&2
echo '#4096\tpulse  cov: 812 ft: 3901 corp: 88/1024b lim: 43 exec/s: 2048 rss: 44Mb' >&2
echo \"thread '<unnamed>' panicked at fuzzing.rs:1: out of order, explained by ${BGCHECK_EXPLAINS:-itself}\" >&2
echo \"artifact_prefix='fuzz/artifacts/trace/'; Test unit written to $PWD/fuzz/artifacts/trace/crash-01ab\" >&2
exit 77
";
    let checkout = checkout();
    let write = |name: &str, text: &str| write(checkout.path(), name, text);
    write("fuzz/artifacts/trace/crash-01ab", "x");
    let tool = write("target/tools/bin/cargo-fuzz", SAYS);
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("a test may fail here");
    let mut command = bgcheck(&["fuzz", "trace", "--budget", "1s", "--seed", "7", "--offline", "--quiet"]);
    let fuzzed = command.current_dir(checkout.path()).output().expect("the command runs");
    let text = String::from_utf8_lossy(&fuzzed.stdout);
    assert_eq!(fuzzed.status.code(), Some(2), "{text}{}", String::from_utf8_lossy(&fuzzed.stderr));
    // The target leaves it to the command to make the crash small.
    for said in [
        "out of order, explained by 1",
        "replay: bgcheck replay fuzz/artifacts/trace/crash-01ab",
        "4,096 runs",
    ] {
        assert!(text.contains(said), "{said:?} is not in:\n{text}");
    }
}
