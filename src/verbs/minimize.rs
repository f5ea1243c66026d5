//! `bgcheck minimize`: the smallest trace that still breaks the rule, and everything about it.

use std::path::PathBuf;
use std::time::Duration;

use judge::{Rule, RuleSet};
use properties::minimize::{Case, CoreName, Minimal, Rate, Step, minimize_telling};
use reports::ExitCode;

use crate::cli::{self, CoreChoice};
use crate::engines::check::default_traces;
use crate::engines::minimal::{code, document, nothing, page, with_finding};
use crate::engines::regression::emit;
use crate::error::Error;
use crate::files::write;
use crate::finish::Reader;
use crate::input::{Given, InputArgs, Taken};
use crate::output::Output;
use crate::place::Place;
use crate::progress::Work;
use crate::watch::{Limit, worker};

/// Make a counterexample as small as it gets, and explain it.
///
/// Steps, choices of the schedule and values are left out or made simpler as long as the rule is broken with its id,
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
    let tell = |step| progress.tell(work(step), || in_words(step).to_owned());
    let minimal = minimize_telling(&case, rules, &tell);
    drop(progress);
    let Ok(minimal) = minimal else {
        return nothing(
            (&args.input.name(), &for_what),
            (args.rule, finding.as_ref()),
            Reader::of_json(args.json),
            output,
        );
    };
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

/// How much is done: leaving out, which takes as long as it takes, each run again, and the search of a run that passes.
fn work(step: Step) -> Work {
    match step {
        Step::LeavingOut => Work::step(0, Rate::REPLAYS + 2),
        Step::Again(done, of) => Work::step(1 + done, of + 2),
        Step::Nearest => Work::step(Rate::REPLAYS + 1, Rate::REPLAYS + 2),
    }
}

const fn in_words(step: Step) -> &'static str {
    match step {
        Step::LeavingOut => "leaving out what is not needed",
        Step::Again(..) => "running it again",
        Step::Nearest => "looking for the nearest run that passes",
    }
}

/// How long it may take: a race of a thousand choices takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);

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

fn small_trace(args: &Args, place: &Place, minimal: &Minimal) -> PathBuf {
    let usual = || {
        let name = format!("{}-minimal-{}.jsonl", minimal.failed.id, minimal.failed.trace.header.dialect);
        default_traces(&place.target()).dir.join(name)
    };
    args.output.clone().unwrap_or_else(usual)
}
