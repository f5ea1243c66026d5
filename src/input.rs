//! What a file is taken for: the one place where verbs read traces and inputs of fuzz targets.
//!
//! **What it is.** A file is first unpacked and decoded (gzip, byte order mark, UTF-16, bytes that are no UTF-8), then taken for JSON
//! Lines, a JSON array or JSON values. What stands before the header is left out. Every verb prints what a file was taken for.
//!
//! **What it is not.** A guess. Bytes are an input of a fuzz target only with `--target`, or in a folder of such inputs. What is no
//! trace is refused, with the reason and what to type.
//!
//! **The law it keeps.** No line after the header is left out, so that nothing a rule could judge is lost.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use flate2::read::MultiGzDecoder;
use judge::{Trace, TraceError};
use properties::minimize::CoreName;
use properties::minimize::races::Scheduled;
use properties::program::Program;
use properties::race;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::engines::fuzz::Target;
use crate::error::Error;
use crate::output::{counted, printable};
use crate::watch::worker;

/// A file, and what is known of it beforehand.
#[derive(clap::Args, Debug)]
pub(crate) struct InputArgs {
    /// A trace, an input of a fuzz target, or `-` for stdin.
    file: PathBuf,
    /// Take the file for an input of this fuzz target, whatever is in it.
    #[arg(long, value_enum, value_name = "TARGET")]
    target: Option<Target>,
    /// Which trace of a file that has several, counted from 1.
    #[arg(long, value_name = "N", conflicts_with = "target", value_parser = clap::value_parser!(u32).range(1..))]
    trace: Option<u32>,
}

/// A file that has been read.
pub(crate) struct Taken {
    /// What is in it.
    pub(crate) given: Given,
    /// What it was taken for, in words.
    pub(crate) for_what: String,
}

/// What a file has.
#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
pub(crate) enum Given {
    /// A trace of any engine.
    Trace(Trace),
    /// An input of `lockstep`, or of the same target on the core that is broken on purpose.
    Program(CoreName, Program),
    /// An input of `schedule`.
    Race(Scheduled),
    /// An input of `trace`.
    Text(Vec<u8>),
}

/// The one trace of a file, whatever it is wrapped in.
pub(crate) fn trace_in(file: &Path) -> Result<Trace, Error> {
    match given_in(file)? {
        Given::Trace(trace) => Ok(trace),
        _ => {
            let what = format!("{} is an input of a fuzz target", printable(&file.display().to_string()));
            Err(Error::usage(what, "record a trace, or name the directory of the recorded traces"))
        }
    }
}

/// What a file has, whatever it is wrapped in.
pub(crate) fn given_in(file: &Path) -> Result<Given, Error> {
    let input = InputArgs { file: file.to_owned(), target: None, trace: None };
    Ok(input.source()?.read()?.given)
}

/// A file that has been opened.
enum Opened {
    Lines(Box<Lines>),
    Bytes(Target, Vec<u8>),
}

/// Bytes looked at to see what a file is.
const HEAD: u64 = 64 << 10;

impl InputArgs {
    /// The file as it was typed.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// The file's name in messages.
    pub(crate) fn name(&self) -> String {
        if self.is_stdin() { "stdin".to_owned() } else { printable(&self.file.display().to_string()) }
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.file == OsStr::new("-")
    }

