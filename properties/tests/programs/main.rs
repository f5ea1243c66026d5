//! Programs on the stepped core: run, judged, made small, played by hand.
//!
//! One binary: each more is linked with everything once more.

#[path = "../inputs/mod.rs"]
mod inputs;

mod canary;
mod canonical_view;
mod deadlines;
mod edges;
mod explorers;
mod identity;
mod minimal;
mod program_epoch;
mod programs;
mod simulate;
mod subject_example;
