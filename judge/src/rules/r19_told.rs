//! R19: when nothing of a job moves any more, what it had to deliver has been delivered and acknowledged.
//!
//! An entry into TRANSFERRED or ERROR is a debt until a callback about this entry, in this registration, has acknowledged it; a file
//! that is done is one until any callback has. At rest a debt is a violation when everything possible enables its event. A subject
//! that records `idle` is at rest by its own record; at the end of a run that came to rest, a callback that has failed may still be
//! due again, and one that runs holds back the others.

use contract::Rule;
use contract::call::Call;
use contract::env::EnvStep;
use contract::event::{EventView, Target};
use contract::ids::{DeliveryId, FileId};
use contract::notify::Event;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::registers::{self, Register};
use crate::small::{DeliverySet, FileSet};

use super::settles;

/// What is owed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R19 {
    job: Debt,
    files: FileSet,
    /// Deliveries that may belong to the present registration and to the next: that of a program, and what entered while it
    /// was being set.
    amid: DeliverySet,
    /// Deliveries that run.
    running: DeliverySet,
    /// Files whose last callback has failed, so that it may be due again.
    files_failed: FileSet,
}

/// JobTransferred or JobError, whichever the present state makes due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Debt {
    owed: bool,
    /// The last callback has failed, so that it may be due again.
    failed: bool,
    /// It was acknowledged by a callback that may belong to the registration that is being set.
    settled_amid: bool,
    /// Open deliveries about this stay and this registration.
    current: DeliverySet,
}

impl<const CALLS: usize> Monitor<CALLS> for R19 {
    const RULE: Rule = Rule::R19;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter, Kind::Leave, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Enter { delivery, event, target, .. } => {
                self.enter(cx, delivery, event, target);
                Outcome::Held
            }
            EventView::Leave { delivery, event, file, leave, .. } => {
                self.leave(cx, delivery, event, file, settles(cx.profile, event, leave))
            }
            EventView::State { to, .. } => {
                self.state_changes(cx, to);
                Outcome::Held
            }
            EventView::Return { call: Call::SetNotifyInterface { .. }, hr, .. } if hr.succeeded() => {
                self.registered(cx);
                Outcome::Held
            }
            // Without replay, what met no client is lost, and a later mask or program does not bring it back.
            EventView::Return {
                call: Call::SetNotifyFlags { .. } | Call::SetNotifyCmdLine { .. }, ..
            } if !cx.profile.late_replay.is_on() => {
                self.forget();
                Outcome::Held
            }
            EventView::Env { step: EnvStep::FileDone, file: Some(file), .. } => {
                if self.is_kept(cx, Event::FileTransferred) {
                    self.files.insert(file);
                }
                Outcome::Held
            }
            EventView::Env { step: EnvStep::Idle, .. } => self.at_rest(cx),
            _ => Outcome::Held,
        }
    }
}

impl R19 {
    /// Whether a run that came to rest here owes the client a callback that nothing held back.
    pub(crate) fn is_owing<const CALLS: usize>(&self, cx: &Cx<'_, CALLS>) -> bool {
        let due_again = self.job.failed || !self.files_failed.is_empty();
        let still = self.running.is_empty() && !due_again && !cx.facts.is_any_open();
        // A program that cannot be started leaves nothing in a run, and is due again later; until then the object waits, too.
        let programs = cx.facts.registers.possible(Register::CommandLine) & registers::bit(1) != 0;
        let waits = |event| programs && matches!(event, Event::JobTransferred | Event::JobError);
        still
            && self
                .owes(cx, |event| !waits(event) && cx.facts.is_surely_heard_by_an_object(cx.profile, event))
    }

    fn enter<const CALLS: usize>(
        &mut self,
        cx: &Cx<'_, CALLS>,
        delivery: DeliveryId,
        event: Event,
        target: Target,
    ) {
        self.running.insert(delivery.0);
        if Some(event) == told_in(cx.facts.state) {
            self.job.current.insert(delivery.0);
            // A registration does not wait for a program that has started, so it belongs to either until it has ended.
            if target == Target::CommandLine || cx.facts.registers.is_being_set(Register::Registration) {
                self.amid.insert(delivery.0);
            }
        }
    }

