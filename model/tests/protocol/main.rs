//! The protocol model: what the barrier keeps, what every weaker design breaks, and that less exploring shows as much.

mod barrier;
mod counts;
mod designs;
mod document;
mod engines;
mod liveness;
mod reduction;
mod size;
mod stories;
mod support;
mod vacuous;
