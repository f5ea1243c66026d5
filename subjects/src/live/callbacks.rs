//! The clients' objects: good ones, and every kind of bad one that the contract allows.
//!
//! None of them waits for another client's thread, which is the one thing that a callback must not do.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use contract::event::{Given, Recorder as _, Target};
use contract::{Event, EventView, FileId, HResult, Interfaces, NotifyFlags, Priority, ReceiverId};
use engine::service::{Callback, ErrorObject, File, Job};

use super::Canary;
use super::stage::Stage;
use super::witness::{Entered, entered};
use crate::object::panic_on_purpose;
use crate::random::Rng;

/// How many objects there are to choose from.
pub(super) const OBJECTS: usize = BEHAVIOURS.len();

/// The object of the crowd's jobs, after those.
pub(super) const CROWD: usize = OBJECTS;

/// What an object does when it is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Behaviour {
    Acknowledge,
    Fail,
    /// S_FALSE: a success, but not everywhere an acknowledgement.
    HalfHearted,
    Panic,
    /// Takes its time.
    Block,
    /// Reads all there is to read.
    Query,
    /// Completes its own job when it is transferred.
    Complete,
    /// Cancels its own job.
    Cancel,
    /// Resumes its own job when it is in error.
    Resume,
    /// Sets properties of its own job.
    Set,
    /// Cancels a random job of the run.
    CancelOther,
    /// Masks all events of a random job of the run, or takes its registration away.
    SilenceOther,
    /// Registers another object in its own place.
    Replace,
    /// Takes its own registration away.
    Unregister,
    /// Stays with the crowd.
    Crowd,
}

/// Each with the interfaces that the object has.
const BEHAVIOURS: [(Behaviour, Interfaces); 19] = {
    const ONE: Interfaces = Interfaces::CALLBACK;
    const TWO: Interfaces = Interfaces::CALLBACK.union(Interfaces::CALLBACK2);
    [
        // The first is the one that the canary's jobs use.
        (Behaviour::Acknowledge, TWO),
        (Behaviour::Acknowledge, ONE),
        (Behaviour::Acknowledge, TWO),
        (Behaviour::Fail, TWO),
        (Behaviour::Fail, ONE),
        (Behaviour::HalfHearted, TWO),
        (Behaviour::Panic, TWO),
        (Behaviour::Block, TWO),
        (Behaviour::Block, ONE),
        (Behaviour::Query, TWO),
        (Behaviour::Complete, TWO),
        (Behaviour::Complete, ONE),
        (Behaviour::Cancel, TWO),
        (Behaviour::Resume, TWO),
        (Behaviour::Set, TWO),
        (Behaviour::CancelOther, TWO),
        (Behaviour::SilenceOther, TWO),
        (Behaviour::Replace, TWO),
        (Behaviour::Unregister, TWO),
    ]
};

/// All objects of a run.
pub(super) fn objects(stage: &Weak<Stage>, seed: u64) -> Vec<Arc<dyn Callback>> {
    let object = |(number, kind): (u32, (Behaviour, Interfaces))| {
        let known = Known::By(ReceiverId(number));
        let rng = Rng::new(seed, 1 << 40 | u64::from(number));
        Arc::new(Listener::new(stage, kind, known, rng)) as Arc<dyn Callback>
    };
    let crowd = (Behaviour::Crowd, Interfaces::CALLBACK);
    (0..).zip(BEHAVIOURS.into_iter().chain([crowd])).map(object).collect()
}

/// An object of one job alone, which behaves as the one with this number and is held by the service alone. When it goes, it calls.
pub(super) fn own_object(stage: &Weak<Stage>, number: usize, rng: Rng) -> Option<Arc<dyn Callback>> {
    let kind = BEHAVIOURS.get(number)?;
    Some(Arc::new(Listener::new(stage, *kind, Known::ByNobody, rng)) as Arc<dyn Callback>)
}

/// Which receiver an object is in the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    By(ReceiverId),
    /// As one of those that the service numbers itself.
    ByNobody,
}

/// Numbers from here on are the service's own.
const OWN_NUMBERS: u32 = 1 << 16;

struct Listener {
    known: Known,
    /// Weak, because the stage holds the objects.
    stage: Weak<Stage>,
    behaviour: Behaviour,
    receives: Interfaces,
    rng: Mutex<Rng>,
    told: AtomicU32,
}

impl Callback for Listener {
    fn receives(&self) -> Interfaces {
        self.receives
    }

    fn job_transferred(&self, job: &Job) -> HResult {
        self.told(job, Event::JobTransferred, None, None)
    }

    fn job_error(&self, job: &Job, error: &ErrorObject) -> HResult {
        if self.behaviour == Behaviour::Query {
            let _ = (error.error(), error.file(), error.error_description(0), error.protocol());
        }
        self.told(job, Event::JobError, None, Some(error.error().1))
    }

    fn job_modification(&self, job: &Job) -> HResult {
        self.told(job, Event::JobModification, None, None)
    }

    fn file_transferred(&self, job: &Job, file: &File) -> HResult {
        if self.behaviour == Behaviour::Query {
            let _ = (file.remote_name(), file.local_name(), file.progress(), file.file_ranges());
        }
        self.told(job, Event::FileTransferred, Some(file.number()), None)
    }
}

