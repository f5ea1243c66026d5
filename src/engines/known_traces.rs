//! The traces of known failures: a directory beside the file that names them.
//!
//! **What it is.** For `known.toml` the directory is `known`. A failure has `ID.jsonl` there, the shortest run that showed it. One that was met on a path has
//! `ID-path.jsonl`, too: an implementation is led along it again.

use std::path::{Path, PathBuf};

use properties::minimize::Identity;

use super::adapter::Told;
use super::known::Accepted;
use crate::error::Error;
use crate::files::write;
use crate::findings::Traces;

/// See the module's documentation.
pub(crate) struct KnownTraces {
    directory: PathBuf,
}

/// What stands behind the name in the file of a path.
const OF_PATH: &str = "-path";

impl KnownTraces {
    /// The directory of this file of known failures.
    pub(crate) fn of(known: &Path) -> KnownTraces {
        KnownTraces { directory: known.with_extension("") }
    }

    /// Removes the traces of failures that are known no more. Other files stay.
    pub(crate) fn forget_all_but(&self, known: &[Accepted<'_>]) -> Result<(), Error> {
        let Ok(files) = std::fs::read_dir(&self.directory) else { return Ok(()) };
        for file in files.flatten().map(|file| file.path()) {
            let is_known = |id: &str| known.iter().any(|one| one.id == id);
            if id_of(&file).is_some_and(|id| id.parse::<Identity>().is_ok() && !is_known(&id)) {
                std::fs::remove_file(&file).map_err(|source| Error::Write { path: file.clone(), source })?;
            }
        }
        Ok(())
    }

    /// Keeps the trace of a failure, and its path. A trace that this run could not write is reported by the run.
    pub(crate) fn keep(&self, told: &Told, traces: &Traces) -> Result<(), Error> {
        let file = |behind: &str| self.directory.join(format!("{}{behind}.jsonl", told.id));
        if let Some(trace) = traces.read_back(&told.failure) {
            write(&file(""), &trace)?;
        }
        match &told.found.case {
            Some(case) => write(&file(OF_PATH), &case.trace.print()),
            None => Ok(()),
        }
    }
}

/// The failure whose file this is, if it is called as one.
fn id_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str().filter(|_| file.extension().is_some_and(|end| end == "jsonl"))?;
    Some(stem.strip_suffix(OF_PATH).unwrap_or(stem).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_no_more_has_no_trace_and_other_files_stay() {
        let directory = tempfile::tempdir().expect("a directory");
        let traces = KnownTraces::of(&directory.path().join("known.toml"));
        std::fs::create_dir(&traces.directory).expect("a directory");
        let files =
            ["R1-173e9451.jsonl", "R2-a781a286.jsonl", "R2-a781a286-path.jsonl", "notes.jsonl", "README.md"];
        for file in files {
            std::fs::write(traces.directory.join(file), "").expect("it can be written");
        }
        let known = Accepted { id: "R1-173e9451", message: "R1", case: None, rate: None };
        traces.forget_all_but(&[known]).expect("it can be removed");
        let left: Vec<&str> = files.into_iter().filter(|file| traces.directory.join(file).exists()).collect();
        assert_eq!(left, ["R1-173e9451.jsonl", "notes.jsonl", "README.md"]);
    }
}
