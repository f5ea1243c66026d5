//! The finite view: what differs in it can be distinguished, and what only lies in the past is gone from it.
//!
//! That equal views have equal successors is tested in `properties`, as far as the checker goes. Here is the rest of both halves.

use std::hash::{DefaultHasher, Hash, Hasher};

use contract::NotifyFlags;
use engine::core::View;

use super::*;

fn view(bench: &Bench) -> View {
    bench.core.canonical()
}

fn same(one: &Bench, other: &Bench) -> bool {
    let hash = |bench: &Bench| {
        let mut hasher = DefaultHasher::new();
        view(bench).hash(&mut hasher);
        hasher.finish()
    };
    let equal = view(one) == view(other);
    // Unequal views could have one hash; these few have not, and a view that hashes nothing would.
    assert_eq!(equal, hash(one) == hash(other));
    equal
}

fn queued_in(order: [usize; 3]) -> (Bench, [JobId; 3]) {
    let mut bench = Bench::bits();
    let jobs = [0; 3].map(|_| bench.create_for(USER));
    for job in jobs {
        assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    }
    for place in order {
        assert_eq!(bench.call(jobs[place], Call::Resume), HResult::S_OK);
    }
    (bench, jobs)
}

#[test]
fn of_the_queue_nothing_but_the_order_counts() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        for other in &orders[..number] {
            assert!(!same(&queued_in(order).0, &queued_in(*other).0), "{order:?}, {other:?}");
        }
    }
    let (mut again, jobs) = queued_in([2, 1, 0]);
    for job in jobs {
        assert_eq!(again.call(job, Call::Suspend), HResult::S_OK);
        assert_eq!(again.call(job, Call::Resume), HResult::S_OK);
    }
    let (mut once, _) = queued_in([0, 1, 2]);
    assert!(same(&again, &once));
    for bench in [&mut again, &mut once] {
        bench.connect(jobs[0]);
    }
    assert!(same(&again, &once), "of a job that has left the queue not even that");
}

/// A job in TRANSFERRED whose client has received this number of modifications.
fn modified(times: usize) -> (Bench, JobId) {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    for _ in 0..times {
        bench.listen(job, NotifyFlags::JOB_MODIFICATION.bits());
        assert_eq!(bench.call(job, Call::SetPriority { priority: 2 }), HResult::S_OK);
        let delivery = bench.begin(job);
        bench.leave(delivery, HResult::S_OK);
    }
    bench.listen(job, 0x3);
    let _reply = bench.report(job, TransferEvent::FileDone);
    (bench, job)
}

#[test]
fn of_deliveries_and_registrations_that_are_over_nothing_counts() {
    let [mut one, mut other] = [modified(0), modified(3)];
    assert!(same(&one.0, &other.0));
    let _begun = [one.0.begin(one.1), other.0.begin(other.1)];
    assert!(same(&one.0, &other.0));
}

#[test]
fn a_delivery_of_an_older_registration_is_another() {
    let [mut before, mut after] = [modified(0), modified(0)];
    let _begun = before.0.begin(before.1);
    for (bench, job) in [&mut before, &mut after] {
        bench.listen(*job, 0x3);
    }
    let _begun = after.0.begin(after.1);
    assert!(!same(&before.0, &after.0));
}

#[test]
fn a_delivery_of_an_older_cause_is_another() {
    let [mut before, mut after] = [modified(0), modified(0)];
    let _begun = before.0.begin(before.1);
    for (bench, job) in [&mut before, &mut after] {
        assert_eq!(bench.call(*job, add_file()), HResult::S_OK);
        assert_eq!(bench.call(*job, Call::Resume), HResult::S_OK);
        bench.transferred_after(*job);
    }
    let _begun = after.0.begin(after.1);
    assert!(!same(&before.0, &after.0));
}

