//! A suite on a subject that runs by itself and records what its clients see: one trace for each file.
//!
//! **What it is.** The recorded trace is judged by the rules, and held against the file from rest to rest: calls with their
//! arguments, answers and what they give back, callbacks with their receivers, and states where they are recorded.
//!
//! **What it is not.** Strict about what is the subject's freedom: see [`super::compare`].

use std::collections::{BTreeMap, BTreeSet};

use adapter::SuspendAtEnd;
use contract::{EnvStep, HResult, JobId, JobState, Method, ThreadId};
use judge::trace::{Kind, Reason, StateLine};
use judge::{Header, Recorded, Rule, RuleSet, Trace, Verdicts, failure_id};

use super::compare::compare;
use super::rests::{Rests, Time};
use super::{Case, Finding, Judged};
use crate::difference::{Account, Concern, Difference, outcome};

/// What became of a file of a suite, by the trace that was recorded for it.
#[must_use]
pub fn recorded(case: &Case, trace: Trace) -> Judged {
    if let Some(missing) = NEEDED.iter().find(|(kind, _)| !trace.header.records.contains(kind)) {
        return Judged::not_runnable(format!(
            "the trace does not record {}, so they cannot be compared",
            missing.1
        ));
    }
    if let Some(difference) = another_dialect(&case.trace.header, &trace.header) {
        return Judged::of(trace, [Finding::Differs(difference)], Default::default());
    }
    let Some(rests) = Rests::of(case, Time::Passes) else {
        return Judged::not_runnable(format!("there is no slice {:?} any more", case.trace.header.scope));
    };
    let compared = compare(&case.trace, &trace, super::compare::Led::AtRest(&rests), SuspendAtEnd::Either);
    let differences = compared.differences.into_iter().map(Finding::Differs);
    let findings: Vec<Finding> = broken_rules(&trace).into_iter().chain(differences).collect();
    Judged::of(trace, findings, compared.steps)
}

/// A run of a subject that was led along a file, and is a foreign one.
pub(crate) struct Led<'a> {
    /// What happened.
    pub(crate) trace: Trace,
    /// What the rules make of it.
    pub(crate) verdicts: &'a Verdicts,
    /// The lines of it that belong to the path; behind them everything was ended.
    pub(crate) lines: usize,
    /// Whether it was left before the end of the path.
    pub(crate) broken_off: Broken,
    /// Codes of a method that mean one thing.
    pub(crate) equal: Vec<(Method, Vec<HResult>)>,
    /// What was found behind the path: files and progress.
    pub(crate) aftermath: Vec<Difference>,
    /// What was found beside the trace.
    pub(crate) more: Vec<Difference>,
    /// Where no state of the specification fitted what was seen, in order.
    pub(crate) found: Vec<Difference>,
    /// Where the service has ended, if it has.
    pub(crate) service: Option<Difference>,
    /// What Suspend may make of a job that is in ERROR or TRANSFERRED.
    pub(crate) suspend: SuspendAtEnd,
}

/// Whether a run was left before the end of its path.
pub(crate) enum Broken {
    Not,
    /// It was, because a job was not made.
    WithoutJob(Option<Difference>),
    /// It was, because a call is open, or where a job parted from it.
    Off(Option<Difference>),
}

