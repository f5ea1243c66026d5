//! Reference models: models with published or computable counts, that the explorers are tested and measured on.
//!
//! - [`counters`]: counters modulo a number, every combination reachable: `modulus` to the power of `count` states, `count` edges each.
//! - [`two_phase`]: two-phase commit, after the TLA+ example TwoPhase: with 8 participants
//!   1,745,408 states, and 18,507,778 generated, the first one included, so one edge less.

pub mod counters;
pub mod two_phase;
