//! API calls: what each answers in each state, and what it changes (facts B1 to B5).
//!
//! All calls have one order of checks: is the method there, is the job there, is it finalising, does its state
//! allow the call (facts G57), are the values good. Only then anything changes.

use contract::answers::{self, Class};
use contract::core::{DiskOutcome, DiskWork, Then};
use contract::dialect::{Profile, ResumeTarget};
use contract::{
    Call, Completed, Event, FileId, FileNames, FileProgress, HResult, Interfaces, JobId, JobState, Method,
    Millis, Priority, Progress, ReceiverId, Text, UserId, names,
};

use super::World;
use super::events::Events;
use super::job::{Finalising, Job, MAX_FILES, Marks, Size, Told};
use super::reply::{Expected, Presence, Reply};
use super::step::Slot;

impl<const J: usize> World<J> {
    /// An API call. Every call in every state has an answer; a failed one changes nothing (R11).
    ///
    /// Complete and Cancel only begin here: they answer [`Then::Disk`], and [`World::disk`] ends them. A call on a job in
    /// between is [`Then::Busy`] and has to be made again.
    pub fn call(&mut self, profile: &Profile, user: UserId, job: Option<JobId>, call: &Call) -> Reply {
        let state = self.state_asked(call.method(), job);
        let reply = self.answer(profile, user, job, call);
        reply.mutated(profile, call.method(), state)
    }

    /// The state on which an answer depends. The manager's methods other than GetJob answer as of a new job.
    fn state_asked(&self, method: Method, job: Option<JobId>) -> JobState {
        let depends = answers::class(method) != Class::Manager || method == Method::GetJob;
        job.filter(|_| depends).and_then(|job| self.state(job)).unwrap_or(JobState::Suspended)
    }

    fn answer(&mut self, profile: &Profile, user: UserId, job: Option<JobId>, call: &Call) -> Reply {
        let method = call.method();
        if answers::is_omitted(profile, method) {
            return Reply::of(HResult::E_NOTIMPL);
        }
        if answers::class(method) == Class::Manager {
            return self.manage(profile, user, job, call);
        }
        let Some(index) = self.index(job) else { return Reply::of(profile.not_found) };
        match method {
            Method::Resume => {
                let slot = self.slot(profile, index);
                self.jobs[index].resume(profile, slot)
            }
            _ => self.jobs[index].call(profile, call),
        }
    }

    /// What the call that ends this job does to its files, in order (facts B1): Complete renames what is whole and removes the rest,
    /// Cancel removes everything that it has not renamed.
    pub fn disk_work(&self, job: JobId) -> impl Iterator<Item = DiskWork> {
        let job = self.index(Some(job)).map(|index| &self.jobs[index]);
        let (renames, removes) = match job.map(|job| (job.finalising, job)) {
            Some((Finalising::Complete, job)) => (job.renamed..job.whole, job.whole..job.files),
            Some((Finalising::Cancel, job)) => (0..0, job.renamed..job.files),
            Some((Finalising::No, _)) | None => (0..0, 0..0),
        };
        let file = |number: u8| FileId(number.into());
        renames
            .map(move |at| DiskWork::Rename(file(at)))
            .chain(removes.map(move |at| DiskWork::Remove(file(at))))
    }

    /// The disk work of a finalising job is done: the Complete or Cancel that began it answers.
    pub fn disk(&mut self, profile: &Profile, job: JobId, outcome: &DiskOutcome) -> Reply {
        let Some(index) = self.index(Some(job)) else { return Reply::of(profile.not_found) };
        let job = &mut self.jobs[index];
        let state = job.state;
        match job.finalising {
            Finalising::Cancel => job.cancelled(profile, outcome).mutated(profile, Method::Cancel, state),
            Finalising::Complete => job.completed(profile, outcome).mutated(profile, Method::Complete, state),
            Finalising::No => Reply::of(profile.invalid_state),
        }
    }

