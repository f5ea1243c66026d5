//! `bgcheck generate`: test suites from the explored graph, each with a proof of what it covers.

use std::path::PathBuf;

use contract::{Core as _, Dialect};
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::suite::{COMMITTED, Committed, DIRECTORY, Order};
use reports::ExitCode;
use serde_json::json;

use crate::cli;
use crate::engines::conform::proof::{code, document, page};
use crate::engines::conform::{self, Suites, read};
use crate::error::Error;
use crate::files::write_bytes;
use crate::lock::Lock;
use crate::output::{Output, counted, printable};
use crate::place::Place;

/// Generate a test suite from the explored graph, and prove what it covers.
///
/// The model is explored to its end in the scope; then paths are found that cover every state, edge or pair of edges of its
/// quotient (what the specification distinguishes of a job), or make every call in every state in which it must fail. Each path
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
    #[arg(long, default_value_t = Cover::Transition, value_parser = cli::one_of(Cover::ALL), value_name = "COVER")]
    cover: Cover,
    /// Which dialect: `bits` or `do`.
    #[arg(long, default_value_t = Dialect::Bits, value_parser = cli::one_of(Dialect::ALL), value_name = "DIALECT")]
    dialect: Dialect,
    /// How far: `tiny`, `small` or `default`; `wide` has more states than a suite is made of.
    #[arg(long, default_value_t = ScopeName::Tiny, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: ScopeName,
    /// Clients call only when nothing goes on by itself.
    #[arg(long)]
    at_rest: bool,
    /// Steps of a path at which it ends.
    #[arg(long, default_value_t = conform::LONGEST, value_name = "N")]
    longest: usize,
    /// Where the suite goes; files of an older suite there are removed.
    #[arg(long, short, value_name = "DIR", required_unless_present = "committed")]
    out: Option<PathBuf>,
    /// Write a committed suite unchanged instead, for an implementation that is to follow it.
    #[arg(long, value_name = "NAME", requires = "out", conflicts_with_all = ["cover", "dialect", "scope", "at_rest", "longest"])]
    unpack: Option<String>,
    /// Generate the committed suites of this checkout again, after a change of the model.
    #[arg(long, conflicts_with_all = ["out", "unpack", "cover", "dialect", "scope", "at_rest", "longest"])]
    committed: bool,
    /// Print whether the committed suites have to be generated again, and write nothing.
    #[arg(long, requires = "committed")]
    check: bool,
    /// The size and the proof for a machine.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let Some(out) = &args.out else { return committed(args, output) };
    if args.scope == ScopeName::Wide {
        // It would be found out after minutes.
        let what = "the scope `wide` has more states than a suite is made of";
        return Err(Error::usage(what, "take a smaller scope: `--scope default`"));
    }
    let _own = Lock::of(out)?;
    let suite = match &args.unpack {
        Some(name) => conform::committed(named(name)?)?,
        None => conform::planned(&order(args), output)?,
    };
    suite.write(out).map_err(|error| {
        Error::usage(error.to_string(), "check that the directory can be written, or name another with `-o`")
    })?;
    // The proof is about what is on the disk, and not about what was meant to be.
    let suite = read(out)?;
    let suites = Suites::none();
    let turn = suites.turn("proof", &out.display().to_string(), &suite);
    let proof = conform::on(&suite, engine::core::Core::new, turn, output)?;
    let code = code(&proof);
    if args.json {
        output.json(&document(out, &suite, &proof, code))?;
    } else {
        output.text(&page(out, &suite, &proof, code, output))?;
    }
    Ok(code)
}

fn order(args: &Args) -> Order {
    Order {
        cover: args.cover,
        dialect: args.dialect,
        scope: args.scope,
        pace: if args.at_rest { Pace::AtRest } else { Pace::AnyTime },
        longest: args.longest.max(1),
    }
}

fn named(name: &str) -> Result<&'static Committed, Error> {
    Committed::named(name).ok_or_else(|| {
        let names: Vec<&str> = COMMITTED.iter().map(|suite| suite.name).collect();
        let what = format!("there is no committed suite {:?}", printable(name));
        Error::usage(what, format!("take one of these: {}", names.join(", ")))
    })
}

/// Generates every committed suite, and writes those that have changed, or only prints that they have.
fn committed(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let dir = Place::here().join(DIRECTORY);
    if !dir.is_dir() {
        let what = format!("there is no {DIRECTORY} here");
        return Err(Error::usage(what, "run it in a checkout of bgcheck"));
    }
    let mut changed = Vec::new();
    for (suite, now) in COMMITTED.iter().zip(conform::regenerated(output)?) {
        let is = suite.is(&now);
        let size = counted(now.cases.len() as u64, "file");
        let items = counted(now.manifest.items.len() as u64, "item");
        let said = match (is, args.check) {
            (true, _) => "as committed",
            (false, true) => "changed",
            (false, false) => "written",
        };
        if !args.json {
            output.text(&format!("{:<22}{size}, {items}: {said}", suite.name))?;
        }
        if !is {
            changed.push(suite.name);
            if !args.check {
                let path = dir.join(suite.file());
                let packed = now.pack().map_err(|source| Error::Write { path: path.clone(), source })?;
                write_bytes(&path, &packed)?;
            }
        }
    }
    let code = if args.check && !changed.is_empty() { ExitCode::Violated } else { ExitCode::Held };
    if args.json {
        output.json(&json!({ "version": 1, "changed": changed, "exit_code": code.code() }))?;
    } else if code == ExitCode::Violated {
        output.text(
            "the model has changed since: run `bgcheck generate --committed`, and commit what it writes",
        )?;
    }
    Ok(code)
}
