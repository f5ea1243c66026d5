//! Programs written by hand, for what needs more things at once than chance brings together: a second rename that fails, the last free slot,
//! one job too many, a text that is too long.
//!
//! A limit of sixty jobs is reached with one where the profile says one: the question is whether model and core read one cell
//! and stop there, and not which number is in it.

use contract::call::{Fetched, Whose};
use contract::core::{Failure, TransferEvent};
use contract::dialect::TransferSlots;
use contract::event::Leave;
use contract::{
    Call, Dialect, ErrorContext, FileId, FileNames, HResult, JobId, Profile, ReceiverId, ThreadId,
};
use model::drive::{DiskResult, From, Stimulus};
use model::scope::Variant;

use crate::program::{GOOD_FILE, OBJECTS, Program, USER};

/// Every script, in both dialects.
pub(super) fn scripts() -> Vec<Program> {
    let of = |dialect: Dialect| {
        let profile = *dialect.profile();
        let scripts = [
            limits(profile),
            others(profile),
            long_texts(profile),
            slots_of_transfers(profile),
            turns(profile),
            one_too_many(profile),
            slots_of_callbacks(profile),
            bytes(profile),
            unknown_sizes(profile),
            networks(profile),
            short_patience(profile),
            program_set_again(profile),
            programs_running(profile),
            program_removed(profile),
            overlapping(profile),
            errors(profile),
        ];
        let left = leaves(profile).chain(modifications_left(profile));
        scripts.into_iter().chain(left).chain(second_renames(profile))
    };
    Dialect::ALL.into_iter().flat_map(of).map(|script| script.0).collect()
}

const NAME: &str = "job";
const JOB: JobId = JobId(0);
const OTHER: JobId = JobId(1);
const EVERYTHING: u32 = 0x1B;
const FILES: u32 = 0x10;
const MODIFICATION: u32 = 0x08;

/// Each user makes one job more than a limit allows.
fn limits(profile: Profile) -> Script {
    let profile = Profile { jobs_per_user: 1, jobs_per_machine: 2, ..profile };
    let made = Script::of(profile).create(0).create(0).create(1).create(1).create(2);
    // Who has ended is not counted.
    made.cancel(JOB).create(0).create(0)
}

/// What is another user's is not found and not listed.
fn others(profile: Profile) -> Script {
    let script = Script::of(profile).create(0).create(1).call(JOB, Call::GetJob).call(OTHER, Call::GetJob);
    let asks = |script: Script, thread: u32| {
        let next = Call::EnumJobsNext { skip: 0, celt: 3, fetched: Fetched::Wanted };
        let script = script.manager(thread, Call::EnumJobs { whose: Whose::Mine });
        script.manager(thread, next).manager(thread, Call::EnumJobsGetCount)
    };
    let script = [0, 1, 2].into_iter().fold(script, asks);
    let script = script.then([Stimulus::Logoff(USER), Stimulus::Logoff(contract::UserId(1))]);
    asks(script.cancel(OTHER).call(OTHER, Call::GetJob), 1)
}

/// Every text, longer than it may be.
fn long_texts(profile: Profile) -> Script {
    let long = || "x".repeat(5_000);
    let names = |remote: String, local: String| FileNames { remote: remote.into(), local: local.into() };
    let calls = [
        Call::SetNotifyCmdLine { program: Some(long().into()), parameters: None },
        Call::SetNotifyCmdLine { program: Some("/program".into()), parameters: Some(long().into()) },
        Call::SetDisplayName { name: Some(long().into()) },
        Call::SetDescription { description: Some(long().into()) },
        Call::AddFile { file: names(format!("http://h/{}", long()), "/f".to_owned()) },
        Call::AddFile { file: names("http://h/f".to_owned(), format!("/{}", long())) },
        Call::AddFile { file: GOOD_FILE },
        Call::FileSetRemoteName { file: FileId(0), remote: format!("http://h/{}", long()).into() },
        Call::GetNotifyCmdLine,
        Call::GetProgress,
    ];
    let script = Script::of(profile).create(0);
    let script = calls.into_iter().fold(script, |script, call| script.call(JOB, call));
    script.manager(0, Call::CreateJob { name: Some(long().into()), kind: 0 })
}

