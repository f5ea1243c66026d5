//! What maintains the repository.
//!
//! **What it is.** `cargo xtask bless` renews the generated files: one command in the place of a variable for each test that compares one.
//!
//! **What it is not.** A check: CI runs the tests, which compare. And what it writes is to be read, as a difference, before it is committed.
//!
//! **The law it keeps.** A step that fails does not keep the others from being tried, and the run ends with 1.

#![forbid(unsafe_code)]

mod asked;
mod bless;
mod sources;

use std::process::ExitCode;

use asked::Asked;

fn main() -> ExitCode {
    match Asked::read(std::env::args().skip(1)) {
        Ok(Asked::Help) => {
            print!("{}", asked::HELP);
            ExitCode::SUCCESS
        }
        Ok(Asked::List) => {
            print!("{}", sources::list());
            ExitCode::SUCCESS
        }
        Ok(Asked::Bless(plan)) => bless::bless(&plan),
        Err(wrong) => {
            eprintln!("error: {wrong}\n\nFor more, type: cargo xtask --help");
            ExitCode::from(2)
        }
    }
}
