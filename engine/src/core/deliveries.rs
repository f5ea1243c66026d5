//! Deliveries to clients: what is pending, what may begin, and what a leave means (contract section 4; semantics a to g).
//!
//! Claim, slot and begin are one step under the driver's lock, so there is never a claim that has not begun:
//! what clause 3 calls "revoke" is here that [`Core::choose`] no longer chooses it.

use contract::call::CommandLine;
use contract::core::{Delivery, Pending, Then};
use contract::defect::{Fault, Seeded};
use contract::event::{Leave, Target};
use contract::{DeliveryId, Event, FileId, HResult, Interfaces, JobId, JobState, NotifyFlags, UserId, fault};

use super::Core;
use super::job::{Job, Modification, Stage, Told};

/// A delivery that has begun, as the core remembers it until it leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Begun {
    pub(super) id: DeliveryId,
    pub(super) job: JobId,
    pub(super) user: UserId,
    pub(super) event: Event,
    pub(super) target: Target,
    pub(super) file: FileId,
    pub(super) epoch: u32,
    pub(super) cause: u32,
    pub(super) phase: Phase,
}

/// What is known of a begun delivery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    /// It has begun; whether the client's code runs yet is not known.
    Begun,
    /// It has called the engine, so it has entered: no call waits for it any more (clause 4).
    Called,
    /// It is a program, and its process exists (clause 6).
    Started,
}

impl Begun {
    pub(super) fn is_released(&self) -> bool {
        self.phase != Phase::Begun
    }

    fn holds_slot(&self) -> bool {
        matches!(self.target, Target::Interface(_))
    }
}

/// What a new situation forbids (clause 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Forbids {
    /// Every delivery of the job: Cancel and Complete.
    All,
    /// Deliveries that the new mask masks: SetNotifyFlags.
    Masked,
    /// Deliveries to an object: SetNotifyInterface.
    Interfaces,
    /// Deliveries to the program: SetNotifyCmdLine.
    Programs,
    /// JobTransferred and JobError: Resume out of their state.
    JobEvents,
}

impl Core {
    /// The pending events of a job (semantics c).
    pub(super) fn pending_of(&self, job: &Job) -> Pending {
        let mut pending = Pending::NONE;
        if !job.is_open() {
            return pending;
        }
        for file in self.files_to_tell(job) {
            pending = pending.with(Event::FileTransferred, file);
        }
        if let Some((event, _)) = self.pending_job_event(job) {
            pending = pending.with(event, FileId(0));
        }
        if job.modification == Modification::Pending {
            pending = pending.with(Event::JobModification, FileId(0));
        }
        pending
    }

    /// The delivery of this job that would begin now (semantics d).
    pub(super) fn choose(&self, id: JobId) -> Option<(Event, FileId, Target)> {
        let overlaps = fault!(self, DeliveriesOverlap);
        let job = self.job(id).filter(|job| job.is_open() && (job.begun.is_none() || overlaps))?;
        let may_begin = |target: &Target| {
            let alone =
                fault!(self, OneCallbackPerUser) && self.begun.iter().any(|begun| begun.user == job.owner);
            matches!(target, Target::CommandLine) || self.has_slot(job.owner) && !alone
        };
        let told_late = job.tell_again_at.is_some_and(|at| at > self.now);
        let important = if told_late { None } else { self.choose_important(id, job) };
        let quiet = || {
            let receiver = job.receiver.filter(|_| job.modification == Modification::Pending)?;
            Some((Event::JobModification, FileId(0), Target::Interface(receiver.id)))
        };
        important.or_else(quiet).filter(|(_, _, target)| may_begin(target))
    }

