//! Which temporary files are of a service that lives, and which of one that has died.
//!
//! **What it is.** While a service has temporary files in a directory, it keeps a locked file there, its claim. The lock ends with the
//! process, however that ends. A service that makes its first file in a directory looks for the claims of others. One whose lock is
//! free is of a dead service: its temporary files are removed, and then the claim.
//!
//! **What it is not.** A condition for a transfer. Where no claim can be made, files are fetched without one; what they leave behind
//! when the process dies stays for good.
//!
//! **The law it keeps** is R15: a file is removed only when its name has the form of a temporary file, and the claim of the instance in
//! that name stands beside it, with our text in it and its lock free.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Instance;

/// What stands in a claim, for us and for people who wonder.
const TEXT: &str = "The temporary files with this number belong to a download service that lives while this file is locked.\n";
/// Tries to make a claim while others take it for a dead one.
const TRIES: u32 = 8;
/// Directories that are remembered at most as looked through. To look again is slow and does no harm.
const REMEMBERED: usize = 1024;

/// The claims of this process.
static CLAIMS: Mutex<Claims> = Mutex::new(Claims { held: BTreeMap::new(), swept: BTreeSet::new() });

struct Claims {
    held: BTreeMap<(PathBuf, Instance), Held>,
    /// Where an instance has looked for dead ones already.
    swept: BTreeSet<(Instance, PathBuf)>,
}

struct Held {
    /// None where no claim could be made.
    lock: Option<File>,
    /// Temporary files it stands for.
    files: u32,
}

/// A temporary file is about to be made in this directory. The first one claims it.
pub(super) fn enter(directory: &Path, instance: Instance) {
    let mut claims = claims();
    if claims.swept.len() > REMEMBERED {
        claims.swept.clear();
    }
    if claims.swept.insert((instance, directory.to_owned())) {
        drop(claims);
        // What cannot be listed or removed is left for another time.
        let _ = sweep(directory);
        claims = self::claims();
    }
    let key = (directory.to_owned(), instance);
    let held = claims.held.entry(key).or_insert_with(|| Held { lock: claim(directory, instance), files: 0 });
    held.files += 1;
}

/// A temporary file is gone. The last one gives the directory up.
pub(super) fn leave(directory: &Path, instance: Instance) {
    let mut claims = claims();
    let key = (directory.to_owned(), instance);
    let Some(held) = claims.held.get_mut(&key) else { return };
    held.files -= 1;
    if held.files == 0 && claims.held.remove(&key).is_some_and(|held| held.lock.is_some()) {
        // A claim that cannot be removed is taken for a dead one's, which it is.
        let _ = fs::remove_file(directory.join(instance.claim()));
    }
}

/// A file that only this process has locked.
fn claim(directory: &Path, instance: Instance) -> Option<File> {
    let path = directory.join(instance.claim());
    for _ in 0..TRIES {
        let mut options = File::options();
        match exclusive(options.read(true).write(true).create_new(true)).open(&path) {
            Ok(mut file) => {
                if lock(&file) == Lock::Ours && is_at(&file, &path) {
                    return file.write_all(TEXT.as_bytes()).is_ok().then_some(file);
                }
                // Another process takes it for a dead one's and removes it.
            }
            // One of a dead service with our number, which is no chance: the caller of the builder chose the number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => drop(sweep(directory)),
            Err(_) => return None,
        }
    }
    None
}

/// Removes what dead services have left in this directory.
fn sweep(directory: &Path) -> io::Result<()> {
    let mut claims = Vec::new();
    let mut temporaries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match Instance::of_name(name) {
            Some((instance, Form::Claim)) => claims.push((instance, path)),
            Some((instance, Form::Temporary)) => temporaries.push((instance, path)),
            None => {}
        }
    }
    for (instance, claim) in claims {
        let Some(lock) = dead(&claim) else { continue };
        let left = temporaries.iter().filter(|(of, path)| *of == instance && is_regular(path));
        let kept = left.filter(|(_, path)| fs::remove_file(path).is_err()).count();
        // What remains can still be found as long as the claim is there.
        if kept == 0 {
            let _ = fs::remove_file(&claim);
        }
        drop(lock);
    }
    Ok(())
}

/// The claim, locked, when the service that made it is dead.
fn dead(path: &Path) -> Option<File> {
    if !is_regular(path) {
        return None;
    }
    let mut options = File::options();
    let mut file = exclusive(options.read(true).write(true)).open(path).ok()?;
    if lock(&file) != Lock::Ours || !is_at(&file, path) {
        return None;
    }
    let mut text = String::new();
    (&mut file).take(TEXT.len() as u64 + 1).read_to_string(&mut text).ok()?;
    (text == TEXT).then_some(file)
}

/// What a file of ours is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Claim,
    Temporary,
}

/// Whether a lock could be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lock {
    Ours,
    NotOurs,
}

#[cfg(unix)]
fn lock(file: &File) -> Lock {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Lock::Ours,
        Err(_) => Lock::NotOurs,
    }
}

/// On Windows `exclusive` has locked it: a file opened so cannot be opened again.
#[cfg(windows)]
fn lock(_: &File) -> Lock {
    Lock::Ours
}

