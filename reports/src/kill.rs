//! The kill matrix: seeded faults x engines, what each engine saw of each fault, and how soon.
//!
//! **What it is.** [`Kills`] is the matrix as data, [`Kills::verdict`] what it comes to, and [`Kills::markdown`] and [`Kills::text`]
//! are its renderings. [`Expected`] is the committed record of what an earlier run saw.
//!
//! **What it is not.** The list of faults: the words come from `contract::defect` through the caller that fills the matrix.
//!
//! **The law it keeps.** "Not seen" always has its budget beside it, and an engine that cannot meet a fault is no engine that missed it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use contract::defect::{Defect, Fault, Kind, Reach};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::markdown::inline;
use crate::outcome::ExitCode;
use crate::results::Signal;
use crate::words::{self, thousands};

/// The matrix of one run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Kills {
    /// Which commit's engine.
    pub commit: String,
    /// What was typed.
    pub command_line: String,
    /// What programs, races and schedules followed from.
    pub seed: u64,
    /// For each fault and engine, in milliseconds.
    pub budget_ms: u64,
    /// The engines that ran, in order.
    pub engines: Vec<String>,
    /// These engines on the subject without a fault: none of them may see anything.
    pub control: Vec<KillCell>,
    /// A row for each fault.
    pub rows: Vec<KillRow>,
    /// Pairs of fault and engine that [`Expected`] has and this run has not.
    pub lost: Vec<(String, String)>,
    /// The signal that stopped it before everything was tried, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Signal>,
}

/// One fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KillRow {
    /// Its name.
    pub fault: String,
    /// What it is, in one sentence.
    pub what: String,
    /// The rule it breaks.
    pub rule: String,
    /// The clause of the barrier, where it is about one.
    pub clause: Option<u8>,
    /// `core`, `service` or `transfer`.
    pub place: String,
    /// Why not every engine can meet it; empty when each can.
    pub reach: String,
    /// A cell for each engine.
    pub cells: Vec<KillCell>,
}

/// One engine on one fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KillCell {
    /// Which engine.
    pub engine: String,
    /// What came of it.
    pub kill: Kill,
}

/// What an engine saw of a fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Kill {
    /// It saw something wrong.
    Killed {
        /// What: rules by number, `agreement`, `L3`, `hang`, `file`, `crash`.
        by: String,
        /// After this number of milliseconds.
        time_ms: u64,
        /// After this number of runs.
        runs: u64,
        /// What a run is, in the plural.
        runs_are: String,
    },
    /// It saw nothing in the budget, or until it was done.
    NotSeen {
        /// How long it looked, in milliseconds.
        time_ms: u64,
        /// In this number of runs.
        runs: u64,
        /// What a run is, in the plural.
        runs_are: String,
    },
    /// The fault is not in its subject.
    OutOfReach,
    /// It was not run: it is not expected to see this fault in the budget.
    NotTried,
    /// It could not run.
    Failed {
        /// Why.
        why: String,
    },
}

/// What the matrix comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KillVerdict {
    /// An engine saw something where there is no fault.
    CriedWolf(Vec<String>),
    /// An engine could not run.
    CouldNotRun,
    /// An engine no longer sees a fault it used to see.
    Lost,
    /// No engine of those that ran and can meet these faults saw them.
    Unseen(Vec<String>),
    /// No engine ran on any fault.
    NothingRun,
    /// Every fault was seen by some engine.
    AllSeen,
}

impl Kill {
    fn is_killed(&self) -> bool {
        matches!(self, Kill::Killed { .. })
    }

    fn ran(&self) -> bool {
        matches!(self, Kill::Killed { .. } | Kill::NotSeen { .. })
    }

    fn time_ms(&self) -> Option<u64> {
        match self {
            Kill::Killed { time_ms, .. } => Some(*time_ms),
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Kill::Killed { by, time_ms, runs, .. } => {
                format!("{by} in {}, {}", seconds(*time_ms), thousands(*runs))
            }
            Kill::NotSeen { time_ms, .. } => format!("not seen in {}", seconds(*time_ms)),
            Kill::OutOfReach => "·".to_owned(),
            Kill::NotTried => "not tried".to_owned(),
            Kill::Failed { why } => format!("failed: {why}"),
        }
    }
}

