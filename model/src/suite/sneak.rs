//! Sneak paths: calls that must fail, made in every state of the quotient in which they must.
//!
//! **What it is.** [`refused`] returns the calls of a fixed list that the specification refuses now: every method of the contract, with
//! good arguments and with each kind of bad one. [`sneak_in`] puts those calls into a path wherever it comes to a new place, by a client
//! thread of their own, and then [`probes`]: getters that show that nothing has changed.
//!
//! **The law it keeps.** What the specification refuses, the method x state table (rule R12) allows to be refused, in that
//! state and with that answer. Where the two part there is no suite.

use std::borrow::Cow;
use std::collections::BTreeSet;

use contract::answers;
use contract::call::{Fetched, Whose};
use contract::core::Then;
use contract::{
    Call, Core, FileId, FileNames, HResult, Interfaces, JobId, Method, Profile, Receiver, ReceiverId, Text,
    UserId,
};

use super::quotient::{Place, PlaceId, Quotient, Seen};
use super::{Error, Item, Options, stranger};
use crate::drive::{Applied, Stimulus};
use crate::product::{Product, State};
use crate::spec::{Job, World};

/// The calls of the list that the specification refuses on this job now, each with its answer. On a job that is being completed or
/// cancelled there is none: every call on it waits until that is done.
#[must_use]
pub fn refused<const J: usize>(profile: &Profile, world: &World<J>, job: JobId) -> Vec<(Call, HResult)> {
    if world.job(job).is_none_or(Job::is_finalising) {
        return Vec::new();
    }
    let answer = |call: Call| {
        let mut world = *world;
        let reply = world.call(profile, OWNER, Some(job), &call);
        (reply.then == Then::Return && !reply.hr.succeeded()).then_some((call, reply.hr))
    };
    // A job that is made would be one more, which is no matter of this one's state.
    let kept = |call: &Call| call.method() != Method::CreateJob || is_bad_job(call);
    calls().into_iter().filter(kept).filter_map(answer).collect()
}

/// The getters that show whether a refused call has changed anything. Delays are not among them: a slice has shorter ones than the
/// dialect, which no header of a trace contains.
#[must_use]
pub fn probes() -> Vec<Call> {
    vec![
        Call::GetState,
        Call::GetNotifyFlags,
        Call::GetNotifyInterface,
        Call::GetPriority,
        Call::EnumFilesGetCount,
    ]
}

/// A path with the refused calls sneaked in at each place of `fresh` when it is met first. What they cover goes to `covered`.
pub(super) fn sneak_in<C: Core, const J: usize>(
    product: &Product<C, J>,
    options: &Options<'_>,
    path: &[Stimulus],
    fresh: &mut BTreeSet<PlaceId>,
    quotient: &mut Quotient,
    covered: &mut BTreeSet<Item>,
) -> Result<Vec<Stimulus>, Error> {
    let mut state = product.first();
    let mut whole = Vec::new();
    let mut look = |state: &State<C, J>, whole: &mut Vec<Stimulus>| {
        if !options.pace.admits::<C, J>(state) {
            return Ok(());
        }
        for job in (0..J as u32).map(JobId) {
            let Some(place) = Place::of(product.profile(), state, job) else { continue };
            let number = quotient.place(place);
            if !fresh.remove(&number) {
                continue;
            }
            let before = whole.len();
            for (call, hr) in refused(product.profile(), state.spec(), job) {
                if !answers::allows(product.profile(), call.method(), place.state(), hr) {
                    return Err(Error::Untabled { call: call.to_string(), place: place.to_string(), hr });
                }
                let stimulus = stranger(job, call);
                if !(options.allows)(&stimulus) {
                    continue;
                }
                let seen = Seen { returned: Some(hr) };
                covered.insert(Item::Edge(quotient.edge(number, &stimulus, seen, &place)));
                whole.push(stimulus);
            }
            if whole.len() > before {
                let probes = probes().into_iter().map(|call| stranger(job, call));
                whole.extend(probes.filter(|probe| (options.allows)(probe)));
            }
        }
        Ok(())
    };
    look(&state, &mut whole)?;
    for stimulus in path {
        whole.push(stimulus.clone());
        if state.apply(product.profile(), stimulus, &mut |_| ()) == Applied::Done {
            look(&state, &mut whole)?;
        }
    }
    Ok(whole)
}

const OWNER: UserId = UserId(0);

fn is_bad_job(call: &Call) -> bool {
    matches!(call, Call::CreateJob { name: None, .. } | Call::CreateJob { kind: 1.., .. })
}

/// Every method, with good arguments where it has any, and with each kind of bad ones.
#[must_use]
pub fn calls() -> Vec<Call> {
    [of_jobs(), of_properties(), of_registrations(), of_files(), of_errors(), of_enumerators()].concat()
}

