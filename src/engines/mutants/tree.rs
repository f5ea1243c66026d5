//! A copy of the checkout with mutants inside, and what cargo makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use reports::Mutated;
use serde::Deserialize;

use super::list::Room;
use crate::engines::{lines, tools};
use crate::error::Error;
use crate::place::Place;
use crate::progress::{Progress, Work};

/// Where the copies and their builds are, below the checkout.
const BELOW: &str = "target/mutants";

/// The files of the copy, by their path below its root.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The copy.
pub(super) struct Tree {
    root: PathBuf,
    build: PathBuf,
}

/// An error of rustc: the file, below the root, and the line.
pub(super) type At = (PathBuf, usize);

/// What cargo made of the copy.
pub(super) enum Built {
    /// The workbench.
    Program(PathBuf),
    /// It does not compile at these places.
    Errors(BTreeSet<At>),
}

/// Every file of the checkout that a build may read.
pub(super) fn files(place: &Place) -> Result<Files, Error> {
    let mut files = Files::new();
    read_below(&place.dir(), Path::new(""), &mut files)?;
    Ok(files)
}

/// What judges and what is judged as one number: results of equal files are of one engine under one workbench.
pub(super) fn fingerprint(files: &Files) -> u64 {
    let judges_nothing =
        |path: &&Path| ["docs", "examples", "tests", "xtask"].iter().any(|below| path.starts_with(below));
    let counts = |path: &&Path| path.extension().is_none_or(|of| of != "md") && !judges_nothing(path);
    let paths = files.keys().map(PathBuf::as_path).filter(counts);
    super::fingerprint(paths.flat_map(|path| [path.as_os_str().as_encoded_bytes(), files[path].as_slice()]))
}

/// The source files with mutants, of these rooms.
pub(super) fn sources<'a>(files: &'a Files, rooms: &'a [Room]) -> impl Iterator<Item = (&'a Path, &'a str)> {
    let is_in = |path: &Path| rooms.iter().any(|room| path.starts_with(room.dir()));
    let is_source = |path: &Path| path.extension().is_some_and(|of| of == "rs");
    let inside = files.iter().filter(move |(path, _)| is_in(path) && is_source(path));
    inside.filter_map(|(path, bytes)| Some((path.as_path(), std::str::from_utf8(bytes).ok()?)))
}

impl Tree {
    pub(super) fn of(place: &Place, mutated: Mutated) -> Tree {
        let below = place.join(BELOW).join(mutated.name());
        Tree { root: below.join("tree"), build: below.join("build") }
    }

    /// Where results are kept.
    pub(super) fn beside(place: &Place, mutated: Mutated, name: &str) -> PathBuf {
        place.join(BELOW).join(mutated.name()).join(name)
    }

