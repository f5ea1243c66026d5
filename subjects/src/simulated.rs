//! A service with a network and a disk that follow the test's orders, and client objects from closures.
//!
//! **What it is.** [`Sim`] is the service on real threads, with [`SimNetwork`] and [`SimDisk`] in the place of HTTP and files, and with time that runs
//! a thousand times as fast. An [`Ear`] is a client object that remembers its callbacks.
//!
//! **What it is not.** Under schedules of our choice: for that there is [`race`](crate::race).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::core::{Config, Core as _, Failure, TransferEvent, TransferReply};
use contract::defect::Seeded;
use contract::{
    ErrorContext, Event, FileId, HResult, Interfaces, JobId, JobState, Millis, NotifyFlags, Profile, UserId,
};
use engine::service::{
    Callback, Disk, ErrorObject, Fetch, File, Job, Order, Place, Refusal, Service, StartError,
};
use engine::transfer::Progress;

use crate::object::panic_on_purpose;

/// How long something may take that has to happen; a busy machine has the second try, with more of it.
pub const PATIENCE: Duration = Duration::from_millis(1500);
/// How long it may take when something of this part has not happened already: the finding is there.
const IMPATIENCE: Duration = Duration::from_millis(100);
/// Longer than anything is waited for: so long a door stays closed at most.
const DOOR: Duration = Duration::from_secs(10);

thread_local! {
    /// The patience of the part that runs on this thread.
    static PATIENT: Cell<Duration> = const { Cell::new(PATIENCE) };
}

/// A part begins, with this slack.
pub fn be_patient(slack: u32) {
    PATIENT.set(PATIENCE * slack);
}

/// For so long something is watched that must not happen.
pub const WATCH: Duration = Duration::from_millis(30);
/// The retry delay that every job of a session has where it can be set, in seconds.
pub const RETRY_SECONDS: u32 = 5;
/// Milliseconds of the service's time per millisecond.
const SCALE: u64 = 1000;
/// What the ids of a session's jobs have in common.
const HERE: u64 = 0x0123_4567_89AB_CDEF;
/// Transfers of one user at once; fewer than a service has by default, so that they run out.
pub const WORKERS: u32 = 16;

/// A service with what is simulated around it.
pub struct Sim {
    /// The service.
    pub service: Arc<Service>,
    /// Its dialect.
    pub profile: Profile,
    /// Its disk.
    pub disk: Arc<SimDisk>,
    /// Its network.
    pub network: Arc<SimNetwork>,
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

impl Sim {
    /// A service of this dialect, with a fault of the engine or without.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start(profile: &Profile, seeded: Seeded) -> Result<Sim, StartError> {
        Sim::in_namespace(profile, seeded, HERE)
    }

    /// Another service than those that [`Sim::start`] gives.
    ///
    /// # Errors
    /// As there.
    pub fn elsewhere(profile: &Profile, seeded: Seeded) -> Result<Sim, StartError> {
        Sim::in_namespace(profile, seeded, HERE + 1)
    }

    fn in_namespace(profile: &Profile, seeded: Seeded, namespace: u64) -> Result<Sim, StartError> {
        let (disk, network) = (Arc::<SimDisk>::default(), Arc::<SimNetwork>::default());
        let refusals = Arc::<Mutex<Vec<Refusal>>>::default();
        let service = Service::builder(Config { seeded, ..Config::of(profile) })
            .fetch(Arc::clone(&network) as Arc<dyn Fetch>)
            .disk(Arc::clone(&disk) as Arc<dyn Disk>)
            .clock_scale(SCALE as u32)
            .namespace(namespace)
            .workers(WORKERS)
            .refusals({
                let refusals = Arc::clone(&refusals);
                move |refusal| refusals.lock().unwrap_or_else(PoisonError::into_inner).push(refusal.clone())
            })
            .start()?;
        Ok(Sim { service: Arc::new(service), profile: *profile, disk, network, refusals })
    }

