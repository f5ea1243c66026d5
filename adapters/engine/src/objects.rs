//! The clients' objects: each reports what it was given, and ends as ordered.

use std::sync::Weak;

use adapter::serve::{Callbacks, Told};
use adapter::wire::{GivenParts, WireReceiver};
use contract::event::Leave;
use contract::{Event, HResult, Interfaces};
use engine::service::{Callback, ErrorObject, File, Job};

use crate::world::World;

/// The object of one registration.
pub(crate) struct Listener {
    pub(crate) callbacks: Callbacks,
    /// Weak, because the service of the world holds the object.
    pub(crate) world: Weak<World>,
    /// The job of the registration, in bgcheck's number.
    pub(crate) job: u32,
    /// The object, in bgcheck's number.
    pub(crate) receiver: u32,
    pub(crate) interfaces: Interfaces,
}

impl Listener {
    fn told(&self, job: &Job, event: Event, file: Option<u32>, error: Option<HResult>) -> HResult {
        let number = self.world.upgrade().and_then(|world| world.number(job.number()));
        let given = GivenParts { receiver: Some(self.receiver), job: number, file, error };
        let told = Told {
            job: self.job,
            event,
            receiver: WireReceiver::Object(self.receiver),
            file,
            given: Some(given),
        };
        match self.callbacks.deliver(told) {
            Leave::Returned(hr) => hr,
            // Not `panic!`: what is done on purpose prints nothing on the terminal.
            Leave::Panicked => std::panic::resume_unwind(Box::new("on purpose")),
            // An object has no exit code.
            Leave::Exited(_) => HResult::E_UNEXPECTED,
        }
    }
}

impl Callback for Listener {
    fn receives(&self) -> Interfaces {
        self.interfaces
    }

    fn job_transferred(&self, job: &Job) -> HResult {
        self.told(job, Event::JobTransferred, None, None)
    }

    fn job_error(&self, job: &Job, error: &ErrorObject) -> HResult {
        self.told(job, Event::JobError, None, Some(error.error().1))
    }

    fn job_modification(&self, job: &Job) -> HResult {
        self.told(job, Event::JobModification, None, None)
    }

    fn file_transferred(&self, job: &Job, file: &File) -> HResult {
        self.told(job, Event::FileTransferred, Some(file.number().0), None)
    }
}