    /// The job whose delivery begins next, from the one after the last round to it.
    pub(super) fn next_to_tell(&self) -> Option<JobId> {
        let ready = |job: &JobId| self.choose(*job).is_some();
        let last = JobId(self.last_told);
        if let Some(index) = self.index() {
            return index.telling_after(last).find(ready);
        }
        let ids = || self.ids().map(|(id, _)| id);
        let after = ids().filter(|id| *id > last).find(ready);
        after.or_else(|| ids().take_while(|id| *id <= last).find(ready))
    }

    /// Claims and begins it.
    pub(super) fn begin(&mut self, id: JobId) -> Option<Delivery> {
        let (event, file, target) = self.choose(id)?;
        let delivery = DeliveryId(self.next_delivery);
        self.next_delivery = self.next_delivery.wrapping_add(1);
        let stays = fault!(self, ModificationStays);
        let job = self.job_mut(id)?;
        job.begun = Some(delivery);
        if event == Event::JobModification && !stays {
            job.modification = Modification::None;
        }
        let (user, epoch, cause) = (job.owner, job.epoch, job.cause);
        let phase = Phase::Begun;
        self.begun.push(Begun { id: delivery, job: id, user, event, target, file, epoch, cause, phase });
        let file = (event == Event::FileTransferred).then_some(file);
        Some(Delivery { id: delivery, job: id, user, event, target, file })
    }

    pub(super) fn find(&self, delivery: DeliveryId) -> Option<&Begun> {
        self.begun.iter().find(|begun| begun.id == delivery)
    }

    pub(super) fn delivery_called(&mut self, delivery: DeliveryId) {
        let ignored = fault!(self, CalledIsWaitedFor);
        if let Some(begun) = self.find_mut(delivery)
            && begun.phase == Phase::Begun
            && !ignored
        {
            begun.phase = Phase::Called;
        }
    }

    pub(super) fn program_started(&mut self, delivery: DeliveryId) {
        let is_program =
            |begun: &&Begun| begun.target == Target::CommandLine && begun.phase != Phase::Started;
        if fault!(self, ProgramIsWaitedFor) {
            return;
        }
        let Some(id) = self.find(delivery).filter(is_program).map(|begun| begun.job) else { return };
        let Some(job) = self.job_mut(id) else { return };
        job.begun = None;
        let epoch = job.epoch;
        if let Some(begun) = self.find_mut(delivery) {
            begun.phase = Phase::Started;
            // It enters now, so it is of the epoch that is now: a registration before it started does not replay it (R6).
            begun.epoch = epoch;
        }
    }

    pub(super) fn delivery_left(&mut self, delivery: DeliveryId, leave: Leave) {
        let known = self.begun.iter().position(|begun| begun.id == delivery);
        let stray = || self.begun.len().checked_sub(1).filter(|_| fault!(self, StrayLeaveEndsAnother));
        let Some(index) = known.or_else(stray) else { return };
        let begun = self.begun.remove(index);
        let delivery = begun.id;
        let acknowledged = self.acknowledges(&begun, leave);
        let doubled = fault!(self, RetryDelayDoubled);
        let tell_again_at = self.job(begun.job).map(|job| {
            let again = self.now.after(job.retry_delay);
            if doubled { again.after(job.retry_delay) } else { again }
        });
        let retry_transferred = self.profile().retry_transferred.is_on();
        let old_file_ack_lost = fault!(self, OldEpochFileAckLost);
        let told_again = fault!(self, ErrorToldAgain) && begun.event == Event::JobError;
        let seeded = self.config.seeded;
        let Some(job) = self.job_mut(begun.job) else { return };
        let acknowledged = acknowledged && !(told_again && is_current(job, &begun, seeded));
        if job.begun == Some(delivery) {
            job.begun = None;
        }
        match begun.event {
            Event::FileTransferred => {
                if acknowledged && old_file_ack_lost && begun.epoch != job.epoch {
                    return;
                }
                if acknowledged && let Some(file) = job.files.get_mut(begun.file.index()) {
                    file.told = Told::Yes;
                } else if !acknowledged && begun.epoch == job.epoch {
                    job.tell_again_at = tell_again_at;
                }
            }
            Event::JobTransferred | Event::JobError if is_current(job, &begun, seeded) => {
                let once = begun.event == Event::JobTransferred && !retry_transferred;
                let to_interface = matches!(begun.target, Target::Interface(_));
                if acknowledged {
                    job.told = Told::Yes;
                    job.stage = Stage::Start;
                } else if to_interface && job.command_line.is_some() {
                    job.stage = Stage::Program;
                } else if once {
                    job.told = Told::Yes;
                    job.stage = Stage::Start;
                } else {
                    job.stage = Stage::Start;
                    job.tell_again_at = tell_again_at;
                }
            }
            // A job's event of an older cause or epoch settles nothing, and a modification is never delivered again.
            _ => {}
        }
    }