#[test]
fn whether_an_event_was_acknowledged_counts_while_its_state_lasts() {
    let [mut told, mut untold] = [modified(0), modified(0)];
    let delivery = told.0.begin(told.1);
    told.0.leave(delivery, HResult::S_OK);
    assert!(!same(&told.0, &untold.0));
    for (bench, job) in [&mut told, &mut untold] {
        assert_eq!(bench.call(*job, add_file()), HResult::S_OK);
        assert_eq!(bench.call(*job, Call::Resume), HResult::S_OK);
    }
    assert!(same(&told.0, &untold.0));
}

/// A job whose transfer has failed at this time.
fn failed_at(seconds: u64) -> Bench {
    let mut bench = Bench::bits();
    bench.at(seconds);
    let job = bench.transferring();
    bench.fail(job, Failure::Transient);
    bench
}

#[test]
fn of_times_the_distance_counts() {
    assert!(same(&failed_at(0), &failed_at(5000)));
    let mut later = failed_at(0);
    later.at(1);
    assert!(!same(&later, &failed_at(0)), "the retry is nearer");
    let [mut slice, mut nearer] = [Bench::bits(), Bench::bits()];
    for (bench, at) in [(&mut slice, 10), (&mut nearer, 20)] {
        let _job = bench.transferring();
        bench.at(at);
    }
    assert!(!same(&slice, &nearer));
}

/// A job made and changed at these times, at 100 s.
fn made_and_changed(mut bench: Bench, made: u64, changed: u64) -> Bench {
    bench.at(made);
    let job = bench.create_for(USER);
    bench.at(changed);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    bench.at(100);
    bench
}

#[test]
fn of_the_two_starts_of_an_expiry_the_dialects_counts() {
    let bits = |made, changed| made_and_changed(Bench::bits(), made, changed);
    assert!(same(&bits(1, 10), &bits(2, 10)));
    assert!(!same(&bits(1, 10), &bits(1, 20)));
    let delivery_optimization =
        |made, changed| made_and_changed(Bench::delivery_optimization(), made, changed);
    assert!(same(&delivery_optimization(1, 10), &delivery_optimization(1, 20)));
    assert!(!same(&delivery_optimization(1, 10), &delivery_optimization(2, 10)));
}

#[test]
fn an_expiry_that_was_put_off_is_over_and_no_more_than_that() {
    let [hundred, more, less] = [100, 120, 80].map(|at| {
        let (mut bench, job) = modified(0);
        let _begun = bench.begin(job);
        bench.core.handle_timeout(days(at));
        bench
    });
    assert!(same(&hundred, &more));
    assert!(!same(&hundred, &less));
}

#[test]
fn of_a_final_job_nothing_counts_that_nobody_can_ask_for() {
    let fresh = || {
        let mut bench = Bench::bits();
        let job = bench.transferring();
        bench.listen(job, 0x13);
        (bench, job)
    };
    let [mut plain, mut failed, mut resumed] = [fresh(), fresh(), fresh()];
    failed.0.fail(failed.1, Failure::Transient);
    resumed.0.at(50);
    for (bench, job) in [&mut plain, &mut failed, &mut resumed] {
        bench.end(*job, Call::Cancel);
    }
    resumed.0.at(200);
    assert!(same(&plain.0, &failed.0), "the error, and since when there is no progress");
    assert!(same(&plain.0, &resumed.0), "when it was");
    let [mut untold, mut told, mut refused] = [fresh(), fresh(), fresh()];
    for (bench, job) in [&mut untold, &mut told, &mut refused] {
        let _reply = bench.report(*job, TransferEvent::FileDone);
    }
    for ((bench, job), hr) in [(&mut told, HResult::S_OK), (&mut refused, HResult::E_FAIL)] {
        let delivery = bench.begin(*job);
        bench.leave(delivery, hr);
    }
    for (bench, job) in [&mut untold, &mut told, &mut refused] {
        bench.end(*job, Call::Cancel);
    }
    assert!(same(&untold.0, &told.0), "what was told");
    assert!(same(&untold.0, &refused.0), "what was to be told again");
}
