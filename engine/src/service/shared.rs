//! What all threads of a service share: the lock around the core, and the habits of taking and leaving it.
//!
//! A thread that gives the core a call or an input takes the lock with [`Shared::enter`], which lets time pass first.
//! Before it lets go or waits, it calls [`Shared::publish`], which records what changed and wakes the threads concerned.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use contract::core::{Change, Config, Core as _, TransferStart};
use contract::defect::Design;
use contract::event::{By, Recorder};
use contract::{CallId, EnvStep, EventView, FileId, JobId, ThreadId, Time, UserId, fault};

use super::backends::{Disk, Fetch, Place, Programs};
use super::design::Naive;
use super::refusal::Hook;
use super::registry::Registry;
use super::runtime::{Point, Protected, Runtime, Timer};
use super::threads::{Pool, Slot};
use crate::core::{Core, Served};
use crate::store::Instance;

/// Everything the threads of one service share.
pub(super) struct Shared<R: Runtime> {
    pub(super) runtime: R,
    pub(super) config: Config,
    pub(super) recorder: Arc<dyn Recorder>,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) programs: Arc<dyn Programs>,
    pub(super) keep: Keep,
    pub(super) refusals: Option<Hook>,
    pub(super) namespace: u64,
    pub(super) instance: Instance,
    /// Milliseconds of the core per millisecond of the runtime.
    pub(super) clock_scale: u32,
    /// Weak, because it is set once the value it leads to exists.
    pub(super) myself: std::sync::Weak<Shared<R>>,
    pub(super) timer: OnceLock<R::Timer>,
    pub(super) next_call: AtomicU32,
    /// Set once, under the lock; read without it where a stale answer does no harm.
    pub(super) stopping: AtomicBool,
    /// A leaf: a thread that holds it takes no other lock and runs no client code.
    pub(super) registry: R::Mutex<Registry>,
    pub(super) state: R::Mutex<State<R>>,
    /// A delivery may be ready: dispatchers wait here.
    pub(super) deliveries: R::Condvar,
    /// A transfer may be wanted: workers wait here.
    pub(super) transfers: R::Condvar,
    /// A delivery was released, a job is no longer finalising, a worker is done: calls, tests and shutdown wait here.
    pub(super) progress: R::Condvar,
    #[cfg(feature = "designs")]
    pub(super) design: Design,
}

/// What the lock protects.
pub(super) struct State<R: Runtime> {
    pub(super) core: Core,
    /// Whether something has changed since threads were last woken.
    pub(super) unpublished: bool,
    /// The deadline for which the timer is armed.
    pub(super) armed: Option<Time>,
    /// Jobs whose transfer a worker runs, perhaps one of an older attempt that has not noticed yet.
    pub(super) fetching: BTreeSet<JobId>,
    /// Handles of each job that clients hold.
    pub(super) held: BTreeMap<JobId, u32>,
    /// Live jobs whose last handle a client has let go.
    pub(super) unheld: BTreeSet<JobId>,
    /// Jobs that ended unheld: their records are gone, their receivers go at the next tick.
    pub(super) gone: Vec<JobId>,
    /// Files of jobs that have expired, whose temporary ones are still to be removed: no call does that.
    pub(super) expired: Vec<Place>,
    pub(super) dispatchers: Pool,
    pub(super) workers: Pool,
    /// Workers that are busy with a user's jobs.
    pub(super) serving: BTreeMap<UserId, u32>,
    pub(super) slots: BTreeMap<ThreadId, Slot<R>>,
    pub(super) next_slot: u32,
    /// What the naive designs remember; empty with the barrier.
    pub(super) naive: Naive,
}

/// Whether the records of final jobs are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Keep {
    /// While the job lives, and then while a client holds a handle of it. A job that was never held keeps its record, too.
    #[default]
    WhileHeld,
    /// For good. For drivers that name jobs by id and hold no handles.
    ForGood,
}

/// Whom [`Shared::publish`] wakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wake {
    /// Every group of threads that may have something to do now.
    All,
    /// Not the dispatchers: one of them has just found nothing, and would wake the next for nothing for ever.
    NotDispatchers,
}

pub(super) type Guard<'a, R> = <R as Runtime>::Guard<'a, State<R>>;

