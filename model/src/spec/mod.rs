//! The specification: the sequential job of contract section 5, as a value and a few total functions.
//!
//! **What it is.** A second, independent account of how jobs behave: [`World`] holds the jobs of a scope, and takes calls,
//! environment steps and deliveries. Where a state leads comes from the table [`contract::state::EDGES`]; which events
//! are pending comes from the table [`GUARDS`]. The model checker compares it with an implementation of
//! [`contract::Core`] in every reachable state; the fuzzer steps both in lockstep.
//!
//! **What it is not.** Concurrent. A call is one step (Complete and Cancel are two), and no call waits for a delivery.
//! `Ticket::is_waited_for` returns whether a call must wait for it. A timer may fire whenever it runs; [`World::timers`] returns when each
//! of them does. Texts and names are not kept.
//!
//! **The law it keeps.** Equal worlds have equal successors, and a refused step or failed call leaves the world as it was.
//!
//! ```
//! use contract::{Call, Dialect, HResult, JobId, JobState, UserId};
//! use model::spec::World;
//!
//! let profile = Dialect::Bits.profile();
//! let mut world = World::<2>::new();
//! let create = Call::CreateJob { name: Some("a".into()), kind: 0 };
//! let _ = world.call(profile, UserId(0), None, &create);
//! let resumed = world.call(profile, UserId(0), Some(JobId(0)), &Call::Resume);
//! assert_eq!(resumed.hr, HResult::BG_E_EMPTY);
//! assert_eq!(world.state(JobId(0)), Some(JobState::Suspended));
//! ```
//!
//! # Readings
//!
//! Where the contract, the facts and the semantics a to o are silent, the simplest reading is taken:
//!
//! - A file that is reported whole has all its bytes; a file that changed at the server has an unknown size again. Neither is
//!   a cause of JobModification, and nor is a size that becomes known.
//! - Not even the return of the network touches a finalising job, and it keeps its transfer slot.
//! - The chain of semantics e starts at the interface for every new cause, and when the program is removed.
//! - The late leave of a callback settles nothing that was caused after it began.
//! - JobModification begins before another pending event only while that one waits: for its retry time, or for a program.
//! - The failure of a callback of an older registration delays nothing: the new one receives the event at once.
//! - Whether a retry timer runs follows the delay and the timeout as they are now, not as they were at the failure.
//! - GetJob is denied to every user but the owner of the job; any user may make all other calls on a job that it holds.
//! - An empty AddFileSet succeeds and modifies nothing.
//! - Progress stays readable as it was after Complete and Cancel; error objects do not (facts G25).

mod call;
mod clock;
mod delivery;
mod events;
mod job;
pub mod pictures;
mod reply;
mod standing;
mod step;
mod witness;

use contract::{JobId, JobState, Time};

pub use self::clock::Lengths;
pub(crate) use self::delivery::Forbids;
pub use self::delivery::{Due, GUARDS, Guard, Ticket, Tickets};
pub use self::job::{Job, MAX_FILES};
pub use self::reply::{Expected, Presence, Refused, Reply};
pub use self::step::Turn;
pub use self::witness::witnessed_rules;

/// All jobs of a scope, at most `J` of them, final ones included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct World<const J: usize> {
    jobs: [Job; J],
    count: u8,
    /// The time now, for what is made and what fails. In [`World::canonical`] it is zero.
    now: Time,
}

impl<const J: usize> World<J> {
    /// A world without jobs.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(J <= 32, "sets of jobs have a bit per job") };
        World { jobs: [Job::BLANK; J], count: 0, now: Time::ZERO }
    }

    /// The state of a job, final ones included.
    #[must_use]
    pub fn state(&self, job: JobId) -> Option<JobState> {
        self.job(job).map(Job::state)
    }

    /// A job.
    #[must_use]
    pub fn job(&self, job: JobId) -> Option<&Job> {
        self.jobs().get(job.index())
    }

    /// The jobs in the order of their creation, final ones included.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs[..self.count()]
    }

    fn jobs_mut(&mut self) -> &mut [Job] {
        let count = self.count();
        &mut self.jobs[..count]
    }

    fn job_mut(&mut self, job: JobId) -> Result<&mut Job, Refused> {
        self.jobs_mut().get_mut(job.index()).ok_or(Refused::UnknownJob)
    }

    fn index(&self, job: Option<JobId>) -> Option<usize> {
        job.map(JobId::index).filter(|index| *index < self.count())
    }

    fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Adds a job. The caller has seen that there is room.
    fn push(&mut self, job: Job) -> JobId {
        let id = JobId(self.count.into());
        self.jobs[self.count()] = job;
        self.count += 1;
        id
    }
}

impl<const J: usize> Default for World<J> {
    fn default() -> Self {
        World::new()
    }
}