/// What became of a file on a subject that was led along it, while no time passed for its timers.
pub(crate) fn led(case: &Case, led: Led<'_>) -> Judged {
    let Led { trace, verdicts, lines, broken_off, equal, aftermath, more, mut found, service, suspend } = led;
    let Some(rests) = Rests::of(case, Time::Stands) else {
        return Judged::not_runnable(format!("there is no slice {:?} any more", case.trace.header.scope));
    };
    let path =
        Trace { header: trace.header.clone(), lines: trace.lines.iter().take(lines).cloned().collect() };
    let mut compared = compare(
        &with_equal(case.trace.clone(), &equal),
        &with_equal(path, &equal),
        super::compare::Led::AtRest(&rests),
        suspend,
    );
    let mut differences = std::mem::take(&mut compared.differences);
    // That nothing follows is our doing, and what was missing before is the finding.
    if let Broken::Off(ref reason) | Broken::WithoutJob(ref reason) = broken_off {
        let last = trace.lines.get(lines.saturating_sub(1)).map_or(0, |line| line.seq);
        let is_open = matches!(broken_off, Broken::Off(None));
        let follows = |difference: &Difference| {
            difference.is_of_the_end() || is_open && (difference.seq >= last || difference.lacks_a_call())
        };
        differences.retain(|difference| !follows(difference));
        // A job of which nothing was known before, or that a call would have moved which was not made, is no finding.
        let is_doubted =
            |reason: &Difference| reason.job.is_some_and(|job| compared.is_doubted(job, reason.seq));
        if let Some(reason) = reason.as_ref().filter(|reason| !is_doubted(reason)) {
            let reason = behind_its_call(reason, &trace);
            // The path is compared by windows, and the reason is exact.
            match differences.iter().position(|difference| difference.is_about_the_state_of(reason.job)) {
                Some(at) => differences[at] = reason,
                None => differences.insert(0, reason),
            }
        }
    }
    // What comes behind a difference may follow from it.
    let lost = |job| compared.doubt.as_ref().is_some_and(|doubt| doubt.is_about_files(job));
    differences.extend(aftermath.into_iter().filter(|difference| !lost(difference.job)));
    differences.extend(more);
    differences.extend(another_error(&case.trace, &trace).filter(|difference| !lost(difference.job)));
    if let Some(service) = service {
        // What is missing behind it has no service that could do it.
        differences.retain(|difference| difference.seq < service.seq);
        found.retain(|difference| difference.seq < service.seq);
        differences.push(service);
    }
    let broken = broken_in(&trace, verdicts);
    // A rule and the path speak of one line.
    let places: BTreeSet<u64> = verdicts.violations().map(|violation| violation.seq).collect();
    differences.retain(|difference| !places.contains(&difference.seq));
    let more = beyond(found, &differences, &places);
    differences.extend(more);
    let findings: Vec<Finding> =
        broken.into_iter().chain(differences.into_iter().map(Finding::Differs)).collect();
    Judged::of(trace, findings, compared.steps)
}

/// A difference that comes behind a call, with the answer of that call, as the comparison by windows names it.
fn behind_its_call(reason: &Difference, trace: &Trace) -> Difference {
    let mut reason = reason.clone();
    if !reason.is_behind_a_call() {
        return reason;
    }
    let mut called = BTreeMap::new();
    let mut last = None;
    for line in trace.lines.iter().take_while(|line| line.seq <= reason.seq) {
        match &line.what {
            Kind::Call(call) if call.inside.is_none() && call.thread != ThreadId::OBSERVER => {
                called.insert(call.id, call.call.method());
            }
            Kind::Return(back) => {
                last =
                    called.get(&back.call).map(|method| format!("{method} -> {}", outcome(back.hr))).or(last);
            }
            _ => {}
        }
    }
    if let (Some(after), Some(first)) = (last, reason.skeleton.first_mut()) {
        first.clone_from(&after);
        reason.after = after;
    }
    reason
}

/// A client is given an error that its job never has on the path. Which of those it has is not checked: a callback
/// that is late may have an earlier one.
fn another_error(wanted: &Trace, run: &Trace) -> Option<Difference> {
    // None where one of them has a code of the implementation's choice.
    let mut errors: BTreeMap<JobId, Option<BTreeSet<HResult>>> = BTreeMap::new();
    for line in &wanted.lines {
        let Kind::State(StateLine { job, to: JobState::Error, by, .. }) = line.what else { continue };
        let had = errors.entry(job).or_insert_with(|| Some(BTreeSet::new()));
        match by {
            Reason::Env(EnvStep::FatalError { hr }) => drop(had.as_mut().map(|had| had.insert(hr))),
            _ => *had = None,
        }
    }
    let mut told = BTreeMap::new();
    run.lines.iter().find_map(|line| match &line.what {
        Kind::Enter(enter) => {
            told.insert(enter.delivery, enter.job);
            None
        }
        Kind::Given(given) => {
            let job = *told.get(&given.delivery)?;
            let (error, had) = (given.given.error?, errors.get(&job)?.as_ref()?);
            let had: Vec<String> =
                (!had.contains(&error)).then(|| had.iter().map(ToString::to_string).collect())?;
            Some(Difference {
                skeleton: vec!["JobError".to_owned(), "another error".to_owned()],
                after: "JobError starts".to_owned(),
                subject: format!("{job} is given the error {error}"),
                wanted: had.join(" or "),
                account: Account::Suite,
                concern: Concern::Rule(Rule::R5),
                job: Some(job),
                seq: line.seq,
            })
        }
        _ => None,
    })
}

