//! What the service needs from a threading library, and the one of `std`.
//!
//! **What it is.** The facade behind which all synchronisation of the service happens: a mutex, a condition variable, threads,
//! a clock, and a note per thread of which delivery it runs. A library that controls schedules implements this trait, too, so the
//! very service that runs in production is the one whose interleavings are explored.
//!
//! **What it is not.** There is no timed wait: a controlled schedule has no notion of one. Time enters through
//! [`Runtime::timer`], which calls a function when it has come; a runtime with a simulated clock leaves that to its test.

use std::cell::{Cell, OnceCell};
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::DerefMut;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use contract::{DeliveryId, ThreadId};

use crate::core::Core;

/// A threading library. See the module's documentation.
pub trait Runtime: Send + Sync + 'static {
    /// A mutex that a panic does not poison.
    type Mutex<T: Send + 'static>: Send + Sync + 'static;
    /// What holding it gives.
    type Guard<'a, T: Send + 'static>: DerefMut<Target = T>;
    /// A condition variable, used with one mutex.
    type Condvar: Send + Sync + 'static;
    /// A thread that can be joined; dropping it detaches the thread.
    type Thread: Send + 'static;
    /// What [`Runtime::timer`] gives.
    type Timer: Timer;

    /// A new mutex.
    fn mutex<T: Protected>(&self, value: T) -> Self::Mutex<T>;
    /// Locks it.
    fn lock<'a, T: Send + 'static>(&self, mutex: &'a Self::Mutex<T>) -> Self::Guard<'a, T>;
    /// A new condition variable.
    fn condvar(&self) -> Self::Condvar;
    /// Waits for a notification. May wake without one: every wait of the service is a loop on a predicate.
    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Self::Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T>;
    /// Wakes one waiter.
    fn notify_one(&self, condvar: &Self::Condvar);
    /// Wakes every waiter.
    fn notify_all(&self, condvar: &Self::Condvar);

    /// Starts a thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread>;
    /// Waits until the thread has ended, however it ended.
    fn join(&self, thread: Self::Thread);
    /// How long the runtime has existed. Never goes back.
    fn now(&self) -> Duration;
    /// Arranges for `tick` to be called at once, after each [`Timer::rearm`], and after the delay it answered.
    ///
    /// # Errors
    /// The system has no thread to give.
    fn timer(&self, tick: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<Self::Timer>;

    /// The current thread's name in traces, equal at every call.
    fn thread(&self) -> ThreadId;
    /// What [`Runtime::set_inside`] last set on this thread.
    fn inside(&self) -> Option<Inside>;
    /// Notes which delivery the current thread runs.
    fn set_inside(&self, inside: Option<Inside>);

    /// A thread of the service is about to look for work: nothing that it read before has a part in what it does from here on. A runtime that
    /// compares states forgets here what the thread has read.
    fn looks_for_work(&self) {}
    /// Of all that the thread has read in a call, or since it looked for work, only this has a part in what it does from here on.
    fn carries<T: Hash + ?Sized>(&self, what: &T) {
        let _ = what;
    }
    /// A step of the protocol has come. A runtime that perturbs schedules gives way here.
    fn point(&self, point: Point) {
        let _ = point;
    }
    /// The thread is about to wait, and holds the lock: it is to be noted at most, nothing else.
    fn waiting(&self, waiting: Waiting) {
        let _ = waiting;
    }
}

/// What a mutex of the service protects.
///
/// A runtime that explores schedules compares states, and a state is not known without this. So everything that may change what
/// a thread does next has to be in the digest, numbers that only grow included.
pub trait Protected: Send + 'static {
    /// Adds it to a hash.
    fn digest<H: Hasher>(&self, state: &mut H);
    /// The core, where that is what it protects.
    fn core(&self) -> Option<&Core> {
        None
    }
}

/// Calls a function when time has come.
pub trait Timer: Send + Sync + 'static {
    /// The next deadline is nearer than was answered: call the function now. Waits for nothing.
    fn rearm(&self);
    /// Calls the function no more; waits until a call that runs has ended.
    fn stop(&self);
}

/// The delivery that a thread of the service runs, noted around the client's code (contract section 4, clause 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inside {
    /// Which service: a callback may call another one, and is an ordinary client there.
    pub(super) service: usize,
    /// The service's thread.
    pub(super) thread: ThreadId,
    /// The delivery.
    pub(super) delivery: DeliveryId,
}

