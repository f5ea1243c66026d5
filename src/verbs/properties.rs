//! `bgcheck properties`: random programs on specification and core.

use std::path::PathBuf;
use std::time::Duration;

use judge::RuleSet;
use properties::sample::Stop;
use reports::ExitCode;

use crate::cli::{self, CoreChoice};
use crate::clock::Clock;
use crate::engines::check::default_traces;
use crate::engines::sample::{self, Plan};
use crate::error::Error;
use crate::findings::Traces;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Run random programs on specification and core side by side, and judge each.
///
/// A program is some forty calls and steps of network, disk and clock, made from a seed. After each step specification and core must
/// agree, and no rule may be broken. A failure is printed at once, made small, and its trace is written.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck properties                                    half a minute
  bgcheck properties --budget 5m --seed 7
  bgcheck properties --stop-at-first                    ends with the first failure
  bgcheck properties --seed 1234 --programs 1           the program of one seed
  bgcheck properties --canary --budget 2s               a core that is broken on purpose: ends with 2")]
pub(crate) struct Args {
    /// How long.
    #[arg(long, value_parser = cli::budget, default_value = "30s", value_name = "TIME")]
    budget: Duration,
    /// The seed of the first program, the next one's is one more; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Programs at most, whatever the budget.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    programs: Option<u64>,
    /// End with the first failure.
    #[arg(long)]
    stop_at_first: bool,
    /// Run them on the core that is broken on purpose.
    #[arg(long)]
    canary: bool,
    /// Where the traces of failures go.
    #[arg(long = "out", short = 'o', alias = "trace-dir", value_name = "DIR")]
    trace_dir: Option<PathBuf>,
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
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let mut results = run::results(&place, RuleSet::OF_A_JOB, seed, Some(args.budget));
    let plan = Plan {
        core: CoreChoice::canary(args.canary),
        seed,
        budget: args.budget,
        programs: args.programs,
        stop: Stop::at_first(args.stop_at_first),
        until: RuleSet::EMPTY,
        traces: &traces,
    };
    results.engines.push(sample::run(&plan, output));
    let (reader, style) = (Reader::of_json(args.json), output.style());
    Ok(finish::results(&mut results, reader, style, None, output))
}
