//! libFuzzer, through cargo-fuzz: built, run for a budget, and its output read back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::edges::Index;
use properties::edges::Reached;
use properties::findings::Raw;
use properties::fuzzing;
use properties::minimize::races::Scheduled;
use properties::minimize::{Case, CoreName};
use properties::program::Program;
use properties::race;
use reports::{
    Agreement, Amount, Approach, Corpus, EdgeCell, Ended, EngineResult, Failure, Finding, ModelEdges, Ran,
    RuleId, RuleResult, SetUpStep, Status, Subject, Unit, Windows,
};

use super::canary;
use super::registry::{Engine, Fuzzer, Share, Sink, Task};
use super::tools::{self, cargo};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::Output;
use crate::place::Place;
use crate::progress::{Progress, Work};
use crate::run::{millis, quoted};
use crate::watch::{Limit, worker};

/// A fuzz target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Target {
    /// Programs on specification and core in lockstep.
    Lockstep,
    /// Races on the real service, with their schedules.
    Schedule,
    /// Texts for the parser of traces.
    Trace,
    /// Lockstep on a core that is broken on purpose, from an empty corpus: a night looks whether it is found.
    #[value(skip)]
    Canary,
}

impl Target {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Target::Lockstep => "lockstep",
            Target::Schedule => "schedule",
            Target::Trace => "trace",
            Target::Canary => "canary",
        }
    }

    /// What it checks, in one line.
    const fn property(self) -> &'static str {
        match self {
            Target::Lockstep | Target::Canary => {
                "specification and core agree after every step, and no rule is broken"
            }
            Target::Schedule => "a race on the real service breaks no rule under its schedule",
            Target::Trace => "a text that parses as a trace prints and parses to itself",
        }
    }

    /// What libFuzzer is to be guided by besides its defaults. Lockstep has the model's edges: with a count for each edge of the code,
    /// too, its corpus is twice as large, of inputs that differ in how often they do something.
    const fn guidance(self) -> &'static [&'static str] {
        match self {
            Target::Lockstep | Target::Canary => &["-use_counters=0"],
            Target::Schedule | Target::Trace => &[],
        }
    }

    const fn subject(self) -> Option<Subject> {
        match self {
            Target::Lockstep | Target::Canary => Some(Subject::Product),
            Target::Schedule => Some(Subject::Race),
            Target::Trace => None,
        }
    }
}

/// What libFuzzer is built with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Sanitizer {
    /// Nothing: five to six times as fast, and on the stable toolchain.
    #[default]
    None,
    /// AddressSanitizer; needs the nightly toolchain.
    Address,
}

/// What to run.
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    pub(crate) target: Target,
    pub(crate) sanitizer: Sanitizer,
    pub(crate) budget: Duration,
    pub(crate) seed: u64,
    /// Download nothing.
    pub(crate) offline: bool,
    pub(crate) traces: &'a Traces,
}

/// Why the engine cannot run here, if it cannot.
pub(crate) fn obstacle(place: &Place) -> Option<(String, Option<String>)> {
    if !place.has_fuzz_targets() {
        let why = "there are no fuzz targets here: the current directory is not in a checkout of bgcheck";
        return Some((why.to_owned(), None));
    }
    if !tools::has_cargo() {
        let why = "cargo is not installed, which builds the fuzz targets";
        return Some((why.to_owned(), Some("install rustup from https://rustup.rs".to_owned())));
    }
    match tools::cargo_fuzz(place) {
        Some(_) => None,
        None => Some(("cargo-fuzz is not installed".to_owned(), Some(tools::install_cargo_fuzz()))),
    }
}

/// Whether a build failed for want of something outside, and not for a defect of the targets.
pub(crate) fn is_about_this_machine(why: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "download",
        "offline",
        "registry",
        "failed to find tool",
        "No space left",
        "cannot be run",
        "linker",
    ];
    SIGNS.iter().any(|sign| why.contains(sign))
}

