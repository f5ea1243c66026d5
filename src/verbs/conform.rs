//! `bgcheck conform`: a generated suite on a subject.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use contract::Core as _;
use judge::Trace;
use model::suite::{Cover, Pace};
use properties::canary::Canary;
use properties::minimize::{CoreName, Identity};
use properties::race::Design;
use properties::suite::{
    COMMITTED, Case, Committed, Conformed, Finding, Judged, MANIFEST, Outcome, Suite, on_race, recorded,
};
use reports::ExitCode;
use serde_json::{Value, json};

use crate::engines::check::default_traces;
use crate::engines::conform;
use crate::engines::counterexample::Traces;
use crate::error::Error;
use crate::input;
use crate::lock::Lock;
use crate::output::{Output, counted, printable};
use crate::place::Place;
use crate::run::{self, quoted};
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
    if args.canary && args.subject == SubjectName::Live {
        let help = "run it on `core` or on `race`, or see `bgcheck nightly --canary`";
        return Err(Error::usage("the live subject has no version that is wrong on purpose here", help));
    }
    let traces = match &args.trace_dir {
        Some(dir) => Traces::in_dir(dir.clone()),
        None => default_traces(&Place::here().target()),
    };
    let _own = Lock::of_named(args.trace_dir.as_deref())?;
    let mut all = Vec::new();
    let mut documents = Vec::new();
    let mut found_any = false;
    for (name, suite) in suites(args)? {
        if run::is_stopped() {
            break;
        }
        let cover = suite.manifest.cover().map_err(conform::of_another_version)?;
        let conformed = conformed(args, &suite, output)?;
        let failure = conform::keep(&conformed, &traces)?;
        let code = code(args, &conformed);
        all.push(code);
        found_any |= conformed.passed() > 0;
        if args.json {
            documents.push(document(args, &suite, name, &conformed, failure.as_ref(), code));
        } else {
            output.text(&page(args, &suite, name, cover, &conformed, failure.as_ref()))?;
        }
    }
    let mut code = worst(&all);
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

/// The suite that is named, or every committed one that the subject can follow, with its name.
fn suites(args: &Args) -> Result<Vec<(Option<&'static str>, Suite)>, Error> {
    let of = |committed: &'static Committed| Ok((Some(committed.name), conform::committed(committed)?));
    match &args.suite {
        Some(path) => match path.to_str().and_then(Committed::named).filter(|_| !path.is_dir()) {
            Some(committed) => Ok(vec![of(committed)?]),
            None => Ok(vec![(None, read(path)?)]),
        },
        None => {
            let by_itself = args.subject == SubjectName::Live || args.adapter.is_some();
            let pace = if by_itself { Pace::AtRest } else { Pace::AnyTime };
            COMMITTED.iter().filter(|committed| committed.order.pace == pace).map(of).collect()
        }
    }
}

/// What several suites come to together.
fn worst(codes: &[ExitCode]) -> ExitCode {
    let order = [ExitCode::Violated, ExitCode::Vacuous];
    order.into_iter().find(|code| codes.contains(code)).unwrap_or(ExitCode::Held)
}

fn conformed(args: &Args, suite: &Suite, output: &Output) -> Result<Conformed, Error> {
    if let Some(dir) = &args.recorded {
        let traces = recorded_in(dir, suite)?;
        return conform::on_other(suite, &|case| as_recorded(case, &traces), output);
    }
    if let Some(adapter) = &args.adapter {
        return conform::through(&super::adapter::manifest(adapter)?, suite, output);
    }
    match (args.subject, args.canary) {
        (SubjectName::Core, false) => conform::on(suite, engine::core::Core::new, output),
        (SubjectName::Core, true) => {
            let conformed = conform::on(suite, Canary::<engine::core::Core>::new, output)?;
            Ok(conformed.of_subject(CoreName::Canary.name()))
        }
        (SubjectName::Race, canary) => {
            // A design that looks again and then calls: Cancel may slip in between.
            let design = if canary { Design::Recheck } else { Design::Barrier };
            conform::on_other(suite, &|case| on_race(case, design), output)
        }
        (SubjectName::Live, _) => conform::live(suite, output),
    }
}

