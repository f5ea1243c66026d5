//! Names of failures: what is broken, and where a trace of that name is.

use std::fs;
use std::path::{Path, PathBuf};

use judge::{FailureId, Trace, Verdicts, failure_id};
use reports::{ExitCode, Explanation};

use super::{Word, plainly};
use crate::error::Error;
use crate::place::Place;

/// The page of a name such as `R18-0657d709`, `agreement-2360b7e3` or `hang-race`.
pub(super) fn page(typed: &str, words: &[Word], place: &Place) -> Result<Option<Explanation>, Error> {
    let Some((about, _)) = typed.trim().split_once('-') else { return Ok(None) };
    let law = match plainly(about).as_str() {
        "agreement" => None,
        "hang" => Some("R16"),
        "crash" | "memory" => Some("R18"),
        _ => Some(about),
    };
    let says = match plainly(about).as_str() {
        "agreement" => "Two accounts of one run part, such as specification and core.",
        "hang" => "An engine did not come back in time, or gave no sign of life.",
        "crash" => "An engine died.",
        "memory" => "An engine took nearly all of the memory.",
        _ => "A rule is broken. A mistake has one name, whichever engine finds it.",
    };
    let rule = law.and_then(|law| words.iter().find(|word| word.is_spelled(&plainly(law))));
    if law.is_some() && rule.is_none_or(|rule| rule.kind != super::Kind::Rule) {
        return Ok(None);
    }
    let page = Explanation::new("failure", typed.trim(), says);
    let page = match rule {
        Some(rule) => rule_of(rule, page)?,
        None => page.text("Exit code", ExitCode::Violated.when()),
    };
    Ok(Some(with_traces(page, typed.trim(), place)))
}

/// The rule's own words, without its example: the traces of the failure are better ones.
fn rule_of(rule: &Word, page: Explanation) -> Result<Explanation, Error> {
    let of_rule = rule.page()?;
    let why = of_rule.passages.into_iter().filter(|passage| passage.title == "Why");
    let page = page.text("Rule", format!("{}: {}", of_rule.name, of_rule.says));
    Ok(Explanation { passages: page.passages.into_iter().chain(why).collect(), ..page })
}

fn with_traces(page: Explanation, id: &str, place: &Place) -> Explanation {
    let found = traces(id, place);
    if found.is_empty() {
        let where_it_was_looked = PLACES.map(|(place, _)| place).join(", ");
        return page.text("Traces", format!("None in {where_it_was_looked}."));
    }
    page.commands("Traces", found.iter().map(|path| again(path)))
}

/// What runs a file again.
fn again(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    match has_ending(path, "rs") {
        true => format!("cargo test -p properties --test regressions {name}"),
        false => format!("bgcheck replay {}", crate::run::quoted(&path.display().to_string())),
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|end| end == ending)
}

/// How the traces of a place are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// By their names.
    ByName,
    /// By their names, or by the verdicts of the rules: they have names of their own.
    ByVerdict,
}

/// Where traces are kept: those that are committed, those of the last runs, those of nights.
const PLACES: [(&str, Known); 7] = [
    ("properties/regressions", Known::ByVerdict),
    ("judge/golden", Known::ByVerdict),
    ("judge/reports", Known::ByVerdict),
    ("fuzz/regressions", Known::ByName),
    ("fuzz/artifacts", Known::ByName),
    ("target/traces", Known::ByName),
    ("reports/out", Known::ByName),
];

/// The files with a trace of this failure, in order.
fn traces(id: &str, place: &Place) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (folder, known) in PLACES {
        let is_it = |path: &Path| {
            is_named(path, id) || known == Known::ByVerdict && id.parse().is_ok_and(|id| shows(path, id))
        };
        let folder = match folder {
            "target/traces" => place.target().join("traces"),
            "reports/out" => place.reports(),
            folder => place.join(folder),
        };
        let mut files = files(&folder, DEEPEST);
        files.retain(|path| is_it(path));
        files.sort();
        found.extend(files);
    }
    found
}

/// Folders in one another: a night has a folder, and its traces have one in it.
const DEEPEST: usize = 4;

fn files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |entry: fs::DirEntry| match (entry.file_type().is_ok_and(|kind| kind.is_dir()), depth) {
        (true, 0) => Vec::new(),
        (true, _) => files(&entry.path(), depth - 1),
        (false, _) => vec![entry.path()],
    };
    entries.flat_map(below).collect()
}

/// Whether the name of a file begins with that of the failure.
fn is_named(path: &Path, id: &str) -> bool {
    let spelled = |text: &str| text.to_lowercase().replace('_', "-");
    let name = spelled(&path.file_name().unwrap_or_default().to_string_lossy());
    name.strip_prefix(&spelled(id)).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

/// Whether the rules find this failure in a file.
fn shows(path: &Path, id: FailureId) -> bool {
    let text = if has_ending(path, "jsonl") { fs::read_to_string(path).ok() } else { None };
    let trace = text.and_then(|text| Trace::parse(&text).ok());
    trace.is_some_and(|trace| {
        Verdicts::of(&trace).violations().any(|violation| failure_id(&trace, &violation) == id)
    })
}
