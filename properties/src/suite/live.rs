//! A suite on the engine's real service: real threads, real HTTP from the server on this machine, real files.
//!
//! **What it is.** The service cannot be stepped here, so a file is followed where that is not needed: clients call when the service has
//! come to rest, and what it does in between it does by itself. How a fetch, a rename, a callback and a program end follows
//! from the path, and so does when time passes. A file passes when its answers come as the suite has them and no rule is broken.
//!
//! **What it is not.** For every file: one that calls in the middle of what the service does, loses the network at a chosen moment or
//! counts single bytes is not runnable, and reported as such. `generate --at-rest` makes suites without such files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::core::{Config, Core as _, Failure, TransferEvent};
use contract::event::{Leave, Recorder, Target};
use contract::{
    Call, CommandLine, Event, FileNames, HResult, Interfaces, JobId, ReceiverId, ThreadId, UserId,
};
use engine::service::{
    Callback, Disk, ErrorObject, Fetch, File, HttpFetch, Job, Keep, Order, Place, Process, Programs,
    RealDisk, Runtime, Service, Std, Timer,
};
use engine::transfer::{ClientConfig, Progress};
use judge::{Header, RuleSet, TraceRecorder};
use model::drive::{DiskResult, From, Stimulus};
use model::lockstep::Lockstep;
use model::suite::goes_on;
use subjects::object::panic_on_purpose;

use super::recorded::{hung, recorded};
use super::{Case, Finding, Judged, slice_of, steps_of};
use crate::server::{Fault, Seed, Server};
use crate::tape;

/// What became of a file on the service; its files go below `directory`.
#[must_use]
pub fn on_live(case: &Case, server: &Server, directory: &Path) -> Judged {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Judged::not_runnable(format!("there is no slice {:?} any more", header.scope));
    };
    if slice.jobs > 1 {
        return Judged::not_runnable("of several jobs the service chooses itself which it serves");
    }
    let config = slice.config(&header.profile());
    let orders = match steps_of(&case.trace).map_err(|error| error.to_string()) {
        Ok(path) => Orders::of(&config, &path),
        Err(why) => Err(why),
    };
    match orders {
        Ok(orders) => play(case, &config, orders, server, directory),
        Err(why) => Judged::not_runnable(why),
    }
}

/// A path as orders for the people around the service.
struct Orders {
    /// What clients do, in order.
    acts: Vec<Act>,
    /// How fetches end.
    fetches: VecDeque<Fault>,
    /// How callbacks of each event leave.
    leaves: BTreeMap<Event, VecDeque<Leave>>,
    /// Exit codes; none for a program that cannot be started.
    exits: VecDeque<Option<i32>>,
    /// How the disk work of the call that is being made goes, and how many renames it has made.
    disk: DiskResult,
    renames: u32,
}

enum Act {
    /// A call, and how its disk work goes.
    Call(ThreadId, Option<JobId>, Call, DiskResult),
    /// Time passes to the next deadline.
    Pass,
}

impl Orders {
    /// The orders of a path, or what it does that cannot be ordered.
    fn of(config: &Config, path: &[Stimulus]) -> Result<Orders, String> {
        let core = engine::core::Core::new(config);
        let owner = |_: JobId| UserId(0);
        let mut lockstep = Lockstep::<_, 1>::around(core, config, owner, RuleSet::EMPTY);
        let mut orders = Orders {
            acts: Vec::new(),
            fetches: VecDeque::new(),
            leaves: BTreeMap::new(),
            exits: VecDeque::new(),
            disk: DiskResult::Good,
            renames: 0,
        };
        for stimulus in path {
            orders.add(&lockstep, stimulus)?;
            let _ = lockstep.apply(&config.profile, stimulus, &mut |_| ());
        }
        Ok(orders)
    }

