//! R8: no JobModification without a modification.
//!
//! One counter: causes so far less callbacks so far. A setter is a cause from the moment it is called, because its effect
//! may be reported before it is back, and stops being one when it fails. A counter that would pass the bound is *full*, and
//! stays full: how many causes it has not counted is not known, and no callback could be one too many for certain.

use crate::call::Call;
use crate::env::EnvStep;
use crate::event::EventView;
use crate::judge::monitor::{Bound, Cx, Kind, Monitor, Outcome};
use crate::judge::rule::Rule;
use crate::mutant;
use crate::notify::Event;
use crate::state::JobState;

/// Causes not yet reported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R8 {
    causes: u16,
}

impl<const CALLS: usize> Monitor<CALLS> for R8 {
    const RULE: Rule = Rule::R8;
    const SEES: &'static [Kind] = &[Kind::Call, Kind::Return, Kind::Enter, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Env { step: EnvStep::Bytes { .. }, .. } if !mutant!(cx.profile, R8BytesUncounted) => {
                self.add(cx.bound, 1)
            }
            EventView::Call { call, .. } if !mutant!(cx.profile, R8CallsUncounted) => {
                self.add(cx.bound, causes_of(call))
            }
            EventView::Return { call, hr, .. } if hr.failed() && !mutant!(cx.profile, R8FailuresCount) => {
                self.take_back(cx.bound, causes_of(call))
            }
            EventView::State { from: Some(_), to, .. }
                if is_quiet(to) && !mutant!(cx.profile, R8StatesUncounted) =>
            {
                self.add(cx.bound, 1)
            }
            EventView::Enter { event: Event::JobModification, .. } => self.report(cx.bound),
            _ => Outcome::Held,
        }
    }
}

impl R8 {
    fn add(&mut self, bound: Bound, causes: u16) -> Outcome {
        self.causes = self.causes.saturating_add(causes).min(bound.counters);
        Outcome::Held
    }

    fn report(&mut self, bound: Bound) -> Outcome {
        if self.causes == bound.counters {
            return Outcome::Held;
        }
        let caused = self.causes > 0;
        self.causes = self.causes.saturating_sub(1);
        Outcome::check(caused)
    }

    fn take_back(&mut self, bound: Bound, causes: u16) -> Outcome {
        if causes == 0 || self.causes == bound.counters {
            return Outcome::Held;
        }
        // With fewer left than the failed call had put there, one of them has been reported.
        let unreported = self.causes >= causes;
        self.causes = self.causes.saturating_sub(causes);
        if unreported { Outcome::Held } else { Outcome::Violated }
    }
}

/// How many modifications a call is, if it succeeds (facts G53, G54).
fn causes_of(call: &Call) -> u16 {
    match call {
        Call::AddFileSet { files } => u16::try_from(files.len()).unwrap_or(u16::MAX),
        Call::AddFile { .. }
        | Call::SetDisplayName { .. }
        | Call::SetDescription { .. }
        | Call::SetPriority { .. }
        | Call::SetMinimumRetryDelay { .. }
        | Call::SetNoProgressTimeout { .. }
        | Call::FileSetRemoteName { .. } => 1,
        _ => 0,
    }
}

/// Whether entering the state is reported as a modification, having no event of its own and not ending the job.
fn is_quiet(to: JobState) -> bool {
    !to.is_final() && !matches!(to, JobState::Error | JobState::Transferred)
}
