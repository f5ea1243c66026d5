//! The trait [`Core`]: how a checker, a fuzzer or a service drives an implementation of the job state machine.
//!
//! **What it is.** The sans-IO seam of the workbench. A core is a deterministic value: no thread, lock, clock, socket
//! or file. Its driver passes the time in, does what its outputs ask for, and reports back through its inputs.
//!
//! **The order of calls.** After *any* method that takes `&mut self`, drain [`Core::take_changes`]. Then:
//!
//! 1. *Commands*: [`Core::call`]. Its [`Then`] holds what must happen before the call returns to the client:
//!    nothing, wait for a delivery ([`Core::is_released`]), do disk work and report it with [`Core::handle_disk`],
//!    or try again because the job is finalising.
//! 2. *Inputs*: the `handle_*` methods.
//! 3. *Outputs*: [`Core::poll_transfer`], [`Core::poll_delivery`] (or [`Core::begin_delivery`] to choose the job), and
//!    [`Core::poll_timeout`].
//!
//! **The semantics**, where contract and facts (`docs/contract.md`, `docs/facts.md`) leave a choice (each is cited by letter in code):
//!
//! - **a. Due.** JobTransferred is due from each entry into TRANSFERRED until it is acknowledged; JobError likewise with
//!   ERROR; FileTransferred of a file from its end until acknowledged once, in any epoch. JobModification is one bit, set by a
//!   cause *while the event is enabled* and dropped otherwise, cleared when it begins or stops being enabled.
//! - **b. Enabled.** The mask lets it through, and it has a target: an object with the event's interface, or, for
//!   JobTransferred and JobError, a notification program.
//! - **c. Pending** is due and enabled, and not held back by order: JobTransferred and JobError wait for every
//!   FileTransferred that is due and enabled (R7). JobTransferred is pending only in TRANSFERRED, JobError only in ERROR,
//!   and nothing is pending in a final state or while finalising.
//! - **d. Ready** is pending, its retry time has come, the job has no delivery begun (clause 1), and, for an
//!   interface, the user has a free slot of callbacks. Among ready events of a job: FileTransferred in file order, then
//!   JobTransferred or JobError, then JobModification.
//! - **e. Chain.** JobTransferred and JobError go to the interface when there is one, else to the program. When the
//!   interface fails and there is a program, the program is ready at once; when that fails too (or there is no
//!   program), the chain restarts at the interface after the minimum retry delay. One retry time per job, used by
//!   FileTransferred too. SetNotifyInterface ends the wait and restarts the chain. With `retry_transferred` off the chain of
//!   JobTransferred does not restart. The program is started after the interface has failed. After that the event is not delivered
//!   again in this epoch.
//! - **f. Epochs.** Every successful SetNotifyInterface starts an epoch: JobTransferred and JobError are due again
//!   while the job is still in that state, FileTransferred only if never acknowledged. A leave of an older epoch
//!   acknowledges its file, but not the job's event. With `late_replay` off, an event that has no receiver at all
//!   when it becomes due is lost, and a new epoch replays nothing.
//! - **g. Programs.** A program delivery is *begun* until the driver reports that its process exists
//!   ([`Core::handle_program_started`]); from then on it holds nothing and no call waits for it. It is
//!   of the epoch in which its process is created, because that is when it enters (the model found the other reading to break R6:
//!   `properties/regressions`). While it runs, that event is not ready again in that epoch. Starting it may fail: report
//!   the exit code of a failure.
//! - **h. Finalising.** Between the begin of Complete or Cancel and [`Core::handle_disk`] the job answers no call (the
//!   driver retries it), begins no delivery, and no timer, network loss or logoff touches it. Its transfer is stopped; if a rename
//!   failed it is started again from where it was.
//! - **i. Waiting.** As contract section 4, clauses 3 and 4: a call waits for the begun delivery that the new situation forbids,
//!   unless that delivery has called the engine ([`Core::handle_delivery_called`]).
//! - **j. Time slice.** In BITS, a background job that has been transferring for 300 s goes back to the end of the queue when
//!   another of at least its priority waits; a waiting job of strictly higher priority takes its slot at once. When SetPriority
//!   turns a running job into a second background one, a transferring one of the two goes back to the queue.
//! - **k. Logoff** drops the user's transferring jobs to QUEUED once; the next turn implies that the user is back.
//! - **l. Network loss** moves QUEUED and running jobs to TRANSIENT_ERROR without a retry timer, and is not counted.
//! - **m. No-progress timeout 0** makes every error fatal: the job passes through TRANSIENT_ERROR to ERROR in one step. With a
//!   retry delay longer than the timeout there is no retry.
//! - **n. Modification causes**: bytes, files added, SetDisplayName, SetDescription, SetPriority, SetMinimumRetryDelay,
//!   SetNoProgressTimeout, FileSetRemoteName (equal values too, facts G53), and state changes other than to ERROR, TRANSFERRED,
//!   ACKNOWLEDGED, CANCELLED. Not SetNotifyFlags, SetNotifyInterface or SetNotifyCmdLine (facts G54).
//! - **o. Expiry** waits while a delivery of the job is begun, whatever the state (contract section 4, clause 5).

