//! Schedules of the service, searched: the engines on the subject [`subjects::race`].
//!
//! **What it is.** [`hunt()`] runs many races under many schedules each, and looks for one that breaks a rule. A [`Kind`] is a way to
//! choose schedules; [`complete()`] runs every schedule of a race, up to those whose rest is known. A race may be held to the protocol
//! ([`ground`]).
//!
//! **What it is not.** A proof, except for races so small that [`Kind::Exhaustive`] or [`Kind::Complete`] comes to their end.
//!
//! **The law it keeps.** The options determine the schedules and their order. What was found is a race and a tape, which repeat it.

mod circles;
mod complete;
mod hunt;
mod kinds;
mod legs;
mod nodes;
mod numbers;
mod refine;

pub use subjects::race::*;

pub use self::complete::{Merges, complete};
pub use self::hunt::{Exhausted, Failure, HuntOptions, Hunted, Races, Steps, Strayed, hunt};
pub use self::kinds::Kind;
pub use self::refine::{Beyond, Refine, ground, slices};
pub use crate::stop::Stop;
