//! Downloads as a job makes them: one file, attempt after attempt, each going on from where the last one ended.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use contract::core::{Failure, TransferEvent, TransferReply};
use contract::{FileId, HResult, JobId};
use engine::store::{Instance, Temporary};
use engine::transfer::{
    Client, ClientConfig, Outcome, Progress, Request, Roots, Slowest, Validator, download,
};
use properties::server::{Compared, Content, Server};

/// Limits that a healthy server on this machine never reaches, and a hostile one soon.
pub(crate) const LIMITS: ClientConfig = ClientConfig {
    connect_timeout: Duration::from_secs(5),
    response_timeout: Duration::from_millis(1200),
    read_timeout: Duration::from_millis(1200),
    slowest: Slowest { bytes: 1, within: Duration::from_secs(60) },
    roots: Roots::Web,
    max_header_bytes: 16 * 1024,
    max_redirects: 5,
    max_body_bytes: 1 << 20,
    seeded: contract::defect::Seeded::NONE,
};

/// The most bytes between two reports: as many as a transfer holds at once.
const LARGEST_STEP: u64 = 64 * 1024;

/// A client that trusts this server.
pub(crate) fn client(server: &Server) -> Client {
    client_with(server, LIMITS)
}

/// A client that trusts this server, with other limits.
pub(crate) fn client_with(server: &Server, limits: ClientConfig) -> Client {
    Client::new(ClientConfig { roots: Roots::Only(vec![server.certificate().to_vec()]), ..limits })
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Done,
    Stopped,
    Failed(Failure, HResult),
}

/// One file that is being fetched.
pub(crate) struct Target {
    url: String,
    directory: tempfile::TempDir,
    temporary: Temporary,
    validator: Option<Validator>,
    pub(crate) ear: Ear,
}

impl Target {
    pub(crate) fn new(url: String) -> Target {
        let directory = tempfile::tempdir().expect("tests have a temporary directory");
        let temporary = Temporary::beside(&directory.path().join("file"), Instance(1), JobId(1), FileId(0));
        Target { url, directory, temporary, validator: None, ear: Ear::default() }
    }

    /// Tries once, from where the last attempt ended, and checks that the events make sense.
    pub(crate) fn attempt(&mut self, client: &Client) -> End {
        self.ear.begin();
        let request = Request {
            remote: &self.url,
            temporary: self.temporary.path(),
            from: self.ear.here,
            validator: self.validator.take(),
        };
        let ended = download(client, &request, &mut self.ear);
        self.validator = ended.validator;
        let last = self.ear.events.last();
        match (ended.outcome, last) {
            (Outcome::Done, Some(TransferEvent::FileDone)) => End::Done,
            (Outcome::Stopped, _) if self.ear.replied_stop() => End::Stopped,
            (Outcome::Failed, Some(&TransferEvent::Failed { class, hr, .. })) => End::Failed(class, hr),
            (outcome, _) => panic!("{outcome:?} after {:?}", self.ear),
        }
    }

    pub(crate) fn forget_version(&mut self) {
        self.validator = None;
    }

    /// Completes the file, when there is a right one: it must have these bytes. Otherwise there must be no completing it.
    pub(crate) fn check(self, content: Option<Content>) {
        let destination: PathBuf = self.directory.path().join("file");
        let renamed = self.temporary.rename_to(&destination);
        match content {
            Some(content) => {
                renamed.unwrap_or_else(|error| panic!("{}: {error}", self.url));
                let file = File::open(&destination).expect("it was renamed");
                let compared = content.compare(file).expect("it can be read");
                assert_eq!(compared, Compared::Same, "{}", self.url);
            }
            None => {
                assert!(renamed.is_err() && !destination.exists(), "{} is no file", self.url);
                self.temporary.remove().expect("it can be removed");
            }
        }
        let left = fs::read_dir(self.directory.path()).expect("the directory is there").count();
        assert_eq!(left, usize::from(destination.exists()), "{} left something behind", self.url);
    }
}

/// Takes the reports of a transfer, and fails the test when one cannot be.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    /// What the running or the last attempt reported. Of bytes the last report alone, so that long files stay readable.
    pub(crate) events: Vec<TransferEvent>,
    /// Bytes that are here.
    pub(crate) here: u64,
    pub(crate) connects: u32,
    pub(crate) restarts: u32,
    /// How often bytes were reported.
    pub(crate) steps: u64,
    size: Option<u64>,
    stop_after: Option<usize>,
}

impl Ear {
    pub(crate) fn stopping_after(events: usize) -> Ear {
        Ear { stop_after: Some(events), ..Ear::default() }
    }

    fn begin(&mut self) {
        self.events.clear();
        self.size = None;
    }

    fn replied_stop(&self) -> bool {
        self.stop_after.is_some_and(|limit| self.events.len() >= limit)
    }

    fn hear(&mut self, event: TransferEvent) {
        assert!(self.is_open(), "{event:?} after the end: {self:?}");
        let connected = self.events.contains(&TransferEvent::Connected);
        assert!(connected || is_first(event), "{event:?} before the server answered: {self:?}");
        match event {
            TransferEvent::Connected => self.connects += 1,
            TransferEvent::Restarted => {
                self.restarts += 1;
                self.here = 0;
            }
            TransferEvent::SizeKnown(size) => {
                assert!(self.size.replace(size).is_none() && self.here <= size, "{size}: {self:?}");
            }
            TransferEvent::Bytes(bytes) => {
                let step = bytes.checked_sub(self.here).expect("bytes do not go back without a restart");
                assert!(step <= LARGEST_STEP, "{step} bytes at once");
                assert!(self.size.is_none_or(|size| bytes <= size), "{bytes}: {self:?}");
                self.here = bytes;
                self.steps += 1;
            }
            TransferEvent::FileDone => assert_eq!(Some(self.here), self.size, "{self:?}"),
            TransferEvent::Failed { .. } => {}
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self.events.last(), Some(TransferEvent::FileDone | TransferEvent::Failed { .. }))
            && !self.replied_stop()
    }
}

impl Progress for Ear {
    fn report(&mut self, event: TransferEvent) -> TransferReply {
        self.hear(event);
        match (self.events.last_mut(), event) {
            (Some(last @ TransferEvent::Bytes(_)), TransferEvent::Bytes(_)) if self.stop_after.is_none() => {
                *last = event
            }
            _ => self.events.push(event),
        }
        if self.replied_stop() { TransferReply::Stop } else { TransferReply::Continue }
    }
}

fn is_first(event: TransferEvent) -> bool {
    matches!(event, TransferEvent::Connected | TransferEvent::Failed { .. })
}
