//! R6: what was acknowledged is not delivered again.
//!
//! One event means one cause: the k-th entry into a state, or the k-th completion of a file. A registration
//! that overlaps the time between the two callbacks excuses the second, because what still stands is delivered
//! again to a new registration. Whether FileTransferred may be delivered again even then is R7's business.

use contract::Rule;
use contract::call::Call;
use contract::env::EnvStep;
use contract::event::EventView;
use contract::ids::{DeliveryId, FileId};
use contract::notify::Event;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::registers::Register;
use crate::small::{DeliverySet, FileSet};

use super::settles;

/// What was acknowledged, and which open deliveries will count when they leave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R6 {
    transferred: Told,
    error: Told,
    files: FileSet,
    files_counting: FileSet,
}

/// One event of the whole job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Told {
    acknowledged: bool,
    /// Deliveries about the present cause, with no registration since they started.
    counting: DeliverySet,
}

impl<const CALLS: usize> Monitor<CALLS> for R6 {
    const RULE: Rule = Rule::R6;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter, Kind::Leave, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Enter { delivery, event, file, .. } => self.enter(cx, delivery, event, file),
            EventView::Leave { delivery, event, file, leave, .. } => {
                self.leave(delivery, event, file, settles(cx.profile, event, leave))
            }
            EventView::State { to, .. } => {
                self.new_cause(to);
                Outcome::Held
            }
            EventView::Env { step: EnvStep::FileDone, file: Some(file), .. } => {
                self.files.remove(file);
                self.files_counting.remove(file);
                Outcome::Held
            }
            EventView::Return { call: Call::SetNotifyInterface { .. }, hr, .. } if hr.succeeded() => {
                *self = R6::default();
                Outcome::Held
            }
            _ => Outcome::Held,
        }
    }
}

impl R6 {
    fn enter<const CALLS: usize>(
        &mut self,
        cx: &Cx<'_, CALLS>,
        delivery: DeliveryId,
        event: Event,
        file: Option<FileId>,
    ) -> Outcome {
        let acknowledged = match (event, file) {
            (Event::FileTransferred, Some(file)) => {
                self.files_counting.insert(file);
                self.files.contains(file)
            }
            _ => {
                let Some(told) = self.told(event) else { return Outcome::Held };
                if cx.facts.is_about_the_present_stay(event) {
                    told.counting.insert(delivery.0);
                }
                told.acknowledged
            }
        };
        if !acknowledged {
            return Outcome::Held;
        }
        let excused = cx.facts.registers.is_being_set(Register::Registration);
        Outcome::check(excused)
    }

    fn leave(&mut self, delivery: DeliveryId, event: Event, file: Option<FileId>, settled: bool) -> Outcome {
        let counts = match (event, file) {
            (Event::FileTransferred, Some(file)) => {
                let counts = self.files_counting.contains(file);
                self.files_counting.remove(file);
                if settled && counts {
                    self.files.insert(file);
                }
                counts
            }
            _ => {
                let Some(told) = self.told(event) else { return Outcome::Held };
                let counts = told.counting.take(delivery.0);
                told.acknowledged |= settled && counts;
                counts
            }
        };
        // From here on it must not be delivered again: that is the decision.
        if settled && counts { Outcome::Exercised } else { Outcome::Held }
    }

    fn told(&mut self, event: Event) -> Option<&mut Told> {
        match event {
            Event::JobTransferred => Some(&mut self.transferred),
            Event::JobError => Some(&mut self.error),
            _ => None,
        }
    }

    fn new_cause(&mut self, to: JobState) {
        match to {
            JobState::Transferred => self.transferred = Told::default(),
            JobState::Error => self.error = Told::default(),
            _ => {}
        }
    }
}