fn of_jobs() -> Vec<Call> {
    let named = || Some(Text::Borrowed("job"));
    vec![
        Call::CreateJob { name: None, kind: 0 },
        Call::CreateJob { name: named(), kind: 1 },
        Call::GetJob,
        Call::EnumJobs { whose: Whose::All },
        Call::Suspend,
        Call::Resume,
        Call::Cancel,
        Call::Complete,
        Call::SetProxySettings,
        Call::GetProxySettings,
        Call::TakeOwnership,
        Call::GetOwner,
    ]
}

fn of_properties() -> Vec<Call> {
    let long = |characters: usize| Some(Text::Owned("x".repeat(characters)));
    let (name, description) = (contract::names::MAX_DISPLAY_NAME, contract::names::MAX_DESCRIPTION);
    vec![
        Call::SetDisplayName { name: Some("name".into()) },
        Call::SetDisplayName { name: None },
        Call::SetDisplayName { name: long(name + 1) },
        Call::SetDescription { description: Some("text".into()) },
        Call::SetDescription { description: None },
        Call::SetDescription { description: long(description + 1) },
        Call::GetDescription,
        Call::SetPriority { priority: 1 },
        Call::SetPriority { priority: 9 },
        Call::SetMinimumRetryDelay { seconds: 600 },
        Call::GetMinimumRetryDelay,
        Call::SetNoProgressTimeout { seconds: 600 },
        Call::GetErrorCount,
    ]
}

fn of_registrations() -> Vec<Call> {
    let receiver = |interfaces| Some(Receiver { id: ReceiverId(3), interfaces });
    let text = |text: &'static str| Some(Cow::Borrowed(text));
    vec![
        Call::SetNotifyFlags { flags: 0x3 },
        Call::SetNotifyFlags { flags: 0x20 },
        Call::SetNotifyFlags { flags: 0x40 },
        Call::SetNotifyInterface { receiver: receiver(Interfaces::CALLBACK) },
        Call::SetNotifyInterface { receiver: receiver(Interfaces::CALLBACK2) },
        Call::SetNotifyInterface { receiver: None },
        Call::SetNotifyCmdLine { program: text("/program"), parameters: text("") },
        Call::SetNotifyCmdLine { program: None, parameters: None },
        Call::SetNotifyCmdLine { program: None, parameters: text("alone") },
        Call::GetNotifyCmdLine,
    ]
}

fn of_files() -> Vec<Call> {
    let file =
        |remote: &'static str, local: &'static str| FileNames { remote: remote.into(), local: local.into() };
    let good = || file("http://127.0.0.1/file", "/destination");
    let (first, beyond) = (FileId(0), FileId(7));
    vec![
        Call::AddFile { file: good() },
        Call::AddFile { file: file("file", "/destination") },
        Call::AddFile { file: file("http://127.0.0.1/file", "destination") },
        Call::AddFileSet { files: vec![good()] },
        Call::AddFileSet { files: vec![good(), file("file", "/destination")] },
        Call::FileGetRemoteName { file: beyond },
        Call::FileGetLocalName { file: beyond },
        Call::FileGetProgress { file: beyond },
        Call::FileGetFileRanges { file: beyond },
        Call::FileSetRemoteName { file: first, remote: "http://127.0.0.1/other".into() },
        Call::FileSetRemoteName { file: first, remote: "other".into() },
        Call::FileSetRemoteName { file: beyond, remote: "http://127.0.0.1/other".into() },
        Call::FileSetValidationState { file: first },
        Call::FileGetProperty { file: first, property: 1 },
        Call::FileSetProperty { file: first, property: 1 },
    ]
}

fn of_errors() -> Vec<Call> {
    let language = 0x0407;
    vec![
        Call::GetErrorDescription { hr: HResult::E_FAIL, language: 0 },
        Call::GetErrorDescription { hr: HResult::E_FAIL, language },
        Call::GetError,
        Call::ErrorGetError,
        Call::ErrorGetFile,
        Call::ErrorGetErrorDescription { language: 0 },
        Call::ErrorGetErrorDescription { language },
        Call::ErrorGetErrorContextDescription { language: 0 },
        Call::ErrorGetErrorContextDescription { language },
        Call::ErrorGetProtocol,
    ]
}

fn of_enumerators() -> Vec<Call> {
    let (skip, celt, fetched) = (0, 2, Fetched::Null);
    vec![
        Call::EnumFilesNext { skip, celt, fetched },
        Call::EnumFilesClone,
        Call::EnumJobsNext { skip, celt, fetched },
        Call::EnumJobsSkip { celt: 0 },
        Call::EnumJobsReset,
        Call::EnumJobsGetCount,
        Call::EnumJobsClone,
    ]
}
