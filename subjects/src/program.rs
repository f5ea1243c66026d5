//! A program: what the clients, the network, the disk and the clock do in one run.
//!
//! **What it is.** A dialect and a list of [`Stimulus`]. It comes out of a fuzzer's bytes, a seed, a proptest strategy or a trace, and
//! it prints as a program: a failure is read as one, never as bytes.
//!
//! **The law it keeps.** Every sequence of bytes is a program, and every stimulus has a meaning in every situation:
//! one that makes no sense now does nothing, jobs that do not exist are "not found".

use std::fmt;

use contract::call::{Fetched, Whose};
use contract::core::{Config, Failure, Jobs, TransferEvent};
use contract::dialect::Switch;
use contract::event::Leave;
use contract::{
    Call, Dialect, ErrorContext, FileId, FileNames, HResult, Interfaces, JobId, Profile, Receiver,
    ReceiverId, Text, ThreadId, UserId,
};
use model::drive::{DiskResult, From, Late, Stimulus};
use model::scope::{ScopeName, Users, Variant, slice};

use crate::tape;

/// Jobs a program is about; a later CreateJob does nothing.
pub const JOBS: usize = 3;

/// Stimuli of a program at most; bytes beyond are ignored.
pub const STEPS: usize = 256;

/// A dialect, and what happens.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// The dialect and its switches.
    pub variant: Variant,
    /// Callbacks of one user at once.
    pub callback_slots: u32,
    /// Whose the jobs are.
    pub users: Users,
    /// The slice of the checker whose delays the core is built with, which are shorter; empty for the usual ones.
    pub slice: &'static str,
    /// What happens, in order.
    pub steps: Vec<Stimulus>,
}

