//! Specification and core side by side, judged by the rules: the state of the product model, and one run of the fuzzer.
//!
//! **What it is.** A [`Lockstep`] applies a stimulus to a [`Driver`], lets the specification follow every answer and every
//! change, feeds the rules' monitors, and then compares the two: in every job's state, in
//! every answer and the delivery that it waits for, in every pending event and whether it may begin now, in every timer and its
//! moment, in what is made of each report of a transfer, and in whether the scheduler has something to do.
//!
//! **The law it keeps.** After a violation nothing more is applied: what follows from a broken state explains nothing. Behind a
//! disagreement the core goes on alone. The monitors need no specification, so they still judge; the specification stays as it was.

mod disagreement;
mod follower;

use std::hash::{Hash, Hasher};

use contract::core::{Config, earlier};
use contract::event::Target;
use contract::{Core, EventView, JobId, JobState, Profile, Time, UserId};
use judge::{Monitors, RuleSet};

use self::disagreement::differing_timer;
pub use self::disagreement::{Disagreement, Readiness};
use self::follower::{Asked, Follower, Moved, judge, kind_of_late, slots_taken};
use crate::drive::{Applied, CALLS, DELIVERIES, Driver, Happened, Late, Release, Stimulus};
use crate::edge::{EdgeSink, NoEdges};
use crate::spec::{Lengths, Tickets, Turn, World};

/// Specification, core and monitors of `J` jobs at most. A CreateJob past `J` is not enabled.
#[derive(Clone, Debug)]
pub struct Lockstep<C, const J: usize> {
    driver: Driver<C>,
    spec: World<J>,
    /// The specification's side of the deliveries in flight, by the driver's slots.
    tickets: Tickets<DELIVERIES>,
    /// Callbacks of one user at once, at most (R9); equal in every state.
    slots: u32,
    /// The lengths that the core was built with; equal in every state.
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

    /// An empty queue, judged by `rules`, around this core, which was built with `config` and may be a decorated one.
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

    /// As [`Lockstep::apply`], and passes the edges of the stimulus to `edges`: one for each job that moved.
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
        // What comes too late must leave the core exactly as it was, which nothing else checks.
        let late = match stimulus {
            Stimulus::Late(late) => Some((late, self.driver.core().clone())),
            _ => None,
        };
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
                self.compare(profile, time_came).or_else(|| self.compare_late(late.as_ref()?));
        }
        applied
    }

    fn compare_late(&self, (late, before): &(&Late, C)) -> Option<Disagreement> {
        (before != self.driver.core()).then(|| Disagreement::TooLate(kind_of_late(late)))
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
        let mut begins_any = false;
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
            begins_any |= may_begin;
            match (may_begin, core.is_ready(job)) {
                (true, false) => return Some(Disagreement::Ready { job, core: Readiness::NotReady }),
                (false, true) => return Some(Disagreement::Ready { job, core: Readiness::Ready }),
                _ => {}
            }
            let (ours, theirs) = (self.spec.timers(profile, job, &self.lengths), core.timers(job));
            if ours != theirs {
                return differing_timer(job, &ours, &theirs);
            }
            next = earlier(next, ours.next());
            if core.is_finalising(job) && !self.spec.disk_work(job).eq(core.disk_work(job)) {
                return Some(Disagreement::Disk(job));
            }
        }
        match (begins_any, core.wants_delivery()) {
            (true, false) => return Some(Disagreement::Dispatch(Readiness::NotReady)),
            (false, true) => return Some(Disagreement::Dispatch(Readiness::Ready)),
            _ => {}
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
        // Both have equal states, and the specification has them at hand.
        let runs = |job| self.spec.state(job).is_some_and(JobState::is_running) && !core.is_finalising(job);
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
