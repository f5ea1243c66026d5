//! Hunting: many races, many schedules of each, and what breaks made small.
//!
//! The same options give the same schedules in the same order; the budget decides how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::Call;
use contract::fault::Fault;
use contract::judge::{Ended, Rule, RuleSet, Trace, Verdict};
use engine::service::Design;

use super::bytes::race_of;
use super::program::{Act, Race, Stays};
use super::strategy::{Kind, More, Tape};
use super::subject::{Run, Session, trace};
use super::windows::Windows;
use crate::minimize::races::{self, Scheduled};

/// How to hunt.
#[derive(Clone, Copy)]
pub struct HuntOptions<'a> {
    /// Which schedules.
    pub kind: Kind,
    /// Which races.
    pub races: Races<'a>,
    /// What stands in the place of the barrier.
    pub design: Design,
    /// The fault in the engine, in a build that can have one.
    pub fault: Option<Fault>,
    /// The seed of the first race and of its schedules; the next race's is one more.
    pub seed: u64,
    /// When to stop starting new schedules.
    pub budget: Duration,
    /// Stop after so many schedules, whatever the budget.
    pub runs: Option<u64>,
    /// Schedules of one race before the next one.
    pub each: u64,
    /// Whether to go on after something broke.
    pub stop: Stop,
    /// Set when something broke and that is enough, here or in another hunt that has the same one: then it is over.
    pub enough: Option<&'a AtomicBool>,
    /// Told now and then how many schedules have run.
    pub progress: &'a dyn Fn(u64),
}

/// Which races are run.
#[derive(Clone, Copy, Debug)]
pub enum Races<'a> {
    /// Those of seeds.
    OfSeeds,
    /// Those of seeds, cut down to two clients with a call each, so that their schedules come to an end: see [`hunt()`].
    Small,
    /// This one, until its schedules or the budget are spent.
    Given(&'a Race),
}

/// When a hunt stops early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Never: every rule's first failure is kept.
    Never,
    /// At the first failure.
    AtFirst,
}

impl<'a> HuntOptions<'a> {
    /// Random schedules of random races, sixteen of each.
    #[must_use]
    pub fn new(budget: Duration, progress: &'a dyn Fn(u64)) -> HuntOptions<'a> {
        HuntOptions {
            kind: Kind::Random,
            races: Races::OfSeeds,
            design: Design::Barrier,
            fault: None,
            seed: 0,
            budget,
            runs: None,
            each: 16,
            stop: Stop::Never,
            enough: None,
            progress,
        }
    }
}

/// A race and a schedule that break something, made small.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the race as it was found.
    pub seed: u64,
    /// How many schedules had run, this one included.
    pub after: u64,
    /// What it breaks.
    pub violated: RuleSet,
    /// The race, without the steps it does not need.
    pub race: Race,
    /// The schedule, without the choices it does not need.
    pub schedule: Vec<u8>,
    /// What happened.
    pub trace: Trace,
}

/// What a hunt did.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// Schedules run.
    pub schedules: u64,
    /// Races they are of.
    pub races: u64,
    /// Races of which every schedule has been run.
    pub finished: u64,
    /// Choices made, where there was more than one way to go.
    pub steps: u64,
    /// Runs that were cut because they took too long.
    pub cut: u64,
    /// Whether every schedule of the races has been run: a proof for these races.
    pub exhausted: Exhausted,
    /// How often each rule had something to decide, by [`Rule::ALL`]'s order.
    pub decisions: Vec<(Rule, u64)>,
    /// At most one failure for each rule.
    pub failures: Vec<Failure>,
    /// Waits at the barrier.
    pub waits: u64,
    /// A race in which a call waited on for a later delivery (L3), if there was one; it may break no rule.
    pub overwaited: Option<Failure>,
    /// Which calls met which steps.
    pub windows: Windows,
    /// How long it took.
    pub elapsed: Duration,
}

/// Whether there is a schedule left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhausted {
    /// None.
    Yes,
    /// There may be.
    No,
}

/// Runs schedules until the budget is spent.
#[must_use]
pub fn hunt(options: &HuntOptions<'_>) -> Hunted {
    let mut hunt = Hunt {
        options: *options,
        started: Instant::now(),
        counts: vec![0; Rule::ALL.len()],
        hunted: Hunted {
            schedules: 0,
            races: 0,
            finished: 0,
            steps: 0,
            cut: 0,
            exhausted: Exhausted::No,
            decisions: Vec::new(),
            failures: Vec::new(),
            waits: 0,
            overwaited: None,
            windows: Windows::default(),
            elapsed: Duration::ZERO,
        },
    };
    while hunt.goes_on() && hunt.hunted.exhausted == Exhausted::No {
        hunt.one_race();
    }
    hunt.end()
}

/// Schedules between two looks at the clock.
const BATCH: u64 = 64;

struct Hunt<'a> {
    options: HuntOptions<'a>,
    started: Instant,
    counts: Vec<u64>,
    hunted: Hunted,
}

