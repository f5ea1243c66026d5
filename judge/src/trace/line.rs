//! The lines of a trace after the first: one event each, with everything in it owned.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use contract::call::{Call, Out};
use contract::env::EnvStep;
use contract::event::{By, Caller, EventView, Given, Leave, Target};
use contract::hresult::HResult;
use contract::ids::{CallId, DeliveryId, FileId, JobId, ReceiverId, ThreadId, UserId};
use contract::notify::Event;
use contract::state::JobState;

use super::to_json;

/// One line: its number, and what happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Line {
    /// The number. Numbers rise from line to line; some may be missing.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: Kind,
}

/// What happened, by `kind`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An API call starts.
    Call(CallLine),
    /// An API call is back.
    Return(ReturnLine),
    /// A delivery begins.
    Begin(BeginLine),
    /// An open call waits for a delivery.
    Wait(WaitLine),
    /// The client's code starts.
    Enter(EnterLine),
    /// What the client's code was given.
    Given(GivenLine),
    /// The client's code is done.
    Leave(LeaveLine),
    /// The environment moved.
    Env(EnvLine),
    /// A job changed its state.
    State(StateLine),
    /// A schedule or a generator chose.
    Choose(ChooseLine),
    /// The answer to a call did not come in time.
    Unknown(UnknownLine),
    /// The service died.
    Crash {},
    /// The service started again.
    Restart {},
}

/// An API call starts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CallLine {
    /// The call; `return` names it. The number may be used again after that.
    pub id: CallId,
    /// The client's thread.
    pub thread: ThreadId,
    /// On whose behalf.
    pub user: UserId,
    /// The delivery from inside which the call is made, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<DeliveryId>,
    /// The job it is made on, if it is made on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// `method`, and its `args` by name.
    #[serde(flatten)]
    pub call: Call,
}

impl CallLine {
    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { thread: self.thread, user: self.user, inside: self.inside }
    }
}

/// An API call is back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReturnLine {
    /// The call.
    pub call: CallId,
    /// The job it was made on; of a successful CreateJob the job it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The answer.
    pub hr: HResult,
    /// What it gave back.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub out: Out,
}

/// The answer to a call did not come in time. The call may have had its effect, and may still have it; it counts as open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UnknownLine {
    /// The call.
    pub call: CallId,
    /// The job it was made on, if it was made on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

fn is_nothing(out: &Out) -> bool {
    *out == Out::None
}

/// The client's code starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EnterLine {
    /// The delivery; `leave` names it. The number may be used again after that.
    pub delivery: DeliveryId,
    /// The job it is about.
    pub job: JobId,
    /// What it reports.
    pub event: Event,
    /// Whom it tells.
    pub receiver: Told,
    /// The file, for FileTransferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
}

/// A delivery begins: inside the engine's lock, before the client's code starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BeginLine {
    /// The delivery; `enter`, `wait` and `leave` name it.
    pub delivery: DeliveryId,
    /// The job it is about.
    pub job: JobId,
    /// What it reports.
    pub event: Event,
    /// Whom it tells.
    pub receiver: Told,
    /// The file, for FileTransferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
}

/// An open call waits until a delivery has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaitLine {
    /// The call.
    pub call: CallId,
    /// The job it was made on.
    pub job: JobId,
    /// The delivery it waits for.
    pub delivery: DeliveryId,
}

/// What the client's code was given, as it saw it itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GivenLine {
    /// The delivery that has entered.
    pub delivery: DeliveryId,
    /// What it got; a field that is missing was not looked at.
    pub given: Given,
}

/// Whom a delivery tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A registered object.
    Interface(ReceiverId),
    /// The notification program.
    CommandLine,
}

/// The client's code is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeaveLine {
    /// The delivery.
    pub delivery: DeliveryId,
    /// How it ended.
    pub outcome: Left,
}

/// How a delivery ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// The client's method returned this.
    Hr(HResult),
    /// The client's method panicked.
    Panicked,
    /// The notification program exited with this code.
    Exited(i32),
}

