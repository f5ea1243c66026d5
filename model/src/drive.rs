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

use contract::core::{
    Answer, Attempt, Change, Delivery, DiskOutcome, DiskWork, Then, TransferEvent, TransferReply,
    TransferStart,
};
use contract::event::{By, Caller, Leave, Target};
use contract::{
    Call, CallId, Core, DeliveryId, DiskAct, EnvStep, EventView, FileId, HResult, JobId, JobState, Out,
    ThreadId, Time, UserId,
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
    /// Something comes too late, and must change nothing.
    Late(Late),
}

/// What comes when nobody waits for it any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Late {
    /// The worker of an older attempt of the job's transfer still reports.
    Report {
        /// The job.
        job: JobId,
        /// What.
        event: TransferEvent,
    },
    /// Disk work of a job is done that no call waits for.
    Disk {
        /// The job.
        job: JobId,
        /// How it went.
        result: DiskResult,
    },
    /// A delivery of the job that has left calls, or its program starts.
    Called,
    /// A delivery that has left leaves again.
    Left(Leave),
    /// The process of a program that has exited is reported as started.
    Started,
}

impl Stimulus {
    /// Whether it makes a job.
    #[must_use]
    pub fn is_create(&self) -> bool {
        matches!(self, Stimulus::Call { call: Call::CreateJob { .. }, .. })
    }

    /// The job that it is about, if it is about one.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Stimulus::Call { job, .. } => *job,
            Stimulus::Disk { job, .. }
            | Stimulus::Transfer { job, .. }
            | Stimulus::Begin(job)
            | Stimulus::Enter(job)
            | Stimulus::Leave { job, .. }
            | Stimulus::Exit { job, .. }
            | Stimulus::Late(Late::Report { job, .. } | Late::Disk { job, .. }) => Some(*job),
            Stimulus::Turn
            | Stimulus::Timeout
            | Stimulus::Logoff(_)
            | Stimulus::NetworkLost
            | Stimulus::NetworkBack
            | Stimulus::Late(Late::Called | Late::Left(_) | Late::Started) => None,
        }
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum From {
    /// A client thread. It calls as the owner of the job, and makes jobs as whoever is to own them.
    Client(ThreadId),
    /// The callback of this job that is running.
    Callback(JobId),
    /// A client thread of this user, whoever owns the job.
    User(UserId),
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

impl DiskResult {
    /// The same of a job that has nothing to do on the disk.
    fn told_late(self) -> DiskOutcome {
        match self {
            DiskResult::Good => DiskOutcome::default(),
            DiskResult::RenameFails(at) => {
                DiskOutcome { rename_failed: Some((FileId(at), SHARING_VIOLATION)), ..DiskOutcome::default() }
            }
            DiskResult::LeavesBehind => DiskOutcome { left_behind: 1, ..DiskOutcome::default() },
        }
    }
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
        /// The slot of the delivery that the call waits for, if it waits for one; [`DELIVERIES`] for one that is not there.
        waits: Option<usize>,
    },
    /// The core has answered the second half of a Complete or Cancel.
    DiskDone {
        /// The job.
        job: JobId,
        /// How the disk work went.
        outcome: &'a DiskOutcome,
        /// The answer.
        answer: &'a Answer,
        /// See [`Happened::Answered`].
        waits: Option<usize>,
    },
    /// The environment is about to move; the changes that follow are what the core makes of it.
    Input(Input<'a>),
    /// The core has given a transfer to run, or nothing.
    Turned(Option<TransferStart>),
    /// The core has replied to a transfer.
    Replied(TransferReply),
    /// What came too late has been taken in, and answered if it was disk work.
    TooLate(Option<&'a Answer>),
    /// The core reports a change; the events about it follow.
    Changed(Change),
    /// A delivery has begun and has this slot until it leaves.
    Begun(usize, Delivery),
    /// The process of the program in this slot exists.
    ProgramStarted(usize, JobId),
    /// The delivery in this slot has left.
    Left(usize, JobId, Leave),
}

/// What the environment does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Input<'a> {
    /// The running transfer of a job reports.
    Report(JobId, &'a TransferEvent),
    /// Time has come so far.
    Time(Time),
    /// A user logs off.
    Logoff(UserId),
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// Something comes too late.
    Late(Late),
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

/// A delivery that has not left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InFlight {
    /// Its number in events: its slot.
    pub id: DeliveryId,
    /// What it is.
    pub delivery: Delivery,
    /// How far it is.
    pub phase: Phase,
}

/// A call that has not returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pends<'a> {
    /// Its number in events.
    pub id: CallId,
    /// Who called.
    pub from: From,
    /// On which job.
    pub job: Option<JobId>,
    /// What.
    pub call: &'a Call,
    /// The delivery that it waits for, by its number in events; none when it waits for the disk.
    pub delivery: Option<DeliveryId>,
}

/// How a core and what has been told differ in whether a delivery is still waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Release {
    /// It has provably entered, and is waited for.
    Missing,
    /// It has not entered as far as anybody can know, and is not waited for.
    Early,
}

/// A driver's own state, without the core and without ids that only grow: the other half of a model's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Around {
    open: [Option<Open>; CALLS],
    told: [Option<Telling>; DELIVERIES],
}

