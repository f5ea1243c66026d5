//! A stable name for a failure: the rule, and what led to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{EventView, Leave, Target};
use crate::hresult::HResult;
use crate::ids::JobId;

use super::rule::Rule;
use super::trace::Trace;
use super::verdict::Violation;

/// A failure by its rule and its skeleton: the names of methods, events and outcomes of the rule's job, in order.
///
/// Two runs that fail in the same way have the same id, on any machine and whatever their ids, threads and values.
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
        schemars::json_schema!({ "type": "string", "pattern": "^R([1-9]|1[0-8])-[0-9a-f]{8}$" })
    }
}

/// The id of a violation in a trace. Better after minimising: a shorter way to the same failure is another skeleton.
#[must_use]
pub fn failure_id(trace: &Trace, violation: &Violation) -> FailureId {
    let mut hash = Fnv::new();
    for (_, event) in trace.events().take_while(|(seq, _)| *seq <= violation.seq) {
        if concerns(&event, violation.job) {
            skeleton(&event, &mut hash);
        }
    }
    FailureId { rule: violation.rule, skeleton: hash.folded() }
}

/// Whether the event belongs to the violation's job; for a violation of no job, to none.
pub(super) fn concerns(event: &EventView<'_>, job: Option<JobId>) -> bool {
    event.job() == job
}

fn skeleton(event: &EventView<'_>, hash: &mut Fnv) {
    match *event {
        EventView::Call { call, .. } => hash.words(&["call", &call.method().to_string()]),
        EventView::Return { call, hr, .. } => {
            hash.words(&["return", &call.method().to_string(), &outcome(hr)])
        }
        EventView::Enter { event, target, .. } => hash.words(&["enter", &event.to_string(), told(target)]),
        EventView::Leave { event, leave, .. } => hash.words(&["leave", &event.to_string(), &left(leave)]),
        EventView::Env { step, .. } => hash.words(&["env", &step.kind().to_string()]),
        EventView::State { from, to, .. } => {
            let from = from.map_or_else(String::new, |state| state.to_string());
            hash.words(&["state", &from, &to.to_string()]);
        }
    }
}

fn outcome(hr: HResult) -> String {
    // A code without a name is a value; that it failed is an outcome.
    let unnamed = if hr.succeeded() { "succeeded" } else { "failed" };
    hr.name().unwrap_or(unnamed).to_owned()
}

fn told(target: Target) -> &'static str {
    match target {
        Target::Interface(_) => "interface",
        Target::CommandLine => "command line",
    }
}

fn left(leave: Leave) -> String {
    match leave {
        Leave::Returned(hr) => outcome(hr),
        Leave::Panicked => "panicked".to_owned(),
        Leave::Exited(0) => "exited".to_owned(),
        Leave::Exited(_) => "exited with an error".to_owned(),
    }
}

/// FNV-1a with 64 bits: the same on every machine and in every version, unlike the hasher of the standard library.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xCBF2_9CE4_8422_2325)
    }

    fn words(&mut self, words: &[&str]) {
        for word in words {
            // A separator that is in no word keeps "a", "bc" apart from "ab", "c".
            for byte in word.bytes().chain([0]) {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }

    fn folded(&self) -> u32 {
        ((self.0 >> 32) ^ (self.0 & 0xFFFF_FFFF)) as u32
    }
}
