//! What the worker sends to the watcher, a line each on its stdout.

use std::time::Duration;

use reports::{Failure, Results, RuleId, Subject};
use serde::{Deserialize, Serialize};

/// What a line for the watcher begins with. No text for people does: control characters are spelled out in it.
pub(crate) const MARK: u8 = 0x1e;

/// A message.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Message {
    /// An engine begins.
    Begin {
        /// Its name, as results have it.
        engine: String,
        subject: Option<Subject>,
        /// The command that does this again.
        again: String,
        limit: Limit,
    },
    /// It lives: the number of all signs of life, and what is under way.
    Beat {
        signs: u64,
        /// How much is done.
        done: u64,
        /// The seed under way, where there is one.
        at: Option<u64>,
    },
    /// Where it stands, in a line. It is no sign of life.
    Stands(String),
    /// A failure, sent at once.
    Found { rule: Option<RuleId>, failure: Failure },
    /// All engines that are done.
    Known(Box<Results>),
    /// The subject panicked: the message of the panic, and where.
    Panicked(String),
    /// Another process, with a group of its own, that has to end with the worker.
    Group(u32),
}

/// When an engine hangs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum Limit {
    /// When so much time has passed.
    Time(Duration),
    /// When it has given no sign of life for so long.
    Silence(Duration),
}

impl Limit {
    /// Of an engine with a budget: what follows the budget (making failures small, looking through a corpus) takes time, too.
    pub(crate) fn of(budget: Duration) -> Limit {
        Limit::Time(budget + budget / 2 + AFTER)
    }

    /// How long it may be quiet, or work.
    pub(crate) const fn length(self) -> Duration {
        match self {
            Limit::Time(length) | Limit::Silence(length) => length,
        }
    }
}

/// What an engine may take beyond its budget: a failure is made small in it.
const AFTER: Duration = Duration::from_secs(60);
