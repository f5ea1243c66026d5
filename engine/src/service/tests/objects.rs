//! Handles, ids, receivers and enumerators.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::core::Core;
use crate::service::{Callback, Guid, Service, WaitError};
use contract::call::{Fetched, Whose};
use contract::core::Config;
use contract::dialect::Expiry;
use contract::{Core as _, Dialect, HResult, JobState, Method, Millis, StateSet, UserId};

use super::support::{NoFetch, PATIENCE, eventually, on, sim, sim_of, sim_with};

#[test]
fn a_job_is_found_by_its_id_until_it_has_ended() {
    let sim = sim();
    let manager = sim.service.manager(UserId(0));
    let job = manager.create_job("test").expect("the queue is empty");
    let id = job.id().expect("a getter");
    assert_eq!(manager.job(id).as_ref(), Ok(&job));
    let mut jobs = manager.jobs(Whose::Mine).expect("one's own may be listed");
    assert_eq!(
        jobs.next(5, Fetched::Wanted).map(|back| (back.hr, back.value)),
        Ok((HResult::S_FALSE, vec![job.clone()]))
    );
    job.cancel().expect("the job lives");
    assert_eq!(manager.job(id), Err(HResult::BG_E_NOT_FOUND));
    assert_eq!(manager.job(Guid(1)), Err(HResult::BG_E_NOT_FOUND));
    assert_eq!(job.state(), Ok(JobState::Cancelled), "a held pointer still answers (facts G31)");
}

#[test]
fn the_last_handle_of_an_ended_job_takes_its_record_and_its_receiver_with_it() {
    let sim = sim();
    let callback = on(|_, _| HResult::S_OK);
    let alive = Arc::downgrade(&callback);
    let job = sim.job(0, "http://sim/done", callback);
    let (number, copy) = (job.number(), job.clone());
    assert!(job.notify_interface().is_ok_and(|registered| registered.is_some()));
    job.cancel().expect("the job lives");
    drop(job);
    assert!(alive.upgrade().is_some(), "a handle is left");
    drop(copy);
    assert_eq!(sim.service.inspect(|core| core.state(number)), None);
    assert!(alive.upgrade().is_none(), "nobody can be told any more");
}

#[test]
fn the_id_of_another_services_job_is_not_found() {
    let (ours, theirs) = (sim(), sim());
    let (ours, theirs) = (ours.service.manager(UserId(0)), theirs.service.manager(UserId(0)));
    let job = ours.create_job("ours").expect("the queue is empty");
    let id = theirs.create_job("theirs").and_then(|job| job.id()).expect("the queue is empty");
    assert_ne!(job.id(), Ok(id));
    assert_eq!(ours.job(id), Err(HResult::BG_E_NOT_FOUND));
}

#[test]
fn a_service_that_is_told_its_namespace_gives_equal_ids_at_every_run() {
    let id = || {
        let config = Config::of(Dialect::Bits.profile());
        let fetch = Arc::new(NoFetch);
        let service =
            Service::builder(config).fetch(fetch).namespace(7).start().expect("the machine has threads");
        service.manager(UserId(0)).create_job("one").and_then(|job| job.id())
    };
    assert_eq!(id(), id());
    assert!(id().is_ok());
}

#[test]
fn a_client_hears_why_an_argument_was_refused() {
    let reasons = Arc::<Mutex<Vec<(Method, &'static str)>>>::default();
    let heard = Arc::clone(&reasons);
    let config = Config::of(Dialect::Bits.profile());
    let sim = sim_with(config, |builder| {
        builder.refusals(move |refusal| {
            heard.lock().expect("no test panics here").push((refusal.method, refusal.reason));
        })
    });
    let job = sim.service.manager(UserId(0)).create_job("test").expect("the queue is empty");
    let invalid = Err(HResult::E_INVALIDARG);
    assert_eq!(job.add_file("http://sim/done", "not/absolute"), invalid);
    assert_eq!(job.add_file_set(&[("http://sim/done", "/good"), ("ftp://sim/done", "/good")]), invalid);
    assert_eq!(job.set_notify_cmd_line(None, Some("parameters")), invalid);
    let mut wanted = vec![
        (Method::AddFile, "the path is not absolute"),
        (Method::AddFileSet, "the scheme is neither http nor https"),
        (Method::SetNotifyCmdLine, "there are parameters without a program"),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(b"/tmp/\xFF"));
        assert_eq!(job.add_file("http://sim/done", path), invalid);
        wanted.push((Method::AddFile, "the path is not valid UTF-8"));
        job.cancel().expect("the job lives");
        assert_eq!(job.add_file("http://sim/done", path), Err(HResult::BG_E_INVALID_STATE), "facts G57");
    }
    assert_eq!(*reasons.lock().expect("no test panics here"), wanted);
}

