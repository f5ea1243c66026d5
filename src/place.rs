//! Where things are: the checkout that the command works in, and what it puts there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The history of the nights, from the root of a checkout.
const HISTORY: &str = "reports/history.ndjson";

/// The directory that has the fuzz targets, or the current one.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    /// The nearest directory from the current one upwards that looks like a checkout.
    pub(crate) fn here() -> Place {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        // Relative, because reports carry no path of this machine.
        let up = here.ancestors().position(is_checkout).unwrap_or(0);
        let root = std::iter::repeat_n("..", up).collect();
        Place { root }
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The directory to run other programs in.
    pub(crate) fn dir(&self) -> PathBuf {
        if self.root.as_os_str().is_empty() { PathBuf::from(".") } else { self.root.clone() }
    }

    /// Where the command installs what it needs.
    pub(crate) fn tools(&self) -> PathBuf {
        self.join("target/tools")
    }

    /// Where reports of nights go, each into a directory of its own.
    pub(crate) fn reports(&self) -> PathBuf {
        self.join("reports/out")
    }

    /// The nights, a line each.
    pub(crate) fn history(&self) -> PathBuf {
        self.join(HISTORY)
    }

    pub(crate) fn has_fuzz_targets(&self) -> bool {
        self.join("fuzz/Cargo.toml").is_file()
    }

    /// The commit of the checkout, or `unknown`.
    pub(crate) fn commit(&self) -> String {
        let git = |args: &[&str]| {
            let output = Command::new("git").args(args).current_dir(self.dir()).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            output.status.success().then(|| text.trim().to_owned())
        };
        let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
        // A night changes its history, and no code.
        let other = format!(":(exclude){HISTORY}");
        let clean = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", &other])
            .is_some_and(|changes| changes.is_empty());
        if clean { commit } else { format!("{commit} with changes") }
    }
}

fn is_checkout(dir: &Path) -> bool {
    dir.join("fuzz").is_dir() && dir.join("contract/Cargo.toml").is_file()
}
