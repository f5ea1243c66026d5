//! The path of an API call: record, take effect under the lock, wait, return (contract section 4, clauses 3, 4 and 7).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::core::{Answer, Config, Core as _, DiskOutcome, DiskWork, Then};
use contract::defect::Design;
use contract::event::Caller;
use contract::{
    Call, CallId, DiskAct, EnvStep, EventView, FileId, HResult, JobId, JobState, Out, ReceiverId, ThreadId,
    UserId, fault,
};

use super::backends::Place;
use super::callback::Callback;
use super::design::Waited;
use super::guid::Guid;
use super::refusal::{self, Refusal};
use super::runtime::{Inside, Point, Runtime, Waiting};
use super::shared::{Forgotten, Guard, Shared, State, Wake};

/// What a call made after shutdown answers, and one that shutdown overtakes: the service is not there (facts D3).
/// Neither is recorded as returned, since nothing shows whether it took effect.
const GONE: HResult = HResult::RPC_S_SERVER_UNAVAILABLE;

/// The service as its client objects see it, without the type of its runtime.
pub(super) trait Engine: Send + Sync {
    /// Makes a call on the current thread's behalf. [`Request::thread`] is read only outside of callbacks.
    fn call(&self, request: Request<'_>) -> (HResult, Out);
    /// A client's last handle of a job is gone.
    fn let_go(&self, job: JobId);
    /// See `Registry::lend`.
    fn lend(&self, object: &Arc<dyn Callback>) -> ReceiverId;
    /// See `Registry::lend_as`.
    fn lend_as(&self, receiver: ReceiverId, object: Arc<dyn Callback>);
    /// See `Registry::give_back`.
    fn give_back(&self, receiver: ReceiverId);
    /// See `Registry::get`.
    fn receiver(&self, receiver: ReceiverId) -> Option<Arc<dyn Callback>>;
    /// The dialect, and the fault it has in a build that can have one.
    fn config(&self) -> &Config;
    /// The GUID of a job.
    fn guid(&self, job: JobId) -> Guid;
    /// The state of a job, without a call.
    fn look_at(&self, job: JobId) -> Seen;
    /// The job with this GUID. An id that no job has when no job can have this GUID.
    fn job_of(&self, guid: Guid) -> JobId;
}

/// What [`Engine::look_at`] sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// The job's state.
    State(JobState),
    /// There is no such job any more, or no service.
    Nothing,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The client thread; none for the current one. Inside a callback it is the service's thread, whatever stands here.
    pub(super) thread: Option<ThreadId>,
    pub(super) user: UserId,
    pub(super) job: Option<JobId>,
    pub(super) call: &'a Call,
    pub(super) handles: Handles,
    /// What is wrong with an argument, where the call itself does not show it.
    pub(super) flaw: Option<&'static str>,
}

/// Whether jobs in the answer become handles, each of which [`Engine::let_go`] ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handles {
    /// They do.
    Made,
    /// They stay ids.
    None,
}

/// What a call needs from a scheduling point on, of all that it has read ([`Runtime::carries`]): where it stands, beside the value.
#[derive(Clone, Copy, Hash, Debug)]
pub(super) enum Carried {
    /// It has found its job finalising, and will be made again: nothing.
    Nothing,
    /// Its disk work.
    Work,
    /// How that went.
    Outcome,
    /// For which delivery it waits, and its answer.
    Wait,
    /// Its answer.
    Answer,
}

impl<R: Runtime> Engine for Shared<R> {
    fn call(&self, request: Request<'_>) -> (HResult, Out) {
        if self.is_stopping() {
            return (GONE, Out::None);
        }
        let inside = self.runtime.inside().filter(|inside| inside.service == self.identity());
        let id = CallId(self.next_call.fetch_add(1, Ordering::Relaxed));
        self.record_call(id, inside, &request);
        self.point(Point::Called);
        let Some(answer) = self.carry_out(id, inside, &request) else { return (GONE, Out::None) };
        self.runtime.carries(&(Carried::Answer, answer.hr, &answer.out));
        self.point(Point::Returning);
        let job = match answer.out {
            Out::Job(made) if request.job.is_none() => Some(made),
            _ => request.job,
        };
        let (hr, out) = (answer.hr, &answer.out);
        self.recorder.record(EventView::Return { id, job, call: request.call, hr, out });
        if hr == HResult::E_INVALIDARG
            && let Some(hook) = &self.refusals
            && !fault!(self, RefusalUnheard)
        {
            let reason = request.flaw.unwrap_or_else(|| refusal::reason(request.call));
            let method = request.call.method();
            hook(&Refusal { user: request.user, job: request.job, method, hr, reason });
        }
        (answer.hr, answer.out)
    }

    fn let_go(&self, job: JobId) {
        let keep = self.keep;
        if fault!(self, LocksInverted) {
            let registry = self.runtime.lock(&self.registry);
            let _ = self.runtime.lock(&self.state).let_go(job, keep);
            drop(registry);
            return;
        }
        let forgotten = self.runtime.lock(&self.state).let_go(job, keep);
        if forgotten == Forgotten::Yes {
            let dropped = self.runtime.lock(&self.registry).bind(job, None);
            drop(dropped);
        }
    }