    /// Begins to read it. What comes from stdin is put aside, so that it can be read again.
    pub(crate) fn source(&self) -> Result<Source<'_>, Error> {
        let aside = if self.is_stdin() { Some(self.put_aside()?) } else { None };
        Ok(Source { input: self, aside })
    }

    fn put_aside(&self) -> Result<NamedTempFile, Error> {
        let unwritable = |source| Error::Write { path: std::env::temp_dir(), source };
        let mut aside = NamedTempFile::new().map_err(unwritable)?;
        io::copy(&mut io::stdin().lock(), aside.as_file_mut()).map_err(unwritable)?;
        Ok(aside)
    }

    fn of_target(&self, target: Target, bytes: &[u8]) -> Taken {
        let given = match target {
            Target::Lockstep => Given::Program(CoreName::Core, Program::from_bytes(bytes)),
            Target::Canary => Given::Program(CoreName::Canary, Program::from_bytes(bytes)),
            Target::Schedule => {
                let (race, tape) = race::from_bytes(bytes);
                Given::Race(Scheduled { race, schedule: tape.choices().to_vec() })
            }
            Target::Trace => Given::Text(bytes.to_owned()),
        };
        let why = if self.target.is_some() { "because of --target" } else { "because of its folder" };
        let size = counted(bytes.len() as u64, "byte");
        Taken { given, for_what: format!("an input of the fuzz target {}, {size}, {why}", target.name()) }
    }

    fn open(&self, path: &Path) -> Result<Opened, Error> {
        let mut raw = self.file(path)?;
        if let Some(target) = self.target {
            let mut bytes = Vec::new();
            raw.read_to_end(&mut bytes).map_err(|source| self.unreadable(source))?;
            return Ok(Opened::Bytes(target, bytes));
        }
        match (self.text(raw), target_of_folder(path)) {
            (Ok(lines), None) => Ok(Opened::Lines(lines)),
            // A trace may have been put there; what is in the folder of texts for the parser is such a text.
            (Ok(mut lines), Some(target)) => match target != Target::Trace && lines.has_header() {
                true => Ok(Opened::Lines(lines)),
                false => self.bytes_of(target),
            },
            (Err(_), Some(target)) => self.bytes_of(target),
            (Err(error), None) => Err(error),
        }
    }

    fn bytes_of(&self, target: Target) -> Result<Opened, Error> {
        let bytes = std::fs::read(&self.file).map_err(|source| self.unreadable(source))?;
        Ok(Opened::Bytes(target, bytes))
    }

    fn file(&self, path: &Path) -> Result<Box<dyn Read>, Error> {
        if path.extension().is_some_and(|end| end == "rs") {
            let what = format!("{} is a test, and no trace", self.name());
            return Err(Error::usage(what, "run it with `cargo test -p properties --test regressions`"));
        }
        let file = File::open(path).map_err(|source| self.unreadable(source))?;
        if file.metadata().is_ok_and(|about| about.is_dir()) {
            let what = format!("{} is a directory, and no trace", self.name());
            let help =
                "name one file in it; a directory of recorded traces is for `bgcheck conform --recorded`";
            return Err(Error::usage(what, help));
        }
        Ok(Box::new(file))
    }

    fn unreadable(&self, source: io::Error) -> Error {
        let help = match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                format!("it is damaged or cut off: `gzip -t {}` shows where", self.name())
            }
            _ => "name a trace that `bgcheck check` or `bgcheck nightly` has written, or an artifact of `bgcheck fuzz`"
                .to_owned(),
        };
        Error::Read { path: PathBuf::from(self.name()), source, help }
    }

    /// The file as text, whatever it is packed in.
    fn text(&self, raw: Box<dyn Read>) -> Result<Box<Lines>, Error> {
        let mut packed = Vec::new();
        let mut raw = raw;
        let head = loop {
            let head = peek(&mut raw).map_err(|source| self.unreadable(source))?;
            match Packing::of(&head) {
                Some(Packing::Gzip) if packed.len() < NESTED => {
                    packed.push("packed with gzip");
                    raw = Box::new(MultiGzDecoder::new(Cursor::new(head).chain(raw)));
                }
                Some(packing) => return Err(self.packed(&packing)),
                None => break head,
            }
        };
        let source: Box<dyn Read> = Box::new(Cursor::new(head.clone()).chain(raw));
        let (head, source): (Vec<u8>, Box<dyn Read>) = match Encoding::of(&head) {
            Encoding::Utf8 => (head, source),
            Encoding::Marked => {
                packed.push("with a byte order mark");
                let mut source = source;
                source.read_exact(&mut [0; 3]).map_err(|source| self.unreadable(source))?;
                (head[3..].to_owned(), source)
            }
            Encoding::Utf16(order) => {
                packed.push("in UTF-16");
                let text = self.utf16(source, order)?;
                (text.as_bytes()[..text.len().min(HEAD as usize)].to_owned(), Box::new(Cursor::new(text)))
            }
            Encoding::Utf32 => {
                let what = format!("{} is in UTF-32, which no trace is", self.name());
                let help = format!("type `iconv -f UTF-32 -t UTF-8 {} > trace.jsonl`", self.name());
                return Err(Error::usage(what, help));
            }
        };
        self.lines(&head, source, packed)
    }

    fn packed(&self, packing: &Packing) -> Error {
        let name = self.name();
        let what = format!("{name} is packed with {}, and has to be unpacked first", packing.name());
        Error::usage(what, format!("type `{} {name}`, and name what comes out", packing.command()))
    }

    fn utf16(&self, mut source: Box<dyn Read>, order: Order) -> Result<String, Error> {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).map_err(|source| self.unreadable(source))?;
        let units = bytes.chunks_exact(2).map(|pair| match order {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        match text {
            Ok(text) if bytes.len().is_multiple_of(2) => {
                Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
            }
            _ => {
                let what = format!("{} begins as UTF-16 and is none, or is cut off", self.name());
                let help = format!("write it again in UTF-8; `file {}` shows what it is", self.name());
                Err(Error::usage(what, help))
            }
        }
    }

    /// Takes the text apart into lines.
    fn lines(
        &self,
        head: &[u8],
        mut source: Box<dyn Read>,
        packed: Vec<&'static str>,
    ) -> Result<Box<Lines>, Error> {
        let first = head.iter().position(|byte| !byte.is_ascii_whitespace());
        let Some(first) = first else {
            // A file that begins with so much space has no header either.
            let what = format!("{} is empty, so there is nothing to judge", self.name());
            return Err(Error::usage(
                what,
                format!("{A_TRACE_IS}; an input of a fuzz target needs --target"),
            ));
        };
        let (form, source): (Form, Box<dyn Read>) = match Form::of(&head[first..]) {
            Form::Lines => (Form::Lines, source),
            form => {
                let mut bytes = Vec::new();
                source.read_to_end(&mut bytes).map_err(|source| self.unreadable(source))?;
                match (self.values(&bytes, form)?, form) {
                    (Some(lines), form) => (form, Box::new(Cursor::new(lines))),
                    (None, _) => (Form::Lines, Box::new(Cursor::new(bytes))),
                }
            }
        };
        Ok(Box::new(Lines::new(
            Box::new(BufReader::with_capacity(1 << 16, source)),
            self.trace,
            form,
            packed,
        )))
    }

    /// The values of a JSON text, one in a line; nothing where it is no such text.
    fn values(&self, bytes: &[u8], form: Form) -> Result<Option<String>, Error> {
        let text = utf8(bytes).0;
        let values: Result<Vec<Value>, _> = match form {
            Form::Array => serde_json::from_str(&text),
            _ => serde_json::Deserializer::from_str(&text).into_iter().collect(),
        };
        let values = match (values, form) {
            (Ok(values), _) => values,
            (Err(error), Form::Array) => {
                let what = format!("{} begins as a JSON array and is none: {error}", self.name());
                return Err(Error::usage(what, A_TRACE_IS));
            }
            (Err(_), _) => return Ok(None),
        };
        if let [Value::Object(only)] = &values[..]
            && only.contains_key("engines")
        {
            let what = format!("{} has the results of a run, and no trace", self.name());
            let help =
                format!("type `bgcheck report {}`; the traces lie beside it, in `traces`", self.name());
            return Err(Error::usage(what, help));
        }
        Ok(Some(values.iter().map(|value| format!("{value}\n")).collect()))
    }

    /// Whether there was one trace, the one that was asked for.
    fn check(&self, lines: &Lines) -> Result<(), Error> {
        let name = self.name();
        let found = lines.headers.len();
        match self.trace {
            _ if found == 0 => {
                let (what, help) = lines.no_header(&name);
                Err(Error::usage(what, help))
            }
            None if found > 1 => {
                let places: Vec<String> = lines.headers.iter().map(ToString::to_string).collect();
                let what =
                    format!("{name} has {found} traces, whose headers are in lines {}", places.join(", "));
                Err(Error::usage(what, "choose one with `--trace 1`, or put each into a file of its own"))
            }
            Some(asked) if asked as usize > found => {
                let what = format!("{name} has {}, and no trace {asked}", counted(found as u64, "trace"));
                Err(Error::usage(what, format!("choose one from `--trace 1` to `--trace {found}`")))
            }
            _ => Ok(()),
        }
    }
}

