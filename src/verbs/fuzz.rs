//! `bgcheck fuzz`: a libFuzzer target, for a budget.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use judge::RuleSet;
use reports::{EdgesNamed, EngineResult, ExitCode, Results, Status, Style};

use crate::cli;
use crate::clock::Clock;
use crate::engines::check::default_traces;
use crate::engines::fuzz::{Plan, Sanitizer, Target, build, is_about_this_machine, obstacle, run as fuzz};
use crate::error::Error;
use crate::findings::Traces;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::Place;
use crate::run;

/// Run a libFuzzer target for a budget, with progress and a verdict.
///
/// Works as `cargo fuzz run TARGET`. A crash is run again here and shown as the program that it is. Lockstep is guided by the
/// edges of the model, too: at the end the corpus is run again, and what it reaches of them is counted, and ten that it does not
/// reach are named.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck fuzz                                          lockstep for 30 seconds
  bgcheck fuzz trace --budget 5m --seed 7
  bgcheck fuzz --edges                                  every edge not reached, by name
  bgcheck fuzz lockstep --sanitizer address             needs the nightly toolchain")]
pub(crate) struct Args {
    /// Which target.
    #[arg(value_enum, default_value_t = Target::Lockstep)]
    target: Target,
    /// How long.
    #[arg(long, value_parser = cli::budget, default_value = "30s", value_name = "TIME")]
    budget: Duration,
    /// The seed of what is left to chance; from the clock when left out. libFuzzer takes its lowest 32 bits.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What to build with.
    #[arg(long, value_enum, default_value_t = Sanitizer::None, value_name = "SANITIZER")]
    sanitizer: Sanitizer,
    /// End with the first failure. Without it libFuzzer, which stops there, is run again for what is left of the budget, as long as it
    /// finds another one.
    #[arg(long)]
    stop_at_first: bool,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// Name every edge of the model that lockstep does not reach, not only ten; --json always has them all.
    #[arg(long)]
    edges: bool,
    /// Where the traces of failures go.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The results for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    if let Some((what, install)) = obstacle(&place) {
        let help = install.unwrap_or_else(|| "run it in a checkout of bgcheck".to_owned());
        return Err(Error::Missing { what, help });
    }
    let _own = Lock::of_named(args.out.as_deref())?;
    let traces = args.out.clone().map_or_else(|| default_traces(&place.target()), Traces::in_dir);
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    let plan = Plan {
        place: &place,
        target: args.target,
        sanitizer: args.sanitizer,
        budget: args.budget,
        seed,
        offline: args.offline,
        traces: &traces,
    };
    let mut results = run::results(&place, RuleSet::EMPTY, seed, Some(args.budget));
    let built = build(&plan, output);
    if let Some(why) = built.failed.as_ref().filter(|why| is_about_this_machine(why)) {
        let help = "run `bgcheck doctor` to see what is missing".to_owned();
        return Err(Error::Missing { what: format!("the fuzz target cannot be built here: {why}"), help });
    }
    if let Some(why) = &built.failed {
        return Err(Error::Program { program: "cargo fuzz build".to_owned(), why: why.clone() });
    }
    results.set_up.push(built);
    until_nothing_new(args, plan, &mut results, output)?;
    name_broken_rules(&mut results);
    let edges = if args.edges { EdgesNamed::All } else { EdgesNamed::Few };
    let (reader, style) = (Reader::of_json(args.json), Style { edges, ..output.style() });
    Ok(finish::results(&mut results, reader, style, None, output))
}

/// Runs the target, and again for what is left while that finds something else.
fn until_nothing_new(
    args: &Args,
    first: Plan<'_>,
    results: &mut Results,
    output: &Output,
) -> Result<(), Error> {
    let (mut known, mut plan) = (BTreeSet::new(), first);
    loop {
        let started = Instant::now();
        let engine = fuzz(&plan, output)?;
        let found = ids(&engine);
        results.engines.push(engine);
        plan.budget = plan.budget.saturating_sub(started.elapsed());
        plan.seed = plan.seed.wrapping_add(1);
        let is_new = !found.is_empty() && found.is_disjoint(&known);
        if args.stop_at_first || !is_new || plan.budget < LEAST || run::is_stopped() {
            return Ok(());
        }
        known.extend(found);
    }
}

/// A run of less is not worth its beginning.
const LEAST: Duration = Duration::from_secs(5);

/// The names of what an engine found.
fn ids(engine: &EngineResult) -> BTreeSet<String> {
    let Status::Ran(ran) = &engine.status else { return BTreeSet::new() };
    let broken = ran.findings.iter().filter_map(|result| result.finding.failure());
    let disagreements = ran.agreement.iter().flat_map(|agreement| &agreement.disagreements);
    broken.chain(disagreements).map(|failure| failure.id.clone()).collect()
}

/// A report carries the words of the rules that it cites.
fn name_broken_rules(results: &mut Results) {
    let cited = results.engines.iter().filter_map(|engine| match &engine.status {
        Status::Ran(ran) => Some(ran.findings.iter().filter_map(|result| result.rule.0.parse().ok())),
        _ => None,
    });
    let rules: RuleSet = cited.flatten().collect();
    results.rules = run::rule_texts(rules);
}
