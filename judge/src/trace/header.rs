//! The first line of a trace.

use serde::{Deserialize, Serialize};

use contract::dialect::{Dialect, Origin, Profile, Switch};
use contract::event::Recorded;

use crate::across::CALLBACK_SLOTS;

/// The version of the format that this code reads and writes.
pub const FORMAT: u32 = 1;

/// What was run, by whom, and what of it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Header {
    /// The version of the format: 1.
    pub format: u32,
    /// The dialect of the subject.
    pub dialect: Dialect,
    /// Whose implementation the subject is: `ours`, or foreign, which is what a header without it means.
    #[serde(default, skip_serializing_if = "Origin::is_foreign")]
    pub origin: Origin,
    /// Switches that differ from the dialect's column of the table.
    #[serde(default, skip_serializing_if = "Switches::is_empty")]
    pub switches: Switches,
    /// The scope explored, or the kind of run.
    #[serde(default)]
    pub scope: String,
    /// What was run.
    #[serde(default)]
    pub subject: String,
    /// Who ran it, and wrote this.
    #[serde(default)]
    pub engine: String,
    /// The seed of the run, where chance played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The commit of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How many times faster than the wall clock the subject's clock ran.
    #[serde(default = "real_time")]
    pub clock_scale: u32,
    /// Callbacks of one user at once: 4, unless the run was about fewer.
    #[serde(default = "callback_slots", skip_serializing_if = "is_usual")]
    pub callback_slots: u32,
    /// The kinds of events that were recorded. A rule that needs another kind is undecided. There is no default: what was not
    /// recorded must not look as if it had not happened.
    pub records: Vec<Recorded>,
    /// How the run ended.
    #[serde(default)]
    pub ended: Ended,
    /// The finding that the trace was written down for, if it was written for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<HeaderFinding>,
}

/// What an engine found in a run. Not every finding can be seen in the lines of its trace: that specification and core part, or that a
/// call waits for ever, no rule judges there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeaderFinding {
    /// Its name, such as `L3-later-delivery`.
    pub id: String,
    /// The exit code that it asks for: 2, or 3 when it was not seen on each replay.
    pub exit_code: u8,
    /// What was found, in words.
    #[serde(default)]
    pub what: String,
}

fn real_time() -> u32 {
    1
}

fn callback_slots() -> u32 {
    CALLBACK_SLOTS
}

fn is_usual(slots: &u32) -> bool {
    *slots == CALLBACK_SLOTS
}

fn every_event() -> Vec<Recorded> {
    Recorded::EVENTS.to_vec()
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Nothing moved any more: what is open now stays open.
    AtRest,
    /// It was stopped, so that nothing follows from what is still open.
    #[default]
    Cut,
}

impl Header {
    /// The header of a run of this dialect that records every event; the rest is to be filled in.
    #[must_use]
    pub fn of(profile: &Profile) -> Header {
        Header {
            format: FORMAT,
            dialect: profile.dialect,
            origin: profile.origin,
            switches: Switches::of(profile),
            scope: String::new(),
            subject: String::new(),
            engine: String::new(),
            seed: None,
            commit: None,
            clock_scale: 1,
            callback_slots: CALLBACK_SLOTS,
            records: every_event(),
            ended: Ended::Cut,
            finding: None,
        }
    }

    /// The dialect's column with the switches turned.
    #[must_use]
    pub fn profile(&self) -> Profile {
        Profile { origin: self.origin, ..self.switches.turned(self.dialect.profile()) }
    }
}

macro_rules! switches {
    ($($field:ident),* $(,)?) => {
        /// Switches turned away from the dialect's column of the table; none when a switch stands as it does there.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
        pub struct Switches {
            $(
                #[doc = concat!("See [`Profile::", stringify!($field), "`].")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<Switch>,
            )*
        }

        impl Switches {
            /// The switches in which `profile` differs from its dialect.
            #[must_use]
            pub fn of(profile: &Profile) -> Switches {
                let column = profile.dialect.profile();
                Switches { $($field: (profile.$field != column.$field).then_some(profile.$field),)* }
            }

            /// The profile with these switches turned.
            #[must_use]
            pub fn turned(&self, profile: &Profile) -> Profile {
                Profile { $($field: self.$field.unwrap_or(profile.$field),)* ..*profile }
            }

            /// Whether every switch stands as in the table.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Switches::default()
            }
        }
    };
}

switches! {
    connects,
    disable_masks,
    file_ranges_flag,
    command_line,
    omitted_methods,
    retry_transferred,
    late_replay,
}