    /// The methods that are not about one job's state (facts B3).
    fn manage(&mut self, profile: &Profile, user: UserId, job: Option<JobId>, call: &Call) -> Reply {
        match call {
            Call::CreateJob { name, kind } => self.create(profile, user, name.as_ref(), *kind),
            Call::GetJob => self.find(profile, user, job),
            Call::EnumJobs { whose: contract::call::Whose::All } => Reply::of(HResult::E_ACCESSDENIED),
            Call::EnumJobs { .. } => Reply::ok(Expected::Jobs(self.listed(user))),
            Call::GetErrorDescription { language, .. } => described(*language),
            Call::EnumJobsNext { skip, celt, fetched } => {
                let rest = skip_jobs(self.listed(user), *skip);
                let jobs = rest & !skip_jobs(rest, *celt);
                next(*celt, *fetched, jobs.count_ones(), Expected::Jobs(jobs))
            }
            Call::EnumJobsSkip { celt } => skip(*celt, self.listed(user).count_ones()),
            Call::EnumJobsGetCount => Reply::ok(Expected::Count(self.listed(user).count_ones())),
            Call::EnumJobsReset => Reply::of(HResult::S_OK),
            // A clone is an enumerator, which a stateless call cannot show.
            _ => Reply::ok(Expected::Unknown),
        }
    }

    /// A job that has ended is gone for every user (R10); a live one is its owner's, for there is no administrator here.
    fn find(&self, profile: &Profile, user: UserId, id: Option<JobId>) -> Reply {
        match id.and_then(|id| Some((id, self.job(id)?))) {
            Some((_, job)) if job.is_finalising() => Reply::BUSY,
            Some((_, job)) if !job.state.is_final() && job.owner != user => {
                Reply::of(HResult::E_ACCESSDENIED)
            }
            Some((id, job)) if !job.state.is_final() => Reply::ok(Expected::Job(id)),
            _ => Reply::of(profile.not_found),
        }
    }

    fn create(&mut self, profile: &Profile, user: UserId, name: Option<&Text>, kind: u32) -> Reply {
        if !is_display_name(name) {
            return Reply::of(HResult::E_INVALIDARG);
        }
        if kind != 0 {
            return Reply::of(HResult::E_NOTIMPL);
        }
        let own = self.listed(user).count_ones();
        if own >= profile.jobs_per_user {
            return Reply::of(HResult::BG_E_TOO_MANY_JOBS_PER_USER);
        }
        let live = self.jobs().iter().filter(|job| !job.state.is_final()).count();
        // A scope makes no more jobs than the world has places; one more is refused like one job too many.
        let full = live >= profile.jobs_per_machine as usize;
        if full || self.count() == J {
            return Reply::of(HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE);
        }
        let mut job = Job::new(profile, user);
        job.clock.start(self.now);
        Reply::ok(Expected::Job(self.push(job)))
    }

    /// The jobs of `user` that EnumJobs lists, a bit per job (facts G32).
    fn listed(&self, user: UserId) -> u32 {
        let jobs = self.jobs().iter().enumerate();
        let own = |job: &Job| job.owner == user;
        let live = |job: &Job| !job.state.is_final();
        jobs.filter(|(_, job)| own(job) && live(job)).fold(0, |set, (id, _)| set | 1 << id)
    }
}

impl Job {
    fn call(&mut self, profile: &Profile, call: &Call) -> Reply {
        let method = call.method();
        if self.is_finalising() {
            return Reply::BUSY;
        }
        if self.forbids(method) {
            return Reply::of(profile.invalid_state);
        }
        match answers::class(method) {
            Class::Suspend => self.suspend(profile),
            Class::Cancel => self.begin_to_end(Finalising::Cancel),
            Class::Complete => self.begin_to_end(Finalising::Complete),
            Class::Setter => match self.set(profile, call) {
                Ok(()) => {
                    if sets_something(call) {
                        self.clock.show_life();
                    }
                    if modifies(call) {
                        self.touch(profile);
                    }
                    Reply::of(HResult::S_OK)
                }
                Err(hr) => Reply::of(hr),
            },
            _ => self.get(profile, call).unwrap_or_else(Reply::of),
        }
    }

