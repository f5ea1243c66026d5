//! The state machine of the engine, sans IO: deterministic, without a thread, lock, clock, socket or file.
//!
//! **What it is.** The implementation under test. It keeps the jobs of all users and returns what there is to do; the
//! service does it and reports back. Five drivers run this very code: the model checker, the fuzzer, the property tests, the
//! schedule fuzzer, and the real service.
//!
//! **The order to call it in** is that of [`contract::core`]: a command or an input, then `take_changes`, then the outputs.
//! The semantics cited by letter ("semantics e") are listed there; rules and clauses are those of `docs/contract.md`.
//!
//! **The law it keeps.** Every change of a job's state goes through `Core::enter`, which is the one place that reports it.
//!
//! ```
//! use contract::core::Config;
//! use contract::{Call, Core as _, Dialect, JobState, Out, UserId};
//! use engine::core::Core;
//!
//! let mut core = Core::new(&Config::of(Dialect::Bits.profile()));
//! let made = core.call(UserId(0), None, &Call::CreateJob { name: Some("a".into()), kind: 0 });
//! let Out::Job(job) = made.out else { panic!("CreateJob gives the job back") };
//! assert_eq!(core.state(job), Some(JobState::Suspended));
//! ```

mod commands;
mod deliveries;
mod getters;
mod index;
mod job;
mod table;
mod timers;
mod transfers;
mod view;

use std::hash::{Hash as _, Hasher};

use contract::call::{CommandLine, ErrorInfo, Priority};
use contract::core::{
    Answer, Attempt, Change, Config, Delivery, DiskOutcome, DiskWork, Pending, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::event::Leave;
use contract::{Call, DeliveryId, EnvStep, FileId, JobId, JobState, Profile, Time, UserId, fault};

use self::deliveries::Begun;
use self::job::{Job, Lost, Stage, Told};
use self::table::Table;
pub use self::transfers::Served;
pub use self::view::View;

/// The job state machine. See the module's documentation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Core {
    config: Config,
    now: Time,
    jobs: Table,
    /// Deliveries begun and not left, programs that run included; in the order of their beginning.
    begun: Vec<Begun>,
    next_delivery: u32,
    /// Counts entries into QUEUED, so that equals are served in turn.
    queue_clock: u64,
    /// After which job `poll_delivery` looks next.
    last_told: u32,
    changes: Vec<Change>,
}

impl Core {
    /// Adds to a hash all that two cores of one configuration may differ in, numbers that only grow included. A [`View`] leaves those
    /// out.
    pub fn digest<H: Hasher>(&self, state: &mut H) {
        // Taken apart, so that a field that is added is not forgotten.
        let Core { config: _, now, jobs, begun, next_delivery, queue_clock, last_told, changes } = self;
        (now, jobs, begun).hash(state);
        (next_delivery, queue_clock, last_told, changes).hash(state);
    }

    /// The URL of a file.
    #[must_use]
    pub fn remote(&self, job: JobId, file: FileId) -> Option<&str> {
        Some(&self.job(job)?.files.get(file.index())?.remote)
    }

    /// The destination of a file.
    #[must_use]
    pub fn local(&self, job: JobId, file: FileId) -> Option<&str> {
        Some(&self.job(job)?.files.get(file.index())?.local)
    }

    /// The notification program of a job.
    #[must_use]
    pub fn command_line(&self, job: JobId) -> Option<&CommandLine> {
        self.job(job)?.command_line.as_ref()
    }

    /// The delivery of a job that has begun and neither left nor, for a program, started.
    #[must_use]
    pub fn begun(&self, job: JobId) -> Option<DeliveryId> {
        self.job(job)?.begun
    }

    /// Who owns a job.
    #[must_use]
    pub fn owner(&self, job: JobId) -> Option<UserId> {
        Some(self.job(job)?.owner)
    }

    /// The priority of a job.
    #[must_use]
    pub fn priority(&self, job: JobId) -> Option<Priority> {
        Some(self.job(job)?.priority)
    }

    /// The error object of a job, in the states that have one.
    #[must_use]
    pub fn error(&self, job: JobId) -> Option<ErrorInfo> {
        self.job(job)?.shown_error()
    }

