//! What is simpler than a value: the third tape.
//!
//! **The law it keeps.** For each kind of value there is one list, the simplest first; what is in no list comes after all that are. So
//! there are no circles, and two runs that fail alike end with equal values, whatever they began with.

use contract::call::Fetched;
use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{Call, ErrorContext, HResult, JobId, Text, ThreadId};
use model::drive::{DiskResult, From, Late, Stimulus};
use model::scope::Users;

use crate::program::{GOOD_FILE, JOBS, OBJECTS, Program};

/// The stimulus with one of its values simpler.
pub(super) fn of_stimulus(stimulus: &Stimulus) -> Vec<Stimulus> {
    match stimulus {
        Stimulus::Call { from, job, call } => of_call_of(*from, *job, call),
        Stimulus::Transfer { job, event } => {
            let with = |event: &TransferEvent| Stimulus::Transfer { job: *job, event: *event };
            before(&TRANSFERS, event).iter().map(with).collect()
        }
        Stimulus::Leave { job, leave } => {
            let with = |leave: &Leave| Stimulus::Leave { job: *job, leave: *leave };
            before(&LEAVES, leave).iter().map(with).collect()
        }
        Stimulus::Disk { job, result } => {
            let with = |result: &DiskResult| Stimulus::Disk { job: *job, result: *result };
            before(&DISKS, result).iter().map(with).collect()
        }
        Stimulus::Exit { job, code } => {
            let with = |code: &i32| Stimulus::Exit { job: *job, code: *code };
            before(&[0, 1], code).iter().map(with).collect()
        }
        _ => Vec::new(),
    }
}

/// A fatal error takes the fewest steps to an event that is delivered.
const TRANSFERS: [TransferEvent; 6] = [
    failed(Failure::Fatal, HResult::BG_E_HTTP_ERROR_404),
    TransferEvent::FileDone,
    failed(Failure::Transient, HResult::BG_E_HTTP_ERROR_503),
    TransferEvent::Connected,
    TransferEvent::SizeKnown(1),
    TransferEvent::Bytes(1),
];

const fn failed(class: Failure, hr: HResult) -> TransferEvent {
    TransferEvent::Failed { class, hr, context: ErrorContext::RemoteFile }
}

const LEAVES: [Leave; 3] =
    [Leave::Returned(HResult::S_OK), Leave::Returned(HResult::E_FAIL), Leave::Panicked];

const DISKS: [DiskResult; 3] = [DiskResult::Good, DiskResult::LeavesBehind, DiskResult::RenameFails(0)];

/// What stands before a value in its list.
fn before<'a, T: PartialEq>(list: &'a [T], value: &T) -> &'a [T] {
    let place = list.iter().position(|known| known == value);
    &list[..place.unwrap_or(list.len())]
}

fn of_call_of(from: From, job: Option<JobId>, call: &Call) -> Vec<Stimulus> {
    let made = |from, job, call: &Call| Stimulus::Call { from, job, call: call.clone() };
    let first = From::Client(ThreadId(0));
    let mut simpler = Vec::new();
    simpler.extend((from != first).then(|| made(first, job, call)));
    simpler.extend(lower(job).map(|job| made(from, Some(job), call)));
    simpler.extend(of_call(call).iter().map(|call| made(from, job, call)));
    simpler
}

fn lower(job: Option<JobId>) -> impl Iterator<Item = JobId> {
    (0..job.map_or(0, |job| job.0)).map(JobId)
}

/// The call with simpler arguments.
pub(super) fn of_call(call: &Call) -> Vec<Call> {
    let usual = match call {
        Call::SetNotifyFlags { flags } => {
            return (0..*flags).take(FLAGS).map(|flags| Call::SetNotifyFlags { flags }).collect();
        }
        Call::AddFileSet { files } => {
            let fewer = (1..files.len()).map(|count| Call::AddFileSet { files: files[..count].to_vec() });
            return std::iter::once(Call::AddFile { file: GOOD_FILE }).chain(fewer).collect();
        }
        Call::CreateJob { .. } => Call::CreateJob { name: Some(Text::Borrowed("job")), kind: 0 },
        Call::AddFile { .. } => Call::AddFile { file: GOOD_FILE },
        Call::SetNotifyInterface { receiver: Some(_) } => {
            Call::SetNotifyInterface { receiver: Some(OBJECTS[0]) }
        }
        Call::SetPriority { .. } => Call::SetPriority { priority: 0 },
        Call::SetMinimumRetryDelay { .. } => Call::SetMinimumRetryDelay { seconds: 0 },
        Call::SetNoProgressTimeout { .. } => Call::SetNoProgressTimeout { seconds: 0 },
        Call::SetDisplayName { .. } => Call::SetDisplayName { name: text() },
        Call::SetDescription { .. } => Call::SetDescription { description: text() },
        Call::EnumFilesNext { .. } => Call::EnumFilesNext { skip: 0, celt: 1, fetched: Fetched::Wanted },
        Call::EnumJobsNext { .. } => Call::EnumJobsNext { skip: 0, celt: 1, fetched: Fetched::Wanted },
        _ => return Vec::new(),
    };
    if usual == *call { Vec::new() } else { vec![usual] }
}

