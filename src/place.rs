//! Where things are: the checkout that the command works in, and what it puts there.
//!
//! **The law it keeps.** Outside of a checkout nothing is created in the current directory unasked: it goes below the directory for temporary
//! files, into one that belongs to the user.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The history of the nights, from the root of a checkout.
const HISTORY: &str = "reports/history.ndjson";

/// The directory that has the fuzz targets, or the current one.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
    kind: Kind,
}

/// What the directory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Checkout,
    /// No checkout.
    Strange,
}

impl Place {
    /// The nearest directory from the current one upwards that looks like a checkout.
    pub(crate) fn here() -> Place {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        // Relative, because reports carry no path of this machine.
        let up = here.ancestors().position(is_checkout);
        let kind = if up.is_some() { Kind::Checkout } else { Kind::Strange };
        let root = std::iter::repeat_n("..", up.unwrap_or(0)).collect();
        Place { root, kind }
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The directory to run other programs in.
    pub(crate) fn dir(&self) -> PathBuf {
        if self.root.as_os_str().is_empty() { PathBuf::from(".") } else { self.root.clone() }
    }

    /// Whether it is a checkout of bgcheck.
    pub(crate) fn is_checkout(&self) -> bool {
        self.kind == Kind::Checkout
    }

    /// Where the command installs what it needs.
    pub(crate) fn tools(&self) -> PathBuf {
        self.join("target/tools")
    }

    /// Where traces go, and whatever else can be made again.
    pub(crate) fn target(&self) -> PathBuf {
        match self.kind {
            Kind::Checkout => self.join("target"),
            Kind::Strange => own_temporary(),
        }
    }

    /// Where reports of nights go, each into a directory of its own.
    pub(crate) fn reports(&self) -> PathBuf {
        match self.kind {
            Kind::Checkout => self.join("reports/out"),
            Kind::Strange => own_temporary().join("reports"),
        }
    }

    /// Where reports go that cannot be written where they were to.
    pub(crate) fn temporary_reports() -> PathBuf {
        own_temporary().join("reports")
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

/// A directory for temporary files that takes some: the system's, or the first of the usual ones that does. Where none does, the system's.
pub(crate) fn temporary() -> &'static Path {
    static USABLE: OnceLock<PathBuf> = OnceLock::new();
    USABLE.get_or_init(|| {
        let named = std::env::temp_dir();
        let usual = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
        let mut all = std::iter::once(named.clone()).chain(usual);
        all.find(|dir| dir.is_absolute() && takes_files(dir)).unwrap_or(named)
    })
}

/// What a live run needs at the least, in bytes. A disk that is full takes less.
const LEAST: usize = 64 << 10;

fn takes_files(dir: &Path) -> bool {
    let written = tempfile::tempfile_in(dir).and_then(|mut file| file.write_all(&[0; LEAST]));
    written.is_ok()
}

/// The user's own directory below it. It is made when something is written: [`prepare`].
fn own_temporary() -> PathBuf {
    temporary().join(own_name())
}

#[cfg(unix)]
fn own_name() -> String {
    format!("bgcheck-{}", rustix::process::getuid().as_raw())
}

/// The directory for temporary files is the user's already.
#[cfg(not(unix))]
fn own_name() -> String {
    "bgcheck".to_owned()
}

/// Makes a directory, and those above it. The user's own one below the directory for temporary files is made so that others cannot write
/// there, and is refused when it is another user's: its name can be guessed.
pub(crate) fn prepare(dir: &Path) -> std::io::Result<()> {
    let own = own_temporary();
    if dir.starts_with(&own) {
        prepare_own(&own)?;
    }
    std::fs::create_dir_all(dir)
}

#[cfg(unix)]
fn prepare_own(own: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let made = std::fs::DirBuilder::new().mode(0o700).create(own);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let there = std::fs::symlink_metadata(own)?;
    let is_own =
        there.is_dir() && there.uid() == rustix::process::getuid().as_raw() && there.mode() & 0o022 == 0;
    let refused = || std::io::Error::new(std::io::ErrorKind::PermissionDenied, "others can write there");
    is_own.then_some(()).ok_or_else(refused)
}

#[cfg(not(unix))]
fn prepare_own(_: &Path) -> std::io::Result<()> {
    Ok(())
}
