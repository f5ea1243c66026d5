//! Specification and core side by side, judged by the rules: the state of the product model, and one run of the fuzzer.
//!
//! **What it is.** A [`Lockstep`] applies a stimulus to a [`Driver`], lets the specification follow every answer and every
//! change, feeds the rules' monitors, and then asks whether the two still agree: in every job's state, in
//! every answer, in every pending event, and in whether the scheduler has something to do.
//!
//! **The law it keeps.** After a violation nothing more is applied: what follows from a broken state explains nothing. Behind a
//! disagreement the core goes on alone. The monitors need no specification, so they still judge; the specification stays as it was.

use std::fmt;
use std::hash::{Hash, Hasher};

use contract::answers::{self, Class};
use contract::core::{Answer, Change, Config, Delivery, DiskOutcome, Pending, Then};
use contract::env::StepKind;
use contract::judge::{CALLBACK_SLOTS, Monitors, RuleSet};
use contract::mutant;
use contract::{Call, Core, EventView, HResult, JobId, JobState, Method, Profile, UserId};

use crate::drive::{Applied, CALLS, DELIVERIES, Driver, Happened, Observer, Stimulus};
use crate::edge::{Act, Context, Edge, EdgeSink, NoEdges, Notice, Outcome};
use crate::spec::{Refused, Reply, Ticket, Tickets, Turn, World};

/// Where specification and core part.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Disagreement {
    /// They answer a call differently.
    Answer {
        /// Which method.
        method: Method,
        /// What the specification answers.
        spec: HResult,
        /// What the core answers.
        core: HResult,
    },
    /// A getter gives back something else.
    Out(Method),
    /// One of them finalises the job, or is busy, and the other does not.
    Finalising(Method),
    /// The specification does not allow what the core did.
    Refused(JobId, Refused),
    /// A job is in different states.
    State {
        /// The job.
        job: JobId,
        /// Its state in the specification.
        spec: Option<JobState>,
        /// Its state in the core.
        core: Option<JobState>,
    },
    /// Different events are pending.
    Pending {
        /// The job.
        job: JobId,
        /// What is pending in the specification.
        spec: Pending,
        /// What is pending in the core.
        core: Pending,
    },
    /// Somebody would wait for a delivery of the job that has provably entered (clauses 4 and 6).
    Waits(JobId),
    /// A job that is ended wants something else done to its files (R15).
    Disk(JobId),
    /// A job's turn is enabled in the specification, and the core's scheduler has nothing to do.
    Turn,
    /// The core's scheduler has something to do, and no job's turn is enabled in the specification.
    NoTurn,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disagreement::Answer { method, spec, core } => {
                write!(f, "{method} answers {core}, and the specification {spec}")
            }
            Disagreement::Out(method) => {
                write!(f, "{method} gives back something else than the specification")
            }
            Disagreement::Finalising(method) => {
                write!(f, "after {method} one of core and specification ends the job and the other does not")
            }
            Disagreement::Refused(job, why) => {
                write!(f, "the specification does not allow what {job} did: {why}")
            }
            Disagreement::State { job, spec, core } => write!(
                f,
                "{job} is {}, and in the specification {}",
                core.map_or("nowhere".to_owned(), |state| state.to_string()),
                spec.map_or("nowhere".to_owned(), |state| state.to_string())
            ),
            Disagreement::Pending { job, spec, core } => {
                write!(f, "pending for {job}: {core:?}, and in the specification {spec:?}")
            }
            Disagreement::Waits(job) => {
                write!(f, "a delivery of {job} has entered, and is waited for as if it had not")
            }
            Disagreement::Disk(job) => {
                write!(
                    f,
                    "the files of {job} are to be renamed and removed otherwise than in the specification"
                )
            }
            Disagreement::Turn => f.write_str("a job's turn is due and the scheduler has nothing to do"),
            Disagreement::NoTurn => f.write_str("no job's turn is due and the scheduler has something to do"),
        }
    }
}

/// Specification, core and monitors of `J` jobs at most. A CreateJob past `J` is not enabled.
#[derive(Clone, Debug)]
pub struct Lockstep<C, const J: usize> {
    driver: Driver<C>,
    spec: World<J>,
    /// The specification's side of the deliveries in flight, by the driver's slots.
    tickets: Tickets<DELIVERIES>,
    /// Callbacks of one user at once, at most (R9); the same in every state.
    slots: u32,
    monitors: [Monitors<CALLS>; J],
    violated: RuleSet,
    disagreement: Option<Disagreement>,
    /// The rules that had something to decide in the last stimulus; a count for reports, no part of the state.
    exercised: RuleSet,
}

impl<C: Core, const J: usize> Lockstep<C, J> {
    /// An empty queue, judged by `rules`.
    pub fn new(config: &Config, users: fn(JobId) -> UserId, rules: RuleSet) -> Self {
        Self::around(C::new(config), users, rules)
    }

