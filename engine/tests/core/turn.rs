//! Whose turn it is: the more urgent first, then who has waited longest; one background job at a time in BITS, four jobs in DO.

use super::*;

fn resumed_with(bench: &mut Bench, priority: u32) -> JobId {
    let job = bench.create_for(USER);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, Call::SetPriority { priority }), HResult::S_OK);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    job
}

/// The jobs that `poll_transfer` starts, until it gives none.
fn started(bench: &mut Bench) -> Vec<JobId> {
    std::iter::from_fn(|| bench.core.poll_transfer()).map(|start| start.job).collect()
}

#[test]
fn bits_starts_every_foreground_job_and_one_of_the_others() {
    let mut bench = Bench::bits();
    let [normal, high, one, other] = [2, 1, 0, 0].map(|priority| resumed_with(&mut bench, priority));
    assert_eq!(started(&mut bench), [one, other, high]);
    assert_eq!((bench.state(normal), bench.core.wants_transfer()), (JobState::Queued, false));
}

#[test]
fn a_foreground_job_starts_beside_a_background_job() {
    let mut bench = Bench::bits();
    let background = resumed_with(&mut bench, 1);
    bench.connect(background);
    let foreground = resumed_with(&mut bench, 0);
    bench.connect(foreground);
    assert_eq!(bench.state(background), JobState::Transferring);
}

#[test]
fn of_equals_the_one_is_first_that_has_waited_longest() {
    let mut bench = Bench::bits();
    let [one, other, third] = [2, 2, 2].map(|priority| resumed_with(&mut bench, priority));
    assert_eq!(bench.call(one, Call::Suspend), HResult::S_OK);
    assert_eq!(bench.call(one, Call::Resume), HResult::S_OK);
    for job in [other, third, one] {
        assert_eq!(started(&mut bench), [job]);
        bench.end(job, Call::Cancel);
    }
}

#[test]
fn a_more_urgent_background_job_takes_the_slot_at_once() {
    let mut bench = Bench::bits();
    let runs = resumed_with(&mut bench, 2);
    bench.connect(runs);
    let equal = resumed_with(&mut bench, 2);
    assert!(!bench.core.wants_transfer(), "an equal has to wait");
    let urgent = resumed_with(&mut bench, 1);
    let _earlier = bench.steps();
    assert_eq!(bench.core.poll_transfer(), None);
    assert_eq!((bench.state(runs), bench.steps()), (JobState::Queued, vec![EnvStep::Preempt]));
    assert_eq!(started(&mut bench), [urgent]);
    assert_eq!([runs, equal].map(|job| bench.state(job)), [JobState::Queued; 2]);
}

#[test]
fn who_connects_or_is_being_ended_keeps_the_slot() {
    let mut bench = Bench::bits();
    let runs = resumed_with(&mut bench, 2);
    assert_eq!(started(&mut bench), [runs]);
    let urgent = resumed_with(&mut bench, 1);
    assert!(!bench.core.wants_transfer(), "it connects");
    let _reply = bench.report(runs, TransferEvent::Connected);
    assert!(bench.core.wants_transfer());
    assert_eq!(bench.core.call(USER, Some(runs), &Call::Cancel).then, Then::Disk);
    assert!(!bench.core.wants_transfer(), "it is being ended");
    let _answer = bench.core.handle_disk(runs, &contract::core::DiskOutcome::default());
    assert_eq!(started(&mut bench), [urgent]);
}

#[test]
fn of_two_background_jobs_that_run_the_less_urgent_stops_and_of_equals_the_older() {
    for (first, second, stops) in [(2, 2, 0), (3, 2, 0), (1, 2, 1)] {
        let mut bench = Bench::bits();
        let jobs = [0, 0].map(|priority| resumed_with(&mut bench, priority));
        for job in jobs {
            bench.connect(job);
        }
        assert!(!bench.core.wants_transfer());
        for (job, priority) in jobs.into_iter().zip([first, second]) {
            assert_eq!(bench.call(job, Call::SetPriority { priority }), HResult::S_OK);
        }
        assert_eq!(bench.core.poll_transfer(), None);
        let mut states = [JobState::Transferring; 2];
        states[stops] = JobState::Queued;
        assert_eq!(jobs.map(|job| bench.state(job)), states, "{first} and {second}");
        assert!(!bench.core.wants_transfer());
    }
}

#[test]
fn of_two_background_jobs_one_that_connects_does_not_stop() {
    let mut bench = Bench::bits();
    let jobs = [0, 0].map(|priority| resumed_with(&mut bench, priority));
    assert_eq!(started(&mut bench), jobs);
    for job in jobs {
        assert_eq!(bench.call(job, Call::SetPriority { priority: 2 }), HResult::S_OK);
    }
    assert!(!bench.core.wants_transfer());
    let _reply = bench.report(jobs[0], TransferEvent::Connected);
    assert_eq!(bench.core.poll_transfer(), None);
    assert_eq!(jobs.map(|job| bench.state(job)), [JobState::Queued, JobState::Connecting]);
}

#[test]
fn delivery_optimization_runs_four_and_resumes_the_fifth_into_the_queue() {
    let mut bench = Bench::delivery_optimization();
    let jobs: Vec<JobId> = (0..5).map(|_| bench.resumed()).collect();
    let running: Vec<JobState> = jobs.iter().map(|job| bench.state(*job)).collect();
    assert_eq!(running[..4], [JobState::Transferring; 4]);
    assert_eq!(running[4], JobState::Queued);
    assert_eq!(started(&mut bench), jobs[..4]);
    assert_eq!(bench.call(jobs[1], Call::Suspend), HResult::S_OK);
    assert_eq!(started(&mut bench), [jobs[4]]);
    assert_eq!(bench.state(jobs[4]), JobState::Transferring);
}
