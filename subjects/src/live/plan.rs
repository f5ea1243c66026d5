//! What a run attempts: each job's owner, files, registration and ending, drawn from the run's seed and the job's number.

use contract::{NotifyFlags, Priority, UserId};

use super::Canary;
use super::callbacks::{CROWD, OBJECTS};
use super::client::Orders;
use crate::random::Rng;
use crate::server::{Change, Fault, Garbage, Redirect, Seed, StallAt};

/// What one job is to be, and how its client ends it.
#[derive(Clone, Debug)]
pub(super) struct JobPlan {
    pub(super) index: u32,
    pub(super) owner: UserId,
    pub(super) priority: Priority,
    pub(super) mask: NotifyFlags,
    /// Which of the callback objects is registered first.
    pub(super) object: Option<usize>,
    /// Whether the client keeps the object itself.
    pub(super) keeps: Keeps,
    pub(super) program: Option<Program>,
    pub(super) files: Vec<FilePlan>,
    pub(super) retry_delay_s: Option<u32>,
    pub(super) no_progress_s: Option<u32>,
    pub(super) ending: Ending,
    pub(super) role: Role,
}

/// One file of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilePlan {
    pub(super) fault: Fault,
    pub(super) size: u64,
    /// Different for every file of a run, because the server counts requests by URL.
    pub(super) seed: Seed,
    pub(super) before: Before,
}

/// What stands at the destination before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    Nothing,
    /// A file of another program, which Complete replaces and nothing else touches.
    Foreign,
    /// A directory, so that the rename fails.
    Directory,
    /// Not even its directory.
    NoDirectory,
}

/// A notification program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Program {
    /// Exits with 0.
    Succeeds,
    /// Exits with something else.
    Fails,
    /// Is not there.
    Missing,
}

/// How the client that made a job goes on with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Cancels right after Resume.
    CancelAtOnce,
    /// Cancels when it has seen the transfer run.
    CancelRunning,
    /// Cancels when the job is TRANSFERRED or in ERROR, racing its callback.
    CancelSettled,
    /// Completes while files are missing.
    CompleteEarly,
    /// Completes when the job is TRANSFERRED, racing its callback.
    Complete,
    /// Masks everything when the job is settled, then lets events through again, then completes.
    Mask,
    /// Takes the registration away when the job is settled, registers anew, then completes.
    Unregister,
    /// Registers its object again and again.
    Reregister,
    /// Suspends and resumes while the job runs, then completes.
    SuspendResume,
    /// Gives a file in error another URL and resumes, then completes.
    Repair,
    /// Leaves it to the callbacks, for so long.
    Callbacks,
    /// Leaves it alone.
    Leave,
    /// Lets go of every handle at once, also while callbacks run.
    LetGo,
}

/// Whether a client keeps its object, or leaves the only hold on it to the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keeps {
    Yes,
    No,
}

/// Whether the job is an ordinary one, of the crowd, or one that the canary treats badly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Ordinary,
    /// Its callback takes a slot until a callback of another user runs.
    Crowd,
    /// Its object receives an event after its Cancel.
    ToldAfterCancel,
    /// Its object receives what its mask masks.
    ToldMasked,
}

/// Between the canary's jobs and the many.
const CROWD_JOBS: std::ops::Range<u32> = 3..3 + judge::CALLBACK_SLOTS;

const ENDINGS: [(u64, Ending); 13] = [
    (2, Ending::CancelAtOnce),
    (3, Ending::CancelRunning),
    (3, Ending::CancelSettled),
    (2, Ending::CompleteEarly),
    (6, Ending::Complete),
    (3, Ending::Mask),
    (3, Ending::Unregister),
    (2, Ending::Reregister),
    (2, Ending::SuspendResume),
    (3, Ending::Repair),
    (3, Ending::Callbacks),
    (2, Ending::Leave),
    (2, Ending::LetGo),
];

const PRIORITIES: [(u64, Priority); 4] =
    [(5, Priority::Foreground), (2, Priority::High), (3, Priority::Normal), (1, Priority::Low)];

impl JobPlan {
    /// The plan of the job with this number.
    pub(super) fn draw(orders: Orders, index: u32) -> JobPlan {
        let mut rng = Rng::new(orders.seed, u64::from(index));
        // The last user is the crowd, unless it is the only one.
        let users = u64::from(orders.users.saturating_sub(1).max(1));
        let mask = *rng.pick(&masks()).unwrap_or(&NotifyFlags::DEFAULT);
        let plan = JobPlan {
            index,
            owner: UserId(rng.below(users) as u32),
            priority: rng.weighted(&PRIORITIES),
            mask,
            object: (!rng.once_in(12)).then(|| rng.below(OBJECTS as u64) as usize),
            keeps: if rng.once_in(6) { Keeps::No } else { Keeps::Yes },
            program: rng
                .once_in(5)
                .then(|| rng.weighted(&[(3, Program::Succeeds), (2, Program::Fails), (1, Program::Missing)])),
            files: draw_files(&mut rng, index),
            // The least there is, most of the time: 5 s pass in 5 ms.
            retry_delay_s: (!rng.once_in(6)).then_some(5),
            no_progress_s: rng.weighted(&[(3, None), (2, Some(60)), (2, Some(20)), (1, Some(0))]),
            ending: rng.weighted(&ENDINGS),
            role: Role::Ordinary,
        };
        plan.for_crowd(orders.users).for_canary(orders.canary)
    }

