//! The results of a run, as data.
//!
//! Filled by the command, written as `results.json`. The format has a version and a committed schema; a field may be
//! added with a default, anything else is a new version. Nothing here is derived: verdict, exit code and table are
//! computed from it ([`crate::Outcome`], [`crate::Table`]), so that they cannot contradict it.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU64;

use contract::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// How many of the same index the night before reached, where there was one.
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

    /// Whether its rate says something about the engine's speed.
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

    /// The failure it tells of, if it tells of one.
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
    /// Runs that failed the same way.
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
    fn units_are_called_as_results_write_them() {
        for unit in Unit::ALL {
            assert_eq!(serde_json::to_value(unit).ok(), Some(unit.name().into()));
        }
    }

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
