//! What the specification refuses: every step, with values on both sides of what it allows, and every delivery, in many states.
//!
//! A sound core never does what is forbidden, so a guard that is gone is never missed by it. These probes do what no sound core does: they are
//! for the specification what sneak paths are for an implementation. Whether each is refused was said by the model as it is.

use std::collections::BTreeSet;
use std::fmt;

use contract::core::Change;
use contract::event::Target;
use contract::mutation::Mutation;
use contract::state::JobState;
use contract::{DiskAct, EnvStep, Event, FileId, HResult, JobId, Profile, ReceiverId};
use model::fingerprint::fingerprint;
use model::spec::World;

use super::corpus::worlds;
use crate::program::{JOBS, Program};

/// Walks through whose states the probes go, every so many states, and states at most.
const WALKS: usize = 400;
const EVERY: usize = 9;
const STATES: usize = 2_500;

/// States, and for each which probes are refused.
pub(super) struct Refusals {
    states: Vec<(Profile, World<JOBS>, Vec<bool>)>,
}

impl Refusals {
    pub(super) fn new(walks: &[Program]) -> Refusals {
        let mut met = BTreeSet::new();
        let is_new = |(_, world): &(Profile, World<JOBS>)| met.insert(fingerprint(world));
        let states = walks.iter().take(WALKS).flat_map(states_of).step_by(EVERY).filter(is_new);
        let states = states.take(STATES).map(|(profile, world)| {
            let refused = probes(&profile, &world).map(|probe| probe.refused).collect();
            (profile, world, refused)
        });
        Refusals { states: states.collect() }
    }

    /// The first probe that is allowed and was refused, or the other way round.
    pub(super) fn differs(&self, mutation: Mutation) -> Option<String> {
        self.states.iter().find_map(|(profile, world, refused)| {
            let profile = profile.mutated(mutation);
            let now = probes(&profile, world);
            let (probe, _) = now.zip(refused).find(|(probe, refused)| probe.refused != **refused)?;
            let turned = if probe.refused { "is refused" } else { "is no longer refused" };
            Some(format!("{} {turned}", probe.what))
        })
    }
}

fn states_of(program: &Program) -> Vec<(Profile, World<JOBS>)> {
    let profile = program.config().profile;
    worlds(program).into_iter().map(|world| (profile, world)).collect()
}

struct Probe {
    what: What,
    refused: bool,
}

#[derive(Clone, Copy)]
enum What {
    Step(Change),
    Delivery(Event, Option<FileId>, Target),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Step(Change { step, state, file, .. }) => {
                match step {
                    Some(step) => write!(f, "{step:?}")?,
                    None => f.write_str("a call's change")?,
                }
                file.map_or(Ok(()), |file| write!(f, " of f{}", file.0))?;
                state.map_or(Ok(()), |(_, to)| write!(f, " to {to}"))
            }
            What::Delivery(event, file, target) => {
                write!(f, "{event}")?;
                file.map_or(Ok(()), |file| write!(f, " of f{}", file.0))?;
                write!(f, " to {target:?}")
            }
        }
    }
}

/// What is tried in a state.
fn probes<'a>(profile: &'a Profile, world: &'a World<JOBS>) -> impl Iterator<Item = Probe> + use<'a> {
    let jobs = (0..world.jobs().len() as u32).map(JobId);
    jobs.flat_map(move |job| steps(profile, world, job).chain(deliveries(profile, world, job)))
}

fn steps<'a>(
    profile: &'a Profile,
    world: &'a World<JOBS>,
    job: JobId,
) -> impl Iterator<Item = Probe> + use<'a> {
    let from = world.state(job);
    let files = [None, Some(FileId(0)), Some(FileId(1))];
    let changes = all_steps().into_iter().flat_map(move |step| {
        let states = std::iter::once(None).chain(JobState::ALL.into_iter().map(move |to| Some((from, to))));
        states.flat_map(move |state| {
            files.into_iter().map(move |file| Change { job: Some(job), file, step: Some(step), state })
        })
    });
    // A change that the running call made is compared with what the specification did.
    let of_calls = JobState::ALL.into_iter().map(move |to| Change {
        job: Some(job),
        file: None,
        step: None,
        state: Some((from, to)),
    });
    changes.chain(of_calls).map(move |change| {
        let mut world = *world;
        Probe { refused: world.step(profile, &change).is_err(), what: What::Step(change) }
    })
}

/// Every step, with small values.
fn all_steps() -> Vec<EnvStep> {
    let mut steps = vec![
        EnvStep::Turn,
        EnvStep::Connected,
        EnvStep::FileRestarted,
        EnvStep::FileDone,
        EnvStep::TransientError { hr: HResult::E_FAIL },
        EnvStep::FatalError { hr: HResult::E_FAIL },
        EnvStep::Preempt,
        EnvStep::Logoff,
        EnvStep::NetworkLost,
        EnvStep::NetworkBack,
        EnvStep::RetryDelayOver,
        EnvStep::NoProgressTimeout,
        EnvStep::Expiry,
    ];
    steps.extend([DiskAct::Renamed, DiskAct::RenameFailed].map(|act| EnvStep::Disk { act }));
    steps.extend([0, 2, 40].map(|total| EnvStep::SizeKnown { total }));
    for transferred in [0, 2, 40] {
        steps.extend([None, Some(2), Some(30)].map(|total| EnvStep::Bytes { transferred, total }));
    }
    steps
}

fn deliveries<'a>(
    profile: &'a Profile,
    world: &'a World<JOBS>,
    job: JobId,
) -> impl Iterator<Item = Probe> + use<'a> {
    let targets = [Target::CommandLine, Target::Interface(ReceiverId(0)), Target::Interface(ReceiverId(1))];
    let told = Event::ALL
        .into_iter()
        .flat_map(|event| [None, Some(FileId(0)), Some(FileId(1))].map(|file| (event, file)));
    told.flat_map(move |(event, file)| {
        targets.into_iter().map(move |target| {
            let mut world = *world;
            let refused = world.begin(profile, job, event, file, target).is_err();
            Probe { refused, what: What::Delivery(event, file, target) }
        })
    })
}
