//! What the words mean that the command writes: rules, codes, states, edges, names of failures.
//!
//! **What it is.** A [`Word`] has a kind, its spellings and a page. The pages are made from the tables by which the workbench
//! works, so that a changed table is a changed page. [`look_up`] finds a word as a reader meets it in an output.
//!
//! **What it is not.** A text of its own. A sentence that a table could have belongs there.
//!
//! **The law it keeps.** A word is found in any case, and with blanks, dashes or underscores. What is found for one word is shown in full.

mod codes;
mod edges;
mod failures;
mod jobs;
mod rules;
mod tables;

use reports::Explanation;

use crate::error::Error;
use crate::place::Place;

/// What a word is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Rule,
    ExitCode,
    State,
    Event,
    Flag,
    Step,
    Method,
    HResult,
    Switch,
    Fault,
    Design,
    Flaw,
    Canary,
    Sentence,
    Term,
}

impl Kind {
    pub(crate) const ALL: [Kind; 15] = [
        Kind::Rule,
        Kind::ExitCode,
        Kind::State,
        Kind::Event,
        Kind::Flag,
        Kind::Step,
        Kind::Method,
        Kind::HResult,
        Kind::Switch,
        Kind::Fault,
        Kind::Design,
        Kind::Flaw,
        Kind::Canary,
        Kind::Sentence,
        Kind::Term,
    ];

    /// One of it.
    pub(crate) const fn one(self) -> &'static str {
        match self {
            Kind::Rule => "rule",
            Kind::ExitCode => "exit code",
            Kind::State => "state of a job",
            Kind::Event => "event",
            Kind::Flag => "notification flag",
            Kind::Step => "step of the environment",
            Kind::Method => "method",
            Kind::HResult => "HRESULT",
            Kind::Switch => "switch of the dialect table",
            Kind::Fault => "seeded fault",
            Kind::Design => "design in the place of the barrier",
            Kind::Flaw => "flaw of the protocol model",
            Kind::Canary => "canary",
            Kind::Sentence => "sentence of the documents",
            Kind::Term => "term",
        }
    }

    /// What is typed for all of it.
    pub(crate) const fn all(self) -> &'static str {
        match self {
            Kind::Rule => "rules",
            Kind::ExitCode => "exit-codes",
            Kind::State => "states",
            Kind::Event => "events",
            Kind::Flag => "flags",
            Kind::Step => "steps",
            Kind::Method => "methods",
            Kind::HResult => "hresults",
            Kind::Switch => "switches",
            Kind::Fault => "faults",
            Kind::Design => "designs",
            Kind::Flaw => "flaws",
            Kind::Canary => "canaries",
            Kind::Sentence => "sentences",
            Kind::Term => "terms",
        }
    }
}

/// A word that can be explained.
pub(crate) struct Word {
    pub(crate) kind: Kind,
    /// How it is typed.
    pub(crate) name: String,
    /// Other spellings.
    also: Vec<String>,
    /// What it means, in short.
    pub(crate) says: String,
    page: Box<dyn Fn() -> Result<Explanation, Error>>,
}

impl Word {
    fn new(
        kind: Kind,
        name: impl Into<String>,
        says: impl Into<String>,
        page: impl Fn(Explanation) -> Result<Explanation, Error> + 'static,
    ) -> Word {
        let (name, says) = (name.into(), says.into());
        let head = Explanation::new(kind.one(), &name, &says);
        Word { kind, name, also: Vec::new(), says, page: Box::new(move || page(head.clone())) }
    }

    fn also(mut self, spelling: impl Into<String>) -> Word {
        self.also.push(spelling.into());
        self
    }

    /// Its page.
    pub(crate) fn page(&self) -> Result<Explanation, Error> {
        (self.page)()
    }

    fn spellings(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str()].into_iter().chain(self.also.iter().map(String::as_str))
    }

    fn is_spelled(&self, plain: &str) -> bool {
        self.spellings().any(|spelling| plainly(spelling) == plain)
    }
}

