//! `bgcheck report`: results that were written once, shown again or compared; how nights compare; which sentences of the documents are followed.

use std::path::{Path, PathBuf};

use reports::{Comparison, ExitCode, Trend};

use crate::engines::history;
use crate::engines::shown::{Format, Shown, explained};
use crate::error::Error;
use crate::files::write;
use crate::finish;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Show the results of a run again, compare two runs, or show how the nights compare.
///
/// Without a path, the newest report of `bgcheck nightly` is shown. The exit code is that of the results shown.
///
/// With two paths, the earlier run first, it shows what is new, gone and changed. The exit code is 2 when the later run found something that
/// the earlier one had not, else 0.
///
/// With `--trend` it shows rates, coverage, states, schedules, findings and durations over the nights. Lines break where the class of
/// machines changes. A rate of the newest night 20 % below the median of its last 5 nights on that class is warned of; the exit code
/// is 0.
///
/// With `--sentences` no results are needed: it lists the sentences of the documents that no rule judges by, what follows no sentence
/// and so is our choice, and the sentences whose rule no seeded fault exercises.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck report
  bgcheck report reports/out/2026-01-02 --format markdown
  bgcheck report reports/out/2026-01-01 reports/out/2026-01-02    what is new
  bgcheck report --trend                          how the nights compare
  bgcheck report --trend --html target/trend.html
  bgcheck report reports/out/2026-01-02 --format sarif > bgcheck.sarif
  bgcheck check --json > results.json; bgcheck report results.json
  bgcheck report --sentences                      what the documents say, and what of it is judged
  bgcheck report --sentences --format markdown    every sentence, with its source and with what follows it")]
pub(crate) struct Args {
    /// A `results.json`, or the directory that has one.
    path: Option<PathBuf>,
    /// A later one, to compare with it.
    #[arg(requires = "path")]
    after: Option<PathBuf>,
    /// How the nights of a history compare [default: reports/history.ndjson].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "after", "sentences"])]
    #[expect(clippy::option_option, reason = "it may be given without a file")]
    trend: Option<Option<PathBuf>>,
    /// How to render it.
    #[arg(long, value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    format: Format,
    /// What `--format json` does.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The page goes to this file, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The sentences of the documents instead of results.
    #[arg(long, conflicts_with = "path")]
    sentences: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let format = if args.json { Format::Json } else { args.format };
    let style = output.style();
    let (shown, code) = if args.sentences {
        (Shown::Sentences(run::sentences()), ExitCode::Held)
    } else if let Some(file) = &args.trend {
        (Shown::Trend(trend(file.as_deref())?), ExitCode::Held)
    } else {
        let path = match &args.path {
            Some(path) => path.clone(),
            None => newest(&Place::here())?,
        };
        let results = reports::read(&path).map_err(explained)?;
        match &args.after {
            Some(after) => {
                let comparison = Comparison::of(&results, &reports::read(after).map_err(explained)?);
                let code = comparison.exit_code();
                (Shown::Comparison(comparison), code)
            }
            None => {
                let code = results.outcome().exit_code;
                (Shown::Results(results), code)
            }
        }
    };
    let text = shown.rendered(format, style)?;
    let page = args.html.as_ref().map(|path| Ok::<_, Error>((path, shown.rendered(Format::Html, style)?)));
    let page = page.transpose()?;
    finish::print(&text, code, output);
    if let Some((path, page)) = page {
        finish::warned(write(path, &page), output);
    }
    Ok(code)
}

fn trend(file: Option<&Path>) -> Result<Trend, Error> {
    let file = file.map_or_else(|| Place::here().history(), Path::to_owned);
    if !file.exists() {
        let what = format!("there is no history at {}", file.display());
        return Err(Error::usage(what, "run `bgcheck nightly` first, which begins one, or name a file"));
    }
    Ok(Trend::of(&history::read(&file)?))
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
