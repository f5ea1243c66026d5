//! Which events are pending, as guards; and a delivery from its begin to its leave.

use contract::core::Pending;
use contract::dialect::Profile;
use contract::event::{Leave, Target};
use contract::{Event, FileId, JobId, JobState, NotifyFlags, Time};

use contract::mutation::{Left, Mutant};

use super::World;
use super::events::Events;
use super::job::{Finalising, Job, Marks, Told};
use super::reply::Refused;
use crate::edge::Notice;

/// One reason for which an event is held back, and the rule it serves.
///
/// An event is pending (semantics c) when something caused it and every guard lets it pass.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The rule, such as `R1`.
    pub rule: &'static str,
    /// What the guard demands.
    pub says: &'static str,
    /// The events that it can hold back.
    pub about: &'static [Event],
    passes: fn(&Job, &Profile) -> Events,
}

const EVERY: &[Event] =
    &[Event::JobTransferred, Event::JobError, Event::JobModification, Event::FileTransferred];
const ENDS: &[Event] = &[Event::JobTransferred, Event::JobError];
const TOLD_ONCE: &[Event] = &[Event::JobTransferred, Event::JobError, Event::FileTransferred];

/// Where some rules have their guard.
const R2: usize = 1;
const R3: usize = 2;
const R5: usize = 4;
const R6: usize = 5;
const R8: usize = 7;

impl Guard {
    /// The events of `job` that the guard lets pass.
    pub(super) fn lets_pass(&self, job: &Job, profile: &Profile) -> Events {
        let passes = (self.passes)(job, profile);
        match profile.mutation.mutant() {
            Some(Mutant::GuardDropped(rule)) if self.is_of(rule) => Events::ALL,
            Some(Mutant::GuardForgets(rule, event)) if self.is_of(rule) => passes | Events::all_of(event),
            _ => passes,
        }
    }

    /// The number of its rule, such as 1.
    pub(crate) fn number(&self) -> u8 {
        self.rule[1..].parse().unwrap_or(0)
    }

    fn is_of(&self, rule: u8) -> bool {
        self.number() == rule
    }
}

/// All guards. Without one of them some delivery would begin that must not, which is what [`World::witness`] looks for.
pub static GUARDS: [Guard; 8] = [
    Guard {
        rule: "R1",
        says: "the job is neither cancelled nor being cancelled",
        about: EVERY,
        passes: not_cancelled,
    },
    Guard { rule: "R2", says: "the mask lets the event through", about: EVERY, passes: unmasked },
    Guard { rule: "R3", says: "the event has a receiver", about: EVERY, passes: received },
    Guard {
        rule: "R4",
        says: "the job is neither completed nor being completed",
        about: EVERY,
        passes: not_completed,
    },
    Guard {
        rule: "R5",
        says: "the job is still in the state that caused the event",
        about: ENDS,
        passes: still_caused,
    },
    Guard {
        rule: "R6",
        says: "the event is not acknowledged in this epoch",
        about: TOLD_ONCE,
        passes: unacknowledged,
    },
    Guard { rule: "R7", says: "no FileTransferred comes before it", about: ENDS, passes: nothing_before },
    Guard {
        rule: "R8",
        says: "JobModification tells a change",
        about: &[Event::JobModification],
        passes: changed,
    },
];

/// A delivery in flight, as its driver holds it between [`World::begin`] and [`World::leave`].
///
/// It holds which registration and which entry it belongs to, so that a late leave acknowledges nothing new (semantics f).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ticket {
    event: Event,
    file: Option<FileId>,
    target: Target,
    phase: Phase,
    epoch: u8,
    entry: u8,
}

impl Ticket {
    /// Whether it takes one of its user's slots of callbacks: a program takes none (clause 6).
    pub(crate) fn holds_slot(&self) -> bool {
        matches!(self.target, Target::Interface(_))
    }

    /// Its client's code has called the engine: it has provably entered, and no call waits for it any more (clause 4).
    pub(crate) fn has_called(&mut self) {
        if self.phase == Phase::Begun {
            self.phase = Phase::Called;
        }
    }

