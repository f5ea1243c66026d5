//! Mutants of a source, judged by the workbench: what became of each, and what it means that nothing noticed it.
//!
//! **What it is.** [`SourceMutants`] is the result of a sample as data, [`SourceMutants::verdict`] what it comes to,
//! [`SourceMutants::text`] and [`SourceMutants::markdown`] are its renderings. [`KnownSurvivors`] has an argument for each known survivor and the
//! rates of earlier samples, as they are committed.
//!
//! **What it is not.** The list of mutants: cargo-mutants makes it.
//!
//! **The law it keeps.** A mutant that does not compile counts for nothing, an equivalent one needs an argument, and a blind spot counts
//! against the rate whatever its argument.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::kill::{Kill, KillCell};
use crate::markdown::inline;
use crate::mutate::{Meaning, Survivor};
use crate::outcome::ExitCode;
use crate::results::Signal;
use crate::words::{self, thousands};

/// How to read the document about the engine.
const OF_THE_ENGINE: &str = "\
[cargo-mutants](https://mutants.rs) changes one place of `engine/src/core`, `engine/src/service` or `engine/src/transfer` at a time. The
question is whether the workbench notices, without a test of the engine. The seed takes a sample; a larger sample has the smaller one
inside. All mutants of a sample are in one build, and a run has one of them. One engine after another attacks it, the cheapest first, until
an engine sees something. A run that hangs twice, or crashes, is noticed. An engine that sees something without a mutant ends the run.

A mutant that does not compile is not viable and counts for nothing. A survivor is read. Either it is equivalent, and no program can
tell it from the engine; or it is a blind spot, and counts against the rate. `docs/pinned/mutants-engine.json` has the reason of each, and the rates
of earlier samples. Naive designs, and how a value prints, are not mutated.

    cargo install cargo-mutants --locked --version ^27 --root target/tools
    bgcheck kill --mutants 30 --seed 7";

/// How to read the document about the model.
const OF_THE_MODEL: &str = "\
[cargo-mutants](https://mutants.rs) changes one place of specification, protocol or rules at a time (`.cargo/mutants-model.toml`). The question is
whether the engines of `mutate` notice: each compares what the model decides with the mutant with what it decides without. The seed takes a
sample; a larger sample has the smaller one inside. All mutants of a sample are in one build. A process that hangs or crashes has noticed.

A mutant that does not compile is not viable and counts for nothing; one in a constant is not judged. A survivor is read: it is equivalent, or a
blind spot, which counts against the rate. `docs/pinned/mutants-model.json` has the reason of each, and the rates of earlier samples.

    cargo install cargo-mutants --locked --version ^27 --root target/tools
    bgcheck mutate --sources 60 --seed 1";

/// Whose source has the mutants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutated {
    /// The engine's: `kill --mutants`.
    Engine,
    /// Specification's, protocol's and rules': `mutate --sources`.
    Model,
}

impl Mutated {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mutated::Engine => "engine",
            Mutated::Model => "model",
        }
    }

    /// Where earlier rates and the reasons of survivors are, below the checkout.
    #[must_use]
    pub const fn known(self) -> &'static str {
        match self {
            Mutated::Engine => "docs/pinned/mutants-engine.json",
            Mutated::Model => "docs/pinned/mutants-model.json",
        }
    }

    const fn how(self) -> &'static str {
        match self {
            Mutated::Engine => OF_THE_ENGINE,
            Mutated::Model => OF_THE_MODEL,
        }
    }
}

/// What became of a sample.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SourceMutants {
    /// Whose source.
    pub mutated: Mutated,
    /// Which commit's.
    pub commit: String,
    /// What was typed.
    pub command_line: String,
    /// What the sample, the programs, the races and the live runs followed from.
    pub seed: u64,
    /// How many mutants there are in the rooms asked for.
    pub of: usize,
    /// For each mutant and engine, in milliseconds.
    pub budget_ms: u64,
    /// The engines that judged, the cheapest first.
    pub engines: Vec<String>,
    /// What these engines see without a mutant: it has to be nothing.
    pub control: Vec<KillCell>,
    /// A row for each mutant of the sample, in the sample's order.
    pub rows: Vec<JudgedMutant>,
    /// The signal that stopped it before everything was tried, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Signal>,
}

