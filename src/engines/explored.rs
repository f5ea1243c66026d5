//! What an exploration came to, whichever model was explored.

use std::time::{Duration, Instant};

use contract::Dialect;
use explorer::Fired;
use model::explore::Visited;
use model::scope::ScopeName;
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit, Witness, WitnessSeen,
};

use crate::error::Error;
use crate::output::Output;
use crate::run::{is_stopped, millis};

/// A rule, or a law that is not one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Law {
    /// Such as `R1`.
    pub(crate) id: &'static str,
    /// Such as `cancelled`.
    pub(crate) name: &'static str,
}

/// What takes in an exploration that is done.
pub(crate) type Done<'a> = &'a mut dyn FnMut(Explored, &mut Output) -> Result<(), Error>;

/// One model in one dialect, explored in every slice of a scope.
pub(crate) struct Explored {
    /// The engine's name, such as `check product`.
    pub(crate) name: String,
    /// What of it is looked at, where that is not all rules: words for a title.
    pub(crate) aspect: &'static str,
    pub(crate) subject: Subject,
    pub(crate) scope: ScopeName,
    pub(crate) dialect: Dialect,
    /// Switches turned away from the dialect's column, or nothing.
    pub(crate) turned: &'static str,
    /// The design explored, where the model has designs.
    pub(crate) design: Option<&'static str>,
    /// What the rules remember, in words; empty where it is not reported.
    pub(crate) memory: String,
    pub(crate) slices: Vec<ExploredSlice>,
}

/// One slice, and what breaks in it.
pub(crate) struct ExploredSlice {
    pub(crate) name: &'static str,
    /// The slice in one line.
    pub(crate) scope: String,
    pub(crate) states: usize,
    pub(crate) edges: usize,
    pub(crate) depth: usize,
    pub(crate) elapsed: Duration,
    /// How its states were remembered.
    pub(crate) visited: Visited,
    /// Edges per class of actions, where they were counted.
    pub(crate) fired: Vec<Fired>,
    pub(crate) complete: bool,
    pub(crate) laws: Vec<(Law, Found)>,
    pub(crate) comparison: Comparison,
    /// How large a state is, in words; empty where it is not measured.
    pub(crate) size: String,
    /// What is no violation, but worth a line and a picture.
    pub(crate) remark: Option<(String, Failure)>,
}

/// What became of a law in a slice.
pub(crate) enum Found {
    Proved,
    Violated(Box<Failure>),
    Vacuous,
    Unfinished,
    /// Not violated, in a slice in which specification and core part.
    Parted,
}

impl Found {
    /// The word for it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Found::Proved => "proved",
            Found::Violated(_) => "violated",
            Found::Vacuous => "vacuous",
            Found::Unfinished => "unfinished",
            Found::Parted => "undecided",
        }
    }
}

/// Whether two accounts were compared in every state.
#[allow(clippy::large_enum_variant, reason = "there is one for a slice")]
pub(crate) enum Comparison {
    /// There is only one.
    None,
    /// They agree.
    Agree,
    /// They do not: how, and the shortest way there.
    Part(String, Failure),
}

