//! `bgcheck kill`: seeded faults x engines.

use std::path::PathBuf;
use std::time::Duration;

use contract::fault::{Fault, Seeded};
use properties::kill::Engine;
use reports::ExitCode;

use crate::cli;
use crate::engines::counterexample::write;
use crate::engines::kill::{self, Pairs, Plan};
use crate::error::Error;
use crate::output::Output;
use crate::place::Place;
use crate::run::command_line;

/// Let every engine loose on every seeded fault, and show which finds which, and how soon.
///
/// A seeded fault is one wrong line in the engine, off by default. The command builds itself with the faults inside, in
/// target/faults, and runs each engine against each fault until it sees something or its time is over; and against no fault,
/// where it must see nothing. An engine that no longer sees what it used to see, nor in five times the budget, ends the run with 2.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck kill                                          every fault, every engine
  bgcheck kill --only slot-leaked-by-panic --engine race,live
  bgcheck kill --budget 60s --bless -o docs/faults.md   what is seen is expected from now on
  bgcheck kill --known --budget 4s                      quick: what was seen before, and is it still?
  bgcheck kill --list                                   the faults, and what each is")]
pub(crate) struct Args {
    /// These faults; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "FAULTS")]
    only: Vec<Fault>,
    /// These engines: check, lockstep, properties, suites, race, schedule, live; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "ENGINES")]
    engine: Vec<Engine>,
    /// How long, for each fault and engine.
    #[arg(long, value_parser = cli::budget, default_value = "20s", value_name = "TIME")]
    budget: Duration,
    /// The seed of programs, races, schedules and live runs.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the matrix goes, as Markdown.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only what docs/kill-expected.json has: the pairs that saw something in a quarter of the budget.
    #[arg(long, conflicts_with = "bless")]
    known: bool,
    /// Expect from now on what this run sees: writes docs/kill-expected.json.
    #[arg(long)]
    bless: bool,
    /// Print the faults, and run nothing.
    #[arg(long)]
    list: bool,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// The matrix for a machine.
    #[arg(long)]
    json: bool,
    /// One attack, in this process; its result is a line of JSON.
    #[arg(long, hide = true)]
    attack: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if args.list {
        return list(args, output);
    }
    if args.attack {
        return attack(args, output);
    }
    let place = Place::here();
    // Read first: what cannot be compared need not be run.
    let mut expected = kill::expected(&place)?;
    let (faults, engines) = (args.faults(), args.engines());
    let plan = Plan {
        place: &place,
        faults: &faults,
        engines: &engines,
        pairs: if args.known { Pairs::Due } else { Pairs::All },
        expected: &expected,
        budget: args.budget,
        seed: args.seed,
        offline: args.offline,
        command_line: command_line(),
    };
    let mut kills = kill::run(&plan, output)?;
    if args.bless {
        expected.take_over(&kills);
        let text = serde_json::to_string_pretty(&expected).map_err(|error| Error::Stdout(error.into()))?;
        write(&place.join(kill::EXPECTED), &format!("{text}\n"))?;
    } else {
        kills.lost = expected.lost(&kills);
    }
    let out = args.out.clone().unwrap_or_else(|| place.reports().join("kill.md"));
    write(&out, &kills.markdown())?;
    match args.json {
        true => output.json(&kills)?,
        false => output.text(&kills.text())?,
    }
    Ok(kills.exit_code())
}

fn list(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    for fault in args.faults() {
        let clause = fault.clause().map_or(String::new(), |clause| format!(", clause {clause}"));
        output.text(&format!("{fault} ({}{clause}): {}", fault.rule(), fault.what()))?;
    }
    Ok(ExitCode::Held)
}

/// The child's side of [`kill::run`].
fn attack(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let [engine] = args.engine[..] else {
        return Err(Error::usage("an attack is by one engine", "name it with `--engine`"));
    };
    if !Seeded::AVAILABLE && !args.only.is_empty() {
        return Err(Error::usage("this build has no faults inside", "leave `--attack` out"));
    }
    kill::one(args.only.first().copied(), engine, args.budget, args.seed, output)?;
    Ok(ExitCode::Held)
}

impl Args {
    fn faults(&self) -> Vec<Fault> {
        let asked = |fault: &&Fault| self.only.is_empty() || self.only.contains(fault);
        Fault::ALL.iter().filter(asked).copied().collect()
    }

    fn engines(&self) -> Vec<Engine> {
        let asked = |engine: &&Engine| self.engine.is_empty() || self.engine.contains(engine);
        Engine::ALL.iter().filter(asked).copied().collect()
    }
}