/// Every word that can be listed. Edges are too many, and names of failures have no end.
pub(crate) fn words(place: &Place) -> Vec<Word> {
    let tables = [
        rules::words(),
        codes::exit_codes(),
        jobs::states(),
        jobs::events(),
        jobs::flags(),
        jobs::steps(),
        jobs::methods(),
        codes::hresults(),
        tables::switches(),
        tables::defects(),
        tables::sentences(),
        tables::terms(place),
    ];
    tables.into_iter().flatten().collect()
}

/// The pages about what was typed: of a word, of a number or a name that no list has. None for what is unknown.
pub(crate) fn look_up(typed: &str, words: &[Word], place: &Place) -> Result<Vec<Explanation>, Error> {
    let plain = plainly(typed);
    let found: Vec<&Word> = words.iter().filter(|word| word.is_spelled(&plain)).collect();
    if !found.is_empty() {
        return found.into_iter().map(Word::page).collect();
    }
    let unlisted = [codes::number(typed), edges::page(typed, place), failures::page(typed, words, place)?];
    Ok(unlisted.into_iter().flatten().take(1).collect())
}

/// The spellings that are closest to what was typed, the closest first.
pub(crate) fn close_to(typed: &str, words: &[Word]) -> Vec<String> {
    let plain = plainly(typed);
    let likeness = |spelling: &str| strsim::jaro_winkler(&plain, &plainly(spelling));
    let all = words.iter().flat_map(|word| word.spellings().map(|spelling| (likeness(spelling), spelling)));
    let mut close: Vec<(f64, &str)> = all.filter(|(likeness, _)| *likeness >= CLOSE).collect();
    close.sort_by(|one, other| other.0.total_cmp(&one.0));
    let listed = close.into_iter().map(|(_, spelling)| spelling.to_owned());
    listed.chain(edges::that_contain(typed)).take(MOST_CLOSE).collect()
}

/// How alike words are that may be meant, and how many are named.
const CLOSE: f64 = 0.85;
const MOST_CLOSE: usize = 4;

/// What people write differently is left out: case, blanks, dashes, underscores, an interface before a method, parentheses behind it.
fn plainly(spelling: &str) -> String {
    let method = spelling.rsplit("::").next().unwrap_or(spelling);
    let letters = method.trim().trim_end_matches("()").chars();
    letters.filter(|each| !matches!(each, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// A phrase of a table as a sentence.
fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// Whether a text has this word in it, and not only as a part of another.
fn mentions(text: &str, word: &str) -> bool {
    let is_part = |each: char| each.is_alphanumeric() || each == '_';
    let before = |at: usize| text[..at].chars().next_back().is_some_and(is_part);
    let after = |at: usize| text[at + word.len()..].chars().next().is_some_and(is_part);
    text.match_indices(word).any(|(at, _)| !before(at) && !after(at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_word_has_a_page_and_is_found_by_each_of_its_spellings() {
        let place = Place::here();
        let words = words(&place);
        for word in &words {
            let page = word.page().unwrap_or_else(|error| panic!("{}: {error}", word.name));
            assert!(!page.says.is_empty(), "{}", word.name);
            for spelling in word.spellings() {
                let found = look_up(&spelling.to_uppercase(), &words, &place).expect("pages are made");
                assert!(found.contains(&page), "{spelling}");
            }
        }
    }

    #[test]
    fn no_kind_has_a_name_twice() {
        let mut seen = BTreeMap::new();
        for word in words(&Place::here()) {
            let before = seen.insert((word.kind, plainly(&word.name)), word.name.clone());
            assert_eq!(before, None, "{}", word.name);
        }
    }

    #[test]
    fn a_word_is_mentioned_when_it_stands_alone() {
        assert!(mentions("a job in ERROR, or", "ERROR") && mentions("ERROR", "ERROR"));
        assert!(!mentions("TRANSIENT_ERROR and ERRORS", "ERROR"));
    }
}
