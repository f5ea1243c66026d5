//! Handles, ids, receivers and enumerators.

use std::sync::Arc;

use crate::core::Core;
use crate::service::{Callback, Guid, Service};
use contract::call::{Fetched, Whose};
use contract::core::Config;
use contract::dialect::Expiry;
use contract::{Core as _, Dialect, HResult, JobState, Millis, UserId};

use super::support::{NoFetch, eventually, on, sim, sim_of};

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
