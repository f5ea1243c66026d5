//! Driving a core, one stimulus at a time: the one step function of the checker, the fuzzer and the property tests.
//!
//! **What it is.** A [`Driver`] owns a [`Core`] and plays all that is around it: client threads, dispatchers, transfer workers,
//! the disk, the network, the clock. A [`Stimulus`] is one move of one of them. An [`Observer`] receives what
//! happens, in order; a recorder makes a trace of it, the rules judge it, the specification follows it.
//!
//! **What it is not.** Threads. Calls and deliveries are cut only where they wait: a call that waits for a delivery or for
//! the disk stays open while others move; a delivery is begun, entered and left in three moves. Interleavings inside the
//! engine's lock belong to the protocol model.
//!
//! **The law it keeps.** It is total: a stimulus that makes no sense now is [`Applied::NotEnabled`] and changes nothing. And
//! it is strict: a call that may return does so at once, before anything else moves, because that is when the rules bind most.

mod happened;
mod questions;
mod stimulus;

use contract::core::{
    Answer, Attempt, Change, Delivery, DiskOutcome, DiskWork, Then, TransferEvent, TransferReply,
    TransferStart,
};
use contract::event::{Caller, Leave, Target};
use contract::{
    Call, CallId, Core, DeliveryId, DiskAct, EnvStep, EventView, HResult, JobId, JobState, Out, ThreadId,
    UserId,
};

pub use self::happened::{Happened, Input, Observer, events_of};
pub use self::questions::{Around, InFlight, Pends, Release};
use self::stimulus::SHARING_VIOLATION;
pub use self::stimulus::{DiskResult, From, Late, Stimulus};
use crate::slots::Slots;

/// Calls open at once; also the slots the rules' monitors need.
pub const CALLS: usize = 4;

/// Deliveries open at once, running programs included.
pub const DELIVERIES: usize = 6;

/// Whether a stimulus did anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Applied {
    /// It did.
    Done,
    /// It made no sense now; nothing changed.
    NotEnabled,
}

/// A core and all that is around it. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Driver<C> {
    core: C,
    users: fn(JobId) -> UserId,
    open: Slots<Open, CALLS>,
    told: Slots<Telling, DELIVERIES>,
    /// How many jobs have been made.
    made: u32,
    past: Past,
    /// The jobs of which something happened in this stimulus, and those with a whole file, a bit each.
    touched: u32,
    whole: u32,
}

/// What a core answers to what comes too late.
enum Answered {
    Nothing,
    Transfer(TransferReply),
    Disk(Answer),
}

/// What is over, for what comes too late. No part of a state: a core that is right makes nothing of it.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    /// By job, the transfer attempt that was started last, and the one before; none is the first number.
    attempts: [[Attempt; 2]; JOBS],
    /// The delivery that left last.
    left: Option<DeliveryId>,
}

/// Jobs whose transfer attempts are remembered.
const JOBS: usize = 4;

impl Past {
    fn start(&mut self, start: &TransferStart) {
        if let Some(attempts) = self.attempts.get_mut(start.job.index()) {
            *attempts = [start.attempt, attempts[0]];
        }
    }

    /// An attempt of the job that is over. Where there was none yet, one that can be none of this job's.
    fn attempt(&self, job: JobId, running: Option<Attempt>) -> Attempt {
        let attempts = self.attempts.get(job.index()).into_iter().flatten().copied();
        let over =
            attempts.chain([Attempt::default(), Attempt(u32::MAX)]).find(|attempt| Some(*attempt) != running);
        over.unwrap_or_default()
    }

    /// Something comes too late to a core, which answers or does not.
    fn come_late<C: Core>(&self, core: &mut C, late: Late) -> Answered {
        match (late, self.left) {
            (Late::Report { job, event }, _) => {
                let running = core.transfer(job).map(|(attempt, _)| attempt);
                let attempt = self.attempt(job, running);
                return Answered::Transfer(core.handle_transfer(job, attempt, event));
            }
            (Late::Disk { job, result }, _) => {
                return Answered::Disk(core.handle_disk(job, &result.told_late()));
            }
            (Late::Called, Some(left)) => core.handle_delivery_called(left),
            (Late::Left(leave), Some(left)) => core.handle_delivery_left(left, leave),
            (Late::Started, Some(left)) => core.handle_program_started(left),
            (_, None) => {}
        }
        Answered::Nothing
    }
}

/// A call that has not returned.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Open {
    from: From,
    user: UserId,
    job: Option<JobId>,
    call: Call,
    hr: HResult,
    until: Until,
}

