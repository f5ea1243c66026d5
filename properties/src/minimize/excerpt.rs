//! Recorded runs that cannot be repeated: of what was seen, as little as still shows the violation.
//!
//! **What it is.** An excerpt. Every line of it was recorded, and the rule is broken at the line at which the whole breaks it.
//!
//! **What it is not.** A run, let alone the smallest: what was left out did happen, and what is left might not have happened without
//! it. Lines that a rule needs to distinguish this run from another (a registration, for example) stay. Without them
//! another violation, or none, would be there.

use std::collections::BTreeMap;
use std::ops::Range;

use judge::trace::Kind;
use judge::{RuleSet, Trace, Verdicts, Violation, failure_id};

use super::shrink::{Effort, Smaller, shrink};
use super::{Failed, Identity};

/// How often an excerpt is judged at most: a live run has ten thousand events, and a judgement of all takes milliseconds.
const MOST_JUDGED: u64 = 4_000;

/// How the recorded run fails, if it does: by the first that it breaks of these rules.
#[must_use]
pub fn failure(trace: &Trace, rules: RuleSet) -> Option<Failed> {
    Failed::first(trace.clone(), rules)
}

/// The excerpt with as little in it as shows this violation.
#[must_use]
pub fn smallest(trace: &Trace, failed: &Failed) -> (Trace, Effort) {
    let Some(violation) = failed.violation else {
        let parts = trace.lines.len();
        return (trace.clone(), Effort { before: parts, after: parts, tests: 0, end: super::End::Minimal });
    };
    let units = units(trace);
    let whole = Excerpt { trace, units };
    let before = whole.units.len();
    let shows = |excerpt: &Excerpt<'_>| {
        let trace = excerpt.trace();
        trace.check().is_ok() && shows(&trace, &violation, failed)
    };
    // What is about other jobs goes at once, where it can: a night has hundreds of them.
    let own = whole.about(&violation);
    let start = if shows(&own) { own } else { whole };
    let (small, effort) =
        shrink(start, MOST_JUDGED, &mut |excerpt: Excerpt<'_>| shows(&excerpt).then_some(excerpt));
    (small.trace(), Effort { before, ..effort })
}

fn shows(trace: &Trace, violation: &Violation, failed: &Failed) -> bool {
    let rule = RuleSet::of(&[violation.rule]);
    let broken = Verdicts::of_rules(trace, rule).first();
    broken.is_some_and(|broken| {
        // What breaks a rule by its absence has no line of its own.
        let same = broken.seq == violation.seq || failed.is_by_silence();
        same && Identity::Rule(failure_id(trace, &broken)) == failed.id
    })
}

/// Some of a trace's lines, by units that only go together.
#[derive(Clone)]
struct Excerpt<'a> {
    trace: &'a Trace,
    units: Vec<Vec<usize>>,
}

impl Excerpt<'_> {
    fn trace(&self) -> Trace {
        let mut lines: Vec<usize> = self.units.iter().flatten().copied().collect();
        lines.sort_unstable();
        let lines = lines.into_iter().map(|at| self.trace.lines[at].clone()).collect();
        Trace { header: self.trace.header.clone(), lines }
    }

    /// Without the units of other jobs.
    fn about(&self, violation: &Violation) -> Self {
        let jobs: BTreeMap<u64, Option<contract::JobId>> =
            self.trace.events().map(|(seq, event)| (seq, event.job())).collect();
        let seq = |at: &usize| self.trace.lines[*at].seq;
        let is_own = |unit: &&Vec<usize>| {
            unit.iter().any(|at| jobs.get(&seq(at)).is_some_and(|job| job.is_none() || *job == violation.job))
        };
        Excerpt { trace: self.trace, units: self.units.iter().filter(is_own).cloned().collect() }
    }
}

impl Smaller for Excerpt<'_> {
    fn parts(&self) -> usize {
        self.units.len()
    }

    fn without(&self, parts: Range<usize>) -> Self {
        let mut smaller = self.clone();
        smaller.units.drain(parts);
        smaller
    }
}

/// The lines by what ends what begins. Choices are no events, and are left out.
fn units(trace: &Trace) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    let (mut calls, mut deliveries) = (BTreeMap::new(), BTreeMap::new());
    for (at, line) in trace.lines.iter().enumerate() {
        let begun = match &line.what {
            Kind::Call(call) => {
                calls.insert(call.id, units.len());
                None
            }
            Kind::Enter(enter) => {
                deliveries.insert(enter.delivery, units.len());
                None
            }
            Kind::Return(back) => calls.remove(&back.call),
            Kind::Leave(leave) => deliveries.remove(&leave.delivery),
            Kind::Choose(_) => continue,
            _ => None,
        };
        match begun {
            Some(unit) => units[unit].push(at),
            None => units.push(vec![at]),
        }
    }
    units
}
