//! R8: no JobModification without a modification since the last one began.
//!
//! Changes are coalesced: several of them are credit for one callback, and not for one each. A subject that records `begin` is judged
//! exactly: what begins needs a change since the last begin. Of another it is not known when a callback that has entered
//! began, so one further change may have come between its begin and its enter, and is kept as credit for the next.
//!
//! A call takes effect at some moment before it is back, and only if it succeeds. While it is open, a callback may be on its account;
//! when no call is left that can have been the cause, that callback had none.

use contract::Rule;
use contract::call::{Call, Method};
use contract::env::EnvStep;
use contract::event::EventView;
use contract::notify::Event;
use contract::state::JobState;

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// Changes that may not have been reported, and callbacks that may have had none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R8 {
    /// Callbacks that may still come of changes that have happened: at most [`MOST`].
    credit: u8,
    /// Callbacks that were on the account of calls that are still open.
    borrowed: u8,
    /// A begin was seen, and its enter was not: the decision has been made.
    begun: bool,
}

/// One that was on its way when a change came, and one for that change.
const MOST: u8 = 2;

impl<const CALLS: usize> Monitor<CALLS> for R8 {
    const RULE: Rule = Rule::R8;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Begin, Kind::Enter, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::Env { step: EnvStep::Bytes { .. }, .. } => self.change(),
            EventView::Env { step, .. } if cx.profile.origin.is_foreign() && is_progress(step) => {
                self.change()
            }
            EventView::Return { call, hr, .. } if changes(call.method()) > 0 => {
                let changed = hr.succeeded() && !is_empty_set(call);
                self.call_ends(cx, changes(call.method()), changed)
            }
            EventView::State { from: Some(_), to, .. } if is_quiet(to) => self.change(),
            EventView::Begin { event: Event::JobModification, .. } => {
                self.begun = true;
                let caused = self.is_caused(cx);
                self.credit = 0;
                Outcome::check(caused)
            }
            EventView::Enter { event: Event::JobModification, .. } => {
                if std::mem::take(&mut self.begun) {
                    return Outcome::Held;
                }
                let caused = self.is_caused(cx);
                self.credit = self.credit.saturating_sub(1);
                Outcome::check(caused)
            }
            _ => Outcome::Held,
        }
    }
}

impl R8 {
    fn change(&mut self) -> Outcome {
        self.credit = (self.credit + 1).min(MOST);
        Outcome::Held
    }

    /// Whether something may have changed: for certain, or by a call that is still open.
    fn is_caused<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>) -> bool {
        if self.credit > 0 {
            return true;
        }
        let lends = self.borrowed < open_changes(cx);
        self.borrowed += u8::from(lends);
        lends
    }

    /// A call is back. If it succeeded, it was what a callback was on the account of, or it is a change of its own; if it was the
    /// last that could have been, and failed, then there was none.
    fn call_ends<const CALLS: usize>(&mut self, cx: &Cx<'_, CALLS>, changes: u8, succeeded: bool) -> Outcome {
        if succeeded {
            let reported = self.borrowed.min(changes);
            self.borrowed -= reported;
            if changes > reported {
                self.credit = (self.credit + changes - reported).min(MOST);
            }
            return Outcome::Held;
        }
        // This one is still among the open ones.
        let left = open_changes(cx).saturating_sub(changes);
        let uncaused = self.borrowed > left;
        self.borrowed = self.borrowed.min(left);
        if uncaused { Outcome::Violated } else { Outcome::Held }
    }
}

/// How many changes the open calls make if they succeed.
fn open_changes<const CALLS: usize>(cx: &Cx<'_, CALLS>) -> u8 {
    cx.facts.open_methods().fold(0, |sum: u8, method| sum.saturating_add(changes(method)))
}

/// How many modifications a call of the method is, if it succeeds (facts G53, G54). Files of a set may be added one by one.
fn changes(method: Method) -> u8 {
    match method {
        Method::AddFileSet => 8,
        Method::AddFile
        | Method::SetDisplayName
        | Method::SetDescription
        | Method::SetPriority
        | Method::SetMinimumRetryDelay
        | Method::SetNoProgressTimeout
        | Method::FileSetRemoteName => 1,
        // Our engine has none of these; another may change something by them.
        Method::SetProxySettings
        | Method::TakeOwnership
        | Method::FileSetValidationState
        | Method::FileSetProperty
        | Method::Other => 1,
        _ => 0,
    }
}

/// No file was added, so there is nothing to report.
fn is_empty_set(call: &Call) -> bool {
    matches!(call, Call::AddFileSet { files } if files.is_empty())
}

/// Steps that show in a job's progress without a change of bytes: our engine reports none of them, another may.
fn is_progress(step: EnvStep) -> bool {
    matches!(step, EnvStep::SizeKnown { .. } | EnvStep::FileRestarted | EnvStep::FileDone)
}

/// Whether entering the state is reported as a modification, having no event of its own and not ending the job.
fn is_quiet(to: JobState) -> bool {
    !to.is_final() && !matches!(to, JobState::Error | JobState::Transferred)
}
