//! A set that is empty, as a finding: what its last states would have shown, and what came instead.

use std::collections::BTreeSet;

use contract::event::Target;
use contract::{Core as _, HResult, JobId, JobState, Method, Out};
use judge::Rule;
use judge::trace::{EnterLine, ReturnLine, Told};
use model::drive::Phase;

use super::member::{Called, Member};
use crate::difference::{
    Account, Concern, Difference, callback, outcome, receiver, same_answer, whereabouts,
};
use crate::foreign::scripted::is_on_its_way;

/// Words of which a finding is made.
struct Words {
    skeleton: Vec<String>,
    subject: String,
    wanted: BTreeSet<String>,
    concern: Concern,
    job: Option<JobId>,
}

impl Words {
    fn difference(self, after: &str, seq: u64) -> Difference {
        let Words { skeleton, subject, wanted, concern, job } = self;
        let account = Account::Specification;
        Difference {
            skeleton,
            after: after.to_owned(),
            subject,
            wanted: one_of(&wanted),
            account,
            concern,
            job,
            seq,
        }
    }
}

/// What would have fitted, in words.
fn one_of(wanted: &BTreeSet<String>) -> String {
    let all: Vec<&str> = wanted.iter().map(String::as_str).collect();
    match &all[..] {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        _ => format!("one of these: {}", all.join("; ")),
    }
}

/// What would have fitted, for a name, which must not depend on how many states there were by chance.
fn named(wanted: &BTreeSet<String>) -> String {
    let mut all = wanted.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => format!("wanted {one}"),
        _ => "wanted another one".to_owned(),
    }
}

/// No state has this answer.
pub(super) fn another_answer(
    members: &[Member],
    (method, back): (Method, &ReturnLine),
    after: &str,
    seq: u64,
) -> Difference {
    let answers: Vec<(HResult, &Out)> = members
        .iter()
        .filter_map(|member| match member.calls.get(&back.call) {
            Some(Called::Back { hr, out }) => Some((*hr, out)),
            _ => None,
        })
        .collect();
    let job = back.job;
    let on = job.map_or_else(String::new, |job| format!("{job}."));
    let said = |hr: HResult, out: &Out| {
        let out = if *out == Out::None { String::new() } else { format!(", {out:?}") };
        format!("{on}{method} -> {hr}{out}")
    };
    let subject = said(back.hr, &back.out);
    let wanted: BTreeSet<String> = answers.iter().map(|(hr, out)| said(*hr, out)).collect();
    if answers.is_empty() {
        let wanted = BTreeSet::from([format!("{method} waits")]);
        let skeleton = vec![method.to_string(), "does not wait for the callback".to_owned()];
        return Words { skeleton, subject, wanted, concern: Concern::Rule(Rule::R16), job }
            .difference(after, seq);
    }
    let alike = answers.iter().find(|(hr, _)| *hr == back.hr);
    let (skeleton, concern) = if let Some((_, out)) = alike {
        let fields = same_answer(out, &back.out);
        let words = fields.iter().map(|field| format!("another {field}"));
        (std::iter::once(method.to_string()).chain(words).collect(), Concern::getter(method))
    } else {
        let codes: BTreeSet<String> = answers.iter().map(|(hr, _)| outcome(*hr)).collect();
        let words = vec![method.to_string(), format!("subject {}", outcome(back.hr)), named(&codes)];
        (words, Concern::Rule(Rule::R12))
    };
    Words { skeleton, subject, wanted, concern, job }.difference(after, seq)
}