    fn leave<const CALLS: usize>(
        &mut self,
        cx: &Cx<'_, CALLS>,
        delivery: DeliveryId,
        event: Event,
        file: Option<FileId>,
        settled: bool,
    ) -> Outcome {
        self.running.take(delivery.0);
        let amid = self.amid.take(delivery.0);
        let once = event == Event::JobTransferred && !cx.profile.retry_transferred.is_on();
        let settled = settled || once;
        let about_now = match (event, file) {
            (Event::FileTransferred, Some(file)) => {
                let owed = self.files.contains(file);
                if settled {
                    self.files.remove(file);
                    self.files_failed.remove(file);
                } else if owed {
                    self.files_failed.insert(file);
                }
                owed
            }
            _ => {
                let current = self.job.current.take(delivery.0);
                if current {
                    self.job.failed = !settled;
                }
                if current && settled {
                    self.job.owed = false;
                    self.job.settled_amid = amid && cx.facts.registers.is_being_set(Register::Registration);
                }
                current
            }
        };
        // From here on it is paid: that is the decision.
        if about_now && settled { Outcome::Exercised } else { Outcome::Held }
    }

    fn state_changes<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, to: JobState) {
        (self.job, self.amid) = (Debt::default(), DeliverySet::default());
        if let Some(event) = told_in(Some(to)) {
            self.job.owed = self.is_kept(cx, event);
        }
        if to.is_final() {
            self.forget();
        }
    }

    /// A new registration receives what still stands, and a callback of the old one pays nothing.
    fn registered<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>) {
        if !cx.profile.late_replay.is_on() {
            return self.forget();
        }
        (self.job.failed, self.files_failed) = (false, FileSet::default());
        self.job.current = self.job.current.intersection(self.amid);
        self.amid = self.job.current;
        let replayed = told_in(cx.facts.state).is_some() && !self.job.settled_amid;
        self.job.owed |= replayed;
    }

    /// Whether an event that happens now stays due until a client receives it.
    fn is_kept<const CALLS: usize>(&self, cx: &Cx<'_, CALLS>, event: Event) -> bool {
        cx.profile.late_replay.is_on() || cx.facts.is_surely_enabled(cx.profile, event)
    }

    fn forget(&mut self) {
        self.job = Debt::default();
        (self.files, self.files_failed) = (FileSet::default(), FileSet::default());
    }

    fn at_rest<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>) -> Outcome {
        let still = self.running.is_empty() && !cx.facts.is_any_open();
        // Where failures are not repeated, a program that cannot be started is the end of it, and leaves nothing in a run.
        let repeats = |event| event != Event::JobTransferred || cx.profile.retry_transferred.is_on();
        let enabled = |event| match repeats(event) {
            true => cx.facts.is_surely_enabled(cx.profile, event),
            false => cx.facts.is_surely_heard_by_an_object(cx.profile, event),
        };
        if !still || !self.owes(cx, enabled) {
            return Outcome::Held;
        }
        // Reported once: this debt at the next rest is not another one.
        self.job.owed = false;
        (self.files, self.files_failed) = (FileSet::default(), FileSet::default());
        Outcome::Violated
    }

    fn owes<const CALLS: usize>(&self, cx: &Cx<'_, CALLS>, enabled: impl Fn(Event) -> bool) -> bool {
        let ended = cx.facts.state.is_none_or(|state| state.is_final());
        let job = self.job.owed && told_in(cx.facts.state).is_some_and(&enabled);
        let files = !self.files.is_empty() && !ended && enabled(Event::FileTransferred);
        job || files
    }
}

/// The event that reports a stay in this state.
fn told_in(state: Option<JobState>) -> Option<Event> {
    match state? {
        JobState::Transferred => Some(Event::JobTransferred),
        JobState::Error => Some(Event::JobError),
        _ => None,
    }
}
