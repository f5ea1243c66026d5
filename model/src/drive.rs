//! Driving a core, one stimulus at a time: the one step function of the checker, the fuzzer and the property tests.
//!
//! **What it is.** A [`Driver`] owns a [`Core`] and plays everybody around it: client threads, dispatchers, transfer workers,
//! the disk, the network, the clock. A [`Stimulus`] is one move of one of them. What happens is told to an [`Observer`], in
//! order; a recorder makes a trace of it, the rules judge it, the specification follows it.
//!
//! **What it is not.** Threads. Calls and deliveries are cut only where they wait: a call that waits for a delivery or for
//! the disk stays open while others move; a delivery is begun, entered and left in three moves. Interleavings inside the
//! engine's lock belong to the protocol model.
//!
//! **The law it keeps.** It is total: a stimulus that makes no sense now is [`Applied::NotEnabled`] and changes nothing. And
//! it is strict: a call that may return does so at once, before anything else moves, because that is when the rules bind most.

use contract::core::{Answer, Change, Delivery, DiskOutcome, DiskWork, Then, TransferEvent};
use contract::event::{By, Caller, Leave, Target};
use contract::{
    Call, CallId, Core, DeliveryId, DiskAct, EnvStep, EventView, HResult, JobId, Out, ThreadId, UserId,
};

use crate::slots::Slots;

/// Calls open at once; also the slots the rules' monitors need.
pub const CALLS: usize = 4;

/// Deliveries open at once, running programs included.
pub const DELIVERIES: usize = 6;

/// One move of somebody around the core.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Stimulus {
    /// A client, or a callback that is running, makes a call.
    Call {
        /// Who.
        from: From,
        /// On which job.
        job: Option<JobId>,
        /// What.
        call: Call,
    },
    /// The disk work of a finalising job is done.
    Disk {
        /// The job.
        job: JobId,
        /// How it went.
        result: DiskResult,
    },
    /// The scheduler moves.
    Turn,
    /// The transfer of a job reports.
    Transfer {
        /// The job.
        job: JobId,
        /// What.
        event: TransferEvent,
    },
    /// A dispatcher claims and begins a delivery of the job.
    Begin(JobId),
    /// The begun delivery of the job enters the client's code, or its program's process is created.
    Enter(JobId),
    /// The entered callback of the job leaves.
    Leave {
        /// The job.
        job: JobId,
        /// How.
        leave: Leave,
    },
    /// The oldest running program of the job exits; or the begun one could not be started.
    Exit {
        /// The job.
        job: JobId,
        /// Its exit code.
        code: i32,
    },
    /// Time passes up to the next timer.
    Timeout,
    /// A user logs off.
    Logoff(UserId),
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
}

impl Stimulus {
    /// Whether it makes a job.
    #[must_use]
    pub fn is_create(&self) -> bool {
        matches!(self, Stimulus::Call { call: Call::CreateJob { .. }, .. })
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum From {
    /// A client thread.
    Client(ThreadId),
    /// The callback of this job that is running.
    Callback(JobId),
}

/// How disk work goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DiskResult {
    /// Well.
    Good,
    /// So many renames go well, the next one fails.
    RenameFails(u32),
    /// No temporary file can be removed.
    LeavesBehind,
}

/// Whether a stimulus did anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Applied {
    /// It did.
    Done,
    /// It made no sense now; nothing changed.
    NotEnabled,
}

/// What happens while a stimulus is applied, in order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Happened<'a> {
    /// An observable event: the trace and the rules see these and nothing else.
    Event(EventView<'a>),
    /// The core has answered a call; what changed by it follows.
    Answered {
        /// Who called.
        user: UserId,
        /// On which job.
        job: Option<JobId>,
        /// What.
        call: &'a Call,
        /// The answer.
        answer: &'a Answer,
    },
    /// The core has answered the second half of a Complete or Cancel.
    DiskDone {
        /// The job.
        job: JobId,
        /// How the disk work went.
        outcome: &'a DiskOutcome,
        /// The answer.
        answer: &'a Answer,
    },
    /// The core reports a change; the events about it follow.
    Changed(Change),
    /// A delivery has begun and has this slot until it leaves.
    Begun(usize, Delivery),
    /// The process of the program in this slot exists.
    ProgramStarted(usize, JobId),
    /// The delivery in this slot has left.
    Left(usize, JobId, Leave),
}

/// Who looks on.
pub trait Observer {
    /// Something happened.
    fn happened(&mut self, happened: Happened<'_>);
}

impl<F: FnMut(Happened<'_>)> Observer for F {
    fn happened(&mut self, happened: Happened<'_>) {
        self(happened);
    }
}

/// A core and everybody around it. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Driver<C> {
    core: C,
    users: fn(JobId) -> UserId,
    open: Slots<Open, CALLS>,
    told: Slots<Telling, DELIVERIES>,
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

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    Begun,
    Entered,
    ProgramRuns,
}

/// A driver's own state, without the core and without ids that only grow: the other half of a model's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Around {
    open: [Option<Open>; CALLS],
    told: [Option<Telling>; DELIVERIES],
}

