//! What several tests of the command need.
#![allow(dead_code, reason = "each test needs a part of it")]

pub(crate) mod broken;
pub(crate) mod mini;
pub(crate) mod served;
pub(crate) mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command under test.
pub(crate) fn bgcheck() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bgcheck"))
}

/// A directory that the command takes for a checkout of its sources.
pub(crate) fn checkout() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a test may fail here");
    make_checkout(dir.path());
    dir
}

/// Makes a checkout of a directory that is there.
pub(crate) fn make_checkout(dir: &Path) {
    for below in ["contract", "fuzz"] {
        fs::create_dir_all(dir.join(below)).expect("a test may fail here");
        fs::write(dir.join(below).join("Cargo.toml"), "").expect("a test may fail here");
    }
}

/// The command, in a directory, with a directory for temporary files of its own.
pub(crate) fn command(args: &[&str], dir: &Path, temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).current_dir(dir).env("NO_COLOR", "1").env("TMPDIR", temporary);
    command
}

/// Everything that it has written.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
