//! Downloads from a real server on the loopback interface, and from servers that mean harm.

mod failures;
mod resume;
mod server;
mod whole;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use contract::core::{Failure, TransferEvent, TransferReply};
use contract::{ErrorContext, FileId, HResult, JobId};
use engine::store::{Instance, Temporary};
use engine::transfer::{Client, ClientConfig, Ended, Outcome, Progress, Request, Validator, download};

/// A place to download to, and what was reported on the way.
struct Bench {
    directory: tempfile::TempDir,
    destination: PathBuf,
    temporary: Temporary,
    client: Client,
    heard: Heard,
}

/// Remembers every event, and returns `Stop` from a number of bytes on.
struct Heard {
    events: Vec<TransferEvent>,
    stop_at: u64,
}

impl Progress for Heard {
    fn report(&mut self, event: TransferEvent) -> TransferReply {
        self.events.push(event);
        match event {
            TransferEvent::Bytes(bytes) if bytes >= self.stop_at => TransferReply::Stop,
            _ => TransferReply::Continue,
        }
    }
}

impl Bench {
    fn new() -> Bench {
        Bench::with(quick())
    }

    fn with(config: ClientConfig) -> Bench {
        let directory = tempfile::tempdir().expect("tests have a temporary directory");
        let destination = directory.path().join("file.bin");
        let temporary = Temporary::beside(&destination, Instance(1), JobId(0), FileId(0));
        let heard = Heard { events: Vec::new(), stop_at: u64::MAX };
        Bench { directory, destination, temporary, client: Client::new(config), heard }
    }

    fn fetch(&mut self, remote: &str) -> Ended {
        self.fetch_rest(remote, 0, None)
    }

    fn fetch_rest(&mut self, remote: &str, from: u64, validator: Option<Validator>) -> Ended {
        self.heard.events.clear();
        let request = Request { remote, temporary: self.temporary.path(), from, validator };
        download(&self.client, &request, &mut self.heard)
    }

    /// Fetches, expects a failure, and gives it.
    fn failure(&mut self, remote: &str) -> (Failure, HResult, ErrorContext) {
        assert_eq!(self.fetch(remote).outcome, Outcome::Failed, "{remote}");
        self.last_failure()
    }

    fn last_failure(&self) -> (Failure, HResult, ErrorContext) {
        let Some(TransferEvent::Failed { class, hr, context }) = self.heard.events.last().copied() else {
            panic!("the last report is no failure: {:?}", self.heard.events)
        };
        (class, hr, context)
    }

    /// The events without the bytes in between.
    fn steps(&self) -> Vec<TransferEvent> {
        let is_step = |event: &TransferEvent| !matches!(event, TransferEvent::Bytes(_));
        self.heard.events.iter().copied().filter(is_step).collect()
    }

    /// The highest count of bytes reported.
    fn bytes(&self) -> u64 {
        let bytes = |event: &TransferEvent| match event {
            TransferEvent::Bytes(bytes) => Some(*bytes),
            _ => None,
        };
        self.heard.events.iter().filter_map(bytes).max().unwrap_or(0)
    }

    /// What Complete would put at the destination.
    fn completed(&self) -> Vec<u8> {
        self.temporary.rename_to(&self.destination).expect("the file is whole");
        fs::read(&self.destination).expect("it is there")
    }
}

fn quick() -> ClientConfig {
    ClientConfig {
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
        ..ClientConfig::default()
    }
}

/// Bytes in which every position differs from its neighbours and from those a chunk away.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8).wrapping_mul(17)) as u8).collect()
}
