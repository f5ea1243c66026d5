//! Short programs on the real service, for property tests: real threads and callbacks, transfers that end as the program decides.
//!
//! A program is a list of acts per client thread. The lists run in parallel, so a program does not fix what happens, only
//! what is attempted; whatever happens is judged.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::core::{Config, Core as _, Failure, TransferEvent, TransferReply};
use contract::event::Recorder;
use contract::{
    Call, ErrorContext, Event, HResult, Interfaces, JobId, JobState, NotifyFlags, Profile, Receiver,
    ReceiverId, ThreadId, UserId,
};
use engine::service::{
    Disk, ErrorObject, Fetch, File, Job, Keep, Order, Place, Service, StartError, Stragglers,
};
use engine::transfer::Progress;
use judge::{Ended, Header, Trace, TraceRecorder};

use crate::object::panic_on_purpose;

/// One thing a client does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// It makes a call on one of the [`JOBS`], counted round.
    Call {
        /// Which job.
        job: u32,
        /// What.
        call: Call,
    },
    /// It lets a transfer come to an end: the one that waits, or the next.
    Transfer(Decision),
    /// It waits a little, so that callbacks and transfers get on.
    Pause,
}

/// How a transfer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The file is whole.
    Done,
    /// It failed for now.
    Transient,
    /// It failed for good.
    Fatal,
}

/// Jobs of a program, each with one file, the first object and every event.
pub const JOBS: u32 = 2;

/// What an object does when it is called; the object's number is the place in [`Manner::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// It acknowledges.
    Acknowledge,
    /// It fails.
    Fail,
    /// It panics.
    Panic,
    /// It completes its own job.
    Complete,
    /// It cancels its own job.
    Cancel,
    /// It masks everything of its own job.
    Mask,
    /// It cancels the other jobs.
    CancelOthers,
}

impl Manner {
    /// Every one, in the order of the objects.
    pub const ALL: [Manner; 7] = [
        Manner::Acknowledge,
        Manner::Fail,
        Manner::Panic,
        Manner::Complete,
        Manner::Cancel,
        Manner::Mask,
        Manner::CancelOthers,
    ];
}

/// The receiver behind a number, counted round, for a program's SetNotifyInterface.
#[must_use]
pub fn receiver(number: u32) -> Receiver {
    Receiver { id: ReceiverId(number % Manner::ALL.len() as u32), interfaces: INTERFACES }
}

const INTERFACES: Interfaces = Interfaces::CALLBACK.union(Interfaces::CALLBACK2);
const OWNER: UserId = UserId(0);
/// The thread that prepares and closes; clients come after it.
const HOST: ThreadId = ThreadId(0);

/// Runs the acts of each client on a thread of its own, then cancels what is left, and gives back what happened.
///
/// # Errors
/// The system has no thread to give.
pub fn run_program(profile: &Profile, clients: &[Vec<Act>]) -> Result<Trace, StartError> {
    let recorder = Arc::new(TraceRecorder::new());
    let gate = Arc::new(Gate::default());
    let service = Service::builder(Config::of(profile))
        .namespace(crate::NAMESPACE)
        .recorder(Arc::clone(&recorder) as Arc<dyn Recorder>)
        .fetch(Arc::clone(&gate) as Arc<dyn Fetch>)
        .disk(Arc::new(NoDisk))
        .clock_scale(1000)
        .keep(Keep::ForGood)
        .start()?;
    prepare(&service);
    std::thread::scope(|scope| {
        for (number, acts) in (1..).zip(clients) {
            let (service, gate) = (&service, &gate);
            scope.spawn(move || acts.iter().for_each(|act| perform(service, gate, ThreadId(number), act)));
        }
    });
    settle(&service);
    (0..JOBS).for_each(|job| drop(service.call(HOST, OWNER, Some(JobId(job)), &Call::Cancel)));
    let left = service.shutdown_within(Duration::from_secs(5));
    Ok(recorder.finish(header(profile, left)))
}

fn header(profile: &Profile, left: Stragglers) -> Header {
    let mut header = Header::of(profile);
    header.scope = "a short program".to_owned();
    header.subject = "service with simulated transfers".to_owned();
    header.engine = "live".to_owned();
    header.clock_scale = 1000;
    header.ended = if left.is_none() { Ended::AtRest } else { Ended::Cut };
    header
}

fn prepare(service: &Service) {
    for (number, manner) in (0..).zip(Manner::ALL) {
        service.register_receiver(ReceiverId(number), Arc::new(Object { manner, client: service.client() }));
    }
    for job in 0..JOBS {
        let calls = [
            Call::AddFile { file: a_file(job) },
            Call::SetMinimumRetryDelay { seconds: 5 },
            Call::SetNotifyFlags { flags: (NotifyFlags::all() - silent()).bits() },
            Call::SetNotifyInterface { receiver: Some(receiver(0)) },
        ];
        service.call(HOST, OWNER, None, &Call::CreateJob { name: Some("program".into()), kind: 0 });
        calls.iter().for_each(|call| drop(service.call(HOST, OWNER, Some(JobId(job)), call)));
    }
}

