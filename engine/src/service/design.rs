//! The designs of contract section 4 in the service: the barrier, and what was tried before it and is wrong.
//!
//! **What it is.** What a [`Design`] does between claim and enter, and at the return of a call that forbids a delivery. The service is
//! built with [`Design::Barrier`]; with the feature `designs` another one may be chosen when it starts, so that a hunter of
//! races can prove on the real service that it would have found each of them.
//!
//! **What it is not.** A choice. Without the feature the design is a constant, and the compiler leaves nothing of this module.

use contract::core::{Answer, Config, Core as _, Delivery, Then};
use contract::defect::Design;
use contract::event::{Leave, Target};
use contract::{Call, DeliveryId, Event, HResult, JobId, JobState, NotifyFlags, ThreadId, UserId};

use super::calls::{Carried, Request};
use super::dispatcher::Told;
use super::runtime::{Inside, Runtime, Waiting};
use super::shared::{Guard, Shared, State, Wake};

/// The core never begins more deliveries than there are slots, so a design that does begin them takes the slots away
/// from the core.
pub(super) const fn config(design: Design, config: Config) -> Config {
    match design {
        Design::BeginBeforeSlot => Config { callback_slots: u32::MAX, ..config },
        _ => config,
    }
}

/// What the naive designs remember. Nothing is ever in it with the barrier.
#[derive(Hash, Debug)]
pub(super) struct Naive {
    slots: u32,
    /// Claimed and not left.
    begun: Vec<Delivery>,
    /// Those of them whose gate is shut.
    shut: Vec<DeliveryId>,
    /// Those of them that hold a slot, where the core does not count.
    running: Vec<DeliveryId>,
    /// The masks that were set.
    masks: Vec<(JobId, NotifyFlags)>,
}

impl Naive {
    pub(super) const fn new(slots: u32) -> Naive {
        Naive { slots, begun: Vec::new(), shut: Vec::new(), running: Vec::new(), masks: Vec::new() }
    }

    pub(super) fn begun(&mut self, delivery: Delivery) {
        self.begun.push(delivery);
    }

    pub(super) fn left(&mut self, delivery: DeliveryId) {
        self.begun.retain(|begun| begun.id != delivery);
        self.shut.retain(|shut| *shut != delivery);
        self.running.retain(|running| *running != delivery);
    }

    fn is_full(&self, user: UserId) -> bool {
        let of_user = |running: &&Delivery| running.user == user && self.running.contains(&running.id);
        self.begun.iter().filter(of_user).count() as u32 >= self.slots
    }

    /// Notes a mask, and returns the one before.
    fn set_mask(&mut self, job: JobId, mask: NotifyFlags) -> NotifyFlags {
        match self.masks.iter_mut().find(|(known, _)| *known == job) {
            Some((_, known)) => std::mem::replace(known, mask),
            None => {
                self.masks.push((job, mask));
                NotifyFlags::DEFAULT
            }
        }
    }
}

/// Whether shutdown came first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Waited {
    /// It did not: the wait is over, or there was none.
    ToTheEnd,
    /// It did.
    UntilShutdown,
}

