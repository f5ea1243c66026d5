//! Engine "adapter": another implementation, tried through its adapter.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapter::wire::Trigger;
use adapter::{Fault, Manifest};
use contract::defect::Canary;
use judge::Rule;
use properties::findings::{Broken, May, Raw};
use properties::foreign::{
    Again, Campaign, Found, LeftOut, Plan, Raced, Repeats, RuleCount, Stage, StageError, campaign,
};
use properties::minimize::{Case, Identity};
use properties::oracle::Stop;
use properties::suite::Finding as Of;
use reports::{
    Account, Agreement, Amount, Approach, Ended, EngineResult, ExitCode, Failure, Finding, Freedom, Leftover,
    RaceCount, Ran, Rate, RuleId, RuleResult, Status, Subject, Unit,
};

use super::known::{Accepted, Extent, Gone, Known, Standing};
use super::registry::{Engine, Share, Sink, Task};
use crate::error::Error;
use crate::findings::Traces;
use crate::output::{Output, counted};
use crate::progress::Work;
use crate::run::{command_line, cores, is_stopped, millis};
use crate::watch::{Limit, worker};

/// Processes at once where none are named. They wait most of the time.
pub(crate) const WORKERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// What to try, and with what.
pub(crate) struct Trial<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) budget: Duration,
    pub(crate) seed: u64,
    pub(crate) stop: Stop,
    /// Processes of the adapter that are led along random paths at once.
    pub(crate) workers: NonZeroUsize,
    pub(crate) canary: Option<Canary>,
    /// What is known already, and ends nothing.
    pub(crate) known: &'a BTreeSet<Identity>,
}

impl Tried {
    /// Whether there is a rule that the adapter could have shown, and that no run had anything for; or no rule that was decided and no step
    /// that was compared.
    pub(crate) fn is_vacuous(&self) -> bool {
        let tally = &self.campaign.tally;
        if tally.compared == 0 && tally.rules.values().all(|count| count.held + count.violated == 0) {
            return true;
        }
        let nothing = |(rule, count): (&Rule, &RuleCount)| {
            count.is_vacuous() && self.campaign.missing_for(*rule).is_none()
        };
        self.campaign.tally.rules.iter().any(nothing)
    }
}

/// What was found out about an implementation.
pub(crate) struct Tried {
    /// The implementation, and what its adapter is written in.
    pub(crate) who: String,
    pub(crate) campaign: Campaign,
    /// What the adapter did wrong at last, if anything.
    pub(crate) fault: Option<Fault>,
    pub(crate) elapsed: Duration,
}

/// Tries an implementation for the budget.
pub(crate) fn tried(trial: &Trial<'_>, output: &Output) -> Result<Tried, Error> {
    let mut stage = Stage::open(trial.manifest, trial.seed, trial.canary).map_err(not_opened)?;
    let hello = stage.session.hello().clone();
    let version = hello.version.map(|version| format!(" {version}")).unwrap_or_default();
    let language = hello.language.map(|language| format!(", adapter in {language}")).unwrap_or_default();
    let who = format!("{}{version} ({}{language})", hello.name, trial.manifest.dialect);
    let progress = output.progress(&format!("adapter {}", hello.name));
    let plan = Plan {
        budget: trial.budget,
        seed: trial.seed,
        stop: trial.stop,
        workers: trial.manifest.workers.map_or(trial.workers, |most| most.min(trial.workers)),
        cores: cores(),
        known: trial.known,
        enough: &is_stopped,
    };
    let tell = |step: &properties::foreign::Step| {
        worker::sign();
        progress.tell(Work::timed(trial.budget), || {
            let of = step.of.map(|of| format!(" of {of}")).unwrap_or_default();
            let found = counted(step.found as u64, "failure");
            format!("{}: {}{of}; {found}", step.what, step.done)
        });
    };
    let started = std::time::Instant::now();
    let (campaign, fault) = unless_stopped(|| campaign(&mut stage, &plan, &tell));
    let elapsed = started.elapsed();
    if is_stopped() {
        // It was ended with the run, and what it did wrong then is our doing.
        return Ok(Tried { who, campaign, fault: None, elapsed });
    }
    let ends = stage.session.end();
    Ok(Tried { who, campaign, fault: fault.or(ends), elapsed })
}

/// How long the adapter may take to answer the last command, once the run is stopped.
const LAST: Duration = Duration::from_millis(300);

/// Does something with an adapter. When the run is stopped, the adapter is ended soon: what waits for its answer comes back.
fn unless_stopped<R>(work: impl FnOnce() -> R) -> R {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(LAST / 6);
                if is_stopped() {
                    std::thread::sleep(LAST);
                    return worker::end_groups();
                }
            }
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}

