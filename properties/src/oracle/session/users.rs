//! Users beside one another, and the reasons that a client gets for its own mistakes.

use std::thread;

use contract::dialect::TransferSlots;
use contract::{HResult, JobId, JobState, Method, UserId};
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
    let manager = sim.service.manager(UserId(3));
    let Some(job) = made(checks, manager.create_job("session")) else { return };
    let number = job.number();
    let heard = |checks: &mut Checks, what: &str, hr: Option<HResult>, owed: Option<Owed>| {
        let refused = if owed.is_some() { Some(HResult::E_INVALIDARG) } else { hr };
        checks.same(what, hr, refused);
        one_reason(checks, &sim, what, owed);
    };
    let of_job = |method, about| Some(Owed { job: Some(number), method, about });
    heard(
        checks,
        "a URL of another scheme",
        job.add_file("ftp://sim/x", local("x")).err(),
        of_job(Method::AddFile, "scheme"),
    );
    heard(
        checks,
        "a path that is not whole",
        job.add_file("http://sim/x", "x").err(),
        of_job(Method::AddFile, "path"),
    );
    let long = "n".repeat(257);
    let of_none = Owed { job: None, method: Method::CreateJob, about: "256" };
    heard(checks, "a name too long", manager.create_job(&long).err(), Some(of_none));
    if sim.profile.omitted_methods.is_on() {
        let renamed = job.set_display_name(&long).err();
        heard(checks, "another name too long", renamed, of_job(Method::SetDisplayName, "256"));
        let alone = job.set_notify_cmd_line(None, Some("parameters")).err();
        heard(checks, "parameters alone", alone, of_job(Method::SetNotifyCmdLine, "program"));
    }
    heard(checks, "a good file", job.add_file("http://sim/done", local("x")).err(), None);
    heard(checks, "a job that has nothing to do", job.complete().err(), None);
}

/// The refusal whose reason a client has to get.
#[derive(Clone, Copy)]
struct Owed {
    job: Option<JobId>,
    method: Method,
    /// A word of the reason: it names what is wrong.
    about: &'static str,
}

fn one_reason(checks: &mut Checks, sim: &Sim, what: &str, owed: Option<Owed>) {
    let refusals = sim.take_refusals();
    let heard: Vec<_> = refusals.iter().map(|refusal| (refusal.job, refusal.method)).collect();
    let expected = owed.iter().map(|owed| (owed.job, owed.method)).collect();
    checks.same(&format!("{what}: refusals with a reason"), heard, expected);
    let about = owed.map_or("", |owed| owed.about);
    let names_it = |reason: &str| reason.contains(about) && !reason.is_empty();
    let wrong =
        refusals.iter().filter(|refusal| !names_it(refusal.reason) || refusal.user != UserId(3)).count();
    checks.same(&format!("{what}: reasons that do not name it, or of another user"), wrong, 0);
}
