//! Whatever runs for long shows how much is done, of how much, and how long it still takes (`src/progress`).

use std::path::Path;

use crate::support::{checkout, command, said};
use serde_json::Value;

/// Of each of these a line has a denominator, from the first run on, and the time that is left falls.
#[test]
fn each_line_has_a_denominator_and_what_is_left_falls() {
    let runs: [(&str, &[&str]); 5] = [
        ("ms", &["properties", "--budget", "4s", "--seed", "1"]),
        ("schedules", &["race", "--schedules", "100000000", "--budget", "4s", "--seed", "1"]),
        ("ms", &["live", "--dialect", "bits", "--budget", "4s", "--seed", "1"]),
        ("edges", &["check", "--scope", "small", "--threads", "1"]),
        ("ms", &["nightly", "--engine", "race,properties", "--budget", "6s", "--seed", "1", "--out", "out"]),
    ];
    std::thread::scope(|scope| {
        for (unit, args) in runs {
            scope.spawn(move || is_told(unit, args));
        }
    });
}

fn is_told(unit: &str, args: &[&str]) {
    let dir = checkout();
    let lines = lines(args, dir.path());
    let [first, .., last] = &lines[..] else { panic!("{args:?}: too few lines to compare: {lines:#?}") };
    for line in &lines {
        let amount =
            |name: &str| line[name].as_u64().unwrap_or_else(|| panic!("{args:?}: no {name}: {line}"));
        assert_eq!(line["unit"], unit, "{args:?}: {line}");
        assert!(amount("done") <= amount("of") && amount("of") > 0, "{args:?}: {line}");
    }
    let left = |line: &Value| match &line["night"] {
        Value::Null => line["left_ms"].as_u64(),
        night => night["left_ms"].as_u64(),
    };
    assert!(left(last) < left(first), "{args:?}: {first}\nand then\n{last}");
    match args[0] {
        // What is committed is known before anything has run.
        "check" => assert_eq!(first["of"], edges_of_scope_small(), "{first}"),
        "nightly" => assert_eq!((&first["night"]["engine"], &first["night"]["of"]), (&1.into(), &2.into())),
        _ => {}
    }
}

/// The lines of progress, and not the notes.
fn lines(args: &[&str], dir: &Path) -> Vec<Value> {
    let args = [args, &["--progress", "json"]].concat();
    let ran = command(&args, dir, dir).output().expect("the command runs");
    let lines = ran.stderr.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let lines: Vec<Value> = lines.filter(|line| line["kind"] == "progress").collect();
    assert!(!lines.is_empty(), "{args:?} writes no progress\n{}", said(&ran));
    lines
}

fn edges_of_scope_small() -> u64 {
    let page = include_str!("../../docs/pinned/check-small.txt");
    let edges = page.lines().filter_map(|line| line.trim().split_once(" states, ")?.1.split_once(" edges"));
    edges.map(|(edges, _)| edges.replace(',', "").parse::<u64>().expect("a number")).sum()
}
