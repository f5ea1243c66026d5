//! The timeline of a golden trace, as a stranger sees it.

use judge::{TimelineOptions, Trace, Verdicts, timeline};

use crate::golden::read;

fn draw(name: &str, width: Option<usize>) -> String {
    let trace = Trace::parse(&read(name)).expect("a golden trace");
    let violation = Verdicts::of(&trace).first();
    timeline(&trace, &TimelineOptions { violation, width, ..TimelineOptions::default() })
}

#[test]
fn a_late_callback_is_shown_with_the_cancel_that_forbade_it() {
    insta::assert_snapshot!(draw("bits-late-callback", None));
}

#[test]
fn a_good_run_reads_from_top_to_bottom() {
    insta::assert_snapshot!(draw("bits-download", None));
}

#[test]
fn overlaps_programs_and_the_end_of_the_service_are_seen() {
    insta::assert_snapshot!(draw("bits-program-and-crash", Some(100)));
}

#[test]
fn one_job_can_be_drawn_alone() {
    let trace = Trace::parse(&read("bits-foreign")).expect("a golden trace");
    let options = TimelineOptions { job: Some(contract::JobId(1)), ..TimelineOptions::default() };
    assert_eq!(timeline(&trace, &options).lines().count(), 1, "only the heading");
}
