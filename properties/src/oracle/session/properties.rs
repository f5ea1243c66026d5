//! What a job is made with, what is set and got, what is refused, and when its times move.

use std::time::Duration;

use contract::call::{Priority, Progress};
use contract::{Event, HResult, JobState, Millis, NotifyFlags, UserId};
use engine::service::Job;
use subjects::simulated::{Ear, Sim, eventually, local, object};

use super::super::checks::Checks;
use super::super::play::Setting;

/// Some seconds of the service's time.
const A_MOMENT: Duration = Duration::from_millis(3);

/// A service, or a finding.
pub(super) fn start(checks: &mut Checks, setting: &Setting) -> Option<Sim> {
    let started = Sim::start(&setting.profile, setting.seeded);
    checks.same("the service starts", started.as_ref().err().map(ToString::to_string), None);
    started.ok()
}

/// A job, or a finding.
pub(super) fn made(checks: &mut Checks, job: Result<Job, HResult>) -> Option<Job> {
    checks.same("a job is made", job.as_ref().err().copied(), None);
    job.ok()
}

pub(super) fn a_new_job(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let manager = sim.service.manager(UserId(4));
    let Some(job) = made(checks, manager.create_job("a name")) else { return };
    let old = sim.profile.omitted_methods.is_on();
    checks.same("GetState", job.state(), Ok(JobState::Suspended));
    checks.same("GetPriority", job.priority(), Ok(Priority::Normal));
    checks.same("GetType", job.kind(), Ok(0));
    checks.same("GetDisplayName", job.display_name().as_deref(), Ok("a name"));
    checks.same(
        "GetNotifyFlags",
        job.notify_flags(),
        Ok(NotifyFlags::JOB_TRANSFERRED | NotifyFlags::JOB_ERROR),
    );
    checks.same("GetNotifyInterface", job.notify_interface().map(|found| found.is_some()), Ok(false));
    let timeout = sim.profile.no_progress_for(Priority::Normal);
    checks.same("GetNoProgressTimeout", job.no_progress_timeout(), Ok(timeout));
    let nothing =
        Progress { bytes_total: Some(0), bytes_transferred: 0, files_total: 0, files_transferred: 0 };
    checks.same("GetProgress", job.progress(), Ok(nothing));
    let error = job.error().map(|error| error.error());
    checks.same("GetError", error, Err(sim.profile.no_error_information));
    let times = job.times().map(|times| (times.creation == times.modification, times.transfer_completion));
    checks.same("GetTimes", times, Ok((true, None)));
    let files = job.files().map(|files| files.count());
    checks.same("EnumFiles", files, Ok(Ok(0)));
    let absent = |hr: Result<(), HResult>| hr == Err(HResult::E_NOTIMPL);
    checks.same("SetProxySettings is not here", absent(job.set_proxy_settings()), true);
    checks.same("GetProxySettings is not here", absent(job.proxy_settings()), true);
    checks.same("TakeOwnership is not here", absent(job.take_ownership()), true);
    let or_absent = |old: bool| if old { None } else { Some(HResult::E_NOTIMPL) };
    checks.same("GetDescription", job.description().err(), or_absent(old));
    checks.same("GetOwner", job.owner().err(), or_absent(old));
    checks.same("GetMinimumRetryDelay", job.minimum_retry_delay().err(), or_absent(old));
    checks.same("GetErrorCount", job.error_count().err(), or_absent(old));
    checks.same("SetDisplayName", job.set_display_name("x").err(), or_absent(old));
    let has_program = sim.profile.command_line.is_on();
    checks.same("GetNotifyCmdLine", job.notify_cmd_line().err(), or_absent(has_program));
    if old {
        checks.same("the description", job.description().as_deref(), Ok(""));
        checks.same("the owner", job.owner(), Ok(UserId(4)));
        checks.same("the minimum retry delay", job.minimum_retry_delay(), Ok(sim.profile.retry_delay));
        checks.same("the error count", job.error_count(), Ok(0));
        checks.same("the program", job.notify_cmd_line(), Ok(None));
    }
}

