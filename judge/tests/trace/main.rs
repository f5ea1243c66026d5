//! The trace format: what is printed is read, what is wrong is named, and what was written before keeps being read.

mod arbitrary;
mod errors;
mod golden;
mod identity;
mod picture;
mod recording;
mod reports;
mod schema;
