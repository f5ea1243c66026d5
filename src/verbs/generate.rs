//! `bgcheck generate`: test suites from the explored graph, each with a proof of what it covers.

use std::path::PathBuf;

use contract::{Core as _, Dialect};
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::suite::{Conformed, Order, Suite};
use reports::ExitCode;
use serde_json::{Value, json};

use crate::engines::conform;
use crate::error::Error;
use crate::output::{Output, Paint, counted};
use crate::verbs::conform::{read, summary_of_cover};

/// Generate a test suite from the explored graph, and prove what it covers.
///
/// The model is explored to its end in the scope; then paths are found that cover every state, edge or pair of edges of its
/// quotient (what the specification tells apart of a job), or make every call in every state in which it must fail. Each path
/// is a trace in the suite's directory. For the proof, the files are read back and run on the engine's core, and what they
/// reach is counted.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck generate -o suite                              every edge, scope tiny, BITS
  bgcheck generate --cover pair --scope small -o suite   every two edges that can follow one another
  bgcheck generate --cover sneak --dialect do -o suite   every call in every state in which it must fail
  bgcheck generate --at-rest -o suite                    for subjects that cannot be stepped
  bgcheck conform --suite suite --subject core           run it")]
pub(crate) struct Args {
    /// What the suite reaches: `state`, `transition`, `pair` or `sneak`.
    #[arg(long, default_value_t = Cover::Transition, value_name = "COVER")]
    cover: Cover,
    /// Which dialect: `bits` or `do`.
    #[arg(long, default_value_t = Dialect::Bits, value_name = "DIALECT")]
    dialect: Dialect,
    /// How far: `tiny`, `small` or `default`; `wide` has more states than a suite is made of.
    #[arg(long, default_value_t = ScopeName::Tiny, value_name = "SCOPE")]
    scope: ScopeName,
    /// Clients call only when nothing goes on by itself.
    #[arg(long)]
    at_rest: bool,
    /// Steps of a path at which it ends.
    #[arg(long, default_value_t = conform::LONGEST, value_name = "N")]
    longest: usize,
    /// Where the suite goes; files of an older suite there are removed.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// The size and the proof for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let order = Order {
        cover: args.cover,
        dialect: args.dialect,
        scope: args.scope,
        pace: if args.at_rest { Pace::AtRest } else { Pace::AnyTime },
        longest: args.longest.max(1),
    };
    conform::planned(&order, output)?.write(&args.out).map_err(|error| {
        Error::usage(error.to_string(), "check that the directory can be written, or name another with `-o`")
    })?;
    // The proof is about what is on the disk, and not about what was meant to be.
    let suite = read(&args.out)?;
    let proof = conform::on(&suite, engine::core::Core::new, output)?;
    let code = code(&proof);
    if args.json {
        output.json(&document(args, &suite, &proof, code))?;
    } else {
        output.text(&page(args, &suite, &proof, code, output))?;
    }
    Ok(code)
}

/// A suite that its own core does not pass, or that does not reach what it promises, is the generator's fault.
fn code(proof: &Conformed) -> ExitCode {
    let whole = proof.missing.is_empty() && proof.passed() == proof.files.len();
    match (whole, proof.items) {
        (true, 1..) => ExitCode::Held,
        (true, 0) => ExitCode::Vacuous,
        (false, _) => ExitCode::Internal,
    }
}

fn page(args: &Args, suite: &Suite, proof: &Conformed, code: ExitCode, output: &Output) -> String {
    let manifest = &suite.manifest;
    let mut text = format!(
        "{} cover of {}, scope {}, clients call at {}\n",
        args.cover,
        args.dialect,
        args.scope,
        pace(args)
    );
    for slice in &manifest.slices {
        let (states, edges) = (counted(slice.states, "state"), counted(slice.edges, "edge"));
        text += &format!("  {:<18}{states}, {edges} explored\n", slice.name);
    }
    let longest = manifest.files.iter().map(|file| file.steps).max().unwrap_or(0);
    text += &format!(
        "  {}, {}, the longest has {longest}\n",
        counted(manifest.files.len() as u64, "file"),
        counted(proof.steps, "step")
    );
    text += &format!("\nproof: {}\n", summary_of_cover(proof, args.cover));
    let paint = if code == ExitCode::Held { Paint::Good } else { Paint::Bad };
    text + &format!("{}\n", output.paint(paint, &format!("written to {}", args.out.display())))
}

const fn pace(args: &Args) -> &'static str {
    if args.at_rest { "rest" } else { "any time" }
}

fn document(args: &Args, suite: &Suite, proof: &Conformed, code: ExitCode) -> Value {
    let manifest = &suite.manifest;
    json!({
        "version": 1,
        "cover": manifest.cover,
        "dialect": manifest.dialect,
        "scope": manifest.scope,
        "pace": manifest.pace,
        "directory": args.out,
        "slices": manifest.slices,
        "files": manifest.files.len(),
        "steps": proof.steps,
        "covered": proof.covered(),
        "of": proof.items,
        "missing": proof.missing,
        "exit_code": code.code(),
    })
}
