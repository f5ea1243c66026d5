//! R3: a callback needs a registered object or program.

use contract::Rule;
use contract::event::{EventView, Target};
use contract::notify::Event;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::registers::{Register, bit};

/// Remembers nothing of its own: the possible registrations are shared registers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R3;

impl<const CALLS: usize> Monitor<CALLS> for R3 {
    const RULE: Rule = Rule::R3;
    const SEES: &'static [Kind] = &[Kind::Enter];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        let EventView::Enter { event, target, .. } = *event else { return Outcome::Held };
        Outcome::check(match target {
            Target::Interface(receiver) => cx.facts.may_be_registered(receiver, event),
            // A program is started for JobTransferred and JobError and for nothing else (facts C3.8).
            Target::CommandLine => {
                matches!(event, Event::JobTransferred | Event::JobError)
                    && cx.facts.registers.possible(Register::CommandLine) & bit(1) != 0
            }
        })
    }
}
