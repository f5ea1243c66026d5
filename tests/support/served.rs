//! `bgcheck explore` as a child, and its address; and traces to be shown.
#![allow(dead_code, reason = "each test needs a part of it")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The counterexample of a checked canary: a callback starts behind Cancel, at event 26.
pub(crate) fn checked_trace(dir: &str) -> PathBuf {
    let dir = format!("{}/{dir}", env!("CARGO_TARGET_TMPDIR"));
    found(&[
        "check",
        "--scope",
        "tiny",
        "--dialect",
        "bits",
        "--canary",
        "--rules",
        "R1",
        "--quiet",
        "--out",
        &dir,
    ]);
    PathBuf::from(format!("{dir}/R1-20902fa0-check-tiny-bits.jsonl"))
}

/// That of a race, beside which a run stands that passes.
pub(crate) fn raced_trace(dir: &str) -> PathBuf {
    let dir = format!("{}/{dir}", env!("CARGO_TARGET_TMPDIR"));
    // Every schedule, so that no chance has a part in it.
    found(&[
        "race",
        "--complete",
        "--design",
        "claim-then-call",
        "--dialect",
        "bits",
        "--quiet",
        "--out",
        &dir,
    ]);
    PathBuf::from(format!("{dir}/R1-20902fa0-race-bits.jsonl"))
}

fn found(args: &[&str]) {
    let mut command = Command::new(super::bgcheck());
    let done = command.args(args).env("NO_COLOR", "1").output().expect("the command runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{args:?}\n{said}");
}

/// A server that ends with the test.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT/...`, as it was printed.
    pub(crate) address: String,
}

impl Served {
    /// Starts it on a port that is free.
    pub(crate) fn start(args: &[&str]) -> Served {
        Served::start_at(0, args)
    }

    /// Starts it on this port.
    pub(crate) fn start_at(port: u16, args: &[&str]) -> Served {
        let mut command = Command::new(super::bgcheck());
        command.args(["explore", "--port", &port.to_string()]).args(args).env("NO_COLOR", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default();
        let address = address.trim_end_matches(',').to_owned();
        let served = Served { child, address };
        assert!(!served.address.is_empty(), "it prints where it serves: {line}");
        served
    }

    /// The address without what is behind the port.
    pub(crate) fn origin(&self) -> &str {
        let after = self.address.find("//").map_or(0, |at| at + 2);
        let end = self.address[after..].find('/').map_or(self.address.len(), |at| after + at);
        &self.address[..end]
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already, which the test has then seen.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
