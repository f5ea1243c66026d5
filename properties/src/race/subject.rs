//! The race subject: the engine's real service, with everything around it simulated, run once.
//!
//! **What it is.** [`Session::run`] makes a service on the [`Shuttle`] runtime, lets a client prepare, then lets branches, dispatchers,
//! workers and the clock race as a [`Strategy`] chooses, until nobody can move and no time is waited for. Transfers, the disk and
//! programs do what the race says; between two of their steps anything may happen.
//!
//! **What it is not.** Stepped: the lock, the dispatchers, the workers and the barrier are those of production.
//!
//! **The law it keeps.** A run ends without an error, whatever the service does. What stands still at its end is judged like
//! everything else; then everybody is released, and what happens from there on is not recorded.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use contract::core::{Config, Core as _, Failure, TransferEvent, TransferReply};
use contract::event::Recorder;
use contract::fault::Seeded;
use contract::judge::{Ended, Header, Judge, RuleSet, Trace, Verdicts};
use contract::{
    Call, CommandLine, EnvStep, ErrorContext, EventView, HResult, Interfaces, JobId, ReceiverId, ThreadId,
    UserId,
};
use engine::service::{
    Callback, Client, Disk, ErrorObject, Fetch, File, Job, Keep, Order, Place, Process, Programs, Service,
};
use engine::transfer::Progress;

use super::execution;
use super::program::{self, Act, Fetched, Leaves, Lock, OBJECTS, On, PREPARES, Race, Stays, Step};
use super::runtime::{Shuttle, pass_time};
use super::strategy::{More, Strategy, Tape};
use super::windows::Window;
use super::world::{Choice, Events, Inner, Mode, Name, Turn, World};

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
    /// Waits at the barrier.
    pub waits: u64,
    /// Those of them that went on for a later delivery (L3).
    pub overwaits: u64,
    /// The windows that were hit, in their order.
    pub windows: Vec<Window>,
}

impl Run {
    /// Whether it broke a rule, or a call waited on for a later delivery.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.violated.is_empty() || self.overwaits > 0
    }

    /// Whether the other is the same failure: a rule in common, or a call in each that waited too long.
    #[must_use]
    pub fn is_like(&self, other: &Run) -> bool {
        self.violated.intersects(other.violated) || self.overwaits > 0 && other.overwaits > 0
    }
}

/// A strategy at work.
pub struct Session {
    strategy: Box<dyn Strategy>,
}

impl Session {
    /// A session that has run nothing.
    #[must_use]
    pub fn new(strategy: Box<dyn Strategy>) -> Session {
        Session { strategy }
    }

    /// Runs a race once, and judges it by every rule there is.
    pub fn run(&mut self, race: &Arc<Race>) -> Run {
        let judge = Box::new(Judge::new(race.variant.profile, RuleSet::HERE).with_slots(race.slots));
        let played = self.play(race, Events::Judged(judge));
        let verdicts = match (played.events, played.ended) {
            (Events::Judged(judge), Ended::AtRest) => judge.finish(),
            (Events::Judged(judge), Ended::Cut) => judge.cut(),
            _ => Judge::new(race.variant.profile, RuleSet::EMPTY).cut(),
        };
        let violated = verdicts.violated();
        let Played { choices, ended, waits, overwaits, windows, .. } = played;
        Run { violated, verdicts, choices, ended, waits, overwaits, windows }
    }

    /// Runs a race once, and writes down what happened. The race stands in it as `choose` lines with one way to go.
    pub fn trace(&mut self, race: &Arc<Race>, seed: Option<u64>) -> Trace {
        let played = self.play(race, Events::Written(Vec::with_capacity(128)));
        let lines = match played.events {
            Events::Written(lines) => lines,
            _ => Vec::new(),
        };
        let mut header = Header::of(&race.variant.profile);
        header.scope = format!("{} branches, {} callback slots", race.branches.len(), race.slots);
        header.subject = SUBJECT.to_owned();
        header.engine = "race".to_owned();
        header.seed = seed;
        header.callback_slots = race.slots;
        header.records.push(contract::judge::Recorded::Choose);
        header.ended = played.ended;
        Trace { header, lines }
    }

    /// Whether the strategy has another schedule, after a run with these choices.
    pub fn next(&mut self, choices: &[Choice]) -> More {
        self.strategy.next(choices)
    }

