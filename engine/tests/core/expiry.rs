//! A job expires after 90 days of inactivity in BITS and at an age of 30 days in DO; never while a delivery of it is begun.

use super::*;

#[test]
fn bits_counts_from_the_last_sign_of_life() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let mut day = 0;
    let lives: [fn(&mut Bench, JobId); 5] = [
        |bench, job| assert_eq!(bench.call(job, add_file()), HResult::S_OK),
        |bench, job| assert_eq!(bench.call(job, Call::SetNotifyFlags { flags: 1 }), HResult::S_OK),
        |bench, job| {
            assert_eq!(bench.call(job, Call::SetNotifyInterface { receiver: None }), HResult::S_OK);
        },
        |bench, job| assert_eq!(bench.call(job, Call::Resume), HResult::S_OK),
        |bench, job| {
            bench.connect(job);
            let _reply = bench.report(job, TransferEvent::Bytes(1));
        },
    ];
    for (number, live) in lives.into_iter().enumerate() {
        day += 10;
        bench.core.handle_timeout(days(day));
        live(&mut bench, job);
        // Resume is no property and no progress.
        let since = if number == 3 { day - 10 } else { day };
        assert_eq!(bench.next(), Some(days(since + 90)), "sign {number}");
    }
    let _earlier = bench.steps();
    bench.core.handle_timeout(days(day + 90));
    assert_eq!((bench.state(job), bench.steps()), (JobState::Cancelled, vec![EnvStep::Expiry]));
    assert_eq!(bench.next(), None);
}

#[test]
fn delivery_optimization_counts_from_the_creation() {
    let mut bench = Bench::delivery_optimization();
    bench.core.handle_timeout(days(1));
    let job = bench.create_for(USER);
    bench.core.handle_timeout(days(2));
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.next(), Some(days(31)));
    bench.core.handle_timeout(days(31));
    assert_eq!(bench.state(job), JobState::Cancelled);
}

#[test]
fn it_waits_for_a_delivery_that_has_begun_and_comes_right_after_it() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let delivery = bench.begin(job);
    assert_eq!(bench.next(), None);
    bench.core.handle_timeout(days(100));
    assert_eq!(bench.state(job), JobState::Transferred);
    bench.leave(delivery, HResult::S_OK);
    assert_eq!(bench.next(), Some(days(90)));
    bench.core.handle_timeout(days(100));
    assert_eq!(bench.state(job), JobState::Cancelled);
}

#[test]
fn a_job_that_is_being_ended_does_not_expire() {
    let mut bench = Bench::bits();
    let job = bench.resumed();
    assert_eq!(bench.call(job, Call::Cancel), HResult::S_OK);
    assert_eq!(bench.next(), None);
}
