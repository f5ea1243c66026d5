//! What is not known any more of a foreign subject behind a difference, so that one fault has one name and hides no other one.
//!
//! **What it is.** Behind a difference the specification may be in several states that fit what was seen. They are kept as one state with
//! *doubts*: a callback that may or may not be owed, a register that may have either value, a job of which nothing is known. What is in
//! doubt is not compared. A poll that agrees, a new stay, a call that answers as the path has it: each takes back the doubts that it settles.
//!
//! **What it is not.** An excuse for rules: they judge what was seen, whatever the path has.

use std::collections::BTreeSet;

use contract::{Event, JobId, JobState, Method};
use judge::trace::CallLine;

use super::compare::{Callback, What};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// Jobs of which nothing is known. A poll that agrees settles it.
    jobs: BTreeSet<JobId>,
    /// Jobs whose poll cannot settle it: a call had another effect than on the path.
    changed: BTreeSet<JobId>,
    /// Jobs of which nothing was known once: their files and bytes may be others for good.
    parted: BTreeSet<JobId>,
    /// Callbacks that may or may not come.
    events: BTreeSet<(JobId, Event)>,
    /// Getters whose answers are known to be others.
    getters: BTreeSet<(Option<JobId>, Method)>,
}

impl Doubt {
    /// Whether nothing is to be made of it that these two differ.
    pub(super) fn has(&self, wanted: Option<&What<'_>>, seen: Option<&What<'_>>) -> bool {
        wanted.into_iter().chain(seen).any(|what| self.is_about(what))
    }

    fn is_about(&self, what: &What<'_>) -> bool {
        match what {
            What::Called { call, within, .. } => self.is_from_a_callback(call, *within),
            What::Returned { call, within, .. } => {
                call.job.is_some_and(|job| self.is_lost(job))
                    || self.getters.contains(&(call.job, call.call.method()))
                    || self.is_from_a_callback(call, *within)
            }
            What::Entered { job, event, .. } | What::Left { job, event, .. } => {
                self.is_lost(*job) || self.events.contains(&(*job, *event))
            }
            What::Moved { job, .. } | What::Polled { job, .. } => self.is_lost(*job),
        }
    }

    /// Whether a call is made by a callback that may or may not come. Those from outside are ours.
    fn is_from_a_callback(&self, call: &CallLine, within: Option<Callback>) -> bool {
        let of = within.map(|(job, ..)| job);
        let mut jobs = call.job.into_iter().chain(of);
        call.inside.is_some() && jobs.any(|job| self.is_lost(job) || self.is_told(job))
    }

    /// The jobs of which something is in doubt.
    pub(super) fn lost(&self) -> BTreeSet<JobId> {
        self.jobs.union(&self.changed).copied().collect()
    }

    /// Whether something of a job is in doubt.
    pub(super) fn is_lost(&self, job: JobId) -> bool {
        self.jobs.contains(&job) || self.changed.contains(&job)
    }

    /// Whether the files and bytes of a job, or of any, may be others than on the path.
    pub(super) fn is_about_files(&self, job: Option<JobId>) -> bool {
        let all = self.parted.iter().chain(&self.changed);
        all.copied().any(|of| job.is_none_or(|job| job == of))
    }

    fn is_told(&self, job: JobId) -> bool {
        self.events.iter().any(|(of, _)| *of == job)
    }

    /// Notes what is not known any more because these two differ.
    pub(super) fn note(&mut self, wanted: Option<&What<'_>>, seen: Option<&What<'_>>) {
        match (wanted, seen) {
            (Some(What::Returned { call, back: ours, .. }), Some(What::Returned { back, .. })) => {
                self.getters.insert((call.job, call.call.method()));
                let Some(job) = call.job else { return };
                match call.call.method() {
                    method if is_getter(method) => {
                        if matches!(method, Method::GetNotifyFlags | Method::GetNotifyInterface) {
                            self.doubt_events(job);
                        }
                    }
                    _ if ours.hr.succeeded() != back.hr.succeeded() => drop(self.changed.insert(job)),
                    _ => {}
                }
            }
            (Some(What::Entered { job, event, .. }), _) | (None, Some(What::Entered { job, event, .. })) => {
                self.events.insert((*job, *event));
                // What is owed of a file holds the others back.
                if *event == Event::FileTransferred {
                    self.doubt_events(*job);
                }
            }
            (Some(What::Left { job, .. }), _) | (None, Some(What::Left { job, .. })) => {
                self.doubt_events(*job)
            }
            (Some(What::Returned { call, .. } | What::Called { call, .. }), _)
            | (None, Some(What::Returned { call, .. } | What::Called { call, .. }))
                if !is_getter(call.call.method()) =>
            {
                self.changed.extend(call.job);
            }
            _ => {}
        }
    }

    /// Notes that a job is in another state than on the path.
    pub(super) fn lose(&mut self, job: JobId) {
        self.jobs.insert(job);
        self.parted.insert(job);
        self.doubt_events(job);
    }

    fn doubt_events(&mut self, job: JobId) {
        self.events.extend(Event::ALL.map(|event| (job, event)));
    }

    /// A job is in the state that the path has, which is a new stay where it has moved there.
    pub(super) fn agrees(&mut self, job: JobId, moved_to: Option<JobState>) {
        self.jobs.remove(&job);
        if moved_to.is_some() && !self.changed.contains(&job) {
            self.events.retain(|(of, _)| *of != job);
        }
    }
}

/// Whether a call moves its job at once.
pub(crate) const fn moves(method: Method) -> bool {
    matches!(method, Method::Resume | Method::Suspend | Method::Cancel | Method::Complete)
}

/// Whether a call has no effect.
pub(crate) fn is_getter(method: Method) -> bool {
    let name = method.name();
    name.starts_with("Get")
        || name.starts_with("Enum")
        || name.starts_with("Error")
        || name.starts_with("FileGet")
}

/// Whether a method gives a part of an error.
pub(crate) const fn is_of_the_error(method: Method) -> bool {
    matches!(
        method,
        Method::GetError
            | Method::ErrorGetError
            | Method::ErrorGetFile
            | Method::ErrorGetErrorDescription
            | Method::ErrorGetErrorContextDescription
            | Method::ErrorGetProtocol
    )
}
