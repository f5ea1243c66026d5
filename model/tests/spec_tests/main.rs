//! The specification against the facts: every method in every state, every semantics a to o as a short script, and
//! answers to anything at all.

mod matrix;
mod pictures;
mod refusals;
mod script;
mod semantics;
mod totality;
