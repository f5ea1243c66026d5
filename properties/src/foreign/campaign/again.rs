//! What was found is led again: how often it comes, which name it has, and whether a shorter path has it.
//!
//! **A failure's name.** A path is led by what is due, so a callback that is too much comes behind the call that made it, or behind the next one, and
//! a failure is named after the call before it. Where its name changes, the path is led at rest: silence is awaited behind each call. A name
//! that all of these runs have is the failure's from then on, so that one mistake has one name on a busy machine, too. It is not when both
//! names were in one run, or when it is known: those are two failures.
//!
//! A program that is written down is played again as a whole. A race is not: each of its runs is one of many, so it has a rate already.
//!
//! **What it is not.** A verdict: `Again` has the numbers, and the command decides.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use adapter::Fault;
use judge::Trace;

use super::{Program, Trying, interrupted, program_at};
use crate::foreign::play::Waits;
use crate::foreign::smaller::{Effort, Smaller, failed, smaller};
use crate::foreign::tally::{Again, Found, Repeats, Tally};
use crate::foreign::{Stage, Step};
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
            let waits = if at_rest { Waits::Silence } else { Waits::AsSeen };
            match waiting_for(self.stage, waits, |stage| smaller(id, &case, stage, &effort)) {
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
        let known = self.plan.known;
        let cases = self.tally.found.iter().filter(|(_, found)| found.again.is_none());
        let cases = cases.filter_map(|(id, found)| Some((found.case.clone()?, Repeated::of(*id, known))));
        let mut new: Vec<(Box<Case>, Repeated<'_>)> = cases.collect();
        // That is worth a little more time.
        let until = self.until.max(Instant::now()) + GRACE.min(self.plan.budget / OVERTIME);
        for _ in 0..REPLAYS {
            let cases: Vec<&Case> = new.iter().map(|(case, _)| &**case).collect();
            for (number, failed) in self.led_again(&cases, until)? {
                new[number].1.take_led(failed.as_ref());
            }
        }
        for (case, mut repeated) in new {
            if repeated.again.led.times == 0 {
                self.not_begun.push(format!("{} again", repeated.id));
                continue;
            }
            self.tell("what was found, more often", 0, None);
            self.lead_more_often(&case, &mut repeated, until)?;
            self.tally.take_again(repeated.id, repeated.again, repeated.name());
        }
        self.play_again(until)
    }

    /// Plays the programs again that found something, and counts how often each failure comes.
    fn play_again(&mut self, until: Instant) -> Result<(), Fault> {
        let of_program = |found: &&Found| found.case.is_none() && found.again.is_none();
        let places = self.tally.found.values().filter(of_program).map(|found| found.on.clone());
        let places: BTreeSet<String> = places.filter(|place| program_at(place).is_some()).collect();
        let all = places.len() as u64;
        for (place, number) in places.iter().zip(0..) {
            let Some(program) = program_at(place) else { continue };
            self.tell("programs that found something, again", number, Some(all));
            let mut runs = Vec::new();
            while runs.len() < PLAYED_AGAIN && Instant::now() < until && !(self.plan.enough)() {
                let Some(found) = self.played(place, program, until)? else { break };
                runs.push(found);
            }
            self.tally.take_played(place, &runs);
        }
        Ok(())
    }

    /// Plays a program, and returns the names of what it found; nothing when it did not come to its end.
    fn played(
        &mut self,
        place: &str,
        program: Program,
        until: Instant,
    ) -> Result<Option<BTreeSet<Identity>>, Fault> {
        let plan = self.plan;
        let is_over = |_: &Tally| Instant::now() >= until || (plan.enough)();
        let mut tally = self.tally.beside();
        // As often as it is begun, the servers are the first ones again.
        self.stage.servers_met = 0;
        let left = match program(self.stage, &self.abilities, &is_over, &mut tally) {
            Ok(left) => left,
            Err(fault) => return self.interrupted(place, fault).map(|()| None),
        };
        self.stage.litter.note(&self.stage.session);
        let found = tally.ids();
        self.tally.merge(tally);
        Ok((left == 0).then_some(found))
    }

    /// Leads all processes along these paths, as far as there is time. Returns the number of each path that was led, and its failure.
    fn led_again(&mut self, cases: &[&Case], until: Instant) -> Result<Vec<(usize, Option<Failed>)>, Fault> {
        let (plan, progress) = (self.plan, self.progress);
        let (of, found) = (Some(cases.len() as u64), self.tally.found.len());
        let is_over = |_: &Tally| Instant::now() >= until || (plan.enough)();
        let tell = |done: usize, _: &Tally| {
            progress(&Step { what: LED_AGAIN.to_owned(), done: done as u64, of, found });
        };
        self.crew.share_out(
            plan.workers.get(),
            (&mut *self.stage, &mut self.tally),
            cases,
            (is_over, tell),
            |stage, tally, case| match waiting_for(stage, Waits::Whole, |stage| failed(case, stage)) {
                Ok(failed) => Ok(Some(failed)),
                Err(fault) => interrupted(stage, tally, (LED_AGAIN, None), fault).map(|()| None),
            },
        )
    }

    /// A failure that does not come each time is led more often, and then at rest.
    fn lead_more_often(
        &mut self,
        case: &Case,
        repeated: &mut Repeated<'_>,
        until: Instant,
    ) -> Result<(), Fault> {
        if repeated.again.is_same() {
            return Ok(());
        }
        while repeated.again.led.times < MORE_REPLAYS && Instant::now() < until {
            repeated.take_led(self.failed(case, Waits::Whole)?.as_ref());
        }
        for _ in 0..REPLAYS {
            repeated.take_at_rest(self.failed(case, Waits::Silence)?);
        }
        Ok(())
    }

    /// Leads the implementation along a path, and returns its failure.
    fn failed(&mut self, case: &Case, waits: Waits) -> Result<Option<Failed>, Fault> {
        match waiting_for(self.stage, waits, |stage| failed(case, stage)) {
            Ok(failed) => Ok(failed),
            Err(fault) => self.interrupted(LED_AGAIN, fault).map(|()| None),
        }
    }
}

