//! Races from bytes: one input is a race and its schedule.
//!
//! **What it is.** The race is read from the front, a byte or two for each thing in it; every count stands before what it counts, so
//! the race ends by itself. What is left is the schedule, read from the back. So a byte that is put into the one seldom
//! changes the other.
//!
//! **The law it keeps.** Every sequence of bytes is a race and a schedule. Bytes that are missing are zero: the empty input is the
//! smallest race, and the empty schedule the one without a forced switch.
//!
//! What is seldom stands behind all else, so that a race without any of it keeps its bytes.
//!
//! Races are mostly of one shape, because most of what can go wrong has it: a job that is about to finish, an object that is about to
//! be called, and clients that cancel, complete, mask or register meanwhile.

use std::borrow::Cow;

use contract::{Call, FileNames, Interfaces, JobId, Receiver, ReceiverId, UserId};

use super::program::{
    Act, BRANCHES, Branch, Destination, Exit, Fate, Fetched, JOBS, Kept, Leaves, Lock, Manner, On, Outside,
    Race, Stays, Step, Wakes,
};
use super::strategy::Tape;
use crate::program;
use crate::random::split_mix;

/// Bytes the race of a seed is made of.
pub const BYTES: usize = 48;

/// The race and the schedule that these bytes mean.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> (Race, Tape) {
    let mut reader = Reader { bytes, read: 0 };
    let race = race(&mut reader);
    let rest = bytes.get(reader.read..).unwrap_or_default();
    (race, Tape::new(rest.iter().rev().copied().collect()))
}

/// The race of a seed.
#[must_use]
pub fn race_of(seed: u64) -> Race {
    from_bytes(&bytes_of(seed)).0
}

/// The bytes of the race of a seed, without a schedule.
#[must_use]
pub fn bytes_of(seed: u64) -> [u8; BYTES] {
    let mut state = seed ^ 0x7261_6365;
    std::array::from_fn(|at| (split_mix(&mut state) >> (at % 8)) as u8)
}

struct Reader<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.read).copied().unwrap_or(0);
        self.read += 1;
        byte
    }
}

/// What the first bytes mean.
struct Shape {
    jobs: u32,
    /// Files of each job, less one.
    second_file: u8,
    mask: u32,
    start: Start,
}

/// Where the race starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// The jobs have been resumed, and nothing has run.
    Resumed,
    /// A client has yet to resume them.
    Suspended,
    /// They are done and no callback was made, because there is no object.
    Untold,
    /// They are done and their objects have been called once.
    Told,
}

/// The masks clients set first: usual, files, everything.
const MASKS: [u32; 4] = [0x03, 0x13, 0x1B, 0x0B];

fn race(bytes: &mut Reader<'_>) -> Race {
    let mut race = Race::empty(program::variant(bytes.byte()));
    let (first, second) = (bytes.byte(), bytes.byte());
    race.slots = if first & 0x03 == 3 { 1 } else { 4 };
    race.dispatchers = [2, 3, 1, 4][usize::from(first >> 2 & 3)];
    let jobs = if first & 0x30 == 0 { 1 } else { 2 };
    race.users = if first & 0xC0 == 0xC0 { jobs } else { 1 };
    if race.users > 1 {
        // Two users, a slot each: with fewer dispatchers than slots one would wait for the other by construction (R9).
        (race.slots, race.dispatchers) = (1, 3);
    }
    let start = match second & 7 {
        0..=3 => Start::Resumed,
        4 => Start::Suspended,
        5 => Start::Untold,
        _ => Start::Told,
    };
    let mask = MASKS[usize::from(second >> 3 & 3)];
    let shape = Shape { jobs, second_file: second >> 5, mask, start };
    (0..jobs as usize).for_each(|job| race.jobs[job] = fate(bytes));
    (0..jobs as usize).for_each(|object| race.objects[object] = manner(bytes, jobs, race.users));
    race.exits = if second & 0x80 == 0 { Vec::new() } else { vec![Exit::Code(1)] };
    race.branches = branches(bytes, &shape);
    race.prefix = prefix(&shape);
    seldom(bytes, &shape, &mut race);
    race
}

