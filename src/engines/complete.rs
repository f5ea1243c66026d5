//! Complete exploration: every schedule of the races of a scope, on the real service.

mod ahead;
mod duties;
mod finished;
mod results;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use contract::Dialect;
use contract::defect::{Design, Fault};
use judge::{Rule, RuleSet};
use model::protocol::Duty;
use properties::findings::{Broken, May, Named, Raw};
use properties::minimize::Case;
use properties::race::{
    Beyond, Collision, Exhausted, HuntOptions, Hunted, Kind, Merges, Race, Races, Refine, Scope, Scoped,
    Situation, States, Steps, Stop, ground, hunt, scoped,
};
use reports::{Canary, Finding, Subject};
use serde::{Deserialize, Serialize};

pub(crate) use self::table::Times;
use super::canary;
use super::registry::{Engine, Share, Sink, Task};
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::progress::Ahead;
use crate::run::{build, cores, millis};
use crate::watch::{Limit, worker};

/// Which races are explored to their end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum ScopeName {
    /// Each of eleven kinds of call against one delivery.
    Tiny,
    /// Each pair of them against deliveries, failing callbacks, nested calls, transfers and disk work.
    Small,
    /// Three calls of two clients, two jobs, two users, programs, destructors.
    Default,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Scope {
        match name {
            ScopeName::Tiny => Scope::Tiny,
            ScopeName::Small => Scope::Small,
            ScopeName::Default => Scope::Default,
        }
    }
}

/// What to explore.
pub(crate) struct Plan<'a> {
    pub(crate) scope: Scope,
    /// Only the races that have this in their names; all where it is left out.
    pub(crate) only: Option<&'a str>,
    pub(crate) dialects: &'a [Dialect],
    pub(crate) design: Design,
    /// The fault in the service, in a build that can have one.
    pub(crate) fault: Option<Fault>,
    /// Whether each step is held to the protocol.
    pub(crate) refine: Refine,
    /// Whether the states behind digests are kept and compared.
    pub(crate) states: States,
    /// None: until every race has come to its end.
    pub(crate) budget: Option<Duration>,
    pub(crate) threads: usize,
    pub(crate) stop: Stop,
    /// Where finished races are written down, so that a run that was ended goes on from there.
    pub(crate) resume: Option<PathBuf>,
    pub(crate) traces: &'a Traces,
}

/// The engine's name in results.
pub(crate) const NAME: &str = "race complete";

/// What the scope `small` is estimated to take on two cores, and as much again: with less, a night explores `tiny`.
pub(crate) const SMALL_TAKES: Duration = Duration::from_secs(20 * 60);

/// A schedule takes less than a millisecond, so that silence for so long is a hang.
const SILENCE: Duration = Duration::from_secs(60);

/// How often the progress is shown.
const BEAT: Duration = Duration::from_millis(100);

/// What one race came to. It is one line of the file of finished races.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The program that explored it, where that is known.
    build: Option<String>,
    pub(crate) dialect: Dialect,
    pub(crate) situation: Situation,
    pub(crate) name: String,
    /// The race and the design, line by line: a finished race that has changed since is explored again.
    race: String,
    pub(crate) states: u64,
    /// Steps along its schedules, and those of them that the service was run for.
    pub(crate) steps: u64,
    run: u64,
    pub(crate) schedules: u64,
    pub(crate) merged: u64,
    pub(crate) depth: u64,
    /// All schedules with at most this number of forced switches were run.
    pub(crate) bound: Option<u32>,
    pub(crate) complete: bool,
    /// A run was cut because it has no end, or too late a one; or a fair schedule goes round in a circle for ever.
    endless: bool,
    /// The choices in that circle.
    circle: Option<u64>,
    pub(crate) time_ms: u64,
    waits: u64,
    /// How often each rule decided something.
    decisions: BTreeMap<Rule, u64>,
    /// Whether it was to be held to the protocol, and the kinds of steps of the protocol that it could take and took.
    refine: Refine,
    protocol: Option<Protocol>,
    /// Why it was not.
    beyond: Option<Beyond>,
    states_kept: Kept,
    /// What came of a failure is not written down: a race with one is explored again.
    #[serde(skip)]
    found: Vec<Found>,
}

