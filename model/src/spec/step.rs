//! Environment steps: what the network, the disk and the clock may do to a job, and when (facts A2).
//!
//! Where a step leads comes from the table [`contract::state::EDGES`]; here stand the guards and the effects.

use contract::core::{Change, Failure, TransferEvent};
use contract::dialect::{Contexts, Profile, TransferSlots};
use contract::env::StepKind;
use contract::{Cause, DiskAct, EnvStep, ErrorContext, FileId, HResult, JobId, JobState, UserId, state};

use super::World;
use super::job::{Job, MAX_FILES, Marks, Size};
use super::reply::Refused;

/// Whether a transfer slot is free for a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    Free,
    Taken,
}

/// What the scheduler could do now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Turn {
    /// Nothing.
    None,
    /// Take the slot of a job for one of strictly higher priority (semantics j).
    Preempt,
    /// Give a waiting job its turn.
    Start,
}

impl<const J: usize> World<J> {
    /// An environment step that an implementation reports.
    ///
    /// Without a step the running call made the change, and it is only compared. Without a job, a lost network or its return
    /// concerns all; the changes of the single jobs that follow are then compared. A refused step changes nothing.
    ///
    /// # Errors
    /// The reason for which the step is not allowed now.
    pub fn step(&mut self, profile: &Profile, change: &Change) -> Result<(), Refused> {
        let Some(step) = change.step else { return self.compare(change) };
        let kind = step.kind();
        let Some(id) = change.job else {
            match kind {
                StepKind::NetworkLost => self.network_lost(profile),
                StepKind::NetworkBack => self.network_back(profile),
                kind if is_only_told(kind) => {}
                _ => return Err(Refused::NoJob(kind)),
            }
            return Ok(());
        };
        let index = self.index(Some(id)).ok_or(Refused::UnknownJob)?;
        let before = self.jobs[index];
        if before.has_felt(profile, kind, change) {
            return Ok(());
        }
        self.permit(profile, index, kind)?;
        let after = before.after(profile, step, change.file)?;
        let moved = (before.state != after.state).then_some((Some(before.state), after.state));
        if change.state != moved {
            return Err(Refused::Elsewhere { from: before.state, to: after.state });
        }
        self.jobs[index] = after;
        Ok(())
    }

    /// The network is lost (semantics l).
    pub fn network_lost(&mut self, profile: &Profile) {
        self.happens_to(profile, StepKind::NetworkLost, |_| true);
    }

    /// The network is back: jobs with a transient error try again, whatever the error was (facts G45).
    pub fn network_back(&mut self, profile: &Profile) {
        self.happens_to(profile, StepKind::NetworkBack, |_| true);
    }

    /// The user logs off (semantics k).
    pub fn logoff(&mut self, profile: &Profile, user: UserId) {
        self.happens_to(profile, StepKind::Logoff, |job| job.owner == user);
    }

    /// What the scheduler could do now. A job that Resume took straight to TRANSFERRING has had its turn.
    #[must_use]
    pub fn may_turn(&self, profile: &Profile) -> Turn {
        let turn = |index: usize| match &self.jobs[index] {
            _ if self.is_one_too_many(profile, index) => Turn::Preempt,
            job if !job.is_waiting() => Turn::None,
            _ if self.slot(profile, index) == Slot::Free => Turn::Start,
            job if self.takes_a_slot(profile, job) => Turn::Preempt,
            _ => Turn::None,
        };
        (0..self.count()).map(turn).max().unwrap_or(Turn::None)
    }

    /// Whether a job loses its slot at once, whatever its time slice: for one of higher priority, or because two background jobs run.
    pub(super) fn is_displaced(&self, profile: &Profile, index: usize) -> bool {
        let Some(job) = self.jobs().get(index) else { return false };
        let higher =
            |other: &Job| other.is_waiting() && other.is_background() && other.priority < job.priority;
        self.is_one_too_many(profile, index) || self.others(index).any(higher)
    }

    /// The job after a report of its running transfer, which reports about the current file. Nothing where the model does not
    /// know lengths that well.
    #[must_use]
    pub fn reported(&self, profile: &Profile, id: JobId, event: &TransferEvent) -> Option<Job> {
        self.job(id)?.reported(profile, event)
    }

    /// Whether a step that concerns many has been taken by the specification for this job, and led to the state in the change.
    #[must_use]
    pub fn is_concerned(&self, profile: &Profile, change: &Change) -> bool {
        let (Some(step), Some(job)) = (change.step, change.job.and_then(|job| self.job(job))) else {
            return false;
        };
        job.has_felt(profile, step.kind(), change)
    }

