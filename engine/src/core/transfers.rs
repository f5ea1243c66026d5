//! The scheduler and the transfer: who runs, and what its worker reports (facts A2, E; semantics j, l, m).

use std::cmp::Reverse;

use contract::call::{ErrorContext, ErrorInfo, Priority};
use contract::core::{Attempt, Failure, TransferEvent, TransferReply, TransferStart};
use contract::dialect::{Contexts, NoProgressFrom, TransferSlots};
use contract::{EnvStep, FileId, HResult, JobId, JobState, Millis, UserId, fault};

use super::Core;
use super::index::Index;
use super::job::{FilePhase, Job, Lost, Told};

/// Whether a driver with few workers serves a user now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// It does.
    Yes,
    /// Another user's jobs come first, whatever their place in the queue.
    No,
}

/// What the scheduler does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Move {
    /// The job is running but has no transfer: start a worker.
    Start(JobId),
    /// The job's turn.
    Turn(JobId),
    /// The job gives its slot back.
    Preempt(JobId),
}

impl Core {
    pub(super) fn next_move(&self) -> Option<Move> {
        self.next_move_of(|_| Served::Yes)
    }

    /// The next move when only some users are served.
    pub(super) fn next_move_of(&self, served: impl Fn(UserId) -> Served) -> Option<Move> {
        let may = |id: JobId| self.job(id).is_some_and(|job| served(job.owner) == Served::Yes);
        let idle = match self.index() {
            Some(index) => index.idle().find(|id| may(*id)),
            None => self.ids().find(|(id, job)| self.is_idle(job) && may(*id)).map(|(id, _)| id),
        };
        if let Some(id) = idle {
            return Some(Move::Start(id));
        }
        if let Some(id) = self.one_too_many() {
            return Some(Move::Preempt(id));
        }
        // Of the jobs that are served only the first one counts: where it has to wait, every job behind it has to wait, too.
        let (first, priority) = match self.index() {
            Some(index) => index.queue().find(|(id, _)| may(*id)),
            None => {
                let queued = self.ids().filter(|(_, job)| job.is_open() && job.state == JobState::Queued);
                let in_turn =
                    queued.map(|(id, job)| (job.priority, job.queued, id)).filter(|(.., id)| may(*id));
                in_turn.min().map(|(priority, _, id)| (id, priority))
            }
        }?;
        self.turn_of(first, priority)
    }

    /// Whether the job is running but has no transfer. Where the queue is never skipped, only a Complete that failed leaves a running job
    /// without a transfer.
    pub(super) fn is_idle(&self, job: &Job) -> bool {
        let forgotten = fault!(self, TransferNotRestarted) && self.profile().connects.is_on();
        job.is_open() && job.state.is_running() && job.fetching.is_none() && !forgotten
    }

    /// Takes it. Nothing has touched a record since the index was settled.
    pub(super) fn make_move(&mut self, served: impl Fn(UserId) -> Served) -> Option<TransferStart> {
        match self.next_move_of(served)? {
            Move::Preempt(id) => {
                self.enter(id, JobState::Queued, Some(EnvStep::Preempt), None);
                None
            }
            Move::Turn(id) => {
                let connects = self.profile().connects.is_on();
                let to = if connects { JobState::Connecting } else { JobState::Transferring };
                self.enter(id, to, Some(EnvStep::Turn), None);
                self.start(id)
            }
            Move::Start(id) => self.start(id),
        }
    }

    pub(super) fn transfer_reports(
        &mut self,
        id: JobId,
        attempt: Attempt,
        event: TransferEvent,
    ) -> TransferReply {
        let any_attempt = fault!(self, OldAttemptCounts);
        let wanted = self.job(id).filter(|job| (job.attempt == attempt || any_attempt) && job.is_open());
        let Some((file, state)) = wanted.and_then(|job| Some((job.fetching?, job.state))) else {
            return TransferReply::Stop;
        };
        // Whatever a worker reports, except a failure, it has connected first.
        let failed = matches!(event, TransferEvent::Failed { .. });
        if state == JobState::Connecting && !failed {
            self.enter(id, JobState::Transferring, Some(EnvStep::Connected), None);
        }
        match event {
            TransferEvent::Connected => TransferReply::Continue,
            TransferEvent::SizeKnown(total) => self.size_known(id, file, total),
            TransferEvent::Bytes(transferred) => self.bytes(id, file, transferred),
            TransferEvent::Restarted => self.restarted(id, file),
            TransferEvent::FileDone => self.file_done(id, file),
            TransferEvent::Failed { class, hr, context } => {
                let error = self.error_info(hr, context, file);
                match class {
                    Failure::Transient => self.fail_transiently(id, error, Lost::Transfer),
                    Failure::Fatal => self.fail_for_good(id, error),
                }
                TransferReply::Stop
            }
        }
    }

