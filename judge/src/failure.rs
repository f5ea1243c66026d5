//! A stable name for a failure: the rule, and what broke it.
//!
//! **What it is.** A hash of the *skeleton* of a violation: the event that broke the rule, and before it the one event that had
//! forbidden it, both by the names of methods, events and outcomes.
//!
//! **What it is not.** The whole way there. Which other calls a run makes first, and in which order, differs from seed to seed and from
//! engine to engine; what the rule itself covers does not. What a rule demands of *every* callback (R1 to R4, R9, R16) it demands
//! of none in particular, so which event it was is no part of the skeleton there.
//!
//! **The law it keeps.** The skeleton has no ids, threads, numbers, times or values, and an event that the rule does not cover
//! can be taken out of a trace without another name coming out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use contract::Rule;
use contract::env::{EnvStep, StepKind};
use contract::event::{By, EventView, Given, Leave, Target};
use contract::hresult::HResult;
use contract::ids::{CallId, FileId, JobId};
use contract::notify::Event;
use contract::state::JobState;
use contract::{Call, Method};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::trace::Trace;
use super::verdict::Violation;

/// A failure by its rule and its skeleton.
///
/// Two runs that fail in one way have one id, on any machine, whatever their ids, threads and values, and whatever else they
/// do.
/// Printed `R1-7f3a09c2`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FailureId {
    /// The rule.
    pub rule: Rule,
    /// The skeleton's hash.
    pub skeleton: u32,
}

impl fmt::Display for FailureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.rule, self.skeleton)
    }
}

impl fmt::Debug for FailureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no failure id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a failure id: expected a rule and eight hexadecimal digits, such as R1-7f3a09c2")]
pub struct ParseFailureIdError(String);

impl FromStr for FailureId {
    type Err = ParseFailureIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (rule, digits) = text.split_once('-')?;
            let hexadecimal = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let skeleton = hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())??;
            Some(FailureId { rule: rule.parse().ok()?, skeleton })
        };
        parse().ok_or_else(|| ParseFailureIdError(text.to_owned()))
    }
}

impl Serialize for FailureId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FailureId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for FailureId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FailureId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^R([1-9]|1[0-9])-[0-9a-f]{8}$" })
    }
}

/// The id of a violation in a trace.
#[must_use]
pub fn failure_id(trace: &Trace, violation: &Violation) -> FailureId {
    let mut hash = Fnv::new();
    skeleton(trace, violation).iter().for_each(|words| hash.words(words));
    FailureId { rule: violation.rule, skeleton: hash.folded() }
}

/// A number for words, equal on every machine: for names of failures that are about no rule.
#[must_use]
pub fn fingerprint<'a>(words: impl IntoIterator<Item = &'a str>) -> u32 {
    let mut hash = Fnv::new();
    words.into_iter().for_each(|words| hash.words(words));
    hash.folded()
}

/// What the id of a violation is made of, in words: what had forbidden the event, if anything did, and the event.
#[must_use]
pub fn skeleton(trace: &Trace, violation: &Violation) -> Vec<String> {
    let Violation { rule, seq, job } = *violation;
    let broken = trace.events().find(|(at, _)| *at == seq).map(|(_, event)| event);
    let Some(broken) = broken.filter(|broken| !is_by_silence(rule, broken)) else {
        return open_at(trace, violation);
    };
    let mut methods = BTreeMap::new();
    let mut forbidden = None;
    for (_, event) in trace.events().take_while(|(at, _)| *at < seq) {
        if let EventView::Call { id, call, .. } = event {
            methods.insert(id, call.method());
        }
        if concerns(&event, job) && forbids(rule, &broken, &event) {
            forbidden = Some(said(rule, &event, &methods));
        }
    }
    forbidden.into_iter().chain([said(rule, &broken, &methods)]).collect()
}

/// Whether the event belongs to the violation's job; for a violation of no job, to none.
pub(super) fn concerns(event: &EventView<'_>, job: Option<JobId>) -> bool {
    event.job() == job
}

