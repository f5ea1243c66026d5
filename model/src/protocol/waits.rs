//! Who waits for whom: rules R9 and R16, and the safety part of L3, as predicates on a state.
//!
//! Some waits always end and are left out. No thread holds the lock between steps. The disk work of a finalising job can always take
//! its step. A delivery without a dispatcher has not begun, and no call waits for it. What is left is: a call waits for a delivery;
//! a delivery waits for the call its callback makes, for a lock of a client that is in a call, or, in one design, for a slot.

use std::fmt::Write as _;

use contract::Call;

use super::design::{self, SlotAt};
use super::scope::owner;
use super::state::{Delivery, Open, Phase, Stage, To, Who, World};
use super::step::{Rig, is_running};

/// Which waits count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Through {
    /// Those of the engine alone: a client's own lock is given back some day.
    Engine,
    /// Also those for a client's own lock, which is never given back when the client waits for ever.
    Clients,
}

impl Rig {
    /// The calls that can never return because they wait in a circle, in the order of waiting; or nothing (R16).
    pub(super) fn circle<const J: usize>(&self, world: &World<J>, through: Through) -> Vec<Who> {
        let stuck = Stuck { rig: self, world, through }.calls();
        let Some(first) = stuck.first() else { return Vec::new() };
        let mut walk = vec![*first];
        // A stuck call waits for a stuck call, so the walk comes back to where it was.
        while let Some(next) = self.waits_for(world, walk[walk.len() - 1], &stuck) {
            if let Some(start) = walk.iter().position(|who| *who == next) {
                return walk.split_off(start);
            }
            walk.push(next);
        }
        walk
    }

    /// The stuck call that this one waits for, through the delivery of its job.
    fn waits_for<const J: usize>(&self, world: &World<J>, who: Who, stuck: &[Who]) -> Option<Who> {
        let on = world.open(who).on;
        let delivery = &world.jobs[usize::from(on)].delivery;
        let next = match delivery.phase {
            Phase::Blocked(client) => Who::Client(client),
            Phase::Begun => self.holders(world, on).find(|holder| stuck.contains(holder))?,
            _ => Who::Callback(on),
        };
        stuck.contains(&next).then_some(next)
    }

    /// The callbacks that hold the slots for which the begun delivery of this job waits.
    fn holders<const J: usize>(&self, world: &World<J>, job: u8) -> impl Iterator<Item = Who> {
        let holds = move |delivery: &Delivery| {
            delivery.to != To::Program
                && !matches!(delivery.phase, Phase::None | Phase::Claimed | Phase::Begun)
        };
        let others = world.jobs.iter().zip(0..).filter(move |(_, id)| owner(*id) == owner(job));
        others.filter(move |(job, _)| holds(&job.delivery)).map(|(_, id)| Who::Callback(id))
    }

    /// The circle in words, with these names for jobs.
    pub(super) fn words<const J: usize>(
        &self,
        world: &World<J>,
        circle: &[Who],
        name: impl Fn(u8) -> String,
    ) -> String {
        let mut text = String::new();
        for (place, who) in circle.iter().enumerate() {
            let open = world.open(*who);
            let delivery = &world.jobs[usize::from(open.on)].delivery;
            let job = name(open.on);
            let method = self.method(open);
            let caller = match who {
                Who::Client(client) => format!("client t{client}"),
                Who::Callback(of) => format!("the callback of {}", name(*of)),
            };
            let start = if place == 0 { caller } else { format!("; {caller}") };
            let _ = write!(text, "{start} is in {job}.{method} and waits for the callback of {job}");
            let _ = match delivery.phase {
                Phase::Blocked(client) => {
                    write!(text, ", which waits for a lock that client t{client} holds")
                }
                Phase::Begun => write!(text, ", which has begun and waits for a slot"),
                _ => Ok(()),
            };
        }
        text
    }

    fn method(&self, open: &Open) -> contract::Method {
        self.asks
            .get(usize::from(open.ask))
            .map_or(contract::Method::GetState, |asked| Call::method(&asked.call))
    }

    /// Whether more callbacks of a user run than the user has slots (R9, first half).
    pub(super) fn oversteps<const J: usize>(&self, world: &World<J>) -> bool {
        let inside = |user| {
            let of_user = world.jobs.iter().zip(0..).filter(|(_, id)| owner(*id) == user);
            of_user.filter(|(job, _)| job.delivery.is_inside()).count()
        };
        [0, 1].into_iter().any(|user| inside(user) > usize::from(self.slice.slots))
    }

