//! `bgcheck mutate`: mutants of the model x engines.

use std::path::PathBuf;

use model::mutants::{Listed, all};
use reports::{ExitCode, Survivors};
use serde_json::{Value, json};

use crate::engines::counterexample::{expected, write, write_json};
use crate::engines::mutate::{self, ENGINES, Plan};
use crate::error::Error;
use crate::finish;
use crate::output::{Output, Versioned};
use crate::place::Place;
use crate::run::command_line;

/// Change the model in one place after another, and show which changes nobody notices.
///
/// A mutant is one row, cell, bit, guard, effect or monitor of the model that is not what it was. The command builds itself with the mutants
/// inside, in target/mutants, and lets one engine after another look at each until somebody notices; and at the model as it is,
/// of which nobody may notice anything. A mutant that survives is behaviour that nothing specifies, or a rule that is vacuous: it
/// needs an argument in docs/pinned/mutants-expected.json, and without one the run ends with 2; so does one that was noticed before, for
/// --bless takes its argument away.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck mutate                                   every mutant, every engine
  bgcheck mutate --only guard/r5,rule/r6           those whose names begin so
  bgcheck mutate --only protocol --engine liveness
  bgcheck mutate -o mutants.md                     the score and the survivors, as a document
  bgcheck mutate --bless                           what is noticed must be noticed from now on
  bgcheck mutate --list --only edge                the mutants, and what each is")]
pub(crate) struct Args {
    /// Mutants by name, or by how their names begin; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// These engines; every one when left out.
    #[arg(long, value_delimiter = ',', value_name = "ENGINES", value_parser = ENGINES)]
    engine: Vec<String>,
    /// The seed of programs and races.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the document goes.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Take away the arguments of what this run noticed: writes docs/pinned/mutants-expected.json.
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
}

impl Args {
    /// Whether it builds and starts other processes.
    pub(crate) const fn starts_others(&self) -> bool {
        !self.list && !self.attack
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let mutants = chosen(&args.only)?;
    if args.list {
        return list(args, &mutants, output);
    }
    if args.attack {
        mutate::look_here(&mutants, &args.engine, args.seed, output)?;
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
    match args.json {
        true => output.json(&Versioned::first(&mutations))?,
        false => output.text(&mutations.text())?,
    }
    // What follows are files, and the verdict is there.
    if args.bless && mutations.stopped_by.is_none() {
        finish::warned(write_json(&path, &known), output);
    }
    let out = args.out.clone().unwrap_or_else(|| place.reports().join("mutants.md"));
    finish::warned(write(&out, &mutations.markdown()), output);
    Ok(mutations.exit_code())
}

fn list(args: &Args, mutants: &[Listed], output: &mut Output) -> Result<ExitCode, Error> {
    if args.json {
        let mutant = |listed: &Listed| json!({ "name": listed.name, "what": listed.what });
        let mutants: Vec<Value> = mutants.iter().map(mutant).collect();
        output.json(&json!({ "version": 1, "mutants": mutants }))?;
        return Ok(ExitCode::Held);
    }
    let lines: Vec<String> =
        mutants.iter().map(|listed| format!("{}: {}", listed.name, listed.what)).collect();
    output.text(&lines.join("\n"))?;
    Ok(ExitCode::Held)
}

/// The mutants of these names, or whose names begin so.
fn chosen(only: &[String]) -> Result<Vec<Listed>, Error> {
    let all = all();
    let is_of = |listed: &Listed, name: &String| {
        listed.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(name) = only.iter().find(|name| !all.iter().any(|listed| is_of(listed, name))) {
        let what = format!("there is no mutant {name:?}");
        return Err(Error::usage(what, "see `bgcheck mutate --list` for all of them"));
    }
    let asked = |listed: &Listed| only.is_empty() || only.iter().any(|name| is_of(listed, name));
    Ok(all.into_iter().filter(asked).collect())
}
