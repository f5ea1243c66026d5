//! What happens in a client's method: `enter`, the order, `leave`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use contract::event::Leave as Left;
use contract::{Event, HResult};

use super::output::Output;
use super::race::Moment;
use super::subject::{Answer, Caller, Refusal, Subject};
use crate::wire::{
    Action, Called, End, Enter, Errored, GivenParts, Leave, Order, PlannedCall, Start, WireOut, WireReceiver,
};

/// What an adapter's client objects use. All clones share one state.
#[derive(Clone)]
pub struct Callbacks {
    shared: Arc<Shared>,
}

struct Shared {
    output: Output,
    /// Weak, because the subject holds this. Set once, before the first command.
    subject: OnceLock<Weak<dyn Subject>>,
    orders: Mutex<Orders>,
    released: Condvar,
    next_enter: AtomicU64,
    /// Callbacks that wait for their release now.
    staying: AtomicU64,
    /// The job of the race that goes on, and what waits for its first callback.
    watched: Mutex<Option<(u32, Arc<Moment>)>>,
}

#[derive(Default)]
struct Orders {
    /// By event, each for a job or for any.
    waiting: BTreeMap<String, VecDeque<(Option<u32>, Action)>>,
    /// Callbacks that stay inside.
    held: BTreeSet<u64>,
}

/// A client's method that was called, or a program that was started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The job of the registration.
    pub job: u32,
    /// What is reported.
    pub event: Event,
    /// The object of the registration, or the program.
    pub receiver: WireReceiver,
    /// The file, for FileTransferred.
    pub file: Option<u32>,
    /// What the method was given, where the adapter looks.
    pub given: Option<GivenParts>,
}

/// A callback that has entered. It ends with [`Entered::finish`].
#[must_use]
pub struct Entered {
    callbacks: Callbacks,
    number: u64,
    job: u32,
    receiver: WireReceiver,
    action: Action,
}

impl Callbacks {
    pub(super) fn new(output: Output) -> Callbacks {
        let shared = Shared {
            output,
            subject: OnceLock::new(),
            orders: Mutex::default(),
            released: Condvar::new(),
            next_enter: AtomicU64::new(1),
            staying: AtomicU64::new(0),
            watched: Mutex::default(),
        };
        Callbacks { shared: Arc::new(shared) }
    }

    /// The whole of a client's method: reports it, does what was ordered, and gives back how the method is to end. A method that is to
    /// panic does so with `std::panic::resume_unwind`, which prints nothing.
    #[must_use]
    pub fn deliver(&self, told: Told) -> Left {
        self.enter(told).finish()
    }

    /// The first half of [`Callbacks::deliver`], for programs: they are started on one thread and awaited on another.
    pub fn enter(&self, told: Told) -> Entered {
        let q = self.output().next_q();
        self.note(told.job);
        let number = self.shared.next_enter.fetch_add(1, Ordering::SeqCst);
        let event = told.event.to_string();
        let action = self.take_order(&event, told.job, number, &told.receiver);
        let Told { job, receiver, file, given, .. } = told;
        let enter = Enter { q, enter: number, job, event, receiver: receiver.clone(), file, given };
        self.output().write(&enter);
        Entered { callbacks: self.clone(), number, job, receiver, action }
    }

    /// How many callbacks stay inside now because that was ordered. A caller that waits for rest does not wait for them.
    #[must_use]
    pub fn staying(&self) -> u64 {
        self.shared.staying.load(Ordering::SeqCst)
    }

    pub(super) fn attach(&self, subject: Weak<dyn Subject>) {
        // Set once: this is called once, by `serve`.
        let _ = self.shared.subject.set(subject);
    }

    pub(super) fn output(&self) -> &Output {
        &self.shared.output
    }

    /// Replaces every order. Callbacks that are held stay.
    pub(super) fn order(&self, leaves: Vec<Order>) {
        let mut waiting = BTreeMap::<String, VecDeque<(Option<u32>, Action)>>::new();
        for Order { event, job, action } in leaves {
            waiting.entry(event).or_default().push_back((job, action));
        }
        self.orders().waiting = waiting;
    }

    /// Lets a callback go.
    ///
    /// # Errors
    /// There was never such a callback.
    pub(super) fn release(&self, number: u64) -> Result<(), Refusal> {
        if number >= self.shared.next_enter.load(Ordering::SeqCst) {
            return Err(Refusal::errored(format!("there is no callback {number}")));
        }
        self.orders().held.remove(&number);
        self.shared.released.notify_all();
        Ok(())
    }

    /// Forgets every order, and lets go of what is held.
    pub(super) fn forget(&self) {
        *self.orders() = Orders::default();
        self.shared.released.notify_all();
    }

    pub(super) fn watch(&self, job: u32, moment: &Arc<Moment>) {
        *self.watched() = Some((job, Arc::clone(moment)));
    }

    pub(super) fn watch_no_more(&self) {
        *self.watched() = None;
    }

