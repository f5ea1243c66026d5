//! The value of one job, and what happens whenever it changes its state.

use contract::answers::{self, Class};
use contract::dialect::{Contexts, Profile};
use contract::event::Target;
use contract::{
    ErrorContext, Event, FileId, HResult, Interfaces, JobState, Method, Millis, NotifyFlags, Priority,
    ReceiverId, UserId,
};

use super::clock::Clock;
use super::events::Events;

/// Files a job of the specification can have. A scope gives its profile a `files_per_job` of at most this.
pub const MAX_FILES: usize = 4;

/// A length in bytes, as far as the model distinguishes lengths: everything from 4 GiB on is [`Size::LARGE`].
///
/// The unknown size is the largest of all, so that `bytes <= size` holds for it without a special case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Size(u32);

impl Size {
    pub(super) const ZERO: Size = Size(0);
    const LARGE: Size = Size(u32::MAX - 1);
    pub(super) const UNKNOWN: Size = Size(u32::MAX);

    pub(super) fn of(bytes: u64) -> Size {
        u32::try_from(bytes).map_or(Size::LARGE, |bytes| Size(bytes).min(Size::LARGE))
    }

    pub(super) fn is_known(self) -> bool {
        self != Size::UNKNOWN
    }

    /// The number of bytes, or nothing where the model has lost count.
    pub(super) fn exact(self) -> Option<u64> {
        (self < Size::LARGE).then_some(u64::from(self.0))
    }
}

/// How far the delivery of JobTransferred or JobError is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Told {
    /// There is no cause, or an acknowledged one that is over.
    No,
    /// It has a cause and is not acknowledged. It stays so when the state is left: guards stop it, not oblivion.
    Due,
    /// It was acknowledged in this epoch.
    Acknowledged,
}

/// Which call is between its begin and its disk work (semantics h).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Finalising {
    No,
    Complete,
    Cancel,
}

bitflags::bitflags! {
    /// The yes-or-no facts about a job.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub(super) struct Marks: u16 {
        /// Something changed that JobModification has not reported (semantics a).
        const CHANGED = 1;
        /// A delivery failed, and the events of the files and of the job's end are not delivered before the retry time.
        const OWED = 1 << 1;
        /// The network was lost, so no retry timer runs (semantics l). Only in TRANSIENT_ERROR.
        const LOST = 1 << 2;
        /// A notification program is set.
        const PROGRAM = 1 << 3;
        /// The interface has failed, so it is the program's turn (semantics e).
        const PROGRAM_NEXT = 1 << 4;
        /// A delivery has begun and not left.
        const BEGUN = 1 << 5;
        /// The error object exists (facts G24, G25).
        const ERROR = 1 << 6;
        /// The no-progress timeout was set and no longer follows the priority.
        const TIMEOUT_SET = 1 << 7;
        /// A program of this epoch was started for JobTransferred and has not exited (semantics g).
        const TELLS_TRANSFERRED = 1 << 8;
        /// A program of this epoch was started for JobError and has not exited (semantics g).
        const TELLS_ERROR = 1 << 9;
    }
}

/// A job of the specification: a small value, equal whenever nothing can distinguish two jobs.
///
/// Files are fetched strictly in order (facts G61), so how many are whole and how many are renamed are counts, and one
/// number counts the bytes of the current file that are here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Job {
    pub(super) sizes: [Size; MAX_FILES],
    pub(super) bytes: Size,
    pub(super) owner: UserId,
    pub(super) receiver: ReceiverId,
    pub(super) retry_delay_s: u32,
    pub(super) no_progress_s: u32,
    pub(super) error: HResult,
    pub(super) error_file: Option<u8>,
    pub(super) error_count: u8,
    pub(super) state: JobState,
    pub(super) finalising: Finalising,
    pub(super) priority: Priority,
    /// The bits of the mask. All of them fit into a byte.
    pub(super) mask: u8,
    /// What the registered object receives; nothing when there is none.
    pub(super) interfaces: Interfaces,
    pub(super) files: u8,
    pub(super) whole: u8,
    pub(super) renamed: u8,
    /// The files whose FileTransferred is acknowledged, or lost (semantics f).
    pub(super) settled: Events,
    pub(super) transferred: Told,
    pub(super) failed: Told,
    pub(super) marks: Marks,
    /// Registrations and entries into TRANSFERRED or ERROR, counted only while a delivery or program is in flight:
    /// that is all a ticket needs, and jobs without one stay equal.
    pub(super) epoch: u8,
    pub(super) entry: u8,
    pub(super) in_flight: u8,
    /// When the timers fire.
    pub(super) clock: Clock,
}

