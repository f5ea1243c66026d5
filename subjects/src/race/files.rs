//! The simulated disk of a race: what stands at the temporary path and at the destination of each file.
//!
//! **What it is.** As much of a disk as rule R15 needs. A fetch writes the temporary file, a Complete renames it, and the disk work of
//! Complete or Cancel removes it. What stands there at the end is for the rule to judge. It also records which fetches run, because two
//! fetches of one file write over each other.
//!
//! **What it is not.** Bytes. Whether they are the right ones is for live runs.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::env::Found;
use contract::{FileId, JobId};
use engine::service::Place;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Files {
    of: Mutex<BTreeMap<(JobId, FileId), Paths>>,
}

/// The two paths of a file.
#[derive(Clone, Copy, Hash, Debug)]
struct Paths {
    destination: Found,
    /// `Wrong` is a part of the file.
    temporary: Found,
    /// Fetches that run.
    fetches: u32,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths { destination: Found::Absent, temporary: Found::Absent, fetches: 0 }
    }
}

/// Whether another fetch of the file runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alone {
    Yes,
    No,
}

/// Why a rename did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct NotThere;

impl Files {
    /// A file that the job did not make stands at the destination.
    pub(super) fn put_foreign(&self, job: JobId, file: FileId) {
        self.all().entry((job, file)).or_default().destination = Found::Foreign;
    }

    /// A fetch of the file starts.
    pub(super) fn begin_fetch(&self, job: JobId, file: FileId) -> Alone {
        let mut all = self.all();
        let paths = all.entry((job, file)).or_default();
        paths.fetches += 1;
        if paths.fetches == 1 { Alone::Yes } else { Alone::No }
    }

    /// A fetch of the file has ended.
    pub(super) fn end_fetch(&self, job: JobId, file: FileId) {
        let mut all = self.all();
        let paths = all.entry((job, file)).or_default();
        paths.fetches = paths.fetches.saturating_sub(1);
    }

    /// A fetch has written a part of the file, or all of it.
    pub(super) fn write(&self, job: JobId, file: FileId, what: Found) {
        self.all().entry((job, file)).or_default().temporary = what;
    }

    /// The temporary file replaces the destination.
    pub(super) fn rename(&self, place: &Place) -> Result<(), NotThere> {
        let mut all = self.all();
        let paths = all.entry((place.job, place.file)).or_default();
        if paths.temporary == Found::Absent {
            return Err(NotThere);
        }
        paths.destination = std::mem::replace(&mut paths.temporary, Found::Absent);
        Ok(())
    }

    /// The temporary file is removed, if there is one.
    pub(super) fn remove(&self, place: &Place) {
        self.all().entry((place.job, place.file)).or_default().temporary = Found::Absent;
    }

    /// Adds the disk to a digest.
    pub(super) fn digest(&self, mut state: &mut dyn Hasher) {
        self.all().hash(&mut state);
    }

    /// What stands at the destination and at the temporary path of each file, in the order of jobs and files.
    pub(super) fn found(&self) -> Vec<(JobId, FileId, Found, Found)> {
        let all = self.all();
        all.iter().map(|((job, file), paths)| (*job, *file, paths.destination, paths.temporary)).collect()
    }

    /// Never held across a switch of tasks.
    fn all(&self) -> MutexGuard<'_, BTreeMap<(JobId, FileId), Paths>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
