//! `bgcheck race`: the real service under schedules of our choice.

use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use contract::defect::{Design, Fault};
use judge::RuleSet;
use model::protocol::Law;
use properties::race::{Refine, States, Stop};
use reports::ExitCode;

use crate::cli;
use crate::clock::Clock;
use crate::engines::check::default_traces;
use crate::engines::complete::{self, ScopeName, Times};
use crate::engines::fuzz::{self, Sanitizer, Target};
use crate::engines::race::{self, Plan, Strategy};
use crate::error::Error;
use crate::findings::Traces;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Run races on the engine's real service under controlled schedules, and judge each.
///
/// A race is a few calls that prepare, two or three clients that call concurrently, callbacks that call back, and transfers
/// that end well or badly. At each step a strategy decides who goes on. What breaks a rule is made small, and its trace repeats
/// it. The table at the end lists which calls were scheduled inside which steps of other threads.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck race                                       a minute, every strategy
  bgcheck race --strategy pct --depth 5 --seed 7
  bgcheck race --stop-at-first --out failures        ends with the first failure; its trace is in failures/
  bgcheck race --design recheck --budget 10s         a design that is wrong: ends with 2
  bgcheck race --strategy fuzzer --budget 5m         libFuzzer chooses race and schedule
  bgcheck race --complete                            every schedule of the races of scope tiny: a proof for them
  bgcheck race --complete --scope small --resume target/races.jsonl
                                                     longer; goes on where it was ended
  bgcheck race --complete --scope small --only expiry --refine --list
                                                     a line for each race of one situation")]
pub(crate) struct Args {
    /// How long [default: 60s; with --complete, to the end].
    #[arg(long, value_parser = cli::budget, value_name = "TIME")]
    budget: Option<Duration>,
    /// The seed of races and schedules; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How schedules are chosen; every way but the fuzzer when left out.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STRATEGIES")]
    strategy: Vec<Strategy>,
    /// How many changes of priority PCT makes in a schedule, and one.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N")]
    depth: u32,
    /// Schedules of each strategy at most, whatever the budget.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    schedules: Option<u64>,
    /// Run every schedule of the races of a scope, up to those whose rest is known: what holds is proved for these races.
    #[arg(long, conflicts_with_all = ["seed", "strategy", "depth", "schedules", "offline"])]
    complete: bool,
    /// The races to explore to their end.
    #[arg(long, value_enum, default_value_t = ScopeName::Tiny, requires = "complete", value_name = "SCOPE")]
    scope: ScopeName,
    /// Only the races with this text in their names, with --complete: a method, a situation, or both as --list shows them.
    #[arg(long, requires = "complete", value_name = "TEXT")]
    only: Option<String>,
    /// Only this dialect, with --complete.
    #[arg(long, requires = "complete", value_name = "DIALECT")]
    dialect: Option<Dialect>,
    /// Threads, with --complete; as many as there are cores when left out.
    #[arg(long, requires = "complete", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    threads: Option<u16>,
    /// Write each finished race to this file, and go on from what stands there.
    #[arg(long, requires = "complete", value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Show a line for each race, with --complete.
    #[arg(long, requires = "complete")]
    list: bool,
    /// Hold each step of the service to the model of the protocol, too, in the races that it knows.
    #[arg(long, requires = "complete")]
    refine: bool,
    /// Keep the states behind digests, and compare them: two that share one end with 2. For scope tiny; it takes the memory of all states.
    #[arg(long, requires = "complete")]
    keep_states: bool,
    /// The fault in the service, in a build with the feature `faults`.
    #[cfg(feature = "faults")]
    #[arg(long, requires = "complete", value_parser = cli::one_of(Fault::ALL.iter().copied()), value_name = "FAULT")]
    fault: Option<Fault>,
    /// Leave times out, so that two outputs can be compared.
    #[arg(long, requires = "complete")]
    no_times: bool,
    /// What stands in the place of the engine's barrier; anything else is wrong on purpose.
    #[arg(long, default_value_t = Design::Barrier, value_parser = cli::design_of_the_service(), value_name = "DESIGN")]
    design: Design,
    /// End with the first failure, which is reported at once.
    #[arg(long)]
    stop_at_first: bool,
    /// Where the traces of all failures go.
    #[arg(long = "out", short = 'o', alias = "trace-dir", value_name = "DIR")]
    trace_dir: Option<PathBuf>,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// The results for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let _own = Lock::of_named(args.trace_dir.as_deref())?;
    let traces = match &args.trace_dir {
        Some(dir) => Traces::in_dir(dir.clone()),
        None => default_traces(&place.target()),
    };
    if args.complete {
        return explore(args, &place, &traces, output);
    }
    let whole = args.budget.unwrap_or(USUAL_BUDGET);
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let kinds = race::kinds(&args.strategy, args.depth);
    let fuzzes = args.strategy.contains(&Strategy::Fuzzer);
    if fuzzes && args.design != Design::Barrier {
        let help = "leave the strategy `fuzzer` out, or the design".to_owned();
        return Err(Error::Usage {
            what: "the fuzz target has the engine's own barrier inside".to_owned(),
            help,
        });
    }
    let parts = u32::from(fuzzes) + u32::from(!kinds.is_empty());
    let budget = whole / parts.max(1);
    let mut results = run::results(&place, RuleSet::HERE, seed, Some(whole));
    if !kinds.is_empty() {
        let plan = Plan {
            kinds: &kinds,
            design: args.design,
            seed,
            budget,
            schedules: args.schedules,
            before: 0,
            stop: Stop::at_first(args.stop_at_first),
            traces: &traces,
        };
        results.engines.push(race::run(&plan, output));
    }
    if fuzzes {
        let plan = fuzz::Plan {
            place: &place,
            target: Target::Schedule,
            sanitizer: Sanitizer::None,
            budget,
            seed,
            offline: args.offline,
            traces: &traces,
        };
        results.engines.push(fuzz::whole(&plan, &mut results.set_up, output)?);
    }
    let (reader, style) = (Reader::of_json(args.json), output.style());
    Ok(finish::results(&mut results, reader, style, None, output))
}

