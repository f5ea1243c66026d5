//! Which lines of a trace made the difference: the one that broke the rule, and those that had forbidden it.

use std::collections::{BTreeMap, BTreeSet};

use contract::Rule;
use contract::env::StepKind;
use contract::event::{By, EventView};
use contract::notify::Event;
use contract::state::JobState;
use contract::{CallId, DeliveryId, Method};

use crate::failure::concerns;
use crate::trace::Trace;
use crate::verdict::Violation;

/// The numbers of the decisive lines.
pub(super) fn lines(trace: &Trace, violation: &Violation) -> BTreeSet<u64> {
    if matches!(violation.rule, Rule::R9 | Rule::R16) {
        return open_at(trace, violation);
    }
    let broken = trace.events().find(|(seq, _)| *seq == violation.seq).map(|(_, event)| event);
    let upto = trace.events().take_while(|(seq, _)| *seq < violation.seq);
    let earlier = upto.filter(|(_, event)| concerns(event, violation.job));
    let mut lines: BTreeSet<u64> = earlier
        .filter(|(_, event)| broken.as_ref().is_none_or(|broken| matters(violation.rule, broken, event)))
        .map(|(seq, _)| seq)
        .collect();
    if broken.is_none() {
        lines.clear();
    }
    lines.insert(violation.seq);
    lines
}

/// What is open at the violation: of R9 the callbacks that take the slots, of R16 the calls that wait, too.
fn open_at(trace: &Trace, violation: &Violation) -> BTreeSet<u64> {
    let (mut calls, mut callbacks) = (BTreeMap::new(), BTreeMap::new());
    for (seq, event) in trace.events().take_while(|(seq, _)| *seq <= violation.seq) {
        match event {
            EventView::Call { id, .. } if violation.rule == Rule::R16 => drop(calls.insert(id, seq)),
            EventView::Return { id, .. } => drop(calls.remove(&id)),
            EventView::Enter { delivery, .. } => drop(callbacks.insert(delivery, seq)),
            EventView::Leave { delivery, .. } => drop(callbacks.remove(&delivery)),
            _ => {}
        }
    }
    calls.into_values().chain(callbacks.into_values()).collect()
}

/// Whether `event` is part of why `broken` breaks the rule.
fn matters(rule: Rule, broken: &EventView<'_>, event: &EventView<'_>) -> bool {
    use Method as M;
    let told = callback(broken);
    let same_callback = callback(event).is_some() && callback(event) == told;
    match rule {
        // Where the callback began shows what the call had to wait for; and what was begun, or given, may be another thing than what entered.
        Rule::R1 | Rule::R2 | Rule::R3 | Rule::R4 | Rule::R5
            if delivery(broken).is_some_and(|told| delivery(event) == Some(told)) =>
        {
            true
        }
        Rule::R1 => calls(event, &[M::Cancel]),
        Rule::R2 => calls(event, &[M::SetNotifyFlags]),
        Rule::R3 => calls(event, &[M::SetNotifyInterface, M::SetNotifyCmdLine]),
        Rule::R4 => calls(event, &[M::Complete]),
        Rule::R5 => match told {
            Some((Event::JobTransferred, _)) => passes(event, JobState::Transferred),
            Some((Event::JobError, _)) => passes(event, JobState::Error),
            _ => is_step(event, &[StepKind::FileDone]),
        },
        Rule::R6 => same_callback || calls(event, &[M::SetNotifyInterface]),
        Rule::R7 => {
            let of_file = matches!(callback(event), Some((Event::FileTransferred, _)));
            of_file || is_step(event, &[StepKind::FileDone]) || calls(event, &[M::SetNotifyInterface])
        }
        Rule::R8 => same_callback || is_step(event, &[StepKind::Bytes]),
        Rule::R10 => passes_final(event) || calls(event, &[M::Cancel, M::Complete]),
        Rule::R11 => {
            is_by_call(event, call_of(broken)) || has_id(event, call_of(broken)) || sets(broken, event)
        }
        Rule::R12 => has_id(event, call_of(broken)) || matches!(event, EventView::State { .. }),
        Rule::R13 => matches!(event, EventView::State { .. }),
        Rule::R14 => is_step(event, &[StepKind::Bytes, StepKind::SizeKnown, StepKind::FileRestarted]),
        Rule::R15 => {
            is_step(event, &[StepKind::Disk, StepKind::Observed]) || calls(event, &[M::Complete, M::Cancel])
        }
        Rule::R18 => matches!(event, EventView::Leave { .. }),
        Rule::R19 => {
            let stays = passes(event, JobState::Transferred) || passes(event, JobState::Error);
            let set = [M::SetNotifyFlags, M::SetNotifyInterface, M::SetNotifyCmdLine];
            let told = matches!(event, EventView::Enter { .. } | EventView::Leave { .. });
            told || stays || is_step(event, &[StepKind::FileDone]) || calls(event, &set)
        }
        // The first two are about what is open; the third has no monitor yet.
        Rule::R9 | Rule::R16 | Rule::R17 => false,
    }
}

fn callback(event: &EventView<'_>) -> Option<(Event, Option<contract::FileId>)> {
    match *event {
        EventView::Enter { event, file, .. }
        | EventView::Given { event, file, .. }
        | EventView::Leave { event, file, .. } => Some((event, file)),
        _ => None,
    }
}

fn delivery(event: &EventView<'_>) -> Option<DeliveryId> {
    match *event {
        EventView::Begin { delivery, .. }
        | EventView::Enter { delivery, .. }
        | EventView::Given { delivery, .. } => Some(delivery),
        _ => None,
    }
}

fn calls(event: &EventView<'_>, methods: &[Method]) -> bool {
    match event {
        EventView::Call { call, .. } | EventView::Return { call, .. } => methods.contains(&call.method()),
        _ => false,
    }
}

fn call_of(event: &EventView<'_>) -> Option<CallId> {
    match *event {
        EventView::Call { id, .. } | EventView::Return { id, .. } => Some(id),
        _ => None,
    }
}

fn has_id(event: &EventView<'_>, call: Option<CallId>) -> bool {
    call.is_some() && call_of(event) == call
}

fn is_by_call(event: &EventView<'_>, call: Option<CallId>) -> bool {
    matches!(*event, EventView::State { by: By::Call(id), .. } if Some(id) == call)
}

/// Whether `event` sets what the getter `broken` read.
fn sets(broken: &EventView<'_>, event: &EventView<'_>) -> bool {
    let (
        EventView::Return { call: read, .. },
        EventView::Call { call: set, .. } | EventView::Return { call: set, .. },
    ) = (broken, event)
    else {
        return false;
    };
    let (read, set) = (read.method().to_string(), set.method().to_string());
    read.strip_prefix("Get").is_some() && read.strip_prefix("Get") == set.strip_prefix("Set")
}

fn is_step(event: &EventView<'_>, kinds: &[StepKind]) -> bool {
    matches!(event, EventView::Env { step, .. } if kinds.contains(&step.kind()))
}

fn passes(event: &EventView<'_>, state: JobState) -> bool {
    matches!(*event, EventView::State { from, to, .. } if to == state || from == Some(state))
}

fn passes_final(event: &EventView<'_>) -> bool {
    matches!(event, EventView::State { to, .. } if to.is_final())
}