pub(super) fn what_is_set_is_got(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.service.manager(UserId(0)).create_job("session")) else { return };
    for priority in [Priority::Foreground, Priority::High, Priority::Low, Priority::Normal] {
        checks.same("SetPriority", job.set_priority(priority), Ok(()));
        checks.same("GetPriority", job.priority(), Ok(priority));
    }
    for bit in sim.profile.accepted_flags().iter() {
        checks.same("SetNotifyFlags", job.set_notify_flags(bit), Ok(()));
        checks.same("GetNotifyFlags", job.notify_flags(), Ok(bit));
    }
    checks.same("SetNotifyFlags to none", job.set_notify_flags(NotifyFlags::empty()), Ok(()));
    checks.same("GetNotifyFlags of none", job.notify_flags(), Ok(NotifyFlags::empty()));
    for seconds in [0, 1, 77, 86_400] {
        checks.same("SetNoProgressTimeout", job.set_no_progress_timeout(seconds), Ok(()));
        let owed = Millis::from_secs(u64::from(seconds));
        checks.same("GetNoProgressTimeout", job.no_progress_timeout(), Ok(owed));
    }
    if !sim.profile.omitted_methods.is_on() {
        return;
    }
    checks.same("SetDisplayName", job.set_display_name("other"), Ok(()));
    checks.same("GetDisplayName", job.display_name().as_deref(), Ok("other"));
    checks.same("SetDescription", job.set_description("about it"), Ok(()));
    checks.same("GetDescription", job.description().as_deref(), Ok("about it"));
    for (seconds, owed) in [(0, 5), (5, 5), (6, 6), (4711, 4711)] {
        checks.same("SetMinimumRetryDelay", job.set_minimum_retry_delay(seconds), Ok(()));
        checks.same("GetMinimumRetryDelay", job.minimum_retry_delay(), Ok(Millis::from_secs(owed)));
    }
    let program =
        |job: &Job| job.notify_cmd_line().map(|line| line.map(|line| (line.program, line.parameters)));
    checks.same("SetNotifyCmdLine", job.set_notify_cmd_line(Some("/bin/x"), Some("x 1")), Ok(()));
    checks.same("GetNotifyCmdLine", program(&job), Ok(Some(("/bin/x".into(), "x 1".into()))));
    checks.same("SetNotifyCmdLine without parameters", job.set_notify_cmd_line(Some("/bin/y"), None), Ok(()));
    checks.same("GetNotifyCmdLine without parameters", program(&job), Ok(Some(("/bin/y".into(), "".into()))));
    checks.same("SetNotifyCmdLine to none", job.set_notify_cmd_line(None, None), Ok(()));
    checks.same("GetNotifyCmdLine of none", program(&job), Ok(None));
    let sentence = |language| sim.service.manager(UserId(0)).error_description(HResult::BG_E_EMPTY, language);
    checks.same("GetErrorDescription", sentence(0).map(|text| text.is_empty()), Ok(false));
    checks.same("GetErrorDescription in English", sentence(0x0409), sentence(0));
    let nowhere = Err(HResult::ERROR_RESOURCE_LANG_NOT_FOUND);
    checks.same("GetErrorDescription in a language that is not there", sentence(0x0407), nowhere);
}

pub(super) fn what_is_refused(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.service.manager(UserId(0)).create_job("session")) else { return };
    checks.same("Resume of an empty job", job.resume(), Err(sim.profile.empty));
    let invalid = Err(HResult::E_INVALIDARG);
    for remote in ["", "file", "ftp://sim/x", "http://", "http://user:secret@sim/x"] {
        checks.same(&format!("AddFile from {remote:?}"), job.add_file(remote, local("x")), invalid);
    }
    for to in ["", "relative"] {
        checks.same(&format!("AddFile to {to:?}"), job.add_file("http://sim/x", to), invalid);
    }
    checks.same("files after refusals", job.files().map(|files| files.count()), Ok(Ok(0)));
    if !sim.profile.file_ranges_flag.is_on() {
        let refused = job.set_notify_flags(NotifyFlags::FILE_RANGES_TRANSFERRED);
        checks.same("SetNotifyFlags with 0x20", refused, Err(HResult::E_NOTIMPL));
        checks.same("GetNotifyFlags after it", job.notify_flags(), Ok(NotifyFlags::DEFAULT));
    }
    let long = sim.service.manager(UserId(0)).create_job(&"n".repeat(257)).err();
    checks.same("CreateJob with a long name", long, Some(HResult::E_INVALIDARG));
    let deaf = Ear::with(contract::Interfaces::empty(), |_, _| HResult::S_OK);
    let refused = job.set_notify_interface(object(&deaf));
    checks.same("SetNotifyInterface of a deaf object", refused, Err(HResult::E_NOINTERFACE));
    checks.same(
        "GetNotifyInterface after it",
        job.notify_interface().map(|found| found.is_some()),
        Ok(false),
    );
    if !sim.profile.omitted_methods.is_on() {
        return;
    }
    let (one, two) = (local("1"), local("2"));
    let some_bad = [("http://sim/done", one.as_str()), ("file", two.as_str())];
    checks.same("AddFileSet with a bad file", job.add_file_set(&some_bad), invalid);
    checks.same("files after it", job.files().map(|files| files.count()), Ok(Ok(0)));
    let good = [("http://sim/done", one.as_str()), ("http://sim/done", two.as_str())];
    checks.same("AddFileSet", job.add_file_set(&good), Ok(()));
    checks.same("files after AddFileSet", job.files().map(|files| files.count()), Ok(Ok(2)));
    longest_texts(checks, &job);
    checks.same("SetNotifyCmdLine of NULL", job.set_notify_cmd_line(None, Some("x")), invalid);
}

