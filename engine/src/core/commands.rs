//! The API calls that change something (facts B1, B2, B4), and the two halves of Complete and Cancel.
//!
//! State is checked before values (facts G57), and nothing is changed before every check has passed (R11).

use contract::answers::{self, Class};
use contract::call::{CommandLine, FileNames, Priority, Text};
use contract::core::{Answer, Change, DiskOutcome, DiskWork, Then};
use contract::dialect::{NoProgressFrom, ResumeTarget};
use contract::fault;
use contract::names::{self, Checked};
use contract::{
    Call, FileId, HResult, Interfaces, JobId, JobState, Millis, NotifyFlags, Out, Receiver, UserId,
};

use super::Core;
use super::deliveries::Forbids;
use super::job::{Ending, File, FilePhase, Job, Told};

impl Core {
    pub(super) fn command(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
        let method = call.method();
        if answers::is_omitted(self.profile(), method) {
            return Answer::of(HResult::E_NOTIMPL);
        }
        if answers::class(method) == Class::Manager {
            return self.manage(user, job, call);
        }
        let Some(id) = job.filter(|id| self.job(*id).is_some()) else {
            return Answer::of(self.profile().not_found);
        };
        if let Some(job) = self.job(id)
            && job.ending.is_some()
        {
            return Answer { hr: HResult::S_OK, out: Out::None, then: Then::Busy };
        }
        match answers::class(method) {
            Class::Getter | Class::ErrorGetter => self.get(id, call),
            _ if self.state_of(id).is_final() => Answer::of(self.profile().invalid_state),
            _ => self.change(id, call),
        }
    }

    fn change(&mut self, id: JobId, call: &Call) -> Answer {
        match call {
            Call::Suspend => self.suspend(id),
            Call::Resume => self.resume(id),
            Call::Cancel => self.begin_ending(id, Ending::Cancel),
            Call::Complete => self.begin_ending(id, Ending::Complete),
            Call::AddFile { file } => self.add_files(id, std::slice::from_ref(file)),
            Call::AddFileSet { files } => self.add_files(id, files),
            Call::SetDisplayName { name } => self.set_display_name(id, name.as_ref()),
            Call::SetDescription { description } => self.set_description(id, description.as_ref()),
            Call::SetPriority { priority } => self.set_priority(id, *priority),
            Call::SetMinimumRetryDelay { seconds } => {
                let floor = self.profile().retry_delay_floor;
                let delay = Millis::from_secs(u64::from(*seconds)).max(floor);
                self.set_property(id, |job| job.retry_delay = delay)
            }
            Call::SetNoProgressTimeout { seconds } => {
                let timeout = Millis::from_secs(u64::from(*seconds));
                self.set_property(id, |job| job.no_progress = Some(timeout))
            }
            Call::FileSetRemoteName { file, remote } => self.set_remote_name(id, *file, remote),
            Call::SetNotifyFlags { flags } => self.set_notify_flags(id, *flags),
            Call::SetNotifyInterface { receiver } => self.set_notify_interface(id, *receiver),
            Call::SetNotifyCmdLine { program, parameters } => {
                self.set_notify_cmd_line(id, program.as_ref(), parameters.as_ref())
            }
            // Every other method is a getter, a manager's method or omitted, and was answered before.
            _ => Answer::of(HResult::E_NOTIMPL),
        }
    }

    fn suspend(&mut self, id: JobId) -> Answer {
        while fault!(self, SuspendSpins) && self.state_of(id) == JobState::Transferring {
            std::hint::spin_loop();
        }
        let stays = match self.state_of(id) {
            JobState::Error => !fault!(self, SuspendLeavesError),
            state => matches!(state, JobState::Suspended | JobState::Transferred),
        };
        if !stays {
            self.enter(id, JobState::Suspended, None, None);
        }
        Answer::of(HResult::S_OK)
    }