/// Reads an `adapter.toml`, or the one in a directory.
pub(crate) fn manifest(path: &Path) -> Result<Manifest, Error> {
    let file = if path.is_dir() { path.join("adapter.toml") } else { path.to_owned() };
    Manifest::read(&file).map_err(|error| {
        let help = "name an adapter.toml with `command` and `dialect`, or begin one with `bgcheck adapter init python DIR`";
        Error::usage(error.to_string(), help)
    })
}

/// The share of an adapter in a night. What is known to be wrong with it does not count.
pub(crate) fn night(
    manifest: &Manifest,
    (seed, budget, stop): (u64, Duration, Stop),
    traces: &Traces,
    output: &Output,
) -> Result<EngineResult, Error> {
    let known = manifest.known().as_deref().map(Known::read).transpose()?.unwrap_or_default();
    worker::begin("adapter", Some(Subject::Foreign), "", Limit::of(budget));
    let trial =
        Trial { manifest, budget, seed, stop, workers: WORKERS, canary: None, known: &known.identities() };
    let tried = tried(&trial, output)?;
    let verdict = Verdict::of(&tried, &known, stop, traces);
    Ok(result(&tried, &verdict))
}

/// An adapter that does not start is missing or wrong; it is no verdict.
pub(crate) fn not_opened(error: StageError) -> Error {
    let help = "check the adapter with `bgcheck adapter check`; the protocol is in docs/adapter-protocol.md"
        .to_owned();
    Error::Missing { what: error.to_string(), help }
}

/// One failure, as a report has it.
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) rule: Option<Rule>,
    pub(crate) standing: Standing,
    pub(crate) failure: Failure,
    pub(crate) found: Found,
    /// Runs of the race that it was met on; nothing where that is no race.
    runs: Option<u64>,
}

impl Told {
    /// Whether the implementation failed each time that it was led again. A broken rule is proved by its trace, however often it comes.
    pub(crate) fn is_certain(&self) -> bool {
        self.rule.is_some() || self.found.again.is_none_or(|again| again.is_certain())
    }

    /// How often it comes, in words.
    pub(crate) fn rate(&self) -> String {
        let again = self.found.again.unwrap_or_default();
        let parts =
            [("again", again.led), ("at rest", again.at_rest)].map(|(when, runs)| repeats(when, runs));
        format!("{}{}", counted(self.found.count, "run"), parts.concat())
    }

    /// As the file of known failures has it.
    pub(crate) fn accepted(&self) -> Accepted<'_> {
        let rate = match (self.found.again, self.runs) {
            (Some(again), _) if again.led.times > 0 && again.led.seen == again.led.times => None,
            // It may have another name next time.
            (Some(again), _) => {
                let runs = runs(&again);
                Some(percent(runs.seen.into(), runs.times.into()))
            }
            // A race comes when it comes.
            (None, Some(runs)) => Some(percent(self.found.on_count, runs)),
            (None, None) => None,
        };
        Accepted { id: &self.id, message: &self.message, case: Some(&self.found.on), rate }
    }
}

/// How often a failure came when it was led again, in words.
fn repeats(when: &str, Repeats { times, seen, failed }: Repeats) -> String {
    match (times, failed - seen) {
        (0, _) => String::new(),
        (_, 0) => format!(", {when} {seen} of {times}"),
        (_, otherwise) => format!(", {when} {seen} of {times} and in {otherwise} another failure"),
    }
}

/// A share, in percent.
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

/// Those by what is due, or those at rest where its name is from these.
fn runs(again: &Again) -> Repeats {
    if again.led.times > 0 { again.led } else { again.at_rest }
}

/// What a file of known failures makes of a trial. A night and `adapter run` judge by it alone.
pub(crate) struct Verdict<'a> {
    /// What was found.
    pub(crate) found: Vec<Told>,
    /// Entries that no failure of the run has.
    pub(crate) gone: Vec<Gone<'a>>,
    /// Whether everything was tried that there is.
    pub(crate) is_whole: bool,
    pub(crate) code: ExitCode,
}

impl<'a> Verdict<'a> {
    /// Writes the traces of what was found, and judges it by what is known.
    pub(crate) fn of(tried: &Tried, known: &'a Known, stop: Stop, traces: &Traces) -> Verdict<'a> {
        let races = &tried.campaign.tally.runs_of_races();
        let found = told(tried, (known, races), traces);
        let is_whole = tried.campaign.is_whole() && tried.fault.is_none() && stop == Stop::Never;
        let ids: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
        let (tried_cases, passed) = (&tried.campaign.tally.tried, &tried.campaign.tally.passed_cases);
        let extent = Extent { tried: tried_cases, passed, races, is_whole };
        let gone = known.gone(&ids, extent);
        let code = exit_code(tried, &found, gone.iter().any(|gone| gone.how.is_stale()));
        Verdict { found, gone, is_whole, code }
    }

    /// The names of what was found.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.found.iter().map(|one| one.id.clone()).collect()
    }

