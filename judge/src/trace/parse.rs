//! Reading a trace, and saying precisely what is wrong with one.

use std::collections::BTreeSet;
use std::io::BufRead;

use contract::call::Method;
use contract::ids::{CallId, DeliveryId};
use serde::Deserialize;
use serde_json::Value;

use super::header::FORMAT;
use super::{CallLine, Header, Kind, Line, Trace};

/// The kinds of lines, as an error lists what was expected.
const KINDS: [&str; 13] = [
    "call", "return", "begin", "wait", "enter", "given", "leave", "env", "state", "choose", "unknown",
    "crash", "restart",
];

/// What is wrong with a trace. Lines count from 1, the header being the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// There is no line at all.
    #[error("the trace is empty: expected a header line with `format`, `dialect` and `records`")]
    Empty,
    /// The bytes cannot be read, or are no text.
    #[error("line {line} cannot be read: {what}")]
    Unreadable {
        /// Which line.
        line: usize,
        /// The error of the reader.
        what: String,
    },
    /// A line is not JSON.
    #[error("line {line} is not a JSON object: {what}")]
    NotJson {
        /// Which line.
        line: usize,
        /// The error of the JSON reader.
        what: String,
    },
    /// The first line is not a header.
    #[error("line {line} is not a header: {what}; expected at least `format`, `dialect` and `records`")]
    BadHeader {
        /// Which line.
        line: usize,
        /// What is missing or wrong.
        what: String,
    },
    /// The header does not list what was recorded. A rule that misses what was not recorded would hold by default, so there
    /// is no default.
    #[error(
        "line {line} is a header without `records`: name the kinds of lines that the subject records, such as \
         \"records\":[\"call\",\"return\",\"enter\",\"leave\"], and \"env\" and \"state\" where it does"
    )]
    NoRecords {
        /// Which line.
        line: usize,
    },
    /// A second header: there is more than one trace.
    #[error(
        "line {line} is the header of a second trace: expected one trace; read each from a file of its own"
    )]
    SecondTrace {
        /// Which line.
        line: usize,
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
    /// A call is made from inside a delivery that does not run.
    #[error(
        "line {line} makes call {call} inside delivery {delivery}, which does not run: expected a delivery that has \
         entered and not left, or no `inside`"
    )]
    InsideUnknown {
        /// Which line.
        line: usize,
        /// The call.
        call: CallId,
        /// The delivery that it names.
        delivery: DeliveryId,
    },
    /// A line records what a callback was given, and the callback does not run.
    #[error("line {line} says what delivery {delivery} was given, which is not open")]
    GivenWithoutEnter {
        /// Which line.
        line: usize,
        /// The delivery.
        delivery: DeliveryId,
    },
    /// A call that is not open waits.
    #[error("line {line} says that call {call} waits, which is not open")]
    WaitWithoutCall {
        /// Which line.
        line: usize,
        /// The call.
        call: CallId,
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
            TraceError::Unreadable { line, .. }
            | TraceError::NotJson { line, .. }
            | TraceError::NoRecords { line }
            | TraceError::SecondTrace { line }
            | TraceError::InsideUnknown { line, .. }
            | TraceError::BadHeader { line, .. }
            | TraceError::UnknownFormat { line, .. }
            | TraceError::NoKind { line }
            | TraceError::UnknownKind { line, .. }
            | TraceError::BadLine { line, .. }
            | TraceError::SeqNotRising { line, .. }
            | TraceError::CallOpen { line, .. }
            | TraceError::ReturnWithoutCall { line, .. }
            | TraceError::DeliveryOpen { line, .. }
            | TraceError::GivenWithoutEnter { line, .. }
            | TraceError::WaitWithoutCall { line, .. }
            | TraceError::LeaveWithoutEnter { line, .. } => Some(line),
        }
    }
}

