//! Hunting: many races, many schedules of each, and what breaks, as it was found.
//!
//! The options determine the schedules and their order; the budget decides how many.
//!
//! The races run on a thread of their own, and the caller's thread watches it: a schedule that never comes to its end is a finding, and
//! the hunt is over.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::Call;
use contract::defect::{Design, Fault};
use judge::{Ended, Rule, RuleSet, Trace, Verdict, Verdicts, failure_id};
use model::protocol::{Lost, Map};
use subjects::race::watch::{PATIENCE, Watch, be_watched};

use super::refine::{self, Refine};
use super::{
    Act, Collision, Explored, Hang, Kind, More, Race, Rest, Run, Seen, Session, States, Stays, Tape, Windows,
    kept, race_of, trace,
};
use crate::identity::Identity;
use crate::stop::Stop;

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
    /// Stop after this number of schedules, whatever the budget.
    pub runs: Option<u64>,
    /// Schedules of one race before the next one.
    pub each: u64,
    /// Whether to go on after something broke.
    pub stop: Stop,
    /// Whether a race that is given is held to the protocol.
    pub refine: Refine,
    /// Whether the states behind digests are kept, and compared.
    pub states: States,
    /// Set when something broke and that is enough, here or in another hunt that shares it: then it is over.
    pub enough: Option<&'a AtomicBool>,
    /// Called now and then with the number of schedules that have run.
    pub progress: &'a dyn Fn(u64),
    /// Called at once with the first failure of each rule, and with the first call that waited on.
    pub found: &'a dyn Fn(&Failure),
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
            refine: Refine::No,
            states: States::Hashed,
            enough: None,
            progress,
            found: &|_| (),
        }
    }
}

/// A race and a schedule that break something, as they were found.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// The seed of the race.
    pub seed: u64,
    /// How many schedules had run, this one included.
    pub after: u64,
    /// The rules that it breaks; there may be none where a call waited for a later delivery (L3).
    pub violated: RuleSet,
    /// The race.
    pub race: Race,
    /// The schedule.
    pub schedule: Vec<u8>,
    /// What it saw that stands in no event.
    pub seen: Option<Seen>,
}

impl Failure {
    /// What happened.
    #[must_use]
    pub fn trace(&self) -> Trace {
        trace(&self.race, &self.schedule, Some(self.seed))
    }

    /// The names of the rules' failures, by what was seen and by the events.
    fn names(&self) -> Vec<Identity> {
        let seen = self.seen.as_ref().map(|seen| Identity::Seen(seen.rule(), seen.name()));
        let others =
            seen.as_ref().and_then(Identity::rule).map_or(self.violated, |rule| self.violated.without(rule));
        let mut names = Vec::from_iter(seen);
        if !others.is_empty() {
            let trace = self.trace();
            let broken = Verdicts::of_rules(&trace, others);
            names.extend(broken.violations().map(|violation| Identity::Rule(failure_id(&trace, &violation))));
        }
        names
    }
}

/// What a hunt did.
#[derive(Clone, Debug, Default)]
pub struct Hunted {
    /// Schedules run.
    pub schedules: u64,
    /// Races they are of.
    pub races: u64,
    /// Races of which every schedule has been run.
    pub finished: u64,
    /// Those of them that differ in more than the order of independent steps, race by race.
    pub distinct: u64,
    /// Choices made, where there was more than one way to go.
    pub steps: u64,
    /// Runs that were cut because they took too long.
    pub cut: u64,
    /// Whether every schedule of the races has been run: a proof for these races.
    pub exhausted: Exhausted,
    /// How often each rule had something to decide, by [`Rule::ALL`]'s order.
    pub decisions: Vec<(Rule, u64)>,
    /// The failures, a few for each rule at most, each of another name and from another race.
    pub failures: Vec<Failure>,
    /// Waits at the barrier.
    pub waits: u64,
    /// A race in which a call waited on for a later delivery (L3), if there was one; it may break no rule.
    pub overwaited: Option<Failure>,
    /// A schedule that never came to its end, which ended the hunt.
    pub hung: Option<Hang>,
    /// The first run that is none of the protocol's, if the race was held to it.
    pub lost: Option<Strayed>,
    /// What the protocol could do beside the race, and did; nothing where the race was not held to it.
    pub refined: Option<Steps>,
    /// Two states that share a digest, where states are kept.
    pub collision: Option<Collision>,
    /// How far the last race was explored, by a strategy that comes to an end.
    pub explored: Option<Explored>,
    /// Which calls met which steps.
    pub windows: Windows,
    /// How long it took.
    pub elapsed: Duration,
}

