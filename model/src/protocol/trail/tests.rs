use contract::defect::Design;
use contract::event::{By, Caller, Target};
use contract::{Dialect, ThreadId};

use super::super::scope::Mishaps;
use super::super::story::{Ids, view};
use super::*;

/// Clients are threads from 1 on: 0 is the one that prepares.
struct FromOne;

impl Ids for FromOne {
    fn job(&self, job: u8) -> JobId {
        JobId(job.into())
    }

    fn call(&self, who: Who, _: u8) -> CallId {
        CallId(match who {
            Who::Client(client) => client.into(),
            Who::Callback(job) => super::super::state::CLIENTS as u32 + u32::from(job),
        })
    }

    fn delivery(&self, job: u8, to: To) -> DeliveryId {
        DeliveryId(2 * u32::from(job) + u32::from(to == To::Program))
    }

    fn client(&self, client: u8) -> ThreadId {
        ThreadId(u32::from(client) + 1)
    }
}

fn map(jobs: Jobs) -> Map {
    let asks = [Ask::Cancel, Ask::Flags(NotifyFlags::empty()), Ask::Interface(None), Ask::Complete];
    map_with(jobs, &asks, Mishaps::DiskAndExpiry)
}

fn map_with(jobs: Jobs, asks: &[Ask], mishaps: Mishaps) -> Map {
    let profile = *Dialect::Bits.profile();
    let (before, asks) = (Vec::new(), asks.to_vec());
    Map::new(&Ground { profile, jobs, dispatchers: 2, slots: 1, before, asks, mishaps })
}

/// A trail of jobs whose transfers have begun.
fn begun(map: &Map) -> Trail {
    let mut trail = Trail::new(map);
    for job in 0..JOBS as u32 {
        let (from, to, by) = (Some(JobState::Connecting), JobState::Transferring, By::Env(EnvStep::Turn));
        trail.sees(&EventView::State { job: JobId(job), from, to, by }).expect("it is no step");
    }
    trail
}

/// A walk of this number of steps of the protocol under a design, beside the trail.
fn walk(map: &Map, design: Design, seed: u64, steps: usize) -> Result<(), Lost> {
    match &map.0 {
        Ways::One(of) => walk_on(of, begun(map), design, seed, steps),
        Ways::Two(of) => walk_on(of, begun(map), design, seed, steps),
    }
}

