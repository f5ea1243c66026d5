//! What each step does: the engine's part as contract section 4 has it, under a design, and all that is around it.
//!
//! The lock is not in the state. Every step that needs it takes it, does its work and gives it back, so no step
//! finds it taken; what another thread could see in between is nothing, because all that the work changes is guarded by it.
//! A thread that *waits* for the lock is a thread whose step has not been taken yet.

use contract::defect::{Design, Flaw};
use contract::dialect::ResumeTarget;
use contract::env::EnvStep;
use contract::{Event, FileId, HResult, JobState, Profile};

use super::Reduction;
use super::act::{Act, Cause, Disk, Note};
use super::design;
use super::scope::{Ask, Set, Slice};
use super::state::{
    About, Answer, Delivery, Ending, Job, Marks, Open, Outcome, Phase, Running, Stage, To, Who, World,
};

/// A slice in a dialect, with the calls that may be made in it, under a design.
#[derive(Clone, Debug)]
pub(super) struct Rig {
    pub(super) design: Design,
    pub(super) profile: Profile,
    pub(super) slice: Slice,
    pub(super) reduction: Reduction,
    /// What is wrong on purpose, to see liveness broken.
    pub(super) flaw: Option<Flaw>,
    /// All calls of the slice. Those of callbacks are the ones marked.
    pub(super) asks: Vec<Asked>,
}

/// A call, and who may make it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) call: contract::Call,
    pub(super) by_clients: By,
    pub(super) by_callbacks: By,
}

/// Whether clients, or callbacks, may make a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Allowed,
    Not,
}

impl By {
    fn of(asks: &[Ask], ask: Ask) -> By {
        if asks.contains(&ask) { By::Allowed } else { By::Not }
    }
}

impl Rig {
    pub(super) fn new(design: Design, profile: &Profile, slice: &Slice, reduction: Reduction) -> Rig {
        let mut all: Vec<Ask> = Vec::new();
        for ask in slice.asks.iter().chain(&slice.nested_asks).chain(&slice.before) {
            if !all.contains(ask) {
                all.push(*ask);
            }
        }
        let asked = |ask: Ask| Asked {
            ask,
            call: ask.call(),
            by_clients: By::of(&slice.asks, ask),
            by_callbacks: By::of(&slice.nested_asks, ask),
        };
        let asks = all.into_iter().map(asked).collect();
        Rig { design, profile: *profile, slice: slice.clone(), reduction, flaw: None, asks }
    }

    /// The first state: every job transfers, and no call is open.
    pub(super) fn first<const J: usize>(&self) -> World<J> {
        let mut job = Job::transferring();
        for ask in &self.slice.before {
            self.set(&mut job, *ask);
            if *ask == Ask::AddFile {
                job.files.add();
            }
        }
        World {
            jobs: [job; J],
            clients: [Open::default(); super::state::CLIENTS],
            calls: self.slice.calls,
            nested: self.slice.nested,
        }
    }

    /// Takes a step that [`Rig::acts`] gave, and passes what is seen of it to `tell`.
    pub(super) fn take<const J: usize>(&self, world: &mut World<J>, act: Act, tell: &mut impl FnMut(Note)) {
        match act {
            Act::Call { who, on, ask } => {
                let budget = if matches!(who, Who::Client(_)) { &mut world.calls } else { &mut world.nested };
                *budget = budget.saturating_sub(1);
                *world.open_mut(who) = Open { stage: Stage::Called, on, ask, answer: Answer::Ok };
                tell(Note::Call { who, on, ask });
            }
            Act::Effect(who) => self.effect(world, who, tell),
            Act::Disk(who, disk) => self.disk(world, who, disk, tell),
            Act::Return(who) => self.go_back(world, who, tell),
            Act::Claim(job) => self.claim(&mut world.jobs[usize::from(job)]),
            Act::Begin(job) => self.begin(&mut world.jobs[usize::from(job)]),
            Act::Enter(job) => {
                let delivery = &mut world.jobs[usize::from(job)].delivery;
                delivery.phase = Phase::Running;
                tell(Note::Enter { job, delivery: *delivery });
            }
            Act::Leave(job, outcome) => {
                let left = &mut world.jobs[usize::from(job)];
                left.delivery.phase = Phase::Left(outcome);
                tell(Note::Leave { job, delivery: left.delivery, outcome });
                self.hear(left, left.delivery, outcome);
            }
            Act::Block { job, client } => {
                world.jobs[usize::from(job)].delivery.phase = Phase::Blocked(client);
            }
            Act::Settle(job) => self.settle(world, job),
            Act::Exit(job, outcome) => self.exit(&mut world.jobs[usize::from(job)], job, outcome, tell),
            Act::RetryDelayOver(job) => world.jobs[usize::from(job)].marks.remove(Marks::RETRYING),
            Act::Turn(job) => self.turn(&mut world.jobs[usize::from(job)], job, tell),
            Act::Arrive(job) => self.arrive(&mut world.jobs[usize::from(job)], job, tell),
            Act::Fail(job) => {
                let step = EnvStep::FatalError { hr: HResult::BG_E_HTTP_ERROR_404 };
                self.environment(&mut world.jobs[usize::from(job)], job, JobState::Error, step, tell);
            }
            Act::Expire(job) => {
                let step = EnvStep::Expiry;
                self.revoke(&mut world.jobs[usize::from(job)]);
                self.environment(&mut world.jobs[usize::from(job)], job, JobState::Cancelled, step, tell);
            }
        }
    }

