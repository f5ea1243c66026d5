//! Files of this repository that tests read.

#![allow(dead_code, reason = "each test reads some of them")]

use std::path::{Path, PathBuf};

/// The files of a folder, in the order of their names.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let listed = std::fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.expect("a readable entry").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// The inputs of `lockstep` that together reach every edge. What a fuzzer has added beside them has a hash for a name.
pub(crate) fn seeds() -> impl Iterator<Item = Vec<u8>> {
    let is_seed =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("reach-"));
    let seeds = files("fuzz/corpus/lockstep").into_iter().filter(is_seed);
    seeds.map(|path| std::fs::read(path).expect("a readable input"))
}