    /// Suspend stops what may run; a job in ERROR or TRANSFERRED is at rest already (facts G20).
    fn suspend(&mut self, profile: &Profile) -> Reply {
        let suspended = contract::state::targets(profile, self.state, contract::Cause::Call(Method::Suspend));
        if let Some(to) = suspended.last() {
            self.enter(profile, to);
        }
        Reply::of(HResult::S_OK)
    }

    /// Resume needs work; a job that is queued or runs already stays unchanged (facts B1).
    fn resume(&mut self, profile: &Profile, slot: Slot) -> Reply {
        if self.is_finalising() {
            return Reply::BUSY;
        }
        let answer = self.resume_answer(profile);
        if answer == HResult::S_OK && self.has_work() {
            let wanted = match (profile.resume_target, slot) {
                (ResumeTarget::TransferringIfSlot, Slot::Free) => JobState::Transferring,
                _ => JobState::Queued,
            };
            let cause = contract::Cause::Call(Method::Resume);
            if contract::state::is_edge(profile, self.state, cause, wanted) {
                // A client starts the job again, and with it the no-progress clock (facts G41).
                if self.state != JobState::TransientError {
                    self.clock.start_again(profile);
                }
                self.enter(profile, wanted);
                self.end_retry_wait(profile);
            }
        }
        Reply::of(answer)
    }

    /// A wait to deliver the event of the state that the job has just left delays nothing else, unless a file's event still waits.
    fn end_retry_wait(&mut self, profile: &Profile) {
        let files = super::delivery::pending(self, profile) & Events::FILES;
        if files.is_empty() {
            self.unmark(Marks::OWED);
        }
    }

    fn begin_to_end(&mut self, finalising: Finalising) -> Reply {
        self.finalising = finalising;
        self.clock.end_slice();
        Reply::DISK
    }

    fn cancelled(&mut self, profile: &Profile, outcome: &DiskOutcome) -> Reply {
        self.enter(profile, JobState::Cancelled);
        let clean = outcome.left_behind == 0;
        Reply::of(if clean { HResult::S_OK } else { profile.unable_to_delete })
    }

    /// A failed rename keeps what is renamed, and the job in its state (R11, facts G28).
    fn completed(&mut self, profile: &Profile, outcome: &DiskOutcome) -> Reply {
        if let Some((file, hr)) = outcome.rename_failed {
            let before = u8::try_from(file.0).unwrap_or(u8::MAX).min(self.whole);
            self.renamed = self.renamed.max(before);
            self.finalising = Finalising::No;
            return Reply::of(hr);
        }
        self.renamed = self.whole;
        // Nothing finished is partial too, even in a job without files (facts G27); partial wins (facts G29).
        let partial = self.has_work() || self.whole == 0;
        self.enter(profile, JobState::Acknowledged);
        Reply::of(match (partial, outcome.left_behind) {
            (true, _) => profile.partial_complete,
            (false, 0) => HResult::S_OK,
            (false, _) => profile.unable_to_delete,
        })
    }

