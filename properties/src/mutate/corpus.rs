//! Verdicts of the unchanged model on subjects that are broken on purpose, and on sound ones. The corpus holds programs from which the
//! specification parts, and traces that the rules condemn.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use contract::core::Config;
use contract::defect::{Design, Fault, Place};
use contract::dialect::CELLS;
use contract::mutation::Mutation;
use contract::{Core as _, Dialect, JobId};
use engine::core::Core;
use judge::{Header, RuleSet, Trace, Verdicts};
use model::drive::{Driver, Happened};

use super::lies::lies;
use crate::program::{JOBS, Program, USER};
use crate::race::{self, Kind, Session};
use crate::run::{Broken, Lines, run_mutated};
use crate::sample::program;

/// What is wrong with a core.
#[derive(Clone, Copy)]
enum Wrong {
    /// A seeded fault.
    Fault(Fault),
    /// It is built from a dialect with something else in this cell.
    Cell(Dialect, u8),
}

impl Wrong {
    fn all() -> impl Iterator<Item = Wrong> {
        let faults = Fault::ALL
            .iter()
            .copied()
            .filter(|fault| fault.place() == Place::Core && fault.comes_back())
            .map(Wrong::Fault);
        let cells = |dialect| (0..CELLS.len() as u8).map(move |cell| Wrong::Cell(dialect, cell));
        faults.chain(Dialect::ALL.into_iter().flat_map(cells))
    }

    fn core(self, config: &Config) -> Core {
        match self {
            Wrong::Fault(fault) => fault.maker::<Core>()(config),
            Wrong::Cell(dialect, cell) if dialect == config.profile.dialect => {
                Core::new(&Config { profile: config.profile.with_other(cell), ..*config })
            }
            Wrong::Cell(..) => Core::new(config),
        }
    }

    /// Programs tried, and of those from which the specification parts, how many are kept.
    fn patience(self) -> (usize, usize) {
        match self {
            Wrong::Fault(_) => (usize::MAX, 40),
            Wrong::Cell(..) => (1_500, 3),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Fault(fault) => fault.fmt(f),
            Wrong::Cell(dialect, cell) => write!(f, "another {} in {dialect}", CELLS[usize::from(*cell)]),
        }
    }
}

/// Random programs that each broken core is given after the walks.
const TRIED: u64 = 3_000;

/// A program on a core with something wrong, and after how many steps the specification parts from it.
pub(super) struct Parted {
    wrong: Wrong,
    program: Program,
    steps: usize,
}

/// For each broken core some programs that show it to the specification.
pub(super) fn parted(walks: &[Program], seed: u64) -> Vec<Parted> {
    let of = |wrong: Wrong| {
        let random = (seed..seed.saturating_add(TRIED)).map(program);
        let (tried, kept) = wrong.patience();
        let parted = walks.iter().cloned().chain(random).take(tried).filter_map(move |program| {
            let steps = parts_after(&program, wrong, Mutation::NONE)?;
            Some(Parted { wrong, program, steps })
        });
        parted.take(kept)
    };
    Wrong::all().flat_map(of).collect()
}

fn parts_after(program: &Program, wrong: Wrong, mutation: Mutation) -> Option<usize> {
    let outcome = run_mutated(program, |config| wrong.core(config), RuleSet::EMPTY, mutation);
    outcome.broken.map(|_| outcome.steps)
}

impl Parted {
    pub(super) fn differs(&self, mutation: Mutation) -> Option<String> {
        let Parted { wrong, steps, .. } = self;
        match parts_after(&self.program, *wrong, mutation) {
            None => Some(format!("{wrong} is no longer seen")),
            Some(now) if now != *steps => {
                Some(format!("{wrong} is seen after {now} steps, and was after {steps}"))
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
const LIED: usize = 160;
const LIES: usize = 4;

/// Races that each broken service is given, and schedules of each.
const RACES: u64 = 120;
const SCHEDULES: u64 = 8;

/// Traces of sound subjects, of cores with each fault, of services with each fault of the service, and of those with each wrong design.
/// A fault of the core can keep a service busy for ever, and so it is met in cores alone. The first traces were not recorded: they are the
/// runs that the tests of the rules judge.
pub(super) fn condemned(walks: &[Program], seed: u64) -> Vec<Condemned> {
    let mut all = cases();
    let random = || (seed..seed.saturating_add(TRACED)).map(program);
    let programs = || walks.iter().take(WALKED).cloned().chain(random());
    all.extend(programs().map(|program| Condemned::of("a sound core", stepped(&program, Core::new))));
    all.extend(lied(walks, seed));
    for fault in Fault::ALL.iter().filter(|fault| fault.place() == Place::Core && fault.comes_back()) {
        let traces = programs().map(|program| stepped(&program, fault.maker::<Core>()));
        all.extend(some_of_each(fault.name(), traces));
    }
    all.extend(some_of_each("a sound service", raced(seed, Design::Barrier, None)));
    for fault in Fault::ALL.iter().filter(|fault| fault.place() == Place::Service && fault.comes_back()) {
        all.extend(some_of_each(fault.name(), raced(seed, Design::Barrier, Some(*fault))));
    }
    for design in Design::of(Place::Service).filter(|design| *design != Design::Barrier) {
        all.extend(some_of_each(&design.to_string(), raced(seed, design, None)));
    }
    all
}

/// The runs that the tests of the rules are about.
fn cases() -> Vec<Condemned> {
    let traces = judge::cases::all().unwrap_or_else(|error| panic!("{error}"));
    traces.into_iter().map(|trace| Condemned::of(&trace.header.scope.clone(), trace)).collect()
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

/// The first few of a subject's traces for each set of rules that they break.
fn some_of_each(subject: &str, traces: impl Iterator<Item = Trace>) -> Vec<Condemned> {
    first_of_each(OF_A_KIND, traces.map(|trace| Condemned::of(subject, trace)))
}

/// The first few of each kind: of one subject, breaking one set of rules.
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
