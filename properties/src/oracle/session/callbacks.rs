//! Deliveries to clients: until one is acknowledged, one at a time, four per user, and who waits for whom.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use contract::{Event, HResult, Interfaces, JobState, NotifyFlags};
use engine::service::Job;
use subjects::simulated::{Ear, Gate, Sim, Told, WATCH, eventually, every_event, object};

use super::super::checks::Checks;
use super::super::play::Setting;
use super::properties::{made, start};

/// How often the callbacks of a kind fail before one acknowledges.
const FAILURES: usize = 2;

pub(super) fn until_acknowledged(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    // S_FALSE acknowledges a file where the dialect has it so, and a job nowhere.
    for (answer, url, event) in [
        (HResult::E_FAIL, "http://sim/done", Event::JobTransferred),
        (HResult::S_FALSE, "http://sim/done", Event::JobTransferred),
        (HResult::E_FAIL, "http://sim/fail", Event::JobError),
        (HResult::S_FALSE, "http://sim/forbidden", Event::JobError),
        (HResult::E_FAIL, "http://sim/done", Event::FileTransferred),
        (HResult::S_FALSE, "http://sim/done", Event::FileTransferred),
    ] {
        let heard = Arc::new(AtomicU32::new(0));
        let ear = Ear::new(move |told, _| match told.event {
            of if of == event && heard.fetch_add(1, Ordering::SeqCst) < FAILURES as u32 => answer,
            _ => HResult::S_OK,
        });
        let Some(job) = made(checks, sim.job(0, url, object(&ear))) else { return };
        checks.same("SetNotifyFlags", job.set_notify_flags(every_event()), Ok(()));
        checks.same("Resume", job.resume(), Ok(()));
        let settled = sim.profile.acknowledges(event, answer).is_yes();
        let owed = if settled { 1 } else { FAILURES + 1 };
        let what = format!("{event} answered with {answer}");
        checks.same(&format!("{what} is told"), eventually(|| ear.count(event) >= owed), true);
        thread::sleep(WATCH);
        checks.same(&format!("{what}, so often"), ear.count(event), owed);
        in_order(checks, &sim, &ear.told(), event, &job);
        checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    }
}

/// Not before the retry delay, about this job, with the file or the error it is about, and files before their job.
fn in_order(checks: &mut Checks, sim: &Sim, told: &[Told], event: Event, job: &Job) {
    let of_event: Vec<&Told> = told.iter().filter(|told| told.event == event).collect();
    let least = sim.retry_delay() - std::time::Duration::from_millis(1);
    let early = of_event.windows(2).filter(|two| two[1].at.duration_since(two[0].at) < least).count();
    checks.same("told again before the minimum retry delay", early, 0);
    let about_this_job = told.iter().all(|told| told.job == job.number());
    checks.same("told about this job", about_this_job, true);
    let files = told.iter().map(|told| (told.event == Event::FileTransferred) == told.file.is_some());
    checks.same(
        "a file with FileTransferred and with nothing else",
        files.fold(true, |all, one| all & one),
        true,
    );
    let errors = told.iter().map(|told| (told.event == Event::JobError) == told.error.is_some());
    checks.same(
        "an error with JobError and with nothing else",
        errors.fold(true, |all, one| all & one),
        true,
    );
    let last_file = told.iter().rposition(|told| told.event == Event::FileTransferred);
    let first_job = told.iter().position(|told| told.event == Event::JobTransferred);
    if let (Some(last_file), Some(first_job)) = (last_file, first_job) {
        checks.same("files before their job", last_file < first_job, true);
    }
}

