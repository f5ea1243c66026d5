//! Programs that engines need and that are not part of this one.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::Instant;

use reports::SetUpStep;

use crate::place::Place;
use crate::run::millis;

/// What `cargo fuzz` is installed with when it is missing.
pub(crate) const CARGO_FUZZ_VERSION: &str = "^0.13";

/// The command that installs cargo-fuzz where this command looks for it.
pub(crate) fn install_cargo_fuzz() -> String {
    format!("cargo install cargo-fuzz --locked --version {CARGO_FUZZ_VERSION} --root target/tools")
}

/// What cargo-mutants is installed with. Only people run it.
pub(crate) const CARGO_MUTANTS_VERSION: &str = "^27";

/// The command that installs cargo-mutants beside cargo-fuzz.
pub(crate) fn install_cargo_mutants() -> String {
    format!("cargo install cargo-mutants --locked --version {CARGO_MUTANTS_VERSION} --root target/tools")
}

/// The version that cargo-mutants prints, below the checkout or on the PATH.
pub(crate) fn cargo_mutants(place: &Place) -> Option<String> {
    let own = place.tools().join("bin").join(format!("cargo-mutants{}", std::env::consts::EXE_SUFFIX));
    let ask = |program: &OsStr| first_line(Command::new(program).args(["mutants", "--version"]));
    ask(own.as_os_str()).or_else(|| ask(OsStr::new("cargo-mutants")))
}

/// Where cargo-fuzz was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Below the checkout, where this command installs it.
    Tools,
    /// On the PATH.
    Path,
}

/// Looks for cargo-fuzz, and has it print its version: a file that does not run is no tool.
pub(crate) fn cargo_fuzz(place: &Place) -> Option<(Found, String)> {
    let own = place.tools().join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    let own = first_line(Command::new(own).arg("--version")).map(|version| (Found::Tools, version));
    own.or_else(|| {
        first_line(Command::new("cargo-fuzz").arg("--version")).map(|version| (Found::Path, version))
    })
}

/// Whether there is a cargo.
pub(crate) fn has_cargo() -> bool {
    first_line(Command::new("cargo").arg("--version")).is_some()
}

/// `cargo`, run in the checkout, with the installed tools before everything else on the PATH.
pub(crate) fn cargo(place: &Place) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(place.dir()).env("PATH", path(place)).stdin(Stdio::null());
    command
}

fn path(place: &Place) -> OsString {
    let own = std::path::absolute(place.tools().join("bin")).ok();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let all = own.into_iter().chain(std::env::split_paths(&paths));
    // A directory with a separator in its name cannot be put on a PATH; then the PATH stays unchanged.
    std::env::join_paths(all).unwrap_or(paths)
}

/// Installs cargo-fuzz below the checkout. `tell` gets each line that cargo prints on stderr.
pub(crate) fn install(place: &Place, tell: &dyn Fn(String)) -> SetUpStep {
    let started = Instant::now();
    let mut command = cargo(place);
    command.args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION, "--root"]);
    // Relative to the directory that cargo runs in. It starts compilers, so it need not be fast itself.
    command.args(["target/tools", "--debug"]).env("CARGO_PROFILE_DEV_DEBUG", "none").stdout(Stdio::null());
    let (finished, tail) = super::lines::run(&mut command, &mut |line| tell(line.trim().to_owned()));
    let failed = match finished {
        Ok(status) if status.success() => None,
        Ok(_) => {
            Some(tail.last().map_or_else(|| "cargo install failed".to_owned(), |line| line.trim().to_owned()))
        }
        Err(error) => Some(format!("cargo cannot be run: {error}")),
    };
    SetUpStep {
        what: format!("cargo-fuzz {CARGO_FUZZ_VERSION} installed into target/tools"),
        time_ms: millis(started.elapsed()),
        failed,
    }
}

/// The first line that a command prints, when it succeeds.
pub(crate) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
    output.status.success().then_some(text)
}
