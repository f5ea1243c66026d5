//! What all tasks of one execution share: where each stands, what time it is, whose turn it is, and what has been recorded.
//!
//! **What it is.** One value behind one lock that is never held across a switch of tasks. All tasks of an execution run on one
//! thread of the system, so the lock is never contended; it is there because the engine's [`Runtime`] is shared.
//!
//! **What it is not.** A scheduler: `ways.rs` lists the ways to go, and which of them is taken is a [`Strategy`]'s choice.
//!
//! **The law it keeps.** Only choices come from outside. The program and the choices determine what happens, in
//! which order, and with which numbers it is recorded.
//!
//! [`Runtime`]: engine::service::Runtime

use std::hash::Hasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use contract::event::{Given, Recorder, Target};
use contract::{Call, CallId, DeliveryId, Event, EventView, FileId, JobId, Method, ReceiverId};
use engine::service::{ErrorObject, File, Inside, Job};
use judge::trace::{ChooseLine, Kind};
use judge::{Ended, Judge, Line};

use super::digest::Past;
use super::happened::Happened;
use super::locks::Locks;
use super::order::{Order, Shared};
use super::program::Wakes;
use super::refined::Refined;
use super::runtime::Tick;
use super::seen::Seen;
use super::strategy::{Digests, Strategy};
pub use super::ways::{Host, is_forced_switch, list_ways};
use super::windows::{Row, Step, Window};

/// The task that prepares the run and then plays the environment.
pub const HOST: usize = 0;

/// See the module's documentation.
pub(super) struct World {
    inner: Mutex<Inner>,
}

/// What the lock protects.
pub(super) struct Inner {
    /// Who may run, and who decides.
    pub(super) mode: Mode,
    /// The task that runs.
    pub(super) current: usize,
    /// By task.
    pub(super) tasks: Vec<Task>,
    /// While it is not 0, the task that runs goes on.
    pub(super) pinned: u32,
    /// The locks of the service.
    pub(super) locks: Locks,
    /// By condition variable: the tasks that wait, the one that has waited longest first.
    pub(super) condvars: Vec<Vec<usize>>,
    /// Which waiter a notification of one wakes.
    pub(super) wakes: Wakes,
    /// Wake-ups without a notification that may still come.
    pub(super) spurious: u32,
    /// Whether the task that runs has just been chosen, and has done nothing since that another could have noticed.
    pub(super) fresh: Fresh,
    /// The simulated clock.
    pub(super) now: Duration,
    /// When the service wants to be woken.
    pub(super) deadline: Deadline,
    /// The service's timer.
    pub(super) tick: Option<Arc<Tick>>,
    /// Whether the host is in there, and so takes part in the race.
    pub(super) ticking: Ticking,
    /// What the environment is to do when it is its turn.
    pub(super) turn: Turn,
    /// The task that the host leads next, and whether the last one could go.
    pub(super) led: Option<usize>,
    pub(super) went: Went,
    /// The choices so far.
    pub(super) choices: Vec<Choice>,
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) decisions: usize,
    pub(super) events: Events,
    pub(super) seq: u64,
    /// The windows that were hit, in their order.
    pub(super) windows: Vec<Window>,
    /// Client's locks that are taken, and tasks that wait for one or for another user's callback.
    pub(super) client_locks: u32,
    pub(super) lock_waiters: Vec<usize>,
    pub(super) options: Vec<usize>,
    /// Calls that have not returned, and callbacks and programs that have not left.
    pub(super) open: u32,
    /// Jobs of which a callback runs.
    pub(super) telling: Vec<JobId>,
    /// Waits at the barrier.
    pub(super) waits: u64,
    /// Those that went on although the delivery they were for had left (L3).
    pub(super) overwaits: u64,
    /// Jobs whose Complete or Cancel is back with a success.
    pub(super) ended: Vec<JobId>,
    /// What was seen first that stands in no event.
    pub(super) seen: Option<Seen>,
    /// Whether the pasts of tasks and the contents of locks are kept, so that a moment has a digest.
    pub(super) digests: Digests,
    /// What has happened since the last moment, while digests are kept.
    pub(super) happened: Vec<Happened>,
    /// The clients, the network and the disk, as far as they are state.
    pub(super) around: Option<Arc<dyn Around>>,
    /// The protocol beside the run, where the race is held to it.
    pub(super) refined: Option<Refined>,
    /// Who met whom.
    pub(super) order: Order,
    /// What the run came to, once it is over.
    pub(super) result: Option<(Ended, Events)>,
}

