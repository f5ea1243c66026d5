//! What follows a driver: the specification answers for itself, the monitors judge, and the edges of the model are named.

use contract::answers::{self, Class};
use contract::core::{
    Answer, Change, Delivery, DiskOutcome, Failure, Then, TransferEvent, TransferReply, TransferStart,
};
use contract::env::StepKind;
use contract::event::Caller;
use contract::{Call, DeliveryId, EventView, FileId, HResult, JobId, JobState, Method, Profile, UserId};
use judge::{Monitors, RuleSet};

use super::disagreement::Disagreement;
use crate::drive::{CALLS, DELIVERIES, Happened, Input, Late, Observer};
use crate::edge::{Act, Context, Edge, EdgeSink, Notice, Outcome};
use crate::spec::{Forbids, Job, Lengths, Refused, Reply, Ticket, Tickets, World};

/// Lets specification and monitors follow what happens.
pub(super) struct Follower<'a, T, E, const J: usize> {
    pub(super) profile: &'a Profile,
    pub(super) spec: &'a mut World<J>,
    pub(super) tickets: &'a mut Tickets<DELIVERIES>,
    pub(super) slots: u32,
    pub(super) lengths: Lengths,
    pub(super) monitors: &'a mut [Monitors<CALLS>; J],
    pub(super) violated: &'a mut RuleSet,
    pub(super) disagreement: &'a mut Option<Disagreement>,
    pub(super) exercised: &'a mut RuleSet,
    pub(super) tap: &'a mut T,
    pub(super) edges: &'a mut E,
    /// What the environment did in this stimulus.
    pub(super) input: Option<Asked>,
    /// Whether the core has reported a change since.
    pub(super) moved: Moved,
    /// What a report must make of its job.
    pub(super) expected: Option<Job>,
}

/// What the environment did, as far as the changes that follow are judged by it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// A transfer of the job reported this of this file.
    Report(JobId, StepKind, Option<FileId>),
    /// Time came.
    Time,
    /// It did something to many jobs; the specification has done it, too.
    All,
    /// It came too late.
    Late(StepKind),
}

/// Whether anything has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moved {
    No,
    Yes,
}