impl Program {
    /// The program that these bytes mean.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Program {
        let (mut program, steps) = Program::read(bytes);
        program.steps.extend(steps);
        program
    }

    /// The program without its steps, and the steps, read one by one: who only runs them needs no list.
    pub fn read(bytes: &[u8]) -> (Program, impl Iterator<Item = Stimulus>) {
        let mut bytes = bytes.iter();
        let head = byte(&mut bytes);
        let program = Program {
            variant: variant(head),
            callback_slots: if head & 0x80 == 0 { 4 } else { 1 },
            users: if head & TWO_USERS == 0 { Users::One } else { Users::Two },
            slice: "",
            steps: Vec::new(),
        };
        let mut first = if head & 0x40 == 0 { RUNNING_JOB.iter() } else { [].iter() };
        let steps = std::iter::from_fn(move || {
            let next = if first.len() > 0 { &mut first } else { &mut bytes };
            (next.len() > 0).then(|| stimulus(next, head))
        });
        (program, steps.take(STEPS))
    }

    /// This program, with what is done to the first job done to the second one as well: what two jobs share is tried in
    /// equal states of both.
    #[must_use]
    pub fn in_step(self) -> Program {
        let twice = |step: Stimulus| {
            let again = of_the_second(&step);
            std::iter::once(step).chain(again)
        };
        let steps = self.steps.into_iter().flat_map(twice).take(STEPS).collect();
        Program { steps, ..self }
    }

    /// What the core is built with: files are few, so that the specification can hold them all.
    #[must_use]
    pub fn config(&self) -> Config {
        if let Some(slice) = slice(self.slice, &self.variant.profile) {
            return slice.config(&self.variant.profile);
        }
        let profile = Profile { files_per_job: model::spec::MAX_FILES as u32, ..self.variant.profile };
        Config { callback_slots: self.callback_slots, jobs: self.jobs(), ..Config::of(&profile) }
    }

    /// What a core does for many jobs is tried, too, in two programs of sixteen, of both dialects: it costs time. Which these are follows from what stands in the
    /// header of a trace, so a trace repeats it.
    fn jobs(&self) -> Jobs {
        match self.callback_slots {
            1 if matches!(self.variant.turned, "retry_transferred off" | "disable_masks off") => Jobs::Many,
            _ => Jobs::Few,
        }
    }

    /// The program as a Rust test that runs it.
    #[must_use]
    pub fn to_rust(&self) -> String {
        let program = self.to_expression("    ");
        format!(
            "#[test]\nfn replayed() {{\n    let program = {program};\n    properties::run::assert_sound(&program);\n}}\n"
        )
    }

    /// The program as a Rust expression, its further lines indented.
    #[must_use]
    pub fn to_expression(&self, indent: &str) -> String {
        let Program { variant, callback_slots, users, slice, steps } = self;
        let dialect = variant.profile.dialect.to_string();
        let mut text = format!("properties::program::Program::script(\n{indent}    {dialect:?},\n");
        text +=
            &format!("{indent}    {:?},\n{indent}    {callback_slots},\n{indent}    &[\n", variant.turned);
        for step in steps {
            text += &format!("{indent}        {:?},\n", tape::print(step));
        }
        text += &format!("{indent}    ],\n{indent})\n{indent}.unwrap()");
        if *users == Users::Two && slice.is_empty() {
            text += &format!("\n{indent}.of_two_users()");
        }
        if slice.is_empty() { text } else { format!("{text}\n{indent}.in_slice({slice:?})") }
    }

    /// These steps, with every second job the second user's.
    #[must_use]
    pub fn of_two_users(self) -> Program {
        Program { users: Users::Two, ..self }
    }

    /// These steps with the delays of a slice of the checker; the usual ones when there is no slice of this name.
    #[must_use]
    pub fn in_slice(self, name: &str) -> Program {
        let named = slice(name, &self.variant.profile);
        let users = named.as_ref().map_or(self.users, |slice| slice.users);
        Program { slice: named.map_or("", |slice| slice.name), users, ..self }
    }

    /// A program from the lines of a script, as [`Program::to_rust`] writes them.
    ///
    /// # Errors
    /// A line that is not a stimulus, an unknown dialect, or an unknown switch.
    pub fn script(dialect: &str, turned: &str, slots: u32, lines: &[&str]) -> Result<Program, tape::Error> {
        let dialect: Dialect = dialect.parse().map_err(|_| tape::Error::new(dialect))?;
        let variants = model::scope::variants(dialect, ScopeName::Wide);
        let variant = variants.into_iter().find(|variant| variant.turned == turned);
        let variant = variant.ok_or_else(|| tape::Error::new(turned))?;
        let steps = lines.iter().map(|line| tape::parse(line)).collect::<Result<_, _>>()?;
        Ok(Program { variant, callback_slots: slots, users: Users::One, slice: "", steps })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program { variant, callback_slots, users, slice, steps } = self;
        let users = if *users == Users::Two { ", two users" } else { "" };
        let slice =
            if slice.is_empty() { String::new() } else { format!(", with the delays of slice {slice}") };
        let turned = if variant.turned.is_empty() { "" } else { ", " };
        writeln!(
            f,
            "dialect {}{turned}{}, callback slots {callback_slots}{users}{slice}",
            variant.profile.dialect, variant.turned
        )?;
        for (number, step) in steps.iter().enumerate() {
            writeln!(f, "{:>4}  {}", number + 1, tape::describe(step))?;
        }
        Ok(())
    }
}

/// The dialects and switches a program may run in.
pub(crate) fn variant(head: u8) -> Variant {
    let plain = |dialect: Dialect| Variant { profile: *dialect.profile(), turned: "" };
    let delivery_optimization = plain(Dialect::Do);
    match head & 7 {
        0..=2 => plain(Dialect::Bits),
        3 | 4 => delivery_optimization,
        5 => Variant {
            profile: Profile { disable_masks: Switch::Off, ..delivery_optimization.profile },
            turned: "disable_masks off",
        },
        6 => Variant {
            profile: Profile { late_replay: Switch::Off, ..*Dialect::Bits.profile() },
            turned: "late_replay off",
        },
        _ => Variant {
            profile: Profile { retry_transferred: Switch::Off, ..*Dialect::Bits.profile() },
            turned: "retry_transferred off",
        },
    }
}

/// A job that is on its way with every event enabled, as the bytes that mean it: CreateJob, SetNotifyInterface, SetNotifyFlags,
/// AddFile, Resume, its turn, and the connection. Most of what can go wrong starts here.
const RUNNING_JOB: [u8; 7] = [0, 16, 19, 3, 6, 20, 26];