fn as_recorded(case: &Case, traces: &BTreeMap<&str, Trace>) -> Judged {
    match traces.get(&*case.name) {
        Some(trace) => recorded(case, trace.clone()),
        None => Judged::not_runnable("no trace of this name was recorded"),
    }
}

/// The traces that were recorded for files of a suite, by the names of the files. Where nothing was recorded there is no verdict, and a
/// file that is no trace is a usage error.
fn recorded_in<'a>(dir: &Path, suite: &'a Suite) -> Result<BTreeMap<&'a str, Trace>, Error> {
    let shown = printable(&dir.display().to_string());
    let help = "record a trace for each file of the suite, with the file's name, and name their directory";
    if !dir.is_dir() {
        return Err(Error::usage(format!("{shown} is not a directory"), help));
    }
    let names = suite.cases.iter().map(|case| &*case.name).filter(|name| dir.join(name).is_file());
    let traces: BTreeMap<&str, Trace> =
        names.map(|name| Ok((name, input::trace_in(&dir.join(name))?))).collect::<Result<_, Error>>()?;
    if traces.is_empty() {
        let first = suite.cases.first().map_or(MANIFEST, |case| &case.name);
        let what = format!("{shown} has no trace for any file of the suite, such as {}", printable(first));
        return Err(Error::usage(what, help));
    }
    Ok(traces)
}

/// On the core everything that is promised must be reached. Of other subjects that is not expected, but something must have run.
fn code(args: &Args, conformed: &Conformed) -> ExitCode {
    let whole = conformed.missing.is_empty() && conformed.absent.is_empty();
    let expects_all = args.subject == SubjectName::Core && args.recorded.is_none() && args.adapter.is_none();
    if conformed.failures().next().is_some() {
        ExitCode::Violated
    } else if conformed.passed() == 0 || expects_all && !whole || !conformed.absent.is_empty() {
        ExitCode::Vacuous
    } else {
        ExitCode::Held
    }
}

/// Reads a suite.
pub(crate) fn read(dir: &Path) -> Result<Suite, Error> {
    Suite::read(dir).map_err(|error| {
        let help = format!(
            "name a directory with a {MANIFEST}, make one with `bgcheck generate -o {}`, or name a committed suite: {}",
            quoted(&dir.display().to_string()),
            COMMITTED.iter().map(|committed| committed.name).collect::<Vec<_>>().join(", ")
        );
        Error::usage(error.to_string(), help)
    })
}

/// Items that are named one by one before it says how many more there are.
const NAMED: usize = 20;

/// `1,234 of 1,240 edges covered; missing: ...`.
pub(crate) fn summary_of_cover(conformed: &Conformed, cover: Cover) -> String {
    let Conformed { items, missing, .. } = conformed;
    let number = indicatif::HumanCount;
    let units = if *items == 1 { cover.unit() } else { cover.units() };
    let mut text = format!("{} of {} {units} covered", number(conformed.covered()), number(*items));
    for name in missing.iter().take(NAMED) {
        text += &format!("\n  missing: {}", printable(name));
    }
    if missing.len() > NAMED {
        text += &format!("\n  and {} more, all of them with --json", number((missing.len() - NAMED) as u64));
    }
    text
}

