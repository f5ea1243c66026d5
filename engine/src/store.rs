//! Temporary files beside their destinations.
//!
//! **What it is.** A [`Temporary`] names the file that collects the bytes of one file of one job. Its name is derived from
//! destination, service, job and file. So the code that fetches, renames or removes it computes the name anew and finds the file again.
//!
//! **What it is not.** A memory across restarts: nothing is resumed that an earlier process began. What a process left behind when it
//! died is removed by the next service that writes to that directory (`store/claims.rs`).
//!
//! **The law it keeps** is R15. A file that no service of this program made is never opened, truncated or removed: the first
//! open creates, and when the name is taken the next one is tried. A destination appears by one rename of a whole
//! file; what stood there before is replaced, as BITS does. Only a call of [`Temporary::rename_to`]
//! renames, so a worker that still writes to a removed file writes to nothing.
//!
//! ```
//! use std::io::Write;
//! use contract::{FileId, JobId};
//! use engine::store::{Instance, Temporary};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let destination = directory.path().join("report.pdf");
//! let temporary = Temporary::beside(&destination, Instance(1), JobId(0), FileId(0));
//! temporary.open_for_write(0)?.write_all(b"bytes")?;
//! temporary.mark_whole(5);
//! temporary.rename_to(&destination)?;
//! assert_eq!(std::fs::read(&destination)?, b"bytes");
//! # Ok(())
//! # }
//! ```

mod claims;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::{FileId, HResult, JobId};

/// Names that are tried when the first ones are taken.
const CANDIDATES: u32 = 64;

/// The files that this process made and has neither renamed nor removed, by the first name each would have had.
static OURS: Mutex<BTreeMap<PathBuf, Ours>> = Mutex::new(BTreeMap::new());

/// The number of a service, which is in the name of each of its temporary files. No two services that live at one time may have
/// one number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Instance(pub u64);

/// A file that collects bytes until it is whole.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Temporary {
    name: PathBuf,
    /// None where the name does not have the form of [`Temporary::beside`].
    instance: Option<Instance>,
}

/// Why a temporary file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: Doing,
        /// With which file.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// There is no such temporary file, or what is there now is no file.
    #[error("the temporary file {} is gone", .0.display())]
    Missing(PathBuf),
    /// Other files have every name that was tried.
    #[error("every name like {} is taken", .0.display())]
    Taken(PathBuf),
    /// The file is not what the transfer left behind as whole.
    #[error("the temporary file {} has {found} bytes, not {expected:?}", path.display())]
    NotWhole {
        /// Which file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The length it should have; none when its transfer has not ended.
        expected: Option<u64>,
    },
}

/// What was tried with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Creating it.
    Create,
    /// Opening it, or looking at it.
    Open,
    /// Renaming it to its destination.
    Rename,
    /// Removing it.
    Remove,
}

#[derive(Clone, Debug)]
struct Ours {
    path: PathBuf,
    whole: Option<u64>,
    instance: Option<Instance>,
}

impl Instance {
    /// Removes the temporary files of a service that has ended, as far as the file system lets it.
    pub(crate) fn remove_all(self) {
        let of_it = |ours: &Ours| ours.instance == Some(self);
        let names: Vec<PathBuf> =
            registry().iter().filter(|(_, ours)| of_it(ours)).map(|(name, _)| name.clone()).collect();
        // The next service that writes there finds what cannot be removed now.
        names.into_iter().for_each(|name| drop(Temporary { name, instance: Some(self) }.remove()));
    }

    /// The file that shows, beside its temporary files, that this service lives.
    #[must_use]
    pub fn claim_beside(self, destination: &Path) -> PathBuf {
        directory_of(destination).join(self.claim())
    }

    fn claim(self) -> String {
        format!(".bg-{self}.lock")
    }

