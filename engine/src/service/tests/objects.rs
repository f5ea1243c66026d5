//! Handles, ids, receivers and enumerators.

use std::sync::Arc;

use crate::service::{Callback, Guid};
use contract::call::{Fetched, Whose};
use contract::{Core as _, HResult, JobState, UserId};

use super::support::{on, sim};

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
