//! How a service is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, OnceLock};

use contract::core::{Config, Core as _};
use contract::defect::Design;
use contract::event::{Recorder, Silent};
use contract::fault;

use super::Service;
use super::backends::{Disk, Fetch, Programs};
use super::chance;
use super::design::{self, Naive};
#[cfg(feature = "http")]
use super::http::HttpFetch;
use super::program::RealPrograms;
use super::real::RealDisk;
use super::refusal::{Hook, Refusal};
use super::registry::Registry;
use super::runtime::Runtime;
use super::shared::{Keep, Shared, State};
use super::threads::{Pool, Role};
use crate::core::Core;
use crate::store::Instance;
#[cfg(feature = "http")]
use crate::transfer::ClientConfig;

/// Transfers at once, whatever the core would allow: a bound on threads and memory.
const WORKERS: u32 = 64;
/// Callbacks at once, of all users together. At four per user it takes 64 users with nothing but blocked callbacks to use them up.
const DISPATCHERS: u32 = 256;

/// A service that has not started yet.
pub struct Builder<R: Runtime> {
    config: Config,
    runtime: R,
    recorder: Arc<dyn Recorder>,
    fetch: Option<Arc<dyn Fetch>>,
    disk: Arc<dyn Disk>,
    programs: Arc<dyn Programs>,
    clock_scale: u32,
    dispatchers: u32,
    workers: u32,
    keep: Keep,
    refusals: Option<Hook>,
    namespace: Option<u64>,
    instance: Option<Instance>,
    design: Design,
}

