//! A directory that was named belongs to one run at a time, and so does a checkout to one night: the second run is refused and names the
//! first.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{checkout, command, said};

#[test]
fn a_second_run_is_refused_and_names_the_first() {
    let race = ["race", "--budget", "10m", "--seed", "1", "--quiet", "--out", "kept"];
    let live = ["live", "--budget", "10m", "--seed", "1", "--quiet", "--out", "kept"];
    let check = ["check", "--scope", "wide", "--model", "protocol", "--quiet", "--checkpoint", "kept"];
    let night = ["nightly", "--budget", "10m", "--seed", "1", "--quiet", "--engine", "race", "--out", "kept"];
    for args in [&race[..], &live, &check, &night] {
        let dir = tempfile::tempdir().expect("a directory");
        refuses_a_second(args, args, dir.path(), "kept");
    }
}

/// They would share the corpora of the fuzzers and what is built.
#[test]
fn a_second_night_in_a_checkout_is_refused_wherever_its_report_goes() {
    let checkout = checkout();
    let night =
        |out| ["nightly", "--budget", "10m", "--seed", "1", "--quiet", "--engine", "race", "--out", out];
    refuses_a_second(&night("one"), &night("another"), checkout.path(), "target/nightly");
}

fn refuses_a_second(first: &[&str], second: &[&str], dir: &Path, taken: &str) {
    let mut holder = Ended(command(first, dir, dir).stdout(Stdio::null()).spawn().expect("the command runs"));
    let until = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(dir.join(taken).join(".bgcheck.lock")).is_ok_and(|text| !text.is_empty()) {
        assert!(Instant::now() < until, "it takes {taken}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let refused = command(second, dir, dir).output().expect("the command runs");
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    // Lines are broken where they are long.
    let words = text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let holds = format!("{taken} is in use by another run: process {}, since ", holder.0.id());
    assert!(words.contains(&holds), "no {holds:?} in {text}");
    holder.end();
}

/// A run that does not outlive the test.
struct Ended(Child);

impl Ended {
    fn end(&mut self) {
        // What has ended by itself has failed the test already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.end();
    }
}
