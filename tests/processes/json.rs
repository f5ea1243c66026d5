//! Every document for a machine has a version, and keeps to a committed schema (`docs/schema`).

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{checkout, command, said};
use boon::{Compiler, Schemas};
use serde_json::Value;

const CRASH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/minimize/crash-late");
const HELD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/replay.in/held.jsonl");
const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python/bug-mask.toml");
const TUTORIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python/adapter.toml");

#[test]
fn every_document_keeps_to_its_schema() {
    let dir = checkout();
    let documents: [(&str, &[&str]); 22] = [
        ("results", &["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2"]),
        ("results", &["properties", "--canary", "--programs", "300", "--seed", "1"]),
        ("results", &["race", "--schedules", "50", "--seed", "1", "--design", "recheck"]),
        ("check", &["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2"]),
        ("conform", &["conform", "--suite", "bits-tiny"]),
        ("conform", &["conform", "--suite", "bits-tiny", "--canary"]),
        ("conform-suites", &["conform"]),
        ("generate", &["generate", "-o", "suite"]),
        ("replay", &["replay", HELD]),
        ("replay", &["replay", CRASH, "--target", "lockstep", "--subject", "canary"]),
        ("minimize", &["minimize", CRASH, "--target", "lockstep", "--subject", "canary"]),
        ("minimize", &["minimize", HELD]),
        ("graph-transitions", &["graph"]),
        ("graph-methods", &["graph", "--table", "methods"]),
        ("graph-dialects", &["graph", "--table", "dialects"]),
        ("explain", &["explain", "R1"]),
        ("explain", &["explain", "exit-codes"]),
        ("doctor", &["doctor"]),
        ("kill-list", &["kill", "--list"]),
        ("mutate-list", &["mutate", "--list", "--only", "edge"]),
        ("sentences", &["report", "--sentences"]),
        // A round of a model takes half a minute; the figures of one are checked by their own test.
        ("bench", &["bench", "download", "--mib", "1", "--rounds", "2"]),
    ];
    for (schema, args) in documents {
        let ran = command(&[args, &["--json", "--quiet"]].concat(), dir.path(), dir.path()).output();
        keeps(schema, args, &ran.expect("the command runs"));
    }
}

/// What is written while something runs is on stderr, a document a line.
#[test]
fn every_line_of_progress_keeps_to_its_schema() {
    let dir = checkout();
    let check: &[&str] = &["check", "--model", "protocol", "--scope", "tiny", "--json"];
    let programs: &[&str] = &["properties", "--budget", "2s", "--seed", "1", "--progress", "json"];
    for (schema, args) in [("check-progress", check), ("progress", programs)] {
        let ran = command(args, dir.path(), dir.path()).output().expect("the command runs");
        let lines: Vec<Value> = ran
            .stderr
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        assert!(!lines.is_empty(), "{args:?} writes no progress\n{}", said(&ran));
        for line in &lines {
            is_of(schema, line, args);
        }
    }
}

/// A schema that no run here keeps to has its reason. One that is new is tried, or is added.
#[test]
fn no_schema_is_untried_without_a_reason() {
    let untried = [
        ("generate-committed", "the suites take a minute to generate; CI does it, and reads the exit code"),
        ("graph-edges", "the edges take a minute to explore; CI does it, and compares the text"),
        ("kill", "it builds the workbench with faults"),
        ("kill-mutants", "it builds the workbench with mutants"),
        ("kill-mutants-list", "it needs cargo-mutants"),
        ("mutate", "it builds the workbench with mutants"),
    ];
    let source = include_str!("json.rs");
    for entry in std::fs::read_dir(below("docs/schema")).expect("the schemas are committed") {
        let file = entry.expect("it is there").file_name().to_string_lossy().into_owned();
        let name = file.trim_end_matches("-v1.schema.json");
        let reason = untried.iter().find(|(untried, _)| *untried == name);
        assert!(reason.is_some() || source.contains(&format!("(\"{name}\", ")), "{name} is tried by no test");
        schema(name);
    }
}

/// The tutorial's adapter, where there is a Python.
#[test]
fn what_an_adapter_is_found_to_do_keeps_to_its_schema() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let dir = checkout();
    let check: &[&str] = &["adapter", "check", TUTORIAL, "--no-canaries"];
    let run: &[&str] = &["adapter", "run", TUTORIAL, "--budget", "2s", "--seed", "1"];
    let find = [
        "adapter",
        "run",
        BROKEN,
        "--budget",
        "10s",
        "--seed",
        "1",
        "--stop-at-first",
        "-o",
        "found",
        "--quiet",
    ];
    let found = command(&find, dir.path(), dir.path()).output().expect("the command runs");
    let files =
        std::fs::read_dir(dir.path().join("found/traces")).unwrap_or_else(|_| panic!("{}", said(&found)));
    let mut files = files.flatten().map(|entry| entry.path().display().to_string());
    let path =
        files.find(|file| file.ends_with("-path.jsonl")).expect("a failure has the path that led to it");
    let replay: &[&str] = &["replay", &path, "--adapter", BROKEN];
    for (schema, args) in [("adapter-check", check), ("adapter-run", run), ("replay-adapter", replay)] {
        let ran = command(&[args, &["--json", "--quiet"]].concat(), dir.path(), dir.path()).output();
        keeps(schema, args, &ran.expect("the command runs"));
    }
}

/// What a run printed is one document of this schema.
fn keeps(name: &str, args: &[&str], ran: &Output) {
    let document: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{args:?} is no JSON: {error}\n{}", said(ran)));
    is_of(name, &document, args);
}

fn is_of(name: &str, document: &Value, args: &[&str]) {
    assert_eq!(document["version"], 1, "{args:?} has no version");
    let mut compiler = Compiler::new();
    compiler.add_resource(name, schema(name)).expect("it is a schema");
    let mut schemas = Schemas::new();
    let index = compiler.compile(name, &mut schemas).expect("it is a schema");
    if let Err(error) = schemas.validate(document, index) {
        panic!("{args:?} does not keep to {name}: {error:#}");
    }
}

/// A committed schema.
fn schema(name: &str) -> Value {
    let path = match name {
        "results" => below("reports/schema/results-v1.schema.json"),
        name => below(&format!("docs/schema/{name}-v1.schema.json")),
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("it is JSON")
}

fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
