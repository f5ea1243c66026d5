//! Specification and core side by side, judged by the rules: the state of the product model, and one run of the fuzzer.
//!
//! **What it is.** A [`Lockstep`] applies a stimulus to a [`Driver`], lets the specification follow every answer and every
//! change, feeds the rules' monitors, and then asks whether the two still agree: in every job's state, in
//! every answer and the delivery that it waits for, in every pending event and whether it may begin now, in every timer and its
//! moment, in what is made of each report of a transfer, and in whether the scheduler has something to do.
//!
//! **The law it keeps.** After a violation nothing more is applied: what follows from a broken state explains nothing. Behind a
//! disagreement the core goes on alone. The monitors need no specification, so they still judge; the specification stays as it was.

use std::fmt;
use std::hash::{Hash, Hasher};

use contract::answers::{self, Class};
use contract::core::{
    Answer, Change, Config, Delivery, DiskOutcome, Failure, Pending, Then, Timer, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::env::StepKind;
use contract::event::{Caller, Target};
use contract::{
    Call, Core, DeliveryId, EventView, FileId, HResult, JobId, JobState, Method, Profile, Time, UserId,
};
use judge::{Monitors, RuleSet};

use crate::drive::{Applied, CALLS, DELIVERIES, Driver, Happened, Input, Late, Observer, Release, Stimulus};
use crate::edge::{Act, Context, Edge, EdgeSink, NoEdges, Notice, Outcome};
use crate::spec::{Forbids, Job, Lengths, Refused, Reply, Ticket, Tickets, Turn, World};

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
    /// A delivery of the job may begin in one of them and not in the other.
    Ready {
        /// The job.
        job: JobId,
        /// What the core says.
        core: Readiness,
    },
    /// A timer of the job runs in one of them alone, or fires at another time.
    Timer {
        /// The job.
        job: JobId,
        /// Which timer.
        timer: Timer,
        /// When it fires in the specification, if it runs.
        spec: Option<Time>,
        /// When it fires in the core, if it runs.
        core: Option<Time>,
    },
    /// The core asks to be woken at another time than that of its next timer.
    Wakes {
        /// The next timer, if one runs.
        spec: Option<Time>,
        /// When the core asks for.
        core: Option<Time>,
    },
    /// The time of a timer has come, and it has not fired.
    NotFired(Time),
    /// A call waits for another delivery than the one it has to wait for (clause 3).
    WaitsFor {
        /// The method.
        method: Method,
        /// What it has to wait for, if for anything.
        spec: Option<DeliveryId>,
        /// What it waits for, if for anything.
        core: Option<DeliveryId>,
    },
    /// Somebody would wait for a delivery of the job that has provably entered (clauses 4 and 6).
    Waits(JobId),
    /// Nobody would wait for a delivery of the job that has not left, has called nothing and is no program that runs (clause 3).
    Released(JobId),
    /// The job makes something else of what its transfer reports.
    Report(JobId, StepKind),
    /// The transfer of the job is to fetch another file, or from another byte on.
    Fetch(JobId),
    /// A transfer is to go on, to stop or to fetch another file, and in the specification it is not.
    Reply(JobId),
    /// What came too late changed something, or was answered otherwise.
    TooLate(StepKind),
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
            Disagreement::Ready { job, core: Readiness::Ready } => {
                write!(f, "a delivery of {job} may begin, and in the specification it may not yet")
            }
            Disagreement::Ready { job, core: Readiness::NotReady } => {
                write!(f, "no delivery of {job} may begin, and in the specification one may begin now")
            }
            Disagreement::Timer { job, timer, spec, core } => write!(
                f,
                "the {timer} of {job} {}, and in the specification it {}",
                fires(*core),
                fires(*spec)
            ),
            Disagreement::Wakes { spec, core } => {
                write!(f, "the core asks to be woken {}, and its next timer {}", at(*core), fires(*spec))
            }
            Disagreement::NotFired(at) => write!(f, "a timer that was due at {at} has not fired"),
            Disagreement::WaitsFor { method, spec, core } => {
                let delivery = |waits: &Option<DeliveryId>| {
                    waits.map_or_else(|| "nothing".to_owned(), |delivery| delivery.to_string())
                };
                write!(
                    f,
                    "{method} waits for {}, and has to wait for {} (clause 3)",
                    delivery(core),
                    delivery(spec)
                )
            }
            Disagreement::Released(job) => {
                write!(f, "a delivery of {job} has not left, and is not waited for (clause 3)")
            }
            Disagreement::Report(job, step) => {
                write!(f, "{job} makes something else of a report of its transfer: {step}")
            }
            Disagreement::Fetch(job) => {
                write!(f, "the transfer of {job} is to fetch another file, or from another byte on")
            }
            Disagreement::Reply(job) => {
                write!(f, "the transfer of {job} is to go on otherwise than in the specification")
            }
            Disagreement::TooLate(step) => {
                write!(f, "what came too late is not ignored: {step}")
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

/// Whether a delivery may begin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Readiness {
    /// It may.
    Ready,
    /// It may not.
    NotReady,
}

fn at(time: Option<Time>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| format!("at {time}"))
}