impl KillRow {
    /// The row of a fault, without cells.
    #[must_use]
    pub fn of(fault: Fault) -> KillRow {
        let reach = match fault.reach() {
            Reach::EveryEngine => String::new(),
            Reach::OnlySchedules(why) => format!("only by a schedule of our choice: {why}"),
            Reach::OnlyLive(why) => format!("only by a live run: {why}"),
        };
        KillRow {
            fault: fault.name().to_owned(),
            what: fault.what().to_owned(),
            rule: fault.rule().to_string(),
            clause: fault.clause(),
            place: fault.place().to_string(),
            reach,
            cells: Vec::new(),
        }
    }

    fn killers(&self) -> impl Iterator<Item = &KillCell> {
        self.cells.iter().filter(|cell| cell.kill.is_killed())
    }

    /// The soonest kill.
    fn fastest(&self) -> Option<&KillCell> {
        self.killers().min_by_key(|cell| cell.kill.time_ms())
    }
}

impl Kills {
    /// How many faults some engine saw.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.rows.iter().filter(|row| row.fastest().is_some()).count()
    }

    /// How many faults some engine was let loose on.
    #[must_use]
    pub fn tried_count(&self) -> usize {
        self.tried().count()
    }

    /// What it comes to, the gravest first.
    #[must_use]
    pub fn verdict(&self) -> KillVerdict {
        let wolves: Vec<String> = self
            .control
            .iter()
            .filter(|cell| cell.kill.is_killed())
            .map(|cell| cell.engine.clone())
            .collect();
        if !wolves.is_empty() {
            return KillVerdict::CriedWolf(wolves);
        }
        let cells = || self.rows.iter().flat_map(|row| &row.cells);
        if cells().chain(&self.control).any(|cell| matches!(cell.kill, Kill::Failed { .. })) {
            return KillVerdict::CouldNotRun;
        }
        if !self.lost.is_empty() {
            return KillVerdict::Lost;
        }
        if !cells().any(|cell| cell.kill.ran()) {
            return KillVerdict::NothingRun;
        }
        let unseen: Vec<String> =
            self.tried().filter(|row| row.fastest().is_none()).map(|row| row.fault.clone()).collect();
        if unseen.is_empty() { KillVerdict::AllSeen } else { KillVerdict::Unseen(unseen) }
    }

    /// The matrix as a document.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# Seeded faults\n\n\
             Written by `{}` at commit {}, seed {}, at most {} for each fault and engine.\n\n",
            self.command_line,
            self.commit,
            self.seed,
            seconds(self.budget_ms),
        );
        text.push_str(&self.matrix());
        text.push_str("\n## What each fault is\n\n");
        for row in &self.rows {
            let reach = if row.reach.is_empty() { String::new() } else { format!(" Seen {}.", row.reach) };
            let _ = writeln!(text, "- `{}`: {}{reach}", row.fault, row.what);
        }
        text + &other_defects()
    }

    /// The table in Markdown, how to read it, and what it comes to.
    pub(crate) fn matrix(&self) -> String {
        let mut text = format!(
            "A cell says what the engine saw first, when, and in how many runs ({}). It is never told which fault there is. A fault \
             that is seen as the break of another rule than its own counts as seen; `agreement` is a core that does something \
             else than the specification. A dot: the fault is not in the engine's subject.\n\n",
            inline(&self.units()),
        );
        let (head, rows) = self.table();
        let names: Vec<_> = head.iter().map(|name| inline(name)).collect();
        let _ = writeln!(text, "| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
        for row in rows {
            let Some((name, cells)) = row.split_first() else { continue };
            let name = name.parse().map_or_else(|_| inline(name), |fault: Fault| format!("`{fault}`"));
            let cells: Vec<_> = std::iter::once(name).chain(cells.iter().map(|cell| inline(cell))).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        let _ = writeln!(text, "\n{}", inline(&self.conclusion()));
        text
    }

    /// The head of the table and its rows, a row for each fault and the last for none.
    pub(crate) fn table(&self) -> (Vec<&str>, Vec<Vec<String>>) {
        let engines = self.engines.iter().map(String::as_str);
        let head =
            ["fault", "rule", "clause", "place"].into_iter().chain(engines).chain(["engines"]).collect();
        let shown = |cells: &[KillCell]| cells.iter().map(|cell| cell.kill.shown()).collect::<Vec<_>>();
        let row = |row: &KillRow| {
            let clause = row.clause.map_or(String::new(), |clause| clause.to_string());
            let mut cells = vec![row.fault.clone(), row.rule.clone(), clause, row.place.clone()];
            cells.extend(shown(&row.cells));
            cells.push(row.killers().count().to_string());
            cells
        };
        let mut none = vec!["(none)".to_owned(), String::new(), String::new(), String::new()];
        none.extend(shown(&self.control));
        none.push(String::new());
        (head, self.rows.iter().map(row).chain([none]).collect())
    }

    /// The matrix for a terminal: a line for each fault.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let _ = writeln!(text, "{} ({}, {})", row.fault, row.rule, row.place);
            cells_as_text(&mut text, &row.cells);
        }
        let _ = writeln!(text, "no fault");
        cells_as_text(&mut text, &self.control);
        let _ = writeln!(text, "\n{}", self.conclusion());
        text
    }

    /// What it ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.verdict() {
            KillVerdict::NothingRun if self.stopped_by.is_some() => {
                self.stopped_by.map_or(ExitCode::Vacuous, Signal::exit_code)
            }
            KillVerdict::CriedWolf(_) | KillVerdict::Lost => ExitCode::Violated,
            KillVerdict::CouldNotRun => ExitCode::Skipped,
            KillVerdict::Unseen(_) | KillVerdict::NothingRun => ExitCode::Vacuous,
            KillVerdict::AllSeen => ExitCode::Held,
        }
    }

    /// What it comes to, in a sentence or two.
    pub(crate) fn conclusion(&self) -> String {
        words::cut_short(self.stopped_by) + &self.concluded()
    }

    fn concluded(&self) -> String {
        let seen = self.tried().filter(|row| row.fastest().is_some()).count();
        let of = self.tried().count();
        let slowest = self.rows.iter().filter_map(|row| row.fastest()?.kill.time_ms()).max().unwrap_or(0);
        let counts = format!(
            "{seen} of {of} faults were seen; the one seen last took its fastest engine {}.",
            seconds(slowest)
        );
        let lost = |(fault, engine): &(String, String)| format!("{fault} by {engine}");
        let said = match self.verdict() {
            KillVerdict::CriedWolf(engines) => {
                format!("Without a fault something was seen, too: by {}.", engines.join(", "))
            }
            KillVerdict::CouldNotRun => "An engine could not run.".to_owned(),
            KillVerdict::Lost => {
                let pairs: Vec<String> = self.lost.iter().map(lost).collect();
                format!("No longer seen: {}.", pairs.join(", "))
            }
            KillVerdict::Unseen(faults) => format!("Seen by no engine: {}.", faults.join(", ")),
            KillVerdict::NothingRun => "No engine ran on any fault.".to_owned(),
            KillVerdict::AllSeen => "Without a fault nothing was seen.".to_owned(),
        };
        let alone = self.seen_once();
        let by_one = match alone.is_empty() {
            true => String::new(),
            false => format!(" Seen by one engine alone, and not by others that can: {}.", alone.join(", ")),
        };
        format!("{counts} {said}{by_one}")
    }

    /// The faults that two engines or more were let loose on, that a second can meet, and that one engine saw: nothing confirms it.
    #[must_use]
    pub fn seen_once(&self) -> Vec<&str> {
        let two_can = |row: &&KillRow| {
            let live_alone =
                row.fault.parse().is_ok_and(|fault: Fault| matches!(fault.reach(), Reach::OnlyLive(_)));
            !live_alone && row.cells.iter().filter(|cell| cell.kill.ran()).count() > 1
        };
        let once = self.rows.iter().filter(two_can).filter(|row| row.killers().count() == 1);
        once.map(|row| row.fault.as_str()).collect()
    }

    /// The faults that some engine was let loose on.
    fn tried(&self) -> impl Iterator<Item = &KillRow> {
        self.rows.iter().filter(|row| row.cells.iter().any(|cell| cell.kill.ran()))
    }

    fn units(&self) -> String {
        let cells = self.rows.iter().flat_map(|row| &row.cells).chain(&self.control);
        let mut units: BTreeMap<&str, &str> = BTreeMap::new();
        for cell in cells {
            if let Kill::Killed { runs_are, .. } | Kill::NotSeen { runs_are, .. } = &cell.kill {
                units.insert(&cell.engine, runs_are);
            }
        }
        let of = |engine: &String| Some(format!("{engine}: {}", units.get(engine.as_str())?));
        self.engines.iter().filter_map(of).collect::<Vec<_>>().join(", ")
    }
}