impl<C: Core> Driver<C> {
    /// Nothing open. `users` says who is to own each job: whoever calls on a job calls as its owner, but for [`From::User`].
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
        let entered = |slot| matches!(self.phase(slot), Some(Phase::Entered | Phase::Called));
        self.callback(job).is_some_and(entered) && !self.is_calling(From::Callback(job))
    }

    /// Whether a callback of the job has entered and may call.
    pub fn may_call(&self, from: From) -> bool {
        let runs = match from {
            From::Client(_) | From::User(_) => true,
            From::Callback(job) => self.may_leave(job),
        };
        runs && !self.is_calling(from) && self.free_call().is_some()
    }

    /// Whether the job's delivery has begun and not yet entered.
    pub fn may_enter(&self, job: JobId) -> bool {
        self.callback(job).is_some_and(|slot| self.phase(slot) == Some(Phase::Begun))
    }

    /// A job with a delivery that the core takes for released and that is not, or the other way round: nobody waits for a delivery that
    /// has called the engine (clause 4) or is a program that runs (clause 6), and whoever waits for another waits until it has left.
    pub fn released_wrongly(&self) -> Option<(JobId, Release)> {
        self.told.iter().find_map(|(_, telling)| {
            let is_over = matches!(telling.phase, Phase::Called | Phase::ProgramRuns);
            match (is_over, self.core.is_released(telling.delivery.id)) {
                (true, false) => Some((telling.delivery.job, Release::Missing)),
                (false, true) => Some((telling.delivery.job, Release::Early)),
                _ => None,
            }
        })
    }

    /// Whether the core ignores all of this: afterwards it is what it was. Everything happens to one copy of it, because this is asked in
    /// every state.
    pub fn ignores(&self, inputs: impl Iterator<Item = Input<'static>>) -> bool {
        let mut core = self.core.clone();
        for input in inputs {
            match input {
                Input::Logoff(user) => core.handle_logoff(user),
                Input::NetworkLost => core.handle_network_lost(),
                Input::NetworkBack => core.handle_network_back(),
                Input::Late(late) => {
                    let _answered = self.come_late(&mut core, late);
                }
                Input::Report(..) | Input::Time(_) => {}
            }
        }
        core == self.core
    }

    /// The event of the job's delivery that has begun or entered, if there is one.
    pub fn telling(&self, job: JobId) -> Option<Delivery> {
        let slot = self.callback(job)?;
        self.told.get(slot).map(|telling| telling.delivery)
    }

    /// The deliveries that have not left, by their slots.
    pub fn in_flight(&self) -> impl Iterator<Item = InFlight> {
        self.told.iter().map(|(slot, telling)| InFlight {
            id: DeliveryId(slot as u32),
            delivery: telling.delivery,
            phase: telling.phase,
        })
    }

    /// The calls that have not returned.
    pub fn pending_calls(&self) -> impl Iterator<Item = Pends<'_>> {
        self.open.iter().map(|(slot, open)| Pends {
            id: CallId(slot as u32),
            from: open.from,
            job: open.job,
            call: &open.call,
            delivery: match open.until {
                Until::Released(_, slot) => Some(DeliveryId(slot as u32)),
                Until::Disk => None,
            },
        })
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
        let mut core = self.core.clone();
        let answered = self.come_late(&mut core, late);
        self.core = core;
        self.report_changes(None, observer);
        if let Answered::Transfer(reply) = answered {
            observer.happened(Happened::Replied(reply));
        }
        let answer = if let Answered::Disk(answer) = &answered { Some(answer) } else { None };
        observer.happened(Happened::TooLate(answer));
        Applied::Done
    }

    /// Something comes too late to a core, which answers or does not.
    fn come_late(&self, core: &mut C, late: Late) -> Answered {
        match (late, self.past.left) {
            (Late::Report { job, event }, _) => {
                let running = core.transfer(job).map(|(attempt, _)| attempt);
                let attempt = self.past.attempt(job, running);
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

    /// Tells of every job of which something happened that it is at rest, if it is.
    fn tell_who_is_idle(&self, observer: &mut impl Observer) {
        let touched = (0..u32::BITS).filter(|job| self.touched >> job & 1 == 1).map(JobId);
        for job in touched.filter(|job| self.is_idle(*job)) {
            let step = EnvStep::Idle;
            observer.happened(Happened::Event(EventView::Env { step, job: Some(job), file: None }));
        }
    }

    /// Whether nothing of the job is pending, running or waiting for a retry.
    fn is_idle(&self, job: JobId) -> bool {
        self.core.pending(job).is_empty()
            && !self.core.is_finalising(job)
            && self.callback(job).is_none()
            && self.program(job).is_none()
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
            // Before a file is whole there is nothing to tell but modifications, and whoever is at rest then is at rest all the time.
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

/// Threads from here on call as a user of their own, one per user.
pub const STRANGERS: u32 = 200;

/// The bit of a job; none for a job that no scope and no program has.
fn bit(job: JobId) -> u32 {
    1_u32.checked_shl(job.0).unwrap_or(0)
}

/// Whether the job is in a state from now on that is told of.
fn is_an_end(change: &Change) -> bool {
    matches!(change.state, Some((_, JobState::Transferred | JobState::Error)))
}

/// Whether the call changes who is told, or what.
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
