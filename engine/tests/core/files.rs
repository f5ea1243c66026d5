//! Bytes of files: what is known of them, and from where a transfer goes on.

use contract::call::{Completed, Fetched};
use contract::{FileProgress, Progress};

use super::*;

fn two_files(bench: &mut Bench) -> JobId {
    let job = bench.resumed();
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    bench.connect(job);
    job
}

fn progress(bench: &mut Bench, job: JobId) -> Progress {
    let Out::Progress(progress) = bench.get(job, Call::GetProgress) else { panic!("a progress") };
    progress
}

#[test]
fn the_sums_of_a_job_are_those_of_its_files() {
    let mut bench = Bench::bits();
    let job = two_files(&mut bench);
    let none = Progress { bytes_total: None, bytes_transferred: 0, files_total: 2, files_transferred: 0 };
    assert_eq!(progress(&mut bench, job), none);
    let _reply = bench.report(job, TransferEvent::SizeKnown(10));
    assert_eq!(progress(&mut bench, job), none, "the size of one of them is not known");
    let _reply = bench.report(job, TransferEvent::Bytes(10));
    let next = bench.report(job, TransferEvent::FileDone);
    assert_eq!(next, TransferReply::Next { file: FileId(1), from: 0 });
    let _reply = bench.report(job, TransferEvent::SizeKnown(5));
    let _reply = bench.report(job, TransferEvent::Bytes(3));
    let sums =
        Progress { bytes_total: Some(15), bytes_transferred: 13, files_total: 2, files_transferred: 1 };
    assert_eq!(progress(&mut bench, job), sums);
    let second = FileProgress { bytes_total: Some(5), bytes_transferred: 3, completed: Completed::No };
    assert_eq!(bench.get(job, Call::FileGetProgress { file: FileId(1) }), Out::FileProgress(second));
    assert_eq!(bench.get(job, Call::EnumFiles), Out::Files(vec![FileId(0), FileId(1)]));
    let last = Call::EnumFilesNext { skip: 1, celt: 1, fetched: Fetched::Wanted };
    assert_eq!(bench.get(job, last), Out::Files(vec![FileId(1)]));
}

#[test]
fn a_transfer_goes_on_from_the_bytes_that_are_here() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    let _reply = bench.report(job, TransferEvent::Bytes(7));
    assert_eq!(bench.call(job, Call::Suspend), HResult::S_OK);
    assert_eq!(bench.call(job, Call::Resume), HResult::S_OK);
    assert_eq!(bench.core.poll_transfer().map(|start| (start.file, start.from)), Some((FileId(0), 7)));
    assert_eq!(bench.report(job, TransferEvent::Restarted), TransferReply::Continue);
    assert_eq!(progress(&mut bench, job).bytes_transferred, 0);
}

#[test]
fn bytes_beyond_the_size_are_not_counted_and_a_smaller_size_starts_the_file_again() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    let _earlier = bench.steps();
    let _reply = bench.report(job, TransferEvent::SizeKnown(10));
    assert_eq!(bench.steps(), [EnvStep::SizeKnown { total: 10 }]);
    let _reply = bench.report(job, TransferEvent::Bytes(12));
    assert_eq!(progress(&mut bench, job).bytes_transferred, 10);
    let _reply = bench.report(job, TransferEvent::Bytes(4));
    assert_eq!(progress(&mut bench, job).bytes_transferred, 10, "never backwards");
    let _earlier = bench.steps();
    assert_eq!(bench.report(job, TransferEvent::SizeKnown(10)), TransferReply::Continue);
    assert_eq!(bench.steps(), [], "nothing new");
    let _reply = bench.report(job, TransferEvent::SizeKnown(9));
    assert_eq!(bench.steps(), [EnvStep::FileRestarted, EnvStep::SizeKnown { total: 9 }]);
    assert_eq!(progress(&mut bench, job).bytes_transferred, 0);
    assert_eq!(bench.report(job, TransferEvent::FileDone), TransferReply::Continue, "it is not whole");
    assert_eq!(bench.state(job), JobState::Transferring);
}
