//! Replaying a recorded trace on the present code.

use judge::Trace;
use judge::trace::{Kind, Line};

use super::program::Race;
use super::subject::{SUBJECT, trace};
use super::text;

/// Why a trace cannot be replayed as it was.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It was written by something else.
    #[error("the trace was written by {subject:?}, not by a race")]
    NotARace {
        /// By what.
        subject: String,
    },
    /// Its race cannot be read.
    #[error("the race in the trace cannot be read")]
    Race(#[from] text::Error),
    /// The code has changed: something else happens now. This is the first step that differs.
    #[error("the trace no longer fits the code: at seq {seq} it has {expected}, and now there is {got}")]
    Differs {
        /// The step.
        seq: u64,
        /// What the trace has, as its line.
        expected: String,
        /// What happened now, as its line.
        got: String,
    },
}

/// The race and the schedule that wrote a trace.
///
/// # Errors
/// It is not the trace of a race.
pub fn from_trace(trace: &Trace) -> Result<(Race, Vec<u8>), ReplayError> {
    let choices = || {
        trace.lines.iter().filter_map(|line| match &line.what {
            Kind::Choose(choose) => Some(choose),
            _ => None,
        })
    };
    // Lines of the race have one way to go, choices of the schedule have more.
    let lines = choices().filter(|choose| choose.options == 1).map(|choose| &*choose.site);
    if trace.header.subject != SUBJECT || !lines.clone().next().is_some_and(text::is_first) {
        return Err(ReplayError::NotARace { subject: trace.header.subject.clone() });
    }
    let taken = choices().filter(|choose| choose.options > 1);
    let schedule = taken.map(|choose| u8::try_from(choose.taken).unwrap_or(u8::MAX)).collect();
    Ok((Race::parse(lines)?, schedule))
}

/// Runs what a trace was written by, and gives back the trace of today, when every step is equal.
///
/// # Errors
/// It is not the trace of a race, or something else happens now.
pub fn replay(recorded: &Trace) -> Result<Trace, ReplayError> {
    let (race, schedule) = from_trace(recorded)?;
    let now = trace(&race, &schedule, recorded.header.seed);
    let longest = recorded.lines.len().max(now.lines.len());
    let differs = |at: &usize| recorded.lines.get(*at) != now.lines.get(*at);
    let Some(at) = (0..longest).find(differs) else { return Ok(now) };
    let (expected, got) = (recorded.lines.get(at), now.lines.get(at));
    let seq = expected.or(got).map_or(0, |line| line.seq);
    Err(ReplayError::Differs { seq, expected: words(expected), got: words(got) })
}

fn words(line: Option<&Line>) -> String {
    // A line is plain data with text keys, which always has a JSON form.
    line.map_or_else(|| "nothing".to_owned(), |line| serde_json::to_string(line).unwrap_or_default())
}