fn fires(time: Option<Time>) -> String {
    time.map_or_else(|| "does not run".to_owned(), |time| format!("fires at {time}"))
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
    /// The lengths that the core was built with; the same in every state.
    lengths: Lengths,
    monitors: [Monitors<CALLS>; J],
    violated: RuleSet,
    disagreement: Option<Disagreement>,
    /// The rules that had something to decide in the last stimulus; a count for reports, no part of the state.
    exercised: RuleSet,
}

impl<C: Core, const J: usize> Lockstep<C, J> {
    /// An empty queue, judged by `rules`.
    pub fn new(config: &Config, users: fn(JobId) -> UserId, rules: RuleSet) -> Self {
        Self::around(C::new(config), config, users, rules)
    }

    /// The same around a core that may be a decorated one. It was built with `config`.
    pub fn around(core: C, config: &Config, users: fn(JobId) -> UserId, rules: RuleSet) -> Self {
        Lockstep {
            driver: Driver::new(core, users),
            spec: World::new(),
            tickets: [None; DELIVERIES],
            slots: config.callback_slots,
            lengths: Lengths { time_slice: config.time_slice, expiry: config.expiry },
            monitors: std::array::from_fn(|_| Monitors::new(rules)),
            violated: RuleSet::EMPTY,
            disagreement: None,
            exercised: RuleSet::EMPTY,
        }
    }

    /// The driver and its core.
    pub fn driver(&self) -> &Driver<C> {
        &self.driver
    }

    /// The specification.
    pub fn spec(&self) -> &World<J> {
        &self.spec
    }

    /// The rules of each job, with what they remember.
    pub fn monitors(&self) -> &[Monitors<CALLS>] {
        &self.monitors
    }

    /// Whether jobs, deliveries and calls stand as in the other one, whatever the rules remember of how they came there.
    pub fn stands_as(&self, other: &Self) -> bool {
        // Behind a disagreement the specification has no part in what comes next, and how they parted has none either.
        let parted = self.disagreement.is_some();
        self.violated == other.violated
            && parted == other.disagreement.is_some()
            && self.driver.around() == other.driver.around()
            && (parted || self.spec.canonical(&self.tickets) == other.spec.canonical(&other.tickets))
            && self.driver.core().canonical() == other.driver.core().canonical()
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
        // What comes too late must leave the core exactly as it was, which nothing else says of it.
        let before = matches!(stimulus, Stimulus::Late(_)).then(|| self.driver.core().clone());
        let Lockstep { driver, spec, tickets, slots, lengths, monitors, violated, disagreement, exercised } =
            self;
        let (slots, lengths) = (*slots, *lengths);
        let mut follower = Follower {
            profile,
            spec,
            tickets,
            slots,
            lengths,
            monitors,
            violated,
            disagreement,
            exercised,
            tap,
            edges,
            input: None,
            moved: Moved::No,
            expected: None,
        };
        let applied = driver.apply(stimulus, &mut follower);
        follower.close();
        let time_came = matches!(follower.input, Some(Asked::Time));
        if applied == Applied::Done && self.disagreement.is_none() {
            self.spec.note_slices(profile, &self.lengths);
            self.disagreement =
                self.compare(profile, time_came).or_else(|| self.compare_late(stimulus, before));
        }
        applied
    }

