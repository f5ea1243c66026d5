//! Random programs on the stepped core, from a seed: the sampler that needs nothing installed.

use std::time::Duration;

use contract::Core;
use contract::core::Config;
use contract::judge::{Rule, RuleSet};
use properties::canary::Canary;
use properties::run::{Broken, trace};
use properties::sample::{Options, Sampled, sample};
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit,
};

use super::counterexample::Traces;
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::Output;
use crate::run::millis;

/// Samples for the budget.
pub(crate) fn run(
    core: CoreChoice,
    seed: u64,
    budget: Duration,
    traces: &Traces,
    output: &Output,
) -> Result<EngineResult, Error> {
    match core {
        CoreChoice::Core => on("properties", engine::core::Core::new, seed, budget, traces, output),
        CoreChoice::Canary => {
            on("properties (canary)", Canary::<engine::core::Core>::new, seed, budget, traces, output)
        }
    }
}

fn on<C: Core>(
    name: &str,
    make: fn(&Config) -> C,
    seed: u64,
    budget: Duration,
    traces: &Traces,
    output: &Output,
) -> Result<EngineResult, Error> {
    let progress = output.progress(name);
    let tell = |runs| progress.tell(|| format!("{} programs", indicatif::HumanCount(runs)));
    let sampled = sample(make, &Options { seed, budget, runs: None, progress: &tell });
    let mut broken: Vec<(RuleSet, Failure)> = Vec::new();
    let mut disagreements = Vec::new();
    for failure in &sampled.failures {
        let trace = trace(&failure.program, make, "properties", Some(failure.seed));
        match &failure.broken {
            Broken::Rules(rules) => {
                for rule in rules.iter() {
                    broken.push((RuleSet::of(&[rule]), traces.keep(&trace, Some(rule), "")?));
                }
            }
            Broken::Agreement(what) => {
                disagreements.push(traces.keep(&trace, None, &format!("then: {what}"))?);
            }
        }
    }
    let finding = |(rule, decisions): &(Rule, u64)| {
        let failure =
            broken.iter().find(|(rules, _)| rules.contains(*rule)).map(|(_, failure)| failure.clone());
        let finding = failure.map_or_else(|| Finding::sampled(*decisions), Finding::broken);
        RuleResult { rule: RuleId(rule.to_string()), finding }
    };
    let carried = sampled.decisions.iter().filter(|(rule, _)| RuleSet::OF_A_JOB.contains(*rule));
    Ok(EngineResult {
        name: name.to_owned(),
        subject: Some(Subject::Product),
        dialect: None,
        scope: None,
        switches: String::new(),
        status: Status::Ran(ran(&sampled, carried.map(finding).collect(), disagreements)),
    })
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
    }
}
