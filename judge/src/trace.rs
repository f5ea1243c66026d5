//! What happened in a run, written down: JSON Lines, one format for every engine (contract section 6).
//!
//! **What it is.** A [`Header`] that holds what was run and what was recorded, then a [`Line`] for each event. Names stand
//! where other formats have numbers, so a trace can be read without this program, and a reader ignores fields it does not know.
//!
//! **What it is not.** A log. Every line is an event that a rule may judge, or a choice that a replay must repeat.
//!
//! **The law it keeps.** `Trace::parse(&trace.print())` is the trace again, for every trace that [`Trace::check`] accepts; and no
//! text makes the parser panic.
//!
//! ```
//! use judge::Trace;
//!
//! let text = concat!(
//!     r#"{"format":1,"dialect":"bits","subject":"by hand","records":["call","return"]}"#, "\n",
//!     r#"{"seq":1,"kind":"call","id":0,"thread":0,"user":0,"job":0,"method":"Cancel"}"#, "\n",
//!     r#"{"seq":2,"kind":"return","call":0,"job":0,"hr":"S_OK"}"#, "\n",
//! );
//! let trace = Trace::parse(text)?;
//! assert_eq!(trace.events().count(), 2);
//! assert_eq!(Trace::parse(&trace.print())?, trace);
//! # Ok::<(), judge::TraceError>(())
//! ```

mod header;
mod line;
mod parse;

use std::collections::BTreeMap;

use contract::event::{EventView, Target};
use contract::ids::{CallId, DeliveryId};

pub use self::header::{Ended, FORMAT, Header, HeaderFinding, Switches};
pub use self::line::{
    BeginLine, CallLine, ChooseLine, EnterLine, EnvLine, GivenLine, Kind, LeaveLine, Left, Line, Reason,
    ReturnLine, StateLine, Told, UnknownLine, WaitLine,
};
pub use self::parse::{Reader, TraceError};
pub use contract::event::Recorded;

/// A run: what it was, and every event in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// What was run.
    pub header: Header,
    /// What happened, in the order of `seq`.
    pub lines: Vec<Line>,
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Trace, TraceError> {
        parse::parse(text)
    }

    /// Reads traces that stand one after the other, each beginning with its header. Of an error the line counts from there.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong in the first trace that is.
    pub fn parse_all(text: &str) -> Result<Vec<Trace>, TraceError> {
        parse::texts(text).map(parse::parse).collect()
    }

    /// The trace as text, every line ended.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = to_json(&self.header);
        text.push('\n');
        for line in &self.lines {
            text.push_str(&line.print());
            text.push('\n');
        }
        text
    }

    /// Whether the lines fit together: numbers rise, and every `return` and `leave` has its beginning.
    ///
    /// # Errors
    ///
    /// The first line that does not fit.
    pub fn check(&self) -> Result<(), TraceError> {
        parse::check(self)
    }

    /// The events in order, as they were recorded. Lines that are no events of their own (choices, crashes) are left
    /// out, and so is a line whose beginning is missing.
    pub fn events(&self) -> impl Iterator<Item = (u64, EventView<'_>)> {
        let mut open = Open::default();
        self.lines.iter().filter_map(move |line| Some((line.seq, open.view(line)?)))
    }

    /// The JSON schema of one line of a trace, the header being one.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(AnyLine)
    }
}

/// A line of a trace: the first is the header, every other an event.
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum AnyLine {
    /// The first line.
    Header(Header),
    /// Every other line.
    Line(Line),
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("every field is text, a number, or a struct of them under text keys")
}

/// The open calls and deliveries, so that a line that ends one can be read with the line that began it.
#[derive(Default)]
pub(crate) struct Open<'a> {
    calls: BTreeMap<CallId, &'a CallLine>,
    deliveries: BTreeMap<DeliveryId, EnterLine>,
}