/// The environment moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EnvLine {
    /// `step`, and its values by name.
    #[serde(flatten)]
    pub step: EnvStep,
    /// The job; none when it concerns all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
}

/// A job changed its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StateLine {
    /// The job.
    pub job: JobId,
    /// The state left; none for a new job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<JobState>,
    /// The state entered.
    pub to: JobState,
    /// Why.
    pub by: Reason,
}

/// What changed a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// This call.
    Call(CallId),
    /// This environment step.
    Env(EnvStep),
}

/// A schedule or a generator chose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChooseLine {
    /// Where.
    pub site: String,
    /// How many ways there were.
    pub options: u32,
    /// Which was taken, from 0 on.
    pub taken: u32,
}

impl Line {
    /// The event as a line of its own.
    #[must_use]
    pub fn from_view(seq: u64, event: &EventView<'_>) -> Line {
        Line { seq, what: Kind::from_view(event) }
    }

    /// The line as it stands in a trace, without its end.
    #[must_use]
    pub fn print(&self) -> String {
        if !matches!(&self.what, Kind::Call(CallLine { call: Call::Other { .. }, .. })) {
            return to_json(self);
        }
        with_its_name(self).to_string()
    }
}

/// A call of a method that is not in the list stands under its own name.
fn with_its_name(line: &Line) -> Value {
    let mut value = serde_json::to_value(line).unwrap_or_default();
    if let (Kind::Call(CallLine { call: Call::Other { method, args }, .. }), Some(fields)) =
        (&line.what, value.as_object_mut())
    {
        fields.insert("method".to_owned(), method.as_ref().into());
        match args.as_deref().map(serde_json::from_str) {
            Some(Ok(args)) => fields.insert("args".to_owned(), args),
            _ => fields.remove("args"),
        };
    }
    value
}

impl Kind {
    fn from_view(event: &EventView<'_>) -> Kind {
        match *event {
            EventView::Call { id, caller: Caller { thread, user, inside }, job, call } => {
                Kind::Call(CallLine { id, thread, user, inside, job, call: call.clone() })
            }
            EventView::Return { id, job, hr, out, call: _ } => {
                Kind::Return(ReturnLine { call: id, job, hr, out: out.clone() })
            }
            EventView::Begin { delivery, job, event, target, file } => {
                Kind::Begin(BeginLine { delivery, job, event, receiver: target.into(), file })
            }
            EventView::Wait { id, job, delivery } => Kind::Wait(WaitLine { call: id, job, delivery }),
            EventView::Enter { delivery, job, event, target, file } => {
                Kind::Enter(EnterLine { delivery, job, event, receiver: target.into(), file })
            }
            EventView::Given { delivery, given, .. } => Kind::Given(GivenLine { delivery, given }),
            EventView::Leave { delivery, leave, .. } => {
                Kind::Leave(LeaveLine { delivery, outcome: leave.into() })
            }
            EventView::Env { step, job, file } => Kind::Env(EnvLine { step, job, file }),
            EventView::State { job, from, to, by } => Kind::State(StateLine { job, from, to, by: by.into() }),
        }
    }
}

macro_rules! same {
    ($($event:ident = $line:ident { $($from:ident = $to:ident $(($value:ident))?),* })*) => {$(
        impl From<$event> for $line {
            fn from(event: $event) -> $line {
                match event { $($event::$from $(($value))? => $line::$to $(($value))?,)* }
            }
        }

        impl From<$line> for $event {
            fn from(line: $line) -> $event {
                match line { $($line::$to $(($value))? => $event::$from $(($value))?,)* }
            }
        }
    )*};
}

same! {
    Target = Told { Interface = Interface(receiver), CommandLine = CommandLine }
    Leave = Left { Returned = Hr(hr), Panicked = Panicked, Exited = Exited(code) }
    By = Reason { Call = Call(id), Env = Env(step) }
}