/// Whether the states of a race were kept and compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Kept {
    Yes,
    No,
}

impl From<States> for Kept {
    fn from(states: States) -> Kept {
        match states {
            States::Hashed => Kept::No,
            States::Kept { .. } => Kept::Yes,
        }
    }
}

/// What a race that was held to the protocol showed of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Protocol {
    offered: BTreeSet<String>,
    taken: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Debug)]
struct Found {
    what: What,
    failure: reports::Failure,
    /// The trace as it was written. Races that fail in one way have one name for their files.
    trace: Option<String>,
}

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Rules(RuleSet),
    /// A call waits on (L3), or a schedule has no end.
    Wait,
    /// The service does what the protocol cannot.
    Protocol,
    /// Two states share a digest.
    Digest,
}

/// What an exploration came to, race by race.
pub(crate) struct Explored {
    /// In words, with the part of it that was explored.
    scope: String,
    pub(crate) dialect: Dialect,
    design: Design,
    races: usize,
    pub(crate) rows: Vec<Row>,
    /// How L1 to L4 stand, where races were held to the protocol.
    duties: Vec<(Duty, Finding)>,
    elapsed: Duration,
}

/// Explores the races of each dialect.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<Vec<Explored>, Error> {
    let deadline = plan.budget.map(|budget| Instant::now() + budget);
    let races: Vec<_> = plan.dialects.iter().map(|dialect| (*dialect, plan.races(*dialect))).collect();
    if let (Some(only), true) = (plan.only, races.iter().all(|(_, races)| races.is_empty())) {
        let what = format!("no race of scope {} has {only:?} in its name", plan.scope);
        let help = "see the names: bgcheck race --complete --list".to_owned();
        return Err(Error::Usage { what, help });
    }
    // The name of this build, before a later one may stand in its place.
    let _this = build();
    let asked: BTreeSet<String> =
        races.iter().flat_map(|(_, races)| races).map(|scoped| plan.text(scoped)).collect();
    let known = plan.resume.as_deref().map(|file| finished::read(file, &asked, output)).transpose()?;
    let known = known.unwrap_or_default();
    let ahead = ahead::of(plan, &races);
    let mut first = 0;
    let explored = races.iter().map(|(dialect, races)| {
        let turn = Turn { dialect: *dialect, races, known: &known, first, deadline };
        first += races.len();
        of_dialect(plan, turn, &ahead, output)
    });
    explored.collect()
}

impl Plan<'_> {
    fn races(&self, dialect: Dialect) -> Vec<Scoped> {
        let mut races = scoped(self.scope, dialect);
        races.retain(|scoped| self.only.is_none_or(|only| scoped.name.contains(only)));
        races
    }

    /// The race and the design, line by line.
    fn text(&self, scoped: &Scoped) -> String {
        Race { design: self.design, fault: self.fault, ..scoped.race.clone() }.print().join("\n")
    }

    /// The scope, and how many of its races are explored where these are not all.
    fn scope_in_words(&self, dialect: Dialect, races: usize) -> String {
        match self.only {
            None => self.scope.to_string(),
            Some(_) => format!("{}, {races} of {} races", self.scope, scoped(self.scope, dialect).len()),
        }
    }
}

/// One dialect's turn.
#[derive(Clone, Copy)]
struct Turn<'a> {
    dialect: Dialect,
    races: &'a [Scoped],
    /// Races that were finished before.
    known: &'a BTreeMap<String, Row>,
    /// The number of its first race among all.
    first: usize,
    deadline: Option<Instant>,
}

