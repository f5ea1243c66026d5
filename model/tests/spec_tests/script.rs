//! A world of three jobs of one user, and short words for what happens to them.

use contract::core::{Change, DiskOutcome, Then};
use contract::event::{Leave, Target};
use contract::{
    Call, Dialect, EnvStep, Event, FileId, FileNames, HResult, Interfaces, JobId, JobState, Millis, Profile,
    Receiver, ReceiverId, Time, UserId,
};
use model::spec::{Refused, Reply, Ticket, World};

pub(crate) const J: JobId = JobId(0);
pub(crate) const F: FileId = FileId(0);
pub(crate) const USER: UserId = UserId(0);
pub(crate) const FAILED: EnvStep = EnvStep::TransientError { hr: HResult::BG_E_HTTP_ERROR_503 };
pub(crate) const BROKEN: EnvStep = EnvStep::FatalError { hr: HResult::BG_E_HTTP_ERROR_404 };
pub(crate) const OK: Leave = Leave::Returned(HResult::S_OK);
pub(crate) const FAIL: Leave = Leave::Returned(HResult::E_FAIL);

pub(crate) struct Script {
    pub(crate) world: World<3>,
    pub(crate) profile: Profile,
    now: Time,
}

impl Script {
    pub(crate) fn new(dialect: Dialect) -> Script {
        Script { world: World::new(), profile: *dialect.profile(), now: Time::ZERO }
    }

    /// One job with files, in SUSPENDED.
    pub(crate) fn with_job(dialect: Dialect, files: usize) -> Script {
        let mut script = Script::new(dialect);
        script.job(files);
        script
    }

    /// One job with one file in `state`, with an object that receives everything and a mask for everything.
    pub(crate) fn at(dialect: Dialect, state: JobState) -> Script {
        let mut script = Script::with_job(dialect, 1);
        script.listen(1);
        script.go(J, state);
        script
    }

    pub(crate) fn job(&mut self, files: usize) -> JobId {
        let job = JobId(self.world.jobs().len() as u32);
        self.ok(None, &Call::CreateJob { name: Some("job".into()), kind: 0 });
        for _ in 0..files {
            self.ok(Some(job), &add_file());
        }
        job
    }

    pub(crate) fn listen(&mut self, receiver: u32) {
        self.ok(Some(J), &register(receiver));
        self.ok(Some(J), &Call::SetNotifyFlags { flags: 0x1B });
    }

    /// A call, with its disk work when it has some.
    pub(crate) fn call(&mut self, job: Option<JobId>, call: &Call) -> Reply {
        let reply = self.world.call(&self.profile, USER, job, call);
        match (reply.then, job) {
            (Then::Disk, Some(job)) => self.world.disk(&self.profile, job, &DiskOutcome::default()),
            _ => reply,
        }
    }

    pub(crate) fn ok(&mut self, job: Option<JobId>, call: &Call) {
        let reply = self.call(job, call);
        assert_eq!((reply.hr, reply.then), (HResult::S_OK, Then::Return), "{call}");
    }

    pub(crate) fn begin_call(&mut self, call: &Call) -> Reply {
        self.world.call(&self.profile, USER, Some(J), call)
    }

    /// A step that leads to `to`; the state it is in means that it stays.
    pub(crate) fn step(&mut self, job: JobId, step: EnvStep, to: JobState) -> Result<(), Refused> {
        let from = self.state(job);
        let state = (from != to).then_some((Some(from), to));
        let file = self.world.job(job).and_then(model::spec::Job::current_file);
        self.world.step(&self.profile, &Change { job: Some(job), file, step: Some(step), state })
    }

    pub(crate) fn must(&mut self, job: JobId, step: EnvStep, to: JobState) {
        assert_eq!(self.step(job, step, to), Ok(()), "{step} to {to}");
    }

    pub(crate) fn state(&self, job: JobId) -> JobState {
        self.world.state(job).expect("scripts name jobs they made")
    }

    pub(crate) fn pending(&self) -> Vec<(Event, FileId)> {
        self.world.pending(&self.profile, J).iter().collect()
    }

    /// The first pending event begins, after every wait for a retry is over.
    pub(crate) fn begin(&mut self, target: Target) -> Ticket {
        self.wait_for_retries();
        let (event, file) = self.pending()[0];
        let file = (event == Event::FileTransferred).then_some(file);
        self.world.begin(&self.profile, J, event, file, target).expect("the first pending event begins")
    }

    /// Time passes until no callback waits for its retry.
    fn wait_for_retries(&mut self) {
        self.now = self.now.after(Millis::from_secs(1_000_000));
        self.world.time_comes(self.now);
    }

    pub(crate) fn leave(&mut self, ticket: Ticket, leave: Leave) {
        self.world.leave(&self.profile, J, ticket, leave).expect("the ticket is in flight");
    }

    /// The first pending event is delivered and acknowledged.
    pub(crate) fn tell(&mut self) {
        let ticket = self.begin(Target::Interface(ReceiverId(1)));
        self.leave(ticket, OK);
    }

    pub(crate) fn witness(&self, rule: &str) -> bool {
        self.world.witness(&self.profile, J, rule)
    }

    /// Takes a job in SUSPENDED, with files, to `state`.
    pub(crate) fn go(&mut self, job: JobId, state: JobState) {
        match state {
            JobState::Suspended => return,
            JobState::Acknowledged => {
                let _ = self.call(Some(job), &Call::Complete);
                return;
            }
            JobState::Cancelled => return self.ok(Some(job), &Call::Cancel),
            _ => {}
        }
        if state == JobState::Queued && self.profile.dialect == Dialect::Do {
            return self.queue(job);
        }
        self.ok(Some(job), &Call::Resume);
        let steps: &[(EnvStep, JobState)] = match state {
            JobState::Queued => &[],
            JobState::Connecting => &[(EnvStep::Turn, state)],
            JobState::Error => &[(BROKEN, state)],
            JobState::TransientError => &[(FAILED, state)],
            JobState::Transferred => &[(EnvStep::FileDone, state)],
            _ => &[],
        };
        if !matches!(state, JobState::Queued | JobState::Connecting) && self.state(job) == JobState::Queued {
            self.must(job, EnvStep::Turn, JobState::Connecting);
            self.must(job, EnvStep::Connected, JobState::Transferring);
        }
        for (step, to) in steps {
            self.must(job, *step, *to);
        }
        assert_eq!(self.state(job), state);
    }

    /// In Delivery Optimization Resume finds a free slot, so QUEUED is reached by way of a logoff.
    fn queue(&mut self, job: JobId) {
        self.ok(Some(job), &Call::Resume);
        self.must(job, EnvStep::Logoff { user: None }, JobState::Queued);
    }
}

pub(crate) fn add_file() -> Call {
    Call::AddFile { file: FileNames { remote: "http://127.0.0.1/a".into(), local: local() } }
}

#[cfg(unix)]
pub(crate) fn local() -> contract::Text {
    "/d/a".into()
}

#[cfg(not(unix))]
pub(crate) fn local() -> contract::Text {
    "C:\\d\\a".into()
}

pub(crate) fn register(receiver: u32) -> Call {
    Call::SetNotifyInterface {
        receiver: Some(Receiver { id: ReceiverId(receiver), interfaces: Interfaces::all() }),
    }
}

pub(crate) fn program() -> Call {
    Call::SetNotifyCmdLine { program: Some("/bin/program".into()), parameters: None }
}