    fn play(&mut self, race: &Arc<Race>, events: Events) -> Played {
        let strategy = std::mem::replace(&mut self.strategy, Box::new(Tape::default()));
        let world = Arc::new(World::new(strategy, events));
        let host = Host { shuttle: Shuttle::new(Arc::clone(&world)), race: Arc::clone(race) };
        execution::run(&world, move || host.play());
        let mut inner = world.inner();
        self.strategy = std::mem::replace(&mut inner.strategy, Box::new(Tape::default()));
        let (ended, events) = inner.result.take().unwrap_or((Ended::Cut, Events::Dropped));
        Played {
            events,
            ended,
            choices: std::mem::take(&mut inner.choices),
            waits: inner.waits,
            overwaits: inner.overwaits,
            windows: std::mem::take(&mut inner.windows),
        }
    }
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
    choices: Vec<Choice>,
    waits: u64,
    overwaits: u64,
    windows: Vec<Window>,
}

/// The task that prepares, starts the branches, plays the environment, and clears up.
struct Host {
    shuttle: Shuttle,
    race: Arc<Race>,
}

impl Host {
    fn play(self) {
        let stage = Arc::new(Stage {
            shuttle: self.shuttle.clone(),
            race: Arc::clone(&self.race),
            counts: Default::default(),
            started: AtomicU32::new(0),
        });
        let Some(service) = self.start(&stage) else { return };
        self.write_program();
        self.prepare(&service);
        let ended = self.race(&service, &stage);
        self.end(&service, ended);
        // Releases everybody who waits in the service, and lets go of the objects.
        let _ = service.shutdown();
    }

    fn start(&self, stage: &Arc<Stage>) -> Option<Service<Shuttle>> {
        let profile = &self.race.variant.profile;
        let config = Config {
            callback_slots: self.race.slots,
            expiry: None,
            seeded: Seeded::of(self.race.fault),
            ..Config::of(profile)
        };
        let builder = Service::builder(config)
            .runtime(self.shuttle.clone())
            .recorder(Arc::clone(&self.shuttle.world) as Arc<dyn Recorder>)
            .fetch(Arc::clone(stage) as Arc<dyn Fetch>)
            .disk(Arc::clone(stage) as Arc<dyn Disk>)
            .programs(Arc::clone(stage) as Arc<dyn Programs>)
            .dispatchers(self.race.dispatchers)
            .keep(Keep::ForGood);
        #[cfg(feature = "designs")]
        let builder = builder.design(self.race.design);
        // The runtime always has a task to give, and fetches have been given.
        let service = builder.start().ok()?;
        for (number, told) in (0..OBJECTS).map(|number| (number, AtomicU32::new(0))) {
            let (stage, client) = (Arc::clone(stage), service.client());
            let object = Arc::new(Object { stage, client, number, told });
            service.register_receiver(ReceiverId(number as u32), object);
        }
        Some(service)
    }

    fn write_program(&self) {
        let mut inner = self.shuttle.world.inner();
        if inner.writes() {
            self.race.print().iter().for_each(|line| inner.write_program(line));
        }
    }

    fn prepare(&self, service: &Service<Shuttle>) {
        let client = service.client();
        let mut next = JobId(0);
        for act in &self.race.prefix {
            match act {
                Act::Call(step) => {
                    make(
                        &client,
                        &self.race,
                        PREPARES,
                        if step.on == On::Nothing { next } else { JobId(0) },
                        step,
                    );
                    next.0 += u32::from(step.on == On::Nothing);
                }
                Act::Settle => self.settle(),
                Act::Pass => {
                    pass_time(&self.shuttle.world);
                    self.settle();
                }
            }
        }
    }

    /// Everybody else goes on until nobody can.
    fn settle(&self) {
        self.shuttle.world.inner().mode = Mode::Settling;
        execution::switch();
        self.shuttle.world.inner().mode = Mode::Preparing;
    }

    fn race(&self, service: &Service<Shuttle>, stage: &Arc<Stage>) -> Ended {
        for number in 0..self.race.branches.len() {
            let (stage, client) = (Arc::clone(stage), service.client());
            let body = move || stage.branch(&client, number);
            let _ = self.shuttle.start(Name::Branch(number as u32 + 1), body);
        }
        self.shuttle.world.inner().mode = Mode::Racing;
        loop {
            execution::switch();
            let turn = self.shuttle.world.inner().turn;
            match turn {
                Turn::Tick => pass_time(&self.shuttle.world),
                Turn::Rest => return Ended::AtRest,
                Turn::TooLong => return Ended::Cut,
            }
        }
    }

