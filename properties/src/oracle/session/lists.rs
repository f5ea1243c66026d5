//! Files, enumerators, the manager's lists, owners, and registrations.

use std::sync::Arc;

use contract::call::{Completed, Fetched, FileProgress, Whose};
use contract::{
    Call, FileId, HResult, Interfaces, JobId, JobState, Out, Receiver, ReceiverId, ThreadId, UserId,
};
use engine::service::{EnumFiles, File, Guid, Job, Returned};
use subjects::simulated::{Ear, Sim, WATCH, eventually, local, object};

use super::super::checks::Checks;
use super::super::play::Setting;
use super::properties::{made, start};

/// A job with this number of files, their names after their numbers.
fn with_files(checks: &mut Checks, sim: &Sim, files: u32) -> Option<Job> {
    let job = made(checks, sim.service.manager(UserId(0)).create_job("session"))?;
    for number in 0..files {
        let added = job.add_file(&format!("http://sim/{number}"), local(&number.to_string()));
        checks.same("AddFile", added, Ok(()));
    }
    Some(job)
}

/// All files of a job, in one go.
pub(super) fn files_of(job: &Job) -> Vec<File> {
    let files = job.files().and_then(|mut files| files.next(u32::MAX, Fetched::Wanted));
    files.map(|files| files.value).unwrap_or_default()
}

pub(super) fn files(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = with_files(checks, &sim, 2) else { return };
    let files = files_of(&job);
    checks.same("EnumFiles", files.iter().map(File::number).collect::<Vec<_>>(), vec![FileId(0), FileId(1)]);
    for file in &files {
        let number = file.number().0;
        checks.same("GetRemoteName", file.remote_name(), Ok(format!("http://sim/{number}")));
        checks.same("GetLocalName", file.local_name(), Ok(local(&number.to_string())));
        let unknown = FileProgress { bytes_total: None, bytes_transferred: 0, completed: Completed::No };
        checks.same("GetProgress of a file that was not fetched", file.progress(), Ok(unknown));
        checks.same("GetFileRanges", file.file_ranges().map(|back| back.hr), Ok(HResult::S_FALSE));
        checks.same("SetValidationState", file.set_validation_state(), Err(HResult::E_NOTIMPL));
        checks.same("GetProperty of a file", file.property(1), Err(HResult::E_NOTIMPL));
        checks.same("SetProperty of a file", file.set_property(1), Err(HResult::E_NOTIMPL));
    }
    checks.same(
        "GetProgress of unknown sizes",
        job.progress().map(|progress| progress.bytes_total),
        Ok(None),
    );
    let Some(second) = files.get(1) else { return };
    checks.same("SetRemoteName", second.set_remote_name("http://sim/done"), Ok(()));
    checks.same("GetRemoteName after it", second.remote_name().as_deref(), Ok("http://sim/done"));
    checks.same("SetRemoteName to nothing", second.set_remote_name("nothing"), Err(HResult::E_INVALIDARG));
    let first = files.first().map(|first| first.remote_name());
    checks.same("the other file's name", first, Some(Ok("http://sim/0".to_owned())));
    checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    let late = second.set_remote_name("http://sim/late");
    checks.same("SetRemoteName after Cancel", late, Err(sim.profile.invalid_state));
    checks.same("GetRemoteName after Cancel", second.remote_name().as_deref(), Ok("http://sim/done"));
}