/// Two jobs, and room for one.
fn slots_of_transfers(profile: Profile) -> Script {
    let script = Script::of(Profile { transfer_slots: TransferSlots::AtMost(1), ..profile });
    let two = script.create(0).create(0).add(JOB).add(OTHER);
    let two = two.call(JOB, Call::Resume).call(OTHER, Call::Resume).then([Stimulus::Turn]).connect(JOB);
    two.done(JOB).then([Stimulus::Turn]).connect(OTHER).call(OTHER, Call::Suspend).call(OTHER, Call::Resume)
}

/// Three jobs for one background slot, of which the last is the most urgent: who waits, who loses the slot, who is first.
fn turns(profile: Profile) -> Script {
    let jobs = [JOB, OTHER, JobId(2)];
    let made = |script: Script, job: JobId| {
        let urgent = Call::SetPriority { priority: 3 - job.0 };
        script.create(0).add(job).call(job, urgent)
    };
    let script = jobs.into_iter().fold(Script::of(profile), made);
    let script = script.call(JOB, Call::Resume).then([Stimulus::Turn]).connect(JOB);
    let script = script.call(OTHER, Call::Resume).call(JobId(2), Call::Resume).then([Stimulus::Turn]);
    let script = script.connect(JobId(2)).then([Stimulus::Turn, Stimulus::Timeout]).done(JobId(2));
    script.then([Stimulus::Turn]).connect(OTHER).done(OTHER).then([Stimulus::Turn]).connect(JOB).done(JOB)
}

/// An urgent job runs beside another one, and is urgent no more.
fn one_too_many(profile: Profile) -> Script {
    let priority = |priority| Call::SetPriority { priority };
    let script = Script::of(profile).create(0).create(0).add(JOB).add(OTHER).call(JOB, priority(0));
    let script = script.call(OTHER, Call::Resume).then([Stimulus::Turn]).connect(OTHER);
    let script = script.call(JOB, Call::Resume).then([Stimulus::Turn]).connect(JOB).call(JOB, priority(3));
    script.then([Stimulus::Turn]).done(OTHER).then([Stimulus::Turn]).connect(JOB).done(JOB)
}

/// Two jobs have an event due, and one callback of a user runs at once.
fn slots_of_callbacks(profile: Profile) -> Script {
    let script = Script::of(profile).listens(3);
    let script = script.create(0).add(OTHER).call(OTHER, register(0)).call(OTHER, Call::Resume);
    let script = script.fetch(JOB).then([Stimulus::Turn]).connect(OTHER).done(OTHER);
    let both = [JOB, OTHER].map(Stimulus::Begin).into_iter().chain([JOB, OTHER].map(Stimulus::Enter));
    let script = script.then(both).leave(JOB, S_OK).then([Stimulus::Begin(OTHER), Stimulus::Enter(OTHER)]);
    Script(Program { callback_slots: 1, ..script.0 })
}

/// JobModification after each byte: with the states delivered, too, only bytes are left as causes.
fn bytes(profile: Profile) -> Script {
    let script =
        Script::of(profile).listens(EVERYTHING).tell(JOB, S_OK).call(JOB, Call::Resume).tell(JOB, S_OK);
    let script = script.then([Stimulus::Turn]).tell(JOB, S_OK).connect(JOB).tell(JOB, S_OK);
    let byte = |script: Script, here| script.transfer(JOB, TransferEvent::Bytes(here)).tell(JOB, S_OK);
    (1..9).fold(script, byte).call(JOB, Call::GetProgress).done(JOB)
}

