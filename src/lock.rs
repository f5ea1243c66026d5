//! A directory that belongs to one run at a time.
//!
//! **What it is.** A file in the directory that this process holds a lock on, with who it is, for the one that comes second.
//!
//! **The law it keeps.** The system gives the lock back when a process ends, however it ends. So a file that was left behind locks nothing.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::error::Error;
use crate::{place, run};

/// The file.
const NAME: &str = ".bgcheck.lock";

/// The lock. It is given back when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock {
    /// Nothing where there are no locks: then nothing is promised.
    held: Option<(File, PathBuf)>,
    /// The directory, if it was made for this.
    made: Option<PathBuf>,
}

impl Lock {
    /// Takes a directory, which is made when it is not there. One that cannot be written is not taken: the first file that cannot be
    /// written there is reported.
    pub(crate) fn of(dir: &Path) -> Result<Lock, Error> {
        let made = (!dir.exists()).then(|| dir.to_owned());
        if place::prepare(dir).is_err() {
            return Ok(Lock::none());
        }
        let path = dir.join(NAME);
        // A holder that ends takes the file away, perhaps between the two steps of this one.
        for _ in 0..TRIES {
            let opened = File::options().create(true).truncate(false).read(true).write(true).open(&path);
            let Ok(mut file) = opened else { return Ok(Lock::none()) };
            match lock(&file) {
                Locked::Held if is_at(&file, &path) => {
                    // Who comes second only wants to know.
                    let _ = file.set_len(0).and_then(|()| file.write_all(who().as_bytes()));
                    return Ok(Lock { held: Some((file, path)), made });
                }
                Locked::Held => {}
                Locked::ByAnother => {
                    let mut holder = String::new();
                    let _ = file.read_to_string(&mut holder);
                    return Err(busy(dir, &holder));
                }
                Locked::Never => return Ok(Lock::none()),
            }
        }
        Ok(Lock::none())
    }

    /// As [`Lock::of`], for a directory that may not have been named.
    pub(crate) fn of_named(dir: Option<&Path>) -> Result<Lock, Error> {
        dir.map_or(Ok(Lock::none()), Lock::of)
    }

    const fn none() -> Lock {
        Lock { held: None, made: None }
    }
}

/// How often the file may vanish meanwhile.
const TRIES: u32 = 16;

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be removed locks nothing, and a directory with something in it stays.
        if let Some((_file, path)) = self.held.take() {
            let _ = fs::remove_file(path);
        }
        if let Some(dir) = self.made.take() {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Whether a lock was had.
#[cfg_attr(not(unix), expect(dead_code, reason = "elsewhere there are no locks"))]
enum Locked {
    Held,
    ByAnother,
    /// The file system has no locks.
    Never,
}

#[cfg(unix)]
fn lock(file: &File) -> Locked {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Locked::Held,
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Locked::ByAnother,
        Err(_) => Locked::Never,
    }
}

#[cfg(not(unix))]
fn lock(_: &File) -> Locked {
    Locked::Never
}

/// Whether the file is still the one that others open.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |of: std::io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    identity(file.metadata()) == identity(fs::metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// This process, or the one that watches it: the one that the user has started and can stop.
fn who() -> String {
    format!("process {}, since {}: {}\n", process(), Clock::now().minute(), run::command_line())
}

#[cfg(unix)]
fn process() -> u32 {
    let parent = rustix::process::getppid().filter(|_| crate::watch::worker::is_worker());
    parent.map_or_else(std::process::id, |parent| parent.as_raw_nonzero().get().unsigned_abs())
}

#[cfg(not(unix))]
fn process() -> u32 {
    std::process::id()
}

fn busy(dir: &Path, holder: &str) -> Error {
    let holder = crate::output::printable(holder.trim());
    let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
    let what = format!("{} is in use by another run: {holder}", dir.display());
    Error::usage(what, "wait until it has ended, stop it, or name another directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_had_once_and_left_as_it_was() {
        let above = tempfile::tempdir().expect("a test may fail here");
        let dir = above.path().join("out");
        let first = Lock::of(&dir).expect("nobody has it");
        let second = Lock::of(&dir);
        if cfg!(unix) {
            let said = second.expect_err("it is taken").to_string();
            assert!(
                said.contains(&format!("in use by another run: process {}", std::process::id())),
                "{said}"
            );
        }
        drop(first);
        assert!(!dir.exists(), "it was made for the lock alone");
        drop(Lock::of(&dir).expect("it is free again"));
    }

    #[test]
    fn what_a_killed_process_left_behind_locks_nothing() {
        let dir = tempfile::tempdir().expect("a test may fail here");
        fs::write(dir.path().join(NAME), "process 1").expect("a test may fail here");
        drop(Lock::of(dir.path()).expect("nobody holds it"));
        assert!(dir.path().exists() && !dir.path().join(NAME).exists());
    }
}
