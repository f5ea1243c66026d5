//! Weaker designs than the barrier, around a core, so that the counterexamples of `docs/barrier.md` can be typed.
//!
//! **What it is.** A [`Weak`] core waits where its [`Design`] waits. A core claims and begins a delivery in one step, so the first three
//! designs are one here. Their runs break a rule, or wait in a circle, where specification and core then part, too.
//!
//! **What it is not.** The designs about slots and about the clock: those are in the protocol model alone (`check --model protocol`).

use std::collections::BTreeMap;

use contract::core::{
    Answer, Attempt, Change, Config, Delivery, DiskOutcome, DiskWork, Pending, Then, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::defect::{Design, With};
use contract::event::Leave;
use contract::{
    Call, Core, DeliveryId, Event, FileId, JobId, JobState, NotifyFlags, Out, Profile, Time, UserId,
};

use crate::canary::forward_the_rest;

/// A core that waits as its design does.
#[derive(Clone, PartialEq, Debug)]
pub struct Weak<C>(C, Waits);

/// What the design needs to know.
#[derive(Clone, PartialEq, Debug)]
struct Waits {
    design: Design,
    profile: Profile,
    /// The delivery from inside which the next call comes.
    inside: Option<DeliveryId>,
    /// For each job the delivery from inside which the call came that ends it, up to its disk work.
    ending: BTreeMap<JobId, DeliveryId>,
}

impl<C: Core> With<Design> for Weak<C> {
    fn with(design: Design, config: &Config) -> Weak<C> {
        let waits = Waits { design, profile: config.profile, inside: None, ending: BTreeMap::new() };
        Weak(C::new(config), waits)
    }
}

impl<C: Core> Weak<C> {
    fn wait(&self, answer: Answer, inside: Option<DeliveryId>) -> Answer {
        match answer.then {
            Then::Wait(delivery) if !waits(self.1.design, inside, delivery) => {
                Answer { then: Then::Return, ..answer }
            }
            _ => answer,
        }
    }

    /// Whether the design lets this call go that the barrier would let wait.
    fn lets_go(&self, user: UserId, job: Option<JobId>, call: &Call) -> bool {
        match (self.1.design, call) {
            (Design::ResumeNoWait, Call::Resume) => true,
            (Design::NothingNew, Call::SetNotifyFlags { flags }) => {
                let now = self.0.clone().call(user, job, &Call::GetNotifyFlags);
                let Out::Flags(before) = now.out else { return false };
                let after = NotifyFlags::from_bits_truncate(*flags);
                let heard = |mask: NotifyFlags, event: Event| self.1.profile.unmasked(mask, event).is_yes();
                !Event::ALL.into_iter().any(|event| heard(before, event) && !heard(after, event))
            }
            _ => false,
        }
    }
}

impl<C: Core> Core for Weak<C> {
    type View = C::View;

    fn new(config: &Config) -> Self {
        Weak::with(Design::Recheck, config)
    }

    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
        let inside = self.1.inside.take();
        let lets_go = self.lets_go(user, job, call);
        let answer = self.0.call(user, job, call);
        match (answer.then, job, inside) {
            (Then::Disk, Some(job), Some(inside)) => {
                self.1.ending.insert(job, inside);
                answer
            }
            (Then::Wait(_), ..) if lets_go => Answer { then: Then::Return, ..answer },
            _ => self.wait(answer, inside),
        }
    }

    fn handle_disk(&mut self, job: JobId, outcome: &DiskOutcome) -> Answer {
        let inside = self.1.ending.remove(&job);
        let answer = self.0.handle_disk(job, outcome);
        self.wait(answer, inside)
    }

    fn handle_delivery_called(&mut self, delivery: DeliveryId) {
        // What has left calls nothing more.
        if !self.0.is_released(delivery) {
            self.1.inside = Some(delivery);
        }
        if is_released_by_a_call(self.1.design) {
            self.0.handle_delivery_called(delivery);
        }
    }

    forward_the_rest!();
}

/// Whether a delivery that calls is waited for no longer.
const fn is_released_by_a_call(design: Design) -> bool {
    !matches!(design, Design::GateAndWait | Design::WaitUnlessOwn | Design::WaitUnlessAny)
}

/// Whether a call from inside `inside` waits for `delivery`.
fn waits(design: Design, inside: Option<DeliveryId>, delivery: DeliveryId) -> bool {
    match design {
        Design::ClaimThenCall | Design::Recheck | Design::GateNoWait => false,
        Design::WaitUnlessOwn => inside != Some(delivery),
        Design::WaitUnlessAny => inside.is_none(),
        _ => true,
    }
}
