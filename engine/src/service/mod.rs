//! The background copy service: real threads, real callbacks, real transfers around the core.
//!
//! **What it is.** The only place of the engine with threads. One lock around [`crate::core::Core`]; a pool of dispatchers that
//! call clients back; a pool of workers that fetch files; a timer. It is generic over a [`Runtime`], so that a checker
//! can supply the threads and the schedule, and over the seams [`Fetch`], [`Disk`] and [`Programs`].
//!
//! **What it is not.** A decision. What a call answers, what is pending and what may begin is decided by the core under the
//! lock; the service carries it out and reports back.
//!
//! **The law it keeps** is the barrier of contract section 4. Clause by clause, with the line that keeps it:
//!
//! 1. *Callbacks of one job never overlap.* The core gives no second delivery of a job while one is begun; the service
//!    enters only what `poll_delivery` gave (`dispatcher.rs`, `begin`).
//! 2. *Begin under the lock, with the slot; then enter at once.* `begin` collects object, job, file and error under the lock;
//!    `tell` then records the enter and calls, without lock, wait or I/O of its own in between.
//! 3. *Effect under the lock, then wait for that very delivery.* `calls.rs`, `take_effect` and the loop of `carry_out` on
//!    `is_released` of one delivery id. The return is recorded after the loop.
//! 4. *No wait inside that delivery, none after it has called.* `calls.rs`, `carry_out`: `handle_delivery_called` is the first
//!    thing a call from inside does under the lock. It comes before the call's effect, and it wakes the calls that wait. Inside is known
//!    by the note that `tell` leaves on its thread ([`Runtime::set_inside`]).
//! 5. *The environment leaves a begun delivery its state.* The core's: the service hands it the time and the reports, and
//!    the core puts off what has to be put off.
//! 6. *A program has entered once its process exists.* `dispatcher.rs`, `run_program`: enter is recorded after the creation
//!    and before `handle_program_started` releases those who wait; the exit is awaited by a thread of its own, without slot.
//! 7. *A client that waits for its own callback while it cancels blocks itself.* Nothing here prevents it; [`Callback`] documents it.
//!
//! Complete and Cancel work on the disk without the lock (`calls.rs`, `use_disk`); another call on the job waits meanwhile in
//! `take_effect`. Every wait is a loop on a predicate, and every wait ends at shutdown.
//!
//! **An example.**
//!
//! ```
//! use engine::service::Service;
//! use engine::{Config, Dialect, JobState, UserId};
//!
//! # #[cfg(not(feature = "http"))]
//! # fn main() {}
//! # #[cfg(feature = "http")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = Service::builder(Config::of(Dialect::Bits.profile())).start()?;
//! let manager = service.manager(UserId(0));
//! let job = manager.create_job("an example")?;
//! assert_eq!(job.state(), Ok(JobState::Suspended));
//! job.cancel()?;
//! assert_eq!(job.state(), Ok(JobState::Cancelled));
//! # Ok(())
//! # }
//! ```

mod backends;
mod builder;
mod callback;
mod calls;
mod chance;
mod design;
mod dispatcher;
mod enumerators;
mod errors;
mod guid;
#[cfg(feature = "http")]
mod http;
mod objects;
mod program;
mod real;
mod refusal;
mod registry;
mod runtime;
mod shared;
#[cfg(test)]
mod tests;
mod threads;
mod wait;
mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::core::Core as _;
use contract::{Call, HResult, JobId, Out, Receiver, ReceiverId, ThreadId, UserId};

pub use self::backends::{Disk, Fetch, Order, Place, Process, Programs};
pub use self::builder::{Builder, StartError};
pub use self::callback::Callback;
use self::calls::{Engine, Handles, Request};
pub use self::enumerators::{EnumFiles, EnumJobs, Enumerator, Remaining};
pub use self::errors::ErrorObject;
pub use self::guid::Guid;
#[cfg(feature = "http")]
pub use self::http::HttpFetch;
pub use self::objects::{File, Job, Manager, Returned};
pub use self::program::RealPrograms;
pub use self::real::RealDisk;
pub use self::refusal::Refusal;
pub use self::runtime::{Inside, Point, Protected, Runtime, Std, StdTimer, Timer, Waiting};
pub use self::shared::Keep;
use self::shared::{Shared, Wake};
use self::threads::{Role, Whereabouts};
pub use self::wait::WaitError;
pub use self::worker::REPORT_BYTES;
use crate::core::Core;
use crate::store::Instance;