/// Builds the target. Part of the set-up: its result is not about the subject.
pub(crate) fn build(plan: &Plan<'_>, output: &Output) -> SetUpStep {
    let name = plan.target.name();
    let progress = output.progress(&format!("build fuzz target {name}"));
    let started = Instant::now();
    let mut command = fuzz(plan, "build");
    let (finished, tail) = super::lines::run(command.arg(name), &mut |line| {
        progress.tell(Work::UNKNOWN, || line.trim().to_owned())
    });
    let failed = match finished {
        Ok(status) if status.success() => None,
        Ok(_) => Some(cause(&tail)),
        Err(error) => Some(format!("cargo cannot be run: {error}")),
    };
    SetUpStep { what: format!("fuzz target {name} built"), time_ms: millis(started.elapsed()), failed }
}

/// The line of cargo's output with the cause of a failed build.
fn cause(tail: &[String]) -> String {
    let error = tail.iter().map(|line| line.trim()).find(|line| line.starts_with("error"));
    error.or(tail.last().map(|line| line.trim())).unwrap_or("cargo said nothing").to_owned()
}

/// Builds the target and runs it, or returns what is in the way.
pub(crate) fn whole(
    plan: &Plan<'_>,
    set_up: &mut Vec<SetUpStep>,
    output: &Output,
) -> Result<EngineResult, Error> {
    if let Some((why, install_hint)) = obstacle(plan.place) {
        return Ok(result(plan.target, Status::Skipped { why, install_hint }));
    }
    let built = build(plan, output);
    let failed = built.failed.clone();
    set_up.push(built);
    match failed {
        Some(why) if is_about_this_machine(&why) || crate::run::is_stopped() => {
            let install_hint = Some("bgcheck doctor".to_owned());
            Ok(result(plan.target, Status::Skipped { why, install_hint }))
        }
        Some(why) => Ok(result(plan.target, Status::Failed { why })),
        None => run(plan, output),
    }
}

/// Runs the target for the budget.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<EngineResult, Error> {
    let name = plan.target.name();
    let again = format!("bgcheck fuzz {name} --seed {}", plan.seed);
    worker::begin(&format!("fuzz {name}"), plan.target.subject(), &again, Limit::of(plan.budget));
    let progress = output.progress(&format!("fuzz {name}"));
    let mut command = fuzz(plan, "run");
    // What crashes is made small here, and once.
    command.env(fuzzing::EXPLAINS, "1");
    command.arg(name).args(corpora(plan)).arg("--");
    let before = size(plan);
    // libFuzzer takes a seed of 0 for none.
    let seed = (plan.seed as u32).max(1);
    command.arg(format!("-seed={seed}")).arg(format!("-max_total_time={}", plan.budget.as_secs().max(1)));
    // A program is a few hundred bytes; a run that takes seconds has hung.
    command.args(["-print_final_stats=1", "-timeout=20", "-max_len=1024"]);
    command.args(plan.target.guidance());
    let mut seen = Seen::default();
    // Before libFuzzer's first line, cargo works. That time does not count for the target's speed.
    let mut started = None;
    let began = Instant::now();
    let mut work = Work::timed(plan.budget);
    let (finished, tail) = super::lines::run(&mut command, &mut |line| {
        if line.starts_with("INFO: ") {
            let started = *started.get_or_insert_with(Instant::now);
            work = Work::timed(plan.budget + (started - began));
        }
        let before = seen.artifact.is_some();
        seen.line(line);
        worker::done(seen.runs);
        if let (false, Some(artifact)) = (before, &seen.artifact) {
            note(plan, artifact, &progress);
        }
        progress.tell(work, || seen.to_string());
    });
    let elapsed = started.map_or(Duration::ZERO, |started| started.elapsed());
    let status = finished
        .map_err(|error| Error::Program { program: "cargo fuzz".to_owned(), why: error.to_string() })?;
    let status = match (&seen.artifact, status.success()) {
        (None, false) if !crate::run::is_stopped() => {
            Status::Failed { why: format!("cargo fuzz failed: {}", cause(&tail)) }
        }
        _ => Status::Ran(ran(plan, &seen, before, elapsed, &tail)),
    };
    Ok(result(plan.target, status))
}

