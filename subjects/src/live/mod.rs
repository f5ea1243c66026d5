//! The engine as it really runs: real threads, real callbacks, real HTTP, real files.
//!
//! **What it is.** [`run`] puts a few hundred jobs of several users through the service from several client threads. The server
//! misbehaves, clients race each other and the engine with everything they may call, and callbacks fail, panic, take their time
//! and call back. The whole run is one trace, judged by the rules; then every destination is compared byte for byte with
//! what the server has. [`subject`] runs short programs on the service with a simulated transfer, for property tests.
//!
//! **What it is not.** A proof, or repeatable: a seed fixes what is attempted, the machine decides how it interleaves. What
//! is found here is a schedule that happened, and its trace is the evidence.
//!
//! **The law it keeps.** A run ends: clients stop beginning things after their share of the budget, everything left is then
//! cancelled, and a watchdog reports what is still open a few seconds after the budget ([`LiveReport::hang`]).
//!
//! Threads are held up now and then between two steps of the protocol, because that is where an engine that is wrong is found out.
//! Time is scaled: a thousand of the service's milliseconds pass in one, so that retry delays of seconds and timeouts of
//! minutes happen within a run. Transfers and callbacks take real time.

mod callbacks;
mod canary;
mod client;
mod closing;
mod codes;
mod crowd;
mod jitter;
mod plan;
mod report;
mod stage;
pub mod subject;
mod threads;
mod witness;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contract::Profile;
use contract::defect::{Design, Fault};
use judge::trace::Recorded;
use judge::{Ended, Header, Verdicts};

use self::client::Orders;
use self::closing::{Disk, Rest};
use self::report::ProgramsHere;
pub use self::report::{LiveReport, Seen, WrongFile};
use self::stage::Stage;
pub use self::threads::threads_of_std;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct LiveConfig<'a> {
    /// The dialect.
    pub profile: Profile,
    /// What is attempted follows from it.
    pub seed: u64,
    /// Jobs to make; fewer when the budget is over before.
    pub jobs: u32,
    /// Users they belong to.
    pub users: u32,
    /// Client threads.
    pub threads: u32,
    /// How long clients and the closing may take in all. The run ends when its jobs do, often much earlier.
    pub budget: Duration,
    /// Milliseconds of the service's time per millisecond.
    pub clock_scale: u32,
    /// Whether the run is to be wrong on purpose.
    pub canary: Canary,
    /// What stands in the place of the engine's barrier.
    pub design: Design,
    /// The fault in the engine, in a build that can have one.
    pub fault: Option<Fault>,
    /// How long after the budget the watchdog bites.
    pub grace: Duration,
    /// Where the files go. The caller makes it, and throws it away.
    pub directory: &'a Path,
}

/// Whether a run is wrong on purpose, to prove that the judge notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Canary {
    /// It is not.
    Off,
    /// One callback comes after its job was cancelled, and one is masked.
    On,
}

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What it does now.
    pub phase: Phase,
    /// Jobs made so far.
    pub jobs: u32,
    /// Jobs to make.
    pub of: u32,
    /// Events recorded so far.
    pub events: u64,
    /// How long it has run.
    pub elapsed: Duration,
}

/// The parts of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Clients make jobs and race.
    Racing,
    /// What is left is brought to rest, and files are compared.
    Closing,
    /// The trace is judged.
    Judging,
}

