//! GetTimes: creation, the last change, and when the last file was whole.

use contract::Times;

use super::*;

#[test]
fn every_change_is_a_modification() {
    let mut bench = Bench::bits();
    bench.at(1);
    let job = bench.create_for(USER);
    let mut expected = Times { creation: secs(1), modification: secs(1), transfer_completion: None };
    let changes: [fn(&mut Bench, JobId); 6] = [
        |bench, job| assert_eq!(bench.call(job, add_file()), HResult::S_OK),
        |bench, job| bench.listen(job, 0x3),
        |bench, job| assert_eq!(bench.call(job, Call::Resume), HResult::S_OK),
        |bench, job| bench.connect(job),
        |bench, job| assert_eq!(bench.report(job, TransferEvent::Bytes(1)), TransferReply::Continue),
        |bench, job| assert_eq!(bench.report(job, TransferEvent::FileDone), TransferReply::Stop),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let at = 10 * (number as u64 + 1);
        bench.at(at);
        assert_eq!(bench.get(job, Call::GetTimes), Out::Times(expected), "before change {number}");
        change(&mut bench, job);
        expected.modification = secs(at);
        expected.transfer_completion = (number == 5).then_some(secs(at));
        assert_eq!(bench.get(job, Call::GetTimes), Out::Times(expected), "after change {number}");
    }
}