    /// Whether a call that makes this situation waits for the delivery (contract section 4, clauses 3, 4 and 6).
    pub(crate) fn is_waited_for(&self, profile: &Profile, forbids: Forbids) -> bool {
        let forbidden = match forbids {
            Forbids::Nothing => false,
            Forbids::All => true,
            Forbids::Masked(mask) => !profile.unmasked(mask, self.event).is_yes(),
            Forbids::Interfaces => matches!(self.target, Target::Interface(_)),
            Forbids::Programs => self.target == Target::CommandLine,
            Forbids::Ends => matches!(self.event, Event::JobTransferred | Event::JobError),
        };
        forbidden && self.phase == Phase::Begun
    }

    /// The event, and who receives it.
    pub(crate) fn told(&self) -> Option<Notice> {
        Notice::of(self.event, self.target)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// The job waits for it; no other delivery of the job begins.
    Begun,
    /// As [`Phase::Begun`], but its client's code has called the engine.
    Called,
    /// A program whose process exists: it holds nothing (semantics g).
    Detached,
}

/// The deliveries that a situation forbids (clause 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Forbids {
    /// None.
    Nothing,
    /// All of the job: it has ended.
    All,
    /// Those that the new mask masks.
    Masked(NotifyFlags),
    /// Those to an object: another one, or this one again, is registered.
    Interfaces,
    /// Those to the program.
    Programs,
    /// JobTransferred and JobError: the job was resumed out of their state.
    Ends,
}

/// An event of a job that is due (semantics a), and the first guard that holds it back.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The event to be delivered.
    pub event: Event,
    /// The file, for FileTransferred.
    pub file: Option<FileId>,
    /// Where it goes; none when it has no receiver.
    pub target: Option<Target>,
    /// What holds it back; none when it is pending.
    pub held: Option<&'static Guard>,
}

/// The delivery of a job that may begin now, if its user has a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Next {
    /// Where it goes: a program needs no slot.
    pub(crate) target: Target,
}

impl<const J: usize> World<J> {
    /// The pending events of a job, and the delivery that may begin now (semantics c and d).
    pub(crate) fn outlook(&self, profile: &Profile, job: JobId) -> (Pending, Option<Next>) {
        let Some(job) = self.job(job) else { return (Pending::NONE, None) };
        let events = pending(job, profile);
        if events.is_empty() {
            return (Pending::NONE, None);
        }
        (events.into(), job.next(events))
    }

    /// The pending events of a job (semantics c). Nothing for a job that does not exist.
    #[must_use]
    pub fn pending(&self, profile: &Profile, job: JobId) -> Pending {
        self.job(job).map_or(Pending::NONE, |job| pending(job, profile).into())
    }

    /// The events of a job that are due, in the order of delivery, each with what holds it back. Nothing is due for a job that has ended.
    #[must_use]
    pub fn due(&self, profile: &Profile, job: JobId) -> Vec<Due> {
        let Some(job) = self.job(job).filter(|job| !job.state.is_final()) else { return Vec::new() };
        // What no cause stands behind is not due. The other guards only hold back.
        let stands = [R5, R6, R8].into_iter().map(|rule| GUARDS[rule].lets_pass(job, profile));
        let due = stands.fold(caused(job), |due, passes| due & passes);
        let files = (0..u32::from(job.files)).map(|file| (Event::FileTransferred, Some(FileId(file))));
        let others =
            [Event::JobTransferred, Event::JobError, Event::JobModification].map(|event| (event, None));
        let all = files.chain(others).map(|(event, file)| (event, file, Events::one(event, file)));
        let due = all.filter(|(.., one)| !one.is_empty() && due.contains(*one));
        let held = |one| GUARDS.iter().find(|guard| !guard.lets_pass(job, profile).contains(one));
        due.map(|(event, file, one)| {
            let target = job.receives(event).then(|| job.target(event));
            Due { event, file, target, held: held(one) }
        })
        .collect()
    }

    /// A delivery begins. It must be pending, the first in the order of semantics d, to the target of semantics e, and the
    /// only one begun of its job.
    ///
    /// # Errors
    /// The reason for which this delivery must not begin now.
    pub fn begin(
        &mut self,
        profile: &Profile,
        job: JobId,
        event: Event,
        file: Option<FileId>,
        target: Target,
    ) -> Result<Ticket, Refused> {
        self.job_mut(job)?.begin(profile, event, file, target)
    }

    /// The process of a begun program exists: from now on it holds nothing (semantics g).
    ///
    /// # Errors
    /// The ticket is not of a program that has begun.
    pub fn program_started(&mut self, job: JobId, ticket: &mut Ticket) -> Result<(), Refused> {
        self.job_mut(job)?.program_started(ticket)
    }

