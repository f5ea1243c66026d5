//! Everything that is tried on an implementation within a budget, the cheapest first.
//!
//! Suites under the adapter's abilities, smallest scope first; races of each kind; calls that must be refused; random paths for the rest of the
//! time. Then what was found is led again, to know how often it comes, and made smaller.

mod again;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adapter::Fault;
use adapter::wire::Trigger;
use contract::Core as _;
use engine::core::Core;
use judge::Rule;
use model::scope::ScopeName;
use model::suite::{Cover, Pace};

use super::abilities::{Abilities, LeftOut};
use super::aside::{Aside, Place};
use super::blamed::{self, blamed};
use super::crew::Crew;
use super::destinations::{self, destinations};
use super::interfaces::varied;
use super::limits::{self, limits};
use super::patience::{self, patience};
use super::probes::probes;
use super::quiet::{self, quiet};
use super::race::{RaceLimits, Racer, Round, race, undisturbed};
use super::restarts::{self, restarts};
use super::resumed::{self, resumed};
use super::stops::{self, stops};
use super::tally::{Incident, Tally, did_something};
use super::transfers::{self, transfers};
use super::walk::{slices_for, walk};
use super::{Run, Stage, play};
use crate::minimize::Identity;
use crate::oracle::Stop;
use crate::random::Rng;
use crate::suite::{Case, Judged, Order, Outcome, Settles, Suite, case_of, generate_for, on_other};

/// What to try.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// For how long.
    pub budget: Duration,
    /// The seed of delays and of random paths.
    pub seed: u64,
    /// Whether to end with the first thing that is found.
    pub stop: Stop,
    /// Processes of the adapter that are led along paths at once.
    pub workers: NonZeroUsize,
    /// Processes that race at once, at most: those that wait for a processor race against nothing.
    pub cores: usize,
    /// What is known already, and ends nothing.
    pub known: &'a BTreeSet<Identity>,
    /// Called now and then; it returns whether to end early.
    pub enough: &'a (dyn Fn() -> bool + Sync),
}

impl Plan<'_> {
    /// Whether something was found that is not known.
    pub(super) fn has_new(&self, tally: &Tally) -> bool {
        tally.found.keys().any(|id| !self.known.contains(id))
    }

    /// Notes that something new was found, for those that work beside.
    fn note_new(&self, tally: &Tally, found: &AtomicBool) {
        if self.has_new(tally) {
            found.store(true, Ordering::SeqCst);
        }
    }

    /// Whether it ends because something new was found by one that works beside.
    fn ends_with(&self, found: &AtomicBool) -> bool {
        self.stop == Stop::AtFirst && found.load(Ordering::SeqCst)
    }
}

/// How far a campaign is.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is being tried.
    pub what: String,
    /// Programs and runs of it that are done.
    pub done: u64,
    /// And of how many, where that is known.
    pub of: Option<u64>,
    /// Failures so far, by name.
    pub found: usize,
}

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The account.
    pub tally: Tally,
    /// What no path has.
    pub left_out: Vec<LeftOut>,
    /// What was not begun, because time was over.
    pub not_begun: Vec<String>,
    /// What the adapter would have to have for a rule that can have nothing to decide without it.
    missing: BTreeMap<Rule, &'static str>,
}

impl Campaign {
    /// Whether everything was tried that there is to try. Random paths have no end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.not_begun.is_empty()
    }

    /// What the adapter would have to have, for a rule that can have nothing to decide without it.
    #[must_use]
    pub fn missing_for(&self, rule: Rule) -> Option<&'static str> {
        self.missing.get(&rule).copied()
    }
}

