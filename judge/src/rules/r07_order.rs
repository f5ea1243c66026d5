//! R7: file callbacks one at a time, before the job's, and each file only until it was acknowledged once.
//!
//! Three decisions. A FileTransferred starts while no other one runs. JobTransferred and JobError start while no file is
//! owed: finished, unacknowledged, and enabled by everything possible since it was finished. And after a new registration, a
//! file that was acknowledged before is not delivered again; without one, that is R6.

use contract::Rule;
use contract::call::Call;
use contract::env::EnvStep;
use contract::event::EventView;
use contract::ids::FileId;
use contract::notify::Event;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::registers::Register;
use crate::small::FileSet;

use super::settles;

/// Where each file stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R7 {
    running: FileSet,
    owed: FileSet,
    acknowledged: FileSet,
    /// Files with a successful registration since their last callback.
    registered_since: FileSet,
}

impl<const CALLS: usize> Monitor<CALLS> for R7 {
    const RULE: Rule = Rule::R7;
    const SEES: &'static [Kind] = &[Kind::Call, Kind::Return, Kind::Enter, Kind::Leave, Kind::Env];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Enter { event: Event::FileTransferred, file: Some(file), .. } => {
                self.enter_file(cx, file)
            }
            EventView::Enter { event: event @ (Event::JobTransferred | Event::JobError), .. } => {
                self.enter_job(cx, event)
            }
            EventView::Leave { event: event @ Event::FileTransferred, file: Some(file), leave, .. } => {
                self.running.remove(file);
                if settles(cx.profile, event, leave) {
                    self.acknowledged.insert(file);
                    self.owed.remove(file);
                }
                Outcome::Held
            }
            EventView::Env { step: EnvStep::FileDone, file: Some(file), .. } => {
                self.acknowledged.remove(file);
                self.registered_since.remove(file);
                if cx.facts.is_surely_enabled(cx.profile, Event::FileTransferred) {
                    self.owed.insert(file);
                }
                Outcome::Held
            }
            EventView::Call {
                call: Call::SetNotifyFlags { .. } | Call::SetNotifyInterface { .. }, ..
            } => {
                let enabled = cx.facts.is_surely_enabled(cx.profile, Event::FileTransferred);
                if !self.owed.is_empty() && !enabled {
                    self.owed = FileSet::default();
                }
                Outcome::Held
            }
            EventView::Return { call: Call::SetNotifyInterface { .. }, hr, .. } if hr.succeeded() => {
                self.registered_since = self.acknowledged.union(self.running);
                Outcome::Held
            }
            _ => Outcome::Held,
        }
    }
}

impl R7 {
    fn enter_file<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, file: FileId) -> Outcome {
        if !FileSet::knows(file) {
            return Outcome::Held;
        }
        let alone = self.running.is_empty();
        let registered =
            self.registered_since.contains(file) || cx.facts.registers.is_being_set(Register::Registration);
        let replayed = self.acknowledged.contains(file) && registered;
        self.running.insert(file);
        self.registered_since.remove(file);
        Outcome::check(alone && !replayed)
    }

    fn enter_job<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, event: Event) -> Outcome {
        // It may have been on its way since an earlier stay in the state, before the file was finished.
        if !cx.facts.is_about_the_present_stay(event) {
            return Outcome::Held;
        }
        if !self.owed.is_empty() {
            return Outcome::Violated;
        }
        if self.acknowledged.is_empty() { Outcome::Held } else { Outcome::Exercised }
    }
}