/// The flags that would make a program pointless, or are not there in both dialects.
fn silent() -> NotifyFlags {
    NotifyFlags::DISABLE | NotifyFlags::FILE_RANGES_TRANSFERRED
}

/// A file to add. Nothing is written anywhere.
#[must_use]
pub fn a_file(number: u32) -> contract::FileNames {
    contract::FileNames {
        remote: format!("http://example.com/{number}").into(),
        local: format!("{}file-{number}", if cfg!(windows) { "C:\\" } else { "/" }).into(),
    }
}

fn perform(service: &Service, gate: &Gate, thread: ThreadId, act: &Act) {
    match act {
        Act::Call { job, call } => drop(service.call(thread, OWNER, Some(JobId(job % JOBS)), call)),
        Act::Transfer(decision) => gate.decide(*decision),
        Act::Pause => std::thread::sleep(Duration::from_micros(500)),
    }
}

/// Gives what goes on by itself a little time to be over: retries come after 5 ms.
fn settle(service: &Service) {
    let until = Instant::now() + Duration::from_millis(20);
    let rests = |job: JobId| {
        let state = service.inspect(|core| core.state(job).filter(|_| core.pending(job).is_empty()));
        state.is_some_and(|state| state.is_final() || matches!(state, JobState::Suspended | JobState::Error))
    };
    while !(0..JOBS).all(|job| rests(JobId(job))) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A transfer that waits for a decision.
#[derive(Default)]
struct Gate {
    decisions: Mutex<VecDeque<Decision>>,
    decided: Condvar,
}

impl Gate {
    fn decide(&self, decision: Decision) {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).push_back(decision);
        self.decided.notify_one();
    }

    /// The next decision, if it comes soon.
    fn wait(&self) -> Option<Decision> {
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = Duration::from_millis(1);
        let woken = self.decided.wait_timeout_while(decisions, soon, |decisions| decisions.is_empty());
        woken.unwrap_or_else(PoisonError::into_inner).0.pop_front()
    }
}

impl Fetch for Gate {
    fn fetch(&self, _: &Order, progress: &mut dyn Progress) {
        let mut go_on = |event| progress.report(event) == TransferReply::Continue;
        if !go_on(TransferEvent::Connected) || !go_on(TransferEvent::SizeKnown(1 << 30)) {
            return;
        }
        // Enough bytes at a time for each report to be passed on: the reply is how a Cancel reaches it.
        let mut bytes = 0;
        let decision = loop {
            if let Some(decision) = self.wait() {
                break decision;
            }
            bytes += engine::service::REPORT_BYTES;
            if !go_on(TransferEvent::Bytes(bytes)) {
                return;
            }
        };
        let failed = |class, status| {
            let (hr, context) = (HResult::from_http(status), ErrorContext::RemoteFile);
            TransferEvent::Failed { class, hr, context }
        };
        let _ = match decision {
            Decision::Done => go_on(TransferEvent::Bytes(1 << 30)) && go_on(TransferEvent::FileDone),
            Decision::Transient => go_on(failed(Failure::Transient, 503)),
            Decision::Fatal => go_on(failed(Failure::Fatal, 404)),
        };
    }
}

/// A disk on which everything goes well.
struct NoDisk;

impl Disk for NoDisk {
    fn rename(&self, _: &Place) -> Result<(), HResult> {
        Ok(())
    }

    fn remove(&self, _: &Place) -> Result<(), HResult> {
        Ok(())
    }
}

struct Object {
    manner: Manner,
    client: engine::service::Client,
}

impl Object {
    fn hear(&self, _: Event, job: &Job, _: Option<&File>, _: Option<&ErrorObject>) -> HResult {
        match self.manner {
            Manner::Acknowledge => {}
            Manner::Fail => return HResult::E_FAIL,
            Manner::Panic => panic_on_purpose(),
            Manner::Complete => drop(job.complete()),
            Manner::Cancel => drop(job.cancel()),
            Manner::Mask => drop(job.set_notify_flags(NotifyFlags::empty())),
            Manner::CancelOthers => {
                let others = (0..JOBS).map(JobId).filter(|other| *other != job.number());
                others.for_each(|other| drop(self.client.call(HOST, OWNER, Some(other), &Call::Cancel)));
            }
        }
        HResult::S_OK
    }
}

crate::callbacks_as_one!(Object, |_object| INTERFACES);
