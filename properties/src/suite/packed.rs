//! A suite as one compact file, for suites that are committed.
//!
//! **What it is.** Files of a suite have few different lines in very many places. So a text has each line once, each step as the lines it
//! consists of once, and of a file the numbers of its steps. Names of what is covered are likewise cut into their words. Gzip makes
//! a seventh of this text: the paths of a suite have long beginnings in common.
//!
//! **The laws it keeps.**
//! 1. `Suite::unpack(&suite.pack()?)` is the suite again, for every suite of [`super::generate`].
//! 2. Two suites are equal when their texts are. The compressed bytes also depend on the version of the compressor, so nothing compares them.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use judge::trace::Kind;
use judge::{Header, Line, Trace};
use serde::{Deserialize, Serialize};

use super::{Case, FileEntry, Manifest, SliceSize, Suite, file_name};

/// The version of this format.
const FORMAT: u32 = 1;

/// Why a file is no packed suite.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    /// It is not compressed text.
    #[error("not a packed suite: {0}")]
    Compression(#[from] io::Error),
    /// It has another form.
    #[error("not a packed suite: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version.
    #[error("a packed suite of format {0}, and only {FORMAT} is known")]
    Format(u32),
    /// A number leads nowhere.
    #[error("not a packed suite: it has no {what} of number {number}")]
    Missing {
        /// What it does not have.
        what: &'static str,
        /// Which.
        number: u32,
    },
}

/// The form of the text.
#[derive(Serialize, Deserialize)]
struct Packed {
    format: u32,
    cover: String,
    dialect: contract::Dialect,
    scope: String,
    pace: String,
    slices: Vec<SliceSize>,
    /// A header for each slice that has files.
    headers: Vec<Header>,
    /// The words that names consist of.
    words: Vec<String>,
    /// Names, by their words.
    names: Vec<Vec<u32>>,
    /// Everything to be covered; empty when it is each name once.
    items: Vec<Vec<u32>>,
    /// Lines without their numbers.
    lines: Vec<Kind>,
    /// Steps, by their lines.
    steps: Vec<Vec<u32>>,
    /// Files: the number of a header, then the numbers of the steps.
    files: Vec<Vec<u32>>,
}

/// What stands between the words of a name.
const SEPARATORS: [&str; 2] = [" -- ", " -> "];

impl Suite {
    /// The suite as one compressed file. Files that are not there are not in it.
    ///
    /// # Errors
    /// The text cannot be compressed.
    pub fn pack(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzEncoder::new(self.packed_text().as_bytes(), Compression::best()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The suite of such a file.
    ///
    /// # Errors
    /// The file is none.
    pub fn unpack(bytes: &[u8]) -> Result<Suite, PackedError> {
        Suite::of_packed_text(&text_of(bytes)?)
    }

    /// What a packed suite has before it is compressed.
    pub(super) fn packed_text(&self) -> String {
        let Manifest { cover, dialect, scope, pace, slices, names, items, .. } = &self.manifest;
        let (mut words, mut lines, mut steps) = (Numbers::default(), Numbers::default(), Numbers::default());
        let mut headers: Vec<Header> = Vec::new();
        let mut files = Vec::new();
        for Case { trace, .. } in &self.cases {
            let header = headers.iter().position(|header| *header == trace.header).unwrap_or_else(|| {
                headers.push(trace.header.clone());
                headers.len() - 1
            });
            let of_file = steps_of(&trace.lines).map(|step| {
                let step: Vec<u32> =
                    step.iter().map(|line| lines.of(to_json(&line.what), &line.what)).collect();
                steps.of(step.clone(), &step)
            });
            let mut file = vec![header as u32];
            file.extend(of_file);
            files.push(file);
        }
        let names_are_items = items.iter().zip(0..).all(|(item, number)| *item == [number]);
        let packed = Packed {
            format: FORMAT,
            cover: cover.clone(),
            dialect: *dialect,
            scope: scope.clone(),
            pace: pace.clone(),
            slices: slices.clone(),
            headers,
            names: names
                .iter()
                .map(|name| cut(name).map(|word| words.of(word.to_owned(), &word.to_owned())).collect())
                .collect(),
            words: words.values,
            items: if names_are_items && items.len() == names.len() { Vec::new() } else { items.clone() },
            lines: lines.values,
            steps: steps.values,
            files,
        };
        to_json(&packed) + "\n"
    }

    fn of_packed_text(text: &str) -> Result<Suite, PackedError> {
        let packed: Packed = serde_json::from_str(text)?;
        if packed.format != FORMAT {
            return Err(PackedError::Format(packed.format));
        }
        let names: Vec<String> =
            packed.names.iter().map(|name| join(&packed.words, name)).collect::<Result<_, _>>()?;
        let cases: Vec<Case> = packed
            .files
            .iter()
            .zip(1..)
            .map(|(file, number)| case(&packed, file, number))
            .collect::<Result<_, _>>()?;
        let files = cases.iter().zip(&packed.files).map(|(case, file)| FileEntry {
            name: case.name.clone(),
            slice: case.trace.header.scope.clone(),
            steps: file.len() as u64 - 1,
        });
        let each_once = || (0..names.len() as u32).map(|number| vec![number]).collect();
        let manifest = Manifest {
            format: 1,
            files: files.collect(),
            items: if packed.items.is_empty() { each_once() } else { packed.items },
            names,
            cover: packed.cover,
            dialect: packed.dialect,
            scope: packed.scope,
            pace: packed.pace,
            slices: packed.slices,
        };
        Ok(Suite { manifest, cases, absent: Vec::new() })
    }
}

/// What a packed suite has when it is decompressed.
pub(super) fn text_of(bytes: &[u8]) -> Result<String, PackedError> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text)?;
    Ok(text)
}