/// What one race in a few has. Each takes its bytes only where it is there.
fn seldom(bytes: &mut Reader<'_>, shape: &Shape, race: &mut Race) {
    let which = u32::from(bytes.byte()) | u32::from(bytes.byte()) << 8 | u32::from(bytes.byte()) << 16;
    // Two bits each: there in a quarter of all races.
    let mut there = (0..12).map(|feature| which >> (2 * feature) & 3 == 3);
    let mut is_there = || there.next().unwrap_or(false);
    race.wakes = [Wakes::First, Wakes::First, Wakes::Last, Wakes::Any][(which & 3) as usize];
    let _ = is_there();
    if is_there() {
        race.spurious = 1 + u32::from(bytes.byte() & 1);
    }
    if is_there() {
        more_branches(bytes, shape, race);
    }
    if is_there() {
        race.outside = outside(bytes, race.users);
    }
    if is_there() {
        a_strangers_call(bytes, race);
    }
    if is_there() {
        fewer_interfaces(bytes, race);
    }
    if is_there() {
        dropped_object(bytes, shape, race);
    }
    if is_there() {
        let fetched = [Fetched::Silent, Fetched::Panic, Fetched::Restarted, Fetched::Sized];
        race.jobs[0].fetches.insert(0, fetched[usize::from(bytes.byte() & 3)]);
    }
    if is_there() {
        program_not_started(bytes, race);
    }
    if is_there() {
        race.jobs[0].destination = Destination::Foreign;
    }
    if is_there() {
        race.objects[0].leaves = Leaves::Panic;
        race.objects[0].times = 1;
    }
    if is_there() {
        refused_object(bytes, race);
    }
}

fn more_branches(bytes: &mut Reader<'_>, shape: &Shape, race: &mut Race) {
    for _ in 0..1 + (bytes.byte() & 1) {
        if race.branches.len() < BRANCHES {
            let calls = vec![step(bytes, shape)];
            race.branches.push(Branch { lock: Lock::None, calls });
        }
    }
}

/// The network goes and comes back, comes back without having gone, or a user logs off.
fn outside(bytes: &mut Reader<'_>, users: u32) -> Vec<Outside> {
    let byte = bytes.byte();
    let logoff = Outside::Logoff(UserId(u32::from(byte >> 4) % (users + 1)));
    match byte & 3 {
        0 => vec![Outside::NetworkLost, Outside::NetworkBack],
        1 => vec![Outside::NetworkBack],
        2 => vec![logoff],
        _ => vec![logoff, Outside::NetworkLost, Outside::NetworkBack],
    }
}

/// One of the calls is made by a user whose job it is not.
fn a_strangers_call(bytes: &mut Reader<'_>, race: &mut Race) {
    let byte = usize::from(bytes.byte());
    let stranger = UserId(race.users.max(2) - 1 + (byte as u32 >> 7));
    let branches = race.branches.len().max(1);
    let branch = race.branches.get_mut(byte % branches);
    if let Some(step) = branch.and_then(|branch| branch.calls.last_mut()) {
        step.by = Some(stranger);
    }
}

/// The objects that are registered first have one interface, or all.
fn fewer_interfaces(bytes: &mut Reader<'_>, race: &mut Race) {
    let interfaces = if bytes.byte() & 3 == 3 { Interfaces::all() } else { Interfaces::CALLBACK };
    for act in &mut race.prefix {
        if let Act::Call(Step { call: Call::SetNotifyInterface { receiver: Some(receiver) }, .. }) = act {
            receiver.interfaces = interfaces;
        }
    }
}

/// The first object is dropped by the service, because the client does not keep it; its destructor calls the engine. A client replaces
/// it, so that it is dropped in the race.
fn dropped_object(bytes: &mut Reader<'_>, shape: &Shape, race: &mut Race) {
    race.objects[0].kept = Kept::Briefly;
    if bytes.byte() & 3 != 0 {
        race.objects[0].drops = vec![nested(bytes, shape.jobs)];
    }
    let receiver = if bytes.byte() & 1 == 0 { None } else { Some(object(1)) };
    if let Some(branch) = race.branches.last_mut() {
        branch.calls.push(Step::on(0, Call::SetNotifyInterface { receiver }));
    }
}

