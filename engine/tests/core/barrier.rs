//! A call that forbids a delivery that has begun waits for it, even when an earlier call has forbidden it already.

use super::*;

#[test]
fn a_mask_that_masks_nothing_new_waits_all_the_same() {
    let mut bench = Bench::bits();
    let job = bench.transferred();
    let delivery = bench.begin(job);
    for _client in 0..2 {
        let answer = bench.core.call(USER, Some(job), &Call::SetNotifyFlags { flags: 0 });
        assert_eq!((answer.hr, answer.then), (HResult::S_OK, Then::Wait(delivery.id)));
    }
}
