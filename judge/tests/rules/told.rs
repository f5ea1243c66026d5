//! R19: at rest, what a job had to deliver has been delivered.

use contract::dialect::Switch;
use contract::event::{EventView, Target};
use contract::*;
use judge::Rule::{R18, R19};

use crate::builder::*;

#[test]
fn an_end_that_was_never_told_is_a_violation_at_rest() {
    contract::follows!["event.transferred", "event.error"];
    let mut run = Run::transferred();
    run.env(EnvStep::Idle);
    run.breaks(&[R19]);
    let mut told = Run::transferred();
    told.tells(Event::JobTransferred, OK);
    told.env(EnvStep::Idle);
    told.keeps(R19);
    let mut failed = Run::listening(bits(), 2);
    failed.resumes();
    failed.fails();
    failed.breaks(&[R19]);
}

#[test]
fn a_file_that_was_never_told_is_one_too() {
    contract::follows!["event.file"];
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.env(EnvStep::Idle);
    run.keeps(R19);
    let mut untold = Run::listening(bits(), EVERYTHING);
    untold.resumes();
    untold.env_file(EnvStep::FileDone, F0);
    untold.env(EnvStep::Idle);
    untold.breaks(&[R19]);
}

#[test]
fn what_is_masked_or_heard_by_nobody_is_not_owed_until_it_is_enabled() {
    let mut masked = Run::listening(bits(), 2);
    masked.transfers();
    masked.env(EnvStep::Idle);
    masked.breaks(&[]);
    masked.does(Call::SetNotifyFlags { flags: 1 }, OK);
    masked.env(EnvStep::Idle);
    masked.breaks(&[R19]);
    let mut late = Run::created(bits());
    late.transfers();
    late.env(EnvStep::Idle);
    late.breaks(&[]);
    late.does(register(0), OK);
    late.env(EnvStep::Idle);
    late.breaks(&[R19]);
}

#[test]
fn a_new_registration_is_owed_what_the_old_one_acknowledged() {
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, OK);
    run.does(register(1), OK);
    run.env(EnvStep::Idle);
    run.breaks(&[R19]);
    // A callback that entered while the object was being replaced may belong to the new one.
    let mut amid = Run::transferred();
    let registers = amid.call(register(0));
    amid.tells(Event::JobTransferred, OK);
    amid.back(registers, OK);
    amid.env(EnvStep::Idle);
    amid.breaks(&[]);
    // One that began before is of the old one, however late it leaves.
    let mut old = Run::transferred();
    let delivery = old.enter(Event::JobTransferred);
    old.does(register(1), OK);
    old.leave(delivery, OK);
    old.env(EnvStep::Idle);
    old.breaks(&[R19]);
    let mut once = Run::listening(&Profile { late_replay: Switch::Off, ..*bits() }, 3);
    once.transfers();
    once.tells(Event::JobTransferred, OK);
    once.does(register(1), OK);
    once.env(EnvStep::Idle);
    once.breaks(&[]);
}

#[test]
fn a_retry_that_is_due_is_no_rest() {
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, FAIL);
    // The run ends here, and the retry delay does not.
    run.breaks(&[]);
    run.env(EnvStep::Idle);
    run.breaks(&[R18, R19]);
}

#[test]
fn a_program_takes_the_place_of_the_object() {
    let mut run = Run::created(bits());
    run.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
    run.transfers();
    let delivery = run.enter_at(Event::JobTransferred, Target::CommandLine, None);
    run.env(EnvStep::Idle);
    run.breaks(&[]);
    run.leave_with(delivery, event::Leave::Exited(0));
    run.env(EnvStep::Idle);
    run.keeps(R19);
}

/// Nothing waits for a program, so one that started before a registration may report the time after it.
#[test]
fn a_program_that_outlives_a_registration_tells_for_both() {
    let started = || {
        let mut run = Run::created(bits());
        run.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
        run.transfers();
        let delivery = run.enter_at(Event::JobTransferred, Target::CommandLine, None);
        (run, delivery)
    };
    let (mut run, delivery) = started();
    run.does(register(0), OK);
    run.leave_with(delivery, event::Leave::Exited(0));
    run.env(EnvStep::Idle);
    run.keeps(R19);
    let (mut ended, delivery) = started();
    ended.leave_with(delivery, event::Leave::Exited(0));
    ended.does(register(0), OK);
    ended.env(EnvStep::Idle);
    ended.breaks(&[R19]);
}

/// In a dialect that does not repeat it, a program that could not be started has had its turn.
#[test]
fn a_program_that_cannot_be_started_leaves_nothing_in_a_run() {
    for (retry_transferred, rules) in [(Switch::On, &[R19][..]), (Switch::Off, &[])] {
        let mut run = Run::created(&Profile { retry_transferred, ..*bits() });
        run.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
        run.transfers();
        run.breaks(&[]);
        run.env(EnvStep::Idle);
        run.breaks(rules);
    }
}

/// That everything is delivered assumes that every callback leaves.
#[test]
fn a_run_in_which_a_callback_stays_owes_nothing() {
    let mut run = Run::transferred();
    run.push(&EventView::Enter {
        delivery: DeliveryId(50),
        job: JobId(7),
        event: Event::JobError,
        target: P0,
        file: None,
    });
    assert!(!run.verdicts().violated().contains(R19));
}

#[test]
fn a_job_that_has_ended_or_runs_again_owes_nothing() {
    let mut ended = Run::transferred();
    ended.cancels(OK);
    ended.env(EnvStep::Idle);
    ended.breaks(&[]);
    let mut again = Run::listening(bits(), 3);
    again.resumes();
    again.fails();
    again.resumes();
    again.env(EnvStep::Idle);
    again.breaks(&[]);
}