/// One stimulus: a byte that chooses, then its operands. The common path (a job that is made, filled, resumed, fetched
/// and reported) takes one byte a step, so that short inputs go far.
#[expect(
    clippy::manual_range_patterns,
    reason = "single values become a jump table, and ranges a chain of comparisons"
)]
fn stimulus(bytes: &mut Bytes<'_>, head: u8) -> Stimulus {
    let choice = byte(bytes);
    // Two bits name the job; programs are mostly about the first.
    let job = JobId(u32::from(choice >> 6) % JOBS as u32);
    match choice & 0x3F {
        0 | 1 | 2 => client(None, Call::CreateJob { name: Some(Text::Borrowed("job")), kind: 0 }),
        3 | 4 | 5 => client(Some(job), Call::AddFile { file: GOOD_FILE }),
        6 | 7 | 8 => client(Some(job), Call::Resume),
        9 => client(Some(job), Call::Suspend),
        10 | 11 | 12 => client(Some(job), Call::Cancel),
        13 | 14 | 15 => client(Some(job), Call::Complete),
        16 | 17 | 18 => client(Some(job), Call::SetNotifyInterface { receiver: Some(OBJECTS[0]) }),
        19 => client(Some(job), Call::SetNotifyFlags { flags: 0x1B }),
        20 | 21 | 22 => Stimulus::Turn,
        23 | 24 | 25 => Stimulus::Transfer { job, event: TransferEvent::FileDone },
        26 => Stimulus::Transfer { job, event: TransferEvent::Connected },
        27 => Stimulus::Transfer { job, event: transfer_event(bytes) },
        28 => failed(job, Failure::Fatal),
        29 => failed(job, Failure::Transient),
        30 | 31 | 32 | 33 => Stimulus::Begin(job),
        34 | 35 | 36 | 37 => Stimulus::Enter(job),
        38 | 39 | 40 => Stimulus::Leave { job, leave: Leave::Returned(HResult::S_OK) },
        41 => Stimulus::Leave { job, leave: Leave::Returned(HResult::E_FAIL) },
        42 => Stimulus::Leave { job, leave: leave(bytes) },
        43 => Stimulus::Exit { job, code: i32::from(byte(bytes) & 1) },
        44 | 45 | 46 => Stimulus::Timeout,
        47 if head & TWO_USERS == 0 => Stimulus::Logoff(USER),
        47 => Stimulus::Logoff(Users::Two.owners()(job)),
        48 => Stimulus::NetworkLost,
        49 => Stimulus::NetworkBack,
        50 | 51 | 52 => Stimulus::Disk { job, result: DiskResult::Good },
        53 => Stimulus::Disk { job, result: disk_result(bytes) },
        54 => client(Some(job), Call::SetNotifyInterface { receiver: receiver(bytes) }),
        55 => client(Some(job), Call::SetNotifyFlags { flags: u32::from(byte(bytes)) }),
        56 | 57 | 58 => {
            Stimulus::Call { from: From::Callback(other(job, bytes)), job: Some(job), call: nested(bytes) }
        }
        59 if head & LATE != 0 => Stimulus::Late(Late::Report { job, event: late_event(bytes) }),
        60 if head & LATE != 0 => Stimulus::Late(late_disk(job, bytes)),
        61 if head & LATE != 0 => Stimulus::Late(late_answer(bytes)),
        62 if head & LATE != 0 => {
            let from = From::User(UserId(u32::from(byte(bytes) & 1)));
            Stimulus::Call { from, job: Some(job), call: any_call(bytes) }
        }
        _ => Stimulus::Call { from: thread(bytes), job: Some(job), call: any_call(bytes) },
    }
}

