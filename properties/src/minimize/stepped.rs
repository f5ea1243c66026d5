//! Programs on a core that is stepped: the program and its values. There is no schedule, because the order of the steps is one.

use std::ops::Range;

use contract::Core;
use contract::core::Config;
use judge::{RuleSet, Trace, Verdicts, Violation};
use model::drive::Stimulus;

use super::doings::does_as_much;
use super::shrink::{Effort, Smaller, shrink};
use super::values;
use super::{Failed, MOST_TESTS, Nearest};
use crate::difference;
use crate::program::Program;
use crate::run::{self, Broken};
use crate::tape;

impl Smaller for Program {
    fn parts(&self) -> usize {
        self.steps.len()
    }

    fn without(&self, parts: Range<usize>) -> Program {
        let mut smaller = self.clone();
        smaller.steps.drain(parts);
        smaller
    }

    /// The frame, then the steps from the last to the first: a fault shows at the end.
    fn places(&self) -> usize {
        self.steps.len() + 1
    }

    fn simpler(&self, place: usize) -> Vec<Program> {
        let Some(at) = place.checked_sub(1) else { return values::of_frame(self) };
        let at = self.steps.len() - 1 - at;
        values::of_stimulus(&self.steps[at]).into_iter().map(|step| with(self, at, step)).collect()
    }
}

fn with(program: &Program, at: usize, step: Stimulus) -> Program {
    let mut program = program.clone();
    program.steps[at] = step;
    program
}

/// How the program fails, if it does: by one of these rules, the lowest first, or where specification and core part.
pub fn failure<C: Core>(program: &Program, rules: RuleSet, make: fn(&Config) -> C) -> Option<Failed> {
    let broken = run::run(program, make).broken?;
    let trace = || run::trace(program, make, "minimize", None);
    match broken {
        Broken::Rules(violated) => {
            let rule = violated.intersection(rules).iter().next()?;
            let trace = trace();
            Some(Failed::at(violation(&trace, rule)?, trace))
        }
        Broken::Agreement(_) if rules != RuleSet::ALL => None,
        Broken::Agreement(_) => Some(Failed::of_difference(difference::of_program(program, make)?, trace())),
    }
}

/// Where the trace breaks the rule. A run stops at its first violation, so where the judge of whole runs is more lenient than
/// the monitor that cried out, it was the last event.
pub(crate) fn violation(trace: &Trace, rule: judge::Rule) -> Option<Violation> {
    let judged = Verdicts::of(trace).violations().find(|violation| violation.rule == rule);
    judged.or_else(|| trace.events().last().map(|(seq, event)| Violation { rule, seq, job: event.job() }))
}

/// The program as small as it gets while it fails with the identity of `failed`.
pub fn smallest<C: Core>(program: &Program, failed: &Failed, make: fn(&Config) -> C) -> (Program, Effort) {
    let mut fails = |candidate: Program| fails_so(&candidate, failed, make).then_some(candidate);
    shrink(program.clone(), MOST_TESTS, &mut fails)
}

/// Whether the program fails with this identity.
pub fn fails_so<C: Core>(program: &Program, failed: &Failed, make: fn(&Config) -> C) -> bool {
    failure(program, failed.id.rules(), make).is_some_and(|now| now.id == failed.id)
}

/// Of the programs that differ in one decision the first that breaks nothing and does as much as the failing one; none where there is
/// no such program.
///
/// The order: two neighbours exchanged, from the end; then another outcome of one step, from the end.
pub fn nearest<C: Core>(program: &Program, failed: &Failed, make: fn(&Config) -> C) -> Option<Nearest> {
    let passes = |candidate: &Program| {
        let outcome = run::run(candidate, make);
        outcome.broken.is_none() && outcome.steps == candidate.steps.len()
    };
    variants(program).filter(|(candidate, _)| passes(candidate)).find_map(|(candidate, what)| {
        let trace = run::trace(&candidate, make, "minimize", None);
        does_as_much(&failed.trace, failed.broken_at(), &trace).then_some(Nearest { what, trace })
    })
}

fn variants(program: &Program) -> impl Iterator<Item = (Program, String)> {
    let said = |at: usize| format!("step {} ({})", at + 1, tape::describe(&program.steps[at]));
    let exchanged = (1..program.steps.len()).rev().map(move |at| {
        let mut candidate = program.clone();
        candidate.steps.swap(at - 1, at);
        (candidate, format!("{} comes before {}", said(at), said(at - 1)))
    });
    let otherwise = (0..program.steps.len()).rev().flat_map(move |at| {
        others(&program.steps[at]).into_iter().map(move |step| {
            let what = format!("{} is otherwise: {}", said(at), tape::describe(&step));
            (with(program, at, step), what)
        })
    });
    exchanged.chain(otherwise)
}

/// Other ways a step may go.
fn others(step: &Stimulus) -> Vec<Stimulus> {
    values::outcomes(step).into_iter().filter(|other| other != step).collect()
}
