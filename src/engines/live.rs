//! The live runs: the service on real threads with real HTTP, in a directory that is thrown away, run after run for a budget.

use std::time::Duration;

use contract::Dialect;
use contract::defect;
use indicatif::HumanCount;
use judge::{Rule, Verdict};
use properties::findings::{Broken, Raw};
use properties::live::{Campaign, Campaigned, Canary, LiveConfig, WrongFile, campaign};
use properties::minimize::Case;
use properties::oracle::{Stop, Wrong};
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Failure, Finding, Ran, RuleId, RuleResult, Status,
    Subject, Unit,
};

use super::canary;
use super::registry::{Engine, Share, Sink, Task};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::{Traces, not_written};
use crate::output::Output;
use crate::progress::Work;
use crate::run::millis;
use crate::watch::{Limit, worker};

/// What to run.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) core: CoreChoice,
    /// Of the first run; the next ones have the next seeds.
    pub(crate) seed: u64,
    pub(crate) budget: Duration,
    /// What another dialect has, in this run and behind this one.
    pub(crate) later: Duration,
    /// How large a run is; as a night has it when nothing else is asked for.
    pub(crate) size: Size,
    /// Runs at most, and then without the oracle.
    pub(crate) runs: Option<u32>,
    /// One row of the oracle, and no run.
    pub(crate) row: Option<&'a str>,
    pub(crate) stop: Stop,
    pub(crate) traces: &'a Traces,
}

/// How large one run is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) jobs: Option<u32>,
    pub(crate) users: Option<u32>,
    pub(crate) threads: Option<u32>,
}

impl<'a> Plan<'a> {
    /// The runs of a night.
    pub(crate) fn usual(dialect: Dialect, seed: u64, budget: Duration, traces: &'a Traces) -> Plan<'a> {
        Plan {
            dialect,
            core: CoreChoice::Core,
            seed,
            budget,
            later: Duration::ZERO,
            size: Size::default(),
            runs: None,
            row: None,
            stop: Stop::Never,
            traces,
        }
    }

    /// How much is done after this number of runs.
    fn work(&self, runs: u32) -> Work {
        let work = match (self.runs, self.row) {
            // One row ends when it ends.
            (None, Some(_)) => Work::UNKNOWN,
            (most, _) => Work::until(self.budget, runs.into(), most.map(u64::from), "runs"),
        };
        work.before(self.later)
    }
}

/// Runs the service for the budget.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<EngineResult, Error> {
    let directory =
        tempfile::tempdir().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
    worker::begin("live", Some(Subject::Live), "", Limit::of(plan.budget));
    let progress = output.progress(&format!("live ({})", plan.dialect));
    let is_canary = plan.core == CoreChoice::Canary;
    let usual = LiveConfig::new(plan.dialect.profile(), directory.path());
    let config = LiveConfig {
        seed: plan.seed,
        jobs: plan.size.jobs.unwrap_or(usual.jobs),
        users: plan.size.users.unwrap_or(usual.users),
        threads: plan.size.threads.unwrap_or(usual.threads),
        canary: if is_canary { Canary::On } else { Canary::Off },
        ..usual
    };
    // What is wrong on purpose is wrong each time.
    let stop = if is_canary { Stop::AtFirst } else { plan.stop };
    let asked = Campaign {
        first: config,
        budget: plan.budget,
        runs: plan.runs,
        row: plan.row,
        stop,
        enough: Some(worker::stop()),
    };
    progress.tell(plan.work(0), || "the transfer oracle".to_owned());
    let campaigned = campaign(
        &asked,
        &|run, now| {
            worker::done(u64::from(run) + u64::from(now.jobs));
            progress.tell(plan.work(run), || {
                let (jobs, of, events) = (now.jobs, now.of, HumanCount(now.events));
                format!("run {}, {:?}: {jobs} of {of} jobs, {events} events", run + 1, now.phase)
            });
        },
        &|found| progress.note(&format!("live ({}): {found}", plan.dialect)),
    );
    let status = match campaigned {
        Ok(campaigned) => Status::Ran(ran(plan, &config, &campaigned)),
        Err(error) => Status::Failed { why: error.to_string() },
    };
    Ok(EngineResult {
        name: if is_canary { "live (canary)".to_owned() } else { "live".to_owned() },
        subject: Some(Subject::Live),
        dialect: Some(plan.dialect),
        scope: None,
        switches: String::new(),
        status,
    })
}

