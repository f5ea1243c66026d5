//! Runs and failures as timelines for a terminal.

use std::collections::BTreeSet;

use judge::{TimelineOptions, Trace, Violation, timeline};
use properties::difference::Difference;
use properties::findings::Explained;
use properties::minimize::{Failed, told};

use crate::output::printable;

/// Traces of up to this number of lines are drawn with all their jobs.
const DRAWN_WHOLE: usize = 300;

/// A trace as a timeline, without the lines that are only there to run it again.
pub(crate) fn draw(trace: &Trace, violation: Option<Violation>) -> String {
    draw_from(0, trace, violation, BTreeSet::new())
}

/// As [`draw`], from a line on, with more lines marked.
fn draw_from(first: u64, trace: &Trace, violation: Option<Violation>, marked: BTreeSet<u64>) -> String {
    let mut told = told(trace);
    told.lines.retain(|line| line.seq >= first);
    // A whole night does not fit into a picture; the job that the violation is about does.
    let job = violation.and_then(|violation| violation.job).filter(|_| told.lines.len() > DRAWN_WHOLE);
    let drawn = timeline(&told, &TimelineOptions { violation, job, marked, ..TimelineOptions::default() });
    plain(&drawn)
}

/// Both sides of a disagreement, and the run as a timeline.
pub(crate) fn draw_difference(trace: &Trace, difference: &Difference) -> String {
    let job = difference.job.filter(|_| trace.lines.len() > DRAWN_WHOLE);
    plain(&difference.picture(trace, &TimelineOptions { job, ..TimelineOptions::default() }))
}

/// A failure as a timeline: of a disagreement, both sides stand above it.
pub(crate) fn draw_failed(failed: &Failed) -> String {
    match &failed.difference {
        Some(difference) => draw_difference(&failed.trace, difference),
        None => draw(&failed.trace, failed.violation),
    }
}

/// A finding as a timeline.
pub(super) fn draw_explained(explained: &Explained) -> String {
    let Explained { trace, begins, violation, difference, marked, .. } = explained;
    match difference {
        Some(difference) => draw_difference(trace, difference),
        None => draw_from(*begins, trace, *violation, marked.clone()),
    }
}

/// Names and paths in a trace may come from anywhere.
fn plain(drawn: &str) -> String {
    drawn.lines().map(|line| printable(line) + "\n").collect()
}
