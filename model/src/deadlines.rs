//! When time is up: the deadlines of the dialect table as moments (facts A2, E, G40 to G42).
//!
//! **What it is.** What the documents say of moments, beside a specification in which time jumps from timer to timer and any timer may be the
//! next. Pure functions of what has happened and when.
//!
//! **What it is not.** A clock, or a model of which timer is the next one: the driver of a core decides that.
//!
//! ```
//! use contract::{Dialect, Millis, Time};
//! use model::deadlines::Deadline;
//!
//! let (created, active) = (Time::ZERO, Time::ZERO.after(Millis::from_secs(60)));
//! let expiry = Deadline::Expiry { created, active };
//! assert_eq!(expiry.at(Dialect::Do.profile()), created.after(Millis::from_days(30)));
//! assert_eq!(expiry.at(Dialect::Bits.profile()), active.after(Millis::from_days(90)));
//! ```

use contract::dialect::{Expiry, NoProgressFrom};
use contract::{Millis, Priority, Profile, Time};

/// What time is up for, and what it counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// The job is cancelled.
    Expiry {
        /// When it was made.
        created: Time,
        /// When it last made progress or had a property set.
        active: Time,
    },
    /// A transient error becomes fatal, where the client has set no timeout of its own.
    GivesUp {
        /// The last progress, or the start.
        progress: Time,
        /// The first transient error since.
        failed: Time,
        /// Of the job.
        priority: Priority,
    },
    /// What failed is tried again: a transfer, or a callback.
    Again {
        /// When it failed.
        failed: Time,
        /// The delay that the client has asked for with SetMinimumRetryDelay.
        asked: Option<Millis>,
    },
}

impl Deadline {
    /// The moment.
    #[must_use]
    pub fn at(self, profile: &Profile) -> Time {
        match self {
            Deadline::Expiry { created, active } => match profile.expiry {
                Expiry::Inactivity(length) => active.after(length),
                Expiry::Age(length) => created.after(length),
            },
            Deadline::GivesUp { progress, failed, priority } => {
                let from = match profile.no_progress_from {
                    NoProgressFrom::FirstTransientError => failed,
                    NoProgressFrom::LastProgress => progress,
                };
                from.after(profile.no_progress_for(priority))
            }
            Deadline::Again { failed, asked } => failed.after(match asked {
                // The dialect that omits the method has a fixed delay.
                Some(asked) if profile.omitted_methods.is_on() => asked.max(profile.retry_delay_floor),
                _ => profile.retry_delay,
            }),
        }
    }
}