/// A mutant and what became of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JudgedMutant {
    /// Its name, without a line.
    pub id: String,
    /// File and line in this commit.
    pub at: String,
    /// The part of the sources, such as `core` or `spec`.
    pub room: String,
    /// What became of it.
    pub fate: MutantFate,
    /// What is changed.
    pub diff: String,
    /// Set by [`SourceMutants::explain`]: what it means that it survives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survivor: Option<Survivor>,
}

/// What became of a mutant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum MutantFate {
    /// An engine saw something wrong.
    Noticed {
        /// Which engine, the first in their order.
        by: String,
        /// What it saw.
        sign: String,
        /// How long all engines up to this one looked, in milliseconds.
        time_ms: u64,
    },
    /// No engine did.
    Survived {
        /// How long they looked, in milliseconds.
        time_ms: u64,
    },
    /// It does not compile.
    Unviable,
    /// It could not be judged.
    Failed {
        /// Why.
        why: String,
    },
}

/// What is known of survivors and of earlier samples.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct KnownSurvivors {
    /// The rates, in the order in which they were measured.
    #[serde(default)]
    pub curve: Vec<Measured>,
    /// By the mutant's name.
    #[serde(default)]
    pub survivors: BTreeMap<String, Survivor>,
}

/// What came of an earlier sample.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// What was new in engine or workbench.
    pub after: String,
    /// Which commit's.
    pub commit: String,
    /// The seed of the sample.
    pub seed: u64,
    /// Mutants of the sample.
    pub sample: usize,
    /// Those that compile.
    pub viable: usize,
    /// Of these, those that an engine noticed.
    pub noticed: usize,
    /// Of these, those that no program can distinguish from the engine.
    pub equivalent: usize,
}

/// What a sample comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SampleVerdict {
    /// An engine saw something without a mutant.
    CriedWolf(Vec<String>),
    /// These could not be judged.
    CouldNotRun(Vec<String>),
    /// These survive, and nothing explains why they may.
    Unexplained(Vec<String>),
    /// No mutant of the sample compiles.
    NothingJudged,
    /// Every mutant is noticed or has an argument.
    Accounted,
}

#[derive(Clone, Copy, Default)]
struct Score {
    sample: usize,
    viable: usize,
    noticed: usize,
    equivalent: usize,
}

impl Score {
    fn of<'a>(rows: impl Iterator<Item = &'a JudgedMutant>) -> Score {
        let mut score = Score::default();
        for row in rows {
            score.sample += 1;
            score.viable += usize::from(row.is_viable());
            score.noticed += usize::from(matches!(row.fate, MutantFate::Noticed { .. }));
            score.equivalent += usize::from(row.is_equivalent());
        }
        score
    }

    fn to_notice(self) -> usize {
        self.viable - self.equivalent
    }

    fn percent(self) -> String {
        words::percent(self.noticed, self.to_notice())
    }
}

impl JudgedMutant {
    fn is_viable(&self) -> bool {
        matches!(self.fate, MutantFate::Noticed { .. } | MutantFate::Survived { .. })
    }

    fn survived(&self) -> bool {
        matches!(self.fate, MutantFate::Survived { .. })
    }

    fn is_equivalent(&self) -> bool {
        self.survived() && self.survivor.as_ref().is_some_and(|known| known.meaning == Meaning::Equivalent)
    }

    fn means(&self) -> String {
        match &self.survivor {
            Some(Survivor { meaning: Meaning::Equivalent, why }) => format!("equivalent: {why}"),
            Some(Survivor { why, .. }) => format!("blind spot: {why}"),
            None => "unexplained: equivalent, or a blind spot".to_owned(),
        }
    }
}

