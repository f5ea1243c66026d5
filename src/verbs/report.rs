//! `bgcheck report`: results that were written once, shown again.

use std::path::PathBuf;

use reports::{ExitCode, ReportError, Results};

use crate::error::Error;
use crate::output::Output;
use crate::place::Place;

/// Show the results of a run again.
///
/// Without a path, the newest report of `bgcheck nightly` is shown. The exit code is that of the results shown.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck report
  bgcheck report reports/out/2026-01-02 --format markdown
  bgcheck check --json > results.json; bgcheck report results.json")]
pub(crate) struct Args {
    /// A `results.json`, or the directory that has one.
    path: Option<PathBuf>,
    /// How to render it.
    #[arg(long, value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How to render results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    Terminal,
    /// For a review or a chat.
    Markdown,
    /// One file without external assets.
    Html,
    /// For a machine.
    Json,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => newest(&Place::here())?,
    };
    let results = reports::read(&path).map_err(explained)?;
    let format = if args.json { Format::Json } else { args.format };
    output.text(&rendered(&results, format, output.style()))?;
    Ok(results.outcome().exit_code)
}

fn rendered(results: &Results, format: Format, style: reports::Style) -> String {
    match format {
        Format::Terminal => reports::terminal(results, style),
        Format::Markdown => reports::markdown(results),
        Format::Html => reports::html(results),
        Format::Json => reports::json(results),
    }
}

/// The report that was written last. Names begin with the day, but a day may have more than nine.
fn newest(place: &Place) -> Result<PathBuf, Error> {
    let dir = place.reports();
    let missing = || {
        Error::usage(
            format!("there is no report in {}", dir.display()),
            "name a results.json, or run `bgcheck nightly` first",
        )
    };
    let entries = std::fs::read_dir(&dir).map_err(|_| missing())?;
    let written = |dir: PathBuf| {
        let time = std::fs::metadata(dir.join("results.json")).and_then(|file| file.modified()).ok()?;
        Some((time, dir))
    };
    let newest = entries.flatten().filter_map(|entry| written(entry.path())).max();
    newest.map(|(_, dir)| dir).ok_or_else(missing)
}

/// The error with what to do about it.
pub(crate) fn explained(error: ReportError) -> Error {
    let help = match &error {
        ReportError::DiskFull { .. } => "free some space, or name another directory with `--out`",
        ReportError::Write { .. } => "name another directory with `--out`",
        ReportError::WrongVersion { .. } => "use the version of bgcheck that wrote it, or run it again",
        ReportError::Missing { .. } => "run `bgcheck nightly` first, or name a results.json or its directory",
        _ => "name a results.json that `bgcheck nightly` or `bgcheck check --json` has written",
    };
    Error::Report(error, help.to_owned())
}
