//! What begins, what a client is given, and for what a call waits.

use contract::event::{EventView, Given, Target};
use contract::*;
use judge::Rule::{R3, R5, R16};
use judge::trace::Kind;
use judge::{Recorded, Verdict, Verdicts};

use crate::builder::*;

/// `d0` has entered and was given this.
fn given(run: &mut Run, event: Event, file: Option<FileId>, given: Given) {
    run.push(&EventView::Given { delivery: DeliveryId(0), job: JOB, event, target: P0, file, given });
}

fn begins(run: &mut Run, delivery: u32, event: Event, target: Target) {
    run.push(&EventView::Begin { delivery: DeliveryId(delivery), job: JOB, event, target, file: None });
}

fn waits(run: &mut Run, id: CallId, delivery: u32) {
    run.push(&EventView::Wait { id, job: JOB, delivery: DeliveryId(delivery) });
}

#[test]
fn a_client_is_given_the_object_the_job_and_the_file_of_its_callback() {
    let right = Given { receiver: Some(ReceiverId(0)), job: Some(JOB), ..Given::default() };
    let wrong: [(Given, &[Rule]); 4] = [
        (right, &[]),
        (Given { receiver: Some(ReceiverId(1)), ..right }, &[R3]),
        (Given { job: Some(JobId(7)), ..right }, &[R5]),
        (Given { file: Some(F0), ..right }, &[R5]),
    ];
    for (got, rules) in wrong {
        let mut run = Run::transferred();
        let delivery = run.enter(Event::JobTransferred);
        given(&mut run, Event::JobTransferred, None, got);
        run.leave(delivery, OK);
        run.breaks(rules);
    }
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    let delivery = run.enter_file(F0);
    given(&mut run, Event::FileTransferred, Some(F0), Given { file: Some(F1), ..right });
    run.leave(delivery, OK);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R5]);
}

#[test]
fn what_a_client_is_given_is_judged_where_no_states_are_recorded() {
    let right = Given { receiver: Some(ReceiverId(0)), job: Some(JOB), ..Given::default() };
    for (got, broken) in [(right, false), (Given { job: Some(JobId(7)), ..right }, true)] {
        let mut run = Run::transferred().records_given();
        let delivery = run.enter(Event::JobTransferred);
        given(&mut run, Event::JobTransferred, None, got);
        run.leave(delivery, OK);
        let mut trace = run.trace();
        trace.header.records.retain(|kind| !matches!(kind, Recorded::State | Recorded::Env));
        trace.lines.retain(|line| !matches!(line.what, Kind::State(_) | Kind::Env(_)));
        let verdicts = Verdicts::of(&trace);
        assert_eq!(verdicts.violated().contains(R5), broken, "{verdicts:?}");
        assert!(broken || matches!(verdicts.rules[&R5], Verdict::Undecided { .. }), "{verdicts:?}");
    }
}

#[test]
fn a_callback_calls_the_clients_object_exactly_once() {
    let right = Given { receiver: Some(ReceiverId(0)), job: Some(JOB), ..Given::default() };
    for (times, rules) in [(0, &[R5][..]), (1, &[]), (2, &[R5])] {
        let mut run = Run::transferred().records_given();
        let delivery = run.enter(Event::JobTransferred);
        (0..times).for_each(|_| given(&mut run, Event::JobTransferred, None, right));
        run.leave(delivery, OK);
        run.breaks(rules);
    }
    let mut program = Run::created(bits()).records_given();
    program.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
    program.transfers();
    let delivery = program.enter_at(Event::JobTransferred, Target::CommandLine, None);
    program.leave_with(delivery, event::Leave::Exited(0));
    program.breaks(&[]);
}

#[test]
fn an_error_callback_is_given_the_error_that_stood_when_it_began() {
    let error = |hr| Given { error: Some(hr), ..Given::default() };
    for (hr, rules) in [(FAIL, &[][..]), (HResult::E_ABORT, &[R5])] {
        let mut run = Run::listening(bits(), 2);
        run.resumes();
        run.fails();
        begins(&mut run, 0, Event::JobError, P0);
        let delivery = run.enter(Event::JobError);
        given(&mut run, Event::JobError, None, error(hr));
        run.leave(delivery, OK);
        run.breaks(rules);
    }
}

#[test]
fn what_has_begun_is_what_enters() {
    let mut run = Run::transferred();
    begins(&mut run, 0, Event::JobTransferred, Target::Interface(ReceiverId(1)));
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[R3]);
    let mut other = Run::transferred();
    begins(&mut other, 0, Event::JobError, P0);
    other.tells(Event::JobTransferred, OK);
    other.breaks(&[R5]);
}

#[test]
fn a_call_waits_for_the_delivery_that_is_on_its_way() {
    let mut run = Run::transferred();
    begins(&mut run, 0, Event::JobTransferred, P0);
    let cancel = run.call(Call::SetNotifyFlags { flags: 0 });
    waits(&mut run, cancel, 0);
    run.tells(Event::JobTransferred, FAIL);
    // The leave is recorded before the lock is taken: a wait may still come.
    waits(&mut run, cancel, 0);
    run.back(cancel, OK);
    run.keeps(R16);
    let mut late = Run::transferred();
    begins(&mut late, 0, Event::JobTransferred, P0);
    late.tells(Event::JobTransferred, FAIL);
    begins(&mut late, 1, Event::JobTransferred, P0);
    let flags = late.call(Call::SetNotifyFlags { flags: 3 });
    waits(&mut late, flags, 0);
    late.back(flags, OK);
    late.tells(Event::JobTransferred, OK);
    late.breaks(&[R16]);
}

#[test]
fn nobody_waits_for_a_callback_that_the_engine_has_answered() {
    let mut run = Run::transferred();
    begins(&mut run, 0, Event::JobTransferred, P0);
    let delivery = run.enter(Event::JobTransferred);
    let inside = run.call_inside(delivery, Call::GetState);
    run.back_with(inside, OK, Out::State(JobState::Transferred));
    let flags = run.call(Call::SetNotifyFlags { flags: 3 });
    waits(&mut run, flags, 0);
    run.back(flags, OK);
    run.leave(delivery, OK);
    run.breaks(&[R16]);
}

#[test]
fn what_enters_has_begun_where_begins_are_recorded() {
    for (kinds, rules) in [(&[][..], &[][..]), (&[Recorded::Begin], &[R5])] {
        let run = kinds.iter().fold(Run::transferred(), |run, kind| run.records(*kind));
        let mut without = run;
        without.tells(Event::JobTransferred, OK);
        without.breaks(rules);
    }
    let mut run = Run::transferred().records(Recorded::Begin);
    begins(&mut run, 0, Event::JobTransferred, P0);
    run.tells(Event::JobTransferred, OK);
    run.breaks(&[]);
}
