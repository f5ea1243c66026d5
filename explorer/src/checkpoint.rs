//! Checkpoints: an exploration on disk, complete at a level's end, to go on from after the process is gone.
//!
//! **What it is.** A directory with one subdirectory per checkpoint, of which only the latest is kept: a header with what it is of,
//! and from each worker one part: the keys it has visited, its frontier, what it counted. Parts are read by all workers, and each
//! takes what it owns, so it may be resumed with another number of them.
//!
//! **The laws it keeps.**
//! 1. A checkpoint appears whole or not at all: it is written beside, synced, and renamed; the one before goes only then.
//! 2. One of another model, scope, version or width of keys is refused, and so is a damaged one.
//! 3. When the disk is full the run goes on without checkpoints and reports it, and the last checkpoint is as it was.
//!
//! 4. Neither writing nor reading one takes memory for more than a buffer.
//!
//! **What it is not.** It holds only states whose form leaves the process ([`Reach::Anywhere`](super::Reach)), and no recorded graph.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::worker::Sums;
use super::{Error, Level, Stop, stored};
use crate::fingerprint::fingerprint;

/// The layout of the files. A change of it, or of how keys are mixed, is a change of this number.
const FORMAT: u32 = 3;
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

    /// Removes them all: what they are of is done.
    ///
    /// # Errors
    /// The directory cannot be read, or something in it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        let next = self.directory.join(NEXT);
        let mut paths = saved(&self.directory)?;
        paths.extend(next.exists().then_some(next));
        paths.into_iter().try_for_each(fs::remove_dir_all)
    }

    /// Whether there are checkpoints already.
    #[must_use]
    pub fn is_occupied(&self) -> bool {
        saved(&self.directory).is_ok_and(|saved| !saved.is_empty())
    }

    /// Makes the directory ready to be written to. What a run that died left half written goes. Other processes may do this, too.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let next = self.directory.join(NEXT);
        match fs::remove_dir_all(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(next)
    }

    /// Begins a worker's part of the next checkpoint, with what it counted.
    pub(super) fn part<K: Key>(&self, worker: usize, sums: &Sums<K>) -> io::Result<Part> {
        let path = self.directory.join(NEXT).join(format!("part-{worker}"));
        let mut part = Part { out: (self.create)(&path)?, bytes: Vec::new(), seal: 0 };
        part.put(&stored::to_bytes(&serde_json::to_string(sums)?)?)?;
        Ok(part)
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

    /// Passes the contents of all parts to `shown`.
    pub(super) fn read<K: Key, W: DeserializeOwned>(&self, shown: &mut impl Shown<K, W>) -> Result<(), Stop> {
        for part in 0..self.parts {
            let path = self.path.join(format!("part-{part}"));
            let read = File::open(&path).and_then(|file| read_part(&mut Unsealing::new(file)?, shown));
            read.map_err(|error| Stop::Damaged(path.display().to_string(), error.to_string()))?;
        }
        Ok(())
    }
}

/// Who reads a checkpoint.
pub(super) trait Shown<K, W> {
    /// What a worker counted.
    fn sums(&mut self, sums: &Sums<K>);
    /// A key that was visited.
    fn visited(&mut self, key: K) -> io::Result<()>;
    /// A state that waits to be expanded.
    fn waiting(&mut self, wire: W) -> io::Result<()>;
}

fn read_part<K: Key, W: DeserializeOwned>(
    from: &mut Unsealing,
    shown: &mut impl Shown<K, W>,
) -> io::Result<()> {
    let sums: String = stored::read(from)?;
    shown.sums(&serde_json::from_str(&sums)?);
    for _ in 0..u64::read(from)? {
        shown.visited(K::read(from)?)?;
    }
    for _ in 0..u64::read(from)? {
        shown.waiting(stored::read(from)?)?;
    }
    from.finish()
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

/// A part that is being written: whole buffers, and in the end a number that depends on all of them.
pub(super) struct Part {
    out: Box<dyn Durable>,
    bytes: Vec<u8>,
    seal: u64,
}

impl Part {
    /// Writes how many records follow.
    pub(super) fn count(&mut self, count: u64) -> io::Result<()> {
        self.put(&count.to_le_bytes())
    }

    pub(super) fn key<K: Key>(&mut self, key: K) -> io::Result<()> {
        key.store(&mut self.bytes);
        self.flush_if_full()
    }

    pub(super) fn wire(&mut self, wire: &impl Serialize) -> io::Result<()> {
        self.put(&stored::to_bytes(wire)?)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        self.flush_if_full()
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

    pub(super) fn finish(mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.write()?;
        }
        self.out.write_all(&self.seal.to_le_bytes())?;
        self.out.sync()
    }
}

/// A part that is being read, buffer by buffer.
struct Unsealing {
    file: File,
    /// Bytes of the file before the seal that have not been read.
    left: u64,
    bytes: io::Cursor<Vec<u8>>,
    seal: u64,
}

impl Unsealing {
    fn new(file: File) -> io::Result<Self> {
        let left = file.metadata()?.len().saturating_sub(size_of::<u64>() as u64);
        Ok(Unsealing { file, left, bytes: io::Cursor::default(), seal: 0 })
    }

    /// Whether all was read, and was what was written.
    fn finish(&mut self) -> io::Result<()> {
        let is_all = self.left == 0 && self.bytes.position() == self.bytes.get_ref().len() as u64;
        if is_all && u64::read(&mut self.file)? == self.seal {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what was written"))
    }
}

impl Read for Unsealing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.bytes.position() == self.bytes.get_ref().len() as u64 {
            let mut bytes = vec![0; self.left.min(BUFFER as u64) as usize];
            self.file.read_exact(&mut bytes)?;
            self.left -= bytes.len() as u64;
            self.seal = if bytes.is_empty() { self.seal } else { seal_of(self.seal, &bytes) };
            self.bytes = io::Cursor::new(bytes);
        }
        self.bytes.read(into)
    }
}

fn seal_of(before: u64, bytes: &[u8]) -> u64 {
    fingerprint(&(before, bytes)) as u64
}