pub(super) fn enumerators(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = with_files(checks, &sim, 3) else { return };
    let Ok(mut all) = job.files() else {
        return checks.note("EnumFiles", "refused", "an enumerator");
    };
    let next = |files: &mut EnumFiles, celt, fetched| {
        let back = files.next(celt, fetched);
        back.map(|Returned { hr, value }| {
            (hr, value.iter().map(|file| file.number().0).collect::<Vec<u32>>())
        })
    };
    let (ok, less) = (HResult::S_OK, HResult::S_FALSE);
    checks.same("Next of two", next(&mut all, 2, Fetched::Wanted), Ok((ok, vec![0, 1])));
    checks.same("Next of two, uncounted", next(&mut all, 2, Fetched::Null), Err(HResult::E_INVALIDARG));
    checks.same("Next of none, uncounted", next(&mut all, 0, Fetched::Null), Err(HResult::E_INVALIDARG));
    let mut copy = match (all.duplicate(), sim.profile.omitted_methods.is_on()) {
        (Ok(copy), true) => Some(copy),
        (Err(HResult::E_NOTIMPL), false) => None,
        (other, _) => return checks.note("Clone", &format!("{other:?}"), "as the dialect has it"),
    };
    if let Some(copy) = &mut copy {
        checks.same("Next of a clone", next(copy, 1, Fetched::Null), Ok((ok, vec![2])));
        checks.same("GetCount of a clone", copy.count(), Ok(3));
        checks.same("Next at the end of a clone", next(copy, 1, Fetched::Null), Ok((less, Vec::new())));
    }
    checks.same("Next of nine", next(&mut all, 9, Fetched::Wanted), Ok((less, vec![2])));
    checks.same("Next of none at the end", next(&mut all, 0, Fetched::Wanted), Ok((ok, Vec::new())));
    checks.same("Next of one at the end", next(&mut all, 1, Fetched::Wanted), Ok((less, Vec::new())));
    checks.same("GetCount at the end", all.count(), Ok(3));
    checks.same("Reset", all.reset(), Ok(()));
    checks.same("Skip of one", all.skip(1).map(|back| back.hr), Ok(ok));
    checks.same("Next after Skip", next(&mut all, 1, Fetched::Null), Ok((ok, vec![1])));
    checks.same("Reset in the middle", all.reset(), Ok(()));
    checks.same("Next after Reset", next(&mut all, 1, Fetched::Null), Ok((ok, vec![0])));
    checks.same("Skip of the rest", all.skip(2).map(|back| back.hr), Ok(ok));
    checks.same("Skip at the end", all.skip(1).map(|back| back.hr), Ok(less));
    checks.same("Skip of none at the end", all.skip(0).map(|back| back.hr), Ok(ok));
    checks.same("Reset at the end", all.reset(), Ok(()));
    checks.same("Skip beyond the end", all.skip(u32::MAX).map(|back| back.hr), Ok(less));
    checks.same("Next behind the end", next(&mut all, 1, Fetched::Null), Ok((less, Vec::new())));
    checks.same("AddFile", job.add_file("http://sim/late", local("late")), Ok(()));
    checks.same("GetCount of a snapshot", all.count(), Ok(3));
    checks.same("GetCount of a later one", job.files().map(|files| files.count()), Ok(Ok(4)));
    checks.same("Reset before the iterator", all.reset(), Ok(()));
    checks.same("Skip before the iterator", all.skip(1).map(|back| back.hr), Ok(ok));
    let rest = all.into_iter();
    checks.same("what the iterator has left", rest.len(), 2);
    checks.same("the iterator", rest.map(|file| file.number().0).collect::<Vec<_>>(), vec![1, 2]);
}