/// What a law came to in all slices together.
pub(crate) enum Together<'a> {
    /// Violated in none, and proved in these slices; in the others it had nothing to decide.
    Proved(Vec<&'static str>),
    /// Violated; the first failure.
    Violated(&'a Failure),
    /// It had nothing to decide in any slice.
    Vacuous,
    /// Some slice was not explored to its end.
    Unfinished,
    /// Violated in none, but in these slices specification and core part, which proves nothing there.
    Parted(Vec<&'static str>),
}

impl ExploredSlice {
    /// Distinct states per second.
    pub(crate) fn states_per_second(&self) -> f64 {
        self.states as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    fn found(&self, law: Law) -> Option<&Found> {
        self.laws.iter().find(|(other, _)| *other == law).map(|(_, found)| found)
    }
}

impl Explored {
    /// Whether every slice was explored to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.slices.iter().all(|slice| slice.complete)
    }

    /// The actions that were not taken in any slice, if every slice counted them.
    pub(crate) fn never_fired(&self) -> Vec<&str> {
        let Some(first) = self.slices.first() else { return Vec::new() };
        let fired = |class: &str| {
            let of_class = |slice: &ExploredSlice| {
                slice.fired.iter().any(|fired| fired.class == class && fired.edges > 0)
            };
            self.slices.iter().any(of_class)
        };
        let classes = first.fired.iter().map(|fired| fired.class.as_str());
        classes.filter(|class| !fired(class)).collect()
    }

    /// The laws carried, in order.
    pub(crate) fn laws(&self) -> impl Iterator<Item = Law> {
        self.slices.first().into_iter().flat_map(|slice| slice.laws.iter().map(|(law, _)| *law))
    }

    /// What a law came to in the scope.
    pub(crate) fn together(&self, law: Law) -> Together<'_> {
        let found = || self.slices.iter().filter_map(move |slice| Some((slice, slice.found(law)?)));
        let failure = found().find_map(|(_, found)| match found {
            Found::Violated(failure) => Some(failure),
            _ => None,
        });
        if let Some(failure) = failure {
            return Together::Violated(failure);
        }
        if !self.is_complete() {
            return Together::Unfinished;
        }
        let parted: Vec<_> = found()
            .filter(|(_, found)| matches!(found, Found::Parted))
            .map(|(slice, _)| slice.name)
            .collect();
        if !parted.is_empty() {
            return Together::Parted(parted);
        }
        let proving = found().filter(|(_, found)| matches!(found, Found::Proved));
        let proving: Vec<_> = proving.map(|(slice, _)| slice.name).collect();
        if proving.is_empty() { Together::Vacuous } else { Together::Proved(proving) }
    }

    /// The result for reports.
    pub(crate) fn result(&self) -> EngineResult {
        EngineResult {
            name: self.name.clone(),
            subject: Some(self.subject),
            dialect: Some(self.dialect),
            scope: Some(self.scope.to_string()),
            switches: self.turned.to_owned(),
            status: Status::Ran(self.ran()),
        }
    }

    fn ran(&self) -> Ran {
        let sum = |of: fn(&ExploredSlice) -> usize| self.slices.iter().map(|slice| of(slice) as u64).sum();
        let depth = self.slices.iter().map(|slice| slice.depth as u64).max().unwrap_or(0);
        Ran {
            approach: Approach::Exhaustive,
            ended: if self.is_complete() { Ended::Done } else { Ended::BudgetSpent },
            work: vec![
                Amount::new(Unit::States, sum(|slice| slice.states)),
                Amount::new(Unit::Edges, sum(|slice| slice.edges)),
                Amount::new(Unit::Depth, depth),
            ],
            time_ms: self.slices.iter().map(|slice| millis(slice.elapsed)).sum(),
            findings: self.laws().map(|law| self.finding(law)).collect(),
            agreement: self.agreement(),
            witnesses: self.laws().filter_map(|law| self.witness(law)).collect(),
            freedoms: Vec::new(),
            windows: None,
            edges: None,
            corpus: None,
            account: None,
        }
    }

    fn agreement(&self) -> Option<Agreement> {
        let compared = self.slices.iter().filter(|slice| !matches!(slice.comparison, Comparison::None));
        let states: Vec<u64> = compared.map(|slice| slice.states as u64).collect();
        let disagreements = self.slices.iter().filter_map(|slice| match &slice.comparison {
            Comparison::Part(_, failure) => Some(failure.clone()),
            Comparison::None | Comparison::Agree => None,
        });
        (!states.is_empty()).then(|| Agreement {
            what: "specification and core, in state, answer and pending events".to_owned(),
            compared: states.iter().sum(),
            disagreements: disagreements.collect(),
        })
    }

    fn finding(&self, law: Law) -> RuleResult {
        let finding = match self.together(law) {
            // `check` prints which slices prove it; a report has room for the scope.
            Together::Proved(_) => Finding::Proved { scope: self.scope.to_string() },
            Together::Violated(failure) => Finding::broken(failure.clone()),
            Together::Vacuous => Finding::Vacuous,
            Together::Unfinished => {
                let why = if is_stopped() { "it was stopped" } else { "the budget was spent" };
                Finding::NotDecidable { why: format!("{why} before the scope was explored") }
            }
            Together::Parted(slices) => Finding::NotDecidable {
                why: format!(
                    "in {} the subject departs from the specification, so what was explored there proves nothing",
                    slices.join(", ")
                ),
            },
        };
        RuleResult { rule: RuleId(law.id.to_owned()), finding }
    }

    /// A violated law needs no witness, and an unfinished scope may still have one.
    fn witness(&self, law: Law) -> Option<Witness> {
        let seen = match self.together(law) {
            Together::Proved(_) => WitnessSeen::Reached,
            Together::Vacuous => WitnessSeen::NotReached,
            Together::Violated(_) | Together::Unfinished | Together::Parted(_) => return None,
        };
        Some(Witness { rule: RuleId(law.id.to_owned()), seen })
    }
}

/// What is left for a slice. One whose turn comes too late still gets a moment, so that its report says "unfinished" and not
/// "nothing".
pub(crate) fn budget_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