/// Reports at once that something was found. To find out what it is takes a while.
fn note(plan: &Plan<'_>, artifact: &str, progress: &Progress) {
    let path = shorter(plan.place, artifact);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let failure = Failure {
        id: format!("fuzz-{}-{name}", plan.target.name()),
        replay_command: format!("bgcheck replay {}", quoted(&path.display().to_string())),
        timeline: "libFuzzer stopped at this input\n".to_owned(),
        ..Failure::default()
    };
    progress.found(&failure);
    worker::found(None, &failure);
}

fn fuzz(plan: &Plan<'_>, verb: &str) -> std::process::Command {
    let mut command = cargo(plan.place);
    if plan.offline {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    match plan.sanitizer {
        // Tracing each comparison costs more than a program does, and even the parser of traces comes further without it.
        Sanitizer::None => command.args(["fuzz", verb, "--sanitizer", "none", "--no-trace-compares"]),
        Sanitizer::Address => command.args(["+nightly", "fuzz", verb, "--sanitizer", "address"]),
    };
    command
}

/// The corpus that grows, then the committed inputs that only seed it.
fn corpora(plan: &Plan<'_>) -> Vec<PathBuf> {
    let name = plan.target.name();
    let grows = PathBuf::from(CORPUS).join(name);
    // libFuzzer refuses a directory that is not there; if it cannot be made, libFuzzer reports that.
    let _ = std::fs::create_dir_all(plan.place.join(&grows));
    let committed = PathBuf::from("fuzz/regressions").join(name);
    let there = plan.place.join(&committed).is_dir();
    std::iter::once(grows).chain(there.then_some(committed)).collect()
}

/// The result of a target.
pub(crate) fn result(target: Target, status: Status) -> EngineResult {
    EngineResult {
        name: format!("fuzz {}", target.name()),
        subject: target.subject(),
        dialect: None,
        scope: None,
        switches: String::new(),
        status,
    }
}

fn ran(plan: &Plan<'_>, seen: &Seen, before: u64, elapsed: Duration, tail: &[String]) -> Ran {
    let mut agreement =
        Agreement { what: plan.target.property().to_owned(), compared: seen.runs, disagreements: Vec::new() };
    let mut findings = Vec::new();
    if let Some(artifact) = &seen.artifact {
        let crash = Crash::read(plan, artifact, tail);
        findings = crash.findings;
        agreement.disagreements = crash.disagreements;
    }
    Ran {
        approach: Approach::Sampling,
        ended: if seen.artifact.is_some() { Ended::Done } else { Ended::BudgetSpent },
        work: seen.work(),
        time_ms: millis(elapsed),
        findings,
        agreement: Some(agreement),
        witnesses: Vec::new(),
        freedoms: Vec::new(),
        windows: windows(plan),
        edges: edges(plan).map(Box::new),
        account: None,
        corpus: Some(Box::new(Corpus {
            before,
            after: size(plan),
            added: seen.added,
            // Without the line INITED, every run was one of the inputs that were there.
            replayed: seen.replayed.unwrap_or(seen.runs),
            idle_nights: 0,
        })),
    }
}

/// Inputs in the corpus that grows.
fn size(plan: &Plan<'_>) -> u64 {
    let corpus = corpora(plan).into_iter().next();
    corpus.map_or(0, |directory| files(&plan.place.join(directory)).count() as u64)
}

/// The edges of the model that the inputs of the corpus reach, found by running them again here. Only lockstep is guided by them.
fn edges(plan: &Plan<'_>) -> Option<ModelEdges> {
    if plan.target != Target::Lockstep {
        return None;
    }
    let mut reached = Reached::none();
    inputs(plan).for_each(|bytes| reached.run(&bytes));
    let mut unknown: Vec<String> = reached.unknown().iter().map(ToString::to_string).collect();
    unknown.sort_unstable();
    let missing: Vec<String> = reached.missing().map(|edge| edge.to_string()).collect();
    Some(ModelEdges {
        reached: reached.count() as u64,
        reachable: reached.of() as u64,
        cells: EdgeCell::count(Index::text().lines(), &missing),
        missing,
        last_night: None,
        unknown,
    })
}

/// The windows that the inputs of the corpus hit, found by running them again here. Only schedule is guided by them.
fn windows(plan: &Plan<'_>) -> Option<Windows> {
    if plan.target != Target::Schedule {
        return None;
    }
    let mut hit = race::Windows::default();
    for bytes in inputs(plan) {
        let (race, tape) = race::from_bytes(&bytes);
        race::run(&race, tape.choices()).windows.into_iter().for_each(|window| hit.count(window));
    }
    Some(super::race::windows(&[("corpus".to_owned(), &hit)]))
}

/// What the inputs of the corpora contain. One that went away meanwhile, or cannot be read, reaches nothing.
fn inputs(plan: &Plan<'_>) -> impl Iterator<Item = Vec<u8>> {
    let directories = corpora(plan).into_iter().map(|directory| plan.place.join(directory));
    directories.flat_map(|directory| files(&directory)).filter_map(|path| std::fs::read(path).ok())
}

/// The committed inputs of a target, in the order of their names; none outside of a checkout.
pub(crate) fn committed(target: Target, place: &Place) -> Vec<PathBuf> {
    let mut paths: Vec<_> = files(&place.join(CORPUS).join(target.name())).collect();
    // What a fuzzer has added here has a hash for a name.
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains('-')));
    paths.sort();
    paths
}