    /// Entries with which the file has to be mended.
    pub(crate) fn stale(&self) -> impl Iterator<Item = &Gone<'a>> {
        self.gone.iter().filter(|gone| gone.how.is_stale())
    }
}

/// An entry that is stale, as a report has it.
fn stale(gone: &Gone<'_>) -> Failure {
    let Gone { entry, how } = gone;
    let case = entry.case.as_ref().map(|case| format!(" (case: {case})")).unwrap_or_default();
    let what = format!("{}: {}{case}", how.words(), entry.message);
    Failure {
        id: format!("stale-{}", entry.id),
        replay_command: command_line(),
        timeline: format!("{what}\n"),
        notes: vec![
            format!("identity: {what}"),
            "mend the file of known failures, or write it again with --accept".to_owned(),
        ],
        ..Failure::default()
    }
}

/// Writes the traces of what was found, broken rules first, and describes it.
fn told(tried: &Tried, (known, races): (&Known, &BTreeMap<String, u64>), traces: &Traces) -> Vec<Told> {
    let mut all = Vec::new();
    for (id, found) in &tried.campaign.tally.found {
        let id = id.to_string();
        let (message, certain) = in_words(&found.finding);
        let broken = match &found.finding {
            Of::Broken(_, violation) => Broken::At(*violation),
            Of::Differs(difference) => Broken::Differs(difference.clone()),
        };
        let raw = Raw { may: May::BeSeen, ..Raw::new(Case::Recorded(found.trace.clone()), broken) };
        let mut failure = traces.keep(raw);
        if let Some(case) = &found.case {
            traces.keep_path(&mut failure, &case.trace);
        }
        let rate = |runs: Repeats| Rate { reproduced: runs.seen.into(), replays: runs.times.into() };
        failure.rate = found.again.map(|again| rate(runs(&again)));
        let standing = known.standing(&id, &certain);
        let runs = races.get(&found.on).copied();
        let (rule, found) = (found.finding.rule(), found.clone());
        all.push(Told { id, message, rule, standing, failure, found, runs });
    }
    all.sort_by_key(|one| one.rule.is_none());
    all
}

/// Writes the paths on which the process ended or did not answer, and describes how each is led again.
pub(crate) fn interrupted(tried: &Tried, traces: &Traces) -> Vec<Option<String>> {
    let incidents = tried.campaign.tally.incidents.iter().enumerate();
    incidents
        .map(|(number, incident)| Some(traces.keep_interrupted(number, &incident.case.as_ref()?.trace)))
        .collect()
}

/// A failure in words, and the beginning of them that follows from its name. The words of a broken rule have no numbers.
fn in_words(finding: &Of) -> (String, String) {
    match finding {
        Of::Broken(id, _) => {
            let words = format!("{} ({}): {}", id.rule, id.rule.name(), id.rule.sentence());
            (words.clone(), words)
        }
        Of::Differs(difference) => (finding.what(), difference.line_of_name()),
    }
}

/// What is new. What came once and never again is flaky, and counts: a callback that is lost once in a thousand runs shows no other way.
fn new(told: &[Told]) -> impl Iterator<Item = &Told> {
    told.iter().filter(|one| one.standing != Standing::Known)
}

/// What a trial ends with.
fn exit_code(tried: &Tried, told: &[Told], is_stale: bool) -> ExitCode {
    let tally = &tried.campaign.tally;
    let news = || new(told);
    if news().any(Told::is_certain) || is_stale {
        ExitCode::Violated
    } else if news().next().is_some() {
        ExitCode::Flaky
    } else if tried.fault.is_some() || !tally.incidents.is_empty() {
        ExitCode::Skipped
    } else if tally.passed == 0 && told.is_empty() || tried.is_vacuous() {
        ExitCode::Vacuous
    } else {
        ExitCode::Held
    }
}