    fn set(&mut self, profile: &Profile, call: &Call) -> Result<(), HResult> {
        match call {
            Call::AddFile { file } => self.add_files(profile, std::slice::from_ref(file)),
            Call::AddFileSet { files } => self.add_files(profile, files),
            Call::SetDisplayName { name } => {
                let good = is_display_name(name.as_ref());
                good.then_some(()).ok_or(HResult::E_INVALIDARG)
            }
            Call::SetDescription { description } => {
                let text = description.as_ref().ok_or(HResult::E_INVALIDARG)?;
                fits(text, names::MAX_DESCRIPTION)
            }
            Call::SetPriority { priority } => {
                self.priority = Priority::from_raw(*priority).ok_or(HResult::E_NOTIMPL)?;
                Ok(())
            }
            Call::SetNotifyFlags { flags } => self.set_flags(profile, *flags),
            Call::SetNotifyInterface { receiver } => {
                let receiver = receiver.map(|receiver| (receiver.id, receiver.interfaces));
                self.register(profile, receiver)
            }
            Call::SetMinimumRetryDelay { seconds } => {
                let floor = u32::try_from(profile.retry_delay_floor.as_secs()).unwrap_or(u32::MAX);
                self.retry_delay_s = floor.max(*seconds);
                Ok(())
            }
            Call::SetNoProgressTimeout { seconds } => {
                self.no_progress_s = *seconds;
                self.mark(Marks::TIMEOUT_SET);
                Ok(())
            }
            Call::SetNotifyCmdLine { program, parameters } => {
                self.set_program(program.as_ref(), parameters.as_ref())
            }
            Call::FileSetRemoteName { file, remote } => {
                self.file(*file)?;
                let good = names::check_remote(remote).is_good();
                good.then_some(()).ok_or(HResult::E_INVALIDARG)
            }
            _ => Err(HResult::E_NOTIMPL),
        }
    }

    /// All files or none (facts G62). Names come first, then the number.
    fn add_files(&mut self, profile: &Profile, files: &[FileNames]) -> Result<(), HResult> {
        let good = |file: &FileNames| {
            names::check_remote(&file.remote).is_good() && names::check_local(&file.local).is_good()
        };
        if !files.iter().all(good) {
            return Err(HResult::E_INVALIDARG);
        }
        let room = MAX_FILES.min(profile.files_per_job as usize).saturating_sub(usize::from(self.files));
        if files.len() > room {
            return Err(HResult::BG_E_TOO_MANY_FILES_IN_JOB);
        }
        self.files += files.len() as u8;
        Ok(())
    }

    fn set_flags(&mut self, profile: &Profile, flags: u32) -> Result<(), HResult> {
        if flags & !profile.accepted_flags().bits() != 0 {
            return Err(HResult::E_NOTIMPL);
        }
        self.mask = flags as u8;
        self.drop_unheard_change(profile);
        Ok(())
    }

    /// A new epoch, also with the object that is registered already, or none (semantics e and f).
    fn register(
        &mut self,
        profile: &Profile,
        receiver: Option<(ReceiverId, Interfaces)>,
    ) -> Result<(), HResult> {
        let (id, interfaces) = receiver.unwrap_or((ReceiverId(0), Interfaces::empty()));
        let useless = receiver.is_some() && !interfaces.contains(Interfaces::CALLBACK);
        if useless {
            return Err(HResult::E_NOINTERFACE);
        }
        self.receiver = id;
        // No event is ever delivered through Callback3 here, so having it makes no difference.
        self.interfaces = interfaces & (Interfaces::CALLBACK | Interfaces::CALLBACK2);
        let gone = Marks::OWED | Marks::PROGRAM_NEXT | Marks::TELLS_TRANSFERRED | Marks::TELLS_ERROR;
        self.unmark(gone);
        if self.in_flight > 0 {
            self.epoch = self.epoch.wrapping_add(1);
        }
        if profile.late_replay.is_on() {
            for event in [Event::JobTransferred, Event::JobError] {
                if let Some(told) = self.told(event).filter(|told| **told == Told::Acknowledged) {
                    *told = Told::Due;
                }
            }
        }
        self.drop_unheard_change(profile);
        Ok(())
    }

    /// NULL and NULL remove the program; parameters alone make no sense (facts B4).
    fn set_program(&mut self, program: Option<&Text>, parameters: Option<&Text>) -> Result<(), HResult> {
        contract::follows!["program.removed", "program.parameters-alone", "program.limits"];
        match program {
            None if parameters.is_some() => {
                return Err(HResult::E_INVALIDARG);
            }
            None => {
                // The interface has failed already, so its next turn is a retry and waits like one.
                if self.marks.contains(Marks::PROGRAM_NEXT) {
                    self.mark(Marks::OWED);
                    self.clock.tell_again(self.retry_delay());
                }
                self.unmark(Marks::PROGRAM);
                self.unmark(Marks::PROGRAM_NEXT);
            }
            Some(program) => {
                fits(program, names::MAX_PATH)?;
                parameters.map_or(Ok(()), |text| fits(text, names::MAX_PARAMETERS))?;
                self.mark(Marks::PROGRAM);
            }
        }
        Ok(())
    }