/// A run that is none of the protocol's.
#[derive(Clone, PartialEq, Debug)]
pub struct Strayed {
    /// What the service did, and what the protocol could.
    pub lost: Lost,
    /// Its choices.
    pub schedule: Vec<u8>,
    /// What happened.
    pub trace: Trace,
}

/// Kinds of steps of the protocol.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Steps {
    /// Those that were possible in a state that the protocol may have been in.
    pub offered: Vec<&'static str>,
    /// Those of them that are in some account of what the service did.
    pub taken: Vec<&'static str>,
}

/// Whether there is a schedule left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exhausted {
    /// None.
    Yes,
    /// There may be.
    #[default]
    No,
}

/// Runs schedules until the budget is spent.
///
/// # Panics
/// The system has no thread to give, or the hunt itself is wrong.
#[must_use]
pub fn hunt(options: &HuntOptions<'_>) -> Hunted {
    let plan = Plan::of(options);
    let shared = Arc::new(Common::default());
    let (tells, told) = channel();
    let common = Arc::clone(&shared);
    let hunts = std::thread::Builder::new().name("race".to_owned()).spawn(move || {
        be_watched(&common.watch);
        Hunt::new(plan, common, tells).go();
    });
    let thread = hunts.unwrap_or_else(|error| panic!("the races need a thread: {error}"));
    let hunted = Watcher { options, shared: &shared, told }.watch();
    hunted.unwrap_or_else(|| match thread.join() {
        Err(payload) => std::panic::resume_unwind(payload),
        Ok(()) => unreachable!("a hunt that ends says what it came to"),
    })
}

/// Failures of one rule that are kept: they may have different causes, and each takes its time to be explained.
const OF_A_RULE: usize = 3;

/// Schedules between two looks at the clock.
const BATCH: u64 = 64;

/// How often the watching thread looks.
const BEAT: Duration = Duration::from_millis(20);

/// What the thread that runs the races sends.
enum Tells {
    Found(Box<Failure>),
    Done(Box<Hunted>),
}

/// What both threads know.
#[derive(Default)]
struct Common {
    watch: Arc<Watch>,
    schedules: AtomicU64,
    /// The seed of the race that runs.
    seed: AtomicU64,
    /// The hunt is over.
    enough: AtomicBool,
    /// What the hunt has come to so far, for when the thread that runs the races never comes back.
    so_far: Mutex<Option<Hunted>>,
}

impl Common {
    fn so_far(&self) -> MutexGuard<'_, Option<Hunted>> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's thread.
struct Watcher<'a> {
    options: &'a HuntOptions<'a>,
    shared: &'a Common,
    told: Receiver<Tells>,
}

