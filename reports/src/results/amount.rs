//! How much an engine did, in its own unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So much of something, perhaps out of so much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// What is counted.
    pub unit: Unit,
    /// How much of it was done.
    pub done: u64,
    /// How much there was to do, where that is known.
    #[serde(default)]
    pub of: Option<u64>,
}

impl Amount {
    /// So much of it, of an unknown whole.
    #[must_use]
    pub const fn new(unit: Unit, done: u64) -> Amount {
        Amount { unit, done, of: None }
    }

    /// So much of it, of a known whole.
    #[must_use]
    pub const fn out_of(unit: Unit, done: u64, whole: u64) -> Amount {
        Amount { unit, done, of: Some(whole) }
    }
}

/// What engines count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Different states visited.
    States,
    /// Edges of the state graph followed.
    Edges,
    /// The longest shortest path from an initial state, in steps.
    Depth,
    /// Inputs of a fuzzer executed.
    Runs,
    /// Cases of a property test executed.
    Cases,
    /// Schedules of the real service executed.
    Schedules,
    /// Those of them that differ in more than the order of independent steps.
    DistinctSchedules,
    /// Races they are schedules of.
    Races,
    /// Races of which every schedule was executed.
    RacesExhausted,
    /// Schedules, over all nights whose results are kept with this one's.
    SchedulesInAll,
    /// Calls and environment steps executed.
    Steps,
    /// Traces judged.
    Traces,
    /// Jobs created.
    Jobs,
    /// Users that owned them.
    Users,
    /// API calls made.
    Calls,
    /// Callbacks entered.
    Callbacks,
    /// Recorded events judged.
    Events,
    /// Files compared.
    Files,
    /// Bytes compared.
    Bytes,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Unit; 19] = [
        Unit::States,
        Unit::Edges,
        Unit::Depth,
        Unit::Runs,
        Unit::Cases,
        Unit::Schedules,
        Unit::DistinctSchedules,
        Unit::Races,
        Unit::RacesExhausted,
        Unit::SchedulesInAll,
        Unit::Steps,
        Unit::Traces,
        Unit::Jobs,
        Unit::Users,
        Unit::Calls,
        Unit::Callbacks,
        Unit::Events,
        Unit::Files,
        Unit::Bytes,
    ];

    /// Its name, as results have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unit::States => "states",
            Unit::Edges => "edges",
            Unit::Depth => "depth",
            Unit::Runs => "runs",
            Unit::Cases => "cases",
            Unit::Schedules => "schedules",
            Unit::DistinctSchedules => "distinct-schedules",
            Unit::Races => "races",
            Unit::RacesExhausted => "races-exhausted",
            Unit::SchedulesInAll => "schedules-in-all",
            Unit::Steps => "steps",
            Unit::Traces => "traces",
            Unit::Jobs => "jobs",
            Unit::Users => "users",
            Unit::Calls => "calls",
            Unit::Callbacks => "callbacks",
            Unit::Events => "events",
            Unit::Files => "files",
            Unit::Bytes => "bytes",
        }
    }

    /// Whether an engine that counts this has done no work as long as the count is zero.
    #[must_use]
    pub const fn is_work(self) -> bool {
        matches!(self, Unit::States | Unit::Runs | Unit::Cases | Unit::Schedules | Unit::Traces | Unit::Jobs)
    }

    /// Whether its rate is a measure of the engine's speed.
    #[must_use]
    pub const fn has_rate(self) -> bool {
        !matches!(
            self,
            Unit::Edges
                | Unit::Depth
                | Unit::Users
                | Unit::Traces
                | Unit::Files
                | Unit::Races
                | Unit::RacesExhausted
                | Unit::SchedulesInAll
                | Unit::DistinctSchedules
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_called_as_results_write_them() {
        for unit in Unit::ALL {
            assert_eq!(serde_json::to_value(unit).ok(), Some(unit.name().into()));
        }
    }
}
