//! The judge: ids, capacities, and what a trace does not record.

use contract::event::Target;
use contract::*;
use judge::trace::Kind;
use judge::{
    Ended, Judge, Monitors, Recorded, Rule, RuleSet, Trace, Verdict, Verdicts, Violation, failure_id,
    skeleton,
};

use crate::builder::*;

#[test]
fn the_monitors_of_a_job_are_small() {
    assert!(size_of::<Monitors<3>>() <= 216, "{} bytes", size_of::<Monitors<3>>());
}

#[test]
fn a_rule_that_is_not_carried_neither_speaks_nor_changes_the_state() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells_file(F0, FAIL);
    run.tells(Event::JobTransferred, OK);
    run.cancels(OK);
    run.tells(Event::JobModification, OK);
    let trace = run.trace();
    let all = Verdicts::of(&trace);
    for rule in RuleSet::HERE.iter() {
        let alone = Verdicts::of_rules(&trace, RuleSet::EMPTY.with(rule));
        assert_eq!(alone.rules.len(), 1);
        assert_eq!(alone.rules[&rule], all.rules[&rule], "{rule} alone");
    }
    let mut nothing = Monitors::<8>::new(RuleSet::EMPTY);
    let fresh = nothing;
    for (_, event) in trace.events() {
        assert!(nothing.step(bits(), &event).is_empty());
    }
    assert_eq!(nothing, fresh);
}

#[test]
fn a_run_with_nothing_in_it_is_vacuous() {
    let verdicts = Run::empty(bits()).verdicts();
    assert!(verdicts.rules.values().all(|verdict| *verdict == Verdict::Vacuous));
    assert_eq!(verdicts.rules.len(), RuleSet::HERE.len());
}

#[test]
fn rules_are_undecided_about_what_was_not_recorded() {
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, OK);
    run.tells(Event::JobTransferred, OK);
    let mut trace = run.trace();
    trace.header.records.retain(|kind| *kind != Recorded::State);
    trace.lines.retain(|line| !matches!(line.what, Kind::State(_)));
    let verdicts = Verdicts::of(&trace);
    for rule in RuleSet::HERE.iter() {
        let undecided = matches!(verdicts.rules[&rule], Verdict::Undecided { .. });
        assert_eq!(undecided, rule.needs().contains(&Recorded::State), "{rule}");
    }
    assert!(verdicts.violated().is_empty());
}

#[test]
fn more_than_the_rules_follow_is_undecided_and_what_was_seen_stays_seen() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.tells(Event::JobModification, OK);
    for _ in 0..40 {
        run.call(Call::GetState);
    }
    let verdicts = run.verdicts();
    assert!(matches!(verdicts.rules[&Rule::R8], Verdict::Violated { count: 1, .. }));
    assert!(matches!(verdicts.rules[&Rule::R2], Verdict::Undecided { .. }), "{verdicts:?}");
    let mut files = Run::listening(bits(), EVERYTHING);
    files.resumes();
    files.env_file(EnvStep::FileDone, FileId(8));
    files.tells_file(FileId(8), OK);
    let verdicts = files.verdicts();
    assert!(matches!(verdicts.rules[&Rule::R5], Verdict::Undecided { .. }));
    assert!(matches!(verdicts.rules[&Rule::R2], Verdict::Held { .. }));
}

#[test]
fn objects_may_come_and_go_without_end() {
    let mut run = Run::transferred();
    for object in 1..300 {
        run.does(register(object), OK);
        let delivery = run.enter_at(Event::JobTransferred, Target::Interface(ReceiverId(object)), None);
        run.leave(delivery, FAIL);
        run.reads(Call::GetNotifyInterface, Out::Receiver(Some(ReceiverId(object))));
    }
    run.keeps(Rule::R3);
    let delivery = run.enter_at(Event::JobTransferred, Target::Interface(ReceiverId(5)), None);
    run.leave(delivery, OK);
    run.breaks(&[Rule::R3]);
}

#[test]
fn jobs_are_judged_apart() {
    let mut run = Run::transferred();
    run.cancels(OK);
    let (delivery, job) = (DeliveryId(77), JobId(1));
    run.push(&EventView::Enter { delivery, job, event: Event::JobModification, target: P0, file: None });
    let first = run.verdicts().first().expect("nobody registered with the other job");
    assert_eq!((first.rule, first.job), (Rule::R2, Some(JobId(1))));
    assert!(!run.verdicts().violated().contains(Rule::R1));
}

