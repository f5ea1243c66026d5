//! Newtypes for everything that is counted, so that a job is never mistaken for a file.
//!
//! Ids are small, dense and injected by the code that creates the thing. Nothing here is random, so a
//! program has equal ids on every machine. GUIDs belong to the service's border.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($letter:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index into a slice.
            #[must_use]
            pub const fn index(self) -> usize { self.0 as usize }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}{}", $letter, self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    )*};
}

ids! {
    /// An owner of jobs. Jobs and callback slots are counted per user (facts E).
    UserId("u");
    /// A job, numbered in the order of CreateJob. The GUID of GetId lives in the service.
    JobId("j");
    /// A file of a job, numbered in the order of AddFile.
    FileId("f");
    /// One claimed and begun delivery of an event (contract section 4, clause 2).
    DeliveryId("d");
    /// One API call, from `call` to `return`.
    CallId("c");
    /// A client thread. Callbacks run on the service's own threads and are named by their delivery.
    ThreadId("t");
    /// A client object given to SetNotifyInterface, or the pseudo-object behind a command line.
    ReceiverId("p");
}

impl ThreadId {
    /// The thread that looks at states from outside of every client, where a subject has one. Its GetState calls are polls: a suite does not have
    /// them, and compares what they give back with the state that the job is in.
    pub const OBSERVER: ThreadId = ThreadId(99);
}

/// A point in time, in milliseconds since the service started. Never the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The start of the service.
    pub const ZERO: Time = Time(0);

    /// This time plus `delay`; the far end of time when it would overflow.
    #[must_use]
    pub const fn after(self, delay: Millis) -> Time {
        Time(self.0.saturating_add(delay.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time or none, in the room of a time: timers are copied and compared in every step of an exploration. None is behind every time, and no
/// timer reaches the far end of time.
///
/// ```
/// use contract::{Moment, Time};
///
/// assert_eq!(Moment::of(Some(Time(7))).time(), Some(Time(7)));
/// assert_eq!(Moment::of(Some(Time(7))).min(Moment::NONE), Moment::of(Some(Time(7))));
/// assert_eq!(Moment::NONE.time(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Moment(Time);

impl Moment {
    /// No time.
    pub const NONE: Moment = Moment(Time(u64::MAX));

    /// The time, where there is one.
    #[inline]
    #[must_use]
    pub const fn of(time: Option<Time>) -> Moment {
        match time {
            Some(time) => Moment(time),
            None => Moment::NONE,
        }
    }

    /// The time, if it is one.
    #[inline]
    #[must_use]
    pub const fn time(self) -> Option<Time> {
        if self.0.0 == Moment::NONE.0.0 { None } else { Some(self.0) }
    }
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This number of seconds, the unit of the API's setters.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    /// Whole seconds, the unit of the API's getters.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// This number of days.
    #[must_use]
    pub const fn from_days(days: u64) -> Millis {
        Millis::from_secs(days.saturating_mul(86_400))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{} s", self.0 / 1000)
        } else {
            write!(f, "{} ms", self.0)
        }
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
