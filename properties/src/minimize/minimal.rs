//! A counterexample made small, and everything a reader wants to know about it.

use std::fmt;

use contract::defect::Design;
use judge::{RuleSet, TimelineOptions, timeline};

use super::case::{Case, CoreName, NotAFailure};
use super::shrink::{Effort, End};
use super::{Failed, Identity, Nearest};
use crate::difference::told;

/// A counterexample made small. It prints as the page that `docs/reading-a-counterexample.md` explains line by line.
#[derive(Clone, PartialEq, Debug)]
pub struct Minimal {
    /// What it is now.
    pub case: Case,
    /// How it fails.
    pub failed: Failed,
    /// What it took, by tape.
    pub tapes: Vec<Tape>,
    /// How often it fails when it is run again; nothing where it cannot be.
    pub rate: Option<Rate>,
    /// The run that differs in one decision, does as much and passes, where there is one.
    pub nearest: Option<Nearest>,
    /// The counterexample as an ordinary test; nothing where it cannot be run again.
    pub test: Option<Test>,
}

/// What became of one tape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tape {
    /// What it is made of, such as `steps`.
    pub parts: &'static str,
    /// How small it became.
    pub effort: Effort,
}

/// How often a counterexample fails when it is run again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Runs that failed in this way.
    pub reproduced: u64,
    /// Runs.
    pub replays: u64,
}

impl Rate {
    /// How often a finding is run again.
    pub const REPLAYS: u64 = 20;

    /// Runs it again so often.
    pub fn of(again: &mut dyn FnMut() -> bool) -> Rate {
        let reproduced = (0..Rate::REPLAYS).filter(|_| again()).count() as u64;
        Rate { reproduced, replays: Rate::REPLAYS }
    }

    /// Whether it failed each time.
    #[must_use]
    pub const fn is_certain(self) -> bool {
        self.reproduced == self.replays
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.reproduced, self.replays)
    }
}

/// A part of the page of a counterexample.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What it is.
    pub heading: &'static str,
    /// What follows: the rest of the heading's line, and the lines below.
    pub text: String,
}

impl Section {
    fn new(heading: &'static str, text: String) -> Section {
        Section { heading, text }
    }
}

/// A counterexample as an ordinary test of `properties`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Test {
    /// The function's name, such as `r1_20902fa0`, which is the module's, too.
    pub name: String,
    /// The function.
    pub text: String,
}

/// Makes a case small that breaks one of these rules, or with all of them in whatever way it fails.
///
/// # Errors
/// It does not fail.
pub fn minimize(case: &Case, rules: RuleSet) -> Result<Minimal, NotAFailure> {
    minimize_telling(case, rules, &|_| ())
}

/// What is being done for a small case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// What is not needed is left out.
    LeavingOut,
    /// It is run again: the number of finished runs, and the number of all.
    Again(u64, u64),
    /// The nearest run that passes is looked for.
    Nearest,
}

/// As [`minimize`], and calls `tell` with what is being done.
///
/// # Errors
/// It does not fail.
pub fn minimize_telling(case: &Case, rules: RuleSet, tell: &dyn Fn(Step)) -> Result<Minimal, NotAFailure> {
    tell(Step::LeavingOut);
    let first = case.failure(rules).ok_or(NotAFailure)?;
    Ok(made_small(case, first, tell))
}

#[cfg(test)]
thread_local! {
    /// How often this thread has made something small.
    pub(crate) static MADE_SMALL: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Makes a case small that fails so.
pub(crate) fn made_small(case: &Case, first: Failed, tell: &dyn Fn(Step)) -> Minimal {
    #[cfg(test)]
    MADE_SMALL.set(MADE_SMALL.get() + 1);
    let (small, efforts) = case.smallest(&first);
    // A case that fails only now and then may pass just now; then what is known of it is how it was.
    let (case, failed) = match small.failure(first.id.rules()) {
        Some(failed) if failed.id == first.id => (small, failed),
        _ => (case.clone(), first),
    };
    let can_run = case.fails_again(&failed).is_some();
    let mut times = 0;
    let mut fails_again = || {
        tell(Step::Again(times, Rate::REPLAYS));
        times += 1;
        case.fails_again(&failed) == Some(true)
    };
    let rate = can_run.then(|| Rate::of(&mut fails_again));
    tell(Step::Nearest);
    let tapes = efforts.into_iter().map(|(parts, effort)| Tape { parts, effort }).collect();
    let (nearest, test) = (case.nearest(&failed), test(&case, &failed));
    Minimal { case, failed, tapes, rate, nearest, test }
}

/// How a case fails by one of these rules, and the nearest run that passes. Nothing is made small; none when it does not fail.
#[must_use]
pub fn beside(case: &Case, rules: RuleSet) -> Option<(Failed, Option<Nearest>)> {
    let failed = case.failure(rules)?;
    let nearest = case.nearest(&failed);
    Some((failed, nearest))
}

impl Minimal {
    /// The timeline, with the lines marked that decide.
    #[must_use]
    pub fn timeline(&self) -> String {
        self.failed.picture(&TimelineOptions::default())
    }

    /// The nearest passing run as a timeline.
    #[must_use]
    pub fn nearest_timeline(&self) -> Option<String> {
        let trace = &self.nearest.as_ref()?.trace;
        Some(timeline(&told(trace), &TimelineOptions::default()))
    }

    /// What stands below the timeline, as far as there is any: the program, the run that passes, the test.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let program = self.case.program().map(|program| Section::new("the program", format!("\n{program}")));
        let passing = self.nearest.as_ref().zip(self.nearest_timeline()).map(|(nearest, picture)| {
            Section::new("the nearest run that passes", format!(": {}\n\n{picture}", nearest.what))
        });
        let test = self.test.as_ref().map(|test| Section::new("as a test", format!("\n{}", test.text)));
        [program, passing, test].into_iter().flatten().collect()
    }

    /// What is known beside the timeline, a line each.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        let mut facts = vec![format!("identity: {}", self.failed.skeleton.join(", then "))];
        if let Some(rule) = self.failed.id.rule() {
            facts.push(format!("source:   {}", rule.source()));
        }
        facts.extend(self.tapes.iter().map(said));
        facts.push(match self.rate {
            Some(rate) => format!("seen again in {rate} runs"),
            None => "not run again: this is an excerpt of a recorded run, which no engine here can repeat"
                .to_owned(),
        });
        match &self.nearest {
            Some(nearest) => facts.push(format!("passes when {}", nearest.what)),
            None if self.rate.is_some() => {
                facts.push("no change of one decision gives a run that does as much and passes".to_owned())
            }
            None => {}
        }
        facts
    }
}

