//! R5 to R8: why, how often and in which order.

use contract::event::By;
use contract::*;
use judge::Rule::{R5, R6, R7, R8};

use crate::builder::*;

#[test]
fn an_event_needs_its_state() {
    contract::follows!["event.transferred", "event.error"];
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, OK);
    run.keeps(R5);
    run.tells(Event::JobError, OK);
    run.breaks(&[R5]);
}

#[test]
fn a_transient_error_is_no_error() {
    contract::follows!["event.no-transient"];
    let mut run = Run::listening(bits(), 3);
    run.resumes();
    run.moves(EnvStep::TransientError { hr: FAIL }, JobState::TransientError);
    run.tells(Event::JobError, OK);
    run.breaks(&[R5]);
}

#[test]
fn a_call_that_takes_the_state_away_must_be_back_before_it_is_gone() {
    let mut run = Run::listening(bits(), 3);
    run.resumes();
    run.fails();
    let resume = run.call(Call::Resume);
    run.state_by(JobState::Queued, By::Call(resume));
    run.tells(Event::JobError, FAIL);
    run.back(resume, OK);
    run.keeps(R5);
    run.tells(Event::JobError, OK);
    run.breaks(&[R5]);
}

#[test]
fn a_file_is_reported_after_it_is_done_and_ranges_never() {
    contract::follows!["event.file"];
    let mut run = Run::listening(bits(), EVERYTHING);
    run.resumes();
    run.env_file(EnvStep::FileDone, F0);
    run.tells_file(F0, OK);
    run.keeps(R5);
    run.tells_file(F1, OK);
    run.breaks(&[R5]);
}

#[test]
fn what_was_acknowledged_is_not_told_again_and_what_failed_is() {
    contract::follows!["deliver.retry-transferred", "deliver.retry-error", "deliver.retry-file"];
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, HResult::S_FALSE);
    run.tells(Event::JobTransferred, OK);
    run.keeps(R6);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R6]);
}

#[test]
fn a_registration_in_between_excuses_one_repetition() {
    contract::follows!["deliver.again"];
    let mut run = Run::transferred();
    let delivery = run.enter(Event::JobTransferred);
    run.does(register(0), OK);
    run.leave(delivery, OK);
    run.tells(Event::JobTransferred, OK);
    run.keeps(R6);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R6]);
}

#[test]
fn a_registration_that_fails_excuses_nothing() {
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, OK);
    run.does(Call::SetNotifyInterface { receiver: None }, HResult::E_NOINTERFACE);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R6]);
}

#[test]
fn a_second_stay_in_the_state_is_a_second_cause() {
    let mut run = Run::listening(bits(), 3);
    run.resumes();
    run.fails();
    run.tells(Event::JobError, OK);
    run.resumes();
    run.fails();
    run.tells(Event::JobError, OK);
    run.keeps(R6);
    run.tells(Event::JobError, OK);
    run.breaks(&[R6]);
}

#[test]
fn an_acknowledgement_of_the_last_stay_does_not_settle_this_one() {
    let mut run = Run::listening(bits(), 3);
    run.resumes();
    run.fails();
    // Resume waits for the callback on its way, which starts only when the job is in ERROR again.
    let resume = run.call(Call::Resume);
    run.state_by(JobState::Queued, By::Call(resume));
    run.starts();
    run.fails();
    run.tells(Event::JobError, OK);
    run.back(resume, OK);
    run.tells(Event::JobError, OK);
    run.keeps(R6);
}

#[test]
fn a_file_that_is_done_again_is_told_again() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.resumes();
    for _ in 0..2 {
        run.env_file(EnvStep::FileDone, F0);
        run.tells_file(F0, OK);
    }
    run.keeps(R6);
    run.tells_file(F0, OK);
    run.breaks(&[R6]);
}

#[test]
fn files_are_told_one_at_a_time_and_before_the_job() {
    contract::follows!["deliver.files-in-turn", "deliver.files-first"];
    let mut run = Run::listening(bits(), EVERYTHING);
    run.resumes();
    run.env_file(EnvStep::FileDone, F1);
    run.arrives();
    run.tells_file(F1, HResult::S_FALSE);
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.keeps(R7);
}