/// Reads a trace. Empty lines are skipped.
pub(super) fn parse(text: &str) -> Result<Trace, TraceError> {
    let mut reader = Reader::new(text.as_bytes())?;
    let lines = reader.by_ref().collect::<Result<_, _>>()?;
    Ok(Trace { header: reader.header, lines })
}

/// Reads a trace line by line, so that its length does not matter: what it keeps is what is open.
///
/// An iterator over the lines after the header. After an error it ends.
///
/// ```
/// use judge::Reader;
///
/// let text = concat!(
///     r#"{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}"#, "\n",
///     r#"{"seq":1,"kind":"call","id":0,"thread":0,"user":0,"job":0,"method":"Cancel"}"#, "\n",
/// );
/// let mut lines = Reader::new(text.as_bytes())?;
/// assert_eq!(lines.header().records.len(), 4);
/// assert_eq!(lines.next().transpose()?.map(|line| line.seq), Some(1));
/// assert!(lines.next().is_none());
/// # Ok::<(), judge::TraceError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    header: Header,
    order: Order,
    ended: Ended,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// There is none, or the input cannot be read.
    pub fn new(input: R) -> Result<Reader<R>, TraceError> {
        let mut source = Source { input, number: 0, text: Vec::new() };
        let (number, text) = source.next_text()?.ok_or(TraceError::Empty)?;
        let header = parse_header(number, text)?;
        Ok(Reader { source, header, order: Order::default(), ended: Ended::No })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn next_line(&mut self) -> Result<Option<Line>, TraceError> {
        let Some((number, text)) = self.source.next_text()? else { return Ok(None) };
        let line = parse_line(number, text)?;
        self.order.check(number, &line)?;
        Ok(Some(line))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended == Ended::Yes {
            return None;
        }
        let next = self.next_line().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.ended = Ended::Yes;
        }
        next
    }
}

/// Whether a reader has come to the end, or to an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    No,
    Yes,
}

/// The lines of an input that are not empty, with their numbers.
#[derive(Debug)]
struct Source<R> {
    input: R,
    /// Lines read so far.
    number: usize,
    text: Vec<u8>,
}

