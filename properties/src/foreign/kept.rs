//! What is kept from outside while other things are done: callbacks that stay inside, programs that run on, transfers that stall.

use std::collections::BTreeMap;

use contract::core::Attempt;
use contract::{Core, JobId};
use model::drive::Stimulus;
use model::lockstep::Lockstep;

/// What can be kept of a job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Thing {
    Callback,
    Program,
    Transfer,
}

/// What is kept now.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(BTreeMap<(JobId, Thing), Option<Attempt>>);

impl Kept {
    pub(super) fn has(&self, job: JobId, thing: Thing) -> bool {
        self.0.contains_key(&(job, thing))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn remove(&mut self, job: JobId, thing: Thing) {
        self.0.remove(&(job, thing));
    }

    /// Keeps what goes on while everything is still. Returns what was not kept before.
    pub(super) fn keep<C: Core, const J: usize>(&mut self, lockstep: &Lockstep<C, J>) -> Vec<(JobId, Thing)> {
        let mut news = Vec::new();
        for (job, thing, attempt) in going_on(lockstep) {
            if self.0.insert((job, thing), attempt).is_none() {
                news.push((job, thing));
            }
        }
        news
    }

    /// Forgets transfers that are wanted no more, and returns their jobs.
    pub(super) fn drop_lost_transfers<C: Core, const J: usize>(
        &mut self,
        lockstep: &Lockstep<C, J>,
    ) -> Vec<JobId> {
        let core = lockstep.driver().core();
        let is_lost =
            |job: JobId, attempt: Option<Attempt>| core.transfer(job).map(|(attempt, _)| attempt) != attempt;
        let transfers = self.0.iter().filter(|((_, thing), _)| *thing == Thing::Transfer);
        let lost: Vec<JobId> = transfers
            .filter(|((job, _), attempt)| is_lost(*job, **attempt))
            .map(|((job, _), _)| *job)
            .collect();
        lost.iter().for_each(|job| self.remove(*job, Thing::Transfer));
        lost
    }

    /// Whether a step ends something that is kept.
    pub(super) fn is_ended_by(&self, step: &Stimulus) -> bool {
        ended_by(step).is_some_and(|(job, thing)| self.has(job, thing))
    }

    /// Notes that a step was taken.
    pub(super) fn after(&mut self, step: &Stimulus) {
        if let Some((job, thing)) = ended_by(step) {
            self.remove(job, thing);
        }
    }
}

/// What a step is the end of.
fn ended_by(step: &Stimulus) -> Option<(JobId, Thing)> {
    match step {
        Stimulus::Leave { job, .. } => Some((*job, Thing::Callback)),
        Stimulus::Exit { job, .. } => Some((*job, Thing::Program)),
        Stimulus::Transfer { job, .. } => Some((*job, Thing::Transfer)),
        _ => None,
    }
}

/// What goes on while everything is still.
fn going_on<C: Core, const J: usize>(lockstep: &Lockstep<C, J>) -> Vec<(JobId, Thing, Option<Attempt>)> {
    let driver = lockstep.driver();
    let mut all = Vec::new();
    for job in (0..J as u32).map(JobId) {
        if driver.telling(job).is_some() {
            all.push((job, Thing::Callback, None));
        }
        if driver.runs_program(job) {
            all.push((job, Thing::Program, None));
        }
        if let Some((attempt, _)) = driver.core().transfer(job) {
            all.push((job, Thing::Transfer, Some(attempt)));
        }
    }
    all
}
