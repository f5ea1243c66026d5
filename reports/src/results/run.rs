//! Which run it was, and on which machine.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which run this was, and how to do it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The name of the run, unique among the runs kept together.
    pub id: String,
    /// When it began, as text: this crate reads no clock.
    pub date: String,
    /// The version of the command.
    pub tool_version: String,
    /// The commit it was built from.
    pub commit: String,
    /// The command line that started it.
    pub command_line: String,
    /// The seed of everything that left something to chance.
    pub seed: u64,
    /// The budget in milliseconds; without one, every engine ran to its end.
    pub budget_ms: Option<u64>,
    /// The machine it ran on.
    pub machine: Machine,
    /// Why the results are only a part: the run was stopped, or an engine had to be ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// The signal that stopped it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Signal>,
}

/// A signal that asks a run to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Signal {
    /// The terminal is gone.
    #[serde(rename = "SIGHUP")]
    HangUp,
    /// Ctrl-C.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// What `kill` and `timeout` send.
    #[serde(rename = "SIGTERM")]
    Terminate,
}

impl Signal {
    /// Each of them, with its number.
    pub const ALL: [(Signal, u8); 3] = [(Signal::HangUp, 1), (Signal::Interrupt, 2), (Signal::Terminate, 15)];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        Signal::ALL.into_iter().find(|(signal, _)| *signal == self).map_or(0, |(_, number)| number)
    }

    /// The signal of this number, if it is one of these.
    #[must_use]
    pub fn of(number: u8) -> Option<Signal> {
        Signal::ALL.into_iter().find(|(_, known)| *known == number).map(|(signal, _)| signal)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::HangUp => "SIGHUP",
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        })
    }
}

/// The facts of a machine without which no rate means anything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Operating system and architecture.
    pub os: String,
    /// Cores that the run could use.
    pub cores: u32,
    /// Memory in bytes, where it is known.
    pub memory_bytes: Option<u64>,
}

/// Something that had to be done before an engine could run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetUpStep {
    /// What was done.
    pub what: String,
    /// How long it took, in milliseconds, outside the budget.
    pub time_ms: u64,
    /// Why it failed, if it did.
    #[serde(default)]
    pub failed: Option<String>,
}
