//! Two processes: one that works, and one that watches it.
//!
//! **What it is.** A verb that runs a subject does so in a process of its own, the worker, which is this program again. The watcher
//! passes on what the worker writes. When the worker hangs, dies, takes too much memory or has to stop, the watcher ends it and prints
//! what is known: the engines that were done, and what the one under way had found.
//!
//! **What it is not.** A judge. Whatever comes back in time is passed on unchanged.
//!
//! **The law it keeps.** Nothing that a subject does keeps a verdict from being printed: not a busy loop, a blocked thread, an abort,
//! an overflow of the stack, or memory without end.

use std::sync::OnceLock;
use std::time::Duration;

mod message;
pub(crate) mod reaper;
mod supervisor;
mod threads;
pub(crate) mod worker;

pub(crate) use self::message::Limit;
pub(crate) use self::supervisor::{End, Input, Known, Listener, Order, Stopping, Watched, run};

static LIMIT: OnceLock<Option<Duration>> = OnceLock::new();

/// The limit that was typed holds for everything that this process watches.
pub(crate) fn set_limit(limit: Option<Duration>) {
    // It is typed once.
    let _ = LIMIT.set(limit);
}

/// The limit that was typed.
pub(crate) fn limit() -> Option<Duration> {
    LIMIT.get().copied().flatten()
}
