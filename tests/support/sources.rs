//! The sources of the repository, for tests that read what stands in them.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What is read.
const ENDINGS: [&str; 4] = ["rs", "md", "toml", "yml"];
/// Directories without sources: what a build or a night leaves behind, and the repository itself.
const LEFT_OUT: [&str; 5] = [".git", "target", "out", "artifacts", "coverage"];

/// Every source by its name, in order, with its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    find(Path::new(ROOT), &mut files);
    files.iter().map(|file| (name(file), std::fs::read_to_string(file).expect("a source is text"))).collect()
}

fn name(file: &Path) -> String {
    let below = file.strip_prefix(ROOT).expect("it was found below");
    below.to_string_lossy().replace('\\', "/")
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("a checkout can be read");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let has_ending = path.extension().is_some_and(|ending| ENDINGS.iter().any(|each| ending == *each));
        if path.is_dir() {
            let is_left_out = path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|each| name == *each));
            if !is_left_out {
                find(&path, files);
            }
        } else if has_ending {
            files.push(path);
        }
    }
}
