//! The committed files of known failures: each entry with a case has the trace that shows it. Most have the path, too: a shorter trace may be a race's.

use std::path::{Path, PathBuf};

use judge::{Trace, Verdicts, failure_id};

const FILES: [&str; 2] = ["adapters/windows/known-wine-8.0.toml", "adapters/aria2/known-aria2-1.36.0.toml"];

fn read(path: &Path) -> Trace {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Trace::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the rules find a failure of this name in the trace.
fn is_broken(trace: &Trace, id: &str) -> bool {
    let verdicts = Verdicts::of(trace);
    verdicts.violations().any(|violation| failure_id(trace, &violation).to_string() == id)
}

#[test]
fn each_entry_has_the_trace_that_shows_it() {
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).expect("it is committed");
        let known: toml::Table = text.parse().expect("it is TOML");
        let text_of = |entry: &toml::Value, key: &str| entry.get(key)?.as_str().map(str::to_owned);
        let traces = path.with_extension("");
        let (mut shown, mut paths) = (0, 0);
        for entry in known["known"].as_array().expect("it has entries") {
            let id = text_of(entry, "id").expect("an entry has a name");
            if text_of(entry, "case").is_none() {
                continue;
            }
            let of = |behind: &str| -> PathBuf { traces.join(format!("{id}{behind}.jsonl")) };
            let trace = read(&of(""));
            let finding = trace.header.finding.as_ref().expect("a trace of a failure names it");
            assert_eq!(finding.id, id);
            assert!(id.starts_with("agreement-") || is_broken(&trace, &id), "{id} is not in its trace");
            shown += 1;
            if of("-path").exists() {
                read(&of("-path"));
                paths += 1;
            }
        }
        assert!(paths > 0 && paths * 2 > shown, "{file}: {paths} paths of {shown}");
    }
}
