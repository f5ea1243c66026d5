//! R13: the state changes along the edges of the table, and GetState returns it.
//!
//! While a call that ends the job works on the disk, no environment step moves it: from the first `disk` step to the change of
//! state, to a rename that failed, or to the return of the call.

use contract::Rule;
use contract::call::{Call, Method, Out};
use contract::env::{DiskAct, EnvStep};
use contract::event::{By, EventView};
use contract::state::{self, Cause, JobState};

use crate::monitor::{Cx, Kind, Monitor, Outcome};

/// The state and the open calls are shared facts; its own is whether a call is ending the job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R13 {
    ending: bool,
}

impl<const CALLS: usize> Monitor<CALLS> for R13 {
    const RULE: Rule = Rule::R13;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::Env, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::State { from, to, by, .. } => {
                let moved = self.ending && matches!(by, By::Env(_));
                self.ending &= matches!(by, By::Env(_));
                if moved { Outcome::Violated } else { change(cx, from, to, by) }
            }
            // It is the end of the call's work on the disk, and the job is as it was.
            EventView::Env { step: EnvStep::Disk { act: DiskAct::RenameFailed }, .. } => {
                self.ending = false;
                Outcome::Held
            }
            EventView::Env { step: EnvStep::Disk { .. }, .. } => {
                self.ending = cx.facts.is_open(Method::Complete) || cx.facts.is_open(Method::Cancel);
                Outcome::Held
            }
            EventView::Return { call: Call::Complete | Call::Cancel, .. } => {
                self.ending = false;
                Outcome::Held
            }
            EventView::Return { id, call: Call::GetState, out: Out::State(told), hr, .. }
                if hr.succeeded() =>
            {
                let states = cx.facts.states_since(id);
                if states == contract::StateSet::EMPTY {
                    return Outcome::Held;
                }
                Outcome::check(states.contains(*told))
            }
            _ => Outcome::Held,
        }
    }
}

fn change<const CALLS: usize>(cx: &Cx<'_, CALLS>, from: Option<JobState>, to: JobState, by: By) -> Outcome {
    let Some(from) = from else {
        let born = cx.facts.state.is_none() && to == JobState::Suspended && is_creation(cx, by);
        return Outcome::check(born);
    };
    if cx.facts.state.is_some_and(|state| state != from) {
        return Outcome::Violated;
    }
    let cause = match by {
        By::Env(step) if is_of_policy(step) => return Outcome::check(policy_leads(step, from, to)),
        By::Env(step) => Cause::Env(step.kind()),
        By::Call(id) => match cx.facts.method(id) {
            // Of another implementation's own methods nothing is known.
            Some(Method::Other) => return Outcome::Held,
            Some(method) => Cause::Call(method),
            // The call is not one of this job: there is no row to look up.
            None => return Outcome::Held,
        },
    };
    let edge = state::is_edge(cx.profile, from, cause, to);
    Outcome::check(edge)
}

/// Whether a policy is behind the step. Our engine has none, so the table has no rows for them.
fn is_of_policy(step: EnvStep) -> bool {
    match step {
        EnvStep::PolicyHolds { .. } | EnvStep::PolicyLifts => true,
        EnvStep::TransientError { hr } => hr.is_policy(),
        _ => false,
    }
}

/// A policy takes a job that waits or runs to TRANSIENT_ERROR, without a connection, and gives it back to the queue (facts A2).
fn policy_leads(step: EnvStep, from: JobState, to: JobState) -> bool {
    let lifts = matches!(step, EnvStep::PolicyLifts);
    match (from, to) {
        (JobState::TransientError, JobState::Queued) => lifts,
        (JobState::Queued | JobState::Connecting | JobState::Transferring, JobState::TransientError) => {
            !lifts
        }
        _ => false,
    }
}

/// CreateJob is not called on the job, so its call need not be known here.
fn is_creation<const CALLS: usize>(cx: &Cx<'_, CALLS>, by: By) -> bool {
    match by {
        By::Call(id) => cx.facts.method(id).is_none_or(|method| method == Method::CreateJob),
        By::Env(_) => false,
    }
}