/// The rest of the catalogue: what the matrix has no rows for.
fn other_defects() -> String {
    let mut text = String::from(
        "\n## The other defects\n\n\
         What `contract::defect` has besides: designs in the place of the barrier, flaws of the protocol model, and canaries. A design that is \
         a fault, too, names it.\n\n\
         | defect | kind | breaks | clause | places | fault | what it is |\n|---|---|---|---|---|---|---|\n",
    );
    for defect in Defect::all().filter(|defect| defect.kind != Kind::Fault) {
        let Defect { name, kind, breaks, what, .. } = defect;
        let clause = defect.clause.map_or(String::new(), |clause| clause.to_string());
        let fault = defect.fault.map_or(String::new(), |fault| format!("`{fault}`"));
        let places = defect.sits_in();
        let _ = writeln!(text, "| `{name}` | {kind} | {breaks} | {clause} | {places} | {fault} | {what} |");
    }
    text
}

/// What an earlier run saw: for each fault the engines that saw it, and after how many milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Expected {
    /// By fault, then by engine.
    pub kills: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A kill is expected again of a budget that is at least this many times as long. The time of an engine is as much luck as skill.
const MARGIN: u64 = 4;

impl Expected {
    /// Whether this engine has to see this fault in the budget.
    #[must_use]
    pub fn is_due(&self, fault: &str, engine: &str, budget_ms: u64) -> bool {
        let before = self.kills.get(fault).and_then(|engines| engines.get(engine));
        before.is_some_and(|before| before.saturating_mul(MARGIN) <= budget_ms)
    }