    /// A callback is back, or a program has exited.
    ///
    /// # Errors
    /// No such delivery is in flight.
    pub fn leave(
        &mut self,
        profile: &Profile,
        job: JobId,
        ticket: Ticket,
        leave: Leave,
    ) -> Result<(), Refused> {
        self.job_mut(job)?.leave(profile, ticket, leave)
    }
}

impl<const J: usize> World<J> {
    /// World and tickets without their history, for a model checker to key its states on: of an epoch or entry it only matters
    /// whether it is the present one, and errors are not counted: nothing depends on their number.
    #[must_use]
    pub fn canonical<const T: usize>(&self, tickets: &Tickets<T>) -> (Self, Tickets<T>) {
        let present = |(id, ticket): (JobId, Ticket)| {
            let job = self.job(id);
            let epoch = u8::from(job.is_some_and(|job| job.epoch == ticket.epoch));
            let entry = u8::from(job.is_some_and(|job| job.entry == ticket.entry));
            (id, Ticket { epoch, entry, ..ticket })
        };
        let mut world = *self;
        world.now = Time::ZERO;
        for job in &mut world.jobs {
            (job.epoch, job.entry) = (1, 1);
            job.error_count = 0;
        }
        (world, tickets.map(|ticket| ticket.map(present)))
    }
}

/// The deliveries in flight, as a driver keeps them: by slot, with their jobs.
pub type Tickets<const T: usize> = [Option<(JobId, Ticket)>; T];

/// The events of `job` that are pending.
pub(super) fn pending(job: &Job, profile: &Profile) -> Events {
    // Computed for every job in every step, and there is mostly nothing new: then the other guards have nothing to hold back.
    let early = |guard: &Guard| guard.lets_pass(job, profile);
    let events = caused(job) & early(&GUARDS[R8]) & early(&GUARDS[R6]);
    if events.is_empty() {
        return events;
    }
    GUARDS.iter().fold(events, |events, guard| events & guard.lets_pass(job, profile))
}

/// The events that something caused and every guard passes, the guards of the rule `without` left out.
pub(super) fn passing(job: &Job, profile: &Profile, without: Option<&str>) -> Events {
    let asked = GUARDS.iter().filter(|guard| without != Some(guard.rule));
    asked.fold(caused(job), |events, guard| events & guard.lets_pass(job, profile))
}

/// The events that were ever caused. Whether there was a change to report is for R8's guard to decide.
fn caused(job: &Job) -> Events {
    Events::first_files(job.whole)
        | Events::TRANSFERRED.when(job.transferred != Told::No)
        | Events::ERROR.when(job.failed != Told::No)
        | Events::MODIFICATION
}

fn not_cancelled(job: &Job, _: &Profile) -> Events {
    let cancelled = job.state == JobState::Cancelled || job.finalising == Finalising::Cancel;
    Events::ALL.when(!cancelled)
}

fn unmasked(job: &Job, profile: &Profile) -> Events {
    let mask = job.mask();
    let through = |event| profile.unmasked(mask, event).is_yes();
    Events::FILES.when(through(Event::FileTransferred))
        | Events::TRANSFERRED.when(through(Event::JobTransferred))
        | Events::ERROR.when(through(Event::JobError))
        | Events::MODIFICATION.when(through(Event::JobModification))
}

fn received(job: &Job, _: &Profile) -> Events {
    let ends = Events::TRANSFERRED | Events::ERROR;
    let hears = |event: Event| job.interfaces.contains(event.interface());
    // The three events of the whole job have one interface (facts C1).
    Events::FILES.when(hears(Event::FileTransferred))
        | (ends | Events::MODIFICATION).when(hears(Event::JobModification))
        | ends.when(job.marks.contains(Marks::PROGRAM))
}

fn not_completed(job: &Job, _: &Profile) -> Events {
    let completed = job.state == JobState::Acknowledged || job.finalising == Finalising::Complete;
    Events::ALL.when(!completed)
}

/// A final state is for R1 and R4 to refuse; this guard minds the live ones.
fn still_caused(job: &Job, _: &Profile) -> Events {
    let over = job.state.is_final();
    !(Events::TRANSFERRED | Events::ERROR)
        | Events::TRANSFERRED.when(over || job.state == JobState::Transferred)
        | Events::ERROR.when(over || job.state == JobState::Error)
}