    /// Whether a job should run a transfer.
    #[must_use]
    pub fn fetches(&self, job: JobId) -> bool {
        self.job(job).is_some_and(|job| job.state.is_running() && job.is_open())
    }

    /// The file that a transfer of the job fetches next, and from which byte on, where the model has it.
    #[must_use]
    pub fn next_bytes(&self, job: JobId) -> Option<(FileId, u64)> {
        let job = self.job(job)?;
        Some((job.current_file()?, job.bytes.exact()?))
    }

    /// Whether a transfer slot is free for the job at `index`.
    pub(super) fn slot(&self, profile: &Profile, index: usize) -> Slot {
        let others = || self.others(index).filter(|other| other.state.is_running());
        let free = match profile.transfer_slots {
            TransferSlots::AtMost(slots) => others().count() < slots as usize,
            TransferSlots::ForegroundAndOne => {
                !self.jobs[index].is_background() || !others().any(Job::is_background)
            }
        };
        if free { Slot::Free } else { Slot::Taken }
    }

    /// Whether a background job of lower priority runs, whose slot `waiting` takes at once.
    fn takes_a_slot(&self, profile: &Profile, waiting: &Job) -> bool {
        let lower = |job: &Job| {
            job.state == JobState::Transferring && !job.is_finalising() && waiting.priority < job.priority
        };
        profile.transfer_slots == TransferSlots::ForegroundAndOne
            && waiting.is_background()
            && self.jobs().iter().any(lower)
    }

    /// Whether the job has to stop because it was made a background job while another one runs.
    fn is_one_too_many(&self, profile: &Profile, index: usize) -> bool {
        let job = &self.jobs[index];
        profile.transfer_slots == TransferSlots::ForegroundAndOne
            && job.state == JobState::Transferring
            && !job.is_finalising()
            && job.is_background()
            && self.others(index).any(|other| other.is_background() && other.state.is_running())
    }

    pub(super) fn others(&self, index: usize) -> impl Iterator<Item = &Job> {
        self.jobs().iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, job)| job)
    }

    /// The guards of a step that the transition table does not know.
    fn permit(&self, profile: &Profile, index: usize, kind: StepKind) -> Result<(), Refused> {
        let job = &self.jobs[index];
        let unless = |forbidden: bool, refused| if forbidden { Err(refused) } else { Ok(()) };
        match kind {
            StepKind::Disk => Ok(()),
            kind if is_only_told(kind) => Ok(()),
            _ if job.is_finalising() => Err(Refused::Finalising),
            StepKind::Turn => {
                unless(self.slot(profile, index) == Slot::Taken, Refused::NoSlot)?;
                unless(self.is_outranked(profile, index), Refused::HigherWaits)
            }
            StepKind::Preempt => unless(!self.may_lose_slot(profile, index), Refused::NobodyWaits),
            StepKind::RetryDelayOver => unless(!job.retries(profile), Refused::NoTimer),
            StepKind::Expiry => unless(job.is_begun(), Refused::Begun),
            _ => Ok(()),
        }
    }

    /// Whether a background job of higher priority waits for the one background slot.
    fn is_outranked(&self, profile: &Profile, index: usize) -> bool {
        let job = &self.jobs[index];
        let higher =
            |other: &Job| other.is_waiting() && other.is_background() && other.priority < job.priority;
        profile.transfer_slots == TransferSlots::ForegroundAndOne
            && job.is_background()
            && self.others(index).any(higher)
    }

    /// Whether a job of at least this one's priority waits for its slot (semantics j; the slice is a matter of time), or another
    /// one has the slot, too, because a running job was made a background one.
    fn may_lose_slot(&self, profile: &Profile, index: usize) -> bool {
        let job = &self.jobs[index];
        let claims = |other: &Job| {
            let waits = other.is_waiting() && other.priority <= job.priority;
            other.is_background() && (waits || other.state.is_running())
        };
        profile.transfer_slots == TransferSlots::ForegroundAndOne
            && job.is_background()
            && self.others(index).any(claims)
    }

    /// A step without values happens to every job it concerns and that has an edge for it.
    fn happens_to(&mut self, profile: &Profile, kind: StepKind, concerns: impl Fn(&Job) -> bool) {
        for job in self.jobs_mut().iter_mut().filter(|job| !job.is_finalising() && concerns(job)) {
            // A job without such an edge is not concerned either.
            let _ = job.follow(profile, kind);
        }
    }

    /// A change that the running call made: the specification has made it, too.
    fn compare(&self, change: &Change) -> Result<(), Refused> {
        let (Some(id), Some((_, said))) = (change.job, change.state) else { return Ok(()) };
        let job = self.job(id).ok_or(Refused::UnknownJob)?;
        if job.state == said { Ok(()) } else { Err(Refused::Elsewhere { from: job.state, to: job.state }) }
    }
}

