//! R10: a job that has ended stays ended, and is not found.
//!
//! A job has ended for the manager when the call that ended it is back, or when it expired. A GetJob or
//! EnumJobs that starts later must not turn it up; one that overlaps the end may. A poll of the observer that starts later must not see the job
//! in a state that is not final: where changes of state are not recorded, that is the evidence for one.

use contract::Rule;
use contract::ThreadId;
use contract::call::{Call, Out};
use contract::env::EnvStep;
use contract::event::{By, EventView};
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};
use crate::small::CallSet;

/// Whether the job has ended, and which open calls started after that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R10 {
    late: CallSet,
    ended: bool,
}

impl R10 {
    /// The calls that were open are gone. That the job has ended stays true.
    pub(crate) fn restart(&mut self) {
        self.late = CallSet::default();
    }
}

impl<const CALLS: usize> Monitor<CALLS> for R10 {
    const RULE: Rule = Rule::R10;
    const SEES: &'static [Kind] = &[Kind::Call, Kind::Return, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::State { from, to, by, .. } => {
                let is_final = |state: Option<JobState>| state.is_some_and(JobState::is_final);
                let was_final = is_final(from) || is_final(cx.facts.state);
                self.ended |= to.is_final() && by == By::Env(EnvStep::Expiry);
                if was_final {
                    Outcome::Violated
                } else if to.is_final() {
                    Outcome::Exercised
                } else {
                    Outcome::Held
                }
            }
            EventView::Return { call: Call::Cancel | Call::Complete, hr, .. } if hr.succeeded() => {
                self.ended = true;
                Outcome::Held
            }
            EventView::Call {
                id,
                call: Call::GetJob | Call::EnumJobs { .. } | Call::EnumJobsNext { .. },
                ..
            } if self.ended => {
                self.late.insert(id.0);
                Outcome::Held
            }
            EventView::Call { id, caller, call: Call::GetState, .. }
                if self.ended && caller.thread == ThreadId::OBSERVER =>
            {
                self.late.insert(id.0);
                Outcome::Held
            }
            EventView::Return { id, call, hr, out, .. } if !self.late.is_empty() && self.late.take(id.0) => {
                let found = match (call, out) {
                    (Call::GetState, Out::State(state)) => !state.is_final(),
                    (Call::GetJob, _) => hr.succeeded(),
                    (_, Out::Jobs(jobs)) => cx.facts.job().is_some_and(|job| jobs.contains(&job)),
                    _ => false,
                };
                Outcome::check(!found)
            }
            _ => Outcome::Held,
        }
    }
}