impl KnownSurvivors {
    /// Forgets the arguments of what a sample noticed, and keeps its rate as the next point of the curve.
    pub fn take_over(&mut self, judged: &SourceMutants, after: String) {
        for row in judged.rows.iter().filter(|row| matches!(row.fate, MutantFate::Noticed { .. })) {
            self.survivors.remove(&row.id);
        }
        let Score { sample, viable, noticed, equivalent } = judged.score();
        let (commit, seed) = (judged.commit.clone(), judged.seed);
        self.curve.push(Measured { after, commit, seed, sample, viable, noticed, equivalent });
    }
}

impl SourceMutants {
    /// Gives each survivor its argument.
    pub fn explain(&mut self, known: &KnownSurvivors) {
        for row in self.rows.iter_mut().filter(|row| row.survived()) {
            row.survivor = known.survivors.get(&row.id).cloned();
        }
    }

    /// What it comes to, the gravest first.
    #[must_use]
    pub fn verdict(&self) -> SampleVerdict {
        let saw = self.control.iter().filter(|cell| matches!(cell.kill, Kill::Killed { .. }));
        let wolves: Vec<String> = saw.map(|cell| cell.engine.clone()).collect();
        if !wolves.is_empty() {
            return SampleVerdict::CriedWolf(wolves);
        }
        let unexplained = self.names(|row| row.survived() && row.survivor.is_none());
        if !unexplained.is_empty() {
            return SampleVerdict::Unexplained(unexplained);
        }
        if !self.rows.iter().any(JudgedMutant::is_viable) {
            return SampleVerdict::NothingJudged;
        }
        let control = self.control.iter().filter(|cell| matches!(cell.kill, Kill::Failed { .. }));
        let mut failed: Vec<String> = control.map(|cell| cell.engine.clone()).collect();
        failed.extend(self.names(|row| matches!(row.fate, MutantFate::Failed { .. })));
        if failed.is_empty() { SampleVerdict::Accounted } else { SampleVerdict::CouldNotRun(failed) }
    }

