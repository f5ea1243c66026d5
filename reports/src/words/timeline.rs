//! The lines of a failure's timeline, all or those around what decides.

use std::collections::BTreeSet;

use super::{plural, printable};
use crate::results::Failure;

/// The lines of a timeline, each with whether it decides the matter.
pub(crate) fn timeline(failure: &Failure) -> impl Iterator<Item = (Line, String)> {
    failure.timeline.lines().zip(1..).map(|(text, number)| {
        let decisive = failure.decisive_lines.contains(&number);
        (if decisive { Line::Decisive } else { Line::Plain }, printable(text))
    })
}

/// The lines of a timeline, `most` at most: those that decide, and then those that are next to them. Where none is marked, the last ones.
/// What is left out is counted in its place.
pub(crate) fn timeline_around(failure: &Failure, most: usize) -> Vec<(Line, String)> {
    let all: Vec<(Line, String)> = timeline(failure).collect();
    if all.len() <= most {
        return all;
    }
    let lines: Vec<Line> = all.iter().map(|(line, _)| *line).collect();
    // There may be a gap before each line that is kept, and one behind the last.
    let kept = nearest(&lines, (most.saturating_sub(1) / 2).max(1));
    let mut shown = Vec::new();
    let mut left_out = 0;
    for (at, line) in all.into_iter().enumerate() {
        if kept.contains(&at) {
            shown.extend(gap(left_out));
            left_out = 0;
            shown.push(line);
        } else {
            left_out += 1;
        }
    }
    shown.extend(gap(left_out));
    shown
}

/// The places of `most` lines: those that decide, and those that are nearest to them; where none does, the last ones.
pub(crate) fn nearest(lines: &[Line], most: usize) -> BTreeSet<usize> {
    let decisive = lines.iter().enumerate().filter(|(_, line)| **line == Line::Decisive).map(|(at, _)| at);
    let mut decisive: Vec<usize> = decisive.collect();
    if decisive.is_empty() {
        decisive.push(lines.len().saturating_sub(1));
    }
    let distance = |at: usize| decisive.iter().map(|near| near.abs_diff(at)).min().unwrap_or(0);
    let mut by_distance: Vec<(usize, usize)> = (0..lines.len()).map(|at| (distance(at), at)).collect();
    by_distance.sort_unstable();
    by_distance.into_iter().take(most).map(|(_, at)| at).collect()
}

fn gap(lines: u64) -> Option<(Line, String)> {
    (lines > 0).then(|| (Line::Plain, format!("    ... {}", plural(lines, "line", "lines"))))
}

/// Whether a line of a timeline decides the matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    Decisive,
    Plain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_timeline_keeps_what_decides_and_counts_the_rest() {
        let failure = Failure {
            timeline: (1..=50).map(|line| format!("{line}\n")).collect(),
            decisive_lines: vec![20, 40],
            ..Failure::default()
        };
        let texts =
            |most| timeline_around(&failure, most).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        let few = ["    ... 18 lines", "19", "20", "    ... 19 lines", "40", "    ... 10 lines"];
        assert_eq!(texts(8), few);
        assert_eq!(texts(50).len(), 50);
        for most in 3..50 {
            assert!(texts(most).len() <= most, "{most}");
        }
    }
}
