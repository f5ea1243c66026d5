//! The races that are explored to their end: scopes with names.
//!
//! **What it is.** A scope is a list of races, equal on every machine.
//!
//! - `Tiny`: one job, and each of eleven kinds of call against an event that is due, in six situations.
//! - `Small`: each pair of these kinds, by two clients, against each of eight [`Situation`]s, and each single one against three more.
//! - `Default`: three calls of two clients, two jobs that cancel each other, two users and one slot each, programs, callbacks that panic or
//!   look at the job, files that cannot be renamed, objects with destructors, a client's own lock, a wake-up without cause.
//!
//! **What it is not.** A sample. Where a scope is explored to its end, every interleaving of its races has been run.

use std::borrow::Cow;

use contract::call::Whose;
use contract::{Call, Dialect, FileNames, Interfaces, JobId, Receiver, ReceiverId};
use model::scope::Variant;
use serde::{Deserialize, Serialize};

use super::program::{
    Act, Branch, Exit, Expires, Fetched, Kept, Leaves, Lock, Manner, On, Race, Stays, Step,
};
use super::windows::words;

words! {
    /// How large the races are. See the module's documentation.
    Scope {
        /// One call against one delivery.
        Tiny = "tiny";
        /// Two calls of two clients against each situation.
        Small = "small";
        /// What needs more than two calls, one job or one user.
        Default = "default";
    }
}

words! {
    /// What the calls race against.
    Situation {
        /// A delivery is due, and its callback acknowledges: it is claimed, begins, enters and leaves in the race.
        Delivery = "delivery";
        /// Its callback fails once; the service tries again when its time has come.
        Failure = "failing callback";
        /// Its callback calls Cancel.
        Nested = "nested call";
        /// The events of two files are due, and then the job's.
        Files = "file events";
        /// An error event is due, and its callback acknowledges.
        Error = "error";
        /// A modification is due, and every call that changes something makes another one due.
        Modification = "modification";
        /// A transfer stands before its last report: its file is whole, and the callback acknowledges.
        TransferEnds = "transfer ends";
        /// A transfer stands before its last report: an error that is final.
        TransferFails = "transfer fails";
        /// A transfer has failed for now, and is due to be tried again.
        Retry = "retry due";
        /// A delivery is due, its callback acknowledges, and the job may expire at any moment.
        Expiry = "expiry";
        /// A job has been resumed, and a worker takes its transfer on from the beginning.
        Transfer = "whole transfer";
        /// Another client's Complete works on the disk, where a rename fails.
        Disk = "disk work";
        /// None of these: races of the scope `Default`.
        Larger = "larger";
    }
}

/// The situations of `Small` that pairs of calls race against.
const OF_PAIRS: [Situation; 8] = [
    Situation::Delivery,
    Situation::Failure,
    Situation::Nested,
    Situation::TransferEnds,
    Situation::TransferFails,
    Situation::Retry,
    Situation::Expiry,
    Situation::Disk,
];

/// Those that single calls race against, because a pair has some million moments there.
const OF_ONE: [Situation; 3] = [Situation::Files, Situation::Modification, Situation::Transfer];

/// A race of a scope.
#[derive(Clone, PartialEq, Debug)]
pub struct Scoped {
    /// What its calls race against.
    pub situation: Situation,
    /// Its name, in a line.
    pub name: String,
    /// The race.
    pub race: Race,
}

/// The races of a scope in a dialect, in their order.
#[must_use]
pub fn scoped(scope: Scope, dialect: Dialect) -> Vec<Scoped> {
    match scope {
        Scope::Tiny => tiny(dialect),
        Scope::Small => small(dialect),
        Scope::Default => larger(dialect),
    }
}

/// Bits of SetNotifyFlags.
const TRANSFERRED: u32 = 1;
const ERROR: u32 = 2;
const MODIFICATION: u32 = 8;
const FILE_TRANSFERRED: u32 = 16;

/// The kinds of call: a row each of the table of windows.
fn kinds() -> [Call; 11] {
    [
        Call::Cancel,
        Call::Complete,
        Call::SetNotifyInterface { receiver: None },
        Call::SetNotifyFlags { flags: 0 },
        Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: Some("p".into()) },
        Call::Resume,
        Call::Suspend,
        Call::AddFile { file: file(2) },
        Call::SetPriority { priority: 0 },
        Call::GetProgress,
        Call::EnumJobs { whose: Whose::Mine },
    ]
}

fn tiny(dialect: Dialect) -> Vec<Scoped> {
    let each = [
        Situation::Delivery,
        Situation::Failure,
        Situation::Nested,
        Situation::Files,
        Situation::Error,
        Situation::Modification,
    ];
    each.into_iter().flat_map(|situation| kinds().map(|call| against(situation, dialect, &[call]))).collect()
}

