//! Random programs on the stepped core, from a seed: the sampler that needs nothing installed.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::Core;
use contract::core::Config;
use judge::{Rule, RuleSet};
use properties::canary::Canary;
use properties::findings::Findings;
use properties::sample::{Options, Sampled, Stop, sample};
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit,
};

use super::canary;
use super::registry::{Engine, Share, Sink, Task};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::progress::Work;
use crate::run::millis;
use crate::watch::{Limit, worker};

/// What to sample.
pub(crate) struct Plan<'a> {
    pub(crate) core: CoreChoice,
    pub(crate) seed: u64,
    pub(crate) budget: Duration,
    /// Programs at most, whatever the budget.
    pub(crate) programs: Option<u64>,
    pub(crate) stop: Stop,
    /// Rules of which all have to be seen broken; then it is enough. None of them: it is never enough.
    pub(crate) until: RuleSet,
    pub(crate) traces: &'a Traces,
}

/// The command that comes upon this program again. A process that died may have been some programs further than its last message.
const AGAIN: &str = "bgcheck properties --programs 100000 --seed {at}";

/// Samples for the budget.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> EngineResult {
    match plan.core {
        CoreChoice::Core => on("properties", AGAIN, subject(), plan, output),
        CoreChoice::Canary => {
            let again = format!("{AGAIN} --canary");
            on("properties (canary)", &again, Canary::<engine::core::Core>::new, plan, output)
        }
    }
}

/// The engine's own core.
fn subject() -> fn(&Config) -> engine::core::Core {
    engine::core::Core::new
}

fn on<C: Core>(
    name: &str,
    again: &str,
    make: fn(&Config) -> C,
    plan: &Plan<'_>,
    output: &Output,
) -> EngineResult {
    worker::begin(name, Some(Subject::Product), again, Limit::of(plan.budget));
    let progress = output.progress(name);
    let findings = RefCell::new(Findings::default());
    let enough = AtomicBool::new(false);
    let tell = |runs| {
        worker::done(runs);
        if worker::is_stopped() {
            enough.store(true, Ordering::Relaxed);
        }
        let work = Work::until(plan.budget, runs, plan.programs, "programs");
        progress.tell(work, || format!("{} programs", indicatif::HumanCount(runs)));
    };
    let keep = |failure: &properties::sample::Failure| {
        let mut findings = findings.borrow_mut();
        for raw in failure.raws(plan.core.into()) {
            let kept = plan.traces.keep_among(&mut findings, raw);
            if kept.times == 1 {
                progress.found(&kept.failure);
            }
        }
        if !plan.until.is_empty() && plan.until.intersection(findings.rules()) == plan.until {
            enough.store(true, Ordering::Relaxed);
        }
    };
    let options = Options {
        runs: plan.programs,
        stop: plan.stop,
        enough: Some(&enough),
        progress: &tell,
        at: &worker::at,
        found: &keep,
        ..Options::new(plan.seed, plan.budget)
    };
    let sampled = sample(make, &options);
    let findings = findings.into_inner();
    let finding = |(rule, decisions): &(Rule, u64)| {
        let failure = findings.of_rule(Some(*rule)).next().cloned();
        let finding = failure.map_or_else(|| Finding::sampled(*decisions), Finding::broken);
        RuleResult { rule: RuleId(rule.to_string()), finding }
    };
    let carried = sampled.decisions.iter().filter(|(rule, _)| RuleSet::OF_A_JOB.contains(*rule));
    let disagreements = findings.of_rule(None).cloned().collect();
    EngineResult {
        name: name.to_owned(),
        subject: Some(Subject::Product),
        dialect: None,
        scope: None,
        switches: String::new(),
        status: Status::Ran(ran(&sampled, carried.map(finding).collect(), disagreements)),
    }
}

fn ran(sampled: &Sampled, findings: Vec<RuleResult>, disagreements: Vec<Failure>) -> Ran {
    Ran {
        approach: Approach::Sampling,
        ended: Ended::BudgetSpent,
        work: vec![Amount::new(Unit::Runs, sampled.runs), Amount::new(Unit::Steps, sampled.steps)],
        time_ms: millis(sampled.elapsed),
        findings,
        agreement: Some(Agreement {
            what: "specification and core agree after every step".to_owned(),
            compared: sampled.steps,
            disagreements,
        }),
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: None,
        edges: None,
        corpus: None,
        account: None,
    }
}

/// How long random programs of a canary have at most: they end when they have seen all that they are to find, at once.
const CANARY: Duration = Duration::from_secs(20);

/// The engine of a night.
pub(crate) struct Properties;

impl Engine for Properties {
    fn id(&self) -> &'static str {
        "properties"
    }

    fn what(&self) -> &'static str {
        "Random programs"
    }

    fn share(&self) -> Share {
        Share::Weight(1)
    }

    fn has_canary_core(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let Task { core, seed, budget, stop, traces, .. } = *task;
        let plan = Plan { core, seed, budget, programs: None, stop, until: RuleSet::EMPTY, traces };
        sink.take(run(&plan, output));
        Ok(())
    }

    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<reports::Canary> {
        let Task { core, seed, traces, .. } = *task;
        let (until, expected) = canary::expected();
        let budget = CANARY.min(task.budget);
        let plan = Plan { core, seed, budget, programs: None, stop: Stop::Never, until, traces };
        Some(reports::Canary::of(&run(&plan, output), &canary::broken_core(), &expected))
    }
}