    /// The same around a core that may be a decorated one.
    pub fn around(core: C, users: fn(JobId) -> UserId, rules: RuleSet) -> Self {
        Lockstep {
            driver: Driver::new(core, users),
            spec: World::new(),
            tickets: [None; DELIVERIES],
            slots: CALLBACK_SLOTS,
            monitors: std::array::from_fn(|_| Monitors::new(rules)),
            violated: RuleSet::EMPTY,
            disagreement: None,
            exercised: RuleSet::EMPTY,
        }
    }

    /// With another number of callbacks of one user at once, as the core's configuration has it.
    #[must_use]
    pub fn with_slots(self, slots: u32) -> Self {
        Lockstep { slots, ..self }
    }

    /// The driver and its core.
    pub fn driver(&self) -> &Driver<C> {
        &self.driver
    }

    /// The specification.
    pub fn spec(&self) -> &World<J> {
        &self.spec
    }

    /// The rules violated by the last stimulus.
    pub fn violated(&self) -> RuleSet {
        self.violated
    }

    /// The rules that had something to decide in the last stimulus.
    pub fn exercised(&self) -> RuleSet {
        self.exercised
    }

    /// Where specification and core parted.
    pub fn disagreement(&self) -> Option<Disagreement> {
        self.disagreement
    }

    /// Whether nothing is wrong so far.
    pub fn is_sound(&self) -> bool {
        self.violated.is_empty() && self.disagreement.is_none()
    }

    /// Applies a stimulus, shows `tap` every event, and compares. Does nothing once a rule is violated.
    pub fn apply(
        &mut self,
        profile: &Profile,
        stimulus: &Stimulus,
        tap: &mut impl FnMut(&EventView<'_>),
    ) -> Applied {
        self.apply_telling(profile, stimulus, tap, &mut NoEdges)
    }

    /// The same, and tells `edges` which edges the stimulus was: one for each job that moved.
    pub fn apply_telling(
        &mut self,
        profile: &Profile,
        stimulus: &Stimulus,
        tap: &mut impl FnMut(&EventView<'_>),
        edges: &mut impl EdgeSink,
    ) -> Applied {
        let one_too_many = self.spec.jobs().len() == J && stimulus.is_create();
        if !self.violated.is_empty() || one_too_many {
            return Applied::NotEnabled;
        }
        self.exercised = RuleSet::EMPTY;
        if self.disagreement.is_some() {
            return self.apply_alone(profile, stimulus, tap);
        }
        let Lockstep { driver, spec, tickets, slots, monitors, violated, disagreement, exercised } = self;
        let slots = *slots;
        let mut follower = Follower {
            profile,
            spec,
            tickets,
            slots,
            monitors,
            violated,
            disagreement,
            exercised,
            tap,
            edges,
        };
        let applied = driver.apply(stimulus, &mut follower);
        if applied == Applied::Done && self.disagreement.is_none() {
            self.disagreement = self.compare(profile);
        }
        applied
    }

    /// The core alone, judged by the monitors: the specification is of another opinion, and follows no more.
    fn apply_alone(
        &mut self,
        profile: &Profile,
        stimulus: &Stimulus,
        tap: &mut impl FnMut(&EventView<'_>),
    ) -> Applied {
        let Lockstep { driver, monitors, violated, exercised, .. } = self;
        driver.apply(stimulus, &mut |happened: Happened<'_>| {
            if let Happened::Event(event) = happened {
                tap(&event);
                judge(profile, &event, monitors, violated, exercised);
            }
        })
    }

    fn compare(&self, profile: &Profile) -> Option<Disagreement> {
        let core = self.driver.core();
        for job in (0..J as u32).map(JobId) {
            let (ours, theirs) = (self.spec.state(job), core.state(job));
            if ours != theirs {
                return Some(Disagreement::State { job, spec: ours, core: theirs });
            }
            if ours.is_none() {
                // Nothing is pending for a job that is in neither.
                continue;
            }
            let (ours, theirs) = (self.spec.pending(profile, job), core.pending(job));
            if ours != theirs {
                return Some(Disagreement::Pending { job, spec: ours, core: theirs });
            }
            if core.is_finalising(job) && !self.spec.disk_work(profile, job).eq(core.disk_work(job)) {
                return Some(Disagreement::Disk(job));
            }
        }
        if let Some(job) = self.driver.waits_in_vain() {
            return Some(Disagreement::Waits(job));
        }
        match (self.spec.may_turn(profile), core.wants_transfer()) {
            (Turn::None, true) if !self.starts_a_transfer() => Some(Disagreement::NoTurn),
            (Turn::Start | Turn::Preempt, false) => Some(Disagreement::Turn),
            _ => None,
        }
    }
}

impl<C: Core, const J: usize> Lockstep<C, J> {
    /// Whether a job waits for its transfer to run, which is no turn: Resume took it straight to TRANSFERRING, or a Complete that failed has
    /// stopped the one it had.
    fn starts_a_transfer(&self) -> bool {
        let core = self.driver.core();
        let runs = |job| core.state(job).is_some_and(JobState::is_running);
        let waits = |job| runs(job) && core.transfer(job).is_none();
        (0..J as u32).map(JobId).any(waits)
    }
}

impl<C: Core, const J: usize> PartialEq for Lockstep<C, J> {
    fn eq(&self, other: &Self) -> bool {
        // Behind a disagreement the specification has no part in what comes next, and how they parted has none either.
        let parted = self.disagreement.is_some();
        self.monitors == other.monitors
            && self.violated == other.violated
            && parted == other.disagreement.is_some()
            && self.driver.around() == other.driver.around()
            && (parted || self.spec.canonical(&self.tickets) == other.spec.canonical(&other.tickets))
            && self.driver.core().canonical() == other.driver.core().canonical()
    }
}

impl<C: Core, const J: usize> Eq for Lockstep<C, J> {}

impl<C: Core, const J: usize> Hash for Lockstep<C, J> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.disagreement {
            None => self.spec.canonical(&self.tickets).hash(state),
            Some(_) => "parted".hash(state),
        }
        self.monitors.hash(state);
        self.violated.hash(state);
        self.driver.around().hash(state);
        self.driver.core().canonical().hash(state);
    }
}

