//! The service led along a path: one stimulus after another, each thread as far as the stimulus leads and no farther.
//!
//! **What it is.** [`follow`] runs the engine's real service on the [`Shuttle`] runtime, and plays clients, network, disk, programs and clock as
//! a path of stimuli has them. Where a delivery begins in the path, a dispatcher is let run until it has begun one; where the
//! callback leaves in the path, the callback leaves. So a path of the model becomes one schedule of the service.
//!
//! **What it is not.** A search for schedules: that is `properties::race`. And only one job is led: with more of them it is the
//! service's choice which is served first.
//!
//! **The law it keeps.** A *leg* is what a task does between two scheduling points. The host gives out legs one by one, so nothing
//! happens that the path does not have; where the service does not follow the path, the run ends with [`Followed::stuck`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::core::{Config, Core as _, TransferEvent, TransferReply};
use contract::defect::Design;
use contract::event::{Leave, Recorder};
use contract::{Call, CommandLine, Event, HResult, Interfaces, JobId, ReceiverId, ThreadId, UserId};
use engine::service::{
    Client, Disk, ErrorObject, Fetch, File, Job, Keep, Order, Place, Process, Programs, Service,
};
use engine::transfer::Progress;
use judge::Line;
use model::drive::{DiskResult, From, Stimulus};

use super::execution;
use super::runtime::{Shuttle, pass_time};
use super::strategy::Tape;
use super::windows::Step;
use super::world::{Done, Events, Mode, Name, Role, Went, World};
use crate::object::panic_on_purpose;
use crate::tape;

/// What came of following a path.
#[derive(Clone, PartialEq, Debug)]
pub struct Followed {
    /// What happened.
    pub lines: Vec<Line>,
    /// The number of the stimulus that the service did not follow, from 0 on, and what it did instead.
    pub stuck: Option<(usize, &'static str)>,
}

/// Leads the service along a path of one job, with this design in the place of the barrier.
#[must_use]
pub fn follow(config: &Config, design: Design, path: &[Stimulus]) -> Followed {
    let events = Events::Written(Vec::with_capacity(path.len() * 4));
    let world = Arc::new(World::new(Box::new(Tape::default()), events));
    let shuttle = Shuttle::new(Arc::clone(&world));
    let stuck = Arc::new(Mutex::new(None));
    let (told, config, path) = (Arc::clone(&stuck), *config, path.to_vec());
    execution::run(&world, move || {
        let result = play(&shuttle, &config, design, &path);
        *told.lock().unwrap_or_else(PoisonError::into_inner) = result;
    });
    let result = world.inner().result.take();
    let lines = match result {
        Some((_, Events::Written(lines))) => lines,
        _ => Vec::new(),
    };
    let stuck = *stuck.lock().unwrap_or_else(PoisonError::into_inner);
    Followed { lines, stuck }
}

/// The life of the host.
fn play(
    shuttle: &Shuttle,
    config: &Config,
    design: Design,
    path: &[Stimulus],
) -> Option<(usize, &'static str)> {
    let stage = Arc::new(Stage { shuttle: shuttle.clone(), boxes: Mutex::default() });
    let builder = Service::builder(*config)
        .namespace(crate::NAMESPACE)
        .instance(super::INSTANCE)
        .runtime(shuttle.clone())
        .recorder(Arc::clone(&shuttle.world) as Arc<dyn Recorder>)
        .fetch(Arc::clone(&stage) as Arc<dyn Fetch>)
        .disk(Arc::clone(&stage) as Arc<dyn Disk>)
        .programs(Arc::new(Programmed(Arc::clone(&stage))))
        .keep(Keep::ForGood);
    let builder = builder.design(design);
    // Without the feature there is the barrier and nothing else.
    let _ = design;
    // The runtime always has a task to give, and fetches have been given.
    let Ok(service) = builder.start() else { return Some((0, "the service did not start")) };
    for number in 0..OBJECTS {
        let (stage, receiver) = (Arc::clone(&stage), ReceiverId(number));
        let object = Object { stage, client: service.client(), receiver };
        service.register_receiver(ReceiverId(number), Arc::new(object));
    }
    shuttle.world.inner().mode = Mode::Led;
    let mut host = Host { stage: &stage, service: &service, clients: Vec::new() };
    let stuck =
        path.iter().enumerate().find_map(|(number, stimulus)| Some((number, host.take(stimulus).err()?)));
    host.end();
    stuck
}

/// Objects that clients of a slice register.
const OBJECTS: u32 = 4;

/// Legs of a task for one stimulus at most; none needs more than a few.
const LEGS: usize = 24;

/// Legs in which a worker, having reported, lets go of the transfer or goes on to the next file.
const LEGS_OF_REPORT: usize = 4;

/// Legs in which the task that waits for a program reports its exit to the core.
const LEGS_OF_EXIT: usize = 2;

/// Legs in which a dispatcher, having created a process, hands it to a thread of its own.
const LEGS_OF_START: usize = 3;

struct Host<'a> {
    stage: &'a Arc<Stage>,
    service: &'a Service<Shuttle>,
    /// The task of each client thread that has called.
    clients: Vec<(ThreadId, usize)>,
}

