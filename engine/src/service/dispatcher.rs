//! Deliveries to clients (contract section 4, clauses 1, 2, 4 and 6).
//!
//! A dispatcher takes the lock, lets the core claim and begin a delivery, collects all that entering needs, lets go of the
//! lock, and enters. Nothing stands between the last two.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contract::call::ErrorInfo;
use contract::core::{Core as _, Delivery};
use contract::defect::Design;
use contract::event::{Leave, Target};
use contract::{CommandLine, Event, EventView, FileId, HResult, JobId, ReceiverId, ThreadId, fault};

use super::backends::Process;
use super::callback::Callback;
use super::calls::Engine;
use super::errors::ErrorObject;
use super::objects::{File, Job};
use super::program::NO_EXIT_CODE;
use super::runtime::{Inside, Point, Runtime};
use super::shared::{Shared, State, Wake};
use super::threads::{Grown, Role, Whereabouts};

/// A delivery with everything that entering the client's code needs, so that nothing is looked up after the lock.
struct Begun {
    delivery: Delivery,
    whom: Whom,
}

enum Whom {
    /// Boxed, so that it moves from hand to hand cheaply.
    Object(Box<Told>),
    Program(CommandLine),
    /// The object or the program is not known here, as when a COM client has died.
    None,
}

/// An object is known by its receiver, which is in the delivery.
impl Hash for Begun {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.delivery.hash(state);
        match &self.whom {
            Whom::Object(told) => {
                (1_u8, told.job.number(), told.error.as_ref().map(ErrorObject::error)).hash(state)
            }
            Whom::Program(line) => (2_u8, line).hash(state),
            Whom::None => 3_u8.hash(state),
        }
    }
}

/// Dropped inside the catch around the client's code: its last reference may run the client's destructor.
pub(super) struct Told {
    object: Arc<dyn Callback>,
    job: Job,
    file: Option<File>,
    error: Option<ErrorObject>,
}

impl<R: Runtime> Shared<R> {
    /// The life of a dispatcher.
    pub(super) fn dispatch(self: &Arc<Self>, me: ThreadId) {
        while let Some(begun) = self.begin(me) {
            match begun.whom {
                Whom::Object(told)
                    if fault!(self, ErrorSwallowed) && begun.delivery.event == Event::JobError =>
                {
                    drop(told);
                    self.leave(me, begun.delivery, Leave::Returned(HResult::S_OK));
                }
                Whom::Object(told) if self.design() == Design::Barrier => {
                    if self.tell(me, begun.delivery, told) == Leave::Panicked
                        && fault!(self, PanicKillsDispatcher)
                    {
                        return;
                    }
                }
                Whom::Object(told) => {
                    if let Some(told) = self.pass_gate(me, begun.delivery, told) {
                        let _ = self.tell(me, begun.delivery, told);
                    }
                }
                Whom::Program(line) => self.run_program(me, begun.delivery, &line),
                Whom::None => {
                    // Nothing has entered, so nothing is recorded.
                    let leave = match begun.delivery.target {
                        Target::Interface(_) => Leave::Returned(HResult::CO_E_OBJNOTCONNECTED),
                        Target::CommandLine => Leave::Exited(NO_EXIT_CODE),
                    };
                    self.leave(me, begun.delivery, leave);
                }
            }
        }
    }

    /// Waits for a delivery that is ready, and begins it (clause 2: under the lock, with its slot). None at shutdown.
    fn begin(self: &Arc<Self>, me: ThreadId) -> Option<Begun> {
        self.runtime.looks_for_work();
        let mut state = self.enter();
        loop {
            if self.is_stopping() {
                return None;
            }
            // R9: before this thread gets busy, another one must be there for the other users.
            let (looked_again, grown) = self.grow(state, Role::Dispatcher);
            state = looked_again;
            if grown == Grown::Yes {
                continue;
            }
            if let Some(delivery) = state.core.poll_delivery() {
                let begun = self.collect(&mut state, delivery);
                state.dispatchers.busy += 1;
                self.record_begin(delivery);
                if self.design() != Design::Barrier {
                    state.naive.begun(delivery);
                }
                if matches!(begun.whom, Whom::Object(_)) {
                    self.set_place(&mut state, me, Whereabouts::Foreign(Role::Dispatcher));
                }
                if fault!(self, ReleasedAtBegin) {
                    state.core.handle_delivery_called(begun.delivery.id);
                }
                self.publish(&mut state, None, Wake::All);
                self.runtime.carries(&begun);
                return Some(begun);
            }
            self.publish_time(&mut state, Wake::NotDispatchers);
            self.runtime.looks_for_work();
            state = self.runtime.wait(&self.deliveries, state);
            self.pass_time(&mut state);
        }
    }