impl Watcher<'_> {
    /// None when the thread that runs the races has died.
    fn watch(&self) -> Option<Hunted> {
        let started = Instant::now();
        let (mut runs, mut since) = (0, Instant::now());
        loop {
            match self.told.recv_timeout(BEAT) {
                Ok(Tells::Found(first)) => (self.options.found)(&first),
                Ok(Tells::Done(hunted)) => {
                    (self.options.progress)(hunted.schedules);
                    return Some(*hunted);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            self.pass_on();
            let now = self.shared.watch.runs();
            if now != runs {
                (runs, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE
                && let Some(stuck) = self.shared.watch.now()
            {
                let hang = stuck.hang(Some(self.shared.seed.load(Ordering::Relaxed)));
                return Some(self.hung(hang, started));
            }
        }
    }

    /// Calls `progress`. A flag `enough` that is set, in the options or in the hunt, is set in the other.
    fn pass_on(&self) {
        (self.options.progress)(self.shared.schedules.load(Ordering::Relaxed));
        let Some(theirs) = self.options.enough else { return };
        if theirs.load(Ordering::Relaxed) {
            self.shared.enough.store(true, Ordering::Relaxed);
        }
        if self.shared.enough.load(Ordering::Relaxed) {
            theirs.store(true, Ordering::Relaxed);
        }
    }

    fn hung(&self, hang: Hang, started: Instant) -> Hunted {
        if let (Stop::AtFirst, Some(enough)) = (self.options.stop, self.options.enough) {
            enough.store(true, Ordering::Relaxed);
        }
        let so_far = self.shared.so_far().take().unwrap_or_default();
        let schedules = self.shared.schedules.load(Ordering::Relaxed);
        Hunted { schedules, hung: Some(hang), elapsed: started.elapsed(), ..so_far }
    }
}

/// The options that the thread of the races needs.
struct Plan {
    kind: Kind,
    races: Drawn,
    design: Design,
    fault: Option<Fault>,
    seed: u64,
    budget: Duration,
    runs: Option<u64>,
    each: u64,
    stop: Stop,
    refine: Refine,
    states: States,
}

/// As [`Races`], with the race that is given.
enum Drawn {
    OfSeeds,
    Small,
    Given(Box<Race>),
}

impl Plan {
    fn of(options: &HuntOptions<'_>) -> Plan {
        let HuntOptions {
            kind, races, design, fault, seed, budget, runs, each, stop, refine, states, ..
        } = *options;
        let races = match races {
            Races::OfSeeds => Drawn::OfSeeds,
            Races::Small => Drawn::Small,
            Races::Given(race) => Drawn::Given(Box::new(race.clone())),
        };
        Plan { kind, races, design, fault, seed, budget, runs, each, stop, refine, states }
    }
}

/// The thread of the races.
struct Hunt {
    plan: Plan,
    common: Arc<Common>,
    tells: Sender<Tells>,
    started: Instant,
    counts: Vec<u64>,
    hunted: Hunted,
    /// The names of its failures.
    names: BTreeSet<Identity>,
}

/// The race with as little in it as makes one. The transfers are over, and no object has been called. One client registers, and one makes
/// the first call of the first client.
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

impl Hunt {
    fn new(plan: Plan, common: Arc<Common>, tells: Sender<Tells>) -> Hunt {
        let counts = vec![0; Rule::ALL.len()];
        Hunt {
            plan,
            common,
            tells,
            started: Instant::now(),
            counts,
            hunted: Hunted::default(),
            names: BTreeSet::new(),
        }
    }

    fn go(mut self) {
        while self.goes_on() && self.hunted.exhausted == Exhausted::No {
            self.one_race();
        }
        let hunted = Box::new(self.so_far());
        // Who does not listen any more has given this thread up.
        let _ = self.tells.send(Tells::Done(hunted));
    }

    fn goes_on(&self) -> bool {
        let found = !self.hunted.failures.is_empty()
            || self.hunted.overwaited.is_some()
            || self.hunted.lost.is_some();
        let broken = self.common.enough.load(Ordering::Relaxed) || self.plan.stop == Stop::AtFirst && found;
        let spent = self.plan.runs.is_some_and(|runs| self.hunted.schedules >= runs);
        // The clock is looked at now and then: a look costs as much as a step.
        let late = self.hunted.schedules.is_multiple_of(BATCH) && self.started.elapsed() >= self.plan.budget;
        // A run without an end is one of endlessly many, and the others would be as long.
        let given = matches!(self.plan.races, Drawn::Given(_));
        let endless = given && self.hunted.cut > 0 && matches!(self.plan.kind, Kind::Complete { .. });
        let collides = self.hunted.collision.is_some();
        !(broken || spent || late || endless || collides)
    }

    fn one_race(&mut self) {
        let seed = self.plan.seed.wrapping_add(self.hunted.races);
        self.common.seed.store(seed, Ordering::Relaxed);
        let (mut race, most) = match &self.plan.races {
            Drawn::OfSeeds => (race_of(seed), self.plan.each),
            Drawn::Small => (small(race_of(seed)), self.plan.each),
            Drawn::Given(race) => (Race::clone(race), u64::MAX),
        };
        race.design = self.plan.design;
        race.fault = self.plan.fault;
        let race = Arc::new(race);
        let map = self.map(&race);
        kept::keep(self.plan.states);
        let kind = match self.plan.kind {
            // Without digests no two moments are one.
            Kind::Complete { .. } if !race.has_digests() => Kind::Exhaustive,
            kind => kind,
        };
        let mut session = Session::new(kind.start(seed)).beside(map.clone());
        self.hunted.races += 1;
        *self.common.so_far() = Some(self.so_far());
        let before = self.hunted.schedules;
        let mut orders = BTreeSet::new();
        while self.goes_on() && self.hunted.schedules - before < most {
            let run = session.run(&race);
            // A run that is cut at a known moment is like no other one.
            self.hunted.distinct += u64::from(run.rest == Rest::Known || orders.insert(run.order));
            self.note(seed, &race, &run);
            self.hunted.collision = kept::collision();
            // With two states for one, what follows means nothing.
            if self.hunted.collision.is_some() {
                break;
            }
            if session.next(&run.choices) == More::No {
                self.hunted.finished += 1;
                if matches!(self.plan.races, Drawn::Given(_)) {
                    self.hunted.exhausted = Exhausted::Yes;
                }
                break;
            }
        }
        self.hunted.collision = kept::collision();
        self.hunted.explored = session.explored();
        // A leg that was known was not judged in a run.
        for rule in session.decided().iter() {
            let all = self.counts.iter_mut().zip(Rule::ALL);
            all.filter(|(_, known)| **known == rule).for_each(|(count, _)| *count = (*count).max(1));
        }
        self.hunted.refined = map.map(|map| Steps { offered: map.offered(), taken: map.taken() });
    }

    /// The protocol beside the race, where it is held to that.
    fn map(&self, race: &Race) -> Option<Map> {
        let held = self.plan.refine == Refine::Yes && matches!(self.plan.races, Drawn::Given(_));
        let ground = held.then(|| refine::ground(race).ok()).flatten()?;
        Some(Map::new(&ground))
    }

    fn note(&mut self, seed: u64, race: &Race, run: &Run) {
        self.hunted.schedules += 1;
        self.common.schedules.store(self.hunted.schedules, Ordering::Relaxed);
        self.hunted.steps += run.choices.len() as u64;
        self.hunted.cut += u64::from(run.ended == Ended::Cut && run.rest == Rest::Run);
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
        if let Some(lost) = &run.lost
            && self.hunted.lost.is_none()
        {
            let schedule = Tape::of(&run.choices).choices().to_vec();
            let trace = trace(race, &schedule, Some(seed));
            self.hunted.lost = Some(Strayed { lost: lost.clone(), schedule, trace });
        }
        if run.overwaits > 0 && self.hunted.overwaited.is_none() {
            let failure = self.found(seed, race, run);
            self.tell(&failure);
            self.hunted.overwaited = Some(failure);
        }
    }

    fn keep(&mut self, seed: u64, race: &Race, run: &Run) {
        let failures = &self.hunted.failures;
        let of = |rule: Rule| failures.iter().filter(move |failure| failure.violated.contains(rule)).count();
        let known = run.violated.iter().map(of).max().unwrap_or(0);
        if known >= OF_A_RULE || failures.iter().any(|failure| failure.seed == seed) {
            return;
        }
        let failure = self.found(seed, race, run);
        if known == 0 {
            self.tell(&failure);
        }
        let names = failure.names();
        if names.is_empty() || names.iter().any(|name| !self.names.contains(name)) {
            self.names.extend(names);
            self.hunted.failures.push(failure);
        }
    }

    fn found(&self, seed: u64, race: &Race, run: &Run) -> Failure {
        let (after, violated, seen) = (self.hunted.schedules, run.violated, run.seen.clone());
        let schedule = Tape::of(&run.choices).choices().to_vec();
        Failure { seed, after, violated, race: race.clone(), schedule, seen }
    }

    /// Something was found. One failure is enough for the other hunts, too.
    fn tell(&self, failure: &Failure) {
        // Who does not listen any more has given this thread up.
        let _ = self.tells.send(Tells::Found(Box::new(failure.clone())));
        if self.plan.stop == Stop::AtFirst {
            self.common.enough.store(true, Ordering::Relaxed);
        }
    }

    fn so_far(&self) -> Hunted {
        let decisions = Rule::ALL.iter().copied().zip(self.counts.iter().copied()).collect();
        Hunted { decisions, elapsed: self.started.elapsed(), ..self.hunted.clone() }
    }
}