fn said(tape: &Tape) -> String {
    let Tape { parts, effort: Effort { before, after, tests, end } } = tape;
    let end = match end {
        End::Minimal => "none of them can be left out",
        End::Stopped => "stopped there: it had tried as often as it may",
    };
    format!("{after} of {before} {parts} are left, after {tests} tries; {end}")
}

impl fmt::Display for Minimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.failed.id)?;
        for fact in self.facts() {
            writeln!(f, "  {fact}")?;
        }
        writeln!(f, "\n{}", self.timeline())?;
        let sections = self.sections();
        let texts = sections.iter().map(|Section { heading, text }| format!("{heading}{text}"));
        f.write_str(&texts.collect::<Vec<_>>().join("\n"))
    }
}

/// For tests that `bgcheck minimize --emit-test` has written of a subject that is broken on purpose: it still fails so.
///
/// # Panics
/// It does not; the message is how it fails instead.
pub fn assert_fails(case: &Case, id: &str) {
    let all = case.failure(RuleSet::ALL).map(|failed| failed.id.rules()).unwrap_or(RuleSet::ALL);
    let rules = id.split_once('-').and_then(|(rule, _)| rule.parse().ok());
    let rules = rules.map_or(all, |rule| RuleSet::of(&[rule]));
    let now = case.failure(rules).map(|failed| failed.id.to_string());
    assert_eq!(now.as_deref(), Some(id), "{}", case.program().unwrap_or_default());
}

/// The engine must pass; a subject that is broken on purpose must be caught.
fn test(case: &Case, failed: &Failed) -> Option<Test> {
    let name = name(&failed.id, case);
    let body = match case {
        Case::Stepped(core, program) => {
            let program = program.to_expression("    ");
            let sound = "    properties::run::assert_sound(&program);\n";
            match core {
                CoreName::Core => format!("    let program = {program};\n{sound}"),
                CoreName::Canary => {
                    let case = "properties::minimize::Case::Stepped(properties::minimize::CoreName::Canary, program)";
                    format!(
                        "    let program = {program};\n{sound}    let case = {case};\n{}",
                        still_fails(failed)
                    )
                }
            }
        }
        Case::Race(super::races::Scheduled { race, schedule }) => {
            let lines: String = race.print().iter().map(|line| format!("        {line:?},\n")).collect();
            let race_is =
                format!("    let race = properties::race::Race::parse([\n{lines}    ])\n    .unwrap();\n");
            if race.design == Design::Barrier {
                format!("{race_is}    properties::race::assert_sound(&race, &{schedule:?});\n")
            } else {
                let scheduled =
                    format!("properties::minimize::races::Scheduled {{ race, schedule: vec!{schedule:?} }}");
                format!(
                    "{race_is}    let case = properties::minimize::Case::Race({scheduled});\n{}",
                    still_fails(failed)
                )
            }
        }
        Case::Recorded(_) => return None,
    };
    Some(Test { text: format!("#[test]\n#[rustfmt::skip]\nfn {name}() {{\n{body}}}\n"), name })
}

fn still_fails(failed: &Failed) -> String {
    format!("    properties::minimize::assert_fails(&case, {:?});\n", failed.id.to_string())
}

/// The identity as the name of a function, with the subject where that is broken on purpose.
fn name(id: &Identity, case: &Case) -> String {
    let subject = match case {
        Case::Stepped(CoreName::Canary, _) => "-canary".to_owned(),
        Case::Race(scheduled) if scheduled.race.design != Design::Barrier => {
            format!("-{}", scheduled.race.design)
        }
        _ => String::new(),
    };
    format!("{id}{subject}").to_lowercase().replace('-', "_")
}
