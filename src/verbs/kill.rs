//! `bgcheck kill`: seeded faults x engines.

use std::path::PathBuf;
use std::time::Duration;

use contract::defect::{Fault, Seeded};
use properties::kill::Engine;
use reports::ExitCode;

use crate::cli;
use crate::engines::kill::{self, Pairs, Plan};
use crate::engines::mutants::{self, Again, Attack, Judges, Offline, Room, Sample, Shard};
use crate::error::Error;
use crate::finish::{self, Reader};
use crate::output::Output;
use crate::place::Place;
use crate::run::command_line;

/// Let every engine loose on every seeded fault, and show which finds which, and how soon.
///
/// A seeded fault is one wrong line in the engine, off by default. The command builds itself with the faults inside, in
/// target/faults, and runs each engine against each fault until it sees something or its time is over; and against no fault,
/// where it must see nothing. An engine that no longer sees what it used to see, nor in five times the budget, ends the run with 2.
///
/// With --mutants the changes are not ours: cargo-mutants makes them of the engine's source, and the seed takes a sample of them. All
/// of a sample are built into one program, in target/mutants/engine, and no test of the engine runs. A mutant that no engine notices
/// is equivalent or a blind spot: it needs an entry in docs/pinned/mutants-engine.json, and without one the run ends with 2. Each result is
/// kept at once, so that a run that was stopped goes on where it was.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck kill                                          every fault, every engine
  bgcheck kill --only slot-leaked-by-panic --engine race,live
  bgcheck kill --budget 60s --bless -o docs/faults.md   what is seen is expected from now on
  bgcheck kill --known --budget 4s                      quick: what was seen before, and is it still?
  bgcheck kill --list                                   the faults, and what each is
  bgcheck kill --mutants 30                             30 mutants that cargo-mutants makes of the engine
  bgcheck kill --mutants 150 --seed 7 --shard 2/4       a quarter of a larger sample
  bgcheck kill --mutants 40 --room transfer --list      which mutants a sample has
  bgcheck kill --mutants 150 --survivors                those that survived, after a change, once more")]
pub(crate) struct Args {
    /// These faults; every one when left out.
    #[arg(long, value_delimiter = ',', value_parser = cli::one_of(Fault::ALL.iter().copied()), value_name = "FAULTS")]
    only: Vec<Fault>,
    /// These engines: check, lockstep, properties, suites, race, schedule, live; every one when left out.
    #[arg(long, value_delimiter = ',', value_parser = cli::one_of(Engine::ALL.iter().copied()), value_name = "ENGINES")]
    engine: Vec<Engine>,
    /// How long, for each fault or mutant and engine; 20s, and with --mutants 8s and thrice that for live, when left out.
    #[arg(long, value_parser = cli::budget, value_name = "TIME")]
    budget: Option<Duration>,
    /// The seed of programs, races, schedules, live runs and samples of mutants.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the matrix goes, as Markdown.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only what docs/pinned/kill-expected.json has: the pairs that saw something in a quarter of the budget.
    #[arg(long, conflicts_with = "bless")]
    known: bool,
    /// Expect from now on what this run sees: writes docs/pinned/kill-expected.json; with --mutants, adds the rate to the curve and takes away
    /// the entries of what was noticed, in docs/pinned/mutants-engine.json.
    #[arg(long)]
    bless: bool,
    /// Judge this number of mutants of the engine's source in the place of the seeded faults.
    #[arg(long, value_name = "N", conflicts_with_all = ["only", "known"])]
    mutants: Option<usize>,
    /// Mutants of these rooms of the engine: the state machine, its threads with the barrier, HTTP; of all three when left out.
    #[arg(long, value_parser = cli::one_of(Room::ENGINE), value_delimiter = ',', value_name = "ROOMS", requires = "mutants")]
    room: Vec<Room>,
    /// A part of the sample, as in 2/5.
    #[arg(long, value_name = "I/N", requires = "mutants")]
    shard: Option<Shard>,
    /// Where the results of mutants are kept, a line each; target/mutants/engine/results.ndjson when left out.
    #[arg(long, value_name = "FILE", requires = "mutants")]
    results: Option<PathBuf>,
    /// Judge the mutants again that survived an older engine or workbench, and trust the other results.
    #[arg(long, requires = "mutants")]
    survivors: bool,
    /// With --bless and --mutants: what is new since the last point of the curve.
    #[arg(long, value_name = "TEXT", requires_all = ["mutants", "bless"])]
    after: Option<String>,
    /// Print the faults, and run nothing; with --mutants, the sample.
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
    if let Some(size) = args.mutants {
        return mutants(args, size, output);
    }
    if args.list {
        return kill::list(&args.faults(), Reader::of_json(args.json), output);
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
        budget: args.budget.unwrap_or(BUDGET),
        seed: args.seed,
        offline: args.offline,
        command_line: command_line(),
    };
    let mut kills = kill::run(&plan, output)?;
    if args.bless {
        expected.take_over(&kills);
    } else {
        kills.lost = expected.lost(&kills);
    }
    let out = args.out.clone().unwrap_or_else(|| place.reports().join("kill.md"));
    let path = place.join(kill::EXPECTED);
    let expected = (args.bless && kills.stopped_by.is_none()).then_some((&*path, &expected));
    let reader = Reader::of_json(args.json);
    finish::matrix(&kills, (&kills.text(), &kills.markdown()), reader, (&out, expected), output)?;
    Ok(kills.exit_code())
}

