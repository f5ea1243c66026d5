//! How long a job may be without progress: from the first transient error in BITS, from the last progress in DO.

use super::*;

/// Fails, and tries again as soon as it may; after that it is transferring.
fn retry(bench: &mut Bench, job: JobId) {
    bench.fail(job, Failure::Transient);
    let at = bench.next().expect("a retry");
    bench.core.handle_timeout(at);
    assert_eq!(bench.state(job), JobState::Queued);
    bench.connect(job);
}

fn patient(bench: &mut Bench, seconds: u32) -> JobId {
    let job = bench.transferring();
    assert_eq!(bench.call(job, Call::SetNoProgressTimeout { seconds }), HResult::S_OK);
    job
}

#[test]
fn bits_counts_from_the_first_transient_error() {
    let mut bench = Bench::bits();
    let job = patient(&mut bench, 1000);
    bench.at(50);
    retry(&mut bench, job);
    assert_eq!(bench.core.now(), secs(650));
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1050)), "of the first error, and before the second retry");
    bench.at(1049);
    assert_eq!(bench.state(job), JobState::TransientError);
    let _earlier = bench.steps();
    bench.at(1050);
    assert_eq!((bench.state(job), bench.steps()), (JobState::Error, vec![EnvStep::NoProgressTimeout]));
    let error = bench.core.error(job).expect("the transient error stays");
    assert_eq!((error.hr, error.file), (HResult::BG_E_HTTP_ERROR_503, Some(FileId(0))));
}

#[test]
fn progress_ends_the_count() {
    let mut bench = Bench::bits();
    let job = patient(&mut bench, 1000);
    retry(&mut bench, job);
    let _reply = bench.report(job, TransferEvent::Bytes(1));
    bench.at(700);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1300)), "the retry");
    bench.at(1300);
    bench.connect(job);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1700)), "of the first error since");
}

#[test]
fn a_resume_ends_the_count_but_from_a_transient_error() {
    let mut bench = Bench::bits();
    let job = patient(&mut bench, 1000);
    retry(&mut bench, job);
    assert_eq!(bench.call(job, Call::Suspend), HResult::S_OK);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    bench.connect(job);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1200)), "the retry comes first again");
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    bench.connect(job);
    bench.at(1100);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1600)), "of the error before the resume");
}

#[test]
fn delivery_optimization_counts_from_the_last_progress_and_has_a_code_of_its_own() {
    let mut bench = Bench::delivery_optimization();
    let job = patient(&mut bench, 100);
    bench.at(20);
    let _reply = bench.report(job, TransferEvent::Bytes(1));
    bench.at(60);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(90)), "the retry");
    bench.at(90);
    bench.connect(job);
    bench.at(95);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(120)), "of the last byte");
    bench.at(120);
    assert_eq!(bench.state(job), JobState::Error);
    assert_eq!(bench.core.error(job).map(|error| error.hr), Some(HResult::DO_E_DOWNLOAD_NO_PROGRESS));
}

#[test]
fn delivery_optimization_counts_from_the_resume_while_there_is_no_progress() {
    let mut bench = Bench::delivery_optimization();
    let job = bench.create_for(USER);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, Call::SetNoProgressTimeout { seconds: 20 }), HResult::S_OK);
    bench.at(1000);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    bench.connect(job);
    bench.at(1005);
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.next(), Some(secs(1020)));
}

#[test]
fn the_default_is_that_of_the_priority() {
    for (priority, seconds) in [(0, 3_600), (2, 86_400)] {
        let mut bench = Bench::delivery_optimization();
        let job = bench.transferring();
        assert_eq!(bench.call(job, Call::SetPriority { priority }), HResult::S_OK);
        let told = bench.get(job, Call::GetNoProgressTimeout);
        assert_eq!(told, Out::Delay(Millis::from_secs(seconds)));
    }
}

#[test]
fn without_patience_a_transient_error_is_an_error_at_once() {
    let mut bench = Bench::bits();
    let job = patient(&mut bench, 0);
    let _earlier = bench.steps();
    bench.fail(job, Failure::Transient);
    assert_eq!(bench.state(job), JobState::Error);
    let hr = HResult::BG_E_HTTP_ERROR_503;
    assert_eq!(bench.steps(), [EnvStep::TransientError { hr }, EnvStep::NoProgressTimeout]);
}
