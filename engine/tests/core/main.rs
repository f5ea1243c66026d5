//! What the specification leaves open, on the core stepped by hand: times, texts, limits, several users, and whose turn it is.
//!
//! Specification and core are compared in `properties`. A test here is a short script with a clock that only the script moves.

mod barrier;
mod error;
mod expiry;
mod fairness;
mod files;
mod limits;
mod no_progress;
mod retry;
mod slice;
mod stale;
mod tell_again;
mod texts;
mod times;
mod turn;
mod users;
mod view;

use contract::call::ErrorContext;
use contract::core::{Attempt, Config, Delivery, Failure, Then, TransferEvent, TransferReply};
use contract::event::Leave;
use contract::{
    Call, Core as _, Dialect, EnvStep, FileId, FileNames, HResult, Interfaces, JobId, JobState, Millis, Out,
    Receiver, ReceiverId, Time, UserId,
};
use engine::core::Core;

/// The user of the tests that need only one.
const USER: UserId = UserId(0);

/// A core, with helpers that act as its clients and its service.
struct Bench {
    core: Core,
}

impl Bench {
    fn bits() -> Bench {
        Bench::of(Config::of(Dialect::Bits.profile()))
    }

    fn delivery_optimization() -> Bench {
        Bench::of(Config::of(Dialect::Do.profile()))
    }

    fn of(config: Config) -> Bench {
        Bench { core: Core::new(&config) }
    }

    /// A call of the user who owns the jobs of most tests.
    fn call(&mut self, job: JobId, call: Call) -> HResult {
        self.core.call(USER, Some(job), &call).hr
    }

    /// What a getter gives back.
    fn get(&mut self, job: JobId, call: Call) -> Out {
        let answer = self.core.call(USER, Some(job), &call);
        assert_eq!((answer.hr, answer.then), (HResult::S_OK, Then::Return), "{call:?}");
        answer.out
    }

    fn create_for(&mut self, user: UserId) -> JobId {
        let made = self.core.call(user, None, &Call::CreateJob { name: Some("job".into()), kind: 0 });
        let Out::Job(job) = made.out else { panic!("CreateJob answers {}", made.hr) };
        job
    }

    /// A job with one file, in QUEUED, or in DO with a free slot in TRANSFERRING.
    fn resumed(&mut self) -> JobId {
        self.resumed_for(USER)
    }

    fn resumed_for(&mut self, user: UserId) -> JobId {
        let job = self.create_for(user);
        assert_eq!(self.call(job, add_file()), HResult::S_OK);
        assert_eq!(self.call(job, Call::Resume), HResult::S_OK);
        job
    }

    /// A job that transfers its one file.
    fn transferring(&mut self) -> JobId {
        let job = self.resumed();
        self.connect(job);
        job
    }

    /// Gives the job its turn and its connection.
    fn connect(&mut self, job: JobId) {
        let start = self.core.poll_transfer();
        assert_eq!(start.map(|start| start.job), Some(job), "its turn");
        let _reply = self.report(job, TransferEvent::Connected);
        assert_eq!(self.state(job), JobState::Transferring);
    }

    /// A job in TRANSFERRED whose client receives everything but modifications.
    fn transferred(&mut self) -> JobId {
        let job = self.transferring();
        self.listen(job, 0x13);
        let _reply = self.report(job, TransferEvent::FileDone);
        assert_eq!(self.state(job), JobState::Transferred);
        job
    }

    /// The job, queued, gets its turn and its last file.
    fn transferred_after(&mut self, job: JobId) -> JobId {
        self.connect(job);
        let _reply = self.report(job, TransferEvent::FileDone);
        assert_eq!(self.state(job), JobState::Transferred);
        job
    }

    fn listen(&mut self, job: JobId, flags: u32) {
        let receiver = Receiver { id: ReceiverId(0), interfaces: Interfaces::all() };
        assert_eq!(self.call(job, Call::SetNotifyInterface { receiver: Some(receiver) }), HResult::S_OK);
        assert_eq!(self.call(job, Call::SetNotifyFlags { flags }), HResult::S_OK);
    }

    /// What the job's worker reports.
    fn report(&mut self, job: JobId, event: TransferEvent) -> TransferReply {
        let (attempt, _) = self.core.transfer(job).expect("a transfer runs");
        self.core.handle_transfer(job, attempt, event)
    }

    fn fail(&mut self, job: JobId, class: Failure) {
        let (hr, context) = (HResult::BG_E_HTTP_ERROR_503, ErrorContext::RemoteFile);
        let _reply = self.report(job, TransferEvent::Failed { class, hr, context });
    }

    fn begin(&mut self, job: JobId) -> Delivery {
        assert!(self.core.is_ready(job));
        self.core.begin_delivery(job).expect("something to tell")
    }

    fn leave(&mut self, delivery: Delivery, hr: HResult) {
        self.core.handle_delivery_left(delivery.id, Leave::Returned(hr));
    }

    /// Both halves of Complete or Cancel, with a disk on which everything succeeds.
    fn end(&mut self, job: JobId, call: Call) {
        assert_eq!(self.core.call(USER, Some(job), &call).then, Then::Disk);
        let _answer = self.core.handle_disk(job, &contract::core::DiskOutcome::default());
    }

    fn state(&self, job: JobId) -> JobState {
        self.core.state(job).expect("the job is known")
    }

    /// The time becomes this number of seconds after the start.
    fn at(&mut self, seconds: u64) {
        self.core.handle_timeout(secs(seconds));
    }

    /// The next timer, or none.
    fn next(&self) -> Option<Time> {
        self.core.poll_timeout()
    }

    /// The environment steps since this was last called.
    fn steps(&mut self) -> Vec<EnvStep> {
        let mut steps = Vec::new();
        self.core.take_changes(|change| steps.extend(change.step));
        steps
    }
}

/// This number of seconds after the start.
fn secs(seconds: u64) -> Time {
    Time::ZERO.after(Millis::from_secs(seconds))
}

/// This number of days after the start.
fn days(days: u64) -> Time {
    Time::ZERO.after(Millis::from_days(days))
}

fn add_file() -> Call {
    Call::AddFile { file: names("http://h/f", "/f") }
}

fn names(remote: &'static str, local: &'static str) -> FileNames {
    FileNames { remote: remote.into(), local: local.into() }
}
