//! `bgcheck graph`: the tables that the model is made of, as text and as pictures.

use std::path::PathBuf;

use clap::ValueEnum;
use contract::sentence::Follows;
use contract::state::EDGES;
use contract::{Dialect, HResult, JobState, Method, answers, dialect};
use model::edges::Explored;
use model::spec::pictures;
use properties::edges::{Breadth, explore, names};
use reports::ExitCode;
use serde_json::{Value, json};

use crate::cli;
use crate::engines::counterexample::write;
use crate::error::Error;
use crate::output::Output;
use crate::run::cores;

/// Print the tables of states, methods and dialects, or draw them.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck graph                                        the state graph of BITS, as DOT
  bgcheck graph --dialect do --format mermaid          that of Delivery Optimization, as Mermaid
  bgcheck graph --format svg --out states.svg          a picture
  bgcheck graph --table methods --format markdown      what each method may answer in each state
  bgcheck graph --table dialects --json                where the two dialects differ, for a machine
  bgcheck graph --table edges | diff model/edges.txt - the index of edges that coverage is counted in, found anew")]
pub(crate) struct Args {
    /// Which table.
    #[arg(long, value_enum, default_value_t = Table::Transitions, value_name = "TABLE")]
    table: Table,
    /// Which dialect: `bits` or `do`. The tables of dialects and of edges have both.
    #[arg(long, default_value_t = Dialect::Bits, value_parser = cli::one_of(Dialect::ALL), value_name = "DIALECT")]
    dialect: Dialect,
    /// How: by default DOT for transitions, a name a line for edges, and Markdown for the other tables.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Table {
    /// Which state follows which, and why.
    Transitions,
    /// What each method may answer in each state.
    Methods,
    /// Where the two dialects differ.
    Dialects,
    /// What one step of one job can be, as far as coverage is counted: explored in a minute.
    Edges,
}

/// How it is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For Graphviz.
    Dot,
    /// For a Markdown page that draws it.
    Mermaid,
    /// A picture, in light and dark.
    Svg,
    /// A table.
    Markdown,
    /// A name a line.
    Names,
    /// For a machine.
    Json,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let text = text(args, output)?;
    match &args.out {
        None => output.text(&text)?,
        Some(path) => {
            write(path, &text)?;
            output.text(&path.display().to_string())?;
        }
    }
    Ok(ExitCode::Held)
}

fn text(args: &Args, output: &Output) -> Result<String, Error> {
    let default = match args.table {
        Table::Transitions => Format::Dot,
        Table::Methods | Table::Dialects => Format::Markdown,
        Table::Edges => Format::Names,
    };
    let format = if args.json { Format::Json } else { args.format.unwrap_or(default) };
    Ok(match (args.table, format) {
        (Table::Transitions, Format::Dot) => pictures::dot(args.dialect),
        (Table::Transitions, Format::Mermaid) => pictures::mermaid(args.dialect),
        (Table::Transitions, Format::Svg) => pages::state_picture(pages::Dialects::One(args.dialect)),
        (Table::Transitions, Format::Markdown) => pictures::markdown(args.dialect),
        (Table::Transitions, Format::Json) => pretty(&transitions(args.dialect)),
        (Table::Methods, Format::Markdown) => pictures::methods_markdown(args.dialect),
        (Table::Methods, Format::Json) => pretty(&methods(args.dialect)),
        (Table::Dialects, Format::Markdown) => dialects_markdown(),
        (Table::Dialects, Format::Json) => pretty(&dialects()),
        (Table::Edges, Format::Names) => edges(output)?.join("\n") + "\n",
        (Table::Edges, Format::Json) => pretty(&json!({ "version": 1, "edges": edges(output)? })),
        (Table::Edges, Format::Markdown) | (_, Format::Names) => {
            return Err(Error::usage(
                "only the edges are names, and they are no table",
                "use `--format names` with `--table edges`, or `--json`",
            ));
        }
        (_, Format::Dot | Format::Mermaid | Format::Svg) => {
            return Err(Error::usage(
                "only the transitions are a graph",
                "use `--format markdown` or `--json` for this table, or leave out `--table`",
            ));
        }
    })
}

/// The names of all edges, sorted, as they are committed.
fn edges(output: &Output) -> Result<Vec<String>, Error> {
    let progress = output.progress("edges");
    progress.note("edges: every slice of both dialects is explored, which takes a minute or more");
    let mut tell = |dialect: Dialect, slice: &str, explored: &Explored| {
        progress.note(&format!(
            "edges: {dialect} {slice}: {} states",
            indicatif::HumanCount(explored.states as u64)
        ));
    };
    let edges = explore(Breadth::Index, cores(), &mut tell);
    let help = "run `bgcheck check` to see where".to_owned();
    let edges = edges.map_err(|unsound| Error::Broken { what: unsound.to_string(), help })?;
    Ok(names(&edges))
}

fn transitions(dialect: Dialect) -> Value {
    let edges = EDGES.iter().filter(|edge| edge.is_in(dialect));
    let rows = edges.map(|edge| {
        json!({
            "from": edge.from.to_string(), "cause": edge.cause.to_string(), "to": edge.to.to_string(),
            "source": edge.source, "follows": ids(edge.follows),
        })
    });
    json!({ "version": 1, "dialect": dialect, "transitions": rows.collect::<Vec<_>>() })
}

fn methods(dialect: Dialect) -> Value {
    let profile = dialect.profile();
    let allowed = |method: Method, state: JobState| -> Vec<&'static str> {
        let allowed = |hr: &HResult| answers::allows(profile, method, state, *hr);
        HResult::NAMED.iter().filter(|(_, hr)| allowed(hr)).map(|(name, _)| *name).collect()
    };
    let row = |method: &Method| {
        let cells = JobState::ALL.map(|state| (state.to_string(), json!(allowed(*method, state))));
        json!({
            "method": method.to_string(),
            "interface": format!("{:?}", method.interface()),
            "answers": cells.into_iter().collect::<serde_json::Map<_, _>>(),
        })
    };
    json!({ "version": 1, "dialect": dialect, "methods": Method::ALL.iter().map(row).collect::<Vec<_>>() })
}

fn dialects() -> Value {
    let row = |row: dialect::Row| {
        json!({
            "switch": row.field, "what": row.what,
            "bits": { "value": row.bits, "source": row.bits_source, "follows": ids(row.bits_follows) },
            "do": { "value": row.delivery_optimization, "source": row.do_source, "follows": ids(row.do_follows) },
        })
    };
    json!({ "version": 1, "dialects": dialect::rows().into_iter().map(row).collect::<Vec<_>>() })
}

/// The sentences of the documents that are followed there.
fn ids(follows: Follows) -> Vec<&'static str> {
    follows.iter().map(|sentence| sentence.id()).collect()
}

fn dialects_markdown() -> String {
    let mut text =
        String::from("| switch | what | BITS | source | DO | source |\n|---|---|---|---|---|---|\n");
    for row in dialect::rows() {
        let dialect::Row { field, what, bits, bits_source, delivery_optimization, do_source, .. } = row;
        text += &format!(
            "| `{field}` | {what} | {bits} | {bits_source} | {delivery_optimization} | {do_source} |\n"
        );
    }
    text
}

fn pretty(value: &Value) -> String {
    // `Display` of a JSON value cannot fail.
    format!("{value:#}\n")
}
