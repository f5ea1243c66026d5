//! The race subject: the engine's real service, with everything around it simulated, run once.
//!
//! **What it is.** [`Session::run`] makes a service on the [`Shuttle`] runtime and lets a client prepare. Then branches, dispatchers,
//! workers and the clock race as a [`Strategy`] chooses, until no task can move and no time is waited for. Transfers, the disk and
//! programs do what the race prescribes; between two of their steps anything may happen.
//!
//! **What it is not.** Stepped: the lock, the dispatchers, the workers and the barrier are those of production.
//!
//! **The law it keeps.** A run ends without an error, whatever the service does. What stands still at its end is judged like
//! everything else; then every task is released, and what happens from there on is not recorded.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contract::core::{Config, Core as _};
use contract::defect::Seeded;
use contract::event::Recorder;
use contract::{Call, EnvStep, EventView, FileId, JobId};
use engine::service::{Disk, Fetch, Keep, Programs, Service};
use judge::{Ended, Header, Judge, Recorded, RuleSet, Trace, Verdict, Verdicts, Violation};
use model::protocol::{Lost, Map};

use super::digest::Digest;
use super::execution;
use super::program::{Act, Destination, Expires, On, PREPARES, Race, Step};
use super::refined::Refined;
use super::runtime::{Shuttle, pass_time};
use super::seen::Seen;
use super::stage::{Stage, register_objects, wake_waiters};
use super::strategy::{Explored, More, Strategy, Tape};
use super::watch::watched;
use super::windows::Window;
use super::world::{Around, Choice, Events, Mode, Name, Turn, World};

/// What came of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// The rules it broke.
    pub violated: RuleSet,
    /// What became of every rule.
    pub verdicts: Verdicts,
    /// The choices, which are its tape.
    pub choices: Vec<Choice>,
    /// Whether it came to rest.
    pub ended: Ended,
    /// Whether it ended because its rest is known from another run.
    pub rest: Rest,
    /// Waits at the barrier.
    pub waits: u64,
    /// Those of them that went on for a later delivery (L3).
    pub overwaits: u64,
    /// The windows that were hit, in their order.
    pub windows: Vec<Window>,
    /// What was seen first that stands in no event and breaks a rule nevertheless.
    pub seen: Option<Seen>,
    /// Where the service did what the protocol cannot, in a run that is held to it.
    pub lost: Option<Lost>,
    /// In which order tasks met: schedules with one number differ in the order of independent steps at most.
    pub order: u64,
}

/// What became of the rest of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// It was run.
    Run,
    /// It is that of another run, which has been at a moment with this digest.
    Known,
}

impl Run {
    /// Whether it broke a rule, or a call waited on for a later delivery.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.violated.is_empty() || self.overwaits > 0
    }

    /// Whether both are one failure: a rule in common, or a call in each that waited too long.
    #[must_use]
    pub fn is_like(&self, other: &Run) -> bool {
        self.violated.intersects(other.violated) || self.overwaits > 0 && other.overwaits > 0
    }
}

/// A strategy at work.
pub struct Session {
    strategy: Box<dyn Strategy>,
    /// The protocol that runs are held to.
    beside: Option<Map>,
}

impl Session {
    /// A session that has run nothing.
    #[must_use]
    pub fn new(strategy: Box<dyn Strategy>) -> Session {
        Session { strategy, beside: None }
    }

    /// This session, with each run held to the protocol where there is a map.
    #[must_use]
    pub fn beside(self, map: Option<Map>) -> Session {
        Session { beside: map, ..self }
    }

