//! The retry delay counts from the failure, for failures of the transfer alone.

use super::*;

#[test]
fn a_failed_transfer_is_tried_again_when_the_delay_is_over_and_not_before() {
    for (mut bench, delay) in [(Bench::bits(), 600), (Bench::delivery_optimization(), 30)] {
        let job = bench.resumed();
        let _start = bench.core.poll_transfer();
        bench.at(7);
        bench.fail(job, Failure::Transient);
        assert_eq!((bench.state(job), bench.next()), (JobState::TransientError, Some(secs(7 + delay))));
        bench.core.handle_timeout(Time(secs(7 + delay).0 - 1));
        assert_eq!(bench.state(job), JobState::TransientError);
        let _earlier = bench.steps();
        bench.at(7 + delay);
        assert_eq!((bench.state(job), bench.steps()), (JobState::Queued, vec![EnvStep::RetryDelayOver]));
    }
}

#[test]
fn the_delay_is_what_the_client_sets() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    assert_eq!(bench.call(job, Call::SetMinimumRetryDelay { seconds: 60 }), HResult::S_OK);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(60)));
    assert_eq!(bench.get(job, Call::GetErrorCount), Out::Count(1));
}

#[test]
fn a_lost_network_is_no_error_of_the_job_and_only_its_return_helps() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    bench.core.handle_network_lost();
    assert_eq!((bench.state(job), bench.next()), (JobState::TransientError, Some(days(14))));
    assert_eq!(bench.get(job, Call::GetErrorCount), Out::Count(0));
    bench.core.handle_network_back();
    assert_eq!((bench.state(job), bench.next()), (JobState::Queued, Some(days(90))));
}

#[test]
fn a_job_that_is_resumed_or_suspended_is_retried_no_more() {
    for call in [Call::Resume, Call::Suspend] {
        let mut bench = Bench::bits();
        let job = bench.transferring();
        bench.fail(job, Failure::Transient);
        assert_eq!(bench.call(job, call), HResult::S_OK);
        assert_eq!(bench.next(), Some(days(90)));
    }
}

#[test]
fn with_a_delay_beyond_the_timeout_there_is_no_retry() {
    for (seconds, next) in [(1000, 600), (1001, 1000)] {
        let mut bench = Bench::bits();
        let job = bench.transferring();
        assert_eq!(bench.call(job, Call::SetNoProgressTimeout { seconds: 1000 }), HResult::S_OK);
        bench.fail(job, Failure::Transient);
        assert_eq!(bench.next(), Some(secs(600)));
        assert_eq!(bench.call(job, Call::SetMinimumRetryDelay { seconds }), HResult::S_OK);
        assert_eq!(bench.next(), Some(secs(next)), "a delay of {seconds} s");
    }
}
