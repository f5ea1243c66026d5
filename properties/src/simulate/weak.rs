//! Weaker designs than the barrier, around a core, so that the counterexamples of `docs/barrier.md` can be typed.
//!
//! **What it is.** A [`Weak`] core waits where its [`Design`] waits. A core claims and begins a delivery in one step, so the first three
//! designs are one here. Their runs break a rule, or wait in a circle, where specification and core then part, too.
//!
//! **What it is not.** The designs about slots and about the clock: those are in the protocol model alone (`check --model protocol`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use contract::core::{
    Answer, Attempt, Change, Config, Delivery, DiskOutcome, DiskWork, Pending, Then, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::event::Leave;
use contract::{
    Call, Core, DeliveryId, Event, FileId, JobId, JobState, NotifyFlags, Out, Profile, Time, UserId,
};

use crate::canary::forward_the_rest;

/// When a call waits for a delivery that it forbids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Design {
    /// Never: the dispatcher claims and calls.
    ClaimThenCall,
    /// Never: the dispatcher looks once more.
    Recheck,
    /// Never: a gate keeps out what has not begun.
    GateNoWait,
    /// Always, also from inside it.
    GateAndWait,
    /// Unless the call comes from inside that very delivery.
    WaitUnlessOwn,
    /// Unless the call comes from inside any delivery.
    WaitUnlessAny,
    /// As the barrier, but SetNotifyFlags only when it masks something new.
    NothingNew,
    /// As the barrier, but Resume does not.
    ResumeNoWait,
}

impl Design {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Design); 8] = [
        ("claim-then-call", Design::ClaimThenCall),
        ("recheck", Design::Recheck),
        ("gate-no-wait", Design::GateNoWait),
        ("gate-and-wait", Design::GateAndWait),
        ("wait-unless-own", Design::WaitUnlessOwn),
        ("wait-unless-any", Design::WaitUnlessAny),
        ("nothing-new", Design::NothingNew),
        ("resume-no-wait", Design::ResumeNoWait),
    ];

    /// What makes a core of this design.
    #[must_use]
    pub fn make<C: Core>(self) -> fn(&Config) -> Weak<C> {
        match self {
            Design::ClaimThenCall => |config| Weak::of(Design::ClaimThenCall, config),
            Design::Recheck => |config| Weak::of(Design::Recheck, config),
            Design::GateNoWait => |config| Weak::of(Design::GateNoWait, config),
            Design::GateAndWait => |config| Weak::of(Design::GateAndWait, config),
            Design::WaitUnlessOwn => |config| Weak::of(Design::WaitUnlessOwn, config),
            Design::WaitUnlessAny => |config| Weak::of(Design::WaitUnlessAny, config),
            Design::NothingNew => |config| Weak::of(Design::NothingNew, config),
            Design::ResumeNoWait => |config| Weak::of(Design::ResumeNoWait, config),
        }
    }

    /// Whether a delivery that calls is waited for no longer.
    const fn is_released_by_a_call(self) -> bool {
        !matches!(self, Design::GateAndWait | Design::WaitUnlessOwn | Design::WaitUnlessAny)
    }

    /// Whether a call from inside `inside` waits for `delivery`.
    fn waits(self, inside: Option<DeliveryId>, delivery: DeliveryId) -> bool {
        match self {
            Design::ClaimThenCall | Design::Recheck | Design::GateNoWait => false,
            Design::WaitUnlessOwn => inside != Some(delivery),
            Design::WaitUnlessAny => inside.is_none(),
            Design::GateAndWait | Design::NothingNew | Design::ResumeNoWait => true,
        }
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Design::ALL.iter().find(|(_, design)| design == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}

/// There is no such design, or it is not about a core.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no design of a core: expected `claim-then-call`, `recheck`, `gate-no-wait`, `gate-and-wait`, `wait-unless-own`, \
         `wait-unless-any`, `nothing-new` or `resume-no-wait`; `bgcheck check --model protocol --design` has the others"
)]
pub struct UnknownDesign(String);

impl FromStr for Design {
    type Err = UnknownDesign;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Design::ALL.iter().find(|(name, _)| *name == text).map(|(_, design)| *design);
        named.ok_or_else(|| UnknownDesign(text.to_owned()))
    }
}

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

impl<C: Core> Weak<C> {
    fn of(design: Design, config: &Config) -> Weak<C> {
        let waits = Waits { design, profile: config.profile, inside: None, ending: BTreeMap::new() };
        Weak(C::new(config), waits)
    }

    fn wait(&self, answer: Answer, inside: Option<DeliveryId>) -> Answer {
        match answer.then {
            Then::Wait(delivery) if !self.1.design.waits(inside, delivery) => {
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
        Weak::of(Design::Recheck, config)
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
        if self.1.design.is_released_by_a_call() {
            self.0.handle_delivery_called(delivery);
        }
    }

    forward_the_rest!();
}
