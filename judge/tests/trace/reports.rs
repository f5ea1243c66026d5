//! Traces after public reports: each names its mechanism's rule and no other, and the mended run breaks nothing.

use contract::{CallId, DeliveryId, Method};
use judge::Rule::{R1, R2, R3, R4, R5, R6, R11, R16, R19};
use judge::trace::Kind;
use judge::{Rule, RuleSet, Trace, TraceError, Verdicts};

fn read(name: &str) -> Result<Trace, TraceError> {
    let path = format!("{}/reports/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    Trace::parse(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}

#[track_caller]
fn breaks(name: &str, rules: &[Rule]) {
    let trace = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let verdicts = Verdicts::of(&trace);
    assert_eq!(verdicts.violated(), RuleSet::of(rules), "{name}: {verdicts:#?}");
    let streamed = Verdicts::of_reader(trace.print().as_bytes());
    assert_eq!(streamed.as_ref(), Ok(&verdicts), "{name}, read line by line");
}

#[test]
fn a_report_names_its_rule_and_the_mended_run_breaks_nothing() {
    let reports: [(&str, &[Rule]); 7] = [
        ("registration-refused", &[R3]),
        ("refused-mask-sticks", &[R2, R11]),
        ("policy-holds-job", &[R5]),
        ("never-told", &[R19]),
        ("program-run-again", &[R4, R5, R6]),
        ("stale-retry-after-resume", &[R5]),
        ("unregister-waits-for-itself", &[R16]),
    ];
    for (name, rules) in reports {
        breaks(&format!("{name}/buggy"), rules);
        breaks(&format!("{name}/fixed"), &[]);
    }
    let sessions = ["client-session", "ans-denied-iface", "ans-rpc-cancel", "unknown-method"];
    for session in sessions {
        breaks(&format!("sessions/{session}"), &[]);
    }
    breaks("sessions/viol-after-restart", &[R1, R3]);
}

#[test]
fn a_method_outside_the_list_keeps_its_name() {
    let trace = read("sessions/unknown-method").expect("it is read");
    assert!(trace.print().contains(r#""method":"SetHelperToken""#), "{}", trace.print());
    let other = |kind: &Kind| matches!(kind, Kind::Call(call) if call.call.method() == Method::Other);
    assert_eq!(trace.lines.iter().filter(|line| other(&line.what)).count(), 1);
    assert_eq!(Trace::parse(&trace.print()), Ok(trace));
}

#[test]
fn a_call_inside_a_delivery_that_never_entered_is_refused_with_its_line() {
    let refused = read("input/inside-unknown").expect_err("delivery 44 does not run");
    let expected = TraceError::InsideUnknown { line: 5, call: CallId(9), delivery: DeliveryId(44) };
    assert_eq!(refused, expected);
}

/// What our own engine never does is judged on it, and on no other.
#[test]
fn answers_that_say_nothing_about_state_are_judged_on_our_own_engine_alone() {
    for name in ["sessions/ans-denied-iface", "sessions/ans-rpc-cancel", "sessions/client-session"] {
        let mut trace = read(name).expect("it is read");
        trace.header.origin = contract::dialect::Origin::Ours;
        assert_eq!(Verdicts::of(&trace).violated(), RuleSet::of(&[Rule::R12]), "{name}");
    }
}
