//! The tests of the public face, in one binary because they share a fixture.

mod annotations;
mod exit_codes;
mod explanation;
mod files;
mod fixture;
mod history;
mod junit;
mod kill;
mod mutate;
mod renderings;
mod sarif;
mod sentences;
mod summary;
mod trend;
