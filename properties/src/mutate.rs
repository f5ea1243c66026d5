//! Mutants of the model against engines: whether an engine of the workbench notices that the model is not what it was.
//!
//! **What it is.** A [`Bench`] holds what the engines need, worked out once with the unchanged model. [`Bench::attack`] gives a mutant of
//! [`model::mutants`] or a mutant of the source to one [`Engine`], and returns what the engine noticed first, if it noticed anything.
//!
//! **What noticing is.** An engine notices what it would report: specification and core part, a rule is broken, a property that had a witness
//! has none, a law or duty is proved where it was broken or the other way round. And, because a model that has become
//! *weaker* agrees with a sound engine all the more: a subject that is broken on purpose is no longer seen to be. Nothing is
//! compared that is no verdict: no numbers of states, no inner states.
//!
//! **What it is not.** Timed. Every engine has a fixed number of programs, traces or slices and no clock. So which engines
//! notice a mutant does not depend on the machine.
//!
//! **The law it keeps.** An engine notices nothing of the unchanged model.

mod corpus;
mod lies;
mod refusals;
mod scripts;
mod twins;
mod walks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use contract::defect::{Design, Flaw};
use contract::mutation::{Mutant, Mutation, woven};
use contract::{Core as _, Dialect};
use engine::core::Core;
use judge::RuleSet;
use model::explore::{Engine as Search, Options, Proof, Resources, explore};
use model::mutants::{Listed, Part, Reach};
use model::protocol::{
    self, Ask, Duty, Law, LawOutcome, Leaves, LiveProof, check_live, live_slice, outcomes,
};
use model::scope::{ScopeName, slices};
use model::suite::{Cover, Pace};

use self::corpus::{Condemned, Parted};
use self::refusals::Refusals;
use crate::deadlines::missed;
use crate::program::Program;
use crate::run::run_mutated;
use crate::sample::program;
use crate::suite::{Order, Suite, first_failure, generate};

/// An engine of the workbench, as it looks at mutants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Engine {
    /// Random programs and walks through the checker's slices on the engine's core: the mutated specification and rules follow them.
    Lockstep,
    /// These runs on cores with a seeded fault, without rules: does the mutated specification still part from them, and where it did?
    Faults,
    /// Recorded traces of cores and services with seeded faults or wrong designs, of sound ones, and of these with one lie: do the mutated rules still
    /// condemn what they condemned, and nothing else?
    Traces,
    /// Suites generated with the unchanged model, run on the engine's core beside the mutated one.
    Suites,
    /// The product of the mutated specification and the engine's core, explored: agreement, rules, and the witness of each rule.
    Product,
    /// The protocol under every design, explored: which law is proved, broken or vacuous.
    Protocol,
    /// The duties of the protocol, with every flaw.
    Liveness,
    /// Steps and deliveries that the specification refuses in the states of walks: does it still?
    Refusals,
    /// Stories on the engine's core that end at a deadline: does time run out when it does in the mutated model?
    Deadlines,
}

impl Engine {
    /// Every one, in the order in which they look.
    pub const ALL: &'static [Engine] = &[
        Engine::Lockstep,
        Engine::Faults,
        Engine::Traces,
        Engine::Suites,
        Engine::Product,
        Engine::Protocol,
        Engine::Liveness,
        Engine::Refusals,
        Engine::Deadlines,
    ];

    /// Its name, as typed on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Lockstep => "lockstep",
            Engine::Faults => "faults",
            Engine::Traces => "traces",
            Engine::Suites => "suites",
            Engine::Product => "product",
            Engine::Protocol => "protocol",
            Engine::Liveness => "liveness",
            Engine::Refusals => "refusals",
            Engine::Deadlines => "deadlines",
        }
    }

    /// Whether a mutant is in the part of the model that this engine uses.
    #[must_use]
    pub fn reaches(self, reach: Reach) -> bool {
        let parts: &[Part] = match self {
            Engine::Lockstep | Engine::Suites | Engine::Product => &[Part::Spec, Part::Rules],
            Engine::Faults | Engine::Refusals | Engine::Deadlines => &[Part::Spec],
            Engine::Traces => &[Part::Rules],
            Engine::Protocol => &[Part::Protocol, Part::Rules],
            Engine::Liveness => &[Part::Protocol],
        };
        parts.iter().any(|part| reach.is_in(*part))
    }
}

contract::named!(Engine, UnknownEngine, "an engine that looks at mutants");

/// What of the model is not what it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// A table has a mutant.
    Table(Mutant),
    /// The source has a mutant: the one of this number, of those that are woven into the build.
    Source(u32),
}