    /// The last that is recorded.
    fn end(&self, service: &Service<Shuttle>, ended: Ended) {
        let world = &self.shuttle.world;
        world.inner().mode = Mode::Over;
        let idle = ended == Ended::AtRest && world.inner().is_quiet();
        if idle && service.inspect(|core| (0..self.jobs()).all(|job| core.pending(JobId(job)).is_empty())) {
            world.record(EventView::Env { step: EnvStep::Idle, job: None, file: None });
        }
        let mut inner = world.inner();
        let events = inner.end_events();
        inner.result = Some((ended, events));
        drop(inner);
        wake_waiters(world);
    }
}

impl Host {
    /// Jobs that the prefix makes.
    fn jobs(&self) -> u32 {
        let makes = |act: &&Act| matches!(act, Act::Call(Step { call: Call::CreateJob { .. }, .. }));
        self.race.prefix.iter().filter(makes).count() as u32
    }
}

/// What clients, callbacks, transfers, the disk and programs of one run share.
struct Stage {
    shuttle: Shuttle,
    race: Arc<Race>,
    /// By job.
    counts: [Counts; program::JOBS],
    /// Programs started.
    started: AtomicU32,
}

/// How often something happened to a job.
#[derive(Default)]
struct Counts {
    told: AtomicU32,
    fetches: AtomicU32,
    renames: AtomicU32,
    removals: AtomicU32,
}

impl Stage {
    /// The life of a client.
    fn branch(&self, client: &Client, number: usize) {
        let Some(branch) = self.race.branches.get(number) else { return };
        let _held = (branch.lock == Lock::Held).then(|| self.lock(number as u32 + 1));
        for step in &branch.calls {
            self.shuttle.yield_now();
            make(client, &self.race, program::thread(number), JobId(0), step);
        }
    }

    /// A client's own lock, of this branch.
    fn lock(&self, branch: u32) -> ClientLock<'_> {
        let bit = 1_u32 << (branch % 32);
        self.wait_until(|inner| inner.client_locks & bit == 0);
        // Nobody else has run since.
        self.shuttle.world.inner().client_locks |= bit;
        ClientLock { stage: self, bit }
    }

    /// Waits for something that another client does, or for the end of the run.
    fn wait_until(&self, is_so: impl Fn(&Inner) -> bool) {
        loop {
            let mut inner = self.shuttle.world.inner();
            if inner.mode == Mode::Over || is_so(&inner) {
                return;
            }
            let me = inner.current;
            inner.lock_waiters.push(me);
            drop(inner);
            self.shuttle.block();
        }
    }

    /// A callback of the job runs.
    fn note_told(&self, job: JobId) {
        if let Some(counts) = self.counts.get(job.index()) {
            counts.told.fetch_add(1, Ordering::Relaxed);
        }
        wake_waiters(&self.shuttle.world);
    }

    /// A callback of the job stays until a job of another user has been told something.
    fn stay(&self, job: JobId) {
        self.wait_until(|_| self.is_another_told(self.race.owner(job)));
    }

    fn is_another_told(&self, user: UserId) -> bool {
        let jobs = (0..).map(JobId).zip(&self.counts);
        let mut others = jobs.filter(|(job, _)| self.race.owner(*job) != user);
        others.any(|(_, counts)| counts.told.load(Ordering::Relaxed) > 0)
    }

    /// Whether a fetch of the job may have been cut off after it had reported a size: then the next one has one, too, since the
    /// core takes a file for done only when all its bytes are here.
    fn is_sized(&self, job: JobId) -> bool {
        self.race.jobs.get(job.index()).is_some_and(|fate| fate.fetches.contains(&Fetched::Sized))
    }

    fn fetched(&self, job: JobId) -> Fetched {
        let (Some(fate), Some(counts)) = (self.race.jobs.get(job.index()), self.counts.get(job.index()))
        else {
            return Fetched::Done;
        };
        let nth = counts.fetches.fetch_add(1, Ordering::Relaxed);
        fate.fetches.get(nth as usize).copied().unwrap_or(Fetched::Done)
    }
}

/// Those who wait for a client's lock or for a callback look again.
fn wake_waiters(world: &World) {
    let waiting = std::mem::take(&mut world.inner().lock_waiters);
    waiting.into_iter().for_each(execution::unblock);
}

/// Gives a client's lock back, also when a callback panics.
struct ClientLock<'a> {
    stage: &'a Stage,
    bit: u32,
}

impl Drop for ClientLock<'_> {
    fn drop(&mut self) {
        self.stage.shuttle.world.inner().client_locks &= !self.bit;
        wake_waiters(&self.stage.shuttle.world);
    }
}