type Taken = Result<(), &'static str>;

impl Host<'_> {
    fn take(&mut self, stimulus: &Stimulus) -> Taken {
        if !matches!(stimulus, Stimulus::Call { .. }) {
            // So that the path can be had back from the trace.
            self.stage.shuttle.world.inner().write_program(&tape::print(stimulus));
        }
        match stimulus {
            Stimulus::Call { from: From::Client(thread), job, call } => self.call(*thread, *job, call),
            Stimulus::Call { from: From::Callback(_), job, call } => {
                let order = Told::Call(*job, call.clone());
                self.order(Which::Callback, order, "no callback runs that could call")
            }
            Stimulus::Call { from: From::User(_), .. } => Err("there is one user"),
            Stimulus::Late(_) => Err("nothing comes too late by itself"),
            Stimulus::Disk { result, .. } => self.disk(*result),
            Stimulus::Turn => self.turn(),
            Stimulus::Transfer { event, .. } => self.report(*event),
            Stimulus::Begin(job) => self.begin(*job),
            Stimulus::Enter(_) => self.enter(),
            Stimulus::Leave { leave, .. } => self.leave(*leave),
            Stimulus::Exit { code, .. } => self.exit(*code),
            Stimulus::Timeout => self.timeout(),
            Stimulus::Logoff(user) => {
                self.service.logoff(*user);
                Ok(())
            }
            Stimulus::NetworkLost => {
                self.service.network_lost();
                Ok(())
            }
            Stimulus::NetworkBack => {
                self.service.network_back();
                Ok(())
            }
        }?;
        self.let_return();
        self.let_go_of_stale_transfers();
        Ok(())
    }

    /// A leg of a task, if it can go.
    fn leg(&self, task: usize) -> Went {
        self.stage.shuttle.world.inner().led = Some(task);
        execution::switch();
        self.stage.shuttle.world.inner().went
    }

    /// Legs of a task until something is so. Whether it came to that.
    fn legs(&self, task: usize, is_there: impl Fn() -> bool) -> bool {
        for _ in 0..LEGS {
            if self.leg(task) == Went::No {
                return is_there();
            }
            if is_there() {
                return true;
            }
        }
        false
    }

    fn at(&self, task: usize) -> Option<Step> {
        self.stage.shuttle.world.inner().task(task).at
    }

    /// The tasks of a role, in the order of their numbers, that have not ended.
    fn tasks(&self, role: Role) -> Vec<usize> {
        let inner = self.stage.shuttle.world.inner();
        let of = |(number, task): (usize, &super::world::Task)| {
            (task.name == Name::Service(role) && task.done == Done::No).then_some(number)
        };
        inner.tasks.iter().enumerate().filter_map(of).collect()
    }

    fn call(&mut self, thread: ThreadId, job: Option<JobId>, call: &Call) -> Taken {
        let client = self.clients.iter().find(|(known, _)| *known == thread).map(|(_, task)| *task);
        let task = client.unwrap_or_else(|| self.start_client(thread));
        self.stage.boxes().of(Which::Client(thread)).post(Told::Call(job, call.clone()));
        self.go_on(task, Which::Client(thread));
        Ok(())
    }

    fn start_client(&mut self, thread: ThreadId) -> usize {
        let (stage, client) = (Arc::clone(self.stage), self.service.client());
        let body = move || {
            while let Some(Told::Call(job, call)) = stage.wait(Which::Client(thread)) {
                let _ = client.call(thread, UserId(0), job, &call);
            }
        };
        let _ = self.stage.shuttle.start(Name::Branch(thread.0 + 1), body);
        let task = self.stage.shuttle.world.inner().tasks.len() - 1;
        self.clients.push((thread, task));
        task
    }

    /// Lets a task that makes a call go on until it is back, waits, or has come to the disk.
    fn go_on(&self, task: usize, which: Which) {
        self.stage.wake(which);
        let stands = || self.stage.boxes().of(which).is_parked() || self.at(task) == Some(Step::Disk);
        let _ = self.legs(task, stands);
    }

    /// Posts an order to a task in a client's code, and lets the task carry it out.
    fn order(&self, which: Which, order: Told, otherwise: &'static str) -> Taken {
        let mut boxes = self.stage.boxes();
        let of = boxes.of(which);
        let (true, Some(task)) = (of.is_parked(), of.task) else { return Err(otherwise) };
        of.post(order);
        drop(boxes);
        self.go_on(task, which);
        Ok(())
    }

    fn disk(&self, result: DiskResult) -> Taken {
        let tasks = self.stage.shuttle.world.inner().tasks.len();
        let Some(task) = (0..tasks).find(|task| self.at(*task) == Some(Step::Disk)) else {
            return Err("no call works on the disk");
        };
        self.stage.boxes().disk = (result, 0);
        let is_through = || self.at(task) != Some(Step::Disk) && self.is_parked(task);
        let _ = self.legs(task, is_through);
        Ok(())
    }

    /// Whether a task waits for an order.
    fn is_parked(&self, task: usize) -> bool {
        self.stage.boxes().all.iter().any(|(_, of)| of.task == Some(task) && of.is_parked())
    }

    fn turn(&self) -> Taken {
        if !self.service.inspect(contract::Core::wants_transfer) {
            return Err("no transfer is wanted");
        }
        for worker in self.tasks(Role::Worker) {
            let fetches = || self.stage.boxes().of(Which::Fetch).is_parked();
            if !self.is_parked(worker) && self.legs(worker, fetches) {
                return Ok(());
            }
            if !self.service.inspect(contract::Core::wants_transfer) {
                return Ok(());
            }
        }
        Err("no worker takes the transfer on")
    }

    fn report(&self, event: TransferEvent) -> Taken {
        let mut boxes = self.stage.boxes();
        let of = boxes.of(Which::Fetch);
        let (true, Some(task)) = (of.is_parked(), of.task) else { return Err("no transfer runs") };
        of.post(Told::Report(event));
        drop(boxes);
        self.stage.wake(Which::Fetch);
        for _ in 0..LEGS_OF_REPORT {
            if self.leg(task) == Went::No || self.is_parked(task) {
                break;
            }
        }
        Ok(())
    }

    /// A transfer that the core has given up is ended at once: here, it does not report again before.
    fn let_go_of_stale_transfers(&self) {
        let runs = self.service.inspect(|core| core.transfer(JobId(0)).is_some());
        let parked = self.stage.boxes().of(Which::Fetch).is_parked();
        let Some(task) = self.stage.boxes().of(Which::Fetch).task.filter(|_| parked && !runs) else { return };
        self.stage.boxes().of(Which::Fetch).post(Told::GiveUp);
        self.stage.wake(Which::Fetch);
        for _ in 0..LEGS_OF_REPORT {
            if self.leg(task) == Went::No {
                break;
            }
        }
    }

    fn begin(&self, job: JobId) -> Taken {
        if !self.service.inspect(|core| core.is_ready(job)) {
            return Err("no delivery is ready");
        }
        for dispatcher in self.tasks(Role::Dispatcher) {
            if self.is_parked(dispatcher) {
                continue;
            }
            let has_begun = || {
                self.at(dispatcher) == Some(Step::Begun) || self.stage.boxes().of(Which::Start).is_parked()
            };
            if self.legs(dispatcher, has_begun) {
                return Ok(());
            }
        }
        Err("no dispatcher begins the delivery")
    }

    fn enter(&self) -> Taken {
        let start = self.stage.boxes().of(Which::Start).task;
        if let Some(task) = start.filter(|_| self.stage.boxes().of(Which::Start).is_parked()) {
            return self.start_program(task);
        }
        let begun = self.tasks(Role::Dispatcher).into_iter().find(|task| self.at(*task) == Some(Step::Begun));
        let Some(task) = begun else { return Err("no delivery has begun") };
        let has_entered = || self.stage.boxes().of(Which::Callback).is_parked();
        if self.legs(task, has_entered) { Ok(()) } else { Err("the delivery does not enter") }
    }

    fn start_program(&self, task: usize) -> Taken {
        self.stage.boxes().of(Which::Start).post(Told::Start);
        self.stage.wake(Which::Start);
        (0..LEGS_OF_START).for_each(|_| {
            let _ = self.leg(task);
        });
        let runs = || self.stage.boxes().of(Which::Program).is_parked();
        let reapers = self.tasks(Role::Reaper);
        let reaped = reapers.into_iter().any(|reaper| self.legs(reaper, runs));
        if reaped { Ok(()) } else { Err("no call waits for the program") }
    }

    fn leave(&self, leave: Leave) -> Taken {
        let order = match leave {
            Leave::Returned(hr) => Told::Leave(hr),
            Leave::Panicked => Told::Panic,
            Leave::Exited(_) => return Err("a callback has no exit code"),
        };
        self.come_back(Which::Callback, order, "no callback runs")
    }

    fn exit(&self, code: i32) -> Taken {
        if self.stage.boxes().of(Which::Program).is_parked() {
            return self.come_back(Which::Program, Told::Exit(code), "no program runs");
        }
        self.come_back(Which::Start, Told::Fail, "no program is started")
    }

    /// Lets a task leave a client's code, and report to the core.
    fn come_back(&self, which: Which, order: Told, otherwise: &'static str) -> Taken {
        let mut boxes = self.stage.boxes();
        let of = boxes.of(which);
        let (true, Some(task)) = (of.is_parked(), of.task) else { return Err(otherwise) };
        of.post(order);
        drop(boxes);
        self.stage.wake(which);
        if which == Which::Program {
            (0..LEGS_OF_EXIT).for_each(|_| {
                let _ = self.leg(task);
            });
            return Ok(());
        }
        // The client's handles are dropped on the way, each with a look at the lock.
        if !self.legs(task, || self.at(task) == Some(Step::Left)) {
            return Err("the callback does not leave");
        }
        let _ = self.leg(task);
        Ok(())
    }

    /// Time passes up to the core's next deadline.
    fn timeout(&self) -> Taken {
        let Some(then) = self.service.inspect(contract::Core::poll_timeout) else {
            return Err("no timer runs");
        };
        let world = &self.stage.shuttle.world;
        // The runtime may still know of an earlier deadline, at which nothing is due any more.
        for _ in 0..LEGS {
            if world.inner().now.as_millis() >= u128::from(then.0) {
                return Ok(());
            }
            pass_time(world);
        }
        Err("time does not come to the timer")
    }

    /// A call that may return does so at once, before anything else moves.
    fn let_return(&self) {
        let busy = |(which, of): &(Which, Inbox)| {
            let calls = matches!(which, Which::Client(_) | Which::Callback) && !of.is_parked();
            of.task.filter(|_| calls).map(|task| (*which, task))
        };
        let calling: Vec<(Which, usize)> = self.stage.boxes().all.iter().filter_map(busy).collect();
        for (which, task) in calling {
            if self.stage.is_calling(task) && self.at(task) != Some(Step::Disk) {
                let is_back = || self.stage.boxes().of(which).is_parked();
                let _ = self.legs(task, is_back);
            }
        }
    }

    /// Ends the record, and lets every task run to its end.
    fn end(&self) {
        let mut inner = self.stage.shuttle.world.inner();
        inner.be_over();
        let events = inner.end_events();
        inner.result = Some((judge::Ended::Cut, events));
        drop(inner);
        let waiting: Vec<usize> = self
            .stage
            .boxes()
            .all
            .iter()
            .filter(|(_, of)| of.is_parked())
            .filter_map(|(_, of)| of.task)
            .collect();
        waiting.into_iter().for_each(execution::unblock);
        let _ = self.service.shutdown();
    }
}

