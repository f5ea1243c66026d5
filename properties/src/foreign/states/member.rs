//! One state of the specification that fits what was seen, and where it can come to without anything that is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use contract::core::{Attempt, Failure, TransferEvent};
use contract::event::Leave;
use contract::{
    Call, CallId, Core as _, ErrorContext, Event, EventView, HResult, JobId, JobState, Out, Profile, Time,
};
use engine::core::Core;
use model::drive::{Applied, DiskResult, From, Stimulus};
use model::lockstep::Lockstep;
use model::suite::is_still;

use crate::foreign::path::is_overdue;
use crate::server::{GoesOn, Served};
use crate::suite::JOBS;

/// What is around every member.
#[derive(Debug)]
pub(super) struct World {
    pub(super) profile: Profile,
    /// What becomes of the downloads of each job, one after the other.
    pub(super) orders: [Vec<Served>; JOBS],
    /// Jobs that have taken a file which the specification refuses: what becomes of their downloads is open.
    pub(super) strange: BTreeSet<JobId>,
}

impl World {
    /// What a download gets when this number of orders was taken. Where none is left, the last one is given again.
    fn order(&self, job: usize, taken: usize) -> Served {
        let orders = &self.orders[job];
        let last = taken.checked_sub(1).and_then(|last| orders.get(last)).copied();
        let again = last.filter(|last| *last != Served::Stalls).unwrap_or(Served::Whole);
        orders.get(taken).copied().unwrap_or(again)
    }
}

/// A call of the trace.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Called {
    /// It is made, and has had no effect yet.
    Made { from: From, job: Option<JobId>, call: Call, disk: DiskResult },
    /// It waits, under this number of the model.
    Waits(CallId),
    /// It has this answer, and is not back in the trace.
    Back { hr: HResult, out: Out },
}

/// The rest of a download that has come half.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Half {
    Waits,
    Comes,
    /// The connection is closed.
    Cut,
}

/// What is known of the error of a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Cause {
    /// The server has given its code, or the model has it.
    #[default]
    Known,
    /// Something has made the transfer fail that is not known. The code, the context and the file are open.
    Open,
}

/// Whether the clock of the model stands where that of the implementation does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Clock {
    Same,
    /// It may lag behind, so timers may fire, and need not.
    Behind,
}

/// What the server has recorded of the downloads of a job.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::foreign) struct Fed {
    /// Each order was taken.
    pub(in crate::foreign) is_used_up: bool,
    /// A download has come half, and waits.
    pub(in crate::foreign) is_stalled: bool,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) state: Lockstep<Core, JOBS>,
    /// Calls that are not back in the trace, by their numbers there.
    pub(super) calls: BTreeMap<CallId, Called>,
    /// What has happened outside, and has not come to the service.
    todo: Vec<Stimulus>,
    /// Orders for downloads that were taken.
    taken: [usize; JOBS],
    half: [Option<(Attempt, Half)>; JOBS],
    disk: [DiskResult; JOBS],
    causes: [Cause; JOBS],
    /// Up to when time has passed.
    until: Time,
    clock: Clock,
}

impl Member {
    pub(super) fn first(state: Lockstep<Core, JOBS>) -> Member {
        let until = state.driver().core().now();
        Member {
            state,
            calls: BTreeMap::new(),
            todo: Vec::new(),
            taken: [0; JOBS],
            half: [None; JOBS],
            disk: [DiskResult::Good; JOBS],
            causes: [Cause::Known; JOBS],
            until,
            clock: Clock::Same,
        }
    }

