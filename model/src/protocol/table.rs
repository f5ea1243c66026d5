//! The table design x law: what became of each law under each design, in a scope.

use std::fmt::Write as _;

use contract::Profile;
use contract::defect::Design;
use explorer;

use super::Reduction;
use super::act::Act;
use super::check::{Report, check};
use super::law::Law;
use super::scope::{Slice, slices};
use super::story::Story;
use crate::explore::{Options, Proof};
use crate::scope::ScopeName;

/// What became of a law under a design in all slices of a scope together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// It holds in every slice, and decided something in one.
    Proved,
    /// It is broken, by a counterexample that is the shortest of all slices.
    Broken(Counterexample),
    /// It had nothing to decide.
    Vacuous,
    /// The budget was spent before the scope was explored.
    Unfinished,
}

/// The shortest way to break something, and the slice in which it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counterexample {
    /// The slice.
    pub slice: Slice,
    /// The steps.
    pub acts: Vec<Act>,
}

/// A design and what became of every law.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The design.
    pub design: Design,
    /// In the order of [`Law::ALL`].
    pub cells: Vec<(Law, Cell)>,
    /// The shortest way to a client that locks itself out (clause 7).
    pub clients_own: Option<Counterexample>,
}

/// The table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    profile: Profile,
    /// A row per design.
    pub rows: Vec<Row>,
}

impl Table {
    /// Explores every design in every slice of a scope.
    ///
    /// # Errors
    ///
    /// As of [`check`].
    pub fn of(scope: ScopeName, profile: &Profile, options: &Options<'_>) -> Result<Table, explorer::Error> {
        let row = |design: &Design| {
            let slices = slices(scope, profile);
            let explore =
                |slice: &Slice| check(*design, profile, slice, Law::ALL, Reduction::Fewest, options);
            let reports = slices.iter().map(explore).collect::<Result<Vec<Report>, _>>()?;
            Ok::<_, explorer::Error>(Row::of(*design, &slices, &reports))
        };
        Ok(Table { profile: *profile, rows: Design::ALL.iter().map(row).collect::<Result<_, _>>()? })
    }

    /// The row of a design.
    #[must_use]
    pub fn row(&self, design: Design) -> Option<&Row> {
        self.rows.iter().find(|row| row.design == design)
    }

    /// The table as Markdown: a number is the number of steps to the shortest counterexample.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("| design |");
        for law in Law::ALL {
            let _ = write!(text, " {law} |");
        }
        text.push_str(" client's lock |\n|---|");
        text.push_str(&"---|".repeat(Law::ALL.len() + 1));
        text.push('\n');
        for row in &self.rows {
            let _ = write!(text, "| `{}` |", row.design);
            for (law, cell) in &row.cells {
                let _ = write!(text, " {} |", words(*law, cell));
            }
            let own = row.clients_own.as_ref();
            let own = own.map_or_else(|| "-".to_owned(), |way| format!("client's, {} steps", way.acts.len()));
            let _ = writeln!(text, " {own} |");
        }
        text
    }

    /// The story of how a design breaks a law; nothing when it does not.
    #[must_use]
    pub fn story(&self, design: Design, law: Law) -> Option<Story> {
        let (_, cell) = self.row(design)?.cells.iter().find(|(other, _)| *other == law)?;
        let Cell::Broken(Counterexample { slice, acts }) = cell else { return None };
        Some(Story::of(design, &self.profile, slice, Some(law), acts))
    }

    /// The story of how a client locks itself out under a design; nothing when none does.
    #[must_use]
    pub fn story_of_client(&self, design: Design) -> Option<Story> {
        let Counterexample { slice, acts } = self.row(design)?.clients_own.as_ref()?;
        Some(Story::of(design, &self.profile, slice, None, acts))
    }
}

fn words(law: Law, cell: &Cell) -> String {
    match cell {
        Cell::Proved => "proved".to_owned(),
        Cell::Broken(way) => {
            let is_about_waiting = law == Law::Rule(judge::Rule::R16);
            steps(if is_about_waiting { "deadlock" } else { "violated" }, way)
        }
        Cell::Vacuous => "-".to_owned(),
        Cell::Unfinished => "unfinished".to_owned(),
    }
}

fn steps(what: &str, way: &Counterexample) -> String {
    format!("**{what}, {} steps**", way.acts.len())
}

impl Row {
    fn of(design: Design, slices: &[Slice], reports: &[Report]) -> Row {
        let cell = |law: Law| {
            let proofs = || reports.iter().filter_map(|report| report.proof(law));
            let broken =
                slices.iter().zip(reports).filter_map(|(slice, report)| match report.proof(law)? {
                    Proof::Violated(acts) => Some((slice, acts)),
                    _ => None,
                });
            match shortest(broken) {
                Some(way) => Cell::Broken(way),
                None if proofs().any(|proof| *proof == Proof::Unfinished) => Cell::Unfinished,
                None if proofs().any(|proof| *proof == Proof::Proved) => Cell::Proved,
                None => Cell::Vacuous,
            }
        };
        let own = slices.iter().zip(reports);
        let own = own.filter_map(|(slice, report)| Some((slice, report.clients_own.as_ref()?)));
        Row {
            design,
            cells: Law::ALL.iter().map(|law| (*law, cell(*law))).collect(),
            clients_own: shortest(own),
        }
    }
}

fn shortest<'a>(ways: impl Iterator<Item = (&'a Slice, &'a Vec<Act>)>) -> Option<Counterexample> {
    let (slice, acts) = ways.min_by_key(|(_, acts)| acts.len())?;
    Some(Counterexample { slice: slice.clone(), acts: acts.clone() })
}
