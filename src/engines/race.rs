//! Races: the real service under schedules of our choice, a thread of the system for each strategy.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use contract::defect::Design;
use judge::{Rule, RuleSet};
use properties::findings::{Broken, Findings, May, Raw};
use properties::minimize::Case;
pub(crate) use properties::race::Stop;
use properties::race::{self, Failure, Hang, HuntOptions, Hunted, Kind, Merges, Races, Row, Step, hunt};
use reports::{
    Agreement, Amount, Approach, Canary, Ended, EngineResult, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit, WindowRow, Windows,
};

use super::canary;
use super::registry::{Engine, Share, Sink, Task};
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::progress::Work;
use crate::run::millis;
use crate::watch::{Limit, worker};

/// What to hunt.
pub(crate) struct Plan<'a> {
    /// The strategies, side by side.
    pub(crate) kinds: &'a [Kind],
    pub(crate) design: Design,
    pub(crate) seed: u64,
    pub(crate) budget: Duration,
    /// Schedules of each strategy at most.
    pub(crate) schedules: Option<u64>,
    /// Schedules of earlier nights.
    pub(crate) before: u64,
    /// Whether to go on after something broke.
    pub(crate) stop: Stop,
    pub(crate) traces: &'a Traces,
}

/// A way to choose schedules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Strategy {
    /// Every choice by chance.
    Random,
    /// Priorities by chance that change at a few points (probabilistic concurrency testing).
    Pct,
    /// Every schedule of a race, up to those whose rest is known; of large races the first few thousand.
    #[value(alias = "exhaustive")]
    Complete,
    /// libFuzzer, by the target `schedule`.
    Fuzzer,
}

