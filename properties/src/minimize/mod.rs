//! Minimal counterexamples: what broke something made small, named, seen again, and explained.
//!
//! **What it is.** A [`Case`] is something that can be run again (a program on a core, a race with its schedule) or only read again (a
//! recorded run). [`minimize()`] makes it small over three tapes, the program, the schedule and the values, with one loop of
//! delta debugging ([`shrink`]), and comes back with a [`Minimal`]: its name, how often it fails when it is run again, the nearest
//! run that passes and the one decision in which it differs, and an ordinary test.
//!
//! **What it is not.** A hunt. Something has failed already, and its rule is kept with its identity all the way.
//!
//! **The law it keeps.** What comes out is 1-minimal, unless [`shrink::End`] is `Stopped`: without any one step, or with any one choice
//! or value simpler, the failure is gone or is another one. A case gives one result, on any machine.
//!
//! Engines whose counterexamples are shortest by construction (`check`) go through here, too: for the name, the rate and the
//! explanation, and because a value may still be simpler.

mod case;
mod doings;
pub mod excerpt;
mod minimal;
pub mod races;
pub mod shrink;
pub mod stepped;
mod values;

use judge::{Rule, RuleSet, TimelineOptions, Trace, Verdicts, Violation, failure_id, skeleton, timeline};

use crate::difference::Difference;

#[cfg(test)]
pub(crate) use self::minimal::MADE_SMALL;
pub(crate) use self::minimal::made_small;

pub use self::case::{Case, CoreName, NotAFailure};
pub use self::minimal::{
    Minimal, Rate, Section, Step, Tape, Test, assert_fails, beside, minimize, minimize_telling,
};
pub use self::shrink::{Effort, End, Smaller};
pub use crate::difference::told;
pub use crate::identity::{Identity, UnknownIdentity};

/// A failure of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Failed {
    /// Which.
    pub id: Identity,
    /// What its name is made of, in words.
    pub skeleton: Vec<String>,
    /// Where a rule is broken, when one is.
    pub violation: Option<Violation>,
    /// Where two accounts of the run part, when they do.
    pub difference: Option<Difference>,
    /// What happened.
    pub trace: Trace,
}

impl Failed {
    /// The failure of this run that the violation is.
    #[must_use]
    pub(super) fn at(violation: Violation, trace: Trace) -> Failed {
        let (id, skeleton) = (failure_id(&trace, &violation), skeleton(&trace, &violation));
        Failed { id: Identity::Rule(id), skeleton, violation: Some(violation), difference: None, trace }
    }

    /// The failure of this run that the difference is.
    #[must_use]
    pub(super) fn of_difference(difference: Difference, trace: Trace) -> Failed {
        let (id, skeleton) = (difference.id(), difference.skeleton.clone());
        Failed { id, skeleton, violation: None, difference: Some(difference), trace }
    }

    /// The first violation of one of these rules in a run, if there is one.
    #[must_use]
    pub(super) fn first(trace: Trace, rules: RuleSet) -> Option<Failed> {
        let broken = Verdicts::of(&trace);
        let of_rules = broken.violations().filter(|violation| rules.contains(violation.rule));
        let violation = of_rules.min_by_key(|violation| (violation.seq, violation.rule))?;
        Some(Failed::at(violation, trace))
    }

    /// The run as a timeline, with the lines marked that decide and, where two accounts part, both sides above it.
    #[must_use]
    pub fn picture(&self, options: &TimelineOptions) -> String {
        match &self.difference {
            Some(difference) => difference.picture(&self.trace, options),
            None => {
                let options = TimelineOptions { violation: self.violation, ..options.clone() };
                timeline(&told(&self.trace), &options)
            }
        }
    }

    /// The line at which something is wrong.
    pub(super) fn broken_at(&self) -> Option<u64> {
        let difference = self.difference.as_ref().map(|difference| difference.seq);
        self.violation.map(|violation| violation.seq).or(difference)
    }

    /// Whether the rule is broken by what did not happen.
    #[must_use]
    pub fn is_by_silence(&self) -> bool {
        let last = self.trace.events().last().map(|(seq, _)| seq);
        let at_end = self.violation.is_some_and(|violation| Some(violation.seq) == last);
        let rules = RuleSet::of(&[Rule::R9, Rule::R15, Rule::R16, Rule::R18, Rule::R19]);
        at_end && self.id.rule().is_some_and(|rule| rules.contains(rule))
    }
}

/// A run that differs in one decision and breaks nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Nearest {
    /// The decision, in one line.
    pub what: String,
    /// The run.
    pub trace: Trace,
}

/// Candidates tried for one tape at most. A trace of 200 steps needs a few thousand.
const MOST_TESTS: u64 = 1_000_000;
