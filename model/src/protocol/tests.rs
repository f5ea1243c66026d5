//! The protocol's jobs are the specification's jobs: whatever is interleaved, effects come one after another, and each
//! answers, leads and makes pending as in the sequential specification.

use contract::core::{Change, DiskOutcome, Then};
use contract::defect::Design;
use contract::event::{By, Leave, Target};
use contract::{Call, Dialect, EventView, FileId, HResult, JobId, Millis, ReceiverId, Time, UserId};

use super::act::{Act, Disk, Note};
use super::scope::{Slice, slices};
use super::state::{Answer, Delivery, Marks, Outcome, Phase, Stage, To, World};
use super::step::Rig;
use super::{Reduction, story};
use crate::scope::ScopeName;
use crate::spec::{self, Ticket};

const JOB: JobId = JobId(0);

/// The protocol of one job, and the specification that follows it.
struct Pair {
    rig: Rig,
    world: World<1>,
    spec: spec::World<1>,
    callback: Option<Ticket>,
    program: Option<Ticket>,
    now: Time,
}

impl Pair {
    fn new(dialect: Dialect, slice: &Slice) -> Pair {
        let rig = Rig::new(Design::Barrier, dialect.profile(), slice, Reduction::Full);
        let (world, spec) = (rig.first(), spec::World::new());
        let mut pair = Pair { rig, world, spec, callback: None, program: None, now: Time::ZERO };
        let profile = pair.rig.profile;
        let mut spec = pair.spec;
        story::prefix(&pair.rig, 0, &mut |event| match *event {
            EventView::Call { job, call, .. } => {
                assert!(spec.call(&profile, UserId(0), job, call).hr.succeeded(), "{call}");
            }
            EventView::State { from, to, by: By::Env(step), .. } => {
                let state = Some((from, to));
                let change = Change { job: Some(JOB), file: None, step: Some(step), state };
                spec.step(&profile, &change).expect("it is the step that comes next");
            }
            _ => {}
        });
        pair.spec = spec;
        pair.compare();
        pair
    }

    fn take(&mut self, act: Act) {
        let before = self.world;
        let mut notes = Vec::new();
        self.rig.take(&mut self.world, act, &mut |note| notes.push(note));
        match act {
            Act::Effect(who) => {
                let open = before.open(who);
                let call = self.rig.asks[usize::from(open.ask)].call.clone();
                self.effect(&before, &call, *self.world.open(who));
            }
            Act::Disk(who, disk) => self.disk(disk, self.world.open(who).answer),
            Act::Begin(_) => self.begin(),
            Act::Settle(_) => self.settle(&before.jobs[0].delivery),
            Act::Exit(_, outcome) => {
                let ticket = self.program.take().expect("a program runs");
                let code = i32::from(outcome == Outcome::Fails);
                let left = self.spec.leave(&self.rig.profile, JOB, ticket, Leave::Exited(code));
                left.expect("the program runs in the specification, too");
            }
            Act::Turn(_) | Act::Arrive(_) | Act::Fail(_) | Act::Expire(_) => self.environment(&notes),
            _ => {}
        }
        self.compare();
    }

    fn effect(&mut self, before: &World<1>, call: &Call, after: super::state::Open) {
        let reply = self.spec.call(&self.rig.profile, UserId(0), Some(JOB), call);
        match (after.stage, reply.then) {
            (Stage::Busy, Then::Busy) | (Stage::Disk, Then::Disk) => {}
            (Stage::Returning | Stage::Waiting, Then::Return) => {
                assert_eq!(reply.hr, self.hresult(after.answer), "{call} in {:?}", before.jobs[0]);
            }
            (stage, then) => panic!("{call} is {stage:?}, and in the specification {then:?}"),
        }
    }

    fn disk(&mut self, disk: Disk, answer: Answer) {
        let failed = (FileId(0), self.hresult(Answer::DiskFailed));
        let rename_failed = (disk == Disk::Fails).then_some(failed);
        let outcome = DiskOutcome { rename_failed, left_behind: 0 };
        let reply = self.spec.disk(&self.rig.profile, JOB, &outcome);
        assert_eq!(reply.hr, self.hresult(answer), "{disk:?}");
    }

    fn begin(&mut self) {
        let delivery = self.world.jobs[0].delivery;
        assert_eq!(delivery.phase, Phase::Begun, "a claim that is still there is still wanted");
        let target = match delivery.to {
            To::Object(object) => Target::Interface(ReceiverId(object as u32)),
            To::Program => Target::CommandLine,
        };
        // The protocol has no clock: what it begins has waited long enough.
        self.now = self.now.after(Millis::from_secs(1_000_000));
        self.spec.time_comes(self.now);
        let begun = self.spec.begin(&self.rig.profile, JOB, delivery.event, delivery.file_id(), target);
        self.callback = Some(begun.expect("the specification begins it, too"));
    }

    fn settle(&mut self, delivery: &Delivery) {
        let mut ticket = self.callback.take().expect("it has begun");
        let hr = match delivery.phase {
            Phase::Left(Outcome::Acknowledges) => HResult::S_OK,
            Phase::Left(Outcome::Fails) => HResult::E_FAIL,
            _ => {
                self.spec.program_started(JOB, &mut ticket).expect("it is a program");
                self.program = Some(ticket);
                return;
            }
        };
        let left = self.spec.leave(&self.rig.profile, JOB, ticket, Leave::Returned(hr));
        left.expect("it runs in the specification, too");
    }

    fn environment(&mut self, notes: &[Note]) {
        for (at, note) in notes.iter().enumerate() {
            let Note::Env { step, file, .. } = *note else { continue };
            let state = match notes.get(at + 1) {
                Some(Note::State { from, to, .. }) => Some((*from, *to)),
                _ => None,
            };
            let change = Change { job: Some(JOB), file, step: Some(step), state };
            self.spec.step(&self.rig.profile, &change).expect("the specification has this step, too");
        }
    }

    /// State and pending events are equal, as far as the specification has them: it has no retry times, and does not
    /// begin what a running program has received.
    fn compare(&self) {
        let job = &self.world.jobs[0];
        assert_eq!(self.spec.state(JOB), Some(job.state));
        if job.delivery.has_begun() || job.marks.contains(Marks::RETRYING) || job.program.is_some() {
            return;
        }
        let pending = self.spec.pending(&self.rig.profile, JOB).iter().next();
        let wanted = self.rig.wanted(job).map(|(event, _, file)| (event, FileId(file.into())));
        assert_eq!(wanted, pending, "{job:?}");
    }

    fn hresult(&self, answer: Answer) -> HResult {
        story::hresult(&self.rig.profile, answer)
    }
}

/// Walks at random through a slice of one job. The numbers are equal in every run.
#[test]
fn the_jobs_of_the_protocol_are_the_specifications() {
    const WALKS: u32 = 800;
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut steps = 0;
    for dialect in Dialect::ALL {
        let all = [ScopeName::Tiny, ScopeName::Small, ScopeName::Default]
            .map(|name| slices(name, dialect.profile()));
        for slice in all.iter().flatten().filter(|slice| slice.jobs == 1) {
            for _ in 0..WALKS {
                let mut pair = Pair::new(dialect, slice);
                for _ in 0..60 {
                    let mut acts = Vec::new();
                    pair.rig.acts(&pair.world, &mut acts);
                    if acts.is_empty() {
                        break;
                    }
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    pair.take(acts[(random >> 33) as usize % acts.len()]);
                    steps += 1;
                }
            }
        }
    }
    assert!(steps > 150_000, "{steps} steps compared");
}
