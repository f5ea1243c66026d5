//! Races: the service under schedules of our choice.
//!
//! One binary: each more is linked with everything once more.

mod complete;
mod designs;
mod destructors;
mod exhaustive;
mod seldom;
mod sound;
mod starvation;
mod tapes;
