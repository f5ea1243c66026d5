//! R9 and R16: several users, and calls that never come back.

use contract::event::{By, Caller, EventView, Target};
use contract::*;
use judge::Rule::{R9, R16, R18};

use crate::builder::*;

/// A run of several jobs: job `j` belongs to user `j / 8`, has `p0` registered, and is TRANSFERRED.
fn crowd(jobs: &[u32]) -> Run {
    crowd_in(bits(), jobs)
}

fn crowd_in(profile: &Profile, jobs: &[u32]) -> Run {
    let mut run = Run::empty(profile);
    for job in jobs {
        let create = Call::CreateJob { name: Some("a".into()), kind: 0 };
        call(&mut run, *job, None, &create, None);
        state(&mut run, *job, None, JobState::Suspended);
        back(&mut run, *job, Some(*job), &create, Out::Job(JobId(*job)));
        call(&mut run, *job, Some(*job), &register(0), None);
        back(&mut run, *job, Some(*job), &register(0), Out::None);
        let path = [JobState::Queued, JobState::Connecting, JobState::Transferring, JobState::Transferred];
        path.into_iter().fold(JobState::Suspended, |from, to| {
            state(&mut run, *job, Some(from), to);
            to
        });
    }
    run
}

/// Calls are numbered by their job: a job has one open at a time here, except where a test does otherwise.
fn call(run: &mut Run, id: u32, job: Option<u32>, call: &Call, inside: Option<u32>) {
    let caller = Caller { thread: ThreadId(id), user: UserId(id / 8), inside: inside.map(DeliveryId) };
    run.push(&EventView::Call { id: CallId(id), caller, job: job.map(JobId), call });
}

fn back(run: &mut Run, id: u32, job: Option<u32>, call: &Call, out: Out) {
    run.push(&EventView::Return { id: CallId(id), job: job.map(JobId), call, hr: OK, out: &out });
}

fn state(run: &mut Run, job: u32, from: Option<JobState>, to: JobState) {
    let by = match (from, to) {
        (None, _) | (Some(JobState::Suspended), JobState::Queued) => By::Call(CallId(job)),
        (_, JobState::Connecting) => By::Env(EnvStep::Turn),
        (_, JobState::Transferring) => By::Env(EnvStep::Connected),
        _ => By::Env(EnvStep::FileDone),
    };
    run.push(&EventView::State { job: JobId(job), from, to, by });
}

/// The callback of a job has the job's number.
fn enter(run: &mut Run, job: u32, target: Target) {
    let (delivery, event) = (DeliveryId(job), Event::JobTransferred);
    run.push(&EventView::Enter { delivery, job: JobId(job), event, target, file: None });
}

fn leave(run: &mut Run, job: u32) {
    let (delivery, event, leave) = (DeliveryId(job), Event::JobTransferred, event::Leave::Returned(OK));
    run.push(&EventView::Leave { delivery, job: JobId(job), event, target: P0, file: None, leave });
}

#[test]
fn four_callbacks_of_a_user_run_and_a_fifth_does_not() {
    contract::follows!["deliver.four"];
    let mut run = crowd(&[0, 1, 2, 3, 4, 8]);
    (0..4).for_each(|job| enter(&mut run, job, P0));
    enter(&mut run, 8, P0);
    run.keeps(R9);
    enter(&mut run, 4, P0);
    run.breaks(&[R9]);
}

#[test]
fn a_slot_that_is_left_is_free_again_and_a_program_holds_none() {
    let mut run = crowd(&[0, 1, 2, 3, 4, 5]);
    let line = Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None };
    call(&mut run, 5, Some(5), &line, None);
    back(&mut run, 5, Some(5), &line, Out::None);
    (0..4).for_each(|job| enter(&mut run, job, P0));
    leave(&mut run, 0);
    enter(&mut run, 4, P0);
    enter(&mut run, 5, Target::CommandLine);
    run.keeps(R9);
}

#[test]
fn a_user_whose_neighbour_blocks_is_told_all_the_same() {
    let mut run = crowd(&[0, 1, 2, 3, 8]);
    (0..4).for_each(|job| enter(&mut run, job, P0));
    // The run rests here, and the job of the other user has had no callback.
    run.breaks(&[R9]);
    enter(&mut run, 8, P0);
    run.keeps(R9);
    leave(&mut run, 8);
    run.keeps(R9);
}

