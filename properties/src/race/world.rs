//! What everybody in one execution shares: who stands where, what time it is, whose turn it is, and what has been recorded.
//!
//! **What it is.** One value behind one lock that is never held across a switch of tasks. All tasks of an execution run on one
//! thread of the system, so the lock is never contended; it is there because the engine's [`Runtime`] is shared.
//!
//! **What it is not.** A scheduler: which of several ways to go is a [`Strategy`]'s choice. It only says what the ways are.
//!
//! **The law it keeps.** Only choices come from outside. With the same program and the same choices the same things happen in the
//! same order, and are recorded with the same numbers.
//!
//! [`Runtime`]: engine::service::Runtime

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::event::{Recorder, Target};
use contract::judge::trace::{ChooseLine, Kind};
use contract::judge::{Ended, Judge, Line};
use contract::{EventView, JobId, Method};
use engine::service::Inside;

use super::runtime::Tick;
use super::strategy::{Options, Strategy};
use super::windows::{Row, Step, Window};

/// The task that prepares the run and then plays the environment.
pub(super) const HOST: usize = 0;

/// Scheduling decisions of one run at most; then it is cut. No program of the sizes used here comes near.
const DECISIONS: usize = 20_000;

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
    /// Locks held by the task that runs: while there is one, nobody else does.
    pub(super) held: u32,
    /// Whether the task that runs has just been chosen, and has done nothing since that another could have noticed.
    pub(super) fresh: Fresh,
    /// The simulated clock.
    pub(super) now: Duration,
    /// When the service wants to be woken.
    pub(super) deadline: Deadline,
    /// The service's timer.
    pub(super) tick: Option<Arc<Tick>>,
    /// What the environment is to do when it is its turn.
    pub(super) turn: Turn,
    /// The task that the host leads next, and whether the last one could go.
    pub(super) led: Option<usize>,
    pub(super) went: Went,
    /// The choices so far.
    pub(super) choices: Vec<Choice>,
    pub(super) strategy: Box<dyn Strategy>,
    decisions: usize,
    events: Events,
    seq: u64,
    /// The windows that were hit, in their order.
    pub(super) windows: Vec<Window>,
    /// Client's locks that are taken, and tasks that wait for one or for another user's callback.
    pub(super) client_locks: u32,
    pub(super) lock_waiters: Vec<usize>,
    options: Vec<usize>,
    /// Calls that have not returned, and callbacks and programs that have not left.
    open: u32,
    /// Jobs of which a callback runs.
    telling: Vec<JobId>,
    /// Waits at the barrier.
    pub(super) waits: u64,
    /// Those that went on although the delivery they were for had left (L3).
    pub(super) overwaits: u64,
    /// What the run came to, once it is over.
    pub(super) result: Option<(Ended, Events)>,
}

/// Who decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// The host prepares: nobody else runs unless it waits.
    Preparing,
    /// Everybody but the host runs, in turn, until nobody can.
    Settling,
    /// The strategy decides.
    Racing,
    /// The host leads: the task it names runs up to its next scheduling point, and then the host is back.
    Led,
    /// The run is over: everybody runs to his end, in turn.
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

/// When the timer is to go off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deadline {
    /// Never.
    None,
    /// The service has a new one that has not been asked for yet.
    Unasked,
    /// Then.
    At(Duration),
}

/// What the environment does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Time passes up to the next deadline.
    Tick,
    /// Nothing: nobody moves any more, and no time is waited for.
    Rest,
    /// Nothing: the run takes too long.
    TooLong,
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
pub(super) struct Task {
    /// The role and number it has in traces.
    pub(super) name: Name,
    pub(super) inside: Option<Inside>,
    /// The step of the protocol it stands at.
    pub(super) at: Option<Step>,
    /// Whether it is in a client's callback.
    telling: Telling,
    /// The call it makes.
    pub(super) method: Option<Method>,
    /// The job that call is about.
    job: Option<JobId>,
    /// Its wait at the barrier.
    wait: Option<Wait>,
    pub(super) done: Done,
    pub(super) joiners: Vec<usize>,
}

/// Who a task is, as choices name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Name {
    /// The environment, before that the host.
    #[default]
    Host,
    /// A client.
    Branch(u32),
    /// A thread of the service.
    Service(Role),
}

/// What a thread of the service is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Dispatcher,
    Worker,
    Reaper,
}