/// The steps of the protocol at which [`Runtime::point`] is called, never with the lock held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Point {
    /// A call has been recorded and is about to take the lock.
    Called,
    /// A Complete or Cancel has begun and is about to touch the disk.
    DiskBegun,
    /// The disk work is done; the lock is about to be taken again.
    DiskDone,
    /// A call is done and about to be recorded as such.
    Returning,
    /// A delivery has begun and is about to enter (clause 2: nothing but this hook stands between).
    Begun,
    /// The client's code is back; the lock is about to be taken.
    Left,
    /// A transfer has been taken on and is about to run.
    Fetching,
    /// A transfer is about to report.
    Reporting,
}

/// What a call waits for, as [`Runtime::waiting`] receives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Waiting {
    /// The barrier: until a begun delivery has left or called (contract section 4, clause 3).
    Barrier,
    /// Until the Complete or Cancel of another call is done with the disk.
    Disk,
}

/// The threads and the clock of the standard library.
#[derive(Debug)]
pub struct Std {
    start: Instant,
}

impl Std {
    /// A runtime whose clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Std { start: Instant::now() }
    }
}

impl Default for Std {
    fn default() -> Self {
        Self::new()
    }
}

thread_local! {
    static INSIDE: Cell<Option<Inside>> = const { Cell::new(None) };
    static THREAD: OnceCell<ThreadId> = const { OnceCell::new() };
}

/// Names client threads of the process in the order in which they first call.
static CLIENT_THREADS: AtomicU32 = AtomicU32::new(0);

impl Runtime for Std {
    type Mutex<T: Send + 'static> = Mutex<T>;
    type Guard<'a, T: Send + 'static> = MutexGuard<'a, T>;
    type Condvar = Condvar;
    type Thread = thread::JoinHandle<()>;
    type Timer = StdTimer;

    fn mutex<T: Protected>(&self, value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn lock<'a, T: Send + 'static>(&self, mutex: &'a Mutex<T>) -> Self::Guard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn condvar(&self) -> Condvar {
        Condvar::new()
    }

    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn notify_one(&self, condvar: &Condvar) {
        condvar.notify_one();
    }

    fn notify_all(&self, condvar: &Condvar) {
        condvar.notify_all();
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread> {
        thread::Builder::new().name(name).spawn(body)
    }

    fn join(&self, thread: Self::Thread) {
        // A thread that panicked has ended, too; the panic has been reported by its hook.
        let _ = thread.join();
    }

    fn now(&self) -> Duration {
        contract::follows!["timeout.clock"];
        self.start.elapsed()
    }

    fn timer(&self, tick: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<StdTimer> {
        let signal = Arc::new(Signal { asked: Mutex::new(Asked::Tick), changed: Condvar::new() });
        let heard = Arc::clone(&signal);
        let thread = self.spawn("timer".to_owned(), move || heard.run(tick))?;
        Ok(StdTimer { signal, thread: Mutex::new(Some(thread)) })
    }

    fn thread(&self) -> ThreadId {
        THREAD.with(|thread| *thread.get_or_init(|| ThreadId(CLIENT_THREADS.fetch_add(1, Ordering::Relaxed))))
    }

    fn inside(&self) -> Option<Inside> {
        INSIDE.get()
    }

    fn set_inside(&self, inside: Option<Inside>) {
        INSIDE.set(inside);
    }
}

/// The timer of [`Std`]: a thread that sleeps until the next deadline.
#[derive(Debug)]
pub struct StdTimer {
    signal: Arc<Signal>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Timer for StdTimer {
    fn rearm(&self) {
        self.signal.ask(Asked::Tick);
    }

    fn stop(&self) {
        self.signal.ask(Asked::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Signal {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Nothing,
    Tick,
    Stop,
}

impl Signal {
    fn ask(&self, what: Asked) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // Once stopped, stopped for good.
        if *asked != Asked::Stop {
            *asked = what;
        }
        self.changed.notify_all();
    }

    fn run(&self, mut tick: impl FnMut() -> Option<Duration>) {
        let mut delay = None;
        while self.sleep(delay) != Asked::Stop {
            delay = tick();
        }
    }

    /// Sleeps for the delay, or until a tick or the stop is requested.
    fn sleep(&self, delay: Option<Duration>) -> Asked {
        let quiet = |asked: &mut Asked| *asked == Asked::Nothing;
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = match delay {
            None => self.changed.wait_while(asked, quiet).unwrap_or_else(PoisonError::into_inner),
            Some(delay) => {
                let woken = self.changed.wait_timeout_while(asked, delay, quiet);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let what = *asked;
        if what != Asked::Stop {
            *asked = Asked::Nothing;
        }
        what
    }
}
