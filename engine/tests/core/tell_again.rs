//! What was not acknowledged is delivered again after the minimum retry delay, and what ends that wait.

use contract::core::DiskOutcome;
use contract::event::Target;
use contract::{Event, NotifyFlags};

use super::*;

const DELAY: u64 = 600;

/// A job whose JobTransferred has just failed, at 100 s.
fn refused(bench: &mut Bench) -> JobId {
    let job = bench.transferred();
    let file = bench.begin(job);
    bench.leave(file, HResult::S_OK);
    bench.at(100);
    let delivery = bench.begin(job);
    assert_eq!(delivery.event, Event::JobTransferred);
    bench.leave(delivery, HResult::E_FAIL);
    job
}

#[test]
fn a_file_that_was_not_acknowledged_is_told_again_when_the_delay_is_over() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    bench.at(100);
    let delivery = bench.begin(job);
    bench.leave(delivery, HResult::E_FAIL);
    assert_eq!((bench.core.is_ready(job), bench.next()), (false, Some(secs(100 + DELAY))));
    bench.core.handle_timeout(Time(secs(100 + DELAY).0 - 1));
    assert!(!bench.core.is_ready(job));
    bench.at(100 + DELAY);
    assert_eq!(bench.begin(job).event, Event::FileTransferred);
}

#[test]
fn a_job_event_that_was_not_acknowledged_is_told_again_when_the_delay_is_over() {
    let mut bench = Bench::bits();
    let job = refused(&mut bench);
    assert_eq!((bench.core.is_ready(job), bench.next()), (false, Some(secs(100 + DELAY))));
    bench.at(100 + DELAY);
    assert_eq!(bench.begin(job).event, Event::JobTransferred);
    assert_eq!(bench.next(), None, "no timer is left, and expiry waits");
}

#[test]
fn a_modification_does_not_wait_with_them() {
    let mut bench = Bench::bits();
    let job = refused(&mut bench);
    bench.listen(job, NotifyFlags::JOB_MODIFICATION.bits());
    assert_eq!(bench.call(job, Call::SetPriority { priority: 1 }), HResult::S_OK);
    assert_eq!(bench.begin(job).event, Event::JobModification);
}

#[test]
fn a_new_registration_is_told_at_once() {
    let mut bench = Bench::bits();
    let job = refused(&mut bench);
    bench.listen(job, 0x13);
    assert_eq!(bench.begin(job).event, Event::JobTransferred);
}

#[test]
fn the_program_is_told_at_once_and_then_the_object_after_the_delay() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: None };
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, program), HResult::S_OK);
    bench.listen(job, 0x3);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    bench.connect(job);
    let _reply = bench.report(job, TransferEvent::FileDone);
    let object = bench.begin(job);
    bench.leave(object, HResult::E_FAIL);
    let program = bench.begin(job);
    assert_eq!(program.target, Target::CommandLine);
    bench.core.handle_program_started(program.id);
    bench.at(50);
    bench.core.handle_delivery_left(program.id, Leave::Exited(1));
    assert_eq!((bench.core.is_ready(job), bench.next()), (false, Some(secs(50 + DELAY))));
    bench.at(50 + DELAY);
    assert_eq!(bench.begin(job).target, object.target);
}

#[test]
fn without_its_program_a_chain_that_stood_there_waits_as_after_a_failure() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let file = bench.begin(job);
    bench.leave(file, HResult::S_OK);
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: None };
    assert_eq!(bench.call(job, program), HResult::S_OK);
    let object = bench.begin(job);
    bench.leave(object, HResult::E_FAIL);
    bench.at(100);
    assert_eq!(bench.call(job, Call::SetNotifyCmdLine { program: None, parameters: None }), HResult::S_OK);
    assert_eq!((bench.core.is_ready(job), bench.next()), (false, Some(secs(100 + DELAY))));
}

#[test]
fn a_resume_ends_the_wait_unless_a_file_waits_to_be_told() {
    let mut bench = Bench::bits();
    let job = refused(&mut bench);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    assert_eq!(
        bench.next(),
        Some(days(90).after(Millis::from_secs(100))),
        "the job's event is not due any more"
    );
    let job = bench.transferred_after(job);
    assert_eq!(bench.begin(job).event, Event::FileTransferred, "at once");
}

#[test]
fn a_file_that_waits_to_be_told_waits_on_after_a_resume() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let delivery = bench.begin(job);
    bench.leave(delivery, HResult::E_FAIL);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    assert_eq!((bench.core.is_ready(job), bench.next()), (false, Some(secs(DELAY))));
}

#[test]
fn what_a_client_of_an_older_registration_refuses_delays_nothing() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let file = bench.begin(job);
    bench.listen(job, 0x13);
    bench.leave(file, HResult::E_FAIL);
    assert_eq!(bench.begin(job).event, Event::FileTransferred);
}

#[test]
fn a_wait_may_end_while_the_disk_works() {
    let mut bench = Bench::bits();
    let job = refused(&mut bench);
    assert_eq!(bench.core.call(USER, Some(job), &Call::Complete).then, Then::Disk);
    bench.at(100 + DELAY);
    let failed = DiskOutcome { rename_failed: Some((FileId(0), HResult::E_FAIL)), left_behind: 0 };
    assert_eq!(bench.core.handle_disk(job, &failed).hr, HResult::E_FAIL);
    assert_eq!(bench.begin(job).event, Event::JobTransferred);
}

#[test]
fn what_a_client_of_an_older_registration_acknowledges_is_told_the_new_one() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    bench.listen(job, 0x3);
    let delivery = bench.begin(job);
    bench.listen(job, 0x3);
    bench.leave(delivery, HResult::S_OK);
    assert_eq!(bench.begin(job).event, Event::JobTransferred);
}