fn small(dialect: Dialect) -> Vec<Scoped> {
    let kinds = kinds();
    let pairs: Vec<[Call; 2]> = (0..kinds.len())
        .flat_map(|one| (one..kinds.len()).map(move |other| (one, other)))
        .map(|(one, other)| [kinds[one].clone(), kinds[other].clone()])
        .collect();
    let paired =
        OF_PAIRS.iter().flat_map(|situation| pairs.iter().map(|pair| against(*situation, dialect, pair)));
    let alone = OF_ONE.iter().flat_map(|situation| {
        kinds.iter().map(|call| against(*situation, dialect, std::slice::from_ref(call)))
    });
    paired.chain(alone).collect()
}

/// Clients with one call each, in a situation.
fn against(situation: Situation, dialect: Dialect, calls: &[Call]) -> Scoped {
    let mut race = in_situation(situation, dialect);
    let clients = calls.iter().map(|call| client(vec![on_first(in_place(situation, call))]));
    race.branches.splice(0..0, clients);
    let names: Vec<_> = calls.iter().map(|call| call.method().to_string()).collect();
    Scoped { situation, name: format!("{} | {situation}", names.join(" | ")), race }
}

/// The call that is made in this situation. Where file events are due, a mask leaves the job's own events enabled. A call that waits for
/// a file's callback could then wait on for the job's.
fn in_place(situation: Situation, call: &Call) -> Call {
    match (situation, call) {
        (Situation::Files, Call::SetNotifyFlags { .. }) => {
            Call::SetNotifyFlags { flags: TRANSFERRED | ERROR }
        }
        (_, call) => call.clone(),
    }
}

fn in_situation(situation: Situation, dialect: Dialect) -> Race {
    let mut race = plain(dialect);
    let register = Call::SetNotifyInterface { receiver: Some(object(0)) };
    match situation {
        Situation::Delivery => due(&mut race),
        Situation::Expiry => {
            due(&mut race);
            race.expires = Expires::InTime;
        }
        Situation::Failure => {
            due(&mut race);
            (race.objects[0].leaves, race.objects[0].times) = (Leaves::Fail, 1);
        }
        Situation::Nested => {
            due(&mut race);
            (race.objects[0].calls, race.objects[0].times) = (vec![own(Call::Cancel)], 1);
        }
        Situation::Files => {
            let masks = Call::SetNotifyFlags { flags: TRANSFERRED | ERROR | FILE_TRANSFERRED };
            prepare(&mut race, &[Call::AddFile { file: file(1) }, masks, Call::Resume]);
            race.prefix.push(Act::Settle);
            race.prefix.push(Act::Call(on_first(register_all(0))));
        }
        Situation::Error => {
            race.jobs[0].fetches = vec![Fetched::Fatal];
            due(&mut race);
        }
        Situation::Modification => {
            let masks = Call::SetNotifyFlags { flags: TRANSFERRED | ERROR | MODIFICATION };
            // Without a file, so that a Resume begins no transfer.
            race.prefix.extend([create_on(), on_first(masks), on_first(register.clone())].map(Act::Call));
            race.prefix.push(Act::Settle);
            race.prefix.push(Act::Call(on_first(Call::SetPriority { priority: 2 })));
        }
        Situation::TransferEnds | Situation::TransferFails | Situation::Retry => {
            race.jobs[0].fetches = vec![match situation {
                Situation::TransferEnds => Fetched::Late,
                Situation::TransferFails => Fetched::LateFatal,
                _ => Fetched::Transient,
            }];
            prepare(&mut race, &[register, Call::Resume]);
            race.prefix.push(Act::Settle);
        }
        Situation::Transfer | Situation::Larger => prepare(&mut race, &[register, Call::Resume]),
        Situation::Disk => {
            race.jobs[0].renames_fail = 1;
            prepare(&mut race, &[register, Call::Resume]);
            race.prefix.push(Act::Settle);
            race.branches = vec![client(vec![on_first(Call::Complete)])];
        }
    }
    race
}

