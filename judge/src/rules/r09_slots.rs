//! R9, its part in one job: the event that the job still has to deliver, so that at rest it shows who was kept waiting.
//!
//! The counting is done over all jobs (`judge::across`). Here is only whether JobTransferred or JobError is owed
//! its first callback: a retry may wait for its time, the first one waits for nothing but a slot.

use contract::Rule;
use contract::call::Call;
use contract::event::EventView;
use contract::notify::Event;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// The event of the present stay, until its first callback.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R9 {
    untold: Option<Event>,
}

impl<const CALLS: usize> Monitor<CALLS> for R9 {
    const RULE: Rule = Rule::R9;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Enter, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::State { to: JobState::Transferred, .. } => self.untold = Some(Event::JobTransferred),
            EventView::State { to: JobState::Error, .. } => self.untold = Some(Event::JobError),
            EventView::State { .. } => self.untold = None,
            EventView::Enter { event, .. } if Some(event) == self.untold => self.untold = None,
            // Without replay, an event without a receiver is lost, and a later registration is owed nothing.
            EventView::Return {
                call: Call::SetNotifyInterface { .. } | Call::SetNotifyCmdLine { .. },
                ..
            } if !cx.profile.late_replay.is_on() => self.untold = None,
            _ => {}
        }
        Outcome::Held
    }
}

impl R9 {
    /// Whether the event surely has a receiver, and has not been delivered. Where failures are not repeated, a file's callback that
    /// failed may be what it waits for.
    pub(crate) fn is_waiting<const CALLS: usize>(&self, cx: &Cx<'_, CALLS>) -> bool {
        let enabled = |event| cx.facts.is_surely_enabled(cx.profile, event);
        cx.profile.retry_transferred.is_on() && self.untold.is_some_and(enabled)
    }
}