/// Files of unknown size.
fn unknown_sizes(profile: Profile) -> Script {
    let asks = |script: Script| {
        let script = script.call(JOB, Call::GetProgress);
        [0, 1]
            .map(FileId)
            .into_iter()
            .fold(script, |script, file| script.call(JOB, Call::FileGetProgress { file }))
    };
    let script =
        Script::of(profile).listens(EVERYTHING).add(JOB).call(JOB, Call::Resume).then([Stimulus::Turn]);
    let script = asks(asks(script.connect(JOB)).done(JOB));
    asks(script.transfer(JOB, TransferEvent::Bytes(3)).done(JOB))
}

/// The network goes and comes in every state of two jobs.
fn networks(profile: Profile) -> Script {
    let lost =
        |script: Script| script.then([Stimulus::NetworkLost, Stimulus::Timeout, Stimulus::NetworkBack]);
    let script = Script::of(profile).listens(EVERYTHING).create(0).add(OTHER).call(OTHER, Call::Resume);
    let script = lost(script.call(JOB, Call::Resume)).then([Stimulus::Turn]);
    let script = lost(script.connect(JOB)).then([Stimulus::Turn]).connect(JOB);
    let script = script.fail(JOB, Failure::Transient).then([Stimulus::NetworkLost, Stimulus::Timeout]);
    let script = lost(script).then([Stimulus::Turn]).connect(JOB).fail(JOB, Failure::Transient);
    lost(script.then([Stimulus::Timeout, Stimulus::Turn]).connect(JOB).done(JOB))
}

/// The job is given up before it could be tried again.
fn short_patience(profile: Profile) -> Script {
    let script = Script::of(profile).listens(EVERYTHING);
    let script = script.call(JOB, Call::SetNoProgressTimeout { seconds: 60 });
    let script = script.call(JOB, Call::SetMinimumRetryDelay { seconds: 600 }).call(JOB, Call::Resume);
    let script = script.then([Stimulus::Turn]).connect(JOB).fail(JOB, Failure::Transient);
    script.then([Stimulus::Timeout]).call(JOB, Call::GetErrorCount)
}

/// The program whose turn it is goes, and another comes.
fn program_set_again(profile: Profile) -> Script {
    let script = Script::of(profile).listens(3).call(JOB, program()).fetch(JOB).tell(JOB, HResult::E_FAIL);
    let none = Call::SetNotifyCmdLine { program: None, parameters: None };
    let script = script.call(JOB, none.clone()).call(JOB, program()).tell(JOB, S_OK);
    let script = script.then([Stimulus::Timeout]).tell(JOB, HResult::E_FAIL).call(JOB, none);
    script.then([Stimulus::Timeout]).tell(JOB, S_OK)
}

/// The program whose turn it is goes while a modification waits, too: what has failed is owed, and that lets the modification go first.
fn program_removed(profile: Profile) -> Script {
    let none = Call::SetNotifyCmdLine { program: None, parameters: None };
    let script = Script::of(profile).listens(EVERYTHING & !FILES).call(JOB, program()).fetch(JOB);
    script
        .tell(JOB, HResult::E_FAIL)
        .call(JOB, none)
        .tell(JOB, S_OK)
        .then([Stimulus::Timeout])
        .tell(JOB, S_OK)
}

/// Programs run on while the interface, the registration and the state change.
fn programs_running(profile: Profile) -> Script {
    let script = Script::of(profile).listens(EVERYTHING).call(JOB, program()).fetch(JOB);
    let told = |script: Script| script.tell(JOB, S_OK).tell(JOB, HResult::E_FAIL).then(begun(JOB));
    let script = told(script).then(begun(JOB)).call(JOB, register(0)).then(begun(JOB));
    let script = script.then([Stimulus::Exit { job: JOB, code: 1 }, Stimulus::Timeout]).tell(JOB, S_OK);
    let script = script.add(JOB).call(JOB, Call::Resume).then([Stimulus::Turn]).connect(JOB);
    let script =
        script.fail(JOB, Failure::Fatal).tell(JOB, HResult::E_FAIL).then(begun(JOB)).then(begun(JOB));
    script.then([Stimulus::Exit { job: JOB, code: 0 }, Stimulus::Exit { job: JOB, code: 0 }])
}

