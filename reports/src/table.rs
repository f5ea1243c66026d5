//! The rule x subject table: for each cell what is proved, what is only sampled, and what cannot be decided there.

use schemars::JsonSchema;
use serde::Serialize;

use crate::outcome::Doubt;
use crate::results::{EngineResult, Finding, Ran, Results, RuleId, RuleResult, Status, Subject};
use crate::words;

/// The table, derived from the findings of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Table {
    /// One row per rule, in the order of the results; rules that are found but not listed come last.
    pub rows: Vec<Row>,
}

/// What is known of one rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Row {
    /// Which rule.
    pub rule: RuleId,
    /// One cell per subject, in the order of [`Subject::ALL`].
    pub cells: Vec<Cell>,
}

/// What is known of one rule on one subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Cell {
    /// Which subject.
    pub subject: Subject,
    /// The weightiest of what the engines found.
    pub standing: Standing,
    /// What each engine found that carried the rule on the subject.
    pub parts: Vec<Part>,
}

/// One engine's finding, in a cell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Part {
    /// What it ran on.
    pub subject: Subject,
    /// Which engine, with what it ran on.
    pub engine: String,
    /// The dialect's name; empty when the engine had none.
    pub dialect: String,
    /// The scope; empty when the engine had none.
    pub scope: String,
    /// What it found.
    pub standing: Standing,
    /// How often the rule decided something, where it was sampled.
    pub decisions: u64,
    /// The id of the failure, where there is one.
    pub failure: Option<String>,
}

/// How a rule stands on a subject. In order of weight: a cell shows the first that any of its engines found, so that
/// a proof in one scope never hides a violation or an emptiness in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Broken.
    Violated,
    /// Broken, but not each time.
    Flaky,
    /// Held without ever having had to decide anything.
    Vacuous,
    /// Proved, in the scopes that the parts name.
    Proved,
    /// Held as often as it was sampled.
    Sampled,
    /// The engines for the subject cannot see what the rule is about.
    NotDecidable,
    /// No engine of this run carried the rule on the subject.
    NotRun,
    /// This version has no engine for the subject.
    NotYet,
}

impl Standing {
    /// It in a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Standing::Violated => "VIOLATED",
            Standing::Flaky => "FLAKY",
            Standing::Vacuous => "vacuous",
            Standing::Proved => "proved",
            Standing::Sampled => "sampled",
            Standing::NotDecidable => "not decidable",
            Standing::NotRun => "not run",
            Standing::NotYet => "not yet",
        }
    }
}

impl Finding {
    /// How a rule stands of which only this is known.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self {
            Finding::Proved { .. } => Standing::Proved,
            Finding::Sampled { .. } => Standing::Sampled,
            Finding::Violated(_) => Standing::Violated,
            Finding::Flaky { .. } => Standing::Flaky,
            Finding::Vacuous => Standing::Vacuous,
            Finding::NotDecidable { .. } => Standing::NotDecidable,
            Finding::NotRun => Standing::NotRun,
        }
    }
}

impl Table {
    /// The table of a run.
    #[must_use]
    pub fn of(results: &Results) -> Table {
        Table { rows: rule_ids(results).into_iter().map(|rule| row(results, rule)).collect() }
    }

    /// The subjects of which the table shows something, and those on which nothing ran.
    #[must_use]
    pub fn subjects(&self) -> (Vec<Subject>, Vec<Subject>) {
        let shown = |subject: Subject| !self.rows.iter().all(|row| row.is_empty(subject));
        Subject::ALL.into_iter().partition(|subject| shown(*subject))
    }
}

impl Row {
    /// The cell of a subject.
    #[must_use]
    pub fn cell(&self, subject: Subject) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.subject == subject)
    }

    fn is_empty(&self, subject: Subject) -> bool {
        let nothing = |cell: &Cell| matches!(cell.standing, Standing::NotYet | Standing::NotRun);
        self.cell(subject).is_none_or(nothing)
    }
}

impl Cell {
    /// The parts that stand as the cell does, and the others.
    #[must_use]
    pub fn split(&self) -> (Vec<&Part>, Vec<&Part>) {
        self.parts.iter().partition(|part| part.standing == self.standing)
    }
}

/// The rules that the results list, and then any that only a finding names: no finding may get lost.
fn rule_ids(results: &Results) -> Vec<RuleId> {
    let mut ids: Vec<RuleId> = results.rules.iter().map(|rule| rule.id.clone()).collect();
    for engine in &results.engines {
        let Status::Ran(ran) = &engine.status else { continue };
        for result in &ran.findings {
            if !ids.contains(&result.rule) {
                ids.push(result.rule.clone());
            }
        }
    }
    ids
}

fn row(results: &Results, rule: RuleId) -> Row {
    let cells = Subject::ALL.into_iter().map(|subject| cell(results, &rule, subject)).collect();
    Row { rule, cells }
}

fn cell(results: &Results, rule: &RuleId, subject: Subject) -> Cell {
    let engines = results.engines.iter().filter(|engine| engine.subject == Some(subject));
    let parts: Vec<Part> = engines.flat_map(|engine| parts(engine, rule, subject)).collect();
    let untried = if subject.is_built() { Standing::NotRun } else { Standing::NotYet };
    let standing = parts.iter().map(|part| part.standing).min().unwrap_or(untried);
    Cell { subject, standing, parts }
}

fn parts(engine: &EngineResult, rule: &RuleId, subject: Subject) -> Vec<Part> {
    let Status::Ran(ran) = &engine.status else { return Vec::new() };
    let mine = ran.findings.iter().filter(|result| result.rule == *rule);
    mine.map(|result| Part {
        subject,
        engine: words::engine_title(engine),
        dialect: engine.dialect.map(|dialect| dialect.to_string()).unwrap_or_default(),
        scope: match &result.finding {
            Finding::Proved { scope } => scope.clone(),
            _ => engine.scope.clone().unwrap_or_default(),
        },
        standing: believed(ran, result),
        decisions: match result.finding {
            Finding::Sampled { decisions } => decisions.get(),
            _ => 0,
        },
        failure: result.finding.failure().map(|failure| failure.id.clone()),
    })
    .collect()
}

/// How the rule stands, given what the engine could know: a claim of a proof that it cannot give is no proof.
fn believed(ran: &Ran, result: &RuleResult) -> Standing {
    match ran.doubt(result) {
        None => result.finding.standing(),
        Some(Doubt::NoWitness) => Standing::Vacuous,
        Some(Doubt::OnlySamples | Doubt::NotDone) => Standing::NotRun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_or_an_emptiness_is_never_hidden_by_a_proof() {
        assert!(Standing::Violated < Standing::Proved && Standing::Vacuous < Standing::Proved);
        assert!(Standing::Proved < Standing::Sampled && Standing::Sampled < Standing::NotDecidable);
    }
}