/// The trial as a line of a report.
pub(crate) fn result(tried: &Tried, verdict: &Verdict<'_>) -> EngineResult {
    let name = "adapter";
    let news: Vec<&Told> = new(&verdict.found).collect();
    let is_good = news.is_empty() && verdict.stale().next().is_none();
    let tally = &tried.campaign.tally;
    let incident = tally.incidents.first().map(|incident| incident.what.clone());
    if let (Some(why), true) = (tried.fault.as_ref().map(ToString::to_string).or(incident), is_good) {
        let status = Status::Skipped { why, install_hint: None };
        return EngineResult { status, subject: Some(Subject::Foreign), ..EngineResult::failed(name, "") };
    }
    let rules = tally.rules.iter().map(|(rule, count)| RuleResult {
        rule: RuleId(rule.to_string()),
        finding: of_rule(*rule, count, &news, tried.campaign.missing_for(*rule)),
    });
    let first_of_rule = |one: &Told| {
        one.rule.is_none_or(|rule| {
            !news.iter().take_while(|other| other.id != one.id).any(|other| other.rule == Some(rule))
        })
    };
    let beside = news.iter().filter(|one| one.rule.is_none() || !first_of_rule(one));
    EngineResult {
        name: name.to_owned(),
        subject: Some(Subject::Foreign),
        dialect: None,
        scope: Some(tried.who.clone()),
        switches: String::new(),
        status: Status::Ran(Ran {
            approach: Approach::Sampling,
            ended: if tried.campaign.not_begun.is_empty() { Ended::Done } else { Ended::BudgetSpent },
            work: vec![Amount::new(Unit::Traces, tally.runs), Amount::new(Unit::Calls, tally.calls)],
            time_ms: millis(tried.elapsed),
            findings: rules.collect(),
            agreement: Some(Agreement {
                what: "the implementation and the model's paths, in answers, callbacks, states and files"
                    .to_owned(),
                compared: tally.passed + tally.failed,
                disagreements: beside
                    .map(|one| one.failure.clone())
                    .chain(verdict.stale().map(stale))
                    .collect(),
            }),
            witnesses: Vec::new(),
            freedoms: tally
                .followed
                .freedoms
                .iter()
                .map(|(what, times)| Freedom { what: (*what).to_owned(), times: *times })
                .collect(),
            windows: None,
            edges: None,
            corpus: None,
            account: Some(Box::new(account(tried))),
        }),
    }
}

/// What became of an implementation, beside failures.
pub(crate) fn account(tried: &Tried) -> Account {
    let Tried { campaign, .. } = tried;
    let tally = &campaign.tally;
    let rule = |(rule, count): (&Rule, &RuleCount)| reports::RuleCount {
        rule: RuleId(rule.to_string()),
        name: rule.name().to_owned(),
        held: count.held,
        violated: count.violated,
        vacuous: count.vacuous,
        undecided: count.undecided,
        why: count.why.clone(),
        missing: campaign.missing_for(*rule).map(str::to_owned),
    };
    let race = |raced: &Raced| RaceCount {
        what: format!("{}, {}", raced.racer, trigger(raced)),
        runs: raced.runs,
        met: raced.met,
        broken: raced.broken,
    };
    let left_out = |one: &LeftOut| reports::LeftOut { what: one.what.clone(), why: one.why.clone() };
    let leftover = |(what, count): (&String, &u64)| Leftover { what: what.clone(), count: *count };
    Account {
        runs: tally.runs,
        rules: tally.rules.iter().map(rule).collect(),
        races: tally.races.iter().map(race).collect(),
        left_out: campaign.left_out.iter().map(left_out).collect(),
        not_begun: campaign.not_begun.clone(),
        leftovers: tally.leftovers.iter().map(leftover).collect(),
    }
}

fn trigger(raced: &Raced) -> String {
    let from = match raced.trigger {
        Trigger::AfterReturn => "after Resume",
        Trigger::AtEnter => "after the callback has entered",
    };
    format!("up to {:.1} ms {from}", raced.up_to_us as f64 / 1000.0)
}

fn of_rule(rule: Rule, count: &RuleCount, news: &[&Told], missing: Option<&str>) -> Finding {
    match news.iter().find(|one| one.rule == Some(rule)) {
        Some(one) => Finding::Violated(one.failure.clone()),
        None if count.held > 0 => Finding::sampled(count.held),
        None if count.undecided > 0 => Finding::NotDecidable {
            why: count.why.clone().unwrap_or_else(|| "the runs do not show enough".to_owned()),
        },
        None => match missing {
            Some(what) => {
                Finding::NotDecidable { why: format!("the adapter has nothing that it is about: {what}") }
            }
            None => Finding::Vacuous,
        },
    }
}

/// The engine of a night.
pub(crate) struct Adapters;

impl Engine for Adapters {
    fn id(&self) -> &'static str {
        "adapter"
    }

    fn what(&self) -> &'static str {
        "Other implementations, through their adapters"
    }

    fn share(&self) -> Share {
        Share::Weight(3)
    }

    fn is_in_night(&self, adapters: &[PathBuf]) -> bool {
        !adapters.is_empty()
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let share = task.budget / task.adapters.len().max(1) as u32;
        for path in task.adapters {
            let manifest = manifest(path)?;
            sink.take(night(&manifest, (task.seed, share, task.stop), task.traces, output)?);
        }
        Ok(())
    }
}
