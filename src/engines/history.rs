//! The history of the nights as a file: how a night gets into it, and what tonight is compared with.
//!
//! **What it is.** Reading, and adding a line under a lock. The file is replaced whole, so that a reader, or a run that is killed, finds the old
//! one or the new one.
//!
//! **What it is not.** A comparison: `reports::Trend` has that.
//!
//! **The law it keeps.** Two nights that end at once are both in it. A history that cannot be read or written changes no verdict.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use reports::{History, News, Night, Results, Trend};

use crate::error::Error;
use crate::output::Output;
use crate::run;

/// Nights that a history keeps when no other number is given: more than half a year, in less than a megabyte.
pub(crate) const KEPT: usize = 200;

/// Where tonight's line goes, and how many are kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) file: &'a Path,
    pub(crate) nights: usize,
}

/// Reads a history. One that is not there has no night.
pub(crate) fn read(file: &Path) -> Result<History, Error> {
    match std::fs::read(file) {
        // A byte that is no text spoils its line, and no other.
        Ok(bytes) => Ok(History::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(History::default()),
        Err(source) => {
            let help = "name a file that `bgcheck nightly` has written".to_owned();
            Err(Error::Read { path: file.to_owned(), source, help })
        }
    }
}

/// Adds tonight, states in the results what is new, and gives how the nights compare. What goes wrong is a warning.
pub(crate) fn keep(kept: &Kept<'_>, results: &mut Results, output: &Output) -> Option<Trend> {
    added(kept, results).map_err(|error| output.warn(&error)).ok()
}

fn added(kept: &Kept<'_>, results: &mut Results) -> Result<Trend, Error> {
    let failed = |source| Error::Write { path: kept.file.to_owned(), source };
    let dir = kept.file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(failed)?;
    let lock = std::fs::File::create(lock_of(kept.file)).map_err(failed)?;
    let mut lock = fd_lock::RwLock::new(lock);
    let _held = lock.write().map_err(failed)?;
    let mut history = read(kept.file)?;
    results.news = Some(News::of(results, &history));
    let tonight = Night::of(results, &run::machine_class(), run::TOOLCHAIN, &history);
    history.add(tonight, kept.nights);
    replace(kept.file, dir, &history.text()).map_err(failed)?;
    Ok(Trend::of(&history))
}

/// The file whose lock is taken: the history itself is replaced, and a lock on it would go with it.
fn lock_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn replace(file: &Path, dir: &Path, text: &str) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // It is no secret; without this only its owner could read it.
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let mut new = builder.tempfile_in(dir)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use judge::RuleSet;

    use super::*;
    use crate::place::Place;

    fn night(seed: u64) -> Results {
        run::results(&Place::here(), RuleSet::EMPTY, seed, None)
    }

    #[test]
    fn nights_that_end_at_once_are_all_kept_and_what_cannot_be_read_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("new/history.ndjson");
        std::fs::create_dir(dir.path().join("new")).expect("a directory");
        std::fs::write(&file, b"{\"version\":1,\"to\xff\n").expect("a torn line");
        std::thread::scope(|scope| {
            for seed in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    let kept = Kept { file, nights: KEPT };
                    added(&kept, &mut night(seed)).expect("it can be written");
                });
            }
        });
        let history = read(&file).expect("it can be read");
        let mut seeds: Vec<u64> = history.nights().map(|night| night.seed).collect();
        seeds.sort_unstable();
        assert_eq!(seeds, (0..8).collect::<Vec<_>>());
        assert_eq!(history.unread().len(), 1);
        assert!(
            history.nights().all(|night| !night.class.is_empty() && night.toolchain.starts_with("rustc "))
        );
        let left = std::fs::read_dir(dir.path().join("new")).expect("it is there").count();
        assert_eq!(left, 2, "the history and its lock");
    }

    #[test]
    fn no_more_nights_are_kept_than_asked_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("history.ndjson");
        for seed in 0..5 {
            let _trend =
                added(&Kept { file: &file, nights: 3 }, &mut night(seed)).expect("it can be written");
        }
        assert_eq!(read(&file).expect("it can be read").len(), 3);
    }
}