    /// Makes the copy have these files and no others. What is there already stays untouched: cargo goes by the time of the last change.
    pub(super) fn write(&self, files: &Files) -> Result<(), Error> {
        let mut there = Files::new();
        if self.root.is_dir() {
            read_below(&self.root, Path::new(""), &mut there)?;
        }
        for stale in there.keys().filter(|path| !files.contains_key(*path)) {
            let path = self.root.join(stale);
            std::fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
        }
        for (below, bytes) in files.iter().filter(|(path, bytes)| there.get(*path) != Some(*bytes)) {
            let path = self.root.join(below);
            let parent = path.parent().unwrap_or(&self.root);
            let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes));
            written.map_err(|source| Error::Write { path, source })?;
        }
        Ok(())
    }

    /// Builds the workbench. The program is put aside under this name: the next build does not touch it.
    pub(super) fn build(
        &self,
        place: &Place,
        name: &str,
        features: &[&str],
        offline: super::Offline,
        progress: &Progress,
    ) -> Result<Built, Error> {
        let mut command = self.command(place, features, offline)?;
        match self.run(&mut command, name, progress)? {
            Finished::Built(built) => Ok(built),
            // A build that was stopped can leave parts of an incremental one that do not link. The next one would not replace them.
            Finished::NotLinked(_) => {
                match self.run(command.env("CARGO_INCREMENTAL", "0"), name, progress)? {
                    Finished::Built(built) => Ok(built),
                    Finished::NotLinked(why) => Err(failed(why)),
                }
            }
        }
    }

    fn command(&self, place: &Place, features: &[&str], offline: super::Offline) -> Result<Command, Error> {
        std::fs::create_dir_all(&self.build).map_err(|source| unwritable(&self.build, source))?;
        let mut command = tools::cargo(place);
        command.args([
            "build",
            "--profile",
            "experiment",
            "--package",
            "bgcheck",
            "--message-format",
            "json",
        ]);
        command.args(features.iter().flat_map(|feature| ["--features", feature]));
        command.arg("--manifest-path").arg(absolute(&self.root.join("Cargo.toml")));
        command.arg("--target-dir").arg(absolute(&self.build));
        if offline == super::Offline::Yes {
            command.env("CARGO_NET_OFFLINE", "true");
        }
        Ok(command)
    }

    fn run(&self, command: &mut Command, name: &str, progress: &Progress) -> Result<Finished, Error> {
        let said = self.build.join("messages.json");
        command.stdout(File::create(&said).map_err(|source| unwritable(&said, source))?);
        let (finished, tail) =
            lines::run(command, &mut |line| progress.tell(Work::UNKNOWN, || line.trim().to_owned()));
        if finished.map_err(|error| failed(error.to_string()))?.success() {
            let file = |name: &str| format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let aside = self.build.join(file(name));
            let made = self.build.join("experiment").join(file("bgcheck"));
            std::fs::copy(made, &aside).map_err(|source| unwritable(&aside, source))?;
            return Ok(Finished::Built(Built::Program(absolute(&aside))));
        }
        let Failures { at, elsewhere } = failures(&said)?;
        Ok(match elsewhere {
            Some(why) if at.is_empty() => Finished::NotLinked(why),
            _ if !at.is_empty() => Finished::Built(Built::Errors(at)),
            _ => return Err(failed(tail.last().map_or("it wrote nothing", |line| line.trim()).to_owned())),
        })
    }
}

/// How a build has ended.
enum Finished {
    Built(Built),
    /// Everything compiles, and this is the first error of what comes after that.
    NotLinked(String),
}

fn failed(why: String) -> Error {
    Error::Program { program: "cargo build".to_owned(), why }
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}

fn absolute(path: &Path) -> PathBuf {
    // Fails for an empty path alone.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What no build reads: what it writes, and what is hidden. A build reads documents: results link to the lines of the contract.
fn is_skipped(below: &Path) -> bool {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".") || name == "target";
    below.iter().any(hidden)
        || ["reports/out", "fuzz/corpus", "fuzz/artifacts"].iter().any(|skipped| below.starts_with(skipped))
}

fn list(dir: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    let names = std::fs::read_dir(dir).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<std::io::Result<Vec<_>>>()
    });
    names.map_err(|source| unreadable(dir, source))
}

