//! Checkpoints: an exploration on disk, complete at a level's end, to go on from after the process is gone.
//!
//! **What it is.** A directory with one subdirectory per checkpoint, of which only the latest is kept: a header that says of what it is,
//! and from each worker one part: the keys it has visited, its frontier, what it counted. Parts are read by all workers, and each
//! takes what it owns, so it may be resumed with another number of them.
//!
//! **The laws it keeps.**
//! 1. A checkpoint appears whole or not at all: it is written beside, synced, and renamed; the one before goes only then.
//! 2. One of another model, scope, version or width of keys is refused, and so is a damaged one.
//! 3. When the disk is full the run ends with [`Error::DiskFull`], and the last checkpoint is as it was.
//!
//! **What it is not.** It holds packed keys only: no states without a packed form, and no recorded graph.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::worker::Sums;
use super::{Error, Level, Stop};
use crate::fingerprint::fingerprint;

/// The layout of the files. A change of it, or of how keys are mixed, is a change of this number.
const FORMAT: u32 = 2;
/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Where the next checkpoint is written.
const NEXT: &str = "next";
const HEADER: &str = "header.json";

/// What is explored: a checkpoint is good for nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Subject {
    /// The model's name.
    pub model: String,
    /// Its scope, in words that change when it does.
    pub scope: String,
}

/// Where and when to write checkpoints.
#[derive(Clone)]
pub struct Checkpoints {
    /// The directory; it is made if it is not there.
    pub directory: PathBuf,
    /// What is explored.
    pub subject: Subject,
    /// The least time between two; zero writes one at each level's end.
    pub every: Duration,
    /// How a file is made.
    pub create: Create,
}

/// Makes a file to be written.
pub type Create = Arc<dyn Fn(&Path) -> io::Result<Box<dyn Durable>> + Send + Sync>;

/// What can be written and then be made to outlast a loss of power.
pub trait Durable: Write {
    /// Returns when all that was written is on the disk.
    ///
    /// # Errors
    ///
    /// When it did not get there.
    fn sync(&mut self) -> io::Result<()>;
}

impl Durable for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Checkpoints {
    /// Every minute, in real files.
    pub fn new(directory: impl Into<PathBuf>, subject: Subject) -> Self {
        let create: Create = Arc::new(|path| Ok(Box::new(File::create(path)?)));
        Checkpoints { directory: directory.into(), subject, every: Duration::from_secs(60), create }
    }

    /// Whether there are checkpoints already.
    pub(super) fn is_occupied(&self) -> bool {
        saved(&self.directory).is_ok_and(|saved| !saved.is_empty())
    }

    /// Makes the directory ready to be written to. What a run that died left half written goes.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let next = self.directory.join(NEXT);
        if next.exists() {
            fs::remove_dir_all(&next)?;
        }
        fs::create_dir_all(next)
    }

    /// Writes a worker's part of the next checkpoint.
    pub(super) fn write_part<K: Key>(
        &self,
        worker: usize,
        sums: &Sums<K>,
        visited: impl Iterator<Item = K>,
        visited_count: usize,
        frontier: impl ExactSizeIterator<Item = K>,
    ) -> io::Result<()> {
        let path = self.directory.join(NEXT).join(format!("part-{worker}"));
        let mut out = Sealing { out: (self.create)(&path)?, bytes: Vec::new(), seal: 0 };
        let sums = serde_json::to_vec(sums)?;
        out.count(sums.len());
        out.bytes.extend(sums);
        out.count(visited_count);
        for key in visited {
            key.store(&mut out.bytes);
            out.flush_if_full()?;
        }
        out.count(frontier.len());
        for key in frontier {
            key.store(&mut out.bytes);
            out.flush_if_full()?;
        }
        out.finish()
    }

    /// Makes the parts written a checkpoint. Only when it is one, the one before is removed.
    pub(super) fn commit<K: Key>(&self, parts: usize, levels: &[Level]) -> io::Result<()> {
        let next = self.directory.join(NEXT);
        let header = Header {
            format: FORMAT,
            version: VERSION.to_owned(),
            subject: self.subject.clone(),
            key_bits: K::BITS,
            parts,
            levels: levels.to_vec(),
        };
        let mut file = (self.create)(&next.join(HEADER))?;
        file.write_all(&serde_json::to_vec_pretty(&header)?)?;
        file.sync()?;
        sync_directory(&next)?;
        let name = format!("level-{:08}", levels.len());
        let target = self.directory.join(&name);
        fs::rename(&next, &target)?;
        sync_directory(&self.directory)?;
        for older in saved(&self.directory)?.into_iter().filter(|path| !path.ends_with(&name)) {
            fs::remove_dir_all(older)?;
        }
        self.prepare()
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a checkpoint is of.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    version: String,
    subject: Subject,
    key_bits: u32,
    parts: usize,
    levels: Vec<Level>,
}

