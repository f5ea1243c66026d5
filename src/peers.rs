//! Other processes that explore along with this one, and the message when one of them is gone.
//!
//! **Why a static.** timely has no error for a lost peer: its thread with the connection to the peer panics, and the workers wait for ever.
//! So the hook for panics, which belongs to the process, has to know what was being explored.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// What this process takes part in.
struct Together {
    hosts: Vec<String>,
    /// What to type to go on.
    resume: Option<String>,
    exploration: String,
    level: u32,
}

static TOGETHER: Mutex<Option<Together>> = Mutex::new(None);

/// From here on, a lost process ends this one. `resume` is what to type to go on, if there are checkpoints.
pub(crate) fn explore_with(hosts: &[String], resume: Option<String>) {
    let together = Together { hosts: hosts.to_vec(), resume, exploration: String::new(), level: 0 };
    *TOGETHER.lock().unwrap_or_else(PoisonError::into_inner) = Some(together);
}

/// How far the exploration is.
pub(crate) fn reached(exploration: &str, level: u32) {
    if let Some(together) = &mut *TOGETHER.lock().unwrap_or_else(PoisonError::into_inner) {
        if together.exploration != exploration {
            exploration.clone_into(&mut together.exploration);
        }
        together.level = level;
    }
}

/// The message when a thread of this name panics because its process is gone; nothing for other threads.
pub(crate) fn lost(thread: &str) -> Option<String> {
    let process = explorer::cluster::lost_peer(thread)?;
    // Two threads serve the connection to a process, and both lose it: the message is returned once.
    let together = TOGETHER.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Together { hosts, resume, exploration, level } = together?;
    let host = hosts.get(process).map_or("nowhere", String::as_str);
    let mut text = format!(
        "process {process} at {host} is gone, and the exploration cannot go on without it: {exploration}, after level {level}\n"
    );
    // Writing to a String cannot fail.
    let _ = match resume {
        Some(resume) => write!(text, "  to go on from the last checkpoint: {resume}"),
        None => write!(text, "  nothing was kept; with --checkpoint DIR there is something to go on from"),
    };
    Some(text)
}