use std::fmt::Debug;
use std::hash::Hash;

use crate::call::{Call, ErrorContext, Out};
use crate::defect::Seeded;
use crate::dialect::{Expiry, Profile};
use crate::env::EnvStep;
use crate::event::{Leave, Target};
use crate::hresult::HResult;
use crate::ids::{DeliveryId, FileId, JobId, Millis, Moment, Time, UserId};
use crate::notify::Event;
use crate::state::JobState;

/// What a core is built with: the dialect's column, and the few numbers that are not the dialect's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The dialect, perhaps with a switch turned.
    pub profile: Profile,
    /// Callbacks of one user at once: 4 (facts C3.3). Smaller in scopes that want to see them run out.
    pub callback_slots: u32,
    /// How long a background job transfers while another waits (semantics j).
    pub time_slice: Millis,
    /// When a job expires; scopes shorten it, or leave it out.
    pub expiry: Option<Expiry>,
    /// How many jobs to be ready for.
    pub jobs: Jobs,
    /// The fault it is to have, in a build that can have one.
    pub seeded: Seeded,
}

/// How many jobs a core is to be ready for. A hint: no answer and no change depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Jobs {
    /// As many as there will be.
    #[default]
    Few,
    /// Many from the first one on, so that what a core does only for many jobs is tried with few.
    Many,
}

impl Config {
    /// The dialect as documented.
    #[must_use]
    pub const fn of(profile: &Profile) -> Config {
        Config {
            profile: *profile,
            callback_slots: 4,
            time_slice: Millis::from_secs(300),
            expiry: Some(profile.expiry),
            jobs: Jobs::Few,
            seeded: Seeded::NONE,
        }
    }
}

/// What a command answers, and what must happen first.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Answer {
    /// The HRESULT, final unless `then` is [`Then::Disk`] or [`Then::Busy`].
    pub hr: HResult,
    /// What the call gives back.
    pub out: Out,
    /// What must happen before it returns.
    pub then: Then,
}

impl Answer {
    /// An answer without anything to give back or to wait for.
    pub const fn of(hr: HResult) -> Answer {
        Answer { hr, out: Out::None, then: Then::Return }
    }

    /// Success with something to give back.
    pub const fn ok(out: Out) -> Answer {
        Answer { hr: HResult::S_OK, out, then: Then::Return }
    }
}

/// What must happen before a command returns to its client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Then {
    /// Nothing.
    Return,
    /// Wait until [`Core::is_released`] returns true for this delivery.
    Wait(DeliveryId),
    /// Do the job's disk work ([`Core::disk_work`]) without the lock, then [`Core::handle_disk`].
    Disk,
    /// The job is finalising: nothing happened; make the call again when it is not.
    Busy,
}

/// What Complete or Cancel wants done to one file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DiskWork {
    /// Rename the temporary file to the destination.
    Rename(FileId),
    /// Remove the temporary file, if there is one.
    Remove(FileId),
}

/// How disk work went, per kind; the files that failed are named.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DiskOutcome {
    /// The first rename that failed, with its error. Later renames are not tried, and nothing is removed.
    pub rename_failed: Option<(FileId, HResult)>,
    /// Temporary files that are still there although they should not be.
    pub left_behind: u32,
}

/// A transfer to run: connect and fetch `file`, from byte `from` on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TransferStart {
    /// The job.
    pub job: JobId,
    /// The first file to fetch.
    pub file: FileId,
    /// Bytes of it that are already here.
    pub from: u64,
    /// Which attempt this is; events of an older one are ignored.
    pub attempt: Attempt,
}

/// The number of a transfer attempt within its job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Attempt(pub u32);

/// What a transfer reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransferEvent {
    /// The server answered.
    Connected,
    /// The current file has this size in bytes.
    SizeKnown(u64),
    /// The bytes of the current file that are here, in total.
    Bytes(u64),
    /// The file changed at the server: start again from nothing.
    Restarted,
    /// The current file is whole.
    FileDone,
    /// The transfer failed and has ended.
    Failed {
        /// Whether a retry may help.
        class: Failure,
        /// What failed.
        hr: HResult,
        /// Where.
        context: ErrorContext,
    },
}

/// Whether an error may go away by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Failure {
    /// It may.
    Transient,
    /// It will not.
    Fatal,
}

