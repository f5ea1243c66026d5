//! R1 (cancelled): Once a Cancel has returned with success, no callback of that job starts.
//!
//! R1-20902fa0: Cancel -> S_OK, then a callback starts. Written by `bgcheck minimize --emit-test`.

#[test]
#[rustfmt::skip]
fn r1_20902fa0_recheck() {
    let race = properties::race::Race::parse([
        "race bits",
        "design recheck",
        "prefix job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
        "prefix job 0 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":8}}",
        "prefix job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
        "branch 1",
        "branch 1 job 0 {\"method\":\"Cancel\"}",
        "branch 2",
        "branch 2 job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
    ])
    .unwrap();
    let case = properties::minimize::Case::Race(properties::minimize::races::Scheduled { race, schedule: vec![4, 4, 1, 0, 0, 0, 1, 2, 1, 0, 1] });
    properties::minimize::assert_fails(&case, "R1-20902fa0");
}
