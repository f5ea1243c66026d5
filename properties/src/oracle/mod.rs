//! The transfer oracle: what the service owes to its client when a server, a disk or a certificate is bad, as one table.
//!
//! **What it is.** A campaign of rows (`table.rs`). Each is a conversation with a server, byte by byte, and all that must come of it:
//! the requests, the reports of the transfer, the errors with code and context, what getters return, the callbacks, the bytes on
//! the disk, and what is left there. A session with a client (`session/`) does
//! so for the objects that clients hold.
//!
//! **What it is not.** A sampler: the table has every row once, so a second run finds nothing new. Schedules are the race's, and
//! what happens when everything happens at once is the live run's.
//!
//! **The law it keeps.** What differs is played again, alone and with longer limits. Only what differs both times is a finding, so that a
//! busy machine is none; what differed once is counted ([`OracleReport::once`]).

mod case;
mod checks;
mod overseer;
mod play;
mod session;
mod table;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::Profile;
use contract::defect::{Fault, Seeded};

use self::case::Case;
use self::checks::Checks;
use self::play::{Played, Setting};
use self::session::Part;
use crate::server::Server;
pub use crate::stop::Stop;
pub use subjects::outcomes::{Attempt, CUT, LATE, attempts};
pub use subjects::wrong::Wrong;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct OracleConfig<'a> {
    /// The dialect.
    pub profile: Profile,
    /// The fault in the engine, in a build that can have one.
    pub fault: Option<Fault>,
    /// When to begin no further row.
    pub budget: Duration,
    /// Rows that are played at once.
    pub threads: usize,
    /// Whether to stop at the first finding.
    pub stop: Stop,
    /// The one row to play; every row when left out.
    pub only: Option<&'a str>,
    /// Set when the campaign is to end early, with what it has found.
    pub enough: Option<&'a AtomicBool>,
    /// Where the files go. The caller makes it, and throws it away.
    pub directory: &'a Path,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct OracleReport {
    /// Rows that were played.
    pub rows: u64,
    /// Rows there are.
    pub of: u64,
    /// Comparisons that were made.
    pub checks: u64,
    /// What is not as it has to be.
    pub wrong: Vec<Wrong>,
    /// Rows that differed once, and not when they were played again.
    pub once: u64,
    /// Rows that did not come to an end. No row is begun behind one: it would hang, too, and their threads stay.
    pub hung: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// How long one row may take before it counts as one that hangs.
const HANGS: Duration = Duration::from_secs(10);
/// By how much the limits are longer when a row is played again.
const SLACK: u32 = 4;

/// Plays every row, several at a time.
///
/// # Errors
/// There is no port for a server.
pub fn run(config: &OracleConfig<'_>) -> io::Result<OracleReport> {
    let started = Instant::now();
    let server = Arc::new(Server::start()?);
    let mut rows = Row::all();
    rows.retain(|row| config.only.is_none_or(|only| only == row.name()));
    let of = rows.len() as u64;
    let campaign =
        Campaign { config, server, started, rows: Mutex::new(rows.into()), report: Mutex::default() };
    std::thread::scope(|scope| {
        for _ in 0..config.threads.max(1) {
            scope.spawn(|| campaign.work());
        }
    });
    let mut report = campaign.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Rows end in any order, and a report has them in one.
    report.wrong.sort_by(|a, b| (&a.case, &a.what).cmp(&(&b.case, &b.what)));
    Ok(OracleReport { of, elapsed: started.elapsed(), ..report })
}

/// The names of all rows, in the order in which they are begun.
#[must_use]
pub fn rows() -> Vec<String> {
    Row::all().iter().map(|row| row.name().to_owned()).collect()
}

/// One thing that is played.
#[derive(Clone)]
enum Row {
    Transfer(Arc<Case>),
    Session(&'static Part),
}

impl Row {
    fn all() -> Vec<Row> {
        let cases = table::cases().into_iter().map(|case| Row::Transfer(Arc::new(case)));
        session::PARTS.iter().map(Row::Session).chain(cases).collect()
    }

    fn name(&self) -> &str {
        match self {
            Row::Transfer(case) => &case.name,
            Row::Session(part) => part.name,
        }
    }

    fn play(&self, setting: &Setting) -> Played {
        match self {
            Row::Transfer(case) => play::play(case, setting),
            Row::Session(part) => session::play(part, setting),
        }
    }
}

struct Campaign<'a> {
    config: &'a OracleConfig<'a>,
    server: Arc<Server>,
    started: Instant,
    rows: Mutex<VecDeque<Row>>,
    report: Mutex<OracleReport>,
}

impl Campaign<'_> {
    fn work(&self) {
        while let Some(row) = self.next() {
            let first = self.play(&row, 1);
            let again = (!first.wrong.is_empty()).then(|| self.play(&row, SLACK));
            let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            report.rows += 1;
            report.checks += first.checks;
            match again {
                None => {}
                Some(again) if again.wrong.is_empty() => report.once += 1,
                Some(again) => report.wrong.extend(again.wrong),
            }
        }
    }

    fn next(&self) -> Option<Row> {
        let (found, hung) = {
            let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            (!report.wrong.is_empty(), report.hung > 0)
        };
        let asked = self.config.enough.is_some_and(|enough| enough.load(Ordering::Relaxed));
        let enough = asked || hung || found && self.config.stop == Stop::AtFirst;
        if enough || self.started.elapsed() >= self.config.budget {
            return None;
        }
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Plays a row on a thread of its own, which is left behind when it hangs.
    fn play(&self, row: &Row, slack: u32) -> Played {
        let setting = Setting {
            profile: self.config.profile,
            server: Arc::clone(&self.server),
            seeded: Seeded::of(self.config.fault),
            directory: self.config.directory.join(format!("{}-{slack}", row.name())),
            slack,
        };
        let (tell, hear) = channel();
        let played = row.clone();
        let limit = if slack == 1 { HANGS } else { HANGS * 3 / 2 };
        let thread = std::thread::Builder::new().name(format!("oracle {}", row.name()));
        let spawned = thread.spawn(move || tell.send(played.play(&setting)));
        let mut checks = Checks::new(row.name(), "contract section 3, L3: every call returns");
        match spawned.map(|_| hear.recv_timeout(limit)) {
            Ok(Ok(played)) => return played,
            Ok(Err(RecvTimeoutError::Timeout)) => {
                checks.note("the end of the row", &format!("none after {limit:?}"), "an end");
                self.report.lock().unwrap_or_else(PoisonError::into_inner).hung += 1;
            }
            Ok(Err(RecvTimeoutError::Disconnected)) => {
                checks.note("the end of the row", "a panic", "no panic that reaches a client");
            }
            // What this machine lacks is no finding.
            Err(_) => {}
        }
        Played { wrong: checks.wrong, checks: 1 }
    }
}
