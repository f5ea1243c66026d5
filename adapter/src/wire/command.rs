//! What bgcheck writes.

use std::collections::BTreeMap;

use contract::{Dialect, HResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line from bgcheck.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// The first line.
    Hello(Greeting),
    /// Every other line.
    Do {
        /// The command's number.
        id: i64,
        /// What to do.
        #[serde(flatten)]
        verb: Verb,
    },
}

/// The first line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Greeting {
    /// The version of the protocol.
    pub hello: u32,
    /// The dialect that is expected.
    pub dialect: Dialect,
    /// An empty directory for destinations.
    pub root: String,
    /// Where the file server is.
    pub http: String,
    /// A file with the certificate of the file server, in DER: the root to trust over HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The seed of the run.
    pub seed: u64,
}

/// What an adapter is to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Verb {
    /// A call.
    Call {
        /// The client thread.
        thread: u32,
        /// The user for whom it calls; the first where it is missing.
        #[serde(default, skip_serializing_if = "is_first")]
        user: u32,
        /// Method, job and arguments.
        #[serde(flatten)]
        call: PlannedCall,
    },
    /// The state of a job, from outside of any client.
    Poll {
        /// The job.
        poll: u32,
    },
    /// How the next callbacks end.
    Leaves {
        /// In order, each for the next callback of its event.
        leaves: Vec<Order>,
    },
    /// A callback that was held may return.
    Release {
        /// The number of its `enter`.
        release: u64,
    },
    /// Races.
    Race {
        /// Which.
        race: RaceOrder,
    },
    /// What stands in the directory.
    Observe {
        /// The names of files.
        observe: Vec<String>,
    },
    /// The implementation's time moves.
    Clock {
        /// How far.
        clock: ClockMove,
    },
    /// How the disk work of the next Complete or Cancel goes.
    Disk {
        /// How.
        disk: DiskOrder,
    },
    /// The network of the implementation changes.
    Network {
        /// How.
        network: NetworkMove,
    },
    /// A user logs off.
    Logoff {
        /// Who.
        logoff: u32,
    },
    /// The implementation ends, and starts again.
    Restart {
        /// In which way it ends.
        restart: RestartKind,
    },
    /// Every job ends, and every order is forgotten.
    Reset {
        /// Always true.
        reset: bool,
    },
}

/// A call that is to be made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCall {
    /// The method.
    pub call: String,
    /// The job it is made on; of CreateJob the number that the new job gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u32>,
    /// The arguments by name, as in a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
}

/// How a callback ends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The next callback of this event takes it.
    pub event: String,
    /// Only a callback of this job takes it; one of any job where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u32>,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
}

/// What a callback does before it returns. The parts go together: calls are made first.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Calls from inside, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<PlannedCall>,
    /// Whether it stays inside until it is released.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hold: bool,
    /// Whether it throws.
    #[serde(default, skip_serializing_if = "is_false")]
    pub throw: bool,
    /// What it returns; S_OK without it.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "in_hexadecimal")]
    pub hr: Option<HResult>,
    /// The exit code, of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
}

/// An adapter need not know the names of codes.
fn in_hexadecimal<S: serde::Serializer>(hr: &Option<HResult>, serializer: S) -> Result<S::Ok, S::Error> {
    match hr {
        Some(hr) => serializer.collect_str(&format_args!("0x{:08x}", hr.0)),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(user: &u32) -> bool {
    *user == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Races, which the adapter runs by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RaceOrder {
    /// How long the adapter waits after the racing call, in ms.
    pub settle_ms: u64,
    /// The runs, one after the other.
    pub runs: Vec<RunOrder>,
}

/// One run of a race.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunOrder {
    /// The job that the run makes.
    pub job: u32,
    /// Calls on thread 0.
    pub before: Vec<PlannedCall>,
    /// From where on the delay is counted.
    pub trigger: Trigger,
    /// How long after it the racing call is made.
    pub delay_us: u64,
    /// The call on thread 1. Without one the run shows what happens undisturbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub racer: Option<PlannedCall>,
    /// Calls on thread 0 at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PlannedCall>,
}

/// From where on the delay of a race is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// From the return of the last call before.
    AfterReturn,
    /// From the first `enter` of the job.
    AtEnter,
}

/// How far time moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClockMove {
    /// In ms.
    pub advance_ms: u64,
}

/// How disk work goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskOrder {
    /// Well.
    Good,
    /// No temporary file can be removed.
    LeavesBehind,
    /// This rename fails, from 0 on, and those before it go well.
    RenameFails(u32),
}

/// What becomes of the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMove {
    /// It is lost.
    Lost,
    /// It is back.
    Back,
}

/// How an implementation ends before it starts again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    /// At once.
    Kill,
    /// In order.
    Stop,
}

impl PlannedCall {
    /// A call with its arguments as a trace has them.
    #[must_use]
    pub fn of(job: Option<u32>, call: &contract::Call) -> PlannedCall {
        // A call is plain data with text keys, which always has a JSON form.
        let parts = serde_json::to_value(call).unwrap_or_default();
        let args = parts.get("args").filter(|args| !args.is_null()).cloned();
        let name = match call {
            contract::Call::Other { method, .. } => method.to_string(),
            call => call.method().name().to_owned(),
        };
        PlannedCall { call: name, job, args }
    }

    /// The call as the contract defines it.
    ///
    /// # Errors
    /// The arguments are not those of the method.
    pub fn call(&self) -> Result<contract::Call, serde_json::Error> {
        let mut parts = BTreeMap::from([("method", Value::from(self.call.clone()))]);
        parts.extend(self.args.clone().map(|args| ("args", args)));
        let known = contract::Method::ALL.iter().any(|method| method.name() == self.call);
        if !known {
            let method = self.call.clone().into();
            let args = self.args.as_ref().map(|args| args.to_string().into());
            return Ok(contract::Call::Other { method, args });
        }
        serde_json::from_value(serde_json::to_value(parts)?)
    }
}