/// What stands around the service, as state.
pub(super) trait Around: Send + Sync {
    /// Adds it to a digest.
    fn digest(&self, state: &mut dyn Hasher);
}

/// Who decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// The host prepares: no other task runs unless the host waits.
    Preparing,
    /// All tasks but the host run, in turn, until none can.
    Settling,
    /// The strategy decides.
    Racing,
    /// The host leads: the task it names runs up to its next scheduling point, and then the host is back.
    Led,
    /// The run is over: every task runs to its end, in turn.
    Over,
}

/// Whether a task that was led could go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Went {
    Yes,
    No,
}

/// See [`Inner::fresh`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fresh {
    Yes,
    No,
}

/// Whether the host is in the service's timer, and so takes part in the race.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ticking {
    /// It is, and takes part.
    Yes,
    /// It is not.
    No,
}

/// When the timer is to go off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deadline {
    /// Never.
    None,
    /// The service has a new one that has not been read yet.
    Unasked,
    /// Then.
    At(Duration),
}

/// What the environment does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Time passes up to the next deadline.
    Tick,
    /// Nothing: no task can move any more, and no time is waited for.
    Rest,
    /// Nothing: the run takes too long.
    TooLong,
    /// Nothing: how the run goes on is known from another one.
    Known,
}

/// One choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Choice {
    /// How many ways there were.
    pub options: u8,
    /// Which was taken.
    pub taken: u8,
}

/// What is known of a task.
#[derive(Debug, Default)]
pub struct Task {
    /// The role and number it has in traces.
    pub(super) name: Name,
    pub(super) inside: Option<Inside>,
    /// The step of the protocol it stands at.
    pub(super) at: Option<Step>,
    /// Whether it is in a client's callback.
    telling: Telling,
    /// The delivery whose callback that is.
    entered: Option<Entered>,
    /// The calls it makes, the innermost last: a destructor calls out of the call that lets go of its object.
    pub(super) calls: Vec<Made>,
    /// Its wait at the barrier.
    pub(super) wait: Option<Wait>,
    pub(super) done: Done,
    /// Whether another task may still join it.
    pub(super) handle: Handle,
    pub(super) joiners: Vec<usize>,
    /// Whether it looks for work, and holds nothing of what it has read.
    pub(super) idle: Idle,
    /// What it has read, while digests are kept.
    pub(super) past: Past,
}

/// A call that a task makes, and the job it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    method: Method,
    job: Option<JobId>,
    /// The service's name of it, and the one that the rules know it by.
    pub(super) id: CallId,
    pub(super) name: CallId,
    /// What the task had read before.
    pub(super) past: Past,
}

/// A delivery whose callback has entered.
#[derive(Clone, Copy, Debug)]
struct Entered {
    delivery: DeliveryId,
    job: JobId,
    event: Event,
    target: Target,
    file: Option<FileId>,
}

/// Who a task is, as choices name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Name {
    /// The environment, before that the host.
    #[default]
    Host,
    /// A client.
    Branch(u32),
    /// The network, and the users who log off.
    Outside,
    /// A thread of the service.
    Service(Role),
}

/// What a thread of the service is there for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Role {
    Dispatcher,
    Worker,
    Reaper,
}

