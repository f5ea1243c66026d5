//! A report as files: written whole or not at all, and read back with clear errors.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::outcome::Outcome;
use crate::results::{Results, Version};
use crate::table::Table;
use crate::trend::Trend;

/// The files of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The results, for machines.
    pub json: PathBuf,
    /// The report for a review or a chat.
    pub markdown: PathBuf,
    /// The report for a reader.
    pub html: PathBuf,
}

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is no space left. No file was changed.
    #[error("the disk is full: {} was not written", path.display())]
    DiskFull {
        /// Which file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// There is nothing to read.
    #[error("there are no results at {}", path.display())]
    Missing {
        /// Where they were expected.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is no JSON.
    #[error("{} is not JSON", path.display())]
    NotJson {
        /// Which file.
        path: PathBuf,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// The file is JSON, but has no version.
    #[error("{} is JSON, but not the results of a run: it has no version", path.display())]
    NoVersion {
        /// Which file.
        path: PathBuf,
    },
    /// The file is of a version that is not known here.
    #[error("{} has version {found} of the format, and only version {} can be read", path.display(), Version::CURRENT)]
    WrongVersion {
        /// Which file.
        path: PathBuf,
        /// The version it has.
        found: u64,
    },
    /// The file has the right version, but not its fields.
    #[error("{} does not keep to version {} of the format", path.display(), Version::CURRENT)]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which field, and where.
        source: serde_json::Error,
    },
}

/// What `results.json` holds: the results, and what follows from them for readers who do not want to derive it.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Results of a run of bgcheck, version 1")]
struct Document<'a> {
    #[serde(flatten)]
    results: &'a Results,
    /// The verdict and the exit code. Derived; ignored when the file is read back.
    outcome: Outcome,
    /// The rule x subject table. Derived; ignored when the file is read back.
    table: Table,
}

/// The results as JSON, together with the outcome and the table that follow from them.
#[must_use]
pub fn json(results: &Results) -> String {
    let document = Document { results, outcome: results.outcome(), table: Table::of(results) };
    pretty(&document)
}

/// A document of this crate's types as JSON, with a line end.
pub(crate) fn pretty<T: Serialize>(document: &T) -> String {
    let mut text =
        serde_json::to_string_pretty(document).expect("the types have no map with keys that are not strings");
    text.push('\n');
    text
}

/// The JSON schema of [`json`], as committed in `schema/results-v1.schema.json`.
#[must_use]
pub fn schema() -> String {
    pretty(&schemars::schema_for!(Document<'static>))
}

/// Writes `results.json`, `report.md` and `report.html` into `dir`, which is created when it is missing.
///
/// All three are written under temporary names first and then renamed: a failure to write, a full disk among them,
/// leaves the directory as it was, and no file is ever half there.
///
/// # Errors
/// [`ReportError::DiskFull`] or [`ReportError::Write`], with the path.
pub fn write_all(dir: &Path, results: &Results) -> Result<Written, ReportError> {
    write_with(dir, results, None)
}

/// [`write_all`], with how the nights compare in the page.
///
/// # Errors
/// Those of [`write_all`].
pub fn write_with(dir: &Path, results: &Results, trend: Option<&Trend>) -> Result<Written, ReportError> {
    std::fs::create_dir_all(dir).map_err(|source| write_error(dir, source))?;
    let contents = [
        ("results.json", json(results)),
        ("report.md", crate::markdown(results)),
        ("report.html", crate::html_with(results, trend)),
    ];
    let mut staged = Vec::new();
    for (name, content) in &contents {
        staged.push(Staged::write(dir, name, content.as_bytes(), |path| File::create_new(path))?);
    }
    staged.into_iter().try_for_each(Staged::commit)?;
    let [json, markdown, html] = contents.map(|(name, _)| dir.join(name));
    Ok(Written { json, markdown, html })
}

/// Reads results back. `path` is the file, or the directory that [`write_all`] wrote it into.
///
/// # Errors
/// The error is one of these: nothing there, not readable, not JSON, not results, another version, or malformed.
pub fn read(path: &Path) -> Result<Results, ReportError> {
    let path = if path.is_dir() { path.join("results.json") } else { path.to_owned() };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReportError::Missing { path }),
        Err(source) => return Err(ReportError::Read { path, source }),
    };
    check_version(&path, &bytes)?;
    serde_json::from_slice(&bytes).map_err(|source| ReportError::Malformed { path, source })
}

/// The version comes first: what a file of another version lacks is not an error of that file.
fn check_version(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let path = || path.to_owned();
    let fields: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(fields) => fields,
        Err(error) if error.is_data() => return Err(ReportError::NoVersion { path: path() }),
        Err(source) => return Err(ReportError::NotJson { path: path(), source }),
    };
    match fields.get("version").and_then(Value::as_u64) {
        None => Err(ReportError::NoVersion { path: path() }),
        Some(found) if found == u64::from(Version::CURRENT.0) => Ok(()),
        Some(found) => Err(ReportError::WrongVersion { path: path(), found }),
    }
}

/// A file under its temporary name. Dropped before it is committed, it is gone.
#[derive(Debug)]
struct Staged {
    temporary: PathBuf,
    destination: PathBuf,
}

impl Staged {
    fn write(
        dir: &Path,
        name: &str,
        content: &[u8],
        create: impl Fn(&Path) -> io::Result<File>,
    ) -> Result<Staged, ReportError> {
        // The process id keeps two runs that report into one directory apart.
        let temporary = dir.join(format!(".{name}.{}.tmp", std::process::id()));
        // A run that was killed may have left this name behind; it must not be written through, so it goes first.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(write_error(&temporary, error));
            }
            _ => {}
        }
        let staged = Staged { temporary, destination: dir.join(name) };
        let written = create(&staged.temporary).and_then(|mut file| {
            file.write_all(content)?;
            // A full disk may show only now.
            file.sync_all()
        });
        written.map_err(|source| write_error(&staged.destination, source))?;
        Ok(staged)
    }

    fn commit(self) -> Result<(), ReportError> {
        std::fs::rename(&self.temporary, &self.destination)
            .map_err(|source| write_error(&self.destination, source))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing under this name, and after a failure nothing better can be done.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

fn write_error(path: &Path, source: io::Error) -> ReportError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ReportError::DiskFull { path },
        _ => ReportError::Write { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a test may fail here");
        std::fs::write(dir.path().join("report.md"), "old").expect("a test may fail here");
        let full = |path: &Path| {
            File::create_new(path)?;
            // Every write to this device is answered with "no space left".
            File::options().write(true).open("/dev/full")
        };
        let error = Staged::write(dir.path(), "report.md", b"new", full).expect_err("the disk is full");
        assert!(matches!(error, ReportError::DiskFull { .. }), "{error:?}");
        assert!(error.to_string().starts_with("the disk is full: "), "{error}");
        let left: Vec<_> = std::fs::read_dir(dir.path())
            .expect("it is there")
            .map(|e| e.expect("it is there").file_name())
            .collect();
        assert_eq!(left, ["report.md"]);
        assert_eq!(std::fs::read_to_string(dir.path().join("report.md")).expect("it is there"), "old");
    }
}
