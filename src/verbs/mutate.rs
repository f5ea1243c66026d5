//! `bgcheck mutate`: mutants of the model x engines.

use std::path::PathBuf;

use reports::{ExitCode, Survivors};

use crate::engines::mutants::{self, Again, Judges, Offline, Room, Sample, Shard, Woven};
use crate::engines::mutate::{self, ENGINES, Plan};
use crate::error::Error;
use crate::files::expected;
use crate::finish::{self, Reader};
use crate::output::Output;
use crate::place::Place;
use crate::run::command_line;

/// Change the model in one place after another, and show which changes no engine notices.
///
/// A mutant is one row, cell, bit, guard or monitor of the model's tables that is not what it was. The command builds itself with the mutants
/// inside, in target/mutants. It lets one engine after another look at each mutant until one notices it. Each engine also looks at the
/// unchanged model, and must notice nothing. A mutant that survives is behaviour that nothing specifies, or a rule that is vacuous: it
/// needs an argument in docs/pinned/mutants-expected.json, and without one the run ends with 2; so does one that was noticed before, for
/// --bless takes its argument away.
///
/// With --sources the mutants are those that cargo-mutants makes of the source of specification, protocol and rules, and the seed takes a sample of
/// them (.cargo/mutants-model.toml). The arguments of its survivors are in docs/pinned/mutants-model.json. Each result is kept at once, so
/// that a run that was stopped goes on where it was.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck mutate                                   every mutant, every engine
  bgcheck mutate --only guard/r5,rule/r6           those whose names begin so
  bgcheck mutate --only dialect --engine protocol
  bgcheck mutate -o mutants.md                     the score and the survivors, as a document
  bgcheck mutate --bless                           what is noticed must be noticed from now on
  bgcheck mutate --list --only edge                the mutants, and what each is
  bgcheck mutate --sources 60 --seed 7             60 mutants that cargo-mutants makes of the source
  bgcheck mutate --sources 60 --shard 1/4          a quarter of these")]
pub(crate) struct Args {
    /// Mutants by name, or by how their names begin; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// These engines; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "ENGINES", value_parser = ENGINES)]
    engine: Vec<String>,
    /// Judge this number of mutants of the source in the place of those of the tables.
    #[arg(long, value_name = "N", conflicts_with_all = ["only", "engine"])]
    sources: Option<usize>,
    /// A part of the sample, as in 2/5.
    #[arg(long, value_name = "I/N", requires = "sources")]
    shard: Option<Shard>,
    /// With --bless and --sources: what is new since the last point of the curve.
    #[arg(long, value_name = "TEXT", requires_all = ["sources", "bless"])]
    after: Option<String>,
    /// The seed of programs, races and samples of mutants.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the document goes.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Take away the arguments of what this run noticed: writes docs/pinned/mutants-expected.json; with --sources, docs/pinned/mutants-model.json.
    #[arg(long, conflicts_with_all = ["engine", "list"])]
    bless: bool,
    /// Print the mutants, and run nothing.
    #[arg(long)]
    list: bool,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// The result for a machine: every mutant, who noticed it and what.
    #[arg(long)]
    json: bool,
    /// Look in this process; what becomes of a mutant is a line of JSON.
    #[arg(long, hide = true)]
    attack: bool,
    /// With --attack: a mutant of the build, and where it is.
    #[arg(long, hide = true, requires = "attack", value_name = "NUMBER:PART")]
    woven: Vec<Woven>,
}

impl Args {
    /// Whether it builds and starts other processes.
    pub(crate) const fn starts_others(&self) -> bool {
        !self.list && !self.attack
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if let Some(size) = args.sources {
        return sources(args, size, output);
    }
    let mutants = mutate::chosen(&args.only)?;
    if args.list {
        return mutate::list(&mutants, Reader::of_json(args.json), output);
    }
    if args.attack {
        mutate::look_here(&mutants, &args.woven, &args.engine, args.seed, output)?;
        return Ok(ExitCode::Held);
    }
    let place = Place::here();
    // Read first: what cannot be compared need not be run.
    let path = place.join("docs/pinned/mutants-expected.json");
    let mut known: Survivors = expected(&path, "give each survivor a `meaning` and a `why`")?;
    let plan = Plan {
        place: &place,
        mutants: &mutants,
        only: &args.only,
        engines: &args.engine,
        seed: args.seed,
        offline: args.offline,
        command_line: command_line(),
    };
    let mut mutations = mutate::run(&plan, output)?;
    if args.bless {
        known.take_over(&mutations);
    }
    mutations.explain(&known);
    let out = args.out.clone().unwrap_or_else(|| place.reports().join("mutants.md"));
    let expected = (args.bless && mutations.stopped_by.is_none()).then_some((&*path, &known));
    let reader = Reader::of_json(args.json);
    finish::matrix(&mutations, (&mutations.text(), &mutations.markdown()), reader, (&out, expected), output)?;
    Ok(mutations.exit_code())
}

/// Mutants of the source in the place of those of the tables.
fn sources(args: &Args, size: usize, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let plan = mutants::Plan {
        place: &place,
        rooms: &Room::MODEL,
        sample: Sample { size, seed: args.seed, shard: args.shard.unwrap_or(Shard::WHOLE) },
        judges: Judges::Compare,
        results: None,
        again: Again::Changed,
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
