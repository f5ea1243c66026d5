//! One job as a record: what the API sets, what the transfer learnt, what is still to be delivered.

use contract::call::{CommandLine, ErrorInfo, Priority, Text};
use contract::core::Attempt;
use contract::dialect::Profile;
use contract::{
    DeliveryId, Event, FileId, HResult, Interfaces, JobState, Millis, NotifyFlags, Receiver, Time, UserId,
};

/// A file of a job.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct File {
    pub(super) remote: Text,
    pub(super) local: Text,
    /// In bytes, once it is known.
    pub(super) size: Option<u64>,
    /// In bytes.
    pub(super) transferred: u64,
    pub(super) phase: FilePhase,
    /// Whether FileTransferred has been acknowledged, in any epoch (semantics f).
    pub(super) told: Told,
}

/// How far a file has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum FilePhase {
    /// Bytes are missing.
    Unfinished,
    /// The temporary file is whole.
    Done,
    /// It stands at its destination.
    Renamed,
}

/// Whether an event that is due has been settled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Told {
    /// Not yet.
    No,
    /// Acknowledged, or lost for good.
    Yes,
}

/// The next target of the chain of JobTransferred and JobError (semantics e).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Stage {
    /// The interface if there is one, else the program.
    Start,
    /// The program: the interface has failed.
    Program,
}

/// Whether JobModification is to be delivered (semantics a).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Modification {
    /// Nothing new.
    None,
    /// Something changed while the event was enabled.
    Pending,
}

/// Which call is ending the job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Ending {
    /// Complete.
    Complete,
    /// Cancel.
    Cancel,
}

/// Why a job sits in TRANSIENT_ERROR.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Lost {
    /// The transfer failed: the retry delay counts.
    Transfer,
    /// The network went away: only its return helps, and it is not counted as an error (semantics l).
    Network,
}

/// A job.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Job {
    pub(super) owner: UserId,
    pub(super) state: JobState,
    pub(super) files: Vec<File>,
    pub(super) name: Text,
    pub(super) description: Text,
    pub(super) priority: Priority,
    pub(super) retry_delay: Millis,
    /// What SetNoProgressTimeout set; until then the dialect's default for the priority.
    pub(super) no_progress: Option<Millis>,
    pub(super) error: Option<ErrorInfo>,
    pub(super) error_count: u32,

    pub(super) mask: NotifyFlags,
    pub(super) receiver: Option<Receiver>,
    pub(super) command_line: Option<CommandLine>,
    /// Counts successful SetNotifyInterface calls.
    pub(super) epoch: u32,
    /// Counts entries into TRANSFERRED and ERROR.
    pub(super) cause: u32,
    /// JobTransferred or JobError, whichever the state makes due.
    pub(super) told: Told,
    pub(super) stage: Stage,
    pub(super) modification: Modification,
    /// No FileTransferred, JobTransferred or JobError begins before this.
    pub(super) tell_again_at: Option<Time>,
    /// The delivery that has begun and neither left nor, for a program, started. At most one: clause 1.
    pub(super) begun: Option<DeliveryId>,

    pub(super) ending: Option<Ending>,
    pub(super) attempt: Attempt,
    /// The file a transfer is fetching, while one runs.
    pub(super) fetching: Option<FileId>,
    /// The job's place in the queue.
    pub(super) queued: u64,
    /// When the job's time slice is over (semantics j).
    pub(super) slice_over_at: Option<Time>,
    pub(super) retry_at: Option<Time>,
    /// What the no-progress timeout counts from.
    pub(super) no_progress_from: Option<Time>,
    /// What the expiry counts from.
    pub(super) alive_from: Time,
    pub(super) creation: Time,
    pub(super) modified: Time,
    pub(super) transfer_completion: Option<Time>,
}

