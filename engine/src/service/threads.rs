//! The service's own threads: two pools that grow, and an account of who is in foreign code.

use std::io;
use std::sync::Arc;

use contract::{ThreadId, fault};

use super::runtime::Runtime;
use super::shared::{Guard, Shared, State};

/// The service's threads are named from here on, so that they never meet the names of client threads.
const FIRST_OWN: u32 = 1 << 16;

/// The dispatchers, or the transfer workers.
#[derive(Clone, Copy, Hash, Debug)]
pub(super) struct Pool {
    /// Threads there are.
    pub(super) threads: u32,
    /// Those in foreign code, or about to be.
    pub(super) busy: u32,
    /// Threads there may be.
    pub(super) limit: u32,
    /// Those that may be in foreign code at once, whomever they serve. A user whom no worker serves gets one beyond that.
    pub(super) at_once: u32,
}

impl Pool {
    /// Dispatchers, at most `limit` of them.
    pub(super) fn dispatchers(limit: u32) -> Self {
        Pool { threads: 0, busy: 0, limit: limit.max(1), at_once: limit.max(1) }
    }

    /// Workers, of which `at_once` run transfers, and one more for each user who would have none.
    pub(super) fn workers(at_once: u32) -> Self {
        Pool { threads: 0, busy: 0, limit: u32::MAX, at_once: at_once.max(1) }
    }

    /// Whether as many are in foreign code as may be, whomever they serve.
    pub(super) fn is_full(&self) -> bool {
        self.busy >= self.at_once
    }

    /// Whether one more thread is needed before the asking one gets busy, so that an idle one is left to take what comes next.
    fn needs_one_more(&self) -> bool {
        self.threads - self.busy < 2 && self.threads < self.limit
    }
}

/// What a thread of the service is there for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Role {
    /// Calls clients back.
    Dispatcher,
    /// Fetches files.
    Worker,
    /// Waits for a program to exit.
    Reaper,
}

/// A thread of the service.
pub(super) struct Slot<R: Runtime> {
    pub(super) thread: Option<R::Thread>,
    pub(super) place: Whereabouts,
}

/// Where a thread of the service is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Whereabouts {
    /// In the service's own code, which waits for nothing but the service.
    Service,
    /// In a client's callback, a transfer or a wait for a program, for an unknown time.
    Foreign(Role),
    /// It has ended, or is about to without another step.
    Ended,
}

impl<R: Runtime> Shared<R> {
    /// Adds a thread to the pool when the asking one, about to get busy, would be the last idle one. Gives up the lock
    /// for it, since creating a thread takes time; the caller looks again at everything it knew.
    pub(super) fn grow<'a>(&'a self, state: Guard<'a, R>, role: Role) -> (Guard<'a, R>, Grown) {
        let stays_small = role == Role::Dispatcher && fault!(self, PoolStaysSmall);
        if stays_small || !pool(&state, role).needs_one_more() {
            return (state, Grown::No);
        }
        drop(state);
        // What the caller knew it looks at again.
        self.runtime.carries(&role);
        let body = match role {
            Role::Worker => Shared::work,
            _ => Shared::dispatch,
        };
        let spawned = self.open_slot(role).and_then(|thread| {
            self.runtime.carries(&(role, thread));
            self.start(thread, role, body)
        });
        self.runtime.carries(&(role, spawned.is_ok()));
        let mut state = self.enter();
        if spawned.is_err() {
            // The system has no thread to give: the pool does with what it has.
            let pool = pool_mut(&mut state, role);
            pool.limit = pool.threads.max(1);
        }
        (state, Grown::Yes)
    }

    /// Starts a thread, with an account of its own.
    pub(super) fn spawn(
        &self,
        role: Role,
        body: impl FnOnce(&Arc<Shared<R>>, ThreadId) + Send + 'static,
    ) -> io::Result<()> {
        let thread = self.open_slot(role)?;
        self.start(thread, role, body)
    }

    /// Starts the thread of an account.
    fn start(
        &self,
        thread: ThreadId,
        role: Role,
        body: impl FnOnce(&Arc<Shared<R>>, ThreadId) + Send + 'static,
    ) -> io::Result<()> {
        let gone = || io::Error::other("the service is gone");
        let spawned = self.myself.upgrade().ok_or_else(gone).and_then(|shared| {
            self.runtime.spawn(format!("{role:?} {}", thread.0 - FIRST_OWN), move || {
                let slot = OpenSlot { shared, thread, role };
                body(&slot.shared, thread);
            })
        });
        let mut state = self.runtime.lock(&self.state);
        match spawned {
            Ok(handle) => {
                if let Some(slot) = state.slots.get_mut(&thread) {
                    slot.thread = Some(handle);
                }
                Ok(())
            }
            Err(error) => {
                close_slot(&mut state, thread, role);
                state.slots.remove(&thread);
                Err(error)
            }
        }
    }

    /// The thread goes into foreign code, or comes back.
    pub(super) fn set_place(&self, state: &mut State<R>, thread: ThreadId, place: Whereabouts) {
        if let Some(slot) = state.slots.get_mut(&thread) {
            slot.place = place;
        }
        if self.is_stopping() {
            // Shutdown waits for the threads that are in the service's own code, and this one may be the last.
            self.runtime.notify_all(&self.progress);
        }
    }

    fn open_slot(&self, role: Role) -> io::Result<ThreadId> {
        let mut state = self.runtime.lock(&self.state);
        if self.is_stopping() {
            return Err(io::Error::other("the service is stopping"));
        }
        let thread = ThreadId(FIRST_OWN + state.next_slot);
        state.next_slot += 1;
        state.slots.insert(thread, Slot { thread: None, place: Whereabouts::Service });
        if role != Role::Reaper {
            pool_mut(&mut state, role).threads += 1;
        }
        Ok(thread)
    }
}

/// Whether the lock was given up to create a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Grown {
    /// It was: look again.
    Yes,
    /// It was not.
    No,
}

/// Closes the account however the thread ends, so that shutdown never waits for a thread that is gone.
struct OpenSlot<R: Runtime> {
    shared: Arc<Shared<R>>,
    thread: ThreadId,
    role: Role,
}

impl<R: Runtime> Drop for OpenSlot<R> {
    fn drop(&mut self) {
        self.shared.runtime.carries(&(self.thread, self.role));
        let mut state = self.shared.runtime.lock(&self.shared.state);
        close_slot(&mut state, self.thread, self.role);
        if !self.shared.is_stopping() && !fault!(self.shared, HandleKept) {
            // No later shutdown joins it; dropping the handle detaches it.
            state.slots.remove(&self.thread);
        }
        self.shared.runtime.notify_all(&self.shared.progress);
    }
}

fn close_slot<R: Runtime>(state: &mut State<R>, thread: ThreadId, role: Role) {
    if role != Role::Reaper {
        pool_mut(state, role).threads -= 1;
    }
    if let Some(slot) = state.slots.get_mut(&thread) {
        slot.place = Whereabouts::Ended;
    }
}

fn pool<R: Runtime>(state: &State<R>, role: Role) -> Pool {
    if role == Role::Worker { state.workers } else { state.dispatchers }
}

fn pool_mut<R: Runtime>(state: &mut State<R>, role: Role) -> &mut Pool {
    if role == Role::Worker { &mut state.workers } else { &mut state.dispatchers }
}
