//! An answer that did not come in time: rules that hang on it are undecided, for its job alone, and never broken by it.

use judge::{Rule, Trace, Verdict, Verdicts};

/// Two jobs, of which the first is called last, with these lines behind. The run comes to rest by itself.
fn trace(last: &str, behind: &str) -> Trace {
    let text = format!(
        r#"{{"format":1,"dialect":"bits","ended":"at_rest","records":["call","return","enter","leave"]}}
{{"seq":1,"kind":"call","id":0,"thread":0,"user":0,"job":null,"method":"CreateJob","args":{{"name":"a","kind":0}}}}
{{"seq":2,"kind":"return","call":0,"job":0,"hr":"S_OK","out":{{"job":0}}}}
{{"seq":3,"kind":"call","id":1,"thread":0,"user":0,"job":0,"method":"SetNotifyInterface","args":{{"receiver":{{"id":0,"interfaces":"CALLBACK"}}}}}}
{{"seq":4,"kind":"return","call":1,"job":0,"hr":"S_OK"}}
{{"seq":5,"kind":"call","id":2,"thread":0,"user":0,"job":0,{last}}}
{behind}"#
    );
    let trace = Trace::parse(&text).expect("a trace");
    assert_eq!(Trace::parse(&trace.print()).expect("it can be read"), trace);
    trace
}

const UNKNOWN: &str = r#"{"seq":6,"kind":"unknown","call":2,"job":0}
"#;
const TOLD: &str = r#"{"seq":7,"kind":"enter","delivery":0,"job":0,"event":"JobTransferred","receiver":{"interface":0}}
{"seq":8,"kind":"leave","delivery":0,"outcome":{"hr":"S_OK"}}
"#;

fn verdict(trace: &Trace, rule: Rule) -> Verdict {
    let verdicts = Verdicts::of(trace);
    let read = Verdicts::of_reader(trace.print().as_bytes()).expect("it can be read");
    assert_eq!(read, verdicts);
    verdicts.rules[&rule].clone()
}

fn is_undecided(verdict: &Verdict, method: &str) -> bool {
    matches!(verdict, Verdict::Undecided { why } if why.contains(method) && why.contains("did not come in time"))
}

#[test]
fn rules_that_hang_on_an_answer_are_undecided_and_not_broken() {
    let cancel = r#""method":"Cancel""#;
    let open = trace(cancel, TOLD);
    assert!(matches!(verdict(&open, Rule::R16), Verdict::Violated { .. }), "what is open at rest stays open");
    let unknown = trace(cancel, &format!("{UNKNOWN}{TOLD}"));
    for rule in [Rule::R1, Rule::R10, Rule::R16] {
        assert!(is_undecided(&verdict(&unknown, rule), "j0.Cancel"), "{rule}: {:?}", verdict(&unknown, rule));
    }
    // A rule that does not hang on it is decided.
    assert!(matches!(verdict(&unknown, Rule::R3), Verdict::Held { .. }), "{:?}", verdict(&unknown, Rule::R3));
    let masks = r#""method":"SetNotifyFlags","args":{"flags":0}"#;
    let unknown = trace(masks, &format!("{UNKNOWN}{TOLD}"));
    assert!(is_undecided(&verdict(&unknown, Rule::R2), "j0.SetNotifyFlags"));
    assert!(!is_undecided(&verdict(&unknown, Rule::R1), "SetNotifyFlags"));
}

#[test]
fn another_job_breaks_a_rule_all_the_same() {
    let other = r#"{"seq":9,"kind":"call","id":3,"thread":0,"user":0,"job":1,"method":"Cancel"}
{"seq":10,"kind":"return","call":3,"job":1,"hr":"S_OK"}
{"seq":11,"kind":"enter","delivery":1,"job":1,"event":"JobTransferred","receiver":{"interface":0}}
{"seq":12,"kind":"leave","delivery":1,"outcome":{"hr":"S_OK"}}
"#;
    let both = trace(r#""method":"Cancel""#, &format!("{UNKNOWN}{TOLD}{other}"));
    let broken = verdict(&both, Rule::R1);
    assert!(matches!(broken, Verdict::Violated { first, .. } if first.seq == 11), "{broken:?}");
}

#[test]
fn an_answer_of_no_call_is_refused() {
    let text = r#"{"format":1,"dialect":"bits","records":["call"]}
{"seq":1,"kind":"unknown","call":7,"job":0}
"#;
    assert!(Trace::parse(text).is_err());
}