/// A running service. Dropping it shuts it down, and removes the temporary files of jobs that have not ended.
pub struct Service<R: Runtime = Std> {
    shared: Arc<Shared<R>>,
}

/// A way to make calls by job number, as drivers do. It may be held by callbacks, and outlive the service, which
/// then answers RPC_S_SERVER_UNAVAILABLE.
#[derive(Clone)]
pub struct Client {
    engine: Arc<dyn Engine>,
}

/// Threads that shutdown left in code that is not the service's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Stragglers {
    /// In callbacks.
    pub callbacks: u32,
    /// In transfers; they end at their next report.
    pub transfers: u32,
    /// Waiting for programs to exit.
    pub programs: u32,
}

impl Stragglers {
    /// Whether every thread of the service has ended.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.callbacks == 0 && self.transfers == 0 && self.programs == 0
    }
}

impl Service {
    /// A service on the threads of the standard library, with transfers over HTTP where that feature is on, to be changed
    /// before it starts.
    #[must_use]
    pub fn builder(config: contract::core::Config) -> Builder<Std> {
        Builder::new(config, Std::new())
    }

    /// As [`Service::shutdown`], but first gives the threads in foreign code so long to come back.
    pub fn shutdown_within(&self, limit: Duration) -> Stragglers {
        let deadline = std::time::Instant::now() + limit;
        let mut left = self.shutdown();
        while !left.is_none() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
            left = self.shutdown();
        }
        left
    }
}

impl<R: Runtime> Service<R> {
    /// The objects of one user.
    #[must_use]
    pub fn manager(&self, user: UserId) -> Manager {
        Manager::new(self.client().engine, user)
    }

    /// A way to make calls that callbacks may hold.
    #[must_use]
    pub fn client(&self) -> Client {
        Client { engine: Arc::clone(&self.shared) as Arc<dyn Engine> }
    }

    /// See [`Client::call`].
    pub fn call(&self, thread: ThreadId, user: UserId, job: Option<JobId>, call: &Call) -> (HResult, Out) {
        self.client().call(thread, user, job, call)
    }

    /// Makes a receiver's id stand for an object, for calls that name it by id. Ids below 65536 are the driver's;
    /// the service gives those above to the objects of [`Job::set_notify_interface`].
    pub fn register_receiver(&self, id: ReceiverId, object: Arc<dyn Callback>) {
        let dropped = self.shared.runtime.lock(&self.shared.registry).pin(id, object);
        drop(dropped);
    }

    /// The user logs off.
    pub fn logoff(&self, user: UserId) {
        self.input(|core| core.handle_logoff(user));
    }

    /// The network is lost.
    pub fn network_lost(&self) {
        self.input(contract::Core::handle_network_lost);
    }

    /// The network is back.
    pub fn network_back(&self) {
        self.input(contract::Core::handle_network_back);
    }

    /// Lets time come to the runtime's now. The timer does this, too; a runtime without one leaves it to its driver.
    pub fn tick(&self) {
        let _ = self.shared.tick();
    }

    /// The number in the names of its temporary files.
    #[must_use]
    pub fn instance(&self) -> Instance {
        self.shared.instance
    }

    /// Looks at the core under the lock. `look` must not use the service.
    pub fn inspect<T>(&self, look: impl FnOnce(&Core) -> T) -> T {
        look(&self.shared.runtime.lock(&self.shared.state).core)
    }