    /// What it ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.verdict() {
            SampleVerdict::NothingJudged if self.stopped_by.is_some() => {
                self.stopped_by.map_or(ExitCode::Vacuous, Signal::exit_code)
            }
            SampleVerdict::CriedWolf(_) | SampleVerdict::Unexplained(_) => ExitCode::Violated,
            SampleVerdict::NothingJudged => ExitCode::Vacuous,
            SampleVerdict::CouldNotRun(_) => ExitCode::Skipped,
            SampleVerdict::Accounted => ExitCode::Held,
        }
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            format!("{:<10} {:>8} {:>7} {:>10} {:>8}\n", "room", "noticed", "viable", "equivalent", "rate");
        for (room, score) in self.rooms() {
            let Score { viable, noticed, equivalent, .. } = score;
            let rate = score.percent();
            let _ = writeln!(text, "{room:<10} {noticed:>8} {viable:>7} {equivalent:>10} {rate:>8}");
        }
        let _ = writeln!(text, "\n{:<10} {:>8}", "engine", "first");
        for engine in &self.engines {
            let _ = writeln!(text, "{engine:<10} {:>8}", self.noticed_by(engine));
        }
        for row in self.rows.iter().filter(|row| row.survived()) {
            let _ = write!(text, "\nsurvives: {}\n  at {}\n  {}\n", row.id, row.at, row.means());
        }
        for row in &self.rows {
            if let MutantFate::Failed { why } = &row.fate {
                let _ = write!(text, "\nnot judged: {}\n  at {}\n  {why}\n", row.id, row.at);
            }
        }
        let _ = writeln!(text, "\n{}", self.conclusion());
        text
    }

    /// As a document, with the rates of earlier samples.
    #[must_use]
    pub fn markdown(&self, known: &KnownSurvivors) -> String {
        let mut text = format!(
            "# Mutants of the {}\n\n{}\n\n## The sample\n\nWritten by `{}` at commit {}, at most {} s for each mutant and engine.\n\n{}\n\n",
            self.mutated.name(),
            self.mutated.how(),
            self.command_line,
            self.commit,
            self.budget_ms / 1_000,
            inline(&self.conclusion())
        );
        text.push_str("| room | noticed | viable | equivalent | rate |\n|---|---|---|---|---|\n");
        for (room, score) in self.rooms() {
            let Score { viable, noticed, equivalent, .. } = score;
            let _ = writeln!(text, "| {room} | {noticed} | {viable} | {equivalent} | {} |", score.percent());
        }
        text.push_str("\n| engine | noticed first |\n|---|---|\n");
        for engine in &self.engines {
            let _ = writeln!(text, "| {engine} | {} |", self.noticed_by(engine));
        }
        text.push_str(&known.curve_as_markdown());
        text.push_str("\n## Survivors of this sample\n\n");
        for row in self.rows.iter().filter(|row| row.survived()) {
            let _ = writeln!(text, "- `{}` ({}). {}", row.id, inline(&row.at), inline(&row.means()));
        }
        text
    }

    fn score(&self) -> Score {
        Score::of(self.rows.iter())
    }

    /// A score for each room, and one for all.
    fn rooms(&self) -> Vec<(&str, Score)> {
        let mut names: Vec<&str> = self.rows.iter().map(|row| row.room.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let of = |room: &str| Score::of(self.rows.iter().filter(|row| row.room == room));
        names.into_iter().map(|room| (room, of(room))).chain([("all", self.score())]).collect()
    }

    fn noticed_by(&self, engine: &str) -> usize {
        let is_by = |row: &&JudgedMutant| matches!(&row.fate, MutantFate::Noticed { by, .. } if by == engine);
        self.rows.iter().filter(is_by).count()
    }

    fn names(&self, which: impl Fn(&JudgedMutant) -> bool) -> Vec<String> {
        self.rows.iter().filter(|row| which(row)).map(|row| row.id.clone()).collect()
    }

    fn conclusion(&self) -> String {
        words::cut_short(self.stopped_by) + &self.concluded()
    }

    fn concluded(&self) -> String {
        let score = self.score();
        let counts = format!(
            "{} of {} mutants, seed {}: {} compile, {} of these are equivalent, and of the other {} the workbench notices {} ({}).",
            thousands(score.sample as u64),
            thousands(self.of as u64),
            self.seed,
            score.viable,
            score.equivalent,
            score.to_notice(),
            score.noticed,
            score.percent()
        );
        let comes_to = match self.verdict() {
            SampleVerdict::CriedWolf(engines) => {
                format!("Something was seen without a mutant, too: by {}.", engines.join(", "))
            }
            SampleVerdict::CouldNotRun(names) => format!("Not judged: {}.", names.join(", ")),
            SampleVerdict::Unexplained(names) => format!(
                "{} survive without an entry in {}: read each, and give it a meaning and a reason.",
                names.len(),
                self.mutated.known()
            ),
            SampleVerdict::NothingJudged => "No mutant of the sample compiles.".to_owned(),
            SampleVerdict::Accounted => "Each survivor has its reason.".to_owned(),
        };
        format!("{counts} {comes_to}")
    }
}