    /// Whether the caller has to wait for a begun delivery of the job that the new situation forbids (clauses 3 and 4).
    pub(super) fn wait_for(&self, job: &Job, forbids: Forbids) -> Then {
        let Some(begun) = job.begun.and_then(|id| self.find(id)).filter(|begun| !begun.is_released()) else {
            return Then::Return;
        };
        let forbidden = match forbids {
            Forbids::All => true,
            Forbids::Masked => !self.profile().unmasked(job.mask, begun.event).is_yes(),
            Forbids::Interfaces => matches!(begun.target, Target::Interface(_)),
            Forbids::Programs => begun.target == Target::CommandLine,
            Forbids::JobEvents => matches!(begun.event, Event::JobTransferred | Event::JobError),
        };
        if forbidden { Then::Wait(begun.id) } else { Then::Return }
    }

    /// A new registration: in its epoch everything that is still true is due (semantics e and f).
    pub(super) fn start_epoch(&mut self, id: JobId) {
        let late_replay = self.profile().late_replay.is_on();
        let forgets = fault!(self, EpochForgetsFiles);
        let untold = fault!(self, NewEpochUntold);
        let Some(job) = self.job_mut(id) else { return };
        if forgets {
            job.files.iter_mut().for_each(|file| file.told = Told::No);
        }
        job.epoch = job.epoch.wrapping_add(1);
        job.stage = Stage::Start;
        job.tell_again_at = None;
        if late_replay && !untold {
            job.told = Told::No;
        }
    }

    /// A new notification program. A chain that stood at the old one starts again, and waits as after a failure.
    pub(super) fn set_program(&mut self, id: JobId, command_line: Option<CommandLine>) {
        let now = self.now;
        let Some(job) = self.job_mut(id) else { return };
        if command_line.is_none() && job.stage == Stage::Program {
            job.stage = Stage::Start;
            job.tell_again_at = Some(now.after(job.retry_delay));
        }
        job.command_line = command_line;
    }

    /// FileTransferred before JobTransferred and JobError (R7).
    fn choose_important(&self, id: JobId, job: &Job) -> Option<(Event, FileId, Target)> {
        if let Some(file) = self.files_to_tell(job).next()
            && !(fault!(self, JobBeforeFiles) && self.pending_job_event(job).is_some())
        {
            return Some((Event::FileTransferred, file, Target::Interface(job.receiver?.id)));
        }
        // The delivery to a program that runs has not ended (semantics g).
        let (event, target) = self.pending_job_event(job)?;
        let tells = |begun: &&Begun| begun.job == id && begun.event == event && begun.epoch == job.epoch;
        if self.begun.iter().filter(tells).any(|begun| begun.phase == Phase::Started) {
            return None;
        }
        Some((event, FileId(0), target))
    }

    /// The files whose FileTransferred is pending, in order.
    pub(super) fn files_to_tell(&self, job: &Job) -> impl Iterator<Item = FileId> {
        let drops_last = fault!(self, LastFileUntold) && job.state == JobState::Transferred;
        let last = job.files.len().checked_sub(1);
        job.pending_files(self.profile()).filter(move |file| !(drops_last && Some(file.index()) == last))
    }

