//! The engine's [`Runtime`] on shuttle: tasks instead of threads, choices instead of chance.
//!
//! A scheduling point stands before every lock, also before one that is taken while another is held, and at every [`Point`]. A lock that
//! is given back wakes all who wait for it, and the first that is scheduled has it. Notifying is no scheduling point: the service
//! notifies with the lock held.
//!
//! `notify_one` wakes whichever waiter the race wants, see [`Wakes`]; and a race may have wake-ups without a notification.
//!
//! A task that can never have a lock is unwound, and gives back the locks it holds: the run is judged, and the others come to an end.

use std::hash::Hash;
use std::io;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use contract::ThreadId;
use engine::core::Core;
use engine::service::{Inside, Point, Protected, Runtime, Timer, Waiting};

use super::digest::{Digest, Past};
use super::execution::{self, STACK_BYTES};
use super::locks::Taken;
use super::order::Shared;
use super::program::Wakes;
use super::strategy::Digests;
use super::windows::Step;
use super::world::{Deadline, Done, Fresh, HOST, Handle, Idle, Mode, Name, Role, Ticking, World};

/// The runtime. Clones are of one world.
#[derive(Clone)]
pub(super) struct Shuttle {
    pub(super) world: Arc<World>,
}

/// A mutex of the standard library, which is free whenever the world grants the lock.
pub(super) struct Lock<T> {
    world: Arc<World>,
    number: usize,
    /// The digest of what it protects.
    digest: fn(&T) -> Digest,
    /// The core, where it protects that.
    core: fn(&T) -> Option<&Core>,
    inner: Mutex<T>,
}

/// What holding it gives.
pub(super) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Always there until it is dropped.
    inner: Option<MutexGuard<'a, T>>,
}

/// The number of a condition variable. Who waits is known to the world, which may wake a task without a notification.
pub(super) struct Condvar {
    number: usize,
}

/// Where a task has come past, as a part of its past.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Passed {
    /// It gave way, and may go on at any time.
    ASchedulingPoint,
    /// It waited for a notification of this condition variable.
    AWait(usize),
    /// It waited for another client.
    AnotherClient,
    /// It started a task.
    AStart,
    /// It called the service's timer.
    ATick,
}

/// Where a thread of the service holds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct LooksForWork(Name);

/// What a task is unwound with that can never have a lock.
struct Deadlocked;

/// The handle of a task.
pub(super) struct Thread {
    world: Arc<World>,
    task: usize,
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.world.inner().task(self.task).handle = Handle::Gone;
    }
}

/// The timer: the environment calls it when it lets time pass.
pub(super) struct Ticker {
    world: Arc<World>,
    tick: Arc<Tick>,
}

type TickFn = Box<dyn FnMut() -> Option<Duration> + Send>;

/// What the environment holds of it.
pub(super) struct Tick {
    function: Mutex<Option<TickFn>>,
}

impl Shuttle {
    pub(super) fn new(world: Arc<World>) -> Shuttle {
        Shuttle { world }
    }

    /// A scheduling point, unless the task is to go on or a panic is on its way: then no other task may run.
    pub(super) fn yield_now(&self) {
        let mut inner = self.world.inner();
        let gives_way = match inner.mode {
            Mode::Racing => true,
            // Who is led gives way to the host, but never with a lock, which the host may want.
            Mode::Led => inner.current != HOST && !inner.locks.holds_any(inner.current),
            // Outside of the race the task that runs goes on, so there is nothing to decide.
            Mode::Preparing | Mode::Settling | Mode::Over => false,
        };
        if inner.pinned > 0 || !gives_way || std::thread::panicking() {
            return;
        }
        inner.reads(Passed::ASchedulingPoint);
        drop(inner);
        execution::switch();
        self.world.inner().fresh = Fresh::Yes;
    }

    /// Starts a task. It does not run before the next scheduling point.
    pub(super) fn start(&self, name: Name, body: impl FnOnce() + Send + 'static) -> Thread {
        let world = Arc::clone(&self.world);
        let whole = move || {
            // What the task before it has done since it was chosen is none of this one's.
            world.inner().fresh = Fresh::No;
            let ended = catch_unwind(AssertUnwindSafe(body));
            finish(&world);
            if let Err(payload) = ended
                && !payload.is::<Deadlocked>()
            {
                resume_unwind(payload);
            }
        };
        // shuttle switches before it creates a task; the task that starts it goes on.
        self.world.inner().pinned += 1;
        let task = execution::spawn(Box::new(whole), STACK_BYTES);
        let mut inner = self.world.inner();
        inner.pinned -= 1;
        inner.reads(Passed::AStart);
        // The new task begins with what it was given, which is what the one that starts it has read.
        let past = inner.me().past;
        let started = inner.task(task);
        (started.name, started.past, started.handle) = (name, past, Handle::Kept);
        drop(inner);
        Thread { world: Arc::clone(&self.world), task }
    }

