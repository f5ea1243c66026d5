//! The night that an engine is a part of: which engine of how many it is, and the time that is left of the whole.
//!
//! The process that runs an engine learns it from its environment.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::work;
use crate::run::millis;

/// Which part of a night a process is, when it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OfNight {
    /// The engine, counted from 1, and of how many.
    pub(crate) engine: u64,
    pub(crate) of: u64,
    /// About how long this engine takes, as the last night shows.
    pub(crate) own: Duration,
    /// About how long what comes behind it takes.
    pub(crate) later: Duration,
    /// What is left of the budget, where samplers spend what the other engines leave of it.
    pub(crate) budget: Option<Duration>,
}

/// The variable with it.
pub(crate) const VARIABLE: &str = "BGCHECK_NIGHT";

impl OfNight {
    /// As the variable has it.
    pub(crate) fn print(self) -> String {
        // Plain data with text keys always has a JSON form.
        serde_json::to_string(&self).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<OfNight> {
        serde_json::from_str(text).ok()
    }

    /// What is left of the night so long after this. `own` is what the engine still takes by its own estimate. One may go on when its
    /// budget is spent.
    fn left(self, since: Duration, own: Option<Duration>) -> Duration {
        let behind = self.own.saturating_sub(since).max(own.unwrap_or_default()) + self.later;
        behind.max(self.budget.unwrap_or_default().saturating_sub(since))
    }
}

/// This process's part, and since when it has it.
static PART: Mutex<Option<(OfNight, Instant)>> = Mutex::new(None);

/// This process runs an engine of a night, if its environment has the part.
pub(crate) fn begin() {
    if let Some(part) = std::env::var(VARIABLE).ok().and_then(|text| OfNight::parse(&text)) {
        take_part(part);
    }
}

/// From now on this process does this part of a night.
pub(crate) fn take_part(part: OfNight) {
    *PART.lock().unwrap_or_else(PoisonError::into_inner) = Some((part, Instant::now()));
}

/// Where the night stands, if there is one and its engine still takes so long.
pub(super) fn standing(own: Option<Duration>) -> Option<Night> {
    let (part, since) = (*PART.lock().unwrap_or_else(PoisonError::into_inner))?;
    Some(Night { engine: part.engine, of: part.of, left: part.left(since.elapsed(), own) })
}

/// Where a night stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Night {
    engine: u64,
    of: u64,
    left: Duration,
}

impl Night {
    pub(super) fn in_words(self) -> String {
        let left = work::in_words(self.left);
        format!("; engine {} of {}, about {left} left of the night", self.engine, self.of)
    }

    pub(super) fn in_json(self) -> Value {
        json!({ "engine": self.engine, "of": self.of, "left_ms": millis(self.left) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_is_printed_and_a_night_lasts_as_long_as_what_it_has_to_do() {
        let seconds = Duration::from_secs;
        let part =
            OfNight { engine: 3, of: 12, own: seconds(10), later: seconds(20), budget: Some(seconds(45)) };
        assert_eq!(OfNight::parse(&part.print()), Some(part));
        assert_eq!(part.left(seconds(5), Some(seconds(5))), seconds(40), "samplers spend the budget");
        assert_eq!(part.left(seconds(40), Some(seconds(7))), seconds(27), "this one has gone beyond its own");
        let without_samplers = OfNight { budget: None, ..part };
        assert_eq!(without_samplers.left(seconds(4), None), seconds(26), "as the last night shows");
    }
}