    fn resume(&mut self, id: JobId) -> Answer {
        let Some(job) = self.job(id) else { return Answer::of(self.profile().not_found) };
        let state = job.state;
        let work = job.next_file().is_some();
        match state {
            JobState::Suspended if !work && fault!(self, EmptyResumeSucceeds) => {
                return Answer::of(HResult::S_OK);
            }
            JobState::Suspended if !work => return Answer::of(self.profile().empty),
            JobState::Transferred if !work => return Answer::of(self.profile().resume_transferred),
            JobState::Queued | JobState::Connecting | JobState::Transferring => {
                return Answer::of(HResult::S_OK);
            }
            _ => {}
        }
        if state != JobState::TransientError {
            self.restart_no_progress_clock(id);
        }
        let straight =
            self.profile().resume_target == ResumeTarget::TransferringIfSlot && self.has_transfer_slot();
        let straight = straight || fault!(self, ResumeSkipsQueue);
        let target = if straight { JobState::Transferring } else { JobState::Queued };
        self.enter(id, target, None, None);
        self.end_retry_wait(id);
        let then = self.job(id).map_or(Then::Return, |job| match state {
            JobState::Error | JobState::Transferred if !fault!(self, ResumeReturnsEarly) => {
                self.wait_for(job, Forbids::JobEvents)
            }
            _ => Then::Return,
        });
        Answer { hr: HResult::S_OK, out: Out::None, then }
    }

    /// The no-progress clock starts again where a client starts the job again (facts G41).
    fn restart_no_progress_clock(&mut self, id: JobId) {
        let now = self.now;
        let from = self.profile().no_progress_from;
        if let Some(job) = self.job_mut(id) {
            job.no_progress_from = (from == NoProgressFrom::LastProgress).then_some(now);
        }
    }

    /// A retry wait for the event of the state just left delays nothing else, unless the FileTransferred of a file is still pending.
    fn end_retry_wait(&mut self, id: JobId) {
        let profile = self.config.profile;
        if let Some(job) = self.job_mut(id)
            && job.pending_files(&profile).next().is_none()
        {
            job.tell_again_at = None;
        }
    }

    fn add_files(&mut self, id: JobId, files: &[FileNames]) -> Answer {
        let bad = |file: &FileNames| {
            !names::check_remote(&file.remote).is_good() || !names::check_local(&file.local).is_good()
        };
        if let Some(first) = files.iter().position(bad) {
            if fault!(self, RefusedFilesStick) && first > 0 {
                let _ = self.add_files(id, &files[..first]);
            }
            return Answer::of(HResult::E_INVALIDARG);
        }
        let room = self.profile().files_per_job as usize;
        if self.job(id).is_some_and(|job| job.files.len() + files.len() > room) {
            return Answer::of(HResult::BG_E_TOO_MANY_FILES_IN_JOB);
        }
        if files.is_empty() {
            // No file was added, so there is no modification to report (R8).
            return Answer::of(HResult::S_OK);
        }
        self.set_property(id, |job| {
            job.files.extend(files.iter().map(|names| File {
                remote: names.remote.clone(),
                local: names.local.clone(),
                size: None,
                transferred: 0,
                phase: FilePhase::Unfinished,
                told: Told::No,
            }));
        })
    }

    fn set_display_name(&mut self, id: JobId, name: Option<&Text>) -> Answer {
        match name.filter(|name| fits(name, names::MAX_DISPLAY_NAME)) {
            Some(name) => self.set_property(id, |job| job.name = name.clone()),
            None => {
                if let (Some(name), true) = (name, fault!(self, RefusedNameSticks)) {
                    let _ = self.set_property(id, |job| job.name = name.clone());
                }
                Answer::of(HResult::E_INVALIDARG)
            }
        }
    }

