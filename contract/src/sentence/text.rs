//! The texts of the sentences, and what a file of them must keep to.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{FILE, Sentence};

/// The most characters a paraphrase may have: one line, in a terminal as in a table.
pub const MAX_SAYS: usize = 110;

/// A sentence in our words.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Its id.
    pub id: String,
    /// What it demands.
    pub says: String,
    /// Whose documents say it.
    #[serde(rename = "dialect")]
    pub whose: Whose,
    /// Where the facts are noted.
    pub facts: Vec<String>,
    /// The documents' pages.
    pub pages: Vec<String>,
    /// Why it is not followed here; none when it is.
    pub not_followed: Option<String>,
}

/// Whose documents say a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// Those of BITS.
    Bits,
    /// Those of Delivery Optimization.
    Do,
    /// Both.
    Both,
}

impl Text {
    /// Where it comes from: `facts B2; api:setnotifyflags`.
    #[must_use]
    pub fn source(&self) -> String {
        format!("facts {}; {}", self.facts.join(", "), self.pages.join(", "))
    }
}

impl Sentence {
    /// The sentence in our words, and where it comes from.
    #[must_use]
    pub fn text(self) -> &'static Text {
        static TEXTS: LazyLock<Vec<Text>> =
            LazyLock::new(|| read(FILE).expect("the file is part of this crate, and a test reads it"));
        &TEXTS[self.0 as usize]
    }
}

/// What is wrong with a file of sentences.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SentenceError {
    /// It is not TOML, or not of this form.
    #[error("the file cannot be read: {0}")]
    Toml(String),
    /// An id is not made of lower-case words with a dot and dashes.
    #[error("{0:?} is not an id: expected, for example, `resume.empty`")]
    BadId(String),
    /// Two sentences have one id.
    #[error("{0}: this id stands twice")]
    Twice(String),
    /// A paraphrase is empty, longer than a line, not one sentence, or has a mark that a table cannot hold.
    #[error("{id}: {says:?} is not one sentence on one line of at most {MAX_SAYS} characters")]
    NotALine {
        /// Which sentence.
        id: String,
        /// What it says.
        says: String,
    },
    /// A source is not one.
    #[error("{id}: {source_name:?} names no facts and no page")]
    BadSource {
        /// Which sentence.
        id: String,
        /// The source.
        source_name: String,
    },
    /// The dialect and the pages do not go together: each service whose documents state it must have a page, and no other.
    #[error("{0}: the pages are not of the dialect that is named")]
    OtherDialect(String),
}

/// Reads a file of sentences.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(file: &str) -> Result<Vec<Text>, Vec<SentenceError>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sentences {
        sentence: Vec<Text>,
    }
    let texts = toml::from_str::<Sentences>(file);
    let texts = texts.map_err(|error| vec![SentenceError::Toml(error.to_string())])?.sentence;
    let mut errors: Vec<SentenceError> = texts.iter().flat_map(mistakes).collect();
    let mut known = BTreeSet::new();
    let again = texts.iter().filter(|text| !known.insert(&text.id));
    errors.extend(again.map(|text| SentenceError::Twice(text.id.clone())));
    if errors.is_empty() { Ok(texts) } else { Err(errors) }
}

fn mistakes(text: &Text) -> Vec<SentenceError> {
    let mut errors = Vec::new();
    let id = || text.id.clone();
    if !is_id(&text.id) {
        errors.push(SentenceError::BadId(id()));
    }
    for says in std::iter::once(&text.says).filter(|says| !is_line(says) || !says.ends_with('.')) {
        errors.push(SentenceError::NotALine { id: id(), says: says.clone() });
    }
    for why in text.not_followed.iter().filter(|why| !is_line(why) || why.ends_with('.')) {
        errors.push(SentenceError::NotALine { id: id(), says: why.clone() });
    }
    let bad_facts = text.facts.iter().filter(|facts| !is_facts(facts));
    let bad_pages = text.pages.iter().filter(|page| dialect_of(page).is_none());
    let bad = bad_facts.chain(bad_pages);
    errors.extend(bad.map(|name| SentenceError::BadSource { id: id(), source_name: name.clone() }));
    let pages: Vec<Whose> = text.pages.iter().filter_map(|page| dialect_of(page)).collect();
    let of = |whose| pages.contains(&whose);
    let fits = match text.whose {
        Whose::Bits => of(Whose::Bits) && !of(Whose::Do),
        Whose::Do => of(Whose::Do) && !of(Whose::Bits),
        Whose::Both => of(Whose::Bits) && of(Whose::Do),
    };
    if text.facts.is_empty() || !fits {
        errors.push(SentenceError::OtherDialect(id()));
    }
    errors
}

/// An area and a name, as in `resume.empty`.
fn is_id(id: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    id.split_once('.').is_some_and(|(area, name)| is_word(area) && is_word(name))
}

fn is_line(line: &str) -> bool {
    let length = line.chars().count();
    (1..=MAX_SAYS).contains(&length)
        && line.trim() == line
        && !line.chars().any(|each| each.is_control() || each == '|')
}

/// The sections of the facts and how many parts each has; a section without parts is cited as a whole.
const FACTS: [(char, u32); 9] =
    [('A', 3), ('B', 5), ('C', 4), ('D', 4), ('E', 0), ('F', 0), ('G', 62), ('H', 0), ('J', 11)];

/// `A`, `B2`, `G62`, and of C3 its points, as `C3.8`.
fn is_facts(facts: &str) -> bool {
    let Some((section, parts)) =
        FACTS.iter().find_map(|(section, parts)| Some((facts.strip_prefix(*section)?, *parts)))
    else {
        return false;
    };
    let within = |text: &str, most: u32| {
        !text.starts_with(['0', '+']) && text.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
    };
    match section.split_once('.') {
        Some(("3", point)) => facts.starts_with('C') && within(point, 9),
        Some(_) => false,
        None => section.is_empty() || within(section, parts),
    }
}

/// Whose page it is: `do:` Delivery Optimization's, `bits:` and `api:` those of BITS.
fn dialect_of(page: &str) -> Option<Whose> {
    let (place, name) = page.split_once(':')?;
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let whose = match place {
        "do" => Whose::Do,
        "bits" | "api" => Whose::Bits,
        _ => return None,
    };
    (!name.is_empty() && name.bytes().all(plain)).then_some(whose)
}
