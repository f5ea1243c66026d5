//! What stands around the service in a race: clients and their objects, the network, the disk and programs.
//!
//! **What it is.** One value that all of them share. Each does what the race prescribes, in the order in which it is called; between two of
//! its steps anything may happen.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use contract::core::{Failure, TransferEvent, TransferReply};
use contract::env::Found;
use contract::{
    Call, CommandLine, ErrorContext, Event, FileId, HResult, Interfaces, JobId, Receiver, ReceiverId,
    ThreadId, UserId,
};
use engine::service::{
    Callback, Client, Disk, ErrorObject, Fetch, File, Job, Order, Place, Process, Programs, Service,
};
use engine::transfer::Progress;

use super::execution;
use super::files::{Alone, Files};
use super::order::Shared;
use super::program::{
    self, Exit, Fetched, Kept, Leaves, Lock, Manner, OBJECTS, On, Outside, PREPARES, Race, Stays, Step,
};
use super::runtime::{Passed, Shuttle};
use super::seen::Seen;
use super::world::{Around, Fresh, Inner, Mode, Name, Role, World};
use crate::object::panic_on_purpose;

/// See the module's documentation.
pub(super) struct Stage {
    pub(super) shuttle: Shuttle,
    pub(super) race: Arc<Race>,
    pub(super) files: Files,
    /// By job.
    counts: [Counts; program::JOBS],
    /// How often each object was called.
    told: [AtomicU32; OBJECTS],
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
    pub(super) fn new(shuttle: Shuttle, race: Arc<Race>) -> Stage {
        Stage {
            shuttle,
            race,
            files: Files::default(),
            counts: Default::default(),
            told: Default::default(),
            started: AtomicU32::new(0),
        }
    }

    /// The life of a client.
    pub(super) fn branch(self: &Arc<Self>, client: &Client, number: usize) {
        let Some(branch) = self.race.branches.get(number) else { return };
        let _held = (branch.lock == Lock::Held).then(|| self.lock(number as u32 + 1));
        for (nth, step) in branch.calls.iter().enumerate() {
            self.shuttle.world.inner().holds_nothing((Name::Branch(number as u32), nth));
            self.shuttle.yield_now();
            self.make(client, program::thread(number), JobId(0), step);
        }
        self.shuttle.world.inner().holds_nothing((Name::Branch(number as u32), branch.calls.len()));
    }

    /// What happens to all jobs, one thing after another.
    pub(super) fn outside(&self, service: &Service<Shuttle>) {
        for (nth, outside) in self.race.outside.iter().enumerate() {
            self.shuttle.world.inner().holds_nothing((Name::Outside, nth));
            self.shuttle.yield_now();
            match *outside {
                Outside::NetworkLost => service.network_lost(),
                Outside::NetworkBack => service.network_back(),
                Outside::Logoff(user) => service.logoff(user),
            }
        }
    }

    /// Makes one call; `own` is the job it is made on where the step is [`On::Own`].
    pub(super) fn make(self: &Arc<Self>, client: &Client, thread: ThreadId, own: JobId, step: &Step) {
        let job = match step.on {
            On::Nothing => None,
            On::Own => Some(own),
            On::Job(job) => Some(job),
        };
        // Unless the step names a user, a job is called by its owner. Who makes one follows from how many there are.
        let user = step.by.unwrap_or_else(|| self.race.owner(job.unwrap_or(own)));
        match self.made_for(&step.call) {
            Some(receiver) => {
                let number = receiver.id.0 as usize;
                let object = self.object(client.clone(), number, job);
                let _ = client.register(thread, user, job, receiver, object);
            }
            None => drop(client.call(thread, user, job, &step.call)),
        }
    }

    /// A client's object. `job` is the one it is made for, if it is made for one.
    pub(super) fn object(
        self: &Arc<Self>,
        client: Client,
        number: usize,
        job: Option<JobId>,
    ) -> Arc<dyn Callback> {
        Arc::new(Object { stage: Arc::clone(self), client, number, job })
    }

    /// The object that the call registers, when it is one that is made for this call.
    fn made_for(&self, call: &Call) -> Option<Receiver> {
        let Call::SetNotifyInterface { receiver: Some(receiver) } = *call else { return None };
        let manner = self.race.objects.get(receiver.id.0 as usize)?;
        (manner.kept == Kept::Briefly).then_some(receiver)
    }

