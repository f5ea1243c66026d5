//! A race: what clients do before, what they do in parallel, and what their callbacks and the network do meanwhile.
//!
//! **What it is.** A prefix that one thread makes alone, then up to five branches that run in parallel, and beside them the network
//! and the users who log off. Transfers, the disk and programs have their outcomes fixed here; in which order everything happens is
//! the schedule's, which is no part of it.
//!
//! **The law it keeps.** `Race::parse(&race.print()) == race`, and every race has a meaning: a call on a job that is not there is a
//! call, and is answered; outcomes that run out are good ones.

use std::fmt;

use contract::defect::{Design, Fault};
use contract::{Call, HResult, JobId, ThreadId, UserId};
use model::scope::Variant;

use super::text;

/// Jobs that have outcomes of their own; later ones have good ones.
pub const JOBS: usize = 3;

/// Objects that behave as a race prescribes, under the ids from 0 on. Another id of a receiver has no object.
pub const OBJECTS: usize = 3;

/// Branches at most.
pub const BRANCHES: usize = 5;

/// See the module's documentation.
#[derive(Clone, PartialEq, Debug)]
pub struct Race {
    /// The dialect and its switches.
    pub variant: Variant,
    /// What stands in the place of the barrier.
    pub design: Design,
    /// The fault in the engine, in a build that can have one.
    pub fault: Option<Fault>,
    /// Callbacks of one user at once.
    pub slots: u32,
    /// Dispatchers of the service at most.
    pub dispatchers: u32,
    /// Users: the k-th job made belongs to user k modulo these.
    pub users: u32,
    /// Which waiter a notification of one wakes.
    pub wakes: Wakes,
    /// How often a thread that waits may wake without a notification.
    pub spurious: u32,
    /// Whether jobs expire.
    pub expires: Expires,
    /// What one thread does before the race.
    pub prefix: Vec<Act>,
    /// What runs in parallel.
    pub branches: Vec<Branch>,
    /// What happens to all jobs meanwhile, in this order.
    pub outside: Vec<Outside>,
    /// How fetches, renames and removals of each job go.
    pub jobs: [Fate; JOBS],
    /// What the objects do when they are called.
    pub objects: [Manner; OBJECTS],
    /// What becomes of notification programs, in the order of their starts; then they exit with 0.
    pub exits: Vec<Exit>,
}

/// What becomes of a notification program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Exit {
    /// It exits with this code.
    Code(i32),
    /// It cannot be started.
    NotStarted,
}

/// Which of several waiters a notification of one wakes: a condition variable promises nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Wakes {
    /// The one that has waited longest.
    #[default]
    First,
    /// The one that came last.
    Last,
    /// Whichever the schedule chooses.
    Any,
}

/// Whether a job ends by itself when its time is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Expires {
    /// It does, when the time of its dialect is over: a schedule may let that pass at any moment.
    InTime,
    /// It never does.
    #[default]
    Never,
}

/// What happens to all jobs, or to all jobs of a user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outside {
    /// The network is lost.
    NetworkLost,
    /// The network is back.
    NetworkBack,
    /// The user logs off.
    Logoff(UserId),
}

/// A step of the prefix.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// A call.
    Call(Step),
    /// All tasks go on until none can, and no time passes.
    Settle,
    /// Time passes up to the next deadline, and then everything settles.
    Pass,
}

/// A call on a job.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// On which job; none for CreateJob and its like.
    pub on: On,
    /// By whom; none for the owner of the job.
    pub by: Option<UserId>,
    /// What.
    pub call: Call,
}

/// Which job a call is made on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum On {
    /// None.
    Nothing,
    /// The callback's own; outside of callbacks the first.
    Own,
    /// This one.
    Job(JobId),
}

/// What one client does in the race.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Branch {
    /// Whether it holds its own lock while it calls.
    pub lock: Lock,
    /// Its calls.
    pub calls: Vec<Step>,
}

/// Whether a client holds a lock of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lock {
    /// It holds it.
    Held,
    /// It has none.
    #[default]
    None,
}

/// What happens to the files of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fate {
    /// How its fetches end, in order; then they are done.
    pub fetches: Vec<Fetched>,
    /// Renames that fail before they go well.
    pub renames_fail: u32,
    /// Removals that fail before they go well.
    pub removals_fail: u32,
    /// What stands at the destinations before the race.
    pub destination: Destination,
}

/// What stands at the destination of a file before the race.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Destination {
    /// Nothing.
    #[default]
    Absent,
    /// A file that the job did not make.
    Foreign,
}

/// How a fetch goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fetched {
    /// The file is whole. Its size is reported only where another fetch of the job reports one.
    Done,
    /// The file is whole; its size and a part of it were reported on the way.
    Sized,
    /// It fails for now.
    Transient,
    /// It fails for good.
    Fatal,
    /// It comes back without a last report.
    Silent,
    /// It panics.
    Panic,
    /// The file changes at the server on the way, starts again from nothing, and is whole then.
    Restarted,
    /// It stands before its last report when the race begins, and the file is whole.
    Late,
    /// It stands before its last report when the race begins, and fails for good.
    LateFatal,
}