fn of_dialect(plan: &Plan<'_>, turn: Turn<'_>, ahead: &Ahead, output: &Output) -> Result<Explored, Error> {
    let limit = plan.budget.map_or(Limit::Silence(SILENCE), Limit::of);
    worker::begin(NAME, Some(Subject::Race), "", limit);
    let started = Instant::now();
    let Turn { dialect, races, .. } = turn;
    let shared = Shared {
        plan,
        turn,
        ahead,
        next: AtomicUsize::new(0),
        schedules: AtomicU64::new(0),
        enough: AtomicBool::new(false),
        rows: Mutex::new(BTreeMap::new()),
        files: Mutex::new(()),
        not_written: Mutex::new(None),
    };
    let progress = output.progress_along(&format!("{NAME} ({dialect})"), ahead.track());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.threads.max(1)).map(|_| scope.spawn(|| shared.work())).collect();
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(BEAT);
            let schedules = shared.schedules.load(Ordering::Relaxed);
            worker::done(schedules);
            if worker::is_stopped() {
                shared.enough.store(true, Ordering::Relaxed);
            }
            progress
                .tell(ahead.in_parts("races"), || format!("{} schedules", indicatif::HumanCount(schedules)));
        }
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    });
    drop(progress);
    if let Some(error) = shared.not_written.into_inner().unwrap_or_else(PoisonError::into_inner) {
        output.warn(&error);
    }
    let rows: Vec<Row> =
        shared.rows.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect();
    keep_first_of_each_name(&rows, plan.traces);
    let duties = duties::proved(plan, &turn, &rows);
    let (scope, design) = (plan.scope_in_words(dialect, races.len()), plan.design);
    Ok(Explored { scope, dialect, design, races: races.len(), rows, duties, elapsed: started.elapsed() })
}

/// A report shows the failure of the first race that has it, so the file of that name has the trace of that race, whichever was written last.
fn keep_first_of_each_name(rows: &[Row], traces: &Traces) {
    let mut names = BTreeSet::new();
    for found in rows.iter().flat_map(|row| &row.found) {
        if let (Some(name), Some(trace)) = (&found.failure.trace_file, &found.trace)
            && names.insert(name)
        {
            traces.write_again(&found.failure, trace);
        }
    }
}

/// What the threads of one exploration share.
struct Shared<'a> {
    plan: &'a Plan<'a>,
    turn: Turn<'a>,
    ahead: &'a Ahead,
    next: AtomicUsize,
    schedules: AtomicU64,
    enough: AtomicBool,
    rows: Mutex<BTreeMap<usize, Row>>,
    /// Held while the trace of a failure is written and read back.
    files: Mutex<()>,
    /// Why a finished race could not be written down, once.
    not_written: Mutex<Option<Error>>,
}

