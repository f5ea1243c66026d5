//! This command, built again with something inside that an ordinary build has not: seeded faults, or mutants of the model.

use std::path::PathBuf;
use std::process::Stdio;

use super::fuzz::is_about_this_machine;
use super::tools::{self, cargo};
use crate::error::Error;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Work;

/// What to build in.
#[derive(Clone, Copy)]
pub(crate) struct Inside {
    /// The feature, the verb that needs it, and what it is.
    pub(crate) feature: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) what: &'static str,
}

/// This very program.
pub(crate) fn myself() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|source| Error::Read {
        path: PathBuf::from("bgcheck"),
        source,
        help: "run bgcheck by its path".to_owned(),
    })
}

/// Builds the workbench with the feature, in a directory of its own, so that the ordinary build stays unchanged.
pub(crate) fn build(place: &Place, inside: Inside, offline: bool, output: &Output) -> Result<PathBuf, Error> {
    let Inside { feature, verb, what } = inside;
    if !place.has_fuzz_targets() {
        return Err(Error::Missing {
            what: format!("the {what} are built in from the sources, and this is no checkout of bgcheck"),
            help: format!("run `bgcheck {verb}` inside a checkout"),
        });
    }
    if !tools::has_cargo() {
        return Err(Error::Missing {
            what: format!("cargo is not installed, which builds the {what} in"),
            help: "install rustup from https://rustup.rs".to_owned(),
        });
    }
    let progress = output.progress(&format!("{verb}: build"));
    let directory = format!("target/{feature}");
    let mut command = cargo(place);
    command.args(["build", "--profile", "experiment", "--package", "bgcheck", "--features", feature]);
    command.args(["--target-dir", &directory]).stdout(Stdio::null());
    if offline {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    let (finished, tail) =
        super::lines::run(&mut command, &mut |line| progress.tell(Work::UNKNOWN, || line.trim().to_owned()));
    match finished {
        Ok(status) if status.success() => {}
        Ok(_) => {
            let why = tail.last().cloned().unwrap_or_default();
            // A download or a link that fails is about this machine, and not about the sources.
            if tail.iter().any(|line| is_about_this_machine(line) && line.contains("error")) {
                let help = "run `bgcheck doctor` to see what is missing".to_owned();
                return Err(Error::Missing {
                    what: format!("the {what} cannot be built in here: {why}"),
                    help,
                });
            }
            return Err(Error::Build { feature, why });
        }
        Err(error) => {
            let help = "install rustup from https://rustup.rs".to_owned();
            return Err(Error::Missing { what: format!("cargo cannot be run: {error}"), help });
        }
    }
    Ok(place.join(&directory).join("experiment").join(format!("bgcheck{}", std::env::consts::EXE_SUFFIX)))
}