    /// Blocks the task that runs until another unblocks it.
    pub(super) fn block(&self) {
        block();
    }

    /// One of the tasks that wait for a notification may wake without one.
    fn wake_without_cause(&self) {
        let woken = self.world.inner().wakes_without_cause();
        woken.into_iter().for_each(execution::unblock);
    }
}

fn block() {
    execution::block();
    execution::switch();
}

/// The task that runs has ended.
fn finish(world: &World) {
    let joiners = {
        let mut inner = world.inner();
        let me = inner.me();
        me.done = Done::Yes;
        // Nothing depends any more on what it has read.
        me.past = Past::default();
        std::mem::take(&mut me.joiners)
    };
    joiners.into_iter().for_each(execution::unblock);
}

impl Runtime for Shuttle {
    type Mutex<T: Send + 'static> = Lock<T>;
    type Guard<'a, T: Send + 'static> = Guard<'a, T>;
    type Condvar = Condvar;
    type Thread = Thread;
    type Timer = Ticker;

    fn mutex<T: Protected>(&self, value: T) -> Lock<T> {
        let number = self.world.inner().locks.create::<T>();
        let digest = |value: &T| Digest::of(|hasher| value.digest(hasher));
        Lock { world: Arc::clone(&self.world), number, digest, core: T::core, inner: Mutex::new(value) }
    }

    fn lock<'a, T: Send + 'static>(&self, mutex: &'a Lock<T>) -> Guard<'a, T> {
        if self.world.inner().fresh == Fresh::No {
            self.world.inner().stands_before(mutex.number);
            self.yield_now();
        }
        mutex.take()
    }

    fn condvar(&self) -> Condvar {
        Condvar { number: self.world.inner().new_condvar() }
    }

    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        let lock = guard.lock;
        let mut inner = self.world.inner();
        inner.waits_on();
        inner.touches(Shared::Condvar(condvar.number));
        inner.waits_for_notification(condvar.number);
        inner.stands_before(lock.number);
        inner.reads(Passed::AWait(condvar.number));
        drop(inner);
        drop(guard);
        self.block();
        lock.take()
    }

    fn notify_one(&self, condvar: &Condvar) {
        let mut inner = self.world.inner();
        inner.touches(Shared::Condvar(condvar.number));
        let waiting = inner.waiters(condvar.number).len();
        let which = match inner.wakes {
            _ if waiting < 2 => 0,
            Wakes::First => 0,
            Wakes::Last => waiting - 1,
            Wakes::Any => inner.which_wakes(condvar.number),
        };
        let woken = (waiting > 0).then(|| inner.waiters(condvar.number).remove(which));
        drop(inner);
        woken.into_iter().for_each(execution::unblock);
    }

    fn notify_all(&self, condvar: &Condvar) {
        let mut inner = self.world.inner();
        inner.touches(Shared::Condvar(condvar.number));
        let woken = std::mem::take(inner.waiters(condvar.number));
        drop(inner);
        woken.into_iter().for_each(execution::unblock);
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
        let role = match name.as_bytes().first() {
            Some(b'D') => Role::Dispatcher,
            Some(b'W') => Role::Worker,
            _ => Role::Reaper,
        };
        Ok(self.start(Name::Service(role), body))
    }

    fn join(&self, thread: Thread) {
        loop {
            let mut inner = self.world.inner();
            if inner.task(thread.task).done == Done::Yes {
                return;
            }
            let me = inner.current;
            inner.task(thread.task).joiners.push(me);
            drop(inner);
            self.block();
        }
    }

    fn now(&self) -> Duration {
        let mut inner = self.world.inner();
        let now = inner.now;
        inner.touches(Shared::Clock);
        inner.reads(now);
        now
    }

