//! `bgcheck nightly`: every engine, for a budget, and the report.

use std::path::PathBuf;
use std::time::Duration;

use model::scope::ScopeName;
use properties::stop::Stop;
use reports::ExitCode;

use crate::cli::{self, CoreChoice};
use crate::clock::Clock;
use crate::engines::history;
use crate::engines::registry::{Fuzzer, Named, Task};
use crate::error::Error;
use crate::finish::Reader;
use crate::night::{self, Kill, Night};
use crate::output::Output;
use crate::place::{Place, temporary};
use crate::{ci, signals};

/// Run everything for a budget, and write the report.
///
/// Set-up comes first and is timed apart: cargo-fuzz is installed below target/tools when it is missing, and the fuzz targets
/// are built. The exhaustive engines have up to 85 % of the budget; a scope that is not explored by then ends the night with
/// 5. What is left is shared by fuzzer, races, random programs and live run. The report goes to reports/out, into a directory named after
/// the day, and one line to reports/history.ndjson. A rate 20 % below the median of its last 5 nights on this class of machines is
/// warned of by name; this changes no verdict.
///
/// Each engine runs in a process of its own. One that hangs, dies or takes all memory is a finding, and the others go on. Ctrl-C or
/// SIGTERM stops the night: what is known is printed and written, and marked as a part; a second signal ends it at once.
///
/// A night that did nothing new ends with 4: an engine without a run; a fuzzer of which more than 90 % of the runs were of inputs it had,
/// that found no new input for three nights while edges of the model are missing, or that reaches fewer edges than
/// the night before; an engine that does not find what is broken on purpose (a canary, for a few seconds each night).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck nightly                       three minutes
  bgcheck nightly --budget 10m --seed 7
  bgcheck nightly --engine race,live    only these engines
  bgcheck nightly --without check       all but this one
  bgcheck nightly --stop-at-first       ends with the first engine that finds something
  bgcheck nightly --kill                also: are the seeded faults still found? (builds itself once more)
  bgcheck nightly --adapter adapters/python/adapter.toml
  bgcheck nightly --junit target/junit.xml --sarif target/bgcheck.sarif
  bgcheck nightly --no-run              builds what a night needs, such as the fuzz targets
  bgcheck nightly --offline             installs nothing; without cargo-fuzz it ends with 6
  bgcheck nightly --canary              a subject that is broken on purpose: ends with 2 and names R1 and R2")]
pub(crate) struct Args {
    /// How long in all, without set-up.
    #[arg(long, value_parser = cli::budget, default_value = "3m", value_name = "TIME")]
    budget: Duration,
    /// The seed of everything that is left to chance; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only these engines, such as `race,live`.
    #[arg(long, value_delimiter = ',', value_parser = Named::parser(), value_name = "ENGINES")]
    engine: Vec<Named>,
    /// All engines but these.
    #[arg(long, value_delimiter = ',', value_parser = Named::parser(), value_name = "ENGINES", conflicts_with = "engine")]
    without: Vec<Named>,
    /// End with the first engine that finds something; within each engine, with its first failure.
    #[arg(long)]
    stop_at_first: bool,
    /// Put the subject under test that is broken on purpose, without the fuzzer.
    #[arg(long)]
    canary: bool,
    /// Let the engines loose on the seeded faults that they are known to see, too: a build, and some forty seconds.
    #[arg(long, conflicts_with = "canary")]
    kill: bool,
    /// Other implementations to try, too: an adapter.toml each.
    #[arg(long, value_name = "ADAPTER", conflicts_with = "canary")]
    adapter: Vec<PathBuf>,
    /// Where the report goes; a new directory below reports/out when left out.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the line of the night is kept, for `bgcheck report --trend`; reports/history.ndjson when left out, and no line with `--out` or
    /// `--canary`.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Nights that the history keeps; the oldest go.
    #[arg(long, value_name = "N", default_value_t = history::KEPT, value_parser = at_least_one)]
    keep: usize,
    #[command(flatten)]
    ci: ci::Formats,
    /// Install and download nothing.
    #[arg(long)]
    offline: bool,
    /// Install and build what the engines need, and run none. It gives no verdict.
    #[arg(long, conflicts_with_all = ["canary", "kill", "json"])]
    no_run: bool,
    /// How much the exhaustive engine explores; `default`, or `tiny` with `--canary`, when left out.
    #[arg(long, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: Option<ScopeName>,
    /// The results for a machine instead of the table.
    #[arg(long)]
    json: bool,
    /// What a process of the night's runs.
    #[arg(long, value_parser = Named::parser(), hide = true)]
    part: Option<Named>,
    /// The fuzz target that is broken on purpose is built.
    #[arg(long, hide = true)]
    canary_built: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let (place, core) = (Place::here(), CoreChoice::canary(args.canary));
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let traces = night::traces_in(args.out.as_deref().unwrap_or(temporary()));
    let task = Task {
        place: &place,
        core,
        seed,
        budget: args.budget,
        stop: Stop::at_first(args.stop_at_first),
        scope: args.scope,
        adapters: &args.adapter,
        fuzzer: if args.canary_built { Fuzzer::Built } else { Fuzzer::Missing },
        offline: args.offline,
        traces: &traces,
    };
    if let Some(engine) = args.part {
        return night::part(engine, &task, output);
    }
    signals::collect();
    let plan = night::Plan {
        task,
        engines: &args.engine,
        without: &args.without,
        kill: if args.kill { Kill::Known } else { Kill::None },
        out: args.out.as_deref(),
        history: args.history.as_deref(),
        keep: args.keep,
        ci: &args.ci,
        reader: Reader::of_json(args.json),
    };
    let night = Night::begin(&plan)?;
    if args.no_run { night.build(output) } else { night.run(output) }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text:?} is no number of nights: expected such as `200`"))
}