    /// The job of a user whose turn another user's callbacks take (R9, second half). It is due, and it would have a slot. Every
    /// dispatcher is inside a callback of another user, or waits for a slot of another user.
    pub(super) fn starved<const J: usize>(&self, world: &World<J>) -> Option<u8> {
        if self.has_dispatcher(world) {
            return None;
        }
        (0..J as u8).find(|id| {
            let job = &world.jobs[usize::from(*id)];
            let due = self.wanted(job).is_some() && !job.delivery.is_in_hand();
            due && self.has_slot(world, owner(*id)) && self.is_shut_out(world, owner(*id))
        })
    }

    fn is_shut_out<const J: usize>(&self, world: &World<J>, user: u32) -> bool {
        let in_hand = world.jobs.iter().zip(0..).filter(|(job, _)| job.delivery.is_in_hand());
        in_hand.into_iter().all(|(job, id)| {
            let delivery = &job.delivery;
            let waits = delivery.to != To::Program
                && !self.has_slot(world, owner(id))
                && match design::slot(self.design) {
                    SlotAt::Claim => false,
                    SlotAt::Begin => delivery.phase == Phase::Claimed,
                    SlotAt::Enter => delivery.phase == Phase::Begun,
                };
            owner(id) != user && (delivery.is_inside() || waits)
        })
    }

    /// A call that goes on waiting although the delivery it had to wait for is gone, because a later one runs (clause 3).
    pub(super) fn overwaits<const J: usize>(&self, world: &World<J>) -> Option<Who> {
        let late = |(_, open): &(Who, &Open)| {
            open.stage == Stage::WaitingOn && is_running(&world.jobs[usize::from(open.on)].delivery)
        };
        world.calls().find(late).map(|(who, _)| who)
    }

    /// Whether some delivery is held back for nothing but a slot: where R9 decides something.
    pub(super) fn holds_back<const J: usize>(&self, world: &World<J>) -> bool {
        world.jobs.iter().zip(0..).any(|(job, id)| {
            let delivery = &job.delivery;
            let next = match design::slot(self.design) {
                SlotAt::Claim if !delivery.is_in_hand() => self.wanted(job).map(|(_, to, _)| to),
                SlotAt::Begin if delivery.phase == Phase::Claimed => Some(delivery.to),
                SlotAt::Enter if delivery.phase == Phase::Begun => Some(delivery.to),
                _ => None,
            };
            next.is_some_and(|to| to != To::Program) && !self.has_slot(world, owner(id))
        })
    }
}

/// The calls that can never return, as the greatest set that explains itself: each waits for a delivery that waits for others
/// of the set.
struct Stuck<'a, const J: usize> {
    rig: &'a Rig,
    world: &'a World<J>,
    through: Through,
}

impl<const J: usize> Stuck<'_, J> {
    fn calls(&self) -> Vec<Who> {
        let waiting = |who: &Who| self.world.open(*who).is_waiting();
        // In most states no call waits for a delivery that waits, too, so most are decided without a list.
        let may_be = |who: &Who| waiting(who) && self.may_be_stuck(self.world.open(*who).on);
        if !World::<J>::callers().any(|who| may_be(&who)) {
            return Vec::new();
        }
        let mut stuck: Vec<Who> = World::<J>::callers().filter(waiting).collect();
        loop {
            let before = stuck.len();
            let still = stuck.clone();
            stuck.retain(|who| self.is_stuck(self.world.open(*who).on, &still));
            if stuck.len() == before {
                return stuck;
            }
        }
    }

    /// Whether the delivery of this job may wait for anything at all.
    fn may_be_stuck(&self, job: u8) -> bool {
        let job = &self.world.jobs[usize::from(job)];
        match job.delivery.phase {
            Phase::Running => job.call.is_waiting(),
            Phase::Blocked(_) | Phase::Begun => true,
            Phase::None | Phase::Claimed | Phase::Left(_) => false,
        }
    }

    /// Whether the delivery of this job cannot leave, if these calls do not return.
    fn is_stuck(&self, job: u8, calls: &[Who]) -> bool {
        let delivery = &self.world.jobs[usize::from(job)].delivery;
        match delivery.phase {
            Phase::Running => calls.contains(&Who::Callback(job)),
            Phase::Blocked(client) => {
                self.through == Through::Clients && calls.contains(&Who::Client(client))
            }
            Phase::Begun if design::slot(self.rig.design) == SlotAt::Enter && delivery.to != To::Program => {
                // Any holder that leaves makes room, so all of them must be stuck.
                let held_by = |holder: Who| match holder {
                    Who::Callback(of) => self.is_stuck(of, calls),
                    Who::Client(_) => false,
                };
                !self.rig.has_slot(self.world, owner(job)) && self.rig.holders(self.world, job).all(held_by)
            }
            _ => false,
        }
    }
}