impl<R: Runtime> Shared<R> {
    /// Takes the lock, and passes the time to the core: every deadline it sets from here on counts from now.
    pub(super) fn enter(&self) -> Guard<'_, R> {
        let mut state = self.runtime.lock(&self.state);
        self.pass_time(&mut state);
        state
    }

    pub(super) fn pass_time(&self, state: &mut State<R>) {
        state.core.handle_timeout(self.now());
        self.drain(state, None);
    }

    /// A thread has looked for work, and has found nothing. It wakes others only for what the time has changed meanwhile.
    pub(super) fn publish_time(&self, state: &mut State<R>, wake: Wake) {
        if state.unpublished {
            self.publish(state, None, wake);
        }
    }

    /// Records what changed and wakes whom it concerns. `by` is the call on whose behalf the core was last used.
    pub(super) fn publish(&self, state: &mut State<R>, by: Option<CallId>, wake: Wake) {
        self.drain(state, by);
        state.unpublished = false;
        if wake == Wake::All {
            // One is enough: a dispatcher that finds a delivery wakes the next.
            self.runtime.notify_one(&self.deliveries);
        }
        if state.wants_worker() {
            self.runtime.notify_one(&self.transfers);
        }
        if fault!(self, OneWakeForAll) {
            self.runtime.notify_one(&self.progress);
        } else {
            self.runtime.notify_all(&self.progress);
        }
        let next = state.core.poll_timeout();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            state.armed = next;
            if let Some(timer) = self.timer.get() {
                timer.rearm();
            }
        }
    }

    /// What the timer calls: lets time pass, and returns how long it is until the next deadline.
    pub(super) fn tick(&self) -> Option<Duration> {
        if self.is_stopping() {
            return None;
        }
        let mut state = self.enter();
        // Armed before publishing, so that publish does not ask the timer to tick again for what is answered here.
        state.armed = state.core.poll_timeout();
        let wake = if fault!(self, TickWakesNobody) { Wake::NotDispatchers } else { Wake::All };
        self.publish(&mut state, None, wake);
        let gone = std::mem::take(&mut state.gone);
        if !gone.is_empty() {
            drop(state);
            self.unbind(gone);
            state = self.runtime.lock(&self.state);
        }
        let next = state.armed?.since(state.core.now()).0;
        // Rounded up, and never nothing: a timer that fires early would fire again and again.
        let real_ms = next.div_ceil(u64::from(self.clock_scale)).max(1);
        Some(Duration::from_millis(real_ms))
    }

    /// The service's time.
    pub(super) fn now(&self) -> Time {
        let scaled_ns = self.runtime.now().as_nanos().saturating_mul(u128::from(self.clock_scale));
        Time(u64::try_from(scaled_ns / 1_000_000).unwrap_or(u64::MAX))
    }

    pub(super) fn point(&self, point: Point) {
        self.runtime.point(point);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    #[cfg(feature = "designs")]
    pub(super) fn design(&self) -> Design {
        self.design
    }

    /// Constant without the feature, so that nothing is left of the other designs.
    #[cfg(not(feature = "designs"))]
    pub(super) fn design(&self) -> Design {
        Design::Barrier
    }

    /// Who this service is, among services: only compared, never recorded.
    pub(super) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Records `env` and `state` events inside the lock, in the order in which things changed.
    fn drain(&self, state: &mut State<R>, by: Option<CallId>) {
        let recorder = &self.recorder;
        let State { core, unheld, gone, unpublished, .. } = state;
        let known = gone.len();
        let mut ended = Vec::new();
        core.take_changes(|change| {
            *unpublished = true;
            record_change(&**recorder, change, by);
            ended.extend(change.job.filter(|_| change.step == Some(EnvStep::Expiry)));
            if let (Some(job), Some((_, to))) = (change.job, change.state)
                && to.is_final()
                && unheld.remove(&job)
                && self.keep == Keep::WhileHeld
            {
                gone.push(job);
            }
        });
        for job in ended {
            let files: Vec<Place> = (0..).map_while(|file| self.place(state, job, FileId(file))).collect();
            state.expired.extend(files);
        }
        let State { core, gone, .. } = state;
        gone[known..].iter().for_each(|job| core.forget(*job));
    }

    /// Lets go of the receivers of jobs whose records are gone. Dropping one may run a client's code, so no lock is held.
    fn unbind(&self, gone: Vec<JobId>) {
        for job in gone {
            let dropped = self.runtime.lock(&self.registry).bind(job, None);
            drop(dropped);
        }
    }
}

