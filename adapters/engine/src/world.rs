//! One service from a reset to the next, and bgcheck's numbers for what it counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use adapter::serve::Callbacks;
use adapter::wire::{NetworkMove, WireOut};
use contract::core::{Config, Core as _};
use contract::event::Recorder;
use contract::{Call, HResult, JobId, JobState, Out, Receiver, ReceiverId, ThreadId, UserId};
use engine::service::{Callback, Client, Disk, HttpFetch, Keep, Programs, Service, StartError};
use engine::transfer::ClientConfig;

use crate::clock::{Pace, Paced};
use crate::disk::OrderedDisk;
use crate::objects::Listener;
use crate::programs::{Notes, Scripted};

/// How long a reset waits for threads in callbacks and transfers.
const SHUTDOWN: Duration = Duration::from_secs(1);
/// How long the clock waits for the service to rest. A transfer that stalls holds it up for so long; a busy machine needs some of it.
const RESTING: Duration = Duration::from_secs(2);

/// A service and its numbers.
pub(crate) struct World {
    callbacks: Callbacks,
    service: Service<Paced>,
    client: Client,
    runtime: Paced,
    disk: Arc<OrderedDisk>,
    numbers: Mutex<Numbers>,
}

/// What every service of the process is started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) http: ClientConfig,
    pub(crate) pace: Pace,
}

#[derive(Default)]
struct Numbers {
    /// bgcheck's number of a job.
    jobs: BTreeMap<JobId, u32>,
    /// Whose it is.
    owners: BTreeMap<JobId, UserId>,
    /// The service's number of an object, by job and number of bgcheck's. An object that is registered again keeps its number.
    receivers: BTreeMap<(u32, u32), ReceiverId>,
}

impl World {
    pub(crate) fn start(setup: &Setup, callbacks: &Callbacks) -> Result<Arc<World>, StartError> {
        let runtime = Paced::new(setup.pace);
        let disk = Arc::<OrderedDisk>::default();
        let programs = Arc::new(Scripted { callbacks: callbacks.clone(), world: OnceLock::new() });
        let service = Service::builder(setup.config)
            .runtime(runtime.clone())
            .recorder(Arc::new(Notes) as Arc<dyn Recorder>)
            .fetch(Arc::new(HttpFetch::new(setup.http.clone())))
            .disk(Arc::clone(&disk) as Arc<dyn Disk>)
            .programs(Arc::clone(&programs) as Arc<dyn Programs>)
            .keep(Keep::ForGood)
            .start()?;
        let client = service.client();
        let (callbacks, numbers) = (callbacks.clone(), Mutex::default());
        let world = Arc::new(World { callbacks, service, client, runtime, disk, numbers });
        // Set once, before anything can start a program.
        let _ = programs.world.set(Arc::downgrade(&world));
        Ok(world)
    }

    /// CreateJob, for a job with this number.
    pub(crate) fn create(
        &self,
        (thread, user): (ThreadId, UserId),
        number: u32,
        call: &Call,
    ) -> (HResult, Option<JobId>) {
        let (hr, out) = self.client.call(thread, user, None, call);
        match out {
            Out::Job(job) => {
                let mut numbers = self.numbers();
                numbers.jobs.insert(job, number);
                numbers.owners.insert(job, user);
                (hr, Some(job))
            }
            _ => (hr, None),
        }
    }

    /// Every other call. `job` is the service's number and bgcheck's.
    pub(crate) fn call(
        self: &Arc<Self>,
        caller: (ThreadId, UserId),
        job: Option<(JobId, u32)>,
        call: &Call,
    ) -> (HResult, Option<WireOut>) {
        let id = job.map(|(id, _)| id);
        let (thread, user) = caller;
        let (hr, out) = match (call, job) {
            (Call::SetNotifyInterface { receiver: Some(receiver) }, Some((id, number))) => {
                self.register(caller, (id, number), *receiver)
            }
            (Call::Complete | Call::Cancel, Some((id, _))) => {
                self.disk.begins(id);
                let answer = self.client.call(thread, user, Some(id), call);
                self.disk.ends(id);
                answer
            }
            _ => self.client.call(thread, user, id, call),
        };
        (hr, self.out(&out))
    }