impl KnownSurvivors {
    fn curve_as_markdown(&self) -> String {
        if self.curve.is_empty() {
            return String::new();
        }
        let head = "| after | commit | seed | sample | viable | equivalent | noticed | rate |";
        let mut text = format!("\n## The curve\n\n{head}\n|---|---|---|---|---|---|---|---|\n");
        for point in &self.curve {
            let Measured { after, commit, seed, sample, viable, noticed, equivalent } = point;
            let score =
                Score { sample: *sample, viable: *viable, noticed: *noticed, equivalent: *equivalent };
            let _ = writeln!(
                text,
                "| {} | {} | {seed} | {sample} | {viable} | {equivalent} | {noticed} | {} |",
                inline(after),
                inline(commit),
                score.percent()
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, fate: MutantFate) -> JudgedMutant {
        let (at, diff) = (format!("engine/src/core/{id}.rs:1"), String::new());
        JudgedMutant { id: id.to_owned(), at, room: "core".to_owned(), fate, diff, survivor: None }
    }

    fn noticed(id: &str) -> JudgedMutant {
        row(id, MutantFate::Noticed { by: "race".to_owned(), sign: "R1".to_owned(), time_ms: 1 })
    }

    fn survives(id: &str) -> JudgedMutant {
        row(id, MutantFate::Survived { time_ms: 1 })
    }

    fn judged(rows: Vec<JudgedMutant>) -> SourceMutants {
        SourceMutants {
            mutated: Mutated::Engine,
            stopped_by: None,
            commit: "abc".to_owned(),
            command_line: "bgcheck kill --mutants 3".to_owned(),
            seed: 1,
            of: 9,
            budget_ms: 1_000,
            engines: vec!["race".to_owned()],
            control: Vec::new(),
            rows,
        }
    }

    fn known(meaning: Meaning) -> KnownSurvivors {
        let survivor = Survivor { meaning, why: "It is read by nothing.".to_owned() };
        KnownSurvivors { curve: Vec::new(), survivors: BTreeMap::from([("b".to_owned(), survivor)]) }
    }

    #[test]
    fn a_survivor_without_an_entry_ends_with_2_and_one_with_an_entry_does_not() {
        let mut judged = judged(vec![noticed("a"), survives("b")]);
        assert_eq!(judged.exit_code(), ExitCode::Violated);
        judged.explain(&known(Meaning::Unobserved));
        assert_eq!(judged.exit_code(), ExitCode::Held);
    }

    #[test]
    fn a_blind_spot_counts_against_the_rate_and_an_equivalent_mutant_does_not() {
        let mut judged = judged(vec![noticed("a"), survives("b"), row("c", MutantFate::Unviable)]);
        judged.explain(&known(Meaning::Unobserved));
        assert_eq!(judged.score().percent(), "50.0 %");
        judged.explain(&known(Meaning::Equivalent));
        assert_eq!(judged.score().percent(), "100.0 %");
    }

    #[test]
    fn a_sample_of_which_nothing_compiles_or_nothing_is_judged_has_not_held() {
        assert_eq!(judged(vec![row("a", MutantFate::Unviable)]).exit_code(), ExitCode::Vacuous);
        assert_eq!(judged(Vec::new()).exit_code(), ExitCode::Vacuous);
        let failed = row("a", MutantFate::Failed { why: "no disk".to_owned() });
        assert_eq!(judged(vec![failed, noticed("b")]).exit_code(), ExitCode::Skipped);
    }

    #[test]
    fn an_engine_that_sees_something_in_the_engine_as_it_is_ends_with_2() {
        let kill =
            Kill::Killed { by: "R1".to_owned(), time_ms: 1, runs: 1, runs_are: "schedules".to_owned() };
        let mut judged = judged(vec![noticed("a")]);
        judged.control.push(KillCell { engine: "race".to_owned(), kill });
        assert_eq!(judged.exit_code(), ExitCode::Violated);
    }

    #[test]
    fn what_is_noticed_needs_no_argument_any_more_and_each_sample_is_a_point_of_the_curve() {
        let mut known = known(Meaning::Unobserved);
        known.take_over(&judged(vec![noticed("b"), survives("d")]), "R19".to_owned());
        assert!(known.survivors.is_empty());
        let point = &known.curve[0];
        assert_eq!((point.sample, point.viable, point.noticed, point.equivalent), (2, 2, 1, 0));
    }
}
