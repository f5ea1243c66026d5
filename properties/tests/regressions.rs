//! Everything ever found replays forever: traces in `properties/regressions`, and the fuzz targets' corpora and regressions.

mod inputs;

use judge::Trace;
use properties::{fuzzing, race, run};

use crate::inputs::files;

/// Those that `bgcheck minimize --emit-test` wrote.
#[path = "../regressions/mod.rs"]
mod found;

#[test]
fn every_committed_trace_is_a_program_that_breaks_nothing_any_more() {
    let traces = files("properties/regressions");
    assert!(!traces.is_empty(), "the folder of regressions has traces");
    for path in traces.iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl")) {
        let text = std::fs::read_to_string(path).expect("a readable trace");
        let trace = Trace::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let program = run::from_trace(&trace).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        run::assert_sound(&program);
    }
}

#[test]
fn every_committed_race_breaks_nothing_any_more() {
    let traces = files("properties/regressions/races");
    assert!(!traces.is_empty(), "the folder of races has traces");
    for path in traces {
        let text = std::fs::read_to_string(&path).expect("a readable trace");
        let trace = Trace::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let scheduled = race::from_trace(&trace);
        let (race, schedule) = scheduled.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        race::assert_sound(&race, &schedule);
    }
}

#[test]
fn the_lockstep_corpus_and_its_regressions_pass() {
    let inputs =
        [files("fuzz/corpus/lockstep"), files("fuzz/sixteen"), files("fuzz/regressions/lockstep")].concat();
    assert!(inputs.len() >= 100, "{} inputs", inputs.len());
    for path in inputs {
        fuzzing::lockstep(&std::fs::read(&path).expect("a readable input"));
    }
}

#[test]
fn the_trace_corpus_and_its_regressions_pass() {
    let inputs = [files("fuzz/corpus/trace"), files("fuzz/regressions/trace")].concat();
    assert!(inputs.len() >= 4, "{} inputs", inputs.len());
    for path in inputs {
        fuzzing::trace(&std::fs::read(&path).expect("a readable input"));
    }
}

#[test]
fn the_schedule_corpus_and_its_regressions_pass() {
    let inputs = [files("fuzz/corpus/schedule"), files("fuzz/regressions/schedule")].concat();
    assert!(inputs.len() >= 64, "{} inputs", inputs.len());
    for path in inputs {
        fuzzing::schedule(&std::fs::read(&path).expect("a readable input"));
    }
}
