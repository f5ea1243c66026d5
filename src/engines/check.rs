//! The exhaustive engine: every slice of a scope explored to its end, in each variant of the dialects.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use contract::core::Config;
use contract::judge::{Rule, RuleSet};
use contract::{Core, Dialect};
use model::explore::{Extent, Options, Proof, Report, explore};
use model::scope::{ScopeName, Slice, Variant, slices, variants};
use properties::canary::Canary;
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit, Witness, WitnessSeen,
};

use super::counterexample::{Traces, named, of_check};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::Output;
use crate::run::millis;

/// What to explore.
pub(crate) struct Plan<'a> {
    pub(crate) scope: ScopeName,
    pub(crate) dialects: &'a [Dialect],
    pub(crate) rules: RuleSet,
    pub(crate) threads: usize,
    /// For everything together; without one, every slice is explored to its end.
    pub(crate) budget: Option<Duration>,
    pub(crate) core: CoreChoice,
    pub(crate) traces: &'a Traces,
}

/// One variant of a dialect, explored in every slice of the scope.
pub(crate) struct Explored {
    pub(crate) scope: ScopeName,
    pub(crate) variant: Variant,
    pub(crate) slices: Vec<ExploredSlice>,
}

/// One slice, and what breaks in it.
pub(crate) struct ExploredSlice {
    pub(crate) report: Report,
    pub(crate) failures: Vec<(Rule, Failure)>,
    pub(crate) disagreement: Option<(String, Failure)>,
}

/// Explores, and gives each variant to `done` as soon as it is explored.
pub(crate) fn run(
    plan: &Plan<'_>,
    output: &mut Output,
    done: &mut dyn FnMut(Explored, &mut Output) -> Result<(), Error>,
) -> Result<(), Error> {
    let deadline = plan.budget.map(|budget| Instant::now() + budget);
    for dialect in plan.dialects {
        for variant in variants(*dialect, plan.scope) {
            let explored = match plan.core {
                CoreChoice::Core => of_variant::<engine::core::Core>(plan, variant, deadline, output),
                CoreChoice::Canary => {
                    of_variant::<Canary<engine::core::Core>>(plan, variant, deadline, output)
                }
            };
            done(explored?, output)?;
        }
    }
    Ok(())
}

fn of_variant<C: Core>(
    plan: &Plan<'_>,
    variant: Variant,
    deadline: Option<Instant>,
    output: &Output,
) -> Result<Explored, Error> {
    let explored = slices(plan.scope, &variant.profile)
        .into_iter()
        .map(|slice| of_slice::<C>(plan, &variant, &slice, deadline, output))
        .collect::<Result<_, _>>()?;
    Ok(Explored { scope: plan.scope, variant, slices: explored })
}