    fn timer(&self, tick: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<Ticker> {
        let tick = Arc::new(Tick { function: Mutex::new(Some(Box::new(tick))) });
        let mut inner = self.world.inner();
        inner.deadline = Deadline::Unasked;
        inner.tick = Some(Arc::clone(&tick));
        drop(inner);
        Ok(Ticker { world: Arc::clone(&self.world), tick })
    }

    fn thread(&self) -> ThreadId {
        ThreadId(self.world.inner().current as u32)
    }

    fn inside(&self) -> Option<Inside> {
        self.world.inner().me().inside
    }

    fn set_inside(&self, inside: Option<Inside>) {
        self.world.inner().me().inside = inside;
    }

    fn looks_for_work(&self) {
        let mut inner = self.world.inner();
        let name = inner.me().name;
        inner.me().idle = Idle::Yes;
        inner.holds_nothing(LooksForWork(name));
    }

    fn carries<T: Hash + ?Sized>(&self, what: &T) {
        self.world.inner().carries(what);
    }

    fn point(&self, point: Point) {
        let step = match point {
            Point::Called => Step::Called,
            Point::DiskBegun | Point::DiskDone => Step::Disk,
            Point::Returning => Step::Returning,
            Point::Begun => Step::Begun,
            Point::Left => Step::Left,
            Point::Fetching => Step::Fetching,
            Point::Reporting => Step::Reporting,
        };
        let mut inner = self.world.inner();
        inner.me().at = Some(step);
        let wakes = inner.spurious > 0;
        drop(inner);
        if wakes {
            self.wake_without_cause();
        }
        self.yield_now();
    }

    fn waiting(&self, waiting: Waiting) {
        let mut inner = self.world.inner();
        inner.me().at = Some(match waiting {
            Waiting::Barrier => Step::Barrier,
            Waiting::Disk => Step::Finalising,
        });
        if waiting == Waiting::Barrier {
            inner.begins_to_wait();
        }
    }
}

impl<T> Lock<T> {
    fn take(&self) -> Guard<'_, T> {
        while self.try_take() == Taken::Later {
            block();
        }
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            // A panic leaves what it protects as good as it was: the service catches those of clients outside.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("a lock was granted that another task holds"),
        };
        Guard { lock: self, inner: Some(inner) }
    }

    /// Does not come back when the task can never have it.
    fn try_take(&self) -> Taken {
        let mut inner = self.world.inner();
        let me = inner.current;
        let taken = inner.locks.take(self.number, me);
        match taken {
            Taken::Yes => {
                inner.took_lock();
                inner.touches(Shared::Lock(self.number));
                let contents = inner.locks.contents(self.number);
                inner.reads((self.number, contents));
            }
            Taken::Later => {}
            Taken::Never => {
                drop(inner);
                give_up();
            }
        }
        taken
    }
}

/// Ends the task that runs, which can never have a lock.
fn give_up() -> ! {
    if !std::thread::panicking() {
        resume_unwind(Box::new(Deadlocked));
    }
    // It is being unwound already, and its destructors want a lock: it stays where it is.
    loop {
        block();
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner.as_ref().expect("the guard is not dropped")
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("the guard is not dropped")
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        let mut world = self.lock.world.inner();
        if world.digests == Digests::Kept
            && world.mode != Mode::Over
            && let Some(value) = self.inner.as_deref()
        {
            world.locks.protects(self.lock.number, (self.lock.digest)(value));
            if let Some(core) = (self.lock.core)(value) {
                world.shows(core);
            }
        }
        self.inner = None;
        let waiting = world.locks.release(self.lock.number);
        drop(world);
        waiting.into_iter().for_each(execution::unblock);
    }
}

impl Timer for Ticker {
    fn rearm(&self) {
        self.world.inner().deadline = Deadline::Unasked;
    }

    fn stop(&self) {
        let dropped = self.tick.function.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.world.inner().tick = None;
        drop(dropped);
    }
}

impl Tick {
    /// Calls the service, which returns after how long it wants to be called next.
    fn call(&self) -> Option<Duration> {
        let mut function = self.function.lock().unwrap_or_else(PoisonError::into_inner);
        function.as_mut().and_then(|tick| tick())
    }
}

/// Time passes up to the next deadline, if there is one.
pub(super) fn pass_time(world: &World) {
    if world.inner().deadline == Deadline::Unasked {
        ask(world);
    }
    let mut inner = world.inner();
    if let Deadline::At(then) = inner.deadline {
        inner.now = inner.now.max(then);
        drop(inner);
        ask(world);
    }
}

/// Lets the service do what is due now. In a race this is a thread like any other, as the timer of a real runtime is.
fn ask(world: &World) {
    let mut inner = world.inner();
    inner.deadline = Deadline::None;
    let Some(tick) = inner.tick.clone() else { return };
    inner.ticking = Ticking::Yes;
    inner.fresh = Fresh::No;
    inner.touches(Shared::Clock);
    inner.reads(Passed::ATick);
    drop(inner);
    let delay = tick.call();
    let mut inner = world.inner();
    inner.ticking = Ticking::No;
    let now = inner.now;
    // What was set meanwhile is in the answer, unless the timer was armed again since: then the service is called again.
    let unasked = inner.deadline == Deadline::Unasked;
    inner.deadline = match delay {
        _ if unasked => Deadline::Unasked,
        None => Deadline::None,
        Some(delay) => Deadline::At(now + delay),
    };
}
