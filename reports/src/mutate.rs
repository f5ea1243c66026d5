//! The mutation score: mutants of the model, the engine that noticed each, and what it means that none did.
//!
//! **What it is.** [`Mutations`] is the result as data, [`Mutations::verdict`] what it comes to, [`Mutations::text`] and [`Mutations::markdown`] are its
//! renderings. [`Survivors`] is the committed list of what is expected to survive, each with an argument.
//!
//! **What it is not.** The list of mutants: that is the model's.
//!
//! **The law it keeps.** A survivor counts against the score whatever its argument, and one without an argument ends the run with 2.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::outcome::ExitCode;
use crate::results::Signal;
use crate::words;

/// What became of every mutant of a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Mutations {
    /// Which commit's model.
    pub commit: String,
    /// What was typed.
    pub command_line: String,
    /// What programs and races followed from.
    pub seed: u64,
    /// The engines that looked, in order.
    pub engines: Vec<String>,
    /// Whether these are all there are.
    pub extent: Extent,
    /// Engines that noticed something of the unchanged model.
    pub wolves: Vec<String>,
    /// A row for each mutant.
    pub rows: Vec<MutantRow>,
    /// How long it took, without building, in milliseconds.
    pub time_ms: u64,
    /// The signal that stopped it before everything was tried, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Signal>,
}

/// Whether every engine looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// All.
    EveryEngine,
    /// Some: what they did not notice may be noticed by others.
    SomeEngines,
}

/// One mutant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MutantRow {
    /// Its name; what stands before the first slash is its group.
    pub name: String,
    /// What is changed, as one sentence.
    pub what: String,
    /// What became of it.
    pub fate: Fate,
    /// Set by [`Mutations::explain`]: what it means that it survives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survivor: Option<Survivor>,
}

/// What became of a mutant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Fate {
    /// An engine noticed it.
    Noticed {
        /// Which engine, the first in their order.
        by: String,
        /// What it noticed.
        sign: String,
        /// How long all engines up to this one looked, in milliseconds.
        time_ms: u64,
    },
    /// No engine did.
    Survived {
        /// How long they looked, in milliseconds.
        time_ms: u64,
        /// In how many states it was shown to be equivalent to the model, when it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        same_states: Option<usize>,
    },
    /// None of the engines asked for has it inside.
    OutOfReach,
}

/// What it means that a mutant survives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// It is equivalent to the model: no state differs.
    Equivalent,
    /// What it changes is specified nowhere, or is outside the model.
    Unspecified,
    /// The rule decides nothing there.
    Vacuous,
    /// It changes something, and no engine of this command looks there.
    Unobserved,
}

impl Meaning {
    const fn word(self) -> &'static str {
        match self {
            Meaning::Equivalent => "equivalent",
            Meaning::Unspecified => "unspecified behaviour",
            Meaning::Vacuous => "vacuous",
            Meaning::Unobserved => "not looked at",
        }
    }
}

/// A survivor's argument.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Survivor {
    /// What it means.
    pub meaning: Meaning,
    /// Why, as a sentence.
    pub why: String,
}

/// The mutants that are expected to survive, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Survivors {
    /// Each with its argument.
    pub survivors: BTreeMap<String, Survivor>,
}

/// What the score comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MutationVerdict {
    /// An engine noticed something of the unchanged model.
    CriedWolf(Vec<String>),
    /// These survived without an argument.
    NewSurvivors(Vec<String>),
    /// Some engines looked, and did not notice these.
    Unnoticed(Vec<String>),
    /// No engine looked at any mutant.
    NothingRun,
    /// Every mutant was noticed, or survives with an argument.
    Accounted,
}

/// What came of a group of mutants.
#[derive(Clone, Copy, Default)]
struct Score {
    noticed: usize,
    survived: usize,
    /// Of those that survived, the ones that a run has shown to be equivalent to the model.
    same: usize,
}

impl Score {
    fn of(self) -> usize {
        self.noticed + self.survived
    }

    fn percent(self) -> String {
        words::percent(self.noticed, self.of())
    }

    /// The share of all, and of those that could be noticed at all.
    fn both_ways(self) -> String {
        let others = self.of() - self.same;
        format!(
            "{} of {} mutants were noticed ({}); {} that survive are shown to be equivalent to the model, and of the \
             other {others} it is {}",
            self.noticed,
            self.of(),
            self.percent(),
            self.same,
            words::percent(self.noticed, others)
        )
    }
}

impl Survivors {
    /// Expects from now on what a run of every engine did not notice; what it noticed needs no argument any more, and what survives without one still
    /// needs one. Mutants that were not asked for stay as they are.
    pub fn take_over(&mut self, mutations: &Mutations) {
        let noticed = mutations.rows.iter().filter(|row| matches!(row.fate, Fate::Noticed { .. }));
        for row in noticed {
            self.survivors.remove(&row.name);
        }
    }
}

impl MutantRow {
    fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    fn survived(&self) -> bool {
        matches!(self.fate, Fate::Survived { .. })
    }
}

impl Mutations {
    /// Gives each survivor its argument.
    pub fn explain(&mut self, known: &Survivors) {
        for row in self.rows.iter_mut().filter(|row| row.survived()) {
            row.survivor = known.survivors.get(&row.name).cloned();
        }
    }

