//! A suite on the disk: a directory with the manifest and a trace per path.

use std::io;
use std::path::{Path, PathBuf};

use judge::{Trace, TraceError};

use super::{Case, Manifest, Suite};

/// The manifest's name in the directory.
pub const MANIFEST: &str = "suite.json";

/// Why a suite cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The manifest is none.
    #[error("{} is not the manifest of a suite: {why}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file is no trace.
    #[error("{} is not a trace: {source}", path.display())]
    Trace {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: TraceError,
    },
}

impl Suite {
    /// Writes the suite into a directory. Files of an older suite that this one does not have are removed.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn write(&self, dir: &Path) -> Result<(), FileError> {
        let attempt = |what, path: &Path, done: io::Result<()>| {
            done.map_err(|source| FileError::Io { what, path: path.to_owned(), source })
        };
        attempt("make", dir, std::fs::create_dir_all(dir))?;
        for old in read_manifest(dir).into_iter().flat_map(|manifest| manifest.files) {
            if is_plain(&old.name) && !self.manifest.files.iter().any(|file| file.name == old.name) {
                let path = dir.join(&old.name);
                // One that is gone already is as good as removed.
                let _ = std::fs::remove_file(&path);
            }
        }
        for case in &self.cases {
            let path = dir.join(&case.name);
            attempt("write", &path, std::fs::write(&path, case.trace.print()))?;
        }
        let path = dir.join(MANIFEST);
        // A manifest is plain data with text keys, which always has a JSON form.
        let text = serde_json::to_string(&self.manifest).unwrap_or_default();
        attempt("write", &path, std::fs::write(&path, text + "\n"))
    }

    /// Reads a suite. A file that the manifest names and that is not there is no error here: it is noted, and what only it
    /// covers will be missing.
    ///
    /// # Errors
    /// There is no manifest, or it or a file of it is malformed.
    pub fn read(dir: &Path) -> Result<Suite, FileError> {
        let manifest = read_manifest(dir)?;
        let (mut cases, mut absent) = (Vec::new(), Vec::new());
        for file in &manifest.files {
            let path = dir.join(&file.name);
            if !is_plain(&file.name) {
                let why = format!("{:?} is not the name of a file in the directory", file.name);
                return Err(FileError::Manifest { path: dir.join(MANIFEST), why });
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let trace = Trace::parse(&text).map_err(|source| FileError::Trace { path, source })?;
                    cases.push(Case { name: file.name.clone(), trace });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => absent.push(file.name.clone()),
                Err(source) => return Err(FileError::Io { what: "read", path, source }),
            }
        }
        Ok(Suite { manifest, cases, absent })
    }
}

fn read_manifest(dir: &Path) -> Result<Manifest, FileError> {
    let path = dir.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|source| FileError::Io {
        what: "read",
        path: path.clone(),
        source,
    })?;
    let wrong = |why: String| FileError::Manifest { path: path.clone(), why };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if manifest.format != 1 {
        return Err(wrong(format!("its format is {}, and only 1 is known", manifest.format)));
    }
    Ok(manifest)
}

/// A manifest may come from anywhere, and leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != ".."
}
