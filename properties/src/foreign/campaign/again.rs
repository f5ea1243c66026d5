//! What was found is led again: how often it comes, which name it has, and whether a shorter path has it.
//!
//! **A failure's name.** A path is led by what is due, so a callback that is too much comes behind the call that made it, or behind the next one, and
//! a failure is named after the call before it. Where its name changes, the path is led at rest: silence is awaited behind each call. A name
//! that all of these runs have is the failure's from then on, so that one mistake has one name on a busy machine, too. It is not when both
//! names were in one run, or when it is known: those are two failures.
//!
//! **What it is not.** A verdict: `Again` has the numbers, and the command decides.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use adapter::Fault;
use judge::Trace;

use super::Trying;
use crate::foreign::play::Waits;
use crate::foreign::smaller::{Effort, Smaller, failed, smaller};
use crate::foreign::tally::{Again, Found, Repeats};
use crate::minimize::Identity;
use crate::suite::{Case, Failed, Finding};

impl Trying<'_> {
    /// Leads what was found again: how often it comes, and then whether a shorter path has it. How often decides the verdict, so that comes
    /// first for all.
    pub(super) fn again(&mut self) -> Result<(), Fault> {
        self.count_again()?;
        let ids: Vec<Identity> = self.tally.found.keys().copied().collect();
        let all = ids.len() as u64;
        for (number, id) in ids.into_iter().enumerate() {
            self.tell("what was found, made smaller", number as u64, Some(all));
            let Some(found) = self.tally.found.get(&id).cloned() else { continue };
            let Some(case) = found.case.clone().filter(|_| found.again.is_some_and(|again| again.is_same()))
            else {
                continue;
            };
            let now = Instant::now();
            if now >= self.until || (self.plan.enough)() {
                self.not_begun.push(format!("{id} made smaller"));
                continue;
            }
            let until = now + (self.until - now) / (all as u32 - number as u32).max(1);
            let effort = Effort { runs: 1, until, enough: self.plan.enough };
            let at_rest = found.again.is_some_and(|again| again.at_rest.times > 0);
            self.stage.pace.waits = if at_rest { Waits::Silence } else { Waits::AsSeen };
            let shorter = smaller(id, &case, self.stage, &effort);
            self.stage.pace.waits = Waits::AsSeen;
            match shorter {
                Ok(Some(smaller)) => {
                    let Smaller { finding, trace, case, .. } = smaller;
                    self.tally
                        .found
                        .insert(id, Found { finding, trace, case: Some(Box::new(case)), ..found });
                }
                Ok(None) => {}
                Err(fault) => self.interrupted("what was found, made smaller", fault)?,
            }
        }
        Ok(())
    }

    /// Counts how often each failure comes that has not been led again yet: once for all of them first, as time may be over soon.
    pub(super) fn count_again(&mut self) -> Result<(), Fault> {
        let is_new = |found: &&Found| found.again.is_none();
        let cases = self.tally.found.iter().filter(|(_, found)| is_new(found));
        let cases = cases.filter_map(|(id, found)| Some((*id, found.case.clone()?, Repeating::default())));
        let mut new: Vec<(Identity, Box<Case>, Repeating)> = cases.collect();
        // That is worth a little more time.
        let until = self.until.max(Instant::now()) + GRACE.min(self.plan.budget / OVERTIME);
        let all = Some(new.len() as u64);
        for _ in 0..REPLAYS {
            for (number, (id, case, repeating)) in (0..).zip(&mut new) {
                if Instant::now() >= until || (self.plan.enough)() {
                    break;
                }
                self.tell("what was found, again", number, all);
                self.lead_again(*id, case, repeating)?;
            }
        }
        for (id, case, mut repeating) in new {
            if repeating.again.led.times == 0 {
                self.not_begun.push(format!("{id} again"));
                continue;
            }
            self.tell("what was found, more often", 0, None);
            self.lead_more_often(id, &case, &mut repeating, until)?;
            let Repeating { again, names } = repeating;
            self.tally.take_again(id, Repeated { again, named: names.name(id, self.plan.known) });
        }
        Ok(())
    }

    fn lead_again(&mut self, id: Identity, case: &Case, repeating: &mut Repeating) -> Result<(), Fault> {
        let failed = self.failed(case, Waits::Whole)?;
        self.count_run(id, failed.as_ref(), &mut repeating.again.led);
        repeating.names.take_led(id, failed.as_ref());
        Ok(())
    }

    /// A failure that does not come each time is led more often, and then at rest.
    fn lead_more_often(
        &mut self,
        id: Identity,
        case: &Case,
        repeating: &mut Repeating,
        until: Instant,
    ) -> Result<(), Fault> {
        if repeating.again.is_same() {
            return Ok(());
        }
        while repeating.again.led.times < MORE_REPLAYS && Instant::now() < until {
            self.lead_again(id, case, repeating)?;
        }
        for _ in 0..REPLAYS {
            let failed = self.failed(case, Waits::Silence)?;
            self.count_run(id, failed.as_ref(), &mut repeating.again.at_rest);
            repeating.names.take_at_rest(failed);
        }
        Ok(())
    }

    fn count_run(&self, id: Identity, failed: Option<&Failed>, runs: &mut Repeats) {
        let mut names = names(failed);
        runs.times += 1;
        runs.seen += u32::from(names.clone().any(|name| name == id));
        runs.failed += u32::from(names.any(|name| name == id || !self.plan.known.contains(&name)));
    }

    /// Leads the implementation along a path, and returns its failure.
    fn failed(&mut self, case: &Case, waits: Waits) -> Result<Option<Failed>, Fault> {
        self.stage.pace.waits = waits;
        let failed = failed(case, self.stage);
        self.stage.pace.waits = Waits::AsSeen;
        match failed {
            Ok(failed) => Ok(failed),
            Err(fault) => self.interrupted("what was found, again", fault).map(|()| None),
        }
    }
}

