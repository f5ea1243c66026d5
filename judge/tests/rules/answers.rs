//! R10 to R13: what calls do, answer and change.

use contract::call::Whose;
use contract::event::By;
use contract::*;
use judge::Rule::{R8, R10, R11, R12, R13};

use crate::builder::*;

#[test]
fn a_final_job_stays_final_and_is_not_found() {
    contract::follows!["state.acknowledged-final", "state.cancelled-final", "manager.gone"];
    let mut run = Run::transferred();
    let early = run.call(Call::GetJob);
    run.cancels(OK);
    run.back_with(early, OK, Out::Job(JOB));
    run.does(Call::GetJob, HResult::BG_E_NOT_FOUND);
    run.does(Call::Resume, HResult::BG_E_INVALID_STATE);
    run.keeps(R10);
    let list = run.call_on(None, Call::EnumJobs { whose: Whose::Mine });
    run.back_with(list, OK, Out::Jobs(vec![JobId(7)]));
    run.keeps(R10);
    let list = run.call_on(None, Call::EnumJobs { whose: Whose::Mine });
    run.back_with(list, OK, Out::Jobs(vec![JobId(7), JOB]));
    run.breaks(&[R10]);
}

#[test]
fn a_list_that_overlaps_the_end_may_have_the_job() {
    let mut run = Run::transferred();
    let list = run.call_on(None, Call::EnumJobs { whose: Whose::Mine });
    run.cancels(OK);
    run.back_with(list, OK, Out::Jobs(vec![JOB]));
    run.breaks(&[]);
}

#[test]
fn nothing_leaves_a_final_state() {
    let mut run = Run::transferred();
    run.completes();
    run.moves(EnvStep::Expiry, JobState::Cancelled);
    // No edge leads there either.
    run.breaks(&[R10, R13]);
}

#[test]
fn an_expired_job_is_not_found_at_once() {
    let mut run = Run::created(bits());
    run.moves(EnvStep::Expiry, JobState::Cancelled);
    run.reads(Call::GetJob, Out::Job(JOB));
    // The table, too, has "not found" for a job in CANCELLED.
    run.breaks(&[R10, R12]);
}

#[test]
fn a_call_that_fails_leaves_the_state_alone() {
    let mut run = Run::listening(bits(), 3);
    run.does(Call::Resume, HResult::BG_E_EMPTY);
    run.keeps(R11);
    let resume = run.call(Call::Resume);
    run.state_by(JobState::Queued, By::Call(resume));
    run.back(resume, HResult::BG_E_EMPTY);
    run.breaks(&[R11]);
}

#[test]
fn getters_give_what_somebody_set() {
    let mut run = Run::listening(bits(), 1);
    run.does(Call::SetPriority { priority: 0 }, OK);
    run.does(Call::SetMinimumRetryDelay { seconds: 1 }, OK);
    run.reads(Call::GetNotifyFlags, Out::Flags(NotifyFlags::JOB_TRANSFERRED));
    run.reads(Call::GetNotifyInterface, Out::Receiver(Some(ReceiverId(0))));
    run.reads(Call::GetPriority, Out::Priority(Priority::Foreground));
    run.reads(Call::GetMinimumRetryDelay, Out::Delay(Millis::from_secs(5)));
    run.reads(Call::GetNoProgressTimeout, Out::Delay(Millis::from_days(14)));
    run.reads(Call::GetNotifyCmdLine, Out::CommandLine(None));
    run.keeps(R11);
}

#[test]
fn getters_do_not_give_what_was_refused_or_replaced() {
    let wrong = [
        (Call::GetNotifyFlags, Out::Flags(NotifyFlags::DEFAULT)),
        (Call::GetNotifyInterface, Out::Receiver(None)),
        (Call::GetNotifyInterface, Out::Receiver(Some(ReceiverId(9)))),
        (Call::GetPriority, Out::Priority(Priority::Normal)),
        (Call::GetMinimumRetryDelay, Out::Delay(Millis::from_secs(600))),
        (Call::GetNoProgressTimeout, Out::Delay(Millis::from_days(14))),
        (Call::GetNotifyCmdLine, Out::CommandLine(None)),
    ];
    for (call, out) in wrong {
        let mut run = Run::listening(bits(), 1);
        run.does(Call::SetNotifyFlags { flags: 0x43 }, HResult::E_NOTIMPL);
        run.does(Call::SetPriority { priority: 3 }, OK);
        run.does(Call::SetMinimumRetryDelay { seconds: 60 }, OK);
        run.does(Call::SetNoProgressTimeout { seconds: 60 }, OK);
        run.does(Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None }, OK);
        run.reads(call, out);
        run.breaks(&[R11]);
    }
}