impl Shared<'_> {
    /// Takes one race after another. Which thread takes which changes no row.
    fn work(&self) {
        loop {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(scoped) = self.turn.races.get(nth) else { return };
            if self.enough.load(Ordering::Relaxed) {
                return;
            }
            let row = self.row(nth, scoped);
            if !row.found.is_empty() && self.plan.stop == Stop::AtFirst {
                self.enough.store(true, Ordering::Relaxed);
            }
            ahead::end(self.ahead, self.turn.first + nth, &row);
            self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(nth, row);
        }
    }

    fn row(&self, nth: usize, scoped: &Scoped) -> Row {
        let race = self.plan.text(scoped);
        let asked = |known: &&Row| {
            known.refine == self.plan.refine && known.states_kept == Kept::from(self.plan.states)
        };
        if let Some(known) = self.turn.known.get(&race).filter(asked) {
            self.schedules.fetch_add(known.schedules, Ordering::Relaxed);
            return known.clone();
        }
        let reach = |schedules| self.ahead.reach(self.turn.first + nth, schedules);
        // A hunt that ends with its first failure sets `enough`, and ends the other races.
        let hunted = self.hunt(scoped, Merges::Most, self.plan.stop, Some(&self.enough), &reach);
        let explored = hunted.explored.unwrap_or_default();
        let row = Row {
            build: build().map(str::to_owned),
            dialect: self.turn.dialect,
            situation: scoped.situation,
            name: scoped.name.clone(),
            race,
            states: explored.states,
            steps: explored.legs,
            run: explored.run,
            schedules: hunted.schedules,
            merged: explored.merged,
            depth: explored.depth,
            bound: explored.bound,
            complete: hunted.exhausted == Exhausted::Yes
                && hunted.cut == 0
                && hunted.hung.is_none()
                && hunted.collision.is_none()
                && explored.circle.is_none(),
            endless: hunted.cut > 0 || explored.circle.is_some(),
            circle: explored.circle,
            refine: self.plan.refine,
            protocol: hunted.refined.as_ref().map(Protocol::of),
            beyond: ground(&scoped.race).err(),
            states_kept: self.plan.states.into(),
            time_ms: millis(hunted.elapsed),
            waits: hunted.waits,
            decisions: hunted.decisions.iter().copied().collect(),
            found: self.found(scoped, &hunted),
        };
        if let (Some(file), true, true) = (&self.plan.resume, row.complete, row.found.is_empty())
            && let Err(error) = finished::append(file, &row)
        {
            self.not_written.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        row
    }

    fn hunt(
        &self,
        scoped: &Scoped,
        merges: Merges,
        stop: Stop,
        enough: Option<&AtomicBool>,
        reach: &dyn Fn(u64),
    ) -> Hunted {
        let mine = AtomicU64::new(0);
        let tell = |so_far: u64| {
            reach(so_far);
            let already = mine.swap(so_far, Ordering::Relaxed);
            self.schedules.fetch_add(so_far.saturating_sub(already), Ordering::Relaxed);
        };
        let left = self.turn.deadline.map_or(FOR_EVER, |end| end.saturating_duration_since(Instant::now()));
        hunt(&HuntOptions {
            kind: Kind::Complete { merges },
            races: Races::Given(&scoped.race),
            design: self.plan.design,
            fault: self.plan.fault,
            refine: self.plan.refine,
            states: self.plan.states,
            stop,
            enough,
            ..HuntOptions::new(left, &tell)
        })
    }

    /// What was found, each failure once more with the fewest forced switches that show one.
    fn found(&self, scoped: &Scoped, hunted: &Hunted) -> Vec<Found> {
        let mut found: Vec<Found> = hunted.collision.iter().map(|two| of_collision(scoped, two)).collect();
        found.extend(hunted.hung.iter().map(|hang| self.keep(What::Wait, super::race::raw_of_hang(hang))));
        if hunted.failures.is_empty() && hunted.overwaited.is_none() && hunted.lost.is_none() {
            return found;
        }
        let fewest = self.hunt(scoped, Merges::OfOneTask, Stop::AtFirst, None, &|_| ());
        let switches = fewest.explored.and_then(|explored| explored.bound).map_or(0, |bound| bound + 1);
        let story = format!(
            "in the race `{}`; no schedule with fewer than {switches} forced switches fails",
            scoped.name
        );
        let mut shown = RuleSet::EMPTY;
        for failure in &fewest.failures {
            let Some(rule) = failure.violated.iter().next() else { continue };
            let raw = Raw { story: story.clone(), ..failure.raw(Some(rule)) };
            let may = if raw.may == May::Stay { May::Stay } else { May::BeMarked };
            found.push(self.keep(What::Rules(failure.violated), Raw { may, ..raw }));
            shown = shown.union(failure.violated);
        }
        for failure in &hunted.failures {
            for rule in failure.violated.intersection(shown.complement()).iter() {
                let raw = Raw { story: String::new(), ..failure.raw(Some(rule)) };
                found.push(self.keep(What::Rules(RuleSet::of(&[rule])), raw));
            }
        }
        if let Some(failure) = fewest.overwaited.as_ref().or(hunted.overwaited.as_ref()) {
            found.push(self.keep(What::Wait, Raw { story: story.clone(), ..failure.raw(None) }));
        }
        if let Some(strayed) = fewest.lost.as_ref().or(hunted.lost.as_ref()) {
            // Both sides of where the service does what the protocol cannot.
            let ending = format!("then: {}", strayed.lost);
            let broken = Broken::Named("protocol-race".to_owned());
            let case = Case::Recorded(strayed.trace.clone());
            found.push(
                self.keep(What::Protocol, Raw { may: May::Stay, ending, story, ..Raw::new(case, broken) }),
            );
        }
        found
    }

    /// Keeps a failure, and reads back its trace. What one race shows is shown of each race, so that no name is known here.
    fn keep(&self, what: What, raw: Raw) -> Found {
        let rule = raw.rule();
        let explained = Named::of(raw).explained();
        let _files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = self.plan.traces.found(rule, explained);
        Found { what, trace: self.plan.traces.read_back(&failure), failure }
    }
}