impl<T: FnMut(&EventView<'_>), E: EdgeSink, const J: usize> Observer for Follower<'_, T, E, J> {
    fn happened(&mut self, happened: Happened<'_>) {
        if !E::LISTENS {
            return self.follow(happened);
        }
        let before = self.contexts();
        let told = self.told(&happened);
        self.follow(happened);
        self.tell_edges(&happened, &before, told);
    }
}

impl<T: FnMut(&EventView<'_>), E: EdgeSink, const J: usize> Follower<'_, T, E, J> {
    fn follow(&mut self, happened: Happened<'_>) {
        match happened {
            Happened::Event(event) => self.judge(&event),
            Happened::Answered { user, job, call, answer, waits } => {
                let before = job.and_then(|job| self.spec.state(job));
                self.answered(user, job, call, answer);
                let forbids = self.forbids(job, before, call, answer);
                self.waits(job, call.method(), forbids, waits);
            }
            Happened::DiskDone { job, outcome, answer, waits } => {
                self.disk_done(job, outcome, answer);
                let ended = self.spec.state(job).is_some_and(JobState::is_final);
                let forbids = if ended { Forbids::All } else { Forbids::Nothing };
                self.waits(Some(job), Method::Complete, forbids, waits);
            }
            Happened::Input(input) => self.asked(&input),
            Happened::Turned(start) => self.turned(start),
            Happened::Replied(reply) => self.replied(reply),
            Happened::TooLate(answer) => {
                if let (Some(answer), Some(Asked::Late(kind))) = (answer, self.input)
                    && answer.hr != self.profile.invalid_state
                    && answer.hr != self.profile.not_found
                {
                    self.part(Disagreement::TooLate(kind));
                }
            }
            Happened::Changed(change) => self.changed(&change),
            Happened::Begun(slot, Delivery { job, event, file, target, .. }) => {
                match self.spec.begin(self.profile, job, event, file, target) {
                    Ok(ticket) => {
                        self.tickets[slot] = Some((job, ticket));
                        if slots_taken(self.spec, self.tickets, job) > self.slots {
                            self.allow(job, Err(Refused::NoCallbackSlot));
                        }
                    }
                    Err(why) => self.allow(job, Err(why)),
                }
            }
            Happened::ProgramStarted(slot, job) => {
                if let Some((_, ticket)) = &mut self.tickets[slot] {
                    let allowed = self.spec.program_started(job, ticket);
                    self.allow(job, allowed);
                }
            }
            Happened::Left(slot, job, leave) => {
                if let Some((_, ticket)) = self.tickets[slot].take() {
                    let allowed = self.spec.leave(self.profile, job, ticket, leave);
                    self.allow(job, allowed);
                }
            }
        }
    }

    fn judge(&mut self, event: &EventView<'_>) {
        if let EventView::Call { caller: Caller { inside: Some(delivery), .. }, .. } = event
            && let Some(Some((_, ticket))) = self.tickets.get_mut(delivery.0 as usize)
        {
            ticket.has_called();
        }
        (self.tap)(event);
        judge(self.profile, event, self.monitors, self.violated, self.exercised);
    }

    fn asked(&mut self, input: &Input<'_>) {
        self.moved = Moved::No;
        self.input = Some(match *input {
            Input::Report(job, event) => {
                self.expected = self.spec.reported(self.profile, job, event);
                let file = self.spec.job(job).and_then(Job::current_file);
                Asked::Report(job, kind_of(event), file)
            }
            Input::Time(now) => {
                self.spec.time_comes(now);
                Asked::Time
            }
            Input::Logoff(user) => {
                self.spec.logoff(self.profile, user);
                Asked::All
            }
            Input::NetworkLost => {
                self.spec.network_lost(self.profile);
                Asked::All
            }
            Input::NetworkBack => {
                self.spec.network_back(self.profile);
                Asked::All
            }
            Input::Late(late) => Asked::Late(kind_of_late(&late)),
        });
    }

    /// A report must have made of its job what the specification makes of it.
    pub(super) fn close(&mut self) {
        if let (Some(expected), Some(Asked::Report(job, kind, _))) = (self.expected, self.input)
            && self.spec.job(job) != Some(&expected)
        {
            self.part(Disagreement::Report(job, kind));
        }
    }

    /// The scheduler has moved: it gives a transfer that fetches what comes next, or has taken a slot away.
    fn turned(&mut self, start: Option<TransferStart>) {
        let Some(start) = start else {
            if self.moved == Moved::No {
                self.part(Disagreement::Turn);
            }
            return;
        };
        let next = self.spec.next_bytes(start.job);
        let fetches =
            self.spec.fetches(start.job) && next.is_none_or(|next| next == (start.file, start.from));
        if !fetches {
            self.part(Disagreement::Fetch(start.job));
        }
    }

    fn replied(&mut self, reply: TransferReply) {
        match self.input {
            Some(Asked::Late(kind)) if reply != TransferReply::Stop => self.part(Disagreement::TooLate(kind)),
            Some(Asked::Report(job, _, before)) if self.disagreement.is_none() => {
                let next = self.spec.next_bytes(job);
                let right = match reply {
                    TransferReply::Stop => !self.spec.fetches(job),
                    TransferReply::Continue => {
                        self.spec.fetches(job) && self.spec.job(job).and_then(Job::current_file) == before
                    }
                    TransferReply::Next { file, from } => {
                        self.spec.fetches(job)
                            && before != Some(file)
                            && next.is_none_or(|next| next == (file, from))
                    }
                };
                if !right {
                    self.part(Disagreement::Reply(job));
                }
            }
            _ => {}
        }
    }

    /// What the situation forbids that the call has made. It was answered as the specification answers.
    fn forbids(&self, job: Option<JobId>, before: Option<JobState>, call: &Call, answer: &Answer) -> Forbids {
        let done = answer.hr.succeeded() && !matches!(answer.then, Then::Disk | Then::Busy);
        match call {
            _ if !done => Forbids::Nothing,
            Call::SetNotifyFlags { .. } => {
                let mask = job.and_then(|job| self.spec.job(job)).map(Job::mask);
                mask.map_or(Forbids::Nothing, Forbids::Masked)
            }
            Call::SetNotifyInterface { .. } => Forbids::Interfaces,
            Call::SetNotifyCmdLine { .. } => Forbids::Programs,
            // A job that Resume leaves in TRANSFERRED or ERROR still causes its events.
            Call::Resume => match before {
                Some(JobState::Transferred | JobState::Error)
                    if before != job.and_then(|job| self.spec.state(job)) =>
                {
                    Forbids::Ends
                }
                _ => Forbids::Nothing,
            },
            _ => Forbids::Nothing,
        }
    }

    /// Compares the delivery that a call waits for with the one that it has to wait for.
    fn waits(&mut self, job: Option<JobId>, method: Method, forbids: Forbids, waits: Option<usize>) {
        let forbidden = |ticket: &Option<(JobId, Ticket)>| {
            ticket.is_some_and(|(other, ticket)| {
                Some(other) == job && ticket.is_waited_for(self.profile, forbids)
            })
        };
        let expected =
            if forbids == Forbids::Nothing { None } else { self.tickets.iter().position(forbidden) };
        if expected != waits {
            let id = |slot: usize| DeliveryId(slot as u32);
            self.part(Disagreement::WaitsFor { method, spec: expected.map(id), core: waits.map(id) });
        }
    }

    fn part(&mut self, disagreement: Disagreement) {
        self.disagreement.get_or_insert(disagreement);
    }

    fn answered(&mut self, user: UserId, job: Option<JobId>, call: &Call, answer: &Answer) {
        let reply = self.spec.call(self.profile, user, job, call);
        self.agree(&reply, call.method(), answer);
    }

    fn disk_done(&mut self, job: JobId, outcome: &DiskOutcome, answer: &Answer) {
        let reply = self.spec.disk(self.profile, job, outcome);
        self.agree(&reply, Method::Complete, answer);
    }

    fn agree(&mut self, reply: &Reply, method: Method, answer: &Answer) {
        if reply.agrees(answer) || self.disagreement.is_some() {
            return;
        }
        *self.disagreement = Some(match (reply.then, answer.then) {
            (Then::Return, Then::Return | Then::Wait(_)) if reply.hr == answer.hr => {
                Disagreement::Out(method)
            }
            (Then::Return, Then::Return | Then::Wait(_)) => {
                Disagreement::Answer { method, spec: reply.hr, core: answer.hr }
            }
            _ => Disagreement::Finalising(method),
        });
    }

    fn allow(&mut self, job: JobId, allowed: Result<(), Refused>) {
        if let Err(why) = allowed {
            self.disagreement.get_or_insert(Disagreement::Refused(job, why));
        }
    }

    fn changed(&mut self, change: &Change) {
        self.moved = Moved::Yes;
        // What a call did, the specification did when it answered.
        if let Some(step) = change.step {
            let job = change.job.unwrap_or(JobId(0));
            let allowed = self.concerns(change, job, step.kind());
            let allowed = allowed.and_then(|()| self.spec.step(self.profile, change));
            self.allow(job, allowed);
        }
    }

    /// Whether the step may come from what the environment did.
    fn concerns(&self, change: &Change, job: JobId, kind: StepKind) -> Result<(), Refused> {
        match self.input {
            Some(Asked::Late(_)) => return Err(Refused::NotConcerned),
            Some(Asked::All) if is_about_many(kind) => {
                let felt = self.spec.is_concerned(self.profile, change);
                return if felt { Ok(()) } else { Err(Refused::NotConcerned) };
            }
            _ => {}
        }
        self.spec.is_due(self.profile, job, kind, &self.lengths)
    }

    fn contexts(&self) -> [Context; J] {
        std::array::from_fn(|job| self.spec.context(self.profile, Some(JobId(job as u32))))
    }

    /// The event of the delivery that is about to leave, and its receiver: afterwards the ticket is gone.
    fn told(&self, happened: &Happened<'_>) -> Option<Notice> {
        let Happened::Left(slot, ..) = happened else { return None };
        let (_, ticket) = self.tickets.get(*slot)?.as_ref()?;
        ticket.told()
    }

    /// The edges of what happened: one, but for a step that concerns all jobs, which is one of each job that moved.
    fn tell_edges(&mut self, happened: &Happened<'_>, before: &[Context; J], told: Option<Notice>) {
        let of = |job: Option<JobId>| job.and_then(|job| before.get(job.index())).copied();
        let now = |job: Option<JobId>| job.and_then(|job| self.spec.state(job));
        let moved =
            |job: Option<JobId>| now(job).filter(|state| of(job).and_then(Context::state) != Some(*state));
        let (context, act, outcome) = match *happened {
            // The index has what a job does for its owner; a call on it that is refused to another user does nothing.
            Happened::Answered { job, call, answer, .. }
                if answer.hr == HResult::E_ACCESSDENIED
                    && of(job.filter(|_| is_about_job(call.method()))).is_some() =>
            {
                return;
            }
            Happened::Answered { job, call, answer, .. } => {
                let job = job.filter(|_| is_about_job(call.method()));
                let context = of(job).unwrap_or(Context::NO_JOB);
                let act = Act::of_call(self.profile, context, call);
                (Some(context), Some(act), Outcome::of_call(answer.hr, answer.then, moved(job)))
            }
            Happened::DiskDone { job, answer, .. } => {
                let job = Some(job);
                (of(job), Some(Act::Disk), Outcome::of_call(answer.hr, answer.then, moved(job)))
            }
            Happened::Input(Input::NetworkLost) => {
                return self.tell_edges_of_all(StepKind::NetworkLost, before);
            }
            Happened::Input(Input::NetworkBack) => {
                return self.tell_edges_of_all(StepKind::NetworkBack, before);
            }
            Happened::Input(Input::Logoff(_)) => return self.tell_edges_of_all(StepKind::Logoff, before),
            // The edges of what concerned many jobs have been passed on, one for each job.
            Happened::Changed(Change { step: Some(step), .. }) if is_about_many(step.kind()) => return,
            Happened::Replied(_) => match self.input {
                Some(Asked::Report(job, kind, _)) if self.moved == Moved::No => {
                    (of(Some(job)), Some(Act::Env(kind)), Outcome::ignored())
                }
                _ => return,
            },
            // What comes too late for a job that is not there is no edge of any.
            Happened::Input(Input::Late(Late::Report { job, .. } | Late::Disk { job, .. }))
                if of(Some(job)) == Some(Context::NO_JOB) =>
            {
                return;
            }
            Happened::Input(Input::Late(Late::Report { job, event })) => {
                (of(Some(job)), Some(Act::Env(kind_of(&event))), Outcome::ignored())
            }
            Happened::Input(Input::Late(Late::Disk { job, .. })) => {
                (of(Some(job)), Some(Act::Disk), Outcome::ignored())
            }
            Happened::Changed(Change { step: Some(step), job, .. }) => {
                (of(job), Some(Act::Env(step.kind())), Outcome::of_step(moved(job)))
            }
            Happened::Begun(_, Delivery { job, event, target, .. }) => {
                (of(Some(job)), Notice::of(event, target).map(Act::Begin), Outcome::of_step(None))
            }
            Happened::Event(EventView::Enter { job, event, target, .. }) => {
                (of(Some(job)), Notice::of(event, target).map(Act::Enter), Outcome::of_step(None))
            }
            Happened::Left(_, job, leave) => {
                let act = told.map(|told| Act::of_leave(self.profile, told, leave));
                (of(Some(job)), act, Outcome::of_step(None))
            }
            Happened::Changed(_)
            | Happened::ProgramStarted(..)
            | Happened::Event(_)
            | Happened::Input(_)
            | Happened::Turned(_)
            | Happened::TooLate(_) => return,
        };
        if let (Some(context), Some(act)) = (context, act) {
            self.edges.edge(Edge::of(context, act, outcome));
        }
    }

    fn tell_edges_of_all(&mut self, kind: StepKind, before: &[Context; J]) {
        for (job, context) in self.spec.jobs().iter().zip(before) {
            let moved = context.state() != Some(job.state());
            let outcome = if moved { Outcome::of_step(Some(job.state())) } else { Outcome::ignored() };
            self.edges.edge(Edge::of(*context, Act::Env(kind), outcome));
        }
    }
}

/// Shows an event to the monitors of the job that it is about, or of all.
pub(super) fn judge<const J: usize>(
    profile: &Profile,
    event: &EventView<'_>,
    monitors: &mut [Monitors<CALLS>; J],
    violated: &mut RuleSet,
    exercised: &mut RuleSet,
) {
    let mut step = |monitors: &mut Monitors<CALLS>| monitors.step_counting(profile, event, exercised);
    let broken = match event.job() {
        Some(job) => monitors.get_mut(job.index()).map_or(RuleSet::EMPTY, step),
        None => monitors.iter_mut().map(&mut step).fold(RuleSet::EMPTY, RuleSet::union),
    };
    *violated = violated.union(broken);
}

/// Whether the step concerns many jobs at once.
fn is_about_many(kind: StepKind) -> bool {
    matches!(kind, StepKind::NetworkLost | StepKind::NetworkBack | StepKind::Logoff)
}

/// Slots of callbacks that the owner of this job has in use.
pub(super) fn slots_taken<const J: usize>(spec: &World<J>, tickets: &Tickets<DELIVERIES>, job: JobId) -> u32 {
    let owner = |job: JobId| spec.job(job).map(Job::owner);
    let of_owner = |(other, ticket): &&(JobId, Ticket)| ticket.holds_slot() && owner(*other) == owner(job);
    tickets.iter().flatten().filter(of_owner).count() as u32
}

/// What a report of a transfer is as a step.
fn kind_of(event: &TransferEvent) -> StepKind {
    match event {
        TransferEvent::Connected => StepKind::Connected,
        TransferEvent::SizeKnown(_) => StepKind::SizeKnown,
        TransferEvent::Bytes(_) => StepKind::Bytes,
        TransferEvent::Restarted => StepKind::FileRestarted,
        TransferEvent::FileDone => StepKind::FileDone,
        TransferEvent::Failed { class: Failure::Transient, .. } => StepKind::TransientError,
        TransferEvent::Failed { class: Failure::Fatal, .. } => StepKind::FatalError,
    }
}

/// What comes too late, as a step; answers of clients are none, and count as the job's rest.
pub(super) fn kind_of_late(late: &Late) -> StepKind {
    match late {
        Late::Report { event, .. } => kind_of(event),
        Late::Disk { .. } => StepKind::Disk,
        Late::Called | Late::Left(_) | Late::Started => StepKind::Idle,
    }
}

/// Whether the job that a call names matters to it.
fn is_about_job(method: Method) -> bool {
    method == Method::GetJob || answers::class(method) != Class::Manager
}
