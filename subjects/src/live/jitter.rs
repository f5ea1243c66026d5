//! The threads of the standard library, now and then held up where it hurts most.
//!
//! Between the begin of a delivery and its enter there are a few hundred instructions, and a Cancel seldom comes just then. A
//! correct engine does not mind how long that takes; one without the barrier of contract section 4 is found out in most runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::service::{Point, Runtime, Std};

use crate::random::Rng;

/// [`Std`], with pauses at the steps of the protocol.
pub(super) struct Jitter {
    std: Std,
    seed: u64,
    points: AtomicU64,
    positions: Arc<Positions>,
}

impl Jitter {
    pub(super) fn new(seed: u64, positions: Arc<Positions>) -> Jitter {
        Jitter { std: Std::new(), seed, points: AtomicU64::new(0), positions }
    }
}

/// Where every thread was seen last: what the report of a run that hangs has about each of them.
#[derive(Debug, Default)]
pub(super) struct Positions {
    of: Mutex<BTreeMap<String, (Point, Instant)>>,
}

impl Positions {
    fn note(&self, point: Point) {
        let thread = std::thread::current();
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = (point, Instant::now());
        match of.get_mut(thread.name().unwrap_or("a thread without a name")) {
            Some(last) => *last = seen,
            None => drop(of.insert(thread.name().unwrap_or("a thread without a name").to_owned(), seen)),
        }
    }

    /// A line per thread: which step of the protocol it came to last, and how long ago.
    pub(super) fn describe(&self) -> String {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.iter().fold(String::new(), |mut text, (thread, (point, at))| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{thread}: came to {point:?} {:.1} s ago", at.elapsed().as_secs_f64());
            text
        })
    }
}

impl Runtime for Jitter {
    crate::live::threads_of_std!();
    type Timer = <Std as Runtime>::Timer;

    fn wait<'a, T: Send + 'static>(
        &self,
        condvar: &Self::Condvar,
        guard: Self::Guard<'a, T>,
    ) -> Self::Guard<'a, T> {
        self.std.wait(condvar, guard)
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Self::Thread> {
        self.std.spawn(name, body)
    }

    fn now(&self) -> Duration {
        self.std.now()
    }

    fn timer(&self, tick: impl FnMut() -> Option<Duration> + Send + 'static) -> io::Result<Self::Timer> {
        self.std.timer(tick)
    }

    /// Called without the lock, so that the others go on.
    fn point(&self, point: Point) {
        self.positions.note(point);
        let (seldom, most_us) = match point {
            Point::Begun => (3, 2500),
            Point::Returning | Point::Left => (16, 500),
            Point::DiskBegun | Point::DiskDone | Point::Fetching => (8, 500),
            Point::Called | Point::Reporting => (32, 300),
        };
        let mut rng = Rng::new(self.seed, 1 << 42 | self.points.fetch_add(1, Ordering::Relaxed));
        if rng.once_in(seldom) {
            hold_up(&mut rng, most_us);
        }
    }
}

/// A pause lets others far ahead, a yield a step or two, and a spin only those on other cores.
fn hold_up(rng: &mut Rng, most_us: u64) {
    match rng.below(4) {
        0 | 1 => std::thread::sleep(Duration::from_micros(rng.below(most_us))),
        2 => (0..rng.below(8)).for_each(|_| std::thread::yield_now()),
        _ => (0..rng.below(2_000)).for_each(|_| std::hint::spin_loop()),
    }
}