/// The race with as little in it as makes one: the transfers are over and nobody has been told; one client registers and
/// one does what the first client would have done.
fn small(mut race: Race) -> Race {
    let registers = |act: &Act| match act {
        Act::Call(step) => matches!(step.call, Call::SetNotifyInterface { .. }),
        Act::Settle | Act::Pass => false,
    };
    let register = race.prefix.iter().find(|act| registers(act)).cloned();
    race.prefix.retain(|act| !registers(act));
    if !race.prefix.contains(&Act::Settle) {
        race.prefix.push(Act::Settle);
    }
    race.branches.truncate(2);
    race.branches.iter_mut().for_each(|branch| branch.calls.truncate(1));
    if let (Some(Act::Call(register)), Some(branch)) = (register, race.branches.last_mut()) {
        branch.calls = vec![register];
    }
    race.objects.iter_mut().for_each(|object| {
        object.calls.clear();
        object.stays = Stays::Briefly;
    });
    (race.slots, race.users, race.dispatchers) = (1, 1, 1);
    race
}

impl Hunt<'_> {
    fn goes_on(&self) -> bool {
        let HuntOptions { runs, budget, stop, .. } = self.options;
        let enough = self.options.enough.is_some_and(|enough| enough.load(Ordering::Relaxed));
        let found = !self.hunted.failures.is_empty() || self.hunted.overwaited.is_some();
        let broken = enough || stop == Stop::AtFirst && found;
        let spent = runs.is_some_and(|runs| self.hunted.schedules >= runs);
        // The clock is looked at now and then: a look costs as much as a step.
        let late = self.hunted.schedules.is_multiple_of(BATCH) && self.started.elapsed() >= budget;
        !(broken || spent || late)
    }

    fn one_race(&mut self) {
        let seed = self.options.seed.wrapping_add(self.hunted.races);
        let (mut race, most) = match self.options.races {
            Races::OfSeeds => (race_of(seed), self.options.each),
            Races::Small => (small(race_of(seed)), self.options.each),
            Races::Given(race) => (race.clone(), u64::MAX),
        };
        race.design = self.options.design;
        race.fault = self.options.fault;
        let race = Arc::new(race);
        let mut session = Session::new(self.options.kind.start(seed));
        self.hunted.races += 1;
        let before = self.hunted.schedules;
        while self.goes_on() && self.hunted.schedules - before < most {
            let run = session.run(&race);
            self.note(seed, &race, &run);
            if session.next(&run.choices) == More::No {
                self.hunted.finished += 1;
                if matches!(self.options.races, Races::Given(_)) {
                    self.hunted.exhausted = Exhausted::Yes;
                }
                break;
            }
        }
    }

    fn note(&mut self, seed: u64, race: &Race, run: &Run) {
        self.hunted.schedules += 1;
        self.hunted.steps += run.choices.len() as u64;
        self.hunted.cut += u64::from(run.ended == Ended::Cut);
        for (count, rule) in self.counts.iter_mut().zip(Rule::ALL) {
            if let Some(Verdict::Held { decisions }) = run.verdicts.rules.get(rule) {
                *count += decisions;
            }
        }
        self.hunted.waits += run.waits;
        run.windows.iter().for_each(|window| self.hunted.windows.count(*window));
        if !run.violated.is_empty() {
            self.keep(seed, race, run);
        }
        if run.overwaits > 0 && self.hunted.overwaited.is_none() {
            self.enough();
            self.hunted.overwaited = self.made_small(seed, race, run, RuleSet::EMPTY);
        }
        if self.hunted.schedules.is_multiple_of(BATCH) {
            (self.options.progress)(self.hunted.schedules);
        }
    }

    fn keep(&mut self, seed: u64, race: &Race, run: &Run) {
        let known = |rule: Rule| self.hunted.failures.iter().any(|failure| failure.violated.contains(rule));
        if run.violated.iter().any(known) {
            return;
        }
        self.enough();
        let failure = self.made_small(seed, race, run, run.violated);
        self.hunted.failures.extend(failure);
    }

    /// One failure is enough for the other hunts, too.
    fn enough(&self) {
        if let (Stop::AtFirst, Some(enough)) = (self.options.stop, self.options.enough) {
            enough.store(true, Ordering::Relaxed);
        }
    }

    /// The failure of one of these rules, or of none when a call waited too long.
    fn made_small(&self, seed: u64, race: &Race, run: &Run, rules: RuleSet) -> Option<Failure> {
        let found = Scheduled { race: race.clone(), schedule: Tape::of(&run.choices).choices().to_vec() };
        let failed = races::failure(&found, rules)?;
        let (Scheduled { race, schedule }, _) = races::smallest(&found, &failed);
        let violated = super::run(&race, &schedule).violated;
        let trace = trace(&race, &schedule, Some(seed));
        Some(Failure { seed, after: self.hunted.schedules, violated, race, schedule, trace })
    }

    fn end(mut self) -> Hunted {
        (self.options.progress)(self.hunted.schedules);
        self.hunted.decisions = Rule::ALL.iter().copied().zip(self.counts).collect();
        self.hunted.elapsed = self.started.elapsed();
        self.hunted
    }
}