/// A failure while it is led again.
#[derive(Default)]
struct Repeating {
    again: Again,
    names: Names,
}

/// What came when a failure was led again.
pub(in crate::foreign) struct Repeated {
    pub(in crate::foreign) again: Again,
    /// What it is called, and a run at rest, where that has another name or a name of its own.
    pub(in crate::foreign) named: Option<(Finding, Trace)>,
}

fn names(failed: Option<&Failed>) -> impl Iterator<Item = Identity> + Clone + '_ {
    failed.into_iter().flat_map(|failed| &failed.findings).map(Finding::id)
}

/// What the runs of one path are called.
#[derive(Default)]
struct Names {
    /// Names that were in one run with the failure that is looked for. They are other failures.
    beside: BTreeSet<Identity>,
    /// Whether that was in a run at all.
    was_seen: bool,
    /// Runs at rest.
    at_rest: u32,
    /// The first of them, with the findings that were in each.
    common: Option<Failed>,
}

impl Names {
    fn take_led(&mut self, id: Identity, failed: Option<&Failed>) {
        if names(failed).any(|name| name == id) {
            self.was_seen = true;
            self.beside.extend(names(failed).filter(|name| *name != id));
        }
    }

    fn take_at_rest(&mut self, failed: Option<Failed>) {
        self.at_rest += 1;
        self.common = match (self.common.take(), failed) {
            (None, first) if self.at_rest == 1 => first,
            (Some(mut common), Some(failed)) => {
                common.findings.retain(|one| names(Some(&failed)).any(|name| name == one.id()));
                Some(common)
            }
            _ => None,
        };
    }

    /// What each run at rest had: the failure that was looked for, or else one that it may be called instead.
    fn name(self, id: Identity, known: &BTreeSet<Identity>) -> Option<(Finding, Trace)> {
        let Failed { findings, trace, .. } = self.common?;
        let other = |name: Identity| self.was_seen && !self.beside.contains(&name) && !known.contains(&name);
        let own = findings.iter().find(|finding| finding.id() == id);
        let finding = own.or_else(|| findings.iter().find(|finding| other(finding.id())))?;
        Some((finding.clone(), trace))
    }
}

/// How long behind the end of its time what was found is led again, and which part of the whole time that is at most.
const GRACE: Duration = Duration::from_secs(10);
const OVERTIME: u32 = 10;

/// How often what was found is led again.
const REPLAYS: u32 = 3;
/// And what did not come each time.
const MORE_REPLAYS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::{Account, Concern, Difference};

    fn finding(word: &str) -> Finding {
        Finding::Differs(Difference {
            skeleton: vec![word.to_owned()],
            after: "SetNotifyFlags -> S_OK".to_owned(),
            subject: word.to_owned(),
            wanted: "nothing".to_owned(),
            account: Account::Suite,
            concern: Concern::Rule(judge::Rule::R6),
            job: None,
            seq: 1,
        })
    }

    fn run(words: &[&str]) -> Option<Failed> {
        let trace = Trace { header: judge::Header::of(contract::Dialect::Bits.profile()), lines: Vec::new() };
        (!words.is_empty())
            .then(|| Failed { trace, findings: words.iter().map(|word| finding(word)).collect() })
    }

    /// What a failure called "behind the next" is called after these runs.
    fn name(led: &[&[&str]], at_rest: &[&[&str]], known: &[&str]) -> Option<Identity> {
        let id = finding("behind the next").id();
        let mut names = Names::default();
        led.iter().for_each(|words| names.take_led(id, run(words).as_ref()));
        at_rest.iter().for_each(|words| names.take_at_rest(run(words)));
        let known = known.iter().map(|word| finding(word).id()).collect();
        names.name(id, &known).map(|(finding, _)| finding.id())
    }

    #[test]
    fn a_failure_has_the_name_that_it_has_in_each_run_at_rest() {
        let (next, own) = (finding("behind the next").id(), finding("behind its call").id());
        let led: &[&[&str]] = &[&["behind the next"], &["behind its call"], &[]];
        assert_eq!(name(led, &[&["behind its call"], &["behind its call"]], &[]), Some(own));
        assert_eq!(
            name(led, &[&["behind its call"], &["behind its call", "behind the next"]], &[]),
            Some(own)
        );
        let both: &[&str] = &["behind its call", "behind the next"];
        assert_eq!(name(led, &[both, both], &[]), Some(next));
    }

    #[test]
    fn two_failures_keep_two_names() {
        let other: &[&[&str]] = &[&["behind its call"], &["behind its call"]];
        let both_at_once: &[&[&str]] = &[&["behind the next", "behind its call"], &["behind its call"]];
        assert_eq!(name(both_at_once, other, &[]), None);
        let led: &[&[&str]] = &[&["behind the next"], &["behind its call"]];
        assert_eq!(name(led, other, &["behind its call"]), None);
        let never_again: &[&[&str]] = &[&["behind its call"], &[]];
        assert_eq!(name(never_again, other, &[]), None);
        assert_eq!(name(led, &[&["behind its call"], &[]], &[]), None);
    }
}
