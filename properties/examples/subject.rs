//! Another implementation under test, by its trace: a service with one job that forgets its mask.

use std::sync::Arc;

use contract::event::{Caller, Leave, Target};
use contract::{
    Call, CallId, DeliveryId, Dialect, Event, EventView, HResult, JobId, Out, ReceiverId, Recorder, ThreadId,
    UserId,
};
use judge::{Header, Recorded, Rule, TraceRecorder, Verdicts};

/// Stands for your service; what it does wrong is that SetNotifyFlags has no effect.
struct Forgetful {
    recorder: Arc<TraceRecorder>,
    calls: u32,
}

const JOB: Option<JobId> = Some(JobId(0));

impl Forgetful {
    /// Record `call` before you call in, and `return` when you are back.
    fn call(&mut self, call: &Call) {
        let id = CallId(self.calls);
        self.calls += 1;
        let caller = Caller { thread: ThreadId(0), user: UserId(0), inside: None };
        self.recorder.record(EventView::Call { id, caller, job: JOB, call });
        self.recorder.record(EventView::Return { id, job: JOB, call, hr: HResult::S_OK, out: &Out::None });
    }

    /// Record `enter` first thing in the client's method, and `leave` last.
    fn error_occurs(&self) {
        let (delivery, job, event, file) = (DeliveryId(0), JobId(0), Event::JobError, None);
        let target = Target::Interface(ReceiverId(0));
        self.recorder.record(EventView::Enter { delivery, job, event, target, file });
        let leave = Leave::Returned(HResult::S_OK);
        self.recorder.record(EventView::Leave { delivery, job, event, target, file, leave });
    }
}

pub(crate) fn main() {
    let recorder = Arc::new(TraceRecorder::new());
    let mut subject = Forgetful { recorder: recorder.clone(), calls: 0 };
    subject.call(&Call::SetNotifyFlags { flags: 0 });
    subject.error_occurs();

    let records = vec![Recorded::Call, Recorded::Return, Recorded::Enter, Recorded::Leave];
    let header = Header { subject: "forgetful".to_owned(), records, ..Header::of(Dialect::Bits.profile()) };
    let trace = recorder.finish(header);
    let verdicts = Verdicts::of(&trace);
    assert!(verdicts.violated().contains(Rule::R2), "{verdicts:?}");
    println!("R2 is violated, as it should be. Save the trace and run: bgcheck replay FILE");
}
