//! Whether two things that are seen are equal, or counterparts.

use contract::{Call, Event, FileNames, HResult, JobId, JobState, Out, Profile};
use judge::trace::Left;

use super::windows::{Callback, Sight, What};
use crate::difference::{refused, same_answer};

/// What is seen, and the changes of state apart.
pub(super) fn parted<'w, 'a>(seen: &'w [Sight<'a>]) -> (Vec<&'w Sight<'a>>, Vec<&'w Sight<'a>>) {
    let seen = seen.iter().filter(|sight| polled(&sight.what).is_none());
    seen.partition(|sight| !matches!(sight.what, What::Moved { .. }))
}

pub(super) fn polled(what: &What<'_>) -> Option<(JobId, Option<JobState>)> {
    if let What::Polled { job, state } = what { Some((*job, *state)) } else { None }
}

/// Whether a call is back, and what it gave back is not known.
pub(super) fn lacks_out(wanted: &What<'_>, seen: &What<'_>) -> bool {
    match (wanted, seen) {
        (What::Returned { back: ours, .. }, What::Returned { back, .. }) => {
            ours.out != Out::None && back.out == Out::None
        }
        _ => false,
    }
}

/// The event of a callback that left without acknowledging it.
pub(super) fn failure(what: &What<'_>) -> Option<(JobId, Event)> {
    match what {
        What::Left { outcome: Left::Hr(HResult::S_OK) | Left::Exited(0), .. } => None,
        What::Left { job, event, .. } => Some((*job, *event)),
        _ => None,
    }
}

/// The job on which a call is made from inside of a callback.
pub(super) fn inside(what: &What<'_>) -> Option<JobId> {
    match what {
        What::Called { call, .. } | What::Returned { call, .. } => call.job.filter(|_| call.inside.is_some()),
        _ => None,
    }
}

/// The callback from inside of which a call is made.
pub(super) fn within(what: &What<'_>) -> Option<Callback> {
    match what {
        What::Called { within, .. } | What::Returned { within, .. } => *within,
        _ => None,
    }
}

/// The callback that starts.
pub(super) fn entered(what: &What<'_>) -> Option<Callback> {
    if let What::Entered { job, event, file, .. } = what { Some((*job, *event, *file)) } else { None }
}

/// The callback that leaves.
pub(super) fn leaves(what: &What<'_>) -> Option<Callback> {
    if let What::Left { job, event, file, .. } = what { Some((*job, *event, *file)) } else { None }
}

pub(super) fn moved(what: &What<'_>) -> Option<(JobId, JobState)> {
    if let What::Moved { job, to } = what { Some((*job, *to)) } else { None }
}

pub(super) fn is_modification(what: &What<'_>) -> bool {
    matches!(
        what,
        What::Entered { event: Event::JobModification, .. }
            | What::Left { event: Event::JobModification, .. }
    )
}

/// Whether the run has what the suite has. Another implementation, whose profile is given, may give nothing back, and may refuse a call for
/// another one of two reasons.
pub(super) fn is_same(wanted: &What<'_>, seen: &What<'_>, foreign: Option<&Profile>) -> bool {
    let is_lacking = foreign.is_some() && lacks_out(wanted, seen);
    let is_for_a_value = |call: &Call, wanted, hr| {
        foreign.is_some_and(|profile| refused::is_for_a_value(profile, call, wanted, hr))
    };
    match (wanted, seen) {
        (What::Called { call: wanted, .. }, What::Called { call, .. }) => {
            wanted.job == call.job
                && wanted.inside.is_some() == call.inside.is_some()
                && is_same_call(&wanted.call, &call.call)
        }
        (What::Returned { call: wanted, back: ours, .. }, What::Returned { call, back, .. }) => {
            wanted.job == call.job
                && wanted.call.method() == call.call.method()
                && ours.job == back.job
                && (ours.hr == back.hr || is_for_a_value(&call.call, ours.hr, back.hr))
                && (is_lacking || same_answer(&ours.out, &back.out).is_empty())
        }
        // Anything settles a modification, so how it leaves is the client's business.
        (
            What::Left { event: Event::JobModification, job, receiver, .. },
            What::Left { event: Event::JobModification, job: of, receiver: at, .. },
        ) => job == of && receiver == at,
        _ => wanted == seen,
    }
}

/// Whether it is the run's counterpart, if another one.
pub(super) fn is_like(wanted: &What<'_>, seen: &What<'_>) -> bool {
    match (wanted, seen) {
        (What::Called { place, .. }, What::Called { place: of, .. }) => place == of,
        (What::Returned { call: wanted, .. }, What::Returned { call, .. }) => {
            wanted.job == call.job && wanted.call.method() == call.call.method()
        }
        (What::Entered { job, event, .. }, What::Entered { job: of, event: told, .. })
        | (What::Left { job, event, .. }, What::Left { job: of, event: told, .. }) => {
            job == of && event == told
        }
        _ => false,
    }
}

/// Names of files and programs are each subject's own, where they are good ones.
pub(super) fn is_same_call(wanted: &Call, call: &Call) -> bool {
    let file = |wanted: &FileNames, file: &FileNames| {
        is_same_text(&wanted.remote, &file.remote) && is_same_text(&wanted.local, &file.local)
    };
    let option = |wanted: Option<&str>, text: Option<&str>| match (wanted, text) {
        (Some(wanted), Some(text)) => is_same_text(wanted, text),
        (wanted, text) => wanted.is_some() == text.is_some(),
    };
    match (wanted, call) {
        (Call::AddFile { file: wanted }, Call::AddFile { file: of }) => file(wanted, of),
        (Call::AddFileSet { files: wanted }, Call::AddFileSet { files }) => {
            wanted.len() == files.len() && wanted.iter().zip(files).all(|(wanted, of)| file(wanted, of))
        }
        (
            Call::SetNotifyCmdLine { program: wanted, parameters: with },
            Call::SetNotifyCmdLine { program, parameters },
        ) => option(wanted.as_deref(), program.as_deref()) && option(with.as_deref(), parameters.as_deref()),
        (
            Call::FileSetRemoteName { file: wanted, remote: name },
            Call::FileSetRemoteName { file, remote },
        ) => wanted == file && is_same_text(name, remote),
        _ => wanted == call,
    }
}

pub(super) fn is_same_text(wanted: &str, text: &str) -> bool {
    const LONG: usize = 200;
    let is_good = |text: &str| text.len() < LONG && (text.starts_with("http://") || text.starts_with('/'));
    // A good name may be a path with a drive there, and a bad one is bad in its own way.
    wanted == text || is_good(wanted) && !text.is_empty()
}

pub(super) fn job_of(what: &What<'_>) -> Option<JobId> {
    match what {
        What::Called { call, .. } | What::Returned { call, .. } => call.job,
        What::Entered { job, .. }
        | What::Left { job, .. }
        | What::Moved { job, .. }
        | What::Polled { job, .. } => Some(*job),
    }
}
