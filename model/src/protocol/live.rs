//! Liveness of the protocol: L1 to L4 of contract section 3, on the recorded graph, under weak fairness.
//!
//! **What it is.** [`check_live`] explores a slice of one job in full, without the rules' memory, records who leads to whom, and decides
//! for each [`Duty`] whether what is owed comes. What breaks a duty is a [`Lasso`]: the steps to a circle, and the circle.
//!
//! **What is fair.** Every step of the engine, of the network and of the clock, each kind for itself, and for each caller for itself; and a
//! callback or program that runs leaves. Not fair, so that it may be withheld for ever: a call, a lock that a callback takes, expiry.
//!
//! **What it is not.** It takes slices of one job only: with several, jobs of one user change their numbers, and fairness of one is no
//! longer fairness of one. Clients' own locks are left out, as the contract does: it assumes that every callback leaves.
//!
//! **Why it can fail.** Each [`Flaw`] is a mistake in the protocol that breaks one of the duties and no safety rule; the tests find each.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use contract::defect::{Design, Flaw};
use contract::{Dialect, Event, JobState, Profile};
use explorer::graph::Labels;
use explorer::liveness::{self, Fair, Goal};
use explorer::{Classes, Explorer, Hashed, Key, Limits};
use judge::Rule;
use stateright::Model;

use super::act::Act;
use super::scope::{Locks, Slice, slices};
use super::state::{Job, Marks, Phase, To, Who, World};
use super::step::Rig;
use super::story::Story;
use super::{Protocol, Reduction, State};
use crate::explore::{Extent, Visited};
use crate::scope::ScopeName;

/// A duty of the engine that no single state shows to be neglected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Duty {
    /// L1: a job that stays TRANSFERRED and enabled is told so until it acknowledges.
    TellsTransferred,
    /// L2: likewise for ERROR, and for each file that is whole.
    TellsErrorsAndFiles,
    /// L3: every call returns.
    Returns,
    /// L4: a live job leaves QUEUED and TRANSFERRING.
    MovesOn,
}

impl Duty {
    /// Every duty, in order.
    pub const ALL: &'static [Duty] =
        &[Duty::TellsTransferred, Duty::TellsErrorsAndFiles, Duty::Returns, Duty::MovesOn];