/// Whether the rule was broken by what did not happen, so that the last event shows nothing.
fn is_by_silence(rule: Rule, last: &EventView<'_>) -> bool {
    match rule {
        Rule::R16 => !matches!(last, EventView::Wait { .. }),
        Rule::R9 => !matches!(last, EventView::Enter { .. }),
        // At the end of a run: what was left was seen earlier.
        Rule::R15 => !matches!(last, EventView::Env { .. }),
        Rule::R18 | Rule::R19 => !is_step(last, StepKind::Idle),
        _ => false,
    }
}

/// What is open when nothing moves any more: the calls that wait, and whether they do so inside a callback.
fn open_at(trace: &Trace, violation: &Violation) -> Vec<String> {
    let mut open = BTreeMap::new();
    for (_, event) in trace.events().take_while(|(at, _)| *at <= violation.seq) {
        match event {
            EventView::Call { id, caller, call, .. } => {
                let inside = if caller.inside.is_some() { " inside a callback" } else { "" };
                open.insert(id, format!("{}{inside} waits", call.method()));
            }
            EventView::Return { id, .. } => drop(open.remove(&id)),
            _ => {}
        }
    }
    let mut words: Vec<String> = open.into_values().collect();
    words.sort_unstable();
    // One call that waits or three alike: that is how many clients there were, not what is wrong.
    words.dedup();
    words
}

/// Whether `event` is what forbids `broken`, as long as no later one does.
pub(super) fn forbids(rule: Rule, broken: &EventView<'_>, event: &EventView<'_>) -> bool {
    use Method as M;
    match rule {
        Rule::R1 => succeeds(event, &[M::Cancel]),
        Rule::R2 => succeeds(event, &[M::SetNotifyFlags]),
        Rule::R3 => match broken {
            EventView::Enter { target: Target::CommandLine, .. } => succeeds(event, &[M::SetNotifyCmdLine]),
            _ => succeeds(event, &[M::SetNotifyInterface]),
        },
        Rule::R4 => succeeds(event, &[M::Complete]),
        Rule::R5 => matches!((told(broken), event), (Some(told), EventView::State { from, .. })
            if state_of(told).is_some() && *from == state_of(told)),
        Rule::R6 => matches!(event, EventView::Leave { file, event, .. }
            if matches!(broken, EventView::Enter { file: again, event: same, .. } if again == file && same == event)),
        Rule::R7 => told(event) == Some(Event::FileTransferred) || is_step(event, StepKind::FileDone),
        Rule::R10 => matches!(event, EventView::State { to, .. } if to.is_final()),
        Rule::R11 => match (broken, event) {
            (EventView::Return { id, hr, .. }, EventView::State { by: By::Call(by), .. }) => {
                hr.failed() && by == id
            }
            (EventView::Return { call: read, hr, .. }, EventView::Return { call: set, hr: failed, .. }) => {
                hr.succeeded() && failed.failed() && sets(set, read)
            }
            _ => false,
        },
        Rule::R12 => matches!(event, EventView::State { .. }),
        Rule::R15 => succeeds(event, &[M::Complete, M::Cancel]),
        Rule::R18 => {
            matches!(event, EventView::Leave { leave, .. } if *leave != Leave::Returned(HResult::S_OK))
        }
        // What ought to have been delivered: the last change of state, or the last file that was done.
        Rule::R19 => {
            matches!(event, EventView::State { to: JobState::Transferred | JobState::Error, .. })
                || is_step(event, StepKind::FileDone)
        }
        Rule::R8 | Rule::R9 | Rule::R13 | Rule::R14 | Rule::R16 | Rule::R17 => false,
    }
}

fn succeeds(event: &EventView<'_>, methods: &[Method]) -> bool {
    matches!(event, EventView::Return { call, hr, .. } if hr.succeeded() && methods.contains(&call.method()))
}

/// Whether `set` sets what the getter `read` reads.
fn sets(set: &Call, read: &Call) -> bool {
    let (set, read) = (set.method().to_string(), read.method().to_string());
    set.strip_prefix("Set").is_some_and(|set| read.strip_prefix("Get") == Some(set))
}

fn told(event: &EventView<'_>) -> Option<Event> {
    match *event {
        EventView::Enter { event, .. } | EventView::Leave { event, .. } => Some(event),
        _ => None,
    }
}

