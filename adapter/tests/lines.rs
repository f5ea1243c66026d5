//! Lines of an adapter: what is wrong with one is named, and what is not known is ignored.

use adapter::wire::{Line, PlannedCall};
use contract::{Call, Method};

#[test]
fn a_line_is_known_by_its_key() {
    let line = |text: &str| Line::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(matches!(line(r#"{"hello":1,"q":0,"name":"x","later":[1]}"#), Line::Hello(_)));
    assert!(matches!(line(r#"{"q":1,"start":7}"#), Line::Start(_)));
    assert!(matches!(line(r#"{"q":2,"end":7,"hr":"0x80200002"}"#), Line::End(_)));
    let enter = r#"{"q":3,"enter":1,"job":0,"event":"JobError","receiver":"command_line"}"#;
    assert!(matches!(line(enter), Line::Enter(_)));
    assert!(matches!(line(r#"{"q":4,"leave":1,"exited":3}"#), Line::Leave(_)));
    assert!(matches!(line(r#"{"errored":7,"message":"x"}"#), Line::Errored(_)));
}

#[test]
fn what_is_wrong_with_a_line_is_named() {
    let cases = [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "none of `hello`"),
        (r#"{"q":1,"end":7,"hr":"OK"}"#, "OK"),
        (r#"{"q":-1,"end":7}"#, "as `end`"),
        (r#"{"q":1,"end":7,"out":{"stat":"Suspended"}}"#, "stat"),
        (r#"{"q":1,"enter":1,"job":0,"event":"JobError","receiver":"me"}"#, "command_line"),
        (r#"{"q":1,"leave":1,"hr":"S_OK","threw":true}"#, "exactly one"),
        (r#"{"q":1,"start":-1}"#, "`call`"),
    ];
    for (text, wanted) in cases {
        let error = Line::parse(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let long = format!("{{\"q\":1,\"end\":1,\"x\":\"{}\"}}", "a".repeat(adapter::wire::MAX_LINE));
    assert!(Line::parse(&long).is_err());
}

#[test]
fn a_call_goes_there_and_back() {
    for call in [
        Call::Resume,
        Call::SetNotifyFlags { flags: 5 },
        Call::SetNotifyInterface { receiver: None },
        Call::CreateJob { name: Some("a".into()), kind: 0 },
    ] {
        let planned = PlannedCall::of(Some(3), &call);
        assert_eq!(planned.call().expect("its own arguments"), call);
    }
    let other = PlannedCall { call: "TakeATea".to_owned(), job: None, args: None };
    assert_eq!(other.call().expect("any name is a method").method(), Method::Other);
}