    fn set_description(&mut self, id: JobId, description: Option<&Text>) -> Answer {
        match description {
            None => Answer::of(HResult::E_INVALIDARG),
            Some(text) if !fits(text, names::MAX_DESCRIPTION) => Answer::of(HResult::BG_E_STRING_TOO_LONG),
            Some(text) => self.set_property(id, |job| job.description = text.clone()),
        }
    }

    fn set_priority(&mut self, id: JobId, raw: u32) -> Answer {
        match Priority::from_raw(raw) {
            Some(priority) => {
                let answer = self.set_property(id, |job| job.priority = priority);
                self.start_slice(id);
                answer
            }
            None => Answer::of(HResult::E_NOTIMPL),
        }
    }

    fn set_remote_name(&mut self, id: JobId, file: FileId, remote: &Text) -> Answer {
        let known = self.job(id).is_some_and(|job| file.index() < job.files.len());
        match names::check_remote(remote) {
            Checked::Good if known => {
                self.set_property(id, |job| job.files[file.index()].remote = remote.clone())
            }
            _ => Answer::of(HResult::E_INVALIDARG),
        }
    }

    fn set_property(&mut self, id: JobId, set: impl FnOnce(&mut Job)) -> Answer {
        let (profile, now) = (self.config.profile, self.now);
        if let Some(job) = self.job_mut(id) {
            set(job);
            job.note_property(&profile, now);
        }
        Answer::of(HResult::S_OK)
    }

    fn set_notify_flags(&mut self, id: JobId, raw: u32) -> Answer {
        let accepted = self.profile().accepted_flags();
        let Some(mask) = NotifyFlags::from_bits(raw).filter(|mask| accepted.contains(*mask)) else {
            if fault!(self, RefusedFlagsStick) {
                let kept = NotifyFlags::from_bits_truncate(raw) & accepted;
                let _ = self.set_notification(id, Forbids::Masked, |job| job.mask = kept);
            }
            return Answer::of(HResult::E_NOTIMPL);
        };
        let nothing_new = fault!(self, MaskNothingNew) && self.masks_what_has_begun(id);
        let (profile, is_modification) = (self.config.profile, fault!(self, FlagsAreModification));
        let forbids = if fault!(self, MaskWaitsForAny) { Forbids::All } else { Forbids::Masked };
        let answer = self.set_notification(id, forbids, |job| {
            job.mask = mask;
            if is_modification {
                job.note_modification(&profile);
            }
        });
        let early = nothing_new || fault!(self, MaskReturnsEarly);
        if early { Answer::of(answer.hr) } else { answer }
    }

    fn set_notify_interface(&mut self, id: JobId, receiver: Option<Receiver>) -> Answer {
        if receiver.is_some_and(|receiver| !receiver.interfaces.contains(Interfaces::CALLBACK)) {
            if fault!(self, RefusedObjectUnregisters) {
                let _ = self.set_notification(id, Forbids::Interfaces, |job| job.receiver = None);
            }
            return Answer::of(HResult::E_NOINTERFACE);
        }
        let same = receiver.is_some() && self.job(id).is_some_and(|job| job.receiver == receiver);
        if fault!(self, SameObjectNoEpoch) && same {
            return Answer::of(HResult::S_OK);
        }
        self.start_epoch(id);
        let answer = self.set_notification(id, Forbids::Interfaces, |job| job.receiver = receiver);
        if fault!(self, RegisterReturnsEarly) { Answer::of(answer.hr) } else { answer }
    }

    fn set_notify_cmd_line(
        &mut self,
        id: JobId,
        program: Option<&Text>,
        parameters: Option<&Text>,
    ) -> Answer {
        let line = match (program, parameters) {
            (None, Some(_)) => return Answer::of(HResult::E_INVALIDARG),
            (None, None) => None,
            (Some(program), parameters) => {
                let parameters = parameters.cloned().unwrap_or_default();
                if !fits(program, names::MAX_PATH) || !fits(&parameters, names::MAX_PARAMETERS) {
                    return Answer::of(HResult::BG_E_STRING_TOO_LONG);
                }
                Some(CommandLine { program: program.clone(), parameters })
            }
        };
        self.set_program(id, line);
        let answer = self.set_notification(id, Forbids::Programs, |_| ());
        if fault!(self, CmdLineReturnsEarly) { Answer::of(answer.hr) } else { answer }
    }

