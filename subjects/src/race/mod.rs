//! The engine's real service under schedules of our choice.
//!
//! **What it is.** A [`Race`] holds what clients, callbacks, the network and the disk do; a [`Strategy`] chooses in which order. The
//! service itself, with its lock, dispatchers, workers and barrier, runs on shuttle's tasks in the place of threads, and each run is judged
//! by the rules. A [`Tape`] repeats it.
//!
//! **What it is not.** A search: which schedules are run is for the strategies and the hunt of `properties::race`. Memory is sequentially
//! consistent here, and the code between two scheduling points is taken for one step.
//!
//! **The law it keeps.** One race with one tape gives one trace. Whatever chose, its choices are a tape.
//!
//! ```
//! use subjects::race::{self, Race};
//!
//! let race = Race::parse([
//!     "race bits",
//!     r#"prefix job - {"method":"CreateJob","args":{"name":"job","kind":0}}"#,
//!     r#"branch 1"#,
//!     r#"branch 1 job 0 {"method":"Cancel"}"#,
//! ])?;
//! let run = race::run(&race, &[]);
//! assert!(run.violated.is_empty());
//! # Ok::<(), subjects::race::Error>(())
//! ```

mod bytes;
pub mod digest;
mod execution;
mod files;
mod follow;
pub mod happened;
pub mod kept;
mod locks;
pub mod moment;
mod order;
mod program;
pub mod refined;
mod replay;
mod runtime;
mod scopes;
mod seen;
mod stage;
pub mod strategy;
mod subject;
mod text;
pub mod watch;
mod ways;
mod windows;
pub mod world;

use engine::store::Instance;

pub use self::bytes::{BYTES, bytes_of, from_bytes, race_of};
pub use self::digest::{Digest, Forgets};
pub use self::follow::{Followed, follow};
pub use self::kept::{Collision, States};
pub use self::locks::Circle;
pub use self::moment::{Moment, Recalled};
pub use self::program::{
    Act, BRANCHES, Branch, Destination, Exit, Expires, Fate, Fetched, JOBS, Kept, Leaves, Lock, Manner,
    OBJECTS, On, Outside, Race, Stays, Step as Calling, Wakes,
};
pub use self::replay::{ReplayError, from_trace, replay};
pub use self::scopes::{Scope, Scoped, Situation, scoped};
pub use self::seen::Seen;
pub use self::strategy::{Arrives, Digests, Explored, More, Options, Strategy, Tape, What};
pub use self::subject::{Rest, Run, SUBJECT, Session, run, trace};
pub use self::text::Error;
pub use self::watch::Hang;
pub use self::windows::{Row, Step, Window, Windows};
pub use self::world::{Choice, is_forced_switch};

/// Files are simulated here, and no service lives beside another one.
const INSTANCE: Instance = Instance(0);

/// For tests: the race breaks nothing with this schedule, and no call waits for a later delivery.
///
/// # Panics
/// It breaks something; the message is the race and what it breaks.
pub fn assert_sound(race: &Race, schedule: &[u8]) {
    let run = run(race, schedule);
    assert!(run.violated.is_empty(), "{}\n{race}", run.violated);
    assert_eq!(run.overwaits, 0, "L3\n{race}");
}