impl<C: Core> Driver<C> {
    /// Nothing open. `users` says who owns a job: whoever calls on a job calls as its owner.
    pub fn new(core: C, users: fn(JobId) -> UserId) -> Driver<C> {
        Driver { core, users, open: Slots::new(), told: Slots::new() }
    }

    /// The core.
    pub fn core(&self) -> &C {
        &self.core
    }

    /// The driver's own state, comparable between runs.
    pub fn around(&self) -> Around {
        let mut around = Around { open: self.open.places().clone(), told: *self.told.places() };
        // Ranks, not zeros: which slot holds the older of two deliveries of a job decides what the core does when one leaves.
        for telling in around.told.iter_mut().flatten() {
            telling.delivery.id = self.rank(telling.delivery.id);
        }
        for open in around.open.iter_mut().flatten() {
            if let Until::Released(id, _) = &mut open.until {
                *id = self.rank(*id);
            }
        }
        around
    }

    /// Whether a callback of the job has entered and may leave: it has no call open.
    pub fn may_leave(&self, job: JobId) -> bool {
        self.callback(job).is_some_and(|slot| self.phase(slot) == Some(Phase::Entered))
            && !self.is_calling(From::Callback(job))
    }

    /// Whether a callback of the job has entered and may call.
    pub fn may_call(&self, from: From) -> bool {
        let runs = match from {
            From::Client(_) => true,
            From::Callback(job) => self.may_leave(job),
        };
        runs && !self.is_calling(from) && self.free_call().is_some()
    }

    /// Whether the job's delivery has begun and not yet entered.
    pub fn may_enter(&self, job: JobId) -> bool {
        self.callback(job).is_some_and(|slot| self.phase(slot) == Some(Phase::Begun))
    }

    /// A job of which the core would have somebody wait for a delivery that has provably entered: it has a call open (clause
    /// 4), or is a program that runs (clause 6).
    pub fn waits_in_vain(&self) -> Option<JobId> {
        let entered = |telling: &Telling| match telling.phase {
            Phase::ProgramRuns => true,
            Phase::Entered => self.is_calling(From::Callback(telling.delivery.job)),
            Phase::Begun => false,
        };
        let held = |telling: &Telling| entered(telling) && !self.core.is_released(telling.delivery.id);
        self.told.iter().find(|(_, telling)| held(telling)).map(|(_, telling)| telling.delivery.job)
    }

    /// The event of the job's delivery that has begun or entered, if there is one.
    pub fn telling(&self, job: JobId) -> Option<Delivery> {
        let slot = self.callback(job)?;
        self.told.get(slot).map(|telling| telling.delivery)
    }

    /// Whether a program of the job runs.
    pub fn runs_program(&self, job: JobId) -> bool {
        self.program(job).is_some()
    }

    /// Whether a delivery of the job could begin and be tracked. That another one of the job has begun is no reason here: it is
    /// the core that has to know (clause 1), and the specification that refuses what the core begins all the same.
    pub fn may_begin(&self, job: JobId) -> bool {
        self.free_delivery().is_some() && self.core.is_ready(job)
    }

    /// Whether nothing is open: no call waits and nobody is being told.
    pub fn is_quiet(&self) -> bool {
        self.open.is_empty() && self.told.is_empty()
    }

    /// Applies one stimulus and tells `observer` what happens.
    pub fn apply(&mut self, stimulus: &Stimulus, observer: &mut impl Observer) -> Applied {
        match stimulus {
            Stimulus::Call { from, job, call } => self.call(*from, *job, call, observer),
            Stimulus::Disk { job, result } => self.disk(*job, *result, observer),
            Stimulus::Turn => self.input(observer, C::wants_transfer, |core| {
                let _start = core.poll_transfer();
            }),
            Stimulus::Transfer { job, event } => {
                let Some((attempt, _)) = self.core.transfer(*job) else { return Applied::NotEnabled };
                self.input(
                    observer,
                    |_| true,
                    |core| {
                        let _reply = core.handle_transfer(*job, attempt, *event);
                    },
                )
            }
            Stimulus::Begin(job) => self.begin(*job, observer),
            Stimulus::Enter(job) => self.enter(*job, observer),
            Stimulus::Leave { job, leave } => self.leave(*job, *leave, observer),
            Stimulus::Exit { job, code } => self.exit(*job, *code, observer),
            Stimulus::Timeout => {
                let Some(at) = self.core.poll_timeout() else { return Applied::NotEnabled };
                self.input(observer, |_| true, |core| core.handle_timeout(at.max(core.now())))
            }
            Stimulus::Logoff(user) => self.input(observer, |_| true, |core| core.handle_logoff(*user)),
            Stimulus::NetworkLost => self.input(observer, |_| true, C::handle_network_lost),
            Stimulus::NetworkBack => self.input(observer, |_| true, C::handle_network_back),
        }
    }

