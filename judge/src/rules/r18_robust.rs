//! R18: a callback that fails is delivered again, and a panic blocks no call.
//!
//! A callback that failed leaves its event owed. When the service reports that it is at rest with the job while the cause still
//! stands, everything possible enables the event, and it was not delivered again, then it was dropped. And when a run comes to rest
//! after a panic, no call may still be waiting, unless a callback still runs that it may be waiting for.

use contract::Rule;
use contract::call::Call;
use contract::env::EnvStep;
use contract::event::{EventView, Leave};
use contract::ids::{DeliveryId, FileId};
use contract::notify::Event;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::small::{DeliverySet, FileSet};

use super::settles;

/// What is owed, and to whom a call may owe its waiting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R18 {
    transferred: Retry,
    error: Retry,
    files_owed: FileSet,
    running: DeliverySet,
    panicked: bool,
}

/// One event of the whole job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Retry {
    /// The delivery that started last, if it is about the present stay: an older one that fails later changes nothing.
    last: DeliverySet,
    owed: bool,
}

impl<const CALLS: usize> Monitor<CALLS> for R18 {
    const RULE: Rule = Rule::R18;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter, Kind::Leave, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Enter { delivery, event, file, .. } => self.enter(cx, delivery, event, file),
            EventView::Leave { delivery, event, file, leave, .. } => {
                self.running.take(delivery.0);
                self.panicked |= leave == Leave::Panicked;
                self.leave(delivery, event, file, settles(cx.profile, event, leave));
                Outcome::Held
            }
            EventView::State { to, .. } => {
                self.state_changes(to);
                Outcome::Held
            }
            EventView::Return { call: Call::SetNotifyInterface { .. }, .. }
                if !cx.profile.late_replay.is_on() =>
            {
                // Without replay, an event that failed in the old registration is not delivered in the new one.
                self.transferred.owed = false;
                self.error.owed = false;
                Outcome::Held
            }
            // Calls still come back after a panic: that is half of the rule.
            EventView::Return { .. } if self.panicked => Outcome::Exercised,
            EventView::Env { step: EnvStep::Idle, .. } => self.at_rest(cx),
            _ => Outcome::Held,
        }
    }
}

impl R18 {
    /// Whether a run that came to rest here left a call waiting that a panic may have stranded.
    pub(crate) fn is_stuck<const CALLS: usize>(&self, cx: &Cx<'_, CALLS>) -> bool {
        self.panicked && self.running.is_empty() && cx.facts.is_any_open()
    }

    fn enter<const CALLS: usize>(
        &mut self,
        cx: &Cx<'_, CALLS>,
        delivery: DeliveryId,
        event: Event,
        file: Option<FileId>,
    ) -> Outcome {
        self.running.insert(delivery.0);
        let was_owed = match (event, file) {
            (Event::FileTransferred, Some(file)) => {
                let owed = self.files_owed.contains(file);
                self.files_owed.remove(file);
                owed
            }
            _ => {
                let Some(retry) = self.retry(event) else { return Outcome::Held };
                let owed = retry.owed;
                retry.owed = false;
                retry.last = DeliverySet::default();
                // A callback about an earlier stay that fails leaves the present one owing nothing: R19 demands its own.
                if cx.facts.is_about_the_present_stay(event) {
                    retry.last.insert(delivery.0);
                }
                owed
            }
        };
        if was_owed { Outcome::Exercised } else { Outcome::Held }
    }

    fn leave(&mut self, delivery: DeliveryId, event: Event, file: Option<FileId>, settled: bool) {
        match (event, file) {
            (Event::FileTransferred, Some(file)) if settled => self.files_owed.remove(file),
            (Event::FileTransferred, Some(file)) => self.files_owed.insert(file),
            _ => {
                let Some(retry) = self.retry(event) else { return };
                let was_last = retry.last.take(delivery.0);
                if settled {
                    retry.owed = false;
                } else if was_last {
                    retry.owed = true;
                }
            }
        }
    }

    fn state_changes(&mut self, to: JobState) {
        // Whatever it was, it is over: a new stay is a new event.
        self.transferred = Retry::default();
        self.error = Retry::default();
        if to.is_final() {
            self.files_owed = FileSet::default();
        }
    }

    fn at_rest<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>) -> Outcome {
        let ended = cx.facts.state.is_none_or(|state| state.is_final());
        let stands = |owed: bool, state: JobState, event: Event| {
            owed && cx.facts.state == Some(state) && cx.facts.is_surely_enabled(cx.profile, event)
        };
        let transferred = stands(self.transferred.owed, JobState::Transferred, Event::JobTransferred)
            && cx.profile.retry_transferred.is_on();
        let error = stands(self.error.owed, JobState::Error, Event::JobError);
        let file = !self.files_owed.is_empty()
            && !ended
            && cx.facts.is_surely_enabled(cx.profile, Event::FileTransferred);
        if !(transferred || error || file) {
            return Outcome::Held;
        }
        // Reported once: this omission at the next rest is not another one.
        (self.transferred.owed, self.error.owed, self.files_owed) = (false, false, FileSet::default());
        Outcome::Violated
    }

    fn retry(&mut self, event: Event) -> Option<&mut Retry> {
        match event {
            Event::JobTransferred => Some(&mut self.transferred),
            Event::JobError => Some(&mut self.error),
            _ => None,
        }
    }
}