    /// Clause 3: under the lock. Clause 4 before it, for a call from inside a callback.
    fn effect<const J: usize>(&self, world: &mut World<J>, who: Who, tell: &mut impl FnMut(Note)) {
        if let Who::Callback(inside) = who {
            self.has_called(world, inside);
        }
        let Open { on, ask, .. } = *world.open(who);
        let job = &mut world.jobs[usize::from(on)];
        if job.ending.is_some() {
            world.open_mut(who).stage = Stage::Busy;
            return;
        }
        if job.state.is_final() {
            self.answer(world, who, Answer::InvalidState);
            return;
        }
        match self.asks[usize::from(ask)].ask {
            Ask::Cancel => self.begin_ending(world, who, Ending::Cancel),
            Ask::Complete => self.begin_ending(world, who, Ending::Complete),
            Ask::Resume => self.resume(world, who, tell),
            Ask::AddFile => {
                job.files.add();
                self.answer(world, who, Answer::Ok);
            }
            setter => {
                let before = *job;
                self.revoke(job);
                self.set(job, setter);
                let forbidden = self.forbids(setter, &before, job);
                self.answer(world, who, Answer::Ok);
                self.wait(world, who, forbidden);
            }
        }
    }

    fn has_called<const J: usize>(&self, world: &mut World<J>, inside: u8) {
        let about = &mut world.jobs[usize::from(inside)].delivery.about;
        if !about.contains(About::CALLED) {
            about.insert(About::CALLED);
            if design::releases_callers(self.design) {
                self.release(world, inside);
            }
        }
    }

    /// A mask, a registration or a program is set.
    fn set(&self, job: &mut Job, setter: Ask) {
        match setter {
            Ask::Flags(mask) => job.set_mask(mask),
            Ask::Interface(object) => {
                job.receiver = object;
                job.delivery.about.remove(About::EPOCH);
                if let Some(program) = &mut job.program {
                    program.about.remove(About::EPOCH);
                }
                job.marks.remove(Marks::RETRYING | Marks::PROGRAM_NEXT);
                if self.profile.late_replay.is_on() {
                    job.marks.remove(Marks::TOLD | Marks::HEARD);
                }
            }
            Ask::Program(Set::One) => job.marks.insert(Marks::HAS_PROGRAM),
            Ask::Program(Set::None) => {
                job.marks.remove(Marks::HAS_PROGRAM);
                if job.marks.contains(Marks::PROGRAM_NEXT) {
                    job.marks.remove(Marks::PROGRAM_NEXT);
                    job.marks.insert(Marks::RETRYING);
                }
            }
            Ask::Cancel | Ask::Complete | Ask::Resume | Ask::AddFile => {}
        }
    }