fn unacknowledged(job: &Job, _: &Profile) -> Events {
    let settled = job.settled
        | Events::TRANSFERRED.when(job.transferred == Told::Acknowledged)
        | Events::ERROR.when(job.failed == Told::Acknowledged);
    !settled
}

/// JobTransferred and JobError wait for every FileTransferred that is due and enabled.
fn nothing_before(job: &Job, profile: &Profile) -> Events {
    let files = Events::first_files(job.whole) & GUARDS[R6].lets_pass(job, profile);
    if files.is_empty() {
        return Events::ALL;
    }
    let first = files & GUARDS[R2].lets_pass(job, profile) & GUARDS[R3].lets_pass(job, profile);
    if first.is_empty() { Events::ALL } else { !(Events::TRANSFERRED | Events::ERROR) }
}

fn changed(job: &Job, _: &Profile) -> Events {
    !Events::MODIFICATION | Events::MODIFICATION.when(job.marks.contains(Marks::CHANGED))
}

impl Job {
    fn begin(
        &mut self,
        profile: &Profile,
        event: Event,
        file: Option<FileId>,
        target: Target,
    ) -> Result<Ticket, Refused> {
        if self.is_begun() {
            return Err(Refused::Begun);
        }
        let one = Events::one(event, file);
        let pending = pending(self, profile);
        let waits = pending.contains(one);
        if one.is_empty() || !waits {
            return Err(Refused::NotPending(self.held_back_by(profile, one)));
        }
        self.comes_first(one, pending)?;
        if target != self.target(event) {
            return Err(Refused::WrongTarget);
        }
        if self.marks.contains(Marks::OWED) && event != Event::JobModification {
            return Err(Refused::Early);
        }
        if event == Event::JobModification {
            self.unmark(Marks::CHANGED);
        }
        self.mark(Marks::BEGUN);
        self.in_flight = self.in_flight.saturating_add(1);
        Ok(Ticket { event, file, target, phase: Phase::Begun, epoch: self.epoch, entry: self.entry })
    }

    /// What begins next of these pending events, unless another delivery of the job has begun.
    fn next(&self, pending: Events) -> Option<Next> {
        if self.is_begun() {
            return None;
        }
        let important = pending & !Events::MODIFICATION & !self.told_by_programs();
        let event = if important.is_empty() || self.marks.contains(Marks::OWED) {
            Events::MODIFICATION.when(pending.contains(Events::MODIFICATION)).first()?
        } else {
            important.first()?
        };
        Some(Next { target: self.target(event) })
    }