pub(super) fn jobs_and_owners(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let (ours, theirs) = (sim.service.manager(UserId(0)), sim.service.manager(UserId(1)));
    let (Some(first), Some(second), Some(foreign)) = (
        made(checks, ours.create_job("first")),
        made(checks, ours.create_job("second")),
        made(checks, theirs.create_job("of another user")),
    ) else {
        return;
    };
    let ids = [&first, &second, &foreign].map(Job::id);
    let [Ok(id), Ok(second_id), Ok(foreign_id)] = ids else {
        return checks.note("GetId", &format!("{ids:?}"), "three ids");
    };
    checks.same("ids differ", id != second_id && second_id != foreign_id && id != foreign_id, true);
    checks.same("GetId again", first.id(), Ok(id));
    let text = Guid(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF).to_string();
    checks.same("an id as text", text.as_str(), "{00112233-4455-6677-8899-AABBCCDDEEFF}");
    checks.same("two jobs are two", first == second, false);
    checks.same("a handle is of its job", first == first.clone(), true);
    let elsewhere = Sim::elsewhere(&setting.profile, setting.seeded).ok();
    let theirs_too = elsewhere.as_ref().and_then(|sim| sim.job(0, "http://sim/done", None).ok());
    let strange = theirs_too.as_ref().and_then(|job| job.id().ok());
    let found = strange.map(|id| ours.job(id).map(|job| job.number()));
    checks.same("GetJob of a job of another service", found, Some(Err(sim.profile.not_found)));
    checks.same("jobs of two services are two", theirs_too.map(|job| job == first), Some(false));
    let number = |found: Result<Job, HResult>| found.map(|job| job.number());
    checks.same("GetJob", number(ours.job(id)), Ok(first.number()));
    checks.same("GetJob of the second", number(ours.job(second_id)), Ok(second.number()));
    checks.same("jobs by id are the jobs", ours.job(id).map(|found| found == first), Ok(true));
    let denied = Err(HResult::E_ACCESSDENIED);
    checks.same("GetJob of another user's", number(ours.job(foreign_id)), denied);
    checks.same("GetJob by another user", number(theirs.job(id)), denied);
    checks.same("GetJob of an id without a job", number(ours.job(Guid(1))), Err(sim.profile.not_found));
    let not_one_of_ours = Guid(id.0 ^ 1 << 100);
    checks.same("GetJob of another service's", number(ours.job(not_one_of_ours)), Err(sim.profile.not_found));
    checks.same("EnumJobs of all users", ours.jobs(Whose::All).err(), Some(HResult::E_ACCESSDENIED));
    if sim.profile.omitted_methods.is_on() {
        checks.same("GetOwner", first.owner(), Ok(UserId(0)));
        checks.same("GetOwner of another user's", foreign.owner(), Ok(UserId(1)));
    }
    lists_of_jobs(checks, &sim, (&first, &second, &foreign));
    checks.same("Cancel", first.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("GetJob after Cancel", number(ours.job(id)), Err(sim.profile.not_found));
    checks.same("the other user's job is as it was", foreign.state(), Ok(JobState::Suspended));
    checks.same("GetState after Cancel", first.state(), Ok(JobState::Cancelled));
}

fn lists_of_jobs(checks: &mut Checks, sim: &Sim, (first, second, foreign): (&Job, &Job, &Job)) {
    let list = |user| {
        let jobs = sim.service.manager(UserId(user)).jobs(Whose::Mine);
        jobs.and_then(|mut jobs| jobs.next(9, Fetched::Wanted))
            .map(|back| (back.hr, back.value.iter().map(Job::number).collect::<Vec<JobId>>()))
    };
    let few = HResult::S_FALSE;
    checks.same("EnumJobs", list(0), Ok((few, vec![first.number(), second.number()])));
    checks.same("EnumJobs of another user", list(1), Ok((few, vec![foreign.number()])));
    checks.same("EnumJobs of a user without jobs", list(2), Ok((few, Vec::new())));
    let Ok(mut snapshot) = sim.service.manager(UserId(0)).jobs(Whose::Mine) else { return };
    let Some(third) = made(checks, sim.service.manager(UserId(0)).create_job("third")) else { return };
    checks.same("GetCount of a snapshot of jobs", snapshot.count(), Ok(2));
    checks.same("Skip of jobs", snapshot.skip(1).map(|back| back.hr), Ok(HResult::S_OK));
    let next =
        snapshot.next(1, Fetched::Null).map(|back| back.value.iter().map(Job::number).collect::<Vec<_>>());
    checks.same("Next of jobs", next, Ok(vec![second.number()]));
    checks.same("Cancel of the third", third.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("EnumJobs after Cancel", list(0), Ok((few, vec![first.number(), second.number()])));
}

pub(super) fn registrations(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let (first, second) = (Ear::good(), Ear::good());
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&first))) else { return };
    let Some(other) = made(checks, sim.job(0, "http://sim/done", object(&second))) else { return };
    let registered = |job: &Job, ear: &Arc<Ear>| {
        let found = job.notify_interface();
        found.map(|found| found.is_some_and(|found| std::ptr::addr_eq(Arc::as_ptr(&found), Arc::as_ptr(ear))))
    };
    checks.same("GetNotifyInterface", registered(&job, &first), Ok(true));
    checks.same("GetNotifyInterface of another job", registered(&other, &second), Ok(true));
    let alive = Arc::downgrade(&first);
    drop(first);
    checks.same("a registered object lives", alive.upgrade().is_some(), true);
    checks.same("SetNotifyInterface", job.set_notify_interface(object(&second)), Ok(()));
    checks.same("an object that was replaced goes", alive.upgrade().is_none(), true);
    checks.same("GetNotifyInterface after it", registered(&job, &second), Ok(true));
    checks.same("SetNotifyInterface of one object twice", job.set_notify_interface(object(&second)), Ok(()));
    checks.same("GetNotifyInterface after that", registered(&job, &second), Ok(true));
    numbers_of_objects(checks, &sim, (&job, &other), &second);
    checks.same("SetNotifyInterface(NULL)", job.set_notify_interface(None), Ok(()));
    checks.same("GetNotifyInterface of none", job.notify_interface().map(|found| found.is_some()), Ok(false));
    checks.same("GetNotifyInterface of the other job", registered(&other, &second), Ok(true));
    let deaf = Ear::with(Interfaces::empty(), |_, _| HResult::S_OK);
    let refused = Arc::downgrade(&deaf);
    let _ = job.set_notify_interface(object(&deaf));
    drop(deaf);
    checks.same("an object that was refused goes", refused.upgrade().is_none(), true);
}

