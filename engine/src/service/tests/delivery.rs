//! Deliveries to clients: retries, panics, slots, failures of the disk, and the end of the service.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::service::{Callback, ErrorObject, Job};
use contract::core::Config;
use contract::event::Leave;
use contract::{Core as _, Dialect, Event, HResult, JobState, Method, Millis, NotifyFlags, Priority, Time};

use super::support::{Gate, RETRY_SECONDS, Seen, WATCH, blocked_by, eventually, on, sim, sim_with};

const LEFT: Seen = Seen::Leave(Event::JobTransferred, Leave::Returned(HResult::S_OK));

#[test]
fn a_callback_that_panics_is_told_again_after_the_delay_and_the_service_lives_on() {
    contract::follows!["deliver.retry-transferred"];
    let sim = sim();
    let begins = Arc::new(Mutex::new(Vec::<Time>::new()));
    let (clock, seen) = (Arc::downgrade(&sim.service), Arc::clone(&begins));
    let job = sim.job(
        0,
        "http://sim/done",
        on(move |_, _| {
            let now = clock.upgrade().map_or(Time::ZERO, |service| service.inspect(|core| core.now()));
            let mut begins = seen.lock().expect("the lock is free when this panics");
            begins.push(now);
            let first = begins.len() == 1;
            drop(begins);
            if first {
                // Without the hook, whose message would only confuse a reader of the test's output.
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            HResult::S_OK
        }),
    );
    job.resume().expect("the job has a file");
    sim.log.wait_for(LEFT, 1);
    sim.log.assert_order(Seen::Leave(Event::JobTransferred, Leave::Panicked), LEFT);
    let begins = begins.lock().expect("no test panics here");
    assert!(begins[1].since(begins[0]) >= Millis::from_secs(RETRY_SECONDS.into()), "{begins:?}");
    assert_eq!(job.complete().map(|returned| returned.hr), Ok(HResult::S_OK));
}

#[test]
fn slow_servers_hold_up_their_own_user_and_nobody_else() {
    let config = Config::of(Dialect::Bits.profile());
    let sim = sim_with(config, |builder| builder.workers(2));
    let begin = |user, url| {
        let job = sim.job(user, url, on(|_, _| HResult::S_OK));
        job.set_priority(Priority::Foreground).expect("the job is new");
        job.resume().expect("the job has a file");
        job
    };
    let slow: Vec<Job> = (0..5).map(|_| begin(0, "http://sim/stall")).collect();
    let fetches = || sim.fetches.load(Ordering::SeqCst);
    eventually("both workers are busy", || fetches() == 2);
    thread::sleep(WATCH);
    assert_eq!(fetches(), 2, "no third worker for one user");
    for user in [1, 2] {
        let job = begin(user, "http://sim/done");
        eventually("the other user's file is here", || job.state() == Ok(JobState::Transferred));
    }
    sim.stall.open();
    for job in slow {
        eventually("the slow ones, too", || job.state() == Ok(JobState::Transferred));
    }
}

#[test]
fn four_blocked_callbacks_of_one_user_stall_that_user_and_nobody_else() {
    contract::follows!["deliver.four", "deliver.blocked", "manager.same-name"];
    let sim = sim();
    let gate = Arc::<Gate>::default();
    let inside = Arc::new(AtomicU32::new(0));
    let blocked: Vec<Job> = (0..5)
        .map(|_| {
            let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
            let job = sim.job(
                0,
                "http://sim/done",
                on(move |_, _| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    gate.pass();
                    HResult::S_OK
                }),
            );
            job.resume().expect("the job has a file");
            job
        })
        .collect();
    eventually("four callbacks run", || inside.load(Ordering::SeqCst) == 4);
    let other = sim.job(1, "http://sim/done", on(|_, _| HResult::S_OK));
    other.resume().expect("the job has a file");
    sim.log.wait_for(LEFT, 1);
    thread::sleep(WATCH);
    assert_eq!(inside.load(Ordering::SeqCst), 4, "a fifth callback of one user ran (R9)");
    gate.open();
    sim.log.wait_for(LEFT, 6);
    drop(blocked);
}