/// Tries an implementation. What was found until the adapter did something wrong comes back with the fault.
pub fn campaign(stage: &mut Stage, plan: &Plan<'_>, progress: &dyn Fn(&Step)) -> (Campaign, Option<Fault>) {
    let abilities = Abilities::of(&stage.session);
    let until = Instant::now() + plan.budget;
    let tally = Tally::new();
    let (found_aside, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    let enough = || (plan.enough)() || found_aside.load(Ordering::SeqCst);
    let waiting = Aside { plan, until: until - plan.budget / AGAIN, found: &found_aside, is_done: &is_done };
    let plan = &Plan { enough: &enough, ..*plan };
    let mut trying = Trying {
        stage,
        crew: Crew::default(),
        plan,
        progress,
        abilities,
        until,
        tally,
        not_begun: Vec::new(),
        rounds: 0,
        random: 0,
        probes: Vec::new(),
        probed: AtomicUsize::new(0),
        patience: None,
    };
    let fault = std::thread::scope(|scope| {
        let aside = match waiting.place(trying.stage, &trying.abilities) {
            Place::Beside(stage) => Some(scope.spawn(move || waiting.go(*stage))),
            Place::Inside => {
                trying.patience = Some(patience);
                None
            }
            Place::Nowhere => None,
            Place::TooLate => {
                trying.not_begun.push(patience::PLACE.to_owned());
                None
            }
        };
        let fault = trying.all().err();
        let (calls, ends) = std::mem::take(&mut trying.crew).end();
        trying.tally.calls += calls + trying.stage.session.calls();
        let fault = fault.or(ends);
        trying.tally.take_leftovers(std::mem::take(&mut trying.stage.leftovers));
        is_done.store(true, Ordering::SeqCst);
        let Some(aside) = aside else { return fault };
        // A thread that panics has shown a mistake of ours.
        let (tally, ended) = aside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        trying.tally.merge(tally);
        match ended {
            Ok(0) => fault,
            Ok(left) => {
                trying.not_begun.push(format!("{left} of {}", patience::PLACE));
                fault
            }
            Err(theirs) => fault.or(Some(theirs)),
        }
    });
    let left_out = trying.abilities.left_out();
    let missing = Rule::ALL.iter().filter_map(|rule| Some((*rule, trying.abilities.missing_for(*rule)?)));
    let missing = missing.collect();
    (Campaign { tally: trying.tally, left_out, not_begun: trying.not_begun, missing }, fault)
}

struct Trying<'a> {
    stage: &'a mut Stage,
    /// The processes beside this one.
    crew: Crew,
    plan: &'a Plan<'a>,
    progress: &'a dyn Fn(&Step),
    abilities: Abilities,
    until: Instant,
    tally: Tally,
    not_begun: Vec<String>,
    /// How often random paths were gone on with.
    rounds: u64,
    /// Random paths so far.
    random: u64,
    /// Paths that are made on purpose, and how many of them were begun.
    probes: Vec<Case>,
    probed: AtomicUsize,
    /// What waits for long, where there is no process beside this one that could.
    patience: Option<Program>,
}

/// The share of a budget that transfers may take at first, that the first random paths may, that races may, and that leading again may.
const EARLY: u32 = 8;
const FIRST: u32 = 4;
const RACES: u32 = 4;
const AGAIN: u32 = 5;

/// A program that is written down. Its third parameter returns whether to end early. The result is the number of parts not begun.
type Program = fn(&mut Stage, &Abilities, &dyn Fn(&Tally) -> bool, &mut Tally) -> Result<usize, Fault>;

/// How files are transferred, or are not.
const TRANSFERS: [(&str, Program); 4] = [
    (transfers::PLACE, transfers),
    (resumed::PLACE, resumed),
    (stops::PLACE, stops),
    (blamed::PLACE, blamed),
];

/// What else is written down, each with the places at which it plays.
const OTHERS: [(&[&str], Program); 5] = [
    (&limits::PLACES, limits),
    (&[quiet::PLACE], quiet),
    (&[destinations::PLACE], destinations),
    (&[restarts::PLACE], restarts),
    (&[patience::PLACE], patience),
];

/// The program that plays at this place. Paths and races have none.
fn program_at(place: &str) -> Option<Program> {
    let transfer = TRANSFERS.iter().find(|(name, _)| *name == place).map(|(_, program)| *program);
    let other = || OTHERS.iter().find(|(places, _)| places.contains(&place)).map(|(_, program)| *program);
    transfer.or_else(other)
}