    fn get(&self, profile: &Profile, call: &Call) -> Result<Reply, HResult> {
        let is_there = self.marks.contains(Marks::ERROR);
        let error = || is_there.then_some(self.error).ok_or(profile.no_error_information);
        let files = u32::from(self.files);
        let out = match call {
            Call::EnumFiles => Expected::Files { first: 0, count: files },
            Call::GetType => Expected::Count(0),
            Call::GetOwner => Expected::Count(self.owner.0),
            Call::GetProgress => self.progress(),
            Call::GetState => Expected::State(self.state),
            Call::GetError | Call::ErrorGetError => Expected::Error {
                hr: error()?,
                context: self.error_context(profile),
                file: self.error_file.map(|file| FileId(file.into())),
            },
            Call::ErrorGetFile => {
                error()?;
                Expected::File(FileId(self.error_file.ok_or(profile.file_not_available)?.into()))
            }
            Call::ErrorGetErrorDescription { language }
            | Call::ErrorGetErrorContextDescription { language } => {
                error()?;
                return Ok(described(*language));
            }
            Call::ErrorGetProtocol => {
                error()?;
                self.error_file.ok_or(HResult::BG_E_PROTOCOL_NOT_AVAILABLE)?;
                Expected::Unknown
            }
            Call::GetPriority => Expected::Priority(self.priority),
            Call::GetNotifyFlags => Expected::Flags(self.mask()),
            Call::GetNotifyInterface => {
                Expected::Receiver((!self.interfaces.is_empty()).then_some(self.receiver))
            }
            Call::GetMinimumRetryDelay => Expected::Delay(Millis::from_secs(self.retry_delay_s.into())),
            Call::GetNoProgressTimeout => Expected::Delay(Millis::from_secs(self.no_progress_s(profile))),
            // Beyond its range the count is no longer known.
            Call::GetErrorCount if self.error_count == u8::MAX => Expected::Unknown,
            Call::GetErrorCount => Expected::Count(self.error_count.into()),
            Call::GetNotifyCmdLine if self.marks.contains(Marks::PROGRAM) => {
                Expected::CommandLine(Presence::Set)
            }
            Call::GetNotifyCmdLine => Expected::CommandLine(Presence::Unset),
            Call::FileGetRemoteName { file } | Call::FileGetLocalName { file } => {
                self.file(*file)?;
                Expected::Unknown
            }
            Call::FileGetProgress { file } => self.file_progress(self.file(*file)?),
            Call::FileGetFileRanges { file } => {
                self.file(*file)?;
                return Ok(Reply { hr: HResult::S_FALSE, out: Expected::Unknown, then: Then::Return });
            }
            Call::EnumFilesNext { skip, celt, fetched } => {
                let first = (*skip).min(files);
                let count = (*celt).min(files - first);
                return Ok(next(*celt, *fetched, count, Expected::Files { first, count }));
            }
            Call::EnumFilesSkip { celt } => return Ok(skip(*celt, files)),
            Call::EnumFilesReset => Expected::Nothing,
            Call::EnumFilesGetCount => Expected::Count(files),
            _ => Expected::Unknown,
        };
        Ok(Reply::ok(out))
    }

    fn file(&self, file: FileId) -> Result<u8, HResult> {
        u8::try_from(file.0).ok().filter(|file| *file < self.files).ok_or(HResult::E_INVALIDARG)
    }