/// What came of a look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Looked {
    /// What was noticed first, in a few words.
    pub sign: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What the engines need, worked out with the unchanged model on first use.
pub struct Bench {
    seed: u64,
    walks: OnceLock<Vec<Program>>,
    parted: OnceLock<Vec<Parted>>,
    condemned: OnceLock<Vec<Condemned>>,
    suites: OnceLock<Vec<Suite>>,
    witnessed: OnceLock<Vec<Explored>>,
    proved: OnceLock<Vec<Vec<Verdict>>>,
    lived: OnceLock<Vec<Vec<Live>>>,
    refusals: OnceLock<Refusals>,
}

/// Random programs that a mutant may survive.
const PROGRAMS: u64 = 12_000;

/// Steps of a path of a suite at which it ends.
const LONGEST: usize = 200;

impl Bench {
    /// A bench whose programs and races follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Bench {
        Bench {
            seed,
            walks: OnceLock::new(),
            parted: OnceLock::new(),
            condemned: OnceLock::new(),
            suites: OnceLock::new(),
            witnessed: OnceLock::new(),
            proved: OnceLock::new(),
            lived: OnceLock::new(),
            refusals: OnceLock::new(),
        }
    }

    /// Shows a change to an engine. No engine may notice anything of the unchanged model.
    ///
    /// A model that panics is noticed. A mutant of the source runs in the whole process, so that one is looked at at a time.
    #[must_use]
    pub fn attack(&self, engine: Engine, change: Change) -> Looked {
        self.prepare(engine);
        let mutation = match change {
            Change::None => Mutation::NONE,
            Change::Table(mutant) => Mutation::of(mutant),
            Change::Source(number) => {
                woven::activate(number);
                Mutation::NONE
            }
        };
        let started = Instant::now();
        let sign = catch_unwind(AssertUnwindSafe(|| self.look(engine, mutation)));
        woven::activate(0);
        Looked { sign: sign.unwrap_or_else(|_| Some("panic".to_owned())), elapsed: started.elapsed() }
    }

    /// In how many states a mutant was tried beside the model and is equivalent; nothing if it is not, or if it is one of the rules.
    /// No way to notice anything: any change is a difference.
    #[must_use]
    pub fn same_as_the_model(listed: &Listed) -> Option<usize> {
        let same = || twins::same_specification(Mutation::of(listed.mutant));
        if listed.reach == Reach::Only(Part::Spec) { catch_unwind(same).ok().flatten() } else { None }
    }

    /// Works out what the engine needs, so that it counts for no mutant.
    fn prepare(&self, engine: Engine) {
        match engine {
            Engine::Lockstep => drop(self.walks()),
            Engine::Faults => drop(self.parted()),
            Engine::Traces => drop(self.condemned()),
            Engine::Suites => drop(self.suites()),
            Engine::Product => drop(self.witnessed()),
            Engine::Protocol => drop(self.proved()),
            Engine::Liveness => drop(self.lived()),
            Engine::Refusals => drop(self.refusals()),
            Engine::Deadlines => {}
        }
    }

    fn look(&self, engine: Engine, mutation: Mutation) -> Option<String> {
        match engine {
            Engine::Lockstep => self.lockstep(mutation),
            Engine::Faults => self.parted().iter().find_map(|parted| parted.differs(mutation)),
            Engine::Traces => self.condemned().iter().find_map(|condemned| condemned.differs(mutation)),
            Engine::Suites => self.suites().iter().find_map(|suite| fails(suite, mutation)),
            Engine::Product => self.product(mutation),
            Engine::Protocol => self.protocol(mutation),
            Engine::Liveness => self.liveness(mutation),
            Engine::Refusals => self.refusals().differs(mutation),
            Engine::Deadlines => {
                Dialect::ALL.iter().find_map(|dialect| missed(&dialect.profile().mutated(mutation)))
            }
        }
    }

    fn lockstep(&self, mutation: Mutation) -> Option<String> {
        let broken = |program: &Program| {
            let outcome = run_mutated(program, Core::new, RuleSet::OF_A_JOB, mutation);
            outcome.broken.map(|broken| corpus::in_words(&broken))
        };
        let mut seeds = self.seed..self.seed.saturating_add(PROGRAMS);
        self.walks().iter().find_map(broken).or_else(|| seeds.find_map(|seed| broken(&program(seed))))
    }

    fn product(&self, mutation: Mutation) -> Option<String> {
        let explored = dialects_and_slices().map(|(dialect, slice)| Explored::of(dialect, &slice, mutation));
        self.witnessed().iter().zip(explored).find_map(|(before, now)| before.differs(&now))
    }

    fn protocol(&self, mutation: Mutation) -> Option<String> {
        let verdicts =
            protocols().map(|(dialect, design, slice)| verdicts(dialect, design, &slice, mutation));
        self.proved().iter().zip(verdicts).find_map(|(before, now)| {
            let (was, is) = before.iter().zip(&now).find(|(was, is)| was != is)?;
            let law = was.law.map_or("a client's own lock", Law::id);
            Some(format!("{law} is {:?} and was {:?} ({} {})", is.outcome, was.outcome, is.design, is.slice))
        })
    }

    fn liveness(&self, mutation: Mutation) -> Option<String> {
        let lives = lives().map(|(dialect, flaw, slice)| live(dialect, flaw, &slice, mutation));
        self.lived().iter().zip(lives).find_map(|(before, now)| {
            let (was, is) = before.iter().zip(&now).find(|(was, is)| was != is)?;
            Some(format!("{} is {} and was {} ({:?}, {})", is.duty, is.said, was.said, is.flaw, is.slice))
        })
    }

    fn walks(&self) -> &Vec<Program> {
        self.walks.get_or_init(|| {
            let mut programs = scripts::scripts();
            programs.extend(walks::walks(self.seed));
            programs
        })
    }

    fn parted(&self) -> &Vec<Parted> {
        self.parted.get_or_init(|| corpus::parted(self.walks(), self.seed))
    }

    fn condemned(&self) -> &Vec<Condemned> {
        self.condemned.get_or_init(|| corpus::condemned(self.walks(), self.seed))
    }

    fn suites(&self) -> &Vec<Suite> {
        let order = |cover, dialect| Order {
            cover,
            dialect,
            scope: ScopeName::Tiny,
            pace: Pace::AnyTime,
            longest: LONGEST,
        };
        self.suites.get_or_init(|| {
            let covers = [Cover::Transition, Cover::Sneak];
            let orders =
                covers.into_iter().flat_map(|cover| Dialect::ALL.map(|dialect| order(cover, dialect)));
            // The unchanged core generates suites: if it does not, every other engine notices that, too.
            orders.filter_map(|order| generate(&order, Core::new, &|_, _| ()).ok()).collect()
        })
    }

    fn witnessed(&self) -> &Vec<Explored> {
        self.witnessed.get_or_init(|| {
            dialects_and_slices()
                .map(|(dialect, slice)| Explored::of(dialect, &slice, Mutation::NONE))
                .collect()
        })
    }

    fn proved(&self) -> &Vec<Vec<Verdict>> {
        self.proved.get_or_init(|| {
            protocols()
                .map(|(dialect, design, slice)| verdicts(dialect, design, &slice, Mutation::NONE))
                .collect()
        })
    }

    fn lived(&self) -> &Vec<Vec<Live>> {
        self.lived.get_or_init(|| {
            lives().map(|(dialect, flaw, slice)| live(dialect, flaw, &slice, Mutation::NONE)).collect()
        })
    }

    fn refusals(&self) -> &Refusals {
        self.refusals.get_or_init(|| Refusals::new(&scripts::scripts(), self.walks()))
    }
}

