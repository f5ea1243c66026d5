//! How a verb that judges ends: the verdict is printed, then files are written, and what cannot be written is a warning.
//!
//! **The law it keeps.** From the moment at which something is judged, no file and no reader changes the exit code.

use std::path::{Path, PathBuf};

use reports::{ExitCode, Results, Style, Trend};
use serde::Serialize;

use crate::engines::shown::explained;
use crate::error::Error;
use crate::files::{write, write_json};
use crate::output::{Output, Versioned, verdict_in_words};
use crate::place::{self, Place};

/// For whom results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    Person,
    Machine,
}

impl Reader {
    /// What an option `--json` chooses.
    pub(crate) const fn of_json(given: bool) -> Reader {
        if given { Reader::Machine } else { Reader::Person }
    }
}

/// Prints a page. When stdout does not take it, the verdict goes to stderr.
pub(crate) fn print(text: &str, code: ExitCode, output: &mut Output) -> ExitCode {
    if let Err(error) = output.text(text) {
        output.warn(&error);
        output.note(&verdict_in_words(code));
    }
    code
}

/// The last step of a run: marks results that are only a part, prints them, and writes the report where one was asked for.
pub(crate) fn results(
    results: &mut Results,
    reader: Reader,
    style: Style,
    out: Option<&Path>,
    output: &mut Output,
) -> ExitCode {
    crate::run::ended(results);
    let code = results.outcome().exit_code;
    let text = match reader {
        Reader::Machine => reports::json(results),
        Reader::Person => reports::terminal(results, style),
    };
    print(&text, code, output);
    if let Some(out) = out {
        report(out, results, reader, output);
    }
    code
}

/// The last step of a run that tests the tester: prints what came of it, writes what is expected from now on, and the document.
pub(crate) fn matrix<T: Serialize, E: Serialize>(
    shown: &T,
    (text, markdown): (&str, &str),
    reader: Reader,
    (out, expected): (&Path, Option<(&Path, &E)>),
    output: &mut Output,
) -> Result<(), Error> {
    match reader {
        Reader::Machine => output.json(&Versioned::first(shown))?,
        Reader::Person => output.text(text)?,
    }
    // What follows are files, and the verdict is there.
    if let Some((path, expected)) = expected {
        warned(write_json(path, expected), output);
    }
    warned(write(out, markdown), output);
    Ok(())
}

/// Writes a report, elsewhere when it cannot be written where it was asked for.
pub(crate) fn report(out: &Path, results: &Results, reader: Reader, output: &mut Output) {
    report_with(out, results, None, reader, output);
}

/// As [`report`], with how this night compares to others, where that is known.
pub(crate) fn report_with(
    out: &Path,
    results: &Results,
    trend: Option<&Trend>,
    reader: Reader,
    output: &mut Output,
) {
    let written = reports::write_with(out, results, trend).or_else(|error| {
        output.warn(&explained(error));
        let other = elsewhere();
        place::prepare(&other)
            .map_err(|source| reports::ReportError::Write { path: other.clone(), source })
            .and_then(|()| reports::write_with(&other, results, trend))
    });
    match written {
        Ok(written) if reader == Reader::Person => {
            // Results that could be printed are followed by where they are; others have a warning.
            let _ = output.text(&format!("\nreport: {}", written.html.display()));
        }
        Ok(written) if !written.html.starts_with(out) => {
            output.note(&format!("the report is in {}", written.html.display()));
        }
        Ok(_) => {}
        Err(error) => output.warn(&explained(error)),
    }
}

/// Where a report goes that cannot be written where it was asked for.
pub(crate) fn elsewhere() -> PathBuf {
    Place::temporary_reports().join(format!("process-{}", std::process::id()))
}

/// Something beside the verdict that could not be done.
pub(crate) fn warned(done: Result<(), Error>, output: &Output) {
    if let Err(error) = done {
        output.warn(&error);
    }
}