/// Every event is due at once, and one of the deliveries has failed.
fn overlapping(profile: Profile) -> Script {
    let priority = Call::SetPriority { priority: 2 };
    let script = Script::of(profile).listens(EVERYTHING).add(JOB).call(JOB, Call::Resume);
    let script = script.then([Stimulus::Turn]).connect(JOB).done(JOB).done(JOB);
    let script = script.tell(JOB, HResult::E_FAIL).tell(JOB, S_OK).call(JOB, priority.clone());
    let script = script.then([Stimulus::Timeout]).tell(JOB, S_OK).tell(JOB, S_OK).call(JOB, priority);
    script.tell(JOB, HResult::E_FAIL).then([Stimulus::Timeout]).tell(JOB, S_OK).call(JOB, Call::Complete)
}

/// What the getters of an error return, for every kind of error.
fn errors(profile: Profile) -> Script {
    let asks = |script: Script| {
        let calls = [Call::GetError, Call::ErrorGetError, Call::ErrorGetFile, Call::GetErrorCount];
        calls.into_iter().fold(script, |script, call| script.call(JOB, call))
    };
    let again = |script: Script| asks(script).call(JOB, Call::Resume).then([Stimulus::Turn]).connect(JOB);
    let script = again(Script::of(profile).listens(EVERYTHING));
    let script = again(script.fail(JOB, Failure::Transient).then([Stimulus::NetworkBack]));
    let script = again(script.fail(JOB, Failure::Fatal));
    asks(script.then([Stimulus::NetworkLost])).then([Stimulus::Timeout, Stimulus::Timeout])
}

/// Every way to leave a callback.
fn ways() -> impl Iterator<Item = Leave> {
    [S_OK, HResult::S_FALSE, HResult::E_FAIL].map(Leave::Returned).into_iter().chain([Leave::Panicked])
}

/// Every event, and every way to leave it; then it is delivered again, or not. A file that is owed would keep the job's event back.
fn leaves(profile: Profile) -> impl Iterator<Item = Script> {
    let fails = |script: Script| script.fail(JOB, Failure::Fatal);
    let ends: [fn(Script) -> Script; 2] = [|script| script.done(JOB), fails];
    let masks = [EVERYTHING, EVERYTHING & !FILES & !MODIFICATION];
    let cases = ways().flat_map(move |leave| masks.map(|mask| (leave, mask)));
    cases.flat_map(move |(leave, mask)| {
        ends.map(|end| {
            let script = Script::of(profile).listens(mask).call(JOB, Call::Resume);
            let script = end(script.then([Stimulus::Turn]).connect(JOB));
            let left = |script: Script| script.then(begun(JOB)).then([Stimulus::Leave { job: JOB, leave }]);
            let script = (0..4).fold(script, |script, _| left(script).then([Stimulus::Timeout]));
            (0..4).fold(script, |script, _| script.tell(JOB, S_OK))
        })
    })
}

/// A modification is delivered, and left in every way; then it waits together with the others.
fn modifications_left(profile: Profile) -> impl Iterator<Item = Script> {
    ways().map(move |leave| {
        let script = Script::of(profile).listens(EVERYTHING).then(begun(JOB));
        let script = script.then([Stimulus::Leave { job: JOB, leave }]).fetch(JOB);
        script.tell(JOB, S_OK).tell(JOB, S_OK).tell(JOB, S_OK)
    })
}