/// A checkpoint found fit to be resumed.
pub(super) struct Saved {
    path: PathBuf,
    parts: usize,
    pub(super) levels: Vec<Level>,
}

/// What a worker takes from a checkpoint.
pub(super) struct Taken<K> {
    pub(super) sums: Vec<Sums<K>>,
    pub(super) visited: Vec<K>,
    pub(super) frontier: Vec<K>,
}

impl Saved {
    /// The latest checkpoint of a directory, if it is one of this subject.
    pub(super) fn find<K: Key>(directory: &Path, subject: &Subject) -> Result<Self, Error> {
        let none = || Error::NoCheckpoint(directory.to_owned());
        let path = saved(directory).map_err(|_| none())?.pop().ok_or_else(none)?;
        let damaged = |why: String| Error::Damaged { path: path.clone(), why };
        let header = fs::read(path.join(HEADER)).map_err(|error| damaged(error.to_string()))?;
        let header: Header = serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
        let pairs = [
            ("format", header.format.to_string(), FORMAT.to_string()),
            ("version", header.version, VERSION.to_owned()),
            ("model", header.subject.model, subject.model.clone()),
            ("scope", header.subject.scope, subject.scope.clone()),
            ("width of keys", header.key_bits.to_string(), K::BITS.to_string()),
        ];
        for (what, saved, wanted) in pairs {
            if saved != wanted {
                return Err(Error::OtherCheckpoint { what, saved, wanted });
            }
        }
        Ok(Saved { path, parts: header.parts, levels: header.levels })
    }

    /// Whether it is in this directory.
    pub(super) fn is_in(&self, directory: &Path) -> bool {
        self.path.parent() == Some(directory)
    }

    /// Reads all parts, and keeps the keys that are wanted.
    pub(super) fn take<K: Key>(&self, wanted: impl Fn(K) -> bool) -> Result<Taken<K>, Stop> {
        let mut taken = Taken { sums: Vec::new(), visited: Vec::new(), frontier: Vec::new() };
        for part in 0..self.parts {
            let path = self.path.join(format!("part-{part}"));
            let damaged = |why: String| Stop::Damaged(path.display().to_string(), why);
            let bytes = fs::read(&path).map_err(|error| damaged(error.to_string()))?;
            let read = read_part(&bytes, &wanted, &mut taken);
            read.ok_or_else(|| damaged("it is not what was written".to_owned()))?;
        }
        Ok(taken)
    }
}

fn read_part<K: Key>(bytes: &[u8], wanted: &impl Fn(K) -> bool, taken: &mut Taken<K>) -> Option<()> {
    let (mut rest, seal) = bytes.split_last_chunk()?;
    let computed = rest.chunks(BUFFER).fold(0, seal_of);
    if computed != u64::from_le_bytes(*seal) {
        return None;
    }
    let length = count(&mut rest)?;
    let (sums, after) = rest.split_at_checked(length)?;
    taken.sums.push(serde_json::from_slice(sums).ok()?);
    rest = after;
    for keys in [&mut taken.visited, &mut taken.frontier] {
        for _ in 0..count(&mut rest)? {
            let key = K::load(&mut rest)?;
            if wanted(key) {
                keys.push(key);
            }
        }
    }
    rest.is_empty().then_some(())
}

fn count(bytes: &mut &[u8]) -> Option<usize> {
    u64::load(bytes)?.try_into().ok()
}

/// Checkpoints in a directory, the latest last.
fn saved(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("level-") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// A name in a directory outlasts a loss of power only when the directory is synced.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Writes whole buffers, and in the end a number that depends on all of them.
struct Sealing {
    out: Box<dyn Durable>,
    bytes: Vec<u8>,
    seal: u64,
}

impl Sealing {
    fn count(&mut self, count: usize) {
        (count as u64).store(&mut self.bytes);
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        while self.bytes.len() >= BUFFER {
            let rest = self.bytes.split_off(BUFFER);
            self.write()?;
            self.bytes = rest;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.seal = seal_of(self.seal, &self.bytes);
        self.out.write_all(&self.bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush_if_full()?;
        if !self.bytes.is_empty() {
            self.write()?;
        }
        self.out.write_all(&self.seal.to_le_bytes())?;
        self.out.sync()
    }
}

fn seal_of(before: u64, bytes: &[u8]) -> u64 {
    fingerprint(&(before, bytes)) as u64
}
