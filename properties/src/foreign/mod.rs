//! Other people's implementations, through an adapter: suites, random paths and races, and what they come to.
//!
//! **What it is.** A [`Stage`] has a running adapter, the file server and a directory. [`play`] leads the implementation along a path of the
//! model and gives its trace to the one comparison of every subject. `race` gives the adapter races to run. [`campaign()`] does all of
//! it within a budget, and a [`Tally`] keeps what was decided, what was not, and what was found.
//!
//! **What it is not.** The protocol, which is the crate `adapter`; or a place for rules.
//!
//! **The laws it keeps.**
//! 1. What the adapter does not pass on is left out, named, and never counted as covered.
//! 2. What the adapter does wrong is a [`Fault`], never a finding.
//! 3. Seed and behaviour determine the programs and their order.

mod abilities;
mod aftermath;
mod aside;
mod blamed;
mod campaign;
mod crew;
mod destinations;
mod ended;
mod interfaces;
mod kept;
mod leftovers;
mod limits;
mod names;
mod path;
mod patience;
mod play;
mod probes;
mod quiet;
mod race;
mod restarts;
mod resumed;
mod scripted;
mod smaller;
mod states;
mod stops;
mod tally;
mod tour;
mod transfers;
mod walk;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use adapter::{Fault, Manifest, Session, Surroundings};
use contract::defect::Canary;
use judge::Header;
use tempfile::TempDir;

use crate::server::Server;

pub use self::abilities::{Abilities, LeftOut};
pub use self::campaign::{Campaign, Plan, Step, campaign};
#[cfg(test)]
pub(crate) use self::ended::ended;
pub use self::play::{Run, play};
pub use self::race::{Raced, Racer};
pub use self::smaller::{Effort, Smaller, smaller};
pub use self::states::Course;
pub use self::tally::{Again, Followed, Found, Incident, Repeats, RuleCount, Tally};
pub use self::tour::tour;

/// The engine's name in the traces of an adapter.
pub const ENGINE: &str = "adapter";

/// An adapter that runs, and what is around it.
#[derive(Debug)]
pub struct Stage {
    /// The conversation.
    pub session: Session,
    /// The file server.
    pub server: Server,
    root: TempDir,
    /// What is beside the destinations.
    _beside: TempDir,
    seed: u64,
    /// Programs so far, so that each has files of its own.
    programs: u64,
    /// Servers that misbehave which were met.
    servers_met: usize,
    pace: play::Pace,
    litter: aftermath::Litter,
    /// What `reset` could not end, and how many of it.
    leftovers: BTreeMap<String, u64>,
}

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The file server or the directory is not to be had.
    #[error("the file server or the directory of the run: {0}")]
    Machine(#[from] io::Error),
    /// The adapter does something wrong.
    #[error(transparent)]
    Adapter(#[from] Fault),
}

impl Stage {
    /// Starts an adapter, and a file server for it.
    ///
    /// # Errors
    /// There is no port, no directory, or the adapter does not start.
    pub fn open(manifest: &Manifest, seed: u64, canary: Option<Canary>) -> Result<Stage, StageError> {
        Stage::open_as(0, manifest, seed, canary)
    }

    /// The process of this number.
    fn open_as(
        number: u64,
        manifest: &Manifest,
        seed: u64,
        canary: Option<Canary>,
    ) -> Result<Stage, StageError> {
        let server = Server::start()?;
        let (root, beside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let certificate = beside.path().join("server.der");
        std::fs::write(&certificate, server.certificate())?;
        let around = Surroundings { root: root.path().to_owned(), http: server.base(), certificate, number };
        let session = Session::start(manifest, around, seed, canary)?;
        Ok(Stage {
            session,
            server,
            root,
            _beside: beside,
            seed,
            programs: 0,
            servers_met: 0,
            pace: play::Pace::default(),
            litter: aftermath::Litter::default(),
            leftovers: BTreeMap::new(),
        })
    }

    /// Another process of the adapter, with a number, a server and a directory of its own.
    ///
    /// # Errors
    /// As of [`Stage::open`].
    fn another(&self, number: u64) -> Result<Stage, StageError> {
        Stage::open_as(number, self.session.manifest(), self.seed, self.session.canary())
    }

    /// The directory of destinations.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    /// The header of a trace of this subject.
    #[must_use]
    pub fn header(&self, scope: &str) -> Header {
        let hello = self.session.hello();
        let version = hello.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        Header {
            scope: scope.to_owned(),
            subject: format!("{}{version}", hello.name),
            engine: ENGINE.to_owned(),
            records: self.session.records(),
            origin: contract::dialect::Origin::Foreign,
            ..Header::of(self.session.dialect().profile())
        }
    }

    /// A number for the files of the next program.
    fn next_program(&mut self) -> u64 {
        self.programs += 1;
        self.programs
    }
}