    /// The pairs of fault and engine that this holds, that ran within reach and budget, and that saw nothing.
    #[must_use]
    pub fn lost(&self, kills: &Kills) -> Vec<(String, String)> {
        let is_lost = |row: &KillRow, cell: &KillCell| {
            let due = self.is_due(&row.fault, &cell.engine, kills.budget_ms);
            (due && matches!(cell.kill, Kill::NotSeen { .. }))
                .then(|| (row.fault.clone(), cell.engine.clone()))
        };
        kills
            .rows
            .iter()
            .flat_map(|row| row.cells.iter().filter_map(move |cell| is_lost(row, cell)))
            .collect()
    }

    /// Takes over what a run saw; what did not run stays.
    pub fn take_over(&mut self, kills: &Kills) {
        for row in &kills.rows {
            let known = self.kills.entry(row.fault.clone()).or_default();
            for cell in &row.cells {
                match &cell.kill {
                    Kill::Killed { time_ms, .. } => {
                        known.insert(cell.engine.clone(), *time_ms);
                    }
                    Kill::NotSeen { .. } => {
                        known.remove(&cell.engine);
                    }
                    Kill::OutOfReach | Kill::NotTried | Kill::Failed { .. } => {}
                }
            }
        }
        // A fault that is gone is expected no longer.
        self.kills.retain(|fault, _| fault.parse::<Fault>().is_ok());
    }
}

fn cells_as_text(text: &mut String, cells: &[KillCell]) {
    for cell in cells.iter().filter(|cell| !matches!(cell.kill, Kill::OutOfReach | Kill::NotTried)) {
        let _ = writeln!(text, "  {:<11} {}", cell.engine, cell.kill.shown());
    }
}

fn seconds(time_ms: u64) -> String {
    if time_ms < 10_000 {
        format!("{}.{:02} s", time_ms / 1000, time_ms % 1000 / 10)
    } else {
        format!("{} s", time_ms / 1000)
    }
}
