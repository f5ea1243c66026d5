//! A person plays client, network, disk and clock, and asks the specification.
//!
//! **What it is.** A [`Session`] takes statements ([`read()`]) and gives [`Reply`]s, which [`text()`], [`standing()`] and [`json()`] render. Each step goes through
//! the driver and the lockstep of the checker, so that the core under test runs beside the specification and must agree. A session has
//! one dialect or both.
//!
//! **What it is not.** A terminal: it reads no key and opens no file. And no second model: what it adds are words and reasons.
//!
//! **The law it keeps.** The state is a function of the steps: what is taken back was never done. What can be typed was defined by
//! [`Act`], and each step that was done prints as one.
//!
//! ```
//! use contract::{Core, Dialect};
//! use engine::core::Core as Engine;
//! use properties::minimize::CoreName;
//! use properties::simulate::{Reply, Session, read, text};
//!
//! let mut session = Session::<Engine>::new(CoreName::Core, &[Dialect::Bits], Engine::new);
//! let mut last = String::new();
//! for statement in read("create; resume").unwrap() {
//!     last = text(&session.obey(&statement).unwrap());
//! }
//! assert!(last.contains("Resume -> BG_E_EMPTY"), "{last}");
//! ```

mod act;
mod call;
mod choices;
mod complete;
mod help;
mod read;
mod render;
mod session;
mod side;
mod situation;
mod weak;
mod why;

pub use self::act::{Act, On, Verb, Who};
pub use self::choices::{Actor, Choice, Leads, Weight, Where};
pub use self::complete::complete;
pub use self::read::{MOST_CHARACTERS, Statement, Wrong, read};
pub use self::render::{json, standing, text};
pub use self::session::{Answers, Asked, MOST_STEPS, Registers, Reply, Session, Sided, Step};
pub use self::side::{Done, NotNow, Would};
pub use self::situation::{DueNow, Fate, JobStands, Situation};
pub use self::weak::Weak;
pub use self::why::{Cited, Reason};