fn case(packed: &Packed, file: &[u32], number: usize) -> Result<Case, PackedError> {
    let [header, steps @ ..] = file else { return Err(PackedError::Missing { what: "header", number: 0 }) };
    let header: &Header = at(&packed.headers, *header, "header")?;
    let mut lines = Vec::new();
    for step in steps {
        for line in at(&packed.steps, *step, "step")? {
            let what = at(&packed.lines, *line, "line")?.clone();
            lines.push(Line { seq: lines.len() as u64 + 1, what });
        }
    }
    let trace = Trace { header: header.clone(), lines };
    Ok(Case { name: file_name(&trace.header.scope, number), trace })
}

fn at<'a, T>(list: &'a [T], number: u32, what: &'static str) -> Result<&'a T, PackedError> {
    list.get(number as usize).ok_or(PackedError::Missing { what, number })
}

/// The lines of each step: a step begins with its call, or with the line that names it.
fn steps_of(lines: &[Line]) -> impl Iterator<Item = &[Line]> {
    lines.chunk_by(|_, next| !matches!(next.what, Kind::Call(_) | Kind::Choose(_)))
}

/// A name by its words: a place, a step and what it came to, or what there is of them. A step may have an arrow of its own.
fn cut(name: &str) -> impl Iterator<Item = &str> {
    let [place, outcome] = SEPARATORS;
    let (first, rest) = name.split_once(place).map_or((name, None), |(first, rest)| (first, Some(rest)));
    let rest = rest.map(|rest| rest.rsplit_once(outcome).map_or((rest, None), |(step, to)| (step, Some(to))));
    let step = rest.map(|(step, _)| step);
    let to = rest.and_then(|(_, to)| to);
    std::iter::once(first).chain(step).chain(to)
}

fn join(words: &[String], name: &[u32]) -> Result<String, PackedError> {
    let mut text = String::new();
    for (number, word) in name.iter().enumerate() {
        if let Some(separator) = number.checked_sub(1).and_then(|before| SEPARATORS.get(before)) {
            text += separator;
        }
        text += at(words, *word, "word")?;
    }
    Ok(text)
}

fn to_json<T: Serialize>(value: &T) -> String {
    // Plain data with text keys, which always has a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

/// Values, each once, in the order in which they are met; known by a key.
struct Numbers<K, T> {
    numbers: BTreeMap<K, u32>,
    values: Vec<T>,
}

impl<K, T> Default for Numbers<K, T> {
    fn default() -> Self {
        Numbers { numbers: BTreeMap::new(), values: Vec::new() }
    }
}

impl<K: Ord, T: Clone> Numbers<K, T> {
    fn of(&mut self, key: K, value: &T) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.values.push(value.clone());
        }
        number
    }
}