#[test]
fn who_registers_late_where_nothing_is_told_late_waits_for_nothing() {
    for (switch, broken) in [(dialect::Switch::On, &[R9][..]), (dialect::Switch::Off, &[])] {
        let mut run = crowd_in(&Profile { late_replay: switch, ..*bits() }, &[0, 1, 2, 3, 8]);
        (0..4).for_each(|job| enter(&mut run, job, P0));
        call(&mut run, 8, Some(8), &register(0), None);
        back(&mut run, 8, Some(8), &register(0), Out::None);
        run.breaks(broken);
    }
}

#[test]
fn who_blocks_himself_has_himself_to_blame() {
    let mut run = crowd(&[0, 1, 2, 3, 4]);
    (0..4).for_each(|job| enter(&mut run, job, P0));
    run.breaks(&[]);
}

#[test]
fn a_call_may_wait_for_a_callback_that_has_made_no_call() {
    let mut run = crowd(&[0]);
    enter(&mut run, 0, P0);
    call(&mut run, 1, Some(0), &Call::Cancel, None);
    run.breaks(&[]);
    leave(&mut run, 0);
    // The run rests here, and there is no callback left to wait for.
    run.breaks(&[R16]);
    back(&mut run, 1, Some(0), &Call::Cancel, Out::None);
    run.keeps(R16);
}

#[test]
fn callbacks_that_cancel_one_another_come_back() {
    contract::follows!["deliver.calls-inside"];
    let mut run = crowd(&[0, 1]);
    (0..2).for_each(|job| enter(&mut run, job, P0));
    call(&mut run, 2, Some(1), &Call::Cancel, Some(0));
    // Its own callback has called, so no call may wait for that; the other has not.
    run.breaks(&[]);
    call(&mut run, 3, Some(0), &Call::Cancel, Some(1));
    run.breaks(&[R16]);
    back(&mut run, 2, Some(1), &Call::Cancel, Out::None);
    back(&mut run, 3, Some(0), &Call::Cancel, Out::None);
    run.keeps(R16);
}

/// SetNotifyInterface lets go of an object, and the object's destructor makes a call that waits for a callback.
#[test]
fn a_call_waits_for_the_client_code_that_it_runs() {
    let mut run = crowd(&[0, 1]);
    enter(&mut run, 0, P0);
    // Nor did a panic strand it.
    enter(&mut run, 1, P0);
    let (delivery, leave) = (DeliveryId(1), event::Leave::Panicked);
    let event = Event::JobTransferred;
    run.push(&EventView::Leave { delivery, job: JobId(1), event, target: P0, file: None, leave });
    let from_thread = |run: &mut Run, id, job, call: &Call| {
        let caller = Caller { thread: ThreadId(50), user: UserId(job), inside: None };
        run.push(&EventView::Call { id: CallId(id), caller, job: Some(JobId(job)), call });
    };
    let unregister = Call::SetNotifyInterface { receiver: None };
    from_thread(&mut run, 1, 1, &unregister);
    from_thread(&mut run, 2, 0, &Call::Cancel);
    run.breaks(&[]);
    back(&mut run, 2, Some(0), &Call::Cancel, Out::None);
    run.breaks(&[R16, R18]);
    back(&mut run, 1, Some(1), &unregister, Out::None);
    run.keeps(R16);
}

#[test]
fn nobody_excuses_a_call_on_the_manager_or_on_another_job() {
    let mut run = crowd(&[0, 1]);
    enter(&mut run, 0, P0);
    call(&mut run, 1, Some(1), &Call::Resume, None);
    run.breaks(&[R16]);
    back(&mut run, 1, Some(1), &Call::Resume, Out::None);
    call(&mut run, 1, None, &Call::EnumJobs { whose: call::Whose::Mine }, None);
    run.breaks(&[R16]);
}

#[test]
fn a_run_about_fewer_slots_is_judged_by_those() {
    let mut trace = {
        let mut run = crowd(&[0, 1]);
        (0..2).for_each(|job| enter(&mut run, job, P0));
        run.trace()
    };
    assert!(judge::Verdicts::of(&trace).violated().is_empty());
    trace.header.callback_slots = 1;
    let again = judge::Trace::parse(&trace.print()).expect("the header is written and read");
    assert_eq!(judge::Verdicts::of(&again).violated(), RuleSet::of(&[R9]));
}