/// Of two whole files the second cannot be renamed; then the job is ended in another way.
fn second_renames(profile: Profile) -> impl Iterator<Item = Script> {
    let ends = [(Call::Cancel, DiskResult::Good), (Call::Cancel, DiskResult::LeavesBehind)];
    let again = [(Call::Complete, DiskResult::Good), (Call::Complete, DiskResult::RenameFails(0))];
    ends.into_iter().chain(again).map(move |(call, result)| {
        let script = Script::of(profile).create(0).add(JOB).add(JOB).call(JOB, Call::Resume);
        let script = script.then([Stimulus::Turn]).connect(JOB).done(JOB).done(JOB).call(JOB, Call::Complete);
        let failed = script.then([Stimulus::Disk { job: JOB, result: DiskResult::RenameFails(1) }]);
        failed
            .call(JOB, Call::FileGetProgress { file: FileId(0) })
            .call(JOB, call)
            .then([Stimulus::Disk { job: JOB, result }])
    })
}

const S_OK: HResult = HResult::S_OK;

fn register(object: u32) -> Call {
    let object = OBJECTS.into_iter().find(|known| known.id == ReceiverId(object));
    Call::SetNotifyInterface { receiver: object }
}

fn program() -> Call {
    Call::SetNotifyCmdLine { program: Some("/program".into()), parameters: Some("program a".into()) }
}

fn begun(job: JobId) -> [Stimulus; 2] {
    [Stimulus::Begin(job), Stimulus::Enter(job)]
}

/// A program being written.
struct Script(Program);

impl Script {
    fn of(profile: Profile) -> Script {
        let variant = Variant { profile, turned: "" };
        Script(Program {
            variant,
            callback_slots: 4,
            users: model::scope::Users::One,
            slice: "",
            steps: Vec::new(),
        })
    }

    fn then(mut self, steps: impl IntoIterator<Item = Stimulus>) -> Script {
        self.0.steps.extend(steps);
        self
    }

    /// One job of the user, with a file and a registered object.
    fn listens(self, flags: u32) -> Script {
        self.create(0).call(JOB, Call::SetNotifyFlags { flags }).call(JOB, register(0)).add(JOB)
    }

    /// A thread belongs to the user of its number, where no job decides whose it is.
    fn manager(self, thread: u32, call: Call) -> Script {
        self.then([Stimulus::Call { from: From::Client(ThreadId(thread)), job: None, call }])
    }

    fn create(self, thread: u32) -> Script {
        self.manager(thread, Call::CreateJob { name: Some(NAME.into()), kind: 0 })
    }

    fn call(self, job: JobId, call: Call) -> Script {
        self.then([Stimulus::Call { from: From::Client(ThreadId(0)), job: Some(job), call }])
    }

    fn add(self, job: JobId) -> Script {
        self.call(job, Call::AddFile { file: GOOD_FILE })
    }

    fn cancel(self, job: JobId) -> Script {
        self.call(job, Call::Cancel).then([Stimulus::Disk { job, result: DiskResult::Good }])
    }

    fn transfer(self, job: JobId, event: TransferEvent) -> Script {
        self.then([Stimulus::Transfer { job, event }])
    }

    /// Nothing where the dialect does not connect.
    fn connect(self, job: JobId) -> Script {
        self.transfer(job, TransferEvent::Connected)
    }

    fn done(self, job: JobId) -> Script {
        self.transfer(job, TransferEvent::FileDone)
    }

    fn fail(self, job: JobId, class: Failure) -> Script {
        let (hr, context) = (HResult::BG_E_HTTP_ERROR_404, ErrorContext::RemoteFile);
        self.transfer(job, TransferEvent::Failed { class, hr, context })
    }

    /// Resumed, and its one file is here.
    fn fetch(self, job: JobId) -> Script {
        self.call(job, Call::Resume).then([Stimulus::Turn]).connect(job).done(job)
    }

    fn tell(self, job: JobId, hr: HResult) -> Script {
        self.then(begun(job)).leave(job, hr)
    }

    fn leave(self, job: JobId, hr: HResult) -> Script {
        self.then([Stimulus::Leave { job, leave: Leave::Returned(hr) }])
    }
}