/// What an open call waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Until {
    /// This delivery, in the slot.
    Released(DeliveryId, usize),
    /// The disk.
    Disk,
}

/// A delivery that has not left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Telling {
    delivery: Delivery,
    phase: Phase,
}

/// How far a delivery is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// It has begun, and the client's code may enter at any moment.
    Begun,
    /// The client's code runs.
    Entered,
    /// It has entered, and has called the engine.
    Called,
    /// It is a program whose process exists.
    ProgramRuns,
}

impl<C: Core> Driver<C> {
    /// Nothing open. `users` returns the user that is to own each job. A call on a job is made as its owner, but for [`From::User`].
    pub fn new(core: C, users: fn(JobId) -> UserId) -> Driver<C> {
        Driver {
            core,
            users,
            open: Slots::new(),
            told: Slots::new(),
            made: 0,
            past: Past::default(),
            touched: 0,
            whole: 0,
        }
    }

    /// The core.
    pub fn core(&self) -> &C {
        &self.core
    }

    /// Whether the core ignores all of this: afterwards it is what it was. Everything happens to one copy of it, because this is
    /// checked in every state.
    pub fn ignores(&self, inputs: impl Iterator<Item = Input<'static>>) -> bool {
        let mut core = self.core.clone();
        for input in inputs {
            match input {
                Input::Logoff(user) => core.handle_logoff(user),
                Input::NetworkLost => core.handle_network_lost(),
                Input::NetworkBack => core.handle_network_back(),
                Input::Late(late) => {
                    let _answered = self.past.come_late(&mut core, late);
                }
                Input::Report(..) | Input::Time(_) => {}
            }
        }
        core == self.core
    }

    /// Applies one stimulus and reports to `observer` what happens.
    pub fn apply(&mut self, stimulus: &Stimulus, observer: &mut impl Observer) -> Applied {
        self.touched = 0;
        let applied = self.move_one(stimulus, observer);
        if self.touched != 0 {
            self.tell_who_is_idle(observer);
        }
        applied
    }

    fn move_one(&mut self, stimulus: &Stimulus, observer: &mut impl Observer) -> Applied {
        match stimulus {
            Stimulus::Call { from, job, call } => self.call(*from, *job, call, observer),
            Stimulus::Disk { job, result } => self.disk(*job, *result, observer),
            Stimulus::Turn => self.turn(observer),
            Stimulus::Transfer { job, event } => self.report(*job, event, observer),
            Stimulus::Begin(job) => self.begin(*job, observer),
            Stimulus::Enter(job) => self.enter(*job, observer),
            Stimulus::Leave { job, leave } => self.leave(*job, *leave, observer),
            Stimulus::Exit { job, code } => self.exit(*job, *code, observer),
            Stimulus::Timeout => {
                let Some(at) = self.core.poll_timeout() else { return Applied::NotEnabled };
                let now = at.max(self.core.now());
                self.input(Input::Time(now), observer, |core| core.handle_timeout(now))
            }
            Stimulus::Logoff(user) => {
                self.input(Input::Logoff(*user), observer, |core| core.handle_logoff(*user))
            }
            Stimulus::NetworkLost => self.input(Input::NetworkLost, observer, C::handle_network_lost),
            Stimulus::NetworkBack => self.input(Input::NetworkBack, observer, C::handle_network_back),
            Stimulus::Late(late) => self.late(*late, observer),
        }
    }

    fn turn(&mut self, observer: &mut impl Observer) -> Applied {
        if !self.core.wants_transfer() {
            return Applied::NotEnabled;
        }
        let start = self.core.poll_transfer();
        if let Some(start) = &start {
            self.past.start(start);
        }
        self.report_changes(None, observer);
        observer.happened(Happened::Turned(start));
        Applied::Done
    }

    fn report(&mut self, job: JobId, event: &TransferEvent, observer: &mut impl Observer) -> Applied {
        let Some((attempt, _)) = self.core.transfer(job) else { return Applied::NotEnabled };
        observer.happened(Happened::Input(Input::Report(job, event)));
        let reply = self.core.handle_transfer(job, attempt, *event);
        self.report_changes(None, observer);
        observer.happened(Happened::Replied(reply));
        Applied::Done
    }

