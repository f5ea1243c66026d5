//! The examples at the top of the repository do what their comments promise.

#[path = "../examples/judge_a_trace.rs"]
#[expect(dead_code, reason = "an example has its own entry")]
mod judge_a_trace;
#[path = "../examples/own_model.rs"]
#[expect(dead_code, reason = "an example has its own entry")]
mod own_model;
#[path = "../examples/own_subject.rs"]
#[expect(dead_code, reason = "an example has its own entry")]
mod own_subject;

use std::io::{self, BufRead as _, BufReader};

#[test]
fn the_callback_after_cancel_is_found() -> Result<(), judge::TraceError> {
    let page = judge_a_trace::judged(judge_a_trace::LATE)?;
    assert!(page.contains("R1 cancelled: violated 1 times\n"), "{page}");
    assert!(page.contains("\nR1-"), "{page}");
    Ok(())
}

#[test]
fn the_light_that_does_not_look_is_found() -> Result<(), explorer::Error> {
    let text = own_model::explored()?;
    assert!(text.contains("after the switches [0, 1]"), "{text}");
    Ok(())
}

/// What bgcheck sends when it tries the mask: 0 is no event.
const TALK: &str = r#"{"hello":1,"dialect":"bits","root":"/tmp/x","http":"http://127.0.0.1:1","seed":1}
{"id":1,"thread":0,"job":0,"call":"CreateJob","args":{"name":"job","kind":0}}
{"id":2,"thread":0,"job":0,"call":"SetNotifyInterface","args":{"receiver":{"id":0,"interfaces":"CALLBACK"}}}
{"id":3,"thread":0,"job":0,"call":"SetNotifyFlags","args":{"flags":0}}
{"id":4,"thread":0,"job":0,"call":"Resume"}
"#;

#[test]
fn the_subject_keeps_the_protocol_and_forgets_the_mask() -> io::Result<()> {
    let (answers, output) = io::pipe()?;
    let served = std::thread::spawn(move || own_subject::talk(TALK.as_bytes(), output));
    let mut lines = BufReader::new(answers).lines().map_while(Result::ok);
    let enters = |line: String| line.contains(r#""enter""#) && line.contains("JobTransferred");
    assert!(lines.any(enters), "no callback");
    assert!(matches!(served.join(), Ok(Ok(()))));
    Ok(())
}