    /// The refusals that the service gave a reason for since the last time.
    #[must_use]
    pub fn take_refusals(&self) -> Vec<Refusal> {
        std::mem::take(&mut *self.refusals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A job of this user with one file, whose events go to the object. What the file does stands in its URL.
    ///
    /// # Errors
    /// The service refused a call.
    pub fn job(&self, user: u32, url: &str, object: Option<Arc<dyn Callback>>) -> Result<Job, HResult> {
        let job = self.service.manager(UserId(user)).create_job("session")?;
        job.add_file(url, local("file"))?;
        // FOREGROUND, so that in BITS no job waits for another.
        job.set_priority(contract::Priority::Foreground)?;
        if self.profile.omitted_methods.is_on() {
            job.set_minimum_retry_delay(RETRY_SECONDS)?;
        }
        job.set_notify_interface(object)?;
        Ok(job)
    }

    /// The least real time between two attempts to deliver an event.
    pub fn retry_delay(&self) -> Duration {
        let delay = match self.profile.omitted_methods.is_on() {
            true => Millis::from_secs(u64::from(RETRY_SECONDS)),
            false => self.profile.retry_delay,
        };
        Duration::from_micros(delay.0 * 1000 / SCALE)
    }

    /// The state of a job, as the core has it.
    #[must_use]
    pub fn state(&self, job: &Job) -> Option<JobState> {
        self.service.inspect(|core| core.state(job.number()))
    }

    /// Whether the job comes to this state before patience ends.
    pub fn comes_to(&self, job: &Job, state: JobState) -> bool {
        eventually(|| self.state(job) == Some(state))
    }
}

/// An absolute path. Nothing is written there.
pub fn local(name: &str) -> String {
    format!("{}{name}", if cfg!(windows) { "C:\\" } else { "/nowhere/" })
}

/// Whether something happens before patience ends.
pub fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + PATIENT.get();
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= until {
            PATIENT.set(IMPATIENCE);
            return false;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// What a URL does: `http://sim/done` arrives, `fail` fails for good, `busy` fails for now, `stall` waits for the gate, and so on.
#[derive(Default)]
pub struct SimNetwork {
    /// Where a fetch of `stall` waits.
    pub gate: Gate,
    fetches: Mutex<BTreeMap<(JobId, FileId), u32>>,
    running: AtomicU32,
    most: AtomicU32,
    /// Reports that were made, and what the worker replied, in order.
    replies: Mutex<Vec<(String, TransferReply)>>,
}

impl SimNetwork {
    /// How often a file was fetched.
    pub fn fetches(&self, job: &Job, file: u32) -> u32 {
        let fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        fetches.get(&(job.number(), FileId(file))).copied().unwrap_or_default()
    }

    /// The most fetches at once.
    pub fn most(&self) -> u32 {
        self.most.load(Ordering::SeqCst)
    }

    /// Fetches that run.
    pub fn running(&self) -> u32 {
        self.running.load(Ordering::SeqCst)
    }

    /// What was replied to the reports of this URL.
    pub fn replies(&self, url: &str) -> Vec<TransferReply> {
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        replies.iter().filter(|(of, _)| of == url).map(|(_, reply)| *reply).collect()
    }

    fn play(&self, order: &Order, nth: u32, report: &mut dyn FnMut(TransferEvent) -> TransferReply) {
        let failed = |class, status| TransferEvent::Failed {
            class,
            hr: HResult::from_http(status),
            context: ErrorContext::RemoteFile,
        };
        let done = [TransferEvent::SizeKnown(3), TransferEvent::Bytes(3), TransferEvent::FileDone];
        let script: Vec<TransferEvent> = match order.remote.as_str() {
            "http://sim/fail" => vec![failed(Failure::Fatal, 404)],
            "http://sim/forbidden" => vec![failed(Failure::Fatal, 403)],
            "http://sim/busy" => vec![failed(Failure::Transient, 503)],
            "http://sim/busy-once" if nth == 1 => vec![failed(Failure::Transient, 503)],
            "http://sim/panic-once" if nth == 1 => panic_on_purpose(),
            "http://sim/mute-once" if nth == 1 => Vec::new(),
            "http://sim/liar-once" if nth == 1 => vec![TransferEvent::SizeKnown(3), TransferEvent::FileDone],
            "http://sim/stall" => {
                self.gate.pass();
                done.to_vec()
            }
            "http://sim/drip" => {
                let _ = report(TransferEvent::SizeKnown(1_000_000));
                (1..1_000_000).map(TransferEvent::Bytes).collect()
            }
            _ => done.to_vec(),
        };
        for event in script {
            if order.remote == "http://sim/drip" {
                std::thread::sleep(Duration::from_micros(200));
            }
            if report(event) != TransferReply::Continue {
                return;
            }
        }
    }
}

impl Fetch for SimNetwork {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let _less = Less(&self.running);
        let nth = {
            let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = fetches.entry((order.job, order.file)).or_default();
            *nth += 1;
            *nth
        };
        let mut report = |event| {
            let reply = progress.report(event);
            let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
            replies.push((order.remote.clone(), reply));
            reply
        };
        if report(TransferEvent::Connected) == TransferReply::Continue {
            self.play(order, nth, &mut report);
        }
    }
}

/// One fetch less, also after a panic.
struct Less<'a>(&'a AtomicU32);

impl Drop for Less<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A disk that fails while it is set to, and remembers what was done.
#[derive(Default)]
pub struct SimDisk {
    /// What fails now.
    pub fails: Mutex<DiskFails>,
    done: Mutex<Vec<(&'static str, JobId, FileId)>>,
}

/// What fails on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DiskFails {
    /// Renames of this file.
    pub rename: Option<(FileId, HResult)>,
    /// Removing.
    pub remove: Option<HResult>,
}

impl SimDisk {
    /// From here on this fails.
    pub fn set(&self, fails: DiskFails) {
        *self.fails.lock().unwrap_or_else(PoisonError::into_inner) = fails;
    }

