//! R18: after a failure or a panic.

use contract::dialect::Switch;
use contract::event::{By, Leave, Target};
use contract::*;
use judge::Rule::{R18, R19};

use crate::builder::*;

#[test]
fn a_failed_callback_is_told_again_before_the_service_rests() {
    contract::follows!["deliver.retry-transferred", "deliver.retry-error"];
    for leave in [Leave::Panicked, Leave::Returned(FAIL)] {
        let mut run = Run::transferred();
        let delivery = run.enter(Event::JobTransferred);
        run.leave_with(delivery, leave);
        run.tells(Event::JobTransferred, OK);
        run.env(EnvStep::Idle);
        run.keeps(R18);
        let mut run = Run::transferred();
        let delivery = run.enter(Event::JobTransferred);
        run.leave_with(delivery, leave);
        run.env(EnvStep::Idle);
        run.breaks(&[R18, R19]);
    }
}

#[test]
fn a_failed_file_is_told_again_too() {
    contract::follows!["deliver.retry-file"];
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, FAIL);
    run.env(EnvStep::Idle);
    run.breaks(&[R18, R19]);
}

#[test]
fn nothing_is_owed_where_nobody_may_be_told() {
    let mut masked = Run::transferred();
    masked.tells(Event::JobTransferred, FAIL);
    masked.does(Call::SetNotifyFlags { flags: 0 }, OK);
    masked.env(EnvStep::Idle);
    masked.breaks(&[]);
    let mut gone = Run::transferred();
    gone.tells(Event::JobTransferred, FAIL);
    gone.does(Call::SetNotifyInterface { receiver: None }, OK);
    gone.env(EnvStep::Idle);
    gone.breaks(&[]);
    let mut ended = Run::transferred();
    ended.tells(Event::JobTransferred, FAIL);
    ended.cancels(OK);
    ended.env(EnvStep::Idle);
    ended.breaks(&[]);
}

#[test]
fn a_dialect_that_does_not_retry_owes_nothing() {
    let mut run = Run::listening(&Profile { retry_transferred: Switch::Off, ..*bits() }, 3);
    run.transfers();
    run.tells(Event::JobTransferred, FAIL);
    run.env(EnvStep::Idle);
    run.breaks(&[]);
}

#[test]
fn a_dialect_that_tells_no_late_registration_owes_it_nothing() {
    let mut run = Run::listening(&Profile { late_replay: Switch::Off, ..*bits() }, 3);
    run.transfers();
    run.tells(Event::JobTransferred, FAIL);
    run.does(Call::SetNotifyInterface { receiver: None }, OK);
    run.does(register(0), OK);
    run.env(EnvStep::Idle);
    run.breaks(&[]);
}

#[test]
fn a_program_that_began_for_an_earlier_stay_and_fails_owes_the_present_one_nothing() {
    let program = || Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None };
    let mut run = Run::created(&Profile { late_replay: Switch::Off, ..*bits() });
    run.does(program(), OK);
    run.resumes();
    run.fails();
    // It has begun: these two wait for it, and the job fails again, unheard.
    let removes = run.call(Call::SetNotifyCmdLine { program: None, parameters: None });
    let resumes = run.call(Call::Resume);
    run.state_by(JobState::Queued, By::Call(resumes));
    run.moves(EnvStep::Turn, JobState::Connecting);
    run.fails();
    let old = run.enter_at(Event::JobError, Target::CommandLine, None);
    run.back(removes, OK);
    run.back(resumes, OK);
    run.leave_with(old, Leave::Exited(1));
    run.does(program(), OK);
    run.env(EnvStep::Idle);
    run.breaks(&[]);
}

#[test]
fn an_old_program_that_fails_late_owes_nothing() {
    let mut run = Run::transferred();
    run.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
    run.tells(Event::JobTransferred, FAIL);
    let program = run.enter_at(Event::JobTransferred, Target::CommandLine, None);
    run.does(register(0), OK);
    run.tells(Event::JobTransferred, OK);
    run.leave_with(program, Leave::Exited(1));
    run.env(EnvStep::Idle);
    run.breaks(&[]);
}

#[test]
fn no_call_is_stranded_by_a_panic() {
    let mut run = Run::transferred();
    let delivery = run.enter(Event::JobTransferred);
    let cancel = run.call(Call::Cancel);
    // A call may wait for a callback that runs.
    run.breaks(&[]);
    run.leave_with(delivery, Leave::Panicked);
    run.breaks(&[Rule::R16, R18]);
    run.state_by(JobState::Cancelled, By::Call(cancel));
    run.back(cancel, OK);
    run.keeps(R18);
}
