//! Races, which the adapter runs by itself because a pipe is too slow.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::callbacks::Callbacks;
use super::subject::Caller;
use super::threads::Task;
use crate::wire::{Called, End, PlannedCall, RaceOrder, RunOrder, Trigger};

/// The thread of the calls before and after.
pub(super) const HOST: u32 = 0;
/// The thread of the racing call.
pub(super) const RACER: u32 = 1;

/// How long a run waits for the first callback of its job.
const NO_ENTER: Duration = Duration::from_secs(1);
/// A racing call that takes longer may hang. What has happened so far is then written, in case bgcheck ends the process.
const LONG: Duration = Duration::from_secs(2);
/// The last part of a wait, which is not slept: a sleep comes back late by about this much.
const AWAKE: Duration = Duration::from_micros(150);
/// How long the racing thread waits awake for the moment to come.
const EXPECTING: Duration = Duration::from_millis(2);

/// The moment from which on the delay of a run is counted.
#[derive(Default)]
pub(super) struct Moment {
    at: Mutex<Option<Instant>>,
    came: Condvar,
}

/// Runs one race after the other, on the thread of the host. `racer` leads to the other thread.
pub(super) fn run(callbacks: &Callbacks, id: i64, race: &RaceOrder, racer: &Sender<Task>) {
    callbacks.output().race_begins();
    for (number, run) in (0..).zip(&race.runs) {
        let settle = Duration::from_millis(race.settle_ms);
        Run { callbacks, number, run, settle }.go(racer);
    }
    callbacks.output().race_ends();
    callbacks.carry_out(id, || Ok(End::default()));
}

struct Run<'a> {
    callbacks: &'a Callbacks,
    number: u32,
    run: &'a RunOrder,
    settle: Duration,
}

impl Run<'_> {
    fn go(&self, racer: &Sender<Task>) {
        let moment = Arc::new(Moment::default());
        if self.run.trigger == Trigger::AtEnter {
            self.callbacks.watch(self.run.job, &moment);
        }
        let back = self.run.racer.as_ref().map(|planned| self.send(racer, &moment, planned));
        self.run.before.iter().for_each(|planned| self.make(HOST, planned));
        if self.run.trigger == Trigger::AtEnter {
            moment.wait(Some(NO_ENTER));
        }
        // The return of the last call, unless a callback was first.
        moment.comes(Instant::now());
        match back {
            Some(back) => self.wait_for(&back),
            None => moment.wait_after(Duration::from_micros(self.run.delay_us)),
        }
        self.callbacks.watch_no_more();
        std::thread::sleep(self.settle);
        self.run.after.iter().for_each(|planned| self.make(HOST, planned));
    }

    /// The other thread is awake before the moment comes, and makes its call by itself.
    fn send(
        &self,
        racer: &Sender<Task>,
        moment: &Arc<Moment>,
        planned: &PlannedCall,
    ) -> std::sync::mpsc::Receiver<()> {
        let (tell, back) = channel();
        let (callbacks, moment) = (self.callbacks.clone(), Arc::clone(moment));
        let (number, job, planned) = (self.number, self.run.job, planned.clone());
        let delay = Duration::from_micros(self.run.delay_us);
        let task = move || {
            moment.wait_after(delay);
            make(&callbacks, RACER, (number, job), &planned);
            // The send fails only when the run no longer waits.
            let _ = tell.send(());
        };
        // Without the thread the channel is closed at once, and the run goes on.
        let _ = racer.send(Box::new(task));
        back
    }

    fn wait_for(&self, back: &std::sync::mpsc::Receiver<()>) {
        while back.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
            self.callbacks.output().release();
        }
    }

    fn make(&self, thread: u32, planned: &PlannedCall) {
        make(self.callbacks, thread, (self.number, self.run.job), planned);
    }
}

fn make(callbacks: &Callbacks, thread: u32, (run, job): (u32, u32), planned: &PlannedCall) {
    let planned = PlannedCall { job: planned.job.or(Some(job)), ..planned.clone() };
    let called = Called {
        call: Some(planned.call.clone()),
        job: planned.job,
        args: planned.args.clone(),
        thread: Some(thread),
        run: Some(run),
        inside: None,
    };
    callbacks.make(callbacks.output().next_own(), Caller::Thread(thread), called, &planned);
}

impl Moment {
    /// It is now, unless it came before.
    pub(super) fn comes(&self, now: Instant) {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        self.came.notify_all();
    }

    /// Waits for it, for as long as the limit.
    fn wait(&self, limit: Option<Duration>) -> Option<Instant> {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet = |at: &mut Option<Instant>| at.is_none();
        match limit {
            None => *self.came.wait_while(at, not_yet).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                let woken = self.came.wait_timeout_while(at, limit, not_yet);
                *woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Waits until this delay after the moment. A thread that sleeps is late for a short delay, so it waits awake at first.
    fn wait_after(&self, delay: Duration) {
        let tired = Instant::now() + EXPECTING;
        let mut at = None;
        while at.is_none() && Instant::now() < tired {
            std::thread::yield_now();
            at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let Some(then) = at.or_else(|| self.wait(None)).map(|at| at + delay) else { return };
        loop {
            let left = then.saturating_duration_since(Instant::now());
            match left.checked_sub(AWAKE) {
                _ if left.is_zero() => return,
                Some(sleep) if !sleep.is_zero() => std::thread::sleep(sleep),
                _ => std::thread::yield_now(),
            }
        }
    }
}