#[cfg(not(any(unix, windows)))]
fn lock(_: &File) -> Lock {
    Lock::NotOurs
}

#[cfg(windows)]
fn exclusive(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    use std::os::windows::fs::OpenOptionsExt as _;
    // FILE_SHARE_DELETE alone: it may be removed while it is open, and not opened again.
    options.share_mode(4)
}

#[cfg(not(windows))]
fn exclusive(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    options
}

/// Whether the file that was opened is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => of(open) == of(there),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn is_regular(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn claims() -> MutexGuard<'static, Claims> {
    CLAIMS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use contract::{FileId, JobId};

    use super::super::Temporary;
    use super::*;

    const DEAD: Instance = Instance(0xDEAD);

    /// What a process that was killed leaves behind: a claim that no process has locked, and a temporary file.
    fn leave_behind(directory: &Path, instance: Instance) -> PathBuf {
        fs::write(directory.join(instance.claim()), TEXT).unwrap();
        let temporary = Temporary::beside(&directory.join("file"), instance, JobId(0), FileId(0));
        fs::write(temporary.path(), "some bytes").unwrap();
        temporary.path().to_owned()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_dead_services_are_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let left = leave_behind(directory.path(), DEAD);
        // The form of a temporary file, without a claim.
        let unclaimed =
            Temporary::beside(&at("file"), Instance(0xF00), JobId(0), FileId(0)).path().to_owned();
        fs::write(&unclaimed, "theirs").unwrap();
        // A claim that is none of ours.
        let foreign = Instance(0xF01);
        fs::write(at(&foreign.claim()), "another program's lock").unwrap();
        let beside = Temporary::beside(&at("file"), foreign, JobId(0), FileId(0)).path().to_owned();
        fs::write(&beside, "theirs").unwrap();
        // Names that only begin like ours.
        let alike = left.with_extension("tmp.bak");
        fs::write(&alike, "theirs").unwrap();
        fs::write(at(".bg-j0-f0-0123456789abcdef.tmp"), "of an earlier version").unwrap();

        let ours = Temporary::beside(&at("file"), Instance(1), JobId(0), FileId(0));
        ours.open_for_write(0).unwrap();
        assert!(!left.exists() && !at(&DEAD.claim()).exists());
        for theirs in
            [&unclaimed, &beside, &alike, &at(&foreign.claim()), &at(".bg-j0-f0-0123456789abcdef.tmp")]
        {
            assert!(theirs.exists(), "{} is gone", theirs.display());
        }
        ours.remove().unwrap();
        assert_eq!(names(directory.path()).len(), 5, "the claim goes with its last file");
    }

    /// Names the directory in which the child of the next test is to die.
    const DIES_IN: &str = "ENGINE_TEST_DIES_IN";

    #[cfg(unix)]
    #[test]
    fn a_process_that_dies_leaves_nothing_for_good() {
        if let Some(directory) = std::env::var_os(DIES_IN) {
            let destination = Path::new(&directory).join("file");
            let instance = Instance(u64::from(std::process::id()));
            let temporary = Temporary::beside(&destination, instance, JobId(0), FileId(0));
            temporary.open_for_write(0).unwrap().write_all(b"bytes").unwrap();
            std::process::abort();
        }
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let name = "store::claims::tests::a_process_that_dies_leaves_nothing_for_good";
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            let child = child.args(["--exact", name]).env(DIES_IN, directory.path()).output().unwrap();
            assert!(!child.status.success());
            assert_eq!(names(directory.path()).len(), 2, "the last one's file and claim");
        }
        let ours = Temporary::beside(&directory.path().join("file"), Instance(4), JobId(0), FileId(0));
        ours.open_for_write(0).unwrap();
        ours.remove().unwrap();
        assert!(names(directory.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn what_a_living_service_has_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let destination = directory.path().join("file");
        let theirs = Temporary::beside(&destination, Instance(2), JobId(0), FileId(0));
        theirs.open_for_write(0).unwrap().write_all(b"bytes").unwrap();
        let ours = Temporary::beside(&destination, Instance(3), JobId(0), FileId(0));
        ours.open_for_write(0).unwrap();
        assert_eq!(theirs.length(), Some(5));
        theirs.remove().unwrap();
        ours.remove().unwrap();
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_destination_is_not_used_up_by_dead_services() {
        let directory = tempfile::tempdir().unwrap();
        let destination = directory.path().join("file");
        for number in 0..100 {
            leave_behind(directory.path(), Instance(0x1000 + number));
        }
        let ours = Temporary::beside(&destination, Instance(0x1000), JobId(0), FileId(0));
        ours.open_for_write(0).expect("a number that is used again, too");
        assert_eq!(names(directory.path()).len(), 2);
        ours.remove().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_removed() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        fs::write(&victim, TEXT).unwrap();
        let left = leave_behind(directory.path(), DEAD);
        fs::remove_file(&left).unwrap();
        std::os::unix::fs::symlink(&victim, &left).unwrap();
        sweep(directory.path()).unwrap();
        assert!(victim.exists() && left.symlink_metadata().is_ok());
    }
}
