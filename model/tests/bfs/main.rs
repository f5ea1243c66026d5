//! The explorer against stateright's, against published counts, and against itself with other numbers of workers.

mod checkpoints;
mod counts;
mod determinism;
mod liveness;
mod toy;
