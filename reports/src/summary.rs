//! The results for the page of a GitHub workflow: the most important first, and never more than GitHub shows.
//!
//! **What it is.** Markdown in blocks: verdict, what to be warned of, [`FINDINGS`] findings, the rule x subject table, the engines.
//!
//! **What it is not.** The report, which has everything.
//!
//! **The law it keeps.** It has at most [`SUMMARY_BYTES`] bytes, and a block that does not fit is left out whole and named, so that no table or
//! code is cut off.

use crate::markdown::{self, AsTest, Shown};
use crate::results::Results;
use crate::table::Table;
use crate::words;

/// Bytes that a summary may have. GitHub takes 1 MiB for a step and shows 64 KB.
pub const SUMMARY_BYTES: usize = 60_000;

/// Findings that are printed in full.
const FINDINGS: usize = 3;

/// Lines of a timeline.
const TIMELINE: usize = 60;

/// The most important of the results, as Markdown.
#[must_use]
pub fn summary(results: &Results, warnings: &[String]) -> String {
    let table = Table::of(results);
    let mut blocks = vec![("the verdict", folded(16, |text| markdown::verdict(text, results, &table)))];
    if !warnings.is_empty() {
        let lines = warnings.iter().map(|warning| format!("- warning: {}\n", markdown::inline(warning)));
        blocks.push(("the warnings", lines.collect::<String>() + "\n"));
    }
    blocks.push(("the list of findings", folded(30, |text| markdown::found(text, results))));
    let all = words::failures(results);
    blocks.extend(all.iter().take(FINDINGS).map(|found| {
        (
            "a finding",
            block(|text| markdown::failure(text, found, Shown { timeline: TIMELINE, test: AsTest::No })),
        )
    }));
    if all.len() > FINDINGS {
        let more = words::plural((all.len() - FINDINGS) as u64, "more finding is", "more findings are");
        blocks.push(("the number of findings", format!("{more} in the report.\n\n")));
    }
    blocks.push(("the table of rules", folded(60, |text| markdown::matrix(text, results, &table))));
    blocks.push(("the table of engines", folded(60, |text| markdown::engine_table(text, results))));
    fitted(blocks)
}

fn block(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

/// A list or table of `most` lines at most.
fn folded(most: usize, write: impl FnOnce(&mut String)) -> String {
    markdown::folded(&block(write), most)
}

/// What is left for the list of blocks that have no room.
const RESERVE: usize = 500;

fn fitted(blocks: Vec<(&str, String)>) -> String {
    let mut text = String::new();
    let mut without: Vec<&str> = Vec::new();
    for (name, block) in blocks {
        if text.len() + block.len() <= SUMMARY_BYTES - RESERVE {
            text += &block;
        } else if !without.contains(&name) {
            without.push(name);
        }
    }
    if !without.is_empty() {
        text += &format!("Too long to be shown here: {}. The report has it.\n", without.join(", "));
    }
    text
}
