//! The service held to the protocol: each of its steps is a step of `model::protocol`, or changes nothing there.
//!
//! **What it is.** [`ground`] is what the protocol has to be on to follow a race. Its map goes to [`Session::beside`], and each run of the session
//! is followed along it (`subjects::race`, `refined.rs`).
//!
//! **What it is not.** For every race: the protocol has two jobs of one user here, no transfer that is begun anew, no Suspend, and no
//! modifications. [`ground`] has nothing for the others.
//!
//! **The law it keeps.** A race that has a ground here is followed from the first transfer of each job to its end.
//!
//! [`Session::beside`]: subjects::race::Session::beside

use contract::{Call, JobId, NotifyFlags, Profile};
use model::protocol::{Ask, Ground, Is, Jobs, Mishaps, Set, Slice};
use serde::{Deserialize, Serialize};
use subjects::race::{Act, Calling as Step, Exit, Expires, Fetched, Kept, Manner, On, Race, Stays};

/// Whether a race is held to the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refine {
    /// It is, where the protocol has all that is in it.
    Yes,
    /// It is not.
    #[default]
    No,
}

/// Clients of the protocol, and files of a job of it.
const CLIENTS: usize = 2;
const FILES: usize = 2;

/// What is in a race that the protocol does not know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Beyond {
    /// A third job or a second user, or jobs that are prepared in different ways.
    SeveralJobs,
    /// More clients.
    Clients,
    /// More files.
    Files,
    /// The network is lost, or a user logs off.
    Outside,
    /// Suspend.
    Suspend,
    /// Events of modifications.
    Modifications,
    /// Another call.
    Call,
    /// A transfer that goes on after it has failed, or whose steps are seen one by one.
    Transfer,
    /// A client's own lock, a destructor, or a callback that stays.
    Objects,
    /// A program that cannot be started: the protocol's programs all are.
    NotStarted,
    /// A registration while a program may run: the service may start a second one then, and the protocol has one program of a job at a time.
    Programs,
    /// Calls before the first transfer of their job begins: there the protocol has no state.
    Connects,
    /// A transfer that begins anew in the race.
    BeginsAnew,
    /// No transfer begins.
    NoTransfer,
}

impl std::fmt::Display for Beyond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Beyond::SeveralJobs => "a third job, a second user or jobs that differ",
            Beyond::Clients => "a third client",
            Beyond::Files => "a third file",
            Beyond::Outside => "the network or a logoff",
            Beyond::Suspend => "Suspend",
            Beyond::Modifications => "modifications",
            Beyond::Call => "a call that the protocol does not know",
            Beyond::Transfer => "a transfer in several steps",
            Beyond::Objects => "destructors, clients' locks or callbacks that stay",
            Beyond::NotStarted => "a program that cannot be started",
            Beyond::Programs => "two programs at one time",
            Beyond::Connects => "calls before the transfer begins",
            Beyond::BeginsAnew => "a transfer that begins anew",
            Beyond::NoTransfer => "no transfer",
        })
    }
}

/// The first that is in the race and that the protocol does not know.
fn beyond(race: &Race) -> Option<Beyond> {
    let calls = || race.steps().map(|step| &step.call);
    let adds = |job: JobId| {
        let adds = |step: &&Step| matches!(step.call, Call::AddFile { .. }) && may_be_on(step, job);
        race.steps().filter(adds).count()
    };
    let is_plain_object = |object: &Manner| {
        object.stays == Stays::Briefly && object.kept == Kept::ToTheEnd && object.takes.is_none()
    };
    let all = [
        (Beyond::SeveralJobs, jobs(race).is_none()),
        (Beyond::Clients, race.branches.len() > CLIENTS),
        (Beyond::Modifications, calls().any(asks_for_modifications)),
        (Beyond::Suspend, calls().any(|call| matches!(call, Call::Suspend))),
        (Beyond::Files, job_ids(race).any(|job| adds(job) > FILES)),
        (Beyond::Outside, !race.outside.is_empty()),
        (Beyond::Call, !calls().all(is_known) || !inside(race).all(|call| Ask::of(call).is_some())),
        (Beyond::Transfer, !fetches(race).all(is_plain)),
        (Beyond::Objects, !race.objects.iter().all(is_plain_object)),
        (Beyond::BeginsAnew, begins_anew(race)),
        (Beyond::Connects, connects(race)),
        (Beyond::NotStarted, race.exits.contains(&Exit::NotStarted)),
        (Beyond::Programs, may_run_two_programs(race)),
    ];
    all.into_iter().find(|(_, so)| *so).map(|(beyond, _)| beyond)
}