    /// Drops the record of a final job that no client holds any more. Other jobs are not touched.
    pub fn forget(&mut self, job: JobId) {
        if self.job(job).is_some_and(|job| job.state.is_final()) {
            self.jobs.remove(job);
            self.settle();
        }
    }

    /// [`contract::Core::wants_transfer`] when only some users are served.
    #[must_use]
    pub fn wants_transfer_of(&self, served: impl Fn(UserId) -> Served) -> bool {
        self.next_move_of(served).is_some()
    }

    /// [`contract::Core::poll_transfer`] when only some users are served, because the workers are few.
    pub fn poll_transfer_of(&mut self, served: impl Fn(UserId) -> Served) -> Option<TransferStart> {
        let start = self.make_move(served);
        self.settle();
        start
    }

    /// How many records there are: live jobs, and final ones that have not been dropped.
    #[must_use]
    pub fn records(&self) -> usize {
        self.jobs.len()
    }

    fn profile(&self) -> &Profile {
        &self.config.profile
    }

    fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id)
    }

    fn job_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.get_mut(id)
    }

    fn ids(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.iter()
    }

    /// Moves a job to another state, with everything that leaving the one and entering the other means, and reports it.
    /// `step` is the environment step that did it, or none when a call did.
    fn enter(&mut self, id: JobId, to: JobState, step: Option<EnvStep>, file: Option<FileId>) {
        let now = self.now;
        let profile = self.config.profile;
        let queued = self.queue_clock;
        let Some(job) = self.job_mut(id) else { return };
        let from = std::mem::replace(&mut job.state, to);
        job.modified = now;
        job.retry_at = None;
        // A chain is of the state that caused its event: what is left of it must not delay the next one.
        job.stage = Stage::Start;
        if from.is_running() && !to.is_running() {
            job.stop_transfer();
        }
        match to {
            JobState::Queued => job.queued = queued,
            // The error object stands until the job moves bytes again (facts G24).
            JobState::Transferring => {
                job.error = None;
                job.slice_over_at = None;
            }
            JobState::Transferred | JobState::Error => {
                job.cause = job.cause.wrapping_add(1);
                job.told = if Self::meets_nobody(job, &profile) { Told::Yes } else { Told::No };
                if to == JobState::Transferred {
                    job.transfer_completion = Some(now);
                }
            }
            JobState::Acknowledged | JobState::Cancelled => {
                job.modification = job::Modification::None;
                job.ending = None;
            }
            JobState::Connecting | JobState::Suspended | JobState::TransientError => {}
        }
        if !matches!(
            to,
            JobState::Error | JobState::Transferred | JobState::Acknowledged | JobState::Cancelled
        ) {
            job.note_modification(&profile);
        }
        if to == JobState::Queued {
            self.queue_clock += 1;
        }
        self.changes.push(Change { job: Some(id), file, step, state: Some((Some(from), to)) });
        self.start_slice(id);
    }

    /// With `late_replay` off, an event that meets neither an object nor a program is lost (semantics f).
    fn meets_nobody(job: &Job, profile: &Profile) -> bool {
        !profile.late_replay.is_on() && job.receiver.is_none() && job.command_line.is_none()
    }

    /// Reports an environment step that changed no state.
    fn note(&mut self, job: JobId, file: Option<FileId>, step: EnvStep) {
        self.changes.push(Change { job: Some(job), file, step: Some(step), state: None });
    }
}

impl contract::Core for Core {
    type View = View;

    fn new(config: &Config) -> Self {
        Core {
            config: *config,
            now: Time::ZERO,
            jobs: Table::new(config.jobs),
            begun: Vec::new(),
            next_delivery: 0,
            queue_clock: 0,
            last_told: 0,
            changes: Vec::new(),
        }
    }

    fn now(&self) -> Time {
        self.now
    }

    fn state(&self, job: JobId) -> Option<JobState> {
        Some(self.job(job)?.state)
    }

    fn pending(&self, job: JobId) -> Pending {
        self.job(job).map_or(Pending::NONE, |job| self.pending_of(job))
    }

