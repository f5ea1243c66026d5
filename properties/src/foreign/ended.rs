//! A service that has ended: a call of a client answers that there is no service any more.
//!
//! **What it is.** One failure of the implementation, at the first call that answers so, with the code. What comes behind it shows nothing. The adapter
//! is started anew, so that what is tried next has a service again.
//!
//! **What it is not.** A service that hangs, whose call does not come back, or an adapter whose process has ended.

use contract::{CallId, HResult, Method};
use judge::Trace;
use judge::trace::Kind;

use crate::difference::{Account, Concern, Difference};

/// Whether a call was answered by the system in place of a service that is not there any more.
pub(super) fn has_ended(hr: HResult) -> bool {
    GONE.contains(&hr)
}

/// What COM answers when the process behind an object has ended, or cannot be reached.
const GONE: [HResult; 6] = [
    HResult::RPC_S_SERVER_UNAVAILABLE,
    HResult::RPC_S_CALL_FAILED,
    HResult::RPC_E_DISCONNECTED,
    HResult::CO_E_OBJNOTCONNECTED,
    HResult::RPC_E_SERVER_DIED,
    HResult::RPC_E_SERVER_DIED_DNE,
];

/// Where the service of a run has ended, if it has.
pub(crate) fn ended(trace: &Trace) -> Option<Difference> {
    let (seq, back) = trace.lines.iter().find_map(|line| match &line.what {
        Kind::Return(back) if has_ended(back.hr) => Some((line.seq, back)),
        _ => None,
    })?;
    let method = called(trace, back.call, seq).map_or("a call", Method::name);
    let on = back.job.map_or_else(String::new, |job| format!("{job}."));
    Some(Difference {
        // One failure, whichever call finds it.
        skeleton: vec!["the service has ended".to_owned()],
        after: format!("{method} is called"),
        subject: format!("the service has ended: {on}{method} -> {}", back.hr),
        wanted: "the service lives on, and answers".to_owned(),
        account: Account::Suite,
        concern: Concern::GoesOn,
        job: back.job,
        seq,
    })
}

/// The method of the call that is back at a line. Numbers of calls may come again.
fn called(trace: &Trace, id: CallId, until: u64) -> Option<Method> {
    let before = trace.lines.iter().rev().skip_while(|line| line.seq >= until);
    before
        .filter_map(|line| if let Kind::Call(call) = &line.what { Some(call) } else { None })
        .find(|call| call.id == id)
        .map(|call| call.call.method())
}
