//! Reports on disk: what is written reads back equal, and what cannot be read returns why.

use crate::fixture;

use std::error::Error;
use std::fs;
use std::path::Path;

use reports::{ReportError, html, json, markdown, read, schema, write_all};

#[test]
fn a_report_is_written_whole_and_reads_back_the_same() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let out = dir.path().join("out/2026-01-02");
    let results = fixture::violated();
    // Twice: the second report replaces the first.
    write_all(&out, &fixture::held()).expect("the directory can be written");
    let written = write_all(&out, &results).expect("the directory can be written");
    assert_eq!(read(&written.json).expect("it was just written"), results);
    assert_eq!(read(&out).expect("a directory means its results.json"), results);
    assert_eq!(text(&written.markdown), markdown(&results));
    assert_eq!(text(&written.html), html(&results));
    assert_eq!(fs::read_dir(&out).expect("it is there").count(), 3, "no temporary file is left");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("a test may fail here");
    let error = write_all(&file.join("out"), &fixture::held()).expect_err("a file is no directory");
    assert!(matches!(&error, ReportError::Write { path, .. } if path.ends_with("out")), "{error:?}");
}

#[test]
fn what_cannot_be_read_says_why() {
    let good = json(&fixture::held());
    let cases: [(&str, &str, &str); 6] = [
        ("no-json", "# A report", "is not JSON: expected value at line 1 column 1"),
        ("cut", &good[..good.len() / 2], "is not JSON: EOF while parsing"),
        ("other", "{\"a\": 1}", "is JSON, but not the results of a run: it has no version"),
        ("list", "[1, 2]", "is JSON, but not the results of a run: it has no version"),
        ("newer", "{\"version\": 2}", "has version 2 of the format, and only version 1 can be read"),
        ("empty", "{\"version\": 1}", "does not keep to version 1 of the format: missing field `run`"),
    ];
    let dir = tempfile::tempdir().expect("a test may fail here");
    for (name, content, expected) in cases {
        let path = dir.path().join(name);
        fs::write(&path, content).expect("a test may fail here");
        let message = chain(&read(&path).expect_err(name));
        assert!(message.contains(expected) && message.contains(name), "{name}: {message}");
    }
    let message = chain(&read(&dir.path().join("absent.json")).expect_err("nothing is there"));
    assert!(message.starts_with("there are no results at ") && message.ends_with("absent.json"), "{message}");
}

#[test]
fn numbers_that_could_not_have_been_written_are_not_read() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let path = dir.path().join("results.json");
    let forged = json(&fixture::held()).replace("\"decisions\": 61\n", "\"decisions\": 0\n");
    fs::write(&path, forged).expect("a test may fail here");
    let message = chain(&read(&path).expect_err("a rule sampled zero times was not sampled"));
    assert!(message.contains("nonzero"), "{message}");
}

#[test]
fn the_committed_schema_is_the_format() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/results-v1.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&committed, schema()).expect("the schema can be written");
    }
    let hint = "the format has changed: is it still version 1? If so, run this test with UPDATE_SCHEMA=1";
    assert_eq!(text(&committed), schema(), "{hint}");
}

#[test]
fn the_schema_knows_every_key_that_is_written() {
    let schema = schema();
    let written: serde_json::Value =
        serde_json::from_str(&json(&fixture::said("x"))).expect("it was just written");
    let mut open = vec![&written];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    assert!(schema.contains(&format!("\"{key}\": {{")), "{key} is in no schema");
                    open.push(value);
                }
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("it was just written")
}

/// An error with its causes, as the command prints it.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
