//! An end that BG_NOTIFY_DISABLE masks is told to nobody, and the job is cancelled.
//!
//! Printed by `bgcheck simulate` (`test simulated_masked_end`), which a test compares with it.

#[test]
fn simulated_masked_end() {
    let program = properties::program::Program::script(
        "bits",
        "",
        4,
        &[
            "client 0 job - {\"method\":\"CreateJob\",\"args\":{\"name\":\"job\",\"kind\":0}}",
            "client 0 job 0 {\"method\":\"AddFile\",\"args\":{\"file\":{\"remote\":\"http://h/f\",\"local\":\"/f\"}}}",
            "client 0 job 0 {\"method\":\"SetNotifyInterface\",\"args\":{\"receiver\":{\"id\":0,\"interfaces\":\"CALLBACK | CALLBACK2\"}}}",
            "client 0 job 0 {\"method\":\"SetNotifyFlags\",\"args\":{\"flags\":5}}",
            "client 0 job 0 {\"method\":\"Resume\"}",
            "turn",
            "transfer 0 file_done",
            "client 0 job 0 {\"method\":\"Cancel\"}",
            "disk 0 good",
        ],
    )
    .unwrap();
    properties::run::assert_sound(&program);
}