/// What needs more than two calls of two clients on one job.
fn larger(dialect: Dialect) -> Vec<Scoped> {
    let mut all = Vec::new();
    let mut add = |name: &str, race: Race| {
        all.push(Scoped { situation: Situation::Larger, name: name.to_owned(), race });
    };
    for (first, second, other) in [
        (Call::SetNotifyFlags { flags: 0 }, Call::SetNotifyFlags { flags: 3 }, Call::Cancel),
        (Call::SetNotifyInterface { receiver: None }, register(1), Call::Complete),
        (Call::Suspend, Call::Resume, Call::Cancel),
        (Call::Suspend, Call::Resume, Call::SetNotifyFlags { flags: 0 }),
        (Call::SetNotifyFlags { flags: 0 }, Call::Complete, Call::SetNotifyInterface { receiver: None }),
        (Call::GetState, Call::GetState, Call::Cancel),
    ] {
        let name = format!("{}, {} | {} | delivery", first.method(), second.method(), other.method());
        let mut race = in_situation(Situation::Delivery, dialect);
        race.branches = vec![client(vec![on_first(first), on_first(second)]), client(vec![on_first(other)])];
        add(&name, race);
    }
    add("masks | masks | delivery", masks_against_masks(dialect));
    add("two jobs whose callbacks cancel each other", cross_cancel(dialect));
    add("a callback that cancels another job", cancels_another(dialect));
    add("two users and one slot each", two_users(dialect));
    add("three jobs of two users, and one slot each", three_jobs(dialect));
    add("a callback that cancels the job which waits for its slot", cancels_who_waits(dialect));
    add("a program, and Cancel", program(dialect, Exit::Code(0)));
    add("a program that cannot be started, and Cancel", program(dialect, Exit::NotStarted));
    add("a program that cannot be started, and SetPriority", program_alone(dialect));
    add("a callback that panics, and SetPriority", panics(dialect));
    add("a callback that calls GetState, and Cancel", looks_inside(dialect));
    add("Complete of two files, of which one cannot be renamed", two_files(dialect));
    add("an object whose destructor calls Cancel", destructor(dialect));
    add(
        "a callback that waits for a client's lock, while that client cancels inside of it",
        client_lock(dialect),
    );
    add("a delivery, and two Cancels and a wake-up without cause", spurious(dialect));
    all
}

fn masks_against_masks(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    let sets = |flags| client(vec![on_first(Call::SetNotifyFlags { flags })]);
    race.branches = vec![sets(0), sets(3), sets(4)];
    race
}

fn cross_cancel(dialect: Dialect) -> Race {
    let mut race = plain(dialect);
    for job in 0..2 {
        let all = [create_on(), add_file(job), step(job, Call::Resume)];
        race.prefix.extend(all.map(Act::Call));
    }
    race.prefix.push(Act::Settle);
    // Both callbacks may run at one time.
    (race.slots, race.dispatchers) = (2, 2);
    for job in 0..2 {
        race.prefix.push(Act::Call(step(job, register(job))));
        let cancels = Step::on(1 - job, Call::Cancel);
        (race.objects[job as usize].calls, race.objects[job as usize].times) = (vec![cancels], 1);
    }
    race
}

/// Another job's delivery is due while the callback cancels that job.
fn cancels_another(dialect: Dialect) -> Race {
    let mut race = cross_cancel(dialect);
    race.objects[1] = Manner::default();
    race
}

fn two_users(dialect: Dialect) -> Race {
    let mut race = plain(dialect);
    (race.users, race.slots, race.dispatchers) = (2, 1, 2);
    for job in 0..2 {
        let all = [create_on(), add_file(job), step(job, Call::Resume)];
        race.prefix.extend(all.map(Act::Call));
    }
    race.prefix.push(Act::Settle);
    for job in 0..2 {
        race.prefix.push(Act::Call(step(job, register(job))));
    }
    (race.objects[0].stays, race.objects[0].times) = (Stays::UntilAnotherIsTold, 1);
    race
}

/// One user's job keeps the slot until a callback of the other user. A second job of the first user is due, and then the other user's is.
fn three_jobs(dialect: Dialect) -> Race {
    let mut race = plain(dialect);
    (race.users, race.slots, race.dispatchers) = (2, 1, 2);
    for job in 0..3 {
        let all = [create_on(), add_file(job), step(job, Call::Resume)];
        race.prefix.extend(all.map(Act::Call));
    }
    race.prefix.push(Act::Settle);
    for job in [0, 2] {
        race.prefix.push(Act::Call(step(job, register(job))));
    }
    race.branches = vec![client(vec![step(1, register(1))])];
    (race.objects[0].stays, race.objects[0].times) = (Stays::UntilAnotherIsTold, 1);
    race
}

/// Where a delivery began before it had its slot, neither callback would come to its end.
fn cancels_who_waits(dialect: Dialect) -> Race {
    let mut race = cancels_another(dialect);
    race.slots = 1;
    race
}

fn program(dialect: Dialect, exit: Exit) -> Race {
    let mut race = plain(dialect);
    prepare(&mut race, &[Call::Resume]);
    race.prefix.push(Act::Settle);
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: Some("p".into()) };
    race.branches = vec![client(vec![on_first(program)]), client(vec![on_first(Call::Cancel)])];
    race.exits = vec![exit];
    race
}