fn page(
    args: &Args,
    suite: &Suite,
    name: Option<&str>,
    cover: Cover,
    conformed: &Conformed,
    failure: Option<&(String, reports::Failure)>,
) -> String {
    let manifest = &suite.manifest;
    let mut text = format!(
        "{}{} cover of {}, scope {}, on {}\n",
        name.map(|name| format!("{name}: ")).unwrap_or_default(),
        manifest.cover,
        manifest.dialect,
        printable(&manifest.scope),
        subject(args)
    );
    let failed = conformed.failures().count();
    let not_runnable = conformed.not_runnable().count();
    text += &format!(
        "  {} passed, {failed} failed, {not_runnable} not runnable here, {} not there; {}\n",
        counted(conformed.passed() as u64, "file"),
        conformed.absent.len(),
        counted(conformed.steps, "step")
    );
    for name in conformed.absent.iter().take(NAMED) {
        text += &format!("  not there: {}\n", printable(name));
    }
    text += &why_not(conformed);
    // What a failure or a subject that cannot be led has cut off is missing, too, and says nothing.
    let summary = summary_of_cover(conformed, cover);
    let is_news = failed + not_runnable == 0;
    let said = if is_news { &summary[..] } else { summary.lines().next().unwrap_or("") };
    text += &format!("  {}\n", said.replace('\n', "\n  "));
    text += &failures(conformed);
    if let Some((name, failure)) = failure {
        text += &format!("\n{} failed: {}\n{}", printable(name), failure.id, failure.timeline);
        text += &format!("replay: {}\n", failure.replay_command);
    }
    text
}

/// Every failure by its name, each with how many files have it and the first.
fn failures(conformed: &Conformed) -> String {
    let line = |(id, (count, first, finding)): (Identity, (usize, &str, &Finding))| {
        let files = counted(count as u64, "file");
        format!("  {id}: {files}, first {}: {}\n", printable(first), printable(&finding.what()))
    };
    conformed.by_id().into_iter().map(line).collect()
}

/// The reasons for which files could not be run, each with how many and the first.
fn why_not(conformed: &Conformed) -> String {
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (name, why) in conformed.not_runnable() {
        reasons.entry(why).or_insert((0, name)).0 += 1;
    }
    let line = |(why, (count, first)): (&str, (usize, &str))| {
        format!(
            "  not runnable: {}, {} and others: {}\n",
            counted(count as u64, "file"),
            printable(first),
            printable(why)
        )
    };
    reasons.into_iter().map(line).collect()
}

fn subject(args: &Args) -> &'static str {
    match (args.subject, args.canary, &args.recorded) {
        (_, _, Some(_)) => "recorded traces",
        _ if args.adapter.is_some() => "another implementation",
        (SubjectName::Core, false, None) => "core",
        (SubjectName::Core, true, None) => "canary",
        (SubjectName::Live, _, None) => "live",
        (SubjectName::Race, false, None) => "race",
        (SubjectName::Race, true, None) => "race, without the barrier",
    }
}

fn document(
    args: &Args,
    suite: &Suite,
    name: Option<&str>,
    conformed: &Conformed,
    failure: Option<&(String, reports::Failure)>,
    code: ExitCode,
) -> Value {
    let finding = |finding: &Finding| json!({ "id": finding.id().to_string(), "what": finding.what() });
    let file = |(name, outcome): &(String, Outcome)| match outcome {
        Outcome::Passed => json!({ "file": name, "outcome": "passed" }),
        Outcome::Failed(failed) => json!({
            "file": name,
            "outcome": "failed",
            "rule": failed.rule().map(|rule| rule.to_string()),
            "what": failed.what(),
            "failures": failed.findings.iter().map(finding).collect::<Vec<_>>(),
        }),
        Outcome::NotRunnable(why) => json!({ "file": name, "outcome": "not runnable", "why": why }),
    };
    json!({
        "version": 1,
        "suite": name,
        "cover": suite.manifest.cover,
        "dialect": suite.manifest.dialect,
        "scope": suite.manifest.scope,
        "subject": subject(args),
        "files": conformed.files.iter().map(file).collect::<Vec<_>>(),
        "absent": conformed.absent,
        "steps": conformed.steps,
        "covered": conformed.covered(),
        "of": conformed.items,
        "missing": conformed.missing,
        "failures": conformed.by_id().into_iter().map(|(id, (files, first, finding))| json!({
            "id": id.to_string(),
            "files": files,
            "first": first,
            "what": finding.what(),
        })).collect::<Vec<_>>(),
        "failure": failure.map(|(_, failure)| failure),
        "exit_code": code.code(),
    })
}
