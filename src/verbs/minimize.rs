//! `bgcheck minimize`: the smallest trace that still breaks the same rule, and everything about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use judge::trace::HeaderFinding;
use judge::{Header, Rule, RuleSet, Trace};
use properties::minimize::{Case, CoreName, End, Failed, Minimal, NotAFailure, Section, Test, minimize};
use reports::ExitCode;
use serde_json::{Value, json};

use super::replay::code_of;
use crate::cli::{self, CoreChoice};
use crate::engines::check::default_traces;
use crate::engines::counterexample::{draw_failed, slashes, write};
use crate::error::Error;
use crate::input::{Given, InputArgs, Taken};
use crate::output::{Output, Paint, printable, verdict_in_words};
use crate::place::Place;
use crate::run::quoted;
use crate::watch::{Limit, worker};

/// Make a counterexample as small as it gets, and explain it.
///
/// Steps, choices of the schedule and values are left out or made simpler as long as the same rule is broken with the same id,
/// until none can go. Then it is run 20 times again, and the nearest run that passes is looked for: the one decision in which it
/// differs. A recorded run that no engine here can repeat, such as a live one, is cut down to the events that still show
/// the violation. The page is explained line by line in docs/reading-a-counterexample.md.
///
/// Ends with 2, because a rule is broken; with 3 when it was not broken each time; with 4 when the file breaks nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck minimize fuzz/artifacts/lockstep/crash-0123abcd            the program of a crash
  bgcheck minimize crash-0123abcd --target schedule                  the race of a crash, from any place
  bgcheck minimize trace.jsonl -o small.jsonl                        the small trace goes there
  bgcheck minimize trace.jsonl --rule R5                             of several rules that it breaks, this one
  bgcheck minimize trace.jsonl --subject canary                      its calls, on another core
  bgcheck minimize trace.jsonl --emit-test                           an ordinary test in properties/regressions
  bgcheck minimize trace-path.jsonl --adapter adapter.toml           the path of another implementation, led again")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The rule to keep broken; the one that is broken first when left out.
    #[arg(long, value_parser = cli::one_of(RuleSet::HERE.iter()), value_name = "RULE")]
    rule: Option<Rule>,
    /// Run its calls on this core; on the one that it was recorded on when left out.
    #[arg(long, value_enum, value_name = "CORE")]
    subject: Option<CoreChoice>,
    /// Lead another implementation along the path of the trace, through its adapter, and leave out what the failure does not need. A failure
    /// that does not come each time is led more often.
    #[arg(long, value_name = "ADAPTER", conflicts_with_all = ["subject", "emit_test"])]
    adapter: Option<PathBuf>,
    /// Runs that measure how often the failure comes.
    #[arg(long, value_name = "N", requires = "adapter", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// Where the small trace goes; with the other traces when left out.
    #[arg(long = "out", short = 'o', alias = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write it as an ordinary test into properties/regressions, where `cargo test -p properties` finds it.
    #[arg(long)]
    emit_test: bool,
    /// Everything for a machine.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn is_stdin(&self) -> bool {
        self.input.is_stdin()
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    worker::begin("minimize", None, "", Limit::Silence(PATIENCE));
    let Taken { given, for_what } = args.input.source()?.read()?;
    if let Some(adapter) = &args.adapter {
        let Given::Trace(trace) = given else {
            let help = "name a trace in JSON Lines";
            return Err(Error::usage("only a trace can be led through an adapter", help));
        };
        let wanted = super::adapter::Wanted {
            adapter,
            times: args.times,
            rule: args.rule,
            output: args.output.as_deref(),
            as_json: args.json,
        };
        return super::adapter::minimize(&trace, &wanted, output);
    }
    let finding = match &given {
        Given::Trace(trace) => trace.header.finding.clone(),
        _ => None,
    };
    let case = case(given, args)?;
    let rules = args.rule.map_or(RuleSet::ALL, |rule| RuleSet::of(&[rule]));
    let progress = output.progress("minimize");
    progress.tell(|| "leaving out what is not needed".to_owned());
    let minimal = minimize(&case, rules);
    drop(progress);
    let Ok(minimal) = minimal else { return nothing(args, &for_what, finding.as_ref(), output) };
    let small = small_trace(args, &place, &minimal);
    let code = code(&minimal);
    if let Err(error) = write(&small, &with_finding(&minimal, code).print()) {
        output.warn(&error);
    }
    let emitted = args
        .emit_test
        .then(|| emit(&place.join("properties/regressions"), args.input.path(), &minimal))
        .transpose();
    // That the test cannot be written takes nothing away from the failure.
    let (test, not_emitted) = match emitted {
        Ok(test) => (test, None),
        Err(error) => (None, Some(error)),
    };
    if args.json {
        output.json(&document(&minimal, &for_what, &small, test.as_deref(), code))?;
    } else {
        let head = format!("{}: {for_what}\n", args.input.name());
        let text = head + &page(&minimal, &small, test.as_deref(), code, output);
        output.text(&text)?;
    }
    if let Some(error) = not_emitted {
        output.warn(&error);
    }
    Ok(code)
}

