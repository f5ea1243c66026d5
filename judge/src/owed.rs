//! What would have kept a rule: which call had to wait for which callback.
//!
//! **What it is.** The names of a failure give the symptom: a call is back, then a callback starts. [`owed`] gives what was missing. Where the delivery
//! had begun before the call was back, the call had to wait for it; where it began later, it may not begin.
//!
//! **What it is not.** A verdict: the rules judge. Of a trace that does not record when a delivery begins, both are possible, and both are given.

use contract::event::{By, EventView};
use contract::{DeliveryId, Event, Rule};

use super::failure::{concerns, forbids};
use super::trace::Trace;
use super::verdict::Violation;

/// What was owed where a callback started that a rule forbids; nothing for other violations.
///
/// ```
/// let example = judge::cases::Example::of(judge::Rule::R1).expect("R1 has an example");
/// let owed = judge::owed(&example.trace, &example.violation).expect("a callback starts");
/// assert!(owed.starts_with("Cancel has to wait until the callback for"));
/// ```
#[must_use]
pub fn owed(trace: &Trace, violation: &Violation) -> Option<String> {
    let Violation { rule, seq, job } = *violation;
    if !matches!(rule, Rule::R1 | Rule::R2 | Rule::R3 | Rule::R4 | Rule::R5) {
        return None;
    }
    let broken = trace.events().find(|(at, _)| *at == seq).map(|(_, event)| event)?;
    let EventView::Enter { delivery, event, .. } = broken else { return None };
    let before = || trace.events().take_while(|(at, _)| *at < seq);
    let (since, forbidding) =
        before().filter(|(_, event)| concerns(event, job) && forbids(rule, &broken, event)).last()?;
    let call = call_of(before().take_while(|(at, _)| *at <= since), &forbidding)?;
    let begun = before().find(|(_, event)| is_begin(event, delivery)).map(|(at, _)| at);
    let records = before().any(|(_, event)| matches!(event, EventView::Begin { .. }));
    Some(match begun {
        Some(at) if at < since => waits(&call, event, delivery),
        Some(_) => format!("no delivery of {event} may begin after {call}"),
        None if records => waits(&call, event, delivery),
        None => format!(
            "{}, if that had begun before; if not, it may not begin. The trace does not record which",
            waits(&call, event, delivery)
        ),
    })
}

fn waits(call: &str, event: Event, delivery: DeliveryId) -> String {
    format!("{call} has to wait until the callback for {event} ({delivery}) has returned")
}

fn is_begin(event: &EventView<'_>, delivery: DeliveryId) -> bool {
    matches!(event, EventView::Begin { delivery: begun, .. } if *begun == delivery)
}

/// The method of the call that the event is about, where these are the events up to it. Calls that are back give their ids to later ones.
fn call_of<'a>(before: impl Iterator<Item = (u64, EventView<'a>)>, event: &EventView<'_>) -> Option<String> {
    match *event {
        EventView::Return { call, .. } => Some(call.method().to_string()),
        EventView::State { by: By::Call(by), .. } => {
            let called = before.filter_map(|(_, event)| match event {
                EventView::Call { id, call, .. } if id == by => Some(call.method().to_string()),
                _ => None,
            });
            called.last()
        }
        _ => None,
    }
}
