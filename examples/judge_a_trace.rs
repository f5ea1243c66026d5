//! Judge a trace: read it, ask every rule, and draw what is broken.
//!
//!     cargo run --example judge_a_trace -- FILE
//!
//! A trace is a file of JSON Lines: what clients called, and what their callbacks saw (`judge/schema`). Without FILE it is one in which a callback
//! comes after Cancel has returned. `bgcheck replay FILE` does as much and more.

use std::error::Error;
use std::fmt::Write as _;

use judge::trace::TraceError;
use judge::{TimelineOptions, Trace, Verdict, Verdicts, failure_id, timeline};

pub(crate) const LATE: &str = include_str!("../judge/golden/bits-late-callback.jsonl");

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file)?,
        None => LATE.to_owned(),
    };
    print!("{}", judged(&text)?);
    Ok(())
}

/// What the rules make of a trace, a line each, and a picture for each that is broken.
pub(crate) fn judged(text: &str) -> Result<String, TraceError> {
    let trace = Trace::parse(text)?;
    let verdicts = Verdicts::of(&trace);
    let mut page = String::new();
    for (rule, verdict) in &verdicts.rules {
        let verdict = match verdict {
            Verdict::Held { decisions } => format!("held, {decisions} decisions"),
            Verdict::Violated { count, .. } => format!("violated {count} times"),
            Verdict::Vacuous => "had nothing to decide".to_owned(),
            Verdict::Undecided { why } => format!("undecided: {why}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{rule} {}: {verdict}", rule.name());
    }
    for violation in verdicts.violations() {
        let options = TimelineOptions { violation: Some(violation), ..TimelineOptions::default() };
        let _ = writeln!(page, "\n{}\n{}", failure_id(&trace, &violation), timeline(&trace, &options));
    }
    Ok(page)
}