/// The service could not start.
#[derive(Debug, thiserror::Error)]
#[error("the service could not start")]
pub struct StartError(#[from] std::io::Error);

impl<R: Runtime> Builder<R> {
    pub(super) fn new(config: Config, runtime: R) -> Self {
        Builder {
            config,
            runtime,
            recorder: Arc::new(Silent),
            fetch: None,
            disk: Arc::new(RealDisk),
            programs: Arc::new(RealPrograms),
            clock_scale: 1,
            dispatchers: DISPATCHERS,
            workers: WORKERS,
            keep: Keep::default(),
            refusals: None,
            namespace: None,
            instance: None,
            design: Design::Barrier,
        }
    }

    /// Another threading library.
    #[must_use]
    pub fn runtime<S: Runtime>(self, runtime: S) -> Builder<S> {
        let Builder {
            config,
            recorder,
            fetch,
            disk,
            programs,
            clock_scale,
            dispatchers,
            workers,
            keep,
            refusals,
            namespace,
            instance,
            design,
            ..
        } = self;
        Builder {
            config,
            runtime,
            recorder,
            fetch,
            disk,
            programs,
            clock_scale,
            dispatchers,
            workers,
            keep,
            refusals,
            namespace,
            instance,
            design,
        }
    }

    /// Where to record what happens; nowhere by default.
    #[must_use]
    pub fn recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// How files are fetched; over HTTP by default, where that feature is on.
    #[must_use]
    pub fn fetch(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// What Complete and Cancel do to files; the file system by default.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// How notification programs are started; as processes by default.
    #[must_use]
    pub fn programs(mut self, programs: Arc<dyn Programs>) -> Self {
        self.programs = programs;
        self
    }

    /// Milliseconds of the service's time per millisecond of the clock; 1 by default, and at least.
    #[must_use]
    pub fn clock_scale(mut self, scale: u32) -> Self {
        self.clock_scale = scale.max(1);
        self
    }

    /// The most callbacks that run at once, of all users together; 256 by default. Fewer than four per user let one user
    /// stall another (R9), so this is for scopes that are to be explored.
    #[must_use]
    pub fn dispatchers(mut self, most: u32) -> Self {
        self.dispatchers = most;
        self
    }

    /// The most transfers that run at once, 64 by default, and at least 1. Each user whose jobs have no worker gets one beyond that, so that
    /// one user's slow servers never hold up another user. A worker takes a thread and about 0.4 MB.
    #[must_use]
    pub fn workers(mut self, most: u32) -> Self {
        self.workers = most;
        self
    }

    /// Whether the records of final jobs are kept.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The function that receives the reason why an argument was refused, for each call that answers E_INVALIDARG. It is called on
    /// the thread of the call, which it holds up; the code of the answer is all that the call itself gives back.
    ///
    /// ```
    /// # use engine::{Config, Dialect, service::Service};
    /// let builder = Service::builder(Config::of(Dialect::Bits.profile()));
    /// let builder = builder.refusals(|refusal| eprintln!("{refusal}"));
    /// ```
    #[must_use]
    pub fn refusals(mut self, hook: impl Fn(&Refusal) + Send + Sync + 'static) -> Self {
        self.refusals = Some(Box::new(hook));
        self
    }

    /// What the GUIDs of this service have in common; random by default, so that no other service has one of them. For runs that
    /// have to repeat.
    #[must_use]
    pub fn namespace(mut self, namespace: u64) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// The number in the names of the temporary files; a random one by default. No two services that live at one time may have
    /// one number, so this is for tests that have to know a name.
    #[must_use]
    pub fn instance(mut self, instance: Instance) -> Self {
        self.instance = Some(instance);
        self
    }

    /// What stands in the place of the barrier. Anything but [`Design::Barrier`] is wrong, and here to be found out.
    ///
    /// # Panics
    /// The service has no such design.
    #[cfg(feature = "designs")]
    #[must_use]
    pub fn design(mut self, design: Design) -> Self {
        assert!(
            design.defect().is_in(contract::defect::Place::Service),
            "the service has no design {design}"
        );
        self.design = design;
        self
    }

    /// Starts the service.
    ///
    /// # Errors
    /// The system has no thread to give, or nothing was given that fetches files and there is no default.
    pub fn start(mut self) -> Result<Service<R>, StartError> {
        if self.fetch.is_none() {
            self.fetch = default_fetch();
        }
        let Some(fetch) = self.fetch.take() else {
            return Err(std::io::Error::other("nothing was given that fetches files").into());
        };
        let dispatchers = self.dispatchers;
        let shared = Arc::new_cyclic(|myself| self.share(fetch, myself.clone()));
        // From here on a failure drops the service, which stops the threads that did start.
        let service = Service { shared: Arc::clone(&shared) };
        let first = if fault!(shared, PoolStaysSmall) { 1 } else { dispatchers.clamp(1, 2) };
        for _ in 0..first {
            shared.spawn(Role::Dispatcher, |shared, thread| shared.dispatch(thread))?;
        }
        shared.spawn(Role::Worker, |shared, thread| shared.work(thread))?;
        let ticking = Arc::clone(&shared);
        let timer = shared.runtime.timer(move || ticking.tick())?;
        // Set once, here. No client has the service yet, so no deadline was set before there was a timer to rearm.
        let _ = shared.timer.set(timer);
        Ok(service)
    }

    fn share(self, fetch: Arc<dyn Fetch>, myself: std::sync::Weak<Shared<R>>) -> Shared<R> {
        let runtime = self.runtime;
        let naive = Naive::new(self.config.callback_slots);
        let state = State {
            core: Core::new(&design::config(self.design, self.config)),
            naive,
            unpublished: false,
            armed: None,
            fetching: BTreeSet::new(),
            held: BTreeMap::new(),
            unheld: BTreeSet::new(),
            gone: Vec::new(),
            expired: Vec::new(),
            dispatchers: Pool::dispatchers(self.dispatchers),
            workers: Pool::workers(self.workers),
            serving: BTreeMap::new(),
            slots: BTreeMap::new(),
            next_slot: 0,
        };
        Shared {
            registry: runtime.mutex(Registry::new()),
            state: runtime.mutex(state),
            deliveries: runtime.condvar(),
            transfers: runtime.condvar(),
            progress: runtime.condvar(),
            runtime,
            config: self.config,
            recorder: self.recorder,
            fetch,
            disk: self.disk,
            programs: self.programs,
            keep: self.keep,
            refusals: self.refusals,
            namespace: self.namespace.unwrap_or_else(chance::number),
            instance: self.instance.unwrap_or_else(|| Instance(chance::number())),
            clock_scale: self.clock_scale,
            myself,
            timer: OnceLock::new(),
            next_call: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            #[cfg(feature = "designs")]
            design: self.design,
        }
    }
}

#[cfg(feature = "http")]
fn default_fetch() -> Option<Arc<dyn Fetch>> {
    Some(Arc::new(HttpFetch::new(ClientConfig::default())))
}

#[cfg(not(feature = "http"))]
fn default_fetch() -> Option<Arc<dyn Fetch>> {
    None
}

impl<R: Runtime> std::fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("dialect", &self.config.profile.dialect).finish_non_exhaustive()
    }
}