/// Steps that report something about a job and do nothing to it. Policies are outside the specification: its jobs meet none.
fn is_only_told(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Observed
            | StepKind::Idle
            | StepKind::PolicyHolds
            | StepKind::PolicyLifts
            | StepKind::FetchBegins
            | StepKind::FetchEnds
    )
}

impl Job {
    /// Whether the change only repeats, for this job, a step that concerned many and has been taken.
    fn has_felt(&self, profile: &Profile, kind: StepKind, change: &Change) -> bool {
        let of_many = matches!(kind, StepKind::NetworkLost | StepKind::NetworkBack | StepKind::Logoff);
        of_many
            && change.state.is_some_and(|(from, to)| {
                let edge = |from| state::is_edge(profile, from, Cause::Env(kind), to);
                to == self.state && from.is_some_and(edge)
            })
    }

    /// See [`World::reported`].
    fn reported(&self, profile: &Profile, event: &TransferEvent) -> Option<Job> {
        let current = self.current_file();
        let failed = matches!(event, TransferEvent::Failed { .. });
        let connected = match self.state {
            JobState::Connecting if !failed => self.after(profile, EnvStep::Connected, current).ok()?,
            _ => *self,
        };
        let step = |job: Job, step: EnvStep, file| job.after(profile, step, file).ok();
        let size = self.sizes[usize::from(self.whole).min(MAX_FILES - 1)];
        match *event {
            TransferEvent::Connected => Some(connected),
            TransferEvent::SizeKnown(total) => {
                Size::of(total).exact()?;
                // More is here than there is: what is here is of another file (R14).
                let stale = connected.bytes > Size::of(total);
                let again = if stale { step(connected, EnvStep::FileRestarted, current)? } else { connected };
                step(again, EnvStep::SizeKnown { total }, current)
            }
            TransferEvent::Bytes(bytes) => {
                let here = Size::of(bytes).min(size);
                let transferred = here.exact()?;
                if here <= connected.bytes {
                    return Some(connected);
                }
                step(connected, EnvStep::Bytes { transferred, total: size.exact() }, current)
            }
            TransferEvent::Restarted => step(connected, EnvStep::FileRestarted, current),
            // A report that the file is done before its last byte is not believed (R14).
            TransferEvent::FileDone if size.is_known() && connected.bytes < size => Some(connected),
            TransferEvent::FileDone => step(connected, EnvStep::FileDone, current),
            TransferEvent::Failed { class, hr, context } => {
                let file = current.filter(|_| is_about_a_file(profile, hr, context));
                match class {
                    Failure::Fatal => step(connected, EnvStep::FatalError { hr }, file),
                    Failure::Transient => {
                        let failing = step(connected, EnvStep::TransientError { hr }, file)?;
                        let patient = failing.no_progress_s(profile) > 0;
                        // Without patience the job gives up at once (semantics m).
                        if patient { Some(failing) } else { step(failing, EnvStep::NoProgressTimeout, None) }
                    }
                }
            }
        }
    }

    /// The job after the step.
    fn after(mut self, profile: &Profile, step: EnvStep, file: Option<FileId>) -> Result<Job, Refused> {
        match step {
            EnvStep::SizeKnown { total } => {
                self.fetches(step.kind(), file)?;
                self.fits(self.bytes, Size::of(total))?;
                self.sizes[usize::from(self.whole)] = Size::of(total);
            }
            EnvStep::Bytes { transferred, total } => {
                self.fetches(step.kind(), file)?;
                self.bytes_arrive(Size::of(transferred), total.map_or(Size::UNKNOWN, Size::of))?;
                self.clock.progress(profile);
                self.touch(profile);
            }
            EnvStep::FileRestarted => {
                self.fetches(step.kind(), file)?;
                self.bytes = Size::ZERO;
                self.sizes[usize::from(self.whole)] = Size::UNKNOWN;
            }
            EnvStep::FileDone => {
                self.fetches(step.kind(), file)?;
                self.file_is_whole(profile)?;
            }
            EnvStep::TransientError { hr } | EnvStep::FatalError { hr } => {
                self.follow(profile, step.kind())?;
                self.fails(hr, file)?;
            }
            EnvStep::Disk { act } => self.touches_disk(act, file)?,
            step if is_only_told(step.kind()) => {}
            // A dialect that does not show CONNECTING is connected from its turn on.
            EnvStep::Connected if !profile.connects.is_on() && self.state == JobState::Transferring => {}
            _ => self.follow(profile, step.kind())?,
        }
        Ok(self)
    }