/// For each fault and engine, and for each mutant and engine.
const BUDGET: Duration = Duration::from_secs(20);
const BUDGET_OF_A_MUTANT: Duration = Duration::from_secs(8);

/// Mutants of the engine's source in the place of faults.
fn mutants(args: &Args, size: usize, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let budget = args.budget.unwrap_or(BUDGET_OF_A_MUTANT);
    let attack = Attack { engines: &args.engines_by_cost(), budget, seed: args.seed };
    let plan = mutants::Plan {
        place: &place,
        rooms: if args.room.is_empty() { &Room::ENGINE } else { &args.room },
        sample: Sample { size, seed: args.seed, shard: args.shard.unwrap_or(Shard::WHOLE) },
        judges: Judges::Attack(attack),
        results: args.results.as_deref(),
        again: if args.survivors { Again::Survivors } else { Again::Changed },
        offline: if args.offline { Offline::Yes } else { Offline::No },
        command_line: command_line(),
    };
    let asked = mutants::Asked {
        list: args.list,
        reader: Reader::of_json(args.json),
        out: args.out.as_deref(),
        bless: args.bless.then(|| args.after.clone().unwrap_or_default()),
    };
    mutants::sample_of(&plan, asked, output)
}

/// The child's side of [`kill::run`].
fn attack(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let [engine] = args.engine[..] else {
        return Err(Error::usage("an attack is by one engine", "name it with `--engine`"));
    };
    if !Seeded::AVAILABLE && !args.only.is_empty() {
        return Err(Error::usage("this build has no faults inside", "leave `--attack` out"));
    }
    kill::one(args.only.first().copied(), engine, args.budget.unwrap_or(BUDGET), args.seed, output)?;
    Ok(ExitCode::Held)
}

impl Args {
    /// Whether it builds and starts other processes.
    pub(crate) const fn starts_others(&self) -> bool {
        !self.list && !self.attack
    }

    fn faults(&self) -> Vec<Fault> {
        let asked = |fault: &&Fault| self.only.is_empty() || self.only.contains(fault);
        Fault::ALL.iter().filter(asked).copied().collect()
    }

    /// The cheapest first: most mutants are noticed by the first.
    fn engines_by_cost(&self) -> Vec<Engine> {
        let mut engines = self.engines();
        engines.sort_by_key(|engine| !matches!(engine, Engine::Lockstep | Engine::Properties));
        engines
    }

    fn engines(&self) -> Vec<Engine> {
        let asked = |engine: &&Engine| self.engine.is_empty() || self.engine.contains(engine);
        Engine::ALL.iter().filter(asked).copied().collect()
    }
}