/// A file that can be read more than once.
pub(crate) struct Source<'a> {
    input: &'a InputArgs,
    /// What came from stdin.
    aside: Option<NamedTempFile>,
}

impl Source<'_> {
    fn open(&self) -> Result<Opened, Error> {
        let aside = self.aside.as_ref().map(NamedTempFile::path);
        self.input.open(aside.unwrap_or(&self.input.file))
    }

    /// Reads all of it.
    pub(crate) fn read(&self) -> Result<Taken, Error> {
        match self.open()? {
            Opened::Bytes(target, bytes) => Ok(self.input.of_target(target, &bytes)),
            Opened::Lines(mut lines) => {
                let mut text = String::new();
                lines.read_to_string(&mut text).map_err(|source| self.input.unreadable(source))?;
                self.input.check(&lines)?;
                let name = self.input.name();
                let trace = Trace::parse(&text).map_err(|error| Error::trace(&name, &text, error))?;
                Ok(Taken { given: Given::Trace(trace), for_what: lines.taken_for() })
            }
        }
    }

    /// A trace of more lines than these, as a number of lines and what it was taken for. Memory does not grow with it.
    pub(crate) fn longer_than(&self, most: u64) -> Result<Option<(u64, String)>, Error> {
        let Opened::Lines(mut lines) = self.open()? else { return Ok(None) };
        while lines.next_line().map_err(|source| self.input.unreadable(source))? {}
        if lines.number <= most {
            return Ok(None);
        }
        self.input.check(&lines)?;
        Ok(Some((lines.number, lines.taken_for())))
    }

    /// The lines of a trace that is long.
    pub(crate) fn lines(&self) -> Result<Box<Lines>, Error> {
        match self.open()? {
            Opened::Lines(lines) => Ok(lines),
            Opened::Bytes(..) => Err(Error::usage("it has changed while it was read", "try again")),
        }
    }

    /// An error in a trace that is long, shown with its line.
    pub(crate) fn error(&self, error: TraceError) -> Error {
        let number = error.line().unwrap_or(0);
        let mut wrong = String::new();
        if let Ok(mut lines) = self.lines() {
            while lines.number < number as u64 && lines.next_line().is_ok_and(|more| more) {}
            wrong = String::from_utf8_lossy(&lines.ready).into_owned();
        }
        // The line keeps its number.
        let text = "\n".repeat(number.saturating_sub(1)) + &wrong;
        Error::trace(&self.input.name(), &text, error)
    }
}

