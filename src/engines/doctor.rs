//! What is installed, what is missing, and the command that installs it.

use std::process::Command;

use serde::Serialize;

use super::tools::{self, Found, first_line};
use crate::place::Place;

/// One thing that was looked for.
#[derive(Serialize, Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// What needs it.
    pub(crate) needed_for: &'static str,
    pub(crate) need: Need,
    /// Its version, or what else was found; nothing when it is missing.
    pub(crate) found: Option<String>,
    /// The command that installs it.
    pub(crate) install: String,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Need {
    Required,
    Optional,
}

/// Looks for everything.
pub(crate) fn parts(place: &Place) -> Vec<Part> {
    let part = |name, needed_for, need, found, install: &str| Part {
        name,
        needed_for,
        need,
        found,
        install: install.to_owned(),
    };
    let rustup = "install rustup from https://rustup.rs";
    let fuzz = tools::cargo_fuzz(place).map(|(place, version)| match place {
        Found::Tools => format!("{version}, in target/tools"),
        Found::Path => format!("{version}, on the PATH"),
    });
    vec![
        part("rustc", "fuzz: builds the targets", Need::Required, version("rustc"), rustup),
        part("cargo", "fuzz: builds the targets", Need::Required, version("cargo"), rustup),
        part("C++ compiler", "fuzz: builds libFuzzer", Need::Required, compiler(), "apt-get install g++"),
        part(
            "cargo-fuzz",
            "fuzz: runs libFuzzer; nightly installs it by itself",
            Need::Required,
            fuzz,
            &tools::install_cargo_fuzz(),
        ),
        part(
            "nightly toolchain",
            "fuzz --sanitizer address",
            Need::Optional,
            first_line(Command::new("rustc").args(["+nightly", "--version"])),
            "rustup toolchain install nightly",
        ),
        part(
            "cargo-mutants",
            "kill --mutants (docs/mutants-engine.md)",
            Need::Optional,
            tools::cargo_mutants(place),
            &tools::install_cargo_mutants(),
        ),
        part(
            "place to write",
            "traces and reports; a verdict is printed without it, too",
            Need::Optional,
            writable(place),
            "make `target` and `reports` directories that can be written",
        ),
        part("disk space", "fuzz: 2 GiB for builds", Need::Required, space(place), "cargo clean"),
    ]
}

fn version(program: &str) -> Option<String> {
    first_line(Command::new(program).arg("--version"))
}

fn compiler() -> Option<String> {
    ["c++", "g++", "clang++"].into_iter().find_map(version)
}

/// Whether traces and reports can be written, as far as their directories are there.
fn writable(place: &Place) -> Option<String> {
    let below = [place.target(), place.reports()];
    let all = below.iter().all(|dir| {
        // One that is not there is made when something is written: in the nearest one above it that is there.
        let there = dir.ancestors().find(|above| above.exists());
        tempfile::tempfile_in(there.unwrap_or(&place.dir())).is_ok()
    });
    all.then(|| match place.is_checkout() {
        true => "target and reports".to_owned(),
        false => format!("{}: this is no checkout", place.target().display()),
    })
}

/// What the fuzz targets and their tool take, with room to spare.
const NEEDED_KIB: u64 = 2 << 20;

/// The space that is left, when it is enough or cannot be found out.
fn space(place: &Place) -> Option<String> {
    let said = Command::new("df").arg("-Pk").arg(place.dir()).output();
    let left = said.ok().and_then(|said| {
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    match left {
        None => Some("unknown".to_owned()),
        Some(kib) if kib >= NEEDED_KIB => Some(format!("{} GiB left", kib >> 20)),
        Some(_) => None,
    }
}