/// Without a budget.
const USUAL_BUDGET: Duration = Duration::from_secs(60);

/// Every schedule of a scope.
fn explore(args: &Args, place: &Place, traces: &Traces, output: &mut Output) -> Result<ExitCode, Error> {
    let dialects = args.dialect.map_or(Dialect::ALL.to_vec(), |dialect| vec![dialect]);
    let times = if args.no_times { Times::Left } else { Times::Shown };
    let plan = complete::Plan {
        scope: args.scope.into(),
        only: args.only.as_deref(),
        dialects: &dialects,
        design: args.design,
        fault: args.fault(),
        refine: if args.refine { Refine::Yes } else { Refine::No },
        states: if args.keep_states { States::Kept { bits: 128 } } else { States::Hashed },
        budget: args.budget,
        threads: run::threads(args.threads),
        stop: Stop::at_first(args.stop_at_first),
        resume: args.resume.clone(),
        traces,
    };
    // It plays with no chance, so it has no seed.
    let mut results = run::results(place, RuleSet::HERE, 0, args.budget);
    if args.refine {
        results.rules.push(run::law_text(Law::BoundedWait));
        results.rules.extend(run::duty_texts());
    }
    let mut races = String::new();
    for explored in complete::run(&plan, output)? {
        races += &if args.list { explored.list(times) } else { explored.table(times) };
        results.engines.extend(explored.results());
    }
    run::ended(&mut results);
    let code = results.outcome().exit_code;
    let text = match (args.json, times) {
        (true, _) => reports::json(&results),
        (false, Times::Left) => races,
        (false, Times::Shown) => format!("{races}\n{}", reports::terminal(&results, output.style())),
    };
    Ok(finish::print(&text, code, output))
}

impl Args {
    #[cfg(feature = "faults")]
    fn fault(&self) -> Option<Fault> {
        self.fault
    }

    #[cfg(not(feature = "faults"))]
    fn fault(&self) -> Option<Fault> {
        None
    }
}
