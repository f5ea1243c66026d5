//! Which steps may be taken, in a fixed order.

use contract::JobState;
use contract::defect::{Design, Flaw};

use super::Reduction;
use super::act::{Act, Disk};
use super::design::{self, SlotAt};
use super::scope::{Ask, Leaves, Locks, Mishaps, Transfers, owner};
use super::state::{About, Delivery, Ending, Job, Marks, Open, Outcome, Phase, Stage, To, Who, World};
use super::step::{Asked, By, Rig, is_running};

impl Rig {
    /// Every step that may be taken, in a fixed order.
    pub(super) fn acts<const J: usize>(&self, world: &World<J>, acts: &mut Vec<Act>) {
        self.calls_of_clients(world, acts);
        for who in World::<J>::callers() {
            self.steps_of_call(world, who, acts);
        }
        for job in 0..J as u8 {
            self.steps_of_delivery(world, job, acts);
            self.steps_inside(world, job, acts);
            self.steps_around(&world.jobs[usize::from(job)], job, acts);
        }
    }

    fn calls_of_clients<const J: usize>(&self, world: &World<J>, acts: &mut Vec<Act>) {
        if world.calls == 0 {
            return;
        }
        let idle = (0..self.slice.clients).filter(|client| !world.clients[usize::from(*client)].is_open());
        // Client threads differ in nothing but their number, so the first idle one stands for all.
        let enough = if self.reduction == Reduction::Full { usize::MAX } else { 1 };
        for client in idle.take(enough) {
            self.calls_from(world, Who::Client(client), |asked| asked.by_clients, acts);
        }
    }

    fn calls_from<const J: usize>(
        &self,
        world: &World<J>,
        who: Who,
        by: impl Fn(&Asked) -> By,
        acts: &mut Vec<Act>,
    ) {
        for on in 0..J as u8 {
            for (asked, ask) in self.asks.iter().zip(0..) {
                let full = asked.ask == Ask::AddFile && self.is_full(world, on);
                if by(asked) == By::Allowed && !full {
                    acts.push(Act::Call { who, on, ask });
                }
            }
        }
    }

    /// Whether the job has as many files as there is room for, those on their way included.
    fn is_full<const J: usize>(&self, world: &World<J>, job: u8) -> bool {
        let adds = |open: &Open| {
            let made = matches!(open.stage, Stage::Called | Stage::Busy);
            made && open.on == job && self.asks[usize::from(open.ask)].ask == Ask::AddFile
        };
        world.jobs[usize::from(job)].files.are_full() || world.calls().any(|(_, open)| adds(open))
    }

    fn steps_of_call<const J: usize>(&self, world: &World<J>, who: Who, acts: &mut Vec<Act>) {
        let open = world.open(who);
        let Some(job) = world.jobs.get(usize::from(open.on)) else { return };
        match open.stage {
            Stage::None | Stage::Waiting => {}
            // A client that finds the job finalising waits for the disk; a callback first records that it has called.
            Stage::Called if job.ending.is_some() && matches!(who, Who::Client(_)) => {}
            Stage::Busy if job.ending.is_some() => {}
            Stage::Called | Stage::Busy => acts.push(Act::Effect(who)),
            Stage::Disk => {
                acts.push(Act::Disk(who, Disk::Good));
                let renames = job.ending == Some(Ending::Complete) && job.files.whole() > 0;
                if renames && self.slice.mishaps == Mishaps::DiskAndExpiry {
                    acts.push(Act::Disk(who, Disk::Fails));
                }
            }
            Stage::WaitingOn if is_running(&job.delivery) => {}
            Stage::WaitingOn | Stage::Returning => acts.push(Act::Return(who)),
        }
    }

