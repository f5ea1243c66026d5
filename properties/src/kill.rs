//! Seeded faults against engines: whether an engine of the workbench finds a fault, and how fast.
//!
//! **What it is.** [`attack`] lets one [`Engine`] loose on a subject that has one fault of [`contract::defect`](mod@contract::defect), or none, until it sees
//! something or its budget is spent. What counts is what the engine also reports in an ordinary run.
//! That is a rule that is broken, a specification that the core does not agree with, a wrong file, or a run that does not come back.
//!
//! **What it is not.** Patient or careful: it stops at the first thing seen. It does not survive every fault either. A fault may
//! make the subject spin, so a caller that tries all faults runs each attack in a process of its own.
//!
//! **The law it keeps.** No engine receives the name of the fault. Each attacks every fault in one way, in one order.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use contract::core::Config;
use contract::defect::{Fault, Place};
use contract::mutation::Mutation;
use contract::{Core as _, Dialect};
use engine::core::Core;
use judge::{Rule, RuleSet};
use model::explore::{Options, Proof, Resources, explore};
use model::scope::{ScopeName, Slice, Variant, slices, variants};
use model::suite::Pace;

use crate::live::{LiveConfig, run as live};
use crate::oracle::{self, OracleConfig};
use crate::pins;
use crate::race::{self, HuntOptions, Hunted, Kind, Stop, hunt};
use crate::random::split_mix;
use crate::run::{Broken, run, run_bytes};
use crate::sample::program;
use crate::suite::{COMMITTED, Committed, first_failure};

/// An engine of the workbench, as an attacker.
///
/// Another one is added in [`Engine::ALL`], in the methods below and in `Attack::by`. Other lists name engines for other purposes, and the help
/// of `bgcheck kill --engine` and `docs/pinned/kill-expected.json` name these: `docs/howto/add-an-engine.md` has all places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Engine {
    /// Explores the product of core and specification: scope tiny, then small, then default, in every variant of the dialects.
    Check,
    /// The body of the fuzz target `lockstep`, on random bytes and on changed inputs of its corpus, without a fuzzer.
    Lockstep,
    /// Random programs of some forty steps, judged after each.
    Properties,
    /// The committed suites, which come from the sound model: every edge and every refused call of scope tiny, then every edge of
    /// scope default. The small ones see most faults in a tenth of the time.
    Suites,
    /// Races of seeds under random schedules and PCT's, side by side.
    Race,
    /// The body of the fuzz target `schedule`, on random bytes: race and schedule both by chance.
    Schedule,
    /// The service on real threads over real HTTP, run after run, and behind the first run of each dialect the transfer oracle.
    Live,
}

impl Engine {
    /// Every one, the fastest first.
    pub const ALL: &'static [Engine] = &[
        Engine::Check,
        Engine::Lockstep,
        Engine::Properties,
        Engine::Suites,
        Engine::Race,
        Engine::Schedule,
        Engine::Live,
    ];

    /// Its name, as typed on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Check => "check",
            Engine::Lockstep => "lockstep",
            Engine::Properties => "properties",
            Engine::Suites => "suites",
            Engine::Race => "race",
            Engine::Schedule => "schedule",
            Engine::Live => "live",
        }
    }

    /// What a run of it is, in the plural.
    #[must_use]
    pub const fn runs_are(self) -> &'static str {
        match self {
            Engine::Check => "states",
            Engine::Lockstep | Engine::Properties => "programs",
            Engine::Suites => "files",
            Engine::Race | Engine::Schedule => "schedules",
            Engine::Live => "live runs",
        }
    }

    /// Whether a fault at this place is in its subject at all.
    #[must_use]
    pub const fn reaches(self, place: Place) -> bool {
        match self {
            Engine::Check | Engine::Lockstep | Engine::Properties | Engine::Suites => {
                matches!(place, Place::Core)
            }
            Engine::Race | Engine::Schedule => matches!(place, Place::Core | Place::Service),
            Engine::Live => true,
        }
    }
}

contract::named!(Engine, UnknownEngine, "an engine");

/// How to attack.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The fault in the subject; none to see whether an engine cries wolf.
    pub fault: Option<Fault>,
    /// When to stop.
    pub budget: Duration,
    /// What random programs, races and schedules follow from. The checker has no use for it.
    pub seed: u64,
    /// Where live runs put their files; the caller makes it, and throws it away.
    pub directory: &'a Path,
    /// Inputs of the fuzz target `lockstep`, such as those that are committed: every other program is one of them, changed a little.
    pub corpus: &'a [Vec<u8>],
}

