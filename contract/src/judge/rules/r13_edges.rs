//! R13: the state changes along the edges of the table, and GetState tells it.

use crate::call::{Call, Method, Out};
use crate::event::{By, EventView};
use crate::judge::monitor::{Cx, Kind, Monitor, Outcome};
use crate::judge::rule::Rule;
use crate::mutant;
use crate::state::{self, Cause, JobState};

/// Remembers nothing of its own: the state and the open calls are shared facts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct R13;

impl<const CALLS: usize> Monitor<CALLS> for R13 {
    const RULE: Rule = Rule::R13;
    const SEES: &'static [Kind] = &[Kind::Return, Kind::State];

    #[inline(always)]
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome {
        match *event {
            EventView::State { from, to, by, .. } => change(cx, from, to, by),
            EventView::Return { id, call: Call::GetState, out: Out::State(told), hr, .. }
                if hr.succeeded() =>
            {
                let states = cx.facts.states_since(id);
                if states == crate::StateSet::EMPTY {
                    return Outcome::Held;
                }
                Outcome::check(states.contains(*told) || mutant!(cx.profile, R13GetterLies))
            }
            _ => Outcome::Held,
        }
    }
}

fn change<const CALLS: usize>(cx: &Cx<'_, CALLS>, from: Option<JobState>, to: JobState, by: By) -> Outcome {
    let Some(from) = from else {
        let born = cx.facts.state.is_none() && to == JobState::Suspended && is_creation(cx, by);
        return Outcome::check(born || mutant!(cx.profile, R13AnyBirth));
    };
    if cx.facts.state.is_some_and(|state| state != from) && !mutant!(cx.profile, R13FromAnywhere) {
        return Outcome::Violated;
    }
    let cause = match by {
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
    Outcome::check(edge || mutant!(cx.profile, R13AnyEdge))
}

/// CreateJob is not called on the job, so its call need not be known here.
fn is_creation<const CALLS: usize>(cx: &Cx<'_, CALLS>, by: By) -> bool {
    match by {
        By::Call(id) => cx.facts.method(id).is_none_or(|method| method == Method::CreateJob),
        By::Env(_) => false,
    }
}
