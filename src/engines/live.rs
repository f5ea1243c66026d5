//! The live run: the service on real threads with real HTTP, in a directory that is thrown away.

use std::time::Duration;

use contract::Dialect;
use contract::judge::{Rule, Verdict};
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
    let progress = output.progress(&format!("live ({})", plan.dialect));
    let tell = |now: Progress| {
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
