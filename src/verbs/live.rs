//! `bgcheck live`: the service as it really runs, and what it owes to its clients.

use std::path::PathBuf;
use std::time::Duration;

use contract::Dialect;
use judge::RuleSet;
use properties::oracle::Stop;
use reports::{EngineResult, ExitCode, Status};

use crate::cli::{self, CoreChoice};
use crate::clock::Clock;
use crate::engines::check::default_traces;
use crate::engines::live::{self, Plan, Size};
use crate::error::Error;
use crate::findings::Traces;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run;
use crate::watch::worker;

/// Run the real service on threads, HTTP and disk, and judge what it does.
///
/// First the transfer oracle: a table of conversations with servers, disks and clients that misbehave, each with all that must come
/// of it. Then run after run with the next seed until the budget is spent: hundreds of jobs of several users, clients that race
/// each other and the engine, callbacks that fail, panic and call back, and a disk that is full or slow. Every run is one trace,
/// judged by the rules, and every file is compared byte by byte.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck live                                    a minute, half for each dialect
  bgcheck live --dialect bits --budget 10s --seed 7
  bgcheck live --stop-at-first --out found        ends with the first finding; report and traces in found/
  bgcheck live --row only-the-rest                one row of the oracle, in both dialects
  bgcheck live --canary --budget 5s               a service that is broken on purpose: ends with 2")]
pub(crate) struct Args {
    /// How long in all.
    #[arg(long, value_parser = cli::budget, default_value = "60s", value_name = "TIME")]
    budget: Duration,
    /// The seed of the first run, the next ones have the next seeds; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The dialect; both when left out.
    #[arg(long, value_parser = cli::one_of(Dialect::ALL), value_name = "DIALECT")]
    dialect: Option<Dialect>,
    /// Jobs of a run; 200 when left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000), value_name = "N")]
    jobs: Option<u32>,
    /// Users that own them; 6 when left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N")]
    users: Option<u32>,
    /// Client threads; 8 when left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N")]
    threads: Option<u32>,
    /// Runs at most, whatever the budget, without the oracle.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "N", conflicts_with = "row")]
    runs: Option<u32>,
    /// One row of the transfer oracle, and no run.
    #[arg(long, value_name = "ROW")]
    row: Option<String>,
    /// End with the first finding.
    #[arg(long)]
    stop_at_first: bool,
    /// A service that is broken on purpose.
    #[arg(long, conflicts_with = "row")]
    canary: bool,
    /// Where the report and the traces of failures go; no report, and traces below target, when left out.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The results for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    check_row(args)?;
    let _own = Lock::of_named(args.out.as_deref())?;
    let traces = match &args.out {
        Some(out) => Traces { dir: out.join("traces"), from_report: PathBuf::from("traces") },
        None => default_traces(&place.target()),
    };
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let dialects = args.dialect.map_or_else(|| Dialect::ALL.to_vec(), |dialect| vec![dialect]);
    let mut results = run::results(&place, RuleSet::HERE, seed, Some(args.budget));
    let share = args.budget / u32::try_from(dialects.len()).unwrap_or(1);
    for (dialect, behind) in dialects.iter().copied().zip((0..dialects.len() as u32).rev()) {
        let plan = Plan {
            dialect,
            core: CoreChoice::canary(args.canary),
            seed,
            budget: share,
            later: share * behind,
            size: Size { jobs: args.jobs, users: args.users, threads: args.threads },
            runs: args.runs,
            row: args.row.as_deref(),
            stop: Stop::at_first(args.stop_at_first),
            traces: &traces,
        };
        let engine = live::run(&plan, output)?;
        let found = broken(&engine);
        results.engines.push(engine);
        worker::know(&results);
        if found && args.stop_at_first || run::is_stopped() {
            break;
        }
    }
    let (reader, style) = (Reader::of_json(args.json), output.style());
    Ok(finish::results(&mut results, reader, style, args.out.as_deref(), output))
}

/// Whether an engine has a finding.
fn broken(engine: &EngineResult) -> bool {
    let Status::Ran(ran) = &engine.status else { return false };
    let disagrees = ran.agreement.as_ref().is_some_and(|agreement| !agreement.disagreements.is_empty());
    disagrees || ran.findings.iter().any(|result| result.finding.is_broken())
}

/// A row that is not there is a slip of the finger, and the nearest ones are named.
fn check_row(args: &Args) -> Result<(), Error> {
    let Some(row) = &args.row else { return Ok(()) };
    let rows = properties::oracle::rows();
    if rows.contains(row) {
        return Ok(());
    }
    let near = rows.iter().filter(|known| known.contains(row.as_str())).take(5);
    let near: Vec<&str> = near.map(String::as_str).collect();
    let help = match near.is_empty() {
        true => format!("the {} rows are: {}", rows.len(), rows.join(", ")),
        false => format!("rows with that in their name: {}", near.join(", ")),
    };
    Err(Error::Usage { what: format!("the transfer oracle has no row {row:?}"), help })
}