#[test]
fn a_failed_rename_leaves_the_job_transferred_and_it_is_told_again() {
    contract::follows!["complete.rename-code", "complete.rename-state"];
    let sim = sim();
    let acknowledge = Arc::new(AtomicBool::new(false));
    let agreed = Arc::clone(&acknowledge);
    let job = sim.job(
        0,
        "http://sim/done",
        on(move |_, _| if agreed.load(Ordering::SeqCst) { HResult::S_OK } else { HResult::E_FAIL }),
    );
    job.resume().expect("the job has a file");
    sim.log.wait_for(Seen::Enter(Event::JobTransferred), 1);
    let sharing_violation = HResult::from_win32(0x20);
    *sim.disk.rename_fails_with.lock().expect("no test panics here") = Some(sharing_violation);
    assert_eq!(job.complete(), Err(sharing_violation));
    assert_eq!(job.state(), Ok(JobState::Transferred));
    acknowledge.store(true, Ordering::SeqCst);
    sim.log.wait_for(LEFT, 1);
    *sim.disk.rename_fails_with.lock().expect("no test panics here") = None;
    assert_eq!(job.complete().map(|returned| returned.hr), Ok(HResult::S_OK));
    assert_eq!(job.state(), Ok(JobState::Acknowledged));
    assert_eq!(sim.disk.done.lock().expect("no test panics here").first(), Some(&"rename"));
}

#[test]
fn each_file_is_told_before_the_job() {
    contract::follows!["deliver.files-first", "event.file"];
    let sim = sim();
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    job.add_file("http://sim/also", "/nowhere/other").expect("the names are good");
    job.set_notify_flags(NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED).expect("the job is new");
    job.resume().expect("the job has files");
    sim.log.wait_for(LEFT, 1);
    assert_eq!(sim.log.count(Seen::Enter(Event::FileTransferred)), 2);
    let file_left = Seen::Leave(Event::FileTransferred, Leave::Returned(HResult::S_OK));
    sim.log.assert_order(file_left, Seen::Enter(Event::JobTransferred));
}

#[test]
fn an_error_comes_with_its_object() {
    contract::follows!["error.readable", "error.contexts"];
    struct Keep(Mutex<Option<ErrorObject>>);
    impl Callback for Keep {
        fn job_error(&self, _: &Job, error: &ErrorObject) -> HResult {
            *self.0.lock().expect("no test panics here") = Some(error.clone());
            HResult::S_OK
        }
    }
    let sim = sim();
    let keep = Arc::new(Keep(Mutex::new(None)));
    let job = sim.job(0, "http://sim/fail", Arc::clone(&keep) as Arc<dyn Callback>);
    job.resume().expect("the job has a file");
    sim.log.wait_for(Seen::Leave(Event::JobError, Leave::Returned(HResult::S_OK)), 1);
    let error = keep.0.lock().expect("no test panics here").take().expect("it was told");
    assert_eq!(error.error(), (contract::ErrorContext::RemoteFile, HResult::from_http(404)));
    let names = error.file().and_then(|file| file.remote_name());
    assert_eq!(names.as_deref(), Ok("http://sim/fail"));
}

#[test]
fn shutdown_leaves_a_blocked_callback_behind_and_hangs_nobody() {
    let sim = sim();
    let gate = Arc::<Gate>::default();
    let job = sim.job(0, "http://sim/done", blocked_by(&gate));
    job.resume().expect("the job has a file");
    sim.log.wait_for(Seen::Enter(Event::JobTransferred), 1);
    thread::scope(|scope| {
        let cancelling = scope.spawn(|| job.cancel());
        sim.service.wait_until(|core| core.state(job.number()) == Some(JobState::Cancelled));
        let left = sim.service.shutdown();
        assert_eq!(left.callbacks, 1);
        let overtaken = cancelling.join().expect("a refusal is not a panic");
        assert_eq!(overtaken, Err(HResult::RPC_S_SERVER_UNAVAILABLE));
    });
    assert_eq!(job.state(), Err(HResult::RPC_S_SERVER_UNAVAILABLE));
    assert_eq!(sim.log.count(Seen::Return(Method::Cancel, HResult::S_OK)), 0);
    gate.open();
    assert!(sim.service.shutdown_within(super::support::PATIENCE).is_none());
}