    /// As many jobs as a user has slots belong to the crowd: small, whole and soon there.
    fn for_crowd(mut self, users: u32) -> JobPlan {
        if !CROWD_JOBS.contains(&self.index) || users < 2 {
            return self;
        }
        self.make_quiet();
        (self.owner, self.object, self.role) = (UserId(users - 1), Some(CROWD), Role::Crowd);
        self.keeps = Keeps::Yes;
        // No client races them, so that nothing keeps their callbacks from coming together.
        (self.priority, self.mask, self.ending) = (Priority::Foreground, NotifyFlags::DEFAULT, Ending::Leave);
        self
    }

    fn make_quiet(&mut self) {
        self.files.truncate(1);
        for file in &mut self.files {
            (file.fault, file.before, file.size) = (Fault::Ok, Before::Nothing, file.size.min(1000));
        }
        self.program = None;
    }

    /// Two of a canary's jobs are quiet ones with one good file, so that what is wrong with them is known.
    fn for_canary(mut self, canary: Canary) -> JobPlan {
        self.role = match (canary, self.index) {
            (Canary::On, 1) => Role::ToldAfterCancel,
            (Canary::On, 2) => Role::ToldMasked,
            _ => return self,
        };
        self.make_quiet();
        // No other ending than the canary's: a job that is let go early is never ended by it.
        (self.object, self.keeps, self.ending) = (Some(0), Keeps::Yes, Ending::Leave);
        self
    }
}

fn masks() -> [NotifyFlags; 6] {
    let all = NotifyFlags::DEFAULT | NotifyFlags::JOB_MODIFICATION | NotifyFlags::FILE_TRANSFERRED;
    let files = NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED;
    [NotifyFlags::DEFAULT, all, files, all, NotifyFlags::JOB_ERROR, files]
}

fn draw_files(rng: &mut Rng, index: u32) -> Vec<FilePlan> {
    let count = rng.weighted(&[(1, 1), (3, 2), (3, 3), (1, 5)]);
    // One bad file is enough to keep a job from TRANSFERRED, so some jobs have none.
    let good = rng.once_in(3);
    (0..count)
        .map(|file| FilePlan {
            fault: if good { Fault::Ok } else { draw_fault(rng) },
            size: draw_size(rng) + if good && file == 0 && index % 16 == 7 { LARGE } else { 0 },
            seed: Seed(u64::from(index) << 8 | file),
            before: rng.weighted(&[
                (60, Before::Nothing),
                (9, Before::Foreign),
                (2, Before::Directory),
                (1, Before::NoDirectory),
            ]),
        })
        .collect()
}

/// What some files have besides: with less, a transfer hands nothing to the disk before its end.
const LARGE: u64 = 9 << 20;

fn draw_size(rng: &mut Rng) -> u64 {
    let (least, span) =
        rng.weighted(&[(1, (0, 1)), (2, (1, 100)), (6, (1000, 20_000)), (3, (60_000, 300_000))]);
    least + rng.below(span)
}

fn draw_fault(rng: &mut Rng) -> Fault {
    let times = 1 + rng.below(3) as u32;
    let at = *rng.pick(StallAt::ALL).unwrap_or(&StallAt::Half);
    let how = *rng.pick(Change::ALL).unwrap_or(&Change::ETag);
    rng.weighted(&[
        (14, Fault::Ok),
        (2, Fault::Status(404)),
        (1, Fault::Status(403)),
        (1, Fault::Status(503)),
        (4, Fault::StatusFirst { status: 503, times }),
        (2, Fault::Stall { at, times: 1 }),
        (2, Fault::Hangup { times }),
        (4, Fault::Cut { times }),
        (1, Fault::PromisesMore),
        (1, Fault::PromisesLess),
        (2, Fault::NoRanges { cuts: 1 }),
        (2, Fault::Drip { bytes_per_second: 400_000 }),
        (1, Fault::Redirect(Redirect::Chain(3))),
        (1, Fault::Redirect(Redirect::Loop)),
        (1, Fault::Redirect(Redirect::LocalFile)),
        (2, Fault::Changed { how, cuts: 1 }),
        (2, Fault::Chunked { cuts: 1 }),
        (1, Fault::CloseDelimited),
        (1, Fault::Garbage(Garbage::StatusLine)),
    ])
}
