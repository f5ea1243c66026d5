//! The nights as lines of one file: what each did, in figures that can be compared.
//!
//! **What it is.** A [`Night`] is one line of JSON: when, of which commit, with which seed, on which class of machines, and each figure with its
//! denominator. A [`History`] is a file of them.
//!
//! **What it is not.** The results: those of a night that needs a look are in its report. Nor a judgement: [`crate::Trend`] compares.
//!
//! **The law it keeps.** A file is a set of nights: the order of its lines means nothing, and a line that is there twice is there once. So what git
//! makes of two files by `merge=union` reads as both together. A line that cannot be read is named and kept; it takes no other with it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files::pretty;
use crate::results::{EngineResult, Finding, Known, News, Ran, Rate, Results, Status, Unit, Version};
use crate::words;

/// One night: a line of the history.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "A night of bgcheck as a line of its history, version 1")]
pub struct Night {
    /// When it began, such as `2026-01-02 03:04 UTC`.
    pub date: String,
    /// The name of its report.
    pub id: String,
    /// The version of this format.
    pub version: Version,
    /// The commit it was built from.
    pub commit: String,
    /// The seed of everything that was left to chance.
    pub seed: u64,
    /// The class of its machine: rates of two classes are never compared.
    pub class: String,
    /// The compiler that built it.
    pub toolchain: String,
    /// The budget in milliseconds, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_ms: Option<u64>,
    /// The time that its engines took, in milliseconds.
    pub time_ms: u64,
    /// The exit code.
    pub exit: u8,
    /// Whether it was cut off.
    #[serde(default, skip_serializing_if = "is_whole")]
    pub partial: bool,
    /// Schedules of all nights before it that its writer knew.
    pub schedules_before: u64,
    /// What each engine did.
    pub engines: Vec<NightEngine>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<NightFinding>,
    /// Canaries that were caught, of those that were let loose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canaries: Option<Share>,
    /// Seeded faults that an engine saw, of those that were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Share>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_whole(partial: &bool) -> bool {
    !*partial
}

/// What one engine did in a night.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NightEngine {
    /// Its name with what it ran on, as in reports.
    pub name: String,
    /// The exit code that it asked for.
    pub exit: u8,
    /// How long it ran, in milliseconds: the denominator of its rates.
    pub time_ms: u64,
    /// What it counted, the most telling first.
    pub figures: Vec<Figure>,
}

/// So much of something, of so much.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What is counted, such as `schedules` or `model-edges`.
    pub what: String,
    /// How much.
    pub done: u64,
    /// Of how much, where there is a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

/// A failure that a night found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NightFinding {
    /// Its stable id.
    pub id: String,
    /// The rule that it breaks, or `agreement`.
    pub rule: String,
    /// The date of the first night that found it.
    pub first: String,
    /// How often it failed when it was run again, where it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// A number, and the whole that it is a part of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// How many.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// The kinds of figures that are no amounts of work.
pub mod figures {
    /// Edges of the model that a fuzzer reaches.
    pub const EDGES: &str = "model-edges";
    /// Cells of the race-window table that were reached.
    pub const WINDOWS: &str = "race-windows";
    /// Witnesses that were reached.
    pub const WITNESSES: &str = "witnesses";
    /// Runs that reached something new, of all runs.
    pub const NEW_INPUTS: &str = "new-inputs";
    /// Inputs of a corpus.
    pub const CORPUS: &str = "corpus";
    /// Occasions at which a rule had something to decide.
    pub const DECISIONS: &str = "decisions";
}