/// Statuses other than success whose errors stay, as ranges; the others may go away (facts D2, published for uploads).
pub const FATAL_STATUSES: [(u16, u16); 6] =
    [(300, 305), (307, 307), (400, 407), (410, 499), (501, 501), (505, 505)];

impl Failure {
    /// The class of an HTTP status other than success.
    #[must_use]
    pub fn of_status(status: u16) -> Failure {
        let is_fatal = FATAL_STATUSES.iter().any(|(first, last)| (*first..=*last).contains(&status));
        if is_fatal { Failure::Fatal } else { Failure::Transient }
    }
}

/// What a transfer does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum TransferReply {
    /// Go on with the current file.
    Continue,
    /// Fetch this file next, from byte `from` on.
    Next {
        /// Which file.
        file: FileId,
        /// Bytes of it that are already here.
        from: u64,
    },
    /// Stop: the job no longer wants this transfer, or is done.
    Stop,
}

/// A delivery that has begun: it holds its slot, and the driver must enter the client's code without waiting for anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The job.
    pub job: JobId,
    /// The owner whose slot it holds.
    pub user: UserId,
    /// What it reports.
    pub event: Event,
    /// What it calls or starts.
    pub target: Target,
    /// The file, for FileTransferred.
    pub file: Option<FileId>,
}

/// What changed inside the core, in the order it changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Change {
    /// The job; none for a step that concerns all.
    pub job: Option<JobId>,
    /// The file, where the step is about one.
    pub file: Option<FileId>,
    /// The environment step, or none when the running call did it.
    pub step: Option<EnvStep>,
    /// The state left and the state entered, when the state changed. A new job comes from nowhere.
    pub state: Option<(Option<JobState>, JobState)>,
}

/// The events of one job that are pending (semantics c), in a small set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pending(u16);

impl Pending {
    /// Files that fit into the set; a pending FileTransferred of a later file is not in it.
    pub const FILES: u32 = 8;

    /// Nothing.
    pub const NONE: Pending = Pending(0);

    /// The set with an event added. `file` counts for FileTransferred alone.
    #[must_use]
    pub const fn with(self, event: Event, file: FileId) -> Pending {
        match event {
            Event::FileTransferred if file.0 >= Self::FILES => self,
            Event::FileTransferred => Pending(self.0 | 0x100 << file.0),
            other => Pending(self.0 | 1 << other as u16),
        }
    }

    /// Whether the event is in the set.
    #[must_use]
    pub const fn contains(self, event: Event, file: FileId) -> bool {
        let alone = Pending::NONE.with(event, file);
        alone.0 != 0 && self.0 & alone.0 == alone.0
    }

    /// Whether nothing is pending.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The events in the set, in the order of delivery; `FileId(0)` where the event is not about a file.
    pub fn iter(self) -> impl Iterator<Item = (Event, FileId)> {
        let files = (0..Self::FILES).map(|file| (Event::FileTransferred, FileId(file)));
        let events = [Event::JobTransferred, Event::JobError, Event::JobModification];
        files
            .chain(events.into_iter().map(|event| (event, FileId(0))))
            .filter(move |(event, file)| self.contains(*event, *file))
    }
}

impl Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut set = f.debug_set();
        for (event, file) in self.iter() {
            match event {
                Event::FileTransferred => set.entry(&format_args!("{event}({file})")),
                _ => set.entry(&event),
            };
        }
        set.finish()
    }
}

/// What a timer of a job does when its moment has come. Of two at one moment the earlier variant fires first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// The job was without progress for too long.
    NoProgress,
    /// The transfer is tried again.
    Retry,
    /// The time slice is over (semantics j).
    TimeSlice,
    /// A callback or a program that failed may be tried again (semantics e).
    CallbackRetry,
    /// The job is too old (semantics o).
    Expiry,
}

impl Timer {
    /// Every kind, in order.
    pub const ALL: [Timer; 5] =
        [Timer::NoProgress, Timer::Retry, Timer::TimeSlice, Timer::CallbackRetry, Timer::Expiry];
}

impl std::fmt::Display for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Timer::Retry => "retry timer",
            Timer::CallbackRetry => "callback retry timer",
            Timer::NoProgress => "no-progress timer",
            Timer::TimeSlice => "time slice",
            Timer::Expiry => "expiry",
        })
    }
}

/// The timers of a job that run, each with its moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timers([Moment; Timer::ALL.len()]);

impl Timers {
    /// None runs.
    pub const NONE: Timers = Timers([Moment::NONE; Timer::ALL.len()]);

    /// The timers with this one running up to `at`, or not running.
    #[inline]
    #[must_use]
    pub const fn with(mut self, timer: Timer, at: Option<Time>) -> Timers {
        self.0[timer as usize] = Moment::of(at);
        self
    }

