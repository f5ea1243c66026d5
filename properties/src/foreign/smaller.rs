//! A path on which an implementation fails, made smaller by leading the implementation again.
//!
//! One thing that comes from outside is left out after the other, with what follows from it, as long as the failure of one name stays.
//! What does not come each time is led more often: so often that it would have come with a probability of 95 %.

use std::time::Instant;

use adapter::Fault;
use adapter::wire::can;
use judge::Trace;
use model::drive::Stimulus;

use super::{Stage, play};
use crate::minimize::Identity;
use crate::suite::{Case, Failed, Finding, Outcome, Settles, case_of, is_from_outside, slice_of, steps_of};

/// How much may be done to make a path smaller.
#[derive(Clone, Copy)]
pub struct Effort<'a> {
    /// How often a path is led before it counts as one without the failure.
    pub runs: u32,
    /// No path is begun after it.
    pub until: Instant,
    /// Called now and then; it returns whether to end early.
    pub enough: &'a (dyn Fn() -> bool + Sync),
}

impl Effort<'_> {
    /// The number of runs of a path after which a failure with this rate would have come with a probability of 95 %. It came in `seen`
    /// of `of` runs.
    #[must_use]
    pub fn runs_for((seen, of): (u32, u32)) -> u32 {
        if seen == 0 || seen >= of {
            return 1;
        }
        let missed = 1.0 - f64::from(seen) / f64::from(of);
        // Between 1 and some hundreds, so it fits.
        ((0.05_f64.ln() / missed.ln()).ceil() as u32).clamp(1, MOST_RUNS)
    }
}

/// Runs of one path at most.
const MOST_RUNS: u32 = 300;

/// Paths that are tried for one failure.
const MOST_TRIES: u32 = 40;

/// A path that is smaller.
#[derive(Clone, PartialEq, Debug)]
pub struct Smaller {
    /// The failure, as it was met on it.
    pub finding: Finding,
    /// The run.
    pub trace: Trace,
    /// The path.
    pub case: Case,
    /// Paths that were tried.
    pub tries: u32,
    /// Whether nothing more could be left out; else time or tries were over.
    pub is_smallest: bool,
}

/// Leads the implementation along a path once, and returns its failure.
pub(super) fn failed(case: &Case, stage: &mut Stage) -> Result<Option<Failed>, Fault> {
    let (judged, _) = play(case, stage)?;
    Ok(match judged.outcome {
        Outcome::Failed(failed) => Some(*failed),
        Outcome::Passed | Outcome::NotRunnable(_) => None,
    })
}

/// The finding of this name, and the run, if the implementation fails so on the path.
fn has(id: Identity, case: &Case, stage: &mut Stage) -> Result<Option<(Finding, Trace)>, Fault> {
    let Some(failed) = failed(case, stage)? else { return Ok(None) };
    let finding = failed.findings.into_iter().find(|finding| finding.id() == id);
    Ok(finding.map(|finding| (finding, failed.trace)))
}

/// Makes a path smaller as long as the failure stays. None when nothing could be left out, or it is no path of the model.
///
/// # Errors
/// The adapter does something wrong.
pub fn smaller(
    id: Identity,
    case: &Case,
    stage: &mut Stage,
    effort: &Effort<'_>,
) -> Result<Option<Smaller>, Fault> {
    let (Some(slice), Ok(mut path)) = (slice_of(&case.trace.header), steps_of(&case.trace)) else {
        return Ok(None);
    };
    // Where nothing is kept on the way, nothing is to be kept when a call is left out.
    let settles = if keeps(case) { Settles::WhenStill } else { Settles::AtRest };
    let (mut found, mut tries): (Option<Smaller>, u32) = (None, 0);
    let mut at = path.len();
    let is_smallest = loop {
        let Some(call) = last_call_before(&path, at) else { break true };
        if tries >= MOST_TRIES || Instant::now() >= effort.until || (effort.enough)() {
            break false;
        }
        at = call;
        let shorter = case_of((&slice, settles), stage.session.dialect(), &without(&path, call), &case.name);
        let Ok(steps) = steps_of(&shorter.trace) else { continue };
        tries += 1;
        if let Some((finding, trace)) = met(id, &shorter, stage, effort)? {
            found = Some(Smaller { finding, trace, case: shorter, tries, is_smallest: false });
            path = steps;
        }
    };
    Ok(found.map(|found| Smaller { tries, is_smallest, ..found }))
}

/// Leads the implementation along a path until it fails so, but not for ever.
fn met(
    id: Identity,
    case: &Case,
    stage: &mut Stage,
    effort: &Effort<'_>,
) -> Result<Option<(Finding, Trace)>, Fault> {
    for _ in 0..effort.runs {
        if let Some(met) = has(id, case, stage)? {
            return Ok(Some(met));
        }
        if Instant::now() >= effort.until || (effort.enough)() {
            break;
        }
    }
    Ok(None)
}

/// Whether something is kept on a path while something comes from outside.
fn keeps(case: &Case) -> bool {
    let needs = play::needs(case);
    needs.contains(can::HOLD) || needs.contains(can::STALL)
}

/// The last thing that comes from outside before a place; the calls that make jobs stay.
fn last_call_before(path: &[Stimulus], end: usize) -> Option<usize> {
    path[..end].iter().rposition(|step| is_from_outside(step) && !step.is_create())
}

/// The path without something that comes from outside, and without what the service does by itself behind it.
fn without(path: &[Stimulus], call: usize) -> Vec<Stimulus> {
    let next = path[call + 1..].iter().position(is_from_outside);
    let behind = next.map_or(path.len(), |next| call + 1 + next);
    [&path[..call], &path[behind..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_seldom_is_led_more_often() {
        assert_eq!(Effort::runs_for((20, 20)), 1);
        assert_eq!(Effort::runs_for((10, 20)), 5);
        assert_eq!(Effort::runs_for((1, 20)), 59);
        assert_eq!(Effort::runs_for((1, 1000)), MOST_RUNS);
        assert_eq!(Effort::runs_for((0, 20)), 1);
    }
}
