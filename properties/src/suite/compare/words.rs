//! A difference in words: what its identity is made of, and what was seen.

use contract::event::Leave;
use contract::{Event, JobId, Method, Out};
use judge::Rule;
use judge::trace::ReturnLine;

use super::windows::What;
use crate::difference::{Concern, callback, left, outcome, receiver, same_answer};

/// The end of the identity of a call that is not back.
pub(super) const NO_RETURN: &str = "does not return";

/// The beginning of the identity of a call that is missing.
pub(super) const ANOTHER_CALL: &str = "another call than";

/// The words of a difference's identity, and what it is about. Where specification and core part in an answer the words are alike, so one
/// fault has one name there.
pub(super) fn words(
    after: &str,
    wanted: Option<&What<'_>>,
    seen: Option<&What<'_>>,
) -> (Vec<String>, Concern) {
    let after = || after.to_owned();
    match (wanted, seen) {
        (Some(What::Returned { call, back: ours, .. }), Some(What::Returned { back, .. })) => {
            let method = call.call.method();
            of_answer(method, ours, back)
        }
        (Some(What::Returned { call, .. }), _) => {
            (vec![call.call.method().to_string(), NO_RETURN.to_owned()], Concern::Rule(Rule::R16))
        }
        (_, Some(What::Returned { call, .. })) => {
            (vec![after(), format!("{} returns early", call.call.method())], Concern::Rule(Rule::R12))
        }
        (Some(What::Called { call, .. }), _) | (None, Some(What::Called { call, .. })) => {
            (vec![format!("{ANOTHER_CALL} {}", call.call.method())], Concern::Rule(Rule::R12))
        }
        (
            Some(What::Entered { event, file, receiver, .. }),
            Some(What::Entered { file: of, receiver: at, .. }),
        ) => {
            let words = match (receiver != at, file != of) {
                (true, _) => format!("{event} at another receiver"),
                (false, true) => format!("{event} of another file"),
                // Neither: then it is of another job, which is no counterpart.
                (false, false) => format!("{event} is another one"),
            };
            (vec![after(), words], Concern::Rule(if receiver != at { Rule::R3 } else { Rule::R5 }))
        }
        (Some(What::Entered { event, .. }), _) => {
            (vec![after(), format!("{event} is missing")], Concern::Rule(Rule::R19))
        }
        (None, Some(What::Entered { event, .. })) => {
            let rule = if *event == Event::JobModification { Rule::R8 } else { Rule::R6 };
            (vec![after(), format!("{event} is extra")], Concern::Rule(rule))
        }
        (Some(What::Left { event, outcome, .. }), Some(What::Left { outcome: other, .. })) => {
            let words = [left(Leave::from(*outcome)), left(Leave::from(*other))];
            let words = format!("{event} leaves: {}, wanted {}", words[1], words[0]);
            (vec![words], Concern::Rule(Rule::R18))
        }
        (Some(What::Left { event, .. }), _) => {
            (vec![after(), format!("{event} does not leave")], Concern::Rule(Rule::R18))
        }
        (None, Some(What::Left { event, .. })) => {
            (vec![after(), format!("{event} leaves, which is extra")], Concern::Rule(Rule::R18))
        }
        (Some(What::Polled { .. }), _) | (None, Some(What::Polled { .. })) => {
            (vec![after(), "another state".to_owned()], Concern::Rule(Rule::R13))
        }
        (Some(What::Moved { to, .. }), _) | (None, Some(What::Moved { to, .. })) => {
            (vec![after(), format!("another change to {to}")], Concern::Rule(Rule::R13))
        }
        (None, None) => (vec![after()], Concern::Rule(Rule::R12)),
    }
}

pub(super) fn of_answer(method: Method, wanted: &ReturnLine, back: &ReturnLine) -> (Vec<String>, Concern) {
    if wanted.hr != back.hr {
        let subject = format!("subject {}", outcome(back.hr));
        let wanted = format!("wanted {}", outcome(wanted.hr));
        return (vec![method.to_string(), subject, wanted], Concern::Rule(Rule::R12));
    }
    let fields = same_answer(&wanted.out, &back.out);
    let words = fields.iter().map(|field| format!("another {field}"));
    let words: Vec<String> = std::iter::once(method.to_string()).chain(words).collect();
    (words, Concern::getter(method))
}

/// What was seen, in a few words.
pub(super) fn in_words(what: &What<'_>) -> String {
    let on = |job: Option<JobId>| job.map_or_else(String::new, |job| format!("{job}."));
    match what {
        What::Called { call, .. } => format!("{}{} is called", on(call.job), call.call),
        What::Returned { call, back, .. } => {
            let out = if back.out == Out::None { String::new() } else { format!(", {:?}", back.out) };
            format!("{}{} -> {}{out}", on(call.job), call.call.method(), back.hr)
        }
        What::Entered { job, event, file, receiver: at } => {
            format!("{} starts at {}", callback(*event, *job, *file), receiver(*at))
        }
        What::Left { job, event, file, receiver: at, outcome } => {
            format!("{} at {} leaves with {outcome:?}", callback(*event, *job, *file), receiver(*at))
        }
        What::Moved { job, to } => format!("{job} is {to}"),
        What::Polled { job, state: Some(state) } => format!("{job} is {state}"),
        What::Polled { job, state: None } => format!("{job} is gone"),
    }
}
