//! R1 (cancelled): Once a Cancel has returned with success, no callback of that job starts.
//!
//! R1-20902fa0: Cancel -> S_OK, then a callback starts. Written by `bgcheck minimize --emit-test`.

#[test]
#[rustfmt::skip]
fn r1_20902fa0_canary() {
    let program = properties::program::Program::script(
        "bits",
        "",
        4,
        &[
            "client 0 job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
            "client 0 job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
            "client 0 job 0 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":8}}",
            "client 0 job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
            "begin 0",
            "client 0 job 0 {\"method\":\"Cancel\"}",
            "disk 0 good",
            "enter 0",
        ],
    )
    .unwrap();
    properties::run::assert_sound(&program);
    let case = properties::minimize::Case::Stepped(properties::minimize::CoreName::Canary, program);
    properties::minimize::assert_fails(&case, "R1-20902fa0");
}
