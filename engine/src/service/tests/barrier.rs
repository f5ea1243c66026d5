//! Contract section 4, clauses 3 and 4: who waits for whom, and who does not.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use crate::service::{Callback, Job};
use contract::event::Leave;
use contract::{Core as _, Event, HResult, JobState, Method, NotifyFlags};

use super::support::{Gate, Seen, WATCH, blocked_by, on, sim};

const LEFT: Seen = Seen::Leave(Event::JobTransferred, Leave::Returned(HResult::S_OK));

/// A call on the job, given the object that is registered on it.
type ClientCall = fn(&Job, &Arc<dyn Callback>);

/// Makes the calls from a thread each while a callback of the job runs, and asserts that none returns before it leaves.
fn assert_all_wait(method: Method, calls: Vec<ClientCall>) {
    let sim = sim();
    let gate = Arc::<Gate>::default();
    let callback = blocked_by(&gate);
    let job = sim.job(0, "http://sim/done", Arc::clone(&callback));
    let before = sim.log.count(Seen::Call(method));
    let returned = Seen::Return(method, HResult::S_OK);
    let returned_before = sim.log.count(returned);
    job.resume().expect("the job has a file");
    sim.log.wait_for(Seen::Enter(Event::JobTransferred), 1);
    thread::scope(|scope| {
        for call in &calls {
            scope.spawn(|| call(&job, &callback));
        }
        sim.log.wait_for(Seen::Call(method), before + calls.len());
        // A getter does not wait, so the service is not simply stuck.
        assert!(job.state().is_ok());
        thread::sleep(WATCH);
        assert_eq!(sim.log.count(returned), returned_before, "{method} came back while the callback ran");
        gate.open();
    });
    assert_eq!(sim.log.count(returned), returned_before + calls.len());
    assert!(sim.log.count(LEFT) >= 1);
}

#[test]
fn cancel_waits_for_a_running_callback() {
    assert_all_wait(
        Method::Cancel,
        vec![|job, _| assert_eq!(job.cancel().map(|returned| returned.hr), Ok(HResult::S_OK))],
    );
}

#[test]
fn two_clients_that_both_mask_everything_both_wait() {
    let mask = |job: &Job, _: &Arc<dyn Callback>| {
        job.set_notify_flags(NotifyFlags::empty()).expect("the job lives");
    };
    assert_all_wait(Method::SetNotifyFlags, vec![mask, mask]);
}

#[test]
fn registering_the_same_object_again_waits() {
    assert_all_wait(
        Method::SetNotifyInterface,
        vec![|job, same| job.set_notify_interface(Some(Arc::clone(same))).expect("the job lives")],
    );
}

#[test]
fn complete_waits_and_a_property_does_not() {
    assert_all_wait(
        Method::Complete,
        vec![|job, _| {
            job.set_display_name("does not wait").expect("the job lives");
            assert_eq!(job.complete().map(|returned| returned.hr), Ok(HResult::S_OK));
        }],
    );
}

#[test]
fn cancel_from_inside_its_own_callback_returns_before_the_callback_leaves() {
    contract::follows!["deliver.calls-inside"];
    let sim = sim();
    let job = sim.job(0, "http://sim/done", on(|_, job| job.cancel().map_or_else(|hr| hr, |back| back.hr)));
    job.resume().expect("the job has a file");
    sim.log.wait_for(LEFT, 1);
    sim.log.assert_order(Seen::Return(Method::Cancel, HResult::S_OK), LEFT);
    thread::sleep(WATCH);
    assert_eq!(sim.log.count(Seen::Enter(Event::JobTransferred)), 1, "a cancelled job was told again");
}

#[test]
fn two_callbacks_that_cancel_each_others_job_both_return() {
    let sim = sim();
    let jobs = Arc::new(Mutex::new(Vec::<Job>::new()));
    let both_inside = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let (seen, both_inside) = (Arc::clone(&jobs), Arc::clone(&both_inside));
        let callback = on(move |_, job| {
            both_inside.wait();
            let other = seen.lock().expect("no test panics here").iter().find(|other| *other != job).cloned();
            other.expect("there are two jobs").cancel().map_or_else(|hr| hr, |back| back.hr)
        });
        jobs.lock().expect("no test panics here").push(sim.job(0, "http://sim/done", callback));
    }
    let resumed = jobs.lock().expect("no test panics here").clone();
    resumed.iter().for_each(|job| job.resume().expect("the job has a file"));
    sim.log.wait_for(LEFT, 2);
    assert_eq!(sim.log.count(Seen::Return(Method::Cancel, HResult::S_OK)), 2);
}

#[test]
fn a_stalled_transfer_does_not_hold_up_cancel() {
    let sim = sim();
    let job = sim.job(0, "http://sim/stall", on(|_, _| HResult::S_OK));
    job.resume().expect("the job has a file");
    // Connected is reported before the simulated read that hangs.
    sim.service.wait_until(|core| core.state(job.number()) == Some(JobState::Transferring));
    assert_eq!(job.cancel().map(|returned| returned.hr), Ok(HResult::S_OK));
    sim.stall.open();
}

#[test]
fn a_new_attempt_waits_until_the_old_one_has_let_go_of_the_file() {
    let sim = sim();
    let job = sim.job(0, "http://sim/stall", on(|_, _| HResult::S_OK));
    job.resume().expect("the job has a file");
    sim.service.wait_until(|core| core.state(job.number()) == Some(JobState::Transferring));
    job.suspend().expect("the job lives");
    job.resume().expect("the job has a file");
    sim.service.wait_until(|core| core.transfer(job.number()).is_some());
    thread::sleep(WATCH);
    assert_eq!(sim.fetches.load(Ordering::SeqCst), 1, "two transfers write one temporary file");
    sim.stall.open();
    sim.log.wait_for(LEFT, 1);
    assert_eq!(sim.fetches.load(Ordering::SeqCst), 2);
}