    /// Whose file this is, and what, when the name has exactly the form of one of ours.
    fn of_name(name: &str) -> Option<(Instance, claims::Form)> {
        let rest = name.strip_prefix(".bg-")?;
        let (number, rest) = rest.split_at_checked(16)?;
        let instance = Instance(hex(number)?);
        if rest == ".lock" {
            return Some((instance, claims::Form::Claim));
        }
        let rest = rest.strip_prefix("-j")?.strip_suffix(".tmp")?;
        let (job, rest) = rest.split_once("-f")?;
        let (file, digest) = rest.split_once('-')?;
        let (digest, candidate) = digest.split_at_checked(16)?;
        let candidate = if candidate.is_empty() { Some("0") } else { candidate.strip_prefix('.') };
        let decimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let formed = decimal(job) && decimal(file) && candidate.is_some_and(decimal);
        hex(digest).filter(|_| formed).map(|_| (instance, claims::Form::Temporary))
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Temporary {
    /// The temporary file of a job's file, in the directory of the destination. Touches nothing.
    ///
    /// The name's length does not depend on the destination's, so it fits where that does.
    #[must_use]
    pub fn beside(destination: &Path, instance: Instance, job: JobId, file: FileId) -> Temporary {
        let digest = fnv1a(destination.as_os_str().as_encoded_bytes());
        let name = format!(".bg-{instance}-{job}-{file}-{digest:016x}.tmp");
        Temporary { name: directory_of(destination).join(name), instance: Some(instance) }
    }

    /// The temporary file of this name, as [`Temporary::path`] gave it.
    #[must_use]
    pub fn at(path: &Path) -> Temporary {
        let name = path.file_name().and_then(|name| name.to_str());
        let ours = name.and_then(Instance::of_name);
        let instance =
            ours.filter(|(_, form)| *form == claims::Form::Temporary).map(|(instance, _)| instance);
        Temporary { name: path.to_owned(), instance }
    }

    /// Its first name. The file itself has another when that one was taken.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.name
    }

    /// How many bytes it has; none when there is no such file of ours.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        let ours = self.ours()?;
        regular_length(&ours.path).ok()
    }

    /// Opens it so that the next byte written is number `from`; whatever was behind is cut off.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there are fewer bytes than `from`, and the file system's refusals.
    pub fn open_for_write(&self, from: u64) -> Result<File, StoreError> {
        let Some(ours) = self.ours() else {
            return if from == 0 { self.create() } else { Err(StoreError::Missing(self.name.clone())) };
        };
        match regular_length(&ours.path) {
            Ok(length) if length >= from => {
                self.set_whole(None);
                cut(&ours.path, from).map_err(|source| io_error(Doing::Open, &ours.path, source))
            }
            // Another program has removed or shortened it, or put something else there: that one is not ours.
            Ok(_) | Err(_) if from > 0 => Err(StoreError::Missing(ours.path)),
            Ok(_) | Err(_) => self.create(),
        }
    }

    /// Notes that the transfer has ended and the file has this length, in bytes.
    pub fn mark_whole(&self, length: u64) {
        self.set_whole(Some(length));
    }

    /// Renames it to its destination, which it replaces, if it is whole.
    ///
    /// # Errors
    /// The temporary file is gone or not whole, or the file system refused. It is still there in the latter two.
    pub fn rename_to(&self, destination: &Path) -> Result<(), StoreError> {
        let ours = self.ours().ok_or_else(|| StoreError::Missing(self.name.clone()))?;
        let found = match regular_length(&ours.path) {
            Ok(found) => found,
            Err(source) if source.kind() == ErrorKind::NotFound => {
                return Err(StoreError::Missing(ours.path));
            }
            Err(source) => return Err(io_error(Doing::Open, &ours.path, source)),
        };
        if ours.whole != Some(found) {
            return Err(StoreError::NotWhole { path: ours.path, found, expected: ours.whole });
        }
        fs::rename(&ours.path, destination).map_err(|source| io_error(Doing::Rename, destination, source))?;
        self.forget();
        Ok(())
    }

    /// Removes it, if there is one. A worker that has it open writes on, to a file without a name.
    ///
    /// # Errors
    /// The file system refused, and the file is still there.
    pub fn remove(&self) -> Result<(), StoreError> {
        let Some(ours) = self.ours() else { return Ok(()) };
        // What stands there instead of a file is not ours.
        let removed = regular_length(&ours.path).and_then(|_| fs::remove_file(&ours.path));
        match removed {
            Err(source) if !is_gone(source.kind()) => Err(io_error(Doing::Remove, &ours.path, source)),
            Ok(()) | Err(_) => {
                self.forget();
                Ok(())
            }
        }
    }

    /// Makes a new file, under the first name that no other file has.
    fn create(&self) -> Result<File, StoreError> {
        if let Some(instance) = self.instance {
            claims::enter(directory_of(&self.name), instance);
        }
        let created = self.create_unclaimed();
        let (file, before) = match created {
            Ok((file, path)) => {
                let ours = Ours { path, whole: None, instance: self.instance };
                (Ok(file), registry().insert(self.name.clone(), ours))
            }
            Err(error) => (Err(error), None),
        };
        // One stands for each name that the registry has.
        if let Some(instance) = self.instance.filter(|_| file.is_err() || before.is_some()) {
            claims::leave(directory_of(&self.name), instance);
        }
        file
    }