impl<R: Runtime> Protected for State<R> {
    fn digest<H: Hasher>(&self, state: &mut H) {
        // Taken apart, so that a field that is added is not forgotten.
        let State {
            core,
            unpublished,
            armed,
            fetching,
            held,
            unheld,
            gone,
            expired,
            dispatchers,
            workers,
            serving,
            slots,
            next_slot,
            naive,
        } = self;
        core.digest(state);
        (unpublished, armed, fetching, held, unheld, gone, expired).hash(state);
        (dispatchers, workers, serving, next_slot, naive).hash(state);
        slots.iter().for_each(|(thread, slot)| (thread, slot.place).hash(state));
    }

    fn core(&self) -> Option<&Core> {
        Some(&self.core)
    }
}

impl<R: Runtime> State<R> {
    /// Whether there is something for a worker to do.
    pub(super) fn wants_worker(&self) -> bool {
        !self.expired.is_empty() || self.wants_transfer()
    }

    /// Whether there is a transfer that a worker may take on.
    pub(super) fn wants_transfer(&self) -> bool {
        match self.workers.is_full() {
            false => self.core.wants_transfer(),
            true => self.core.wants_transfer_of(|user| unserved(&self.serving, user)),
        }
    }

    /// Takes one on, and counts its worker. When as many transfers run as may, only a user without any gets one more.
    /// So jobs whose servers drip hold up their own user and no other.
    pub(super) fn poll_transfer(&mut self) -> Option<(TransferStart, UserId)> {
        let State { core, serving, workers, .. } = self;
        let start = match workers.is_full() {
            false => core.poll_transfer(),
            true => core.poll_transfer_of(|user| unserved(serving, user)),
        }?;
        let user = core.owner(start.job)?;
        workers.busy += 1;
        *serving.entry(user).or_insert(0) += 1;
        Some((start, user))
    }

    /// The worker of a user is free again.
    pub(super) fn end_transfer(&mut self, user: UserId) {
        self.unpublished = true;
        self.workers.busy -= 1;
        if let Some(workers) = self.serving.get_mut(&user) {
            *workers -= 1;
            if *workers == 0 {
                self.serving.remove(&user);
            }
        }
    }

    /// A client gets a handle of the job.
    pub(super) fn hold(&mut self, job: JobId) {
        *self.held.entry(job).or_insert(0) += 1;
        self.unheld.remove(&job);
    }

    /// A client's last handle of the job is gone. Whether the record went with it.
    pub(super) fn let_go(&mut self, job: JobId, keep: Keep) -> Forgotten {
        let Some(count) = self.held.get_mut(&job) else { return Forgotten::No };
        *count -= 1;
        if *count > 0 {
            return Forgotten::No;
        }
        self.held.remove(&job);
        let is_final = self.core.state(job).is_some_and(contract::JobState::is_final);
        if keep == Keep::WhileHeld && is_final {
            self.core.forget(job);
            return Forgotten::Yes;
        }
        if !is_final {
            self.unheld.insert(job);
        }
        Forgotten::No
    }
}

fn unserved(serving: &BTreeMap<UserId, u32>, user: UserId) -> Served {
    if serving.contains_key(&user) { Served::No } else { Served::Yes }
}

/// Whether a job's record is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Forgotten {
    /// It is.
    Yes,
    /// It is still there.
    No,
}

fn record_change(recorder: &dyn Recorder, change: Change, call: Option<CallId>) {
    if let Some(step) = change.step {
        recorder.record(EventView::Env { step, job: change.job, file: change.file });
    }
    let (Some(job), Some((from, to))) = (change.job, change.state) else { return };
    let by = change.step.map(By::Env).or(call.map(By::Call));
    debug_assert!(by.is_some(), "a change of state has a step or a call behind it");
    if let Some(by) = by {
        recorder.record(EventView::State { job, from, to, by });
    }
}
