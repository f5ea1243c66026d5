//! Reading a trace, and saying precisely what is wrong with one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::ids::{CallId, DeliveryId};

use super::header::FORMAT;
use super::{Header, Kind, Line, Trace};

/// The kinds of lines, as a reader is told what was expected.
const KINDS: [&str; 9] = ["call", "return", "enter", "leave", "env", "state", "choose", "crash", "restart"];

/// What is wrong with a trace. Lines count from 1, the header being the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// There is no line at all.
    #[error("the trace is empty: expected a header line with `format` and `dialect`")]
    Empty,
    /// A line is not JSON.
    #[error("line {line} is not a JSON object: {what}")]
    NotJson {
        /// Which line.
        line: usize,
        /// What the JSON reader said.
        what: String,
    },
    /// The first line is not a header.
    #[error("line {line} is not a header: {what}; expected at least `format` and `dialect`")]
    BadHeader {
        /// Which line.
        line: usize,
        /// What is missing or wrong.
        what: String,
    },
    /// The header names a version that this program does not read.
    #[error("line {line} says format {found}: expected format {FORMAT}")]
    UnknownFormat {
        /// Which line.
        line: usize,
        /// The version found.
        found: u32,
    },
    /// A line has no kind.
    #[error("line {line} has no `kind`: expected one of {}", KINDS.join(", "))]
    NoKind {
        /// Which line.
        line: usize,
    },
    /// A line has a kind that there is not.
    #[error("line {line} has the unknown kind {kind:?}: expected one of {}", KINDS.join(", "))]
    UnknownKind {
        /// Which line.
        line: usize,
        /// The kind found, cut short when it is long.
        kind: String,
    },
    /// A field of a line is missing or wrong.
    #[error("line {line} is no good `{kind}` line: {what}")]
    BadLine {
        /// Which line.
        line: usize,
        /// The kind of line.
        kind: &'static str,
        /// What is missing or wrong.
        what: String,
    },
    /// Numbers do not rise.
    #[error("line {line} has seq {seq} after seq {before}: expected a larger number")]
    SeqNotRising {
        /// Which line.
        line: usize,
        /// Its number.
        seq: u64,
        /// The number before.
        before: u64,
    },
    /// Two open calls have one id.
    #[error("line {line} starts call {call} while another call of that id is open")]
    CallOpen {
        /// Which line.
        line: usize,
        /// The call.
        call: CallId,
    },
    /// A return has no call.
    #[error("line {line} returns from call {call}, which is not open")]
    ReturnWithoutCall {
        /// Which line.
        line: usize,
        /// The call.
        call: CallId,
    },
    /// Two open deliveries have one id.
    #[error("line {line} enters delivery {delivery} while another delivery of that id is open")]
    DeliveryOpen {
        /// Which line.
        line: usize,
        /// The delivery.
        delivery: DeliveryId,
    },
    /// A leave has no enter.
    #[error("line {line} leaves delivery {delivery}, which is not open")]
    LeaveWithoutEnter {
        /// Which line.
        line: usize,
        /// The delivery.
        delivery: DeliveryId,
    },
}

impl TraceError {
    /// The line that is wrong, counted from 1; none when there is no line.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match *self {
            TraceError::Empty => None,
            TraceError::NotJson { line, .. }
            | TraceError::BadHeader { line, .. }
            | TraceError::UnknownFormat { line, .. }
            | TraceError::NoKind { line }
            | TraceError::UnknownKind { line, .. }
            | TraceError::BadLine { line, .. }
            | TraceError::SeqNotRising { line, .. }
            | TraceError::CallOpen { line, .. }
            | TraceError::ReturnWithoutCall { line, .. }
            | TraceError::DeliveryOpen { line, .. }
            | TraceError::LeaveWithoutEnter { line, .. } => Some(line),
        }
    }
}

/// Reads a trace. Empty lines are skipped.
pub(super) fn parse(text: &str) -> Result<Trace, TraceError> {
    let mut texts = text
        .lines()
        .enumerate()
        .map(|(i, text)| (i + 1, text))
        .filter(|(_, text)| !text.trim_ascii().is_empty());
    let (number, first) = texts.next().ok_or(TraceError::Empty)?;
    let header = parse_header(number, first)?;
    let mut order = Order::default();
    let mut lines = Vec::new();
    for (number, text) in texts {
        let line = parse_line(number, text)?;
        order.check(number, &line)?;
        lines.push(line);
    }
    Ok(Trace { header, lines })
}

