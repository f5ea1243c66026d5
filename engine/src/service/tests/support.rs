//! A service whose files arrive at once, a log of what it records, and callbacks from closures.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::service::{Builder, Callback, Disk, ErrorObject, Fetch, File, Job, Order, Place, Service, Std};
use crate::transfer::Progress;
use contract::call::ErrorContext;
use contract::core::{Config, Failure, TransferEvent, TransferReply};
use contract::event::Recorder;
use contract::{Dialect, Event, EventView, HResult, Interfaces, Method, UserId};

/// How long a test waits before it calls a hang a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a test watches that something does *not* happen.
pub(crate) const WATCH: Duration = Duration::from_millis(40);
/// The floor of the retry delay in BITS: 5 s of the service's time, 5 ms of the clock.
pub(crate) const RETRY_SECONDS: u32 = 5;

/// The service under test and what it runs on.
pub(crate) struct Sim {
    pub(crate) service: Arc<Service>,
    pub(crate) log: Arc<Log>,
    pub(crate) disk: Arc<SimDisk>,
    pub(crate) stall: Arc<Gate>,
    /// How often a file was fetched, whatever came of it.
    pub(crate) fetches: Arc<AtomicU32>,
}

pub(crate) fn sim() -> Sim {
    sim_of(Config::of(Dialect::Bits.profile()))
}

pub(crate) fn sim_of(config: Config) -> Sim {
    sim_with(config, |builder| builder)
}

pub(crate) fn sim_with(config: Config, change: impl FnOnce(Builder<Std>) -> Builder<Std>) -> Sim {
    let (log, disk, stall) = <(Arc<Log>, Arc<SimDisk>, Arc<Gate>)>::default();
    let fetches = Arc::new(AtomicU32::new(0));
    let builder = Service::builder(config)
        .recorder(Arc::clone(&log) as Arc<dyn Recorder>)
        .fetch(Arc::new(SimFetch { stall: Arc::clone(&stall), fetches: Arc::clone(&fetches) }))
        .disk(Arc::clone(&disk) as Arc<dyn Disk>)
        .clock_scale(1000);
    let service = change(builder).start();
    Sim { service: Arc::new(service.expect("a test machine has threads")), log, disk, stall, fetches }
}

impl Sim {
    /// A job of this user with one file, registered with `callback`, not yet resumed. What the file does stands in its URL.
    pub(crate) fn job(&self, user: u32, url: &str, callback: Arc<dyn Callback>) -> Job {
        let job = self.service.manager(UserId(user)).create_job("test").expect("the queue is not full");
        job.add_file(url, "/nowhere/file").expect("the names are good");
        job.set_minimum_retry_delay(RETRY_SECONDS).expect("the job is new");
        job.set_notify_interface(Some(callback)).expect("the job is new");
        job
    }
}

/// Fetches by the URL: `http://sim/done` arrives, `http://sim/fail` fails for good, `http://sim/stall` hangs in a read.
struct SimFetch {
    stall: Arc<Gate>,
    fetches: Arc<AtomicU32>,
}

impl Fetch for SimFetch {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if progress.report(TransferEvent::Connected) != TransferReply::Continue {
            return;
        }
        let script: &[TransferEvent] = match order.remote.as_str() {
            "http://sim/fail" => &[TransferEvent::Failed {
                class: Failure::Fatal,
                hr: HResult::from_http(404),
                context: ErrorContext::RemoteFile,
            }],
            "http://sim/stall" => {
                self.stall.pass();
                &[TransferEvent::FileDone]
            }
            _ => &[TransferEvent::SizeKnown(3), TransferEvent::Bytes(3), TransferEvent::FileDone],
        };
        for event in script {
            if progress.report(*event) != TransferReply::Continue {
                return;
            }
        }
    }
}

/// Fetches nothing.
pub(crate) struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&self, _: &Order, _: &mut dyn Progress) {}
}

/// A disk on which renames fail while an error is set.
#[derive(Default)]
pub(crate) struct SimDisk {
    pub(crate) rename_fails_with: Mutex<Option<HResult>>,
    pub(crate) done: Mutex<Vec<&'static str>>,
}

