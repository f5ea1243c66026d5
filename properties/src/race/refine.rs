//! The service held to the protocol: each of its steps is a step of `model::protocol`, or changes nothing there.
//!
//! **What it is.** [`ground`] is what the protocol has to be on to follow a race. Its map goes to [`Session::beside`], and each run of the session
//! is followed along it (`subjects::race`, `refined.rs`).
//!
//! **What it is not.** For every race: the protocol has one job here, no transfer that is begun anew, no Suspend, and no modifications.
//! [`ground`] has nothing for the others.
//!
//! **The law it keeps.** A race that has a ground here is followed from the first transfer to its end.
//!
//! [`Session::beside`]: subjects::race::Session::beside

use contract::{Call, NotifyFlags};
use model::protocol::{Ask, Ground, Is, Mishaps};
use serde::{Deserialize, Serialize};
use subjects::race::{Act, Calling as Step, Fetched, Kept, Manner, Race, Stays};

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

/// Clients of the protocol, and files of its job.
const CLIENTS: usize = 2;
const FILES: usize = 2;

/// What is in a race that the protocol does not know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Beyond {
    /// Several jobs or users, or more slots or dispatchers than one.
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
    /// A transfer that begins anew in the race.
    BeginsAnew,
    /// No transfer begins.
    NoTransfer,
}

impl std::fmt::Display for Beyond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Beyond::SeveralJobs => "several jobs or users",
            Beyond::Clients => "a third client",
            Beyond::Files => "a third file",
            Beyond::Outside => "the network or a logoff",
            Beyond::Suspend => "Suspend",
            Beyond::Modifications => "modifications",
            Beyond::Call => "a call that the protocol does not know",
            Beyond::Transfer => "a transfer in several steps",
            Beyond::Objects => "destructors, clients' locks or callbacks that stay",
            Beyond::BeginsAnew => "a transfer that begins anew",
            Beyond::NoTransfer => "no transfer",
        })
    }
}

/// The first that is in the race and that the protocol does not know.
fn beyond(race: &Race) -> Option<Beyond> {
    let calls = || race.steps().map(|step| &step.call);
    let creates = calls().filter(|call| matches!(call, Call::CreateJob { .. })).count();
    let adds = calls().filter(|call| matches!(call, Call::AddFile { .. })).count();
    let is_alone = (creates, race.users, race.slots, race.dispatchers) == (1, 1, 1, 1);
    let is_plain_object = |object: &Manner| {
        object.stays == Stays::Briefly && object.kept == Kept::ToTheEnd && object.takes.is_none()
    };
    let all = [
        (Beyond::SeveralJobs, !is_alone),
        (Beyond::Clients, race.branches.len() > CLIENTS),
        (Beyond::Modifications, calls().any(asks_for_modifications)),
        (Beyond::Suspend, calls().any(|call| matches!(call, Call::Suspend))),
        (Beyond::Files, adds > FILES),
        (Beyond::Outside, !race.outside.is_empty()),
        (Beyond::Call, !calls().all(is_known)),
        (Beyond::Transfer, !race.jobs[0].fetches.iter().all(is_plain)),
        (Beyond::Objects, !race.objects.iter().all(is_plain_object)),
        (Beyond::BeginsAnew, begins_anew(race)),
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
    let calls: Vec<&Step> = race.steps().collect();
    let prefix: Vec<&Call> = race.prefix.iter().filter_map(call_of).collect();
    let resumes = prefix.iter().position(|call| matches!(call, Call::Resume)).ok_or(Beyond::NoTransfer)?;
    let asked = prefix[..resumes].iter().filter(|call| !matches!(call, Call::CreateJob { .. }));
    let mut before = vec![Ask::Interface(None)];
    // The protocol's job has one file from the beginning.
    let first_file = |ask: &Ask, added: &mut bool| *ask == Ask::AddFile && !std::mem::replace(added, true);
    let mut added = false;
    before.extend(asked.filter_map(|call| Ask::of(call)).filter(|ask| !first_file(ask, &mut added)));
    let mut asks: Vec<Ask> = Vec::new();
    let profile = race.variant.profile;
    let refused = |ask: &Ask| matches!(ask, Ask::Program(_)) && !profile.command_line.is_on();
    for ask in calls.iter().filter_map(|step| Ask::of(&step.call)).filter(|ask| !refused(ask)) {
        if !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    let mishaps = if race.jobs[0].renames_fail > 0 { Mishaps::DiskAndExpiry } else { Mishaps::None };
    Ok(Ground { profile, before, asks, mishaps })
}

fn call_of(act: &Act) -> Option<&Call> {
    match act {
        Act::Call(step) => Some(&step.call),
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

/// Whether a transfer may begin in the race: there its steps are several, and one in the protocol.
fn begins_anew(race: &Race) -> bool {
    let racing = || {
        let objects = race.objects.iter().flat_map(|object| object.calls.iter().chain(&object.drops));
        race.branches.iter().flat_map(|branch| &branch.calls).chain(objects).map(|step| &step.call)
    };
    let fails = |fetched: &Fetched| matches!(fetched, Fetched::LateFatal | Fetched::Fatal);
    let something_to_do = racing().any(|call| matches!(call, Call::AddFile { .. }))
        || race.jobs[0].fetches.iter().any(fails)
        || !race.prefix.contains(&Act::Settle);
    racing().any(|call| matches!(call, Call::Resume)) && something_to_do
}