impl<R: Runtime> Shared<R> {
    /// What a naive design does in the place of clause 3's wait.
    pub(super) fn wait_naively(
        &self,
        mut state: Guard<'_, R>,
        inside: Option<Inside>,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Waited {
        let Some(delivery) = self.waits_for(&mut state, inside, request, answer) else {
            return Waited::ToTheEnd;
        };
        self.runtime.waiting(Waiting::Barrier);
        while self.still_waits(&state, request.job, delivery) {
            if self.is_stopping() {
                return Waited::UntilShutdown;
            }
            self.runtime.carries(&(Carried::Wait, delivery, answer.hr, &answer.out));
            state = self.runtime.wait(&self.progress, state);
        }
        Waited::ToTheEnd
    }

    /// What a naive design does between claim and enter. Gives the arguments back when the client is to be called.
    pub(super) fn pass_gate(&self, me: ThreadId, delivery: Delivery, told: Box<Told>) -> Option<Box<Told>> {
        let mut state = match self.design() {
            Design::Recheck | Design::GateNoWait | Design::BeginBeforeSlot => self.enter(),
            _ => return Some(told),
        };
        while self.design() == Design::BeginBeforeSlot && state.naive.is_full(delivery.user) {
            if self.is_stopping() {
                break;
            }
            state = self.runtime.wait(&self.progress, state);
        }
        state.naive.running.push(delivery.id);
        let shut = match self.design() {
            Design::Recheck => !matches_state(&state, delivery),
            _ => state.naive.shut.contains(&delivery.id),
        };
        drop(state);
        if shut {
            drop(told);
            self.leave(me, delivery, Leave::Returned(HResult::CO_E_OBJNOTCONNECTED));
            return None;
        }
        Some(told)
    }

    fn waits_for(
        &self,
        state: &mut State<R>,
        inside: Option<Inside>,
        request: &Request<'_>,
        answer: &Answer,
    ) -> Option<DeliveryId> {
        let job = request.job.filter(|_| answer.hr.succeeded())?;
        let old_mask = match request.call {
            Call::SetNotifyFlags { flags } => {
                Some(state.naive.set_mask(job, NotifyFlags::from_bits_truncate(*flags)))
            }
            _ => None,
        };
        let as_the_barrier = match answer.then {
            Then::Wait(delivery) => Some(delivery),
            _ => None,
        };
        let begun = state.naive.begun.iter().find(|begun| begun.job == job).copied();
        let forbidden = begun.filter(|begun| self.forbids(state, request.call, begun));
        let own = inside.map(|inside| inside.delivery);
        match self.design() {
            Design::ClaimThenCall | Design::Recheck => None,
            Design::GateNoWait => {
                state.naive.shut.extend(forbidden.map(|begun| begun.id));
                None
            }
            Design::GateAndWait => forbidden.map(|begun| begun.id),
            Design::WaitUnlessOwn => forbidden.map(|begun| begun.id).filter(|begun| own != Some(*begun)),
            Design::WaitUnlessAny => forbidden.map(|begun| begun.id).filter(|_| own.is_none()),
            Design::NothingNew => {
                let masked = |begun: Delivery| {
                    old_mask.is_some_and(|mask| !self.config.profile.unmasked(mask, begun.event).is_yes())
                };
                as_the_barrier.filter(|_| !begun.is_some_and(masked))
            }
            Design::ResumeNoWait => as_the_barrier.filter(|_| *request.call != Call::Resume),
            Design::Barrier | Design::BeginBeforeSlot | Design::WaitAnyRunning => as_the_barrier,
            // The builder refuses them: they are the core's affair.
            Design::ClaimBeforeSlot | Design::ExpireAnyway => as_the_barrier,
        }
    }

    /// As the core decides, but also of a delivery that has called the engine.
    fn forbids(&self, state: &State<R>, call: &Call, begun: &Delivery) -> bool {
        match call {
            Call::Cancel | Call::Complete => true,
            Call::SetNotifyInterface { .. } => matches!(begun.target, Target::Interface(_)),
            Call::SetNotifyCmdLine { .. } => begun.target == Target::CommandLine,
            Call::SetNotifyFlags { flags } => {
                let mask = NotifyFlags::from_bits_truncate(*flags);
                !self.config.profile.unmasked(mask, begun.event).is_yes()
            }
            Call::Resume => !matches_state(state, *begun),
            _ => false,
        }
    }

    fn still_waits(&self, state: &State<R>, job: Option<JobId>, delivery: DeliveryId) -> bool {
        let mut begun = state.naive.begun.iter();
        match self.design() {
            Design::GateAndWait | Design::WaitUnlessOwn | Design::WaitUnlessAny => {
                begun.any(|begun| begun.id == delivery)
            }
            Design::WaitAnyRunning => {
                begun.any(|begun| Some(begun.job) == job && !state.core.is_released(begun.id))
            }
            _ => !state.core.is_released(delivery),
        }
    }

    /// A program has entered, and no call waits for it any more.
    pub(super) fn forget_begun(&self, delivery: DeliveryId) {
        if self.design() != Design::Barrier {
            let mut state = self.enter();
            state.naive.left(delivery);
            self.publish(&mut state, None, Wake::All);
        }
    }
}

/// Whether the job is still in the state that the delivery reports.
fn matches_state<R: Runtime>(state: &State<R>, delivery: Delivery) -> bool {
    let now = state.core.state(delivery.job);
    match delivery.event {
        Event::JobTransferred => now == Some(JobState::Transferred),
        Event::JobError => now == Some(JobState::Error),
        _ => now.is_some_and(|now| !now.is_final()),
    }
}