    fn collect(self: &Arc<Self>, state: &mut State<R>, delivery: Delivery) -> Begun {
        let whom = match delivery.target {
            Target::CommandLine => {
                state.core.command_line(delivery.job).cloned().map_or(Whom::None, Whom::Program)
            }
            Target::Interface(receiver) => match self.object(receiver) {
                Some(object) => Whom::Object(Box::new(self.arguments(state, delivery, object))),
                None => Whom::None,
            },
        };
        Begun { delivery, whom }
    }

    fn object(&self, receiver: ReceiverId) -> Option<Arc<dyn Callback>> {
        let registry = self.runtime.lock(&self.registry);
        let other = if fault!(self, WrongObjectCalled) { registry.get_other(receiver) } else { None };
        other.or_else(|| registry.get(receiver))
    }

    fn arguments(
        self: &Arc<Self>,
        state: &mut State<R>,
        delivery: Delivery,
        object: Arc<dyn Callback>,
    ) -> Told {
        let job = if fault!(self, WrongJobHanded) { JobId(0) } else { delivery.job };
        state.hold(job);
        let engine: Arc<dyn Engine> = Arc::clone(self) as Arc<dyn Engine>;
        let job = Job::holding(engine, delivery.user, job);
        let file = delivery.file.map(|file| if fault!(self, WrongFileHanded) { FileId(0) } else { file });
        let file = file.map(|file| File::new(job.clone(), file));
        // The error at the begin of the delivery: by the time the client reads it, the job may have moved on.
        let error = (delivery.event == Event::JobError).then(|| state.core.error(delivery.job)).flatten();
        let nameless = fault!(self, WrongErrorHanded);
        let error = error.map(|info| if nameless { ErrorInfo { hr: HResult::E_FAIL, ..info } } else { info });
        let error = error.map(|info| ErrorObject::new(job.clone(), info));
        Told { object, job, file, error }
    }

    /// Enters the client's code. Between the begin, with which the lock was given up, and `enter` there is no lock, no
    /// wait and no I/O (clause 2).
    fn tell(&self, me: ThreadId, delivery: Delivery, told: Box<Told>) -> Leave {
        self.runtime.set_inside(Some(Inside { service: self.identity(), thread: me, delivery: delivery.id }));
        self.point(Point::Begun);
        self.record_enter(delivery);
        let leave = match catch_unwind(AssertUnwindSafe(move || self.call_object(delivery.event, &told))) {
            Ok(hr) => Leave::Returned(hr),
            Err(payload) => {
                // Dropping what a client panicked with is client code, too, and may panic again.
                let _ = catch_unwind(AssertUnwindSafe(move || drop(payload)));
                Leave::Panicked
            }
        };
        self.record_leave(delivery, leave);
        self.runtime.set_inside(None);
        self.runtime.carries(&(delivery, leave));
        self.leave(me, delivery, leave);
        leave
    }

    fn call_object(&self, event: Event, told: &Told) -> HResult {
        if fault!(self, CallbackNotMade) && event == Event::JobModification {
            return HResult::S_OK;
        }
        if fault!(self, CallbackMadeTwice) && event == Event::JobTransferred {
            let _ = told.tell(event);
        }
        told.tell(event)
    }