/// Makes one call; `own` is the job it is made on where the race says so.
fn make(client: &Client, race: &Race, thread: ThreadId, own: JobId, step: &Step) {
    let job = match step.on {
        On::Nothing => None,
        On::Own => Some(own),
        On::Job(job) => Some(job),
    };
    // A job is called by its owner. Who makes one is told by how many there are: see `Host::prepare`.
    let user = race.owner(job.unwrap_or(own));
    let _ = client.call(thread, user, job, &step.call);
}

impl Fetch for Stage {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let mut go_on = |event| progress.report(event) == TransferReply::Continue;
        let context = ErrorContext::RemoteFile;
        let failed = |class, status| TransferEvent::Failed { class, hr: HResult::from_http(status), context };
        let _ = match self.fetched(order.job) {
            Fetched::Done if self.is_sized(order.job) => {
                go_on(TransferEvent::SizeKnown(SIZE))
                    && go_on(TransferEvent::Bytes(SIZE))
                    && go_on(TransferEvent::FileDone)
            }
            Fetched::Done => go_on(TransferEvent::FileDone),
            Fetched::Sized => {
                go_on(TransferEvent::Connected)
                    && go_on(TransferEvent::SizeKnown(SIZE))
                    && go_on(TransferEvent::Bytes(SIZE / 2))
                    && go_on(TransferEvent::Bytes(SIZE))
                    && go_on(TransferEvent::FileDone)
            }
            Fetched::Transient => go_on(failed(Failure::Transient, 503)),
            Fetched::Fatal => go_on(failed(Failure::Fatal, 404)),
        };
    }
}

/// The size of a file, half of which is enough for the service to report it.
const SIZE: u64 = 128 * 1024;

/// What the file system says of a file that is open elsewhere.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

impl Disk for Stage {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let job = place.job.index();
        let count = |counts: &Counts| counts.renames.fetch_add(1, Ordering::Relaxed);
        let fails = self.race.jobs.get(job).map_or(0, |fate| fate.renames_fail);
        let fails = self.counts.get(job).is_some_and(|counts| count(counts) < fails);
        if fails { Err(SHARING_VIOLATION) } else { Ok(()) }
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let job = place.job.index();
        let count = |counts: &Counts| counts.removals.fetch_add(1, Ordering::Relaxed);
        let fails = self.race.jobs.get(job).map_or(0, |fate| fate.removals_fail);
        let fails = self.counts.get(job).is_some_and(|counts| count(counts) < fails);
        if fails { Err(SHARING_VIOLATION) } else { Ok(()) }
    }
}

impl Programs for Stage {
    fn start(&self, _: &CommandLine) -> io::Result<Box<dyn Process>> {
        let nth = self.started.fetch_add(1, Ordering::Relaxed);
        let code = self.race.exits.get(nth as usize).copied().unwrap_or(0);
        Ok(Box::new(Exits { shuttle: self.shuttle.clone(), code }))
    }
}

/// A program that exits as soon as it may.
struct Exits {
    shuttle: Shuttle,
    code: i32,
}

impl Process for Exits {
    fn wait(&mut self) -> i32 {
        self.shuttle.yield_now();
        self.code
    }
}

/// A client's object.
struct Object {
    stage: Arc<Stage>,
    client: Client,
    number: usize,
    told: AtomicU32,
}

impl Object {
    fn told(&self, job: &Job) -> HResult {
        self.stage.note_told(job.number());
        self.stage.shuttle.yield_now();
        let manner = &self.stage.race.objects[self.number];
        if self.told.fetch_add(1, Ordering::Relaxed) >= manner.times {
            return HResult::S_OK;
        }
        let _held = manner.takes.map(|branch| self.stage.lock(branch));
        if manner.stays == Stays::UntilAnotherIsTold {
            self.stage.stay(job.number());
        }
        for step in &manner.calls {
            make(&self.client, &self.stage.race, PREPARES, job.number(), step);
        }
        if manner.leaves == Leaves::Panic {
            // Not `panic!`: what is done on purpose says nothing on the terminal, and fuzzers take a panic hook for a crash.
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        manner.leaves.hr()
    }
}

impl Callback for Object {
    fn receives(&self) -> Interfaces {
        Interfaces::all()
    }

    fn job_transferred(&self, job: &Job) -> HResult {
        self.told(job)
    }

    fn job_error(&self, job: &Job, _: &ErrorObject) -> HResult {
        self.told(job)
    }

    fn job_modification(&self, job: &Job) -> HResult {
        self.told(job)
    }

    fn file_transferred(&self, job: &Job, _: &File) -> HResult {
        self.told(job)
    }
}
