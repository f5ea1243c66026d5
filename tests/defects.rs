//! What `bgcheck adapter run` finds of the engine's seeded faults, through the pipe: `docs/pinned/adapter-bites.txt` has a line for each.
//!
//! A line has the fault, how the engine runs that shows it, and the first failure with the case that shows it. The
//! runs of the file are made again, and each has to find its fault, under any name: with threads and a network, another failure may come first.
//! `BITES=overwrite` looks for each fault in every way instead, and writes the file. That takes
//! half an hour; a fault that was not looked for yet has a line that states so. Needs the feature `faults`.
#![cfg(feature = "faults")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use contract::defect::{Fault, Reach};
use serde_json::Value;

/// How the engine runs: the name, the dialect, and the options of its adapter.
const WAYS: [(&str, &str, &[&str]); 3] = [
    ("bits, held clock", "bits", &["--held-clock"]),
    ("do, held clock", "do", &["--held-clock"]),
    ("bits, real clock", "bits", &[]),
];

/// For one run. What is found is led again behind it.
const BUDGET: &str = "60s";

/// Runs at once.
const AT_ONCE: usize = 2;

/// What stands for a fault that no run shows.
const NOWHERE: &str = "not found";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pinned/adapter-bites.txt")
}

/// The adapter beside the command. A build of one package does not make it.
fn engine() -> PathBuf {
    let bgcheck = Path::new(env!("CARGO_BIN_EXE_bgcheck"));
    bgcheck.with_file_name(format!("adapter-engine{}", std::env::consts::EXE_SUFFIX))
}

/// Without faults in the adapter, none would be found.
fn must_have_faults() {
    let mut engine = Command::new(engine());
    let ended = engine.args(["--defect", Fault::ALL[0].name()]).stdin(Stdio::null()).status();
    let help = "build it: cargo build --release -p adapter-engine --features faults";
    // Bad usage is 2; an input without a first line is 1.
    assert!(
        ended.is_ok_and(|status| status.code() != Some(2)),
        "the adapter of the engine has no faults; {help}"
    );
}

/// The line of a fault, if it is found in this way.
fn found(fault: Fault, (name, dialect, options): (&str, &str, &[&str])) -> Option<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let bgcheck = PathBuf::from(env!("CARGO_BIN_EXE_bgcheck"));
    let command: Vec<String> = { [engine().display().to_string()].into_iter() }
        .chain(options.iter().map(|option| (*option).to_owned()))
        .chain(["--defect".to_owned(), fault.to_string()])
        .collect();
    let manifest = format!("command = {command:?}\ndialect = {dialect:?}\nsuspend_at_end = \"stays\"\n");
    let path = directory.path().join("adapter.toml");
    std::fs::write(&path, manifest).expect("the directory can be written");
    let mut run = Command::new(&bgcheck);
    run.args([
        "-q",
        "adapter",
        "run",
        "--budget",
        BUDGET,
        "--seed",
        "1",
        "--stop-at-first",
        "--json",
        "--out",
    ]);
    let output = run.arg(directory.path().join("out")).arg(&path).output().expect("the command starts");
    let page: Value = serde_json::from_slice(&output.stdout).ok()?;
    // One that came once and never again is found, too.
    output.status.code().filter(|code| [2, 3].contains(code))?;
    let first = page["failures"].get(0)?;
    let (id, case) = (first["failure"]["id"].as_str()?, first["case"].as_str()?);
    Some(format!("{fault} | {name} | {id} | {case}"))
}

/// Looks at these on some threads at once. The results are in the order of the faults.
fn at_once<T: Send + Sync, R: Send>(all: &[T], look: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (Mutex::new(0..all.len()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(number) = next.lock().expect("no thread panics").next() else { return };
                    let result = look(&all[number]);
                    results.lock().expect("no thread panics").push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics");
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

fn write_anew() {
    let lines = at_once(Fault::ALL, |fault| {
        let line = WAYS.into_iter().find_map(|way| found(*fault, way));
        let line = line.unwrap_or_else(|| match fault.reach() {
            Reach::OnlySchedules(why) => format!("{fault} | {NOWHERE}: {why}"),
            _ => format!("{fault} | {NOWHERE}"),
        });
        eprintln!("{line}");
        line
    });
    std::fs::write(file(), lines.join("\n") + "\n").expect("the file can be written");
}

#[test]
fn each_fault_that_was_found_through_the_pipe_is_found_again() {
    must_have_faults();
    if std::env::var_os("BITES").is_some() {
        return write_anew();
    }
    let pinned = std::fs::read_to_string(file()).expect("the file is committed");
    let named: BTreeSet<&str> = pinned.lines().filter_map(|line| line.split(" | ").next()).collect();
    let all: Vec<String> = Fault::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(named, all.iter().map(String::as_str).collect(), "write the file with BITES=overwrite");
    let shown: Vec<(Fault, _)> = { pinned.lines() }
        .filter_map(|line| {
            let mut parts = line.split(" | ");
            let fault = parts.next()?.parse().expect("a line begins with the name of a fault");
            let way = parts.next()?;
            Some((fault, *WAYS.iter().find(|(name, ..)| *name == way)?))
        })
        .collect();
    let again = at_once(&shown, |(fault, way)| found(*fault, *way).is_none().then(|| fault.to_string()));
    let lost: Vec<String> = again.into_iter().flatten().collect();
    assert!(lost.is_empty(), "not found any more: {lost:?}");
}