/// A wait at the barrier: for one delivery, which has entered or is about to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Wait {
    job: JobId,
    /// Callbacks of the job that may still enter before the wait has to be over: the awaited one, where it has not.
    entries: u32,
    /// Whether one more has entered, so that the awaited one has left.
    over: Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Over {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Telling {
    Yes,
    #[default]
    No,
}

/// Whether a task has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Done {
    Yes,
    #[default]
    No,
}

/// Whether a thread of the service looks for work. Those of one role are alike then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Idle {
    Yes,
    #[default]
    No,
}

/// Whether the handle of a task is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Handle {
    Kept,
    #[default]
    Gone,
}

/// What becomes of recorded events.
pub(super) enum Events {
    /// They are judged as they come: for runs in which nothing is expected to be wrong.
    Judged(Box<Judge>),
    /// They are written down.
    Written(Vec<Line>),
    /// Nothing: the run is over.
    Dropped,
}

impl World {
    pub(super) fn new(strategy: Box<dyn Strategy>, events: Events) -> World {
        let digests = strategy.digests();
        World {
            inner: Mutex::new(Inner {
                mode: Mode::Preparing,
                current: HOST,
                tasks: vec![Task::default()],
                pinned: 0,
                locks: Locks::default(),
                condvars: Vec::new(),
                wakes: Wakes::First,
                spurious: 0,
                fresh: Fresh::No,
                now: Duration::ZERO,
                deadline: Deadline::None,
                tick: None,
                ticking: Ticking::No,
                turn: Turn::Rest,
                led: None,
                went: Went::No,
                choices: Vec::with_capacity(64),
                strategy,
                decisions: 0,
                events,
                seq: 0,
                windows: Vec::new(),
                client_locks: 0,
                lock_waiters: Vec::new(),
                options: Vec::with_capacity(16),
                open: 0,
                telling: Vec::new(),
                waits: 0,
                overwaits: 0,
                ended: Vec::new(),
                seen: None,
                digests,
                happened: Vec::new(),
                around: None,
                refined: None,
                order: Order::default(),
                result: None,
            }),
        }
    }

    /// As [`World::inner()`], for another thread of the system, which gives up when it does not get it in time.
    pub(super) fn try_inner(&self, patience: Duration) -> Option<MutexGuard<'_, Inner>> {
        let step = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            match self.inner.try_lock() {
                Ok(inner) => return Some(inner),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if waited < patience => std::thread::sleep(step),
                Err(TryLockError::WouldBlock) => return None,
            }
            waited += step;
        }
    }

    /// Never held across a switch of tasks.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// The client's object whose callback the task that runs has entered was given this.
    pub(super) fn given(
        &self,
        receiver: ReceiverId,
        job: &Job,
        file: Option<&File>,
        error: Option<&ErrorObject>,
    ) {
        let given = Given {
            receiver: Some(receiver),
            job: Some(job.number()),
            file: file.map(File::number),
            error: error.map(|error| error.error().1),
        };
        let entered = self.inner().me().entered;
        if let Some(Entered { delivery, job, event, target, file }) = entered {
            self.record(EventView::Given { delivery, job, event, target, file, given });
        }
    }
}

/// Calls that a task has open at once, one out of another, at most. With more their names are not different any more.
const CALLS_OF_A_TASK: usize = 64;

impl Recorder for World {
    fn record(&self, event: EventView<'_>) {
        let mut inner = self.inner();
        inner.fresh = Fresh::No;
        inner.note(&event);
        inner.seq += 1;
        let seq = inner.seq;
        inner.touches(Shared::Record);
        let event = inner.renamed(event);
        match inner.digests {
            Digests::None => {}
            // The rules receive it from the run that this one repeats.
            Digests::Later => return,
            Digests::Kept => inner.happened.push(Happened::of(&event)),
        }
        match &mut inner.events {
            Events::Judged(judge) => judge.event(seq, &event),
            Events::Written(lines) => lines.push(Line::from_view(seq, &event)),
            Events::Dropped => return,
        }
        if let Some(refined) = &mut inner.refined {
            refined.sees(&event);
        }
    }
}