impl Trying<'_> {
    fn all(&mut self) -> Result<(), Fault> {
        let whole = self.plan.budget;
        self.until -= whole / AGAIN;
        self.suite(ScopeName::Tiny, Cover::Transition)?;
        let transfers = self.early(Instant::now() + whole / EARLY)?;
        self.scripted("limits", limits)?;
        self.scripted(quiet::PLACE, quiet)?;
        self.scripted(destinations::PLACE, destinations)?;
        self.scripted(restarts::PLACE, restarts)?;
        self.probes = probes(self.stage.session.dialect().profile(), &self.abilities);
        // Where the time is short, the races have half of theirs.
        self.random((self.until - whole / (2 * RACES)).min(Instant::now() + whole / FIRST))?;
        // What came before may have taken longer than its share, on a busy machine or with a slow implementation.
        let least = Instant::now() + whole / (2 * RACES);
        self.races(self.until.max(least).min(Instant::now() + whole / RACES))?;
        for (name, program) in transfers {
            self.scripted(name, program)?;
        }
        if let Some(patience) = self.patience.take() {
            self.scripted(patience::PLACE, patience)?;
        }
        self.suite(ScopeName::Tiny, Cover::Sneak)?;
        self.suite(ScopeName::Default, Cover::Transition)?;
        self.random(self.until)?;
        let left = self.probes.len().saturating_sub(self.probed.load(Ordering::SeqCst));
        if left > 0 {
            self.not_begun.push(format!("{left} of {} probes", self.probes.len()));
        }
        self.until += whole / AGAIN;
        self.again()?;
        self.random(self.until)?;
        self.count_again()
    }

    fn is_over(&self, until: Instant) -> bool {
        is_over(self.plan, &self.tally, until)
    }

    fn tell(&self, what: &str, done: u64, of: Option<u64>) {
        (self.progress)(&Step { what: what.to_owned(), done, of, found: self.tally.found.len() });
    }

    /// Every path of a suite that the implementation can be led along, the shortest first.
    fn suite(&mut self, scope: ScopeName, cover: Cover) -> Result<(), Fault> {
        let name = format!("suite {scope} {cover}");
        if self.is_over(self.until) {
            self.not_begun.push(name);
            return Ok(());
        }
        let order = Order {
            cover,
            dialect: self.stage.session.dialect(),
            scope,
            pace: Pace::Untimed,
            longest: LONGEST,
        };
        self.tell(&name, 0, None);
        let Ok(mut suite) = generate_for(
            &order,
            Core::new,
            (&|slice| self.abilities.fits(slice), &|step| self.abilities.allows(step)),
            &|_, _| (),
        ) else {
            self.not_begun.push(format!("{name}: the model makes no suite of it"));
            return Ok(());
        };
        suite.cases.sort_by_key(|case| case.trace.lines.len());
        let varied = |(number, case): (u64, &Case)| varied(number, case, &self.abilities);
        let varied: Vec<Option<Case>> = (0..).zip(&suite.cases).map(varied).collect();
        let cases: Vec<&Case> = { varied.iter().zip(&suite.cases) }
            .map(|(varied, case)| varied.as_ref().unwrap_or(case))
            .collect();
        let judged = self.lead_all(&name, &cases)?;
        let left = cases.len() - judged.len();
        if left > 0 {
            self.not_begun.push(format!("{left} of {} paths of {name}", cases.len()));
        }
        self.cover(&name, &suite, &judged);
        Ok(())
    }

    /// Leads all processes along these paths. Returns what became of those that there was time for.
    fn lead_all(&mut self, name: &str, cases: &[&Case]) -> Result<BTreeMap<String, Judged>, Fault> {
        let (plan, until, progress) = (self.plan, self.until, self.progress);
        let of = Some(cases.len() as u64);
        let before = self.tally.found.len();
        let found = AtomicBool::new(false);
        let is_over = |tally: &Tally| is_over(plan, tally, until) || plan.ends_with(&found);
        let tell = |done: usize, tally: &Tally| {
            let (what, found) = (name.to_owned(), before.max(tally.found.len()));
            progress(&Step { what, done: done as u64, of, found });
        };
        let judged = self.crew.share_out(
            plan.workers.get(),
            (&mut *self.stage, &mut self.tally),
            cases,
            (is_over, tell),
            |stage, tally, case| {
                let judged = lead(stage, tally, name, case)?;
                plan.note_new(tally, &found);
                Ok(Some(judged))
            },
        )?;
        Ok(judged.into_iter().map(|(number, judged)| (cases[number].name.clone(), judged)).collect())
    }

    /// Notes that the process was gone or did not answer. After too many of these the adapter is at fault.
    fn interrupted(&mut self, place: &str, fault: Fault) -> Result<(), Fault> {
        interrupted(self.stage, &mut self.tally, (place, None), fault)
    }

    /// Counts what the paths that passed cover.
    fn cover(&mut self, name: &str, suite: &Suite, judged: &BTreeMap<String, Judged>) {
        let not_run = || Judged::not_runnable("there was no time for it");
        let of = |case: &Case| judged.get(&case.name).cloned().unwrap_or_else(not_run);
        // The cover was ours, so it is one.
        if let Ok(conformed) = on_other(suite, Core::new, &|_| (), &of) {
            self.tally.covered.push((name.to_owned(), conformed.covered(), conformed.items));
        }
    }

    /// Programs that are written down. What stands on the disk behind them is no path's.
    fn scripted(&mut self, name: &str, program: Program) -> Result<(), Fault> {
        if self.is_over(self.until) {
            self.not_begun.push(name.to_owned());
            return Ok(());
        }
        self.tell(name, 0, None);
        let (until, plan) = (self.until, self.plan);
        let is_over = |tally: &Tally| is_over(plan, tally, until);
        let left = match program(self.stage, &self.abilities, &is_over, &mut self.tally) {
            Err(fault) => return self.interrupted(name, fault),
            Ok(left) => left,
        };
        if left > 0 {
            self.not_begun.push(format!("{left} of {name}"));
        } else {
            self.tally.finish(name);
        }
        self.stage.litter.note(&self.stage.session);
        Ok(())
    }

    /// What is cheap and finds much, for a part of the time. What is left of it comes behind the races.
    fn early(&mut self, until: Instant) -> Result<Vec<(&'static str, Program)>, Fault> {
        let (until, plan) = (self.until.min(until), self.plan);
        let is_over = |tally: &Tally| is_over(plan, tally, until);
        let mut left = Vec::new();
        for (name, program) in TRANSFERS {
            if is_over(&self.tally) {
                left.push((name, program));
                continue;
            }
            self.tell(name, 0, None);
            match program(self.stage, &self.abilities, &is_over, &mut self.tally) {
                Err(fault) => self.interrupted(name, fault)?,
                Ok(0) => self.tally.finish(name),
                Ok(_) => left.push((name, program)),
            }
            self.stage.litter.note(&self.stage.session);
        }
        Ok(left)
    }

    /// Races each kind for a share of the time: first all of them for as many runs as tell something, and then the ones that are worth most.
    fn races(&mut self, until: Instant) -> Result<(), Fault> {
        // Where a callback takes long to come, that is learned in half of the time at most.
        let now = Instant::now();
        let learned = now + until.saturating_duration_since(now) / 2;
        let undisturbed = match undisturbed(self.stage, &self.abilities, learned) {
            Ok(Some(undisturbed)) => undisturbed,
            Ok(None) => return Ok(()),
            Err(fault) => {
                self.not_begun.push("races".to_owned());
                return self.interrupted("races", fault);
            }
        };
        for round in Round::ALL {
            self.round_of_races(round, until, undisturbed)?;
        }
        self.stage.litter.note(&self.stage.session);
        Ok(())
    }

    fn round_of_races(&mut self, round: Round, until: Instant, undisturbed: u64) -> Result<(), Fault> {
        let kinds: Vec<(Racer, Trigger)> =
            { Racer::ALL.into_iter().map(|racer| (racer, Trigger::AfterReturn)) }
                .chain([Racer::Cancel, Racer::Unregister, Racer::Mask].map(|racer| (racer, Trigger::AtEnter)))
                .collect();
        for (number, kind) in kinds.iter().enumerate() {
            let name = format!("race {}", kind.0.call());
            if self.is_over(until) {
                self.note_no_race(round, name);
                continue;
            }
            self.tell(&name, number as u64, Some(kinds.len() as u64));
            let weights: u32 = kinds[number..].iter().map(|kind| round.weight(*kind)).sum();
            let left = until.saturating_duration_since(Instant::now());
            let share = Instant::now() + left * round.weight(*kind) / weights;
            let limits = RaceLimits { seed: self.plan.seed, round, until: share, undisturbed };
            let processes = self.plan.workers.get().min(self.plan.cores);
            let crew = (&mut self.crew, processes);
            match race(*kind, crew, (&mut *self.stage, &self.abilities), limits, &mut self.tally) {
                Ok(Some(0)) => self.note_no_race(round, name),
                Ok(_) => {}
                Err(fault) => self.interrupted(&name, fault)?,
            }
        }
        Ok(())
    }

    /// A race that had no time; what it had in a round before is in the report.
    fn note_no_race(&mut self, round: Round, name: String) {
        if round == Round::First {
            self.not_begun.push(name);
        }
    }

    /// Random paths until time is over, on several processes at once. Each of these and each round has numbers of its own.
    fn random(&mut self, until: Instant) -> Result<(), Fault> {
        if self.is_over(until) {
            return Ok(());
        }
        self.rounds += 1;
        let stream = self.rounds * MOST_WORKERS;
        let found = AtomicBool::new(false);
        let plan = self.plan;
        let is_over = || Instant::now() >= until || (plan.enough)() || plan.ends_with(&found);
        let (mut number, before) = (self.random, self.tally.found.len());
        let (progress, abilities) = (self.progress, &self.abilities);
        let probes = (&self.probes[..], &self.probed);
        let walking =
            |worker| Walking { plan, stream: stream + worker, probes, found: &found, is_over: &is_over };
        let ended = self.crew.at_once(
            plan.workers.get().min(MOST_WORKERS as usize),
            (&mut *self.stage, &mut self.tally),
            |stage, tally| {
                let mut tell = |done: u64, found: usize| {
                    number += 1;
                    let what = "random paths".to_owned();
                    progress(&Step { what, done: number.max(done), of: None, found: before.max(found) });
                };
                (walking(0).go(stage, abilities, tally, &mut tell), Vec::new())
            },
            |worker, stage, tally| {
                let abilities = Abilities::of(&stage.session);
                (walking(worker).go(stage, &abilities, tally, &mut |_, _| ()), abilities.left_out())
            },
        );
        self.random = number;
        let mut all = Ok(());
        for (ended, left_out) in ended {
            self.abilities.note_all(left_out);
            all = all.and(ended);
        }
        all
    }
}

