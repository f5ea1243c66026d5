//! R1: nothing starts after a successful Cancel is back.

use contract::Rule;
use contract::call::Call;
use contract::event::EventView;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// Remembers whether the job was cancelled. The decision is made when Cancel returns: from there on nothing may start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R1 {
    cancelled: bool,
}

impl<const CALLS: usize> Monitor<CALLS> for R1 {
    const RULE: Rule = Rule::R1;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter];

    #[inline(always)]
    fn step(&mut self, _: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match event {
            EventView::Return { call: Call::Cancel, hr, .. } if hr.succeeded() => {
                self.cancelled = true;
                Outcome::Exercised
            }
            EventView::Enter { .. } if self.cancelled => Outcome::Violated,
            _ => Outcome::Held,
        }
    }
}
