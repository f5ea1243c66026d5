//! What a trace does not have, and a client, a disk or a server sees. That is whom a delivery was for, fetches that outlive their
//! job, and answers with the wrong job.
//!
//! Nothing here takes a lock while the service records: what is noted then goes into atomics, because a lock would put the threads
//! in an order that they do not have.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::core::{TransferEvent, TransferReply};
use contract::event::{Recorder, Target};
use contract::{Call, DeliveryId, Event, EventView, FileId, HResult, JobId};
use engine::service::{Disk, Fetch, HttpFetch, Order, Place, RealDisk};
use engine::transfer::Progress;
use judge::TraceRecorder;

use crate::random::Rng;
use crate::wrong::Wrong;

/// How long a fetch may go on behind the end of its job. The reply to its next report ends it, and a report of bytes is due every
/// 50 ms. The rest is for a machine that is busy.
const OUTLIVES: Duration = Duration::from_secs(2);

/// A delivery as it was recorded when it entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entered {
    pub(super) delivery: DeliveryId,
    pub(super) job: JobId,
    pub(super) event: Event,
    pub(super) target: Target,
    pub(super) file: Option<FileId>,
}

thread_local! {
    /// The delivery that entered last on this thread.
    static ENTERED: Cell<Option<Entered>> = const { Cell::new(None) };
}

/// The delivery that entered last on this thread.
pub(super) fn entered() -> Option<Entered> {
    ENTERED.get()
}

/// Passes everything on to the trace, and notes who enters where and which jobs have ended.
pub(super) struct Witness {
    pub(super) trace: Arc<TraceRecorder>,
    pub(super) ends: Arc<Ends>,
}

impl Recorder for Witness {
    fn record(&self, event: EventView<'_>) {
        match event {
            EventView::Enter { delivery, job, event, target, file } => {
                ENTERED.set(Some(Entered { delivery, job, event, target, file }));
            }
            EventView::Return { job: Some(job), call: Call::Cancel | Call::Complete, hr, .. }
                if hr.succeeded() =>
            {
                self.ends.note(job);
            }
            _ => {}
        }
        self.trace.record(event);
    }
}

/// When the call that ended a job came back, by job.
pub(super) struct Ends {
    started: Instant,
    /// In microseconds from the start; 0 while the job lives.
    at: Vec<AtomicU64>,
}

impl Ends {
    /// For as many jobs as a run makes.
    pub(super) fn new(jobs: u32) -> Ends {
        Ends { started: Instant::now(), at: (0..jobs).map(|_| AtomicU64::new(0)).collect() }
    }

    fn note(&self, job: JobId) {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(at) = self.at.get(job.index()) {
            // The first end is the end: a call that finds the job ended does not succeed.
            let _ = at.compare_exchange(0, now.max(1), Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// For how long the job has ended; none while it lives.
    fn since(&self, job: JobId) -> Option<Duration> {
        let at = self.at.get(job.index())?.load(Ordering::SeqCst);
        let then = Duration::from_micros(at);
        (at > 0).then(|| self.started.elapsed().saturating_sub(then))
    }
}

/// What was found wrong while it happened.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Vec<Wrong>>);

impl Notes {
    pub(super) fn add(&self, what: &str, found: String, owed: &str, because: &str) {
        let wrong = Wrong {
            case: "live".to_owned(),
            what: what.to_owned(),
            owed: owed.to_owned(),
            found,
            because: because.to_owned(),
            trace: None,
        };
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One of a kind is enough.
        if !notes.iter().any(|other| other.what == wrong.what) {
            notes.push(wrong);
        }
    }

    pub(super) fn take(&self) -> Vec<Wrong> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fetches over HTTP, and notes what no fetch may do: two of one job at once, and work behind the end of the job.
pub(super) struct Fetches {
    pub(super) http: HttpFetch,
    pub(super) ends: Arc<Ends>,
    pub(super) notes: Arc<Notes>,
    pub(super) running: Mutex<BTreeMap<JobId, u32>>,
}

const OUTLIVED: &str = "contract section 2: a fetch ends with its attempt";

impl Fetches {
    fn running(&self) -> MutexGuard<'_, BTreeMap<JobId, u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_late(&self, order: &Order, what: &str, doing: &str) {
        if let Some(since) = self.ends.since(order.job).filter(|since| *since > OUTLIVES) {
            let found = format!("{doing} of {} {}, {since:?} behind its end", order.job, order.file);
            self.notes.add(what, found, "none", OUTLIVED);
        }
    }
}

impl Fetch for Fetches {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let at_once = {
            let mut running = self.running();
            let count = running.entry(order.job).or_default();
            *count += 1;
            *count
        };
        if at_once > 1 {
            let found = format!("{at_once} of {}", order.job);
            self.notes.add("two fetches of one job at once", found, "one", OUTLIVED);
        }
        self.note_late(order, "a fetch that begins behind the end", "a fetch");
        self.http.fetch(order, &mut Ear { fetches: self, order, inner: progress, over: Over::No });
        let mut running = self.running();
        if let Some(count) = running.get_mut(&order.job) {
            *count -= 1;
        }
    }
}

/// Whether a fetch has received the reply that it is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    No,
    Yes,
}

/// Between a fetch and its worker.
struct Ear<'a> {
    fetches: &'a Fetches,
    order: &'a Order,
    inner: &'a mut dyn Progress,
    over: Over,
}