/// A wait at the barrier: for one delivery, which has entered or is about to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wait {
    job: JobId,
    /// Callbacks of the job that may still enter before the wait has to be over: the awaited one, where it has not.
    entries: u32,
    /// Whether one more has entered, so that the awaited one has left.
    over: Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Done {
    Yes,
    #[default]
    No,
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
        World {
            inner: Mutex::new(Inner {
                mode: Mode::Preparing,
                current: HOST,
                tasks: vec![Task::default()],
                held: 0,
                fresh: Fresh::No,
                now: Duration::ZERO,
                deadline: Deadline::None,
                tick: None,
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
                result: None,
            }),
        }
    }

    /// Never held across a switch of tasks.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for World {
    fn record(&self, event: EventView<'_>) {
        let mut inner = self.inner();
        inner.fresh = Fresh::No;
        inner.note(&event);
        inner.seq += 1;
        let seq = inner.seq;
        match &mut inner.events {
            Events::Judged(judge) => judge.event(seq, &event),
            Events::Written(lines) => lines.push(Line::from_view(seq, &event)),
            Events::Dropped => {}
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

    /// Whether events are written down.
    pub(super) fn writes(&self) -> bool {
        matches!(self.events, Events::Written(_))
    }

    /// Whether no call and no callback is open.
    pub(super) fn is_quiet(&self) -> bool {
        self.open == 0
    }

    /// The task that runs has got a lock.
    pub(super) fn took_lock(&mut self) {
        self.held += 1;
        self.fresh = Fresh::No;
        let Some(at) = self.me().at.take() else { return };
        if at == Step::Called
            && self.mode == Mode::Racing
            && let Some(method) = self.me().method
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
        let Some(job) = self.me().job else { return };
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

    /// Who runs next, of these, in the order of their numbers. Never nobody.
    pub(super) fn decide(&mut self, runnable: &[usize]) -> usize {
        let next = self.choose(runnable);
        self.current = next;
        next
    }

    fn choose(&mut self, runnable: &[usize]) -> usize {
        let goes_on = runnable.contains(&self.current);
        if goes_on && (self.held > 0 || self.mode == Mode::Preparing) {
            return self.current;
        }
        if self.mode == Mode::Led {
            let led = self.led.take().filter(|task| runnable.contains(task));
            if self.current == HOST {
                self.went = if led.is_some() { Went::Yes } else { Went::No };
            }
            return led.unwrap_or(HOST);
        }
        self.decisions += 1;
        self.list(runnable, goes_on);
        if self.mode == Mode::Racing {
            return self.race();
        }
        self.options.first().copied().unwrap_or(HOST)
    }

    /// The ways to go: on with who runs, then the others in turn from there. The host is none of them while it waits.
    fn list(&mut self, runnable: &[usize], goes_on: bool) {
        let current = self.current;
        let waits = matches!(self.mode, Mode::Racing | Mode::Settling);
        let takes_part = |task: &usize| !(waits && *task == HOST);
        self.options.clear();
        self.options.extend(Some(current).filter(|task| goes_on && takes_part(task)));
        let later = runnable.iter().copied().filter(|task| *task > current);
        let earlier = runnable.iter().copied().filter(|task| *task < current);
        self.options.extend(later.chain(earlier).filter(takes_part));
    }

    fn race(&mut self) -> usize {
        let timed = self.deadline != Deadline::None;
        self.turn = if timed { Turn::Tick } else { Turn::Rest };
        if self.decisions > DECISIONS {
            self.turn = Turn::TooLong;
            return HOST;
        }
        if timed {
            // The environment comes last, so that who always takes the first way lets time pass only when nobody can move.
            self.options.push(HOST);
        }
        match self.options.len() {
            0 => HOST,
            1 => self.options[0],
            _ => self.take(),
        }
    }

    fn take(&mut self) -> usize {
        let ways = self.options.len().min(usize::from(u8::MAX));
        let taken = self.strategy.choose(&Options { tasks: &self.options[..ways] }) % ways;
        self.choices.push(Choice { options: ways as u8, taken: taken as u8 });
        self.seq += 1;
        let next = self.options[taken];
        if matches!(self.events, Events::Written(_)) {
            let site = self.site(next);
            let what = Kind::Choose(ChooseLine { site, options: ways as u32, taken: taken as u32 });
            if let Events::Written(lines) = &mut self.events {
                lines.push(Line { seq: self.seq, what });
            }
        }
        next
    }

    /// A choice in words: who goes on, and from where.
    fn site(&mut self, next: usize) -> String {
        let at = self.task(next).step();
        let name = self.task(next).name;
        match (name, at) {
            (Name::Host, _) => "time passes".to_owned(),
            (name, Some(at)) => format!("{name} at {at}"),
            (name, None) => name.to_string(),
        }
    }

    /// Where the task that runs stands, as far as what it records says so.
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
            _ => {}
        }
        let me = self.me();
        match event {
            EventView::Call { call, job, .. } => (me.method, me.job) = (Some(call.method()), *job),
            EventView::Return { .. } => (me.method, me.at, me.wait) = (None, None, None),
            EventView::Enter { .. } => (me.telling, me.at) = (Telling::Yes, None),
            EventView::Leave { .. } => me.telling = Telling::No,
            EventView::Begin { .. }
            | EventView::Wait { .. }
            | EventView::Given { .. }
            | EventView::Env { .. }
            | EventView::State { .. } => {}
        }
    }
}

impl Task {
    fn step(&self) -> Option<Step> {
        self.at.or((self.telling == Telling::Yes).then_some(Step::InCallback))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Host => f.write_str("host"),
            Name::Branch(number) => write!(f, "branch {number}"),
            Name::Service(Role::Dispatcher) => f.write_str("dispatcher"),
            Name::Service(Role::Worker) => f.write_str("worker"),
            Name::Service(Role::Reaper) => f.write_str("reaper"),
        }
    }
}