impl Night {
    /// The line of a run, on the machine class and with the compiler that are named, after the nights that are known.
    #[must_use]
    pub fn of(results: &Results, class: &str, toolchain: &str, before: &History) -> Night {
        let run = &results.run;
        let engines: Vec<NightEngine> =
            results.engines.iter().map(|engine| of_engine(results, engine)).collect();
        let kills = results.kills.as_ref();
        Night {
            date: run.date.clone(),
            id: run.id.clone(),
            version: Version::CURRENT,
            commit: run.commit.clone(),
            seed: run.seed,
            class: class.to_owned(),
            toolchain: toolchain.to_owned(),
            budget_ms: run.budget_ms,
            time_ms: engines.iter().map(|engine| engine.time_ms).sum(),
            exit: results.outcome().exit_code.code(),
            partial: run.partial.is_some(),
            schedules_before: before.schedules(),
            engines,
            findings: findings(results, before),
            canaries: (!results.canaries.is_empty()).then(|| Share {
                done: results.canaries.iter().filter(|canary| canary.is_caught()).count() as u64,
                of: results.canaries.len() as u64,
            }),
            faults: kills.map(|kills| Share { done: kills.seen() as u64, of: kills.tried_count() as u64 }),
        }
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("the types have no map with keys that are not strings")
    }

    /// Schedules of the real service that it executed.
    #[must_use]
    pub fn schedules(&self) -> u64 {
        let figures = self.engines.iter().flat_map(|engine| &engine.figures);
        figures
            .filter(|figure| figure.what == Unit::Schedules.name())
            .fold(0, |sum, figure| sum.saturating_add(figure.done))
    }
}

fn of_engine(results: &Results, engine: &EngineResult) -> NightEngine {
    let exit = results.engine_outcome(engine).exit_code.code();
    let (time_ms, figures) = match &engine.status {
        Status::Ran(ran) => (ran.time_ms, figures_of(ran)),
        Status::Skipped { .. } | Status::Failed { .. } => (0, Vec::new()),
    };
    NightEngine { name: words::engine_title(engine), exit, time_ms, figures }
}

fn figures_of(ran: &Ran) -> Vec<Figure> {
    let figure = |what: &str, done, of| Figure { what: what.to_owned(), done, of };
    // What is counted over all nights follows from them.
    let work = ran.work.iter().filter(|amount| amount.unit != Unit::SchedulesInAll);
    let mut all: Vec<Figure> =
        work.map(|amount| figure(amount.unit.name(), amount.done, amount.of)).collect();
    if let Some(edges) = &ran.edges {
        all.push(figure(figures::EDGES, edges.reached, Some(edges.reachable)));
    }
    if let Some(windows) = &ran.windows {
        let cells = windows.cells() as u64;
        all.push(figure(figures::WINDOWS, cells - windows.empty().len() as u64, Some(cells)));
    }
    if !ran.witnesses.is_empty() {
        let reached =
            ran.witnesses.iter().filter(|witness| witness.seen == crate::WitnessSeen::Reached).count();
        all.push(figure(figures::WITNESSES, reached as u64, Some(ran.witnesses.len() as u64)));
    }
    if let Some(corpus) = &ran.corpus {
        let runs = ran.work.iter().find(|amount| amount.unit == Unit::Runs).map(|amount| amount.done);
        all.push(figure(figures::CORPUS, corpus.after, None));
        all.push(figure(figures::NEW_INPUTS, corpus.added, runs));
    }
    let decisions = ran.findings.iter().filter_map(|result| match result.finding {
        Finding::Sampled { decisions } => Some(decisions.get()),
        _ => None,
    });
    let decisions = decisions.fold(0, u64::saturating_add);
    if decisions > 0 {
        all.push(figure(figures::DECISIONS, decisions, None));
    }
    all
}

fn findings(results: &Results, before: &History) -> Vec<NightFinding> {
    let finding = |found: words::Found<'_>| NightFinding {
        id: found.failure.id.clone(),
        rule: found.rule.map_or_else(|| "agreement".to_owned(), ToString::to_string),
        first: before.first(&found.failure.id).unwrap_or(&results.run.date).to_owned(),
        rate: found.failure.rate,
    };
    words::failures(results).into_iter().map(finding).collect()
}

