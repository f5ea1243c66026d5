//! Recorded traces of services that are wrong fail a suite, each with the name of what is wrong; what was not compared is not covered.

use contract::{Call, Core as _, Dialect, Event, JobState, NotifyFlags, Out, ReceiverId};
use engine::core::Core;
use judge::trace::{Kind, Line, Told};
use judge::{Recorded, Rule, Trace};
use model::scope::ScopeName;
use model::suite::{Cover, Pace};
use properties::suite::{Case, Conformed, Judged, Order, Suite, generate, on_other, recorded};

fn suite() -> Suite {
    let (cover, dialect, pace) = (Cover::Transition, Dialect::Bits, Pace::AtRest);
    let order = Order { cover, dialect, scope: ScopeName::Tiny, pace, longest: 200 };
    generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right")
}

/// The suite on a service whose traces are those of the suite with a change.
fn on(suite: &Suite, change: impl Fn(&mut Trace)) -> Conformed {
    let judge = |case: &Case| -> Judged {
        let mut trace = case.trace.clone();
        trace.lines.retain(|line| !matches!(line.what, Kind::Choose(_)));
        change(&mut trace);
        recorded(case, trace)
    };
    on_other(suite, Core::new, &|_| (), &judge).expect("the manifest names a cover")
}

/// The identities of all failures, as what they are made of is in `what`.
fn whats(ran: &Conformed) -> String {
    ran.by_id()
        .into_values()
        .map(|(count, name, finding)| format!("{count} {name} {}\n", finding.what()))
        .collect()
}

#[test]
fn a_right_service_passes_and_everything_is_compared() {
    let suite = suite();
    let ran = on(&suite, |_| ());
    assert_eq!(ran.failures().count(), 0, "{}", whats(&ran));
    assert_eq!((ran.passed(), ran.missing.len()), (suite.cases.len(), 0), "{:?}", ran.missing);
}

#[test]
fn a_service_that_never_calls_back_does_not_pass() {
    let ran = on(&suite(), |trace| {
        trace.lines.retain(|line| !matches!(line.what, Kind::Enter(_) | Kind::Leave(_)));
    });
    assert!(ran.failures().count() > 10, "{}", whats(&ran));
    assert!(whats(&ran).contains("JobTransferred(j0) starts at p0"), "{}", whats(&ran));
    assert!(!ran.missing.is_empty());
}

#[test]
fn a_trace_that_records_no_callbacks_cannot_be_compared() {
    let suite = suite();
    let ran = on(&suite, |trace| {
        trace.lines.retain(|line| !matches!(line.what, Kind::Enter(_) | Kind::Leave(_)));
        trace.header.records.retain(|kind| !matches!(kind, Recorded::Enter | Recorded::Leave));
    });
    assert_eq!((ran.passed(), ran.failures().count()), (0, 0));
    assert_eq!(ran.not_runnable().count(), suite.cases.len());
    assert!(ran.not_runnable().all(|(_, why)| why.contains("enter")));
}

/// Delivers JobTransferred when the job is transferred, whatever the mask is.
#[test]
fn a_service_that_ignores_the_mask_does_not_pass() {
    let ran = on(&suite(), |trace| {
        let lines = trace.lines.clone();
        let mut masked = false;
        trace.lines = Vec::new();
        for line in lines {
            if let Kind::Call(call) = &line.what
                && let Call::SetNotifyFlags { flags } = call.call
            {
                masked = NotifyFlags::from_bits(flags)
                    .is_some_and(|flags| !flags.contains(NotifyFlags::JOB_TRANSFERRED));
            }
            let transferred = matches!(&line.what, Kind::State(state) if state.to == JobState::Transferred);
            trace.lines.push(line);
            if masked && transferred {
                trace.lines.extend(callback(Event::JobTransferred));
            }
        }
        renumber(trace);
    });
    assert!(ran.failures().any(|(_, failed)| failed.rule() == Some(Rule::R2)), "{}", whats(&ran));
}

fn callback(event: Event) -> [Line; 2] {
    let enter = format!(
        r#"{{"seq":0,"kind":"enter","delivery":5,"job":0,"event":"{event}","receiver":{{"interface":0}}}}"#
    );
    let leave = r#"{"seq":0,"kind":"leave","delivery":5,"outcome":{"hr":"S_OK"}}"#;
    [&enter[..], leave].map(|line| serde_json::from_str(line).expect("it is a line"))
}