    /// Makes a call: `start`, the call itself, `end`.
    pub(super) fn make(&self, id: i64, caller: Caller, called: Called, planned: &PlannedCall) {
        let call = match planned.call() {
            Ok(call) => call,
            Err(error) => {
                let message = format!("the arguments of {}: {error}", planned.call);
                return self.errored(id, message);
            }
        };
        let Some(subject) = self.shared.subject.get().and_then(Weak::upgrade) else {
            return self.errored(id, "the implementation is gone".to_owned());
        };
        let output = self.output();
        output.write(&Start { q: output.next_q(), start: id, called });
        let job = planned.job;
        let answered = guarded(|| subject.call(caller, job, &call));
        self.end(id, answered.map(|Answer { hr, out }| End { hr: Some(hr), out, ..End::default() }));
    }

    /// Carries out a command that is no call, and writes its end.
    pub(super) fn carry_out(&self, id: i64, act: impl FnOnce() -> Result<End, Refusal>) {
        self.end(id, guarded(act));
    }

    pub(super) fn poll(&self, id: i64, subject: &dyn Subject, job: u32) {
        self.carry_out(id, || Ok(End { out: subject.poll(job)?.map(WireOut::State), ..End::default() }));
    }

    /// Called directly after the call. The counter has no gaps: what is no event takes no number.
    fn end(&self, id: i64, done: Result<End, Refusal>) {
        let end = match done {
            Ok(end) => end,
            Err(Refusal::Unimplemented { why, issue }) => {
                End { unimplemented: Some(why), issue, ..End::default() }
            }
            Err(Refusal::Errored { message }) => return self.errored(id, message),
        };
        self.output().write(&End { q: self.output().next_q(), end: id, ..end });
    }

    fn errored(&self, id: i64, message: String) {
        self.output().write(&Errored { errored: id, message, traceback: None });
    }

    /// A race may wait for the first callback of its job.
    fn note(&self, job: u32) {
        let watched = self.watched();
        if let Some((_, moment)) = watched.as_ref().filter(|(wanted, _)| *wanted == job) {
            moment.comes(Instant::now());
        }
    }

    /// The oldest order for the event and the job: of a program one with an exit code, of an object one without. A callback that is to stay is held from here
    /// on, so that no `release` comes too early.
    fn take_order(&self, event: &str, job: u32, number: u64, receiver: &WireReceiver) -> Action {
        let mut orders = self.orders();
        let is_program = matches!(receiver, WireReceiver::Program(_));
        let is_for = |(of, action): &(Option<u32>, Action)| {
            of.is_none_or(|of| of == job) && action.exit.is_some() == is_program
        };
        let waiting = orders.waiting.get_mut(event);
        let found = waiting.and_then(|waiting| waiting.remove(waiting.iter().position(is_for)?));
        let action = found.map(|(_, action)| action).unwrap_or_default();
        if action.hold {
            orders.held.insert(number);
        }
        action
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, Option<(u32, Arc<Moment>)>> {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// Makes the ordered calls, waits where that is ordered, reports the leave, and gives back how it ends.
    #[must_use]
    pub fn finish(self) -> Left {
        for call in &self.action.calls {
            self.call(call);
        }
        self.stay();
        let left = self.ending();
        let output = self.callbacks.output();
        let line = Leave { q: output.next_q(), leave: self.number, ..Leave::default() };
        output.write(&match left {
            Left::Returned(hr) => Leave { hr: Some(hr), ..line },
            Left::Panicked => Leave { threw: Some(true), ..line },
            Left::Exited(code) => Leave { exited: Some(code), ..line },
        });
        left
    }

    fn call(&self, planned: &PlannedCall) {
        let planned = PlannedCall { job: planned.job.or(Some(self.job)), ..planned.clone() };
        let called = Called {
            call: Some(planned.call.clone()),
            job: planned.job,
            args: planned.args.clone(),
            inside: Some(self.number),
            ..Called::default()
        };
        let id = self.callbacks.output().next_own();
        self.callbacks.make(id, Caller::Inside(self.number), called, &planned);
    }

    fn stay(&self) {
        let shared = &self.callbacks.shared;
        let held = |orders: &mut Orders| orders.held.contains(&self.number);
        let orders = self.callbacks.orders();
        shared.staying.fetch_add(1, Ordering::SeqCst);
        drop(shared.released.wait_while(orders, held).unwrap_or_else(PoisonError::into_inner));
        shared.staying.fetch_sub(1, Ordering::SeqCst);
    }

    fn ending(&self) -> Left {
        let Action { throw, hr, exit, .. } = &self.action;
        match self.receiver {
            WireReceiver::Program(_) => Left::Exited(exit.unwrap_or(0)),
            WireReceiver::Object(_) if *throw => Left::Panicked,
            WireReceiver::Object(_) => Left::Returned(hr.unwrap_or(HResult::S_OK)),
        }
    }
}

/// A panic of the subject becomes a fault of the adapter.
fn guarded<T>(act: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(Refusal::errored(format!("the adapter panicked: {}", text.unwrap_or("without a text"))))
    })
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Callbacks")
    }
}

impl std::fmt::Debug for Entered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entered")
            .field("number", &self.number)
            .field("job", &self.job)
            .finish_non_exhaustive()
    }
}
