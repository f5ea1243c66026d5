//! The engine's [`Runtime`] on shuttle: tasks instead of threads, choices instead of chance.
//!
//! A scheduling point stands before every lock that is taken while none is held, and at every [`Point`]. Nobody else runs while a
//! task holds a lock of the service, so nothing is lost: what happens in between is seen by nobody. Notifying is
//! no scheduling point either, for the same reason: the service notifies with the lock held.
//!
//! `notify_one` wakes who has waited longest. Waiters of one condition variable are of one kind, so which of them it is does not
//! matter. There are no wake-ups without a notification.

use std::collections::VecDeque;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use contract::ThreadId;
use engine::service::{Inside, Point, Runtime, Timer, Waiting};

use super::execution::{self, STACK_BYTES};
use super::windows::Step;
use super::world::{Deadline, Done, Fresh, HOST, Mode, Name, Role, World};

/// The runtime. Clones are of the same world.
#[derive(Clone)]
pub(super) struct Shuttle {
    pub(super) world: Arc<World>,
}

/// A mutex of the standard library, taken at scheduling points only.
pub(super) struct Lock<T> {
    world: Arc<World>,
    inner: Mutex<T>,
}

/// What holding it gives.
pub(super) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Always there until it is dropped.
    inner: Option<MutexGuard<'a, T>>,
}

/// Tasks that wait, longest first.
#[derive(Default)]
pub(super) struct Condvar {
    waiters: Mutex<VecDeque<usize>>,
}

/// A task.
pub(super) struct Thread {
    task: usize,
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

    /// A scheduling point, unless a lock is held or a panic is on its way: then nobody else may run.
    pub(super) fn yield_now(&self) {
        let inner = self.world.inner();
        // Outside of the race whoever runs goes on, so nobody need be asked; who is led gives way to the host.
        let gives_way = inner.mode == Mode::Racing || inner.mode == Mode::Led && inner.current != HOST;
        let goes_on = inner.held > 0 || !gives_way;
        drop(inner);
        if goes_on || std::thread::panicking() {
            return;
        }
        execution::switch();
        self.world.inner().fresh = Fresh::Yes;
    }

    /// Starts a task. It does not run before the next scheduling point.
    pub(super) fn start(&self, name: Name, body: impl FnOnce() + Send + 'static) -> Thread {
        let world = Arc::clone(&self.world);
        let whole = move || {
            body();
            finish(&world);
        };
        // shuttle switches before it creates a task; with a lock held nobody else is chosen.
        self.world.inner().held += 1;
        let task = execution::spawn(Box::new(whole), STACK_BYTES);
        let mut inner = self.world.inner();
        inner.held -= 1;
        inner.task(task).name = name;
        Thread { task }
    }

    /// Blocks the task that runs until somebody unblocks it.
    pub(super) fn block(&self) {
        execution::block();
        execution::switch();
    }
}

/// The task that runs has ended.
fn finish(world: &World) {
    let joiners = {
        let mut inner = world.inner();
        let me = inner.me();
        me.done = Done::Yes;
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

    fn mutex<T: Send + 'static>(&self, value: T) -> Lock<T> {
        Lock { world: Arc::clone(&self.world), inner: Mutex::new(value) }
    }

    fn lock<'a, T: Send + 'static>(&self, mutex: &'a Lock<T>) -> Guard<'a, T> {
        if self.world.inner().fresh == Fresh::No {
            self.yield_now();
        }
        mutex.take()
    }

    fn condvar(&self) -> Condvar {
        Condvar::default()
    }

    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        let lock = guard.lock;
        let mut inner = self.world.inner();
        inner.waits_on();
        waiters(condvar).push_back(inner.current);
        drop(inner);
        drop(guard);
        self.block();
        lock.take()
    }

    fn notify_one(&self, condvar: &Condvar) {
        let first = waiters(condvar).pop_front();
        first.into_iter().for_each(execution::unblock);
    }

    fn notify_all(&self, condvar: &Condvar) {
        waiters(condvar).drain(..).for_each(execution::unblock);
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
        self.world.inner().now
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
        self.world.inner().me().at = Some(step);
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
    /// Nobody holds it: nobody else runs while a task holds a lock.
    fn take(&self) -> Guard<'_, T> {
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            // A panic leaves what it protects as good as it was: the service catches those of clients outside.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("a task switched while it held a lock of the service"),
        };
        self.world.inner().took_lock();
        Guard { lock: self, inner: Some(inner) }
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
        self.inner = None;
        self.lock.world.inner().held -= 1;
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
    /// Calls the service, which says when it wants to be called next.
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

/// Lets the service do what is due now. Nobody else runs meanwhile, as if a lock were held all the time.
fn ask(world: &World) {
    let mut inner = world.inner();
    inner.deadline = Deadline::None;
    let Some(tick) = inner.tick.clone() else { return };
    inner.held += 1;
    drop(inner);
    let delay = tick.call();
    let mut inner = world.inner();
    inner.held -= 1;
    let now = inner.now;
    // What was set meanwhile is in the answer.
    inner.deadline = delay.map_or(Deadline::None, |delay| Deadline::At(now + delay));
}

fn waiters(condvar: &Condvar) -> MutexGuard<'_, VecDeque<usize>> {
    condvar.waiters.lock().unwrap_or_else(PoisonError::into_inner)
}