    fn add(&mut self, lockstep: &Lockstep<engine::core::Core, 1>, stimulus: &Stimulus) -> Result<(), String> {
        let rests = |what: &str| match goes_on(lockstep) {
            true => Err(format!("{what} in the middle of what the service does by itself")),
            false => Ok(()),
        };
        match stimulus {
            Stimulus::Call { from: From::Client(thread), job, call } => {
                rests("a client calls")?;
                self.acts.push(Act::Call(*thread, *job, call.clone(), DiskResult::Good));
            }
            Stimulus::Call { from: From::Callback(_), .. } => return Err("a callback calls".to_owned()),
            Stimulus::Call { from: From::User(_), .. } => return Err("another user calls".to_owned()),
            Stimulus::Timeout => {
                rests("time passes")?;
                self.acts.push(Act::Pass);
            }
            Stimulus::Disk { result, .. } => {
                if let Some(Act::Call(.., disk)) = self.acts.last_mut() {
                    *disk = *result;
                }
            }
            Stimulus::Transfer { event, .. } => match event {
                TransferEvent::Connected => {}
                TransferEvent::FileDone => self.fetches.push_back(Fault::Ok),
                TransferEvent::Failed { class: Failure::Fatal, .. } => {
                    self.fetches.push_back(Fault::Status(404));
                }
                TransferEvent::Failed { .. } => self.fetches.push_back(Fault::Status(503)),
                _ => return Err("single bytes are counted".to_owned()),
            },
            Stimulus::Leave { job, leave } => {
                if let Some(told) = lockstep.driver().telling(*job) {
                    self.leaves.entry(told.event).or_default().push_back(*leave);
                }
            }
            Stimulus::Exit { job, code } => {
                let starts = |told: &contract::core::Delivery| told.target == Target::CommandLine;
                let unstarted = lockstep.driver().telling(*job).is_some_and(|told| starts(&told));
                self.exits.push_back((!unstarted).then_some(*code));
            }
            Stimulus::Turn | Stimulus::Begin(_) | Stimulus::Enter(_) => {}
            Stimulus::Logoff(_) | Stimulus::NetworkLost | Stimulus::NetworkBack | Stimulus::Late(_) => {
                return Err(format!("{} at a chosen moment", tape::describe(stimulus)));
            }
        }
        Ok(())
    }
}

/// How long the service may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(10);

fn play(case: &Case, config: &Config, mut orders: Orders, server: &Server, directory: &Path) -> Judged {
    let recorder = Arc::new(TraceRecorder::new());
    let runtime = Held::default();
    let acts = std::mem::take(&mut orders.acts);
    let url = |fault| server.url(&fault, SIZE, Seed(7));
    let urls = [url(Fault::Ok), url(Fault::Status(404)), url(Fault::Status(503))];
    let stage = Arc::new(Stage { orders: Mutex::new(orders), urls });
    let http = HttpFetch::new(ClientConfig::default());
    let started = Service::builder(*config)
        .namespace(crate::NAMESPACE)
        .runtime(runtime.clone())
        .recorder(Arc::clone(&recorder) as Arc<dyn Recorder>)
        .fetch(Arc::new(Routed { stage: Arc::clone(&stage), http }))
        .disk(Arc::new(Forced(Arc::clone(&stage))))
        .programs(Arc::clone(&stage) as Arc<dyn Programs>)
        .keep(Keep::ForGood)
        .start();
    let Ok(service) = started else {
        return Judged::not_runnable("the system has no thread to give");
    };
    for number in 0..OBJECTS {
        service.register_receiver(ReceiverId(number), Arc::clone(&stage) as Arc<dyn Callback>);
    }
    let stuck = acts.iter().find_map(|act| perform(&service, &runtime, &stage, act, directory));
    let stuck = stuck.or_else(|| runtime.rest(&service));
    let left = service.shutdown();
    let subject = "service over HTTP".to_owned();
    let trace = recorder.finish(Header { subject, ..case.trace.header.clone() });
    match stuck {
        None if left.is_none() => recorded(case, trace),
        stuck => {
            let what = stuck.unwrap_or("a thread of the service does not come back");
            let hung = Finding::Differs(hung(&trace, what));
            Judged::of(trace, [hung], BTreeSet::new())
        }
    }
}

/// Objects that clients of a slice register.
const OBJECTS: u32 = 4;

/// The size of every file in bytes.
const SIZE: u64 = 1000;

type Stuck = Option<&'static str>;

fn perform(service: &Service<Held>, runtime: &Held, stage: &Stage, act: &Act, directory: &Path) -> Stuck {
    if let Some(stuck) = runtime.rest(service) {
        return Some(stuck);
    }
    match act {
        Act::Call(thread, job, call, disk) => {
            let mut orders = stage.orders();
            (orders.disk, orders.renames) = (*disk, 0);
            drop(orders);
            let _ = service.call(*thread, UserId(0), *job, &here(call, directory));
        }
        Act::Pass => {
            let Some(then) = service.inspect(contract::Core::poll_timeout) else {
                return Some("no timer runs, and in the suite one does");
            };
            runtime.clock.ms.store(then.0, Ordering::SeqCst);
            service.tick();
        }
    }
    None
}

