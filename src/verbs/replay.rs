//! `bgcheck replay`: what happened, as a timeline, and what the rules say of it.

use std::path::{Path, PathBuf};

use contract::judge::{Header, RuleSet, Trace, Verdict, Verdicts, failure_id};
use contract::{Core, core::Config};
use properties::canary::Canary;
use properties::minimize::races::Scheduled;
use properties::program::Program;
use properties::race;
use properties::run::{from_trace, trace as run_program};
use reports::ExitCode;
use serde_json::{Value, json};

use crate::cli::CoreChoice;
use crate::engines::counterexample::draw;
use crate::error::Error;
use crate::output::{Output, Paint, counted, printable};

/// Show a trace, a fuzzer's artifact or a regression as a timeline, and judge it.
///
/// A trace is judged as it was recorded; with `--subject` its calls are run again on that core, and the new run is judged. A
/// file that is not JSON is taken for an artifact of a fuzz target, `schedule` when that is the name of its directory and else
/// `lockstep`, and is always run. A race is run again on the service, and must come out as it was recorded.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl                     as it was recorded
  bgcheck replay target/traces/R1-7f3a09c2-bits.jsonl --subject core      is it repaired?
  bgcheck replay fuzz/artifacts/lockstep/crash-0123abcd                   the program of a crash
  bgcheck replay target/traces/R1-0123abcd-bits.jsonl --subject core      a race: the same schedule again
  bgcheck replay trace.jsonl --json                                       verdicts for a machine")]
pub(crate) struct Args {
    /// A trace (JSON Lines), a libFuzzer artifact, or a regression.
    file: PathBuf,
    /// Run it again on this core.
    #[arg(long, value_enum, value_name = "CORE")]
    subject: Option<CoreChoice>,
    /// The verdicts for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let played = played(&args.file, read(&args.file)?, args.subject)?;
    let verdicts = Verdicts::of_rules(&played.trace, RuleSet::HERE);
    let code = code(&played, &verdicts);
    if args.json {
        output.json(&document(&played, &verdicts, code))?;
    } else {
        let text = page(&played, &verdicts, code, output);
        output.text(&text)?;
    }
    Ok(code)
}

fn code(played: &Played, verdicts: &Verdicts) -> ExitCode {
    let judged = verdicts.rules.values().any(|verdict| matches!(verdict, Verdict::Held { .. }));
    if played.broken.is_some() || verdicts.first().is_some() {
        ExitCode::Violated
    } else if judged {
        ExitCode::Held
    } else {
        // No rule had anything to decide, so that none is broken says nothing.
        ExitCode::Vacuous
    }
}

/// A run to show.
struct Played {
    trace: Trace,
    /// The program, when it was run here.
    program: Option<String>,
    /// What specification and core disagree about, which no trace says.
    broken: Option<String>,
}

/// What a file has.
#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
pub(crate) enum Given {
    /// A trace of any engine.
    Trace(Trace),
    /// The program of an artifact of `lockstep`.
    Program(Program),
    /// The race of an artifact of `schedule`.
    Race(Scheduled),
}

/// Reads a trace, or an artifact of a fuzz target.
pub(crate) fn read(path: &Path) -> Result<Given, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
        help: "name a trace that `bgcheck check` or `bgcheck nightly` has written, or an artifact of `bgcheck fuzz`"
            .to_owned(),
    })?;
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.trim_ascii_start().starts_with('{'));
    if let Some(text) = text {
        let name = path.display().to_string();
        return Ok(Given::Trace(Trace::parse(text).map_err(|error| Error::trace(&name, text, error))?));
    }
    if path.extension().is_some_and(|end| end == "rs") {
        let what = format!("{} is a test, and no trace", printable(&path.display().to_string()));
        return Err(Error::usage(what, "run it with `cargo test -p properties --test regressions`"));
    }
    Ok(match is_of_schedule(path) {
        true => {
            let (race, tape) = race::from_bytes(&bytes);
            Given::Race(Scheduled { race, schedule: tape.choices().to_vec() })
        }
        false => Given::Program(Program::from_bytes(&bytes)),
    })
}

fn played(path: &Path, given: Given, subject: Option<CoreChoice>) -> Result<Played, Error> {
    match (given, subject) {
        (Given::Trace(trace), None) => Ok(Played { trace, program: None, broken: None }),
        (Given::Trace(trace), Some(subject)) => again(path, &trace, subject),
        (Given::Program(program), subject) => Ok(of_program(&program, subject.unwrap_or_default())),
        (Given::Race(scheduled), _) => Ok(of_race(&scheduled)),
    }
}

