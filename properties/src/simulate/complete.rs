//! What may stand where the cursor is.

use contract::{HResult, JobId};

use super::call::{self, FLAGS};
use super::read::{COMMANDS, MOVES, verbs};

/// Where the word under the cursor begins, in bytes, and the words that it may become. `names` are jobs, callbacks and objects.
///
/// ```
/// use properties::simulate::complete;
///
/// assert_eq!(complete("flags DIS", 9, &[]), (6, vec!["DISABLE".to_owned()]));
/// assert_eq!(complete("create; canc", 12, &[]).1[0], "cancel");
/// ```
#[must_use]
pub fn complete(line: &str, at: usize, names: &[String]) -> (usize, Vec<String>) {
    let before = line.get(..at).unwrap_or(line);
    let statement = before.rfind(';').map_or(0, |semicolon| semicolon + 1);
    let typed = &before[statement..];
    let mut words: Vec<&str> = typed.split_whitespace().collect();
    let word = if typed.ends_with(char::is_whitespace) { "" } else { words.pop().unwrap_or("") };
    let start = before.len() - word.len();
    words.retain(|word| !word.ends_with(':') && *word != "what-if");
    match words.first() {
        None => {
            // A job before the verb stays.
            let (job, begun) = word.split_once('.').unwrap_or(("", word));
            let start = if job.is_empty() { start } else { start + job.len() + 1 };
            let jobs = names.iter().filter(|_| job.is_empty()).map(|name| with_dot(name));
            let all = verbs().map(str::to_owned).chain(jobs);
            (start, begin_with(begun, all))
        }
        Some(verb) => {
            // Flags and interfaces are joined by `|`.
            let begun = word.rsplit('|').next().unwrap_or(word);
            (before.len() - begun.len(), begin_with(begun, arguments(verb, names).into_iter()))
        }
    }
}

fn with_dot(name: &str) -> String {
    let is_job = name.strip_prefix('j').is_some_and(|number| number.parse::<u32>().is_ok());
    if is_job { format!("{name}.") } else { name.to_owned() }
}

fn begin_with(begun: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    let lower = begun.to_lowercase();
    let mut found: Vec<String> = words.filter(|word| word.to_lowercase().starts_with(&lower)).collect();
    found.dedup();
    found
}

fn arguments(verb: &str, names: &[String]) -> Vec<String> {
    let verb = verb.split_once('.').filter(|(job, _)| job.starts_with('j')).map_or(verb, |(_, verb)| verb);
    let lower = verb.to_lowercase();
    let usage = MOVES.iter().chain(&COMMANDS).find(|(word, ..)| *word == lower).map(|(_, usage, _)| *usage);
    let method = call::method(verb);
    let usage = usage.or(method.map(call::arguments)).unwrap_or("");
    let literal = |word: &&str| word.chars().any(char::is_alphabetic) && !is_a_place(word);
    let mut words: Vec<String> = usage
        .split(|each: char| !each.is_ascii_alphanumeric() && each != '-')
        .filter(literal)
        .map(str::to_owned)
        .collect();
    if method == Some(contract::Method::SetNotifyFlags) {
        words = FLAGS.iter().map(|(word, _)| (*word).to_owned()).collect();
    }
    if usage.contains("CODE") {
        words.extend(HResult::NAMED.iter().map(|(name, _)| (*name).to_owned()));
    }
    if lower == "help" {
        words.extend(verbs().map(str::to_owned));
    }
    words.extend(names.iter().filter(|name| !name.ends_with(':')).cloned());
    words.sort();
    words.dedup();
    // The first job stands for all in a usage.
    words.retain(|word| *word != JobId(0).to_string() || names.contains(word));
    words
}

/// Whether a word of a usage stands for what is to be typed there.
fn is_a_place(word: &str) -> bool {
    const PLACES: [&str; 18] = [
        "N",
        "CODE",
        "STATUS",
        "CONTEXT",
        "NUMBER",
        "EVENT",
        "RESULT",
        "NAME",
        "KIND",
        "URL",
        "PATH",
        "PARAMETERS",
        "TEXT",
        "SECONDS",
        "LANGUAGE",
        "COUNT",
        "SKIP",
        "FILE",
    ];
    PLACES.contains(&word) || matches!(word, "or" | "a" | "number" | "WORD" | "STATEMENT")
}
