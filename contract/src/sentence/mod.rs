//! The sentences of the documents that the project follows, by id (`contract/sentences.toml`, `docs/sentences.md`).
//!
//! **What it is.** A [`Sentence`] is the id of a normative sentence of the documents. What follows a sentence cites it: rules,
//! the cells of the dialect table, the rows of the transition table and the answers of methods carry ids as data, and other code and
//! tests carry them with [`follows!`](crate::follows!). Under the feature `schema` there are also the texts ([`read`]), and what
//! follows each ([`Coverage`]).
//!
//! **What it is not.** The documents' own words. The file paraphrases, and what is written here decides nothing.
//!
//! **The laws it keeps.** The link is written where the sentence is followed, and nowhere else. An id that is not in the file does
//! not compile; a sentence that nothing follows fails a test, unless the file states why.
//!
//! ```
//! use contract::Sentence;
//!
//! contract::follows!["resume.empty"];
//! assert_eq!(Sentence::named("resume.empty").id(), "resume.empty");
//! ```
//!
//! ```compile_fail
//! contract::follows!["resume.emty"];
//! ```

#[cfg(feature = "schema")]
mod coverage;
#[cfg(feature = "schema")]
mod text;

use std::fmt;

#[cfg(feature = "schema")]
pub use self::coverage::{Choice, Citation, Coverage, Coverages, choices, cited_in, coverages};
#[cfg(feature = "schema")]
pub use self::text::{MAX_SAYS, SentenceError, Text, Whose, read};

/// The file itself.
pub const FILE: &str = include_str!("../../sentences.toml");

/// A sentence of the documents, by its place in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sentence(u16);

/// The sentences that something follows.
pub type Follows = &'static [Sentence];

/// Declares that what stands here follows these sentences. An id that is not in the file does not compile.
#[macro_export]
macro_rules! follows {
    ($($id:literal),+ $(,)?) => {
        const _: $crate::sentence::Follows = $crate::sentences![$($id),+];
    };
}

/// The sentences of these ids, as data.
#[macro_export]
macro_rules! sentences {
    ($($id:literal),* $(,)?) => {
        const { &[$($crate::Sentence::named($id)),*] as $crate::sentence::Follows }
    };
}

impl Sentence {
    /// How many there are.
    pub const COUNT: usize = count(FILE);

    /// The sentence of this id.
    ///
    /// # Panics
    /// There is none. In a constant, as in [`follows!`](crate::follows!), that is an error of the compiler.
    #[must_use]
    pub const fn named(id: &str) -> Sentence {
        match Sentence::find(id) {
            Some(sentence) => sentence,
            None => panic!("no sentence of contract/sentences.toml has this id"),
        }
    }

    /// The sentence of this id, if there is one.
    #[must_use]
    pub const fn find(id: &str) -> Option<Sentence> {
        let mut at = 0;
        while at < Sentence::COUNT {
            if is_same(IDS[at].as_bytes(), id.as_bytes()) {
                return Some(Sentence(at as u16));
            }
            at += 1;
        }
        None
    }

    /// Its id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        IDS[self.0 as usize]
    }

    /// Every sentence, in the order of the file.
    pub fn all() -> impl Iterator<Item = Sentence> {
        (0..Sentence::COUNT).map(|at| Sentence(at as u16))
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The ids, found by the compiler. A test compares them with what a reader of TOML finds.
static IDS: [&str; Sentence::COUNT] = {
    let mut ids = [""; Sentence::COUNT];
    let (mut at, mut from) = (0, 0);
    while let Some((id, end)) = next(FILE, from) {
        ids[at] = id;
        (at, from) = (at + 1, end);
    }
    ids
};

/// What a line with an id begins with.
const KEY: &[u8] = b"\nid = \"";

const fn count(file: &'static str) -> usize {
    let (mut count, mut from) = (0, 0);
    while let Some((_, end)) = next(file, from) {
        (count, from) = (count + 1, end);
    }
    count
}

/// The first id from there on, and where it ends.
const fn next(file: &'static str, from: usize) -> Option<(&'static str, usize)> {
    let bytes = file.as_bytes();
    let mut start = from;
    while start + KEY.len() < bytes.len() {
        if bytes[start] == KEY[0] && begins(bytes, start) {
            start += KEY.len();
            let mut end = start;
            while bytes[end] != b'"' {
                end += 1;
            }
            return Some((file.split_at(end).0.split_at(start).1, end));
        }
        start += 1;
    }
    None
}

const fn begins(bytes: &[u8], start: usize) -> bool {
    let mut at = 0;
    while at < KEY.len() && bytes[start + at] == KEY[at] {
        at += 1;
    }
    at == KEY.len()
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    one.len() == other.len() && at == one.len()
}