fn of_slice<C: Core>(
    plan: &Plan<'_>,
    variant: &Variant,
    slice: &Slice,
    deadline: Option<Instant>,
    output: &Output,
) -> Result<ExploredSlice, Error> {
    let label = format!("check {} ({})", slice.name, named(variant.profile.dialect, variant.turned));
    let progress = output.progress(&label);
    let last = Cell::new(None);
    let tell = |now: model::explore::Progress| {
        last.set(Some(now));
        progress.tell(|| now.to_string());
    };
    // A slice whose turn comes too late still gets a moment, so that its report says "unfinished" and not "nothing".
    let budget =
        deadline.map(|end| end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
    let options = Options { threads: plan.threads, budget, progress: &tell };
    let make: fn(&Config) -> C = C::new;
    let report = explore(&variant.profile, slice, plan.rules, make, &options);
    let mut failures = Vec::new();
    for (rule, proof) in &report.proofs {
        if let Proof::Violated(stimuli) = proof {
            let trace = of_check(plan.core, variant, slice, make, stimuli);
            failures.push((*rule, plan.traces.keep(&trace, Some(*rule), "")?));
        }
    }
    let disagreement = match &report.disagreement {
        None => None,
        Some((disagreement, stimuli)) => {
            let trace = of_check(plan.core, variant, slice, make, stimuli);
            let story = format!("then: {disagreement}");
            Some((disagreement.to_string(), plan.traces.keep(&trace, None, &story)?))
        }
    };
    Ok(ExploredSlice { report, failures, disagreement })
}

/// What a rule came to in all slices together.
pub(crate) enum Together<'a> {
    /// Violated in none, and proved in these slices; in the others it had nothing to decide.
    Proved(Vec<&'static str>),
    /// Violated; the first failure.
    Violated(&'a Failure),
    /// It had nothing to decide in any slice.
    Vacuous,
    /// Some slice was not explored to its end.
    Unfinished,
}

impl Explored {
    /// Whether every slice was explored to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.slices.iter().all(|slice| slice.report.extent == Extent::Complete)
    }

    /// The rules carried, in order.
    pub(crate) fn rules(&self) -> impl Iterator<Item = Rule> {
        self.slices.first().into_iter().flat_map(|slice| slice.report.proofs.iter().map(|(rule, _)| *rule))
    }

    /// What a rule came to in the scope.
    pub(crate) fn together(&self, rule: Rule) -> Together<'_> {
        let failures = self.slices.iter().flat_map(|slice| &slice.failures);
        if let Some((_, failure)) = failures.into_iter().find(|(broken, _)| *broken == rule) {
            return Together::Violated(failure);
        }
        if !self.is_complete() {
            return Together::Unfinished;
        }
        let proves = |slice: &&ExploredSlice| slice.report.proof(rule) == Some(&Proof::Proved);
        let proving: Vec<_> = self.slices.iter().filter(proves).map(|slice| slice.report.slice).collect();
        if proving.is_empty() { Together::Vacuous } else { Together::Proved(proving) }
    }

    /// The result for reports.
    pub(crate) fn result(&self, core: CoreChoice) -> EngineResult {
        let name = match core {
            CoreChoice::Core => "check product",
            CoreChoice::Canary => "check product (canary)",
        };
        EngineResult {
            name: name.to_owned(),
            subject: Some(Subject::Product),
            dialect: Some(self.variant.profile.dialect),
            scope: Some(self.scope.to_string()),
            switches: self.variant.turned.to_owned(),
            status: Status::Ran(self.ran()),
        }
    }

    fn ran(&self) -> Ran {
        let sum = |of: fn(&Report) -> usize| self.slices.iter().map(|slice| of(&slice.report) as u64).sum();
        let depth = self.slices.iter().map(|slice| slice.report.depth as u64).max().unwrap_or(0);
        let states = sum(|report| report.states);
        Ran {
            approach: Approach::Exhaustive,
            ended: if self.is_complete() { Ended::Done } else { Ended::BudgetSpent },
            work: vec![
                Amount::new(Unit::States, states),
                Amount::new(Unit::Edges, sum(|report| report.edges)),
                Amount::new(Unit::Depth, depth),
            ],
            time_ms: self.slices.iter().map(|slice| millis(slice.report.elapsed)).sum(),
            findings: self.rules().map(|rule| self.finding(rule)).collect(),
            agreement: Some(Agreement {
                what: "specification and core, in state, answer and pending events".to_owned(),
                compared: states,
                disagreements: self
                    .slices
                    .iter()
                    .filter_map(|slice| slice.disagreement.as_ref().map(|(_, failure)| failure.clone()))
                    .collect(),
            }),
            witnesses: self.rules().filter_map(|rule| self.witness(rule)).collect(),
            freedoms: Vec::new(),
            windows: None,
        }
    }

    fn finding(&self, rule: Rule) -> RuleResult {
        let finding = match self.together(rule) {
            // Which slices prove it is said by `check`; a report has room for the scope.
            Together::Proved(_) => Finding::Proved { scope: self.scope.to_string() },
            Together::Violated(failure) => Finding::Violated(failure.clone()),
            Together::Vacuous => Finding::Vacuous,
            Together::Unfinished => {
                Finding::NotDecidable { why: "the budget was spent before the scope was explored".to_owned() }
            }
        };
        RuleResult { rule: RuleId(rule.to_string()), finding }
    }

    /// A violated rule needs no witness, and an unfinished scope may still have one.
    fn witness(&self, rule: Rule) -> Option<Witness> {
        let seen = match self.together(rule) {
            Together::Proved(_) => WitnessSeen::Reached,
            Together::Vacuous => WitnessSeen::NotReached,
            Together::Violated(_) | Together::Unfinished => return None,
        };
        Some(Witness { rule: RuleId(rule.to_string()), seen })
    }
}

/// Where traces go when nothing else is said.
pub(crate) fn default_traces(target: &Path) -> Traces {
    Traces::in_dir(target.join("traces"))
}