/// The job has a program, which cannot be started once or twice.
fn program_not_started(bytes: &mut Reader<'_>, race: &mut Race) {
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: Some("p".into()) };
    let at = race.prefix.iter().position(|act| matches!(act, Act::Call(Step { on: On::Job(_), .. })));
    race.prefix.insert(at.map_or(race.prefix.len(), |at| at + 1), Act::Call(Step::on(0, program)));
    race.exits = vec![Exit::NotStarted; 1 + usize::from(bytes.byte() & 1)];
    race.objects[0].leaves = Leaves::Fail;
}

/// A client registers an object that has not the interface that is needed, or masks bits that do not exist: what was there stays.
fn refused_object(bytes: &mut Reader<'_>, race: &mut Race) {
    let byte = bytes.byte();
    let interfaces = if byte & 4 == 0 { Interfaces::CALLBACK2 } else { Interfaces::empty() };
    let refused = match byte & 3 {
        0 => Call::SetNotifyFlags { flags: 0x100 },
        _ => Call::SetNotifyInterface { receiver: Some(Receiver { interfaces, ..object(2) }) },
    };
    let branches = race.branches.len().max(1);
    if let Some(branch) = race.branches.get_mut(usize::from(byte >> 3) % branches) {
        branch.calls.insert(0, Step::on(0, refused));
    }
}

fn prefix(shape: &Shape) -> Vec<Act> {
    let mut prefix = Vec::new();
    for job in 0..shape.jobs {
        prefix.push(Act::Call(Step { on: On::Nothing, by: None, call: create() }));
        let mut call = |call| prefix.push(Act::Call(Step::on(job, call)));
        call(Call::AddFile { file: file(0) });
        if shape.second_file & 3 == 3 {
            call(Call::AddFile { file: file(1) });
        }
        call(Call::SetNotifyFlags { flags: shape.mask });
        if shape.start != Start::Untold {
            call(Call::SetNotifyInterface { receiver: Some(object(job)) });
        }
        if shape.start != Start::Suspended {
            call(Call::Resume);
        }
    }
    if matches!(shape.start, Start::Untold | Start::Told) {
        prefix.push(Act::Settle);
    }
    prefix
}

fn fate(bytes: &mut Reader<'_>) -> Fate {
    let byte = bytes.byte();
    let fetches = match byte & 7 {
        0..=2 => Vec::new(),
        3 | 4 => vec![Fetched::Fatal],
        5 => vec![Fetched::Transient],
        6 => vec![Fetched::Sized],
        _ => vec![Fetched::Sized, Fetched::Fatal],
    };
    let renames_fail = u32::from(byte & 0x38 == 0x38);
    let removals_fail = u32::from(byte & 0xC0 == 0xC0);
    Fate { fetches, renames_fail, removals_fail, destination: Destination::Absent }
}

fn manner(bytes: &mut Reader<'_>, jobs: u32, users: u32) -> Manner {
    let byte = bytes.byte();
    let leaves = match byte & 7 {
        0..=3 => Leaves::Ok,
        4 | 5 => Leaves::Fail,
        6 => Leaves::Panic,
        _ => Leaves::False,
    };
    let calls = [0, 0, 1, 2][usize::from(byte >> 3 & 3)];
    let takes = (byte & 0xC0 == 0xC0).then_some(1);
    let calls = (0..calls).map(|_| nested(bytes, jobs)).collect();
    let stays = users > 1 && byte & 0xC0 == 0x80;
    let stays = if stays { Stays::UntilAnotherIsTold } else { Stays::Briefly };
    Manner { takes, stays, calls, leaves, times: 1 + u32::from(byte >> 5 & 1), ..Manner::default() }
}

/// A call inside a callback: the ones that wait, mostly on its own job.
fn nested(bytes: &mut Reader<'_>, jobs: u32) -> Step {
    let byte = bytes.byte();
    let on = match byte >> 5 & 3 {
        0 => On::Own,
        at => On::Job(JobId(u32::from(at) % jobs)),
    };
    made_on(on, call(byte & 0x1F, bytes))
}