    fn is_ready(&self, job: JobId) -> bool {
        self.choose(job).is_some()
    }

    fn timers(&self, job: JobId) -> Timers {
        self.job(job).map_or(Timers::NONE, |record| self.timers_of(job, record))
    }

    fn is_released(&self, delivery: DeliveryId) -> bool {
        self.find(delivery).is_none_or(Begun::is_released)
    }

    fn is_finalising(&self, job: JobId) -> bool {
        self.job(job).is_some_and(|job| job.ending.is_some())
    }

    fn disk_work(&self, job: JobId) -> Vec<DiskWork> {
        self.job(job).map_or_else(Vec::new, |job| self.disk_work_of(job))
    }

    fn wants_delivery(&self) -> bool {
        self.next_to_tell().is_some()
    }

    fn wants_transfer(&self) -> bool {
        self.next_move().is_some()
    }

    fn transfer(&self, job: JobId) -> Option<(Attempt, FileId)> {
        let job = self.job(job)?;
        Some((job.attempt, job.fetching?))
    }

    fn canonical(&self) -> View {
        View::of(self)
    }

    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
        let answer = self.command(user, job, call);
        self.settle();
        answer
    }

    fn handle_delivery_called(&mut self, delivery: DeliveryId) {
        self.delivery_called(delivery);
        self.settle();
    }

    fn handle_delivery_left(&mut self, delivery: DeliveryId, leave: Leave) {
        self.delivery_left(delivery, leave);
        self.settle();
    }

    fn handle_program_started(&mut self, delivery: DeliveryId) {
        self.program_started(delivery);
        self.settle();
    }

    fn handle_transfer(&mut self, job: JobId, attempt: Attempt, event: TransferEvent) -> TransferReply {
        let reply = self.transfer_reports(job, attempt, event);
        self.settle();
        reply
    }

    fn handle_disk(&mut self, job: JobId, outcome: &DiskOutcome) -> Answer {
        let answer = self.disk_done(job, outcome);
        self.settle();
        answer
    }

    fn handle_logoff(&mut self, user: UserId) {
        let of_all = fault!(self, LogoffOfAll);
        let dropped =
            |job: &Job| job.is_open() && (job.owner == user || of_all) && job.state == JobState::Transferring;
        for id in self.open_jobs(dropped) {
            self.enter(id, JobState::Queued, Some(EnvStep::Logoff { user: Some(user) }), None);
        }
        self.settle();
    }

    fn handle_network_lost(&mut self) {
        let ending_too = fault!(self, FinalisingLosesNetwork);
        let lost = |job: &Job| {
            (job.is_open() || ending_too) && (job.state == JobState::Queued || job.state.is_running())
        };
        for id in self.open_jobs(lost) {
            let error = self.disconnected();
            self.fail_transiently(id, error, Lost::Network);
        }
        self.settle();
    }

    fn handle_network_back(&mut self) {
        let (resumes, forgets) = (fault!(self, NetworkBackResumes), fault!(self, NetworkBackForgets));
        let waiting = |job: &Job| {
            let tried = job.state == JobState::TransientError && !(forgets && job.retry_at.is_some());
            job.is_open() && (tried || resumes && job.state == JobState::Suspended)
        };
        for id in self.open_jobs(waiting) {
            self.enter(id, JobState::Queued, Some(EnvStep::NetworkBack), None);
        }
        self.settle();
    }

    fn handle_timeout(&mut self, now: Time) {
        self.time_comes(now);
    }

    fn poll_transfer(&mut self) -> Option<TransferStart> {
        self.poll_transfer_of(|_| Served::Yes)
    }

    fn poll_delivery(&mut self) -> Option<Delivery> {
        let next = self.next_to_tell()?;
        self.last_told = next.0;
        self.begin_delivery(next)
    }

    fn begin_delivery(&mut self, job: JobId) -> Option<Delivery> {
        let delivery = self.begin(job);
        self.settle();
        delivery
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.next_timer().map(|(at, ..)| at)
    }

    fn take_changes(&mut self, mut sink: impl FnMut(Change)) {
        for change in self.changes.drain(..) {
            sink(change);
        }
    }
}