/// Where the corpora of the targets are.
const CORPUS: &str = "fuzz/corpus";

fn files(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// What a crash is about: rules, where the program that crashed breaks some when it is run again here.
#[derive(Default)]
struct Crash {
    findings: Vec<RuleResult>,
    disagreements: Vec<Failure>,
}

impl Crash {
    fn read(plan: &Plan<'_>, artifact: &str, tail: &[String]) -> Crash {
        let path = shorter(plan.place, artifact);
        let subject = if plan.target == Target::Canary { " --subject canary" } else { "" };
        let replay_command = format!("bgcheck replay {}{subject}", quoted(&path.display().to_string()));
        if let Some((rule, kind, what)) = not_to_be_repeated(&path) {
            let failure = Failure {
                id: format!("{kind}-fuzz-{}", plan.target.name()),
                replay_command,
                timeline: format!("{what}\n{}", story(tail)),
                ..Failure::default()
            };
            let finding = RuleResult { rule: RuleId(rule.to_owned()), finding: Finding::broken(failure) };
            return Crash { findings: vec![finding], ..Crash::default() };
        }
        let bytes = std::fs::read(plan.place.join(&path)).unwrap_or_default();
        let raws = raws(plan.target, &bytes);
        if raws.is_empty() {
            // Not the input's fault as far as it can be seen here: libFuzzer's output is all there is.
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let id = format!("fuzz-{}-{name}", plan.target.name());
            let timeline = story(tail);
            let failure = Failure { id, replay_command, timeline, ..Failure::default() };
            return Crash { disagreements: vec![failure], ..Crash::default() };
        }
        let mut crash = Crash::default();
        for raw in raws {
            let rule = raw.rule();
            let replay_command = replay_command.clone();
            let failure = Failure { replay_command, ..plan.traces.keep(raw) };
            match rule {
                Some(rule) => {
                    let finding = Finding::broken(failure);
                    crash.findings.push(RuleResult { rule: RuleId(rule.to_string()), finding });
                }
                None => crash.disagreements.push(failure),
            }
        }
        crash
    }
}

/// The rule that an input breaks which is not run again here, because this process would not come back either: libFuzzer names it.
fn not_to_be_repeated(artifact: &Path) -> Option<(&'static str, &'static str, &'static str)> {
    let name = artifact.file_name()?.to_str()?;
    if name.starts_with("timeout-") {
        return Some(("R16", "hang", "the input did not come back within 20 s"));
    }
    name.starts_with("oom-").then_some(("R18", "memory", "the input took more than 2 GiB of memory"))
}

/// What an input that crashed breaks when it is run again here.
fn raws(target: Target, bytes: &[u8]) -> Vec<Raw> {
    let core = match target {
        Target::Lockstep => CoreName::Core,
        Target::Canary => CoreName::Canary,
        Target::Schedule => return raws_of_race(bytes),
        Target::Trace => return Vec::new(),
    };
    let program = Program::from_bytes(bytes);
    let broken = core.run(&program).broken;
    broken.iter().flat_map(|broken| Raw::of_program(core, &program, broken, "fuzz lockstep")).collect()
}

fn raws_of_race(bytes: &[u8]) -> Vec<Raw> {
    let (race, tape) = race::from_bytes(bytes);
    let run = race::run(&race, tape.choices());
    if !run.is_broken() {
        return Vec::new();
    }
    let case = Case::Race(Scheduled { race, schedule: tape.choices().to_vec() });
    Raw::of_rules(case, run.violated).collect()
}

/// libFuzzer names its artifact with a whole path; a report has only the part below the checkout.
fn shorter(place: &Place, artifact: &str) -> PathBuf {
    let below = artifact.find("fuzz/artifacts/").map_or(artifact, |at| &artifact[at..]);
    if place.join(below).is_file() { PathBuf::from(below) } else { Path::new(artifact).to_owned() }
}

/// What libFuzzer printed from the panic on, without its own bookkeeping.
fn story(tail: &[String]) -> String {
    let start =
        tail.iter().position(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
    let lines = &tail[start.unwrap_or(tail.len().saturating_sub(20))..];
    let end = lines.iter().position(|line| line.starts_with("stat::") || line.starts_with("NOTE: libFuzzer"));
    lines[..end.unwrap_or(lines.len())].join("\n")
}

/// What was read so far in libFuzzer's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    runs: u64,
    /// Runs when all inputs that there were had been run.
    replayed: Option<u64>,
    /// Inputs that were kept since then.
    added: u64,
    coverage: Option<u64>,
    rate: Option<u64>,
    /// Runs that differ in more than the order of independent steps, and among how many.
    distinct: Option<(u64, u64)>,
    artifact: Option<String>,
}

impl Seen {
    fn work(&self) -> Vec<Amount> {
        let distinct = self.distinct.map(|(some, of)| Amount::out_of(Unit::DistinctSchedules, some, of));
        std::iter::once(Amount::new(Unit::Runs, self.runs)).chain(distinct).collect()
    }

    /// Reads a line such as `#4096  pulse  cov: 412 ft: 901 corp: 88/1024b lim: 43 exec/s: 2048 rss: 44Mb`.
    fn line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
        if let Some(runs) = words.clone().next().and_then(|word| word.strip_prefix('#')?.parse().ok()) {
            // Numbers rise; what the target prints itself may look alike and must not turn them back.
            self.runs = self.runs.max(runs);
            if words.clone().nth(1) == Some("INITED") {
                self.replayed = Some(runs);
            }
            while let Some(word) = words.next() {
                match word {
                    "cov:" => self.coverage = number(words.next()).or(self.coverage),
                    "exec/s:" => self.rate = number(words.next()).or(self.rate),
                    _ => {}
                }
            }
        } else if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.runs = runs.trim().parse().unwrap_or(self.runs);
        } else if let Some(added) = line.strip_prefix("stat::new_units_added:") {
            self.added = added.trim().parse().unwrap_or(self.added);
        } else if let Some(distinct) = line.strip_prefix("DISTINCT: ") {
            let (some, of) = distinct.split_once(" of ").unwrap_or_default();
            let both = some.parse().ok().zip(number(of.split_whitespace().next()));
            self.distinct = both.or(self.distinct);
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.artifact = Some(path.trim().to_owned());
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} runs", indicatif::HumanCount(self.runs))?;
        if let Some(rate) = self.rate {
            write!(f, ", {} runs/s", indicatif::HumanCount(rate))?;
        }
        self.coverage.map_or(Ok(()), |coverage| write!(f, ", coverage {coverage}"))
    }
}

