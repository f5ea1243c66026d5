//! The state of the protocol, packed: jobs with their delivery, clients with their call.
//!
//! A dispatcher has no name here. At most one delivery of a job is in a dispatcher's hands (clause 1), so a delivery stands with
//! its job, and a dispatcher is idle when fewer deliveries are in hand than there are dispatchers. That is the
//! symmetry of dispatchers, by construction.

use std::hash::{Hash, Hasher};

use contract::{Event, FileId, JobState, NotifyFlags};

/// Client threads at most.
pub(super) const CLIENTS: usize = 2;

bitflags::bitflags! {
    /// What else is known of a job.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
    pub(super) struct Marks: u8 {
        /// The event of the present stay in TRANSFERRED or ERROR is acknowledged in this epoch.
        const TOLD = 1;
        /// The minimum retry delay runs.
        const RETRYING = 2;
        /// The chain stands at the program (semantics e).
        const PROGRAM_NEXT = 4;
        /// A notification program is set.
        const HAS_PROGRAM = 8;
        /// A delivery of it failed and was dropped, by mistake.
        const DROPPED = 16;
        /// Like TOLD, but for an observer and not for the engine: it is set as soon as the callback has left. By it duties are judged,
        /// for an engine that forgets or invents an acknowledgement must not judge itself.
        const HEARD = 32;
    }
}

bitflags::bitflags! {
    /// What is known of a delivery.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
    pub(super) struct About: u8 {
        /// It is of the present registration epoch.
        const EPOCH = 1;
        /// It is about the present stay of the job in its state.
        const CAUSE = 2;
        /// It has called the engine, so it has provably entered (clause 4).
        const CALLED = 4;
    }
}

/// A client object. Both have every callback interface.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Object {
    /// The one that every job begins with.
    First,
    /// Another one.
    Second,
}

/// Where a delivery goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum To {
    Object(Object),
    Program,
}

/// Which call is ending a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Ending {
    Cancel,
    Complete,
}

/// How a callback or a program ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// With S_OK, or exit code 0.
    Acknowledges,
    /// With E_FAIL, or exit code 1.
    Fails,
}

/// How far a delivery has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Phase {
    /// There is none.
    #[default]
    None,
    /// A dispatcher has it.
    Claimed,
    /// It has passed the gate.
    Begun,
    /// The client's code runs; or the program's process exists and the dispatcher has yet to record it.
    Running,
    /// The client's code waits for a lock of this client.
    Blocked(u8),
    /// The client's code has left, and the dispatcher has yet to record it.
    Left(Outcome),
}

/// The delivery of a job that a dispatcher has in hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Delivery {
    pub(super) phase: Phase,
    pub(super) event: Event,
    pub(super) to: To,
    pub(super) file: u8,
    pub(super) about: About,
}

/// As of [`Open`].
impl Hash for Delivery {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let (phase, with) = match self.phase {
            Phase::None => (0, 0),
            Phase::Claimed => (1, 0),
            Phase::Begun => (2, 0),
            Phase::Running => (3, 0),
            Phase::Blocked(client) => (4, client),
            Phase::Left(outcome) => (5, outcome as u8),
        };
        let to = match self.to {
            To::Object(object) => object as u8,
            To::Program => u8::MAX,
        };
        let bytes = [phase, with, self.event as u8, to, self.file, self.about.bits(), 0, 0];
        hasher.write_u64(u64::from_le_bytes(bytes));
    }
}

impl Delivery {
    pub(super) const NONE: Delivery = Delivery {
        phase: Phase::None,
        event: Event::JobTransferred,
        to: To::Program,
        file: 0,
        about: About::empty(),
    };

    pub(super) fn is_in_hand(&self) -> bool {
        self.phase != Phase::None
    }

    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.phase, Phase::None | Phase::Claimed)
    }

    /// Whether the client's code is on the stack: what R9 counts.
    pub(super) fn is_inside(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Blocked(_)) && self.to != To::Program
    }

    /// What an observer sees of it.
    pub(super) fn seen(self) -> Delivery {
        Delivery { phase: Phase::None, about: About::empty(), ..self }
    }

    pub(super) fn file_id(&self) -> Option<FileId> {
        (self.event == Event::FileTransferred).then_some(FileId(self.file.into()))
    }
}

/// The notification program of a job that runs, if one does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Running {
    pub(super) event: Event,
    pub(super) about: About,
}

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Stage {
    /// There is none.
    #[default]
    None,
    /// It has been made and has not taken effect.
    Called,
    /// Like `Called`, of a callback that found the job finalising: it is known to have called.
    Busy,
    /// It does its disk work.
    Disk,
    /// It waits for the delivery that was begun at its effect.
    Waiting,
    /// That delivery is gone, and it waits still.
    WaitingOn,
    /// It may return.
    Returning,
}

/// What a call will answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(super) enum Answer {
    #[default]
    Ok,
    /// Complete of a job with files that are not whole.
    Partial,
    /// The job has ended.
    InvalidState,
    /// Resume in TRANSFERRED with nothing new.
    NothingNew,
    /// A rename failed.
    DiskFailed,
}

/// A call in flight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Open {
    pub(super) stage: Stage,
    /// The job it is made on.
    pub(super) on: u8,
    /// Which of the slice's calls.
    pub(super) ask: u8,
    pub(super) answer: Answer,
}

/// All of it as one number: states are hashed for every edge, and mixing one number is cheaper than mixing four.
impl Hash for Open {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u32(u32::from_le_bytes([self.stage as u8, self.on, self.ask, self.answer as u8]));
    }
}