impl Job {
    /// The place of a job that does not exist yet.
    pub(super) const BLANK: Job = Job {
        sizes: [Size::UNKNOWN; MAX_FILES],
        bytes: Size::ZERO,
        owner: UserId(0),
        receiver: ReceiverId(0),
        retry_delay_s: 0,
        no_progress_s: 0,
        error: HResult::S_OK,
        error_file: None,
        error_count: 0,
        state: JobState::Suspended,
        finalising: Finalising::No,
        priority: Priority::Normal,
        mask: NotifyFlags::DEFAULT.bits() as u8,
        interfaces: Interfaces::empty(),
        files: 0,
        whole: 0,
        renamed: 0,
        settled: Events::NONE,
        transferred: Told::No,
        failed: Told::No,
        marks: Marks::empty(),
        epoch: 0,
        entry: 0,
        in_flight: 0,
        clock: Clock::BLANK,
    };

    /// A new job.
    pub(super) fn new(profile: &Profile, owner: UserId) -> Job {
        let retry_delay_s = u32::try_from(profile.retry_delay.as_secs()).unwrap_or(u32::MAX);
        Job { owner, retry_delay_s, ..Job::BLANK }
    }

    /// The state. A finalising job is still in the state it was in.
    #[must_use]
    pub const fn state(&self) -> JobState {
        self.state
    }

    /// Whose job it is.
    #[must_use]
    pub const fn owner(&self) -> UserId {
        self.owner
    }

    /// How many files it has.
    #[must_use]
    pub const fn files(&self) -> u32 {
        self.files as u32
    }

    /// Whether Complete or Cancel has begun and its disk work is not done.
    #[must_use]
    pub fn is_finalising(&self) -> bool {
        self.finalising != Finalising::No
    }

