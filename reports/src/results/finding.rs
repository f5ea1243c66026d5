//! What an engine found for a rule, and what it compared beside the rules.

use std::fmt;
use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The id of a rule, such as `R1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RuleId(pub String);

impl From<&str> for RuleId {
    fn from(id: &str) -> RuleId {
        RuleId(id.to_owned())
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule in words, carried along so that a report can be read without the sources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleText {
    /// Its id, such as `R1`.
    pub id: RuleId,
    /// Its name, such as `cancelled`.
    pub name: String,
    /// What it demands, in one sentence.
    pub sentence: String,
}

/// What an engine found for one rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleResult {
    /// Which rule.
    pub rule: RuleId,
    /// What was found.
    pub finding: Finding,
}

/// What an engine can find for a rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Finding {
    /// It holds in every state of the scope. Only for an exhaustive engine that came to its end.
    Proved {
        /// In which scope; the proof says nothing outside it.
        scope: String,
    },
    /// It held as often as it had to decide, which was not everywhere.
    Sampled {
        /// How often the rule decided something.
        decisions: NonZeroU64,
    },
    /// It was broken, and replaying the trace breaks it each time.
    Violated(Failure),
    /// It was broken once, but not on every replay.
    Flaky {
        /// The one time.
        failure: Failure,
        /// How many replays broke it again.
        reproduced: u64,
        /// How many replays were made.
        replays: u64,
    },
    /// It never had anything to decide, so that it held says nothing.
    Vacuous,
    /// This engine cannot see what the rule is about.
    NotDecidable {
        /// Why not.
        why: String,
    },
    /// The engine did not carry the rule.
    NotRun,
}

impl Finding {
    /// What a sampler found for a rule that held: [`Finding::Vacuous`] when it never decided anything.
    #[must_use]
    pub fn sampled(decisions: u64) -> Finding {
        NonZeroU64::new(decisions).map_or(Finding::Vacuous, |decisions| Finding::Sampled { decisions })
    }

    /// What a failure is found to be: violated, or flaky when it did not fail each time it was run again.
    #[must_use]
    pub fn broken(failure: Failure) -> Finding {
        match failure.rate {
            Some(rate) if !rate.is_certain() => {
                let Rate { reproduced, replays } = rate;
                Finding::Flaky { failure, reproduced, replays }
            }
            _ => Finding::Violated(failure),
        }
    }

    /// The failure it holds, if it holds one.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Finding::Violated(failure) | Finding::Flaky { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Whether it was broken, on every replay or on some.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Finding::Violated(_) | Finding::Flaky { .. })
    }

    /// Whether the engine has come to a judgement, for good or bad.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        !matches!(self, Finding::NotDecidable { .. } | Finding::NotRun)
    }
}

/// A counterexample, and how to see it again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Its stable id, such as `R1-7f3a09c2`.
    pub id: String,
    /// Where the trace is, relative to the report.
    pub trace_file: Option<String>,
    /// The exact command that shows it again.
    pub replay_command: String,
    /// The timeline as text, one event per line.
    pub timeline: String,
    /// The numbers of the lines of the timeline that decide the matter, counted from 1.
    #[serde(default)]
    pub decisive_lines: Vec<u32>,
    /// What is known beside the timeline, a line each: what its id is made of, how small it became, and the one decision in which
    /// the nearest run that passes differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Which call had to wait for which callback, where that was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<String>,
    /// How often it failed when it was run again; nothing where it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The counterexample as an ordinary test in Rust, where it can be run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

/// How often a counterexample failed when it was run again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// Runs that failed in this way.
    pub reproduced: u64,
    /// Runs.
    pub replays: u64,
}

impl Rate {
    /// Whether it failed each time.
    #[must_use]
    pub const fn is_certain(self) -> bool {
        self.reproduced == self.replays
    }
}

/// A comparison beside the rules: the spec with the engine's core, or a printed trace with the parsed one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// What must be equal.
    pub what: String,
    /// How often it was compared.
    pub compared: u64,
    /// Where it was not.
    #[serde(default)]
    pub disagreements: Vec<Failure>,
}

/// Whether a rule's guard has ever decided something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    /// Which rule.
    pub rule: RuleId,
    /// Whether such a state was reached.
    pub seen: WitnessSeen,
}

/// See [`Witness`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WitnessSeen {
    /// A state was reached in which something is enabled without the rule's guard and disabled with it.
    Reached,
    /// None was.
    NotReached,
}
