//! The service as a subject of the protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter::serve::{Answer, Callbacks, Caller, Refusal, Subject};
use adapter::wire::{ClockMove, DiskOrder, NetworkMove, WireOut};
use contract::{Call, HResult, JobId, JobState, ThreadId, UserId};
use engine::service::StartError;

use crate::clock::Pace;
use crate::world::{Setup, World};

/// Who calls where no user is named.
const FIRST: UserId = UserId(0);

/// Our engine. A reset starts a new service.
pub(crate) struct Engine {
    setup: Setup,
    callbacks: Callbacks,
    state: Mutex<State>,
}

struct State {
    world: Arc<World>,
    /// Where each of bgcheck's jobs is.
    jobs: BTreeMap<u32, Place>,
}

/// Where a job is.
#[derive(Clone)]
enum Place {
    In(Arc<World>, JobId),
    /// It was in a service that was reset. A callback that was inside then may still call.
    Gone,
}

impl Engine {
    pub(crate) fn start(setup: Setup, callbacks: Callbacks) -> Result<Engine, StartError> {
        let world = World::start(&setup, &callbacks)?;
        let state = Mutex::new(State { world, jobs: BTreeMap::new() });
        Ok(Engine { setup, callbacks, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose a job is: callbacks call as its owner.
    fn owner(&self, number: u32) -> UserId {
        match self.state().jobs.get(&number) {
            Some(Place::In(world, id)) => world.owner(*id),
            Some(Place::Gone) | None => FIRST,
        }
    }

    fn place(&self, number: u32) -> Result<Place, Refusal> {
        let found = self.state().jobs.get(&number).cloned();
        found.ok_or_else(|| Refusal::errored(format!("there is no job {number}")))
    }

    fn create(
        &self,
        caller: (ThreadId, UserId),
        number: Option<u32>,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        let Some(number) = number else {
            return Err(Refusal::errored("CreateJob needs `job`, the number of the new job"));
        };
        let world = Arc::clone(&self.state().world);
        let (hr, made) = world.create(caller, number, call);
        if let Some(job) = made {
            self.state().jobs.insert(number, Place::In(world, job));
        }
        Ok(Answer { hr, out: made.map(|_| WireOut::Job(number)) })
    }
}

impl Subject for Engine {
    fn call(&self, caller: Caller, job: Option<u32>, call: &Call) -> Result<Answer, Refusal> {
        let caller = match caller {
            Caller::Thread(thread) => (ThreadId(thread), FIRST),
            Caller::User { thread, user } => (ThreadId(thread), UserId(user)),
            // The service identifies by the thread that the call comes from inside. The owner of the job is recorded here.
            Caller::Inside(_) => (ThreadId(0), job.map_or(FIRST, |job| self.owner(job))),
        };
        match (call, job) {
            (Call::Other { method, .. }, _) => {
                Err(Refusal::unimplemented(format!("there is no method {method}")))
            }
            (Call::CreateJob { .. }, _) => self.create(caller, job, call),
            (_, Some(number)) => match self.place(number)? {
                Place::In(world, id) => {
                    let (hr, out) = world.call(caller, Some((id, number)), call);
                    Ok(Answer { hr, out })
                }
                Place::Gone => Ok(Answer::of(HResult::RPC_S_SERVER_UNAVAILABLE)),
            },
            (_, None) => {
                let world = Arc::clone(&self.state().world);
                let (hr, out) = world.call(caller, None, call);
                Ok(Answer { hr, out })
            }
        }
    }

    fn poll(&self, job: u32) -> Result<Option<JobState>, Refusal> {
        match self.state().jobs.get(&job) {
            Some(Place::In(world, id)) => Ok(world.state(*id)),
            Some(Place::Gone) | None => Ok(None),
        }
    }

    fn reset(&self) -> Result<Vec<u32>, Refusal> {
        let before = Arc::clone(&self.state().world);
        let left = before.end();
        let started = World::start(&self.setup, &self.callbacks);
        let world = started.map_err(|error| Refusal::errored(error.to_string()))?;
        let mut state = self.state();
        state.world = world;
        state.jobs.values_mut().for_each(|place| *place = Place::Gone);
        Ok(left)
    }

    fn clock(&self, clock: ClockMove) -> Result<(), Refusal> {
        let world = Arc::clone(&self.state().world);
        match world.advance(clock.advance_ms) {
            Pace::Held => Ok(()),
            Pace::Real => Err(Refusal::unimplemented("time is real without `--held-clock`")),
        }
    }

    fn network(&self, network: NetworkMove) -> Result<(), Refusal> {
        let world = Arc::clone(&self.state().world);
        world.network(network);
        Ok(())
    }

    fn logoff(&self, user: u32) -> Result<(), Refusal> {
        let world = Arc::clone(&self.state().world);
        world.logoff(UserId(user));
        Ok(())
    }

    fn disk(&self, order: DiskOrder) -> Result<(), Refusal> {
        self.state().world.disk().order(order);
        Ok(())
    }

    fn end(&self) {
        let world = Arc::clone(&self.state().world);
        let _ = world.end();
    }
}