    /// Takes the table's edge for a step, with the effects that the step has besides.
    fn follow(&mut self, profile: &Profile, kind: StepKind) -> Result<(), Refused> {
        let to = state::targets(profile, self.state, Cause::Env(kind)).next();
        let to = to.ok_or(Refused::NoEdge { from: self.state, step: kind })?;
        self.enter(profile, to);
        match (kind, profile.no_progress_error) {
            (StepKind::TransientError, _) => self.clock.fail(Some(self.retry_delay())),
            (StepKind::NetworkLost, _) => {
                self.clock.fail(None);
                self.mark(Marks::LOST);
                self.set_error(profile.disconnected, None);
            }
            (StepKind::NoProgressTimeout, Some(hr)) => self.set_error(hr, self.error_file),
            _ => {}
        }
        Ok(())
    }

    /// Only the current file of a transferring job gets bytes.
    fn fetches(&self, kind: StepKind, file: Option<FileId>) -> Result<(), Refused> {
        contract::follows!["scheduler.one-file"];
        if self.state != JobState::Transferring {
            return Err(Refused::NoEdge { from: self.state, step: kind });
        }
        let current = self.current_file();
        let right = current.is_some() && file == current;
        if right { Ok(()) } else { Err(Refused::WrongFile) }
    }

    fn bytes_arrive(&mut self, transferred: Size, total: Size) -> Result<(), Refused> {
        let known = self.sizes[usize::from(self.whole)];
        let beside = total != known;
        let back = transferred < self.bytes;
        if beside || back {
            return Err(Refused::WrongBytes);
        }
        self.fits(transferred, known)?;
        self.bytes = transferred;
        Ok(())
    }

    /// Bytes never exceed the total (R14). The unknown size has room for all.
    fn fits(&self, bytes: Size, total: Size) -> Result<(), Refused> {
        if bytes <= total { Ok(()) } else { Err(Refused::WrongBytes) }
    }

    /// A whole file has all its bytes, and a size from now on. The last one ends the transfer.
    fn file_is_whole(&mut self, profile: &Profile) -> Result<(), Refused> {
        let size = &mut self.sizes[usize::from(self.whole)];
        if !size.is_known() {
            *size = self.bytes;
        }
        self.bytes = Size::ZERO;
        self.cause_file(profile, self.whole);
        self.whole += 1;
        if self.has_work() { Ok(()) } else { self.follow(profile, StepKind::FileDone) }
    }

    /// Every failure counts but a lost network (semantics l).
    fn fails(&mut self, hr: HResult, file: Option<FileId>) -> Result<(), Refused> {
        let current = FileId(self.whole.into());
        if file.is_some_and(|file| file != current) {
            return Err(Refused::WrongFile);
        }
        self.set_error(hr, file.map(|_| self.whole));
        self.error_count = self.error_count.saturating_add(1);
        Ok(())
    }

    fn set_error(&mut self, hr: HResult, file: Option<u8>) {
        self.mark(Marks::ERROR);
        self.error = hr;
        self.error_file = file;
    }

    /// Only whole files are renamed (R15). [`World::disk`] receives what became of the job.
    fn touches_disk(&self, act: DiskAct, file: Option<FileId>) -> Result<(), Refused> {
        let whole = file.is_some_and(|file| file.0 < u32::from(self.whole));
        match act {
            DiskAct::Renamed | DiskAct::RenameFailed if !whole => Err(Refused::Unfinished),
            _ => Ok(()),
        }
    }
}

/// Whether an error names the file it is about, in the dialect's contexts (facts D4, G37).
fn is_about_a_file(profile: &Profile, hr: HResult, context: ErrorContext) -> bool {
    match profile.contexts {
        Contexts::Real => matches!(context, ErrorContext::RemoteFile | ErrorContext::LocalFile),
        Contexts::RemoteFileFor403 => hr == HResult::BG_E_HTTP_ERROR_403,
    }
}