/// How long it may take: a race of a thousand choices takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);

/// The small trace, so that its replay ends as this run does.
fn with_finding(minimal: &Minimal, code: ExitCode) -> Trace {
    let Failed { id, skeleton, trace, .. } = &minimal.failed;
    let found = HeaderFinding { id: id.to_string(), exit_code: code.code(), what: skeleton.join(", then ") };
    let header = Header { finding: Some(found), ..trace.header.clone() };
    Trace { header, lines: trace.lines.clone() }
}

fn case(given: Given, args: &Args) -> Result<Case, Error> {
    let core = args.subject.map(CoreName::from);
    Ok(match (given, core) {
        (Given::Program(of_target, program), core) => Case::Stepped(core.unwrap_or(of_target), program),
        (Given::Race(race), _) => Case::Race(race),
        (Given::Trace(trace), None) => Case::of_trace(&trace),
        (Given::Trace(trace), Some(core)) => {
            let why = "it has no calls that a core could be asked".to_owned();
            let case = Case::on_core(&trace, core);
            case.ok_or_else(|| Error::NotAProgram { path: args.input.path().to_owned(), why })?
        }
        (Given::Text(_), _) => {
            let what = "a text for the parser of traces has no steps to leave out";
            return Err(Error::usage(what, "let libFuzzer make it small: `cargo fuzz tmin trace FILE`"));
        }
    })
}

/// No rule is broken in the file, so there is nothing to make small. A finding that no rule sees stays one.
fn nothing(
    args: &Args,
    for_what: &str,
    finding: Option<&HeaderFinding>,
    output: &mut Output,
) -> Result<ExitCode, Error> {
    let file = args.input.name();
    let finding = finding.filter(|_| args.rule.is_none());
    let (code, what) = match (finding, args.rule) {
        (Some(found), _) => {
            let what = format!(
                "{file} was written down for {}, which no rule sees in its lines and no engine here can run again, so it stays as it was found",
                printable(&found.id)
            );
            (code_of(found), what)
        }
        (None, Some(rule)) => {
            let what = format!("{file} does not break {rule}, so there is nothing to make small");
            (ExitCode::Vacuous, what)
        }
        (None, None) => {
            (ExitCode::Vacuous, format!("{file}: {NotAFailure}, so there is nothing to make small"))
        }
    };
    match args.json {
        true => {
            let id = finding.map(|found| &found.id);
            output.json(&json!({
                "version": 1, "taken_for": for_what, "id": id, "why": what, "exit_code": code.code()
            }))?;
        }
        false => {
            let verdict = output.paint(Paint::Warn, &verdict_in_words(code));
            output.text(&format!("{file}: {for_what}\n{what}\n{verdict}"))?;
        }
    }
    Ok(code)
}

fn code(minimal: &Minimal) -> ExitCode {
    match minimal.rate {
        Some(rate) if !rate.is_certain() => ExitCode::Flaky,
        _ => ExitCode::Violated,
    }
}

fn small_trace(args: &Args, place: &Place, minimal: &Minimal) -> PathBuf {
    let usual = || {
        let name = format!("{}-minimal-{}.jsonl", minimal.failed.id, minimal.failed.trace.header.dialect);
        default_traces(&place.target()).dir.join(name)
    };
    args.output.clone().unwrap_or_else(usual)
}

fn page(minimal: &Minimal, small: &Path, test: Option<&Path>, code: ExitCode, output: &Output) -> String {
    let mut text = format!("{}\n", output.paint(Paint::Bad, &minimal.failed.id.to_string()));
    for fact in minimal.facts() {
        text += &format!("  {fact}\n");
    }
    text += &format!("\n{}\n", draw_failed(&minimal.failed));
    for Section { heading, text: below } in minimal.sections() {
        text += &format!("{}{below}\n", output.paint(Paint::Bold, heading));
    }
    let mut printed: String = text.lines().map(|line| line_of(line, output) + "\n").collect();
    printed += &format!("trace:  {}\n", slashes(small));
    if let Some(path) = test {
        printed += &format!("test:   {}\n", slashes(path));
    }
    printed += &format!("replay: {}\n", replay(minimal, small));
    printed + &format!("{}\n", output.verdict(code))
}

