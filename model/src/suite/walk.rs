//! Walking a path on a core, and taking down what it covers.
//!
//! **What it is.** A [`Walk`] applies stimuli to specification and core in lockstep and returns for each step which edge of the quotient
//! it was. Exploration and conformance share these functions, so they cannot count differently.

use contract::{Core, EventView, JobId, JobState, Profile};

use super::quotient::{EdgeId, Place, PlaceId, Quotient, Seen};
use super::{Cover, Item, STRANGER};
use crate::drive::{Applied, From, Stimulus};
use crate::lockstep::Lockstep;

/// A path being walked.
pub struct Walk<'a, C, const J: usize> {
    profile: &'a Profile,
    quotient: &'a mut Quotient,
    lockstep: Lockstep<C, J>,
    last: Option<EdgeId>,
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Walked {
    /// Whether it did anything.
    pub applied: Applied,
    /// The edge it was before, this edge, and the place it led to; none for a step outside of any job.
    pub edge: Option<(Option<EdgeId>, EdgeId, PlaceId)>,
    /// What was seen of it.
    pub seen: Seen,
}

impl<'a, C: Core, const J: usize> Walk<'a, C, J> {
    /// A walk that has not begun.
    pub fn new(profile: &'a Profile, lockstep: Lockstep<C, J>, quotient: &'a mut Quotient) -> Self {
        Walk { profile, quotient, lockstep, last: None }
    }

    /// Specification and core.
    pub fn lockstep(&self) -> &Lockstep<C, J> {
        &self.lockstep
    }

    /// The place of a job now.
    pub fn place(&mut self, job: JobId) -> Option<PlaceId> {
        let place = Place::of(self.profile, &self.lockstep, job)?;
        Some(self.quotient.place(place))
    }

    /// Takes a step, and shows `tap` every event.
    pub fn step(&mut self, stimulus: &Stimulus, tap: &mut impl FnMut(&EventView<'_>)) -> Walked {
        let before = places(self.profile, &self.lockstep);
        let mut seen = Seen::default();
        let mut note = |event: &EventView<'_>| {
            seen.note(event);
            tap(event);
        };
        let applied = self.lockstep.apply(self.profile, stimulus, &mut note);
        if applied == Applied::NotEnabled {
            return Walked { applied, edge: None, seen };
        }
        let after = places(self.profile, &self.lockstep);
        let job = job_of(stimulus, &before, &after);
        let edge = before[job].zip(after[job]).map(|(was, is)| {
            let was = self.quotient.place(was);
            let edge = self.quotient.edge(was, stimulus, seen, &is);
            (self.last.replace(edge), edge, self.quotient.place(is))
        });
        Walked { applied, edge, seen }
    }
}

impl Walked {
    /// What the step covers.
    #[must_use]
    pub fn item(&self, cover: Cover, stimulus: &Stimulus) -> Option<Item> {
        let (last, edge, to) = self.edge?;
        match cover {
            Cover::Sneak => {
                let refused = self.seen.returned.is_some_and(|hr| !hr.succeeded());
                (refused && is_stranger(stimulus)).then_some(Item::Edge(edge))
            }
            _ => Item::of(cover, last, edge, to),
        }
    }
}

fn is_stranger(stimulus: &Stimulus) -> bool {
    matches!(stimulus, Stimulus::Call { from: From::Client(STRANGER), .. })
}

/// Whether something goes on by itself, timers aside: a turn, a transfer, a delivery, a call that waits.
#[must_use]
pub fn goes_on<C: Core, const J: usize>(lockstep: &Lockstep<C, J>) -> bool {
    let (driver, core) = (lockstep.driver(), lockstep.driver().core());
    let moves = |job| core.transfer(job).is_some() || driver.may_begin(job);
    !driver.is_quiet() || core.wants_transfer() || (0..J as u32).map(JobId).any(moves)
}

/// Whether nothing goes on but what can be kept from outside: callbacks that are inside, programs that run, transfers of which no more
/// bytes come, and calls that wait for these.
#[must_use]
pub fn is_still<C: Core, const J: usize>(lockstep: &Lockstep<C, J>) -> bool {
    let (driver, core) = (lockstep.driver(), lockstep.driver().core());
    let moves = |job| {
        let fetches = core.transfer(job).is_some() && core.state(job) != Some(JobState::Transferring);
        fetches || driver.may_begin(job) || driver.may_enter(job) || core.is_finalising(job)
    };
    !core.wants_transfer() && !(0..J as u32).map(JobId).any(moves)
}

/// The place of every job.
pub(super) type Places<const J: usize> = [Option<Place>; J];

pub(super) fn places<C: Core, const J: usize>(profile: &Profile, lockstep: &Lockstep<C, J>) -> Places<J> {
    std::array::from_fn(|job| Place::of(profile, lockstep, JobId(job as u32)))
}

/// The job that a step is about: the one it names, else the first that it moves.
pub(super) fn job_of<const J: usize>(stimulus: &Stimulus, before: &Places<J>, after: &Places<J>) -> usize {
    let moved = || (0..J).find(|job| before[*job] != after[*job]).unwrap_or(0);
    match stimulus {
        Stimulus::Call { job: Some(job), .. }
        | Stimulus::Disk { job, .. }
        | Stimulus::Transfer { job, .. }
        | Stimulus::Begin(job)
        | Stimulus::Enter(job)
        | Stimulus::Leave { job, .. }
        | Stimulus::Exit { job, .. } => job.index().min(J - 1),
        _ => moved(),
    }
}
