//! aria2 as an adapter process.
//!
//! **What it is.** A job is a download of aria2, an event one of its notifications. README.md has the mapping.
//!
//! **What it is not.** A client library of its own: it holds the registered object, because aria2 has no place for one, and nothing that a rule
//! is about.
//!
//! **The law it keeps.** A notification is handed to the client's object by the thread that reads the connection, before any later answer is read.
//! So the order of what clients see is the order in which aria2 sent it.

#![forbid(unsafe_code)]

mod process;
mod rpc;
mod status;
mod subject;

use std::io::{self, BufReader, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use adapter::serve::{Subject, serve};
use adapter::wire::{Hello, can};

use self::process::Aria2;
use self::subject::Downloads;

/// What is passed on.
const METHODS: [&str; 9] = [
    "CreateJob",
    "AddFile",
    "Resume",
    "Suspend",
    "Cancel",
    "GetState",
    "GetProgress",
    "GetError",
    "SetNotifyInterface",
];

fn main() -> ExitCode {
    let served = serve(BufReader::new(io::stdin().lock()), io::stdout(), |greeting, callbacks| {
        let aria2 = Aria2::start(&greeting.root, greeting.seed)?;
        let version = aria2.version()?;
        let subject = Downloads::start(aria2, callbacks.clone())?;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let hello = Hello {
            name: "aria2".to_owned(),
            version: Some(version),
            language: Some("rust".to_owned()),
            issues: Some("https://github.com/aria2/aria2/issues".to_owned()),
            methods: words(&METHODS),
            events: words(&["JobTransferred", "JobError"]),
            can: words(&[can::RACE, can::NESTED, can::HOLD, can::GIVEN]),
            ..Hello::default()
        };
        Ok((hello, subject as Arc<dyn Subject>))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            // Without stderr the error cannot be reported.
            let _ = writeln!(io::stderr(), "error: {text}");
            ExitCode::FAILURE
        }
    }
}