/// What is to be done to the second job, after this was done to the first; nothing after what concerns no job or another one.
fn of_the_second(step: &Stimulus) -> Option<Stimulus> {
    const SECOND: JobId = JobId(1);
    let first = |job: &JobId| *job == JobId(0);
    let again = match step {
        Stimulus::Turn | Stimulus::Call { job: None, call: Call::CreateJob { .. }, .. } => step.clone(),
        Stimulus::Call { from, job: Some(job), call } if first(job) => {
            Stimulus::Call { from: *from, job: Some(SECOND), call: call.clone() }
        }
        Stimulus::Disk { job, result } if first(job) => Stimulus::Disk { job: SECOND, result: *result },
        Stimulus::Transfer { job, event } if first(job) => Stimulus::Transfer { job: SECOND, event: *event },
        Stimulus::Begin(job) if first(job) => Stimulus::Begin(SECOND),
        Stimulus::Enter(job) if first(job) => Stimulus::Enter(SECOND),
        Stimulus::Leave { job, leave } if first(job) => Stimulus::Leave { job: SECOND, leave: *leave },
        Stimulus::Exit { job, code } if first(job) => Stimulus::Exit { job: SECOND, code: *code },
        _ => return None,
    };
    Some(again)
}

/// Bits of the first byte of a program: every second job is another user's; things come too late, and users call on jobs of others.
const TWO_USERS: u8 = 0x20;
const LATE: u8 = 0x10;

fn late_event(bytes: &mut Bytes<'_>) -> TransferEvent {
    let value = byte(bytes);
    let (hr, context) = (HResult::BG_E_HTTP_ERROR_404, ErrorContext::RemoteFile);
    match value & 7 {
        0 | 1 => TransferEvent::FileDone,
        2 => TransferEvent::Connected,
        3 => TransferEvent::SizeKnown(u64::from(value >> 3)),
        4 => TransferEvent::Bytes(u64::from(value >> 3)),
        5 => TransferEvent::Restarted,
        6 => TransferEvent::Failed { class: Failure::Fatal, hr, context },
        _ => TransferEvent::Failed { class: Failure::Transient, hr, context },
    }
}

fn late_disk(job: JobId, bytes: &mut Bytes<'_>) -> Late {
    let result = match byte(bytes) & 3 {
        0 | 1 => DiskResult::Good,
        2 => DiskResult::RenameFails(0),
        _ => DiskResult::LeavesBehind,
    };
    Late::Disk { job, result }
}

fn late_answer(bytes: &mut Bytes<'_>) -> Late {
    match byte(bytes) & 7 {
        0 => Late::Called,
        1 => Late::Started,
        2 => Late::Left(Leave::Panicked),
        3 => Late::Left(Leave::Exited(1)),
        4 | 5 => Late::Left(Leave::Returned(HResult::E_FAIL)),
        _ => Late::Left(Leave::Returned(HResult::S_OK)),
    }
}

/// The next byte; after the last one, zeros.
fn byte(bytes: &mut Bytes<'_>) -> u8 {
    bytes.next().copied().unwrap_or(0)
}

type Bytes<'a> = std::slice::Iter<'a, u8>;

/// The user of all jobs of a program, but of those of [`Program::of_two_users`].
pub const USER: UserId = UserId(0);

/// A file that every server of a program has.
pub const GOOD_FILE: FileNames =
    FileNames { remote: Text::Borrowed("http://h/f"), local: Text::Borrowed("/f") };

/// Objects with every useful set of interfaces; the last cannot be registered.
pub const OBJECTS: [Receiver; 4] = [
    Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK.union(Interfaces::CALLBACK2) },
    Receiver { id: ReceiverId(1), interfaces: Interfaces::CALLBACK },
    Receiver { id: ReceiverId(2), interfaces: Interfaces::all() },
    Receiver { id: ReceiverId(3), interfaces: Interfaces::CALLBACK2 },
];

fn client(job: Option<JobId>, call: Call) -> Stimulus {
    Stimulus::Call { from: From::Client(ThreadId(0)), job, call }
}

fn thread(bytes: &mut Bytes<'_>) -> From {
    From::Client(ThreadId(u32::from(byte(bytes) & 1)))
}

fn other(job: JobId, bytes: &mut Bytes<'_>) -> JobId {
    JobId((job.0 + u32::from(byte(bytes))) % JOBS as u32)
}

fn failed(job: JobId, class: Failure) -> Stimulus {
    let hr = match class {
        Failure::Fatal => HResult::BG_E_HTTP_ERROR_404,
        Failure::Transient => HResult::BG_E_HTTP_ERROR_503,
    };
    Stimulus::Transfer { job, event: TransferEvent::Failed { class, hr, context: ErrorContext::RemoteFile } }
}