const A_TRACE_IS: &str =
    "a trace is JSON Lines, a header and then one event per line; its schema is in `judge/schema`";

/// Archives in archives are looked into so deep.
const NESTED: usize = 2;

/// Folders of inputs of fuzz targets, each with a folder for each target.
const FOLDERS: [&str; 3] = ["artifacts", "corpus", "regressions"];

/// The target in whose folder a file lies, as cargo-fuzz lays them.
fn target_of_folder(file: &Path) -> Option<Target> {
    let file = std::path::absolute(file).ok()?;
    let folder = file.parent()?;
    let above = folder.parent()?.file_name()?.to_str()?;
    let name = folder.file_name()?.to_str()?;
    let known = Target::value_variants().iter().copied().chain([Target::Canary]);
    let target = known.into_iter().find(|target| target.name() == name)?;
    FOLDERS.contains(&above).then_some(target)
}

/// The first bytes, as many as there are.
fn peek(source: &mut Box<dyn Read>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// What a file is packed in.
enum Packing {
    Gzip,
    Other(&'static str, &'static str),
}

impl Packing {
    fn of(head: &[u8]) -> Option<Packing> {
        const OTHERS: [(&[u8], &str, &str); 5] = [
            (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
            (b"\xfd7zXZ\0", "xz", "unxz"),
            (b"BZh", "bzip2", "bunzip2"),
            (b"PK\x03\x04", "zip", "unzip"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
        ];
        if head.starts_with(b"\x1f\x8b") {
            return Some(Packing::Gzip);
        }
        let other = OTHERS.iter().find(|(magic, ..)| head.starts_with(magic));
        other.map(|(_, name, command)| Packing::Other(name, command))
    }

    const fn name(&self) -> &'static str {
        match self {
            Packing::Gzip => "gzip more than twice",
            Packing::Other(name, _) => name,
        }
    }

    const fn command(&self) -> &'static str {
        match self {
            Packing::Gzip => "gunzip",
            Packing::Other(_, command) => command,
        }
    }
}

/// How text is written in bytes.
enum Encoding {
    Utf8,
    /// UTF-8 behind a byte order mark.
    Marked,
    Utf16(Order),
    Utf32,
}

/// Which byte of a pair comes first.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Encoding {
    fn of(head: &[u8]) -> Encoding {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => Encoding::Marked,
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Encoding::Utf32,
            [0xFF, 0xFE, ..] => Encoding::Utf16(Order::Little),
            [0xFE, 0xFF, ..] => Encoding::Utf16(Order::Big),
            // Without a mark: every text begins with ASCII.
            [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Encoding::Utf16(Order::Little),
            [0, a, 0, b, ..] if *a != 0 && *b != 0 => Encoding::Utf16(Order::Big),
            _ => Encoding::Utf8,
        }
    }
}