impl News {
    /// What is new in a run after these nights.
    #[must_use]
    pub fn of(results: &Results, before: &History) -> News {
        let tonight = findings(results, before);
        let last = before.nights().next_back();
        let is_new = |finding: &&NightFinding| before.first(&finding.id).is_none();
        let (new, known): (Vec<_>, Vec<_>) = tonight.iter().partition(is_new);
        let gone = last.into_iter().flat_map(|night| &night.findings);
        let gone = gone.filter(|finding| tonight.iter().all(|other| other.id != finding.id));
        News {
            since: last.map(|night| night.date.clone()),
            new: new.into_iter().map(|finding| finding.id.clone()).collect(),
            gone: gone.map(|finding| finding.id.clone()).collect(),
            known: known
                .into_iter()
                .map(|one| Known { id: one.id.clone(), first: one.first.clone() })
                .collect(),
        }
    }
}

/// A file of nights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    nights: BTreeSet<Night>,
    unread: Vec<Unread>,
}

/// A line that is no night that can be read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
pub struct Unread {
    /// Its number, from 1.
    pub line: usize,
    /// Why not.
    pub why: String,
    /// What it is, so that it is kept.
    #[serde(skip)]
    text: String,
}

impl History {
    /// Reads a file. What is no night is kept apart.
    #[must_use]
    pub fn parse(text: &str) -> History {
        let mut history = History::default();
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() {
                continue;
            }
            match night(line) {
                Ok(night) => {
                    history.nights.insert(night);
                }
                Err(why) => history.unread.push(Unread { line: number, why, text: line.to_owned() }),
            }
        }
        history
    }

    /// The nights, the oldest first.
    pub fn nights(&self) -> impl DoubleEndedIterator<Item = &Night> {
        self.nights.iter()
    }

    /// How many nights there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nights.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nights.is_empty()
    }

    /// The lines that could not be read.
    #[must_use]
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Adds a night, and keeps the newest `keep` ones.
    pub fn add(&mut self, night: Night, keep: usize) {
        self.nights.insert(night);
        while self.nights.len() > keep.max(1) {
            self.nights.pop_first();
        }
    }

    /// The file: the nights by date, and behind them what could not be read.
    #[must_use]
    pub fn text(&self) -> String {
        let nights = self.nights.iter().map(Night::line);
        let lines = nights.chain(self.unread.iter().map(|unread| unread.text.clone()));
        lines.map(|line| line + "\n").collect()
    }

    /// The date of the first night that found a failure.
    #[must_use]
    pub fn first(&self, id: &str) -> Option<&str> {
        let findings = self.nights.iter().flat_map(|night| &night.findings);
        findings.filter(|finding| finding.id == id).map(|finding| finding.first.as_str()).min()
    }

    /// Schedules of all nights: those that are here, and those that the oldest one knew. It is a lower bound: of nights that two branches
    /// had at once and that are no longer here, one branch may not have known.
    #[must_use]
    pub fn schedules(&self) -> u64 {
        let before = self.nights.first().map_or(0, |night| night.schedules_before);
        self.nights.iter().fold(before, |sum, night| sum.saturating_add(night.schedules()))
    }
}

/// The version comes first: what a line of another version lacks is not its error.
fn night(line: &str) -> Result<Night, String> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("it is torn, or no JSON: {error}"))?;
    match value.get("version").and_then(Value::as_u64) {
        None => return Err("it has no version, so it is no night".to_owned()),
        Some(version) if version != u64::from(Version::CURRENT.0) => {
            return Err(format!(
                "it has version {version}, and only version {} can be read",
                Version::CURRENT
            ));
        }
        Some(_) => {}
    }
    serde_json::from_value(value)
        .map_err(|error| format!("it does not keep to version {}: {error}", Version::CURRENT))
}

/// The JSON schema of a line, as committed in `schema/history-v1.schema.json`.
#[must_use]
pub fn history_schema() -> String {
    pretty(&schemars::schema_for!(Night))
}
