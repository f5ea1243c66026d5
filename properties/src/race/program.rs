//! A race: what clients do before, what they do at the same time, and what their callbacks and the network do meanwhile.
//!
//! **What it is.** A prefix that one thread makes alone, then two or three branches that run in parallel. Transfers, renames and
//! programs have their outcomes fixed here; in which order everything happens is the schedule's, which is no part of it.
//!
//! **The law it keeps.** `Race::parse(&race.print()) == race`, and every race has a meaning: a call on a job that is not there is a
//! call, and is answered; outcomes that run out are good ones.

use std::fmt;

use contract::fault::Fault;
use contract::{Call, HResult, JobId, ThreadId, UserId};
use engine::service::Design;
use model::scope::Variant;

use super::text;

/// Jobs that have outcomes of their own; later ones have good ones.
pub const JOBS: usize = 3;

/// Objects that behave as a race says, under the ids from 0 on. Behind another id of a receiver there is nobody.
pub const OBJECTS: usize = 3;

/// Branches at most.
pub const BRANCHES: usize = 3;

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
    /// What one thread does before the race.
    pub prefix: Vec<Act>,
    /// What runs in parallel.
    pub branches: Vec<Branch>,
    /// How fetches, renames and removals of each job go.
    pub jobs: [Fate; JOBS],
    /// What the objects do when they are told something.
    pub objects: [Manner; OBJECTS],
    /// Exit codes of notification programs, in the order of their starts; then 0.
    pub exits: Vec<i32>,
}

/// A step of the prefix.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// A call.
    Call(Step),
    /// Everybody goes on until nobody can, and no time passes.
    Settle,
    /// Time passes up to the next deadline, and then everything settles.
    Pass,
}

/// A call on a job.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// On which job; none for CreateJob and its like.
    pub on: On,
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
}

/// How a fetch goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fetched {
    /// The file is whole, and nothing was said of its size.
    Done,
    /// The file is whole; its size and a part of it were reported on the way.
    Sized,
    /// It fails for now.
    Transient,
    /// It fails for good.
    Fatal,
}

/// What an object does when it is told something.
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
}

/// How long a callback stays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Stays {
    /// It comes back as soon as it may.
    #[default]
    Briefly,
    /// Until a job of another user has been told something: whoever keeps that user waiting is never released (R9).
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
            prefix: Vec::new(),
            branches: Vec::new(),
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
        let objects = self.objects.iter().map(|object| object.calls.len()).sum::<usize>();
        self.prefix.len() + branches + objects
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
        Step { on: On::Job(JobId(job)), call }
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