fn read_below(root: &Path, below: &Path, files: &mut Files) -> Result<(), Error> {
    let path = root.join(below);
    if !path.is_dir() {
        let bytes = std::fs::read(&path).map_err(|source| unreadable(&path, source))?;
        files.insert(below.to_owned(), bytes);
        return Ok(());
    }
    for name in list(&path)? {
        let below = below.join(name);
        if !is_skipped(&below) {
            read_below(root, &below, files)?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    let help = "check that the checkout is whole and can be read".to_owned();
    Error::Read { path: path.to_owned(), source, help }
}

#[derive(Deserialize)]
struct Message {
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    spans: Vec<RustSpan>,
}

#[derive(Deserialize)]
struct RustSpan {
    file_name: PathBuf,
    line_start: usize,
    is_primary: bool,
    expansion: Option<Box<Expansion>>,
}

#[derive(Deserialize)]
struct Expansion {
    span: RustSpan,
}

impl RustSpan {
    /// Where it is in the text: a macro's span is where the macro is called.
    fn at(self) -> At {
        match self.expansion {
            Some(expansion) => expansion.span.at(),
            None => (self.file_name, self.line_start),
        }
    }
}

/// The errors among the messages that cargo wrote.
#[derive(Default)]
struct Failures {
    /// Where they are.
    at: BTreeSet<At>,
    /// The first that is at no place of the sources.
    elsewhere: Option<String>,
}

fn failures(messages: &Path) -> Result<Failures, Error> {
    let file = File::open(messages).map_err(|source| unreadable(messages, source))?;
    let mut failures = Failures::default();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        // Cargo's other messages have no `message`, or one that is no diagnostic.
        let Ok(Message { message: Some(diagnostic) }) = serde_json::from_str(&line) else { continue };
        let Diagnostic { level, message, spans } = diagnostic;
        if level != "error" {
            continue;
        }
        match spans.is_empty() {
            true => _ = failures.elsewhere.get_or_insert(message),
            false => {
                failures.at.extend(spans.into_iter().filter(|span| span.is_primary).map(RustSpan::at));
            }
        }
    }
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_where_its_primary_span_is_where_a_macro_is_called_or_at_no_place_of_the_sources() {
        let span = |file: &str, line: usize, more: &str| {
            format!(r#"{{"file_name":"{file}","line_start":{line},"is_primary":true,"expansion":{more}}}"#)
        };
        let called = format!(r#"{{"span":{}}}"#, span("engine/src/core/job.rs", 7, "null"));
        let message = |level: &str, span: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"level":"{level}","message":"m","spans":[{span}]}}}}"#
            )
        };
        let text = [
            message("error", &span("engine/src/core/mod.rs", 3, "null")),
            message("error", &span("/rust/library/core/src/macros.rs", 40, &called)),
            message("warning", &span("engine/src/core/mod.rs", 9, "null")),
            r#"{"reason":"compiler-message","message":{"level":"error","message":"linking failed","spans":[]}}"#.to_owned(),
            r#"{"reason":"compiler-message","message":{"level":"error","message":"aborting","spans":[]}}"#.to_owned(),
            r#"{"reason":"build-finished","success":false}"#.to_owned(),
        ];
        let dir = tempfile::tempdir().expect("a test may fail here");
        let file = dir.path().join("messages");
        std::fs::write(&file, text.join("\n")).expect("a test may fail here");
        let at = |file: &str, line| (PathBuf::from(file), line);
        let expected = [at("engine/src/core/job.rs", 7), at("engine/src/core/mod.rs", 3)];
        let Failures { at: found, elsewhere } = failures(&file).expect("it can be read");
        assert_eq!((found, elsewhere.as_deref()), (expected.into(), Some("linking failed")));
    }

    /// A file that the source includes and the copy lacks stops every build of mutants.
    #[test]
    fn a_copy_has_every_file_that_the_source_includes() {
        let files = files(&Place::here()).expect("the checkout can be read");
        let sources = files.iter().filter(|(path, _)| path.extension().is_some_and(|of| of == "rs"));
        let mut included = 0;
        for (source, bytes) in sources {
            for file in String::from_utf8_lossy(bytes).split("include_str!(\"").skip(1) {
                let (file, _) = file.split_once('"').expect("a name ends");
                let mut path = source.parent().expect("a source is in a directory").to_owned();
                for part in Path::new(file) {
                    match part == ".." {
                        true => _ = path.pop(),
                        false => path.push(part),
                    }
                }
                assert!(files.contains_key(&path), "{}: {}", source.display(), path.display());
                included += 1;
            }
        }
        assert!(included > 20, "{included}");
    }

    #[test]
    fn a_copy_has_the_files_it_is_given_and_leaves_alone_what_is_equal() {
        let dir = tempfile::tempdir().expect("a test may fail here");
        let tree = Tree { root: dir.path().join("tree"), build: dir.path().join("build") };
        let files = |of: &[(&str, &str)]| {
            of.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect::<Files>()
        };
        let written = |path: &str| {
            let of = std::fs::metadata(tree.root.join(path)).and_then(|data| data.modified());
            of.expect("it is there")
        };
        tree.write(&files(&[("a/b.rs", "one"), ("c.rs", "two")])).expect("it can be written");
        let before = written("a/b.rs");
        tree.write(&files(&[("a/b.rs", "one"), ("d.rs", "three")])).expect("it can be written");
        assert_eq!(written("a/b.rs"), before);
        assert_eq!(std::fs::read_to_string(tree.root.join("d.rs")).expect("it is there"), "three");
        assert!(!tree.root.join("c.rs").exists());
    }
}