impl Progress for Ear<'_> {
    fn report(&mut self, event: TransferEvent) -> TransferReply {
        if self.over == Over::Yes {
            let found = format!("{event:?} of {} {}", self.order.job, self.order.file);
            self.fetches.notes.add("a report behind the last word", found, "silence", OUTLIVED);
        }
        let reply = self.inner.report(event);
        if reply != TransferReply::Continue {
            self.over = Over::Yes;
        } else {
            self.fetches.note_late(self.order, "a fetch that goes on behind the end", "bytes");
        }
        reply
    }
}

/// The real disk, which now and then is slow, or full, or has a file that another process has open. What follows from the seed.
pub(super) struct TroubledDisk {
    seed: u64,
    calm: Calm,
    done: Mutex<BTreeMap<(JobId, FileId), Trouble>>,
}

/// Whether a disk fails at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Calm {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Trouble {
    renames: u32,
    kept: Kept,
}

/// Whether a removal was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Kept {
    #[default]
    No,
    Yes,
}

/// What file systems refuse with: a file that is open elsewhere, a full disk, no right.
const REFUSALS: [u16; 3] = [32, 112, 5];

impl TroubledDisk {
    pub(super) fn new(seed: u64, calm: Calm) -> TroubledDisk {
        TroubledDisk { seed, calm, done: Mutex::default() }
    }

    /// Whether the temporary file of this file may be left because this disk kept it.
    pub(super) fn kept(&self, job: JobId, file: FileId) -> bool {
        self.done().get(&(job, file)).is_some_and(|trouble| trouble.kept == Kept::Yes)
    }

    fn done(&self) -> MutexGuard<'_, BTreeMap<(JobId, FileId), Trouble>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chance, from the seed and the file alone.
    fn chance(&self, place: &Place) -> Rng {
        Rng::new(self.seed, 1 << 43 | u64::from(place.job.0) << 8 | u64::from(place.file.0))
    }
}

impl Disk for TroubledDisk {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let mut chance = self.chance(place);
        if self.calm == Calm::No {
            if chance.once_in(6) {
                std::thread::sleep(Duration::from_micros(chance.below(4000)));
            }
            let renames = {
                let mut done = self.done();
                let trouble = done.entry((place.job, place.file)).or_default();
                trouble.renames += 1;
                trouble.renames
            };
            let refuses = chance.once_in(9);
            let refusal = chance.pick(&REFUSALS).copied().unwrap_or(32);
            if refuses && u64::from(renames) <= 1 + chance.below(2) {
                return Err(HResult::from_win32(refusal));
            }
        }
        RealDisk.rename(place)
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let mut chance = self.chance(place);
        if self.calm == Calm::No && chance.number().is_multiple_of(40) {
            self.done().entry((place.job, place.file)).or_default().kept = Kept::Yes;
            return Err(HResult::from_win32(32));
        }
        RealDisk.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use engine::store::Instance;

    use super::*;

    fn place(job: u32) -> Place {
        Place { instance: Instance(0), job: JobId(job), file: FileId(0), local: "/nowhere/file".to_owned() }
    }

    /// A refusal of this disk is one of its own; what the file system returns for a file that is not there is another code.
    #[test]
    fn a_troubled_disk_refuses_some_files_at_first_and_keeps_a_few_for_good() {
        let refused = |disk: &TroubledDisk, job| {
            let hr = disk.rename(&place(job)).expect_err("there is no such file");
            REFUSALS.iter().any(|code| hr == HResult::from_win32(*code))
        };
        let disk = TroubledDisk::new(7, Calm::No);
        let first: Vec<u32> = (0..200).filter(|job| refused(&disk, *job)).collect();
        assert!((8..50).contains(&first.len()), "{} of 200 files are refused", first.len());
        let third = (0..2).map(|_| first.iter().filter(|job| refused(&disk, **job)).count()).last();
        assert_eq!(third, Some(0), "no file is refused for ever");
        let kept: Vec<u32> = (0..200).filter(|job| disk.remove(&place(*job)).is_err()).collect();
        assert!(!kept.is_empty() && kept.len() < 20, "{} of 200 files are kept", kept.len());
        assert!(kept.iter().all(|job| disk.kept(JobId(*job), FileId(0))));
        let calm = TroubledDisk::new(7, Calm::Yes);
        assert!((0..200).all(|job| !refused(&calm, job) && calm.remove(&place(job)).is_ok()));
    }

    #[test]
    fn a_job_has_ended_when_its_cancel_is_back_and_not_before() {
        let ends = Arc::new(Ends::new(2));
        let witness = Witness { trace: Arc::new(TraceRecorder::new()), ends: Arc::clone(&ends) };
        let out = contract::Out::None;
        let id = contract::CallId(0);
        let back = |hr| EventView::Return { id, job: Some(JobId(1)), call: &Call::Cancel, hr, out: &out };
        witness.record(back(HResult::BG_E_INVALID_STATE));
        assert_eq!(ends.since(JobId(1)), None);
        witness.record(back(HResult::S_OK));
        assert!(ends.since(JobId(1)).is_some() && ends.since(JobId(0)).is_none());
        assert_eq!(ends.since(JobId(9)), None, "a job that no run makes");
    }
}
