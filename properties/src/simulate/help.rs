//! The help of the prompt.

use std::fmt::Write as _;

use contract::Method;

use super::call::{self, SHORT};
use super::read::{COMMANDS, MOVES, closest, verbs};
use super::side::NotNow;

/// The page about a word, or about all.
pub(super) fn page(word: Option<&str>) -> Result<String, NotNow> {
    let Some(word) = word else { return Ok(all()) };
    let lower = word.to_lowercase();
    let row = MOVES.iter().chain(&COMMANDS).find(|(name, ..)| *name == lower);
    if let Some((name, usage, what)) = row {
        return Ok(format!("{}\n  {}\n", line(name, usage), sentence(what)));
    }
    if let Some(method) = call::method(word) {
        return Ok(about(method));
    }
    let close = closest(word, verbs());
    let help = match close.first() {
        Some(close) => format!("did you mean `help {close}`?"),
        None => "type `help` for the words that there are".to_owned(),
    };
    Err(NotNow::new(format!("{word:?} is no word here"), help))
}

fn line(name: &str, usage: &str) -> String {
    if usage.is_empty() { name.to_owned() } else { format!("{name} {usage}") }
}

fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn about(method: Method) -> String {
    let word = call::word(method);
    let mut text =
        format!("{}\n  {}: {}\n", line(word, call::arguments(method)), method.name(), method.what());
    if word != method.name() {
        let _ = writeln!(text, "  `{}` is read, too.", method.name());
    }
    text
}

/// Where the second column begins.
const COLUMN: usize = 34;

fn all() -> String {
    let mut text = String::from(
        "A line has statements, parted by `;`. A statement is [WHO:] [JOB.]VERB [ARGUMENT...].\n\
         WHO is a client thread (t0:, t1:), a callback (d0:), or a user (u0:); left out, it is t0.\n\
         JOB is j0, j1 or j2; left out, it is the one that was made last, or that `job` chose.\n",
    );
    put(&mut text, "\ncalls, which are also typed by their documented names", |text| {
        for (word, method) in SHORT {
            row(text, &line(word, call::arguments(method)), method.what());
        }
    });
    put(&mut text, "\nservice, callbacks, network, disk, clock", |text| {
        for (word, usage, what) in MOVES {
            row(text, &line(word, usage), &sentence(what));
        }
    });
    put(&mut text, "\nthe session", |text| {
        for (word, usage, what) in COMMANDS {
            row(text, &line(word, usage), &sentence(what));
        }
    });
    text
}

fn put(text: &mut String, heading: &str, rows: impl FnOnce(&mut String)) {
    text.push_str(heading);
    text.push('\n');
    rows(text);
}

fn row(text: &mut String, left: &str, right: &str) {
    // Writing to a string does not fail.
    let _ = if left.len() < COLUMN {
        writeln!(text, "  {left:<COLUMN$}{right}")
    } else {
        writeln!(text, "  {left}\n  {:<COLUMN$}{right}", "")
    };
}
