//! Everything that happens because time passes (facts A2, E; semantics e, j, m, o).
//!
//! A timer is derived from the job's fields whenever it is asked for. The index of a core with many jobs is only a note of that.

use contract::core::{Timer as Kind, Timers};
use contract::dialect::Expiry;
use contract::{EnvStep, JobId, JobState, Time, fault};

use super::Core;
use super::job::Job;

/// What a timer does when its time has come. Of two at the same time the earlier variant fires first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// The job was without progress for too long.
    NoProgress,
    /// The transfer is tried again.
    Retry,
    /// The time slice is over.
    Slice,
    /// A callback or program may be tried again.
    TellAgain,
    /// The job is too old.
    Expiry,
}

impl Core {
    /// The next timer, in order of time and then of job.
    pub(super) fn next_timer(&self) -> Option<(Time, JobId, Timer)> {
        let Some(index) = self.index() else {
            return self.ids().flat_map(|(id, job)| self.timers_of(id, job)).min();
        };
        let sliced = index.sliced.iter().filter_map(|id| Some((*id, self.job(*id)?)));
        let slices = sliced.flat_map(|(id, job)| self.timers_of(id, job));
        index.first_timer().into_iter().chain(slices).min()
    }

    pub(super) fn time_comes(&mut self, now: Time) {
        self.now = self.now.max(now);
        // Every timer that fires is gone afterwards, so this ends.
        while let Some((_, id, timer)) = self.next_timer().filter(|(at, ..)| *at <= self.now) {
            self.fire(id, timer);
            self.settle();
        }
    }

    /// The ids of the jobs for which `wanted` holds.
    pub(super) fn open_jobs(&self, wanted: impl Fn(&Job) -> bool) -> Vec<JobId> {
        self.ids().filter(|(_, job)| wanted(job)).map(|(id, _)| id).collect()
    }

    /// The timers of a job, as whoever looks from outside names them.
    pub(super) fn running_timers(&self, id: JobId, job: &Job) -> Timers {
        self.timers_of(id, job).fold(Timers::NONE, |timers, (at, _, timer)| {
            let kind = match timer {
                Timer::NoProgress => Kind::NoProgress,
                Timer::Retry => Kind::Retry,
                Timer::Slice => Kind::TimeSlice,
                Timer::TellAgain => Kind::CallbackRetry,
                Timer::Expiry => Kind::Expiry,
            };
            timers.with(kind, Some(at))
        })
    }

    fn fire(&mut self, id: JobId, timer: Timer) {
        match timer {
            Timer::NoProgress if fault!(self, NoProgressRetries) => {
                self.enter(id, JobState::Queued, Some(EnvStep::RetryDelayOver), None);
            }
            Timer::NoProgress => self.give_up(id),
            Timer::Retry => self.enter(id, JobState::Queued, Some(EnvStep::RetryDelayOver), None),
            Timer::Slice => self.enter(id, JobState::Queued, Some(EnvStep::Preempt), None),
            Timer::Expiry => self.enter(id, JobState::Cancelled, Some(EnvStep::Expiry), None),
            Timer::TellAgain => {
                let again = fault!(self, NeverToldAgain).then_some(self.now);
                if let Some(job) = self.job_mut(id) {
                    job.tell_again_at = again.map(|now| now.after(job.retry_delay));
                }
            }
        }
    }

    fn timers_of(&self, id: JobId, job: &Job) -> impl Iterator<Item = (Time, JobId, Timer)> {
        let slice_over_at =
            job.slice_over_at.filter(|_| job.is_open() && self.somebody_waits(id, job.priority));
        let slice = slice_over_at.map(|at| (at, Timer::Slice));
        self.lone_timers_of(job).chain(slice).map(move |(at, timer)| (at, id, timer))
    }

    /// The timers that depend on no other job.
    pub(super) fn lone_timers_of(&self, job: &Job) -> impl Iterator<Item = (Time, Timer)> {
        let in_error = job.state == JobState::TransientError;
        let patience = job.no_progress_timeout(self.profile());
        let gives_up_at = job.no_progress_from.filter(|_| in_error).map(|from| from.after(patience));
        // A retry that could only come after the job was given up is no retry (semantics m).
        let retry_at = job.retry_at.filter(|_| in_error && job.retry_delay <= patience);
        let timers = [
            (gives_up_at, Timer::NoProgress),
            (retry_at, Timer::Retry),
            (job.tell_again_at, Timer::TellAgain),
            (self.expires_at(job), Timer::Expiry),
        ];
        let open = job.is_open();
        timers.into_iter().filter_map(move |(at, timer)| Some((at.filter(|_| open)?, timer)))
    }

    /// Expiry waits while somebody is being told (clause 5, semantics o).
    fn expires_at(&self, job: &Job) -> Option<Time> {
        let expiry =
            self.config.expiry.filter(|_| job.begun.is_none() || fault!(self, ExpiryIgnoresDelivery))?;
        Some(match expiry {
            Expiry::Inactivity(length) => job.alive_from.after(length),
            Expiry::Age(length) => job.creation.after(length),
        })
    }
}
