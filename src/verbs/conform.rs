//! `bgcheck conform`: a generated suite on a subject.

use std::path::PathBuf;

use clap::ValueEnum;
use contract::defect::Design;
use properties::suite::{COMMITTED, Committed, Suite};
use reports::ExitCode;
use serde_json::json;

use crate::cli::CoreChoice;
use crate::engines::adapter;
use crate::engines::check::default_traces;
use crate::engines::conform::page::Ran;
use crate::engines::conform::{self, On, Suites};
use crate::error::Error;
use crate::findings::Traces;
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run;
use crate::signals;
use crate::watched::STOPPED;

/// Run suites on a subject, file by file.
///
/// Without `--suite` these are the committed ones that the subject can follow: they come from the sound model, and not from what is under
/// test. On the core, every file runs in lockstep with the specification, and what the files reach is counted against what the suite
/// promises; anything missing is named, and the command ends with 4. A file that the subject cannot be made to follow is reported
/// as not runnable, and never as passed. Whatever the subject, answers, callbacks and states are compared by one function.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck conform                                        the committed suites, on the engine's core
  bgcheck conform --subject race                         on its service, under schedules that follow each path
  bgcheck conform --subject live                         on real threads, as far as that can be led
  bgcheck conform --suite bits-tiny                      one of the committed suites
  bgcheck conform --suite suite                          a suite that `bgcheck generate -o suite` has written
  bgcheck conform --suite suite --canary                 a core that is wrong: ends with 2
  bgcheck conform --adapter adapters/python/adapter.toml another implementation
  bgcheck conform --suite suite --recorded traces        traces of another implementation, one per file")]
pub(crate) struct Args {
    /// The suite: a directory that `bgcheck generate` has written, or the name of a committed one.
    #[arg(long, value_name = "DIR|NAME")]
    suite: Option<PathBuf>,
    /// What to run it on.
    #[arg(long, value_enum, default_value_t, value_name = "SUBJECT", conflicts_with = "recorded")]
    subject: SubjectName,
    /// Judge traces that another implementation has recorded, with the names of the suite's files.
    #[arg(long, value_name = "DIR", conflicts_with = "canary", requires = "suite")]
    recorded: Option<PathBuf>,
    /// Run it on another implementation, through its adapter.
    #[arg(long, value_name = "ADAPTER", conflicts_with_all = ["canary", "recorded", "subject"])]
    adapter: Option<PathBuf>,
    /// Run it on a subject that is wrong on purpose: a core that does not wait, a service without the barrier.
    #[arg(long)]
    canary: bool,
    /// Where the trace of a failure goes.
    #[arg(long = "out", short = 'o', alias = "trace-dir", value_name = "DIR")]
    trace_dir: Option<PathBuf>,
    /// What became of each file, for a machine.
    #[arg(long)]
    json: bool,
}

/// What a suite runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum SubjectName {
    /// The engine's core, stepped by hand.
    #[default]
    Core,
    /// Its service, led along each path under the race runtime.
    Race,
    /// Its service on real threads, with real HTTP and files: what it does by itself it does when it wants.
    Live,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let traces = match &args.trace_dir {
        Some(dir) => Traces::in_dir(dir.clone()),
        None => default_traces(&Place::here().target()),
    };
    let _own = Lock::of_named(args.trace_dir.as_deref())?;
    let manifest = args.adapter.as_deref().map(adapter::manifest).transpose()?;
    let on = match &manifest {
        Some(manifest) => On::Adapter(manifest),
        None => on(args)?,
    };
    let mut codes = Vec::new();
    let mut documents = Vec::new();
    let mut found_any = false;
    let (suites, ahead) = (suites(args, on)?, Suites::none());
    // All are known before the first begins, so that what is left is about the whole.
    for (name, suite) in &suites {
        ahead.turn(on.name(), &part(*name, args), suite);
    }
    for (name, suite) in suites {
        if run::is_stopped() {
            break;
        }
        let cover = suite.manifest.cover().map_err(conform::of_another_version)?;
        let turn = ahead.turn(on.name(), &part(name, args), &suite);
        let conformed = on.run(&suite, turn, output)?;
        let failure = conform::keep(&conformed, &traces);
        let ran = Ran { on, suite: &suite, name, conformed: &conformed, failure: failure.as_ref() };
        codes.push(ran.code());
        found_any |= conformed.passed() > 0;
        match args.json {
            true => documents.push(ran.document()),
            false => output.text(&ran.text(cover))?,
        }
    }
    let mut code = worst(&codes);
    let stopped = signals::first();
    if let Some(signal) = stopped {
        if !args.json {
            output.text(&format!("\npartial: {STOPPED}; these are the results up to then"))?;
        }
        if !found_any && code != ExitCode::Violated {
            code = signal.exit_code();
        }
    }
    match (args.json, &documents[..]) {
        (true, [one]) if stopped.is_none() => output.json(one)?,
        (true, _) => output.json(&json!({
            "version": 1, "suites": documents, "stopped_by": stopped, "exit_code": code.code(),
        }))?,
        (false, _) => {
            let verdict = format!("\n{}\n", output.verdict(code));
            output.text(&verdict)?;
        }
    }
    Ok(code)
}

/// What a suite is called where it is remembered what it took.
fn part(name: Option<&str>, args: &Args) -> String {
    let path = || args.suite.as_ref().map(|path| path.display().to_string());
    name.map(str::to_owned).or_else(path).unwrap_or_default()
}

/// What is asked for, when it is not another implementation's adapter.
fn on(args: &Args) -> Result<On<'_>, Error> {
    match (&args.recorded, args.subject, args.canary) {
        (Some(dir), ..) => Ok(On::Recorded(dir)),
        (None, SubjectName::Core, false) => Ok(On::Core(CoreChoice::Core)),
        (None, SubjectName::Core, true) => Ok(On::Core(CoreChoice::Canary)),
        (None, SubjectName::Race, false) => Ok(On::Race(Design::Barrier)),
        // A design that looks again and then calls: Cancel may slip in between.
        (None, SubjectName::Race, true) => Ok(On::Race(Design::Recheck)),
        (None, SubjectName::Live, false) => Ok(On::Live),
        (None, SubjectName::Live, true) => {
            let help = "run it on `core` or on `race`, or see `bgcheck nightly --canary`";
            Err(Error::usage("the live subject has no version that is wrong on purpose here", help))
        }
    }
}

/// The suite that is named, or every committed one that the subject can follow, with its name.
fn suites(args: &Args, on: On<'_>) -> Result<Vec<(Option<&'static str>, Suite)>, Error> {
    let of = |committed: &'static Committed| Ok((Some(committed.name), conform::committed(committed)?));
    match &args.suite {
        Some(path) => match path.to_str().and_then(Committed::named).filter(|_| !path.is_dir()) {
            Some(committed) => Ok(vec![of(committed)?]),
            None => Ok(vec![(None, conform::read(path)?)]),
        },
        None => COMMITTED.iter().filter(|committed| committed.order.pace == on.pace()).map(of).collect(),
    }
}

/// What several suites come to together.
fn worst(codes: &[ExitCode]) -> ExitCode {
    let order = [ExitCode::Violated, ExitCode::Vacuous];
    order.into_iter().find(|code| codes.contains(code)).unwrap_or(ExitCode::Held)
}