    fn register(
        self: &Arc<Self>,
        (thread, user): (ThreadId, UserId),
        (id, number): (JobId, u32),
        receiver: Receiver,
    ) -> (HResult, Out) {
        let object = Arc::new(Listener {
            callbacks: self.callbacks.clone(),
            world: Arc::downgrade(self),
            job: number,
            receiver: receiver.id.0,
            interfaces: receiver.interfaces,
        });
        let own = self.receiver_for(number, receiver.id.0);
        let receiver = Receiver { id: own, ..receiver };
        self.client.register(thread, user, Some(id), receiver, object as Arc<dyn Callback>)
    }

    /// The state of a job, without a call.
    pub(crate) fn state(&self, job: JobId) -> Option<JobState> {
        self.service.inspect(|core| core.state(job))
    }

    /// bgcheck's number of a job.
    pub(crate) fn number(&self, job: JobId) -> Option<u32> {
        self.numbers().jobs.get(&job).copied()
    }

    /// Whose a job is.
    pub(crate) fn owner(&self, job: JobId) -> UserId {
        self.numbers().owners.get(&job).copied().unwrap_or(UserId(0))
    }

    pub(crate) fn network(&self, network: NetworkMove) {
        match network {
            NetworkMove::Lost => self.service.network_lost(),
            NetworkMove::Back => self.service.network_back(),
        }
    }

    pub(crate) fn logoff(&self, user: UserId) {
        self.service.logoff(user);
    }

    pub(crate) fn disk(&self) -> &OrderedDisk {
        &self.disk
    }

    /// Moves the clock, and returns whether it can be moved.
    pub(crate) fn advance(&self, ms: u64) -> Pace {
        let pace = self.runtime.pace();
        if pace == Pace::Held {
            self.rest();
            self.runtime.advance(ms);
            self.service.tick();
        }
        pace
    }

    /// Waits until the service has nothing to do before time moves: a callback is reported as left a little before the service sets the time of
    /// its retry. Callbacks that are held stay where they are.
    fn rest(&self) {
        let jobs: Vec<JobId> = self.numbers().jobs.keys().copied().collect();
        let until = Instant::now() + RESTING;
        let rests = || {
            self.service.inspect(|core| {
                self.runtime.busy() <= self.callbacks.staying()
                    && !core.wants_transfer()
                    && !jobs.iter().any(|job| core.transfer(*job).is_some() || core.is_ready(*job))
            })
        };
        while !rests() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Cancels every job and stops the service. bgcheck's numbers of the jobs that are left.
    pub(crate) fn end(&self) -> Vec<u32> {
        let jobs = self.numbers().jobs.clone();
        let open = |job: JobId| self.state(job).is_some_and(|state| !state.is_final());
        for job in jobs.keys().copied().filter(|job| open(*job)) {
            let _ = self.client.call(ThreadId(0), self.owner(job), Some(job), &Call::Cancel);
        }
        let left = jobs.iter().filter(|(job, _)| open(**job)).map(|(_, number)| *number).collect();
        let until = Instant::now() + SHUTDOWN;
        while !self.service.shutdown().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        left
    }

    /// With bgcheck's numbers. What has none is not known here, and so the whole answer is not.
    fn out(&self, out: &Out) -> Option<WireOut> {
        let numbers = self.numbers();
        let job = |job: &JobId| numbers.jobs.get(job).copied();
        match out {
            Out::Job(id) => job(id).map(WireOut::Job),
            Out::Jobs(ids) => ids.iter().map(job).collect::<Option<_>>().map(WireOut::Jobs),
            Out::Receiver(Some(own)) => {
                let mut known = numbers.receivers.iter();
                known.find(|(_, id)| *id == own).map(|((_, receiver), _)| WireOut::Receiver(Some(*receiver)))
            }
            other => WireOut::of(other),
        }
    }

    fn receiver_for(&self, job: u32, receiver: u32) -> ReceiverId {
        let receivers = &mut self.numbers().receivers;
        // Far fewer registrations than numbers: each has two numbers of bgcheck's.
        let next = ReceiverId(u32::try_from(receivers.len()).unwrap_or(u32::MAX));
        *receivers.entry((job, receiver)).or_insert(next)
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