fn ran(plan: &Plan<'_>, config: &LiveConfig<'_>, all: &Campaigned) -> Ran {
    let findings = all.rules.iter().map(|(rule, verdict)| finding(plan, config, all, *rule, verdict));
    let mut findings: Vec<RuleResult> = findings.collect();
    if let Some((seed, what)) = &all.hang {
        note_hang(&mut findings, what, &again(plan, config, *seed));
    }
    Ran {
        approach: Approach::Sampling,
        ended: if all.oracle.rows < all.oracle.of { Ended::BudgetSpent } else { Ended::Done },
        work: work(config, all),
        time_ms: millis(all.elapsed),
        findings,
        agreement: Some(agreement(plan, config, all)),
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: None,
        edges: None,
        corpus: None,
        account: None,
    }
}

/// What was done: rows of the oracle, where it was played, and runs, where there were any.
fn work(config: &LiveConfig<'_>, all: &Campaigned) -> Vec<Amount> {
    let mut work = Vec::new();
    if all.oracle.of > 0 {
        work.push(Amount::out_of(Unit::Cases, all.oracle.rows, all.oracle.of));
    }
    if all.runs > 0 || all.oracle.of == 0 {
        work.extend([
            Amount::new(Unit::Runs, all.runs.into()),
            Amount::new(Unit::Jobs, all.jobs),
            Amount::new(Unit::Users, config.users.into()),
            Amount::new(Unit::Calls, all.calls),
            Amount::new(Unit::Callbacks, all.callbacks),
            Amount::new(Unit::Events, all.events),
            Amount::new(Unit::Files, all.files),
            Amount::new(Unit::Bytes, all.bytes),
        ]);
    }
    work
}

fn finding(
    plan: &Plan<'_>,
    config: &LiveConfig<'_>,
    all: &Campaigned,
    rule: Rule,
    verdict: &Verdict,
) -> RuleResult {
    let finding = match (verdict, all.broken.get(&rule)) {
        (Verdict::Violated { .. }, Some(broken)) => {
            let raw = Raw::new(Case::Recorded(broken.trace.clone()), Broken::Rule(rule));
            let mut failure = plan.traces.keep(raw);
            // A run on real threads is no repetition, so this is its rate and not a doubt: the trace is evidence.
            failure.notes.push(format!("broken in {} of {} runs", broken.runs, all.runs));
            failure.notes.push(format!("this run again: {}", again(plan, config, broken.seed)));
            Finding::broken(failure)
        }
        (Verdict::Violated { .. }, None) | (Verdict::Vacuous, _) => Finding::Vacuous,
        (Verdict::Held { decisions }, _) => Finding::sampled(*decisions),
        (Verdict::Undecided { why }, _) => Finding::NotDecidable { why: why.clone() },
    };
    RuleResult { rule: RuleId(rule.to_string()), finding }
}

/// Files, requests, reports and answers, and what they have to be.
fn agreement(plan: &Plan<'_>, config: &LiveConfig<'_>, all: &Campaigned) -> Agreement {
    let files = all.wrong_files.iter().map(|(seed, wrong)| wrong_file(wrong, &again(plan, config, *seed)));
    let others = all.wrong.iter().map(|(seed, wrong)| {
        let replay = match seed {
            Some(seed) => again(plan, config, *seed),
            None => format!("bgcheck live --dialect {} --row {}", plan.dialect, wrong.case),
        };
        wrong_thing(plan, wrong, replay)
    });
    let disagreements = files.chain(others).collect();
    let oracle = match all.oracle.of {
        0 => "without the oracle".to_owned(),
        of => format!("{} of {of} rows of the oracle, {} comparisons", all.oracle.rows, all.oracle.checks),
    };
    let mut what = format!("files, requests and answers, and what they have to be ({oracle})");
    if all.oracle.once > 0 {
        what = format!("{what}; {} rows differed once, and not when they were played again", all.oracle.once);
    }
    Agreement { what, compared: all.files + all.oracle.checks, disagreements }
}

