//! Many threads, one recorder, one order.

use std::sync::Arc;
use std::thread;

use contract::event::Caller;
use contract::*;
use judge::{Ended, Header, Trace, TraceRecorder, Verdict, Verdicts};

const THREADS: u32 = 4;
const CALLS: u32 = 200;

#[test]
fn threads_record_at_once_and_the_trace_fits_together() {
    let recorder = Arc::new(TraceRecorder::new());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            thread::spawn({
                let recorder = Arc::clone(&recorder);
                move || calls_of(thread, &*recorder)
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("recording does not panic");
    }
    let header = Header { ended: Ended::AtRest, ..Header::of(Dialect::Bits.profile()) };
    let trace = recorder.finish(header.clone());
    assert_eq!(recorder.len(), u64::from(2 * THREADS * CALLS));
    assert_eq!(trace.lines.len() as u64, recorder.len());
    assert_eq!(trace.check(), Ok(()));
    assert_eq!(Trace::parse(&trace.print()), Ok(trace.clone()));
    let verdicts = Verdicts::of(&trace);
    let decisions = u64::from(THREADS * CALLS);
    assert_eq!(verdicts.rules[&Rule::R11], Verdict::Held { decisions });
    assert!(recorder.finish(header).lines.is_empty(), "nothing is handed over twice");
}

/// Every thread sets the flags to what the last one may be reading.
fn calls_of(thread: u32, recorder: &dyn Recorder) {
    let caller = Caller { thread: ThreadId(thread), user: UserId(0), inside: None };
    let job = Some(JobId(0));
    for n in 0..CALLS {
        let id = CallId(thread * CALLS + n);
        let call = Call::SetNotifyFlags { flags: 0x40 };
        recorder.record(EventView::Call { id, caller, job, call: &call });
        recorder.record(EventView::Return { id, job, call: &call, hr: HResult::E_NOTIMPL, out: &Out::None });
    }
}