/// The state that the event reports.
fn state_of(event: Event) -> Option<JobState> {
    match event {
        Event::JobTransferred => Some(JobState::Transferred),
        Event::JobError => Some(JobState::Error),
        _ => None,
    }
}

fn is_step(event: &EventView<'_>, kind: StepKind) -> bool {
    matches!(event, EventView::Env { step, .. } if step.kind() == kind)
}

/// The event in words, without anything that another run has otherwise.
fn said(rule: Rule, event: &EventView<'_>, methods: &BTreeMap<CallId, Method>) -> String {
    // What the rule demands of every callback.
    let any = matches!(rule, Rule::R1 | Rule::R2 | Rule::R3 | Rule::R4 | Rule::R9);
    match *event {
        EventView::Call { call, .. } => format!("{} is called", call.method()),
        EventView::Return { call, hr, .. } => format!("{} -> {}", call.method(), outcome(hr)),
        EventView::Begin { event, .. } => format!("{event} begins"),
        EventView::Wait { id, .. } => {
            let call = methods.get(&id).map_or_else(|| "a call".to_owned(), ToString::to_string);
            format!("{call} waits")
        }
        EventView::Given { event, target, file, job, given, .. } => {
            format!("{event} is given {}", differing(target, job, file, given))
        }
        EventView::Enter { target: Target::CommandLine, .. } if any => "a program starts".to_owned(),
        EventView::Enter { .. } if any => "a callback starts".to_owned(),
        EventView::Enter { event, target: Target::CommandLine, .. } => {
            format!("a program starts for {event}")
        }
        EventView::Enter { event, .. } => format!("{event} starts"),
        EventView::Leave { event, leave, .. } => format!("{event} leaves: {}", left(leave)),
        // What was done to a file is an outcome; other steps have only values.
        EventView::Env { step: step @ (EnvStep::Disk { .. } | EnvStep::Observed { .. }), .. } => {
            step.to_string()
        }
        EventView::Env { step, .. } => step.kind().to_string(),
        EventView::State { to, .. } if rule == Rule::R12 => format!("in {to}"),
        EventView::State { from, to, by, .. } => {
            let from = from.map_or_else(|| "new".to_owned(), |state| state.to_string());
            let by = match by {
                By::Call(id) => methods.get(&id).map_or_else(|| "a call".to_owned(), ToString::to_string),
                By::Env(step) => step.kind().to_string(),
            };
            // Where a retry leads to is the dialect's business; that the job has left is what R5 is about.
            if rule == Rule::R5 { format!("{from} left by {by}") } else { format!("{from} -> {to} by {by}") }
        }
    }
}

/// What of the things given is not what the delivery is about; when all of them are, it is the error.
fn differing(target: Target, job: JobId, file: Option<FileId>, given: Given) -> &'static str {
    if given.receiver.is_some_and(|receiver| Target::Interface(receiver) != target) {
        "to another object"
    } else if given.job.is_some_and(|given| given != job) {
        "another job"
    } else if given.file.is_some() && given.file != file {
        "another file"
    } else {
        "another error"
    }
}

fn outcome(hr: HResult) -> String {
    // A code without a name is a value; that it failed is an outcome.
    let unnamed = if hr.succeeded() { "succeeded" } else { "failed" };
    hr.name().unwrap_or(unnamed).to_owned()
}

fn left(leave: Leave) -> String {
    match leave {
        Leave::Returned(hr) => outcome(hr),
        Leave::Panicked => "panicked".to_owned(),
        Leave::Exited(0) => "exited".to_owned(),
        Leave::Exited(_) => "exited with an error".to_owned(),
    }
}

/// FNV-1a with 64 bits: equal on every machine and in every version, unlike the hasher of the standard library.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xCBF2_9CE4_8422_2325)
    }

    fn words(&mut self, words: &str) {
        // A separator that is in no text keeps "a", "bc" apart from "ab", "c".
        for byte in words.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn folded(&self) -> u32 {
        ((self.0 >> 32) ^ (self.0 & 0xFFFF_FFFF)) as u32
    }
}
