//! `adapter.toml`: how an adapter is started, and how long it may take.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::Dialect;
use serde::Deserialize;

/// An `adapter.toml`.
///
/// ```
/// let text = "command = [\"python3\", \"adapter.py\"]\ndialect = \"bits\"\n";
/// let manifest = adapter::Manifest::parse(text, "adapters/mini/adapter.toml".as_ref())?;
/// assert_eq!(manifest.command[0], "python3");
/// assert_eq!(manifest.call().as_secs(), 5);
/// # Ok::<(), adapter::ManifestError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The program and its arguments. It is started in the directory of the file.
    pub command: Vec<String>,
    /// The dialect that the implementation speaks.
    pub dialect: Dialect,
    /// Variables of its environment, beside those of bgcheck.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How long it may take to answer the first line, in ms.
    #[serde(default = "start_ms")]
    pub start_ms: u64,
    /// How long a call may take, in ms, unless the adapter itself allows its method more.
    #[serde(default = "call_ms")]
    pub call_ms: u64,
    /// How long what is due may take to come, in ms.
    #[serde(default = "due_ms")]
    pub due_ms: u64,
    /// How long nothing must happen before a run counts as at rest, in ms.
    #[serde(default = "quiet_ms")]
    pub quiet_ms: u64,
    /// Failures that are known: a file beside this one.
    #[serde(default)]
    pub known: Option<PathBuf>,
    /// What Suspend makes of a job that is in ERROR or TRANSFERRED.
    #[serde(default)]
    pub suspend_at_end: SuspendAtEnd,
    /// Processes at once at most; any number where it is missing. An implementation that is there once for all processes has one.
    #[serde(default)]
    pub workers: Option<NonZeroUsize>,
    /// The directory of the file.
    #[serde(skip)]
    pub directory: PathBuf,
}

/// What Suspend makes of a job that is in ERROR or TRANSFERRED. The documents leave it open (facts G20).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendAtEnd {
    /// The job stays, or is SUSPENDED: either is right.
    #[default]
    Either,
    /// The job stays, and the implementation is held to it.
    Stays,
}

fn start_ms() -> u64 {
    30_000
}

fn call_ms() -> u64 {
    5_000
}

fn due_ms() -> u64 {
    2_000
}

fn quiet_ms() -> u64 {
    20
}

/// Why an `adapter.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, or a field is missing, unknown or of another type.
    #[error("{path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        why: String,
    },
    /// There is no program.
    #[error("{path}: `command` is empty")]
    NoCommand {
        /// The file.
        path: PathBuf,
    },
}

impl Manifest {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, or it is no manifest.
    pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })?;
        Manifest::parse(&text, path)
    }

    /// Reads the text of a file of this path.
    ///
    /// # Errors
    /// It is no manifest.
    pub fn parse(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
        let mut manifest: Manifest = toml::from_str(text).map_err(|error| ManifestError::Malformed {
            path: path.to_owned(),
            why: error.to_string().trim_end().to_owned(),
        })?;
        if manifest.command.is_empty() {
            return Err(ManifestError::NoCommand { path: path.to_owned() });
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        directory.unwrap_or(Path::new(".")).clone_into(&mut manifest.directory);
        Ok(manifest)
    }

    /// How long the first line may take.
    #[must_use]
    pub const fn start(&self) -> Duration {
        Duration::from_millis(self.start_ms)
    }

    /// How long a call may take.
    #[must_use]
    pub const fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// How long what is due may take.
    #[must_use]
    pub const fn due(&self) -> Duration {
        Duration::from_millis(self.due_ms)
    }

    /// How long nothing must happen.
    #[must_use]
    pub const fn quiet(&self) -> Duration {
        Duration::from_millis(self.quiet_ms)
    }

    /// The file of known failures, if one is named.
    #[must_use]
    pub fn known(&self) -> Option<PathBuf> {
        self.known.as_ref().map(|known| self.directory.join(known))
    }
}
