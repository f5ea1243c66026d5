//! How jobs and the service end, disks that fail, and transfers that a call stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contract::call::{Completed, ErrorContext, Whose};
use contract::core::{Core as _, TransferReply};
use contract::dialect::{Contexts, Expiry, TransferSlots};
use contract::{Event, FileId, HResult, JobState, Millis, NotifyFlags, Priority, Profile, StateSet, UserId};
use engine::service::{File, Job, WaitError};
use subjects::simulated::{DiskFails, Ear, Gate, PATIENCE, Sim, WATCH, WORKERS, eventually, local, object};

use super::super::checks::Checks;
use super::super::play::Setting;
use super::lists::files_of;
use super::properties::{made, start};

/// A job that is TRANSFERRED.
fn transferred(checks: &mut Checks, sim: &Sim) -> Option<Job> {
    let job = made(checks, sim.job(0, "http://sim/done", None))?;
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
    Some(job)
}

/// A job with one file that is done and one that stalls.
fn half(checks: &mut Checks, sim: &Sim) -> Option<Job> {
    let job = made(checks, sim.job(0, "http://sim/done", None))?;
    checks.same("AddFile", job.add_file("http://sim/stall", local("stalls")), Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    let one = eventually(|| job.progress().is_ok_and(|progress| progress.files_transferred == 1));
    checks.same("the first file is done", one, true);
    checks.same("the second is fetched", eventually(|| sim.network.fetches(&job, 1) == 1), true);
    Some(job)
}

pub(super) fn endings(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = transferred(checks, &sim) else { return };
    let nothing_new = sim.profile.resume_transferred;
    let owed = if nothing_new.succeeded() { Ok(()) } else { Err(nothing_new) };
    checks.same("Resume with nothing new", job.resume(), owed);
    for file in files_of(&job) {
        checks.same("SetRemoteName of a file that is done", file.set_remote_name("http://sim/busy"), Ok(()));
    }
    checks.same("Resume after it", job.resume(), owed);
    checks.same("fetches of a file that is done", sim.network.fetches(&job, 0), 1);
    checks.same("Complete", job.complete().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("what Complete did", sim.disk.take(&job), vec![("rename", FileId(0))]);
    after_the_end(checks, &sim, &job, JobState::Acknowledged);

    let Some(job) = transferred(checks, &sim) else { return };
    checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("what Cancel did", sim.disk.take(&job), vec![("remove", FileId(0))]);
    after_the_end(checks, &sim, &job, JobState::Cancelled);

    let Some(job) = half(checks, &sim) else { return };
    let partial = job.complete().map(|back| back.hr);
    checks.same("Complete of half a job", partial, Ok(sim.profile.partial_complete));
    checks.same("what it did", sim.disk.take(&job), vec![("rename", FileId(0)), ("remove", FileId(1))]);
    let completed: Vec<_> =
        files_of(&job).iter().map(|file| file.progress().map(|progress| progress.completed)).collect();
    checks.same("Completed of its files", completed, vec![Ok(Completed::Yes), Ok(Completed::No)]);
    after_the_end(checks, &sim, &job, JobState::Acknowledged);
    sim.network.gate.open();
    // The transfer was in its file when the job ended: what it made is removed behind it.
    let tidied =
        eventually(|| sim.network.running() == 0 && sim.disk.take(&job).contains(&("remove", FileId(1))));
    checks.same("a leftover of a transfer is removed", tidied, true);
}

fn after_the_end(checks: &mut Checks, sim: &Sim, job: &Job, state: JobState) {
    let invalid = sim.profile.invalid_state;
    checks.same("GetState at the end", job.state(), Ok(state));
    checks.same("Cancel at the end", job.cancel().map(|back| back.hr), Err(invalid));
    checks.same("Complete at the end", job.complete().map(|back| back.hr), Err(invalid));
    checks.same("Resume at the end", job.resume(), Err(invalid));
    checks.same("Suspend at the end", job.suspend(), Err(invalid));
    checks.same("AddFile at the end", job.add_file("http://sim/done", local("late")), Err(invalid));
    checks.same("SetPriority at the end", job.set_priority(Priority::Low), Err(invalid));
    checks.same("SetNotifyFlags at the end", job.set_notify_flags(NotifyFlags::DEFAULT), Err(invalid));
    checks.same("SetNotifyInterface at the end", job.set_notify_interface(None), Err(invalid));
    checks.same("SetNoProgressTimeout at the end", job.set_no_progress_timeout(9), Err(invalid));
    let found = job.id().and_then(|id| sim.service.manager(UserId(0)).job(id)).err();
    checks.same("GetJob at the end", found, Some(sim.profile.not_found));
    checks.same("what was done at the end", sim.disk.take(job), Vec::new());
}

pub(super) fn disk_that_fails(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let violation = HResult::from_win32(32);
    let refused = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&refused);
    // Not acknowledged before the rename has failed, so that it is delivered again behind it.
    let ear = Ear::new(
        move |_, _| {
            if counted.load(Ordering::SeqCst) == 0 { HResult::E_FAIL } else { HResult::S_OK }
        },
    );
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    checks.same("AddFile", job.add_file("http://sim/done", local("second")), Ok(()));
    checks.same("AddFile", job.add_file("http://sim/done", local("third")), Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
    sim.disk.set(DiskFails { rename: Some((FileId(1), violation)), remove: None });
    checks.same("Complete", job.complete().map(|back| back.hr), Err(violation));
    checks.same("what it did before it failed", sim.disk.take(&job), vec![("rename", FileId(0))]);
    checks.same("GetState after it", job.state(), Ok(JobState::Transferred));
    let completed: Vec<_> =
        files_of(&job).iter().map(|file| file.progress().map(|progress| progress.completed)).collect();
    checks.same(
        "Completed after it",
        completed,
        vec![Ok(Completed::Yes), Ok(Completed::No), Ok(Completed::No)],
    );
    let before = ear.count(Event::JobTransferred);
    refused.store(1, Ordering::SeqCst);
    let again = eventually(|| ear.count(Event::JobTransferred) > before);
    checks.same("it is told again after it", again, true);
    thread::sleep(WATCH);
    checks.same("what was done by itself", sim.disk.take(&job), Vec::new());
    sim.disk.set(DiskFails::default());
    checks.same("Complete again", job.complete().map(|back| back.hr), Ok(HResult::S_OK));
    let others = vec![("rename", FileId(1)), ("rename", FileId(2))];
    checks.same("what the second Complete did", sim.disk.take(&job), others);

    let Some(job) = transferred(checks, &sim) else { return };
    sim.disk.set(DiskFails { rename: None, remove: Some(violation) });
    let left = job.cancel().map(|back| back.hr);
    checks.same("Cancel that leaves a file behind", left, Ok(sim.profile.unable_to_delete));
    checks.same("GetState after that", job.state(), Ok(JobState::Cancelled));
    sim.disk.set(DiskFails::default());
}

pub(super) fn transfers(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    // A stalled transfer blocks no call, and no second transfer of the job begins beside it.
    let Some(job) = made(checks, sim.job(0, "http://sim/stall", None)) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("a transfer runs", sim.comes_to(&job, JobState::Transferring), true);
    checks.same("it is in its file", eventually(|| sim.network.running() == 1), true);
    checks.same("Suspend", job.suspend(), Ok(()));
    checks.same("Resume again", job.resume(), Ok(()));
    let wanted = eventually(|| sim.service.inspect(|core| core.transfer(job.number()).is_some()));
    checks.same("a new attempt is wanted", wanted, true);
    thread::sleep(WATCH);
    checks.same("transfers of one job at once", (sim.network.most(), sim.network.fetches(&job, 0)), (1, 1));
    sim.network.gate.open();
    checks.same("TRANSFERRED after all", sim.comes_to(&job, JobState::Transferred), true);
    checks.same("fetches", sim.network.fetches(&job, 0), 2);
    // A transfer that a call has made superfluous stops soon.
    for (name, stop) in [
        ("Cancel", (|job: &Job| job.cancel().is_ok()) as fn(&Job) -> bool),
        ("Complete", |job| job.complete().is_ok()),
        ("Suspend", |job| job.suspend().is_ok()),
    ] {
        let Some(job) = made(checks, sim.job(0, "http://sim/drip", None)) else { return };
        checks.same("Resume", job.resume(), Ok(()));
        let runs = eventually(|| job.progress().is_ok_and(|progress| progress.bytes_transferred > 0));
        checks.same("bytes come", runs, true);
        checks.same(name, stop(&job), true);
        let began = Instant::now();
        let over = eventually(|| sim.network.running() == 0);
        let soon = began.elapsed() < Duration::from_secs(2);
        checks.same(&format!("after {name} the transfer stops soon"), (over, soon), (true, true));
        thread::sleep(WATCH);
        checks.same(&format!("after {name} there is no other one"), sim.network.fetches(&job, 0), 1);
    }
    let stops =
        sim.network.replies("http://sim/drip").iter().filter(|reply| **reply == TransferReply::Stop).count();
    checks.same("transfers that were told to stop", stops, 3);
}

/// As many transfers at once as the dialect has slots, but never more than the service has workers.
pub(super) fn transfers_at_once(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let jobs: Vec<Job> = (0..20).filter_map(|_| made(checks, sim.job(0, "http://sim/stall", None))).collect();
    jobs.iter().for_each(|job| checks.same("Resume", job.resume(), Ok(())));
    let most = match sim.profile.transfer_slots {
        TransferSlots::ForegroundAndOne => WORKERS,
        TransferSlots::AtMost(slots) => slots,
    };
    checks.same("transfers run at once", eventually(|| sim.network.running() == most), true);
    thread::sleep(WATCH);
    checks.same("transfers at once", (sim.network.running(), sim.network.most()), (most, most));
    sim.network.gate.open();
    let all = jobs.iter().all(|job| sim.comes_to(job, JobState::Transferred));
    checks.same("all are transferred in the end", all, true);
}

pub(super) fn fetches_that_fail(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    for url in
        ["http://sim/busy-once", "http://sim/panic-once", "http://sim/mute-once", "http://sim/liar-once"]
    {
        let ear = Ear::good();
        let Some(job) = made(checks, sim.job(0, url, object(&ear))) else { return };
        let began = Instant::now();
        checks.same("Resume", job.resume(), Ok(()));
        let told = eventually(|| ear.count(Event::JobTransferred) == 1);
        checks.same(&format!("{url} arrives at the second attempt"), told, true);
        checks.same(&format!("{url}, attempts"), sim.network.fetches(&job, 0), 2);
        let waited = began.elapsed() + Duration::from_millis(1) >= sim.retry_delay();
        checks.same(&format!("{url} is retried after the delay"), waited, true);
        if sim.profile.omitted_methods.is_on() {
            checks.same(&format!("{url}, errors"), job.error_count(), Ok(1));
        }
        let progress = job.progress().map(|progress| (progress.bytes_total, progress.bytes_transferred));
        checks.same(&format!("{url}, bytes"), progress, Ok((Some(3), 3)));
    }
    for (url, status) in [("http://sim/fail", 404), ("http://sim/forbidden", 403)] {
        let ear = Ear::good();
        let Some(job) = made(checks, sim.job(0, url, object(&ear))) else { return };
        checks.same("Resume", job.resume(), Ok(()));
        checks.same("JobError is told", eventually(|| ear.count(Event::JobError) == 1), true);
        let context = match sim.profile.contexts {
            Contexts::RemoteFileFor403 if status != 403 => ErrorContext::None,
            _ => ErrorContext::RemoteFile,
        };
        let owed = (context, HResult::from_http(status));
        checks.same("the error of JobError", ear.told().first().and_then(|told| told.error), Some(owed));
        checks.same("GetError", job.error().map(|error| error.error()), Ok(owed));
        let file = job.error().and_then(|error| error.file()).map(|file| file.number());
        let owed_file =
            if context == ErrorContext::None { Err(sim.profile.file_not_available) } else { Ok(FileId(0)) };
        checks.same("GetFile", file, owed_file);
        // With another URL it is fetched again, and the error is no more once it transfers.
        let repaired = files_of(&job).first().map(|file: &File| file.set_remote_name("http://sim/done"));
        checks.same("SetRemoteName", repaired, Some(Ok(())));
        checks.same("Resume out of ERROR", job.resume(), Ok(()));
        checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
        let no_error = job.error().map(|error| error.error());
        checks.same("GetError after it", no_error, Err(sim.profile.no_error_information));
    }
}

/// The file of an error is the one that failed, not any other of the job.
pub(super) fn the_file_that_failed(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let ear = Ear::good();
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    // 403, because that one names its file in both dialects.
    checks.same("AddFile", job.add_file("http://sim/forbidden", local("second")), Ok(()));
    checks.same("AddFile", job.add_file("http://sim/done", local("third")), Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("JobError is told", eventually(|| ear.count(Event::JobError) == 1), true);
    checks.same("files that are done", job.progress().map(|progress| progress.files_transferred), Ok(1));
    let file = job.error().and_then(|error| error.file());
    checks.same("GetFile", file.as_ref().map(File::number).map_err(|hr| *hr), Ok(FileId(1)));
    let remote = file.and_then(|file| file.remote_name());
    checks.same("its remote name", remote.as_deref(), Ok("http://sim/forbidden"));
    checks.same("fetches of the third file", sim.network.fetches(&job, 2), 0);
}

pub(super) fn network_and_logoff(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.job(0, "http://sim/drip", None)) else { return };
    let Some(other) = made(checks, sim.job(1, "http://sim/drip", None)) else { return };
    let Some(idle) = made(checks, sim.job(0, "http://sim/done", None)) else { return };
    for job in [&job, &other] {
        checks.same("Resume", job.resume(), Ok(()));
        checks.same("a transfer runs", sim.comes_to(job, JobState::Transferring), true);
    }
    let fetched = || (sim.network.fetches(&job, 0), sim.network.fetches(&other, 0));
    checks.same("fetches", eventually(|| fetched() == (1, 1)), true);
    sim.service.logoff(UserId(0));
    let again = eventually(|| fetched() == (2, 1));
    checks.same("a logoff stops this user's transfer and no other", (again, fetched()), (true, (2, 1)));
    sim.service.network_lost();
    let lost = |job: &Job| sim.state(job) == Some(JobState::TransientError);
    checks.same("the network is lost to every transfer", (lost(&job), lost(&other)), (true, true));
    checks.same("a suspended job stays suspended", sim.state(&idle), Some(JobState::Suspended));
    let hr = job.error().map(|error| error.error().1);
    checks.same("the error of a lost network", hr, Ok(sim.profile.disconnected));
    thread::sleep(sim.retry_delay() + WATCH);
    checks.same("nothing is retried without a network", fetched(), (2, 1));
    sim.service.network_back();
    let back = sim.comes_to(&job, JobState::Transferring) && sim.comes_to(&other, JobState::Transferring);
    checks.same("the network is back", back, true);
    checks.same("a suspended job is still suspended", sim.state(&idle), Some(JobState::Suspended));
    for job in [job, other] {
        checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    }
}

pub(super) fn shutdown(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let gate = Arc::<Gate>::default();
    let (held, entered) = (Arc::clone(&gate), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&entered);
    let ear = Ear::new(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        held.pass();
        HResult::S_OK
    });
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    let Some(stalls) = made(checks, sim.job(0, "http://sim/stall", None)) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("Resume", stalls.resume(), Ok(()));
    let busy = eventually(|| entered.load(Ordering::SeqCst) == 1 && sim.network.running() == 1);
    checks.same("a callback and a transfer run", busy, true);
    let gone = HResult::RPC_S_SERVER_UNAVAILABLE;
    thread::scope(|scope| {
        let cancelling = scope.spawn(|| job.cancel().map(|back| back.hr));
        checks.same("Cancel takes effect", sim.comes_to(&job, JobState::Cancelled), true);
        let left = sim.service.shutdown();
        checks.same("threads left behind", (left.callbacks, left.transfers, left.programs), (1, 1, 0));
        checks.same("Cancel that is overtaken", cancelling.join().ok(), Some(Err(gone)));
    });
    checks.same("GetState of a service that is gone", job.state(), Err(gone));
    let manager = sim.service.manager(UserId(0));
    checks.same("CreateJob of a service that is gone", manager.create_job("late").err(), Some(gone));
    checks.same("EnumJobs of a service that is gone", manager.jobs(Whose::Mine).err(), Some(gone));
    let left = sim.service.shutdown_within(Duration::from_millis(20));
    checks.same("threads left behind after a while", (left.callbacks, left.transfers), (1, 1));
    gate.open();
    sim.network.gate.open();
    let left = sim.service.shutdown_within(Duration::from_secs(2));
    checks.same("threads left at last", left.is_none(), true);
}

pub(super) fn waits(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.job(0, "http://sim/stall", None)) else { return };
    let (suspended, transferred) = (StateSet::of(JobState::Suspended), StateSet::of(JobState::Transferred));
    let late = job.wait_for(transferred, WATCH);
    checks.same("a state that does not come", late, Err(WaitError::TimedOut(JobState::Suspended)));
    checks.same("a state that is there", job.wait_for(suspended, Duration::ZERO), Ok(JobState::Suspended));
    let wait_for = |state| sim.service.wait_until(|core| core.state(job.number()) == Some(state));
    wait_for(JobState::Suspended);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            wait_for(JobState::Transferred);
            sim.state(&job)
        });
        checks.same("Resume", job.resume(), Ok(()));
        sim.network.gate.open();
        checks.same("the state after the wait", waiting.join().ok(), Some(Some(JobState::Transferred)));
        let state = job.wait_for(transferred, PATIENCE);
        checks.same("the state that was waited for", state, Ok(JobState::Transferred));
        checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
        let ended = job.wait_for(suspended, PATIENCE);
        checks.same("a state that cannot come", ended, Err(WaitError::Ended(JobState::Cancelled)));
        let waiting = scope.spawn(|| sim.service.wait_until(|_| false));
        let left = sim.service.shutdown();
        checks.same("threads left behind", (left.callbacks, left.transfers, left.programs), (0, 0, 0));
        checks.same("a wait ends with the service", waiting.join().is_ok(), true);
        checks.same("a job without its service", job.wait_for(suspended, PATIENCE), Err(WaitError::Gone));
    });
}