/// How the events stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One in a line.
    Lines,
    /// In one JSON array.
    Array,
    /// One JSON value after the other, over several lines.
    Values,
}

impl Form {
    /// By what the text begins with.
    fn of(text: &[u8]) -> Form {
        let mut rest = text.iter().skip(1).filter(|byte| !byte.is_ascii_whitespace());
        match (text[0], rest.next()) {
            (b'[', Some(b'{' | b']') | None) => Form::Array,
            (b'{', _) => {
                let first = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
                let whole = serde_json::from_slice::<serde::de::IgnoredAny>(first);
                if whole.is_err_and(|error| error.is_eof()) { Form::Values } else { Form::Lines }
            }
            _ => Form::Lines,
        }
    }
}

/// Text in which each byte that is no UTF-8 stands for its Latin-1 character, and how many there are.
fn utf8(bytes: &[u8]) -> (String, u64) {
    let (mut text, mut odd) = (String::with_capacity(bytes.len()), 0);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
        odd += chunk.invalid().len() as u64;
    }
    (text, odd)
}

/// A trace as JSON Lines in UTF-8, read line by line. A line that is left out is empty, so that numbers of lines are the file's.
pub(crate) struct Lines {
    source: Box<dyn BufRead>,
    form: Form,
    packed: Vec<&'static str>,
    /// Which trace is wanted, counted from 1.
    wanted: usize,
    /// The next line, and how much of it has been taken.
    ready: Vec<u8>,
    taken: usize,
    /// The line as the file has it.
    raw: Vec<u8>,
    number: u64,
    /// The lines that have a header.
    headers: Vec<u64>,
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
    fn new(source: Box<dyn BufRead>, trace: Option<u32>, form: Form, packed: Vec<&'static str>) -> Lines {
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
    fn has_header(&mut self) -> bool {
        let begins = self.fill_buf().is_ok();
        begins && self.headers.len() == 1 && is_header(self.ready.trim_ascii())
    }

    /// Why there is no header, and what to type.
    fn no_header(&self, name: &str) -> (String, String) {
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
    fn next_line(&mut self) -> io::Result<bool> {
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