    /// A retryable error: TRANSIENT_ERROR, and at once ERROR where no progress at all is tolerated (semantics m).
    pub(super) fn fail_transiently(&mut self, id: JobId, error: ErrorInfo, lost: Lost) {
        let now = self.now;
        let profile = self.config.profile;
        let step = match lost {
            Lost::Transfer => EnvStep::TransientError { hr: error.hr },
            Lost::Network => EnvStep::NetworkLost,
        };
        self.enter(id, JobState::TransientError, Some(step), error.file);
        let Some(job) = self.job_mut(id) else { return };
        job.error = Some(error);
        job.no_progress_from.get_or_insert(now);
        if lost == Lost::Transfer {
            job.error_count = job.error_count.saturating_add(1);
            job.retry_at = Some(now.after(job.retry_delay));
        }
        if job.no_progress_timeout(&profile) == Millis(0) {
            self.give_up(id);
        }
    }

    /// The no-progress timeout is over.
    pub(super) fn give_up(&mut self, id: JobId) {
        let code = self.profile().no_progress_error;
        if let Some(job) = self.job_mut(id) {
            job.fail_without_progress(code);
        }
        self.enter(id, JobState::Error, Some(EnvStep::NoProgressTimeout), None);
    }

    pub(super) fn disconnected(&self) -> ErrorInfo {
        let context = match self.profile().contexts {
            Contexts::Real => ErrorContext::GeneralTransport,
            Contexts::RemoteFileFor403 => ErrorContext::None,
        };
        ErrorInfo { hr: self.profile().disconnected, context, file: None }
    }

    /// Whether one more transfer may run, whatever its priority: the condition of facts G4.
    pub(super) fn has_transfer_slot(&self) -> bool {
        match self.profile().transfer_slots {
            TransferSlots::ForegroundAndOne => self.background_running().next().is_none(),
            TransferSlots::AtMost(slots) => self.running_jobs() < slots as usize,
        }
    }

    /// A background job that runs gets a time slice from now on (semantics j); no other job has one.
    pub(super) fn start_slice(&mut self, id: JobId) {
        let now = self.now;
        let slice = self.config.time_slice;
        let sliced = self.profile().transfer_slots == TransferSlots::ForegroundAndOne;
        let Some(job) = self.job_mut(id) else { return };
        let has = sliced && job.state == JobState::Transferring && is_background(job);
        match (has, job.slice_over_at) {
            (true, None) => job.slice_over_at = Some(now.after(slice)),
            (false, Some(_)) => job.slice_over_at = None,
            _ => {}
        }
    }

    /// Whether a queued background job of at least this job's priority waits for its slot.
    pub(super) fn somebody_waits(&self, id: JobId, priority: Priority) -> bool {
        if let Some(index) = self.index() {
            // A job whose slice counts is transferring, so it is none of those that wait.
            return index.first_background_priority().is_some_and(|first| first <= priority);
        }
        self.ids().any(|(other, job)| {
            other != id
                && job.is_open()
                && job.state == JobState::Queued
                && is_background(job)
                && job.priority <= priority
        })
    }

    fn turn_of(&self, id: JobId, priority: Priority) -> Option<Move> {
        match self.profile().transfer_slots {
            TransferSlots::AtMost(_) => self.has_transfer_slot().then_some(Move::Turn(id)),
            TransferSlots::ForegroundAndOne if priority == Priority::Foreground => Some(Move::Turn(id)),
            TransferSlots::ForegroundAndOne => match self.background_running().next() {
                None => Some(Move::Turn(id)),
                Some((running, job)) => {
                    let gives_way =
                        job.priority > priority && job.state == JobState::Transferring && job.is_open();
                    gives_way.then_some(Move::Preempt(running))
                }
            },
        }
    }

    /// After a change of priority two background jobs may run; the less urgent one has to stop, and of equals the older.
    fn one_too_many(&self) -> Option<JobId> {
        if self.profile().transfer_slots != TransferSlots::ForegroundAndOne
            || self.background_running().count() < 2
        {
            return None;
        }
        let may_stop = |(_, job): &(JobId, &Job)| job.is_open() && job.state == JobState::Transferring;
        let stoppable = self.background_running().filter(may_stop);
        stoppable.max_by_key(|(id, job)| (job.priority, Reverse(*id))).map(|(id, _)| id)
    }

    fn running_jobs(&self) -> usize {
        let all = || self.ids().filter(|(_, job)| job.state.is_running()).count();
        self.index().map_or_else(all, Index::running)
    }

    fn background_running(&self) -> impl Iterator<Item = (JobId, &Job)> {
        let index = self.index();
        let noted = index.into_iter().flat_map(Index::background).filter_map(|id| Some((id, self.job(id)?)));
        let all = index.is_none().then(|| self.ids()).into_iter().flatten();
        noted.chain(all).filter(|(_, job)| job.state.is_running() && is_background(job))
    }