#[test]
fn two_files_at_once_are_out_of_order() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.resumes();
    run.env_file(EnvStep::FileDone, F1);
    run.arrives();
    let first = run.enter_file(F1);
    run.tells_file(F0, OK);
    run.leave(first, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R7]);
}

#[test]
fn the_job_waits_for_files_that_were_enabled_from_their_end_on() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, FAIL);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R7]);
    let mut late = Run::listening(bits(), 3);
    late.transfers();
    late.does(Call::SetNotifyFlags { flags: EVERYTHING }, OK);
    late.tells(Event::JobTransferred, OK);
    late.tells_file(F0, OK);
    late.breaks(&[]);
}

#[test]
fn a_new_registration_replays_the_job_and_not_the_files() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.does(register(0), OK);
    run.tells(Event::JobTransferred, OK);
    run.keeps(R7);
    run.tells_file(F0, OK);
    run.breaks(&[R7]);
}

#[test]
fn a_repeated_file_without_a_registration_is_told_twice_and_not_out_of_order() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, OK);
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R6]);
}

#[test]
fn modifications_are_not_outnumbered() {
    contract::follows!["event.modification", "event.may-drop"];
    let mut run = Run::transferring_and_told();
    let setter = run.call(Call::SetDescription { description: Some("x".into()) });
    run.tells(Event::JobModification, OK);
    run.back(setter, OK);
    run.env_file(EnvStep::Bytes { transferred: 1, total: None }, F0);
    run.tells(Event::JobModification, FAIL);
    run.keeps(R8);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R8]);
}

#[test]
fn bytes_are_modifications() {
    let mut run = Run::transferring_and_told();
    run.env_file(EnvStep::Bytes { transferred: 1, total: None }, F0);
    run.tells(Event::JobModification, OK);
    run.keeps(R8);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R8]);
}

#[test]
fn a_setter_that_fails_was_no_modification() {
    let mut run = Run::listening(bits(), EVERYTHING);
    let setter = run.call(Call::SetPriority { priority: 9 });
    run.tells(Event::JobModification, OK);
    run.back(setter, HResult::E_NOTIMPL);
    run.breaks(&[R8]);
}

#[test]
fn states_with_an_event_of_their_own_are_no_modifications() {
    contract::follows!["event.not-both"];
    let mut run = Run::listening(bits(), EVERYTHING);
    run.resumes();
    // QUEUED, CONNECTING and TRANSFERRING: one was on its way, and one came later.
    (0..2).for_each(|_| run.tells(Event::JobModification, OK));
    run.keeps(R8);
    run.fails();
    run.tells(Event::JobError, OK);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R8]);
}

/// What was coalesced into one callback is no credit for a second.
#[test]
fn many_changes_are_one_callback_and_one_that_may_have_been_on_its_way() {
    let setter = || Call::SetDescription { description: Some("x".into()) };
    let mut run = Run::listening(bits(), EVERYTHING);
    (0..5).for_each(|_| run.does(setter(), OK));
    // It may have begun after the first of them.
    run.tells(Event::JobModification, OK);
    run.tells(Event::JobModification, OK);
    run.keeps(R8);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R8]);
}

#[test]
fn a_subject_that_shows_the_begin_is_judged_exactly() {
    let setter = || Call::SetDescription { description: Some("x".into()) };
    let mut run = Run::listening(bits(), EVERYTHING);
    (0..5).for_each(|_| run.does(setter(), OK));
    run.begin(Event::JobModification);
    run.does(setter(), OK);
    run.tells(Event::JobModification, OK);
    run.begin(Event::JobModification);
    run.tells(Event::JobModification, OK);
    run.keeps(R8);
    run.begin(Event::JobModification);
    run.breaks(&[R8]);
}

#[test]
fn a_set_of_files_may_be_told_file_by_file() {
    let names = || FileNames { remote: "http://a.test/f".into(), local: "/f".into() };
    let mut run = Run::listening(bits(), EVERYTHING);
    let set = run.call(Call::AddFileSet { files: vec![names(), names(), names()] });
    (0..3).for_each(|_| run.tells(Event::JobModification, OK));
    run.back(set, OK);
    run.keeps(R8);
}