/// What came from a file is printed without anything that a terminal would obey; what this program colours stays coloured.
fn line_of(line: &str, output: &Output) -> String {
    let colored = output.style().color == reports::Color::Always && line.starts_with('\u{1b}');
    if colored { line.to_owned() } else { printable(line) }
}

fn replay(minimal: &Minimal, small: &Path) -> String {
    let subject = match &minimal.case {
        Case::Stepped(core, _) => format!(" --subject {}", core.name()),
        Case::Race(_) => " --subject core".to_owned(),
        Case::Recorded(_) => String::new(),
    };
    format!("bgcheck replay {}{subject}", quoted(&slashes(small)))
}

fn document(minimal: &Minimal, for_what: &str, small: &Path, test: Option<&Path>, code: ExitCode) -> Value {
    let rule = minimal.failed.id.rule();
    let tapes = minimal.tapes.iter().map(|tape| {
        json!({
            "of": tape.parts,
            "before": tape.effort.before,
            "after": tape.effort.after,
            "tries": tape.effort.tests,
            "minimal": tape.effort.end == End::Minimal,
        })
    });
    json!({
        "version": 1,
        "taken_for": for_what,
        "id": minimal.failed.id.to_string(),
        "skeleton": minimal.failed.skeleton,
        "rule": rule,
        "sentence": rule.map(Rule::sentence),
        "source": rule.map(Rule::source),
        "tapes": tapes.collect::<Vec<_>>(),
        "rate": minimal.rate.map(|rate| json!({ "reproduced": rate.reproduced, "replays": rate.replays })),
        "timeline": draw_failed(&minimal.failed),
        "program": minimal.case.program(),
        "passes_when": minimal.nearest.as_ref().map(|nearest| &nearest.what),
        "passing_timeline": minimal.nearest_timeline(),
        "test": minimal.test.as_ref().map(|test| &test.text),
        "test_file": test.map(slashes),
        "trace_file": slashes(small),
        "replay": replay(minimal, small),
        "exit_code": code.code(),
    })
}

/// Writes the test, and makes it a part of the tests of `properties`.
fn emit(regressions: &Path, file: &Path, minimal: &Minimal) -> Result<PathBuf, Error> {
    let list = regressions.join("mod.rs");
    let Ok(modules) = std::fs::read_to_string(&list) else {
        let what = "there is no properties/regressions/mod.rs here to add a test to".to_owned();
        return Err(Error::usage(what, "run it in a checkout of bgcheck"));
    };
    let Some(test) = &minimal.test else {
        let why = "it is a recorded run, and a test has to run something".to_owned();
        return Err(Error::NotAProgram { path: file.to_owned(), why });
    };
    let text = module(minimal, test);
    let (name, path) = free_name(regressions, &test.name, &text);
    write(&path, &text)?;
    let mut lines: Vec<&str> = modules.lines().filter(|line| line.starts_with("mod ")).collect();
    let line = format!("mod {name};");
    lines.push(&line);
    lines.sort_unstable();
    lines.dedup();
    let head: String = modules
        .lines()
        .take_while(|line| !line.starts_with("mod "))
        .map(|line| format!("{line}\n"))
        .collect();
    write(&list, &format!("{}\n\n{}\n", head.trim_end(), lines.join("\n")))?;
    Ok(path)
}

fn module(minimal: &Minimal, test: &Test) -> String {
    let about = match minimal.failed.id.rule() {
        Some(rule) => format!("{rule} ({}): {}", rule.name(), rule.sentence()),
        None => "Two accounts of one run part.".to_owned(),
    };
    let skeleton = minimal.failed.skeleton.join(", then ");
    let id = minimal.failed.id;
    format!(
        "//! {about}\n//!\n//! {id}: {skeleton}. Written by `bgcheck minimize --emit-test`.\n\n{}",
        test.text
    )
}

/// The first name that is free, or has this very test.
fn free_name(dir: &Path, name: &str, text: &str) -> (String, PathBuf) {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
    let mut places = names.map(|name| (dir.join(format!("{name}.rs")), name));
    let free = |path: &Path| match std::fs::read_to_string(path) {
        Ok(there) => there == text,
        Err(_) => !path.exists(),
    };
    // There is always a number that no file has.
    let found = places.find(|(path, _)| free(path));
    found.map_or_else(|| (name.to_owned(), dir.join(format!("{name}.rs"))), |(path, name)| (name, path))
}
