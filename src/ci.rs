//! What a CI system is given of a run: JUnit's XML, SARIF, annotations, and the page of a GitHub workflow.
//!
//! **What it is.** Options that every verb with results may flatten into its own, and the function that does what they ask for.
//!
//! **What it is not.** A rendering: `reports` has those.
//!
//! **The law it keeps.** A file that cannot be written is a warning, and changes no verdict.

use std::io::Write as _;
use std::path::PathBuf;

use reports::{Pages, Results};

use crate::error::Error;
use crate::files::write;
use crate::output::Output;

/// What to write for a CI system.
#[derive(clap::Args, Debug)]
pub(crate) struct Formats {
    /// The results as JUnit's XML, too, for a CI system that shows tests.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The failures as SARIF 2.1.0, too, for code scanning.
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Annotations for a GitHub workflow on stderr, ten at most; done by itself inside of one.
    #[arg(long)]
    annotations: bool,
}

/// Who is informed of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Audience {
    /// Those whom the options name, and the CI system around the run.
    All,
    /// Those whom the options name: the run is of something that is broken on purpose, and nothing that the CI system has to show.
    Named,
}

/// Writes what was asked for, and what the surrounding CI system is known to read. `warnings` are further things to be warned of.
pub(crate) fn inform(
    args: &Formats,
    results: &Results,
    warnings: &[String],
    audience: Audience,
    output: &Output,
) {
    let files = [
        args.junit.as_ref().map(|path| (path, reports::junit(results))),
        args.sarif.as_ref().map(|path| (path, reports::sarif(results, &pages()))),
    ];
    for (path, text) in files.into_iter().flatten() {
        if let Err(error) = write(path, &text) {
            output.warn(&error);
        }
    }
    let is_shown = audience == Audience::All;
    if args.annotations || is_shown && is("GITHUB_ACTIONS", "true") {
        // GitHub reads both streams; stdout may have the results for a machine.
        for line in reports::annotations(results, warnings) {
            output.note(&line);
        }
    }
    if is_shown {
        summarize(results, warnings, output);
    }
}

/// Appends the most important of the results to the page of a GitHub workflow, where this is one.
fn summarize(results: &Results, warnings: &[String], output: &Output) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else { return };
    let text = reports::summary(results, warnings);
    let appended = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(source) = appended {
        output.warn(&Error::Write { path, source });
    }
}

/// Where the documentation of this version can be read: at `BGCHECK_PAGES`, or in the repository that a GitHub workflow works in.
pub(crate) fn pages() -> Pages {
    let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let workflow = || {
        let [server, repository, commit] = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"].map(of);
        Some(format!("{}/{}/blob/{}", server?, repository?, commit?))
    };
    of("BGCHECK_PAGES").or_else(workflow).map_or(Pages::Unknown, Pages::Below)
}

fn is(name: &str, value: &str) -> bool {
    std::env::var_os(name).is_some_and(|is| is == value)
}