    /// A change of mask, registration or program takes effect now, and waits for what it forbids (clause 3).
    fn set_notification(&mut self, id: JobId, forbids: Forbids, set: impl FnOnce(&mut Job)) -> Answer {
        let (profile, now) = (self.config.profile, self.now);
        if let Some(job) = self.job_mut(id) {
            set(job);
            job.drop_unheard_modification(&profile);
            job.modified = now;
            job.alive_from = now;
        }
        let then = self.job(id).map_or(Then::Return, |job| self.wait_for(job, forbids));
        Answer { hr: HResult::S_OK, out: Out::None, then }
    }

    /// The first half of Complete and Cancel: from here to [`Core::disk_done`] the job is finalising (semantics h).
    fn begin_ending(&mut self, id: JobId, ending: Ending) -> Answer {
        if let Some(job) = self.job_mut(id) {
            job.ending = Some(ending);
            job.stop_transfer();
        }
        Answer { hr: HResult::S_OK, out: Out::None, then: Then::Disk }
    }

    pub(super) fn disk_work_of(&self, job: &Job) -> Vec<DiskWork> {
        let all_are_renamed = fault!(self, PartialRenamesUnfinished);
        let done_are_kept = fault!(self, CancelKeepsDone);
        let numbered =
            || job.files.iter().enumerate().map(|(index, file)| (FileId(index as u32), file.phase));
        let renames = numbered()
            .filter(|(_, phase)| match phase {
                FilePhase::Done => true,
                FilePhase::Unfinished => all_are_renamed,
                FilePhase::Renamed => false,
            })
            .filter(|_| job.ending == Some(Ending::Complete))
            .map(|(file, _)| DiskWork::Rename(file));
        let removes = numbered()
            .filter(|(_, phase)| match job.ending {
                Some(Ending::Complete) => *phase == FilePhase::Unfinished && !all_are_renamed,
                Some(Ending::Cancel) if done_are_kept => *phase == FilePhase::Unfinished,
                Some(Ending::Cancel) => *phase != FilePhase::Renamed,
                None => false,
            })
            .map(|(file, _)| DiskWork::Remove(file));
        renames.chain(removes).collect()
    }

    /// The second half of Complete and Cancel.
    pub(super) fn disk_done(&mut self, id: JobId, outcome: &DiskOutcome) -> Answer {
        let late =
            Some(Ending::Complete).filter(|_| fault!(self, LateDiskCompletes) && self.job(id).is_some());
        let Some(ending) = self.job(id).and_then(|job| job.ending).or(late) else {
            return Answer::of(self.profile().invalid_state);
        };
        let hr = match ending {
            Ending::Cancel => self.left_behind(outcome),
            Ending::Complete => match self.complete(id, outcome) {
                Ok(hr) => hr,
                Err(hr) => {
                    // It transfers again, and on a slice of time again (semantics j).
                    if !fault!(self, SliceLostByComplete) {
                        self.start_slice(id);
                    }
                    return Answer::of(hr);
                }
            },
        };
        let to = match ending {
            Ending::Cancel => JobState::Cancelled,
            Ending::Complete => JobState::Acknowledged,
        };
        self.enter(id, to, None, None);
        let early = match ending {
            Ending::Cancel => fault!(self, CancelReturnsEarly),
            Ending::Complete => fault!(self, CompleteReturnsEarly),
        };
        let forbidden = self.job(id).filter(|_| !early);
        let then = forbidden.map_or(Then::Return, |job| self.wait_for(job, Forbids::All));
        Answer { hr, out: Out::None, then }
    }

