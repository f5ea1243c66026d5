//! What can go wrong, each with where, why that is likely, and what to type next.

use std::path::PathBuf;

use judge::TraceError;
use reports::{ExitCode, ReportError};
use thiserror::Error as ThisError;

/// Why a verb could not do what it was asked to.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// The command line is well formed and makes no sense.
    #[error("{what}")]
    Usage {
        /// What makes no sense.
        what: String,
        /// What to type instead.
        help: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The error that the system returned.
        source: std::io::Error,
        /// What to type instead.
        help: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// The error that the system returned.
        source: std::io::Error,
    },
    /// A trace is malformed.
    #[error("{file} is not a trace that can be read")]
    Trace {
        /// What is wrong.
        source: TraceError,
        /// The file.
        file: String,
        /// The line, when it can be shown.
        at: Option<Place>,
    },
    /// A trace is well formed, but is not of a program that can be run again.
    #[error("{} cannot be run again: {why}", path.display())]
    NotAProgram {
        /// Which file.
        path: PathBuf,
        /// What is in the way.
        why: String,
    },
    /// A report cannot be written or read.
    #[error("{0}")]
    Report(
        ReportError,
        /// What to type instead.
        String,
    ),
    /// The engine is wrong, so that what was to be made of it is not.
    #[error("{what}")]
    Broken {
        /// What is wrong.
        what: String,
        /// How to see more of it.
        help: String,
    },
    /// Something outside has to be there, and is not.
    #[error("{what}")]
    Missing {
        /// What is missing.
        what: String,
        /// How to install it.
        help: String,
    },
    /// Another program did not do what it always does.
    #[error("{program} failed: {why}")]
    Program {
        /// Which program.
        program: String,
        /// How it failed.
        why: String,
    },
    /// An exploration came to no result.
    #[error("the exploration came to no result")]
    Explore(#[source] explorer::Error),
    /// What an exploration needs outside of it is not there, or not as it should be.
    #[error("{what}")]
    Resource {
        /// What is wrong.
        what: explorer::Error,
        /// What to type next.
        help: &'static str,
    },
    /// The workbench cannot be built with a feature.
    #[error("bgcheck does not build with what this verb needs inside: {why}")]
    Build {
        /// Which feature.
        feature: &'static str,
        /// The last line that cargo printed.
        why: String,
    },
    /// Stdout cannot be written, for another reason than that its reader has closed it.
    #[error("cannot write the results to stdout")]
    Stdout(#[source] std::io::Error),
}

impl From<explorer::Error> for Error {
    fn from(source: explorer::Error) -> Self {
        use explorer::Error as Of;
        let help = match &source {
            Of::NoCheckpoint(_) => {
                "begin with `--checkpoint DIR`, which writes what `--resume DIR` goes on from"
            }
            Of::Occupied(_) => "go on with `--resume DIR`, or name a new directory",
            Of::OtherCheckpoint { .. } => {
                "type what was typed with `--checkpoint`, with `--resume` instead of it"
            }
            Of::Damaged { .. } => {
                "begin again with `--checkpoint` and a new directory; a damaged checkpoint is of no use"
            }
            Of::DiskFull => "make room and go on with `--resume`, or name a place on another disk",
            Of::Disk(_) => "check that the directory exists and can be written",
            Of::Cluster(_) => {
                "start all processes with equal options and equal files of addresses, and each with its own `--process`"
            }
            Of::Model(_) | Of::Workers(_) | Of::Path | Of::NotStorable => return Error::Explore(source),
        };
        Error::Resource { what: source, help }
    }
}

impl Error {
    /// What the command ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::Broken { .. } => ExitCode::Violated,
            Error::Missing { .. } => ExitCode::Skipped,
            Error::Program { .. } | Error::Build { .. } | Error::Explore(_) => ExitCode::Internal,
            _ => ExitCode::Usage,
        }
    }

    /// A usage error.
    pub(crate) fn usage(what: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Usage { what: what.into(), help: help.into() }
    }

    /// The trace in `text` is malformed.
    pub(crate) fn trace(name: &str, text: &str, source: TraceError) -> Error {
        let at = source.line().and_then(|number| Place::of(text, number));
        Error::Trace { source, file: name.to_owned(), at }
    }

    /// The file, and its line, that it is about.
    pub(crate) fn place(&self) -> Option<(&str, &Place)> {
        match self {
            Error::Trace { file, at, .. } => at.as_ref().map(|place| (file.as_str(), place)),
            _ => None,
        }
    }

    /// What to type next.
    pub(crate) fn help(&self) -> Option<String> {
        let help: &str = match self {
            Error::Usage { help, .. }
            | Error::Read { help, .. }
            | Error::Report(_, help)
            | Error::Broken { help, .. }
            | Error::Missing { help, .. } => help,
            Error::Resource { help, .. } => help,
            Error::Write { .. } => {
                "check that the directory exists and that the disk has space, or name another place"
            }
            Error::Trace { .. } => {
                "a trace is JSON Lines, a header and then one event per line; its schema is in `judge/schema`. If the file \
                 was cut off, delete its last line."
            }
            Error::NotAProgram { .. } => "leave out `--subject` to judge the trace as it was recorded",
            Error::Program { .. } => "run `bgcheck doctor` to see what is installed",
            Error::Explore(_) => {
                "this is a mistake in bgcheck; `bgcheck check --engine stateright` explores without our explorer"
            }
            Error::Stdout(_) => "the disk that stdout is redirected to may be full",
            Error::Build { feature, .. } => {
                return Some(format!(
                    "run `cargo build --profile experiment --features {feature} --target-dir target/{feature}` to see why"
                ));
            }
        };
        Some(help.to_owned())
    }
}

/// A line of a file.
#[derive(Debug)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) number: usize,
    /// What it has.
    pub(crate) line: String,
}

/// Lines longer than this are not shown.
const SHOWN: usize = 400;

impl Place {
    /// The line with this number, if it can be shown.
    fn of(text: &str, number: usize) -> Option<Place> {
        let line = text.lines().nth(number.checked_sub(1)?)?.trim_end();
        // A control character in it would be obeyed by the terminal.
        let fits = !line.is_empty() && line.len() <= SHOWN && !line.chars().any(char::is_control);
        fits.then(|| Place { number, line: line.to_owned() })
    }
}