/// What all tasks in a client's code share.
struct Stage {
    shuttle: Shuttle,
    boxes: Mutex<Boxes>,
}

struct Boxes {
    all: Vec<(Which, Inbox)>,
    /// How disk work goes, and how many renames there were.
    disk: (DiskResult, u32),
}

impl Default for Boxes {
    fn default() -> Self {
        Boxes { all: Vec::new(), disk: (DiskResult::Good, 0) }
    }
}

/// Who waits for orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Which {
    Client(ThreadId),
    Callback,
    Fetch,
    /// A program that is about to be started.
    Start,
    /// A program that runs.
    Program,
}

/// An order.
#[derive(Clone, PartialEq, Debug)]
enum Told {
    Call(Option<JobId>, Call),
    Leave(HResult),
    Panic,
    Report(TransferEvent),
    GiveUp,
    Start,
    Fail,
    Exit(i32),
}

/// Orders for one client, callback, fetch or program, and the task that waits for one.
#[derive(Default)]
struct Inbox {
    orders: VecDeque<Told>,
    task: Option<usize>,
    parked: Parked,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Parked {
    Yes,
    #[default]
    No,
}

impl Inbox {
    fn post(&mut self, order: Told) {
        self.orders.push_back(order);
    }

    fn is_parked(&self) -> bool {
        self.parked == Parked::Yes
    }
}

impl Boxes {
    fn of(&mut self, which: Which) -> &mut Inbox {
        let at = self.all.iter().position(|(known, _)| *known == which).unwrap_or_else(|| {
            self.all.push((which, Inbox::default()));
            self.all.len() - 1
        });
        &mut self.all[at].1
    }
}

impl Stage {
    /// Never held across a switch of tasks.
    fn boxes(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an order; none when the run is over.
    fn wait(&self, which: Which) -> Option<Told> {
        loop {
            let mut inner = self.shuttle.world.inner();
            let (over, me) = (inner.mode == Mode::Over, inner.current);
            inner.me().at = None;
            drop(inner);
            let mut boxes = self.boxes();
            let of = boxes.of(which);
            of.task = Some(me);
            of.parked = Parked::No;
            if over {
                return None;
            }
            if let Some(order) = of.orders.pop_front() {
                return Some(order);
            }
            of.parked = Parked::Yes;
            drop(boxes);
            self.shuttle.block();
        }
    }

    /// Lets who waits there look at his orders.
    fn wake(&self, which: Which) {
        let mut boxes = self.boxes();
        let of = boxes.of(which);
        let parked = std::mem::take(&mut of.parked);
        let task = of.task.filter(|_| parked == Parked::Yes);
        drop(boxes);
        task.into_iter().for_each(execution::unblock);
    }

    /// Whether the task has a call of its own that has not returned.
    fn is_calling(&self, task: usize) -> bool {
        self.shuttle.world.inner().task(task).method().is_some()
    }
}

impl Fetch for Stage {
    fn fetch(&self, _: &Order, progress: &mut dyn Progress) {
        while let Some(Told::Report(event)) = self.wait(Which::Fetch) {
            // The service holds back reports of few bytes, but none of REPORTED_BYTES or more.
            let event = match event {
                TransferEvent::SizeKnown(bytes) => TransferEvent::SizeKnown(bytes * REPORTED_BYTES),
                TransferEvent::Bytes(bytes) => TransferEvent::Bytes(bytes * REPORTED_BYTES),
                other => other,
            };
            // Also the end of a file may be answered with a wish for more, when bytes are missing.
            if progress.report(event) != TransferReply::Continue {
                return;
            }
        }
    }
}

/// Bytes that are reported at once, for each byte of a path.
const REPORTED_BYTES: u64 = engine::service::REPORT_BYTES;

/// What the file system returns for a file that is open elsewhere.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

impl Disk for Stage {
    fn rename(&self, _: &Place) -> Result<(), HResult> {
        let mut boxes = self.boxes();
        let (result, renames) = &mut boxes.disk;
        let fails = *result == DiskResult::RenameFails(*renames);
        *renames += 1;
        if fails { Err(SHARING_VIOLATION) } else { Ok(()) }
    }

