//! R12: every answer is one that the table allows in some state the job may have been in.

use contract::Rule;
use contract::answers;
use contract::event::EventView;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// Remembers nothing of its own: the states during each open call are shared facts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R12;

impl<const CALLS: usize> Monitor<CALLS> for R12 {
    const RULE: Rule = Rule::R12;
    const SEES: &'static [Kind] = &[Kind::Return];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        let EventView::Return { id, call, hr, .. } = *event else { return Outcome::Held };
        let states = cx.facts.states_since(id);
        if states == contract::StateSet::EMPTY {
            return Outcome::Held;
        }
        let method = call.method();
        Outcome::check(states.iter().any(|state| answers::allows(cx.profile, method, state, hr)))
    }
}