    /// Runs a race once, and judges it by every rule there is.
    pub fn run(&mut self, race: &Arc<Race>) -> Run {
        let judge = Box::new(Judge::new(race.variant.profile, RuleSet::HERE).with_slots(room(race)));
        let played = self.play(race, Events::Judged(judge));
        let last = played.last_seq;
        let mut verdicts = match (played.events, played.ended) {
            (Events::Judged(judge), Ended::AtRest) => judge.finish(),
            (Events::Judged(judge), Ended::Cut) => judge.cut(),
            _ => Judge::new(race.variant.profile, RuleSet::EMPTY).cut(),
        };
        let Played { choices, ended, rest, waits, overwaits, windows, seen, lost, order, .. } = played;
        if let Some(seen) = &seen {
            let first = Violation { rule: seen.rule(), seq: last, job: None };
            let broken = Verdict::Violated { first, count: 1 };
            let verdict = verdicts.rules.entry(seen.rule()).or_insert(Verdict::Vacuous);
            if !matches!(verdict, Verdict::Violated { .. }) {
                *verdict = broken;
            }
        }
        let violated = verdicts.violated();
        Run { violated, verdicts, choices, ended, rest, waits, overwaits, windows, seen, lost, order }
    }

    /// Runs a race once, and writes down what happened. The race stands in it as `choose` lines with one way to go.
    pub fn trace(&mut self, race: &Arc<Race>, seed: Option<u64>) -> Trace {
        let played = self.play(race, Events::Written(Vec::with_capacity(128)));
        let lines = match played.events {
            Events::Written(lines) => lines,
            _ => Vec::new(),
        };
        Trace { header: header(race, seed, played.ended), lines }
    }

    /// Whether the strategy has another schedule, after a run with these choices.
    pub fn next(&mut self, choices: &[Choice]) -> More {
        self.strategy.next(choices)
    }

    /// See [`Strategy::explored`].
    #[must_use]
    pub fn explored(&self) -> Option<Explored> {
        self.strategy.explored()
    }

    /// See [`Strategy::decided`].
    #[must_use]
    pub fn decided(&self) -> RuleSet {
        self.strategy.decided()
    }

    /// See [`Strategy::leads`].
    #[must_use]
    pub fn leads(&self) -> Vec<(Digest, usize, Digest)> {
        self.strategy.leads()
    }

    /// See [`Strategy::moments`].
    #[must_use]
    pub fn moments(&self) -> Vec<Digest> {
        self.strategy.moments()
    }

    fn play(&mut self, race: &Arc<Race>, events: Events) -> Played {
        let strategy = std::mem::replace(&mut self.strategy, Box::new(Tape::default()));
        let world = Arc::new(World::new(strategy, events));
        world.inner().refined = self.beside.as_ref().map(Refined::on);
        let host = Host { shuttle: Shuttle::new(Arc::clone(&world)), race: Arc::clone(race) };
        let run = || execution::run(&world, move || host.play());
        let mut died = None;
        watched(&world, race, || died = catch_unwind(AssertUnwindSafe(run)).err());
        let mut inner = world.inner();
        // It holds the world in turn.
        inner.around = None;
        if let Some(payload) = died {
            // Whatever panicked, it was not on purpose, and the service did not live on.
            inner.seen = Some(Seen::Died { why: words_of(&*payload) });
            let events = inner.end_events();
            inner.result.get_or_insert((Ended::Cut, events));
        }
        self.strategy = std::mem::replace(&mut inner.strategy, Box::new(Tape::default()));
        let (ended, events) = inner.result.take().unwrap_or((Ended::Cut, Events::Dropped));
        let seen = inner.locks.circle().cloned().map(Seen::LockOrder).or_else(|| inner.seen.take());
        Played {
            last_seq: inner.last_seq(),
            seen,
            events,
            ended,
            rest: if inner.turn == Turn::Known { Rest::Known } else { Rest::Run },
            choices: std::mem::take(&mut inner.choices),
            waits: inner.waits,
            overwaits: inner.overwaits,
            lost: inner.refined.take().and_then(|refined| refined.lost),
            order: inner.order.hash(),
            windows: std::mem::take(&mut inner.windows),
        }
    }
}

/// The message of a panic, as far as it has one.
fn words_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned()
}

/// Callbacks of one user that the service can run at once: with fewer dispatchers than slots, a callback that never leaves keeps the
/// user's other jobs waiting, and that is no fault.
fn room(race: &Race) -> u32 {
    race.slots.min(race.dispatchers)
}