    fn create_unclaimed(&self) -> Result<(File, PathBuf), StoreError> {
        for candidate in 0..CANDIDATES {
            let path = self.candidate(candidate);
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, path)),
                Err(source) if source.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io_error(Doing::Create, &path, source)),
            }
        }
        Err(StoreError::Taken(self.name.clone()))
    }

    fn candidate(&self, number: u32) -> PathBuf {
        match number {
            0 => self.name.clone(),
            _ => self.name.with_extension(format!("{number}.tmp")),
        }
    }

    /// It has been renamed or removed.
    fn forget(&self) {
        let known = registry().remove(&self.name);
        if let Some(instance) = known.and_then(|ours| ours.instance) {
            claims::leave(directory_of(&self.name), instance);
        }
    }

    fn ours(&self) -> Option<Ours> {
        registry().get(&self.name).cloned()
    }

    fn set_whole(&self, whole: Option<u64>) {
        if let Some(ours) = registry().get_mut(&self.name) {
            ours.whole = whole;
        }
    }
}

impl StoreError {
    /// The converted Windows error.
    #[must_use]
    pub fn hresult(&self) -> HResult {
        match self {
            StoreError::Io { source, .. } => hresult_of(source),
            StoreError::Missing(_) => HResult::from_win32(2), // ERROR_FILE_NOT_FOUND
            StoreError::Taken(_) => HResult::from_win32(80),  // ERROR_FILE_EXISTS
            StoreError::NotWhole { .. } => HResult::from_win32(1006), // ERROR_FILE_INVALID,
        }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Create => "create",
            Doing::Open => "open",
            Doing::Rename => "rename to",
            Doing::Remove => "remove",
        })
    }
}

/// A file system's refusal as the Windows error a caller of the API would see.
pub(crate) fn hresult_of(error: &io::Error) -> HResult {
    // On Windows the number is there already.
    if cfg!(windows)
        && let Some(code) = error.raw_os_error().and_then(|code| u16::try_from(code).ok())
    {
        return HResult::from_win32(code);
    }
    HResult::from_win32(match error.kind() {
        // ERROR_PATH_NOT_FOUND: of a file that is to be made, only the directory can be missing.
        ErrorKind::NotFound | ErrorKind::NotADirectory => 3,
        // ERROR_ACCESS_DENIED, also what Windows returns for a directory in a file's place.
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => 5,
        ErrorKind::OutOfMemory => 14,        // ERROR_OUTOFMEMORY
        ErrorKind::CrossesDevices => 17,     // ERROR_NOT_SAME_DEVICE
        ErrorKind::ReadOnlyFilesystem => 19, // ERROR_WRITE_PROTECT
        ErrorKind::ResourceBusy => 32,       // ERROR_SHARING_VIOLATION
        ErrorKind::AlreadyExists => 80,      // ERROR_FILE_EXISTS
        ErrorKind::InvalidInput => 87,       // ERROR_INVALID_PARAMETER
        ErrorKind::StorageFull => 112,       // ERROR_DISK_FULL
        ErrorKind::InvalidFilename => 123,   // ERROR_INVALID_NAME
        ErrorKind::FileTooLarge => 223,      // ERROR_FILE_TOO_LARGE
        ErrorKind::QuotaExceeded => 1295,    // ERROR_DISK_QUOTA_EXCEEDED
        _ => 1117,                           // ERROR_IO_DEVICE
    })
}

fn registry() -> MutexGuard<'static, BTreeMap<PathBuf, Ours>> {
    // Every change of the map is one insert or remove: a panic leaves nothing half done.
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The length of a regular file. A link, wherever it leads, was put there by another program.
fn regular_length(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(ErrorKind::NotFound.into()) }
}

