//! A decorator that is wrong on purpose: it delivers to clients what the service, rightly, does not.
//!
//! It stands between the service and two of the jobs, calls the client's real object and records that, as the service
//! would. What a client and a trace see is a callback after Cancel has returned (R1), and an event that the mask
//! does not let through (R2). Nothing else about the two is wrong, so a judge that names other rules, or not both, is broken.

use std::sync::atomic::{AtomicU32, Ordering};

use contract::event::{Leave, Recorder, Target};
use contract::{DeliveryId, Event, EventView, NotifyFlags, ReceiverId};
use engine::service::Job;

use super::stage::Stage;

/// The object that the plan registers for the canary's jobs.
const OBJECT: usize = 0;

/// The deliveries of the decorator have numbers that the service does not reach in a run.
static NEXT: AtomicU32 = AtomicU32::new(1_000_000);

/// Cancels the job, and afterwards delivers a modification to its object.
pub(super) fn tell_after_cancel(stage: &Stage, job: &Job) {
    modify_silently(job);
    let _ = job.set_notify_flags(NotifyFlags::DEFAULT | NotifyFlags::JOB_MODIFICATION);
    let _ = job.cancel();
    deliver(stage, job);
}

/// Masks modifications, and delivers one to the job's object.
pub(super) fn tell_masked(stage: &Stage, job: &Job) {
    modify_silently(job);
    deliver(stage, job);
    let _ = job.cancel();
}

/// Modifies the job while its mask hides modifications: the callback has a cause (R8), and the service calls nothing.
fn modify_silently(job: &Job) {
    let _ = job.set_notify_flags(NotifyFlags::DEFAULT);
    let _ = job.set_description("modified");
}

fn deliver(stage: &Stage, job: &Job) {
    let Some(object) = stage.objects.get(OBJECT) else { return };
    let delivery = DeliveryId(NEXT.fetch_add(1, Ordering::Relaxed));
    let (number, event, file) = (job.number(), Event::JobModification, None);
    let target = Target::Interface(ReceiverId(OBJECT as u32));
    stage.recorder.record(EventView::Enter { delivery, job: number, event, target, file });
    let hr = object.job_modification(job);
    let leave = Leave::Returned(hr);
    stage.recorder.record(EventView::Leave { delivery, job: number, event, target, file, leave });
}