    /// The rule whose guard holds `one` back; R5 when nothing caused it.
    fn held_back_by(&self, profile: &Profile, one: Events) -> &'static str {
        if one.is_empty() || !caused(self).contains(one) {
            return "R5";
        }
        let holds = |guard: &&Guard| !guard.lets_pass(self, profile).contains(one);
        GUARDS.iter().find(holds).map_or("R5", |guard| guard.rule)
    }

    /// The order among the pending events of a job (semantics d). JobModification goes before others that wait.
    fn comes_first(&self, one: Events, pending: Events) -> Result<(), Refused> {
        let running = self.told_by_programs();
        if running.contains(one) {
            return Err(Refused::ProgramRuns);
        }
        let others = pending & !Events::MODIFICATION & !running;
        let waiting = self.marks.contains(Marks::OWED);
        let first = if one == Events::MODIFICATION {
            others.is_empty() || waiting
        } else {
            !Events::FILES.contains(one) || one == pending.first_file()
        };
        if first { Ok(()) } else { Err(Refused::OutOfOrder) }
    }

    /// The events whose program runs in this epoch (semantics g).
    fn told_by_programs(&self) -> Events {
        Events::TRANSFERRED.when(self.marks.contains(Marks::TELLS_TRANSFERRED))
            | Events::ERROR.when(self.marks.contains(Marks::TELLS_ERROR))
    }

    fn program_started(&mut self, ticket: &mut Ticket) -> Result<(), Refused> {
        let begun = ticket.phase == Phase::Begun && self.is_begun();
        if !begun || ticket.target != Target::CommandLine {
            return Err(Refused::NotInFlight);
        }
        ticket.phase = Phase::Detached;
        // It enters now, so it is of the epoch that is now: a registration before it started does not replay it (R6).
        ticket.epoch = self.epoch;
        self.unmark(Marks::BEGUN);
        // A program of a job that has ended holds nothing back.
        if !self.state.is_final() {
            self.mark(running_mark(ticket.event));
        }
        Ok(())
    }

    fn leave(&mut self, profile: &Profile, ticket: Ticket, leave: Leave) -> Result<(), Refused> {
        let held = ticket.phase == Phase::Detached || self.is_begun();
        if !held || self.in_flight == 0 {
            return Err(Refused::NotInFlight);
        }
        match ticket.phase {
            Phase::Begun | Phase::Called => self.unmark(Marks::BEGUN),
            Phase::Detached if ticket.epoch == self.epoch => {
                self.unmark(running_mark(ticket.event));
            }
            Phase::Detached => {}
        }
        if acknowledges(profile, ticket.event, leave) {
            self.acknowledge(ticket);
        } else if !self.state.is_final() {
            self.owe(profile, ticket);
        }
        self.in_flight -= 1;
        if self.in_flight == 0 {
            (self.epoch, self.entry) = (0, 0);
        }
        Ok(())
    }

    /// Whether the ticket is of this registration, and of the cause that stands.
    fn is_current(&self, ticket: Ticket) -> bool {
        (ticket.epoch, ticket.entry) == (self.epoch, self.entry)
    }

    /// The event is settled: a file's for good, the job's in this epoch, and only for the cause it was about.
    fn acknowledge(&mut self, ticket: Ticket) {
        if ticket.event == Event::FileTransferred {
            self.settled = self.settled | Events::one(ticket.event, ticket.file);
            return;
        }
        if !self.is_current(ticket) {
            return;
        }
        let stands = match ticket.event {
            Event::JobTransferred => self.state == JobState::Transferred,
            Event::JobError => self.state == JobState::Error,
            _ => return,
        };
        if let Some(told) = self.told(ticket.event).filter(|told| **told == Told::Due) {
            *told = if stands { Told::Acknowledged } else { Told::No };
        }
        self.unmark(Marks::PROGRAM_NEXT);
    }

    /// The event is to be delivered again: to the program at once, or to the whole chain later (semantics e).
    ///
    /// Where JobTransferred is not repeated, the program receives it nevertheless: it has not received it before.
    fn owe(&mut self, profile: &Profile, ticket: Ticket) {
        if !self.still_concerns(ticket) {
            return;
        }
        let chained = ticket.event != Event::FileTransferred
            && ticket.target != Target::CommandLine
            && self.marks.contains(Marks::PROGRAM)
            && self.is_current(ticket);
        if chained {
            self.mark(Marks::PROGRAM_NEXT);
            return;
        }
        let once = ticket.event == Event::JobTransferred && !profile.retry_transferred.is_on();
        if once {
            self.acknowledge(ticket);
            return;
        }
        let current = self.is_current(ticket) && ticket.event != Event::FileTransferred;
        if current {
            self.unmark(Marks::PROGRAM_NEXT);
        }
        self.mark(Marks::OWED);
        self.clock.tell_again(self.retry_delay());
    }

    /// Whether the failure of this delivery still matters: it is of this registration and, for the end of a job, of the cause that stands.
    fn still_concerns(&self, ticket: Ticket) -> bool {
        let stands = match ticket.event {
            Event::JobTransferred => self.state == JobState::Transferred,
            Event::JobError => self.state == JobState::Error,
            _ => return ticket.epoch == self.epoch,
        };
        stands && self.is_current(ticket)
    }
}

fn running_mark(event: Event) -> Marks {
    match event {
        Event::JobTransferred => Marks::TELLS_TRANSFERRED,
        Event::JobError => Marks::TELLS_ERROR,
        _ => Marks::empty(),
    }
}

/// Whether `leave` settles `event` (contract section 2, "acknowledged").
fn acknowledges(profile: &Profile, event: Event, leave: Leave) -> bool {
    let settled = match (event, leave) {
        (Event::JobModification | Event::FileRangesTransferred, _) => true,
        (_, Leave::Returned(hr)) => profile.acknowledges(event, hr).is_yes(),
        (_, Leave::Panicked) => false,
        (_, Leave::Exited(code)) => code == 0,
    };
    profile.mutation.turns(Mutant::Leave(event, Left::of(leave)), settled)
}