fn walk_on<const J: usize>(
    of: &Steps<J>,
    mut trail: Trail,
    design: Design,
    seed: u64,
    steps: usize,
) -> Result<(), Lost> {
    let rig = Rig { design, ..of.rig.clone() };
    let (mut world, mut state) = (of.first, seed);
    for _ in 0..steps {
        let mut acts = Vec::new();
        rig.acts(&world, &mut acts);
        if !acts.iter().any(is_fair) {
            trail.clone().rests()?;
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let Some(act) = acts.get((state >> 33) as usize % acts.len().max(1)).copied() else { break };
        let mut notes = Vec::new();
        rig.take(&mut world, act, &mut |note| notes.push(note));
        if let Act::Begin(job) = act
            && let delivery = world.jobs[usize::from(job)].delivery
            && delivery.phase == Phase::Begun
        {
            let (target, file, event) = (target(delivery.to), delivery.file_id(), delivery.event);
            let (delivery, job) = (FromOne.delivery(job, delivery.to), FromOne.job(job));
            trail.sees(&EventView::Begin { delivery, job, event, target, file })?;
        }
        let mut seen = Ok(());
        for note in &notes {
            view(&rig, note, &FromOne, |event| {
                seen = std::mem::replace(&mut seen, Ok(())).and(trail.sees(event))
            });
        }
        seen?;
        let of = |job: usize| (job < J).then(|| shows(&rig, &world, job as u8));
        trail.shown(&std::array::from_fn(of))?;
    }
    Ok(())
}

#[test]
fn the_protocol_follows_itself() {
    for jobs in [Jobs::One, Jobs::Two] {
        let map = map(jobs);
        for seed in 0..200 {
            let walked = walk(&map, Design::Barrier, seed, 60);
            walked.unwrap_or_else(|lost| panic!("{jobs:?}, seed {seed}: {lost}"));
        }
        for kind in ["call", "effect", "disk work", "disk work that fails", "begin", "settle", "expiry"] {
            assert!(map.taken().contains(&kind), "{kind}: {:?}", map.taken());
        }
        assert!(map.taken().iter().all(|kind| map.offered().contains(kind)));
    }
}

#[test]
fn a_machine_that_stops_before_the_protocol_does_is_lost() {
    let map = map(Jobs::One);
    let lost = begun(&map).rests().expect_err("its transfer has still to end");
    assert!(lost.to_string().starts_with("the service is at rest, and the protocol is not"), "{lost}");
    // A job that is not in the trail has no steps to take.
    Trail::new(&map).rests().expect("nothing has begun");
    // When nothing that is fair is left to do, it may rest.
    let profile = *Dialect::Bits.profile();
    let (before, asks) = (vec![Ask::Interface(None)], Vec::new());
    let (jobs, mishaps) = (Jobs::One, Mishaps::None);
    let unregistered = Map::new(&Ground { profile, jobs, dispatchers: 2, slots: 1, before, asks, mishaps });
    let mut failed = Trail::new(&unregistered);
    let by = By::Env(EnvStep::Turn);
    let (job, from, to) = (JobId(0), Some(JobState::Connecting), JobState::Error);
    failed.sees(&EventView::State { job, from, to, by }).expect("it begins and fails");
    failed.rests().expect("its job has no receiver");
}

#[test]
fn a_wrong_design_is_lost() {
    let lost =
        |map: Map, design: Design| (0..200).filter_map(|seed| walk(&map, design, seed, 60).err()).count();
    for jobs in [Jobs::One, Jobs::Two] {
        let lost = lost(map(jobs), Design::ClaimThenCall);
        assert!(lost >= 10, "{jobs:?}: {lost} are lost");
    }
    // What is wrong with it needs two jobs and one slot.
    let without_calls = |jobs| map_with(jobs, &[], Mishaps::None);
    assert_eq!(lost(without_calls(Jobs::One), Design::BeginBeforeSlot), 0);
    let two = lost(without_calls(Jobs::Two), Design::BeginBeforeSlot);
    assert!(two >= 10, "{two} are lost");
}

/// What a job does before its transfer begins is no step of the protocol, and what another one does is.
#[test]
fn a_job_is_in_the_trail_from_its_transfer_on() {
    let mut trail = Trail::new(&map(Jobs::Two));
    let (by, event) = (By::Env(EnvStep::Turn), contract::Event::JobTransferred);
    let moves = |job, from, to| EventView::State { job: JobId(job), from: Some(from), to, by };
    let begins = |job| {
        let (delivery, target) = (DeliveryId(0), Target::Interface(ReceiverId(0)));
        EventView::Begin { delivery, job: JobId(job), event, target, file: None }
    };
    assert_eq!(trail.sees(&moves(1, JobState::Suspended, JobState::Queued)), Ok(()));
    assert_eq!(trail.sees(&begins(0)), Ok(()), "it is of no job that is in the trail");
    assert_eq!(trail.sees(&moves(0, JobState::Connecting, JobState::Transferring)), Ok(()));
    assert_eq!(trail.sees(&moves(1, JobState::Queued, JobState::Connecting)), Ok(()));
    let mut failed = trail.clone();
    assert_eq!(failed.sees(&moves(1, JobState::Connecting, JobState::Error)), Ok(()));
    let shown =
        |state| Shown { state, ending: Is::Not, begun: Begun::No, ready: Is::from(state == JobState::Error) };
    let both = |job| [Some(shown(JobState::Transferring)), Some(shown(job))];
    assert!(failed.clone().shown(&both(JobState::Transferring)).is_err());
    assert_eq!(failed.shown(&both(JobState::Error)), Ok(()));
    let mut other = trail.clone();
    assert!(other.sees(&moves(0, JobState::Transferring, JobState::Suspended)).is_err());
    assert!(trail.sees(&begins(0)).is_err());
}

#[test]
fn what_is_no_step_is_told_with_both_sides() {
    let mut trail = begun(&map(Jobs::One));
    let (job, file) = (JobId(0), None);
    let (event, to) = (contract::Event::JobTransferred, Target::Interface(ReceiverId(0)));
    let begin = EventView::Begin { delivery: DeliveryId(0), job, event, target: to, file };
    let lost = trail.sees(&begin).expect_err("the job is still transferring");
    assert!(lost.to_string().contains("a delivery of JobTransferred begins"), "{lost}");
    assert!(lost.from[0].contains("Transferring"), "{lost}");
    let shown = Shown { state: JobState::Error, ending: Is::Not, begun: Begun::No, ready: Is::Not };
    let lost = trail.shown(&[Some(shown), None]).expect_err("nothing has failed");
    assert_eq!(lost.differs, ["the job's state"]);
    // Calls of which the protocol does not speak change nothing.
    let caller = Caller { thread: ThreadId(1), user: contract::UserId(0), inside: None };
    let call = EventView::Call { id: CallId(7), caller, job: Some(job), call: &Call::GetState };
    assert_eq!(trail.sees(&call), Ok(()));
}
