//! Notification programs that do as ordered.
//!
//! `start` has neither the job nor the event of a program as a parameter. The service records that a delivery begins on the thread that
//! then starts the program, so a recorder leaves a note on that thread. Nothing else of what is recorded is looked at.

use std::cell::Cell;
use std::io;
use std::sync::{OnceLock, Weak};

use adapter::serve::{Callbacks, Entered, Told};
use adapter::wire::WireReceiver;
use contract::event::{Leave, Recorder, Target};
use contract::{CommandLine, Event, EventView, JobId};
use engine::service::{Process, Programs};

use crate::world::World;

thread_local! {
    static BEGUN: Cell<Option<(JobId, Event)>> = const { Cell::new(None) };
}

/// The recorder of a service. It keeps nothing.
pub(crate) struct Notes;

impl Recorder for Notes {
    fn record(&self, event: EventView<'_>) {
        if let EventView::Begin { job, event, target: Target::CommandLine, .. } = event {
            BEGUN.set(Some((job, event)));
        }
    }
}

/// Starts nothing: a program is its `enter`, its order and its exit code.
pub(crate) struct Scripted {
    pub(crate) callbacks: Callbacks,
    pub(crate) world: OnceLock<Weak<World>>,
}

/// A program that runs.
struct Running(Option<Entered>);

impl Programs for Scripted {
    fn start(&self, _: &CommandLine) -> io::Result<Box<dyn Process>> {
        let world = self.world.get().and_then(Weak::upgrade);
        let begun = BEGUN.take().and_then(|(job, event)| Some((world?.number(job)?, event)));
        let Some((job, event)) = begun else { return Err(io::ErrorKind::NotFound.into()) };
        let receiver = WireReceiver::Program("command_line".to_owned());
        let told = Told { job, event, receiver, file: None, given: None };
        Ok(Box::new(Running(Some(self.callbacks.enter(told)))))
    }
}

impl Process for Running {
    fn wait(&mut self) -> i32 {
        match self.0.take().map(Entered::finish) {
            Some(Leave::Exited(code)) => code,
            // It is waited for once, and a program only exits.
            _ => -1,
        }
    }
}
