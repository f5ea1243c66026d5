//! What `reset` could not end.
//!
//! **What it is.** The adapter names the jobs that it could not end, and each of them is polled once: the report has their states and their number.
//! A new process comes next, because what is left may hold up what follows.
//!
//! **What it is not.** A finding: which jobs may outlive their client is no rule's matter.

use std::collections::BTreeMap;

use adapter::{Fault, Session};

/// Whether everything was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Cleared {
    /// All of it.
    All,
    /// Jobs were left, so the process was ended.
    NotAll,
}

/// Ends what a program has begun, and notes what could not be ended behind it.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn clear(
    session: &mut Session,
    behind: &str,
    noted: &mut BTreeMap<String, u64>,
) -> Result<Cleared, Fault> {
    let left = session.reset()?;
    if left.is_empty() {
        return Ok(Cleared::All);
    }
    for number in left {
        let what = format!("{}, behind {behind}", state_of(session, number)?);
        *noted.entry(what).or_default() += 1;
    }
    session.kill();
    Ok(Cleared::NotAll)
}

/// A job that was left, by its state.
fn state_of(session: &mut Session, number: u32) -> Result<String, Fault> {
    let Some(job) = session.job(number) else { return Ok("a job of an earlier program".to_owned()) };
    if session.is_gone() {
        return Ok("a job".to_owned());
    }
    match session.poll(job) {
        Ok(state) => {
            // It is no part of what the program has shown.
            session.forget_poll();
            Ok(state.map_or_else(|| "a job that is gone".to_owned(), |state| format!("a job in {state}")))
        }
        Err(fault) if fault.is_interruption() => Ok("a job that no poll reaches".to_owned()),
        Err(fault) => Err(fault),
    }
}