impl Job {
    pub(super) fn new(owner: UserId, name: Text, profile: &Profile, now: Time) -> Job {
        Job {
            owner,
            state: JobState::Suspended,
            files: Vec::new(),
            name,
            description: Text::Borrowed(""),
            priority: Priority::Normal,
            retry_delay: profile.retry_delay,
            no_progress: None,
            error: None,
            error_count: 0,
            mask: NotifyFlags::DEFAULT,
            receiver: None,
            command_line: None,
            epoch: 0,
            cause: 0,
            told: Told::No,
            stage: Stage::Start,
            modification: Modification::None,
            tell_again_at: None,
            begun: None,
            ending: None,
            attempt: Attempt(0),
            fetching: None,
            queued: 0,
            slice_over_at: None,
            retry_at: None,
            no_progress_from: None,
            alive_from: now,
            creation: now,
            modified: now,
            transfer_completion: None,
        }
    }

    /// The first file with bytes missing: files are fetched one after another (facts G61).
    pub(super) fn next_file(&self) -> Option<FileId> {
        let unfinished = |file: &File| file.phase == FilePhase::Unfinished;
        self.files.iter().position(unfinished).map(|index| FileId(index as u32))
    }

    /// The no-progress timeout in force.
    pub(super) fn no_progress_timeout(&self, profile: &Profile) -> Millis {
        self.no_progress.unwrap_or_else(|| profile.no_progress_for(self.priority))
    }

    /// Whether the job is alive and not being ended: only then do events begin and timers fire (semantics h).
    pub(super) fn is_open(&self) -> bool {
        !self.state.is_final() && self.ending.is_none()
    }

    /// Whether the mask lets `event` through and an object with its interface is registered (semantics b).
    pub(super) fn interface_hears(&self, profile: &Profile, event: Event) -> bool {
        self.has_receiver(event.interface()) && profile.unmasked(self.mask, event).is_yes()
    }

    pub(super) fn has_receiver(&self, interface: Interfaces) -> bool {
        self.receiver.is_some_and(|receiver| receiver.interfaces.contains(interface))
    }

    /// The files whose FileTransferred is pending, in order.
    pub(super) fn pending_files(&self, profile: &Profile) -> impl Iterator<Item = FileId> {
        let hears = self.is_open() && self.interface_hears(profile, Event::FileTransferred);
        let due = |file: &File| file.phase != FilePhase::Unfinished && file.told == Told::No;
        self.files
            .iter()
            .enumerate()
            .filter(move |(_, file)| hears && due(file))
            .map(|(index, _)| FileId(index as u32))
    }

    /// JobTransferred or JobError, when the state makes it due and it is neither acknowledged nor lost.
    pub(super) fn due_event(&self) -> Option<Event> {
        match (self.state, self.told) {
            (JobState::Transferred, Told::No) => Some(Event::JobTransferred),
            (JobState::Error, Told::No) => Some(Event::JobError),
            _ => None,
        }
    }

    /// Something about the job changed that JobModification reports (semantics n).
    pub(super) fn note_modification(&mut self, profile: &Profile) {
        if self.interface_hears(profile, Event::JobModification) {
            self.modification = Modification::Pending;
        }
    }

    /// The mask or the registration changed: a modification that is no longer enabled is dropped (semantics a).
    pub(super) fn drop_unheard_modification(&mut self, profile: &Profile) {
        if !self.interface_hears(profile, Event::JobModification) {
            self.modification = Modification::None;
        }
    }

    /// A property was set: the job shows life.
    pub(super) fn note_property(&mut self, profile: &Profile, now: Time) {
        self.note_modification(profile);
        self.modified = now;
        self.alive_from = now;
    }

    /// Stops the transfer: whatever it still reports belongs to an older attempt.
    pub(super) fn stop_transfer(&mut self) {
        self.fetching = None;
        self.attempt.0 = self.attempt.0.wrapping_add(1);
        self.slice_over_at = None;
    }

    /// What GetError shows, in the states that show it (facts G24, G25).
    pub(super) fn shown_error(&self) -> Option<ErrorInfo> {
        self.error.filter(|_| !self.state.is_final())
    }

    /// The error is about to be replaced by the dialect's word for a no-progress timeout.
    pub(super) fn fail_without_progress(&mut self, code: Option<HResult>) {
        if let (Some(hr), Some(error)) = (code, self.error.as_mut()) {
            error.hr = hr;
        }
    }
}