/// What an attack saw first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sign {
    /// These rules are broken.
    Rules(RuleSet),
    /// Specification and core do not agree.
    Agreement,
    /// These rules had nothing to decide in many races, and have on the sound engine: what is recorded does not show what happens.
    Vacuous(RuleSet),
    /// A slice has other states than committed: the view of the core is another one.
    States,
    /// A call waited for a later delivery than the one it had to wait for (L3).
    Overwaited,
    /// Clients or the service did not come back.
    Hang,
    /// A file is not what the server has, or is where none should be.
    WrongFile,
    /// Something that a client is owed is otherwise: this.
    Owed(String),
    /// The engine could not run.
    Failed(String),
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sign::Rules(rules) => rules.fmt(f),
            Sign::Agreement => f.write_str("agreement"),
            Sign::Vacuous(rules) => write!(f, "vacuous: {rules}"),
            Sign::States => f.write_str("states"),
            Sign::Overwaited => f.write_str("L3"),
            Sign::Hang => f.write_str("hang"),
            Sign::WrongFile => f.write_str("file"),
            Sign::Owed(what) => f.write_str(what),
            Sign::Failed(why) => write!(f, "could not run: {why}"),
        }
    }
}

/// What came of an attack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attacked {
    /// What was seen, if anything was.
    pub sign: Option<Sign>,
    /// Runs, in [`Engine::runs_are`].
    pub runs: u64,
    /// From the start to the sign, or to the end.
    pub elapsed: Duration,
}

/// Attacks until something is seen or the budget is spent.
#[must_use]
pub fn attack(engine: Engine, plan: &Plan<'_>) -> Attacked {
    let started = Instant::now();
    let mut attack = Attack { plan: *plan, started, runs: 0, make: maker(plan.fault) };
    let sign = attack.by(engine);
    Attacked { sign, runs: attack.runs, elapsed: started.elapsed() }
}

fn maker(fault: Option<Fault>) -> fn(&Config) -> Core {
    fault.map_or(Core::new, Fault::maker)
}

struct Attack<'a> {
    plan: Plan<'a>,
    started: Instant,
    runs: u64,
    make: fn(&Config) -> Core,
}

/// Programs between two looks at the clock.
const BATCH: u64 = 64;

/// Bytes of a program of `lockstep`, and of a race with its schedule, at most.
const LOCKSTEP_BYTES: u64 = 160;
const SCHEDULE_BYTES: u64 = 160;

/// Schedules of one race before the next.
const OF_EACH: u64 = 16;

/// Schedules in which every rule has had something to decide.
const ENOUGH: u64 = 10_000;

/// Jobs of a live run, how long it may take, and after how much more a run that hangs is given up.
const LIVE_JOBS: u32 = 60;
const LIVE_BUDGET: Duration = Duration::from_secs(3);
const LIVE_GRACE: Duration = Duration::from_secs(2);

/// Rows of the oracle at once.
const ROWS_AT_ONCE: usize = 8;