    /// Two members with one fingerprint have one future.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let core = self.state.driver().core();
        self.state.hash(&mut hasher);
        self.calls.hash(&mut hasher);
        self.todo.hash(&mut hasher);
        self.taken.hash(&mut hasher);
        (0..JOBS).for_each(|job| self.half_of(job).hash(&mut hasher));
        self.disk.hash(&mut hasher);
        self.causes.hash(&mut hasher);
        self.until.0.saturating_sub(core.now().0).hash(&mut hasher);
        self.clock.hash(&mut hasher);
        hasher.finish()
    }

    fn half_of(&self, job: usize) -> Option<Half> {
        let now = self.attempt(job);
        self.half[job].filter(|(attempt, _)| Some(*attempt) == now).map(|(_, half)| half)
    }

    /// The attempt that runs.
    fn attempt(&self, job: usize) -> Option<Attempt> {
        self.state.driver().core().transfer(JobId(job as u32)).map(|(attempt, _)| attempt)
    }

    /// Applies a step; `by` is the call of the trace that it is. Whether it made sense.
    fn apply(&mut self, world: &World, step: &Stimulus, by: Option<CallId>) -> bool {
        let (mut called, mut back) = (None, Vec::new());
        let applied = self.state.apply(&world.profile, step, &mut |event| match *event {
            EventView::Call { id, .. } => called = Some(id),
            EventView::Return { id, hr, out, .. } => back.push((id, hr, out.clone())),
            _ => {}
        });
        if applied == Applied::NotEnabled || !self.state.is_sound() {
            return false;
        }
        if let (Some(of), Some(id)) = (by, called) {
            self.calls.insert(of, Called::Waits(id));
        }
        for (id, hr, out) in back {
            let waits = Called::Waits(id);
            let of = self.calls.iter().find(|(_, call)| **call == waits).map(|(of, _)| *of);
            if let Some(of) = of {
                self.calls.insert(of, Called::Back { hr, out });
            }
        }
        true
    }

    pub(super) fn after(&self, world: &World, step: &Stimulus) -> Option<Member> {
        let mut next = self.clone();
        next.apply(world, step, None).then_some(next)
    }

    fn after_all(&self, world: &World, steps: &[Stimulus]) -> Option<Member> {
        let mut next = self.clone();
        steps.iter().all(|step| next.apply(world, step, None)).then_some(next)
    }

    /// A delivery of the job that is due, as if it had come and had been acknowledged.
    pub(super) fn told(&self, world: &World, job: JobId) -> Option<Member> {
        let good = Stimulus::Leave { job, leave: Leave::Returned(HResult::S_OK) };
        let driver = self.state.driver();
        let begins = if driver.may_enter(job) { None } else { Some(Stimulus::Begin(job)) };
        let steps: Vec<Stimulus> = begins.into_iter().chain([Stimulus::Enter(job)]).collect();
        let inside = self.after_all(world, &steps)?;
        let exits = Stimulus::Exit { job, code: 0 };
        inside.after(world, &good).or_else(|| inside.after(world, &exits))
    }

    /// What is known of the error of a job.
    pub(super) fn cause(&self, job: JobId) -> Cause {
        self.causes.get(job.index()).copied().unwrap_or_default()
    }

    /// The transfer of a job fails.
    pub(super) fn fails(
        &self,
        world: &World,
        job: JobId,
        (event, cause): (TransferEvent, Cause),
    ) -> Option<Member> {
        let mut failed = self.after(world, &Stimulus::Transfer { job, event })?;
        failed.causes[job.index()] = cause;
        Some(failed)
    }

    /// What the server has given since this state; nothing where it is not known how much of it.
    pub(super) fn given<'w>(&self, world: &'w World, job: usize, fed: Fed) -> &'w [Served] {
        let orders = &world.orders[job];
        if fed.is_used_up { orders.get(self.taken[job]..).unwrap_or_default() } else { &[] }
    }

    pub(super) fn make(&mut self, id: CallId, from: From, job: Option<JobId>, call: Call, disk: DiskResult) {
        self.calls.insert(id, Called::Made { from, job, call, disk });
    }

    pub(super) fn happens(&mut self, step: Stimulus) {
        self.todo.push(step);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        if self.state.driver().core().now() < self.until {
            self.clock = Clock::Behind;
        }
        self.until.0 += ms;
    }

    pub(super) fn go_on(&mut self, job: usize, how: GoesOn) {
        if self.half_of(job) == Some(Half::Waits)
            && let Some((_, half)) = &mut self.half[job]
        {
            *half = match how {
                GoesOn::Rest => Half::Comes,
                GoesOn::Closed => Half::Cut,
            };
        }
    }

    /// The server's record holds: a resynchronised member has taken its orders, and waits where the download does.
    pub(super) fn stands_with(&mut self, world: &World, job: usize, fed: Fed) {
        if fed.is_used_up {
            self.taken[job] = world.orders[job].len();
        }
        self.half[job] = self.attempt(job).filter(|_| fed.is_stalled).map(|attempt| (attempt, Half::Waits));
    }

    /// Forgets what was under way when the set was empty. From then on the clock may lag.
    pub(super) fn settle(&mut self) {
        self.todo.clear();
        self.until = self.until.max(self.state.driver().core().now());
        self.clock = Clock::Behind;
    }

    /// Whether a call waits in the model that is back in the trace: its thread cannot call any more.
    pub(super) fn has_orphan(&self) -> bool {
        let is_known = |id: CallId| self.calls.values().any(|call| *call == Called::Waits(id));
        self.state.driver().pending_calls().any(|pending| !is_known(pending.id))
    }

    /// Whether nothing comes any more without something from outside.
    pub(super) fn rests(&self) -> bool {
        let core = self.state.driver().core();
        let waits = |job: usize| self.attempt(job).is_none() || self.half_of(job) == Some(Half::Waits);
        let fires = self.clock == Clock::Same
            && core.poll_timeout().is_some_and(|at| at <= self.until)
            && !is_overdue(core);
        is_still(&self.state)
            && self.todo.is_empty()
            && self.calls.values().all(|call| matches!(call, Called::Waits(_)))
            && (0..JOBS).all(waits)
            && !fires
    }

    /// The states to which it can come by one step that is not seen.
    pub(super) fn successors(&self, world: &World) -> Vec<Member> {
        let mut next = Vec::new();
        self.of_calls(world, &mut next);
        self.of_todo(world, &mut next);
        let core = self.state.driver().core();
        if core.wants_transfer() {
            next.extend(self.after(world, &Stimulus::Turn));
        }
        if core.poll_timeout().is_some_and(|at| at <= self.until || at <= core.now()) {
            next.extend(self.after(world, &Stimulus::Timeout));
        }
        for job in (0..JOBS as u32).map(JobId) {
            if core.is_finalising(job) {
                let mut done = self.clone();
                let result = std::mem::replace(&mut done.disk[job.index()], DiskResult::Good);
                next.extend(done.after(world, &Stimulus::Disk { job, result }));
            }
            self.of_transfer(world, job, &mut next);
            self.of_delivery(world, job, &mut next);
        }
        next
    }

    fn of_calls(&self, world: &World, next: &mut Vec<Member>) {
        for (id, called) in &self.calls {
            let Called::Made { from, job, call, disk } = called else { continue };
            let mut made = self.clone();
            let step = Stimulus::Call { from: *from, job: *job, call: call.clone() };
            if !made.apply(world, &step, Some(*id)) {
                continue;
            }
            if let Some(job) = job.filter(|job| made.state.driver().core().is_finalising(*job)) {
                made.disk[job.index()] = *disk;
            }
            next.push(made);
        }
    }

    fn of_todo(&self, world: &World, next: &mut Vec<Member>) {
        for (at, step) in self.todo.iter().enumerate() {
            // What happens to one job comes in order.
            if self.todo[..at].iter().any(|earlier| earlier.job() == step.job()) {
                continue;
            }
            if let Some(mut done) = self.after(world, step) {
                done.todo.remove(at);
                next.push(done);
            }
        }
    }

    fn of_transfer(&self, world: &World, job: JobId, next: &mut Vec<Member>) {
        let core = self.state.driver().core();
        let at = job.index();
        let Some(attempt) = self.attempt(at) else { return };
        let report = |event: TransferEvent| self.after(world, &Stimulus::Transfer { job, event });
        let connects = core.state(job) == Some(JobState::Connecting);
        if connects {
            next.extend(report(TransferEvent::Connected));
        }
        if world.strange.contains(&job) {
            next.extend(open_failures().filter_map(|failure| self.fails(world, job, failure)));
            next.extend(report(TransferEvent::FileDone));
        }
        let took = |mut member: Member| {
            member.taken[at] = (member.taken[at] + 1).min(world.orders[at].len());
            member
        };
        // The next file of the attempt is another download.
        let over = |mut member: Member| {
            member.half[at] = None;
            member
        };
        match (self.half_of(at), world.order(at, self.taken[at])) {
            (Some(Half::Waits), _) => {}
            (Some(Half::Comes), _) => next.extend(report(TransferEvent::FileDone).map(over)),
            (Some(Half::Cut), _) => next.extend(self.fails(world, job, (failed(CUT), Cause::Open)).map(over)),
            (None, Served::Status(status)) => {
                next.extend(self.fails(world, job, (failed(status), Cause::Known)).map(took))
            }
            (None, _) if connects => {}
            (None, Served::Whole) => next.extend(report(TransferEvent::FileDone).map(took)),
            (None, Served::Stalls) => {
                let mut stalls = took(self.clone());
                stalls.half[at] = Some((attempt, Half::Waits));
                next.push(stalls);
            }
        }
    }

    /// A delivery begins. A modification may be left out, so it comes and goes at once.
    fn of_delivery(&self, world: &World, job: JobId, next: &mut Vec<Member>) {
        if !self.state.driver().may_begin(job) {
            return;
        }
        let Some(begun) = self.after(world, &Stimulus::Begin(job)) else { return };
        let event = begun.state.driver().telling(job).map(|told| told.event);
        if event == Some(Event::JobModification) {
            next.extend(begun.told(world, job));
        } else {
            next.push(begun);
        }
    }
}

/// The status that stands for a connection that is closed: the transfer is tried again.
const CUT: u16 = 503;

fn failed(status: u16) -> TransferEvent {
    failed_as(Failure::of_status(status), status)
}

/// A status that is taken for an error of this class, which need not be its own.
pub(super) fn failed_as(class: Failure, status: u16) -> TransferEvent {
    TransferEvent::Failed { class, hr: HResult::from_http(status), context: ErrorContext::RemoteFile }
}

/// Failures of which the code is not known. The status stands for it.
pub(super) fn open_failures() -> impl Iterator<Item = (TransferEvent, Cause)> {
    CLASSES.into_iter().map(|class| (failed_as(class, CUT), Cause::Open))
}

pub(super) const CLASSES: [Failure; 2] = [Failure::Fatal, Failure::Transient];
