//! Files: written as a whole or not at all, and how a report names them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::place;

/// Writes a file, and the directories above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    write_bytes(path, text.as_bytes())
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let failed = |error: serde_json::Error| Error::Write { path: path.to_owned(), source: error.into() };
    let text = serde_json::to_string_pretty(value).map_err(failed)?;
    write(path, &format!("{text}\n"))
}

/// Writes a file that need not be text, and the directories above it.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        place::prepare(dir).map_err(failed)?;
    }
    // Two runs may write files of equal names, and a disk may be full: a file is there as a whole or as it was.
    let beside = beside(path);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // Nothing better can be done about it.
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// The name of a file until it is whole. What is no file, such as a device, is written directly.
fn beside(path: &Path) -> PathBuf {
    let is_file = path.metadata().map_or(true, |there| there.is_file());
    let name = path.file_name().filter(|_| is_file).map(|name| {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.new", std::process::id()));
        path.with_file_name(beside)
    });
    name.unwrap_or_else(|| path.to_owned())
}

/// What a committed file expects; nothing where there is no file.
pub(crate) fn expected<E: Default + DeserializeOwned>(path: &Path, help: &str) -> Result<E, Error> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source, help: help.to_owned() };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| unreadable(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(E::default()),
        Err(error) => Err(unreadable(error)),
    }
}

/// A path as a report has it, equal on every system.
pub(crate) fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}