    /// Disk results are late when no call waits for them, and answers when their delivery has left.
    fn late(&mut self, late: Late, observer: &mut impl Observer) -> Applied {
        let enabled = match late {
            Late::Report { .. } => true,
            Late::Disk { job, .. } => !self.core.is_finalising(job),
            Late::Called | Late::Left(_) | Late::Started => self.past.left.is_some(),
        };
        if !enabled {
            return Applied::NotEnabled;
        }
        observer.happened(Happened::Input(Input::Late(late)));
        let answered = self.past.come_late(&mut self.core, late);
        self.report_changes(None, observer);
        if let Answered::Transfer(reply) = answered {
            observer.happened(Happened::Replied(reply));
        }
        let answer = if let Answered::Disk(answer) = &answered { Some(answer) } else { None };
        observer.happened(Happened::TooLate(answer));
        Applied::Done
    }

    fn call(&mut self, from: From, job: Option<JobId>, call: &Call, observer: &mut impl Observer) -> Applied {
        let busy = job.is_some_and(|job| self.core.is_finalising(job));
        let Some(slot) = self.free_call().filter(|_| self.may_call(from) && !busy) else {
            return Applied::NotEnabled;
        };
        let id = CallId(slot as u32);
        let user = self.caller_of(from, job, call);
        let caller = self.caller(from, user);
        observer.happened(Happened::Event(EventView::Call { id, caller, job, call }));
        // At call entry, before the call's effect (contract section 4, clause 4).
        if let From::Callback(telling) = from
            && let Some(delivery) = self.telling(telling)
        {
            self.core.handle_delivery_called(delivery.id);
            self.has_called(telling);
            self.return_released(observer);
        }
        let answer = self.core.call(user, job, call);
        let waits = self.waits(&answer);
        observer.happened(Happened::Answered { user, job, call, answer: &answer, waits });
        self.report_changes(Some(id), observer);
        self.made += u32::from(made(&answer.out, call).is_some());
        self.touched |= job.filter(|_| rearranges(call)).map_or(0, bit);
        let until = match answer.then {
            Then::Return => {
                let job = made(&answer.out, call).or(job);
                let (hr, out) = (answer.hr, &answer.out);
                observer.happened(Happened::Event(EventView::Return { id, job, call, hr, out }));
                return Applied::Done;
            }
            Then::Wait(delivery) => self.wait(id, job, delivery, observer),
            Then::Disk => Until::Disk,
            // Excluded above: a finalising job is not called.
            Then::Busy => return Applied::Done,
        };
        self.open.put(slot, Open { from, user, job, call: call.clone(), hr: answer.hr, until });
        Applied::Done
    }

    fn disk(&mut self, job: JobId, result: DiskResult, observer: &mut impl Observer) -> Applied {
        let ends = |open: &Open| open.until == Until::Disk && open.job == Some(job);
        let Some(slot) = self.open.find(ends) else { return Applied::NotEnabled };
        let outcome = self.do_disk_work(job, result, observer);
        let answer = self.core.handle_disk(job, &outcome);
        let waits = self.waits(&answer);
        observer.happened(Happened::DiskDone { job, outcome: &outcome, answer: &answer, waits });
        self.report_changes(Some(CallId(slot as u32)), observer);
        if let Some(open) = self.open.get_mut(slot) {
            open.hr = answer.hr;
        }
        match answer.then {
            Then::Wait(delivery) => {
                let until = self.wait(CallId(slot as u32), Some(job), delivery, observer);
                if let Some(open) = self.open.get_mut(slot) {
                    open.until = until;
                }
            }
            _ => self.return_call(slot, observer),
        }
        self.catch_up(observer);
        Applied::Done
    }

    /// Timers of a job that was finalising may be over long since: they fire now.
    fn catch_up(&mut self, observer: &mut impl Observer) {
        let now = self.core.now();
        if self.core.poll_timeout().is_some_and(|at| at <= now) {
            let _fired = self.input(Input::Time(now), observer, |core| core.handle_timeout(now));
        }
    }

    /// Does the work in order; the first rename that fails ends it (see [`DiskOutcome`]).
    fn do_disk_work(&self, job: JobId, result: DiskResult, observer: &mut impl Observer) -> DiskOutcome {
        let mut outcome = DiskOutcome::default();
        let mut renames = 0;
        for work in self.core.disk_work(job) {
            let (file, act) = match (work, result) {
                (DiskWork::Rename(file), DiskResult::RenameFails(after)) if renames == after => {
                    outcome.rename_failed = Some((file, SHARING_VIOLATION));
                    (file, DiskAct::RenameFailed)
                }
                (DiskWork::Rename(file), _) => (file, DiskAct::Renamed),
                (DiskWork::Remove(file), DiskResult::LeavesBehind) => {
                    outcome.left_behind += 1;
                    (file, DiskAct::RemoveFailed)
                }
                (DiskWork::Remove(file), _) => (file, DiskAct::Removed),
            };
            renames += u32::from(act == DiskAct::Renamed);
            let (job, file) = (Some(job), Some(file));
            observer.happened(Happened::Event(EventView::Env { step: EnvStep::Disk { act }, job, file }));
            if act == DiskAct::RenameFailed {
                break;
            }
        }
        outcome
    }

