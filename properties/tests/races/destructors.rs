//! A destructor that calls, out of a call that waits: the wait is that of the outer call (L3). Found by `bgcheck race`, seed 53853.

#[test]
#[rustfmt::skip]
fn a_wait_is_about_the_job_of_its_own_call() {
    let race = properties::race::Race::parse([
        "race bits",
        "object 0 1 times, leaves S_OK",
        "object 0 kept briefly",
        "object 0 drops job 1 {\"method\":\"Resume\"}",
        "prefix job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
        "prefix job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
        "prefix job 0 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":8}}",
        "prefix job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
        "prefix job 0 {\"method\":\"Resume\"}",
        "prefix job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
        "prefix job 1 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
        "prefix job 1 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":8}}",
        "prefix job 1 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":1,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
        "prefix job 1 {\"method\":\"Resume\"}",
        "branch 1",
        "branch 1 job 0 {\"method\":\"SetNotifyCmdLine\",\"args\":{\"program\":null,\"parameters\":null}}",
        "branch 1 job 3 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":0}}",
        "branch 2",
        "branch 2 job 0 {\"method\":\"GetProgress\"}",
        "branch 2 job 1 {\"method\":\"Suspend\"}",
        "branch 2 job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":null}}",
    ]).expect("a race");
    properties::race::assert_sound(&race, &[2, 2, 4, 2, 3, 4, 3, 3, 0, 1, 0, 3, 0, 4, 4, 1, 0, 5, 4, 2, 4, 1, 1, 2, 5, 0, 3, 0, 4, 2, 1, 2, 1, 0, 1, 1, 4, 0, 2, 2, 0, 3, 4, 2, 1, 2, 0, 1, 0, 0, 1, 1, 0, 0, 0, 2, 2, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
