//! The finite view of contract section 5: what a model checker keys its states on.
//!
//! A view is a core in which everything that only grows has been renumbered: times become distances from now, capped where
//! they have no effect any more; epochs, attempts, delivery ids and places in the queue become ranks; counters saturate.
//! Two cores with equal views have equal successors, which `properties/tests/programs/canonical_view.rs` tests.

use std::hash::{Hash, Hasher};

use contract::core::Attempt;
use contract::{DeliveryId, JobState, Time};

use super::Core;
use super::job::{Job, Told};

/// What "now" is in a view: late enough that the past has room before it.
const NOW: u64 = 1 << 50;

/// A core without its history. Compare and hash it; there is nothing else to do with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View(Core);

impl Hash for View {
    /// All cores that are ever compared have one configuration, and everything left out below is fixed.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.jobs.hash(state);
        self.0.begun.hash(state);
        self.0.last_told.hash(state);
    }
}

impl View {
    pub(super) fn of(core: &Core) -> View {
        let mut view = core.clone();
        view.changes.clear();
        view.jobs.index = None;
        view.queue_clock = 0;
        rank_queue(&mut view);
        rank_deliveries(&mut view);
        let now = core.now;
        for job in view.jobs.iter_mut() {
            shift_times(job, now, core);
            forget_the_past(job);
        }
        view.now = Time(NOW);
        View(view)
    }
}

/// Places in the queue matter by their order only, and only to who is in it.
fn rank_queue(view: &mut Core) {
    let mut order: Vec<u64> =
        view.ids().filter(|(_, job)| job.state == JobState::Queued).map(|(_, job)| job.queued).collect();
    order.sort_unstable();
    for job in view.jobs.iter_mut() {
        let rank = order.iter().position(|queued| *queued == job.queued);
        job.queued = rank.filter(|_| job.state == JobState::Queued).unwrap_or(0) as u64;
    }
}

/// Deliveries are named by their order; whether they are of the present epoch and cause is all that counts.
fn rank_deliveries(view: &mut Core) {
    let ids: Vec<DeliveryId> = view.begun.iter().map(|begun| begun.id).collect();
    let rank = |id: DeliveryId| ids.iter().position(|other| *other == id).map(|at| DeliveryId(at as u32));
    for begun in &mut view.begun {
        let present = view.jobs.get(begun.job);
        begun.epoch = u32::from(present.is_some_and(|job| job.epoch == begun.epoch));
        begun.cause = u32::from(present.is_some_and(|job| job.cause == begun.cause));
        begun.id = rank(begun.id).unwrap_or(begun.id);
    }
    for job in view.jobs.iter_mut() {
        job.begun = job.begun.and_then(rank);
    }
    view.next_delivery = 0;
}

/// Whatever cannot be observed any more.
fn forget_the_past(job: &mut Job) {
    job.epoch = 1;
    job.cause = 1;
    job.attempt = Attempt(0);
    // GetErrorCount saturates at once (contract section 5): nothing in the machine depends on it, and no scope asks for it or
    // for GetTimes. Lockstep runs ask for both.
    job.error_count = 0;
    job.creation = Time(0);
    job.modified = Time(0);
    job.transfer_completion = None;
    if !matches!(job.state, JobState::Transferred | JobState::Error) {
        job.told = Told::No;
    }
    if job.state.is_final() {
        job.error = None;
        job.tell_again_at = None;
        job.no_progress_from = None;
        for file in &mut job.files {
            file.told = Told::Yes;
        }
    }
}

/// Times as distances from now. A start that is further back than its timer is long counts as just that long ago.
fn shift_times(job: &mut Job, now: Time, core: &Core) {
    let profile = core.profile();
    let future = |at: Time| Time(NOW + at.since(now).0);
    let past = |from: Time, length: contract::Millis| Time(NOW - now.since(from).0.min(length.0).min(NOW));
    job.retry_at = job.retry_at.map(future);
    job.tell_again_at = job.tell_again_at.map(future);
    job.slice_over_at = job.slice_over_at.map(future);
    let patience = job.no_progress_timeout(profile);
    job.no_progress_from = job.no_progress_from.map(|from| past(from, patience));
    job.alive_from = match core.config.expiry {
        Some(expiry) if !job.state.is_final() => past(expiry_base(job, expiry), expiry.length()),
        _ => Time(0),
    };
}

fn expiry_base(job: &Job, expiry: contract::dialect::Expiry) -> Time {
    match expiry {
        contract::dialect::Expiry::Inactivity(_) => job.alive_from,
        contract::dialect::Expiry::Age(_) => job.creation,
    }
}
