//! What can be wrong with a request, each with what to do next.

use properties::simulate::{NotNow, Wrong};

/// Why a page cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// There is no page of this address.
    #[error("there is no page {0}")]
    NoPage(String),
    /// A part of the address has a value that it cannot have.
    #[error("{name}={value} is not one of {}", choose.join(", "))]
    Parameter {
        /// Which part.
        name: &'static str,
        /// What it has.
        value: String,
        /// What it may have.
        choose: Vec<String>,
    },
    /// The path is no sequence of statements.
    #[error("character {at} of the path: {what}")]
    Path {
        /// Where, in characters from 1.
        at: usize,
        /// What is wrong.
        what: String,
        /// What to type instead.
        help: String,
    },
    /// A statement of the path is a question or looks back, and is no step.
    #[error("statement {number} of the path, {typed}, is no step")]
    NoStep {
        /// Which statement, from 1.
        number: usize,
        /// As it was typed.
        typed: String,
    },
    /// A step is not possible where it stands.
    #[error("step {number}, {typed}, is not possible there: {}", not.what)]
    NotNow {
        /// Which step, from 1.
        number: usize,
        /// The step as typed.
        typed: String,
        /// Why.
        not: NotNow,
        /// The path before it.
        before: String,
    },
    /// No trace of this name is loaded.
    #[error("no trace {0} is loaded")]
    NoTrace(String),
    /// What was sent is no trace.
    #[error("{what}")]
    BadTrace {
        /// What is wrong.
        what: String,
        /// What to do instead.
        help: String,
    },
    /// The form lacks its file.
    #[error("no file was sent")]
    NoFile,
}

impl Problem {
    pub(crate) fn path(wrong: &Wrong) -> Problem {
        Problem::Path { at: wrong.at(), what: wrong.to_string(), help: wrong.help().to_owned() }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Problem::NoPage(_) | Problem::NoTrace(_) => 404,
            Problem::BadTrace { .. } => 422,
            _ => 400,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Problem::NoPage(_) => "The pages are: walk, trace, graph.".to_owned(),
            Problem::Parameter { .. } => "Correct the address, or begin a new walk.".to_owned(),
            Problem::Path { help, .. } => help.clone(),
            Problem::NoStep { .. } => {
                "A path has steps alone, such as `create; add; resume`; `bgcheck simulate` answers questions."
                    .to_owned()
            }
            Problem::NotNow { not, .. } => not.help.clone(),
            Problem::NoTrace(_) => {
                "Load it again: this server keeps the last few traces, while it runs.".to_owned()
            }
            Problem::BadTrace { help, .. } => help.clone(),
            Problem::NoFile => "Choose a file first.".to_owned(),
        }
    }
}
