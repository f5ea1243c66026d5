//! Results that were written once, as they are shown again.

use reports::{Comparison, ReportError, Results, Sentences, Style, Trend};

use crate::ci;
use crate::error::Error;

/// How to render results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a terminal.
    Terminal,
    /// For a review or a chat.
    Markdown,
    /// One file without external assets.
    Html,
    /// For a machine.
    Json,
    /// Of one run: for a CI system that shows tests.
    Junit,
    /// Of one run: for code scanning.
    Sarif,
}

/// What is shown.
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub(crate) enum Shown {
    Results(Results),
    Comparison(Comparison),
    Trend(Trend),
    Sentences(Sentences),
}

impl Shown {
    pub(crate) fn rendered(&self, format: Format, style: Style) -> Result<String, Error> {
        Ok(match (self, format) {
            (Shown::Results(results), Format::Terminal) => reports::terminal(results, style),
            (Shown::Results(results), Format::Markdown) => reports::markdown(results),
            (Shown::Results(results), Format::Html) => reports::html(results),
            (Shown::Results(results), Format::Json) => reports::json(results),
            (Shown::Results(results), Format::Junit) => reports::junit(results),
            (Shown::Results(results), Format::Sarif) => reports::sarif(results, &ci::pages()),
            (Shown::Comparison(comparison), Format::Terminal) => comparison.terminal(style),
            (Shown::Comparison(comparison), Format::Markdown) => comparison.markdown(),
            (Shown::Comparison(comparison), Format::Html) => comparison.html(),
            (Shown::Comparison(comparison), Format::Json) => comparison.json(),
            (Shown::Trend(trend), Format::Terminal) => trend.terminal(style),
            (Shown::Trend(trend), Format::Markdown) => trend.markdown(),
            (Shown::Trend(trend), Format::Html) => trend.html(),
            (Shown::Trend(trend), Format::Json) => trend.json(),
            (Shown::Sentences(sentences), Format::Terminal) => sentences.terminal(style),
            (Shown::Sentences(sentences), Format::Markdown) => sentences.markdown(),
            (Shown::Sentences(sentences), Format::Html) => sentences.html(),
            (Shown::Sentences(sentences), Format::Json) => sentences.json(),
            (_, Format::Junit | Format::Sarif) => {
                let what = "JUnit's XML and SARIF are of the results of one run";
                return Err(Error::usage(what, "name one results.json, or another format"));
            }
        })
    }
}

/// The error with what to do about it.
pub(crate) fn explained(error: ReportError) -> Error {
    let error = match error {
        ReportError::Write { path, source } => return Error::Write { path, source },
        other => other,
    };
    let help = match &error {
        ReportError::DiskFull { .. } => "free some space, or name another directory with `--out`",
        ReportError::WrongVersion { .. } => "use the version of bgcheck that wrote it, or run it again",
        ReportError::Missing { .. } => "run `bgcheck nightly` first, or name a results.json or its directory",
        _ => "name a results.json that `bgcheck nightly` or `bgcheck check --json` has written",
    };
    Error::Report(error, help.to_owned())
}
