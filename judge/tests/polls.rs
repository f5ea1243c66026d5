//! A poll of the observer is evidence: where changes of state are not recorded, it shows that a job has left a final state, is where nothing
//! leads to, or answers as no state allows.

use judge::{Rule, Trace, Verdict, Verdicts};

/// A job whose end is requested by this call, and the state that a poll sees behind it.
fn trace(call: &str, state: &str) -> Trace {
    let text = format!(
        r#"{{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}}
{{"seq":1,"kind":"call","id":0,"thread":0,"user":0,"job":null,"method":"CreateJob","args":{{"name":"a","kind":0}}}}
{{"seq":2,"kind":"return","call":0,"job":0,"hr":"S_OK","out":{{"job":0}}}}
{{"seq":3,"kind":"call","id":1,"thread":0,"user":0,"job":0,"method":"{call}"}}
{{"seq":4,"kind":"return","call":1,"job":0,"hr":"S_OK"}}
{{"seq":5,"kind":"call","id":2,"thread":99,"user":0,"job":0,"method":"GetState"}}
{{"seq":6,"kind":"return","call":2,"job":0,"hr":"S_OK","out":{{"state":"{state}"}}}}
"#
    );
    Trace::parse(&text).expect("a trace")
}

#[test]
fn a_job_that_is_seen_to_live_on_breaks_r10() {
    let is_broken = |call, state| Verdicts::of(&trace(call, state)).violated().contains(Rule::R10);
    assert!(is_broken("Cancel", "Transferred"));
    assert!(is_broken("Complete", "Suspended"));
    assert!(!is_broken("Cancel", "Cancelled"));
    assert!(!is_broken("Suspend", "Suspended"));
}

/// A job that two polls see, with these lines between.
fn polled(first: &str, between: &str, second: &str) -> Trace {
    let poll = |seq: u32, state: &str| {
        format!(
            r#"{{"seq":{seq},"kind":"call","id":{seq},"thread":99,"user":0,"job":0,"method":"GetState"}}
{{"seq":{},"kind":"return","call":{seq},"job":0,"hr":"S_OK","out":{{"state":"{state}"}}}}
"#,
            seq + 1
        )
    };
    let head = r#"{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}
"#;
    Trace::parse(&format!("{head}{}{between}{}", poll(1, first), poll(21, second))).expect("a trace")
}

fn call(method: &str, hr: &str) -> String {
    format!(
        r#"{{"seq":11,"kind":"call","id":0,"thread":0,"user":0,"job":0,"method":"{method}"}}
{{"seq":12,"kind":"return","call":0,"job":0,"hr":"{hr}"}}
"#
    )
}

/// How a rule stands: broken, held, or neither.
fn stands(trace: &Trace, rule: Rule) -> Option<bool> {
    match &Verdicts::of(trace).rules[&rule] {
        Verdict::Violated { .. } => Some(false),
        Verdict::Held { .. } => Some(true),
        Verdict::Vacuous | Verdict::Undecided { .. } => None,
    }
}

#[test]
fn a_state_to_which_nothing_leads_breaks_r13() {
    let r13 = |first, between: &str, second| stands(&polled(first, between, second), Rule::R13);
    assert_eq!(r13("Suspended", "", "Transferred"), Some(false), "no call was made");
    assert_eq!(r13("Suspended", &call("Resume", "S_OK"), "Transferred"), Some(true));
    assert_eq!(r13("Suspended", &call("GetOwner", "S_OK"), "Queued"), Some(false));
    assert_eq!(r13("Error", "", "Transferring"), Some(false));
    assert_eq!(r13("Error", &call("Suspend", "S_OK"), "Suspended"), Some(true), "facts G20");
    assert_eq!(r13("Transferring", "", "TransientError"), Some(true), "a policy holds it up");
    assert_eq!(r13("Queued", "", "Transferred"), Some(true));
    // One poll alone shows nothing, and what records changes of state is judged by these.
    let one = trace("Suspend", "Suspended");
    assert_eq!(stands(&one, Rule::R13), None);
    let text = polled("Suspended", "", "Transferred").print().replace("\"leave\"", "\"leave\",\"state\"");
    assert_eq!(stands(&Trace::parse(&text).expect("a trace"), Rule::R13), None);
}

#[test]
fn an_answer_that_no_possible_state_allows_breaks_r12() {
    let r12 = |state, between: &str| stands(&polled(state, between, state), Rule::R12);
    assert_eq!(r12("Suspended", &call("Resume", "BG_E_NOT_FOUND")), Some(false));
    // It may have expired meanwhile.
    assert_eq!(r12("Suspended", &call("Cancel", "BG_E_INVALID_STATE")), Some(true));
    assert_eq!(r12("Suspended", &call("Suspend", "S_OK")), Some(true));
    assert_eq!(r12("Transferred", &call("Complete", "S_OK")), Some(true));
    assert_eq!(r12("Suspended", &call("Complete", "S_OK")), Some(false));
    // A job that is on its way may have come anywhere.
    assert_eq!(r12("Queued", &call("Complete", "S_OK")), Some(true));
}

/// The state that a poll shows was there at some moment of it: a call beside it may come behind that.
#[test]
fn a_call_beside_a_poll_may_have_come_behind_it() {
    let text = r#"{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}
{"seq":1,"kind":"call","id":1,"thread":99,"user":0,"job":0,"method":"GetState"}
{"seq":2,"kind":"call","id":2,"thread":0,"user":0,"job":0,"method":"Resume"}
{"seq":3,"kind":"return","call":2,"job":0,"hr":"S_OK"}
{"seq":4,"kind":"return","call":1,"job":0,"hr":"S_OK","out":{"state":"Suspended"}}
{"seq":5,"kind":"call","id":3,"thread":99,"user":0,"job":0,"method":"GetState"}
{"seq":6,"kind":"return","call":3,"job":0,"hr":"S_OK","out":{"state":"Transferred"}}
"#;
    assert_eq!(stands(&Trace::parse(text).expect("a trace"), Rule::R13), Some(true));
    let restarted = text.replace(r#"{"seq":5,"#, "{\"seq\":5,\"kind\":\"restart\"}\n{\"seq\":6,");
    let restarted = restarted.replace(r#"{"seq":6,"kind":"return""#, r#"{"seq":7,"kind":"return""#);
    assert_eq!(stands(&Trace::parse(&restarted).expect("a trace"), Rule::R13), None);
}
