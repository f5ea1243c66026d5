//! What the sentence of R9 leaves open: how many slots there were, and which event was one too many or did not enter.

use contract::event::EventView;
use contract::ids::JobId;
use contract::notify::Event;
use contract::state::JobState;

use crate::trace::Trace;
use crate::verdict::Violation;

/// The line below the sentence.
pub(super) fn words(trace: &Trace, violation: &Violation) -> Option<String> {
    let job = violation.job?;
    let slots = trace.header.callback_slots;
    let s = if slots == 1 { "" } else { "s" };
    let at = trace.events().find(|(seq, _)| *seq == violation.seq).map(|(_, event)| event);
    if let Some(EventView::Enter { event, .. }) = at {
        return Some(format!(
            "each user has {slots} slot{s}, all of this user's were taken, and {event} of {job} entered"
        ));
    }
    let event = owed(trace, job)?;
    Some(format!(
        "each user has {slots} slot{s}, this user's were not all taken, and {event} of {job} never entered"
    ))
}

/// The event that reports the last state of the job.
fn owed(trace: &Trace, job: JobId) -> Option<Event> {
    let states = trace.events().filter_map(|(_, event)| match event {
        EventView::State { job: of, to, .. } if of == job => Some(to),
        _ => None,
    });
    match states.last()? {
        JobState::Transferred => Some(Event::JobTransferred),
        JobState::Error => Some(Event::JobError),
        _ => None,
    }
}