    fn call(&mut self, from: From, job: Option<JobId>, call: &Call, observer: &mut impl Observer) -> Applied {
        let busy = job.is_some_and(|job| self.core.is_finalising(job));
        let Some(slot) = self.free_call().filter(|_| self.may_call(from) && !busy) else {
            return Applied::NotEnabled;
        };
        let id = CallId(slot as u32);
        let user = job.map_or_else(|| self.user_of(from), self.users);
        let caller = self.caller(from, user);
        observer.happened(Happened::Event(EventView::Call { id, caller, job, call }));
        // At call entry, before the call's effect (contract section 4, clause 4).
        if let From::Callback(telling) = from
            && let Some(delivery) = self.telling(telling)
        {
            self.core.handle_delivery_called(delivery.id);
            self.return_released(observer);
        }
        let answer = self.core.call(user, job, call);
        observer.happened(Happened::Answered { user, job, call, answer: &answer });
        self.report_changes(Some(id), observer);
        let until = match answer.then {
            Then::Return => {
                let job = made(&answer.out, call).or(job);
                let (hr, out) = (answer.hr, &answer.out);
                observer.happened(Happened::Event(EventView::Return { id, job, call, hr, out }));
                return Applied::Done;
            }
            Then::Wait(delivery) => Until::Released(delivery, self.slot_of(delivery)),
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
        observer.happened(Happened::DiskDone { job, outcome: &outcome, answer: &answer });
        self.report_changes(Some(CallId(slot as u32)), observer);
        if let Some(open) = self.open.get_mut(slot) {
            open.hr = answer.hr;
        }
        match answer.then {
            Then::Wait(delivery) => {
                let told = self.slot_of(delivery);
                if let Some(open) = self.open.get_mut(slot) {
                    open.until = Until::Released(delivery, told);
                }
            }
            _ => self.return_call(slot, observer),
        }
        Applied::Done
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
        let idle = self.core.pending(job).is_empty()
            && !self.core.is_finalising(job)
            && self.callback(job).is_none()
            && self.program(job).is_none();
        if idle {
            let step = EnvStep::Idle;
            observer.happened(Happened::Event(EventView::Env { step, job: Some(job), file: None }));
        }
        Applied::Done
    }

    fn input(
        &mut self,
        observer: &mut impl Observer,
        enabled: impl FnOnce(&C) -> bool,
        input: impl FnOnce(&mut C),
    ) -> Applied {
        if !enabled(&self.core) {
            return Applied::NotEnabled;
        }
        input(&mut self.core);
        self.report_changes(None, observer);
        Applied::Done
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
        self.core.take_changes(|change| {
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
        }
    }

    fn user_of(&self, from: From) -> UserId {
        match from {
            From::Client(thread) => UserId(thread.0),
            From::Callback(job) => (self.users)(job),
        }
    }

    fn is_calling(&self, from: From) -> bool {
        self.open.find(|open| open.from == from).is_some()
    }

    fn free_call(&self) -> Option<usize> {
        self.open.free()
    }

    fn free_delivery(&self) -> Option<usize> {
        self.told.free()
    }

    fn slot_of(&self, delivery: DeliveryId) -> usize {
        self.told.find(|telling| telling.delivery.id == delivery).unwrap_or(DELIVERIES)
    }

    fn phase(&self, slot: usize) -> Option<Phase> {
        self.told.get(slot).map(|telling| telling.phase)
    }

    /// The slot of the job's delivery that has not left; a program that runs is not one (clause 6).
    fn callback(&self, job: JobId) -> Option<usize> {
        self.find(|telling| telling.delivery.job == job && telling.phase != Phase::ProgramRuns)
    }

    /// The slot of the oldest running program of the job.
    fn program(&self, job: JobId) -> Option<usize> {
        let runs = |telling: &Telling| telling.delivery.job == job && telling.phase == Phase::ProgramRuns;
        let running = self.told.iter().filter(|(_, telling)| runs(telling));
        running.min_by_key(|(_, telling)| telling.delivery.id).map(|(slot, _)| slot)
    }

    /// How many deliveries are open that began before this one.
    fn rank(&self, delivery: DeliveryId) -> DeliveryId {
        let older = self.told.iter().filter(|(_, telling)| telling.delivery.id < delivery);
        DeliveryId(older.count() as u32)
    }

    fn find(&self, wanted: impl Fn(&Telling) -> bool) -> Option<usize> {
        self.told.find(wanted)
    }
}

/// The events that tell of a change, in order: what the environment did, then what state that led to.
pub fn events_of(change: &Change, call: Option<CallId>) -> impl Iterator<Item = EventView<'static>> {
    let Change { job, file, step, state } = *change;
    let env = step.map(|step| EventView::Env { step, job, file });
    let by = step.map(By::Env).or(call.map(By::Call));
    let state = state.zip(job).zip(by).map(|(((from, to), job), by)| EventView::State { job, from, to, by });
    env.into_iter().chain(state)
}

/// What a rename fails with when the destination is open elsewhere: ERROR_SHARING_VIOLATION.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

/// Threads from here on are the service's own, one per delivery slot.
const DISPATCHERS: u32 = 100;

/// The job that a successful CreateJob made.
fn made(out: &Out, call: &Call) -> Option<JobId> {
    match (call, out) {
        (Call::CreateJob { .. }, Out::Job(job)) => Some(*job),
        _ => None,
    }
}
