//! Notification programs, as real processes of this machine.

use std::fs;
use std::path::Path;
use std::thread;

use contract::{HResult, JobState};
use engine::service::Job;
use subjects::simulated::{Ear, PATIENCE, Sim, WATCH, eventually, object};

use super::super::checks::Checks;
use super::super::play::Setting;
use super::properties::{made, start};

/// The shell that plays the programs.
const SHELL: &str = "/bin/sh";

/// Whether there are programs at all: in the dialect, and on this machine.
fn here(setting: &Setting) -> bool {
    setting.profile.command_line.is_on() && Path::new(SHELL).is_file()
}

/// A program that adds a line to a file and exits with 3 so often, then with 0.
fn program(marks: &Path, failures: u32) -> String {
    let marks = marks.display();
    format!("sh -c \"echo x >> '{marks}'; test $(wc -l < '{marks}') -gt {failures} || exit 3\"")
}

fn marks(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

fn resumed(checks: &mut Checks, sim: &Sim, url: &str, parameters: &str) -> Option<Job> {
    let job = made(checks, sim.job(0, url, None))?;
    checks.same("SetNotifyCmdLine", job.set_notify_cmd_line(Some(SHELL), Some(parameters)), Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    Some(job)
}

pub(super) fn programs(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    if !here(setting) {
        return;
    }
    for (url, name) in [("http://sim/done", "transferred"), ("http://sim/fail", "error")] {
        let path = setting.directory.join(name);
        let Some(job) = resumed(checks, &sim, url, &program(&path, 2)) else { return };
        let ran = eventually(|| marks(&path) == 3);
        checks.same(&format!("a program runs until it exits with 0 ({name})"), ran, true);
        thread::sleep(WATCH);
        checks.same(&format!("and not again ({name})"), marks(&path), 3);
        checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    }
    killed(checks, setting, &sim);
    no_call_waits(checks, setting, &sim);
    missing(checks, setting, &sim);
    after_the_object(checks, setting, &sim);
    outlives_the_service(checks, setting);
}

/// A program that is killed has no exit code, and has acknowledged nothing.
fn killed(checks: &mut Checks, setting: &Setting, sim: &Sim) {
    let path = setting.directory.join("killed");
    let marks_path = path.display();
    let dies =
        format!("sh -c \"echo x >> '{marks_path}'; test $(wc -l < '{marks_path}') -gt 1 || kill -9 $$\"");
    let Some(job) = resumed(checks, sim, "http://sim/done", &dies) else { return };
    checks.same("a program that was killed runs again", eventually(|| marks(&path) == 2), true);
    thread::sleep(WATCH);
    checks.same("and not a third time", marks(&path), 2);
    drop(job);
}

fn no_call_waits(checks: &mut Checks, setting: &Setting, sim: &Sim) {
    let path = setting.directory.join("slow");
    let slow = format!("sh -c \"echo x >> '{}'; sleep 3\"", path.display());
    let Some(job) = resumed(checks, sim, "http://sim/done", &slow) else { return };
    checks.same("a program starts", eventually(|| marks(&path) == 1), true);
    let began = std::time::Instant::now();
    checks.same("Cancel while it runs", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    checks.same("no call waits for a program", began.elapsed().as_secs(), 0);
    let other = Ear::good();
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&other))) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("a program that runs keeps no slot", eventually(|| !other.told().is_empty()), true);
}

fn missing(checks: &mut Checks, setting: &Setting, sim: &Sim) {
    let Some(job) = made(checks, sim.job(0, "http://sim/done", None)) else { return };
    let nowhere = job.set_notify_cmd_line(Some("/nowhere/program"), Some("program"));
    checks.same("SetNotifyCmdLine of no program", nowhere, Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
    thread::sleep(WATCH);
    let path = setting.directory.join("there");
    let there = job.set_notify_cmd_line(Some(SHELL), Some(&program(&path, 0)));
    checks.same("SetNotifyCmdLine of a program", there, Ok(()));
    checks.same("a program in the place of none runs", eventually(|| marks(&path) == 1), true);
    thread::sleep(WATCH);
    checks.same("once", marks(&path), 1);
}

/// The program receives what the object did not acknowledge, and not what it acknowledged.
fn after_the_object(checks: &mut Checks, setting: &Setting, sim: &Sim) {
    for (answer, owed) in [(HResult::S_OK, 0), (HResult::E_FAIL, 1)] {
        let path = setting.directory.join(format!("after-{owed}"));
        let ear = Ear::new(move |_, _| answer);
        let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
        checks.same(
            "SetNotifyCmdLine",
            job.set_notify_cmd_line(Some(SHELL), Some(&program(&path, 0))),
            Ok(()),
        );
        checks.same("Resume", job.resume(), Ok(()));
        checks.same("the object is told first", eventually(|| !ear.told().is_empty()), true);
        let ran = owed == 0 || eventually(|| marks(&path) == owed);
        thread::sleep(WATCH);
        checks.same(&format!("the program after {answer}"), (ran, marks(&path)), (true, owed));
        checks.same("told after the program exited with 0", ear.told().len(), 1);
    }
}

/// A program that runs when the service ends is left behind, and counted until it exits.
fn outlives_the_service(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let (path, end) = (setting.directory.join("left"), setting.directory.join("end"));
    let (marks_path, end_path) = (path.display(), end.display());
    let runs = format!("sh -c \"echo x >> '{marks_path}'; until test -e '{end_path}'; do sleep 0.01; done\"");
    let Some(job) = resumed(checks, &sim, "http://sim/done", &runs) else { return };
    checks.same("a program starts", eventually(|| marks(&path) == 1), true);
    for left in [sim.service.shutdown(), sim.service.shutdown_within(WATCH)] {
        let left = (left.callbacks, left.transfers, left.programs);
        checks.same("a program is left behind", left, (0, 0, 1));
    }
    if let Err(error) = fs::write(&end, "") {
        return checks.note("the directory", &error.to_string(), "room for files");
    }
    checks.same("no program is left", sim.service.shutdown_within(PATIENCE).is_none(), true);
    drop(job);
}

/// The parameters arrive word by word; the first is the program's own name.
pub(super) fn words(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    if !here(setting) {
        return;
    }
    let path = setting.directory.join("words");
    let script = setting.directory.join("script");
    let text = format!("for word in \"$@\"; do echo \"<$word>\"; done > '{}'\n", path.display());
    if fs::write(&script, text).is_err() {
        return;
    }
    let parameters =
        format!(r#"name '{}'  one "two words" "" a\"b c:\d "#, script.display()).replace('\'', "\"");
    let Some(job) = resumed(checks, &sim, "http://sim/done", &parameters) else { return };
    let owed = "<one>\n<two words>\n<>\n<a\"b>\n<c:\\d>\n";
    let arrived = eventually(|| fs::read_to_string(&path).is_ok_and(|found| found.len() >= owed.len()));
    let found = fs::read_to_string(&path).unwrap_or_default();
    checks.same("the words of a command line", (arrived, found), (true, owed.to_owned()));
    drop(job);
}