    /// What was done for a job since the last time.
    pub fn take(&self, job: &Job) -> Vec<(&'static str, FileId)> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let own = done.iter().filter(|(_, of, _)| *of == job.number()).map(|(what, _, file)| (*what, *file));
        let own = own.collect();
        done.retain(|(_, of, _)| *of != job.number());
        own
    }

    fn note(&self, what: &'static str, place: &Place) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push((what, place.job, place.file));
    }

    fn fails(&self) -> DiskFails {
        *self.fails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimDisk {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        if let Some((file, hr)) = self.fails().rename
            && file == place.file
        {
            return Err(hr);
        }
        self.note("rename", place);
        Ok(())
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        if let Some(hr) = self.fails().remove {
            return Err(hr);
        }
        self.note("remove", place);
        Ok(())
    }
}

/// A door that is closed until it is opened, and then open for good. No thread waits at it for ever.
#[derive(Default)]
pub struct Gate {
    open: Mutex<Door>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Door {
    #[default]
    Closed,
    Open,
}

impl Gate {
    /// Opens it.
    pub fn open(&self) {
        *self.door() = Door::Open;
        self.changed.notify_all();
    }

    /// Waits until it is open.
    pub fn pass(&self) {
        let closed = |door: &mut Door| *door == Door::Closed;
        drop(self.changed.wait_timeout_while(self.door(), DOOR, closed));
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A callback that an object received, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The event.
    pub event: Event,
    /// The job.
    pub job: JobId,
    /// The file, where the event is about one.
    pub file: Option<FileId>,
    /// The error, where the event has one.
    pub error: Option<(ErrorContext, HResult)>,
    /// When.
    pub at: Instant,
}

/// What an object answers to a callback.
type AnswerOf = Box<dyn Fn(&Told, &Job) -> HResult + Send + Sync>;

/// A client object that remembers its callbacks and answers what a closure returns.
pub struct Ear {
    told: Mutex<Vec<Told>>,
    receives: Interfaces,
    answer: AnswerOf,
}

impl Ear {
    /// An object with both interfaces.
    pub fn new(answer: impl Fn(&Told, &Job) -> HResult + Send + Sync + 'static) -> Arc<Ear> {
        Ear::with(Interfaces::CALLBACK | Interfaces::CALLBACK2, answer)
    }

    /// An object with these interfaces.
    pub fn with(
        receives: Interfaces,
        answer: impl Fn(&Told, &Job) -> HResult + Send + Sync + 'static,
    ) -> Arc<Ear> {
        Arc::new(Ear { told: Mutex::default(), receives, answer: Box::new(answer) })
    }

    /// An object that acknowledges everything.
    pub fn good() -> Arc<Ear> {
        Ear::new(|_, _| HResult::S_OK)
    }

    /// The callbacks that it has received so far.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it has received an event.
    pub fn count(&self, event: Event) -> usize {
        self.told().iter().filter(|told| told.event == event).count()
    }

    fn hear(&self, event: Event, job: &Job, file: Option<&File>, error: Option<&ErrorObject>) -> HResult {
        let told = Told {
            event,
            job: job.number(),
            file: file.map(File::number),
            error: error.map(ErrorObject::error),
            at: Instant::now(),
        };
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told.clone());
        (self.answer)(&told, job)
    }
}

crate::callbacks_as_one!(Ear, |ear| ear.receives);

/// The object as the service takes it.
pub fn object(ear: &Arc<Ear>) -> Option<Arc<dyn Callback>> {
    Some(Arc::clone(ear) as Arc<dyn Callback>)
}

/// Every event that the two interfaces have.
pub fn every_event() -> NotifyFlags {
    NotifyFlags::DEFAULT | NotifyFlags::JOB_MODIFICATION | NotifyFlags::FILE_TRANSFERRED
}
