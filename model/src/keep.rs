//! What is kept on disk of a check: the explorations that are done, and checkpoints of the one under way.
//!
//! **What it is.** A check is many explorations, one for each slice in each dialect. A [`Keep`] is a directory for all of them: a file
//! with what check it is of, and for each exploration a directory with checkpoints ([`explorer::checkpoint`]) until it is
//! done, and with its result from then on. A resumed check takes the results there are and goes on with the rest.
//!
//! **The laws it keeps.**
//! 1. A directory is of one check, and another one is refused with the words for what differs.
//! 2. A file appears whole or not at all.
//! 3. Only the first of several processes writes results; all of them read one directory.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use explorer::fingerprint::fingerprint;
use explorer::{Checkpoints, Cluster, Error, Subject};

const ABOUT: &str = "check.json";
const DONE: &str = "done.json";

/// The directory of a check.
#[derive(Clone, Debug)]
pub struct Keep {
    directory: PathBuf,
    every: Duration,
    role: Role,
    /// Why something is not kept: the first reason.
    lost: Arc<OnceLock<Error>>,
}

/// What this process does with the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// It writes results.
    Writes,
    /// Another one does.
    Reads,
}

/// Of what check a directory is: names and what they stand for, in the order in which they are compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// Such as the scope.
    pub facts: Vec<(&'static str, String)>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: String,
    facts: Vec<(String, String)>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Keep {
    /// A directory for a new check, with a checkpoint so often.
    ///
    /// # Errors
    ///
    /// When a check is there already, and when it cannot be written.
    pub fn begin(
        directory: &Path,
        about: &About,
        every: Duration,
        cluster: Option<&Cluster>,
    ) -> Result<Self, Error> {
        let keep = Self::at(directory, every, cluster);
        if keep.role == Role::Reads {
            return Ok(keep);
        }
        if directory.join(ABOUT).exists() {
            return Err(Error::Occupied(directory.to_owned()));
        }
        let facts = about.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let stored = Stored { version: VERSION.to_owned(), facts: facts.collect() };
        let written = fs::create_dir_all(directory).and_then(|()| write(&directory.join(ABOUT), &stored));
        written.map_err(|error| Error::disk(&error))?;
        Ok(keep)
    }

    /// The directory of a check that goes on.
    ///
    /// # Errors
    ///
    /// When there is none, or it is of another check.
    pub fn resume(
        directory: &Path,
        about: &About,
        every: Duration,
        cluster: Option<&Cluster>,
    ) -> Result<Self, Error> {
        let path = directory.join(ABOUT);
        let stored: Option<Stored> = read(&path)?;
        let Some(stored) = stored else { return Err(Error::NoCheckpoint(directory.to_owned())) };
        let saved = |name: &str| {
            stored
                .facts
                .iter()
                .find(|(saved, _)| saved == name)
                .map_or("nothing", |(_, value)| value)
                .to_owned()
        };
        let version = ("version", stored.version.clone(), VERSION.to_owned());
        let facts = about.facts.iter().map(|(name, wanted)| (*name, saved(name), wanted.clone()));
        match std::iter::once(version).chain(facts).find(|(_, saved, wanted)| saved != wanted) {
            Some((what, saved, wanted)) => Err(Error::OtherCheckpoint { what, saved, wanted }),
            None => Ok(Self::at(directory, every, cluster)),
        }
    }

    fn at(directory: &Path, every: Duration, cluster: Option<&Cluster>) -> Self {
        let is_first = cluster.is_none_or(|cluster| cluster.process() == 0);
        let role = if is_first { Role::Writes } else { Role::Reads };
        Keep { directory: directory.to_owned(), every, role, lost: Arc::default() }
    }

    /// The checkpoints of one exploration.
    pub(crate) fn checkpoints(&self, subject: &Subject) -> Checkpoints {
        Checkpoints { every: self.every, ..Checkpoints::new(self.place(subject), subject.clone()) }
    }

    /// The result of an exploration, if it is done.
    pub(crate) fn done<R: DeserializeOwned>(&self, subject: &Subject) -> Result<Option<R>, Error> {
        read(&self.place(subject).join(DONE))
    }

    /// Keeps the result of an exploration, which then needs no checkpoint any more.
    pub(crate) fn finish<R: Serialize>(&self, subject: &Subject, result: &R) -> Result<(), Error> {
        if self.role == Role::Reads {
            return Ok(());
        }
        let place = self.place(subject);
        let finished = fs::create_dir_all(&place)
            .and_then(|()| write(&place.join(DONE), result))
            .and_then(|()| self.checkpoints(subject).remove());
        finished.map_err(|error| Error::disk(&error))
    }

    /// Something cannot be kept. The check goes on, and its results stand.
    pub(crate) fn lose(&self, error: Error) {
        // The first reason is kept; a disk that is full has many.
        let _ = self.lost.set(error);
    }

    /// Why something is not kept, if anything is not.
    #[must_use]
    pub fn lost(&self) -> Option<&Error> {
        self.lost.get()
    }

    fn place(&self, subject: &Subject) -> PathBuf {
        let number = fingerprint(&(&subject.model, &subject.scope)) as u64;
        self.directory.join(format!("exploration-{number:016x}"))
    }
}

/// What is in a file, if there is one.
fn read<V: DeserializeOwned>(path: &Path) -> Result<Option<V>, Error> {
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(damaged(error.to_string())),
    }
}

/// Writes beside, and renames.
fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(scope: &str) -> About {
        About { facts: vec![("model", "protocol".to_owned()), ("scope", scope.to_owned())] }
    }

    #[test]
    fn a_directory_is_of_one_check() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kept");
        let resume = |scope: &str| Keep::resume(&path, &about(scope), Duration::ZERO, None).err();
        let begin = |scope: &str| Keep::begin(&path, &about(scope), Duration::ZERO, None).err();
        assert_eq!(resume("tiny"), Some(Error::NoCheckpoint(path.clone())));
        assert_eq!(begin("tiny"), None);
        assert_eq!(begin("tiny"), Some(Error::Occupied(path.clone())));
        assert_eq!(resume("tiny"), None);
        let refused = resume("small").expect("another scope").to_string();
        assert_eq!(refused, "the checkpoint is of another scope: \"tiny\", and not \"small\"");
        fs::write(path.join(ABOUT), "{").expect("a damaged file");
        assert!(matches!(resume("tiny"), Some(Error::Damaged { .. })));
    }

    #[test]
    fn a_result_is_found_again_and_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let keep = Keep::begin(directory.path(), &about("tiny"), Duration::ZERO, None).expect("a directory");
        let subject = |scope: &str| Subject { model: "protocol".to_owned(), scope: scope.to_owned() };
        assert_eq!(keep.done::<u32>(&subject("one")), Ok(None));
        keep.finish(&subject("one"), &7_u32).expect("a result");
        assert_eq!(keep.done::<u32>(&subject("one")), Ok(Some(7)));
        assert_eq!(keep.done::<u32>(&subject("two")), Ok(None));
    }
}
