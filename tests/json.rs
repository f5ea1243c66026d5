//! Every document for a machine has a version, and keeps to a committed schema (`docs/schema`).
//!
//! **What it is not.** A validator: of JSON Schema it knows what those schemas have.

mod support;

use std::path::Path;

use serde_json::{Map, Value};
use support::{checkout, command, said};

const CRASH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/minimize/crash-late");
const HELD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/replay.in/held.jsonl");
const TUTORIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python/adapter.toml");

#[test]
fn every_document_keeps_to_its_schema() {
    let dir = checkout();
    let documents: [(&str, &[&str]); 20] = [
        ("results", &["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2"]),
        ("results", &["properties", "--canary", "--programs", "300", "--seed", "1"]),
        ("results", &["race", "--schedules", "50", "--seed", "1", "--design", "recheck"]),
        ("check", &["check", "--scope", "tiny", "--dialect", "bits", "--canary", "--rules", "R1,R2"]),
        ("conform", &["conform", "--suite", "bits-tiny"]),
        ("conform", &["conform", "--suite", "bits-tiny", "--canary"]),
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
    ];
    for (schema, args) in documents {
        let ran = command(&[args, &["--json", "--quiet"]].concat(), dir.path(), dir.path()).output();
        keeps(schema, args, &ran.expect("the command runs"));
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
    for (schema, args) in [("adapter-check", check), ("adapter-run", run)] {
        let ran = command(&[args, &["--json", "--quiet"]].concat(), dir.path(), dir.path()).output();
        keeps(schema, args, &ran.expect("the command runs"));
    }
}

fn keeps(schema: &str, args: &[&str], ran: &std::process::Output) {
    let document: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{args:?} is no JSON: {error}\n{}", said(ran)));
    assert_eq!(document["version"], 1, "{args:?} has no version");
    let path = match schema {
        "results" => "reports/schema/results-v1.schema.json".to_owned(),
        schema => format!("docs/schema/{schema}-v1.schema.json"),
    };
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
    let schema: Value = serde_json::from_str(&text.expect("it is committed")).expect("it is JSON");
    let mut wrong = Vec::new();
    validate(&schema, &schema, &document, "", &mut wrong);
    assert!(wrong.is_empty(), "{args:?} does not keep to {path}:\n{}", wrong.join("\n"));
}

/// Notes where a value does not keep to a schema.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let Value::Object(rules) = schema else { return };
    for (rule, of) in rules {
        match (rule.as_str(), of) {
            ("$ref", Value::String(name)) => {
                let there = root.pointer(name.trim_start_matches('#'));
                validate(root, there.expect("a reference leads somewhere"), value, at, wrong);
                return;
            }
            ("const", of) if of != value => note(wrong, at, format!("{value} is not {of}")),
            ("enum", Value::Array(all)) if !all.contains(value) => {
                note(wrong, at, format!("{value} is none of {all:?}"))
            }
            ("type", of) if !is_of(of, value) => return note(wrong, at, format!("{value} is no {of}")),
            ("required", Value::Array(names)) if value.is_object() => {
                let missing = names.iter().filter_map(Value::as_str).filter(|name| value.get(name).is_none());
                for name in missing {
                    note(wrong, at, format!("{name} is missing"));
                }
            }
            ("anyOf" | "oneOf", Value::Array(all)) => {
                let fits = |one: &&Value| {
                    let mut wrong = Vec::new();
                    validate(root, one, value, at, &mut wrong);
                    wrong.is_empty()
                };
                if !all.iter().any(|one| fits(&one)) {
                    note(wrong, at, format!("{value} fits none of {rule}"));
                }
            }
            ("allOf", Value::Array(all)) => {
                for one in all {
                    validate(root, one, value, at, wrong);
                }
                return;
            }
            _ => {}
        }
    }
    if let (Value::Array(items), Some(of)) = (value, rules.get("items")) {
        for (number, item) in items.iter().enumerate() {
            validate(root, of, item, &format!("{at}/{number}"), wrong);
        }
    }
    if let Value::Object(fields) = value {
        of_fields(root, rules, fields, at, wrong);
    }
}

fn note(wrong: &mut Vec<String>, at: &str, what: String) {
    wrong.push(format!("/{}: {what}", at.trim_start_matches('/')));
}

fn of_fields(
    root: &Value,
    rules: &Map<String, Value>,
    fields: &Map<String, Value>,
    at: &str,
    wrong: &mut Vec<String>,
) {
    for (name, field) in fields {
        let at = format!("{at}/{name}");
        match (rules.get("properties").and_then(|known| known.get(name)), rules.get("additionalProperties")) {
            (Some(of), _) => validate(root, of, field, &at, wrong),
            (None, Some(Value::Bool(false))) => wrong.push(format!("{at}: is not in the schema")),
            (None, Some(of)) => validate(root, of, field, &at, wrong),
            (None, None) => {}
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}
