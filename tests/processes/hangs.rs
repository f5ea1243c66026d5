//! Nothing that a subject does keeps a verdict from being printed: a core that is broken on purpose hangs, dies or takes all memory.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// What the core does, how the failure is named, and what the page says of it.
const MANNERS: [(&str, &str, &str); 6] = [
    ("spins", "hang-", "is busy"),
    ("blocks", "hang-", "did not come back within 5 s"),
    ("aborts", "crash-", "abort"),
    ("overflows", "crash-", "overflow of the stack"),
    ("grows", "memory-", "took more than 400 MiB of memory"),
    ("panics", "crash-", "the subject panicked: a canary that panics"),
];

#[test]
fn random_programs_on_a_core_that_does_not_come_back_end_with_2_and_the_seed() {
    for (manner, id, page) in MANNERS {
        let ran =
            bgcheck(manner, &["properties", "--canary", "--seed", "7", "--budget", "1s", "--limit", "5s"]);
        assert_eq!(ran.status.code(), Some(2), "{manner}: {}", said(&ran));
        for words in [id, page, "replay: bgcheck properties --programs 100000 --seed ", "partial: "] {
            assert!(said(&ran).contains(words), "{manner}: no {words:?} in\n{}", said(&ran));
        }
    }
}

#[test]
fn an_exploration_of_such_a_core_ends_with_what_it_knows() {
    for (manner, id, page) in MANNERS {
        let args = ["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--limit", "5s", "--quiet"];
        let ran = bgcheck(manner, &args);
        // An exploration takes memory of its own, so that memory is no fault of the subject.
        let (code, id) = if manner == "grows" { (70, "check product") } else { (2, id) };
        assert_eq!(ran.status.code(), Some(code), "{manner}: {}", said(&ran));
        assert!(said(&ran).contains(id) && said(&ran).contains(page), "{manner}:\n{}", said(&ran));
    }
}

#[test]
fn a_replay_on_such_a_core_ends_with_2() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/minimize/crash-late");
    for (manner, id, page) in MANNERS {
        let args = ["replay", trace, "--target", "lockstep", "--subject", "canary", "--limit", "5s"];
        let ran = bgcheck(manner, &args);
        assert_eq!(ran.status.code(), Some(2), "{manner}: {}", said(&ran));
        assert!(said(&ran).contains(id) && said(&ran).contains(page), "{manner}:\n{}", said(&ran));
    }
}

#[test]
fn a_night_goes_on_after_an_engine_that_hangs_and_writes_its_report() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let started = Instant::now();
    let args = ["nightly", "--canary", "--budget", "4m", "--seed", "1", "--limit", "15s", "--quiet", "--out"];
    let ran = bgcheck("spins", &[&args[..], &[&out.display().to_string()]].concat());
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(started.elapsed() < Duration::from_secs(120), "it took {:?}", started.elapsed());
    for words in ["hang-check-product", "hang-properties", "live (canary)"] {
        assert!(said(&ran).contains(words), "no {words:?} in\n{}", said(&ran));
    }
    assert!(out.join("report.html").is_file() && out.join("results.json").is_file());
}

fn bgcheck(manner: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir.path()).env("NO_COLOR", "1").env("BGCHECK_CANARY", manner);
    command.env("BGCHECK_MEMORY", (400_u64 << 20).to_string()).output().expect("the command runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_canary_alone_is_as_it_was() {
    let ran =
        bgcheck("canary", &["properties", "--canary", "--seed", "1", "--budget", "2s", "--stop-at-first"]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(
        !said(&ran).contains("partial") && said(&ran).contains("properties (canary): found "),
        "{}",
        said(&ran)
    );
}