    /// The sum over the files (facts F): the total is unknown as long as the size of one file is.
    fn progress(&self) -> Expected {
        let sizes = &self.sizes[..usize::from(self.files)];
        let total = if sizes.iter().all(|size| size.is_known()) {
            match sizes.iter().map(|size| size.exact()).sum::<Option<u64>>() {
                None => return Expected::Unknown,
                known => known,
            }
        } else {
            None
        };
        let whole = self.sizes[..usize::from(self.whole)].iter().chain([&self.bytes]);
        let Some(bytes_transferred) = whole.map(|size| size.exact()).sum() else { return Expected::Unknown };
        Expected::Progress(Progress {
            bytes_total: total,
            bytes_transferred,
            files_total: self.files.into(),
            files_transferred: self.whole.into(),
        })
    }

    fn file_progress(&self, file: u8) -> Expected {
        let size = self.sizes[usize::from(file)];
        let bytes = match file.cmp(&self.whole) {
            std::cmp::Ordering::Less => size,
            std::cmp::Ordering::Equal => self.bytes,
            std::cmp::Ordering::Greater => Size::ZERO,
        };
        let (Some(bytes_transferred), false) = (bytes.exact(), size.is_known() && size.exact().is_none())
        else {
            return Expected::Unknown;
        };
        Expected::FileProgress(FileProgress {
            bytes_total: size.exact(),
            bytes_transferred,
            completed: match file < self.renamed {
                true => Completed::Yes,
                false => Completed::No,
            },
        })
    }

    /// The FileTransferred events of the files that are whole and not renamed, for R15's witness.
    pub(super) fn temporary_whole(&self) -> Events {
        Events::first_files(self.whole) & !Events::first_files(self.renamed)
    }
}

/// Whether a setter that succeeds sets anything: an empty set of files does not.
fn sets_something(call: &Call) -> bool {
    !matches!(call, Call::AddFileSet { files } if files.is_empty())
}

/// The setters that cause JobModification, equal values included (semantics n).
fn modifies(call: &Call) -> bool {
    match call {
        Call::AddFileSet { files } => !files.is_empty(),
        _ => matches!(
            call.method(),
            Method::AddFile
                | Method::SetDisplayName
                | Method::SetDescription
                | Method::SetPriority
                | Method::SetMinimumRetryDelay
                | Method::SetNoProgressTimeout
                | Method::FileSetRemoteName
        ),
    }
}

fn is_display_name(name: Option<&Text>) -> bool {
    name.is_some_and(|name| fits(name, names::MAX_DISPLAY_NAME).is_ok())
}

fn fits(text: &str, limit: usize) -> Result<(), HResult> {
    // Most texts are short enough in bytes, and then need no counting.
    let fits = text.len() <= limit || text.chars().count() <= limit;
    fits.then_some(()).ok_or(HResult::BG_E_STRING_TOO_LONG)
}

/// A sentence about a code: there are neutral and English ones.
fn described(language: u32) -> Reply {
    match language {
        0 | 0x0409 => Reply::ok(Expected::Unknown),
        _ => Reply::of(HResult::ERROR_RESOURCE_LANG_NOT_FOUND),
    }
}

/// `Next` of an enumerator: S_FALSE when there are fewer than asked for (facts B5).
fn next(celt: u32, fetched: contract::call::Fetched, count: u32, out: Expected) -> Reply {
    if fetched == contract::call::Fetched::Null && celt != 1 {
        return Reply::of(HResult::E_INVALIDARG);
    }
    let hr = if count == celt { HResult::S_OK } else { HResult::S_FALSE };
    Reply { hr, out, then: Then::Return }
}

/// `Skip` of an enumerator: S_FALSE when it comes to the end too early.
fn skip(celt: u32, count: u32) -> Reply {
    Reply::of(if celt <= count { HResult::S_OK } else { HResult::S_FALSE })
}

/// The set without its first `count` jobs.
fn skip_jobs(mut jobs: u32, count: u32) -> u32 {
    for _ in 0..count.min(u32::BITS) {
        jobs &= jobs.wrapping_sub(1);
    }
    jobs
}