    fn remove(&self, _: &Place) -> Result<(), HResult> {
        if self.boxes().disk.0 == DiskResult::LeavesBehind { Err(SHARING_VIOLATION) } else { Ok(()) }
    }
}

/// Starts programs when it is ordered to.
struct Programmed(Arc<Stage>);

impl Programs for Programmed {
    fn start(&self, _: &CommandLine) -> io::Result<Box<dyn Process>> {
        match self.0.wait(Which::Start) {
            Some(Told::Start) => Ok(Box::new(Runs(Arc::clone(&self.0)))),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A program that runs until it is ordered to exit.
struct Runs(Arc<Stage>);

impl Process for Runs {
    fn wait(&mut self) -> i32 {
        match self.0.wait(Which::Program) {
            Some(Told::Exit(code)) => code,
            _ => 0,
        }
    }
}

struct Object {
    stage: Arc<Stage>,
    client: Client,
    receiver: ReceiverId,
}

impl Object {
    fn hear(&self, _: Event, job: &Job, file: Option<&File>, error: Option<&ErrorObject>) -> HResult {
        self.stage.shuttle.world.given(self.receiver, job, file, error);
        loop {
            match self.stage.wait(Which::Callback) {
                Some(Told::Call(job, call)) => drop(self.client.call(ThreadId(0), UserId(0), job, &call)),
                Some(Told::Leave(hr)) => return hr,
                Some(Told::Panic) => panic_on_purpose(),
                _ => return HResult::S_OK,
            }
        }
    }
}

crate::callbacks_as_one!(Object, |_object| Interfaces::all());