    /// Whether the new situation forbids the job's delivery (clause 3: whatever the old value was).
    fn forbids(&self, setter: Ask, before: &Job, job: &Job) -> Forbidden {
        let event = job.delivery.event;
        let masked = |job: &Job| !self.profile.unmasked(job.mask(), event).is_yes();
        let forbidden = match setter {
            Ask::Flags(_) if self.design == Design::NothingNew => masked(job) && !masked(before),
            Ask::Flags(_) => masked(job),
            Ask::Interface(_) => job.delivery.to != To::Program,
            Ask::Program(_) => job.delivery.to == To::Program,
            Ask::Resume => {
                matches!(event, Event::JobTransferred | Event::JobError)
            }
            Ask::Cancel | Ask::Complete => true,
            Ask::AddFile => false,
        };
        if forbidden { Forbidden::Yes } else { Forbidden::No }
    }

    /// The first half of Complete and Cancel: from here to the second half the job is finalising, and begins no delivery.
    fn begin_ending<const J: usize>(&self, world: &mut World<J>, who: Who, ending: Ending) {
        let on = usize::from(world.open(who).on);
        world.jobs[on].ending = Some(ending);
        self.revoke(&mut world.jobs[on]);
        world.open_mut(who).stage = Stage::Disk;
    }

    /// The second half. The disk work before it touches nothing that any other step reads, so it is not a step of its own.
    fn disk<const J: usize>(&self, world: &mut World<J>, who: Who, disk: Disk, tell: &mut impl FnMut(Note)) {
        let on = world.open(who).on;
        let job = &mut world.jobs[usize::from(on)];
        let Some(ending) = job.ending.take() else { return };
        if disk == Disk::Fails {
            // The job stays as it was, and what was revoked is due again (R11).
            self.answer(world, who, Answer::DiskFailed);
            return;
        }
        let (to, answer) = match ending {
            Ending::Cancel => (JobState::Cancelled, Answer::Ok),
            Ending::Complete if job.files.are_whole() => (JobState::Acknowledged, Answer::Ok),
            Ending::Complete => (JobState::Acknowledged, Answer::Partial),
        };
        self.change(job, on, to, Cause::Call(who), tell);
        self.answer(world, who, answer);
        self.wait(world, who, Forbidden::Yes);
    }

    fn resume<const J: usize>(&self, world: &mut World<J>, who: Who, tell: &mut impl FnMut(Note)) {
        let on = world.open(who).on;
        let job = &mut world.jobs[usize::from(on)];
        match job.state {
            JobState::Error => {}
            JobState::Transferred if job.files.are_whole() => {
                self.answer(world, who, Answer::NothingNew);
                return;
            }
            JobState::Transferred => {}
            _ => {
                self.answer(world, who, Answer::Ok);
                return;
            }
        }
        let forbidden = self.forbids(Ask::Resume, job, job);
        self.revoke(job);
        let to = resumed(&self.profile);
        self.change(job, on, to, Cause::Call(who), tell);
        job.marks.remove(Marks::RETRYING);
        self.answer(world, who, Answer::Ok);
        if self.design != Design::ResumeNoWait {
            self.wait(world, who, forbidden);
        }
    }

    fn answer<const J: usize>(&self, world: &mut World<J>, who: Who, answer: Answer) {
        let open = world.open_mut(who);
        open.answer = answer;
        open.stage = Stage::Returning;
    }

    /// Clauses 3 and 4: whether the call waits for the begun delivery of its job.
    fn wait<const J: usize>(&self, world: &mut World<J>, who: Who, forbidden: Forbidden) {
        let on = world.open(who).on;
        let delivery = &world.jobs[usize::from(on)].delivery;
        let waits = delivery.has_begun()
            && match self.design {
                Design::ClaimThenCall | Design::Recheck | Design::GateNoWait => false,
                Design::GateAndWait => forbidden == Forbidden::Yes,
                Design::WaitUnlessOwn => forbidden == Forbidden::Yes && who != Who::Callback(on),
                Design::WaitUnlessAny => forbidden == Forbidden::Yes && matches!(who, Who::Client(_)),
                Design::WaitAnyRunning => is_running(delivery),
                _ => forbidden == Forbidden::Yes && is_running(delivery),
            };
        if waits {
            world.open_mut(who).stage = Stage::Waiting;
        }
    }

    /// The job's delivery is waited for no more.
    fn release<const J: usize>(&self, world: &mut World<J>, job: u8) {
        if self.flaw == Some(Flaw::WakesNobody) {
            return;
        }
        let next = if self.design == Design::WaitAnyRunning { Stage::WaitingOn } else { Stage::Returning };
        for who in World::<J>::callers() {
            let open = world.open_mut(who);
            if open.stage == Stage::Waiting && open.on == job {
                open.stage = next;
            }
        }
    }