/// How long libFuzzer has at most for the canary, from an empty corpus; it stops at its first crash, which takes it some seconds.
const CANARY: Duration = Duration::from_secs(30);

/// A fuzz target as an engine of a night.
pub(crate) struct Fuzz(pub(crate) Target);

impl Fuzz {
    /// Of a night: without a sanitizer, which would cost most of the budget.
    pub(crate) fn plan<'a>(task: &Task<'a>, target: Target, budget: Duration) -> Plan<'a> {
        let Task { place, seed, offline, traces, .. } = *task;
        Plan { place, target, sanitizer: Sanitizer::None, budget, seed, offline, traces }
    }
}

impl Engine for Fuzz {
    fn id(&self) -> &'static str {
        self.0.name()
    }

    fn what(&self) -> &'static str {
        match self.0 {
            Target::Lockstep | Target::Canary => {
                "Fuzz target: programs on specification and core in lockstep"
            }
            Target::Schedule => "Fuzz target: races of the real service, with their schedules",
            Target::Trace => "Fuzz target: texts for the parser of traces",
        }
    }

    fn in_results(&self) -> &'static str {
        match self.0 {
            Target::Lockstep => "fuzz lockstep",
            Target::Schedule => "fuzz schedule",
            Target::Trace => "fuzz trace",
            Target::Canary => "fuzz canary",
        }
    }

    /// Lockstep and races are worth most, the parser of traces least.
    fn share(&self) -> Share {
        Share::Weight(if self.0 == Target::Trace { 1 } else { 3 })
    }

    fn target(&self) -> Option<Target> {
        Some(self.0)
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        sink.take(run(&Fuzz::plan(task, self.0, task.budget), output)?);
        Ok(())
    }

    /// Of `lockstep`: its body on a core that is broken on purpose.
    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<reports::Canary> {
        if self.0 != Target::Lockstep || task.fuzzer == Fuzzer::Missing || task.core == CoreChoice::Core {
            return None;
        }
        // What it found last night would be found again without fuzzing. If it cannot be removed, that is all that is lost.
        for old in ["fuzz/corpus/canary", "fuzz/artifacts/canary"] {
            let _ = std::fs::remove_dir_all(task.place.join(old));
        }
        let plan = Fuzz::plan(task, Target::Canary, CANARY.min(task.budget));
        let engine = canary::or_failed(&Fuzz(Target::Canary), run(&plan, output));
        // It stops at its first crash, and which rule that is about depends on the seed.
        Some(reports::Canary::of(&engine, &canary::broken_core(), &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_raw_and_has_a_finding_for_each_rule() {
        let bytes = include_bytes!("../../tests/cmd/minimize/crash-late");
        let found = raws(Target::Canary, bytes);
        let case = Case::Stepped(CoreName::Canary, Program::from_bytes(bytes));
        assert!(!found.is_empty() && found.iter().all(|raw| raw.case == case && raw.rule().is_some()));
        assert_eq!(raws(Target::Lockstep, bytes), []);
    }

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut seen = Seen::default();
        for line in [
            "INFO: Seed: 7",
            "#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 30Mb",
            "DISTINCT: 8123 of 8192 runs",
            "DISTINCT: none",
            "#524288\tpulse  cov: 812 ft: 3901 corp: 88/1024b lim: 43 exec/s: 104857 rss: 44Mb",
            "artifact_prefix='/x/fuzz/artifacts/lockstep/'; Test unit written to /x/fuzz/artifacts/lockstep/crash-01ab",
            "stat::number_of_executed_units: 600001",
            "stat::new_units_added:          86",
        ] {
            seen.line(line);
        }
        let artifact = Some("/x/fuzz/artifacts/lockstep/crash-01ab".to_owned());
        let distinct = Some((8_123, 8_192));
        let expected = Seen { runs: 600_001, replayed: Some(2), added: 86, distinct, ..Seen::default() };
        assert_eq!(seen, Seen { coverage: Some(812), rate: Some(104_857), artifact, ..expected });
    }
}