    /// Starts the program. Its process is what enters (clause 6); the wait for its exit goes to a thread that holds no slot.
    fn run_program(self: &Arc<Self>, me: ThreadId, delivery: Delivery, line: &CommandLine) {
        if fault!(self, ProgramStartedEarly) {
            let mut state = self.enter();
            state.core.handle_program_started(delivery.id);
            self.publish(&mut state, None, Wake::All);
            drop(state);
            self.point(Point::Begun);
        }
        let process = match self.programs.start(line) {
            Ok(process) => process,
            Err(_) if fault!(self, NotStartedAcknowledges) => {
                return self.leave(me, delivery, Leave::Exited(0));
            }
            // No process, no enter.
            Err(_) => return self.leave(me, delivery, Leave::Exited(NO_EXIT_CODE)),
        };
        self.record_enter(delivery);
        let mut state = self.enter();
        state.core.handle_program_started(delivery.id);
        self.publish(&mut state, None, Wake::All);
        drop(state);
        self.forget_begun(delivery.id);
        self.reap(me, delivery, process);
    }

    fn reap(self: &Arc<Self>, me: ThreadId, delivery: Delivery, process: Box<dyn Process>) {
        // Shared between this thread and the reaper, because a thread that cannot be created does not give it back.
        let shared_process = Arc::new(self.runtime.mutex(Some(process)));
        let taken = Arc::clone(&shared_process);
        let spawned = self.spawn(Role::Reaper, move |shared, reaper| {
            let process = shared.runtime.lock(&taken).take();
            shared.set_place(&mut shared.enter(), reaper, Whereabouts::Foreign(Role::Reaper));
            shared.wait_for_exit(delivery, process);
        });
        if spawned.is_err() {
            // Then the dispatcher waits itself; there are more of them.
            self.set_place(&mut self.enter(), me, Whereabouts::Foreign(Role::Reaper));
            let process = self.runtime.lock(&shared_process).take();
            self.wait_for_exit(delivery, process);
        }
        // The process is another thread's now.
        self.runtime.carries(&delivery);
        let mut state = self.enter();
        state.dispatchers.busy -= 1;
        self.set_place(&mut state, me, Whereabouts::Service);
        self.publish(&mut state, None, Wake::All);
    }

    fn wait_for_exit(&self, delivery: Delivery, process: Option<Box<dyn Process>>) {
        let code = process.map_or(NO_EXIT_CODE, |mut process| process.wait());
        let leave = Leave::Exited(if fault!(self, ExitCodeIgnored) { 0 } else { code });
        self.runtime.carries(&(delivery, leave));
        self.record_leave(delivery, leave);
        let mut state = self.enter();
        state.core.handle_delivery_left(delivery.id, leave);
        self.publish(&mut state, None, Wake::All);
    }

    /// Clause 3's waiters are released here: the delivery has left.
    pub(super) fn leave(&self, me: ThreadId, delivery: Delivery, leave: Leave) {
        self.point(Point::Left);
        let mut state = self.enter();
        if leave != Leave::Panicked || !fault!(self, SlotLeakedByPanic) {
            state.core.handle_delivery_left(delivery.id, leave);
        }
        if self.design() != Design::Barrier {
            state.naive.left(delivery.id);
        }
        state.dispatchers.busy -= 1;
        self.set_place(&mut state, me, Whereabouts::Service);
        self.publish(&mut state, None, Wake::All);
    }

    fn record_begin(&self, delivery: Delivery) {
        let Delivery { id, job, event, target, file, .. } = delivery;
        self.recorder.record(EventView::Begin { delivery: id, job, event, target, file });
    }

    fn record_enter(&self, delivery: Delivery) {
        let Delivery { id, job, event, target, file, .. } = delivery;
        self.recorder.record(EventView::Enter { delivery: id, job, event, target, file });
    }

    fn record_leave(&self, delivery: Delivery, leave: Leave) {
        let Delivery { id, job, event, target, file, .. } = delivery;
        self.recorder.record(EventView::Leave { delivery: id, job, event, target, file, leave });
    }
}

impl Told {
    fn tell(&self, event: Event) -> HResult {
        match (event, &self.file, &self.error) {
            (Event::JobTransferred, ..) => self.object.job_transferred(&self.job),
            (Event::JobError, _, Some(error)) => self.object.job_error(&self.job, error),
            (Event::JobModification, ..) => self.object.job_modification(&self.job),
            (Event::FileTransferred, Some(file), _) => self.object.file_transferred(&self.job, file),
            // The core begins no such delivery: an error without its object, ranges.
            _ => HResult::E_UNEXPECTED,
        }
    }
}
