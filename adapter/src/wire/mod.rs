//! The lines of the protocol. [`Command`] is what bgcheck writes, [`Line`] what an adapter writes.
//!
//! Names of methods, events and abilities are texts here, so that a newer adapter can name what this version does not know.

mod command;
mod line;
mod out;

pub use command::{
    Action, ClockMove, Command, DiskOrder, Greeting, NetworkMove, Order, PlannedCall, RaceOrder, RestartKind,
    RunOrder, Trigger, Verb,
};
pub use line::{
    Called, End, Enter, Errored, GivenParts, GivesUp, Hello, Leave, Line, LineError, Observed, Slow, Start,
    WireReceiver,
};
pub use out::{WireError, WireOut};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// The longest line in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// What an adapter may be able to do, by its word in `can`.
pub mod can {
    /// `race` commands.
    pub const RACE: &str = "race";
    /// Calls from inside of callbacks.
    pub const NESTED: &str = "nested";
    /// Calls from inside of callbacks on other jobs than theirs.
    pub const NESTED_JOBS: &str = "nested_jobs";
    /// Orders for callbacks that name a job.
    pub const ORDER_JOBS: &str = "order_jobs";
    /// Callbacks that stay inside until they are released.
    pub const HOLD: &str = "hold";
    /// Callbacks that throw.
    pub const THROW: &str = "throw";
    /// `enter` has what the object was given.
    pub const GIVEN: &str = "given";
    /// The implementation's time moves on command, and not otherwise.
    pub const CLOCK: &str = "clock";
    /// Disk work can be made to fail.
    pub const DISK: &str = "disk";
    /// Notification programs.
    pub const PROGRAMS: &str = "programs";
    /// `restart` commands.
    pub const RESTART: &str = "restart";
    /// `observe` commands.
    pub const OBSERVE: &str = "observe";
    /// `network` commands: the network of the implementation is lost and comes back.
    pub const NETWORK: &str = "network";
    /// Calls with a `user`, and `logoff` commands.
    pub const USERS: &str = "users";
    /// A transfer of which no more bytes come is TRANSFERRING, and no call waits for the rest.
    pub const STALL: &str = "stall";
    /// A call that forbids a callback waits until one that is inside has left, unless that has called.
    pub const WAITS: &str = "waits";
    /// The implementation trusts the certificate of the first line.
    pub const HTTPS: &str = "https";
    /// Client objects with the third callback interface.
    pub const CALLBACK3: &str = "callback3";
    /// Each of them.
    pub const ALL: [&str; 18] = [
        RACE,
        NESTED,
        NESTED_JOBS,
        ORDER_JOBS,
        HOLD,
        THROW,
        GIVEN,
        CLOCK,
        DISK,
        PROGRAMS,
        RESTART,
        OBSERVE,
        NETWORK,
        USERS,
        STALL,
        WAITS,
        HTTPS,
        CALLBACK3,
    ];
}

/// The schema of all lines, as text that is committed.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Both);
    // A schema is plain data with text keys, which always has a JSON form.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A line of either side.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Both {
    /// From bgcheck to the adapter.
    Command(Box<Command>),
    /// From the adapter to bgcheck.
    Line(Box<Line>),
}
