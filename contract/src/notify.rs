//! Notification flags, events, and the interfaces that receive them (facts C1, C2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::described::described;
use crate::ids::ReceiverId;

macro_rules! notify_flags {
    ($($name:ident = $value:literal, $what:literal;)*) => {
        bitflags::bitflags! {
            /// `BG_NOTIFY_*`: which events of a job are reported (facts C1).
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
            pub struct NotifyFlags: u32 {
                $(#[doc = concat!("`BG_NOTIFY_", stringify!($name), "`: ", $what, ".")] const $name = $value;)*
            }
        }

        impl NotifyFlags {
            /// Every flag with its name and what it means, in a phrase.
            pub const NAMED: &'static [(&'static str, NotifyFlags, &'static str)] =
                &[$((stringify!($name), NotifyFlags::$name, $what),)*];
        }
    };
}

notify_flags! {
    JOB_TRANSFERRED = 0x01, "all files have been transferred";
    JOB_ERROR = 0x02, "the job entered ERROR";
    DISABLE = 0x04, "masks everything, where the dialect says so";
    JOB_MODIFICATION = 0x08, "properties, state, progress or the files changed";
    FILE_TRANSFERRED = 0x10, "one file is done";
    FILE_RANGES_TRANSFERRED = 0x20, "accepted by BITS, never generated here (`docs/coverage.md`)";
}

impl NotifyFlags {
    /// What a new job has: ERROR and TRANSFERRED (facts C1, contract section 1).
    pub const DEFAULT: NotifyFlags = NotifyFlags::JOB_TRANSFERRED.union(NotifyFlags::JOB_ERROR);
}

impl fmt::Display for NotifyFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("0");
        }
        bitflags::parser::to_writer(self, f)
    }
}

described! {
    /// What a callback reports. Numbered as the methods of the callback interfaces are.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[repr(u8)]
    pub enum Event {
        /// `IBackgroundCopyCallback::JobTransferred`: the job entered TRANSFERRED.
        JobTransferred,
        /// `IBackgroundCopyCallback::JobError`: the job entered ERROR.
        JobError,
        /// `IBackgroundCopyCallback::JobModification`: something about the job changed.
        JobModification,
        /// `IBackgroundCopyCallback2::FileTransferred`: one file is done.
        FileTransferred,
        /// `IBackgroundCopyCallback3::FileRangesTransferred`: never generated here.
        FileRangesTransferred,
    }
}

impl Event {
    /// Every event, in order.
    pub const ALL: [Event; 5] = [
        Event::JobTransferred,
        Event::JobError,
        Event::JobModification,
        Event::FileTransferred,
        Event::FileRangesTransferred,
    ];

    /// The flag that lets this event through.
    #[must_use]
    pub const fn flag(self) -> NotifyFlags {
        match self {
            Event::JobTransferred => NotifyFlags::JOB_TRANSFERRED,
            Event::JobError => NotifyFlags::JOB_ERROR,
            Event::JobModification => NotifyFlags::JOB_MODIFICATION,
            Event::FileTransferred => NotifyFlags::FILE_TRANSFERRED,
            Event::FileRangesTransferred => NotifyFlags::FILE_RANGES_TRANSFERRED,
        }
    }

    /// The next event of those that are generated here: whose bit a mutant takes for this one's.
    #[must_use]
    pub const fn another(self) -> Event {
        match self {
            Event::JobTransferred => Event::JobError,
            Event::JobError => Event::JobModification,
            Event::JobModification => Event::FileTransferred,
            Event::FileTransferred | Event::FileRangesTransferred => Event::JobTransferred,
        }
    }

    /// The interface whose method reports this event (facts C1, C2).
    #[must_use]
    pub const fn interface(self) -> Interfaces {
        match self {
            Event::JobTransferred | Event::JobError | Event::JobModification => Interfaces::CALLBACK,
            Event::FileTransferred => Interfaces::CALLBACK2,
            Event::FileRangesTransferred => Interfaces::CALLBACK3,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

bitflags::bitflags! {
    /// Which callback interfaces a client object has. Read once, at SetNotifyInterface (contract section 2, "receives").
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct Interfaces: u8 {
        /// `IBackgroundCopyCallback`. An object without it cannot be registered (facts G52).
        const CALLBACK = 1;
        /// `IBackgroundCopyCallback2`, which adds FileTransferred.
        const CALLBACK2 = 2;
        /// `IBackgroundCopyCallback3`, which adds FileRangesTransferred.
        const CALLBACK3 = 4;
    }
}

impl fmt::Display for Interfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("0");
        }
        bitflags::parser::to_writer(self, f)
    }
}

// Traces write flags as text by name; a number would mean nothing to a reader.
macro_rules! flags_as_text {
    ($($flags:ident),*) => {$(
        impl Serialize for $flags {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $flags {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                if text == "0" {
                    return Ok($flags::empty());
                }
                bitflags::parser::from_str(&text).map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $flags {
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($flags).into() }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": "Flag names joined by ` | `, or `0`." })
            }
        }
    )*};
}

flags_as_text!(NotifyFlags, Interfaces);

/// A client object as the engine sees it: an identity, and the interfaces it has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receiver {
    /// Which object.
    pub id: ReceiverId,
    /// What it receives.
    pub interfaces: Interfaces,
}
