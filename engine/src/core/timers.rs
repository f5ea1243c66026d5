//! Everything that happens because time passes (facts A2, E; semantics e, j, m, o).
//!
//! A timer is derived from the job's fields whenever it is needed. The index of a core with many jobs is only a note of that.

use contract::core::{Timer, Timers, earlier};
use contract::dialect::Expiry;
use contract::{EnvStep, JobId, JobState, Time, fault};

use super::Core;
use super::job::Job;

impl Core {
    /// The next timer, in order of time and then of job.
    pub(super) fn next_timer(&self) -> Option<(Time, JobId, Timer)> {
        let first = |id: JobId, job: &Job| {
            let (at, timer) = self.timers_of(id, job).first()?;
            Some((at, id, timer))
        };
        let Some(index) = self.index() else {
            return self.ids().fold(None, |next, (id, job)| earlier(next, first(id, job)));
        };
        let sliced = index.sliced.iter().filter_map(|id| first(*id, self.job(*id)?));
        sliced.fold(index.first_timer(), |next, slice| earlier(next, Some(slice)))
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

    fn fire(&mut self, id: JobId, timer: Timer) {
        match timer {
            Timer::NoProgress if fault!(self, NoProgressRetries) => {
                self.enter(id, JobState::Queued, Some(EnvStep::RetryDelayOver), None);
            }
            Timer::NoProgress => self.give_up(id),
            Timer::Retry => self.enter(id, JobState::Queued, Some(EnvStep::RetryDelayOver), None),
            Timer::TimeSlice => self.enter(id, JobState::Queued, Some(EnvStep::Preempt), None),
            Timer::Expiry => self.enter(id, JobState::Cancelled, Some(EnvStep::Expiry), None),
            Timer::CallbackRetry => {
                let again = fault!(self, NeverToldAgain).then_some(self.now);
                if let Some(job) = self.job_mut(id) {
                    job.tell_again_at = again.map(|now| now.after(job.retry_delay));
                }
            }
        }
    }

    /// The timers of a job that run.
    pub(super) fn timers_of(&self, id: JobId, job: &Job) -> Timers {
        let slice = job.slice_over_at.filter(|_| job.is_open() && self.somebody_waits(id, job.priority));
        self.lone_timers_of(job).with(Timer::TimeSlice, slice)
    }

    /// The timers that depend on no other job.
    pub(super) fn lone_timers_of(&self, job: &Job) -> Timers {
        if !job.is_open() {
            return Timers::NONE;
        }
        let in_error = job.state == JobState::TransientError;
        let patience = job.no_progress_timeout(self.profile());
        let gives_up_at = job.no_progress_from.filter(|_| in_error).map(|from| from.after(patience));
        // A retry that could only come after the job was given up is no retry (semantics m).
        let retry_at = job.retry_at.filter(|_| in_error && job.retry_delay <= patience);
        Timers::NONE
            .with(Timer::NoProgress, gives_up_at)
            .with(Timer::Retry, retry_at)
            .with(Timer::CallbackRetry, job.tell_again_at)
            .with(Timer::Expiry, self.expires_at(job))
    }

    /// Expiry waits while a delivery of the job is begun (clause 5, semantics o).
    fn expires_at(&self, job: &Job) -> Option<Time> {
        let expiry =
            self.config.expiry.filter(|_| job.begun.is_none() || fault!(self, ExpiryIgnoresDelivery))?;
        Some(match expiry {
            Expiry::Inactivity(length) => job.alive_from.after(length),
            Expiry::Age(length) => job.creation.after(length),
        })
    }
}