/// The call with its destination below the directory. Names that are wrong on purpose stay wrong.
fn here(call: &Call, directory: &Path) -> Call {
    match call {
        Call::AddFile { file } if file.local == "/destination" => {
            let local = directory.join("destination").display().to_string();
            Call::AddFile { file: FileNames { remote: file.remote.clone(), local: local.into() } }
        }
        other => other.clone(),
    }
}

/// What the network, the disk, the programs and the objects around the service share.
struct Stage {
    orders: Mutex<Orders>,
    /// Where a file is that is whole, that is not there, and that is not there for now.
    urls: [String; 3],
}

impl Stage {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: Event, _: &Job, _: Option<&File>, _: Option<&ErrorObject>) -> HResult {
        let leave = self.orders().leaves.get_mut(&event).and_then(VecDeque::pop_front);
        match leave {
            Some(Leave::Returned(hr)) => hr,
            Some(Leave::Panicked) => panic_on_purpose(),
            _ => HResult::S_OK,
        }
    }
}

/// Fetches over HTTP, from the URL at which the server does what the path has.
struct Routed {
    stage: Arc<Stage>,
    http: HttpFetch,
}

impl Fetch for Routed {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let fault = self.stage.orders().fetches.pop_front();
        let [whole, gone, busy] = &self.stage.urls;
        let remote = match fault {
            Some(Fault::Status(404)) => gone,
            Some(Fault::Status(_)) => busy,
            _ => whole,
        };
        self.http.fetch(&Order { remote: remote.clone(), ..order.clone() }, progress);
    }
}

/// The real disk, where the path has no failure of it.
struct Forced(Arc<Stage>);

/// What the file system returns for a file that is open elsewhere.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

impl Disk for Forced {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let mut orders = self.0.orders();
        let fails = orders.disk == DiskResult::RenameFails(orders.renames);
        orders.renames += 1;
        drop(orders);
        if fails { Err(SHARING_VIOLATION) } else { RealDisk.rename(place) }
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let fails = self.0.orders().disk == DiskResult::LeavesBehind;
        if fails { Err(SHARING_VIOLATION) } else { RealDisk.remove(place) }
    }
}

impl Programs for Stage {
    fn start(&self, _: &CommandLine) -> io::Result<Box<dyn Process>> {
        match self.orders().exits.pop_front().unwrap_or(Some(0)) {
            Some(code) => Ok(Box::new(Exits(code))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

struct Exits(i32);

impl Process for Exits {
    fn wait(&mut self) -> i32 {
        self.0
    }
}

subjects::callbacks_as_one!(Stage, |_stage| Interfaces::all());

/// The threads of the standard library, with a clock that stands still until it is moved, and a count of who waits.
#[derive(Clone, Default)]
struct Held {
    std: Arc<Std>,
    clock: Arc<Clock>,
}

/// The time in milliseconds, and the service's threads: how many there are, and how many wait.
#[derive(Default)]
struct Clock {
    ms: AtomicU64,
    alive: AtomicU64,
    waiting: AtomicU64,
}

/// A timer that never goes off: who moves the clock ticks.
struct Still;

impl Timer for Still {
    fn rearm(&self) {}

    fn stop(&self) {}
}

impl Held {
    /// Waits until every thread of the service waits and none of them has anything to do; what is wrong when that does not come.
    fn rest(&self, service: &Service<Held>) -> Stuck {
        let until = Instant::now() + PATIENCE;
        let job = JobId(0);
        while Instant::now() < until {
            let rests = service.inspect(|core| {
                let idle =
                    self.clock.waiting.load(Ordering::SeqCst) == self.clock.alive.load(Ordering::SeqCst);
                idle && !core.wants_transfer() && core.transfer(job).is_none() && !core.is_ready(job)
            });
            if rests {
                return None;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        Some("the service does not come to rest")
    }
}

impl Runtime for Held {
    crate::live::threads_of_std!();
    type Timer = Still;

    /// Counted with the lock held, so that who looks under the lock sees either a thread that waits or one that does something.
    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Self::Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        self.clock.waiting.fetch_add(1, Ordering::SeqCst);
        let guard = self.std.wait(condvar, guard);
        self.clock.waiting.fetch_sub(1, Ordering::SeqCst);
        guard
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread> {
        let clock = Arc::clone(&self.clock);
        clock.alive.fetch_add(1, Ordering::SeqCst);
        let ended = Arc::clone(&clock);
        let spawned = self.std.spawn(name, move || {
            body();
            ended.alive.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            clock.alive.fetch_sub(1, Ordering::SeqCst);
        }
        spawned
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.clock.ms.load(Ordering::SeqCst))
    }

    fn timer(&self, _: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<Still> {
        Ok(Still)
    }
}
