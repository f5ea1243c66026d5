//! What an adapter writes.

use std::collections::BTreeMap;

use contract::HResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::out::WireOut;
use super::{MAX_LINE, PlannedCall};

/// A line from an adapter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Line {
    /// The answer to the first line.
    Hello(Hello),
    /// A call starts.
    Start(Start),
    /// A command is done.
    End(End),
    /// The client's code starts.
    Enter(Enter),
    /// The client's code is done.
    Leave(Leave),
    /// The adapter could not do what it was asked to. It is no event of the implementation.
    Errored(Errored),
}

/// The answer to the first line: who it is, and what it can do.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The version of the protocol.
    pub hello: u32,
    /// The counter.
    pub q: u64,
    /// The implementation's name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the adapter is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Where its faults are reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues: Option<String>,
    /// What a destination begins with, its separator included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Where bgcheck finds that directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<String>,
    /// The methods that it passes on.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The events that it passes on.
    #[serde(default)]
    pub events: Vec<String>,
    /// What else it can do.
    #[serde(default)]
    pub can: Vec<String>,
    /// Codes of a method that mean one thing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub equal: BTreeMap<String, Vec<Vec<HResult>>>,
    /// How long a method may take, in ms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slow_ms: BTreeMap<String, u64>,
    /// When the implementation gives a server up, where it promises that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up: Option<GivesUp>,
}

/// When the implementation gives a server up whose answer has begun: it closes the connection, or the job leaves CONNECTING and TRANSFERRING.
/// What is left out is not promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GivesUp {
    /// When no byte of the file has come for so long, in ms, whatever else has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_ms: Option<u64>,
    /// When the bytes of the file come too slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
}

/// Fewer bytes than these in each stretch of this time are too few.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Slow {
    /// The least number of bytes.
    pub bytes: u64,
    /// The stretch, in ms.
    pub ms: u64,
}

/// A call starts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The counter, directly before the call.
    pub q: u64,
    /// The command; negative for a call that the adapter makes by itself.
    pub start: i64,
    /// Of a call that the adapter makes by itself: which.
    #[serde(flatten)]
    pub called: Called,
}

/// A call that the adapter makes by itself: from inside of a callback, or in a race.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Called {
    /// The method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The job it is made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u32>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// The client thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    /// The number of the `enter` from inside of which it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<u64>,
    /// The run of the race, from 0 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
}

/// A command is done.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// The counter, directly after it.
    pub q: u64,
    /// The command, or the call that the adapter made by itself.
    pub end: i64,
    /// Of a poll: the counter before the state was read, where that is another moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q0: Option<u64>,
    /// What the call answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hr: Option<HResult>,
    /// What it gave back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<WireOut>,
    /// It was not run, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unimplemented: Option<String>,
    /// Where that is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Of `reset`: jobs that could not be ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<u32>,
    /// Of `restart`: what is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// Of `observe`: each file, or null when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<BTreeMap<String, Option<Observed>>>,
}

/// A file that stands in the directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes, in lower case hexadecimal.
    pub sha256: String,
}

/// The client's code starts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Enter {
    /// The counter.
    pub q: u64,
    /// The number of the callback, from the adapter.
    pub enter: u64,
    /// The job of the registration.
    pub job: u32,
    /// What it reports.
    pub event: String,
    /// The object of the registration, or the program.
    pub receiver: WireReceiver,
    /// The file, for FileTransferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<u32>,
    /// What the client's method was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<GivenParts>,
}

/// Who is called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WireReceiver {
    /// A client object.
    Object(u32),
    /// `"command_line"`: the notification program.
    Program(String),
}

/// What a client's method was given, as it saw it itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GivenParts {
    /// The object that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<u32>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u32>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<u32>,
    /// The code of the error object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<HResult>,
}

/// The client's code is done.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Leave {
    /// The counter.
    pub q: u64,
    /// The number of the callback.
    pub leave: u64,
    /// What it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hr: Option<HResult>,
    /// Whether it threw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threw: Option<bool>,
    /// The exit code of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exited: Option<i32>,
}

/// The adapter could not do what it was asked to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Errored {
    /// The command.
    pub errored: i64,
    /// What went wrong.
    #[serde(default)]
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
}

/// A line that is none of the protocol.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Too long.
    #[error("a line of more than {MAX_LINE} bytes")]
    TooLong,
    /// No JSON object.
    #[error("not a JSON object: {0}")]
    NoObject(String),
    /// It has none of the keys by which a line is known.
    #[error("none of `hello`, `start`, `end`, `enter`, `leave` and `errored` is in it")]
    NoKind,
    /// A field is missing, or of another type.
    #[error("as `{kind}`: {why}")]
    Field {
        /// What the line seems to be.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The fields do not go together.
    #[error("as `{kind}`: {why}")]
    Contradiction {
        /// What the line is.
        kind: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// It is none of the protocol; the error names the field.
    pub fn parse(text: &str) -> Result<Line, LineError> {
        if text.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| LineError::NoObject(error.to_string()))?;
        let Value::Object(fields) = &value else {
            return Err(LineError::NoObject("it is another value".to_owned()));
        };
        let has = |key: &str| fields.contains_key(key);
        let line = if has("hello") {
            Line::Hello(typed("hello", value)?)
        } else if has("start") {
            Line::Start(typed("start", value)?)
        } else if has("end") {
            Line::End(typed("end", value)?)
        } else if has("enter") {
            Line::Enter(typed("enter", value)?)
        } else if has("leave") {
            Line::Leave(typed("leave", value)?)
        } else if has("errored") {
            Line::Errored(typed("errored", value)?)
        } else {
            return Err(LineError::NoKind);
        };
        line.checked()
    }

    fn checked(self) -> Result<Line, LineError> {
        let contradiction = |kind, why| Err(LineError::Contradiction { kind, why });
        match &self {
            Line::Enter(Enter { receiver: WireReceiver::Program(word), .. }) if word != "command_line" => {
                contradiction("enter", "`receiver` is a number, or \"command_line\"")
            }
            Line::Leave(leave) => {
                let threw = leave.threw == Some(true);
                match [leave.hr.is_some(), threw, leave.exited.is_some()]
                    .iter()
                    .filter(|there| **there)
                    .count()
                {
                    1 => Ok(self),
                    _ => contradiction("leave", "exactly one of `hr`, `threw` and `exited` is wanted"),
                }
            }
            Line::Start(start) if start.start < 0 && start.called.call.is_none() => {
                contradiction("start", "a call that the adapter makes by itself has `call`, `job` and `args`")
            }
            _ => Ok(self),
        }
    }

    /// The adapter's counter, where the line has it.
    #[must_use]
    pub fn q(&self) -> Option<u64> {
        match self {
            Line::Hello(hello) => Some(hello.q),
            Line::Start(start) => Some(start.q),
            Line::End(end) => Some(end.q),
            Line::Enter(enter) => Some(enter.q),
            Line::Leave(leave) => Some(leave.q),
            Line::Errored(_) => None,
        }
    }
}

fn typed<T: for<'de> Deserialize<'de>>(kind: &'static str, value: Value) -> Result<T, LineError> {
    serde_json::from_value(value).map_err(|error| LineError::Field { kind, why: error.to_string() })
}

impl Called {
    /// The call as it was planned.
    #[must_use]
    pub fn planned(&self) -> Option<PlannedCall> {
        Some(PlannedCall { call: self.call.clone()?, job: self.job, args: self.args.clone() })
    }
}