/// libFuzzer puts the artifacts of a target into a directory of its name.
fn is_of_schedule(path: &Path) -> bool {
    let schedule = std::ffi::OsStr::new("schedule");
    path.parent().and_then(Path::file_name) == Some(schedule)
}

fn of_race(Scheduled { race, schedule }: &Scheduled) -> Played {
    let trace = race::trace(race, schedule, None);
    Played { trace, program: Some(race.to_string()), broken: None }
}

/// Runs the program of a trace again; a race on the service, step by step as it was.
fn again(path: &Path, trace: &Trace, subject: CoreChoice) -> Result<Played, Error> {
    let no_program = |why: String| Error::NotAProgram { path: path.to_owned(), why };
    if trace.header.subject == race::SUBJECT {
        let again = race::replay(trace).map_err(|error| no_program(error.to_string()))?;
        let program = race::from_trace(trace).map(|(race, _)| race.to_string()).ok();
        return Ok(Played { trace: again, program, broken: None });
    }
    let program = from_trace(trace).map_err(|error| no_program(error.to_string()))?;
    if program.steps.is_empty() {
        return Err(no_program("it has no call".to_owned()));
    }
    let mut played = of_program(&program, subject);
    let Header { engine, seed, .. } = &trace.header;
    (played.trace.header.engine, played.trace.header.seed) = (engine.clone(), *seed);
    Ok(played)
}

fn of_program(program: &Program, subject: CoreChoice) -> Played {
    match subject {
        CoreChoice::Core => of_program_on(program, subject, engine::core::Core::new),
        CoreChoice::Canary => of_program_on(program, subject, Canary::<engine::core::Core>::new),
    }
}

fn of_program_on<C: Core>(program: &Program, subject: CoreChoice, make: fn(&Config) -> C) -> Played {
    let mut trace = run_program(program, make, "replay", None);
    trace.header.subject = subject.name().to_owned();
    let broken = properties::run::run(program, make).broken.map(|broken| broken.to_string());
    Played { trace, program: Some(program.to_string()), broken }
}

fn page(played: &Played, verdicts: &Verdicts, code: ExitCode, output: &Output) -> String {
    let Header { dialect, scope, subject, engine, seed, .. } = &played.trace.header;
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let mut text = format!(
        "trace of {}, dialect {dialect}, scope {}, by {}{seed}: {}, {}\n",
        or_unnamed(subject),
        or_unnamed(scope),
        or_unnamed(engine),
        counted(verdicts.events, "event"),
        counted(verdicts.jobs, "job")
    );
    if let Some(program) = &played.program {
        text += &format!("\nthe program\n{program}");
    }
    let first = verdicts.first();
    text += &format!("\n{}\n", draw(&played.trace, first));
    for (rule, verdict) in &verdicts.rules {
        let (paint, said) = match verdict {
            Verdict::Held { decisions } => {
                (Paint::Good, format!("held: {}", counted(*decisions, "decision")))
            }
            Verdict::Violated { first, count } => {
                let id = failure_id(&played.trace, first);
                (Paint::Bad, format!("violated at seq {}, {count} in all: {id}", first.seq))
            }
            Verdict::Vacuous => (Paint::Dim, "nothing to decide".to_owned()),
            Verdict::Undecided { why } => (Paint::Warn, format!("undecided: {why}")),
        };
        text += &format!("  {rule:<4}{:<14}{}\n", rule.name(), output.paint(paint, &said));
    }
    if let Some(broken) = &played.broken {
        text += &format!("\n{}\n", output.paint(Paint::Bad, broken));
    }
    text + &format!("\n{}\n", output.verdict(code))
}

fn or_unnamed(text: &str) -> String {
    if text.is_empty() { "(unnamed)".to_owned() } else { printable(text) }
}

fn document(played: &Played, verdicts: &Verdicts, code: ExitCode) -> Value {
    let ids = verdicts.violations().map(|violation| failure_id(&played.trace, &violation).to_string());
    json!({
        "version": 1,
        "header": played.trace.header,
        "verdicts": verdicts,
        "failures": ids.collect::<Vec<_>>(),
        "broken": played.broken,
        "timeline": draw(&played.trace, verdicts.first()),
        "exit_code": code.code(),
    })
}