/// Masks that are tried: all the known ones.
const FLAGS: usize = 0x40;

fn text() -> Option<Text> {
    Some(Text::Borrowed("text"))
}

/// The program in a simpler frame: with the dialect's own switches, with all slots, with its busiest job as the first.
pub(super) fn of_frame(program: &Program) -> Vec<Program> {
    let mut simpler = Vec::new();
    if program.callback_slots != 4 && program.slice.is_empty() {
        simpler.push(Program { callback_slots: 4, ..program.clone() });
    }
    if program.users == Users::Two && program.slice.is_empty() {
        simpler.push(Program { users: Users::One, ..program.clone() });
    }
    if !program.variant.turned.is_empty() && program.slice.is_empty() {
        let profile = *program.variant.profile.dialect.profile();
        let variant = model::scope::Variant { profile, turned: "" };
        simpler.push(Program { variant, ..program.clone() });
    }
    let about = |job: JobId| program.steps.iter().filter(|step| jobs_of(step).contains(&Some(job))).count();
    let first = JobId(0);
    let busier = (1..JOBS as u32).map(JobId).filter(|job| about(*job) > about(first));
    simpler.extend(busier.map(|job| exchanged(program, first, job)));
    simpler
}

/// The program with two jobs in each other's place.
fn exchanged(program: &Program, one: JobId, other: JobId) -> Program {
    let exchange = |job: &mut JobId| {
        if *job == one {
            *job = other;
        } else if *job == other {
            *job = one;
        }
    };
    let mut program = program.clone();
    for step in &mut program.steps {
        match step {
            Stimulus::Call { from, job, .. } => {
                job.iter_mut().for_each(exchange);
                if let From::Callback(job) = from {
                    exchange(job);
                }
            }
            Stimulus::Disk { job, .. }
            | Stimulus::Transfer { job, .. }
            | Stimulus::Begin(job)
            | Stimulus::Enter(job)
            | Stimulus::Leave { job, .. }
            | Stimulus::Exit { job, .. }
            | Stimulus::Late(Late::Report { job, .. } | Late::Disk { job, .. }) => exchange(job),
            Stimulus::Late(Late::Called | Late::Left(_) | Late::Started)
            | Stimulus::Turn
            | Stimulus::Timeout
            | Stimulus::Logoff(_)
            | Stimulus::NetworkLost
            | Stimulus::NetworkBack => {}
        }
    }
    program
}

fn jobs_of(stimulus: &Stimulus) -> [Option<JobId>; 2] {
    match stimulus {
        Stimulus::Call { from: From::Callback(inside), job, .. } => [*job, Some(*inside)],
        Stimulus::Call { job, .. } => [*job, None],
        Stimulus::Disk { job, .. }
        | Stimulus::Transfer { job, .. }
        | Stimulus::Begin(job)
        | Stimulus::Enter(job)
        | Stimulus::Leave { job, .. }
        | Stimulus::Exit { job, .. }
        | Stimulus::Late(Late::Report { job, .. } | Late::Disk { job, .. }) => [Some(*job), None],
        _ => [None, None],
    }
}

/// Every listed outcome of a step whose outcome the network, an object, the disk or a program chooses.
pub(super) fn outcomes(stimulus: &Stimulus) -> Vec<Stimulus> {
    match *stimulus {
        Stimulus::Transfer { job, .. } => {
            TRANSFERS.into_iter().map(|event| Stimulus::Transfer { job, event }).collect()
        }
        Stimulus::Leave { job, .. } => {
            LEAVES.into_iter().map(|leave| Stimulus::Leave { job, leave }).collect()
        }
        Stimulus::Disk { job, .. } => {
            DISKS.into_iter().map(|result| Stimulus::Disk { job, result }).collect()
        }
        Stimulus::Exit { job, .. } => [0, 1].map(|code| Stimulus::Exit { job, code }).into(),
        _ => Vec::new(),
    }
}
