//! Deliveries are handed out job after job, so that none gets two before another gets one; four at once of one user.

use contract::event::Target;

use super::*;

/// A job whose registration's first modification has to be delivered, again and again.
fn modified(bench: &mut Bench, user: UserId) -> JobId {
    let job = bench.create_for(user);
    bench.listen(job, 0x8);
    modify(bench, job);
    job
}

fn modify(bench: &mut Bench, job: JobId) {
    assert_eq!(bench.call(job, Call::SetPriority { priority: 2 }), HResult::S_OK);
}

#[test]
fn jobs_are_told_in_turn() {
    let mut bench = Bench::bits();
    let jobs = [0, 1, 2].map(|_| modified(&mut bench, USER));
    let mut told = Vec::new();
    for _ in 0..6 {
        let delivery = bench.core.poll_delivery().expect("every job has something to tell");
        bench.leave(delivery, HResult::S_OK);
        modify(&mut bench, delivery.job);
        told.push(delivery.job);
    }
    assert_eq!(told, [jobs[1], jobs[2], jobs[0], jobs[1], jobs[2], jobs[0]]);
}

#[test]
fn deliveries_have_ids_of_their_own_and_four_of_a_user_run_at_once() {
    let mut bench = Bench::bits();
    for _ in 0..5 {
        let _job = modified(&mut bench, USER);
    }
    let mut begun: Vec<_> = std::iter::from_fn(|| bench.core.poll_delivery()).collect();
    assert_eq!(begun.len(), 4);
    let another = modified(&mut bench, UserId(1));
    assert_eq!(bench.core.poll_delivery().map(|delivery| delivery.job), Some(another));
    begun.dedup_by_key(|delivery| delivery.id);
    assert_eq!(begun.len(), 4);
    bench.leave(begun[2], HResult::S_OK);
    assert!(bench.core.poll_delivery().is_some(), "a slot is free");
    assert_eq!(bench.core.poll_delivery(), None);
}

/// A job in ERROR whose notification program has begun.
fn telling_its_program(bench: &mut Bench) -> Delivery {
    let job = bench.create_for(USER);
    let program = Call::SetNotifyCmdLine { program: Some("/p".into()), parameters: None };
    for call in [add_file(), Call::SetPriority { priority: 0 }, program, Call::Resume] {
        assert_eq!(bench.call(job, call), HResult::S_OK);
    }
    bench.connect(job);
    bench.fail(job, Failure::Fatal);
    bench.begin(job)
}

#[test]
fn programs_hold_no_slot_and_hold_up_no_other_job() {
    let mut bench = Bench::bits();
    for _ in 0..3 {
        let program = telling_its_program(&mut bench);
        assert_eq!(program.target, Target::CommandLine);
        bench.core.handle_program_started(program.id);
    }
    for _ in 0..3 {
        let _begun = telling_its_program(&mut bench);
    }
    let job = modified(&mut bench, USER);
    assert_eq!(bench.core.poll_delivery().map(|delivery| delivery.job), Some(job));
}

#[test]
fn an_empty_queue_has_nothing_to_tell() {
    assert_eq!(Bench::bits().core.poll_delivery(), None);
}