/// Counts a callback among the running ones until it is over, also by a panic.
struct Running<'a>(&'a Stage);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Listener {
    /// A client's destructor may call the engine, wherever it runs.
    fn drop(&mut self) {
        if self.known == Known::ByNobody
            && let Some(stage) = self.stage.upgrade()
            && let Some(job) = stage.any_job(&mut self.rng())
        {
            let _ = (job.state(), job.notify_flags());
        }
    }
}

impl Listener {
    fn new(stage: &Weak<Stage>, kind: (Behaviour, Interfaces), known: Known, rng: Rng) -> Listener {
        let (behaviour, receives) = kind;
        let (rng, told) = (Mutex::new(rng), AtomicU32::new(0));
        Listener { known, stage: Weak::clone(stage), behaviour, receives, rng, told }
    }

    /// The service recorded on this thread which delivery enters: it has to be of this object, job and file.
    fn compare(&self, stage: &Stage, job: &Job, event: Event, file: Option<FileId>, error: Option<HResult>) {
        let Some(Entered { delivery, job: told_job, event: told_event, target, file: told_file }) = entered()
        else {
            return stage.notes.add(
                "a callback that was not recorded",
                format!("{event}"),
                "an enter",
                GIVEN,
            );
        };
        let is_me = match (target, self.known) {
            (Target::Interface(told), Known::By(me)) => told == me,
            (Target::Interface(told), Known::ByNobody) => told.0 >= OWN_NUMBERS,
            (Target::CommandLine, _) => false,
        };
        let receiver = match self.known {
            Known::By(me) => Some(me),
            // Its number is the service's: that it is one of those is all that can be compared.
            Known::ByNobody => None,
        };
        let given = Given { receiver, job: Some(job.number()), file, error };
        let (job_told, event_told) = (told_job, told_event);
        stage.recorder.record(EventView::Given {
            delivery,
            job: job_told,
            event: event_told,
            target,
            file: told_file,
            given,
        });
        let given = (job.number(), event, file);
        if !is_me {
            let found = format!("{:?} for {target:?} of {delivery}", self.known);
            stage.notes.add("the object that is called", found, "the one that was registered", GIVEN);
        }
        if given != (told_job, told_event, told_file) {
            let owed = format!("{:?} of {delivery}", (told_job, told_event, told_file));
            stage.notes.add("what a client is given", format!("{given:?}"), &owed, GIVEN);
        }
    }

    fn told(&self, job: &Job, event: Event, file: Option<FileId>, error: Option<HResult>) -> HResult {
        let Some(stage) = self.stage.upgrade() else { return HResult::S_OK };
        if stage.canary == Canary::Off {
            self.compare(&stage, job, event, file, error);
        }
        stage.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(&stage);
        match self.behaviour {
            Behaviour::Crowd => stage.crowd.stay(),
            _ => stage.crowd.is_passed_by(),
        }
        // Two of three go wrong, so that retries are common and every job may get on in the end.
        let goes_wrong = !self.told.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
        match self.behaviour {
            Behaviour::Fail if goes_wrong => HResult::E_FAIL,
            Behaviour::HalfHearted if goes_wrong => HResult::S_FALSE,
            Behaviour::Panic if goes_wrong => panic_on_purpose(),
            Behaviour::Block => {
                std::thread::sleep(Duration::from_micros(self.draw(8000)));
                HResult::S_OK
            }
            Behaviour::Complete if event == Event::JobTransferred => answer(job.complete().map(|_| ())),
            Behaviour::Cancel if goes_wrong => answer(job.cancel().map(|_| ())),
            Behaviour::Resume if event == Event::JobError && goes_wrong => answer(job.resume()),
            Behaviour::CancelOther | Behaviour::SilenceOther if goes_wrong => self.meddle(&stage),
            _ => self.ask_and_set(&stage, job),
        }
    }

    fn ask_and_set(&self, stage: &Stage, job: &Job) -> HResult {
        match self.behaviour {
            Behaviour::Query => {
                let _ = (job.state(), job.progress(), job.times(), job.notify_flags(), job.priority());
                let _ = (job.files().map(|files| files.count()), job.display_name(), job.error_count());
            }
            Behaviour::Set => {
                let _ = job.set_description("set by its callback");
                let _ = job.set_priority(Priority::Foreground);
                let flags = NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED;
                let _ = job.set_notify_flags(flags);
            }
            Behaviour::Replace => {
                let object = stage.object(&mut self.rng());
                let _ = job.set_notify_interface(object);
            }
            Behaviour::Unregister => {
                let _ = job.set_notify_interface(None);
            }
            _ => {}
        }
        HResult::S_OK
    }

    fn meddle(&self, stage: &Stage) -> HResult {
        let other = stage.any_job(&mut self.rng());
        // Two callbacks that do this to each other's jobs must not wait for each other (contract section 4, clause 4).
        match (self.behaviour, other, self.draw(2)) {
            (Behaviour::CancelOther, Some(other), _) => drop(other.cancel()),
            (_, Some(other), 0) => drop(other.set_notify_flags(NotifyFlags::empty())),
            (_, Some(other), _) => drop(other.set_notify_interface(None)),
            (_, None, _) => {}
        }
        HResult::S_OK
    }

    fn draw(&self, below: u64) -> u64 {
        self.rng().below(below)
    }

    fn rng(&self) -> std::sync::MutexGuard<'_, Rng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where it is written what a client is given.
const GIVEN: &str = "rules R3 and R5: whom a delivery tells, and of what";

/// A callback whose call was refused returns the refusal, and is called again.
fn answer(result: Result<(), HResult>) -> HResult {
    result.map_or_else(|refused| refused, |()| HResult::S_OK)
}
