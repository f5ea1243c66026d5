//! `bgcheck report`: results that were written once, shown again; and which sentences of the documents are followed.

use std::path::PathBuf;

use reports::{ExitCode, ReportError, Results, Sentences, Style};

use crate::error::Error;
use crate::finish;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Show the results of a run again.
///
/// Without a path, the newest report of `bgcheck nightly` is shown. The exit code is that of the results shown.
///
/// With `--sentences` no results are needed: it lists the sentences of the documents that no rule judges by, what follows no sentence
/// and so is our choice, and the sentences whose rule no seeded fault exercises.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck report
  bgcheck report reports/out/2026-01-02 --format markdown
  bgcheck check --json > results.json; bgcheck report results.json
  bgcheck report --sentences                      what the documents say, and what of it is judged
  bgcheck report --sentences --format markdown    every sentence, with its source and with what follows it")]
pub(crate) struct Args {
    /// A `results.json`, or the directory that has one.
    path: Option<PathBuf>,
    /// How to render it.
    #[arg(long, value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The sentences of the documents instead of results.
    #[arg(long, conflicts_with = "path")]
    sentences: bool,
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
    let format = if args.json { Format::Json } else { args.format };
    if args.sentences {
        output.text(&listed(&run::sentences(), format, output.style()))?;
        return Ok(ExitCode::Held);
    }
    let path = match &args.path {
        Some(path) => path.clone(),
        None => newest(&Place::here())?,
    };
    let results = reports::read(&path).map_err(explained)?;
    let text = rendered(&results, format, output.style());
    Ok(finish::print(&text, results.outcome().exit_code, output))
}

fn listed(sentences: &Sentences, format: Format, style: Style) -> String {
    match format {
        Format::Terminal => sentences.terminal(style),
        Format::Markdown => sentences.markdown(),
        Format::Html => sentences.html(),
        Format::Json => sentences.json(),
    }
}

fn rendered(results: &Results, format: Format, style: Style) -> String {
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
