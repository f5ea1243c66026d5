//! The results of a run, as data.
//!
//! Filled by the command, written as `results.json`. The format has a version and a committed schema; a field may be
//! added with a default, anything else is a new version. Nothing here is derived: verdict, exit code and table are
//! computed from it ([`crate::Outcome`], [`crate::Table`]), so that they cannot contradict it.

mod amount;
mod finding;
mod run;

use std::collections::BTreeSet;
use std::fmt;

use contract::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::amount::{Amount, Unit};
pub use self::finding::{
    Agreement, Failure, Finding, Rate, RuleId, RuleResult, RuleText, Witness, WitnessSeen,
};
pub use self::run::{Machine, Run, SetUpStep, Signal};
use crate::account::Account;
use crate::kill::Kills;
use crate::sentences::SentenceCounts;

/// Everything a run found out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The version of this format.
    pub version: Version,
    /// Which run this was.
    pub run: Run,
    /// The rules that the findings cite, in the order in which reports list them.
    pub rules: Vec<RuleText>,
    /// What had to be prepared, timed apart from the budget.
    #[serde(default)]
    pub set_up: Vec<SetUpStep>,
    /// What each engine did, in the order in which they ran.
    pub engines: Vec<EngineResult>,
    /// How the sentences of the documents stand in the version that ran, where the run is about all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentences: Option<SentenceCounts>,
    /// The seeded faults and who saw them, where the run let engines loose on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kills: Option<Kills>,
    /// What was put under test beside the subject to see whether the engines can find anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canaries: Vec<Canary>,
    /// What is new since the night before, where nights are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<News>,
}

/// What is new since the night before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct News {
    /// The date of the night before; nothing when this is the first one.
    pub since: Option<String>,
    /// The ids of failures that no night before has found.
    pub new: Vec<String>,
    /// Failures that the night before had found, and this one has not.
    pub gone: Vec<String>,
    /// Failures that a night before had found, each with the date of the first one.
    pub known: Vec<Known>,
}

/// A failure that is not new.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// Its stable id.
    pub id: String,
    /// The first night that found it.
    pub first: String,
}

/// The version of the format: 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Version(pub u32);

impl Version {
    /// The version that this crate writes, and the only one that it reads.
    pub const CURRENT: Version = Version(1);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One engine's share of a run: one engine, on one subject, in one dialect and scope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EngineResult {
    /// Its name, such as `check product` or `fuzz lockstep`.
    pub name: String,
    /// What it ran on; nothing when it judges no subject, as the fuzzer of the trace format.
    pub subject: Option<Subject>,
    /// The dialect, where one was chosen.
    pub dialect: Option<Dialect>,
    /// The named scope, where there is one.
    pub scope: Option<String>,
    /// Which switches of the dialect were turned, as text; empty when none was.
    #[serde(default)]
    pub switches: String,
    /// What became of it.
    pub status: Status,
}

impl EngineResult {
    /// An engine that could not do its work.
    #[must_use]
    pub fn failed(name: &str, why: impl ToString) -> EngineResult {
        EngineResult {
            name: name.to_owned(),
            subject: None,
            dialect: None,
            scope: None,
            switches: String::new(),
            status: Status::Failed { why: why.to_string() },
        }
    }
}

/// Something that can be put under test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The sequential model.
    Spec,
    /// The model together with the engine's own core.
    Product,
    /// The model of threads, lock and dispatchers.
    Protocol,
    /// The real service under controlled schedules.
    Race,
    /// The real service, on real threads with real HTTP.
    Live,
    /// Another implementation, in another process.
    Foreign,
}

impl Subject {
    /// Every subject, in the order of the table's columns.
    pub const ALL: [Subject; 6] =
        [Subject::Spec, Subject::Product, Subject::Protocol, Subject::Race, Subject::Live, Subject::Foreign];

    /// Whether this version has an engine for the subject at all.
    #[must_use]
    pub const fn is_built(self) -> bool {
        !matches!(self, Subject::Foreign)
    }

    /// Its name, as the table's head has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Subject::Spec => "spec",
            Subject::Product => "product",
            Subject::Protocol => "protocol",
            Subject::Race => "race",
            Subject::Live => "live",
            Subject::Foreign => "foreign",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of an engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "there is one for an engine, and nearly all of them ran")]