    /// The name in the contract, such as `L1`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Duty::TellsTransferred => "L1",
            Duty::TellsErrorsAndFiles => "L2",
            Duty::Returns => "L3",
            Duty::MovesOn => "L4",
        }
    }

    /// A short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Duty::TellsTransferred => "told",
            Duty::TellsErrorsAndFiles => "errors, files",
            Duty::Returns => "returns",
            Duty::MovesOn => "moves on",
        }
    }

    /// The duty as one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Duty::TellsTransferred => {
                "A job that stays TRANSFERRED and enabled is told so until it acknowledges."
            }
            Duty::TellsErrorsAndFiles => {
                "A job that stays in ERROR and enabled is told so until it acknowledges, and so it is of each file that is whole."
            }
            Duty::Returns => "Every call returns.",
            Duty::MovesOn => "A live, unsuspended job leaves each of QUEUED and TRANSFERRING eventually.",
        }
    }

    /// What goes wrong in a client when it is neglected.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Duty::TellsTransferred => {
                "A client that waits for JobTransferred never calls Complete, so its files never appear."
            }
            Duty::TellsErrorsAndFiles => {
                "A client that is not told of an error does not repair it. One that is not told of a file cannot use that file."
            }
            Duty::Returns => "A thread in a call that does not return is lost, with all that waits for it.",
            Duty::MovesOn => {
                "A job that keeps its place for ever looks like a slow download, and no error ends it."
            }
        }
    }

    /// The rule that judges the part of it that a finite run shows; none where no run shows any.
    #[must_use]
    pub const fn finite_part(self) -> Option<Rule> {
        match self {
            Duty::TellsTransferred | Duty::TellsErrorsAndFiles => Some(Rule::R19),
            Duty::Returns => Some(Rule::R16),
            Duty::MovesOn => None,
        }
    }

    /// A mistake that breaks it.
    #[must_use]
    pub const fn flaw(self) -> Flaw {
        match self {
            Duty::TellsTransferred | Duty::TellsErrorsAndFiles => Flaw::DropsFailed,
            Duty::Returns => Flaw::WakesNobody,
            Duty::MovesOn => Flaw::NeverTurns,
        }
    }

    /// What it looks like when [`Duty::flaw`] breaks it, in the smallest slice in which it does.
    ///
    /// # Errors
    ///
    /// When the model panics, which would be a mistake in it.
    pub fn example(self) -> Result<Option<Story>, explorer::Error> {
        let profile = Dialect::Bits.profile();
        let slices = [ScopeName::Tiny, ScopeName::Small].into_iter().flat_map(|scope| slices(scope, profile));
        for slice in slices.filter_map(live_slice) {
            let report = check_live(Design::Barrier, Some(self.flaw()), profile, &slice, 1, (None, None))?;
            let broken = report.proofs.into_iter().find(|(duty, _)| *duty == self);
            if let Some((_, LiveProof::Violated(lasso))) = broken {
                return Ok(Some(lasso.story(Design::Barrier, profile, &slice)));
            }
        }
        Ok(None)
    }

    /// What it requires: every wait for one of these ends.
    fn owed(self) -> &'static [Owed] {
        contract::follows![
            "deliver.late",
            "deliver.retry-transferred",
            "deliver.retry-error",
            "deliver.retry-file"
        ];
        match self {
            Duty::TellsTransferred => &[Owed::Transferred],
            Duty::TellsErrorsAndFiles => &[Owed::Error, Owed::File],
            Duty::Returns => &[Owed::FirstClient, Owed::SecondClient, Owed::Callback],
            Duty::MovesOn => &[Owed::Turn, Owed::Transfer],
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// What a job, a client or a callback waits for. Each has two labels in the graph: that it is owed, and that it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owed {
    Transferred,
    Error,
    File,
    FirstClient,
    SecondClient,
    Callback,
    Turn,
    Transfer,
}

macro_rules! labels {
    ($($owed:ident),*) => {
        const OWED: &[Owed] = &[$(Owed::$owed),*];

        /// For each thing that may be owed two questions, since stateright's and ours are bare functions.
        fn labels() -> Labels<Protocol<1>> {
            Labels { questions: vec![$(
                |protocol, state| protocol.owes(&state.world, Owed::$owed),
                |protocol, state| !protocol.owes(&state.world, Owed::$owed),
            )*] }
        }
    };
}

labels!(Transferred, Error, File, FirstClient, SecondClient, Callback, Turn, Transfer);

impl Owed {
    fn goal(self) -> Goal {
        let index = OWED.iter().position(|owed| *owed == self).unwrap_or_default();
        Goal::LeadsTo { after: 2 * index, comes: 2 * index + 1 }
    }
}

impl Protocol<1> {
    /// Whether something is owed and does not happen at this very moment.
    fn owes(&self, world: &World<1>, owed: Owed) -> bool {
        let job = &world.jobs[0];
        let is_open = |who| world.open(who).is_open();
        match owed {
            Owed::Transferred => self.rig.owes(job, JobState::Transferred, Event::JobTransferred),
            Owed::Error => self.rig.owes(job, JobState::Error, Event::JobError),
            Owed::File => self.rig.owes_a_file(job) && !is_told(job, Event::FileTransferred),
            Owed::FirstClient => is_open(Who::Client(0)),
            Owed::SecondClient => is_open(Who::Client(1)),
            Owed::Callback => is_open(Who::Callback(0)),
            Owed::Turn => job.is_live() && job.state == JobState::Queued,
            Owed::Transfer => job.is_live() && job.state == JobState::Transferring,
        }
    }
}