    fn compare_late(&self, stimulus: &Stimulus, before: Option<C>) -> Option<Disagreement> {
        let Stimulus::Late(late) = stimulus else { return None };
        (before.as_ref() != Some(self.driver.core())).then(|| Disagreement::TooLate(kind_of_late(late)))
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

    fn compare(&self, profile: &Profile, time_came: bool) -> Option<Disagreement> {
        let core = self.driver.core();
        let mut next: Option<Time> = None;
        for job in (0..J as u32).map(JobId) {
            let (ours, theirs) = (self.spec.state(job), core.state(job));
            if ours != theirs {
                return Some(Disagreement::State { job, spec: ours, core: theirs });
            }
            if ours.is_none() {
                // Nothing is pending for a job that is in neither.
                continue;
            }
            let (ours, begins) = self.spec.outlook(profile, job);
            let theirs = core.pending(job);
            if ours != theirs {
                return Some(Disagreement::Pending { job, spec: ours, core: theirs });
            }
            let may_begin = begins.is_some_and(|begins| self.has_slot(job, begins.target));
            match (may_begin, core.is_ready(job)) {
                (true, false) => return Some(Disagreement::Ready { job, core: Readiness::NotReady }),
                (false, true) => return Some(Disagreement::Ready { job, core: Readiness::Ready }),
                _ => {}
            }
            let (ours, theirs) = (self.spec.timers(profile, job, &self.lengths), core.timers(job));
            if ours != theirs {
                return differing_timer(job, &ours, &theirs);
            }
            next = next.into_iter().chain(ours.next()).min();
            if core.is_finalising(job) && !self.spec.disk_work(job).eq(core.disk_work(job)) {
                return Some(Disagreement::Disk(job));
            }
        }
        let wakes = core.poll_timeout();
        if next != wakes {
            return Some(Disagreement::Wakes { spec: next, core: wakes });
        }
        if let Some(late) = next.filter(|at| time_came && *at <= core.now()) {
            return Some(Disagreement::NotFired(late));
        }
        match self.driver.released_wrongly() {
            Some((job, Release::Missing)) => return Some(Disagreement::Waits(job)),
            Some((job, Release::Early)) => return Some(Disagreement::Released(job)),
            None => {}
        }
        match (self.spec.may_turn(profile), core.wants_transfer()) {
            (Turn::None, true) if !self.starts_a_transfer() => Some(Disagreement::NoTurn),
            (Turn::Start | Turn::Preempt, false) => Some(Disagreement::Turn),
            (Turn::None, false) if self.starts_a_transfer() => Some(Disagreement::Turn),
            _ => None,
        }
    }

    /// Whether the owner of the job has a slot of callbacks free (R9). A program takes none.
    fn has_slot(&self, job: JobId, target: Target) -> bool {
        target == Target::CommandLine || slots_taken(&self.spec, &self.tickets, job) < self.slots
    }
}

impl<C: Core, const J: usize> Lockstep<C, J> {
    /// Whether a job waits for its transfer to run, which is no turn: Resume took it straight to TRANSFERRING, or a Complete that failed has
    /// stopped the one it had.
    fn starts_a_transfer(&self) -> bool {
        let core = self.driver.core();
        let runs = |job| core.state(job).is_some_and(JobState::is_running) && !core.is_finalising(job);
        let waits = |job| runs(job) && core.transfer(job).is_none();
        (0..J as u32).map(JobId).any(waits)
    }
}

impl<C: Core, const J: usize> PartialEq for Lockstep<C, J> {
    fn eq(&self, other: &Self) -> bool {
        self.monitors == other.monitors && self.stands_as(other)
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
    lengths: Lengths,
    monitors: &'a mut [Monitors<CALLS>; J],
    violated: &'a mut RuleSet,
    disagreement: &'a mut Option<Disagreement>,
    exercised: &'a mut RuleSet,
    tap: &'a mut T,
    edges: &'a mut E,
    /// What the environment did in this stimulus.
    input: Option<Asked>,
    /// Whether the core has reported a change since.
    moved: Moved,
    /// What a report must make of its job.
    expected: Option<Job>,
}

/// What the environment did, as far as the changes that follow are judged by it.
#[derive(Clone, Copy, Debug)]
enum Asked {
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
enum Moved {
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
    fn close(&mut self) {
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
            // A job that Resume leaves in TRANSFERRED or ERROR still causes what is told of it.
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
            // What concerned many jobs has been told of each of them.
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

/// Whether the step concerns many jobs at once.
fn is_about_many(kind: StepKind) -> bool {
    matches!(kind, StepKind::NetworkLost | StepKind::NetworkBack | StepKind::Logoff)
}

/// Slots of callbacks that the owner of this job has in use.
fn slots_taken<const J: usize>(spec: &World<J>, tickets: &Tickets<DELIVERIES>, job: JobId) -> u32 {
    let owner = |job: JobId| spec.job(job).map(Job::owner);
    let of_owner = |(other, ticket): &&(JobId, Ticket)| ticket.holds_slot() && owner(*other) == owner(job);
    tickets.iter().flatten().filter(of_owner).count() as u32
}

/// The first timer in which the two differ.
fn differing_timer(job: JobId, spec: &Timers, core: &Timers) -> Option<Disagreement> {
    let timer = Timer::ALL.into_iter().find(|timer| spec.at(*timer) != core.at(*timer))?;
    Some(Disagreement::Timer { job, timer, spec: spec.at(timer), core: core.at(timer) })
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
fn kind_of_late(late: &Late) -> StepKind {
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
