//! What comes too late changes nothing: reports of an older attempt, leaves of unknown deliveries, and calls on forgotten jobs.

use contract::core::DiskOutcome;

use super::*;

#[test]
fn a_worker_of_an_older_attempt_is_told_to_stop() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    let (old, file) = bench.core.transfer(job).expect("a transfer runs");
    assert_eq!(file, FileId(0));
    assert_eq!(bench.call(job, Call::Suspend), HResult::S_OK);
    assert_eq!(bench.core.transfer(job), None);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    let start = bench.core.poll_transfer().expect("its turn");
    assert_ne!(start.attempt, old);
    assert_eq!(bench.core.transfer(job), Some((start.attempt, FileId(0))));
    let stopped = bench.core.handle_transfer(job, old, TransferEvent::FileDone);
    assert_eq!((stopped, bench.state(job)), (TransferReply::Stop, JobState::Connecting));
    let unknown = bench.core.handle_transfer(JobId(9), Attempt(0), TransferEvent::FileDone);
    assert_eq!(unknown, TransferReply::Stop);
}

#[test]
fn a_worker_of_a_job_that_is_being_ended_is_told_to_stop() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    let (attempt, _) = bench.core.transfer(job).expect("a transfer runs");
    assert!(!bench.core.is_finalising(job));
    assert_eq!(bench.core.call(USER, Some(job), &Call::Complete).then, Then::Disk);
    assert!(bench.core.is_finalising(job));
    let stopped = bench.core.handle_transfer(job, attempt, TransferEvent::FileDone);
    assert_eq!((stopped, bench.state(job)), (TransferReply::Stop, JobState::Transferring));
    assert_eq!(bench.core.call(USER, Some(job), &Call::GetState).then, Then::Busy);
}

#[test]
fn disk_work_that_nobody_ordered_is_refused() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    let answer = bench.core.handle_disk(job, &DiskOutcome::default());
    assert_eq!((answer.hr, answer.then), (HResult::BG_E_INVALID_STATE, Then::Return));
    assert_eq!(bench.core.disk_work(job), []);
    assert_eq!(bench.core.disk_work(JobId(9)), []);
}

#[test]
fn a_final_job_is_forgotten_and_its_number_never_used_again() {
    let mut bench = Bench::bits();
    let [one, other] = [0, 1].map(|_| bench.create_for(USER));
    bench.core.forget(one);
    assert_eq!(bench.state(one), JobState::Suspended, "it is not final");
    bench.end(one, Call::Cancel);
    bench.core.forget(one);
    assert_eq!((bench.core.state(one), bench.state(other)), (None, JobState::Suspended));
    assert_eq!(bench.call(one, Call::GetState), HResult::BG_E_NOT_FOUND);
    assert_eq!(bench.create_for(USER), JobId(2));
}

#[test]
fn time_does_not_go_back() {
    let mut bench = Bench::bits();
    bench.at(10);
    bench.at(5);
    assert_eq!(bench.core.now(), secs(10));
}

#[test]
fn a_delivery_that_has_left_is_released_and_leaves_once() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let delivery = bench.begin(job);
    assert_eq!(bench.core.begun(job), Some(delivery.id));
    assert!(!bench.core.is_released(delivery.id));
    bench.core.handle_delivery_called(delivery.id);
    assert!(bench.core.is_released(delivery.id));
    bench.leave(delivery, HResult::S_OK);
    assert!(bench.core.is_released(delivery.id));
    assert_eq!(bench.core.begun(job), None);
    let other = bench.begin(job);
    bench.leave(delivery, HResult::S_OK);
    assert_eq!(bench.core.begun(job), Some(other.id));
}

#[test]
fn only_a_program_is_started_and_only_once() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let file = bench.begin(job);
    bench.core.handle_program_started(file.id);
    assert_eq!((bench.core.begun(job), bench.core.is_released(file.id)), (Some(file.id), false));
    bench.leave(file, HResult::S_OK);
    let object = bench.begin(job);
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: None };
    assert_eq!(bench.call(job, program), HResult::S_OK);
    bench.leave(object, HResult::E_FAIL);
    let program = bench.begin(job);
    bench.core.handle_program_started(program.id);
    bench.listen(job, 0x9);
    let other = bench.begin(job);
    bench.core.handle_program_started(program.id);
    assert_eq!(bench.core.begun(job), Some(other.id));
}
