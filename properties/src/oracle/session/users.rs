//! Users beside one another, and the reasons that a client gets for its own mistakes.

use std::thread;

use contract::answers::is_omitted;
use contract::call::{Fetched, FileNames};
use contract::dialect::TransferSlots;
use contract::{Call, FileId, HResult, JobId, JobState, Method, ThreadId, UserId};
use engine::service::Job;
use subjects::simulated::{Sim, WATCH, WORKERS, eventually, local};

use super::super::checks::Checks;
use super::super::play::Setting;
use super::properties::{made, start};

/// Transfers that stall hold up no user but their own, where each user has slots. Where all users share the slots, other users wait, too.
pub(super) fn beside_one_another(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let (most, others_run) = match sim.profile.transfer_slots {
        TransferSlots::ForegroundAndOne => (WORKERS, true),
        // These slots are of all users together.
        TransferSlots::AtMost(slots) => (slots, false),
    };
    let resumed = |checks: &mut Checks, user: u32, url: &str| -> Option<Job> {
        let job = made(checks, sim.job(user, url, None))?;
        checks.same("Resume", job.resume(), Ok(()));
        Some(job)
    };
    let stalled: Vec<Job> = (0..WORKERS + 4).filter_map(|_| resumed(checks, 0, "http://sim/stall")).collect();
    checks.same("one user's transfers at once", eventually(|| sim.network.running() == most), true);
    let mut waiting = Vec::new();
    // The second job of a user comes when its first one is done.
    for user in [1, 2, 1] {
        let Some(job) = resumed(checks, user, "http://sim/done") else { return };
        if others_run {
            let done = sim.comes_to(&job, JobState::Transferred);
            checks.same(&format!("a job of user {user} is transferred beside them"), done, true);
        } else {
            waiting.push(job);
        }
    }
    thread::sleep(WATCH);
    let fetched = waiting.iter().filter(|job| sim.network.fetches(job, 0) > 0).count();
    checks.same("jobs that have no slot and are fetched", fetched, 0);
    checks.same("the first user's transfers after that", sim.network.running(), most);
    sim.network.gate.open();
    let all = stalled.iter().chain(&waiting).all(|job| sim.comes_to(job, JobState::Transferred));
    checks.same("all are transferred in the end", all, true);
}

/// A client that asks for reasons gets one for each argument that is not valid, and for nothing else.
pub(super) fn reasons(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let manager = sim.service.manager(CLIENT);
    let Some(job) = made(checks, manager.create_job("session")) else { return };
    let number = job.number();
    checks.same("a good file", job.add_file("http://sim/done", local("x")), Ok(()));
    for (call, about) in bad_calls() {
        let method = call.method();
        let on = (method != Method::CreateJob).then_some(number);
        let (hr, _) = sim.service.call(ThreadId(0), CLIENT, on, &call);
        // Where a method is left out, no argument of it is looked at.
        let is_left_out = is_omitted(&sim.profile, method);
        let wanted = if is_left_out { HResult::E_NOTIMPL } else { HResult::E_INVALIDARG };
        checks.same(&format!("{call}"), hr, wanted);
        let owed = (!is_left_out).then_some(Owed { job: on, method, about });
        one_reason(checks, &sim, &format!("{call}"), owed);
    }
    let _answer = job.complete();
    one_reason(checks, &sim, "a call without an argument", None);
}

const CLIENT: UserId = UserId(3);

/// A call for each argument that is not valid, and a word of the reason: it names what is wrong.
fn bad_calls() -> Vec<(Call, &'static str)> {
    let file = |remote: &str, local: &str| FileNames {
        remote: remote.to_owned().into(),
        local: local.to_owned().into(),
    };
    let (good, here) = ("http://sim/x", local("y"));
    let long = |length: usize| "n".repeat(length);
    let name = |name: Option<String>| name.map(Into::into);
    let missing = FileId(9);
    let mut all = vec![
        (Call::CreateJob { name: None, kind: 0 }, "no name"),
        (Call::CreateJob { name: name(Some(long(257))), kind: 0 }, "256"),
        (Call::SetDisplayName { name: None }, "no name"),
        (Call::SetDisplayName { name: name(Some(long(257))) }, "256"),
        (Call::SetDescription { description: None }, "description"),
        (Call::AddFileSet { files: vec![file(good, &here), file("ftp://sim/x", &here)] }, "scheme"),
        (Call::AddFileSet { files: vec![file(good, &here), file(good, "x")] }, "absolute"),
        (Call::SetNotifyCmdLine { program: None, parameters: name(Some(long(1))) }, "program"),
        (Call::FileSetRemoteName { file: FileId(0), remote: "ftp://sim/x".into() }, "scheme"),
        (Call::FileSetRemoteName { file: missing, remote: good.into() }, "no such file"),
        (Call::FileGetRemoteName { file: missing }, "no such file"),
        (Call::FileGetLocalName { file: missing }, "no such file"),
        (Call::FileGetProgress { file: missing }, "no such file"),
        (Call::FileGetFileRanges { file: missing }, "no such file"),
        (Call::EnumFilesNext { skip: 0, celt: 2, fetched: Fetched::Null }, "more than one"),
    ];
    let remotes = [
        (format!("http://sim/{}", long(2200)), "2200"),
        ("http://sim/a b".to_owned(), "white space"),
        ("sim".to_owned(), "not a URL"),
        ("ftp://sim/x".to_owned(), "scheme"),
        ("http://me:secret@sim/x".to_owned(), "credentials"),
        (format!("http://sim/{}", long(261)), "segment"),
    ];
    let locals = [
        (String::new(), "empty"),
        (format!("{here}\0"), "NUL"),
        ("x".to_owned(), "absolute"),
        (format!("{here}/../y"), ".."),
        (format!("{here}/"), "directory"),
    ];
    all.extend(remotes.map(|(remote, about)| (Call::AddFile { file: file(&remote, &here) }, about)));
    all.extend(locals.map(|(local, about)| (Call::AddFile { file: file(good, &local) }, about)));
    all
}

/// The refusal whose reason a client has to get.
#[derive(Clone, Copy)]
struct Owed {
    job: Option<JobId>,
    method: Method,
    /// A word of the reason.
    about: &'static str,
}

fn one_reason(checks: &mut Checks, sim: &Sim, what: &str, owed: Option<Owed>) {
    let refusals = sim.take_refusals();
    let heard: Vec<_> = refusals.iter().map(|refusal| (refusal.job, refusal.method)).collect();
    let expected = owed.iter().map(|owed| (owed.job, owed.method)).collect();
    checks.same(&format!("{what}: refusals with a reason"), heard, expected);
    let about = owed.map_or("", |owed| owed.about);
    let names_it = |reason: &str| reason.contains(about) && !reason.is_empty();
    let wrong = refusals.iter().filter(|refusal| !names_it(refusal.reason) || refusal.user != CLIENT).count();
    checks.same(&format!("{what}: reasons that do not name it, or of another user"), wrong, 0);
}