/// What the protocol has to be on to follow this race.
///
/// # Errors
/// It cannot.
pub fn ground(race: &Race) -> Result<Ground, Beyond> {
    if let Some(beyond) = beyond(race) {
        return Err(beyond);
    }
    let jobs = jobs(race).ok_or(Beyond::SeveralJobs)?;
    let mut all = job_ids(race).map(|job| asked_before(race, job)).collect::<Result<Vec<_>, _>>()?;
    all.dedup();
    // Every job of the protocol is prepared alike.
    let [before] = <[Vec<Ask>; 1]>::try_from(all).map_err(|_| Beyond::SeveralJobs)?;
    let mut asks: Vec<Ask> = Vec::new();
    let profile = race.variant.profile;
    let refused = |ask: &Ask| matches!(ask, Ask::Program(_)) && !profile.command_line.is_on();
    for ask in race.steps().filter_map(|step| Ask::of(&step.call)).filter(|ask| !refused(ask)) {
        if !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    let fails = race.jobs.iter().any(|job| job.renames_fail > 0);
    let mishaps =
        if fails || race.expires == Expires::InTime { Mishaps::DiskAndExpiry } else { Mishaps::None };
    let (dispatchers, slots) = (few(race.dispatchers), few(race.slots));
    Ok(Ground { profile, jobs, dispatchers, slots, before, asks, mishaps })
}

/// Slices of the protocol, as few as there are, that together have every run of these races: what a run may call, it may call there. A duty
/// that is proved in each of them holds in every run of the races, where each run is one of the protocol's to its end.
///
/// # Errors
/// One of the races cannot be followed.
pub fn slices<'a>(races: impl IntoIterator<Item = &'a Race>) -> Result<Vec<(Profile, Slice)>, Beyond> {
    let mut grounds: Vec<(Ground, u8, u8)> = Vec::new();
    for race in races {
        let ground = ground(race)?;
        let of = |steps: &[Step]| steps.iter().filter(|step| Ask::of(&step.call).is_some()).count() as u32;
        let in_race: u32 = race.branches.iter().map(|branch| of(&branch.calls)).sum();
        let calls = few(before_the_race(race) + in_race);
        let nested =
            few(race.objects.iter().map(|object| object.times.saturating_mul(of(&object.calls))).sum());
        match grounds.iter_mut().find_map(|(other, calls, nested)| match other.takes_in(&ground) {
            Is::So => Some((calls, nested)),
            Is::Not => None,
        }) {
            Some((most, most_nested)) => {
                (*most, *most_nested) = (calls.max(*most), nested.max(*most_nested));
            }
            None => grounds.push((ground, calls, nested)),
        }
    }
    Ok(grounds
        .iter()
        .map(|(ground, calls, nested)| (ground.profile, ground.slice(*calls, *nested)))
        .collect())
}

/// The calls that are made before the race, and that the protocol's clients make there: its jobs begin when their transfers do.
fn before_the_race(race: &Race) -> u32 {
    let resumes = |act: &Act| matches!(act, Act::Call(step) if matches!(step.call, Call::Resume));
    let behind = race.prefix.iter().rposition(resumes).map_or(0, |resume| resume + 1);
    let asks = |act: &&Act| matches!(act, Act::Call(step) if Ask::of(&step.call).is_some());
    race.prefix[behind..].iter().filter(asks).count() as u32
}

/// What is asked of a job before its transfer begins, but for its first file: the protocol's job has that from the beginning.
fn asked_before(race: &Race, job: JobId) -> Result<Vec<Ask>, Beyond> {
    let on_it: Vec<&Call> = race.prefix.iter().filter_map(|act| call_on(act, job)).collect();
    let resumes = on_it.iter().position(|call| matches!(call, Call::Resume)).ok_or(Beyond::NoTransfer)?;
    let asks = on_it[..resumes].iter().filter_map(|call| Ask::of(call));
    let mut added = false;
    let more = asks.filter(|ask| *ask != Ask::AddFile || std::mem::replace(&mut added, true));
    Ok(std::iter::once(Ask::Interface(None)).chain(more).collect())
}

