//! The time slice of BITS: a background job that transfers gives way after 300 s to one that waits and is as urgent.

use super::*;

fn priority(bench: &mut Bench, job: JobId, priority: u32) {
    assert_eq!(bench.call(job, Call::SetPriority { priority }), HResult::S_OK);
}

#[test]
fn it_is_over_300_seconds_after_the_connection_when_another_waits() {
    let mut bench = Bench::bits();
    let runs = bench.resumed();
    let _start = bench.core.poll_transfer();
    bench.at(40);
    let _reply = bench.report(runs, TransferEvent::Connected);
    let waits = bench.resumed();
    assert_eq!(bench.next(), Some(secs(340)));
    let _earlier = bench.steps();
    bench.at(340);
    assert_eq!((bench.state(runs), bench.steps()), (JobState::Queued, vec![EnvStep::Preempt]));
    // The one that has waited comes first, and then the other has its time.
    bench.connect(waits);
    assert_eq!(bench.next(), Some(secs(640)));
    bench.at(640);
    bench.connect(runs);
    assert_eq!(bench.next(), Some(secs(940)));
}

#[test]
fn it_ends_nothing_while_nobody_waits_who_is_as_urgent() {
    let mut bench = Bench::bits();
    let runs = bench.transferring();
    let waits = bench.resumed();
    assert_eq!(bench.next(), Some(secs(300)));
    priority(&mut bench, waits, 3);
    assert_eq!(bench.next(), Some(days(90)), "less urgent");
    priority(&mut bench, waits, 0);
    assert_eq!(bench.next(), Some(days(90)), "has a slot of its own");
    priority(&mut bench, waits, 2);
    assert_eq!(bench.call(waits, Call::Suspend), HResult::S_OK);
    bench.at(400);
    assert_eq!((bench.next(), bench.state(runs)), (Some(days(90)), JobState::Transferring));
    assert_eq!(bench.call(waits, Call::Resume), HResult::S_OK);
    assert_eq!(bench.next(), Some(secs(300)), "it is long over");
    assert_eq!(bench.core.call(USER, Some(waits), &Call::Cancel).then, Then::Disk);
    assert_eq!(bench.next(), Some(days(90)), "who is being ended does not wait");
}

#[test]
fn a_foreground_job_has_none_and_a_new_background_job_a_whole_one() {
    let mut bench = Bench::bits();
    let runs = bench.transferring();
    priority(&mut bench, runs, 0);
    let _waits = bench.resumed();
    assert_eq!(bench.next(), Some(days(90)));
    bench.at(100);
    priority(&mut bench, runs, 2);
    assert_eq!(bench.next(), Some(secs(400)));
    bench.at(110);
    priority(&mut bench, runs, 2);
    assert_eq!(bench.next(), Some(secs(400)), "its earlier priority again");
}

#[test]
fn delivery_optimization_has_none() {
    let mut bench = Bench::delivery_optimization();
    let runs = bench.transferring();
    for _ in 0..4 {
        let _other = bench.resumed();
    }
    bench.at(400);
    assert_eq!(bench.state(runs), JobState::Transferring);
}