impl Attack<'_> {
    fn by(&mut self, engine: Engine) -> Option<Sign> {
        match engine {
            Engine::Check => self.check(),
            Engine::Lockstep => self.many(|attack, seed| attack.lockstep(seed)),
            Engine::Properties => self.many(|attack, seed| attack.properties(seed)),
            Engine::Suites => self.suites(),
            Engine::Race => self.race(),
            Engine::Schedule => self.many(|attack, seed| attack.schedule(seed)),
            Engine::Live => self.live(),
        }
    }

    fn left(&self) -> Duration {
        self.plan.budget.saturating_sub(self.started.elapsed())
    }

    fn check(&mut self) -> Option<Sign> {
        [ScopeName::Tiny, ScopeName::Small, ScopeName::Default]
            .into_iter()
            .find_map(|scope| self.scope(scope))
    }

    /// The smallest slices first: as many as possible come to their end.
    fn scope(&mut self, scope: ScopeName) -> Option<Sign> {
        let of_variant = |variant: Variant| {
            let slices = slices(scope, &variant.profile);
            slices.into_iter().map(move |slice| (variant, slice))
        };
        let variants = Dialect::ALL.iter().flat_map(|dialect| variants(*dialect, scope));
        let mut slices: Vec<(Variant, Slice)> = variants.flat_map(of_variant).collect();
        slices.sort_by_cached_key(|(variant, slice)| pins::states(scope, variant, slice.name));
        slices.iter().find_map(|(variant, slice)| match self.left().is_zero() {
            true => None,
            false => self.slice(scope, variant, slice),
        })
    }

    fn slice(&mut self, scope: ScopeName, variant: &Variant, slice: &Slice) -> Option<Sign> {
        let engine = model::explore::Engine::Own;
        let (budget, resources) = (Some(self.left()), Resources::none());
        let options = Options { engine, threads: 1, budget, progress: &|_| (), resources };
        let report = explore(&variant.profile, slice, RuleSet::OF_A_JOB, self.make, &options)
            // A subject that panics is seen as one that crashes, in whichever engine it does.
            .unwrap_or_else(|error| panic!("{error}"));
        self.runs += report.states as u64;
        let broken = |(rule, proof): &(Rule, Proof)| matches!(proof, Proof::Violated(_)).then_some(*rule);
        let rules: RuleSet = report.proofs.iter().filter_map(broken).collect();
        if !rules.is_empty() {
            return Some(Sign::Rules(rules));
        }
        if report.disagreement.is_some() {
            return Some(Sign::Agreement);
        }
        let committed = pins::states(scope, variant, slice.name);
        // One that is not explored to its end may have too many already: a view that distinguishes everything has no end.
        let differ = committed.is_some_and(|before| match report.whole() {
            Some(now) => now as u64 != before,
            None => report.states as u64 > before,
        });
        differ.then_some(Sign::States)
    }

    fn suites(&mut self) -> Option<Sign> {
        for committed in COMMITTED.iter().filter(|suite| suite.order.pace == Pace::AnyTime) {
            if self.left().is_zero() {
                return None;
            }
            if let Some(sign) = self.suite(committed) {
                return Some(sign);
            }
        }
        None
    }

    /// A suite of the sound model, run on the core that may be wrong.
    fn suite(&mut self, committed: &Committed) -> Option<Sign> {
        let suite = match committed.read() {
            Ok(suite) => suite,
            Err(error) => return Some(Sign::Failed(error.to_string())),
        };
        let has_time = || !self.left().is_zero();
        let first = match first_failure(&suite, self.make, Mutation::NONE, &has_time) {
            Ok(first) => first,
            Err(error) => return Some(Sign::Failed(error.to_string())),
        };
        self.runs += first.files;
        let (_, failed) = first.failed?;
        Some(failed.rule().map_or(Sign::Agreement, |rule| Sign::Rules(RuleSet::of(&[rule]))))
    }

    /// One run per seed, until one shows something.
    fn many(&mut self, one: impl Fn(&Self, u64) -> Option<Sign>) -> Option<Sign> {
        loop {
            if self.runs.is_multiple_of(BATCH) && self.left().is_zero() {
                return None;
            }
            let seed = self.plan.seed.wrapping_add(self.runs);
            self.runs += 1;
            if let Some(sign) = one(self, seed) {
                return Some(sign);
            }
        }
    }

    fn lockstep(&self, seed: u64) -> Option<Sign> {
        let changed = if seed.is_multiple_of(2) { changed(self.plan.corpus, seed) } else { None };
        let bytes = changed.unwrap_or_else(|| random_bytes(seed, LOCKSTEP_BYTES));
        run_bytes(&bytes, self.make).broken.map(sign_of)
    }

    fn properties(&self, seed: u64) -> Option<Sign> {
        run(&program(seed), self.make).broken.map(sign_of)
    }

    fn schedule(&self, seed: u64) -> Option<Sign> {
        let (mut race, tape) = race::from_bytes(&random_bytes(seed, SCHEDULE_BYTES));
        race.fault = self.plan.fault;
        let run = race::run(&race, tape.choices());
        if !run.violated.is_empty() {
            return Some(Sign::Rules(run.violated));
        }
        (run.overwaits > 0).then_some(Sign::Overwaited)
    }

    fn race(&mut self) -> Option<Sign> {
        let enough = AtomicBool::new(false);
        let plan = self.plan;
        let hunts: Vec<Hunted> = std::thread::scope(|scope| {
            let start = |kind| {
                let enough = &enough;
                scope.spawn(move || {
                    hunt(&HuntOptions {
                        kind,
                        fault: plan.fault,
                        seed: plan.seed,
                        each: OF_EACH,
                        stop: Stop::AtFirst,
                        enough: Some(enough),
                        ..HuntOptions::new(plan.budget, &|_| ())
                    })
                })
            };
            let threads = [Kind::Random, Kind::Pct { depth: 3 }].map(start);
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        self.runs = hunts.iter().map(|hunted| hunted.schedules).sum();
        let rules: RuleSet = hunts
            .iter()
            .flat_map(|hunted| &hunted.failures)
            .flat_map(|failure| failure.violated.iter())
            .collect();
        if !rules.is_empty() {
            return Some(Sign::Rules(rules));
        }
        if hunts.iter().any(|hunted| hunted.hung.is_some()) {
            return Some(Sign::Hang);
        }
        if hunts.iter().any(|hunted| hunted.overwaited.is_some()) {
            return Some(Sign::Overwaited);
        }
        let decides = |rule: &Rule| {
            let of_rule = hunts.iter().flat_map(|hunted| &hunted.decisions).filter(|(of, _)| of == rule);
            of_rule.map(|(_, decisions)| decisions).sum::<u64>() > 0
        };
        let vacuous: RuleSet = RuleSet::HERE.iter().filter(|rule| !decides(rule)).collect();
        (self.runs >= ENOUGH && !vacuous.is_empty()).then_some(Sign::Vacuous(vacuous))
    }

    fn live(&mut self) -> Option<Sign> {
        while !self.left().is_zero() {
            let dialect = if self.runs.is_multiple_of(2) { Dialect::Bits } else { Dialect::Do };
            let seed = self.plan.seed.wrapping_add(self.runs);
            let directory = self.plan.directory.join(self.runs.to_string());
            if let Err(error) = std::fs::create_dir_all(&directory) {
                return Some(Sign::Failed(error.to_string()));
            }
            self.runs += 1;
            let config = LiveConfig {
                seed,
                jobs: LIVE_JOBS,
                budget: LIVE_BUDGET,
                grace: LIVE_GRACE,
                fault: self.plan.fault,
                ..LiveConfig::new(dialect.profile(), &directory)
            };
            let report = match live(&config, &|_| ()) {
                Ok(report) => report,
                Err(error) => return Some(Sign::Failed(error.to_string())),
            };
            let rules = report.verdicts.violated();
            if !rules.is_empty() {
                return Some(Sign::Rules(rules));
            }
            if report.hang.is_some() {
                return Some(Sign::Hang);
            }
            if !report.wrong_files.is_empty() {
                return Some(Sign::WrongFile);
            }
            let owed = report.wrong.first().map(|wrong| Sign::Owed(wrong.id()));
            if let Some(sign) = owed.or_else(|| self.oracle(dialect, &directory)) {
                return Some(sign);
            }
        }
        None
    }

    /// What the service owes to its clients, once in each dialect: the table has every row once.
    fn oracle(&self, dialect: Dialect, directory: &Path) -> Option<Sign> {
        if self.runs > Dialect::ALL.len() as u64 {
            return None;
        }
        let config = OracleConfig {
            profile: *dialect.profile(),
            fault: self.plan.fault,
            budget: self.left(),
            threads: ROWS_AT_ONCE,
            stop: Stop::AtFirst,
            only: None,
            enough: None,
            directory: &directory.join("oracle"),
        };
        match oracle::run(&config) {
            Ok(report) => report.wrong.first().map(|wrong| Sign::Owed(wrong.id())),
            Err(error) => Some(Sign::Failed(error.to_string())),
        }
    }
}

fn sign_of(broken: Broken) -> Sign {
    match broken {
        Broken::Rules(rules) => Sign::Rules(rules),
        Broken::Agreement(_) => Sign::Agreement,
    }
}

/// One of these inputs with a few bytes changed, as a fuzzer does it; none when there are none.
fn changed(corpus: &[Vec<u8>], seed: u64) -> Option<Vec<u8>> {
    let mut state = seed ^ 0x6d75_7461;
    let mut below = |end: usize| split_mix(&mut state) as usize % end.max(1);
    let mut bytes = corpus.get(below(corpus.len()))?.clone();
    for _ in 0..=below(4) {
        let at = below(bytes.len() + 1);
        match below(4) {
            0 => bytes.insert(at, below(256) as u8),
            1 => drop(bytes.drain(at..bytes.len().min(at + 1 + below(8)))),
            2 if at < bytes.len() => bytes[at] = below(256) as u8,
            _ => {
                let other = &corpus[below(corpus.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[below(other.len())..]);
            }
        }
    }
    Some(bytes)
}

/// Random bytes of a random length.
fn random_bytes(seed: u64, most: u64) -> Vec<u8> {
    let mut state = seed ^ 0x6b69_6c6c;
    let length = 8 + split_mix(&mut state) % most;
    (0..length).map(|_| (split_mix(&mut state) >> 24) as u8).collect()
}