impl<R: BufRead> Source<R> {
    fn next_text(&mut self) -> Result<Option<(usize, &str)>, TraceError> {
        loop {
            self.text.clear();
            self.number += 1;
            let line = self.number;
            let read = self.input.read_until(b'\n', &mut self.text);
            let read = read.map_err(|error| TraceError::Unreadable { line, what: error.to_string() })?;
            if read == 0 {
                return Ok(None);
            }
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.number;
        let text = str::from_utf8(&self.text).map_err(|error| TraceError::Unreadable {
            line,
            what: format!("byte {} is no UTF-8", error.valid_up_to() + 1),
        })?;
        Ok(Some((line, text)))
    }
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

/// Checks a trace that was not read but made, as reading does. Its header counts as line 1.
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
    #[derive(Deserialize)]
    struct Records {
        records: Option<Value>,
    }
    let Records { records } = serde_json::from_str(text).map_err(bad)?;
    if records.is_none() {
        // A header without a dialect, too, is refused for that first.
        return match serde_json::from_str::<Dialected>(text) {
            Ok(_) => Err(TraceError::NoRecords { line }),
            Err(error) => Err(bad(error)),
        };
    }
    serde_json::from_str(text).map_err(bad)
}

/// What a header needs besides its version and `records`.
#[derive(Deserialize)]
struct Dialected {
    #[serde(rename = "dialect")]
    _dialect: contract::Dialect,
}

fn parse_line(line: usize, text: &str) -> Result<Line, TraceError> {
    let mut value: Value =
        serde_json::from_str(text).map_err(|error| TraceError::NotJson { line, what: message(&error) })?;
    let kind = match value.get("kind") {
        Some(kind) => known_kind(line, kind)?,
        None if value.get("format").is_some() => return Err(TraceError::SecondTrace { line }),
        None if value.is_object() => return Err(TraceError::NoKind { line }),
        None => return Err(TraceError::NotJson { line, what: "expected `{`".to_owned() }),
    };
    if let Some(what) = index_for_name(&value) {
        return Err(TraceError::BadLine { line, kind, what });
    }
    if kind == "call" {
        other_method(&mut value);
    }
    Line::deserialize(value).map_err(|error| TraceError::BadLine { line, kind, what: message(&error) })
}

/// A method that is not in the list is read as [`Call::Other`], with its name and its arguments.
fn other_method(line: &mut Value) {
    let is_known = |name: &str| Method::ALL.iter().any(|method| method.name() == name);
    let Some(fields) = line.as_object_mut() else { return };
    let Some(name) = fields.get("method").and_then(Value::as_str).filter(|name| !is_known(name)) else {
        return;
    };
    let mut args = serde_json::Map::new();
    args.insert("method".to_owned(), name.into());
    if let Some(given) = fields.remove("args") {
        args.insert("args".to_owned(), given.to_string().into());
    }
    fields.insert("method".to_owned(), "Other".into());
    fields.insert("args".to_owned(), args.into());
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

/// What earlier lines imply for later ones.
#[derive(Debug, Default)]
struct Order {
    last: Option<u64>,
    calls: BTreeSet<CallId>,
    deliveries: BTreeSet<DeliveryId>,
    /// What was open when the service died. The client may still see the end of it, and the ids may be used again.
    lost_calls: BTreeSet<CallId>,
    lost_deliveries: BTreeSet<DeliveryId>,
}

impl Order {
    fn check(&mut self, number: usize, line: &Line) -> Result<(), TraceError> {
        if let Some(before) = self.last.filter(|before| *before >= line.seq) {
            return Err(TraceError::SeqNotRising { line: number, seq: line.seq, before });
        }
        self.last = Some(line.seq);
        match &line.what {
            Kind::Crash {} | Kind::Restart {} => {
                self.lost_calls.append(&mut self.calls);
                self.lost_deliveries.append(&mut self.deliveries);
                Ok(())
            }
            Kind::Call(CallLine { id, inside: Some(delivery), .. }) if !self.runs(*delivery) => {
                Err(TraceError::InsideUnknown { line: number, call: *id, delivery: *delivery })
            }
            Kind::Call(call) if !self.calls.insert(call.id) => {
                Err(TraceError::CallOpen { line: number, call: call.id })
            }
            Kind::Return(back) if !self.calls.remove(&back.call) && !self.lost_calls.remove(&back.call) => {
                Err(TraceError::ReturnWithoutCall { line: number, call: back.call })
            }
            Kind::Unknown(unknown) if !self.calls.contains(&unknown.call) => {
                Err(TraceError::ReturnWithoutCall { line: number, call: unknown.call })
            }
            Kind::Begin(begin) if self.deliveries.contains(&begin.delivery) => {
                Err(TraceError::DeliveryOpen { line: number, delivery: begin.delivery })
            }
            Kind::Wait(wait) if !self.calls.contains(&wait.call) => {
                Err(TraceError::WaitWithoutCall { line: number, call: wait.call })
            }
            Kind::Enter(enter) if !self.deliveries.insert(enter.delivery) => {
                Err(TraceError::DeliveryOpen { line: number, delivery: enter.delivery })
            }
            Kind::Given(told) if !self.runs(told.delivery) => {
                Err(TraceError::GivenWithoutEnter { line: number, delivery: told.delivery })
            }
            Kind::Leave(leave)
                if !self.deliveries.remove(&leave.delivery)
                    && !self.lost_deliveries.remove(&leave.delivery) =>
            {
                Err(TraceError::LeaveWithoutEnter { line: number, delivery: leave.delivery })
            }
            _ => Ok(()),
        }
    }

    /// Whether the client's code of this delivery runs, perhaps since before the service died.
    fn runs(&self, delivery: DeliveryId) -> bool {
        self.deliveries.contains(&delivery) || self.lost_deliveries.contains(&delivery)
    }
}
