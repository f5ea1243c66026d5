//! What a file is taken for: the one place where verbs read traces and inputs of fuzz targets.
//!
//! **What it is.** A file is first unpacked and decoded (gzip, byte order mark, UTF-16, bytes that are no UTF-8), then taken for JSON
//! Lines, a JSON array or JSON values. What stands before the header is left out. Every verb prints what a file was taken for.
//!
//! **What it is not.** A guess. Bytes are an input of a fuzz target only with `--target`, or in a folder of such inputs. What is no
//! trace is refused, with the reason and what to type.
//!
//! **The law it keeps.** No line after the header is left out, so that nothing a rule could judge is lost.

mod form;
mod lines;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use flate2::read::MultiGzDecoder;
use judge::{Trace, TraceError};
use properties::minimize::CoreName;
use properties::minimize::races::Scheduled;
use properties::program::Program;
use properties::race;
use serde_json::Value;
use tempfile::NamedTempFile;

use self::form::{Encoding, Form, Order, Packing, utf8};
pub(crate) use self::lines::Lines;
use crate::engines::fuzz::Target;
use crate::error::Error;
use crate::output::{counted, printable};

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
    /// An input of `lockstep`, or of `canary`, which has a core that is broken on purpose.
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