    fn begin(&mut self, job: JobId, observer: &mut impl Observer) -> Applied {
        let Some(slot) = self.free_delivery().filter(|_| self.may_begin(job)) else {
            return Applied::NotEnabled;
        };
        let Some(delivery) = self.core.begin_delivery(job) else { return Applied::NotEnabled };
        self.told.put(slot, Telling { delivery, phase: Phase::Begun });
        observer.happened(Happened::Begun(slot, delivery));
        let Delivery { event, target, file, .. } = delivery;
        let id = DeliveryId(slot as u32);
        observer.happened(Happened::Event(EventView::Begin { delivery: id, job, event, target, file }));
        self.report_changes(None, observer);
        Applied::Done
    }

    fn enter(&mut self, job: JobId, observer: &mut impl Observer) -> Applied {
        let Some(slot) = self.callback(job).filter(|_| self.may_enter(job)) else {
            return Applied::NotEnabled;
        };
        let Some(telling) = self.told.get_mut(slot) else { return Applied::NotEnabled };
        let delivery = telling.delivery;
        let is_program = delivery.target == Target::CommandLine;
        telling.phase = if is_program { Phase::ProgramRuns } else { Phase::Entered };
        let Delivery { event, target, file, .. } = delivery;
        let id = DeliveryId(slot as u32);
        observer.happened(Happened::Event(EventView::Enter { delivery: id, job, event, target, file }));
        if is_program {
            self.core.handle_program_started(delivery.id);
            observer.happened(Happened::ProgramStarted(slot, job));
            self.return_released(observer);
        }
        Applied::Done
    }

    fn leave(&mut self, job: JobId, leave: Leave, observer: &mut impl Observer) -> Applied {
        let Some(slot) = self.callback(job).filter(|_| self.may_leave(job)) else {
            return Applied::NotEnabled;
        };
        self.end_delivery(slot, leave, observer)
    }

    fn exit(&mut self, job: JobId, code: i32, observer: &mut impl Observer) -> Applied {
        // A program that could not be started fails without ever having entered.
        let unstarted = |slot: &usize| {
            let telling = self.told.get(*slot);
            telling.is_some_and(|telling| telling.delivery.target == Target::CommandLine)
        };
        let unstarted = self.callback(job).filter(unstarted).filter(|_| code != 0);
        let Some(slot) = self.program(job).or(unstarted) else { return Applied::NotEnabled };
        self.end_delivery(slot, Leave::Exited(code), observer)
    }

    fn end_delivery(&mut self, slot: usize, leave: Leave, observer: &mut impl Observer) -> Applied {
        let Some(telling) = self.told.take(slot) else { return Applied::NotEnabled };
        let delivery = telling.delivery;
        self.past.left = Some(delivery.id);
        let Delivery { job, event, target, file, .. } = delivery;
        let id = DeliveryId(slot as u32);
        if telling.phase != Phase::Begun {
            observer.happened(Happened::Event(EventView::Leave {
                delivery: id,
                job,
                event,
                target,
                file,
                leave,
            }));
        }
        self.core.handle_delivery_left(delivery.id, leave);
        observer.happened(Happened::Left(slot, job, leave));
        self.report_changes(None, observer);
        self.return_released(observer);
        self.touched |= bit(job);
        Applied::Done
    }

    /// The call waits until the delivery has left.
    fn wait(
        &self,
        id: CallId,
        job: Option<JobId>,
        delivery: DeliveryId,
        observer: &mut impl Observer,
    ) -> Until {
        let slot = self.slot_of(delivery);
        if let Some(job) = job {
            let delivery = DeliveryId(slot as u32);
            observer.happened(Happened::Event(EventView::Wait { id, job, delivery }));
        }
        Until::Released(delivery, slot)
    }

    /// Reports every job that is at rest, of those to which something happened.
    fn tell_who_is_idle(&self, observer: &mut impl Observer) {
        let touched = (0..u32::BITS).filter(|job| self.touched >> job & 1 == 1).map(JobId);
        for job in touched.filter(|job| self.is_idle(*job)) {
            let step = EnvStep::Idle;
            observer.happened(Happened::Event(EventView::Env { step, job: Some(job), file: None }));
        }
    }