    /// Marks what was renamed. An error leaves the job as it was, and its deliveries armed again (R11, facts G28).
    fn complete(&mut self, id: JobId, outcome: &DiskOutcome) -> Result<HResult, HResult> {
        let left_behind = self.left_behind(outcome);
        let partial = self.profile().partial_complete;
        let partial = if fault!(self, PartialIsWhole) { HResult::S_OK } else { partial };
        let forgets = fault!(self, RenamedForgotten) && outcome.rename_failed.is_some();
        let Some(job) = self.job_mut(id) else { return Err(left_behind) };
        let failed_at = outcome.rename_failed.map_or(usize::MAX, |(file, _)| file.index());
        let failed_at = if forgets { 0 } else { failed_at };
        for file in job.files.iter_mut().take(failed_at).filter(|file| file.phase == FilePhase::Done) {
            file.phase = FilePhase::Renamed;
        }
        if let Some((_, hr)) = outcome.rename_failed {
            job.ending = None;
            return Err(if hr.failed() { hr } else { HResult::E_FAIL });
        }
        let whole = !job.files.is_empty() && job.next_file().is_none();
        Ok(if whole { left_behind } else { partial })
    }

    fn left_behind(&self, outcome: &DiskOutcome) -> HResult {
        if outcome.left_behind > 0 { self.profile().unable_to_delete } else { HResult::S_OK }
    }

    fn manage(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
        match call {
            Call::CreateJob { name, kind } => self.create_job(user, name.as_ref(), *kind),
            Call::GetJob => match job.and_then(|id| self.job(id)).filter(|job| self.is_found(job)) {
                Some(found) if found.owner == user || fault!(self, OthersJobFound) => {
                    Answer::ok(job.map_or(Out::None, Out::Job))
                }
                Some(_) => Answer::of(HResult::E_ACCESSDENIED),
                None => Answer::of(self.profile().not_found),
            },
            _ => self.enumerate_jobs(user, call),
        }
    }

    /// Whether the manager still finds the job (R10).
    fn is_found(&self, job: &Job) -> bool {
        !job.state.is_final() || fault!(self, FinalJobFound)
    }

    fn create_job(&mut self, user: UserId, name: Option<&Text>, kind: u32) -> Answer {
        let Some(name) = name.filter(|name| fits(name, names::MAX_DISPLAY_NAME)) else {
            return Answer::of(HResult::E_INVALIDARG);
        };
        // Uploads are outside the project, and no other type is defined.
        if kind != 0 {
            return Answer::of(HResult::E_NOTIMPL);
        }
        let (all, own) = self.live_jobs(user);
        let limit = self.profile().jobs_per_user + u32::from(fault!(self, OneJobTooMany));
        if own >= limit {
            return Answer::of(HResult::BG_E_TOO_MANY_JOBS_PER_USER);
        }
        if all >= self.profile().jobs_per_machine {
            return Answer::of(HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE);
        }
        let id = self.jobs.push(Job::new(user, name.clone(), &self.config.profile, self.now));
        self.changes.push(Change {
            job: Some(id),
            file: None,
            step: None,
            state: Some((None, JobState::Suspended)),
        });
        Answer::ok(Out::Job(id))
    }

    /// Live jobs: all of them, and the user's.
    fn live_jobs(&self, user: UserId) -> (u32, u32) {
        if let Some(index) = self.index() {
            return index.live(user);
        }
        let live = self.ids().map(|(_, job)| job).filter(|job| !job.state.is_final());
        live.fold((0, 0), |(all, own), job| (all + 1, own + u32::from(job.owner == user)))
    }

    fn state_of(&self, id: JobId) -> JobState {
        self.job(id).map_or(JobState::Cancelled, |job| job.state)
    }
}

fn fits(text: &str, characters: usize) -> bool {
    text.len() <= characters || text.chars().count() <= characters
}
