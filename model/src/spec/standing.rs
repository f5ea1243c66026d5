//! Where a job stands, for the abstraction of [`crate::edge`].

use contract::dialect::Profile;
use contract::{Event, JobId};

use super::World;
use super::delivery::pending;
use super::events::Events;
use super::job::{Job, Marks};
use crate::edge::{Context, EventSet, Program, Standing};

impl<const J: usize> World<J> {
    /// What matters of where a job stands.
    #[must_use]
    pub fn context(&self, profile: &Profile, job: Option<JobId>) -> Context {
        let job = job.and_then(|job| self.job(job));
        job.map_or(Context::NO_JOB, |job| Context::of(&job.standing(profile)))
    }
}

impl Job {
    fn standing(&self, profile: &Profile) -> Standing {
        let program = if self.marks.contains(Marks::PROGRAM) { Program::Set } else { Program::None };
        Standing {
            state: self.state,
            heard: self.heard(profile),
            interfaces: self.interfaces,
            program,
            pending: pending(self, profile).whichever_file(),
        }
    }

    fn heard(&self, profile: &Profile) -> EventSet {
        let mask = self.mask();
        let events = [
            (Event::JobTransferred, EventSet::TRANSFERRED),
            (Event::JobError, EventSet::ERROR),
            (Event::JobModification, EventSet::MODIFICATION),
            (Event::FileTransferred, EventSet::FILE),
        ];
        let through = events.into_iter().filter(|(event, _)| profile.unmasked(mask, *event).is_yes());
        through.fold(EventSet::empty(), |heard, (_, event)| heard | event)
    }
}

impl Events {
    fn whichever_file(self) -> EventSet {
        let events = [
            (Events::TRANSFERRED, EventSet::TRANSFERRED),
            (Events::ERROR, EventSet::ERROR),
            (Events::MODIFICATION, EventSet::MODIFICATION),
            (Events::FILES, EventSet::FILE),
        ];
        let there = events.into_iter().filter(|(event, _)| !(self & *event).is_empty());
        there.fold(EventSet::empty(), |set, (_, event)| set | event)
    }
}