/// Why there was no run. What goes wrong in one is in its report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// Nothing was to be done.
    #[error("a live run needs at least one job, one user and one thread")]
    Nothing,
    /// Destinations are absolute paths, as text.
    #[error("the directory of a live run must be an absolute path in Unicode")]
    Directory,
    /// The server has no port.
    #[error("the server of the live run did not start")]
    Server(#[source] io::Error),
    /// There are no threads.
    #[error("the service of the live run did not start")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A client has no thread.
    #[error("a client of the live run did not start")]
    Client(#[source] io::Error),
    /// A client is broken, not the engine.
    #[error("client thread {thread} of the live run panicked")]
    Panicked {
        /// Which.
        thread: u32,
    },
}

/// The share of the budget in which clients begin things, in percent.
const RACING_PERCENT: u32 = 70;
/// What the closing may always take, however small the budget is.
const LEAST_CLOSING: Duration = Duration::from_secs(3);
/// How long after the budget the watchdog bites, unless another time is given.
const GRACE: Duration = Duration::from_secs(10);
/// How long a run that hangs is watched for signs of life. Longer than any timer, callback or transfer of it takes.
const STANDSTILL: Duration = Duration::from_secs(3);
/// A run records some ten thousand events a second. A service that records more than this number in one run does one thing again and
/// again, and would fill the memory with it.
const MOST_EVENTS: u64 = 3_000_000;
/// How long it may take until service and server are gone. Long, because a busy machine is no finding.
const LETTING_GO: Duration = Duration::from_secs(30);
/// How long it may take to compare every file of a run.
const OBSERVING: Duration = Duration::from_secs(60);
/// How long threads get to come back from transfers and callbacks at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(5);

impl<'a> LiveConfig<'a> {
    /// The run of the nightly: 200 jobs of 6 users from 8 threads, a thousand times as fast as life.
    #[must_use]
    pub fn new(profile: &Profile, directory: &'a Path) -> LiveConfig<'a> {
        LiveConfig {
            profile: *profile,
            seed: 0,
            jobs: 200,
            users: 6,
            threads: 8,
            budget: Duration::from_secs(30),
            clock_scale: 1000,
            canary: Canary::Off,
            design: Design::Barrier,
            fault: None,
            grace: GRACE,
            directory,
        }
    }

    fn check(&self) -> Result<(), LiveError> {
        if self.jobs == 0 || self.users == 0 || self.threads == 0 {
            return Err(LiveError::Nothing);
        }
        let usable = self.directory.is_absolute() && self.directory.to_str().is_some();
        if usable { Ok(()) } else { Err(LiveError::Directory) }
    }
}

/// Runs the engine, and judges what happened. `progress` is called every tenth of a second while clients run, and at each later phase.
///
/// # Errors
/// The run could not be set up, or one of its clients is broken. Whatever the engine does is in the report.
pub fn run(config: &LiveConfig<'_>, progress: &dyn Fn(Progress)) -> Result<LiveReport, LiveError> {
    config.check()?;
    let start = Instant::now();
    let stage = Stage::new(config, start + config.budget * RACING_PERCENT / 100)?;
    let watch = Watch { config, progress, start };
    let (rest, disk, hang) = match watch.race(&stage)? {
        Clients::Done => watch.close(&stage),
        Clients::Stuck => (Rest::No, Disk::default(), Hang::Clients),
        Clients::Flooded => (Rest::No, Disk::default(), Hang::Flood),
    };
    watch.tell(Phase::Judging, &stage);
    let mut header = Header::of(&config.profile);
    header.scope = format!("{} jobs of {} users", config.jobs, config.users);
    header.subject = "service over HTTP".to_owned();
    header.engine = "live".to_owned();
    header.seed = Some(config.seed);
    header.clock_scale = config.clock_scale;
    header.records.extend([Recorded::Wait, Recorded::Fetch]);
    if config.canary == Canary::Off {
        // The canary makes callbacks of its own, so nothing is compared with what its clients are given.
        header.records.extend([Recorded::Begin, Recorded::Given]);
    }
    header.ended = if rest == Rest::Yes || stands_still(hang, &stage) { Ended::AtRest } else { Ended::Cut };
    let positions = stage.positions.describe();
    let trace = stage.recorder.finish(header);
    let programs = if stage.programs.is_some() { ProgramsHere::Yes } else { ProgramsHere::No };
    let mut wrong = stage.notes.take();
    wrong.extend(codes::unexplained(&trace, &stage.placed()));
    let hang = let_go(stage, hang);
    let verdicts = Verdicts::of(&trace);
    Ok(report::report(trace, verdicts, (disk, wrong), (hang, &positions), programs, start.elapsed()))
}

/// Drops everything, or nothing of a run that hangs: the lock that it hangs at is the one that a handle takes when it goes.
fn let_go(stage: Arc<Stage>, hang: Hang) -> Hang {
    if hang != Hang::No {
        std::mem::forget(stage);
        return hang;
    }
    let gone = within(LETTING_GO, move || {
        // Handles lead back to the service, and the stage holds both: without this neither would ever be dropped.
        let handles = std::mem::take(&mut *stage.board());
        drop(handles);
        drop(stage);
    });
    if gone.is_some() { Hang::No } else { Hang::Shutdown }
}

/// Does something that calls the service, on a thread of its own, which is left behind when the service does not answer.
fn within<T: Send + 'static>(limit: Duration, act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(act()));
    hear.recv_timeout(limit).ok()
}

/// Whether a run that hangs does nothing at all any more: then R16 decides who is to blame for what is open.
fn stands_still(hang: Hang, stage: &Stage) -> bool {
    if hang == Hang::No {
        return false;
    }
    let before = stage.recorder.len();
    std::thread::sleep(STANDSTILL);
    stage.recorder.len() == before
}

/// Whether the clients came back.
enum Clients {
    Done,
    Stuck,
    Flooded,
}

/// What did not come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hang {
    No,
    Clients,
    Shutdown,
    /// Looking at the files reads the states of the jobs from the service.
    Disk,
    /// It records without end.
    Flood,
}