    /// A client's own lock, of this branch.
    fn lock(&self, branch: u32) -> ClientLock<'_> {
        let bit = 1_u32 << (branch % 32);
        self.wait_until(|inner| inner.client_locks & bit == 0);
        // No other task has run since.
        self.shuttle.world.inner().client_locks |= bit;
        ClientLock { stage: self, bit }
    }

    /// Waits for something that another client does, or for the end of the run.
    fn wait_until(&self, is_so: impl Fn(&Inner) -> bool) {
        self.reads(Passed::AnotherClient);
        loop {
            let mut inner = self.shuttle.world.inner();
            if inner.mode == Mode::Over || is_so(&inner) {
                // What it has waited for is something that it has noticed.
                inner.fresh = Fresh::No;
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

    /// A callback of the job stays until there has been a callback of another user's job.
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
        let sized = |fetched: &Fetched| matches!(fetched, Fetched::Sized | Fetched::Restarted);
        self.race.jobs.get(job.index()).is_some_and(|fate| fate.fetches.iter().any(sized))
    }

    fn fetched(&self, job: JobId) -> Fetched {
        let (Some(fate), Some(counts)) = (self.race.jobs.get(job.index()), self.counts.get(job.index()))
        else {
            return Fetched::Done;
        };
        let nth = counts.fetches.fetch_add(1, Ordering::Relaxed);
        let fetched = fate.fetches.get(nth as usize).copied().unwrap_or(Fetched::Done);
        self.reads(fetched);
        fetched
    }

    fn has_ended(&self, job: JobId) -> bool {
        let ended = self.shuttle.world.inner().has_ended(job);
        self.reads(ended);
        ended
    }

    /// The task that runs has read this here: what it does from here on may depend on it.
    fn reads(&self, what: impl Hash) {
        let mut inner = self.shuttle.world.inner();
        inner.touches(Shared::Around);
        inner.reads(what);
    }

    fn see(&self, seen: Seen) {
        self.shuttle.world.inner().see(seen);
    }

    /// The thread in whose name a call is made that no client makes on purpose: a destructor's.
    fn current_thread(&self) -> ThreadId {
        let mut inner = self.shuttle.world.inner();
        match inner.me().name {
            Name::Branch(number) => ThreadId(number),
            _ => PREPARES,
        }
    }
}

/// Counts only up to the number from which on they change nothing.
impl Around for Stage {
    fn digest(&self, mut state: &mut dyn Hasher) {
        let up_to = |count: &AtomicU32, most: usize| (count.load(Ordering::Relaxed) as usize).min(most);
        for (counts, fate) in self.counts.iter().zip(&self.race.jobs) {
            let fetches = up_to(&counts.fetches, fate.fetches.len());
            let renames = up_to(&counts.renames, fate.renames_fail as usize);
            let removals = up_to(&counts.removals, fate.removals_fail as usize);
            (up_to(&counts.told, 1), fetches, renames, removals).hash(&mut state);
        }
        for (told, manner) in self.told.iter().zip(&self.race.objects) {
            up_to(told, manner.times as usize).hash(&mut state);
        }
        up_to(&self.started, self.race.exits.len()).hash(&mut state);
        self.files.digest(state);
    }
}

/// Those who wait for a client's lock or for a callback look again.
pub(super) fn wake_waiters(world: &World) {
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

/// The size of a file, half of which is enough for the service to report it.
const SIZE: u64 = 128 * 1024;

impl Fetch for Stage {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let mut fetching = Fetching::begin(self, order, progress);
        // Between the order and its first byte the job may end.
        self.shuttle.yield_now();
        self.files.write(order.job, order.file, Found::Wrong);
        let context = ErrorContext::RemoteFile;
        let failed = |class, status| TransferEvent::Failed { class, hr: HResult::from_http(status), context };
        let (size, half, all) =
            (TransferEvent::SizeKnown(SIZE), TransferEvent::Bytes(SIZE / 2), TransferEvent::Bytes(SIZE));
        match self.fetched(order.job) {
            Fetched::Done if self.is_sized(order.job) => fetching.tell(&[size, all, TransferEvent::FileDone]),
            Fetched::Done => fetching.tell(&[TransferEvent::FileDone]),
            Fetched::Sized => {
                fetching.tell(&[TransferEvent::Connected, size, half, all, TransferEvent::FileDone]);
            }
            Fetched::Restarted => {
                let restarted = TransferEvent::Restarted;
                fetching.tell(&[size, half, restarted, size, all, TransferEvent::FileDone]);
            }
            Fetched::Transient => fetching.tell(&[failed(Failure::Transient, 503)]),
            Fetched::Fatal => fetching.tell(&[failed(Failure::Fatal, 404)]),
            Fetched::Late => {
                self.wait_until(|inner| inner.mode == Mode::Racing);
                fetching.tell(&[TransferEvent::FileDone]);
            }
            Fetched::LateFatal => {
                self.wait_until(|inner| inner.mode == Mode::Racing);
                fetching.tell(&[failed(Failure::Fatal, 404)]);
            }
            Fetched::Silent => {}
            Fetched::Panic => panic_on_purpose(),
        }
    }
}

/// A fetch that runs.
struct Fetching<'a> {
    stage: &'a Stage,
    job: JobId,
    file: FileId,
    progress: &'a mut dyn Progress,
}