    /// Whether a delivery has begun and not left.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.marks.contains(Marks::BEGUN)
    }

    /// The file that is being fetched, or comes next: the first that is not whole.
    #[must_use]
    pub fn current_file(&self) -> Option<FileId> {
        self.has_work().then_some(FileId(self.whole.into()))
    }

    /// Whether there is something to transfer.
    pub(crate) fn has_work(&self) -> bool {
        self.whole < self.files
    }

    /// Whether the job waits for its turn.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == JobState::Queued && !self.is_finalising()
    }

    /// The minimum retry delay.
    pub(super) fn retry_delay(&self) -> Millis {
        Millis::from_secs(self.retry_delay_s.into())
    }

    pub(super) fn is_background(&self) -> bool {
        self.priority != Priority::Foreground
    }

    /// The notification flags.
    #[must_use]
    pub fn mask(&self) -> NotifyFlags {
        NotifyFlags::from_bits_truncate(u32::from(self.mask))
    }

    /// The no-progress timeout in seconds: what was set, else the default of the priority.
    pub(super) fn no_progress_s(&self, profile: &Profile) -> u64 {
        if self.marks.contains(Marks::TIMEOUT_SET) {
            u64::from(self.no_progress_s)
        } else {
            profile.no_progress_for(self.priority).as_secs()
        }
    }

    /// Whether a timer will take the job out of TRANSIENT_ERROR (semantics l and m).
    pub(super) fn retries(&self, profile: &Profile) -> bool {
        contract::follows!["env.delay-too-long", "env.no-timer-offline"];
        let lost = self.marks.contains(Marks::LOST);
        let in_time = u64::from(self.retry_delay_s) <= self.no_progress_s(profile);
        !lost && in_time
    }

    /// Where the error happened, as in the error object, where the model has it.
    pub(super) fn error_context(&self, profile: &Profile) -> Option<ErrorContext> {
        match profile.contexts {
            Contexts::Real => None,
            Contexts::RemoteFileFor403 if self.error == HResult::BG_E_HTTP_ERROR_403 => {
                Some(ErrorContext::RemoteFile)
            }
            Contexts::RemoteFileFor403 => Some(ErrorContext::None),
        }
    }

    /// Whether the registered object or a program would receive the event, whatever the mask is (semantics b, second part).
    #[must_use]
    pub fn receives(&self, event: Event) -> bool {
        let program = matches!(event, Event::JobTransferred | Event::JobError);
        self.interfaces.contains(event.interface()) || program && self.marks.contains(Marks::PROGRAM)
    }

    /// The registered object, and what it receives.
    #[must_use]
    pub fn registered(&self) -> Option<(ReceiverId, Interfaces)> {
        (!self.interfaces.is_empty()).then_some((self.receiver, self.interfaces))
    }

    /// How many files are whole; the file that comes next has this number.
    #[must_use]
    pub const fn whole_files(&self) -> u32 {
        self.whole as u32
    }

    /// The code in the error object, if there is one.
    #[must_use]
    pub fn error(&self) -> Option<HResult> {
        self.marks.contains(Marks::ERROR).then_some(self.error)
    }

    /// Whether a notification program is set.
    #[must_use]
    pub fn has_program(&self) -> bool {
        self.marks.contains(Marks::PROGRAM)
    }

    /// Who receives the event next (semantics e). Only meaningful for an event that the registered object or a program receives.
    pub(super) fn target(&self, event: Event) -> Target {
        let turn = Marks::PROGRAM | Marks::PROGRAM_NEXT;
        let chained = matches!(event, Event::JobTransferred | Event::JobError) && self.marks.contains(turn);
        if !chained && self.interfaces.contains(event.interface()) {
            Target::Interface(self.receiver)
        } else {
            Target::CommandLine
        }
    }

    /// What Resume answers here, before any effect.
    pub(super) fn resume_answer(&self, profile: &Profile) -> HResult {
        match self.state {
            state if state.is_final() => profile.invalid_state,
            JobState::Suspended if !self.has_work() => profile.empty,
            JobState::Transferred if !self.has_work() => profile.resume_transferred,
            _ => HResult::S_OK,
        }
    }

    /// Whether a final state forbids the method (facts B1, B2, G31).
    pub(super) fn forbids(&self, method: Method) -> bool {
        self.state.is_final() && !matches!(answers::class(method), Class::Getter | Class::ErrorGetter)
    }

    /// Changes the state, with everything that follows from leaving the one and entering the other.
    pub(super) fn enter(&mut self, profile: &Profile, to: JobState) {
        self.settle_state(to);
        // A job that leaves TRANSFERRING gives up the slice, and a job that enters it has a new one.
        self.clock.end_slice();
        self.state = to;
        match to {
            JobState::Transferred => self.cause(profile, Event::JobTransferred),
            JobState::Error => self.cause(profile, Event::JobError),
            JobState::Acknowledged | JobState::Cancelled => self.end(),
            _ => self.touch(profile),
        }
        if to == JobState::Transferring {
            self.forget_error();
        }
    }

    pub(super) fn mark(&mut self, marks: Marks) {
        self.marks |= marks;
    }

    pub(super) fn unmark(&mut self, marks: Marks) {
        self.marks -= marks;
    }

    /// Notes a change for JobModification, if that event is enabled (semantics a and n).
    pub(super) fn touch(&mut self, profile: &Profile) {
        if self.tells_changes(profile) {
            self.mark(Marks::CHANGED);
        }
    }

    /// Drops the noted change when JobModification stops being enabled (semantics a).
    pub(super) fn drop_unheard_change(&mut self, profile: &Profile) {
        if !self.tells_changes(profile) {
            self.unmark(Marks::CHANGED);
        }
    }

    /// A file is whole: its FileTransferred is due. It is lost where no object receives it and the dialect has no late replay
    /// (semantics a and f).
    pub(super) fn cause_file(&mut self, profile: &Profile, file: u8) {
        let lost = !profile.late_replay.is_on() && !self.receives(Event::FileTransferred);
        if lost {
            self.settled = self.settled | Events::file(u32::from(file));
        }
    }

    pub(super) fn told(&mut self, event: Event) -> Option<&mut Told> {
        match event {
            Event::JobTransferred => Some(&mut self.transferred),
            Event::JobError => Some(&mut self.failed),
            _ => None,
        }
    }

    fn tells_changes(&self, profile: &Profile) -> bool {
        self.receives(Event::JobModification)
            && profile.unmasked(self.mask(), Event::JobModification).is_yes()
    }

    /// An entry into TRANSFERRED or ERROR: a new cause, whose chain starts at the interface (semantics a and e).
    fn cause(&mut self, profile: &Profile, event: Event) {
        let lost = !profile.late_replay.is_on() && !self.receives(event);
        let told = if lost { Told::No } else { Told::Due };
        if let Some(place) = self.told(event) {
            *place = told;
        }
        if self.in_flight > 0 {
            self.entry = self.entry.wrapping_add(1);
        }
    }

    /// Forgets what no longer matters once the state is left.
    fn settle_state(&mut self, to: JobState) {
        self.unmark(Marks::LOST | Marks::PROGRAM_NEXT);
        for (told, state) in
            [(&mut self.transferred, JobState::Transferred), (&mut self.failed, JobState::Error)]
        {
            // In a final state only a cause that stood when the job ended is of interest: R1 and R4 hold it back.
            let over = self.state != state && to.is_final();
            if over || *told == Told::Acknowledged {
                *told = Told::No;
            }
        }
    }

    /// Forgets what no call and no event can show once the job has ended.
    fn end(&mut self) {
        self.finalising = Finalising::No;
        let gone = Marks::OWED | Marks::PROGRAM_NEXT | Marks::TELLS_TRANSFERRED | Marks::TELLS_ERROR;
        self.unmark(gone);
        self.forget_error();
    }

    fn forget_error(&mut self) {
        self.unmark(Marks::ERROR);
        self.error = HResult::S_OK;
        self.error_file = None;
    }
}