/// The header of a trace of this race.
pub(super) fn header(race: &Race, seed: Option<u64>, ended: Ended) -> Header {
    let mut header = Header::of(&race.variant.profile);
    header.scope = format!("{} branches, {} callback slots", race.branches.len(), race.slots);
    header.subject = SUBJECT.to_owned();
    header.engine = "race".to_owned();
    header.seed = seed;
    header.callback_slots = room(race);
    header.records.extend([
        Recorded::Choose,
        Recorded::Begin,
        Recorded::Wait,
        Recorded::Given,
        Recorded::Fetch,
    ]);
    header.ended = ended;
    header
}

/// The subject's name in traces.
pub const SUBJECT: &str = "race";

/// Runs a race with a given schedule.
#[must_use]
pub fn run(race: &Race, schedule: &[u8]) -> Run {
    Session::new(Box::new(Tape::new(schedule.to_vec()))).run(&Arc::new(race.clone()))
}

/// The trace of a race with a given schedule.
#[must_use]
pub fn trace(race: &Race, schedule: &[u8], seed: Option<u64>) -> Trace {
    Session::new(Box::new(Tape::new(schedule.to_vec()))).trace(&Arc::new(race.clone()), seed)
}

struct Played {
    events: Events,
    ended: Ended,
    rest: Rest,
    choices: Vec<Choice>,
    waits: u64,
    overwaits: u64,
    windows: Vec<Window>,
    seen: Option<Seen>,
    lost: Option<Lost>,
    order: u64,
    /// The number of the last event.
    last_seq: u64,
}

/// The task that prepares, starts the branches, plays the environment, and clears up.
struct Host {
    shuttle: Shuttle,
    race: Arc<Race>,
}

impl Host {
    fn play(self) {
        let mut inner = self.shuttle.world.inner();
        (inner.wakes, inner.spurious) = (self.race.wakes, self.race.spurious);
        drop(inner);
        let stage = Arc::new(Stage::new(self.shuttle.clone(), Arc::clone(&self.race)));
        self.shuttle.world.inner().around = Some(Arc::clone(&stage) as Arc<dyn Around>);
        let Some(service) = self.start(&stage) else { return };
        self.write_program();
        let service = Arc::new(service);
        self.prepare(&service, &stage);
        let ended = self.race(&service, &stage);
        self.end(&service, &stage, ended);
        // Releases every task that waits in the service, and lets go of the objects.
        let _ = service.shutdown();
    }

    fn start(&self, stage: &Arc<Stage>) -> Option<Service<Shuttle>> {
        let profile = &self.race.variant.profile;
        let config = Config {
            callback_slots: self.race.slots,
            expiry: (self.race.expires == Expires::InTime).then_some(profile.expiry),
            seeded: Seeded::of(self.race.fault),
            ..Config::of(profile)
        };
        let builder = Service::builder(config)
            .namespace(crate::NAMESPACE)
            .instance(super::INSTANCE)
            .runtime(self.shuttle.clone())
            .recorder(Arc::clone(&self.shuttle.world) as Arc<dyn Recorder>)
            .fetch(Arc::clone(stage) as Arc<dyn Fetch>)
            .disk(Arc::clone(stage) as Arc<dyn Disk>)
            .programs(Arc::clone(stage) as Arc<dyn Programs>)
            .dispatchers(self.race.dispatchers)
            .keep(Keep::ForGood);
        let builder = builder.design(self.race.design);
        // The runtime always has a task to give, and fetches have been given.
        let service = builder.start().ok()?;
        register_objects(&service, stage);
        Some(service)
    }

    fn write_program(&self) {
        let mut inner = self.shuttle.world.inner();
        if inner.writes() {
            self.race.print().iter().for_each(|line| inner.write_program(line));
        }
    }

    fn prepare(&self, service: &Service<Shuttle>, stage: &Arc<Stage>) {
        let client = service.client();
        let mut next = JobId(0);
        for act in &self.race.prefix {
            match act {
                Act::Call(step) => {
                    let makes = step.on == On::Nothing;
                    stage.make(&client, PREPARES, if makes { next } else { JobId(0) }, step);
                    next.0 += u32::from(makes);
                }
                Act::Settle => self.settle(),
                Act::Pass => {
                    pass_time(&self.shuttle.world);
                    self.settle();
                }
            }
        }
        self.put_foreign_files(service, stage);
    }