pub(super) fn handles(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let ear = Ear::good();
    let alive = Arc::downgrade(&ear);
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    drop(ear);
    let (number, copy) = (job.number(), job.clone());
    let known = || sim.service.inspect(|core| core.state(number)).is_some();
    let found = job.id().and_then(|id| sim.service.manager(UserId(0)).job(id));
    checks.same("GetJob", found.is_ok(), true);
    checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    drop(job);
    drop(found);
    checks.same("a handle keeps the record of an ended job", known(), true);
    checks.same("and its object", alive.upgrade().is_some(), true);
    checks.same("GetState through it", copy.state(), Ok(JobState::Cancelled));
    drop(copy);
    checks.same("the last handle takes the record with it", known(), false);
    checks.same("and the object", alive.upgrade().is_none(), true);
    let Some(job) = made(checks, sim.job(0, "http://sim/done", None)) else { return };
    let number = job.number();
    drop(job);
    let state = sim.service.inspect(|core| core.state(number));
    checks.same("a job that lives stays without a handle", state, Some(JobState::Suspended));
    if sim.profile.omitted_methods.is_on() {
        let listed = sim.service.manager(UserId(0)).jobs(Whose::Mine).map(|jobs| jobs.count());
        checks.same("and is listed", listed, Ok(Ok(1)));
    }
    ends_without_a_handle(checks, setting);
    ends_with_the_service(checks, setting);
}