/// It has no trace: whatever run came to one of the two states, the other one was taken for it.
fn of_collision(scoped: &Scoped, collision: &Collision) -> Found {
    let failure = reports::Failure {
        id: "digest-collision".to_owned(),
        replay_command: "bgcheck race --complete --keep-states".to_owned(),
        timeline: format!("in the race `{}`, {collision}", scoped.name),
        ..reports::Failure::default()
    };
    Found { what: What::Digest, failure, trace: None }
}

/// Longer than any exploration.
const FOR_EVER: Duration = Duration::from_secs(1 << 32);

impl Row {
    /// Whether it was explored to its end, and nothing is wrong with it.
    fn is_sound(&self) -> bool {
        self.complete && self.found.is_empty()
    }
}

impl Found {
    fn is_of(&self, rule: Rule) -> bool {
        matches!(self.what, What::Rules(rules) if rules.contains(rule))
    }
}

impl Protocol {
    fn of(steps: &Steps) -> Protocol {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Protocol { offered: all(&steps.offered), taken: all(&steps.taken) }
    }
}

/// The engine of a night.
pub(crate) struct Complete;

impl Complete {
    fn plan<'a>(task: &'a Task<'_>) -> Plan<'a> {
        Plan {
            // The larger one where there is time for it.
            scope: if task.budget < SMALL_TAKES { Scope::Tiny } else { Scope::Small },
            only: None,
            dialects: &Dialect::ALL,
            design: Design::Barrier,
            fault: None,
            refine: Refine::Yes,
            states: States::Hashed,
            budget: Some(task.budget),
            threads: cores(),
            stop: task.stop,
            resume: None,
            traces: task.traces,
        }
    }
}

impl Engine for Complete {
    fn id(&self) -> &'static str {
        "complete"
    }

    fn what(&self) -> &'static str {
        "Races of the real service, each explored to its end"
    }

    fn in_results(&self) -> &'static str {
        NAME
    }

    fn share(&self) -> Share {
        Share::Part(8)
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let explored = run(&Complete::plan(task), output)?;
        explored.iter().flat_map(Explored::results).for_each(|engine| sink.take(engine));
        Ok(())
    }

    /// The service that looks at the job again instead of waiting, in the smallest scope and one dialect.
    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<Canary> {
        let plan = Plan {
            scope: Scope::Tiny,
            dialects: &[Dialect::Bits],
            design: canary::design(task.core),
            // What parts from the protocol is no rule, and would come first.
            refine: Refine::No,
            stop: Stop::AtFirst,
            ..Complete::plan(task)
        };
        let engine = run(&plan, output).map(|explored| explored.first().map(Explored::result)).transpose()?;
        Some(Canary::of(&canary::or_failed(self, engine), canary::LOOKS_AGAIN, &[]))
    }
}
