//! What is seen of a run, cut into windows.
//!
//! **What it is.** [`Seen`] reads a trace: calls, answers, callbacks and states, each with its step. [`Windows`] cuts that where a subject can
//! be compared: at each step, or at each call of a client at rest.

use std::collections::BTreeMap;

use contract::{Call, DeliveryId, Event, FileId, JobId, JobState, Out, ThreadId};
use judge::Trace;
use judge::trace::{CallLine, EnterLine, Kind, Left, ReturnLine, Told};
use model::drive::Stimulus;

use super::Led;
use crate::difference::{outcome, step_of};
use crate::tape;

/// What is seen of a run, in order, each with the step in which it is seen.
pub(super) struct Seen<'a> {
    pub(super) all: Vec<Sight<'a>>,
    /// The steps of the run that have nothing to be seen, and what they are.
    pub(super) steps: Vec<StepHead>,
}

/// The beginning of a step.
pub(super) struct StepHead {
    pub(super) kind: String,
    pub(super) begins: Option<JobId>,
    pub(super) is: Step,
}

/// What a step is, where windows are named by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A call, or what the service does by itself.
    Inside,
    /// From outside, and no call.
    Deed,
}

/// Something seen.
#[derive(Clone, Debug)]
pub(super) struct Sight<'a> {
    pub(super) seq: u64,
    pub(super) step: usize,
    pub(super) what: What<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum What<'a> {
    Called {
        call: &'a CallLine,
        place: Option<usize>,
        /// The callback from inside of which it is made.
        within: Option<Callback>,
    },
    Returned {
        call: &'a CallLine,
        back: &'a ReturnLine,
        within: Option<Callback>,
    },
    Entered {
        job: JobId,
        event: Event,
        file: Option<FileId>,
        receiver: Told,
    },
    Left {
        job: JobId,
        event: Event,
        file: Option<FileId>,
        receiver: Told,
        outcome: Left,
    },
    Moved {
        job: JobId,
        to: JobState,
    },
    /// The observer has seen the job in this state, or that it is gone.
    Polled {
        job: JobId,
        state: Option<JobState>,
    },
}

/// A callback, by what it is about.
pub(in super::super) type Callback = (JobId, Event, Option<FileId>);