pub enum Status {
    /// It ran.
    Ran(Ran),
    /// It could not run here.
    Skipped {
        /// What was missing.
        why: String,
        /// The command that installs what was missing, where there is one.
        install_hint: Option<String>,
    },
    /// It broke: a defect of the workbench, not of the subject.
    Failed {
        /// What went wrong.
        why: String,
    },
}

/// What an engine that ran has done and found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    /// Whether it visits everything in its scope or only samples.
    pub approach: Approach,
    /// Whether it came to its end.
    pub ended: Ended,
    /// How much it did, the most telling amount first.
    pub work: Vec<Amount>,
    /// How long it ran, in milliseconds, without set-up.
    pub time_ms: u64,
    /// What it found for each rule that it carried.
    pub findings: Vec<RuleResult>,
    /// The comparison it made beside the rules, if any.
    #[serde(default)]
    pub agreement: Option<Agreement>,
    /// For each rule with a witness: whether a state was reached in which the rule's guard decides something.
    #[serde(default)]
    pub witnesses: Vec<Witness>,
    /// Which freedoms of the contract the subject used, and how often.
    #[serde(default)]
    pub freedoms: Vec<Freedom>,
    /// For an engine that chooses schedules: what it scheduled inside what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// For a fuzzer of the model: which edges of the model its inputs reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edges: Option<Box<ModelEdges>>,
    /// For a fuzzer: what it began with, and what it added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus: Option<Box<Corpus>>,
    /// For another implementation: how often each rule could be decided, how its races went, and what was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<Account>>,
}

/// What a fuzzer began with, and what it did beyond running that again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Corpus {
    /// Inputs before it ran.
    pub before: u64,
    /// Inputs after it ran.
    pub after: u64,
    /// Inputs that reached something new and were kept.
    pub added: u64,
    /// Runs of inputs that it had already.
    pub replayed: u64,
    /// Nights in a row that added nothing, this one included.
    #[serde(default)]
    pub idle_nights: u64,
}

/// A subject that is broken on purpose, and whether an engine found it out. One that did not shows that it finds nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Canary {
    /// The engine that was let loose on it.
    pub engine: String,
    /// What is broken.
    pub broken: String,
    /// The rules that the engine had to see broken; any one when none is named.
    pub expected: Vec<RuleId>,
    /// The rules that it saw broken.
    pub seen: Vec<RuleId>,
    /// How often it saw the subject do something else than the specification.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub disagreements: u64,
    /// How much the engine did.
    pub work: Vec<Amount>,
    /// How long it took, in milliseconds.
    pub time_ms: u64,
}

impl Canary {
    /// What became of a canary of which this engine had to find the rules `expected` broken, or any one when none is named.
    #[must_use]
    pub fn of(engine: &EngineResult, broken: &str, expected: &[RuleId]) -> Canary {
        let (seen, disagreements, work, time_ms) = match &engine.status {
            Status::Ran(ran) => {
                let broken = ran.findings.iter().filter(|result| result.finding.is_broken());
                let seen = broken.map(|result| result.rule.clone()).collect();
                let parted =
                    ran.agreement.as_ref().map_or(0, |agreement| agreement.disagreements.len() as u64);
                (seen, parted, ran.work.clone(), ran.time_ms)
            }
            Status::Skipped { .. } | Status::Failed { .. } => (Vec::new(), 0, Vec::new(), 0),
        };
        let (engine, broken) = (engine.name.clone(), broken.to_owned());
        Canary { engine, broken, expected: expected.to_vec(), seen, disagreements, work, time_ms }
    }