fn is_over(plan: &Plan<'_>, tally: &Tally, until: Instant) -> bool {
    Instant::now() >= until || (plan.enough)() || plan.stop == Stop::AtFirst && plan.has_new(tally)
}

/// Leads the implementation along a path once, and takes down what came of it.
fn lead(stage: &mut Stage, tally: &mut Tally, place: &str, case: &Case) -> Result<Judged, Fault> {
    let (judged, run) = match play(case, stage) {
        Ok(played) => played,
        Err(fault) => {
            let why = fault.to_string();
            interrupted(stage, tally, (place, Some(case)), fault)?;
            return Ok(Judged::not_runnable(format!("the process was interrupted: {why}")));
        }
    };
    let idle = |run: &Run| matches!(judged.outcome, Outcome::Passed) && !did_something(&run.trace);
    if run.as_ref().is_some_and(idle) {
        tally.count_idle(place);
        return Ok(judged);
    }
    tally.take(place, case, &judged);
    if let Some(run) = run {
        tally.count(&run);
    }
    Ok(judged)
}

/// Notes that the process was gone or did not answer. After too many of these the adapter is at fault.
pub(super) fn interrupted(
    stage: &mut Stage,
    tally: &mut Tally,
    (place, case): (&str, Option<&Case>),
    fault: Fault,
) -> Result<(), Fault> {
    if !fault.is_interruption() || tally.incidents.len() >= MOST_INCIDENTS {
        return Err(fault);
    }
    stage.session.kill();
    let (place, what) = (place.to_owned(), fault.to_string());
    tally.incidents.push(Incident { place, what, case: case.cloned().map(Box::new) });
    Ok(())
}