struct Watch<'a> {
    config: &'a LiveConfig<'a>,
    progress: &'a dyn Fn(Progress),
    start: Instant,
}

impl Watch<'_> {
    /// Lets the clients race until they are done, or until the watchdog bites.
    fn race(&self, stage: &Arc<Stage>) -> Result<Clients, LiveError> {
        let orders = Orders::of(self.config);
        let spawn = |number: u32| {
            let stage = Arc::clone(stage);
            let thread = std::thread::Builder::new().name(format!("client {number}"));
            thread.spawn(move || client::run(&stage, orders, number)).map_err(LiveError::Client)
        };
        let mut clients: Vec<JoinHandle<()>> =
            (0..self.config.threads).map(spawn).collect::<Result<_, _>>()?;
        let bites = self.start + self.config.budget + self.config.grace;
        let mut told = self.start;
        while !clients.iter().all(JoinHandle::is_finished) {
            if Instant::now() >= bites {
                return Ok(Clients::Stuck);
            }
            if stage.recorder.len() > MOST_EVENTS {
                return Ok(Clients::Flooded);
            }
            if told.elapsed() >= Duration::from_millis(100) {
                told = Instant::now();
                self.tell(Phase::Racing, stage);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        for (thread, client) in (0..).zip(clients.drain(..)) {
            client.join().map_err(|_| LiveError::Panicked { thread })?;
        }
        Ok(Clients::Done)
    }

    fn close(&self, stage: &Arc<Stage>) -> (Rest, Disk, Hang) {
        self.tell(Phase::Closing, stage);
        let until = (self.start + self.config.budget).max(Instant::now() + LEAST_CLOSING);
        let rest = match self.bring_to_rest(stage, until) {
            Some(rest) => rest,
            None => return (Rest::No, Disk::default(), Hang::Clients),
        };
        let Ok(rest) = closing::shut_down(stage, rest, SHUTDOWN) else {
            return (Rest::No, Disk::default(), Hang::Shutdown);
        };
        let observed = Arc::clone(stage);
        let Some(disk) = within(OBSERVING, move || closing::observe(&observed)) else {
            return (Rest::No, Disk::default(), Hang::Disk);
        };
        if rest == Rest::Yes {
            closing::note_rest(stage);
        }
        (rest, disk, Hang::No)
    }

    /// On a thread of its own, because it makes calls, and a call that hangs must not take the watchdog with it.
    fn bring_to_rest(&self, stage: &Arc<Stage>, until: Instant) -> Option<Rest> {
        let closing = Arc::clone(stage);
        let limit = until.saturating_duration_since(Instant::now()) + self.config.grace;
        within(limit, move || closing::bring_to_rest(&closing, until))
    }

    fn tell(&self, phase: Phase, stage: &Stage) {
        (self.progress)(Progress {
            phase,
            jobs: stage.made.load(Ordering::SeqCst),
            of: self.config.jobs,
            events: stage.recorder.len(),
            elapsed: self.start.elapsed(),
        });
    }
}
