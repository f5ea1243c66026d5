//! `bgcheck explain`: what a word means that the command writes.

use std::fmt::Write as _;

use clap::ValueEnum;
use reports::{ExitCode, Explanation};
use serde_json::json;

use crate::error::Error;
use crate::explain::{Kind, Word, close_to, look_up, words};
use crate::output::Output;
use crate::place::Place;

/// Explain a rule, a code, a state, a failure or any other word of the outputs.
///
/// Rules come with a run that breaks them, HRESULTs and methods with the states in which they go together, names of failures with
/// the traces that are kept of them, edges with an input that reaches them. A page is made from the tables that bgcheck works by.
///
/// Without a word it lists the words; with the plural of a kind, such as `rules`, those of the kind.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck explain                              which words there are
  bgcheck explain R6                           a rule, with a run that breaks it; also by name: once
  bgcheck explain 4                            an exit code
  bgcheck explain 0x80200002                   an HRESULT; also by name: BG_E_INVALID_STATE
  bgcheck explain R18-0657d709                 a failure: its rule, and where its traces are
  bgcheck explain Cancel                       a method: what it answers, state by state
  bgcheck explain 'QUEUED | GetState -> S_OK'  an edge of the model: what it is, and how to reach it
  bgcheck explain rules --format markdown      every rule, as in docs/rules.md
  bgcheck explain TRANSFERRED --json           for a machine")]
pub(crate) struct Args {
    /// A word of an output, or the plural of a kind of words.
    #[arg(value_name = "WHAT", num_args = 0.., allow_negative_numbers = true)]
    what: Vec<String>,
    /// How to render it.
    #[arg(long, value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    format: Format,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How to render it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For a terminal.
    Terminal,
    /// For a document.
    Markdown,
    /// For a machine.
    Json,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let format = if args.json { Format::Json } else { args.format };
    let place = Place::here();
    let words = words(&place);
    // Words with blanks need no quotation marks.
    let typed = args.what.join(" ");
    let pages = match (typed.as_str(), kind(&typed), format) {
        ("", _, _) => vec![overview(&words)],
        (_, Some(kind), Format::Terminal) => vec![listed(kind, &words)],
        (_, Some(kind), _) => pages_of(kind, &words)?,
        _ => found(&typed, &words, &place)?,
    };
    match format {
        Format::Terminal => {
            let pages: Vec<String> = pages.iter().map(|page| page.terminal(output.style())).collect();
            output.text(&pages.join("\n"))?;
        }
        Format::Markdown => output.text(&document(kind(&typed), &pages))?,
        Format::Json => {
            output
                .json(&json!({ "version": 1, "explanations": pages, "exit_code": ExitCode::Held.code() }))?;
        }
    }
    Ok(ExitCode::Held)
}

fn kind(typed: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.all() == typed.to_lowercase().replace(' ', "-"))
}

fn found(typed: &str, words: &[Word], place: &Place) -> Result<Vec<Explanation>, Error> {
    let pages = look_up(typed, words, place)?;
    if !pages.is_empty() {
        return Ok(pages);
    }
    let close: Vec<String> = close_to(typed, words).iter().map(|word| format!("`{word}`")).collect();
    let help = match close.as_slice() {
        [] => "type `bgcheck explain` for the words that there are".to_owned(),
        close => format!("did you mean {}? `bgcheck explain` lists all words", close.join(" or ")),
    };
    Err(Error::usage(format!("{typed:?} is no word that can be explained"), help))
}

/// Words of a kind that are named in the list of all kinds.
const NAMED: usize = 30;

fn overview(words: &[Word]) -> Explanation {
    let says =
        "Type `bgcheck explain` and a word of an output: one of these, the name of a failure, or an edge.";
    let mut page = Explanation::new("words", "bgcheck explain", says);
    for kind in Kind::ALL {
        let all: Vec<String> = of(kind, words).map(|word| word.name.clone()).collect();
        let more = all.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("and {more} more: bgcheck explain {}", kind.all()));
        page = page.words(kind.all(), all.into_iter().take(NAMED).chain(more));
    }
    page
}

fn listed(kind: Kind, words: &[Word]) -> Explanation {
    let lines = of(kind, words).map(|word| format!("{}: {}", word.name, word.says));
    let says = "Type `bgcheck explain` and one of these for all about it.";
    Explanation::new("words", kind.all(), says).list(kind.all(), lines)
}

fn pages_of(kind: Kind, words: &[Word]) -> Result<Vec<Explanation>, Error> {
    of(kind, words).map(Word::page).collect()
}

fn of(kind: Kind, words: &[Word]) -> impl Iterator<Item = &Word> {
    words.iter().filter(move |word| word.kind == kind)
}

/// Pages one after another, under a title and the command that makes them again.
fn document(kind: Option<Kind>, pages: &[Explanation]) -> String {
    let mut text = String::new();
    if let Some(kind) = kind {
        let (title, command) = (kind.all(), format!("bgcheck explain {} --format markdown", kind.all()));
        let _ = write!(text, "# bgcheck: {title}\n\nWritten by `{command}`.\n\n");
    }
    text + &pages.iter().map(Explanation::markdown).collect::<Vec<_>>().join("\n")
}
