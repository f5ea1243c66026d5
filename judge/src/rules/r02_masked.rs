//! R2: a callback needs a mask that lets it through.

use contract::Rule;
use contract::event::EventView;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// Remembers nothing of its own: the possible masks are a shared register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R2;

impl<const CALLS: usize> Monitor<CALLS> for R2 {
    const RULE: Rule = Rule::R2;
    const SEES: &'static [Kind] = &[Kind::Enter];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Enter { event, .. } => Outcome::check(cx.facts.may_be_unmasked(cx.profile, event)),
            _ => Outcome::Held,
        }
    }
}