impl Rig {
    /// Whether the event of the job's state is still to be delivered. A file's event that is to be delivered first puts that off.
    fn owes(&self, job: &Job, state: JobState, event: Event) -> bool {
        let has_receiver = job.receiver.is_some() || job.marks.contains(Marks::HAS_PROGRAM);
        let unmasked = self.profile.unmasked(job.mask(), event).is_yes();
        job.is_live()
            && job.state == state
            && !job.marks.contains(Marks::HEARD)
            && has_receiver
            && unmasked
            && !self.owes_a_file(job)
            && !is_told(job, event)
    }

    fn owes_a_file(&self, job: &Job) -> bool {
        let unmasked = self.profile.unmasked(job.mask(), Event::FileTransferred).is_yes();
        job.is_live() && job.receiver.is_some() && job.files.untold().is_some() && unmasked
    }
}

/// Whether the client's code, or a program, is receiving the event.
fn is_told(job: &Job, event: Event) -> bool {
    let delivery = &job.delivery;
    let inside = matches!(delivery.phase, Phase::Running | Phase::Blocked(_) | Phase::Left(_));
    (inside && delivery.event == event && (delivery.to != To::Program || event != Event::FileTransferred))
        || job.program.is_some_and(|program| program.event == event)
}

/// The kinds of steps that are fair or not, each apart.
const CLASSES: [&str; 18] = [
    "call",
    "lock",
    "expiry",
    "effect of the first client's call",
    "effect of the second client's call",
    "effect of the callback's call",
    "disk work of the first client's call",
    "disk work of the second client's call",
    "disk work of the callback's call",
    "return of the first client's call",
    "return of the second client's call",
    "return of the callback's call",
    "claim or begin",
    "enter or settle",
    "leave or exit",
    "turn",
    "transfer",
    "retry delay",
];

/// The first class that is fair.
const FIRST_FAIR: usize = 3;

/// Whether a step that stays possible comes, in every fair run.
pub(super) fn is_fair(act: &Act) -> bool {
    class(act) >= FIRST_FAIR
}

fn class(act: &Act) -> usize {
    let caller = |who: Who| match who {
        Who::Client(client) => usize::from(client.min(1)),
        Who::Callback(_) => 2,
    };
    match *act {
        Act::Call { .. } => 0,
        Act::Block { .. } => 1,
        Act::Expire(_) => 2,
        Act::Effect(who) => 3 + caller(who),
        Act::Disk(who, _) => 6 + caller(who),
        Act::Return(who) => 9 + caller(who),
        Act::Claim(_) | Act::Begin(_) => 12,
        Act::Enter(_) | Act::Settle(_) => 13,
        Act::Leave(..) | Act::Exit(..) => 14,
        Act::Turn(_) => 15,
        Act::Arrive(_) | Act::Fail(_) => 16,
        Act::RetryDelayOver(_) => 17,
    }
}

/// A run that neglects a duty: the steps to a circle, and the circle, which is gone round for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lasso {
    /// The way there.
    pub stem: Vec<Act>,
    /// The circle; nothing when the run stays where it is, because nothing is left to happen.
    pub cycle: Vec<Act>,
}

impl Lasso {
    /// The steps to the circle, once round it, and what then happens for ever.
    #[must_use]
    pub fn story(&self, design: Design, profile: &Profile, slice: &Slice) -> Story {
        let acts: Vec<_> = self.stem.iter().chain(&self.cycle).copied().collect();
        let ending = match self.cycle.len() {
            0 => "nothing more has to happen, and what is owed never comes".to_owned(),
            steps => format!("the last {steps} steps again and again, and what is owed never comes"),
        };
        Story { ending, ..Story::of(design, profile, slice, None, &acts) }
    }
}

/// What became of a duty in a slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LiveProof {
    /// Whatever is owed comes.
    Proved,
    /// It does not, if this happens.
    Violated(Lasso),
    /// Nothing is ever owed.
    Vacuous,
    /// The exploration ended before it was done.
    Unfinished,
}