    fn lend(&self, object: &Arc<dyn Callback>) -> ReceiverId {
        self.runtime.lock(&self.registry).lend(object)
    }

    fn lend_as(&self, receiver: ReceiverId, object: Arc<dyn Callback>) {
        let dropped = self.runtime.lock(&self.registry).lend_as(receiver, object);
        drop(dropped);
    }

    fn give_back(&self, receiver: ReceiverId) {
        let dropped = self.runtime.lock(&self.registry).give_back(receiver);
        drop(dropped);
    }

    fn receiver(&self, receiver: ReceiverId) -> Option<Arc<dyn Callback>> {
        self.runtime.lock(&self.registry).get(receiver)
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn guid(&self, job: JobId) -> Guid {
        Guid::of(self.namespace, job)
    }

    fn look_at(&self, job: JobId) -> Seen {
        if self.is_stopping() {
            return Seen::Nothing;
        }
        let state = self.runtime.lock(&self.state).core.state(job);
        state.map_or(Seen::Nothing, Seen::State)
    }

    fn job_of(&self, guid: Guid) -> JobId {
        let anybodys = || fault!(self, ForeignIdFound).then_some(JobId(guid.0 as u32));
        guid.job(self.namespace).or_else(anybodys).unwrap_or(JobId(u32::MAX))
    }
}

impl<R: Runtime> Shared<R> {
    fn record_call(&self, id: CallId, inside: Option<Inside>, request: &Request<'_>) {
        let own_thread = || request.thread.unwrap_or_else(|| self.runtime.thread());
        let caller = Caller {
            thread: inside.map_or_else(own_thread, |inside| inside.thread),
            user: request.user,
            inside: inside.map(|inside| inside.delivery),
        };
        self.recorder.record(EventView::Call { id, caller, job: request.job, call: request.call });
    }

    /// Everything between `call` and `return`. Nothing when shutdown came first.
    fn carry_out(&self, id: CallId, inside: Option<Inside>, request: &Request<'_>) -> Option<Answer> {
        let nothing_begun = fault!(self, BegunReadBeforeLock) && self.nothing_begun(request);
        let mut state = self.enter();
        if fault!(self, LockKept) && *request.call == Call::Cancel {
            std::mem::forget(state);
            return None;
        }
        if fault!(self, GetterWaits) && *request.call == Call::GetState {
            while request.job.is_some_and(|job| state.core.begun(job).is_some()) && !self.is_stopping() {
                state = self.runtime.wait(&self.progress, state);
            }
        }
        let elsewhere = |state: &State<R>, delivery| {
            request.job.is_none_or(|job| state.core.begun(job) != Some(delivery))
        };
        if let Some(inside) = inside
            && !(fault!(self, CalledOnOwnJobOnly) && elsewhere(&state, inside.delivery))
        {
            // Clause 4: the delivery has provably entered. Before the call's effect, and before anything that may wait.
            state.core.handle_delivery_called(inside.delivery);
            self.publish(&mut state, None, Wake::All);
        }
        let (mut state, mut answer) = self.take_effect(state, id, request)?;
        if answer.then == Then::Disk
            && let Some(job) = request.job
        {
            (state, answer) = self.use_disk(state, id, job);
        }
        if self.design() != Design::Barrier {
            let waited = self.wait_naively(state, inside, request, &answer);
            return (waited == Waited::ToTheEnd).then_some(answer);
        }
        if let Then::Wait(delivery) = answer.then
            && !nothing_begun
        {
            self.runtime.waiting(Waiting::Barrier);
            if let Some(job) = request.job.filter(|_| !state.core.is_released(delivery)) {
                self.recorder.record(EventView::Wait { id, job, delivery });
            }
            while fault!(self, WaitsBusily) && !state.core.is_released(delivery) {
                std::hint::spin_loop();
            }
            // Clause 3: until that delivery has left or called, never for a later one. The predicate names its id.
            while !state.core.is_released(delivery) {
                if fault!(self, BusyAtBarrier) {
                    std::hint::spin_loop();
                    continue;
                }
                if self.is_stopping() {
                    return None;
                }
                self.runtime.carries(&(Carried::Wait, delivery, answer.hr, &answer.out));
                state = self.runtime.wait(&self.progress, state);
                if fault!(self, WaitEndsAtAnyWake) {
                    break;
                }
            }
        }
        Some(answer)
    }

    /// What the fault reads too early: whether there is anything that a new mask could have to wait for.
    fn nothing_begun(&self, request: &Request<'_>) -> bool {
        let masks = matches!(request.call, Call::SetNotifyFlags { .. });
        let begun = masks && request.job.is_some_and(|job| self.enter().core.begun(job).is_some());
        self.point(Point::Called);
        masks && !begun
    }