impl Disk for SimDisk {
    fn rename(&self, _: &Place) -> Result<(), HResult> {
        if let Some(hr) = *self.rename_fails_with.lock().expect("no test panics here") {
            return Err(hr);
        }
        self.done.lock().expect("no test panics here").push("rename");
        Ok(())
    }

    fn remove(&self, _: &Place) -> Result<(), HResult> {
        self.done.lock().expect("no test panics here").push("remove");
        Ok(())
    }
}

/// What was recorded, without the values a test does not ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Call(Method),
    Return(Method, HResult),
    Enter(Event),
    Leave(Event, contract::event::Leave),
}

/// A recorder that can be waited for.
#[derive(Default)]
pub(crate) struct Log {
    seen: Mutex<Vec<Seen>>,
    changed: Condvar,
}

impl Recorder for Log {
    fn record(&self, event: EventView<'_>) {
        let seen = match event {
            EventView::Call { call, .. } => Seen::Call(call.method()),
            EventView::Return { call, hr, .. } => Seen::Return(call.method(), hr),
            EventView::Enter { event, .. } => Seen::Enter(event),
            EventView::Leave { event, leave, .. } => Seen::Leave(event, leave),
            _ => return,
        };
        self.seen.lock().expect("no test panics here").push(seen);
        self.changed.notify_all();
    }
}

impl Log {
    /// Waits until `wanted` was recorded so often.
    pub(crate) fn wait_for(&self, wanted: Seen, times: usize) {
        let missing = |seen: &mut Vec<Seen>| seen.iter().filter(|seen| **seen == wanted).count() < times;
        let seen = self.seen.lock().expect("no test panics here");
        let waited = self.changed.wait_timeout_while(seen, PATIENCE, missing).expect("no test panics here");
        assert!(!waited.1.timed_out(), "no {wanted:?} x {times} in {:#?}", *waited.0);
    }

    pub(crate) fn count(&self, wanted: Seen) -> usize {
        self.seen.lock().expect("no test panics here").iter().filter(|seen| **seen == wanted).count()
    }

    /// Asserts that the first `earlier` stands before the first `later`.
    pub(crate) fn assert_order(&self, earlier: Seen, later: Seen) {
        let seen = self.seen.lock().expect("no test panics here");
        let at = |wanted| seen.iter().position(|seen| *seen == wanted);
        assert!(at(earlier).is_some(), "no {earlier:?} in {seen:#?}");
        assert!(at(earlier) < at(later), "{earlier:?} is not before {later:?} in {seen:#?}");
    }
}

/// A door that is closed until opened, and then open for good.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().expect("no test panics here") = true;
        self.changed.notify_all();
    }

    pub(crate) fn pass(&self) {
        let open = self.open.lock().expect("no test panics here");
        let waited = self.changed.wait_timeout_while(open, PATIENCE, |open| !*open);
        assert!(!waited.expect("no test panics here").1.timed_out(), "the gate stayed closed");
    }
}

/// A client object that calls a closure, whatever the event.
struct On<F>(F);

impl<F: Fn(Event, &Job) -> HResult + Send + Sync + 'static> Callback for On<F> {
    fn receives(&self) -> Interfaces {
        Interfaces::CALLBACK | Interfaces::CALLBACK2
    }

    fn job_transferred(&self, job: &Job) -> HResult {
        (self.0)(Event::JobTransferred, job)
    }

    fn job_error(&self, job: &Job, _: &ErrorObject) -> HResult {
        (self.0)(Event::JobError, job)
    }

    fn job_modification(&self, job: &Job) -> HResult {
        (self.0)(Event::JobModification, job)
    }

    fn file_transferred(&self, job: &Job, _: &File) -> HResult {
        (self.0)(Event::FileTransferred, job)
    }
}

pub(crate) fn on(tell: impl Fn(Event, &Job) -> HResult + Send + Sync + 'static) -> Arc<dyn Callback> {
    Arc::new(On(tell))
}

/// A callback that stays inside until the gate opens, then acknowledges.
pub(crate) fn blocked_by(gate: &Arc<Gate>) -> Arc<dyn Callback> {
    let gate = Arc::clone(gate);
    on(move |_, _| {
        gate.pass();
        HResult::S_OK
    })
}

/// Waits until `done` returns true.
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
