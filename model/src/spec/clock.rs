//! When the timers of a job fire (facts A2, E; semantics e, j, l, m, o).
//!
//! **What it is.** The moments beside a specification without time: what each timer counts from, noted where the specification changes. Which
//! timers run follows from the job; a [`Clock`] adds when they fire. A caller that compares with an implementation passes the time in.
//!
//! **What it is not.** A part of what makes two jobs equal. A clock is compared with the implementation's timers after every step, and the
//! implementation's own view has these moments in it, so a checker keys its states on that view alone.

use std::hash::{Hash, Hasher};

use contract::core::{Timer, Timers};
use contract::dialect::{Expiry, NoProgressFrom, Profile, TransferSlots};
use contract::env::StepKind;
use contract::{JobId, JobState, Millis, Moment, Time};

use super::World;
use super::job::{Job, Marks};
use super::reply::Refused;

/// What the timers of a job count from, or when they fire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The time now.
    now: Time,
    created: Time,
    /// When the job last made progress or had a property set.
    active: Time,
    /// What the no-progress timeout counts from.
    without_progress: Moment,
    retry_at: Moment,
    again_at: Moment,
    slice_over_at: Moment,
}

impl PartialEq for Clock {
    fn eq(&self, _: &Clock) -> bool {
        true
    }
}

impl Eq for Clock {}

impl Hash for Clock {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Clock {
    pub(super) const BLANK: Clock = Clock {
        now: Time::ZERO,
        created: Time::ZERO,
        active: Time::ZERO,
        without_progress: Moment::NONE,
        retry_at: Moment::NONE,
        again_at: Moment::NONE,
        slice_over_at: Moment::NONE,
    };

    /// A job is made now.
    pub(super) fn start(&mut self, now: Time) {
        *self = Clock { now, created: now, active: now, ..Clock::BLANK };
    }

    /// A property was set.
    pub(super) fn show_life(&mut self) {
        self.active = self.now;
    }

    /// Bytes have arrived.
    pub(super) fn progress(&mut self, profile: &Profile) {
        self.show_life();
        self.start_again(profile);
    }

    /// The no-progress timeout counts from now, or from the next transient error (facts G41).
    pub(super) fn start_again(&mut self, profile: &Profile) {
        let last = profile.no_progress_from == NoProgressFrom::LastProgress;
        self.without_progress = Moment::of(last.then_some(self.now));
    }

    /// The job is in TRANSIENT_ERROR from now on. Without a network nothing is tried again (semantics l).
    pub(super) fn fail(&mut self, retry_after: Option<Millis>) {
        self.without_progress = Moment::of(self.without_progress.time().or(Some(self.now)));
        self.retry_at = Moment::of(retry_after.map(|delay| self.now.after(delay)));
    }

    /// A delivery has failed, and its event waits for the retry time.
    pub(super) fn tell_again(&mut self, after: Millis) {
        self.again_at = Moment::of(Some(self.now.after(after)));
    }

    /// The job has a time slice from now on, keeps the one it has, or has none.
    fn slice(&mut self, has: Option<Millis>) {
        let running = self.slice_over_at.time();
        self.slice_over_at = Moment::of(has.map(|length| running.unwrap_or(self.now.after(length))));
    }

    /// The job no longer transfers, or begins anew.
    pub(super) fn end_slice(&mut self) {
        self.slice_over_at = Moment::NONE;
    }
}

/// The lengths that are not the dialect's: of a time slice, and of a job's life where a scope leaves it out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lengths {
    /// How long a background job transfers while another waits.
    pub time_slice: Millis,
    /// When a job expires, if it does.
    pub expiry: Option<Expiry>,
}

impl<const J: usize> World<J> {
    /// Time has come to `now`. Callbacks whose retry time is over are ready again; every other timer shows when the
    /// implementation reports that it has fired.
    pub fn time_comes(&mut self, now: Time) {
        for job in self.jobs_mut() {
            job.clock.now = now;
            let over = job.clock.again_at.time().is_none_or(|at| at <= now);
            if over && job.is_open() {
                job.unmark(Marks::OWED);
            }
        }
        self.now = now;
    }

    /// Whether a step of the clock may happen to a job now: its timer has run down.
    ///
    /// # Errors
    /// The timer that has not.
    pub fn is_due(
        &self,
        profile: &Profile,
        job: JobId,
        kind: StepKind,
        lengths: &Lengths,
    ) -> Result<(), Refused> {
        let timer = match kind {
            StepKind::RetryDelayOver => Timer::Retry,
            StepKind::NoProgressTimeout => Timer::NoProgress,
            StepKind::Expiry => Timer::Expiry,
            StepKind::Preempt if self.is_displaced(profile, job.index()) => return Ok(()),
            StepKind::Preempt => Timer::TimeSlice,
            _ => return Ok(()),
        };
        let due = self.timers(profile, job, lengths).at(timer).is_some_and(|at| at <= self.now);
        if due { Ok(()) } else { Err(Refused::NotDue(timer)) }
    }

    /// The timers of a job that run.
    #[must_use]
    pub fn timers(&self, profile: &Profile, job: JobId, lengths: &Lengths) -> Timers {
        let Some(record) = self.job(job).filter(|job| job.is_open()) else { return Timers::NONE };
        let contested = record.state() == JobState::Transferring && self.is_waited_for(job.index());
        record.timers(profile, lengths, record.clock.slice_over_at.time().filter(|_| contested))
    }

    /// Notes the time slices of all jobs that have one now.
    pub fn note_slices(&mut self, profile: &Profile, lengths: &Lengths) {
        for job in self.jobs_mut() {
            let has = job.has_slice(profile).then_some(lengths.time_slice);
            job.clock.slice(has);
        }
    }

    /// Whether a queued background job of at least this one's priority waits for its slot.
    fn is_waited_for(&self, index: usize) -> bool {
        let claims = |other: &Job| {
            other.is_waiting() && other.is_background() && other.priority <= self.jobs()[index].priority
        };
        self.others(index).any(claims)
    }
}

impl Job {
    /// Whether the job is alive and not being ended: only then timers run and deliveries begin (semantics h).
    pub(super) fn is_open(&self) -> bool {
        !self.state.is_final() && !self.is_finalising()
    }

    fn timers(&self, profile: &Profile, lengths: &Lengths, slice_over_at: Option<Time>) -> Timers {
        let clock = &self.clock;
        let failing = self.state == JobState::TransientError;
        let patience = Millis::from_secs(self.no_progress_s(profile));
        let gives_up_at = clock.without_progress.time().filter(|_| failing).map(|from| from.after(patience));
        let retry_at = clock.retry_at.time().filter(|_| failing && self.retries(profile));
        let again_at = clock.again_at.time().filter(|_| self.marks.contains(Marks::OWED));
        let expires_at = lengths.expiry.filter(|_| !self.is_begun()).map(|expiry| match expiry {
            Expiry::Inactivity(length) => clock.active.after(length),
            Expiry::Age(length) => clock.created.after(length),
        });
        Timers::NONE
            .with(Timer::Retry, retry_at)
            .with(Timer::CallbackRetry, again_at)
            .with(Timer::NoProgress, gives_up_at)
            .with(Timer::TimeSlice, slice_over_at)
            .with(Timer::Expiry, expires_at)
    }

    /// Whether the job transfers on a slice of time (semantics j).
    fn has_slice(&self, profile: &Profile) -> bool {
        profile.transfer_slots == TransferSlots::ForegroundAndOne
            && self.state == JobState::Transferring
            && self.is_background()
            && !self.is_finalising()
    }
}