    /// When the timer fires, if it runs.
    #[inline]
    #[must_use]
    pub const fn at(&self, timer: Timer) -> Option<Time> {
        self.0[timer as usize].time()
    }

    /// When the next of them fires.
    #[inline]
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.0.into_iter().fold(Moment::NONE, Moment::min).time()
    }

    /// The one that fires first.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<(Time, Timer)> {
        let next = self.next()?;
        Timer::ALL.into_iter().find(|timer| self.at(*timer) == Some(next)).map(|timer| (next, timer))
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers::NONE
    }
}

impl Debug for Timers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = Timer::ALL.into_iter().filter_map(|timer| Some((timer, self.at(timer)?)));
        f.debug_map().entries(running).finish()
    }
}

/// The smaller of two, where both are there. It is made for the earlier of two moments.
#[must_use]
pub fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// An implementation of the job state machine, driven from outside. See the module's documentation.
///
/// Nothing here panics, whatever ids are passed: an unknown job or delivery is ignored by inputs and answered
/// with the dialect's not-found code by [`Core::call`].
pub trait Core: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// The finite view of contract section 5: two cores with equal views have equal successors.
    type View: Clone + Eq + Hash + Debug + Send + Sync;

    /// An empty queue at time zero.
    fn new(config: &Config) -> Self;

    /// The time last passed in.
    fn now(&self) -> Time;
    /// The state of a job, final ones included.
    fn state(&self, job: JobId) -> Option<JobState>;
    /// The pending events of a job (semantics c).
    fn pending(&self, job: JobId) -> Pending;
    /// Whether a delivery of the job could begin now (semantics d).
    fn is_ready(&self, job: JobId) -> bool;
    /// The timers of a job that run: the earliest of all jobs is what [`Core::poll_timeout`] returns.
    fn timers(&self, job: JobId) -> Timers;
    /// Whether no call needs to wait for this delivery any more: it has left, has called the engine, or is a program that has started.
    fn is_released(&self, delivery: DeliveryId) -> bool;
    /// Whether the job is between the begin of Complete or Cancel and [`Core::handle_disk`].
    fn is_finalising(&self, job: JobId) -> bool;
    /// What the finalising job wants done on the disk, in order.
    fn disk_work(&self, job: JobId) -> Vec<DiskWork>;
    /// Whether [`Core::poll_transfer`] would give something.
    fn wants_transfer(&self) -> bool;
    /// Whether [`Core::poll_delivery`] would give something: a delivery of some job could begin now.
    fn wants_delivery(&self) -> bool;
    /// The attempt of the job's running transfer, if one runs, and its current file.
    fn transfer(&self, job: JobId) -> Option<(Attempt, FileId)>;
    /// The finite view. `take_changes` must have been drained.
    fn canonical(&self) -> Self::View;

    /// An API call. `job` is ignored by CreateJob, EnumJobs and GetErrorDescription.
    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer;

    /// A callback is about to make a call: from now on no call waits for it (contract section 4, clause 4).
    fn handle_delivery_called(&mut self, delivery: DeliveryId);
    /// A callback is back, or a program has exited.
    fn handle_delivery_left(&mut self, delivery: DeliveryId, leave: Leave);
    /// The notification program's process exists.
    fn handle_program_started(&mut self, delivery: DeliveryId);
    /// A transfer reports.
    fn handle_transfer(&mut self, job: JobId, attempt: Attempt, event: TransferEvent) -> TransferReply;
    /// The disk work of a finalising job is done. The answer is that of the Complete or Cancel which began it.
    fn handle_disk(&mut self, job: JobId, outcome: &DiskOutcome) -> Answer;
    /// The user logs off.
    fn handle_logoff(&mut self, user: UserId);
    /// The network is lost.
    fn handle_network_lost(&mut self);
    /// The network is back.
    fn handle_network_back(&mut self);
    /// Time has come to `now`. Fires every timer that is due, in order of time and then of job.
    fn handle_timeout(&mut self, now: Time);

    /// Gives the next transfer to run. Calling it *is* the scheduler's turn: it moves a job out of QUEUED, or preempts
    /// one (then it gives nothing, and [`Core::wants_transfer`] returns whether to call again).
    fn poll_transfer(&mut self) -> Option<TransferStart>;
    /// Claims and begins the next ready delivery, fairly between jobs.
    fn poll_delivery(&mut self) -> Option<Delivery>;
    /// Claims and begins the next ready delivery of this job.
    fn begin_delivery(&mut self, job: JobId) -> Option<Delivery>;
    /// When to call [`Core::handle_timeout`] next.
    fn poll_timeout(&self) -> Option<Time>;
    /// Hands over what changed since the last call, in order.
    fn take_changes(&mut self, sink: impl FnMut(Change));
}