    /// JobTransferred or JobError when it is pending, and the next target of the chain (semantics e).
    pub(super) fn pending_job_event(&self, job: &Job) -> Option<(Event, Target)> {
        let event = job.due_event().or_else(|| self.wrongly_due(job))?;
        let ignores_disable =
            fault!(self, DisableNeedsErrorBit) && !job.mask.contains(NotifyFlags::JOB_ERROR);
        let mask = if ignores_disable { job.mask - NotifyFlags::DISABLE } else { job.mask };
        let masked = !self.profile().unmasked(mask, event).is_yes();
        let files_first = self.files_to_tell(job).next().is_some();
        if masked || files_first && !fault!(self, JobBeforeFiles) {
            return None;
        }
        let program = job.command_line.as_ref().map(|_| Target::CommandLine);
        let receiver = job.receiver.filter(|_| job.has_receiver(Interfaces::CALLBACK));
        let interface = receiver.map(|receiver| Target::Interface(receiver.id));
        let target = match job.stage {
            Stage::Start => interface.or(program),
            Stage::Program => program.or(interface),
        };
        Some((event, target?))
    }

    /// Whether the limit leaves this user a slot for one more callback (R9).
    fn has_slot(&self, user: UserId) -> bool {
        let held = self.begun.iter().filter(|begun| begun.user == user && begun.holds_slot()).count();
        let free = (held as u32) < self.config.callback_slots;
        free || fault!(self, OneSlotTooMany) && held as u32 == self.config.callback_slots
    }

    /// JobError where two of the faults see one.
    fn wrongly_due(&self, job: &Job) -> Option<Event> {
        let kept = fault!(self, ErrorKeptAfterResume) && job.state == JobState::Queued && job.error.is_some();
        let transient = fault!(self, TransientErrorTold) && job.state == JobState::TransientError;
        (job.told == Told::No && (kept || transient)).then_some(Event::JobError)
    }

    /// Whether the mask in force masks the delivery that has begun.
    pub(super) fn masks_what_has_begun(&self, id: JobId) -> bool {
        let masks = |job: &Job| {
            let begun = job.begun.and_then(|begun| self.find(begun))?;
            Some(!self.profile().unmasked(job.mask, begun.event).is_yes())
        };
        self.job(id).and_then(masks).unwrap_or(false)
    }

    fn acknowledges(&self, begun: &Begun, leave: Leave) -> bool {
        let job_event = matches!(begun.event, Event::JobTransferred | Event::JobError);
        match leave {
            Leave::Panicked if fault!(self, PanicAcknowledges) => true,
            Leave::Returned(hr) if fault!(self, AnySuccessAcknowledges) && job_event => hr.succeeded(),
            Leave::Returned(hr) => self.profile().acknowledges(begun.event, hr).is_yes(),
            // Anything acknowledges a modification, a panic too; nothing else survives one (R18).
            Leave::Panicked => self.profile().acknowledges(begun.event, HResult::E_UNEXPECTED).is_yes(),
            Leave::Exited(code) => code == 0,
        }
    }

    fn find_mut(&mut self, delivery: DeliveryId) -> Option<&mut Begun> {
        self.begun.iter_mut().find(|begun| begun.id == delivery)
    }
}

/// Whether what the delivery is about still stands: its registration, and the entry into the state that it reports.
fn is_current(job: &Job, begun: &Begun, seeded: Seeded) -> bool {
    let state = match begun.event {
        Event::JobTransferred => JobState::Transferred,
        _ => JobState::Error,
    };
    let same_epoch = begun.epoch == job.epoch || seeded.is(Fault::AckCarriedIntoEpoch);
    let same_cause = begun.cause == job.cause || seeded.is(Fault::AckOfOlderCause);
    same_epoch && same_cause && job.state == state && !job.state.is_final()
}