fn cut(path: &Path, from: u64) -> io::Result<File> {
    let mut file = File::options().write(true).open(path)?;
    file.set_len(from)?;
    file.seek(SeekFrom::Start(from))?;
    Ok(file)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A number in the form in which names have it.
fn hex(text: &str) -> Option<u64> {
    let formed = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if formed { u64::from_str_radix(text, 16).ok() } else { None }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn io_error(doing: Doing, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { doing, path: path.to_owned(), source }
}

/// FNV-1a, 64 bits: equal on every machine and in every release, which the standard library's hashers do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const OWN: Instance = Instance(7);

    fn setting() -> (tempfile::TempDir, PathBuf, Temporary) {
        let directory = tempfile::tempdir().expect("tests have a temporary directory");
        let destination = directory.path().join("file.bin");
        let temporary = Temporary::beside(&destination, OWN, JobId(3), FileId(1));
        (directory, destination, temporary)
    }

    fn write(temporary: &Temporary, from: u64, bytes: &[u8]) {
        let mut file = temporary.open_for_write(from).expect("it can be opened");
        file.write_all(bytes).expect("it can be written");
    }

    #[test]
    fn what_is_written_in_two_parts_replaces_the_destination_as_a_whole() {
        let (_directory, destination, temporary) = setting();
        fs::write(&destination, "older").unwrap();
        write(&temporary, 0, b"one, tw and more");
        write(&temporary, 7, b"o");
        assert!(matches!(
            temporary.rename_to(&destination),
            Err(StoreError::NotWhole { expected: None, .. })
        ));
        temporary.mark_whole(9);
        let error = temporary.rename_to(&destination).unwrap_err();
        assert!(matches!(error, StoreError::NotWhole { found: 8, .. }));
        // The judge's table (rule R12) has converted Windows errors alone for a rename that fails.
        assert!(error.hresult().is_win32(), "{}", error.hresult());
        assert_eq!(fs::read(&destination).unwrap(), b"older");
        temporary.mark_whole(8);
        temporary.rename_to(&destination).unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"one, two");
        assert!(!temporary.path().exists());
    }

    #[test]
    fn what_two_services_fetch_to_one_destination_is_apart() {
        let (directory, destination, ours) = setting();
        let theirs = Temporary::beside(&destination, Instance(8), JobId(3), FileId(1));
        write(&ours, 0, b"ours");
        write(&theirs, 0, b"theirs, which is longer");
        assert_eq!((ours.length(), theirs.length()), (Some(4), Some(23)));
        Instance(8).remove_all();
        assert_eq!((ours.length(), theirs.length()), (Some(4), None));
        ours.remove().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_names_of_our_form_are_ours() {
        let (_directory, _, temporary) = setting();
        let name = temporary.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(Instance::of_name(name), Some((OWN, claims::Form::Temporary)));
        assert_eq!(Temporary::at(temporary.path()), temporary);
        let candidate = temporary.candidate(5);
        let candidate = candidate.file_name().unwrap().to_str().unwrap();
        assert_eq!(Instance::of_name(candidate), Some((OWN, claims::Form::Temporary)));
        assert_eq!(Instance::of_name(&OWN.claim()), Some((OWN, claims::Form::Claim)));
        for other in [
            "file.tmp",
            ".bg-j3-f1-0123456789abcdef.tmp",
            ".bg-0000000000000007-j3-f1-0123456789ABCDEF.tmp",
            ".bg-0000000000000007-j3-f1-0123456789abcdef.tmp.bak",
            ".bg-0000000000000007-j3-f1-0123456789abcdef.x.tmp",
            ".bg-0000000000000007-j-f1-0123456789abcdef.tmp",
            ".bg-+000000000000007.lock",
            ".bg-7.lock",
        ] {
            assert_eq!(Instance::of_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_file_that_was_there_first_keeps_its_bytes_and_its_name() {
        let (directory, destination, temporary) = setting();
        fs::write(temporary.path(), "theirs").unwrap();
        temporary.remove().unwrap();
        write(&temporary, 0, b"ours");
        // The name is computed anew, as the service does between transfer and Complete.
        let again = Temporary::beside(&destination, OWN, JobId(3), FileId(1));
        assert_eq!(again.length(), Some(4));
        again.mark_whole(4);
        again.rename_to(&destination).unwrap();
        write(&again, 0, b"ours again");
        again.remove().unwrap();
        assert_eq!(fs::read(temporary.path()).unwrap(), b"theirs");
        assert_eq!(fs::read(&destination).unwrap(), b"ours");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn removing_it_under_a_writer_leaves_nothing_and_nothing_comes_back() {
        let (directory, destination, temporary) = setting();
        let mut stalled = temporary.open_for_write(0).unwrap();
        temporary.remove().unwrap();
        stalled.write_all(b"late").unwrap();
        temporary.mark_whole(4);
        assert!(matches!(temporary.rename_to(&destination), Err(StoreError::Missing(_))));
        temporary.remove().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn refusals_of_the_file_system_have_windows_numbers() {
        let (directory, destination, temporary) = setting();
        write(&temporary, 0, b"x");
        temporary.mark_whole(1);
        let nowhere = directory.path().join("gone").join("file.bin");
        assert_eq!(temporary.rename_to(&nowhere).unwrap_err().hresult(), HResult::from_win32(3));
        fs::create_dir(&destination).unwrap();
        assert_eq!(temporary.rename_to(&destination).unwrap_err().hresult(), HResult::E_ACCESSDENIED);
        assert_eq!(temporary.length(), Some(1), "a failed rename keeps the file");
        assert_eq!(temporary.open_for_write(2).unwrap_err().hresult(), HResult::from_win32(2));
        let elsewhere = Temporary::beside(&nowhere, OWN, JobId(0), FileId(0));
        assert_eq!(elsewhere.open_for_write(0).unwrap_err().hresult(), HResult::from_win32(3));
        assert_eq!(hresult_of(&ErrorKind::StorageFull.into()), HResult::from_win32(112));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_ours_is_not_followed() {
        let (directory, _, temporary) = setting();
        let victim = directory.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        write(&temporary, 0, b"ours");
        fs::remove_file(temporary.path()).unwrap();
        std::os::unix::fs::symlink(&victim, temporary.path()).unwrap();
        write(&temporary, 0, b"other bytes");
        assert!(temporary.open_for_write(1).is_ok());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}