    /// Waits until the core is as wanted, or the service is shut down. `wanted` must not use the service.
    pub fn wait_until(&self, mut wanted: impl FnMut(&Core) -> bool) {
        let mut state = self.shared.runtime.lock(&self.shared.state);
        while !wanted(&state.core) && !self.shared.is_stopping() {
            state = self.shared.runtime.wait(&self.shared.progress, state);
        }
    }

    /// Stops the service, waits for its threads, and returns which of them it left behind.
    ///
    /// No delivery and no transfer begins any more, and every thread that is in the service's own code is joined. A
    /// thread in a callback, a transfer or a program's wait is left alone, because its stay there has no known end. It
    /// ends by itself when it comes back, and what it then does is still recorded. A delivery begun before may still enter.
    /// Calls from now on answer RPC_S_SERVER_UNAVAILABLE and are not recorded; so do calls that shutdown finds waiting, and
    /// those have a `call` without a `return`. Calling it again is allowed, also from inside a callback.
    pub fn shutdown(&self) -> Stragglers {
        let shared = &self.shared;
        let mut state = shared.runtime.lock(&shared.state);
        shared.stopping.store(true, Ordering::SeqCst);
        for condvar in [&shared.deliveries, &shared.transfers, &shared.progress] {
            shared.runtime.notify_all(condvar);
        }
        while state.slots.values().any(|slot| slot.place == Whereabouts::Service) {
            state = shared.runtime.wait(&shared.progress, state);
        }
        let left = stragglers(state.slots.values().map(|slot| slot.place));
        let ended = state.slots.values_mut().filter(|slot| slot.place == Whereabouts::Ended);
        let threads: Vec<R::Thread> = ended.filter_map(|slot| slot.thread.take()).collect();
        drop(state);
        threads.into_iter().for_each(|thread| shared.runtime.join(thread));
        if let Some(timer) = shared.timer.get() {
            timer.stop();
        }
        let objects = shared.runtime.lock(&shared.registry).clear();
        drop(objects);
        left
    }

    fn input(&self, input: impl FnOnce(&mut Core)) {
        let mut state = self.shared.enter();
        input(&mut state.core);
        self.shared.publish(&mut state, None, Wake::All);
    }
}

impl<R: Runtime> Drop for Service<R> {
    fn drop(&mut self) {
        let _ = self.shutdown();
        // No later service resumes what its jobs have fetched.
        self.shared.instance.remove_all();
    }
}

impl Client {
    /// Makes a call on behalf of a client thread, and gives back what it answered. Inside a callback of this service the
    /// call carries the service's own thread instead, and the delivery.
    pub fn call(&self, thread: ThreadId, user: UserId, job: Option<JobId>, call: &Call) -> (HResult, Out) {
        let handles = Handles::None;
        self.engine.call(Request { thread: Some(thread), user, job, call, handles, flaw: None })
    }

    /// SetNotifyInterface with an object that the client does not keep: the service drops it when no job has it registered and no
    /// callback of it runs. Until then it stands behind the receiver's id; an object that stands there already is taken instead.
    pub fn register(
        &self,
        thread: ThreadId,
        user: UserId,
        job: Option<JobId>,
        receiver: Receiver,
        object: Arc<dyn Callback>,
    ) -> (HResult, Out) {
        self.engine.lend_as(receiver.id, object);
        let call = Call::SetNotifyInterface { receiver: Some(receiver) };
        let answer = self.call(thread, user, job, &call);
        self.engine.give_back(receiver.id);
        answer
    }
}

impl<R: Runtime> std::fmt::Debug for Service<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("profile", &self.shared.config.profile.dialect)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

fn stragglers(places: impl Iterator<Item = Whereabouts>) -> Stragglers {
    let mut left = Stragglers::default();
    for place in places {
        match place {
            Whereabouts::Foreign(Role::Dispatcher) => left.callbacks += 1,
            Whereabouts::Foreign(Role::Worker) => left.transfers += 1,
            Whereabouts::Foreign(Role::Reaper) => left.programs += 1,
            Whereabouts::Service | Whereabouts::Ended => {}
        }
    }
    left
}