/// The texts of traces that stand one after the other. A header is the only line without a kind.
pub(super) fn texts(text: &str) -> impl Iterator<Item = &str> {
    let is_header = |line: &str| {
        serde_json::from_str::<Value>(line).is_ok_and(|line| line.get("kind").is_none() && line.is_object())
    };
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let lines = rest[first..].split_inclusive('\n');
        let length: usize = lines.take_while(|line| !is_header(line)).map(str::len).sum();
        let (trace, after) = rest.split_at(first + length);
        rest = after;
        (!trace.is_empty()).then_some(trace)
    })
}

/// The same checks on a trace that was not read but made. Its header counts as line 1.
pub(super) fn check(trace: &Trace) -> Result<(), TraceError> {
    if trace.header.format != FORMAT {
        return Err(TraceError::UnknownFormat { line: 1, found: trace.header.format });
    }
    let mut order = Order::default();
    trace.lines.iter().enumerate().try_for_each(|(i, line)| order.check(i + 2, line))
}

fn parse_header(line: usize, text: &str) -> Result<Header, TraceError> {
    /// Read first, because another version may have another header.
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let bad = |error: serde_json::Error| match error.classify() {
        serde_json::error::Category::Data => TraceError::BadHeader { line, what: message(&error) },
        _ => TraceError::NotJson { line, what: message(&error) },
    };
    let version: Version = serde_json::from_str(text).map_err(bad)?;
    if version.format != FORMAT {
        return Err(TraceError::UnknownFormat { line, found: version.format });
    }
    serde_json::from_str(text).map_err(bad)
}

fn parse_line(line: usize, text: &str) -> Result<Line, TraceError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| TraceError::NotJson { line, what: message(&error) })?;
    let kind = match value.get("kind") {
        Some(kind) => known_kind(line, kind)?,
        None if value.is_object() => return Err(TraceError::NoKind { line }),
        None => return Err(TraceError::NotJson { line, what: "expected `{`".to_owned() }),
    };
    if let Some(what) = index_for_name(&value) {
        return Err(TraceError::BadLine { line, kind, what });
    }
    Line::deserialize(value).map_err(|error| TraceError::BadLine { line, kind, what: message(&error) })
}

fn known_kind(line: usize, kind: &Value) -> Result<&'static str, TraceError> {
    let known = kind.as_str().and_then(|kind| KINDS.iter().find(|known| **known == kind));
    known.copied().ok_or_else(|| {
        let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        TraceError::UnknownKind { line, kind: shorten(kind) }
    })
}

/// Derived readers take the number of a variant for its name. Here it would change its meaning with the next
/// method that is added, so a name must be a name.
fn index_for_name(line: &Value) -> Option<String> {
    let names = [line.get("method"), line.get("step"), line.pointer("/by/env/step")];
    let number = names.into_iter().flatten().find(|name| !name.is_string())?;
    Some(shorten(format!("{number} stands where a name is expected")))
}

/// The reader's message, without its position: the line is ours, and a column inside it is of little use.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    shorten(text[..end].to_owned())
}

/// A hostile line may be long; a message about it is not.
fn shorten(mut text: String) -> String {
    const MOST: usize = 300;
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// What earlier lines say about later ones.
#[derive(Default)]
struct Order {
    last: Option<u64>,
    calls: BTreeSet<CallId>,
    deliveries: BTreeSet<DeliveryId>,
}

impl Order {
    fn check(&mut self, number: usize, line: &Line) -> Result<(), TraceError> {
        if let Some(before) = self.last.filter(|before| *before >= line.seq) {
            return Err(TraceError::SeqNotRising { line: number, seq: line.seq, before });
        }
        self.last = Some(line.seq);
        match &line.what {
            Kind::Call(call) if !self.calls.insert(call.id) => {
                Err(TraceError::CallOpen { line: number, call: call.id })
            }
            Kind::Return(back) if !self.calls.remove(&back.call) => {
                Err(TraceError::ReturnWithoutCall { line: number, call: back.call })
            }
            Kind::Enter(enter) if !self.deliveries.insert(enter.delivery) => {
                Err(TraceError::DeliveryOpen { line: number, delivery: enter.delivery })
            }
            Kind::Leave(leave) if !self.deliveries.remove(&leave.delivery) => {
                Err(TraceError::LeaveWithoutEnter { line: number, delivery: leave.delivery })
            }
            _ => Ok(()),
        }
    }
}