fn renumber(trace: &mut Trace) {
    trace.lines.iter_mut().zip(1..).for_each(|(line, seq)| line.seq = seq);
}

#[test]
fn a_getter_that_gives_other_values_fails_each_file_that_calls_it() {
    let suite = suite();
    let with_getter = suite.cases.iter().filter(|case| {
        let gives =
            |line: &Line| matches!(&line.what, Kind::Return(back) if matches!(back.out, Out::Flags(_)));
        case.trace.lines.iter().any(gives)
    });
    let files = with_getter.count();
    let ran = on(&suite, |trace| {
        for line in &mut trace.lines {
            if let Kind::Return(back) = &mut line.what
                && let Out::Flags(flags) = &mut back.out
            {
                flags.toggle(NotifyFlags::JOB_MODIFICATION);
            }
        }
    });
    let ids = ran.by_id();
    let differs: Vec<_> = ids.values().filter(|(_, _, finding)| finding.rule().is_none()).collect();
    assert!(files > 0 && differs.len() == 1, "{files}: {}", whats(&ran));
    assert_eq!(differs[0].0, files, "one name, in every file: {}", whats(&ran));
}

#[test]
fn a_callback_to_another_receiver_does_not_pass() {
    let ran = on(&suite(), |trace| {
        for line in &mut trace.lines {
            if let Kind::Enter(enter) = &mut line.what {
                enter.receiver = Told::Interface(ReceiverId(7));
            }
        }
    });
    assert!(ran.failures().any(|(_, failed)| failed.rule() == Some(Rule::R3)), "{}", whats(&ran));
    assert!(whats(&ran).contains("starts at p7; and in the suite"), "{}", whats(&ran));
}

#[test]
fn a_run_of_another_dialect_or_with_other_arguments_does_not_pass() {
    let suite = suite();
    let ran = on(&suite, |trace| trace.header.dialect = Dialect::Do);
    assert_eq!((ran.failures().count(), ran.by_id().len()), (suite.cases.len(), 1), "{}", whats(&ran));
    let ran = on(&suite, |trace| {
        for line in &mut trace.lines {
            if let Kind::Call(call) = &mut line.what
                && let Call::SetNotifyFlags { flags } = &mut call.call
            {
                *flags = 0x1;
            }
        }
    });
    assert!(whats(&ran).contains("SetNotifyFlags"), "{}", whats(&ran));
}

/// What the contract leaves to the subject is no difference, and what was left out is not covered.
#[test]
fn a_modification_may_be_left_out_and_is_not_covered_then() {
    let (cover, dialect, pace) = (Cover::Transition, Dialect::Bits, Pace::AtRest);
    let order = Order { cover, dialect, scope: ScopeName::Small, pace, longest: 200 };
    let suite = generate(&order, Core::new, &|_, _| ()).expect("the engine's core is right");
    let ran = on(&suite, |trace| {
        let mut dropped = None;
        trace.lines.retain(|line| match &line.what {
            Kind::Enter(enter) if enter.event == Event::JobModification => {
                dropped = Some(enter.delivery);
                false
            }
            Kind::Leave(leave) => dropped.take_if(|delivery| *delivery == leave.delivery).is_none(),
            _ => true,
        });
    });
    assert_eq!(ran.failures().count(), 0, "{}", whats(&ran));
    assert!(!ran.missing.is_empty() && ran.covered() > 0);
    assert!(
        ran.missing.iter().all(|name| name.contains("JobModification") || name.contains("ready")),
        "{:?}",
        ran.missing
    );
}

/// Without states, what moves a job was not seen.
#[test]
fn what_a_trace_does_not_record_is_not_covered() {
    let ran = on(&suite(), |trace| {
        trace.lines.retain(|line| !matches!(line.what, Kind::State(_)));
        trace.header.records.retain(|kind| *kind != Recorded::State);
    });
    assert_eq!(ran.failures().count(), 0, "{}", whats(&ran));
    assert!(!ran.missing.is_empty() && ran.covered() > 0, "{} of {}", ran.covered(), ran.items);
}
