//! `bgcheck conform` against what is wrong: a core, a service, and a suite with a file less.

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn what_is_wrong_ends_with_2_and_a_timeline_and_a_file_less_with_4_and_names() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let suite = dir.path().join("suite");
    assert_eq!(bgcheck(dir.path(), &["generate", "-o"], &suite).status.code(), Some(0));
    let conform = |more: &[&str]| bgcheck(dir.path(), &[&["conform"], more, &["--suite"]].concat(), &suite);
    let recorded = suite.to_str().expect("a test may fail here");
    assert_eq!(conform(&["--recorded", recorded]).status.code(), Some(0), "the traces of the suite itself");
    // A recording is read as `replay` reads a trace: here with a byte order mark, and a line of a log before the header.
    let first = suite.join("tiny-0001.jsonl");
    let text = std::fs::read_to_string(&first).expect("a suite has a first file");
    let wrapped = tempfile::tempdir().expect("a test may fail here");
    let kept = wrapped.path().join("tiny-0001.jsonl");
    std::fs::write(&kept, format!("\u{feff}recorder started\n{text}")).expect("a test may fail here");
    let directory = wrapped.path().to_str().expect("a test may fail here");
    assert_eq!(conform(&["--recorded", directory]).status.code(), Some(0));
    std::fs::write(&kept, "no trace").expect("a test may fail here");
    assert_eq!(conform(&["--recorded", directory]).status.code(), Some(1));
    for subject in ["core", "race"] {
        let wrong = conform(&["--canary", "--subject", subject]);
        let text = String::from_utf8_lossy(&wrong.stdout).into_owned();
        assert_eq!(wrong.status.code(), Some(2), "{subject}: {text}");
        for said in [">>", "replay: bgcheck replay", "verdict: violated"] {
            assert!(text.contains(said), "{subject}: {said:?} is not in:\n{text}");
        }
    }
    std::fs::remove_file(first).expect("a suite has a first file");
    let less = conform(&[]);
    let text = String::from_utf8_lossy(&less.stdout).into_owned();
    assert_eq!(less.status.code(), Some(4), "{text}");
    for said in ["1 not there", "not there: tiny-0001.jsonl", "missing: ", " -- "] {
        assert!(text.contains(said), "{said:?} is not in:\n{text}");
    }
}

/// Traces of failures go below the current directory, which is thrown away.
fn bgcheck(dir: &Path, args: &[&str], suite: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).arg(suite).arg("--quiet").env("NO_COLOR", "1").current_dir(dir);
    command.output().expect("the command runs")
}