    fn input(
        &mut self,
        input: Input<'_>,
        observer: &mut impl Observer,
        take: impl FnOnce(&mut C),
    ) -> Applied {
        observer.happened(Happened::Input(input));
        take(&mut self.core);
        self.report_changes(None, observer);
        Applied::Done
    }

    /// The slot of the delivery that an answer waits for.
    fn waits(&self, answer: &Answer) -> Option<usize> {
        match answer.then {
            Then::Wait(delivery) => Some(self.slot_of(delivery)),
            _ => None,
        }
    }

    /// The callback of the job has called the engine.
    fn has_called(&mut self, job: JobId) {
        if let Some(telling) = self.callback(job).and_then(|slot| self.told.get_mut(slot)) {
            telling.phase = Phase::Called;
        }
    }

    /// Every call that waits for nothing any more returns.
    fn return_released(&mut self, observer: &mut impl Observer) {
        while let Some(slot) = self.open.find(|open| self.is_released(open)) {
            self.return_call(slot, observer);
        }
    }

    fn is_released(&self, open: &Open) -> bool {
        match open.until {
            Until::Released(delivery, _) => self.core.is_released(delivery),
            Until::Disk => false,
        }
    }

    fn return_call(&mut self, slot: usize, observer: &mut impl Observer) {
        if let Some(Open { job, call, hr, .. }) = self.open.take(slot) {
            let id = CallId(slot as u32);
            let out = &Out::None;
            observer.happened(Happened::Event(EventView::Return { id, job, call: &call, hr, out }));
        }
    }

    /// Turns the core's changes into events; those without a step were made by call `id`.
    fn report_changes(&mut self, id: Option<CallId>, observer: &mut impl Observer) {
        let Driver { core, touched, whole, .. } = self;
        core.take_changes(|change| {
            let job = change.job.map_or(0, bit);
            if change.step == Some(EnvStep::FileDone) {
                *whole |= job;
            }
            // Before a file is whole, and outside TRANSFERRED and ERROR, only modifications can be due. A job that is at rest then is
            // at rest all the time.
            *touched |= job & *whole | if is_an_end(&change) { job } else { 0 };
            observer.happened(Happened::Changed(change));
            for event in events_of(&change, id) {
                observer.happened(Happened::Event(event));
            }
        });
    }

    fn caller(&self, from: From, user: UserId) -> Caller {
        match from {
            From::Client(thread) => Caller { thread, user, inside: None },
            From::Callback(job) => {
                let slot = self.callback(job).unwrap_or(0) as u32;
                Caller { thread: ThreadId(DISPATCHERS + slot), user, inside: Some(DeliveryId(slot)) }
            }
            From::User(other) => Caller { thread: ThreadId(STRANGERS + other.0), user, inside: None },
        }
    }

    /// The user of a call: who owns the job it is on, or is to own the one that it makes.
    fn caller_of(&self, from: From, job: Option<JobId>, call: &Call) -> UserId {
        match (from, job) {
            _ if matches!(call, Call::CreateJob { .. }) => (self.users)(JobId(self.made)),
            (From::User(user), _) => user,
            (_, Some(job)) => (self.users)(job),
            (From::Callback(telling), None) => (self.users)(telling),
            (From::Client(_), None) => (self.users)(JobId(0)),
        }
    }
}

/// Threads from here on are the service's own, one per delivery slot.
const DISPATCHERS: u32 = 100;

/// Threads from here on call as a user of their own, one per user.
pub const STRANGERS: u32 = 200;

/// The bit of a job; none for a job that no scope and no program has.
fn bit(job: JobId) -> u32 {
    1_u32.checked_shl(job.0).unwrap_or(0)
}

/// Whether the job enters a state that has an event of its own.
fn is_an_end(change: &Change) -> bool {
    matches!(change.state, Some((_, JobState::Transferred | JobState::Error)))
}

/// Whether the call changes who receives events, or which.
fn rearranges(call: &Call) -> bool {
    matches!(
        call,
        Call::SetNotifyFlags { .. } | Call::SetNotifyInterface { .. } | Call::SetNotifyCmdLine { .. }
    )
}

/// The job that a successful CreateJob made.
fn made(out: &Out, call: &Call) -> Option<JobId> {
    match (call, out) {
        (Call::CreateJob { .. }, Out::Job(job)) => Some(*job),
        _ => None,
    }
}
