//! A trace line by line, whatever stands before its header and between its events.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read};

use serde_json::{Map, Value};

use super::A_TRACE_IS;
use super::form::{Form, utf8};
use crate::output::counted;
use crate::watch::worker;

/// A trace as JSON Lines in UTF-8, read line by line. A line that is left out is empty, so that numbers of lines are the file's.
pub(crate) struct Lines {
    source: Box<dyn BufRead>,
    form: Form,
    packed: Vec<&'static str>,
    /// Which trace is wanted, counted from 1.
    wanted: usize,
    /// The next line, and how much of it has been taken.
    pub(super) ready: Vec<u8>,
    taken: usize,
    /// The line as the file has it.
    raw: Vec<u8>,
    pub(super) number: u64,
    /// The lines that have a header.
    pub(super) headers: Vec<u64>,
    /// Whether something stands before each event.
    prefixed: Prefixed,
    /// Lines before the header, and how the first of them begins.
    skipped: u64,
    first_skipped: String,
    /// Bytes that are no UTF-8, and the line of the first.
    odd: u64,
    first_odd: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefixed {
    No,
    Yes,
}

impl Lines {
    pub(super) fn new(
        source: Box<dyn BufRead>,
        trace: Option<u32>,
        form: Form,
        packed: Vec<&'static str>,
    ) -> Lines {
        Lines {
            source,
            form,
            packed,
            wanted: trace.map_or(1, |number| number as usize),
            ready: Vec::new(),
            taken: 0,
            raw: Vec::new(),
            number: 0,
            headers: Vec::new(),
            prefixed: Prefixed::No,
            skipped: 0,
            first_skipped: String::new(),
            odd: 0,
            first_odd: 0,
        }
    }

    /// What it was taken for. Complete when it has been read.
    pub(crate) fn taken_for(&self) -> String {
        let mut text = match self.form {
            Form::Lines => "a trace in JSON Lines",
            Form::Array => "a trace in a JSON array, of which line N is the N-th element",
            Form::Values => "a trace in JSON values, of which line N is the N-th",
        }
        .to_owned();
        for packed in &self.packed {
            text = format!("{text}, {packed}");
        }
        if self.skipped > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, ", without {} before the header", counted(self.skipped, "line"));
        }
        if self.prefixed == Prefixed::Yes {
            text += ", without what stands before the `{` of each line";
        }
        if self.odd > 0 {
            let bytes = counted(self.odd, "byte");
            let _ = write!(
                text,
                ", {bytes} that are no UTF-8 read as Latin-1, the first in line {}",
                self.first_odd
            );
        }
        if self.headers.len() > 1 {
            let _ = write!(text, ", the trace {} of {}", self.wanted, self.headers.len());
        }
        text
    }

    /// Whether it begins as a trace. Nothing is lost: what was read is still to be taken.
    pub(super) fn has_header(&mut self) -> bool {
        let begins = self.fill_buf().is_ok();
        begins && self.headers.len() == 1 && is_header(self.ready.trim_ascii())
    }

    /// Why there is no header, and what to type.
    pub(super) fn no_header(&self, name: &str) -> (String, String) {
        if self.first_skipped.chars().any(|each| each.is_control() && !each.is_whitespace()) {
            let what = format!("{name} is no text, and bytes are not guessed at");
            let help = format!(
                "for an input of a fuzz target type `--target lockstep`, `schedule` or `trace`; {A_TRACE_IS}"
            );
            return (what, help);
        }
        let lines = counted(self.number, "line");
        let what = format!(
            "{name} is no trace: none of its {lines} is a header, a JSON object with `format` and `dialect`; the first is {:?}",
            self.first_skipped
        );
        (what, format!("{A_TRACE_IS}; for an input of a fuzz target use `--target`"))
    }

    /// Makes the next line ready; false at the end.
    pub(super) fn next_line(&mut self) -> io::Result<bool> {
        self.raw.clear();
        if self.source.read_until(b'\n', &mut self.raw)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.number.is_multiple_of(SIGN) {
            worker::sign();
        }
        let raw = std::mem::take(&mut self.raw);
        match std::str::from_utf8(&raw) {
            Ok(text) => self.make_ready(text.trim_end_matches(['\n', '\r'])),
            Err(_) => {
                let (text, odd) = utf8(&raw);
                if self.odd == 0 {
                    self.first_odd = self.number;
                }
                self.odd += odd;
                self.make_ready(text.trim_end_matches(['\n', '\r']));
            }
        }
        self.raw = raw;
        Ok(true)
    }

    fn make_ready(&mut self, text: &str) {
        self.ready.clear();
        self.taken = 0;
        let kept = if self.headers.is_empty() { self.before_header(text) } else { self.after_header(text) };
        self.ready.extend_from_slice(kept.as_bytes());
        self.ready.push(b'\n');
    }

    fn before_header<'a>(&mut self, text: &'a str) -> &'a str {
        let trimmed = text.trim_ascii();
        if let Some(header) = self.header(text) {
            return header;
        }
        if trimmed.is_empty() {
            return "";
        }
        // What looks like an event, or like a header that is none, is for the reader of traces to refuse.
        let object = serde_json::from_str::<Map<String, Value>>(trimmed);
        if trimmed.starts_with('{') && object.map_or(true, |object| object.contains_key("kind")) {
            self.headers.push(self.number);
            return if self.wanted == 1 { text } else { "" };
        }
        if self.skipped == 0 {
            self.first_skipped = trimmed.chars().take(SHOWN).collect();
        }
        self.skipped += 1;
        ""
    }

    fn after_header<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(header) = self.header(text) {
            return header;
        }
        match (self.headers.len() == self.wanted, self.prefixed) {
            (false, _) => "",
            (true, Prefixed::No) => text,
            (true, Prefixed::Yes) => object_in(text, |_| true).unwrap_or(text),
        }
    }

    /// The header in a line, if it has one: empty when it is of a trace that is not wanted.
    fn header<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        // Most lines have none, and this is cheaper than reading them twice.
        if !text.contains("\"format\"") {
            return None;
        }
        let header = object_in(text, |object| object.contains_key("format") && !object.contains_key("kind"))?;
        self.headers.push(self.number);
        let before = &text[..text.len() - header.len()];
        self.prefixed = if before.trim().is_empty() { Prefixed::No } else { Prefixed::Yes };
        Some(if self.headers.len() == self.wanted { header } else { "" })
    }
}

/// Lines between two signs of life.
const SIGN: u64 = 4_096;

/// Characters of a line that a message shows.
const SHOWN: usize = 60;

/// Places at which an object is looked for in a line.
const PLACES: usize = 16;

/// The JSON object that a line ends with, if it is one of these.
fn object_in(text: &str, is_one: impl Fn(&Map<String, Value>) -> bool) -> Option<&str> {
    let places = text.match_indices('{').take(PLACES).map(|(at, _)| &text[at..]);
    places.into_iter().find(|rest| serde_json::from_str(rest).is_ok_and(|object| is_one(&object)))
}

fn is_header(line: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(line).is_ok_and(|object| object.contains_key("format"))
}

impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(into.len());
        into[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Lines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.ready.len() && !self.next_line()? {
            return Ok(&[]);
        }
        Ok(&self.ready[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.ready.len());
    }
}
