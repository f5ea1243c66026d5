//! `bgcheck graph`: the tables that the model is made of, as text and as pictures.

use std::path::PathBuf;

use clap::ValueEnum;
use contract::Dialect;
use model::spec::pictures;
use reports::ExitCode;
use serde_json::json;

use crate::cli;
use crate::engines::tables::{dialects, dialects_markdown, edges, methods, pretty, transitions};
use crate::error::Error;
use crate::files::write;
use crate::output::Output;

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
    /// Short for `--format json`.
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
