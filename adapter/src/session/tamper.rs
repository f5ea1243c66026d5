//! What a canary does to the conversation, so that it is seen whether bgcheck notices.

use contract::defect::Canary;
use contract::{Call, CallId, DeliveryId, Event, HResult, Method, ReceiverId};
use judge::trace::{EnterLine, Kind, LeaveLine, Left, ReturnLine, Told};
use judge::{Line as TraceLine, Trace};

use super::Session;
use super::program::renumber;
use crate::wire::RaceOrder;

impl Session {
    /// The call as the adapter gets it.
    pub(super) fn tampered(&self, call: &Call) -> Call {
        match (self.canary, call) {
            (Some(Canary::IgnoresTheMask), Call::SetNotifyFlags { .. }) => {
                Call::SetNotifyFlags { flags: EVERYTHING }
            }
            _ => call.clone(),
        }
    }

    pub(super) fn tampered_race(&self, mut race: RaceOrder) -> RaceOrder {
        if self.canary == Some(Canary::IgnoresTheMask) {
            let calls = race.runs.iter_mut().flat_map(|run| run.before.iter_mut().chain(&mut run.racer));
            for call in calls.filter(|call| call.call == Method::SetNotifyFlags.name()) {
                call.args = Some(serde_json::json!({ "flags": EVERYTHING }));
            }
        }
        race
    }

    pub(super) fn tampered_trace(&mut self, mut trace: Trace) -> Trace {
        self.traces += 1;
        if self.canary == Some(Canary::OneLateCallback) && self.traces % RARELY == RARELY / 2 {
            call_again_after_cancel(&mut trace);
        }
        trace
    }
}

/// Every event that a client can ask for.
const EVERYTHING: u32 = 0x1B;

/// One run in this number has the late callback.
const RARELY: u64 = 100;

/// Lets the last callback come once more, behind the Cancel that has succeeded.
fn call_again_after_cancel(trace: &mut Trace) {
    let cancels: Vec<CallId> = trace
        .lines
        .iter()
        .filter_map(|line| match &line.what {
            Kind::Call(call) if call.call == Call::Cancel => Some(call.id),
            _ => None,
        })
        .collect();
    let is_cancel = |line: &TraceLine| matches!(&line.what, Kind::Return(back) if back.hr.succeeded() && cancels.contains(&back.call));
    let Some(at) = trace.lines.iter().position(is_cancel) else { return };
    let job = match &trace.lines[at].what {
        Kind::Return(ReturnLine { job: Some(job), .. }) => *job,
        _ => return,
    };
    let delivery = DeliveryId(u32::MAX);
    let enter = EnterLine {
        delivery,
        job,
        event: Event::JobTransferred,
        receiver: Told::Interface(ReceiverId(0)),
        file: None,
    };
    let leave = LeaveLine { delivery, outcome: Left::Hr(HResult::S_OK) };
    let seq = trace.lines.last().map_or(0, |line| line.seq);
    trace.lines.insert(at + 1, TraceLine { seq, what: Kind::Leave(leave) });
    trace.lines.insert(at + 1, TraceLine { seq, what: Kind::Enter(enter) });
    renumber(&mut trace.lines);
}