    /// Clause 3: the effect, under the lock. A job that another call is ending is waited for first (the last
    /// paragraph of section 4), which takes as long as the disk and no longer.
    fn take_effect<'a>(
        &'a self,
        mut state: Guard<'a, R>,
        id: CallId,
        request: &Request<'_>,
    ) -> Option<(Guard<'a, R>, Answer)> {
        loop {
            if self.is_stopping() {
                return None;
            }
            let answer = state.core.call(request.user, request.job, request.call);
            if answer.then != Then::Busy || fault!(self, BusyIsSuccess) {
                let dropped = self.note_answer(&mut state, request, &answer);
                let dropped = dropped.filter(|object| {
                    let kept = fault!(self, ReplacedObjectKept);
                    if kept {
                        std::mem::forget(Arc::clone(object));
                    }
                    !kept
                });
                self.publish(&mut state, Some(id), Wake::All);
                if fault!(self, DroppedUnderLock) {
                    drop(dropped);
                } else if dropped.is_some() {
                    // The client's destructor may call the engine, so it runs without the lock.
                    drop(state);
                    drop(dropped);
                    state = self.enter();
                }
                return Some((state, answer));
            }
            self.publish(&mut state, Some(id), Wake::All);
            self.runtime.waiting(Waiting::Disk);
            let finalising = |state: &State<R>| request.job.is_some_and(|job| state.core.is_finalising(job));
            while finalising(&state) && !self.is_stopping() {
                // The fault carries what it read too early.
                if !fault!(self, BegunReadBeforeLock) {
                    self.runtime.carries(&Carried::Nothing);
                }
                state = self.runtime.wait(&self.progress, state);
            }
            self.pass_time(&mut state);
        }
    }

    /// Keeps handles and receivers in step with the core, in the critical section in which it answers.
    fn note_answer(
        &self,
        state: &mut State<R>,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Option<Arc<dyn Callback>> {
        if !answer.hr.succeeded() {
            return None;
        }
        match (&answer.out, request.handles) {
            (Out::Job(job), Handles::Made) => state.hold(*job),
            (Out::Jobs(jobs), Handles::Made) => jobs.iter().for_each(|job| state.hold(*job)),
            _ => {}
        }
        match (request.call, request.job) {
            (Call::SetNotifyInterface { receiver }, Some(job)) => {
                self.runtime.lock(&self.registry).bind(job, *receiver)
            }
            _ => None,
        }
    }

    /// The disk work of Complete and Cancel, without the lock.
    fn use_disk<'a>(&'a self, state: Guard<'a, R>, id: CallId, job: JobId) -> (Guard<'a, R>, Answer) {
        let work: Vec<(DiskWork, Place)> = state
            .core
            .disk_work(job)
            .into_iter()
            .filter_map(|work| Some((work, self.place(&state, job, file_of(work))?)))
            .collect();
        drop(state);
        self.runtime.carries(&(Carried::Work, &work));
        self.point(Point::DiskBegun);
        let outcome = self.work_on_disk(&work);
        self.runtime.carries(&(Carried::Outcome, &outcome));
        self.point(Point::DiskDone);
        let mut state = self.enter();
        let answer = state.core.handle_disk(job, &outcome);
        self.publish(&mut state, Some(id), Wake::All);
        (state, answer)
    }

    /// In order; stops at the first rename that fails, so that nothing is removed then.
    fn work_on_disk(&self, work: &[(DiskWork, Place)]) -> DiskOutcome {
        let mut outcome = DiskOutcome::default();
        for (work, place) in work {
            match work {
                DiskWork::Rename(file) => match self.disk.rename(place) {
                    Ok(()) => self.record_disk(place, DiskAct::Renamed),
                    Err(_) if fault!(self, HiddenRenameFailure) => {}
                    Err(hr) => {
                        self.record_disk(place, DiskAct::RenameFailed);
                        outcome.rename_failed = Some((*file, hr));
                        if fault!(self, RenamesGoOn) {
                            continue;
                        }
                        return outcome;
                    }
                },
                DiskWork::Remove(_) => match self.disk.remove(place) {
                    Ok(()) => self.record_disk(place, DiskAct::Removed),
                    Err(_) => {
                        self.record_disk(place, DiskAct::RemoveFailed);
                        outcome.left_behind += 1;
                    }
                },
            }
        }
        outcome
    }

    fn record_disk(&self, place: &Place, act: DiskAct) {
        let step = EnvStep::Disk { act };
        self.recorder.record(EventView::Env { step, job: Some(place.job), file: Some(place.file) });
    }

    pub(super) fn place(&self, state: &State<R>, job: JobId, file: FileId) -> Option<Place> {
        Some(Place { instance: self.instance, job, file, local: state.core.local(job, file)?.to_owned() })
    }
}

fn file_of(work: DiskWork) -> FileId {
    match work {
        DiskWork::Rename(file) | DiskWork::Remove(file) => file,
    }
}