pub(super) fn panics(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    // More panics than a user has slots: a slot that one of them kept would be missed.
    let ears: Vec<Arc<Ear>> = (0..6)
        .map(|_| {
            let heard = AtomicU32::new(0);
            Ear::new(move |_, _| {
                if heard.fetch_add(1, Ordering::SeqCst) < 2 {
                    // Not `panic!`: what is done on purpose prints nothing on the terminal.
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                HResult::S_OK
            })
        })
        .collect();
    let jobs: Vec<Job> =
        ears.iter().filter_map(|ear| made(checks, sim.job(0, "http://sim/done", object(ear)))).collect();
    jobs.iter().for_each(|job| checks.same("Resume", job.resume(), Ok(())));
    let all_told = || ears.iter().all(|ear| ear.count(Event::JobTransferred) == 3);
    checks.same("every job is told after two panics", eventually(all_told), true);
    thread::sleep(WATCH);
    let often: Vec<usize> = ears.iter().map(|ear| ear.count(Event::JobTransferred)).collect();
    checks.same("and not again", often, vec![3; 6]);
    for job in &jobs {
        checks.same("Complete", job.complete().map(|back| back.hr), Ok(HResult::S_OK));
    }
}

pub(super) fn slots(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let gate = Arc::<Gate>::default();
    let (inside, all) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let blocked = |checks: &mut Checks| {
        let (gate, inside, all) = (Arc::clone(&gate), Arc::clone(&inside), Arc::clone(&all));
        let ear = Ear::new(move |_, _| {
            inside.fetch_add(1, Ordering::SeqCst);
            all.fetch_add(1, Ordering::SeqCst);
            gate.pass();
            inside.fetch_sub(1, Ordering::SeqCst);
            HResult::S_OK
        });
        made(checks, sim.job(0, "http://sim/done", object(&ear)))
    };
    let jobs: Vec<Job> = (0..6).filter_map(|_| blocked(checks)).collect();
    jobs.iter().for_each(|job| checks.same("Resume", job.resume(), Ok(())));
    checks.same("four callbacks run", eventually(|| inside.load(Ordering::SeqCst) == 4), true);
    let other = Ear::good();
    let Some(job) = made(checks, sim.job(1, "http://sim/done", object(&other))) else { return };
    checks.same("Resume of another user", job.resume(), Ok(()));
    let told = eventually(|| other.count(Event::JobTransferred) == 1);
    checks.same("another user is told meanwhile", told, true);
    thread::sleep(WATCH);
    checks.same("callbacks of one user at once", inside.load(Ordering::SeqCst), 4);
    gate.open();
    checks.same("every user is told", eventually(|| all.load(Ordering::SeqCst) == 6), true);
}

pub(super) fn who_waits(checks: &mut Checks, setting: &Setting) {
    type ClientCall = fn(&Job, &Arc<Ear>) -> Option<HResult>;
    let waits: [(&str, ClientCall); 6] = [
        ("Cancel", |job, _| job.cancel().map(|back| back.hr).ok()),
        ("Complete", |job, _| job.complete().map(|back| back.hr).ok()),
        ("SetNotifyFlags to none", |job, _| {
            job.set_notify_flags(NotifyFlags::empty()).map(|()| HResult::S_OK).ok()
        }),
        ("SetNotifyInterface(NULL)", |job, _| job.set_notify_interface(None).map(|()| HResult::S_OK).ok()),
        ("SetNotifyInterface of one object twice", |job, same| {
            job.set_notify_interface(object(same)).map(|()| HResult::S_OK).ok()
        }),
        ("Resume after more files", |job, _| {
            let added = job.add_file("http://sim/stall", subjects::simulated::local("more"));
            added.and_then(|()| job.resume()).map(|()| HResult::S_OK).ok()
        }),
    ];
    for (name, call) in waits {
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
        checks.same("Resume", job.resume(), Ok(()));
        checks.same("a callback runs", eventually(|| entered.load(Ordering::SeqCst) == 1), true);
        thread::scope(|scope| {
            let first = scope.spawn(|| call(&job, &ear));
            let second = name.starts_with("SetNotify").then(|| scope.spawn(|| call(&job, &ear)));
            thread::sleep(WATCH);
            let back = first.is_finished() || second.as_ref().is_some_and(|second| second.is_finished());
            checks.same(&format!("{name} comes back while the callback runs"), back, false);
            // A call that forbids no delivery waits for no callback.
            checks.same("GetState meanwhile", job.state().is_ok(), true);
            gate.open();
            let answers = [Some(first), second].into_iter().flatten().map(|call| call.join().unwrap_or(None));
            let good = answers.filter(|hr| *hr == Some(HResult::S_OK)).count();
            let owed = if name.starts_with("SetNotify") { 2 } else { 1 };
            checks.same(&format!("{name} after it"), good, owed);
        });
        sim.network.gate.open();
    }
}

pub(super) fn calls_inside(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let ear = Ear::new(|told, job| match told.event {
        Event::JobTransferred => job.cancel().map_or_else(|hr| hr, |back| back.hr),
        _ => HResult::S_OK,
    });
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("Cancel inside its own callback", sim.comes_to(&job, JobState::Cancelled), true);
    let ear = Ear::new(|_, job| job.complete().map_or_else(|hr| hr, |back| back.hr));
    let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("Complete inside its own callback", sim.comes_to(&job, JobState::Acknowledged), true);
    let ear = Ear::new(|_, job| job.resume().map_or_else(|hr| hr, |()| HResult::S_OK));
    let Some(job) = made(checks, sim.job(0, "http://sim/fail", object(&ear))) else { return };
    checks.same("Resume", job.resume(), Ok(()));
    let again = eventually(|| sim.network.fetches(&job, 0) > 2);
    checks.same("Resume inside JobError fetches again", again, true);
    checks.same("Cancel", job.cancel().map(|back| back.hr), Ok(HResult::S_OK));
    each_cancels_the_other(checks, &sim);
}

fn each_cancels_the_other(checks: &mut Checks, sim: &Sim) {
    let jobs = Arc::new(Mutex::new(Vec::<Job>::new()));
    let inside = Arc::new(AtomicU32::new(0));
    for _ in 0..2 {
        let (all, inside) = (Arc::clone(&jobs), Arc::clone(&inside));
        let ear = Ear::new(move |_, job| {
            inside.fetch_add(1, Ordering::SeqCst);
            eventually(|| inside.load(Ordering::SeqCst) >= 2);
            let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let other = all.iter().find(|other| *other != job);
            other.map_or(HResult::E_FAIL, |other| other.cancel().map_or_else(|hr| hr, |back| back.hr))
        });
        let Some(job) = made(checks, sim.job(0, "http://sim/done", object(&ear))) else { return };
        jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job);
    }
    let both = jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
    both.iter().for_each(|job| checks.same("Resume", job.resume(), Ok(())));
    let ended = both.iter().all(|job| sim.comes_to(job, JobState::Cancelled));
    checks.same("two callbacks that cancel each other's job", ended, true);
    // The objects hold the jobs and the jobs the objects.
    jobs.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

pub(super) fn late_registration(checks: &mut Checks, setting: &Setting) {
    let Some(sim) = start(checks, setting) else { return };
    let Some(job) = made(checks, sim.job(0, "http://sim/done", None)) else { return };
    checks.same("SetNotifyFlags", job.set_notify_flags(every_event()), Ok(()));
    checks.same("Resume", job.resume(), Ok(()));
    checks.same("TRANSFERRED", sim.comes_to(&job, JobState::Transferred), true);
    let late = Ear::good();
    checks.same("SetNotifyInterface", job.set_notify_interface(object(&late)), Ok(()));
    let told = eventually(|| late.count(Event::JobTransferred) == 1);
    checks.same("a late object is told of the job", told, true);
    checks.same("and of its file before", late.count(Event::FileTransferred), 1);
    let plain = Ear::with(Interfaces::CALLBACK, |_, _| HResult::S_OK);
    checks.same("SetNotifyInterface of another", job.set_notify_interface(object(&plain)), Ok(()));
    let told = eventually(|| plain.count(Event::JobTransferred) == 1);
    checks.same("another object is told of the job", told, true);
    thread::sleep(WATCH);
    checks.same("of files, an object without Callback2", plain.count(Event::FileTransferred), 0);
    checks.same("the first object is told no more", late.count(Event::JobTransferred), 1);
    let masked = Ear::good();
    let disabled = every_event() | NotifyFlags::DISABLE;
    checks.same("SetNotifyFlags with DISABLE", job.set_notify_flags(disabled), Ok(()));
    checks.same("SetNotifyInterface", job.set_notify_interface(object(&masked)), Ok(()));
    thread::sleep(WATCH);
    checks.same("told while BG_NOTIFY_DISABLE is set", masked.told().len(), 0);
    checks.same("SetNotifyFlags without it", job.set_notify_flags(NotifyFlags::DEFAULT), Ok(()));
    let told = eventually(|| masked.count(Event::JobTransferred) == 1);
    checks.same("told when it is taken away", told, true);
}
