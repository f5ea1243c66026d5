//! The explorer against stateright's, against published counts, and against itself with other numbers of workers.

mod checkpoints;
mod cluster;
mod counts;
mod determinism;
mod liveness;
mod memory;
mod toy;