/// A limit counts characters: one of a letter that takes two bytes is as long as one of a letter that takes one.
fn longest_texts(checks: &mut Checks, job: &Job) {
    let (invalid, too_long) = (Err(HResult::E_INVALIDARG), Err(HResult::BG_E_STRING_TOO_LONG));
    for letter in ["n", "\u{e9}"] {
        let text = |length| letter.repeat(length);
        checks.same("SetDisplayName too long", job.set_display_name(&text(257)), invalid);
        checks.same("SetDisplayName as long as may be", job.set_display_name(&text(256)), Ok(()));
        checks.same("SetDescription too long", job.set_description(&text(1025)), too_long);
        checks.same("SetDescription as long as may be", job.set_description(&text(1024)), Ok(()));
        let program = |length, parameters| {
            job.set_notify_cmd_line(Some(&text(length)), Some(text(parameters)).as_deref())
        };
        checks.same("SetNotifyCmdLine too long", program(261, 1), too_long);
        checks.same("SetNotifyCmdLine with parameters too long", program(1, 4001), too_long);
        checks.same("SetNotifyCmdLine as long as may be", program(260, 4000), Ok(()));
    }
}

pub(super) fn times(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let ear = Ear::good();
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    let moves = |checks: &mut Checks, what: &str, change: &dyn Fn() -> bool| {
        let modified = || job.times().map(|times| times.modification);
        let before = modified();
        std::thread::sleep(A_MOMENT);
        let still = modified() == before;
        let done = change();
        let moved = modified() > before;
        checks.same(&format!("{what}, and the time moves then"), (still, done, moved), (true, true, true));
    };
    moves(checks, "AddFile", &|| job.add_file("http://sim/done", local("more")).is_ok());
    moves(checks, "SetPriority", &|| job.set_priority(Priority::High).is_ok());
    moves(checks, "SetNotifyFlags", &|| job.set_notify_flags(NotifyFlags::DEFAULT).is_ok());
    moves(checks, "SetNotifyInterface", &|| job.set_notify_interface(object(&ear)).is_ok());
    moves(checks, "Resume", &|| job.resume().is_ok() && eventually(|| ear.count(Event::JobTransferred) == 1));
    let completed = job.times().map(|times| times.transfer_completion == Some(times.modification));
    checks.same("the time of completion", completed, Ok(true));
    moves(checks, "Cancel", &|| job.cancel().is_ok());
    let order = job.times().map(|times| Some(times.creation) < times.transfer_completion);
    checks.same("creation before completion", order, Ok(true));
}

pub(super) fn limits(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let manager = sim.service.manager(UserId(0));
    let most = sim.profile.jobs_per_user;
    let jobs: Vec<_> = (0..most).filter_map(|_| manager.create_job("one of many").ok()).collect();
    checks.same("jobs of one user", jobs.len() as u32, most);
    let refused = manager.create_job("one too many").err();
    checks.same("one job too many", refused, Some(HResult::BG_E_TOO_MANY_JOBS_PER_USER));
    let other = sim.service.manager(UserId(1)).create_job("of another user").err();
    checks.same("a job of another user", other, None);
    let Some(first) = jobs.first() else { return };
    checks.same("Cancel", first.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("a job in the place of one that ended", manager.create_job("room").err(), None);
    let Some(second) = jobs.get(1) else { return };
    let most = sim.profile.files_per_job;
    let added = (0..most).filter(|file| second.add_file("http://sim/done", local(&file.to_string())).is_ok());
    checks.same("files of one job", added.count() as u32, most);
    let refused = second.add_file("http://sim/done", local("too-many"));
    checks.same("one file too many", refused, Err(HResult::BG_E_TOO_MANY_FILES_IN_JOB));
}