/// No state has this callback.
pub(super) fn extra(members: &[Member], enter: &EnterLine, after: &str, seq: u64) -> Difference {
    let EnterLine { job, event, receiver: at, file, .. } = *enter;
    let due: Vec<_> = members
        .iter()
        .filter(|member| member.state.driver().may_enter(job))
        .filter_map(|member| member.state.driver().telling(job))
        .collect();
    let like = due.iter().find(|told| told.event == event);
    let (words, rule) = match like {
        Some(told) if told.target != Target::from(at) => (format!("{event} at another receiver"), Rule::R3),
        Some(_) => (format!("{event} of another file"), Rule::R5),
        None => (format!("{event} is extra"), Rule::R6),
    };
    let starts = |event, file, at| format!("{} starts at {}", callback(event, job, file), receiver(at));
    let subject = starts(event, file, at);
    let wanted = due.iter().map(|told| starts(told.event, told.file, Told::from(told.target))).collect();
    let skeleton = vec![after.to_owned(), words];
    Words { skeleton, subject, wanted, concern: Concern::Rule(rule), job: Some(job) }.difference(after, seq)
}

/// No state has the job in this state.
pub(super) fn another_state(
    members: &[Member],
    (job, seen): (JobId, Option<JobState>),
    after: &str,
    seq: u64,
) -> Difference {
    let states: BTreeSet<Option<JobState>> =
        members.iter().map(|member| member.state.driver().core().state(job)).collect();
    let words: BTreeSet<String> = states.iter().map(|state| whereabouts(*state)).collect();
    let name = named(&settled(&states, seen));
    let skeleton = vec![after.to_owned(), format!("subject {}", whereabouts(seen)), name];
    let is_final = states.iter().flatten().chain(&seen).any(|state| state.is_final());
    Words {
        skeleton,
        subject: format!("{job} is {}", whereabouts(seen)),
        wanted: words.iter().map(|word| format!("{job} is {word}")).collect(),
        concern: Concern::Rule(if is_final { Rule::R10 } else { Rule::R13 }),
        job: Some(job),
    }
    .difference(after, seq)
}

/// What a job that has come to rest could have been instead, in words. States on the way there are none of it, where there is one at rest.
fn settled(states: &BTreeSet<Option<JobState>>, seen: Option<JobState>) -> BTreeSet<String> {
    let moves = |state: &Option<JobState>| state.is_some_and(is_on_its_way);
    let at_rest = states.iter().filter(|state| !moves(state)).map(|state| whereabouts(*state));
    let at_rest: BTreeSet<String> = at_rest.collect();
    if moves(&seen) || at_rest.is_empty() {
        states.iter().map(|state| whereabouts(*state)).collect()
    } else {
        at_rest
    }
}

/// In no state is everything over. These are the ones that wait for something to be seen.
pub(super) fn missing(stuck: &[&Member], after: &str, seq: u64) -> Difference {
    let mut due = BTreeSet::new();
    for member in stuck {
        let driver = member.state.driver();
        for told in driver.in_flight().filter(|told| told.phase == Phase::Begun) {
            let delivery = told.delivery;
            due.insert((Some(delivery.job), format!("{} is missing", delivery.event), Rule::R19));
        }
        for called in member.calls.values() {
            due.extend(match called {
                Called::Back { .. } => Some((None, "a call does not return".to_owned(), Rule::R16)),
                Called::Made { job, call, .. } => {
                    Some((*job, format!("{} cannot be made", call.method()), Rule::R16))
                }
                Called::Waits(_) => None,
            });
        }
    }
    let words: BTreeSet<String> = due.iter().map(|(_, word, _)| word.clone()).collect();
    let job = due.iter().find_map(|(job, ..)| *job);
    let rule = due.iter().map(|(.., rule)| *rule).next_back().unwrap_or(Rule::R19);
    let mut all = words.iter().cloned();
    let word = match (all.next(), all.next()) {
        (Some(one), None) => one,
        (None, _) => "nothing more comes".to_owned(),
        _ => "one of several things is missing".to_owned(),
    };
    Words {
        skeleton: vec![after.to_owned(), word],
        subject: "nothing".to_owned(),
        wanted: words,
        concern: Concern::Rule(rule),
        job,
    }
    .difference(after, seq)
}