    /// Where a foreign file stands at a destination, an observer has seen it before the race.
    fn put_foreign_files(&self, service: &Service<Shuttle>, stage: &Stage) {
        let foreign = |job: &JobId| {
            let fate = self.race.jobs.get(job.index());
            fate.is_some_and(|fate| fate.destination == Destination::Foreign)
        };
        let files = |job: JobId| (0..FILES).map(move |file| (job, FileId(file)));
        let all = (0..self.jobs()).map(JobId).filter(foreign).flat_map(files);
        let there = |(job, file): &(JobId, FileId)| service.inspect(|core| core.local(*job, *file).is_some());
        let there: Vec<_> = all.filter(there).collect();
        if !there.is_empty() {
            there.into_iter().for_each(|(job, file)| stage.files.put_foreign(job, file));
            self.observe(stage);
        }
    }

    /// An observer looks at the disk.
    fn observe(&self, stage: &Stage) {
        for (job, file, destination, temporary) in stage.files.found() {
            let step = EnvStep::Observed { destination, temporary };
            self.shuttle.world.record(EventView::Env { step, job: Some(job), file: Some(file) });
        }
    }

    /// All other tasks go on until none can.
    fn settle(&self) {
        self.shuttle.world.inner().mode = Mode::Settling;
        execution::switch();
        self.shuttle.world.inner().mode = Mode::Preparing;
    }

    fn race(&self, service: &Arc<Service<Shuttle>>, stage: &Arc<Stage>) -> Ended {
        for number in 0..self.race.branches.len() {
            let (stage, client) = (Arc::clone(stage), service.client());
            let body = move || stage.branch(&client, number);
            let _ = self.shuttle.start(Name::Branch(number as u32 + 1), body);
        }
        if !self.race.outside.is_empty() {
            let (stage, service) = (Arc::clone(stage), Arc::clone(service));
            let _ = self.shuttle.start(Name::Outside, move || stage.outside(&service));
        }
        self.shuttle.world.inner().mode = Mode::Racing;
        // Transfers that stand still until now.
        wake_waiters(&self.shuttle.world);
        loop {
            execution::switch();
            let turn = self.shuttle.world.inner().turn;
            match turn {
                Turn::Tick => {
                    pass_time(&self.shuttle.world);
                    self.shuttle.world.inner().holds_nothing(Name::Host);
                }
                Turn::Rest => return Ended::AtRest,
                Turn::TooLong | Turn::Known => return Ended::Cut,
            }
        }
    }

    /// The last that is recorded.
    fn end(&self, service: &Service<Shuttle>, stage: &Stage, ended: Ended) {
        let world = &self.shuttle.world;
        if ended == Ended::AtRest
            && let Some(refined) = &mut world.inner().refined
        {
            refined.rests();
        }
        world.inner().be_over();
        if ended == Ended::AtRest {
            self.observe(stage);
        }
        let idle = ended == Ended::AtRest && world.inner().is_quiet();
        if idle && service.inspect(|core| (0..self.jobs()).all(|job| core.pending(JobId(job)).is_empty())) {
            world.record(EventView::Env { step: EnvStep::Idle, job: None, file: None });
        }
        let mut inner = world.inner();
        if ended == Ended::AtRest && inner.keeps_a_handle() {
            inner.seen.get_or_insert(Seen::HandleKept);
        }
        let events = inner.end_events();
        inner.result.get_or_insert((ended, events));
        drop(inner);
        wake_waiters(world);
    }
}

/// Files of a job that an observer looks for before the race; bytes make fewer.
const FILES: u32 = 8;

impl Host {
    /// Jobs that the prefix makes.
    fn jobs(&self) -> u32 {
        let makes = |act: &&Act| matches!(act, Act::Call(Step { call: Call::CreateJob { .. }, .. }));
        self.race.prefix.iter().filter(makes).count() as u32
    }
}