impl Inner {
    pub(super) fn me(&mut self) -> &mut Task {
        let current = self.current;
        self.task(current)
    }

    pub(super) fn task(&mut self, task: usize) -> &mut Task {
        if self.tasks.len() <= task {
            self.tasks.resize_with(task + 1, Task::default);
        }
        &mut self.tasks[task]
    }

    /// Takes the events out; from here on nothing is recorded.
    pub(super) fn end_events(&mut self) -> Events {
        std::mem::replace(&mut self.events, Events::Dropped)
    }

    /// A line of a race, as a choice with one way to go.
    pub(super) fn write_program(&mut self, line: &str) {
        self.seq += 1;
        if let Events::Written(lines) = &mut self.events {
            let what = Kind::Choose(ChooseLine { site: line.to_owned(), options: 1, taken: 0 });
            lines.push(Line { seq: self.seq, what });
        }
    }

    /// The lines written so far.
    pub(super) fn take_lines(&mut self) -> Vec<Line> {
        match &mut self.events {
            Events::Written(lines) => std::mem::take(lines),
            _ => Vec::new(),
        }
    }

    /// Where each task stands that has not ended, which locks it holds, and what it waits for.
    pub(super) fn threads(&self) -> Vec<String> {
        let all = self.tasks.iter().enumerate().filter(|(_, task)| task.done == Done::No);
        all.map(|(number, task)| self.thread(number, task)).collect()
    }

    fn thread(&self, number: usize, task: &Task) -> String {
        let mut words = format!("thread {number}, {}", task.name);
        if number == self.current {
            words += ", runs";
        }
        if let Some(Made { method, job, .. }) = task.calls.last() {
            words += &format!(", in {method}");
            words += &job.map_or_else(String::new, |job| format!(" of {job}"));
        }
        if let Some(step) = task.step() {
            words += &format!(", at {step}");
        }
        let (holds, wants) = self.locks.of(number);
        if !holds.is_empty() {
            words += &format!(", holds the lock {}", holds.join(" and "));
        }
        if self.condvars.iter().any(|waiters| waiters.contains(&number)) {
            words += ", waits for a notification";
        } else if let Some(wants) = wants {
            words += &format!(", waits for the lock {wants}");
        }
        words
    }

    /// Whether events are written down.
    pub(super) fn writes(&self) -> bool {
        matches!(self.events, Events::Written(_))
    }

    /// The run is over, and what follows has as many decisions as the run had.
    pub(super) fn be_over(&mut self) {
        self.mode = Mode::Over;
        self.decisions = 0;
    }

    /// The number of the last event or choice.
    pub(super) const fn last_seq(&self) -> u64 {
        self.seq
    }

    /// Something was seen that stands in no event.
    pub(super) fn see(&mut self, seen: Seen) {
        self.seen.get_or_insert(seen);
    }

    /// Whether the job has ended, and the call that ended it is back.
    pub(super) fn has_ended(&self, job: JobId) -> bool {
        self.ended.contains(&job)
    }

    /// Whether no call and no callback is open.
    pub(super) fn is_quiet(&self) -> bool {
        self.open == 0
    }

    /// Whether the service keeps the handle of a thread that has ended, and with it the stack.
    pub(super) fn keeps_a_handle(&self) -> bool {
        let is_of_service = |task: &&Task| matches!(task.name, Name::Service(_));
        let mut ended = self.tasks.iter().filter(is_of_service).filter(|task| task.done == Done::Yes);
        ended.any(|task| task.handle == Handle::Kept)
    }

    /// The task that runs takes this lock as soon as it goes on.
    pub(super) fn stands_before(&mut self, lock: usize) {
        self.locks.stands_before(lock, self.current);
    }