/// Nothing takes the event away that the program was to be started for.
fn program_alone(dialect: Dialect) -> Race {
    let mut race = program(dialect, Exit::NotStarted);
    race.branches[1] = client(vec![on_first(Call::SetPriority { priority: 0 })]);
    race
}

fn panics(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    (race.objects[0].leaves, race.objects[0].times) = (Leaves::Panic, 1);
    race.branches = vec![client(vec![on_first(Call::SetPriority { priority: 0 })])];
    race
}

fn looks_inside(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    (race.objects[0].calls, race.objects[0].times) = (vec![own(Call::GetState)], 1);
    race.branches = vec![client(vec![on_first(Call::Cancel)])];
    race
}

fn two_files(dialect: Dialect) -> Race {
    let mut race = plain(dialect);
    race.jobs[0].renames_fail = 1;
    prepare(&mut race, &[Call::AddFile { file: file(1) }, Call::Resume]);
    race.prefix.push(Act::Settle);
    race.branches = vec![client(vec![on_first(Call::Complete)])];
    race
}

fn destructor(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    race.objects[0].kept = Kept::Briefly;
    race.objects[0].drops = vec![own(Call::Cancel)];
    race.branches = vec![client(vec![on_first(Call::SetNotifyInterface { receiver: None })])];
    race
}

fn client_lock(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    (race.objects[0].takes, race.objects[0].times) = (Some(1), 1);
    let holds =
        Branch { lock: Lock::Held, calls: vec![on_first(Call::GetState), on_first(Call::GetNotifyFlags)] };
    race.branches = vec![holds, client(vec![on_first(Call::Cancel)])];
    race
}

fn spurious(dialect: Dialect) -> Race {
    let mut race = in_situation(Situation::Delivery, dialect);
    race.spurious = 1;
    race.branches = vec![client(vec![on_first(Call::Cancel)]), client(vec![on_first(Call::Cancel)])];
    race
}

/// As few threads as make one: a dispatcher, and a worker.
fn plain(dialect: Dialect) -> Race {
    let variant = Variant { profile: *dialect.profile(), turned: "" };
    let mut race = Race::empty(variant);
    (race.slots, race.dispatchers) = (1, 1);
    race
}

/// One job with a file, and what else is called on it.
fn prepare(race: &mut Race, calls: &[Call]) {
    race.prefix.extend([create_on(), add_file(0)].map(Act::Call));
    race.prefix.extend(calls.iter().map(|call| Act::Call(on_first(call.clone()))));
}

/// The job is TRANSFERRED, and its event is due the moment that the race begins.
fn due(race: &mut Race) {
    prepare(race, &[Call::Resume]);
    race.prefix.push(Act::Settle);
    race.prefix.push(Act::Call(on_first(register(0))));
}

fn client(calls: Vec<Step>) -> Branch {
    Branch { lock: Lock::None, calls }
}

/// A call on the first job, or on none where it is the manager's.
fn on_first(call: Call) -> Step {
    step(0, call)
}

fn step(job: u32, call: Call) -> Step {
    let manager = matches!(call, Call::EnumJobs { .. });
    Step { on: if manager { On::Nothing } else { On::Job(JobId(job)) }, by: None, call }
}

fn own(call: Call) -> Step {
    Step { on: On::Own, by: None, call }
}

fn register(number: u32) -> Call {
    Call::SetNotifyInterface { receiver: Some(object(number)) }
}

fn create_on() -> Step {
    Step { on: On::Nothing, by: None, call: Call::CreateJob { name: Some(Cow::Borrowed("job")), kind: 0 } }
}

fn add_file(job: u32) -> Step {
    step(job, Call::AddFile { file: file(job as usize) })
}

/// Nothing is written anywhere.
fn file(number: usize) -> FileNames {
    const LOCALS: [&str; 3] = if cfg!(windows) { ["C:\\0", "C:\\1", "C:\\2"] } else { ["/0", "/1", "/2"] };
    const REMOTES: [&str; 3] = ["http://h/0", "http://h/1", "http://h/2"];
    FileNames { remote: REMOTES[number % 3].into(), local: LOCALS[number % 3].into() }
}

/// With every interface, FileTransferred included.
fn register_all(number: u32) -> Call {
    Call::SetNotifyInterface { receiver: Some(Receiver { interfaces: Interfaces::all(), ..object(number) }) }
}

fn object(number: u32) -> Receiver {
    Receiver { id: ReceiverId(number), interfaces: Interfaces::CALLBACK.union(Interfaces::CALLBACK2) }
}
