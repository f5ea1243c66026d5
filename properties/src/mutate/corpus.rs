//! What the model as it is says of subjects that are broken on purpose, and of sound ones: programs from which the specification parts, and
//! traces that the rules condemn.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::core::Config;
use contract::fault::{Fault, Place};
use contract::judge::{Bound, Header, RuleSet, Trace, Verdicts};
use contract::mutation::Mutation;
use contract::{Core as _, JobId};
use engine::core::Core;
use model::drive::{Applied, Driver, Happened};
use model::lockstep::Lockstep;
use model::spec::World;

use super::lies::lies;
use crate::program::{JOBS, Program, USER};
use crate::race::{self, Design, Kind, Session};
use crate::run::{Broken, Lines, run_mutated};
use crate::sample::program;

/// Programs that each broken core is given, and of those from which the specification parts, how many are kept.
const TRIED: u64 = 3_000;
const KEPT: usize = 40;

/// A program on a core with a fault, and after how many steps the specification parts from it.
pub(super) struct Parted {
    fault: Fault,
    program: Program,
    steps: usize,
}

/// For each fault of the core some programs that show it to the specification.
pub(super) fn parted(walks: &[Program], seed: u64) -> Vec<Parted> {
    let faults = Fault::ALL.iter().copied().filter(|fault| fault.place() == Place::Core);
    faults
        .flat_map(|fault| {
            let random = (seed..seed.saturating_add(TRIED)).map(program);
            walks
                .iter()
                .cloned()
                .chain(random)
                .filter_map(move |program| {
                    let steps = parts_after(&program, fault, Mutation::NONE)?;
                    Some(Parted { fault, program, steps })
                })
                .take(KEPT)
        })
        .collect()
}

fn parts_after(program: &Program, fault: Fault, mutation: Mutation) -> Option<usize> {
    let outcome = run_mutated(program, fault.maker::<Core>(), RuleSet::EMPTY, mutation);
    outcome.broken.map(|_| outcome.steps)
}

impl Parted {
    pub(super) fn differs(&self, mutation: Mutation) -> Option<String> {
        let Parted { fault, steps, .. } = self;
        match parts_after(&self.program, *fault, mutation) {
            None => Some(format!("{fault} is no longer seen")),
            Some(now) if now != *steps => {
                Some(format!("{fault} is seen after {now} steps, and was after {steps}"))
            }
            Some(_) => None,
        }
    }
}

/// A trace, and the rules it breaks.
pub(super) struct Condemned {
    subject: String,
    trace: Trace,
    violated: RuleSet,
}

impl Condemned {
    fn of(subject: &str, trace: Trace) -> Condemned {
        let violated = judged(&trace, Mutation::NONE);
        Condemned { subject: subject.to_owned(), trace, violated }
    }

    pub(super) fn differs(&self, mutation: Mutation) -> Option<String> {
        let now = judged(&self.trace, mutation);
        let Condemned { subject, violated, .. } = self;
        (now != *violated).then(|| format!("{subject} breaks {now}, and broke {violated}"))
    }
}

/// The rules that a trace breaks, by monitors with a mutant.
fn judged(trace: &Trace, mutation: Mutation) -> RuleSet {
    let profile = trace.header.profile().mutated(mutation);
    Verdicts::under(trace, &profile, RuleSet::HERE).violated()
}

/// Traces of each subject that are kept for each set of rules they break.
const OF_A_KIND: usize = 8;

/// Programs that each broken core is traced on.
const TRACED: u64 = 300;

/// Walks that each core is traced on.
const WALKED: usize = 600;

/// Walks and races that are lied about, and lies of a kind that are kept for each set of rules they break.
const LIED: usize = 90;
const LIES: usize = 4;

/// Races that each broken service is given, and schedules of each.
const RACES: u64 = 120;
const SCHEDULES: u64 = 8;

