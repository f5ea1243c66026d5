//! Found by the live run: a transfer creates its temporary file while Cancel, which has just removed it, still works on the disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use contract::core::{Config, TransferEvent, TransferReply};
use contract::{Dialect, HResult, UserId};
use engine::service::{Disk, Fetch, Order, Place, Service};
use engine::transfer::Progress;

/// The disk and the network in one, meeting each other where it matters.
#[derive(Default)]
struct Meeting {
    step: Mutex<Step>,
    moved: Condvar,
    temporary_is_there: AtomicBool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Step {
    #[default]
    Start,
    Fetching,
    Removed,
    Created,
}

impl Meeting {
    fn go(&self, step: Step) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
        self.moved.notify_all();
    }

    /// Waits for a step of the other one; not for ever, so that a wrong engine fails the test and does not hang it.
    fn wait_for(&self, step: Step) -> Step {
        let now = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = Duration::from_secs(5);
        let woken = self.moved.wait_timeout_while(now, soon, |now| *now < step);
        *woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Network(Arc<Meeting>);

impl Fetch for Network {
    fn fetch(&self, _: &Order, progress: &mut dyn Progress) {
        assert_eq!(progress.report(TransferEvent::Connected), TransferReply::Continue);
        self.0.go(Step::Fetching);
        self.0.wait_for(Step::Removed);
        self.0.temporary_is_there.store(true, Ordering::SeqCst);
        // From here on the reply is Stop: the file is not wanted any more, and the worker cleans up.
        assert_eq!(progress.report(TransferEvent::SizeKnown(1)), TransferReply::Stop);
        self.0.go(Step::Created);
    }
}

struct Files(Arc<Meeting>);

impl Disk for Files {
    fn rename(&self, _: &Place) -> Result<(), HResult> {
        Ok(())
    }

    fn remove(&self, _: &Place) -> Result<(), HResult> {
        self.0.temporary_is_there.store(false, Ordering::SeqCst);
        if self.0.wait_for(Step::Fetching) == Step::Fetching {
            self.0.go(Step::Removed);
            self.0.wait_for(Step::Created);
            // A worker that does not wait for the end of Cancel has looked at the job by now.
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }
}

#[test]
fn a_transfer_that_cancel_overtakes_leaves_no_temporary_file() {
    let meeting = Arc::new(Meeting::default());
    let service = Service::builder(Config::of(Dialect::Bits.profile()))
        .fetch(Arc::new(Network(Arc::clone(&meeting))))
        .disk(Arc::new(Files(Arc::clone(&meeting))))
        .start()
        .expect("the machine has threads");
    let job = service.manager(UserId(0)).create_job("overtaken").expect("there is room for a job");
    let local = if cfg!(windows) { "C:\\file" } else { "/file" };
    job.add_file("http://example.com/file", local).expect("the names are good");
    job.resume().expect("there is work");
    assert!(meeting.wait_for(Step::Fetching) == Step::Fetching, "the transfer runs");
    assert_eq!(job.cancel().map(|returned| returned.hr), Ok(HResult::S_OK));
    assert!(service.shutdown_within(Duration::from_secs(5)).is_none());
    assert!(!meeting.temporary_is_there.load(Ordering::SeqCst), "R15: Cancel removes the temporary files");
}