fn transfer_event(bytes: &mut Bytes<'_>) -> TransferEvent {
    let value = byte(bytes);
    let amount = u64::from(value >> 3);
    match value & 7 {
        0 | 1 => TransferEvent::SizeKnown(amount),
        2..=4 => TransferEvent::Bytes(amount),
        5 => TransferEvent::Restarted,
        6 => TransferEvent::Failed {
            class: Failure::Fatal,
            hr: HResult::BG_E_HTTP_ERROR_403,
            context: ErrorContext::RemoteFile,
        },
        _ => TransferEvent::Failed {
            class: Failure::Transient,
            hr: HResult::E_FAIL,
            context: ErrorContext::GeneralTransport,
        },
    }
}

fn leave(bytes: &mut Bytes<'_>) -> Leave {
    match byte(bytes) & 3 {
        0 => Leave::Returned(HResult::S_FALSE),
        1 => Leave::Returned(HResult::E_ABORT),
        _ => Leave::Panicked,
    }
}

fn disk_result(bytes: &mut Bytes<'_>) -> DiskResult {
    match byte(bytes) & 3 {
        3 => DiskResult::LeavesBehind,
        after => DiskResult::RenameFails(u32::from(after)),
    }
}

fn receiver(bytes: &mut Bytes<'_>) -> Option<Receiver> {
    OBJECTS.get(usize::from(byte(bytes) % 5)).copied()
}

/// Any call of a client on one of `jobs` jobs, by chance.
pub fn random_call(chance: &mut u64, jobs: u32) -> Stimulus {
    let drawn = crate::random::split_mix(chance).to_le_bytes();
    let job = JobId(u32::from(drawn[0]) % jobs.max(1));
    let mut operands = drawn[1..].iter();
    Stimulus::Call { from: From::Client(ThreadId(0)), job: Some(job), call: any_call(&mut operands) }
}

/// The calls that matter inside a callback.
fn nested(bytes: &mut Bytes<'_>) -> Call {
    match byte(bytes) & 7 {
        0 | 1 => Call::Cancel,
        2 => Call::Complete,
        3 => Call::Resume,
        4 => Call::SetNotifyFlags { flags: 0 },
        5 => Call::SetNotifyInterface { receiver: None },
        6 => Call::SetNotifyInterface { receiver: Some(OBJECTS[0]) },
        _ => any_call(bytes),
    }
}