impl<'a> Seen<'a> {
    pub(super) fn of(trace: &'a Trace) -> Seen<'a> {
        let mut seen = Seen { all: Vec::new(), steps: Vec::new() };
        let mut calls: BTreeMap<_, (&CallLine, usize, Option<Callback>)> = BTreeMap::new();
        let mut polls: BTreeMap<_, Option<JobId>> = BTreeMap::new();
        let mut told: BTreeMap<DeliveryId, &EnterLine> = BTreeMap::new();
        let mut places = 0;
        for line in &trace.lines {
            let what = match &line.what {
                Kind::Choose(choose) if choose.options <= 1 => {
                    seen.steps.push(head(&choose.site));
                    continue;
                }
                Kind::Call(call) if call.thread == ThreadId::OBSERVER => {
                    // The observer's other calls are no part of the path.
                    let looks = call.call == Call::GetState;
                    polls.insert(call.id, call.job.filter(|_| looks));
                    continue;
                }
                Kind::Return(back) if polls.contains_key(&back.call) => {
                    let Some(Some(job)) = polls.remove(&back.call) else { continue };
                    let state = if let Out::State(state) = back.out { Some(state) } else { None };
                    What::Polled { job, state }
                }
                Kind::Call(call) => {
                    let enter = call.inside.and_then(|delivery| told.get(&delivery));
                    let within = enter.map(|enter| (enter.job, enter.event, enter.file));
                    calls.insert(call.id, (call, seen.steps.len(), within));
                    let kind = format!("{} is called", call.call.method());
                    seen.steps.push(StepHead { kind, begins: None, is: Step::Inside });
                    let place = call.inside.is_none().then_some(places);
                    places += usize::from(place.is_some());
                    What::Called { call, place, within }
                }
                Kind::Return(back) => {
                    let Some((call, step, within)) = calls.remove(&back.call) else { continue };
                    if let Some(step) = seen.steps.get_mut(step) {
                        step.kind = format!("{} -> {}", call.call.method(), outcome(back.hr));
                    }
                    What::Returned { call, back, within }
                }
                Kind::Enter(enter) => {
                    told.insert(enter.delivery, enter);
                    let EnterLine { job, event, file, receiver, .. } = *enter;
                    What::Entered { job, event, file, receiver }
                }
                Kind::Leave(leave) => {
                    let Some(enter) = told.remove(&leave.delivery) else { continue };
                    let EnterLine { job, event, file, receiver, .. } = *enter;
                    What::Left { job, event, file, receiver, outcome: leave.outcome }
                }
                Kind::State(state) => What::Moved { job: state.job, to: state.to },
                _ => continue,
            };
            seen.all.push(Sight { seq: line.seq, step: seen.steps.len().saturating_sub(1), what });
        }
        seen
    }
}

pub(super) fn head(site: &str) -> StepHead {
    let Ok(stimulus) = tape::parse(site) else {
        return StepHead { kind: "a choice".to_owned(), begins: None, is: Step::Inside };
    };
    let begins = if let Stimulus::Begin(job) = stimulus { Some(job) } else { None };
    let is = match stimulus {
        Stimulus::Timeout | Stimulus::NetworkLost | Stimulus::NetworkBack | Stimulus::Logoff(_) => Step::Deed,
        _ => Step::Inside,
    };
    StepHead { kind: step_of(&stimulus), begins, is }
}

/// The steps that come from outside and are no calls.
pub(super) fn deeds(seen: &Seen<'_>) -> Vec<(usize, String)> {
    let deeds = seen.steps.iter().enumerate().filter(|(_, step)| step.is == Step::Deed);
    deeds.map(|(at, step)| (at, step.kind.clone())).collect()
}

/// What is seen, by windows.
pub(super) struct Windows<'a>(pub(super) Vec<Window<'a>>);

pub(super) struct Window<'a> {
    /// The step that opens it, in words.
    pub(super) after: String,
    pub(super) seen: Vec<Sight<'a>>,
}

impl Windows<'_> {
    /// The steps that belong to a window, of a run with `all` steps.
    pub(super) fn steps_of(&self, number: usize, all: usize) -> std::ops::Range<usize> {
        let first = |number: usize| self.0.get(number)?.seen.first().map(|sight| sight.step);
        first(number).unwrap_or(0)..first(number + 1).unwrap_or(all)
    }
}

impl<'a> Windows<'a> {
    pub(super) fn of(seen: &Seen<'a>, led: Led<'_>) -> Windows<'a> {
        match led {
            Led::Stepwise { steps } => {
                let mut windows: Vec<Window<'a>> = seen
                    .steps
                    .iter()
                    .take(steps)
                    .map(|step| Window { after: step.kind.clone(), seen: Vec::new() })
                    .collect();
                for sight in &seen.all {
                    if let Some(window) = windows.get_mut(sight.step) {
                        window.seen.push(sight.clone());
                    }
                }
                Windows(windows)
            }
            Led::AtRest(rests) => {
                let mut windows: Vec<Window<'a>> = Vec::new();
                for sight in &seen.all {
                    let opens = match &sight.what {
                        What::Called { place: Some(place), .. } => rests.is_before_call(*place),
                        _ => false,
                    };
                    if opens || windows.is_empty() {
                        let after =
                            seen.steps.get(sight.step).map_or_else(String::new, |step| step.kind.clone());
                        windows.push(Window { after, seen: Vec::new() });
                    }
                    if let Some(window) = windows.last_mut() {
                        window.seen.push(sight.clone());
                    }
                }
                Windows(windows)
            }
        }
    }
}