#[test]
fn a_run_that_was_cut_says_nothing_of_what_is_open() {
    let mut run = Run::transferred();
    let delivery = run.enter(Event::JobTransferred);
    run.call(Call::Cancel);
    run.leave_with(delivery, event::Leave::Panicked);
    let mut trace = run.trace();
    assert!(Verdicts::of(&trace).violated().contains(Rule::R18));
    trace.header.ended = Ended::Cut;
    assert!(Verdicts::of(&trace).violated().is_empty());
}

/// What was promised before the service died holds after it; what the rules cannot follow is undecided.
#[test]
fn silence_is_judged_across_a_death_of_the_service_and_the_rest_is_undecided() {
    let mut run = Run::transferred();
    run.tells(Event::JobTransferred, OK);
    run.cancels(OK);
    run.dies();
    let verdicts = run.verdicts();
    assert!(verdicts.violated().is_empty(), "{verdicts:?}");
    for (rule, verdict) in &verdicts.rules {
        let undecided = matches!(verdict, Verdict::Undecided { .. });
        assert_eq!(undecided, !RuleSet::ACROSS_RESTART.contains(*rule), "{rule}: {verdict:?}");
    }
    run.does(register(0), HResult::BG_E_INVALID_STATE);
    run.breaks(&[]);
    run.tells(Event::JobTransferred, OK);
    // It was cancelled, and no object is registered with a service that has just started.
    run.breaks(&[Rule::R1, Rule::R3]);
}

#[test]
fn a_registration_does_not_outlive_the_service_and_a_mask_does() {
    let mut run = Run::listening(bits(), 2);
    run.dies();
    run.tells(Event::JobError, OK);
    run.breaks(&[Rule::R3]);
    let mut again = Run::listening(bits(), 2);
    let open = again.call(Call::SetPriority { priority: 0 });
    again.dies();
    // The client of the dead service gets an error.
    again.back(open, HResult::RPC_S_CALL_FAILED);
    again.does(register(0), OK);
    again.tells(Event::JobError, OK);
    again.reads(Call::GetPriority, Out::Priority(Priority::Foreground));
    again.breaks(&[]);
    again.tells(Event::JobModification, OK);
    again.breaks(&[Rule::R2]);
}

#[test]
fn a_stream_and_a_trace_get_the_same_verdicts() {
    let mut run = Run::listening(bits(), EVERYTHING);
    run.transfers();
    run.tells(Event::JobTransferred, OK);
    let trace = run.trace();
    let mut judge = Judge::for_header(&trace.header, RuleSet::HERE);
    for (seq, event) in trace.events() {
        judge.event(seq, &event);
    }
    assert_eq!(judge.violations().count(), 1);
    let verdicts = judge.finish();
    assert_eq!(verdicts, Verdicts::of(&trace));
    let json = serde_json::to_string(&verdicts).expect("verdicts are JSON");
    assert_eq!(serde_json::from_str::<Verdicts>(&json).expect("and are read back"), verdicts);
}

#[test]
fn a_failure_has_one_name_whatever_its_ids_and_values() {
    let fail = |object: u32, text: &'static str| {
        let mut run = Run::created(bits());
        run.does(Call::SetNotifyFlags { flags: EVERYTHING }, OK);
        run.does(register(object), OK);
        run.does(Call::SetDescription { description: Some(text.into()) }, OK);
        run.cancels(OK);
        let target = Target::Interface(ReceiverId(object));
        let delivery = run.enter_at(Event::JobModification, target, None);
        run.leave(delivery, OK);
        name(&run.trace())
    };
    let id = fail(0, "a");
    assert_eq!(id, fail(7, "another"));
    assert_eq!(id.to_string().parse(), Ok(id));
    // Pinned: a name that changes from version to version names nothing.
    assert_eq!(id.to_string(), "R1-20902fa0");
    // Another way there, and another event at its end: the rule speaks of neither.
    let mut other = Run::listening(bits(), EVERYTHING);
    other.resumes();
    other.fails();
    other.cancels(OK);
    other.tells(Event::JobError, OK);
    assert_eq!(id, name(&other.trace()));
    let trace = other.trace();
    let first = Verdicts::of(&trace).first().expect("a violation");
    assert_eq!(skeleton(&trace, &first), ["Cancel -> S_OK", "a callback starts"]);
    assert!("R1-xyz".parse::<judge::FailureId>().is_err());
    assert!("R20-00000000".parse::<judge::FailureId>().is_err());
}

fn name(trace: &Trace) -> judge::FailureId {
    let first: Violation = Verdicts::of(trace).first().expect("a violation");
    failure_id(trace, &first)
}
