//! R1 to R4: when a callback must not start.

use contract::event::{By, Leave, Target};
use contract::*;
use judge::Rule::{R1, R2, R3, R4};

use crate::builder::*;

#[test]
fn a_callback_may_start_while_cancel_runs_and_not_after() {
    let mut run = Run::transferred();
    let cancel = run.call(Call::Cancel);
    let delivery = run.enter(Event::JobTransferred);
    run.state_by(JobState::Cancelled, By::Call(cancel));
    run.leave(delivery, OK);
    run.back(cancel, OK);
    run.keeps(R1);
    // The default flags do not ask for this one either.
    run.tells(Event::JobModification, OK);
    run.breaks(&[R1, R2]);
}

#[test]
fn only_the_silence_after_cancel_is_broken_when_all_else_would_allow_it() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.does(Call::SetDescription { description: Some("x".into()) }, OK);
    run.cancels(OK);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R1]);
}

#[test]
fn a_failed_cancel_silences_nothing() {
    let mut run = Run::transferred();
    run.does(Call::Cancel, FAIL);
    run.tells(Event::JobTransferred, OK);
    // The answer itself is not one of the table.
    run.breaks(&[Rule::R12]);
}

#[test]
fn a_callback_may_start_while_complete_runs_and_not_after() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.does(Call::SetDescription { description: Some("x".into()) }, OK);
    let complete = run.call(Call::Complete);
    let delivery = run.enter(Event::JobModification);
    run.leave(delivery, OK);
    run.state_by(JobState::Acknowledged, By::Call(complete));
    run.back(complete, HResult::BG_S_PARTIAL_COMPLETE);
    run.keeps(R4);
    let mut late = Run::listening(bits(), EVERYTHING);
    late.does(Call::SetDescription { description: Some("x".into()) }, OK);
    let complete = late.call(Call::Complete);
    late.state_by(JobState::Acknowledged, By::Call(complete));
    late.back(complete, HResult::BG_S_PARTIAL_COMPLETE);
    late.tells(Event::JobModification, OK);
    late.breaks(&[R4]);
}

#[test]
fn the_mask_in_force_decides_and_an_open_setter_leaves_both_possible() {
    let mut run = Run::transferred();
    let setter = run.call(Call::SetNotifyFlags { flags: 0 });
    run.tells(Event::JobTransferred, FAIL);
    run.back(setter, OK);
    run.keeps(R2);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R2]);
}

#[test]
fn a_mask_that_was_refused_never_counted() {
    let mut run = Run::created(bits());
    run.does(Call::SetNotifyFlags { flags: 0x40 | 0x10 }, HResult::E_NOTIMPL);
    run.does(register(0), OK);
    run.transfers();
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R2]);
}

#[test]
fn disable_masks_what_it_is_said_to_mask_where_the_switch_is_on() {
    contract::follows!["flags.disable", "flags.do-disable"];
    for (switch, broken) in [(dialect::Switch::On, &[R2][..]), (dialect::Switch::Off, &[])] {
        let mut run = Run::listening(&Profile { disable_masks: switch, ..*bits() }, 7);
        run.transfers();
        run.tells(Event::JobTransferred, OK);
        run.breaks(broken);
    }
}

#[test]
fn only_a_registered_object_is_told() {
    contract::follows!["interface.one"];
    let mut run = Run::transferred();
    run.does(register(1), OK);
    let delivery = run.enter_at(Event::JobTransferred, Target::Interface(ReceiverId(1)), None);
    run.leave(delivery, FAIL);
    run.keeps(R3);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R3]);
}

#[test]
fn nobody_is_told_after_null_was_registered() {
    contract::follows!["interface.null"];
    let mut run = Run::transferred();
    run.does(Call::SetNotifyInterface { receiver: None }, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R3]);
}

#[test]
fn an_object_is_told_only_what_it_receives() {
    contract::follows!["interface.callback2"];
    let mut run = Run::created(bits());
    run.does(Call::SetNotifyFlags { flags: EVERYTHING }, OK);
    run.does(register_plain(0), OK);
    run.transfers();
    run.tells_file(F0, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R3]);
}

#[test]
fn a_program_is_told_when_there_is_one_and_only_how_the_job_ended() {
    contract::follows!["program.exists", "flags.not-for-programs"];
    let program = Call::SetNotifyCmdLine { program: Some("/bin/true".into()), parameters: None };
    let mut run = Run::created(bits());
    run.does(program, OK);
    run.transfers();
    let delivery = run.enter_at(Event::JobTransferred, Target::CommandLine, None);
    run.leave_with(delivery, Leave::Exited(1));
    run.keeps(R3);
    run.does(Call::SetNotifyCmdLine { program: None, parameters: None }, OK);
    let delivery = run.enter_at(Event::JobTransferred, Target::CommandLine, None);
    run.leave_with(delivery, Leave::Exited(0));
    run.breaks(&[R3]);
}
