//! The live run: the service on real threads with real HTTP, in a directory that is thrown away.

use std::time::{Duration, Instant};

use contract::Dialect;
use contract::judge::{Rule, RuleSet, Verdict};
use indicatif::HumanCount;
use properties::live::{Canary, LiveConfig, LiveReport, Progress, WrongFile, run as live};
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit,
};

use super::counterexample::Traces;
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::output::Output;
use crate::run::millis;
use crate::watch::{Limit, worker};

/// What to run.
pub(crate) struct Plan<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) core: CoreChoice,
    pub(crate) seed: u64,
    pub(crate) budget: Duration,
    pub(crate) traces: &'a Traces,
}

/// Runs the service for the budget.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<EngineResult, Error> {
    let directory =
        tempfile::tempdir().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
    worker::begin("live", Some(Subject::Live), "", Limit::of(plan.budget));
    let progress = output.progress(&format!("live ({})", plan.dialect));
    let tell = |now: Progress| {
        worker::done(now.jobs.into());
        progress.tell(|| {
            format!("{:?}: {} of {} jobs, {} events", now.phase, now.jobs, now.of, HumanCount(now.events))
        });
    };
    let config = LiveConfig {
        seed: plan.seed,
        budget: plan.budget,
        canary: if plan.core == CoreChoice::Canary { Canary::On } else { Canary::Off },
        ..LiveConfig::new(plan.dialect.profile(), directory.path())
    };
    let status = match live(&config, &tell) {
        Ok(report) => Status::Ran(ran(plan, &config, &report)?),
        Err(error) => Status::Failed { why: error.to_string() },
    };
    Ok(EngineResult {
        name: if plan.core == CoreChoice::Canary { "live (canary)".to_owned() } else { "live".to_owned() },
        subject: Some(Subject::Live),
        dialect: Some(plan.dialect),
        scope: None,
        switches: String::new(),
        status,
    })
}

fn ran(plan: &Plan<'_>, config: &LiveConfig<'_>, report: &LiveReport) -> Result<Ran, Error> {
    let findings = report.verdicts.rules.iter().map(|(rule, verdict)| finding(plan, report, *rule, verdict));
    let mut findings: Vec<RuleResult> = findings.collect::<Result<_, _>>()?;
    if let Some(what) = report.hang.as_deref() {
        note_hang(&mut findings, what);
    }
    note_rates(&mut findings, &again(config, report));
    Ok(Ran {
        approach: Approach::Sampling,
        ended: if report.jobs < config.jobs { Ended::BudgetSpent } else { Ended::Done },
        work: vec![
            Amount::out_of(Unit::Jobs, report.jobs.into(), config.jobs.into()),
            Amount::new(Unit::Users, config.users.into()),
            Amount::new(Unit::Calls, report.calls),
            Amount::new(Unit::Callbacks, report.callbacks),
            Amount::new(Unit::Events, report.verdicts.events),
            Amount::new(Unit::Files, report.files_compared),
            Amount::new(Unit::Bytes, report.bytes_compared),
        ],
        time_ms: millis(report.elapsed),
        findings,
        agreement: Some(Agreement {
            what: "files at their destinations and the server's, byte for byte".to_owned(),
            compared: report.files_compared,
            disagreements: report.wrong_files.iter().map(wrong_file).collect(),
        }),
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: None,
        edges: None,
        corpus: None,
    })
}

fn finding(plan: &Plan<'_>, report: &LiveReport, rule: Rule, verdict: &Verdict) -> Result<RuleResult, Error> {
    let finding = match verdict {
        Verdict::Held { decisions } => Finding::sampled(*decisions),
        Verdict::Violated { .. } => Finding::broken(plan.traces.keep(&report.trace, Some(rule), "")?),
        Verdict::Vacuous => Finding::Vacuous,
        Verdict::Undecided { why } => Finding::NotDecidable { why: why.clone() },
    };
    Ok(RuleResult { rule: RuleId(rule.to_string()), finding })
}

/// Runs of the same seed after one that broke a rule, and how long they may take in all.
const AGAIN: u32 = 20;
const AGAIN_IN_ALL: Duration = Duration::from_secs(60);

/// What the same run breaks when it is made again; nothing when it broke no rule.
fn again(config: &LiveConfig<'_>, report: &LiveReport) -> Vec<RuleSet> {
    // What is wrong on purpose is wrong each time.
    if report.verdicts.violated().is_empty() || config.canary == Canary::On {
        return Vec::new();
    }
    let started = Instant::now();
    let late = |_: &u32| started.elapsed() < AGAIN_IN_ALL;
    (0..AGAIN).take_while(late).map_while(|number| once_more(config, number)).collect()
}

/// None when it cannot run, which says nothing about the rules.
fn once_more(config: &LiveConfig<'_>, number: u32) -> Option<RuleSet> {
    let directory = config.directory.join(format!("again-{number}"));
    std::fs::create_dir(&directory).ok()?;
    let report = live(&LiveConfig { directory: &directory, ..*config }, &|_| ()).ok()?;
    Some(report.verdicts.violated())
}

/// How often a rule is broken again. A run on real threads is no repetition, so this is its rate and not a doubt: the trace is evidence.
fn note_rates(findings: &mut [RuleResult], again: &[RuleSet]) {
    if again.is_empty() {
        return;
    }
    for RuleResult { rule, finding } in findings {
        let Finding::Violated(failure) = finding else { continue };
        let breaks = |rules: &&RuleSet| rules.iter().any(|broken| broken.to_string() == rule.0);
        let times = again.iter().filter(breaks).count();
        failure.notes.push(format!("broken again in {times} of {} runs with the same seed", again.len()));
    }
}

/// Something did not come back, which is what R16 is about, also where its monitor cannot say who is to blame.
fn note_hang(findings: &mut [RuleResult], what: &str) {
    let Some(r16) = findings.iter_mut().find(|result| result.rule.0 == Rule::R16.to_string()) else { return };
    if let Finding::Violated(failure) = &mut r16.finding {
        failure.timeline = format!("{}\n{what}", failure.timeline);
        return;
    }
    r16.finding = Finding::Violated(Failure {
        id: format!("{}-hang", Rule::R16),
        replay_command: "bgcheck nightly".to_owned(),
        timeline: what.to_owned(),
        ..Failure::default()
    });
}

fn wrong_file(wrong: &WrongFile) -> Failure {
    let WrongFile { job, file, fault, what, .. } = wrong;
    Failure {
        id: format!("file-{job}-{file}"),
        replay_command: "bgcheck nightly".to_owned(),
        timeline: format!("file {file} of job {job}: {what}; the server did this: {fault}"),
        ..Failure::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_a_run_breaks_has_its_own_rate() {
        let broken = |rule: Rule| RuleResult {
            rule: RuleId(rule.to_string()),
            finding: Finding::Violated(Failure::default()),
        };
        let mut findings = [broken(Rule::R1), broken(Rule::R2)];
        let both = RuleSet::of(&[Rule::R1, Rule::R2]);
        note_rates(&mut findings, &[both, RuleSet::of(&[Rule::R1]), RuleSet::EMPTY]);
        let notes: Vec<&str> = findings
            .iter()
            .filter_map(|result| match &result.finding {
                Finding::Violated(failure) => failure.notes.first().map(String::as_str),
                _ => None,
            })
            .collect();
        let said = |times| format!("broken again in {times} of 3 runs with the same seed");
        assert_eq!(notes, [said(2), said(1)]);
    }
}
