//! What the specification refuses or puts off: every step, with values on both sides of what it allows, every delivery, and calls, in many states.
//!
//! A sound core never does what is forbidden, so a guard that is gone is never missed by it. These probes do what no sound core does: they are
//! for the specification what sneak paths are for an implementation. The unchanged model has decided whether each is refused.

use std::collections::BTreeSet;
use std::fmt;

use contract::core::{Change, Then};
use contract::event::Target;
use contract::mutation::Mutation;
use contract::state::JobState;
use contract::{
    Call, Core as _, DiskAct, EnvStep, Event, FileId, HResult, JobId, Method, Profile, ReceiverId,
};
use engine::core::Core;
use explorer::fingerprint::fingerprint;
use judge::RuleSet;
use model::drive::Applied;
use model::lockstep::Lockstep;
use model::spec::World;

use crate::program::{JOBS, Program, USER};

/// Walks whose states are probed besides those of the scripts. A walk is probed every `EVERY` states, and no longer after `STATES` probed
/// states in all.
const WALKS: usize = 400;
const EVERY: usize = 5;
const STATES: usize = 4_000;

/// Programs, and for some of the states they lead through which probes are refused.
pub(super) struct Refusals {
    runs: Vec<(Program, Vec<Stop>)>,
}

/// In which states of a program to probe.
#[derive(Clone, Copy)]
enum Stops {
    /// In each: a mutant may come to a state that was met before in another way.
    All,
    /// In some of those that are new.
    Some,
}

/// A state to probe: after this number of stimuli that did something.
struct Stop {
    after: usize,
    refused: Vec<bool>,
}

impl Refusals {
    pub(super) fn new(scripts: &[Program], walks: &[Program]) -> Refusals {
        let mut met = BTreeSet::new();
        let mut left = STATES;
        let of_scripts = scripts.iter().map(|script| (script, Stops::All));
        let programs = of_scripts.chain(walks.iter().take(WALKS).map(|walk| (walk, Stops::Some)));
        let runs = programs.map(|(program, wanted)| {
            let mut stops = Vec::new();
            let _sound = follow(program, Mutation::NONE, &mut |after, profile, world| {
                let stop = match wanted {
                    Stops::All => true,
                    Stops::Some => left > 0 && after % EVERY == 0 && met.insert(fingerprint(world)),
                };
                if stop {
                    left = left.saturating_sub(1);
                    let refused = probes(profile, world).map(|probe| probe.refused).collect();
                    stops.push(Stop { after, refused });
                }
                None
            });
            (program.clone(), stops)
        });
        Refusals { runs: runs.filter(|(_, stops)| !stops.is_empty()).collect() }
    }

    /// The first probe that is allowed and was refused, or the other way round, in a state to which the mutant itself has led.
    pub(super) fn differs(&self, mutation: Mutation) -> Option<String> {
        self.runs.iter().find_map(|(program, stops)| {
            let mut stops = stops.iter().peekable();
            follow(program, mutation, &mut |after, profile, world| {
                let Stop { refused, .. } = stops.next_if(|stop| stop.after == after)?;
                let now = probes(profile, world);
                let (probe, _) = now.zip(refused).find(|(probe, refused)| probe.refused != **refused)?;
                let turned = if probe.refused { "is refused" } else { "is no longer refused" };
                Some(format!("{} {turned}", probe.what))
            })
        })
    }
}

/// Shows `look` every state to which a program on the engine's core leads the specification, until it returns something or the two part.
fn follow(
    program: &Program,
    mutation: Mutation,
    look: &mut impl FnMut(usize, &Profile, &World<JOBS>) -> Option<String>,
) -> Option<String> {
    let config = program.config();
    let profile = config.profile.mutated(mutation);
    let mut lockstep = Lockstep::around(Core::new(&config), &config, |_| USER, RuleSet::EMPTY);
    let mut after = 0;
    program.steps.iter().find_map(|stimulus| {
        if lockstep.apply(&profile, stimulus, &mut |_| ()) == Applied::NotEnabled {
            return None;
        }
        after += 1;
        let parted = lockstep.disagreement().map(|disagreement| disagreement.to_string());
        parted.or_else(|| look(after, &profile, lockstep.spec()))
    })
}

/// Something that was tried in a state.
pub(super) struct Probe {
    what: What,
    pub(super) refused: bool,
}

#[derive(Clone, Copy)]
enum What {
    Step(Change),
    Delivery(Event, Option<FileId>, Target),
    /// It is put off while the job is finalising.
    Call(Method),
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
            What::Call(method) => write!(f, "{method}"),
        }
    }
}

/// What is tried in a state.
pub(super) fn probes<'a, const J: usize>(
    profile: &'a Profile,
    world: &'a World<J>,
) -> impl Iterator<Item = Probe> + use<'a, J> {
    let jobs = (0..world.jobs().len() as u32).map(JobId);
    jobs.flat_map(move |job| {
        let around = steps(profile, world, job).chain(deliveries(profile, world, job));
        around.chain(put_off(profile, world, job))
    })
}

fn put_off<'a, const J: usize>(
    profile: &'a Profile,
    world: &'a World<J>,
    job: JobId,
) -> impl Iterator<Item = Probe> + use<'a, J> {
    [Call::GetState, Call::GetJob, Call::Suspend, Call::Resume].into_iter().map(move |call| {
        let mut world = *world;
        let reply = world.call(profile, USER, Some(job), &call);
        Probe { refused: reply.then == Then::Busy, what: What::Call(call.method()) }
    })
}

fn steps<'a, const J: usize>(
    profile: &'a Profile,
    world: &'a World<J>,
    job: JobId,
) -> impl Iterator<Item = Probe> + use<'a, J> {
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
        EnvStep::Logoff { user: None },
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

fn deliveries<'a, const J: usize>(
    profile: &'a Profile,
    world: &'a World<J>,
    job: JobId,
) -> impl Iterator<Item = Probe> + use<'a, J> {
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