    fn go_back<const J: usize>(&self, world: &mut World<J>, who: Who, tell: &mut impl FnMut(Note)) {
        let Open { on, ask, answer, .. } = std::mem::take(world.open_mut(who));
        tell(Note::Return { who, on, ask, answer });
        if let Who::Client(client) = who {
            // Its lock goes straight to those who wait for it.
            for job in world.jobs.iter_mut().filter(|job| job.delivery.phase == Phase::Blocked(client)) {
                job.delivery.phase = Phase::Running;
            }
        }
    }

    /// The delivery of this job that may be claimed now (semantics c to e), were a dispatcher and a slot there.
    pub(super) fn wanted(&self, job: &Job) -> Option<(Event, To, u8)> {
        if !job.is_live() || job.marks.intersects(Marks::RETRYING | Marks::DROPPED) {
            return None;
        }
        let unmasked = |event| self.profile.unmasked(job.mask(), event).is_yes();
        if let Some(object) = job.receiver
            && let Some(file) = job.files.untold()
            && unmasked(Event::FileTransferred)
        {
            return Some((Event::FileTransferred, To::Object(object), file));
        }
        let event = match job.state {
            JobState::Transferred => Event::JobTransferred,
            JobState::Error => Event::JobError,
            _ => return None,
        };
        // One program of a job at a time: more is possible, one per registration while it runs, without end.
        let told = job.marks.contains(Marks::TOLD);
        let masked = !unmasked(event);
        let tells = job.program.is_some();
        if told || masked || tells {
            return None;
        }
        let program = job.marks.contains(Marks::HAS_PROGRAM).then_some(To::Program);
        let interface = job.receiver.map(To::Object);
        let turn = job.marks.contains(Marks::PROGRAM_NEXT);
        let to = if turn { program.or(interface) } else { interface.or(program) };
        Some((event, to?, 0))
    }

    fn claim(&self, job: &mut Job) {
        if let Some((event, to, file)) = self.wanted(job) {
            let about = About::EPOCH | About::CAUSE;
            job.delivery = Delivery { phase: Phase::Claimed, event, to, file, about };
        }
    }

    fn begin(&self, job: &mut Job) {
        let Delivery { event, to, file, .. } = job.delivery;
        // With revocation a claim that is still there is still wanted; without it, this is the second look.
        if self.wanted(job) == Some((event, to, file)) {
            job.delivery.phase = Phase::Begun;
            job.delivery.about = About::EPOCH | About::CAUSE;
        } else {
            debug_assert!(!design::revokes(self.design), "a revoked claim is gone");
            job.delivery = Delivery::NONE;
        }
    }

    /// Clause 3: a claim that has not begun is taken back, and its dispatcher is idle again.
    fn revoke(&self, job: &mut Job) {
        if design::revokes(self.design) && job.delivery.phase == Phase::Claimed {
            job.delivery = Delivery::NONE;
        }
    }

    fn settle<const J: usize>(&self, world: &mut World<J>, id: u8) {
        let job = &mut world.jobs[usize::from(id)];
        let delivery = std::mem::replace(&mut job.delivery, Delivery::NONE);
        match delivery.phase {
            Phase::Left(outcome) => self.learn(job, &delivery, outcome),
            // Clause 6: the process exists, so the program has entered. It is of the epoch that is now (semantics g).
            _ => {
                let about = delivery.about | About::EPOCH;
                job.program = Some(Running { event: delivery.event, about });
            }
        }
        self.release(world, id);
    }

    fn exit(&self, job: &mut Job, id: u8, outcome: Outcome, tell: &mut impl FnMut(Note)) {
        let Some(Running { event, about }) = job.program.take() else { return };
        let delivery = Delivery { phase: Phase::Left(outcome), event, to: To::Program, file: 0, about };
        tell(Note::Leave { job: id, delivery, outcome });
        self.hear(job, delivery, outcome);
        self.learn(job, &delivery, outcome);
    }