#[test]
fn a_getter_that_overlaps_a_setter_may_give_either() {
    for flags in [NotifyFlags::DEFAULT, NotifyFlags::empty()] {
        let mut run = Run::created(bits());
        let getter = run.call(Call::GetNotifyFlags);
        let setter = run.call(Call::SetNotifyFlags { flags: 0 });
        run.back(setter, OK);
        run.back_with(getter, OK, Out::Flags(flags));
        run.keeps(R11);
    }
    let delay = |seconds| Out::Delay(Millis::from_secs(seconds));
    let line = CommandLine { program: "/a".into(), parameters: "".into() };
    let setters = [
        (Call::SetNotifyFlags { flags: 0 }, Call::GetNotifyFlags, Out::Flags(NotifyFlags::empty())),
        (register(0), Call::GetNotifyInterface, Out::Receiver(Some(ReceiverId(0)))),
        (
            Call::SetNotifyCmdLine { program: Some("/a".into()), parameters: None },
            Call::GetNotifyCmdLine,
            Out::CommandLine(Some(line)),
        ),
        (Call::SetPriority { priority: 0 }, Call::GetPriority, Out::Priority(Priority::Foreground)),
        (Call::SetMinimumRetryDelay { seconds: 60 }, Call::GetMinimumRetryDelay, delay(60)),
        (Call::SetNoProgressTimeout { seconds: 60 }, Call::GetNoProgressTimeout, delay(60)),
    ];
    for (sets, gets, out) in setters {
        let mut run = Run::created(bits());
        let setter = run.call(sets);
        let getter = run.call(gets);
        // The one who sets is not back yet.
        run.back_with(getter, OK, out);
        run.back(setter, OK);
        run.keeps(R11);
    }
}

#[test]
fn answers_are_those_of_a_state_in_between() {
    let mut run = Run::transferred();
    let setter = run.call(Call::SetDescription { description: Some("x".into()) });
    run.cancels(OK);
    run.back(setter, HResult::BG_E_INVALID_STATE);
    run.keeps(R12);
    run.does(Call::SetDescription { description: Some("x".into()) }, OK);
    run.breaks(&[R12]);
}

#[test]
fn a_call_is_not_excused_by_what_it_did_itself() {
    let mut run = Run::transferred();
    run.cancels(HResult::BG_E_INVALID_STATE);
    run.breaks(&[R11, R12]);
}

#[test]
fn managers_answer_without_a_job() {
    let mut run = Run::empty(bits());
    let create = run.call_on(None, Call::CreateJob { name: None, kind: 0 });
    run.back(create, HResult::E_INVALIDARG);
    run.keeps(R12);
    let create = run.call_on(None, Call::CreateJob { name: None, kind: 0 });
    run.back(create, HResult::BG_E_EMPTY);
    run.breaks(&[R12]);
}

#[test]
fn managers_refuse_one_job_too_many_and_another_users_job() {
    for hr in [HResult::BG_E_TOO_MANY_JOBS_PER_USER, HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE] {
        let mut run = Run::empty(bits());
        let create = run.call_on(None, Call::CreateJob { name: Some("one too many".into()), kind: 0 });
        run.back(create, hr);
        run.keeps(R12);
    }
    let mut run = Run::created(bits());
    let stranger = event::Caller { thread: ThreadId(9), user: UserId(9), inside: None };
    let (id, job, call) = (CallId(99), Some(JOB), &Call::GetJob);
    run.push(&EventView::Call { id, caller: stranger, job, call });
    run.push(&EventView::Return { id, job, call, hr: HResult::E_ACCESSDENIED, out: &Out::None });
    run.keeps(R12);
}

#[test]
fn a_setter_refuses_a_text_that_is_too_long() {
    let program =
        || Call::SetNotifyCmdLine { program: Some("/long".into()), parameters: Some("long".into()) };
    let mut run = Run::created(bits());
    run.does(program(), HResult::BG_E_STRING_TOO_LONG);
    run.does(Call::SetDescription { description: Some("long".into()) }, HResult::BG_E_STRING_TOO_LONG);
    run.keeps(R12);
    run.does(Call::SetPriority { priority: 0 }, HResult::BG_E_STRING_TOO_LONG);
    run.breaks(&[R12]);
}

#[test]
fn a_job_that_is_not_transferred_is_not_completed_as_a_whole() {
    contract::follows!["complete.partial-code"];
    for (dialect, hr, broken) in [
        (Dialect::Bits, HResult::BG_S_PARTIAL_COMPLETE, &[][..]),
        (Dialect::Bits, OK, &[R12]),
        // Its one code of success does not show what is missing.
        (Dialect::Do, OK, &[]),
    ] {
        let mut run = Run::created(dialect.profile());
        let complete = run.call(Call::Complete);
        run.state_by(JobState::Acknowledged, By::Call(complete));
        run.back(complete, hr);
        run.breaks(broken);
    }
}

#[test]
fn the_dialect_decides_which_edges_there_are() {
    contract::follows!["state.do-never-connects", "state.connecting-shown"];
    let mut run = Run::created(bits());
    run.resumes();
    run.keeps(R13);
    let mut run = Run::created(Dialect::Do.profile());
    run.resumes();
    run.breaks(&[R13]);
}

#[test]
fn a_change_starts_where_the_last_one_ended() {
    let mut run = Run::created(bits());
    run.resumes();
    run.env(EnvStep::Turn);
    run.state_from(Some(JobState::Queued), JobState::Connecting, By::Env(EnvStep::Turn));
    run.breaks(&[R13]);
}

#[test]
fn get_state_tells_a_state_the_job_was_in() {
    let mut run = Run::created(bits());
    let getter = run.call(Call::GetState);
    run.resumes();
    run.back_with(getter, OK, Out::State(JobState::Connecting));
    run.keeps(R13);
    run.reads(Call::GetState, Out::State(JobState::Suspended));
    run.breaks(&[R13]);
}

#[test]
fn a_failed_call_is_judged_by_both_sides_of_its_failure() {
    // Its callback and its answer: the one was caused by nothing, the other is in the table.
    let mut run = Run::listening(bits(), EVERYTHING);
    run.does(Call::SetDisplayName { name: None }, HResult::E_INVALIDARG);
    run.tells(Event::JobModification, OK);
    run.breaks(&[R8]);
}
