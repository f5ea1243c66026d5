//! The threads of the standard library, with a clock that is real or stands still, and a count of who waits.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::ThreadId;
use engine::service::{Inside, Protected, Runtime, Std, StdTimer, Timer};

/// How time passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// By itself.
    Real,
    /// When it is moved.
    Held,
}

/// A runtime whose clock can be held. Clones have one clock.
#[derive(Clone, Debug)]
pub(crate) struct Paced {
    std: Arc<Std>,
    /// In milliseconds; none where time is real.
    held: Option<Arc<AtomicU64>>,
    threads: Arc<Threads>,
}

/// The service's threads: how many there are, and how many wait.
#[derive(Debug, Default)]
struct Threads {
    alive: AtomicU64,
    waiting: AtomicU64,
}

thread_local! {
    /// Whether the thread is the service's. Clients wait, too, and are not counted.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Goes off by itself, or never. Then the call that moves the clock also ticks the service.
#[derive(Debug)]
pub(crate) enum PacedTimer {
    /// By itself.
    Real(StdTimer),
    /// Never.
    Still,
}

impl Paced {
    pub(crate) fn new(pace: Pace) -> Paced {
        let held = (pace == Pace::Held).then(Arc::default);
        Paced { std: Arc::new(Std::new()), held, threads: Arc::default() }
    }

    /// Whether the clock is held.
    pub(crate) fn pace(&self) -> Pace {
        if self.held.is_some() { Pace::Held } else { Pace::Real }
    }

    /// How many of the service's threads do not wait. Exact for a caller that holds the service's lock.
    pub(crate) fn busy(&self) -> u64 {
        let waiting = self.threads.waiting.load(Ordering::SeqCst);
        self.threads.alive.load(Ordering::SeqCst).saturating_sub(waiting)
    }

    /// Moves a clock that is held.
    pub(crate) fn advance(&self, ms: u64) {
        if let Some(held) = &self.held {
            held.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

impl Timer for PacedTimer {
    fn rearm(&self) {
        if let PacedTimer::Real(timer) = self {
            timer.rearm();
        }
    }

    fn stop(&self) {
        if let PacedTimer::Real(timer) = self {
            timer.stop();
        }
    }
}

impl Runtime for Paced {
    type Mutex<T: Send + 'static> = <Std as Runtime>::Mutex<T>;
    type Guard<'a, T: Send + 'static> = <Std as Runtime>::Guard<'a, T>;
    type Condvar = <Std as Runtime>::Condvar;
    type Thread = <Std as Runtime>::Thread;
    type Timer = PacedTimer;

    fn mutex<T: Protected>(&self, value: T) -> Self::Mutex<T> {
        self.std.mutex(value)
    }

    fn lock<'a, T: Send + 'static>(&self, mutex: &'a Self::Mutex<T>) -> Self::Guard<'a, T> {
        self.std.lock(mutex)
    }

    fn condvar(&self) -> Self::Condvar {
        self.std.condvar()
    }

    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Self::Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        if !COUNTED.get() {
            return self.std.wait(condvar, guard);
        }
        // Counted with the lock held. So a caller that holds the lock sees each thread of the service either waiting or busy.
        self.threads.waiting.fetch_add(1, Ordering::SeqCst);
        let guard = self.std.wait(condvar, guard);
        self.threads.waiting.fetch_sub(1, Ordering::SeqCst);
        guard
    }

    fn notify_one(&self, condvar: &Self::Condvar) {
        self.std.notify_one(condvar);
    }

    fn notify_all(&self, condvar: &Self::Condvar) {
        self.std.notify_all(condvar);
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread> {
        let threads = Arc::clone(&self.threads);
        threads.alive.fetch_add(1, Ordering::SeqCst);
        let ended = Arc::clone(&threads);
        let spawned = self.std.spawn(name, move || {
            COUNTED.set(true);
            body();
            ended.alive.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            threads.alive.fetch_sub(1, Ordering::SeqCst);
        }
        spawned
    }

    fn join(&self, thread: Self::Thread) {
        self.std.join(thread);
    }

    fn now(&self) -> Duration {
        match &self.held {
            Some(held) => Duration::from_millis(held.load(Ordering::SeqCst)),
            None => self.std.now(),
        }
    }

    fn timer(&self, tick: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<PacedTimer> {
        match self.held {
            Some(_) => Ok(PacedTimer::Still),
            None => self.std.timer(tick).map(PacedTimer::Real),
        }
    }

    fn thread(&self) -> ThreadId {
        self.std.thread()
    }

    fn inside(&self) -> Option<Inside> {
        self.std.inside()
    }

    fn set_inside(&self, inside: Option<Inside>) {
        self.std.set_inside(inside);
    }
}
