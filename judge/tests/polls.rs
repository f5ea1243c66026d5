//! A poll of the observer is evidence: where changes of state are not recorded, it shows that a job has left a final state.

use judge::{Rule, Trace, Verdicts};

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
