//! R1 (cancelled): Once a Cancel has returned with success, no callback of that job starts.
//!
//! R1-20902fa0: Cancel -> S_OK, then a callback starts. Written by `bgcheck minimize --emit-test`.

#[test]
#[rustfmt::skip]
fn r1_20902fa0_recheck() {
    let race = properties::race::Race::parse([
        "race do",
        "design recheck",
        "spurious 1",
        "fetch 0 silent",
        "prefix job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
        "prefix job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
        "prefix job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
        "prefix job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
        "prefix job 0 {\"method\":\"Resume\"}",
        "settle",
        "branch 1",
        "branch 1 job 3 {\"method\":\"Cancel\"}",
        "branch 2",
        "branch 3",
        "branch 3 job 0 {\"method\":\"Cancel\"}",
    ])
    .unwrap();
    let case = properties::minimize::Case::Race(properties::minimize::races::Scheduled { race, schedule: vec![1, 1, 0, 1, 0, 4, 2, 2, 0, 2, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1] });
    properties::minimize::assert_fails(&case, "R1-20902fa0");
}