/// What an object does when it is called.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Manner {
    /// The branch whose lock it takes first, and holds while it calls.
    pub takes: Option<u32>,
    /// How long it stays before it calls.
    pub stays: Stays,
    /// What it calls.
    pub calls: Vec<Step>,
    /// How it leaves.
    pub leaves: Leaves,
    /// How often it does all this; from then on it acknowledges at once.
    pub times: u32,
    /// How long the client keeps the object.
    pub kept: Kept,
    /// What its destructor calls.
    pub drops: Vec<Step>,
}

/// How long a client keeps its object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Kept {
    /// To the end of the run.
    #[default]
    ToTheEnd,
    /// While it registers it: from then on the service alone holds it, and drops it when nothing needs it any more.
    Briefly,
}

/// How long a callback stays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Stays {
    /// It comes back as soon as it may.
    #[default]
    Briefly,
    /// Until a callback of another user's job has begun: where the service keeps that user waiting, this callback never leaves (R9).
    UntilAnotherIsTold,
}

/// How a callback leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Leaves {
    /// With S_OK.
    #[default]
    Ok,
    /// With E_FAIL.
    Fail,
    /// With S_FALSE.
    False,
    /// By a panic.
    Panic,
}

impl Race {
    /// A race without anything in it.
    #[must_use]
    pub fn empty(variant: Variant) -> Race {
        Race {
            variant,
            design: Design::Barrier,
            fault: None,
            slots: 4,
            dispatchers: 2,
            users: 1,
            wakes: Wakes::First,
            spurious: 0,
            expires: Expires::Never,
            prefix: Vec::new(),
            branches: Vec::new(),
            outside: Vec::new(),
            jobs: Default::default(),
            objects: Default::default(),
            exits: Vec::new(),
        }
    }

    /// The race as lines that [`Race::parse`] reads back.
    #[must_use]
    pub fn print(&self) -> Vec<String> {
        text::print(self)
    }

    /// Reads the lines that [`Race::print`] wrote.
    ///
    /// # Errors
    /// The first line that is none of those.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Race, text::Error> {
        text::parse(lines)
    }

    /// The race and its schedule as a Rust test that runs them.
    #[must_use]
    pub fn to_rust(&self, schedule: &[u8]) -> String {
        let mut test =
            "#[test]\nfn replayed() {\n    let race = properties::race::Race::parse([\n".to_owned();
        for line in self.print() {
            test.push_str(&format!("        {line:?},\n"));
        }
        test.push_str(&format!(
            "    ]).unwrap();\n    properties::race::assert_sound(&race, &{schedule:?});\n}}\n"
        ));
        test
    }

    /// Steps that can be left out: what shrinking counts.
    #[must_use]
    pub fn size(&self) -> usize {
        let branches = self.branches.iter().map(|branch| branch.calls.len()).sum::<usize>();
        let objects =
            self.objects.iter().map(|object| object.calls.len() + object.drops.len()).sum::<usize>();
        self.prefix.len() + branches + objects + self.outside.len()
    }

    /// Whether a moment of the race has a digest: an object is known there by its number, so no two of one number may differ. Those that the
    /// service alone holds are made anew for the job that they are registered on.
    #[must_use]
    pub fn has_digests(&self) -> bool {
        let brief = |step: &&Step| match &step.call {
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                let manner = self.objects.get(receiver.id.0 as usize);
                manner.is_some_and(|manner| manner.kept == Kept::Briefly)
            }
            _ => false,
        };
        let mut on = self.steps().filter(brief).map(|step| step.on);
        let first = on.next();
        on.all(|other| Some(other) == first)
    }

    /// Every call that the race may make.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let prefix = self.prefix.iter().filter_map(|act| match act {
            Act::Call(step) => Some(step),
            Act::Settle | Act::Pass => None,
        });
        let objects = self.objects.iter().flat_map(|object| object.calls.iter().chain(&object.drops));
        prefix.chain(self.branches.iter().flat_map(|branch| &branch.calls)).chain(objects)
    }

    /// Whose the k-th job is.
    pub(super) fn owner(&self, job: JobId) -> UserId {
        UserId(job.0 % self.users.max(1))
    }
}

impl Step {
    /// A call on a job.
    #[must_use]
    pub fn on(job: u32, call: Call) -> Step {
        Step { on: On::Job(JobId(job)), by: None, call }
    }
}

impl Leaves {
    pub(super) const fn hr(self) -> HResult {
        match self {
            Leaves::Ok | Leaves::Panic => HResult::S_OK,
            Leaves::Fail => HResult::E_FAIL,
            Leaves::False => HResult::S_FALSE,
        }
    }
}

/// The thread that makes the calls of the prefix.
pub(super) const PREPARES: ThreadId = ThreadId(0);

/// The thread of a branch.
pub(super) fn thread(branch: usize) -> ThreadId {
    ThreadId(branch as u32 + 1)
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::tell(self, f)
    }
}