/// Why a suite fails beside a mutated model, if it does.
fn fails(suite: &Suite, mutation: Mutation) -> Option<String> {
    let (name, failed) = first_failure(suite, Core::new, mutation, &|| true).ok()?.failed?;
    Some(format!("{name}: {}", failed.what()))
}

/// What a slice of the product comes to.
#[derive(PartialEq, Eq)]
struct Explored {
    slice: &'static str,
    broken: Vec<String>,
    witnessed: RuleSet,
}

impl Explored {
    fn of(dialect: Dialect, slice: &model::scope::Slice, mutation: Mutation) -> Explored {
        let profile = contract::Profile { mutation, ..*dialect.profile() };
        let options = Options {
            engine: Search::Own,
            threads: 1,
            budget: None,
            progress: &|_| (),
            resources: Resources::none(),
        };
        let report = explore(&profile, slice, RuleSet::OF_A_JOB, Core::new, &options)
            .unwrap_or_else(|error| panic!("{error}"));
        let rules = |wanted: fn(&Proof) -> bool| {
            let proofs = report.proofs.iter().filter(move |(_, proof)| wanted(proof));
            proofs.map(|(rule, _)| *rule).collect::<RuleSet>()
        };
        let violated = rules(|proof| matches!(proof, Proof::Violated(_)));
        let broken = violated.iter().map(|rule| rule.to_string());
        let parted = report.disagreement.iter().map(|(disagreement, _)| disagreement.to_string());
        let witnessed = rules(|proof| *proof == Proof::Proved);
        Explored { slice: slice.name, broken: broken.chain(parted).collect(), witnessed }
    }