    fn start(&mut self, id: JobId) -> Option<TransferStart> {
        let job = self.job_mut(id)?;
        let file = job.next_file()?;
        job.attempt.0 = job.attempt.0.wrapping_add(1);
        job.fetching = Some(file);
        let from = job.files.get(file.index())?.transferred;
        let from = if fault!(self, FetchedFromStart) { 0 } else { from };
        let job = self.job(id)?;
        Some(TransferStart { job: id, file, from, attempt: job.attempt })
    }

    fn size_known(&mut self, id: JobId, file: FileId, total: u64) -> TransferReply {
        let (keeps, ignores) = (fault!(self, StaleBytesKept), fault!(self, SecondSizeIgnored));
        let Some(record) = self.file_mut(id, file) else { return TransferReply::Stop };
        if ignores && record.size.is_some() {
            return TransferReply::Continue;
        }
        let before = record.size.replace(total);
        // More is here than there is: what we have is of another file (R14).
        let stale = record.transferred > total && !keeps;
        if stale {
            record.transferred = 0;
            self.note(id, Some(file), EnvStep::FileRestarted);
        }
        if before != Some(total) || stale {
            self.note(id, Some(file), EnvStep::SizeKnown { total });
        }
        TransferReply::Continue
    }

    fn bytes(&mut self, id: JobId, file: FileId, transferred: u64) -> TransferReply {
        let past_the_end = fault!(self, BytesPastTheEnd);
        let Some(record) = self.file_mut(id, file) else { return TransferReply::Stop };
        let size = record.size.filter(|_| !past_the_end);
        let transferred = size.map_or(transferred, |size| transferred.min(size));
        if transferred <= record.transferred {
            return TransferReply::Continue;
        }
        record.transferred = transferred;
        let total = record.size;
        self.note(id, Some(file), EnvStep::Bytes { transferred, total });
        self.note_progress(id);
        TransferReply::Continue
    }

    fn restarted(&mut self, id: JobId, file: FileId) -> TransferReply {
        let Some(record) = self.file_mut(id, file) else { return TransferReply::Stop };
        record.transferred = 0;
        record.size = None;
        self.note(id, Some(file), EnvStep::FileRestarted);
        TransferReply::Continue
    }

    fn file_done(&mut self, id: JobId, file: FileId) -> TransferReply {
        let late_replay = self.profile().late_replay.is_on();
        let Some(job) = self.job_mut(id) else { return TransferReply::Stop };
        let heard = job.has_receiver(contract::Event::FileTransferred.interface());
        let Some(record) = job.files.get_mut(file.index()) else { return TransferReply::Stop };
        let size = *record.size.get_or_insert(record.transferred);
        if record.transferred < size {
            // A FileDone that a worker reports too early is not accepted (R14).
            return TransferReply::Continue;
        }
        record.phase = FilePhase::Done;
        record.told = if late_replay || heard { Told::No } else { Told::Yes };
        match job.next_file() {
            Some(next) => {
                job.fetching = Some(next);
                let from = job.files.get(next.index()).map_or(0, |file| file.transferred);
                self.note(id, Some(file), EnvStep::FileDone);
                TransferReply::Next { file: next, from }
            }
            None => {
                self.enter(id, JobState::Transferred, Some(EnvStep::FileDone), Some(file));
                TransferReply::Stop
            }
        }
    }

    fn fail_for_good(&mut self, id: JobId, error: ErrorInfo) {
        if let Some(job) = self.job_mut(id) {
            job.error_count = job.error_count.saturating_add(1);
        }
        self.enter(id, JobState::Error, Some(EnvStep::FatalError { hr: error.hr }), error.file);
        if let Some(job) = self.job_mut(id) {
            job.error = Some(error);
        }
    }

    /// Progress: the no-progress clock starts again, the job shows life, and its watchers may look again.
    fn note_progress(&mut self, id: JobId) {
        let (profile, now) = (self.config.profile, self.now);
        if let Some(job) = self.job_mut(id) {
            job.no_progress_from = (profile.no_progress_from == NoProgressFrom::LastProgress).then_some(now);
            job.note_modification(&profile);
            job.modified = now;
            job.alive_from = now;
        }
    }

    fn file_mut(&mut self, id: JobId, file: FileId) -> Option<&mut super::job::File> {
        self.job_mut(id)?.files.get_mut(file.index())
    }

    /// The error object, in the dialect's contexts (facts D4, G37).
    fn error_info(&self, hr: HResult, context: ErrorContext, file: FileId) -> ErrorInfo {
        let context = match self.profile().contexts {
            Contexts::Real => context,
            Contexts::RemoteFileFor403 if hr == HResult::BG_E_HTTP_ERROR_403 => ErrorContext::RemoteFile,
            Contexts::RemoteFileFor403 => ErrorContext::None,
        };
        let about = matches!(context, ErrorContext::RemoteFile | ErrorContext::LocalFile);
        ErrorInfo { hr, context, file: about.then_some(file) }
    }
}

pub(super) fn is_background(job: &Job) -> bool {
    job.priority != Priority::Foreground
}