/// The command that makes the run with this seed again.
fn again(plan: &Plan<'_>, config: &LiveConfig<'_>, seed: u64) -> String {
    let LiveConfig { jobs, users, threads, .. } = config;
    let dialect = plan.dialect;
    format!(
        "bgcheck live --dialect {dialect} --seed {seed} --jobs {jobs} --users {users} --threads {threads} --runs 1"
    )
}

/// Something did not come back, which is what R16 is about, also where its monitor cannot decide who is to blame.
fn note_hang(findings: &mut Vec<RuleResult>, what: &str, replay: &str) {
    let r16 = RuleId(Rule::R16.to_string());
    let found = match findings.iter_mut().find(|result| result.rule == r16) {
        Some(found) => found,
        None => {
            findings.push(RuleResult { rule: r16, finding: Finding::Vacuous });
            let last = findings.len() - 1;
            &mut findings[last]
        }
    };
    if let Finding::Violated(failure) = &mut found.finding {
        failure.timeline = format!("{}\n{what}", failure.timeline);
        return;
    }
    found.finding = Finding::Violated(Failure {
        id: format!("{}-hang", Rule::R16),
        replay_command: replay.to_owned(),
        timeline: what.to_owned(),
        ..Failure::default()
    });
}

fn wrong_file(wrong: &WrongFile, replay: &str) -> Failure {
    let WrongFile { job, file, fault, what, .. } = wrong;
    Failure {
        id: format!("file-{job}-{file}"),
        replay_command: replay.to_owned(),
        timeline: format!("file {file} of job {job}: {what}; the server did this: {fault}"),
        ..Failure::default()
    }
}

fn wrong_thing(plan: &Plan<'_>, wrong: &Wrong, replay: String) -> Failure {
    let id = wrong.id();
    let written = wrong
        .trace
        .as_ref()
        .map(|trace| plan.traces.write_beside(&format!("{id}-{}.jsonl", plan.dialect), trace));
    // That it cannot be written takes nothing away from what was found.
    let (trace_file, notes) = match written {
        None => (None, Vec::new()),
        Some(Ok((_, file))) => (Some(file), Vec::new()),
        Some(Err(error)) => (None, vec![not_written(&error)]),
    };
    let Wrong { case, what, owed, found, because, .. } = wrong;
    let timeline = format!("{case}: {what}\n  found: {found}\n  owed:  {owed}\n  by:    {because}");
    Failure { id, trace_file, replay_command: replay, timeline, notes, ..Failure::default() }
}

/// How long the live run of a canary has at most; it ends when its jobs have.
const CANARY: Duration = Duration::from_secs(6);

/// The engine of a night.
pub(crate) struct Live;

impl Engine for Live {
    fn id(&self) -> &'static str {
        "live"
    }

    fn what(&self) -> &'static str {
        "The service on threads, HTTP and disk"
    }

    fn share(&self) -> Share {
        Share::Weight(3)
    }

    fn has_canary_core(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let Task { core, stop, budget, traces, .. } = *task;
        for (dialect, number) in Dialect::ALL.into_iter().zip(0..) {
            let usual = Plan::usual(dialect, task.seed.wrapping_add(number), budget / 2, traces);
            let later = if number == 0 { budget / 2 } else { Duration::ZERO };
            sink.take(run(&Plan { core, stop, later, ..usual }, output)?);
        }
        Ok(())
    }

    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<reports::Canary> {
        let usual = Plan::usual(Dialect::Bits, task.seed, CANARY, task.traces);
        let engine = canary::or_failed(self, run(&Plan { core: task.core, ..usual }, output));
        let broken = defect::Canary::Live.defect().phrase();
        Some(reports::Canary::of(&engine, &broken, &canary::expected().1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_is_a_break_of_r16_also_where_no_rule_was_judged() {
        let mut findings = Vec::new();
        note_hang(&mut findings, "clients did not come back", "bgcheck live --seed 7");
        let [RuleResult { rule, finding: Finding::Violated(failure) }] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!((rule.0.as_str(), failure.id.as_str()), ("R16", "R16-hang"));
        assert_eq!(failure.replay_command, "bgcheck live --seed 7");
    }
}