#[test]
fn a_wait_for_a_state_ends() {
    let sim = sim();
    let job = sim.job(0, "http://sim/stall", on(|_, _| HResult::S_OK));
    let transferred = StateSet::of(JobState::Transferred);
    let soon = Duration::from_millis(30);
    assert_eq!(job.wait_for(transferred, soon), Err(WaitError::TimedOut(JobState::Suspended)));
    assert_eq!(job.wait_for(StateSet::ALL, Duration::ZERO), Ok(JobState::Suspended));
    job.resume().expect("the job has a file");
    sim.stall.open();
    assert_eq!(job.wait_for(transferred, PATIENCE), Ok(JobState::Transferred));
    let suspended = StateSet::of(JobState::Suspended);
    job.cancel().expect("the job lives");
    assert_eq!(job.wait_for(suspended, PATIENCE), Err(WaitError::Ended(JobState::Cancelled)));
    let _ = sim.service.shutdown();
    assert_eq!(job.wait_for(suspended, PATIENCE), Err(WaitError::Gone));
}

#[test]
fn both_dialects_enumerate_jobs_and_bits_describes_errors_in_sentences() {
    for dialect in Dialect::ALL {
        let sim = sim_of(Config::of(dialect.profile()));
        let manager = sim.service.manager(UserId(0));
        let job = manager.create_job("test").expect("the queue is empty");
        let mut jobs = manager.jobs(Whose::Mine).expect("one's own may be listed");
        assert_eq!((jobs.count(), jobs.skip(1).map(|back| back.hr)), (Ok(1), Ok(HResult::S_OK)));
        assert_eq!(jobs.reset(), Ok(()));
        assert_eq!(jobs.into_iter().collect::<Vec<_>>(), [job]);
        let described = manager.error_description(HResult::BG_E_HTTP_ERROR_404, 0);
        let sentence = "The server does not have it: BG_E_HTTP_ERROR_404 (0x80190194).";
        let owed = if dialect == Dialect::Bits { Ok(sentence.to_owned()) } else { Err(HResult::E_NOTIMPL) };
        assert_eq!(described, owed);
    }
}

#[test]
fn an_ended_job_leaves_nothing_behind_when_nobody_holds_it() {
    let sim = sim();
    let held = sim.service.manager(UserId(0)).create_job("held").expect("the queue is empty");
    for _ in 0..1_000 {
        let callback = on(|_, _| HResult::S_OK);
        let job = sim.job(0, "http://sim/done", callback);
        job.cancel().expect("the job lives");
    }
    assert_eq!(sim.service.inspect(Core::records), 1);
    assert_eq!(held.state(), Ok(JobState::Suspended));
}

#[test]
fn a_job_that_expires_when_nobody_holds_it_takes_its_record_and_its_receiver_with_it() {
    let soon = Expiry::Inactivity(Millis::from_secs(60));
    let sim = sim_of(Config { expiry: Some(soon), ..Config::of(Dialect::Bits.profile()) });
    let callback = on(|_, _| HResult::S_OK);
    let alive = Arc::downgrade(&callback);
    let held = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    drop(sim.job(0, "http://sim/done", callback));
    assert_eq!(sim.service.inspect(Core::records), 2);
    eventually("they expire", || held.state() == Ok(JobState::Cancelled));
    eventually("nobody can be told any more", || alive.upgrade().is_none());
    assert_eq!(sim.service.inspect(Core::records), 1, "the held one still answers");
}

#[test]
fn replacing_a_receiver_lets_the_former_one_go() {
    contract::follows!["interface.one", "interface.null", "interface.none"];
    let sim = sim();
    let first: Arc<dyn Callback> = on(|_, _| HResult::S_OK);
    let alive = Arc::downgrade(&first);
    let job = sim.job(0, "http://sim/done", first);
    let second = on(|_, _| HResult::S_OK);
    job.set_notify_interface(Some(Arc::clone(&second))).expect("the job lives");
    assert!(alive.upgrade().is_none());
    let registered = job.notify_interface().expect("a getter").expect("one is registered");
    assert!(Arc::ptr_eq(&registered, &second));
    job.set_notify_interface(None).expect("the job lives");
    assert!(job.notify_interface().expect("a getter").is_none());
}