impl<'a> Open<'a> {
    /// An open call.
    pub(crate) fn call(&self, id: CallId) -> Option<&'a CallLine> {
        self.calls.get(&id).copied()
    }

    /// The line as an event, if it is one and its beginning is known.
    pub(crate) fn view(&mut self, line: &'a Line) -> Option<EventView<'a>> {
        let (mut call, mut enter) = (None, None);
        match &line.what {
            Kind::Call(begun) => drop(self.calls.insert(begun.id, begun)),
            Kind::Return(back) => call = self.calls.remove(&back.call),
            Kind::Enter(begun) => drop(self.deliveries.insert(begun.delivery, *begun)),
            Kind::Given(told) => enter = self.deliveries.get(&told.delivery).copied(),
            Kind::Leave(leave) => enter = self.deliveries.remove(&leave.delivery),
            _ => {}
        }
        view(line, call, enter)
    }
}

/// As [`Open`], for lines that are dropped one after the other: what is open is kept, and nothing else.
#[derive(Default)]
pub(crate) struct Kept {
    calls: BTreeMap<CallId, CallLine>,
    deliveries: BTreeMap<DeliveryId, EnterLine>,
}

impl Kept {
    /// An open call.
    pub(crate) fn call(&self, id: CallId) -> Option<&CallLine> {
        self.calls.get(&id)
    }

    /// Shows the line as an event, if it is one and its beginning is known.
    pub(crate) fn show(&mut self, line: Line, see: impl FnOnce(u64, &EventView<'_>)) {
        let (mut call, mut enter) = (None, None);
        match &line.what {
            Kind::Return(back) => call = self.calls.remove(&back.call),
            Kind::Enter(begun) => drop(self.deliveries.insert(begun.delivery, *begun)),
            Kind::Given(told) => enter = self.deliveries.get(&told.delivery).copied(),
            Kind::Leave(leave) => enter = self.deliveries.remove(&leave.delivery),
            _ => {}
        }
        if let Some(event) = view(&line, call.as_ref(), enter) {
            see(line.seq, &event);
        }
        if let Kind::Call(call) = line.what {
            self.calls.insert(call.id, call);
        }
    }
}

/// A line as an event, with the line that began what it ends.
fn view<'l>(line: &'l Line, call: Option<&'l CallLine>, enter: Option<EnterLine>) -> Option<EventView<'l>> {
    Some(match &line.what {
        Kind::Call(call) => {
            EventView::Call { id: call.id, caller: call.caller(), job: call.job, call: &call.call }
        }
        Kind::Return(back) => {
            let ReturnLine { call: id, job, hr, out } = back;
            EventView::Return { id: *id, job: *job, call: &call?.call, hr: *hr, out }
        }
        Kind::Begin(begin) => {
            let BeginLine { delivery, job, event, file, receiver } = *begin;
            EventView::Begin { delivery, job, event, target: Target::from(receiver), file }
        }
        Kind::Wait(wait) => EventView::Wait { id: wait.call, job: wait.job, delivery: wait.delivery },
        Kind::Enter(enter) => {
            let EnterLine { delivery, job, event, file, receiver } = *enter;
            EventView::Enter { delivery, job, event, target: Target::from(receiver), file }
        }
        Kind::Given(told) => {
            let EnterLine { delivery, job, event, file, receiver } = enter?;
            let target = Target::from(receiver);
            EventView::Given { delivery, job, event, target, file, given: told.given }
        }
        Kind::Leave(leave) => {
            let EnterLine { delivery, job, event, file, receiver } = enter?;
            let target = Target::from(receiver);
            EventView::Leave { delivery, job, event, target, file, leave: leave.outcome.into() }
        }
        Kind::Env(env) => EventView::Env { step: env.step, job: env.job, file: env.file },
        Kind::State(state) => {
            EventView::State { job: state.job, from: state.from, to: state.to, by: state.by.into() }
        }
        Kind::Choose(_) | Kind::Unknown(_) | Kind::Crash {} | Kind::Restart {} => return None,
    })
}