/// The handles of a job outlive the service, and its object does not. A service that is dropped is shut down.
fn ends_with_the_service(checks: &mut Checks, setting: &Setting) {
    let shut_down = |sim: Sim| {
        let _ = sim.service.shutdown();
        Some(sim)
    };
    let dropped = |_: Sim| None;
    for end in [shut_down as fn(Sim) -> Option<Sim>, dropped] {
        let Some(sim) = start(checks, setting) else { return };
        let ear = Ear::good();
        let alive = Arc::downgrade(&ear);
        let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
        drop(ear);
        let _ended = end(sim);
        checks.same("an object goes with its service", alive.upgrade().is_none(), true);
        let state = job.state();
        checks.same("GetState without its service", state, Err(HResult::RPC_S_SERVER_UNAVAILABLE));
    }
}

/// A job that was let go of while it lived, and expires.
fn ends_without_a_handle(checks: &mut Checks, setting: &Setting) {
    let profile = Profile { expiry: Expiry::Age(Millis::from_secs(1)), ..setting.profile };
    let Some(sim) = start(checks, &Setting { profile, ..setting.clone() }) else { return };
    let ear = Ear::good();
    let alive = Arc::downgrade(&ear);
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    drop(ear);
    let number = job.number();
    drop(job);
    let forgotten = || sim.service.inspect(|core| core.state(number)).is_none();
    checks.same("a job that expires without a handle is forgotten", eventually(forgotten), true);
    checks.same("and its object goes", eventually(|| alive.upgrade().is_none()), true);
}