/// CreateJob is called on no job.
fn made_on(on: On, call: Call) -> Step {
    let on = if matches!(call, Call::CreateJob { .. }) { On::Nothing } else { on };
    Step { on, by: None, call }
}

fn branches(bytes: &mut Reader<'_>, shape: &Shape) -> Vec<Branch> {
    let counts = bytes.byte();
    let branches = if counts & 3 == 3 { 3 } else { 2 };
    let count = |branch: u32| 1 + usize::from(counts >> (2 + branch) & 1);
    let lock = |branch: u32| if branch == 0 && counts & 0xC0 == 0xC0 { Lock::Held } else { Lock::None };
    let mut made: Vec<Branch> = Vec::with_capacity(branches as usize);
    for branch in 0..branches {
        let calls = (0..count(branch)).map(|_| step(bytes, shape)).collect();
        made.push(Branch { lock: lock(branch), calls });
    }
    if shape.start == Start::Suspended {
        let resumes = (0..shape.jobs).map(|job| Step::on(job, Call::Resume));
        made[0].calls.splice(0..0, resumes);
    }
    made
}

/// A call of a client: mostly on the first job.
fn step(bytes: &mut Reader<'_>, shape: &Shape) -> Step {
    let byte = bytes.byte();
    let call = call(byte & 0x1F, bytes);
    let on = match byte >> 5 {
        0..=4 => On::Job(JobId(0)),
        5 | 6 => On::Job(JobId(shape.jobs - 1)),
        // A job that is not there.
        _ => On::Job(JobId(JOBS as u32)),
    };
    made_on(on, call)
}

fn call(choice: u8, bytes: &mut Reader<'_>) -> Call {
    match choice {
        0..=6 => Call::Cancel,
        7..=9 => Call::Complete,
        10..=12 => Call::SetNotifyFlags { flags: 0 },
        13 => Call::SetNotifyFlags { flags: u32::from(bytes.byte() & 0x1F) },
        14..=16 => Call::SetNotifyInterface { receiver: None },
        17 | 18 => Call::SetNotifyInterface { receiver: Some(object(u32::from(choice & 1))) },
        19..=21 => Call::Resume,
        22 => Call::Suspend,
        23 => Call::AddFile { file: file(2) },
        24 => Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: Some("p".into()) },
        25 => Call::SetNotifyCmdLine { program: None, parameters: None },
        26 => Call::GetState,
        27 => Call::GetNotifyFlags,
        28 => Call::GetNotifyInterface,
        29 => Call::GetProgress,
        30 => create(),
        _ => any_call(bytes.byte()),
    }
}

fn any_call(byte: u8) -> Call {
    match byte & 15 {
        0 => Call::GetJob,
        1 => Call::GetError,
        2 => Call::SetPriority { priority: u32::from(byte >> 4) % 5 },
        3 => Call::SetDescription { description: Some("text".into()) },
        4 => Call::SetMinimumRetryDelay { seconds: 5 },
        5 => Call::SetNoProgressTimeout { seconds: 0 },
        6 => Call::GetErrorCount,
        7 => Call::EnumFiles,
        8 => Call::GetTimes,
        9 => Call::SetNotifyFlags { flags: 4 },
        10 => Call::AddFileSet { files: vec![file(3)] },
        11 => Call::GetNotifyCmdLine,
        12 => Call::SetDisplayName { name: Some("text".into()) },
        _ => Call::GetState,
    }
}

fn create() -> Call {
    Call::CreateJob { name: Some(Cow::Borrowed("job")), kind: 0 }
}

/// Nothing is written anywhere.
fn file(number: usize) -> FileNames {
    const LOCALS: [&str; 4] =
        if cfg!(windows) { ["C:\\0", "C:\\1", "C:\\2", "C:\\3"] } else { ["/0", "/1", "/2", "/3"] };
    const REMOTES: [&str; 4] = ["http://h/0", "http://h/1", "http://h/2", "http://h/3"];
    FileNames { remote: REMOTES[number % 4].into(), local: LOCALS[number % 4].into() }
}

fn object(number: u32) -> Receiver {
    Receiver { id: ReceiverId(number), interfaces: Interfaces::CALLBACK.union(Interfaces::CALLBACK2) }
}
