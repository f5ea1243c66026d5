//! `bgcheck adapter run`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use judge::RuleSet;
use properties::oracle::Stop;
use reports::{ExitCode, Subject};

use super::page::{document, page};
use crate::ci;
use crate::cli;
use crate::clock::Clock;
use crate::engines::adapter::{Told, Trial, Verdict, WORKERS, interrupted, result, tried};
use crate::engines::check::default_traces;
use crate::engines::known::{self, Accepted, Known, Standing};
use crate::engines::known_traces::KnownTraces;
use crate::error::Error;
use crate::files::write;
use crate::findings::Traces;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run::{ended, results};
use crate::signals;
use crate::watch::{Limit, worker};

/// Try the implementation behind an adapter.
///
/// Suites under what the adapter can do, the smallest first; each call that can race a callback, against it; calls that must be refused;
/// random paths for the rest of the time. What is found is led again, and made smaller. A failure that stands in the file of known failures
/// does not count.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck adapter run adapters/python/adapter.toml
  bgcheck adapter run adapter.toml --budget 10m --out report
  bgcheck adapter run adapter.toml --accept              what is found becomes known
  bgcheck adapter run adapter.toml --junit target/junit.xml --sarif target/bgcheck.sarif

Exit codes: 0 held, or everything found is known; 2 violated, or a known failure is gone or has changed;
3 something came, and not each time; 4 nothing could be run; 6 the adapter is at fault.")]
pub(super) struct Args {
    /// The adapter: an adapter.toml, or its directory.
    #[arg(value_name = "ADAPTER")]
    adapter: PathBuf,
    /// How long in all.
    #[arg(long, value_parser = cli::budget, default_value = "60s", value_name = "TIME")]
    budget: Duration,
    /// The seed of delays and of random paths; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End with the first failure.
    #[arg(long)]
    stop_at_first: bool,
    /// Processes of the adapter that race, and are led along random paths, at once.
    #[arg(long, default_value_t = WORKERS, value_name = "N")]
    workers: NonZeroUsize,
    /// The file of known failures; the one that the adapter.toml names when left out.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write what is found into the file of known failures, and the trace of each into the directory of its name. Where time was over before
    /// everything was tried, its other entries stay.
    #[arg(long)]
    accept: bool,
    /// Where the report and the traces of failures go; no report, and traces below target, when left out.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ci: ci::Formats,
    /// The results for a machine.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let manifest = super::manifest(&args.adapter)?;
    let place = Place::here();
    let _own = Lock::of_named(args.out.as_deref())?;
    let traces = match &args.out {
        Some(out) => Traces { dir: out.join("traces"), from_report: PathBuf::from("traces") },
        None => default_traces(&place.target()),
    };
    let path = args.known.clone().or_else(|| manifest.known());
    let known = path.as_deref().map(Known::read).transpose()?.unwrap_or_default();
    if args.accept && path.is_none() {
        let help = "name one with `--known known.toml`, or in adapter.toml: known = \"known.toml\"";
        return Err(Error::usage("there is no file of known failures to write", help));
    }
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let stop = Stop::at_first(args.stop_at_first);
    let trial = Trial {
        manifest: &manifest,
        budget: args.budget,
        seed,
        stop,
        workers: args.workers,
        canary: None,
        known: &known.identities(),
    };
    worker::begin("adapter", Some(Subject::Foreign), "", Limit::of(args.budget + PATIENCE));
    let tried = tried(&trial, output)?;
    let verdict = Verdict::of(&tried, &known, stop, &traces);
    let interrupted = interrupted(&tried, &traces);
    let mut code = verdict.code;
    let nothing = tried.campaign.tally.passed == 0 && verdict.found.is_empty();
    if let Some(signal) = signals::first().filter(|_| nothing) {
        code = signal.exit_code();
    }
    let mut all = results(&place, RuleSet::HERE, seed, Some(args.budget));
    all.engines.push(result(&tried, &verdict));
    ended(&mut all);
    // Written before the results, and reported behind them: they are not lost because of it.
    let accepted = args.accept.then(|| accept(&known, &verdict, &traces));
    if matches!(accepted, Some(Ok(()))) && code != ExitCode::Skipped {
        code = ExitCode::Held;
    }
    match args.json {
        true => output.json(&document(&tried, &verdict, &interrupted, seed, code))?,
        false => output.text(&page(&tried, &verdict, &interrupted, (seed, code), output))?,
    }
    if let Some(out) = &args.out {
        finish::report(out, &all, Reader::of_json(args.json), output);
    }
    match accepted {
        // The results are there, and a disk that is full does not change them.
        Some(Err(error @ Error::Write { .. })) => output.warn(&error),
        Some(refused) => refused?,
        None => {}
    }
    ci::inform(&args.ci, &all, &[], ci::Audience::All, output);
    Ok(code)
}

/// How long what was found may be led again beyond the budget, by an implementation that is slow to answer.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Writes the file of known failures, and their traces beside it. Where not everything was tried, what was not found may be there all the same, and
/// stays in the file.
fn accept(known: &Known, verdict: &Verdict<'_>, traces: &Traces) -> Result<(), Error> {
    let ids = verdict.ids();
    let accepted = verdict.found.iter().map(Told::accepted);
    let others = known.others(&ids).filter(|_| !verdict.is_whole);
    let all: Vec<Accepted<'_>> = accepted.chain(others).collect();
    let beside = KnownTraces::of(known.path());
    for one in &verdict.found {
        beside.keep(one, traces)?;
    }
    write(known.path(), &known::text(known, &all))?;
    // What the file named has its trace until the file names it no more.
    beside.forget_all_but(&all)
}

/// How many failures are known.
pub(super) fn count_known(found: &[Told]) -> usize {
    found.iter().filter(|one| one.standing == Standing::Known).count()
}