/// The jobs of the race, where it has one or two of one user, which are there before it begins.
fn jobs(race: &Race) -> Option<Jobs> {
    let makes = |call: &&Call| matches!(call, Call::CreateJob { .. });
    let before = job_ids(race).count();
    let all = race.steps().map(|step| &step.call).filter(makes).count();
    match (before, all, race.users) {
        (1, 1, 1) => Some(Jobs::One),
        (2, 2, 1) => Some(Jobs::Two),
        _ => None,
    }
}

/// The jobs that are made before the race, by their numbers.
fn job_ids(race: &Race) -> impl Iterator<Item = JobId> {
    let makes = |act: &&Act| matches!(act, Act::Call(step) if matches!(step.call, Call::CreateJob { .. }));
    (0..race.prefix.iter().filter(makes).count() as u32).map(JobId)
}

/// How the fetches of these jobs go.
fn fetches(race: &Race) -> impl Iterator<Item = &Fetched> {
    job_ids(race).filter_map(|job| race.jobs.get(job.index())).flat_map(|job| &job.fetches)
}

/// More than any race has are as good as that.
fn few(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Whether a call is made on this job, or may be: inside of a callback it is the callback's.
fn may_be_on(step: &Step, job: JobId) -> bool {
    match step.on {
        On::Nothing => false,
        On::Own => true,
        On::Job(on) => on == job,
    }
}

/// The call on this job, before the race. There the callback's own is the first.
fn call_on(act: &Act, job: JobId) -> Option<&Call> {
    match act {
        Act::Call(step) => {
            let is_on = if step.on == On::Own { job == JobId(0) } else { may_be_on(step, job) };
            is_on.then_some(&step.call)
        }
        Act::Settle | Act::Pass => None,
    }
}

fn asks_for_modifications(call: &Call) -> bool {
    match call {
        Call::SetNotifyFlags { flags } => {
            NotifyFlags::from_bits_truncate(*flags).contains(NotifyFlags::JOB_MODIFICATION)
        }
        _ => false,
    }
}

fn is_known(call: &Call) -> bool {
    matches!(call, Call::CreateJob { .. }) || Ask::of(call).is_some() || Ask::is_none_of(call) == Is::So
}

fn is_plain(fetched: &Fetched) -> bool {
    matches!(fetched, Fetched::Done | Fetched::Sized | Fetched::Late | Fetched::LateFatal | Fetched::Fatal)
}

/// Whether clients may call before the first transfer of a job has begun: it is not awaited, or its first report comes in the race.
fn connects(race: &Race) -> bool {
    let is_late = |fetched: &Fetched| matches!(fetched, Fetched::Late | Fetched::LateFatal);
    let reports_late = race.variant.profile.connects.is_on() && fetches(race).any(is_late);
    !race.prefix.contains(&Act::Settle) || reports_late
}

/// Whether a program of an earlier registration may still run when one of the next is due.
fn may_run_two_programs(race: &Race) -> bool {
    let sets_program = |call: &Call| matches!(Ask::of(call), Some(Ask::Program(Set::One)));
    let registers = |call: &Call| matches!(call, Call::SetNotifyInterface { .. });
    race.variant.profile.command_line.is_on()
        && race.steps().any(|step| sets_program(&step.call))
        && racing(race).any(registers)
}

/// The calls that are made in the race itself.
fn racing(race: &Race) -> impl Iterator<Item = &Call> {
    race.branches.iter().flat_map(|branch| &branch.calls).map(|step| &step.call).chain(inside(race))
}

/// Those that objects make. One that changes nothing in the protocol does there: a callback that has called is not waited for any more.
fn inside(race: &Race) -> impl Iterator<Item = &Call> {
    race.objects.iter().flat_map(|object| object.calls.iter().chain(&object.drops)).map(|step| &step.call)
}

/// Whether a transfer may begin in the race: there its steps are several, and one in the protocol.
fn begins_anew(race: &Race) -> bool {
    let fails = |fetched: &Fetched| matches!(fetched, Fetched::LateFatal | Fetched::Fatal);
    let something_to_do = racing(race).any(|call| matches!(call, Call::AddFile { .. }))
        || fetches(race).any(fails)
        || !race.prefix.contains(&Act::Settle);
    racing(race).any(|call| matches!(call, Call::Resume)) && something_to_do
}
