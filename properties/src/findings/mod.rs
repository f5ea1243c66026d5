//! Findings: the one way from what an engine came upon to what a reader gets.
//!
//! **What it is.** An engine hands over a [`Raw`] finding: the case as it was found, and what it was seen to break. [`Findings`] gives each
//! its name, and has the first of each name [`Explained`]: made small, run again 20 times, with the nearest run that passes.
//!
//! **What it is not.** A search, a picture or a file: the engines search, and the command draws and writes.
//!
//! **The law it keeps.** A finding is raw until it is taken here, and of all findings with one name one is made small, once. A name
//! follows from what is broken, so that making it small does not change it.

mod explained;
mod raw;

use std::collections::BTreeSet;

use self::explained::Named;
pub use self::explained::{Explained, explain};
pub use self::raw::{Broken, May, Raw};

/// The names of what a search has found so far.
#[derive(Clone, Default, Debug)]
pub struct Findings {
    names: BTreeSet<String>,
}

/// A finding that was taken.
#[derive(Clone, PartialEq, Debug)]
pub enum Taken {
    /// The first of its name.
    New(Box<Explained>),
    /// Another one of this name.
    Known(String),
}

impl Findings {
    /// Explains a finding, if it is the first of its name.
    pub fn take(&mut self, raw: Raw) -> Taken {
        let named = Named::of(raw);
        if self.names.insert(named.id.clone()) {
            Taken::New(Box::new(named.explained()))
        } else {
            Taken::Known(named.id)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::{Core as _, Rule};
    use engine::core::Core;

    use super::*;
    use crate::canary::Canary;
    use crate::minimize::{Case, CoreName, MADE_SMALL};
    use crate::race::{Design, HuntOptions, hunt, race_of};
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
        let Taken::New(explained) = findings.take(first) else { panic!("it is the first") };
        assert_eq!(findings.take(second), Taken::Known(explained.id.clone()));
        assert_eq!(MADE_SMALL.get() - before, 1);
        assert_eq!(explained.rate.map(|rate| rate.is_certain()), Some(true));
    }

    #[test]
    fn a_sampled_program_is_raw_until_it_is_taken() {
        let before = MADE_SMALL.get();
        let raw = programs(Rule::R2).next().expect("the seeds do not end");
        assert_eq!(MADE_SMALL.get(), before);
        let Case::Stepped(_, program) = &raw.case else { panic!("{raw:?}") };
        assert_eq!(*program, sample::program(raw.seed.expect("it has a seed")));
        let steps = program.steps.len();
        let Taken::New(explained) = Findings::default().take(raw) else { panic!("it is the first") };
        let said = format!("of {steps} steps are left");
        assert!(explained.notes.iter().any(|note| note.contains(&said)), "{:?}", explained.notes);
    }

    #[test]
    fn a_race_is_raw_until_it_is_taken() {
        let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
        let design = Design::Recheck;
        let hunted = hunt(&HuntOptions { design, runs: Some(2_000), stop: Stop::AtFirst, ..patience });
        let failure = hunted.failures.first().expect("the design is wrong");
        let mut as_found = race_of(failure.seed);
        as_found.design = design;
        assert_eq!(failure.race, as_found);
        let before = MADE_SMALL.get();
        let raws: Vec<Raw> = failure.raws().collect();
        let mut findings = Findings::default();
        let new = |raw: &Raw| matches!(findings.take(raw.clone()), Taken::New(_));
        let news = raws.iter().chain(&raws).map(new).filter(|new| *new).count() as u64;
        assert_eq!((news, MADE_SMALL.get() - before), (raws.len() as u64, raws.len() as u64));
    }

    /// What is not to be run again keeps its lines, and what does not fail any more is no less found.
    #[test]
    fn what_cannot_be_made_small_is_kept_as_it_was_found() {
        let program = sample::program(1);
        let case = Case::Stepped(CoreName::Core, program);
        let gone = explain(Raw { engine: "a test", ..Raw::new(case.clone(), Broken::Rule(Rule::R1)) });
        assert_eq!((gone.id.as_str(), gone.rate.map(|rate| rate.reproduced)), ("R1-a-test", Some(0)));
        let named = Broken::Named("L3-hang-race".to_owned());
        let before = MADE_SMALL.get();
        let kept = explain(Raw { may: May::Stay, ..Raw::new(case, named) });
        assert_eq!((kept.id.as_str(), kept.rate, MADE_SMALL.get() - before), ("L3-hang-race", None, 0));
    }
}