    /// Whether all of it was found. Where no rule is named, an engine that ends with the first difference from the specification
    /// has found it, too.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        let parted = self.expected.is_empty() && self.disagreements > 0;
        parted || !self.seen.is_empty() && self.expected.iter().all(|rule| self.seen.contains(rule))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How much of the model a fuzzer's inputs reach, in edges: what one step of one job can be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelEdges {
    /// Edges of the index that some input reaches.
    pub reached: u64,
    /// Edges of the index, which was found by exploring.
    pub reachable: u64,
    /// The names of those that no input reaches, in the order of the index.
    pub missing: Vec<String>,
    /// How many of this index the night before reached, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_night: Option<u64>,
    /// The edges of the index by state and method, where they were counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<EdgeCell>,
    /// The names of edges that some input reaches and the index does not have: the index is out of date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The edges of the model that one method has in one state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EdgeCell {
    /// The state.
    pub state: String,
    /// The method, the callback, or what the environment does.
    pub what: String,
    /// Edges that some input reaches.
    pub reached: u64,
    /// Edges that there are.
    pub of: u64,
}

impl EdgeCell {
    /// The cells of an index of edges, by the names of all of them and of those that were not reached. States and methods come in the order
    /// of their first edge.
    #[must_use]
    pub fn count<'a>(all: impl Iterator<Item = &'a str>, missing: &[String]) -> Vec<EdgeCell> {
        let missing: BTreeSet<&str> = missing.iter().map(String::as_str).collect();
        let mut cells: Vec<EdgeCell> = Vec::new();
        for name in all {
            let Some((from, step)) = name.split_once(" | ") else { continue };
            let first = |text: &str| text.split([' ', '(']).next().unwrap_or_default().to_owned();
            let (state, what) = (first(from), first(step));
            let reached = u64::from(!missing.contains(name));
            match cells.iter_mut().find(|cell| cell.state == state && cell.what == what) {
                Some(cell) => {
                    cell.reached += reached;
                    cell.of += 1;
                }
                None => cells.push(EdgeCell { state, what, reached, of: 1 }),
            }
        }
        cells
    }
}

/// What the absence of a counterexample means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approach {
    /// Every state of the scope is visited; once it is done, what held is proved there.
    Exhaustive,
    /// As much as the budget allows is tried; nothing is ever proved.
    Sampling,
}

/// How an engine came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It did all it meant to do.
    Done,
    /// The budget was spent first. For a sampler that is the normal end.
    BudgetSpent,
}

/// A freedom that the contract leaves, and how often the subject used it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Freedom {
    /// Which freedom.
    pub what: String,
    /// How many times.
    pub times: u64,
}

/// The race-window table: how often each API call took effect while another thread stood at each internal step.
///
/// A race is a call inside a step, so the cells are the denominator of race coverage, and an empty one is a race that was not tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// How schedules were chosen, in the order of the counts of a cell.
    pub strategies: Vec<String>,
    /// The internal steps, in the order of the cells of a row.
    pub steps: Vec<String>,
    /// A row per API call.
    pub rows: Vec<WindowRow>,
}

/// One API call of a race-window table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WindowRow {
    /// The method.
    pub call: String,
    /// Per internal step, and in it per strategy: how often.
    pub cells: Vec<Vec<u64>>,
}

impl Windows {
    /// The cells that no strategy has come to, as `Cancel in begun`.
    #[must_use]
    pub fn empty(&self) -> Vec<String> {
        let of_row = |row: &WindowRow| {
            let cells = self.steps.iter().zip(&row.cells);
            let empty = cells.filter(|(_, counts)| counts.iter().sum::<u64>() == 0);
            empty.map(|(step, _)| format!("{} in {step}", row.call)).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(of_row).collect()
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.rows.len() * self.steps.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_counted_by_state_and_method() {
        let names = [
            "ERROR | Cancel -> S_OK",
            "ERROR mask=F reg=none pending=- | Cancel -> S_OK",
            "ERROR | SetNotifyFlags(end) -> S_OK",
            "QUEUED | turn -> TRANSFERRING",
            "no edge",
        ];
        let missing = [names[1].to_owned(), names[3].to_owned()];
        let cells = EdgeCell::count(names.into_iter(), &missing);
        let cells: Vec<_> = cells
            .iter()
            .map(|cell| (cell.state.as_str(), cell.what.as_str(), cell.reached, cell.of))
            .collect();
        let expected =
            [("ERROR", "Cancel", 1, 2), ("ERROR", "SetNotifyFlags", 1, 1), ("QUEUED", "turn", 0, 1)];
        assert_eq!(cells, expected);
    }
}
