//! Copies of the tutorial's service and adapter in which some places read otherwise, under `bgcheck adapter run`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The file, what stands there, and what is to stand there.
pub(crate) type Change<'a> = (&'a str, &'a str, &'a str);

fn copy(directory: &Path, changes: &[Change<'_>]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/python");
    for file in ["mini.py", "adapter.py", "adapter.toml"] {
        let mut text = std::fs::read_to_string(source.join(file)).expect("the tutorial is there");
        for (_, from, to) in changes.iter().filter(|(of, ..)| *of == file) {
            assert!(text.contains(from), "{file} has no {from:?} any more");
            text = text.replace(from, to);
        }
        std::fs::write(directory.join(file), text).expect("the directory can be written");
    }
    directory.join("adapter.toml")
}

/// The exit code and all that was printed by `adapter run`.
pub(crate) fn run(changes: &[Change<'_>], args: &[&str]) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = adapter("run", &copy(directory.path(), changes));
    ended(command.args(["--seed", "1", "--out"]).arg(directory.path().join("out")).args(args))
}

/// As [`run`], of `adapter check` without canaries.
pub(crate) fn checked(changes: &[Change<'_>]) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    ended(adapter("check", &copy(directory.path(), changes)).arg("--no-canaries"))
}

fn adapter(verb: &str, manifest: &Path) -> Command {
    let mut command = Command::new(super::bgcheck());
    command.args(["--color", "never", "-q", "adapter", verb]).arg(manifest);
    command
}

fn ended(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the command starts");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}