/// Numbers that the service gives to objects start here; those below are a driver's.
const FIRST_OWN: u32 = 1 << 16;

/// One object has one number, whichever job has it registered, and another object has another one.
fn numbers_of_objects(checks: &mut Checks, sim: &Sim, (job, other): (&Job, &Job), both: &Arc<Ear>) {
    let number = |job: &Job| {
        let (_, out) =
            sim.service.call(ThreadId(1), UserId(0), Some(job.number()), &Call::GetNotifyInterface);
        match out {
            Out::Receiver(receiver) => receiver,
            _ => None,
        }
    };
    checks.same("one object on two jobs has one number", number(job) == number(other), true);
    checks.same("its number is the service's", number(job).is_some_and(|id| id.0 >= FIRST_OWN), true);
    let third = Ear::good();
    checks.same("SetNotifyInterface of a third", other.set_notify_interface(object(&third)), Ok(()));
    checks.same("another object has another number", number(job) == number(other), false);
    checks.same("SetNotifyInterface of the first", other.set_notify_interface(object(both)), Ok(()));
    checks.same("and the first has its own again", number(job) == number(other), true);
}

/// An object that is not there, as when its client has died, receives nothing; the one in its place does.
pub(super) fn an_object_that_is_gone(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.job(0, "http://sim/done", None)) else { return };
    let gone = Receiver { id: ReceiverId(7), interfaces: Interfaces::CALLBACK };
    let call = Call::SetNotifyInterface { receiver: Some(gone) };
    let (hr, _) = sim.service.call(ThreadId(1), UserId(0), Some(job.number()), &call);
    checks.same("SetNotifyInterface by number", hr, HResult::S_OK);
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
    std::thread::sleep(WATCH);
    let ear = Ear::good();
    checks.same("SetNotifyInterface", job.set_notify_interface(object(&ear)), Ok(()));
    checks.same("the new object is told", eventually(|| ear.told().len() == 1), true);
    checks.same("Complete", job.complete().map(|back| back.hr), Ok(HResult::S_OK));
}