    fn steps_of_delivery<const J: usize>(&self, world: &World<J>, job: u8, acts: &mut Vec<Act>) {
        let slot_for = |at: SlotAt, to: To| {
            design::slot(self.design) != at || to == To::Program || self.has_slot(world, owner(job))
        };
        let delivery = &world.jobs[usize::from(job)].delivery;
        match delivery.phase {
            Phase::None => {
                if let Some((_, to, _)) = self.wanted(&world.jobs[usize::from(job)])
                    && self.has_dispatcher(world)
                    && slot_for(SlotAt::Claim, to)
                {
                    acts.push(Act::Claim(job));
                }
            }
            Phase::Claimed if design::begins(self.design) => {
                if slot_for(SlotAt::Begin, delivery.to) {
                    acts.push(Act::Begin(job));
                }
            }
            Phase::Claimed | Phase::Begun => {
                if slot_for(SlotAt::Enter, delivery.to) {
                    acts.push(Act::Enter(job));
                }
            }
            Phase::Running if delivery.to == To::Program => acts.push(Act::Settle(job)),
            Phase::Left(_) => acts.push(Act::Settle(job)),
            Phase::Running | Phase::Blocked(_) => {}
        }
    }

    /// What the client's code does inside a callback.
    fn steps_inside<const J: usize>(&self, world: &World<J>, job: u8, acts: &mut Vec<Act>) {
        let Job { delivery, call, .. } = &world.jobs[usize::from(job)];
        if delivery.phase != Phase::Running || delivery.to == To::Program || call.is_open() {
            return;
        }
        for outcome in self.outcomes() {
            acts.push(Act::Leave(job, *outcome));
        }
        if world.nested > 0 && !delivery.about.contains(About::CALLED) {
            self.calls_from(world, Who::Callback(job), |asked| asked.by_callbacks, acts);
        }
        if self.slice.locks == Locks::OfClients {
            // A lock that no client holds is taken at once.
            let held = (0..self.slice.clients).filter(|client| world.clients[usize::from(*client)].is_open());
            acts.extend(held.map(|client| Act::Block { job, client }));
        }
    }

    fn steps_around(&self, job: &Job, id: u8, acts: &mut Vec<Act>) {
        if job.program.is_some() {
            acts.extend(self.outcomes().iter().map(|outcome| Act::Exit(id, *outcome)));
        }
        if !job.is_live() {
            return;
        }
        match job.state {
            JobState::Queued if self.flaw == Some(Flaw::NeverTurns) => {}
            JobState::Queued => acts.push(Act::Turn(id)),
            JobState::Transferring => {
                acts.push(Act::Arrive(id));
                if self.slice.transfers == Transfers::ArriveOrFail {
                    acts.push(Act::Fail(id));
                }
            }
            _ => {}
        }
        if job.marks.contains(Marks::RETRYING) {
            acts.push(Act::RetryDelayOver(id));
        }
        // Clause 5: expiry is put off while a delivery is begun.
        let hurries = self.design == Design::ExpireAnyway;
        let put_off = job.delivery.has_begun() && !hurries;
        if self.slice.mishaps == Mishaps::DiskAndExpiry && !put_off {
            acts.push(Act::Expire(id));
        }
    }

    fn outcomes(&self) -> &'static [Outcome] {
        match self.slice.leaves {
            Leaves::Acknowledge => &[Outcome::Acknowledges],
            Leaves::AcknowledgeOrFail => &[Outcome::Acknowledges, Outcome::Fails],
        }
    }

    /// Callbacks of a user that hold a slot.
    fn slots_held<const J: usize>(&self, world: &World<J>, user: u32) -> usize {
        let holds = |delivery: &Delivery| {
            delivery.to != To::Program
                && match design::slot(self.design) {
                    SlotAt::Claim => delivery.is_in_hand(),
                    SlotAt::Begin => delivery.has_begun(),
                    SlotAt::Enter => delivery.has_begun() && delivery.phase != Phase::Begun,
                }
        };
        let of_user = world.jobs.iter().zip(0..).filter(|(_, id)| owner(*id) == user);
        of_user.filter(|(job, _)| holds(&job.delivery)).count()
    }

    pub(super) fn has_slot<const J: usize>(&self, world: &World<J>, user: u32) -> bool {
        self.slots_held(world, user) < usize::from(self.slice.slots)
    }

    pub(super) fn has_dispatcher<const J: usize>(&self, world: &World<J>) -> bool {
        let busy = world.jobs.iter().filter(|job| job.delivery.is_in_hand()).count();
        busy < usize::from(self.slice.dispatchers)
    }
}