/// Lets specification and monitors follow what happens.
struct Follower<'a, T, E, const J: usize> {
    profile: &'a Profile,
    spec: &'a mut World<J>,
    tickets: &'a mut Tickets<DELIVERIES>,
    slots: u32,
    monitors: &'a mut [Monitors<CALLS>; J],
    violated: &'a mut RuleSet,
    disagreement: &'a mut Option<Disagreement>,
    exercised: &'a mut RuleSet,
    tap: &'a mut T,
    edges: &'a mut E,
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
            Happened::Answered { user, job, call, answer } => self.answered(user, job, call, answer),
            Happened::DiskDone { job, outcome, answer } => self.disk_done(job, outcome, answer),
            Happened::Changed(change) => self.changed(&change),
            Happened::Begun(slot, Delivery { job, event, file, target, .. }) => {
                match self.spec.begin(self.profile, job, event, file, target) {
                    Ok(ticket) => {
                        self.tickets[slot] = Some((job, ticket));
                        let unlimited = mutant!(self.profile, SlotsUnlimited);
                        if self.slots_taken_with(job) > self.slots && !unlimited {
                            self.allow(job, Err(Refused::NoCallbackSlot));
                        }
                    }
                    Err(why) => self.allow(job, Err(why)),
                }
            }
            Happened::ProgramStarted(slot, job) => {
                if let Some((_, ticket)) = &mut self.tickets[slot] {
                    let allowed = self.spec.program_started(self.profile, job, ticket);
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
        (self.tap)(event);
        judge(self.profile, event, self.monitors, self.violated, self.exercised);
    }

    /// Slots of callbacks that the owner of this job has in use.
    fn slots_taken_with(&self, job: JobId) -> u32 {
        let owner = |job: JobId| self.spec.jobs().get(job.index()).map(|job| job.owner());
        let of_owner =
            |(other, ticket): &&(JobId, Ticket)| ticket.holds_slot() && owner(*other) == owner(job);
        self.tickets.iter().flatten().filter(of_owner).count() as u32
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
        // What a call did, the specification did when it answered.
        if change.step.is_some() {
            let allowed = self.spec.step(self.profile, change);
            self.allow(change.job.unwrap_or(JobId(0)), allowed);
        }
    }

    fn contexts(&self) -> [Context; J] {
        std::array::from_fn(|job| self.spec.context(self.profile, Some(JobId(job as u32))))
    }

    /// What the delivery that is about to leave told, and whom: afterwards the ticket is gone.
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
            Happened::Changed(Change { step: Some(step), job: None, .. }) => {
                return self.tell_edges_of_all(step.kind(), before);
            }
            // What concerned all jobs has been told of each of them.
            Happened::Changed(Change { step: Some(step), .. }) if is_about_all(step.kind()) => return,
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
            Happened::Changed(_) | Happened::ProgramStarted(..) | Happened::Event(_) => return,
        };
        if let (Some(context), Some(act)) = (context, act) {
            self.edges.edge(Edge::of(context, act, outcome));
        }
    }

    fn tell_edges_of_all(&mut self, kind: StepKind, before: &[Context; J]) {
        for (job, context) in self.spec.jobs().iter().zip(before) {
            if context.state() != Some(job.state()) {
                let outcome = Outcome::of_step(Some(job.state()));
                self.edges.edge(Edge::of(*context, Act::Env(kind), outcome));
            }
        }
    }
}

/// Shows an event to the monitors of the job that it is about, or of all.
fn judge<const J: usize>(
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

/// Whether the step is one of the network's, which concern all jobs at once.
fn is_about_all(kind: StepKind) -> bool {
    matches!(kind, StepKind::NetworkLost | StepKind::NetworkBack)
}

/// Whether the job that a call names matters to it.
fn is_about_job(method: Method) -> bool {
    method == Method::GetJob || answers::class(method) != Class::Manager
}