/// The trace with one code for those that mean one thing.
fn with_equal(mut trace: Trace, equal: &[(Method, Vec<HResult>)]) -> Trace {
    let mut calls = BTreeMap::new();
    for line in &mut trace.lines {
        match &mut line.what {
            Kind::Call(call) => drop(calls.insert(call.id, call.call.method())),
            Kind::Return(back) => {
                if let Some(method) = calls.get(&back.call) {
                    back.hr = one_of(equal, *method, back.hr);
                }
            }
            _ => {}
        }
    }
    trace
}

/// One code for those of a method that mean one thing.
pub(crate) fn one_of(equal: &[(Method, Vec<HResult>)], method: Method, hr: HResult) -> HResult {
    let group = equal.iter().find(|(of, codes)| *of == method && codes.contains(&hr));
    group.and_then(|(_, codes)| codes.first().copied()).unwrap_or(hr)
}

/// The service does not come back, or not to rest.
pub(crate) fn hung(trace: &Trace, what: &str) -> Difference {
    Difference {
        skeleton: vec![what.to_owned()],
        after: "the last line".to_owned(),
        subject: what.to_owned(),
        wanted: "everything rests".to_owned(),
        account: Account::Suite,
        concern: Concern::GoesOn,
        job: None,
        seq: trace.lines.last().map_or(0, |line| line.seq),
    }
}

/// What a trace must record to be compared.
const NEEDED: [(Recorded, &str); 4] = [
    (Recorded::Call, "calls (`call`)"),
    (Recorded::Return, "answers (`return`)"),
    (Recorded::Enter, "starts of callbacks (`enter`)"),
    (Recorded::Leave, "ends of callbacks (`leave`)"),
];

/// Every rule that a trace breaks, each where it is broken first.
pub(super) fn broken_rules(trace: &Trace) -> Vec<Finding> {
    broken_in(trace, &Verdicts::of_rules(trace, RuleSet::HERE))
}

/// As [`broken_rules`], of a trace that was judged.
fn broken_in(trace: &Trace, verdicts: &Verdicts) -> Vec<Finding> {
    verdicts.violations().map(|violation| Finding::Broken(failure_id(trace, &violation), violation)).collect()
}

/// The run of another dialect is no run of this file.
fn another_dialect(wanted: &Header, header: &Header) -> Option<Difference> {
    let switches = |header: &Header| {
        // Plain data with text keys, which always has a JSON form.
        let turned = serde_json::to_string(&header.switches).unwrap_or_default();
        format!("dialect {}, switches turned: {turned}", header.dialect)
    };
    let what = match (wanted.dialect == header.dialect, wanted.switches == header.switches) {
        (true, true) => return None,
        (false, _) => "another dialect",
        (true, false) => "other switches",
    };
    Some(Difference {
        skeleton: vec![what.to_owned()],
        after: "the header of the trace".to_owned(),
        subject: switches(header),
        wanted: switches(wanted),
        account: Account::Suite,
        concern: Concern::Rule(Rule::R12),
        job: None,
        seq: 0,
    })
}

/// What was found by the set of states (`foreign::states`), and neither by the path nor by a rule. `places` are the lines at which rules are broken.
///
/// The first time that the set is empty is what the path and the rules have found, when they have found anything: they see what is seen
/// before the first difference. What comes behind it is distinguished by job and last word: the path may name another step before it.
fn beyond(found: Vec<Difference>, path: &[Difference], places: &BTreeSet<u64>) -> Vec<Difference> {
    let is_known = !path.is_empty() || !places.is_empty();
    let is_same = |one: &Difference| {
        places.contains(&one.seq)
            || path.iter().any(|other| {
                other.id() == one.id()
                    || other.job == one.job && other.skeleton.last() == one.skeleton.last()
                    || other.seq == one.seq
            })
    };
    found.into_iter().skip(usize::from(is_known)).filter(|one| !is_same(one)).collect()
}

#[cfg(test)]
mod tests;