    /// What an observer concludes from a leave: it settles the event of the present stay and epoch, or the dialect does not repeat it.
    fn hear(&self, job: &mut Job, delivery: Delivery, outcome: Outcome) {
        let Delivery { event, to, about, .. } = delivery;
        let present = about.contains(About::EPOCH | About::CAUSE) && event != Event::FileTransferred;
        let chained = to != To::Program && job.marks.contains(Marks::HAS_PROGRAM);
        let once = event == Event::JobTransferred && !self.profile.retry_transferred.is_on() && !chained;
        if present && (outcome == Outcome::Acknowledges || once) {
            job.marks.insert(Marks::HEARD);
        }
    }

    /// What a leave means (semantics e and f).
    fn learn(&self, job: &mut Job, delivery: &Delivery, outcome: Outcome) {
        let Delivery { event, to, file, about, .. } = *delivery;
        if self.flaw == Some(Flaw::DropsFailed) && outcome == Outcome::Fails {
            job.marks.insert(Marks::DROPPED);
            return;
        }
        if event == Event::FileTransferred {
            match outcome {
                Outcome::Acknowledges => job.files.is_told(file),
                Outcome::Fails if about.contains(About::EPOCH) => job.marks.insert(Marks::RETRYING),
                Outcome::Fails => {}
            }
            return;
        }
        let epoch = about.contains(About::EPOCH);
        let cause = about.contains(About::CAUSE);
        if job.state.is_final() || !epoch || !cause {
            return;
        }
        let once = event == Event::JobTransferred && !self.profile.retry_transferred.is_on();
        match outcome {
            Outcome::Acknowledges => {
                job.marks.insert(Marks::TOLD);
                job.marks.remove(Marks::PROGRAM_NEXT);
            }
            Outcome::Fails if to != To::Program && job.marks.contains(Marks::HAS_PROGRAM) => {
                job.marks.insert(Marks::PROGRAM_NEXT);
            }
            Outcome::Fails if once => job.marks.insert(Marks::TOLD),
            Outcome::Fails => {
                job.marks.remove(Marks::PROGRAM_NEXT);
                job.marks.insert(Marks::RETRYING);
            }
        }
    }

    fn turn(&self, job: &mut Job, id: u8, tell: &mut impl FnMut(Note)) {
        if self.profile.connects.is_on() {
            self.environment(job, id, JobState::Connecting, EnvStep::Turn, tell);
            self.environment(job, id, JobState::Transferring, EnvStep::Connected, tell);
        } else {
            self.environment(job, id, JobState::Transferring, EnvStep::Turn, tell);
        }
    }
}

/// Where Resume takes a job. Transfer slots are not in this model: one is free.
pub(super) fn resumed(profile: &Profile) -> JobState {
    match profile.resume_target {
        ResumeTarget::Queued => JobState::Queued,
        ResumeTarget::TransferringIfSlot => JobState::Transferring,
    }
}

/// Whether a new situation forbids a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Forbidden {
    Yes,
    No,
}

/// Whether a call that waits for the job's delivery, whichever it is, must go on waiting (clause 4).
pub(super) fn is_running(delivery: &Delivery) -> bool {
    delivery.has_begun() && !delivery.about.contains(About::CALLED)
}

impl Rig {
    fn arrive(&self, job: &mut Job, id: u8, tell: &mut impl FnMut(Note)) {
        let file = Some(FileId(job.files.whole().into()));
        job.files.arrive();
        tell(Note::Env { job: id, step: EnvStep::FileDone, file });
        if job.files.are_whole() {
            self.change(job, id, JobState::Transferred, Cause::Env(EnvStep::FileDone), tell);
        }
    }

    fn environment(&self, job: &mut Job, id: u8, to: JobState, step: EnvStep, tell: &mut impl FnMut(Note)) {
        tell(Note::Env { job: id, step, file: None });
        self.change(job, id, to, Cause::Env(step), tell);
    }

    /// The job changes its state. A delivery about the old one is about the past, and a chain is of the state that caused it.
    fn change(&self, job: &mut Job, id: u8, to: JobState, by: Cause, tell: &mut impl FnMut(Note)) {
        let from = Some(std::mem::replace(&mut job.state, to));
        job.delivery.about.remove(About::CAUSE);
        if let Some(program) = &mut job.program {
            program.about.remove(About::CAUSE);
        }
        job.marks.remove(Marks::TOLD);
        job.marks.remove(Marks::PROGRAM_NEXT | Marks::HEARD);
        tell(Note::State { job: id, from, to, by });
    }
}
