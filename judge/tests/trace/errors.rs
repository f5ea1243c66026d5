//! An error of a trace states its line, what is wrong, and what was expected.

use judge::{Trace, TraceError};

const HEADER: &str = r#"{"format":1,"dialect":"bits","records":["call","return","enter","leave"]}"#;
const CALL: &str = r#"{"seq":1,"kind":"call","id":0,"thread":0,"user":0,"job":0,"method":"Cancel"}"#;
const ENTER: &str =
    r#"{"seq":1,"kind":"enter","delivery":0,"job":0,"event":"JobError","receiver":"command_line"}"#;

fn error(lines: &[&str]) -> TraceError {
    Trace::parse(&lines.join("\n")).expect_err("the trace is wrong")
}

#[test]
fn every_mistake_has_its_line_and_its_words() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "the trace is empty: expected a header line with `format`, `dialect` and `records`"),
        (&["", "hello"], "line 2 is not a JSON object: expected value"),
        (
            &[r#"{"dialect":"bits"}"#],
            "line 1 is not a header: missing field `format`; expected at least `format`, `dialect` and `records`",
        ),
        (
            &[r#"{"format":1}"#],
            "line 1 is not a header: missing field `dialect`; expected at least `format`, `dialect` and `records`",
        ),
        (
            &[r#"{"format":1,"dialect":"bits"}"#],
            "line 1 is a header without `records`: name the kinds of lines that the subject records, such as \"records\":[\"call\",\"return\",\"enter\",\"leave\"], and \"env\" and \"state\" where it does",
        ),
        (
            &[HEADER, HEADER],
            "line 2 is the header of a second trace: expected one trace; read each from a file of its own",
        ),
        (
            &[HEADER, &CALL.replace("\"job\"", "\"inside\":44,\"job\"")],
            "line 2 makes call c0 inside delivery d44, which does not run: expected a delivery that has entered and not left, or no `inside`",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":"given","delivery":3,"given":{"job":0}}"#],
            "line 2 says what delivery d3 was given, which is not open",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":"wait","call":3,"job":0,"delivery":0}"#],
            "line 2 says that call c3 waits, which is not open",
        ),
        (&[r#"{"format":2,"new":[]}"#], "line 1 says format 2: expected format 1"),
        (&[HEADER, CALL, "{"], "line 3 is not a JSON object: EOF while parsing an object"),
        (
            &[HEADER, "", r#"{"seq":1}"#],
            "line 3 has no `kind`: expected one of call, return, begin, wait, enter, given, leave, env, state, choose, unknown, crash, restart",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":"pause"}"#],
            "line 2 has the unknown kind \"pause\": expected one of call, return, begin, wait, enter, given, leave, env, state, choose, unknown, crash, restart",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":7}"#],
            "line 2 has the unknown kind \"7\": expected one of call, return, begin, wait, enter, given, leave, env, state, choose, unknown, crash, restart",
        ),
        (&[HEADER, r#"{"kind":"crash"}"#], "line 2 is no good `crash` line: missing field `seq`"),
        (
            &[HEADER, r#"{"seq":1,"kind":"state","job":0,"to":"Flying","by":{"call":0}}"#],
            "line 2 is no good `state` line: unknown variant `Flying`, expected one of `Queued`, `Connecting`, `Transferring`, `Suspended`, `Error`, `TransientError`, `Transferred`, `Acknowledged`, `Cancelled`",
        ),
        (
            &[HEADER, &CALL.replace("\"Cancel\"", "7")],
            "line 2 is no good `call` line: 7 stands where a name is expected",
        ),
        (&[HEADER, "[1]"], "line 2 is not a JSON object: expected `{`"),
        (
            &[HEADER, CALL, r#"{"seq":1,"kind":"crash"}"#],
            "line 3 has seq 1 after seq 1: expected a larger number",
        ),
        (
            &[HEADER, CALL, &CALL.replace(":1,", ":2,")],
            "line 3 starts call c0 while another call of that id is open",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":"return","call":4,"hr":"S_OK"}"#],
            "line 2 returns from call c4, which is not open",
        ),
        (
            &[HEADER, ENTER, &ENTER.replace(":1,", ":2,")],
            "line 3 enters delivery d0 while another delivery of that id is open",
        ),
        (
            &[HEADER, r#"{"seq":1,"kind":"leave","delivery":3,"outcome":"panicked"}"#],
            "line 2 leaves delivery d3, which is not open",
        ),
    ];
    for (lines, message) in cases {
        let error = error(lines);
        assert_eq!(error.to_string(), *message);
        let named = message.strip_prefix("line ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        assert_eq!(error.line(), named, "{message}");
    }
}

#[test]
fn a_hostile_line_is_refused_in_few_words() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"seq":1,"kind":"{}"}}"#, "k".repeat(1_000_000));
    for hostile in [deep, long] {
        assert!(error(&[HEADER, &hostile]).to_string().len() < 500);
    }
}

#[test]
fn ids_may_be_used_again_once_they_are_free() {
    let back = r#"{"seq":2,"kind":"return","call":0,"hr":"S_OK"}"#;
    let again = CALL.replace("\"seq\":1", "\"seq\":3");
    assert!(Trace::parse(&[HEADER, CALL, back, &again].join("\n")).is_ok());
}
