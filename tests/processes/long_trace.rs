//! A trace of any length is judged in little memory, and a part of it can be drawn.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HEADER: &str =
    r#"{"format":1,"dialect":"bits","subject":"by hand","records":["call","return","enter","leave"]}"#;

/// Getters of one job after the other, and at the end a callback after a Cancel.
fn trace(dir: &Path, calls: u64) -> PathBuf {
    let mut text = format!("{HEADER}\n");
    let mut seq = 0;
    let mut call = |text: &mut String, job: u64, method: &str, hr: &str| {
        for rest in [
            format!(r#""kind":"call","id":0,"thread":0,"user":0,"job":{job},"method":"{method}""#),
            format!(r#""kind":"return","call":0,"job":{job},"hr":"{hr}""#),
        ] {
            seq += 1;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{{\"seq\":{seq},{rest}}}");
        }
        seq
    };
    for number in 0..calls {
        call(&mut text, number % 50, "GetNotifyFlags", "E_ACCESSDENIED");
    }
    let last = call(&mut text, 7, "Cancel", "S_OK") + 1;
    let enter = r#""kind":"enter","delivery":0,"job":7,"event":"JobTransferred","receiver":{"interface":0}"#;
    let _ = writeln!(text, "{{\"seq\":{last},{enter}}}");
    let path = dir.join("long.jsonl");
    std::fs::write(&path, text).expect("a test may fail here");
    path
}

#[test]
fn a_long_trace_is_judged_and_drawn_about_its_violation() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = trace(dir.path(), 20_000);
    let shown = replay(&path, &[]);
    assert_eq!(shown.status.code(), Some(2), "{}", said(&shown));
    for words in ["R1 (cancelled) at seq 40003, job j7", ">> 40002", "40,003 events, 50 jobs"] {
        assert!(said(&shown).contains(words), "no {words:?} in\n{}", said(&shown));
    }
    assert!(said(&shown).lines().count() < 3_000, "not all of it is drawn");
}

#[test]
fn a_part_is_drawn_of_long_and_short_traces() {
    let dir = tempfile::tempdir().expect("a directory");
    for calls in [100, 20_000] {
        let path = trace(dir.path(), calls);
        let around = replay(&path, &["--around", "101"]);
        assert_eq!(around.status.code(), Some(2), "{}", said(&around));
        let seqs = [81, 101, 121].map(|seq| said(&around).contains(&format!(" {seq}  ")));
        assert_eq!(seqs, [true; 3], "{}", said(&around));
        assert!(!said(&around).contains(" 122  ") && !said(&around).contains(" 80  "), "{}", said(&around));
        let last = replay(&path, &["--last", "3"]);
        assert!(said(&last).contains("3 of "), "{}", said(&last));
        assert!(said(&last).contains(&format!(" {}  ", calls * 2 + 3)), "{}", said(&last));
    }
}

#[test]
fn an_error_in_a_long_trace_has_its_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = trace(dir.path(), 20_000);
    let text = std::fs::read_to_string(&path).expect("it was written");
    let broken = text.replacen("\"seq\":30000,\"kind\":\"return\"", "\"seq\":30000,\"kind\":\"dance\"", 1);
    std::fs::write(&path, broken).expect("a test may fail here");
    let shown = replay(&path, &[]);
    assert_eq!(shown.status.code(), Some(1), "{}", said(&shown));
    assert!(said(&shown).contains("line 30001 has the unknown kind \"dance\""), "{}", said(&shown));
}

/// The trace is ten times as long as what is read as a whole. The watcher ends a process that takes more memory than [`LITTLE`], with
/// another verdict.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_length() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.arg("replay").arg(trace(dir.path(), 100_000)).env("BGCHECK_MEMORY", LITTLE);
    let shown = command.output().expect("the command runs");
    assert!(said(&shown).contains("R1-"), "{}", said(&shown));
}

/// What the watcher lets the process have, in bytes: less than its lines take.
#[cfg(target_os = "linux")]
const LITTLE: &str = "60000000";

fn replay(path: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.arg("replay").arg(path).args(more).env("NO_COLOR", "1").output().expect("the command runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
