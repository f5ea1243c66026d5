//! From a line to a command, and the error for a line that is none.

use serde::Deserialize;
use serde_json::Value;

use super::subject::Refusal;
use crate::wire::{PlannedCall, Verb};

/// A line that was read.
pub(super) struct Received {
    /// The command's number; 0 where it cannot be read.
    pub(super) id: i64,
    /// What to do, or why that is not known.
    pub(super) verb: Result<Verb, Refusal>,
}

/// The keys by which commands are known.
const VERBS: [&str; 12] = [
    "call", "poll", "leaves", "release", "race", "observe", "clock", "disk", "network", "logoff", "restart",
    "reset",
];

/// A call without detours: most lines are calls.
#[derive(Deserialize)]
struct CallLine {
    id: i64,
    thread: u32,
    #[serde(default)]
    user: u32,
    call: String,
    job: Option<u32>,
    args: Option<Value>,
}

/// Reads a command.
pub(super) fn receive(text: &[u8]) -> Received {
    if let Ok(CallLine { id, thread, user, call, job, args }) = serde_json::from_slice(text) {
        return Received { id, verb: Ok(Verb::Call { thread, user, call: PlannedCall { call, job, args } }) };
    }
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return Received::unreadable(format!("a line that is not JSON: {error}")),
    };
    let Some(id) = value.get("id").and_then(Value::as_i64) else {
        return Received::unreadable("a command has an `id`".to_owned());
    };
    let Some(word) = VERBS.into_iter().find(|word| value.get(word).is_some()) else {
        let keys =
            value.as_object().map(|fields| fields.keys().filter(|key| *key != "id").cloned().collect());
        let keys: Vec<String> = keys.unwrap_or_default();
        let why = format!("this adapter does not know the command `{}`", keys.join("`, `"));
        return Received { id, verb: Err(Refusal::unimplemented(why)) };
    };
    let verb = serde_json::from_value(value);
    Received {
        id,
        verb: verb.map_err(|_| Refusal::errored(format!("the fields of a `{word}` command are wrong"))),
    }
}

impl Received {
    /// A line whose number cannot be read.
    pub(super) fn unreadable(message: String) -> Received {
        Received { id: 0, verb: Err(Refusal::Errored { message }) }
    }
}
