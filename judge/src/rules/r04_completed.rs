//! R4: nothing starts after a successful Complete is back.

use contract::Rule;
use contract::call::Call;
use contract::event::EventView;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// Remembers whether the job was completed. The decision is made when Complete returns, as in R1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R4 {
    completed: bool,
}

impl<const CALLS: usize> Monitor<CALLS> for R4 {
    const RULE: Rule = Rule::R4;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter];

    #[inline(always)]
    fn step(&mut self, _: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match event {
            EventView::Return { call: Call::Complete, hr, .. } if hr.succeeded() => {
                self.completed = true;
                Outcome::Exercised
            }
            EventView::Enter { .. } if self.completed => Outcome::Violated,
            _ => Outcome::Held,
        }
    }
}