/// Traces of sound subjects, of cores with each fault, of services with each fault of the service, and of those with each wrong design.
/// A fault of the core can keep a service busy for ever, and so it is met in cores alone.
pub(super) fn condemned(walks: &[Program], seed: u64) -> Vec<Condemned> {
    let mut all = Vec::new();
    let random = || (seed..seed.saturating_add(TRACED)).map(program);
    let programs = || walks.iter().take(WALKED).cloned().chain(random());
    all.extend(programs().map(|program| Condemned::of("a sound core", stepped(&program, Core::new))));
    all.extend(lied(walks, seed));
    for fault in Fault::ALL.iter().filter(|fault| fault.place() == Place::Core) {
        let traces = programs().map(|program| stepped(&program, fault.maker::<Core>()));
        all.extend(some_of_each(fault.name(), traces));
    }
    all.extend(some_of_each("a sound service", raced(seed, Design::Barrier, None)));
    for fault in Fault::ALL.iter().filter(|fault| fault.place() == Place::Service) {
        all.extend(some_of_each(fault.name(), raced(seed, Design::Barrier, Some(*fault))));
    }
    for design in Design::ALL.iter().filter(|design| **design != Design::Barrier) {
        all.extend(some_of_each(&design.to_string(), raced(seed, *design, None)));
    }
    all
}

/// Sound traces with one lie.
fn lied(walks: &[Program], seed: u64) -> Vec<Condemned> {
    let stepped = walks.iter().take(LIED).map(|program| stepped(program, Core::new));
    let raced = raced(seed, Design::Barrier, None).step_by(SCHEDULES as usize).take(LIED);
    let told = stepped
        .chain(raced)
        .flat_map(|trace| lies(&trace).map(|(lie, trace)| Condemned::of(&lie, trace)).collect::<Vec<_>>());
    first_of_each(LIES, told)
}

/// Of a subject's traces that break the same rules the first few.
fn some_of_each(subject: &str, traces: impl Iterator<Item = Trace>) -> Vec<Condemned> {
    first_of_each(OF_A_KIND, traces.map(|trace| Condemned::of(subject, trace)))
}

/// The first few of each kind: of one subject, breaking the same rules.
fn first_of_each(few: usize, condemned: impl Iterator<Item = Condemned>) -> Vec<Condemned> {
    let mut seen: BTreeMap<(String, RuleSet), usize> = BTreeMap::new();
    condemned
        .filter(|condemned| {
            let of_a_kind = seen.entry((condemned.subject.clone(), condemned.violated)).or_default();
            *of_a_kind += 1;
            *of_a_kind <= few
        })
        .collect()
}

/// What happens when a program runs on a core, without a specification that would end the run where it parts.
fn stepped(program: &Program, make: fn(&Config) -> Core) -> Trace {
    let config = program.config();
    let mut driver = Driver::new(make(&config), |_| USER);
    let mut lines = Lines::default();
    for stimulus in &program.steps {
        if stimulus.is_create() && jobs(&driver) == JOBS {
            continue;
        }
        let _ = driver.apply(stimulus, &mut |happened: Happened<'_>| {
            if let Happened::Event(event) = happened {
                lines.event(&event);
            }
        });
    }
    let header = Header { callback_slots: program.callback_slots, ..Header::of(&program.variant.profile) };
    Trace { header, lines: lines.lines }
}

fn jobs(driver: &Driver<Core>) -> usize {
    (0..JOBS as u32).filter(|job| driver.core().state(JobId(*job)).is_some()).count()
}

/// What happens in races on the service.
fn raced(seed: u64, design: Design, fault: Option<Fault>) -> impl Iterator<Item = Trace> {
    (seed..seed.saturating_add(RACES)).flat_map(move |seed| {
        let mut race = race::race_of(seed);
        race.design = design;
        race.fault = fault;
        let race = Arc::new(race);
        let mut session = Session::new(Kind::Random.start(seed));
        (0..SCHEDULES).map(move |_| session.trace(&race, Some(seed)))
    })
}

/// What a run broke, in a few words.
pub(super) fn in_words(broken: &Broken) -> String {
    match broken {
        Broken::Rules(rules) => rules.to_string(),
        Broken::Agreement(disagreement) => disagreement.to_string(),
    }
}

/// The worlds of the specification that programs on the engine's core lead through, with their programs.
pub(super) fn worlds(program: &Program) -> Vec<World<JOBS>> {
    let config = program.config();
    let mut lockstep = Lockstep::around(Core::new(&config), |_| USER, RuleSet::EMPTY, Bound::WIDE)
        .with_slots(config.callback_slots);
    let mut worlds = Vec::new();
    for stimulus in &program.steps {
        if lockstep.apply(&config.profile, stimulus, &mut |_| ()) == Applied::Done {
            worlds.push(*lockstep.spec());
        }
    }
    worlds
}