    /// What it comes to, the gravest first.
    #[must_use]
    pub fn verdict(&self) -> MutationVerdict {
        if !self.wolves.is_empty() {
            return MutationVerdict::CriedWolf(self.wolves.clone());
        }
        if self.rows.iter().all(|row| row.fate == Fate::OutOfReach) {
            return MutationVerdict::NothingRun;
        }
        let unexplained = self.rows.iter().filter(|row| row.survived() && row.survivor.is_none());
        let names: Vec<String> = unexplained.map(|row| row.name.clone()).collect();
        match (names.is_empty(), self.extent) {
            (true, _) => MutationVerdict::Accounted,
            (false, Extent::EveryEngine) => MutationVerdict::NewSurvivors(names),
            (false, Extent::SomeEngines) => MutationVerdict::Unnoticed(names),
        }
    }

    /// What it ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.verdict() {
            MutationVerdict::NothingRun if self.stopped_by.is_some() => {
                self.stopped_by.map_or(ExitCode::Vacuous, Signal::exit_code)
            }
            MutationVerdict::CriedWolf(_) | MutationVerdict::NewSurvivors(_) => ExitCode::Violated,
            MutationVerdict::Unnoticed(_) | MutationVerdict::NothingRun => ExitCode::Vacuous,
            MutationVerdict::Accounted => ExitCode::Held,
        }
    }

    /// The score and the survivors, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("Mutants by group\n");
        for (group, score) in self.groups() {
            let _ = writeln!(
                text,
                "  {group:<14} {:>4} of {:>4} noticed   {:>8}",
                score.noticed,
                score.of(),
                score.percent()
            );
        }
        text.push_str("Noticed first by\n");
        for engine in &self.engines {
            let _ = writeln!(text, "  {engine:<14} {:>4}", self.noticed_by(engine));
        }
        let survivors: Vec<&MutantRow> = self.rows.iter().filter(|row| row.survived()).collect();
        if !survivors.is_empty() {
            text.push_str("Survivors\n");
        }
        for row in survivors {
            let _ = writeln!(text, "  {}\n      {}\n      {}", row.name, row.what, means(row));
        }
        let _ = writeln!(text, "\n{}", self.conclusion());
        text
    }

    /// The score and the survivors, as a document.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# Mutants of the model\n\nWritten by `{}` at commit {}, seed {}.\n\n{}\n\n\
             | group | noticed | of | score |\n|---|---|---|---|\n",
            self.command_line,
            self.commit,
            self.seed,
            self.conclusion()
        );
        for (group, score) in self.groups() {
            let _ = writeln!(text, "| {group} | {} | {} | {} |", score.noticed, score.of(), score.percent());
        }
        text.push_str("\n| engine | noticed first |\n|---|---|\n");
        for engine in &self.engines {
            let _ = writeln!(text, "| {engine} | {} |", self.noticed_by(engine));
        }
        text.push_str("\n## Survivors\n\n");
        for row in self.rows.iter().filter(|row| row.survived()) {
            let _ = writeln!(text, "- `{}`: {} {}", row.name, row.what, means(row));
        }
        text
    }

    fn groups(&self) -> Vec<(&str, Score)> {
        let mut groups: Vec<(&str, Score)> = Vec::new();
        for row in &self.rows {
            let at = groups.iter().position(|(group, _)| *group == row.group());
            let at = at.unwrap_or_else(|| {
                groups.push((row.group(), Score::default()));
                groups.len() - 1
            });
            match row.fate {
                Fate::Noticed { .. } => groups[at].1.noticed += 1,
                Fate::Survived { same_states, .. } => {
                    groups[at].1.survived += 1;
                    groups[at].1.same += usize::from(same_states.is_some());
                }
                Fate::OutOfReach => {}
            }
        }
        groups
    }

    fn noticed_by(&self, engine: &str) -> usize {
        let is_by = |row: &&MutantRow| matches!(&row.fate, Fate::Noticed { by, .. } if by == engine);
        self.rows.iter().filter(is_by).count()
    }

    fn conclusion(&self) -> String {
        words::cut_short(self.stopped_by) + &self.concluded()
    }

    fn concluded(&self) -> String {
        let mut total = Score::default();
        for (_, score) in self.groups() {
            total.noticed += score.noticed;
            total.survived += score.survived;
            total.same += score.same;
        }
        let counts = format!("{}. It took {} s.", total.both_ways(), self.time_ms / 1_000);
        let said = match self.verdict() {
            MutationVerdict::CriedWolf(engines) => {
                format!("Of the unchanged model something was noticed, too: by {}.", engines.join(", "))
            }
            MutationVerdict::NewSurvivors(names) => {
                format!("These survive without an argument: {}.", names.join(", "))
            }
            MutationVerdict::Unnoticed(names) => {
                format!("Not noticed by the engines asked for: {}.", names.join(", "))
            }
            MutationVerdict::NothingRun => "No engine looked at any mutant.".to_owned(),
            MutationVerdict::Accounted if total.survived == 0 => {
                "Of the unchanged model nothing was noticed.".to_owned()
            }
            MutationVerdict::Accounted => {
                format!("The {} that survive are argued one by one.", total.survived)
            }
        };
        format!("{counts} {said}")
    }
}

/// What it means that a mutant survives, in words.
fn means(row: &MutantRow) -> String {
    let shown = match row.fate {
        Fate::Survived { same_states: Some(states), .. } => format!(" Shown: equal in {states} states."),
        _ => String::new(),
    };
    match &row.survivor {
        Some(Survivor { meaning, why }) => format!("{}: {why}{shown}", meaning.word()),
        None => format!("unexplained: unspecified behaviour, or a rule that is vacuous there.{shown}"),
    }
}