    /// The task that runs has got a lock.
    pub(super) fn took_lock(&mut self) {
        self.fresh = Fresh::No;
        self.me().idle = Idle::No;
        let Some(at) = self.me().at.take() else { return };
        if at == Step::Called
            && self.mode == Mode::Racing
            && let Some(method) = self.me().method()
        {
            let current = self.current;
            let row = Row::of(method);
            let others = self.tasks.iter().enumerate().filter(|(task, _)| *task != current);
            let steps = others.filter_map(|(_, task)| task.step());
            self.windows.extend(steps.map(|step| Window { row, step }));
        }
    }

    /// The task that runs begins to wait at the barrier.
    pub(super) fn begins_to_wait(&mut self) {
        self.waits += 1;
        let Some(job) = self.me().calls.last().and_then(|made| made.job) else { return };
        let entries = u32::from(!self.telling.contains(&job));
        self.me().wait = Some(Wait { job, entries, over: Over::No });
    }

    /// The task that runs has looked under the lock, and waits on. That is one look too many when a later callback has entered:
    /// callbacks of a job do not overlap, so the awaited one had left (contract section 4, clause 3).
    pub(super) fn waits_on(&mut self) {
        if let Some(Wait { over: Over::Yes, .. }) = self.me().wait {
            self.overwaits += 1;
            self.me().wait = None;
        }
    }

    fn callback_enters(&mut self, job: JobId) {
        self.telling.push(job);
        for wait in self.tasks.iter_mut().filter_map(|task| task.wait.as_mut()) {
            match wait.entries.checked_sub(1) {
                _ if wait.job != job => {}
                Some(left) => wait.entries = left,
                None => wait.over = Over::Yes,
            }
        }
    }

    /// Where the task that runs stands, as far as it follows from what it records.
    fn note(&mut self, event: &EventView<'_>) {
        match event {
            EventView::Call { .. } | EventView::Enter { .. } => self.open += 1,
            EventView::Return { .. } | EventView::Leave { .. } => self.open = self.open.saturating_sub(1),
            EventView::Begin { .. }
            | EventView::Wait { .. }
            | EventView::Given { .. }
            | EventView::Env { .. }
            | EventView::State { .. } => {}
        }
        match *event {
            EventView::Enter { job, target: Target::Interface(_), .. } => self.callback_enters(job),
            EventView::Leave { job, .. } => self.telling.retain(|telling| *telling != job),
            EventView::Return { job: Some(job), call: Call::Complete | Call::Cancel, hr, .. }
                if hr.succeeded() =>
            {
                self.ended.push(job);
            }
            _ => {}
        }
        let current = self.current;
        let me = self.me();
        match event {
            EventView::Call { id, call, job, .. } => {
                let name = CallId((current * CALLS_OF_A_TASK + me.calls.len()) as u32);
                let past = me.past;
                me.calls.push(Made { method: call.method(), job: *job, id: *id, name, past });
            }
            EventView::Return { .. } => (me.at, me.wait) = (None, None),
            EventView::Enter { delivery, job, event, target, file } => {
                (me.telling, me.at) = (Telling::Yes, None);
                let (delivery, job, event) = (*delivery, *job, *event);
                me.entered = Some(Entered { delivery, job, event, target: *target, file: *file });
            }
            EventView::Leave { .. } => (me.telling, me.entered) = (Telling::No, None),
            EventView::Begin { .. }
            | EventView::Wait { .. }
            | EventView::Given { .. }
            | EventView::Env { .. }
            | EventView::State { .. } => {}
        }
    }
}

impl Task {
    /// The call it makes.
    pub(super) fn method(&self) -> Option<Method> {
        self.calls.last().map(|made| made.method)
    }

    /// The step of the protocol that it stands at.
    pub(super) fn step(&self) -> Option<Step> {
        self.at.or((self.telling == Telling::Yes).then_some(Step::InCallback))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Host => f.write_str("host"),
            Name::Branch(number) => write!(f, "branch {number}"),
            Name::Outside => f.write_str("outside"),
            Name::Service(Role::Dispatcher) => f.write_str("dispatcher"),
            Name::Service(Role::Worker) => f.write_str("worker"),
            Name::Service(Role::Reaper) => f.write_str("reaper"),
        }
    }
}