    /// What is broken now, or has no witness any more.
    fn differs(&self, now: &Explored) -> Option<String> {
        let broken = now.broken.iter().find(|broken| !self.broken.contains(broken)).cloned();
        let vacuous = || self.witnessed.iter().find(|rule| !now.witnessed.contains(*rule));
        broken.or_else(|| Some(format!("{} has no witness in {}", vacuous()?, self.slice)))
    }
}

fn dialects_and_slices() -> impl Iterator<Item = (Dialect, model::scope::Slice)> {
    Dialect::ALL.into_iter().flat_map(|dialect| {
        slices(ScopeName::Tiny, dialect.profile()).into_iter().map(move |slice| (dialect, slice))
    })
}

/// What became of a law.
#[derive(PartialEq, Eq)]
struct Verdict {
    design: Design,
    slice: &'static str,
    law: Option<Law>,
    outcome: LawOutcome,
}

/// The engine's design first: what it proves is what most mutants break.
fn protocols() -> impl Iterator<Item = (Dialect, Design, protocol::Slice)> {
    Dialect::ALL.into_iter().flat_map(|dialect| {
        let designs = Design::ALL.iter().rev().copied();
        designs.flat_map(move |design| {
            let slices = protocol_slices(dialect, design);
            slices.into_iter().map(move |slice| (dialect, design, slice))
        })
    })
}

/// Scope tiny for every design, and small and default for the engine's in the dialect that has programs; and jobs that end while the
/// event of a file of theirs is still due, which no scope has.
fn protocol_slices(dialect: Dialect, design: Design) -> Vec<protocol::Slice> {
    let mut slices = protocol::slices(ScopeName::Tiny, dialect.profile());
    if design == Design::Barrier && dialect == Dialect::Bits {
        let files = slices.iter().find(|slice| slice.name == "tiny/files").cloned();
        slices.extend(files.map(|files| protocol::Slice {
            name: "mutants/files-end",
            asks: vec![Ask::Cancel, Ask::Complete, Ask::AddFile, Ask::Resume],
            calls: 2,
            leaves: Leaves::AcknowledgeOrFail,
            ..files
        }));
        for scope in [ScopeName::Small, ScopeName::Default] {
            slices.extend(protocol::slices(scope, dialect.profile()));
        }
    }
    slices
}

/// An exploration that a mutant has made endless is given up, and notices nothing.
const PATIENCE: Duration = Duration::from_secs(20);

fn verdicts(dialect: Dialect, design: Design, slice: &protocol::Slice, mutation: Mutation) -> Vec<Verdict> {
    let profile = dialect.profile().mutated(mutation);
    let options = Options {
        engine: Search::Own,
        threads: 1,
        budget: Some(PATIENCE),
        progress: &|_| (),
        resources: Resources::none(),
    };
    let outcomes = outcomes(design, &profile, slice, &options).unwrap_or_else(|error| panic!("{error}"));
    let verdict = |(law, outcome)| Verdict { design, slice: slice.name, law, outcome };
    outcomes.into_iter().map(verdict).collect()
}

/// What became of a duty.
#[derive(PartialEq, Eq)]
struct Live {
    flaw: Option<Flaw>,
    slice: &'static str,
    duty: Duty,
    said: &'static str,
}

fn lives() -> impl Iterator<Item = (Dialect, Option<Flaw>, protocol::Slice)> {
    let slices = |dialect: Dialect| {
        let of = |scope| protocol::slices(scope, dialect.profile());
        [of(ScopeName::Tiny), of(ScopeName::Small)].concat().into_iter().filter_map(live_slice)
    };
    [None].into_iter().chain(Flaw::ALL.iter().copied().map(Some)).flat_map(move |flaw| {
        Dialect::ALL
            .into_iter()
            .flat_map(move |dialect| slices(dialect).map(move |slice| (dialect, flaw, slice)))
    })
}

fn live(dialect: Dialect, flaw: Option<Flaw>, slice: &protocol::Slice, mutation: Mutation) -> Vec<Live> {
    let profile = dialect.profile().mutated(mutation);
    let report = check_live(Design::Barrier, flaw, &profile, slice, 1, (Some(PATIENCE), None))
        .unwrap_or_else(|error| panic!("{error}"));
    let said = |proof: &LiveProof| match proof {
        LiveProof::Proved => "proved",
        LiveProof::Violated(_) => "broken",
        LiveProof::Vacuous => "vacuous",
        LiveProof::Unfinished => "unfinished",
    };
    let live = |(duty, proof): &(Duty, LiveProof)| Live {
        flaw,
        slice: report.slice,
        duty: *duty,
        said: said(proof),
    };
    report.proofs.iter().map(live).collect()
}
