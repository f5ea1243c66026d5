//! R5: a callback reports something that has happened.
//!
//! A call that takes the job out of TRANSFERRED or ERROR must wait for the callback already on its way, so until
//! that call is back the callback may still start. The environment does not move the job while one is
//! on its way, so after an environment step none may start.

use contract::Rule;
use contract::event::EventView;
use contract::notify::Event;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::small::FileSet;

/// Remembers nothing of its own: stays in a state and finished files are shared facts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R5;

impl<const CALLS: usize> Monitor<CALLS> for R5 {
    const RULE: Rule = Rule::R5;
    const SEES: &'static [Kind] = &[Kind::Enter];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        let EventView::Enter { event, file, .. } = *event else { return Outcome::Held };
        match event {
            Event::JobTransferred | Event::JobError => {
                let told = cx.facts.stay(event).is_some_and(|stay| stay.may_be_told());
                Outcome::check(told)
            }
            Event::FileTransferred => match file {
                Some(file) if FileSet::knows(file) => Outcome::check(cx.facts.done.contains(file)),
                Some(_) => Outcome::Held,
                None => Outcome::Violated,
            },
            // Only jobs on demand have ranges to report, and there are none here.
            Event::FileRangesTransferred => Outcome::Violated,
            // R8 counts its causes.
            Event::JobModification => Outcome::Held,
        }
    }
}