/// The result for one slice.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveReport {
    /// The slice's name.
    pub slice: &'static str,
    /// The slice in one line.
    pub scope: String,
    /// Distinct states.
    pub states: u64,
    /// Edges between them.
    pub edges: u64,
    /// The longest of the shortest paths, in steps.
    pub depth: u32,
    /// How long it took, the search for circles included.
    pub elapsed: Duration,
    /// What became of each duty.
    pub proofs: Vec<(Duty, LiveProof)>,
    /// Whether every state was explored.
    pub extent: Extent,
    /// What the visited set keeps of a state.
    pub visited: Visited,
}

/// The slice as liveness explores it, if it does: of one job, without clients' own locks.
#[must_use]
pub fn live_slice(slice: Slice) -> Option<Slice> {
    (slice.jobs == 1 && slice.clients > 0).then_some(Slice { locks: Locks::None, ..slice })
}

/// Explores a slice of [`live_slice`] under a design with a flaw, or without, and decides every duty.
///
/// # Errors
///
/// When the model panics, which would be a mistake in it.
pub fn check_live(
    design: Design,
    flaw: Option<Flaw>,
    profile: &Profile,
    slice: &Slice,
    workers: usize,
    (budget, enough): (Option<Duration>, Option<&'static AtomicBool>),
) -> Result<LiveReport, explorer::Error> {
    let started = Instant::now();
    let mut protocol = Protocol::<1>::new(design, profile, slice, &[], Reduction::Full);
    protocol.rig.flaw = flaw;
    let report = Explorer::<_, Hashed<u64>>::hashed(protocol)
        .workers(workers)
        .limits(Limits { time: budget, enough, ..Limits::default() })
        .classes(Classes { names: CLASSES.map(str::to_owned).to_vec(), of: class })
        .record(labels())
        .explore()?;
    let (states, edges, depth) = (report.states, report.edges, report.depth());
    let (visited, extent) = (Visited::of(&report), Extent::of(&report));
    let mut proofs = Vec::new();
    if let Some(graph) = &report.graph {
        for duty in Duty::ALL {
            // A state that was left out may be the one that matters.
            let proof = match extent {
                Extent::Complete => proof(&report.model, graph, *duty)?,
                Extent::BudgetSpent => LiveProof::Unfinished,
            };
            proofs.push((*duty, proof));
        }
    }
    let scope = format!("{}, every step explored, fair steps", slice.describe());
    let elapsed = started.elapsed();
    Ok(LiveReport { slice: slice.name, scope, states, edges, depth, elapsed, proofs, extent, visited })
}

fn proof(
    protocol: &Protocol<1>,
    graph: &explorer::Graph<u64>,
    duty: Duty,
) -> Result<LiveProof, explorer::Error> {
    let fair: Vec<u16> = (FIRST_FAIR as u16..CLASSES.len() as u16).collect();
    let goals = || duty.owed().iter().map(|owed| owed.goal());
    for goal in goals() {
        if let Some(lasso) = liveness::check(graph, goal, Fair::classes(&fair)) {
            return Ok(LiveProof::Violated(walk(protocol, graph, &lasso)?));
        }
    }
    let asked = |goal| matches!(goal, Goal::LeadsTo { after, .. } if graph.nodes().any(|node| graph.has(node, after)));
    Ok(if goals().any(asked) { LiveProof::Proved } else { LiveProof::Vacuous })
}

/// The steps along the edges of a lasso, each one that the model has there.
fn walk(
    protocol: &Protocol<1>,
    graph: &explorer::Graph<u64>,
    lasso: &liveness::Lasso,
) -> Result<Lasso, explorer::Error> {
    let mut state = protocol.first();
    let mut acts = Vec::new();
    for edge in lasso.stem.iter().chain(&lasso.cycle) {
        let leads = |(act, next): &(Act, State<1>)| {
            class(act) == usize::from(edge.class) && u64::of(next) == graph.key(edge.to)
        };
        let step = protocol.next_steps(&state).into_iter().find(leads).ok_or(explorer::Error::Path)?;
        acts.push(step.0);
        state = step.1;
    }
    let cycle = acts.split_off(lasso.stem.len());
    Ok(Lasso { stem: acts, cycle })
}