/// One process that is led along random paths.
struct Walking<'a> {
    plan: &'a Plan<'a>,
    /// The number of its random numbers.
    stream: u64,
    /// Paths that are made on purpose, which come first, and how many of them were begun by all.
    probes: (&'a [Case], &'a AtomicUsize),
    /// Whether something was found that is not known.
    found: &'a AtomicBool,
    is_over: &'a (dyn Fn() -> bool + Sync),
}

impl Walking<'_> {
    /// Goes on until it is over. `tell` gets the number of paths, and of failures.
    fn go(
        &self,
        stage: &mut Stage,
        abilities: &Abilities,
        tally: &mut Tally,
        tell: &mut dyn FnMut(u64, usize),
    ) -> Result<(), Fault> {
        let dialect = stage.session.dialect();
        let profile = *dialect.profile();
        let slices = slices_for(&profile, abilities);
        let mut rng = Rng::new(self.plan.seed, self.stream);
        let mut number = 0;
        while !(self.is_over)() {
            tell(number, tally.found.len());
            let (probes, next) = self.probes;
            if let Some(case) = probes.get(next.fetch_add(1, Ordering::SeqCst)) {
                let _judged = lead(stage, tally, "probes", case)?;
            } else {
                let Some(slice) = rng.pick(&slices).cloned() else { return Ok(()) };
                let acts = 4 + rng.below(12) as u32;
                let path = walk(&profile, &slice, abilities, &mut rng, acts);
                let name = format!("random-{}-{number}", self.stream);
                let case = case_of((&slice, Settles::WhenStill), dialect, &path, &name);
                let _judged = lead(stage, tally, "random paths", &case)?;
            }
            self.plan.note_new(tally, self.found);
            number += 1;
        }
        Ok(())
    }
}

/// Processes at once at most.
const MOST_WORKERS: u64 = 64;

/// Interruptions of a campaign at most.
const MOST_INCIDENTS: usize = 20;

/// Steps of a path at which it ends.
const LONGEST: usize = 60;