impl<'a> Fetching<'a> {
    fn begin(stage: &'a Stage, order: &Order, progress: &'a mut dyn Progress) -> Fetching<'a> {
        let (job, file) = (order.job, order.file);
        stage.shuttle.world.inner().touches(Shared::Around);
        if stage.files.begin_fetch(job, file) == Alone::No {
            stage.see(Seen::TwoFetches { job, file });
        }
        Fetching { stage, job, file, progress }
    }

    /// Reports one thing after another, until the service replies something other than to go on.
    fn tell(&mut self, events: &[TransferEvent]) {
        for (nth, event) in events.iter().enumerate() {
            if *event == TransferEvent::FileDone {
                self.stage.files.write(self.job, self.file, Found::Whole);
            }
            let ended = self.stage.has_ended(self.job);
            let reply = self.progress.report(*event);
            // The worker has forgotten what this transfer had read before; where it stands is all that it needs.
            self.stage.reads((events, nth));
            if ended && reply != TransferReply::Stop {
                self.stage.see(Seen::WorksOn { job: self.job });
            }
            if reply != TransferReply::Continue {
                return;
            }
        }
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.stage.files.end_fetch(self.job, self.file);
    }
}

/// What the file system returns for a file that is open elsewhere.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

/// What the file system returns for a file that is not there.
const NOT_FOUND: HResult = HResult::from_win32(2);

impl Disk for Stage {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let job = place.job.index();
        let count = |counts: &Counts| counts.renames.fetch_add(1, Ordering::Relaxed);
        let fails = self.race.jobs.get(job).map_or(0, |fate| fate.renames_fail);
        if self.counts.get(job).is_some_and(|counts| count(counts) < fails) {
            self.reads(SHARING_VIOLATION);
            return Err(SHARING_VIOLATION);
        }
        let renamed = self.files.rename(place).map_err(|_| NOT_FOUND);
        self.reads(renamed);
        renamed
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let job = place.job.index();
        let count = |counts: &Counts| counts.removals.fetch_add(1, Ordering::Relaxed);
        let fails = self.race.jobs.get(job).map_or(0, |fate| fate.removals_fail);
        // What a worker leaves of a job that has ended is removed when no call is there any more that could answer for it.
        let by_worker = self.shuttle.world.inner().me().name == Name::Service(Role::Worker);
        if !by_worker && self.counts.get(job).is_some_and(|counts| count(counts) < fails) {
            self.reads(SHARING_VIOLATION);
            return Err(SHARING_VIOLATION);
        }
        self.shuttle.world.inner().touches(Shared::Around);
        self.files.remove(place);
        Ok(())
    }
}

impl Programs for Stage {
    fn start(&self, _: &CommandLine) -> io::Result<Box<dyn Process>> {
        let nth = self.started.fetch_add(1, Ordering::Relaxed);
        let exit = self.race.exits.get(nth as usize).copied().unwrap_or(Exit::Code(0));
        self.reads(exit);
        match exit {
            Exit::Code(code) => Ok(Box::new(Exits { shuttle: self.shuttle.clone(), code })),
            Exit::NotStarted => Err(io::ErrorKind::NotFound.into()),
        }
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
    /// The job it was made for.
    job: Option<JobId>,
}

impl Object {
    fn manner(&self) -> Option<&Manner> {
        self.stage.race.objects.get(self.number)
    }

    fn hear(&self, _: Event, job: &Job, file: Option<&File>, error: Option<&ErrorObject>) -> HResult {
        self.stage.shuttle.world.given(ReceiverId(self.number as u32), job, file, error);
        self.stage.note_told(job.number());
        self.stage.shuttle.yield_now();
        let Some(manner) = self.manner() else { return HResult::S_OK };
        let told = self.stage.told.get(self.number);
        let is_through = told.is_none_or(|told| told.fetch_add(1, Ordering::Relaxed) >= manner.times);
        self.stage.reads(is_through);
        if is_through {
            return HResult::S_OK;
        }
        let _held = manner.takes.map(|branch| self.stage.lock(branch));
        if manner.stays == Stays::UntilAnotherIsTold {
            self.stage.stay(job.number());
        }
        for step in &manner.calls {
            self.stage.make(&self.client, PREPARES, job.number(), step);
        }
        if manner.leaves == Leaves::Panic {
            panic_on_purpose();
        }
        manner.leaves.hr()
    }
}

crate::callbacks_as_one!(Object, |_object| Interfaces::all());

/// The destructor of a client's object may call the engine, on whichever thread drops the last reference.
impl Drop for Object {
    fn drop(&mut self) {
        let Some(manner) = self.manner().filter(|manner| !manner.drops.is_empty()) else { return };
        if self.stage.shuttle.world.inner().mode != Mode::Racing || std::thread::panicking() {
            return;
        }
        let thread = self.stage.current_thread();
        // An object that a destructor makes would be let go in turn, and its destructor would make the next.
        for step in manner.drops.iter().filter(|step| self.stage.made_for(&step.call).is_none()) {
            self.stage.make(&self.client, thread, self.job.unwrap_or(JobId(0)), step);
        }
    }
}

/// The objects that are there to the end, under their ids.
pub(super) fn register_objects(service: &Service<Shuttle>, stage: &Arc<Stage>) {
    for (number, manner) in stage.race.objects.iter().enumerate() {
        if manner.kept == Kept::ToTheEnd {
            let object = stage.object(service.client(), number, None);
            service.register_receiver(ReceiverId(number as u32), object);
        }
    }
}