fn any_call(bytes: &mut Bytes<'_>) -> Call {
    let choice = byte(bytes);
    let value = if choice & 0x80 == 0 { 0 } else { byte(bytes) };
    let file = FileId(u32::from(value & 3));
    let small = u32::from(value);
    let fetched = if value & 0x10 == 0 { Fetched::Wanted } else { Fetched::Null };
    let language = if value & 1 == 0 { 0 } else { 0x0407 };
    let text = || TEXTS[usize::from(value) % TEXTS.len()].map(Text::Borrowed);
    match choice & 0x3F {
        0 => Call::SetPriority { priority: small % 5 },
        1 => Call::SetMinimumRetryDelay { seconds: SECONDS[usize::from(value) % SECONDS.len()] },
        2 => Call::SetNoProgressTimeout { seconds: SECONDS[usize::from(value) % SECONDS.len()] },
        3 => Call::SetDisplayName { name: text() },
        4 => Call::SetDescription { description: text() },
        5 => {
            Call::FileSetRemoteName { file, remote: REMOTES[usize::from(value >> 2) % REMOTES.len()].into() }
        }
        6 | 7 => {
            Call::SetNotifyCmdLine { program: Some("/program".into()), parameters: Some("program a".into()) }
        }
        8 => Call::SetNotifyCmdLine { program: None, parameters: text().filter(|_| value & 0x20 != 0) },
        9 => {
            let remote = REMOTES[usize::from(value) % REMOTES.len()].into();
            Call::AddFile {
                file: FileNames { remote, local: LOCALS[usize::from(value >> 4) % LOCALS.len()].into() },
            }
        }
        10 => {
            let mut files = vec![GOOD_FILE; usize::from(value & 3)];
            // A set that is refused for its last file must leave the ones before it out, too (R11).
            files.extend(
                (value & 0x40 != 0).then(|| FileNames { remote: REMOTES[0].into(), local: LOCALS[2].into() }),
            );
            Call::AddFileSet { files }
        }
        11 => Call::GetState,
        12 => Call::GetNotifyFlags,
        13 => Call::GetNotifyInterface,
        14 => Call::GetNotifyCmdLine,
        15 => Call::GetProgress,
        16 => Call::GetTimes,
        17 => Call::GetError,
        18 => Call::GetErrorCount,
        19 => Call::GetPriority,
        20 => Call::GetMinimumRetryDelay,
        21 => Call::GetNoProgressTimeout,
        22 => Call::GetDisplayName,
        23 => Call::GetDescription,
        24 => Call::GetId,
        25 => Call::GetType,
        26 => Call::GetOwner,
        27 => Call::GetJob,
        28 => Call::EnumJobs { whose: if value & 1 == 0 { Whose::Mine } else { Whose::All } },
        29 => Call::GetErrorDescription { hr: HResult(small), language },
        30 => Call::EnumFiles,
        31 => Call::FileGetRemoteName { file },
        32 => Call::FileGetLocalName { file },
        33 => Call::FileGetProgress { file },
        34 => Call::FileGetFileRanges { file },
        35 => Call::FileSetValidationState { file },
        36 => Call::FileGetProperty { file, property: small },
        37 => Call::FileSetProperty { file, property: small },
        38 => Call::ErrorGetError,
        39 => Call::ErrorGetFile,
        40 => Call::ErrorGetErrorDescription { language },
        41 => Call::ErrorGetErrorContextDescription { language },
        42 => Call::ErrorGetProtocol,
        43 => Call::EnumFilesNext { skip: small & 3, celt: small >> 2 & 3, fetched },
        44 => Call::EnumFilesSkip { celt: small & 7 },
        45 => Call::EnumFilesReset,
        46 => Call::EnumFilesGetCount,
        47 => Call::EnumFilesClone,
        48 => Call::EnumJobsNext { skip: small & 3, celt: small >> 2 & 3, fetched },
        49 => Call::EnumJobsSkip { celt: small & 7 },
        50 => Call::EnumJobsReset,
        51 => Call::EnumJobsGetCount,
        52 => Call::EnumJobsClone,
        53 => Call::SetProxySettings,
        54 => Call::GetProxySettings,
        55 => Call::TakeOwnership,
        56 => Call::CreateJob { name: text(), kind: small >> 6 },
        _ => nested_or_state(choice),
    }
}

/// Every call that bytes can mean: the alphabet of programs.
#[must_use]
pub fn calls() -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let operands = (0..=u8::MAX).flat_map(|choice| {
        // Without its upper bit a choice takes no operand.
        let values = if choice & 0x80 == 0 { 0..=0 } else { 0..=u8::MAX };
        values.map(move |value| [choice, value])
    });
    let flags = (0..=u8::MAX).map(|flags| Call::SetNotifyFlags { flags: u32::from(flags) });
    let objects = OBJECTS.iter().map(|object| Call::SetNotifyInterface { receiver: Some(*object) });
    let plain = [Call::Suspend, Call::Resume, Call::Cancel, Call::Complete];
    let any = operands.map(|bytes| any_call(&mut bytes.iter()));
    for call in any.chain(flags).chain(objects).chain(plain) {
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

/// The rest of the byte's values repeat the calls the rules care most about.
fn nested_or_state(choice: u8) -> Call {
    match choice & 3 {
        0 => Call::Cancel,
        1 => Call::Resume,
        2 => Call::SetNotifyFlags { flags: 4 },
        _ => Call::SetNotifyInterface { receiver: None },
    }
}

const SECONDS: [u32; 5] = [0, 5, 30, 600, 1_209_600];

const TEXTS: [Option<&str>; 3] = [Some("text"), None, Some("")];

const REMOTES: [&str; 4] = ["http://h/f", "https://h/f", "ftp://h/f", "f"];

const LOCALS: [&str; 3] = ["/f", "f", "/../f"];
