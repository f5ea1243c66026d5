//! Queries of a driver, which move nothing: what is open, what could come next, and its state beside the core's.

use contract::core::Delivery;
use contract::{Call, CallId, Core, DeliveryId, JobId};

use super::stimulus::From;
use super::{CALLS, DELIVERIES, Driver, Open, Phase, Telling, Until};

/// A delivery that has not left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InFlight {
    /// Its number in events: its slot.
    pub id: DeliveryId,
    /// What it is.
    pub delivery: Delivery,
    /// How far it is.
    pub phase: Phase,
}

/// A call that has not returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pends<'a> {
    /// Its number in events.
    pub id: CallId,
    /// Who called.
    pub from: From,
    /// On which job.
    pub job: Option<JobId>,
    /// What.
    pub call: &'a Call,
    /// The delivery that it waits for, by its number in events; none when it waits for the disk.
    pub delivery: Option<DeliveryId>,
}

/// How a core and its driver differ in whether a delivery is still waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Release {
    /// It has provably entered, and is waited for.
    Missing,
    /// It has not provably entered, and is not waited for.
    Early,
}

/// A driver's own state, without the core and without ids that only grow: the other half of a model's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Around {
    open: [Option<Open>; CALLS],
    told: [Option<Telling>; DELIVERIES],
}

impl<C: Core> Driver<C> {
    /// The driver's own state, comparable between runs.
    pub fn around(&self) -> Around {
        let mut around = Around { open: self.open.places().clone(), told: *self.told.places() };
        // Ranks, not zeros: which slot holds the older of two deliveries of a job decides what the core does when one leaves.
        for telling in around.told.iter_mut().flatten() {
            telling.delivery.id = self.rank(telling.delivery.id);
        }
        for open in around.open.iter_mut().flatten() {
            if let Until::Released(id, _) = &mut open.until {
                *id = self.rank(*id);
            }
        }
        around
    }

    /// Whether a callback of the job has entered and may leave: it has no call open.
    pub fn may_leave(&self, job: JobId) -> bool {
        let entered = |slot| matches!(self.phase(slot), Some(Phase::Entered | Phase::Called));
        self.callback(job).is_some_and(entered) && !self.is_calling(From::Callback(job))
    }

    /// Whether a callback of the job has entered and may call.
    pub fn may_call(&self, from: From) -> bool {
        let runs = match from {
            From::Client(_) | From::User(_) => true,
            From::Callback(job) => self.may_leave(job),
        };
        runs && !self.is_calling(from) && self.free_call().is_some()
    }

    /// Whether the job's delivery has begun and not yet entered.
    pub fn may_enter(&self, job: JobId) -> bool {
        self.callback(job).is_some_and(|slot| self.phase(slot) == Some(Phase::Begun))
    }

    /// A job with a delivery that the core takes for released and that is not, or the other way round. No call waits for a delivery that
    /// has called the engine (clause 4) or is a program that runs (clause 6). A call that waits for another delivery waits until that one
    /// has left.
    pub fn released_wrongly(&self) -> Option<(JobId, Release)> {
        self.told.iter().find_map(|(_, telling)| {
            let is_over = matches!(telling.phase, Phase::Called | Phase::ProgramRuns);
            match (is_over, self.core.is_released(telling.delivery.id)) {
                (true, false) => Some((telling.delivery.job, Release::Missing)),
                (false, true) => Some((telling.delivery.job, Release::Early)),
                _ => None,
            }
        })
    }

    /// The event of the job's delivery that has begun or entered, if there is one.
    pub fn telling(&self, job: JobId) -> Option<Delivery> {
        let slot = self.callback(job)?;
        self.told.get(slot).map(|telling| telling.delivery)
    }

    /// The deliveries that have not left, by their slots.
    pub fn in_flight(&self) -> impl Iterator<Item = InFlight> {
        self.told.iter().map(|(slot, telling)| InFlight {
            id: DeliveryId(slot as u32),
            delivery: telling.delivery,
            phase: telling.phase,
        })
    }

    /// The calls that have not returned.
    pub fn pending_calls(&self) -> impl Iterator<Item = Pends<'_>> {
        self.open.iter().map(|(slot, open)| Pends {
            id: CallId(slot as u32),
            from: open.from,
            job: open.job,
            call: &open.call,
            delivery: match open.until {
                Until::Released(_, slot) => Some(DeliveryId(slot as u32)),
                Until::Disk => None,
            },
        })
    }

    /// Whether a program of the job runs.
    pub fn runs_program(&self, job: JobId) -> bool {
        self.program(job).is_some()
    }

    /// Whether a delivery of the job could begin and be tracked. That another one of the job has begun is no reason here: it is
    /// the core that has to know (clause 1), and the specification that refuses what the core begins nevertheless.
    pub fn may_begin(&self, job: JobId) -> bool {
        self.free_delivery().is_some() && self.core.is_ready(job)
    }

    /// Whether nothing is open: no call waits and no delivery is in progress.
    pub fn is_quiet(&self) -> bool {
        self.open.is_empty() && self.told.is_empty()
    }

    /// Whether nothing of the job is pending, running or waiting for a retry.
    pub(super) fn is_idle(&self, job: JobId) -> bool {
        self.core.pending(job).is_empty()
            && !self.core.is_finalising(job)
            && self.callback(job).is_none()
            && self.program(job).is_none()
    }

    pub(super) fn is_calling(&self, from: From) -> bool {
        self.open.find(|open| open.from == from).is_some()
    }

    pub(super) fn free_call(&self) -> Option<usize> {
        self.open.free()
    }

    pub(super) fn free_delivery(&self) -> Option<usize> {
        self.told.free()
    }

    pub(super) fn slot_of(&self, delivery: DeliveryId) -> usize {
        self.told.find(|telling| telling.delivery.id == delivery).unwrap_or(DELIVERIES)
    }

    pub(super) fn phase(&self, slot: usize) -> Option<Phase> {
        self.told.get(slot).map(|telling| telling.phase)
    }

    /// The slot of the job's delivery that has not left; a program that runs is not one (clause 6).
    pub(super) fn callback(&self, job: JobId) -> Option<usize> {
        self.find(|telling| telling.delivery.job == job && telling.phase != Phase::ProgramRuns)
    }

    /// The slot of the oldest running program of the job.
    pub(super) fn program(&self, job: JobId) -> Option<usize> {
        let runs = |telling: &Telling| telling.delivery.job == job && telling.phase == Phase::ProgramRuns;
        let running = self.told.iter().filter(|(_, telling)| runs(telling));
        running.min_by_key(|(_, telling)| telling.delivery.id).map(|(slot, _)| slot)
    }

    /// How many deliveries are open that began before this one.
    pub(super) fn rank(&self, delivery: DeliveryId) -> DeliveryId {
        let older = self.told.iter().filter(|(_, telling)| telling.delivery.id < delivery);
        DeliveryId(older.count() as u32)
    }

    pub(super) fn find(&self, wanted: impl Fn(&Telling) -> bool) -> Option<usize> {
        self.told.find(wanted)
    }
}