fn waiting_for<T>(stage: &mut Stage, waits: Waits, lead: impl FnOnce(&mut Stage) -> T) -> T {
    stage.pace.waits = waits;
    let led = lead(stage);
    stage.pace.waits = Waits::AsSeen;
    led
}

/// A failure, and what came when its path was led again.
struct Repeated<'a> {
    id: Identity,
    known: &'a BTreeSet<Identity>,
    again: Again,
    /// Names that were in one run with this failure. They are other failures.
    beside: BTreeSet<Identity>,
    /// The first run at rest, with the findings that were in each run at rest.
    common: Option<Failed>,
}

impl<'a> Repeated<'a> {
    fn of(id: Identity, known: &'a BTreeSet<Identity>) -> Repeated<'a> {
        Repeated { id, known, again: Again::default(), beside: BTreeSet::new(), common: None }
    }

    fn take_led(&mut self, failed: Option<&Failed>) {
        self.again.led = self.and(self.again.led, failed);
        if names(failed).any(|name| name == self.id) {
            self.beside.extend(names(failed).filter(|name| *name != self.id));
        }
    }

    fn take_at_rest(&mut self, failed: Option<Failed>) {
        let is_first = self.again.at_rest.times == 0;
        self.again.at_rest = self.and(self.again.at_rest, failed.as_ref());
        self.common = match (self.common.take(), failed) {
            (None, first) if is_first => first,
            (Some(mut common), Some(failed)) => {
                common.findings.retain(|one| names(Some(&failed)).any(|name| name == one.id()));
                Some(common)
            }
            _ => None,
        };
    }

    /// These runs and one more.
    fn and(&self, runs: Repeats, failed: Option<&Failed>) -> Repeats {
        let is_it = |name: Identity| name == self.id;
        let counts = |name: Identity| is_it(name) || !self.known.contains(&name);
        Repeats {
            times: runs.times + 1,
            seen: runs.seen + u32::from(names(failed).any(is_it)),
            failed: runs.failed + u32::from(names(failed).any(counts)),
        }
    }

    /// What each run at rest had, and the first of them: this failure, or else one that it may be called instead.
    fn name(self) -> Option<(Finding, Trace)> {
        let Failed { findings, trace } = self.common?;
        let was_seen = self.again.led.seen > 0;
        let may_be = |name: &Identity| was_seen && !self.beside.contains(name) && !self.known.contains(name);
        let own = findings.iter().find(|finding| finding.id() == self.id);
        let finding = own.or_else(|| findings.iter().find(|finding| may_be(&finding.id())))?;
        Some((finding.clone(), trace))
    }
}

fn names(failed: Option<&Failed>) -> impl Iterator<Item = Identity> + '_ {
    failed.into_iter().flat_map(|failed| &failed.findings).map(Finding::id)
}

/// How long behind the end of its time what was found is led again, and which part of the whole time that is at most.
const GRACE: Duration = Duration::from_secs(10);
const OVERTIME: u32 = 10;

/// What it is called in the report.
const LED_AGAIN: &str = "what was found, again";

/// How often what was found is led again.
const REPLAYS: u32 = 3;
/// How often a program is played again.
const PLAYED_AGAIN: usize = 2;
/// How often what did not come each time is led again.
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
        let known = known.iter().map(|word| finding(word).id()).collect();
        let mut repeated = Repeated::of(id, &known);
        led.iter().for_each(|words| repeated.take_led(run(words).as_ref()));
        at_rest.iter().for_each(|words| repeated.take_at_rest(run(words)));
        repeated.name().map(|(finding, _)| finding.id())
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