/// The strategies of the sampler among these: every one when none is named.
pub(crate) fn kinds(strategies: &[Strategy], depth: u32) -> Vec<Kind> {
    let kind = |name: &Strategy| match name {
        Strategy::Random => Some(Kind::Random),
        Strategy::Pct => Some(Kind::Pct { depth }),
        Strategy::Complete => Some(Kind::Complete { merges: Merges::Most }),
        Strategy::Fuzzer => None,
    };
    let all = [Strategy::Random, Strategy::Pct, Strategy::Complete];
    let asked = if strategies.is_empty() { &all[..] } else { strategies };
    let mut kinds: Vec<Kind> = Vec::new();
    for kind in asked.iter().filter_map(kind) {
        // A strategy that is named twice runs once.
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Schedules of one race before the next: by chance a few, in order as many as a small race has, mostly.
const OF_EACH: u64 = 16;
const OF_ALL: u64 = 2_000_000;

/// How often the progress is updated.
const BEAT: Duration = Duration::from_millis(100);

/// The engine's name, also in the results of earlier nights.
const NAME: &str = "race";

/// Hunts for the budget.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> EngineResult {
    worker::begin(NAME, Some(Subject::Race), "", Limit::of(plan.budget));
    let hunted = hunt_all(plan, output);
    EngineResult {
        name: of_design(NAME, plan.design),
        subject: Some(Subject::Race),
        dialect: None,
        scope: None,
        switches: String::new(),
        status: Status::Ran(ran(plan, &hunted)),
    }
}

/// An engine's name, with the design where it is a wrong one.
pub(super) fn of_design(name: &str, design: Design) -> String {
    match design {
        Design::Barrier => name.to_owned(),
        other => format!("{name} ({other})"),
    }
}

/// One thread per strategy: they share nothing, and a session keeps its stacks per thread.
fn hunt_all(plan: &Plan<'_>, output: &Output) -> Vec<(Kind, Hunted)> {
    let progress = output.progress(NAME);
    let most = plan.schedules.map(|of_each| of_each.saturating_mul(plan.kinds.len() as u64));
    let done: Vec<AtomicU64> = plan.kinds.iter().map(|_| AtomicU64::new(0)).collect();
    let enough = AtomicBool::new(false);
    let (tells, told) = channel();
    let start = |(kind, done): (&Kind, &AtomicU64), tells: Sender<String>| {
        let tell = |so_far| done.store(so_far, Ordering::Relaxed);
        // Who does not listen any more has what the hunt comes to.
        let found = |failure: &Failure| drop(tells.send(in_one_line(*kind, failure)));
        hunt(&HuntOptions { enough: Some(&enough), found: &found, ..options(plan, *kind, &tell) })
    };
    let start = &start;
    std::thread::scope(|scope| {
        let pairs = plan.kinds.iter().zip(&done);
        let hunts: Vec<_> = pairs
            .map(|pair| {
                let tells = tells.clone();
                (*pair.0, scope.spawn(move || start(pair, tells)))
            })
            .collect();
        while !hunts.iter().all(|(_, hunt)| hunt.is_finished()) {
            std::thread::sleep(BEAT);
            told.try_iter().for_each(|line| progress.note(&line));
            let schedules = done.iter().map(|done| done.load(Ordering::Relaxed)).sum::<u64>();
            worker::done(schedules);
            if worker::is_stopped() {
                enough.store(true, Ordering::Relaxed);
            }
            let work = Work::until(plan.budget, schedules, most, "schedules");
            progress.tell(work, || format!("{} schedules", indicatif::HumanCount(schedules)));
        }
        told.try_iter().for_each(|line| progress.note(&line));
        hunts
            .into_iter()
            .map(|(kind, hunt)| (kind, hunt.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
            .collect()
    })
}

/// What was found, at once: it is made small, and reported in whole, when the hunt is over.
fn in_one_line(kind: Kind, failure: &Failure) -> String {
    let Failure { seed, after, violated, seen, .. } = failure;
    let what = match (seen, violated.is_empty()) {
        (Some(seen), _) => format!("{violated} is broken: {seen}"),
        (None, true) => "a call waits for a later delivery (L3)".to_owned(),
        (None, false) => format!("{violated} is broken"),
    };
    format!(
        "{NAME}, {kind}: found: {what}, with seed {seed} after {after} schedules; it is made small at the end"
    )
}

fn options<'a>(plan: &Plan<'_>, kind: Kind, progress: &'a dyn Fn(u64)) -> HuntOptions<'a> {
    HuntOptions {
        kind,
        races: if is_complete(kind) { Races::Small } else { Races::OfSeeds },
        design: plan.design,
        seed: plan.seed,
        runs: plan.schedules,
        each: if is_complete(kind) { OF_ALL } else { OF_EACH },
        // Of a design that is wrong one failure is enough.
        stop: if plan.design == Design::Barrier { plan.stop } else { Stop::AtFirst },
        ..HuntOptions::new(plan.budget, progress)
    }
}

fn is_complete(kind: Kind) -> bool {
    matches!(kind, Kind::Complete { .. })
}

fn ran(plan: &Plan<'_>, hunted: &[(Kind, Hunted)]) -> Ran {
    let findings = findings(plan, hunted);
    let sum = |of: fn(&Hunted) -> u64| hunted.iter().map(|(_, hunted)| of(hunted)).sum::<u64>();
    let schedules = sum(|hunted| hunted.schedules);
    let mut work = vec![
        Amount::new(Unit::Schedules, schedules),
        Amount::new(Unit::DistinctSchedules, sum(|hunted| hunted.distinct)),
        Amount::new(Unit::Races, sum(|hunted| hunted.races)),
        Amount::new(Unit::RacesExhausted, sum(|hunted| hunted.finished)),
    ];
    if plan.before > 0 {
        work.push(Amount::new(Unit::SchedulesInAll, plan.before + schedules));
    }
    let longest = hunted.iter().map(|(_, hunted)| hunted.elapsed).max().unwrap_or_default();
    Ran {
        approach: Approach::Sampling,
        ended: Ended::BudgetSpent,
        work,
        time_ms: millis(longest),
        findings: RuleSet::HERE.iter().map(|rule| finding(&findings, hunted, rule)).collect(),
        agreement: bounded_wait(&findings, hunted),
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: Some(windows(&tables(hunted))),
        edges: None,
        corpus: None,
        account: None,
    }
}

/// What was found, strategy by strategy.
fn findings(plan: &Plan<'_>, hunted: &[(Kind, Hunted)]) -> Findings<reports::Failure> {
    let mut findings = Findings::default();
    for (_, hunted) in hunted {
        let failures = hunted.failures.iter().flat_map(Failure::raws);
        let waits = hunted.overwaited.iter().map(|failure| failure.raw(None));
        for raw in failures.chain(waits).chain(hunted.hung.iter().map(raw_of_hang)) {
            plan.traces.keep_among(&mut findings, raw);
        }
    }
    findings
}

fn finding(findings: &Findings<reports::Failure>, hunted: &[(Kind, Hunted)], rule: Rule) -> RuleResult {
    let mut kept = findings.of_rule(Some(rule));
    let finding = match kept.next() {
        Some(first) => {
            let mut first = first.clone();
            first.notes.extend(kept.map(also));
            Finding::broken(first)
        }
        None => {
            let of_rule = |(known, _): &&(Rule, u64)| *known == rule;
            let counts = hunted.iter().filter_map(|(_, hunted)| hunted.decisions.iter().find(of_rule));
            Finding::sampled(counts.map(|(_, decisions)| decisions).sum())
        }
    };
    RuleResult { rule: RuleId(rule.to_string()), finding }
}

/// Another failure of the rule, which has a file of its own.
fn also(another: &reports::Failure) -> String {
    let file = another.trace_file.as_deref().unwrap_or("no file");
    format!("the rule is also broken as {}: {file}", another.id)
}

/// What is compared for L3.
pub(super) const BOUNDED_WAIT: &str =
    "a call waits for the callback that had begun when it took effect, and for no later one (L3)";

/// L3, as far as a run shows it: no call waits on, and every schedule comes to its end. Nothing where no call waited.
fn bounded_wait(findings: &Findings<reports::Failure>, hunted: &[(Kind, Hunted)]) -> Option<Agreement> {
    let compared = hunted.iter().map(|(_, hunted)| hunted.waits).sum();
    let disagreements: Vec<_> = findings.of_rule(None).cloned().collect();
    (compared > 0 || !disagreements.is_empty()).then(|| Agreement {
        what: BOUNDED_WAIT.to_owned(),
        compared,
        disagreements,
    })
}

/// A schedule that never comes to its end.
pub(super) fn raw_of_hang(hang: &Hang) -> Raw {
    let threads: String = hang.threads.iter().map(|thread| format!("  {thread}\n")).collect();
    let ending = format!(
        "then: nothing is scheduled any more, and the schedule never comes to its end; the threads then\n{threads}\nthe race\n{}",
        hang.race
    );
    let broken = Broken::Named("L3-hang-race".to_owned());
    Raw { may: May::Stay, ending, ..Raw::new(Case::Recorded(hang.trace.clone()), broken) }
}

fn tables(hunted: &[(Kind, Hunted)]) -> Vec<(String, &race::Windows)> {
    hunted.iter().map(|(kind, hunted)| (kind.to_string(), &hunted.windows)).collect()
}

/// The tables side by side, each with the name of who filled it.
pub(super) fn windows(tables: &[(String, &race::Windows)]) -> Windows {
    let cell = |row: &Row, step: &Step| tables.iter().map(|(_, table)| table.of(*row, *step)).collect();
    let row = |row: &Row| WindowRow {
        call: row.to_string(),
        cells: Step::ALL.iter().map(|step| cell(row, step)).collect(),
    };
    Windows {
        strategies: tables.iter().map(|(name, _)| name.clone()).collect(),
        steps: Step::ALL.iter().map(ToString::to_string).collect(),
        rows: Row::ALL.iter().map(row).collect(),
    }
}

/// Schedules of the nights whose reports are kept below a directory: each report carries the count on, so the largest is all.
pub(crate) fn schedules_before(reports_dir: &Path) -> u64 {
    let nights = std::fs::read_dir(reports_dir).into_iter().flatten().flatten();
    // A night that was cut off has no results, and one of another version is left out.
    let results = nights.filter_map(|night| reports::read(&night.path().join("results.json")).ok());
    results.map(|results| schedules_of(&results)).max().unwrap_or(0)
}

fn schedules_of(results: &reports::Results) -> u64 {
    let races = results.engines.iter().filter(|engine| engine.name == NAME);
    let work = races.filter_map(|engine| match &engine.status {
        Status::Ran(ran) => Some(&ran.work),
        _ => None,
    });
    let counts =
        work.flatten().filter(|amount| matches!(amount.unit, Unit::Schedules | Unit::SchedulesInAll));
    counts.map(|amount| amount.done).max().unwrap_or(0)
}

/// What runs when nothing else is asked for, in `bgcheck race` and in a night.
pub(crate) const USUAL: [Kind; 3] =
    [Kind::Random, Kind::Pct { depth: 3 }, Kind::Complete { merges: Merges::Most }];

/// How long races of a canary have at most: they are slow to begin, and end with the first that is broken.
const CANARY: Duration = Duration::from_secs(10);

/// Schedules of each strategy at most: the wrong design is found within a few hundred.
const CANARY_SCHEDULES: u64 = 100_000;

/// The engine of a night.
pub(crate) struct Race;

impl Engine for Race {
    fn id(&self) -> &'static str {
        NAME
    }

    fn what(&self) -> &'static str {
        "Races of the real service"
    }

    fn share(&self) -> Share {
        Share::Weight(4)
    }

    /// A canary is a core, which races do not exchange.
    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let Task { seed, budget, stop, traces, .. } = *task;
        let (kinds, design) = (&USUAL, Design::Barrier);
        let plan = Plan { kinds, design, seed, budget, schedules: None, before: 0, stop, traces };
        sink.take(run(&plan, output));
        Ok(())
    }

    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<Canary> {
        let plan = Plan {
            kinds: &[Kind::Random, Kind::Pct { depth: 3 }],
            design: canary::design(task.core),
            seed: task.seed,
            budget: CANARY.min(task.budget),
            schedules: Some(CANARY_SCHEDULES),
            before: 0,
            stop: Stop::AtFirst,
            traces: task.traces,
        };
        // Which rule breaks first depends on the seed.
        Some(Canary::of(&run(&plan, output), canary::LOOKS_AGAIN, &[]))
    }
}