impl Open {
    pub(super) fn is_open(&self) -> bool {
        self.stage != Stage::None
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::WaitingOn)
    }
}

/// The files of a job, two bits each: how many there are, how many are whole, and which of those are not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Files(u8);

impl Files {
    /// Files of a job at most.
    const MAX: u8 = 2;

    const ONE: Files = Files(1);

    fn count(self) -> u8 {
        self.0 & 3
    }

    /// How many are whole; also the number of the next one to transfer.
    pub(super) fn whole(self) -> u8 {
        self.0 >> 2 & 3
    }

    pub(super) fn are_whole(self) -> bool {
        self.whole() == self.count()
    }

    pub(super) fn are_full(self) -> bool {
        self.count() == Self::MAX
    }

    /// The first whole file whose FileTransferred is not acknowledged.
    pub(super) fn untold(self) -> Option<u8> {
        let untold = self.0 >> 4 & 3;
        (untold != 0).then(|| untold.trailing_zeros() as u8)
    }

    pub(super) fn add(&mut self) {
        if !self.are_full() {
            self.0 += 1;
        }
    }

    pub(super) fn arrive(&mut self) {
        self.0 |= 0x10 << self.whole();
        self.0 += 4;
    }

    pub(super) fn is_told(&mut self, file: u8) {
        self.0 &= !(0x10 << file);
    }
}

/// A job, the delivery of it in hand, and the call that this delivery's callback makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Job {
    pub(super) state: JobState,
    /// The notification flags; all that are used fit.
    mask: u8,
    pub(super) receiver: Option<Object>,
    pub(super) ending: Option<Ending>,
    pub(super) files: Files,
    pub(super) marks: Marks,
    pub(super) program: Option<Running>,
    pub(super) delivery: Delivery,
    pub(super) call: Open,
}

/// As of [`Open`].
impl Hash for Job {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        const NOTHING: u8 = u8::MAX;
        let receiver = self.receiver.map_or(NOTHING, |object| object as u8);
        let ending = self.ending.map_or(NOTHING, |ending| ending as u8);
        let (event, about) =
            self.program.map_or((NOTHING, 0), |program| (program.event as u8, program.about.bits()));
        let Files(files) = self.files;
        let bytes = [self.state as u8, self.mask, receiver, ending, files, self.marks.bits(), event, about];
        hasher.write_u64(u64::from_le_bytes(bytes));
        self.delivery.hash(hasher);
        self.call.hash(hasher);
    }
}

impl Job {
    /// A job that transfers its one file, and has its first object registered.
    pub(super) fn transferring() -> Job {
        Job {
            state: JobState::Transferring,
            mask: NotifyFlags::DEFAULT.bits() as u8,
            receiver: Some(Object::First),
            ending: None,
            files: Files::ONE,
            marks: Marks::empty(),
            program: None,
            delivery: Delivery::NONE,
            call: Open::default(),
        }
    }

    pub(super) fn mask(&self) -> NotifyFlags {
        NotifyFlags::from_bits_truncate(self.mask.into())
    }

    pub(super) fn set_mask(&mut self, mask: NotifyFlags) {
        self.mask = mask.bits() as u8;
    }

    pub(super) fn is_live(&self) -> bool {
        !self.state.is_final() && self.ending.is_none()
    }
}

/// The whole protocol state of `J` jobs: what the engine and its clients hold, without the rules' memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct World<const J: usize> {
    pub(super) jobs: [Job; J],
    pub(super) clients: [Open; CLIENTS],
    /// Calls that clients may still make.
    pub(super) calls: u8,
    /// Calls that callbacks may still make.
    pub(super) nested: u8,
}

impl<const J: usize> World<J> {
    /// The open call of a caller.
    pub(super) fn open(&self, who: Who) -> &Open {
        match who {
            Who::Client(client) => &self.clients[usize::from(client)],
            Who::Callback(job) => &self.jobs[usize::from(job)].call,
        }
    }

    pub(super) fn open_mut(&mut self, who: Who) -> &mut Open {
        match who {
            Who::Client(client) => &mut self.clients[usize::from(client)],
            Who::Callback(job) => &mut self.jobs[usize::from(job)].call,
        }
    }

    /// Every caller that may have a call open: clients first, then the callback of each job.
    pub(super) fn callers() -> impl Iterator<Item = Who> {
        (0..CLIENTS as u8).map(Who::Client).chain((0..J as u8).map(Who::Callback))
    }

    /// Every open call.
    pub(super) fn calls(&self) -> impl Iterator<Item = (Who, &Open)> {
        Self::callers().map(|who| (who, self.open(who))).filter(|(_, open)| open.is_open())
    }

    /// This world with the first two jobs exchanged.
    pub(super) fn exchanged(&self) -> World<J> {
        let mut world = *self;
        world.jobs.swap(0, 1);
        for who in Self::callers() {
            let open = world.open_mut(who);
            if open.is_open() {
                open.on ^= 1;
            }
        }
        world
    }
}

impl Outcome {
    /// What it does with the event.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Outcome::Acknowledges => "acknowledges",
            Outcome::Fails => "fails",
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Who::Client(client) => write!(f, "client {client}"),
            Who::Callback(job) => write!(f, "the callback of job {job}"),
        }
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Who {
    /// This client thread.
    Client(u8),
    /// The callback of this job.
    Callback(u8),
}
