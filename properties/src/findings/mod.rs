//! Findings: the one way from what an engine came upon to what a reader gets.
//!
//! **What it is.** An engine hands over a [`Raw`] finding: the case as it was found, and what it was seen to break. It is [`Named`], and the
//! first of each name among [`Findings`] is [`Explained`]: made small, run again 20 times, with the nearest run that passes.
//!
//! **What it is not.** A search, a picture or a file: the engines search, and the command draws and writes.
//!
//! **The law it keeps.** A finding is raw until it is kept here, and of all findings with one name one is made small, once. A name
//! follows from what is broken, so that making it small does not change it.

mod explained;
mod raw;

use judge::{Rule, RuleSet};

pub use self::explained::{Explained, Named};
pub use self::raw::{Broken, May, Raw};

/// What one search has found, each name once. `F` is what became of a finding, such as a failure of a report.
#[derive(Clone, Debug)]
pub struct Findings<F> {
    kept: Vec<Kept<F>>,
}

/// A finding of one name.
#[derive(Clone, Debug)]
pub struct Kept<F> {
    /// Its name.
    pub id: String,
    /// The rule that it breaks, if it is one.
    pub rule: Option<Rule>,
    /// How often it was found.
    pub times: u64,
    /// What became of it.
    pub failure: F,
}

impl<F> Default for Findings<F> {
    fn default() -> Findings<F> {
        Findings { kept: Vec::new() }
    }
}

impl<F> Findings<F> {
    /// Keeps a finding. The first of its name is explained, and passed on to `write`.
    pub fn keep(&mut self, raw: Raw, write: impl FnOnce(Explained) -> F) -> &Kept<F> {
        let rule = raw.rule();
        let named = Named::of(raw);
        let id = named.id();
        let known = self.kept.iter().position(|kept| kept.id == id);
        let at = known.unwrap_or(self.kept.len());
        if known.is_none() {
            self.kept.push(Kept { id, rule, times: 0, failure: write(named.explained()) });
        }
        self.kept[at].times += 1;
        &self.kept[at]
    }

    /// What breaks a rule, or what is no rule's, in the order in which it was found.
    pub fn of_rule(&self, rule: Option<Rule>) -> impl Iterator<Item = &F> {
        self.kept.iter().filter(move |kept| kept.rule == rule).map(|kept| &kept.failure)
    }

    /// The rules that are broken.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        self.kept.iter().filter_map(|kept| kept.rule).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Core as _;
    use contract::defect::Design;
    use engine::core::Core;

    use super::*;
    use crate::canary::Canary;
    use crate::minimize::{Case, CoreName, MADE_SMALL};
    use crate::race::{HuntOptions, hunt, race_of};
    use crate::sample::{self, Options, sample};
    use crate::stop::Stop;

    /// Programs of seeds in which the canary breaks a rule, as they are found.
    fn programs(rule: Rule) -> impl Iterator<Item = Raw> {
        let breaks = move |seed| {
            let options = Options { runs: Some(1), ..Options::new(seed, Duration::from_secs(600)) };
            let failures = sample(<Canary<Core>>::new, &options).failures;
            failures.iter().flat_map(|failure| failure.raws(CoreName::Canary)).collect::<Vec<_>>()
        };
        (0..).flat_map(breaks).filter(move |raw| raw.broken == Broken::Rule(rule))
    }

    #[test]
    fn two_seeds_that_break_one_thing_are_one_finding_and_made_small_once() {
        let [first, second] = [0, 1].map(|nth| programs(Rule::R1).nth(nth).expect("the seeds do not end"));
        assert_ne!(first, second);
        let before = MADE_SMALL.get();
        let mut findings = Findings::default();
        findings.keep(first, |explained| explained);
        let kept = findings.keep(second, |_| panic!("its name is known"));
        assert_eq!((kept.times, MADE_SMALL.get() - before), (2, 1));
        assert_eq!(kept.failure.rate.map(|rate| rate.is_certain()), Some(true));
        assert_eq!(findings.of_rule(Some(Rule::R1)).count(), 1);
    }

    #[test]
    fn a_sampled_program_is_raw_until_it_is_kept() {
        let before = MADE_SMALL.get();
        let raw = programs(Rule::R2).next().expect("the seeds do not end");
        assert_eq!(MADE_SMALL.get(), before);
        let Case::Stepped(_, program) = &raw.case else { panic!("{raw:?}") };
        assert_eq!(*program, sample::program(raw.seed.expect("it has a seed")));
        let said = format!("of {} steps are left", program.steps.len());
        let explained = Named::of(raw).explained();
        assert!(explained.notes.iter().any(|note| note.contains(&said)), "{:?}", explained.notes);
    }

    #[test]
    fn a_race_is_raw_until_it_is_kept() {
        let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
        let design = Design::Recheck;
        let hunted = hunt(&HuntOptions { design, runs: Some(2_000), stop: Stop::AtFirst, ..patience });
        let failure = hunted.failures.first().expect("the design is wrong");
        let mut as_found = race_of(failure.seed);
        as_found.design = design;
        assert_eq!(failure.race, as_found);
        let before = MADE_SMALL.get();
        let mut findings = Findings::default();
        for raw in failure.raws().chain(failure.raws()) {
            findings.keep(raw, |_| ());
        }
        let names = findings.rules().iter().map(|rule| findings.of_rule(Some(rule)).count() as u64);
        assert_eq!((names.sum(), findings.rules()), (MADE_SMALL.get() - before, failure.violated));
    }

    /// What is not to be run again keeps its lines, and what does not fail any more is no less found.
    #[test]
    fn what_cannot_be_made_small_is_kept_as_it_was_found() {
        let case = Case::Stepped(CoreName::Core, sample::program(1));
        let gone = Raw { engine: "a test", ..Raw::new(case.clone(), Broken::Rule(Rule::R1)) };
        let gone = Named::of(gone).explained();
        assert_eq!((gone.id.as_str(), gone.rate.map(|rate| rate.reproduced)), ("R1-a-test", Some(0)));
        let before = MADE_SMALL.get();
        let stays = Raw { may: May::Stay, ..Raw::new(case, Broken::Named("L3-hang-race".to_owned())) };
        let stays = Named::of(stays).explained();
        assert_eq!((stays.id.as_str(), stays.rate, MADE_SMALL.get() - before), ("L3-hang-race", None, 0));
    }
}
