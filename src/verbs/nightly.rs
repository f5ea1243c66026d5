//! `bgcheck nightly`: every engine, for a budget, and the report.
//!
//! Each engine runs in a process of its own, a part of the night. One that hangs or dies is a finding, and the night goes on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::Dialect;
use contract::fault::Fault;
use judge::RuleSet;
use model::product::property_names;
use model::protocol::{Design, Law};
use model::scope::ScopeName;
use properties::kill::Engine;
use properties::oracle::Stop as LiveStop;
use properties::sample::Stop;
use reports::{Amount, EngineResult, ExitCode, Kills, Results, Slow, Status, Trend, Unit};

use crate::cli::{self, CoreChoice};
use crate::clock::Clock;
use crate::engines::canary::Fuzzer;
use crate::engines::counterexample::Traces;
use crate::engines::explored::Explored;
use crate::engines::fuzz::{self, Sanitizer, Target};
use crate::engines::search::Search;
use crate::engines::{
    adapter, canary, check, complete, conform, history, kill, last_night, live, liveness, protocol, race,
    sample, tools,
};
use crate::error::Error;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::place::{Place, prepare, temporary};
use crate::progress::Talk;
use crate::watch::{End, Input, Listener, Stopping, Watched, worker};
use crate::{ci, guard, run, signals, watch, watched};

/// Run everything for a budget, and write the report.
///
/// Set-up comes first and is timed apart: cargo-fuzz is installed below target/tools when it is missing, and the fuzz targets
/// are built. The exhaustive engines have up to 85 % of the budget; a scope that is not explored by then ends the night with
/// 5. What is left is shared by fuzzer, races, random programs and live run. The report goes to reports/out, into a directory named after
/// the day, and one line to reports/history.ndjson. A rate 20 % below the median of its last 5 nights on this class of machines is
/// warned of by name; this changes no verdict.
///
/// Each engine runs in a process of its own. One that hangs, dies or takes all memory is a finding, and the others go on. Ctrl-C or
/// SIGTERM stops the night: what is known is printed and written, and marked as a part; a second signal ends it at once.
///
/// A night that did nothing new ends with 4: an engine without a run; a fuzzer of which more than 90 % of the runs were of inputs it had,
/// that found no new input for three nights while edges of the model are missing, or that reaches fewer edges than
/// the night before; an engine that does not find what is broken on purpose (a canary, for a few seconds each night).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck nightly                       three minutes
  bgcheck nightly --budget 10m --seed 7
  bgcheck nightly --engine race,live    only these engines
  bgcheck nightly --stop-at-first       ends with the first engine that finds something
  bgcheck nightly --kill                also: are the seeded faults still found? (builds itself once more)
  bgcheck nightly --adapter adapters/python/adapter.toml
  bgcheck nightly --junit target/junit.xml --sarif target/bgcheck.sarif
  bgcheck nightly --offline             installs nothing; without cargo-fuzz it ends with 6
  bgcheck nightly --canary              a subject that is broken on purpose: ends with 2 and names R1 and R2")]
pub(crate) struct Args {
    /// How long in all, without set-up.
    #[arg(long, value_parser = cli::budget, default_value = "3m", value_name = "TIME")]
    budget: Duration,
    /// The seed of everything that is left to chance; from the clock when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only these engines, such as `race,live`.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ENGINES")]
    engine: Vec<Part>,
    /// End with the first engine that finds something; within each engine, with its first failure.
    #[arg(long)]
    stop_at_first: bool,
    /// Put the subject under test that is broken on purpose, without the fuzzer.
    #[arg(long)]
    canary: bool,
    /// Let the engines loose on the seeded faults that they are known to see, too: a build, and some forty seconds.
    #[arg(long, conflicts_with = "canary")]
    kill: bool,
    /// Other implementations to try, too: an adapter.toml each.
    #[arg(long, value_name = "ADAPTER", conflicts_with = "canary")]
    adapter: Vec<PathBuf>,
    /// Where the report goes; a new directory below reports/out when left out.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the line of the night is kept, for `bgcheck report --trend`; reports/history.ndjson when left out, and no line with `--out` or
    /// `--canary`.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Nights that the history keeps; the oldest go.
    #[arg(long, value_name = "N", default_value_t = history::KEPT, value_parser = at_least_one)]
    keep: usize,
    #[command(flatten)]
    ci: ci::Args,
    /// Install and download nothing.
    #[arg(long)]
    offline: bool,
    /// How much the exhaustive engine explores; `default`, or `tiny` with `--canary`, when left out.
    #[arg(long, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: Option<ScopeName>,
    /// The results for a machine instead of the table.
    #[arg(long)]
    json: bool,
    /// What a process of the night's runs.
    #[arg(long, value_enum, hide = true)]
    part: Option<Part>,
    /// The fuzz target that is broken on purpose is built.
    #[arg(long, hide = true)]
    canary_built: bool,
}

/// A part of a night.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Part {
    /// The product of specification and core, explored.
    Check,
    /// The protocol, explored, and its duties.
    Protocol,
    /// The engine's core and service against the committed suites.
    Conform,
    /// Subjects that are broken on purpose.
    Canaries,
    /// The fuzz target of the same name.
    Lockstep,
    /// The fuzz target of the same name.
    Schedule,
    /// The fuzz target of the same name.
    Trace,
    /// Races of the real service, each explored to its end.
    Complete,
    /// Races of the real service.
    Race,
    /// Random programs.
    Properties,
    /// The service on threads, HTTP and disk.
    Live,
    /// Other implementations, through their adapters.
    Adapter,
}

impl Part {
    /// In the order in which they run.
    const ALL: [Part; 12] = [
        Part::Check,
        Part::Protocol,
        Part::Complete,
        Part::Conform,
        Part::Canaries,
        Part::Lockstep,
        Part::Schedule,
        Part::Trace,
        Part::Race,
        Part::Properties,
        Part::Live,
        Part::Adapter,
    ];

    const fn name(self) -> &'static str {
        match self {
            Part::Check => "check",
            Part::Protocol => "protocol",
            Part::Conform => "conform",
            Part::Canaries => "canaries",
            Part::Lockstep => "lockstep",
            Part::Schedule => "schedule",
            Part::Trace => "trace",
            Part::Complete => "complete",
            Part::Race => "race",
            Part::Properties => "properties",
            Part::Live => "live",
            Part::Adapter => "adapter",
        }
    }

    /// How results name its engine.
    const fn engine(self) -> &'static str {
        match self {
            Part::Check => "check product",
            Part::Protocol => "check protocol",
            Part::Complete => complete::NAME,
            Part::Lockstep => "fuzz lockstep",
            Part::Schedule => "fuzz schedule",
            Part::Trace => "fuzz trace",
            other => other.name(),
        }
    }

    const fn target(self) -> Option<Target> {
        match self {
            Part::Lockstep => Some(Target::Lockstep),
            Part::Schedule => Some(Target::Schedule),
            Part::Trace => Some(Target::Trace),
            _ => None,
        }
    }

    /// Whether it has a subject that can be the core that is broken on purpose.
    const fn has_canary(self) -> bool {
        matches!(self, Part::Check | Part::Conform | Part::Properties | Part::Live)
    }

    /// Its share of what is left for the samplers. Lockstep is worth most, the parser of traces least.
    const fn share(self) -> u32 {
        match self {
            Part::Race => 4,
            Part::Lockstep | Part::Schedule | Part::Live | Part::Adapter => 3,
            Part::Trace | Part::Properties => 1,
            Part::Check | Part::Protocol | Part::Complete | Part::Conform | Part::Canaries => 0,
        }
    }

    /// The budget of the part, when so much of the night's is left and these parts are still to come, this one included.
    fn budget(self, whole: Duration, left: Duration, to_come: &[Part]) -> Duration {
        let exhaustive = |percent: u32| {
            let spared = whole * (100 - percent) / 100;
            left.saturating_sub(spared)
        };
        let budget = match self {
            Part::Check if to_come.contains(&Part::Protocol) => exhaustive(CHECKED_PERCENT),
            Part::Check | Part::Protocol => exhaustive(EXPLORED_PERCENT),
            Part::Complete | Part::Conform | Part::Canaries => whole / 8,
            _ => left * self.share() / to_come.iter().map(|part| part.share()).sum::<u32>().max(1),
        };
        budget.max(LEAST)
    }
}

/// Of the budget, when the product has to be explored, and when both models have.
const CHECKED_PERCENT: u32 = 65;
const EXPLORED_PERCENT: u32 = 85;

/// What a part gets even when the others took the whole budget.
const LEAST: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let place = Place::here();
    let core = CoreChoice::canary(args.canary);
    let seed = args.seed.unwrap_or_else(|| Clock::now().seed());
    if let Some(part) = args.part {
        let dir = args.out.clone().unwrap_or_else(|| temporary().to_owned());
        let traces = traces_in(&dir);
        return Parted { args, core, seed, traces, place }.run(part, output);
    }
    signals::collect();
    let _checkout = match place.is_checkout() {
        true => Lock::of(&place.target().join("nightly"))?,
        false => Lock::of_named(None)?,
    };
    let _own = Lock::of_named(args.out.as_deref())?;
    let out = directory(args, &place, output);
    let mut results = run::results(&place, RuleSet::ALL, seed, Some(args.budget));
    results.rules.push(run::law_text(Law::BoundedWait));
    results.rules.extend(run::duty_texts());
    results.sentences = Some(run::sentences().counts);
    if let Some(name) = out.file_name() {
        results.run.id = name.to_string_lossy().into_owned();
    }
    let mut night = Night { args, core, seed, traces: traces_in(&out), place, out, results, over: None };
    night.set_up_and_run(output);
    night.report(output)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text:?} is no number of nights: expected such as `200`"))
}

fn traces_in(out: &Path) -> Traces {
    Traces { dir: out.join("traces"), from_report: PathBuf::from("traces") }
}

/// The directory of the report: the one named, or a new one named after the day. Where neither can be made, the night goes on, and its report
/// goes to where temporary files go.
fn directory(args: &Args, place: &Place, output: &Output) -> PathBuf {
    let wanted = args.out.clone().map_or_else(|| of_the_day(&place.reports()), named);
    wanted.unwrap_or_else(|error| {
        output.warn(&error);
        let other = finish::elsewhere();
        // It is said again at the end, when the report cannot be written there either.
        let _ = prepare(&other);
        output.note(&format!("the report goes to {} instead", other.display()));
        other
    })
}

fn named(dir: PathBuf) -> Result<PathBuf, Error> {
    match prepare(&dir) {
        Ok(()) => Ok(dir),
        Err(source) => Err(Error::Write { path: dir, source }),
    }
}

fn of_the_day(above: &Path) -> Result<PathBuf, Error> {
    let made = |path: &Path, made: std::io::Result<()>| {
        made.map_err(|source| Error::Write { path: path.to_owned(), source })
    };
    made(above, prepare(above))?;
    let day = Clock::now().day();
    let mut number = 1;
    loop {
        let dir = above.join(if number == 1 { day.clone() } else { format!("{day}-{number}") });
        match std::fs::create_dir(&dir) {
            // Another night of the same day, perhaps one that runs right now.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            result => {
                made(&dir, result)?;
                return Ok(dir);
            }
        }
    }
}

/// A night while it runs.
struct Night<'a> {
    args: &'a Args,
    core: CoreChoice,
    seed: u64,
    traces: Traces,
    place: Place,
    out: PathBuf,
    results: Results,
    /// Why no more parts run.
    over: Option<&'static str>,
}

/// A fuzz target, and why it cannot run when it cannot.
type Built = (Target, Option<Status>);

const UNDER_WAY: &str =
    "the night had not come to its end when this was written: it goes on, or it was killed";
const FOUND: &str = "it was to end with the first finding";

impl Night<'_> {
    fn set_up_and_run(&mut self, output: &mut Output) {
        let parts: Vec<Part> = Part::ALL.into_iter().filter(|part| self.has(*part)).collect();
        self.keep_so_far();
        let fuzzes = self.set_up(&parts, output);
        let fuzzer = self.set_up_canary(&parts, &fuzzes, output);
        let started = Instant::now();
        for (at, part) in parts.iter().enumerate() {
            let left = self.args.budget.saturating_sub(started.elapsed());
            let obstacle = fuzzes.iter().find(|(target, _)| part.target() == Some(*target));
            match obstacle.and_then(|(target, obstacle)| Some((target, obstacle.clone()?))) {
                Some((target, status)) => self.results.engines.push(fuzz::result(*target, status)),
                None => {
                    let budget = part.budget(self.args.budget, left, &parts[at..]);
                    // One that cannot be started costs its own results, and no others.
                    if let Err(error) = self.part(*part, budget, fuzzer, output) {
                        self.results.engines.push(not_run(part.engine(), &error));
                    }
                    self.keep_so_far();
                }
            }
            if *part == Part::Protocol && self.over.is_none() {
                match self.kills(output) {
                    Ok(kills) => self.results.kills = kills,
                    Err(error) => self.results.engines.push(not_run("kill", &error)),
                }
            }
        }
    }

    /// Writes what is known so far: a night that is killed leaves it behind.
    fn keep_so_far(&self) {
        let mut so_far = self.results.clone();
        so_far.run.partial.get_or_insert(UNDER_WAY.to_owned());
        watched::name_rules(&mut so_far);
        // It is written again at the end, and said then when it cannot be.
        let _ = reports::write_all(&self.out, &so_far);
    }

    /// Whether a part belongs to this night.
    fn has(&self, part: Part) -> bool {
        let asked = &self.args.engine;
        if part == Part::Adapter && self.args.adapter.is_empty() {
            return false;
        }
        (asked.is_empty() || asked.contains(&part)) && (self.core == CoreChoice::Core || part.has_canary())
    }

    /// Installs and builds what the fuzzer needs.
    fn set_up(&mut self, parts: &[Part], output: &Output) -> Vec<Built> {
        let targets: Vec<Target> = parts.iter().filter_map(|part| part.target()).collect();
        if targets.is_empty() {
            return Vec::new();
        }
        let can = self.place.has_fuzz_targets() && tools::has_cargo() && !self.args.offline;
        if can && tools::cargo_fuzz(&self.place).is_none() {
            let progress = output.progress("install cargo-fuzz");
            progress
                .note("cargo-fuzz is missing: installing it into target/tools (once, apart from the budget)");
            let step = tools::install(&self.place, &|line| progress.tell(|| line));
            self.results.set_up.push(step);
        }
        targets.into_iter().map(|target| (target, self.build(target, output))).collect()
    }

    /// Builds the fuzz target that is broken on purpose, if those that are not could be built.
    fn set_up_canary(&mut self, parts: &[Part], fuzzes: &[Built], output: &Output) -> Fuzzer {
        let others = !fuzzes.is_empty() && fuzzes.iter().all(|(_, obstacle)| obstacle.is_none());
        let wanted = others && parts.contains(&Part::Canaries);
        let built = wanted && self.build(Target::Canary, output).is_none();
        if built { Fuzzer::Built } else { Fuzzer::Missing }
    }

    fn build(&mut self, target: Target, output: &Output) -> Option<Status> {
        if let Some((why, install_hint)) = fuzz::obstacle(&self.place) {
            return Some(Status::Skipped { why, install_hint });
        }
        let plan = fuzz::Plan {
            place: &self.place,
            target,
            sanitizer: Sanitizer::None,
            budget: Duration::ZERO,
            seed: self.seed,
            offline: self.args.offline,
            traces: &self.traces,
        };
        let built = fuzz::build(&plan, output);
        let failed = built.failed.clone();
        self.results.set_up.push(built);
        failed.map(|why| match fuzz::is_about_this_machine(&why) || signals::has_come() {
            true => Status::Skipped { why, install_hint: Some("bgcheck doctor".to_owned()) },
            false => Status::Failed { why },
        })
    }

    /// Runs a part in a process of its own, and takes over what it found.
    fn part(
        &mut self,
        part: Part,
        budget: Duration,
        fuzzer: Fuzzer,
        output: &mut Output,
    ) -> Result<(), Error> {
        if signals::has_come() {
            self.over.get_or_insert(watched::STOPPED);
        }
        if let Some(why) = self.over {
            self.results.engines.push(skipped(part.engine(), why));
            return Ok(());
        }
        let order = watched::order(self.arguments(part, budget, fuzzer, output), Input::None, output);
        let Watched { end, mut known } = watch::run(&order, &mut Parts).map_err(watched::not_started)?;
        if let Some(results) = known.results.take() {
            self.results.engines.extend(results.engines);
            self.results.canaries.extend(results.canaries);
        }
        if !matches!(end, End::Exited(0)) {
            let cut_off = known.cut_off(&end, part.engine());
            let cut_off = cut_off.map(|engine| of_subject(part, engine, &end));
            self.results.engines.extend(cut_off);
            self.results.run.partial.get_or_insert(watched::why(&end));
        }
        if part == Part::Race {
            let before = self.schedules_before();
            count_all_nights(&mut self.results.engines, before);
        }
        if self.args.stop_at_first && self.results.engines.iter().any(has_found) {
            self.over = Some(FOUND);
        }
        Ok(())
    }

    fn arguments(&self, part: Part, budget: Duration, fuzzer: Fuzzer, output: &Output) -> Vec<OsString> {
        let seconds = budget.as_secs().max(1).to_string();
        let seed = self.seed.to_string();
        let mut args: Vec<OsString> =
            ["nightly", "--part", part.name(), "--budget", &seconds, "--seed", &seed]
                .map(OsString::from)
                .into();
        args.extend(["--out".into(), self.out.clone().into_os_string()]);
        if let Some(scope) = self.args.scope {
            args.extend(["--scope".into(), scope.to_string().into()]);
        }
        for adapter in self.args.adapter.iter().filter(|_| part == Part::Adapter) {
            args.extend(["--adapter".into(), adapter.clone().into_os_string()]);
        }
        let flags = [
            ("--canary", self.core == CoreChoice::Canary),
            ("--offline", self.args.offline),
            ("--stop-at-first", self.args.stop_at_first),
            ("--canary-built", fuzzer == Fuzzer::Built),
            ("--quiet", output.is_quiet()),
        ];
        if let Talk::As(manner) = output.talk() {
            args.extend(["--progress", manner.name()].map(OsString::from));
        }
        args.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.into()));
        args
    }

    /// Whether the engines still see the seeded faults that they used to see.
    fn kills(&self, output: &Output) -> Result<Option<Kills>, Error> {
        if !self.args.kill {
            return Ok(None);
        }
        let expected = kill::expected(&self.place)?;
        let plan = kill::Plan {
            place: &self.place,
            faults: Fault::ALL,
            engines: Engine::ALL,
            pairs: kill::Pairs::Due,
            expected: &expected,
            budget: KILL_BUDGET,
            seed: self.seed,
            offline: self.args.offline,
            command_line: run::command_line(),
        };
        let mut kills = kill::run(&plan, output)?;
        kills.lost = expected.lost(&kills);
        Ok(Some(kills))
    }

    /// Where the line of the night is kept, if it is.
    fn history(&self) -> Option<PathBuf> {
        let usual = || (self.args.out.is_none() && !self.args.canary).then(|| self.place.history());
        self.args.history.clone().or_else(usual)
    }

    /// Schedules of the nights before: those of the history, or of the reports that are kept, whichever knows of more.
    fn schedules_before(&self) -> u64 {
        let history = self.history().and_then(|file| history::read(&file).ok());
        let of_reports = race::schedules_before(&self.place.reports());
        history.map_or(0, |history| history.schedules()).max(of_reports)
    }

    /// Keeps the line of the night, and gives how the nights compare.
    fn keep(&mut self, output: &Output) -> Option<Trend> {
        let file = self.history()?;
        let kept = history::Kept { file: &file, nights: self.args.keep };
        history::keep(&kept, &mut self.results, output)
    }

    /// Writes and prints what is known. A report that cannot be written changes no verdict.
    fn report(mut self, output: &mut Output) -> Result<ExitCode, Error> {
        if signals::has_come() {
            self.results.run.partial = Some(watched::STOPPED.to_owned());
            self.results.run.stopped_by = signals::first();
        }
        // Read late: another night may have ended meanwhile.
        let nights = last_night::nights(&self.place.reports(), &self.out);
        let history = self.history().and_then(|file| history::read(&file).ok()).unwrap_or_default();
        last_night::carry_on(&mut self.results.engines, &nights, &history);
        watched::name_rules(&mut self.results);
        let trend = self.keep(output);
        let slow = trend.iter().flat_map(|trend| &trend.slow);
        let warnings: Vec<String> = slow.map(Slow::sentence).collect();
        warnings.iter().for_each(|warning| output.note(&format!("warning: {warning}")));
        let results = &self.results;
        let audience = if self.args.canary { ci::Audience::Named } else { ci::Audience::All };
        let (code, reader) = (results.outcome().exit_code, Reader::of_json(self.args.json));
        let text = match reader {
            Reader::Machine => reports::json(results),
            Reader::Person => reports::terminal(results, output.style()),
        };
        finish::print(&text, code, output);
        ci::inform(&self.args.ci, results, &warnings, audience, output);
        finish::report_with(&self.out, results, trend.as_ref(), reader, output);
        Ok(code)
    }
}

/// An engine that could not run: something outside is in the way, or the workbench is at fault.
fn not_run(engine: &str, error: &Error) -> EngineResult {
    match error.exit_code() {
        // A build that was ended with the night says nothing about the workbench.
        _ if run::is_stopped() => skipped(engine, watched::STOPPED),
        ExitCode::Internal => EngineResult::failed(engine, error),
        _ => skipped(engine, &error.to_string()),
    }
}

/// A part that does not run.
fn skipped(engine: &str, why: &str) -> EngineResult {
    let status = Status::Skipped { why: why.to_owned(), install_hint: None };
    EngineResult {
        name: engine.to_owned(),
        subject: None,
        dialect: None,
        scope: None,
        switches: String::new(),
        status,
    }
}

/// What a part that was cut off says of the subject. Canaries are broken on purpose, and say nothing of it.
fn of_subject(part: Part, engine: EngineResult, end: &End) -> EngineResult {
    if part != Part::Canaries || matches!(end, End::Stopped) {
        return engine;
    }
    EngineResult::failed("canaries", format!("in {}: {}", engine.name, watched::why(end)))
}

fn has_found(engine: &EngineResult) -> bool {
    matches!(&engine.status, Status::Ran(ran) if ran.has_found())
}

/// Schedules of the nights whose reports are kept, and tonight's.
fn count_all_nights(engines: &mut [EngineResult], before: u64) {
    for engine in engines.iter_mut().filter(|engine| engine.name == "race") {
        let Status::Ran(ran) = &mut engine.status else { continue };
        let tonight = ran.work.iter().find(|amount| amount.unit == Unit::Schedules).map(|amount| amount.done);
        if let Some(tonight) = tonight.filter(|_| before > 0) {
            ran.work.push(Amount::new(Unit::SchedulesInAll, before + tonight));
        }
    }
}

/// Whoever waits for the parts of a night. They write their progress themselves.
struct Parts;

impl Listener for Parts {
    fn line(&mut self, _: &[u8]) {}

    fn stopping(&mut self) -> Stopping {
        signals::stopping()
    }

    fn stands(&mut self, where_it_stands: &str) {
        // Nobody may be reading, which must not stop the work.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("nightly: {where_it_stands}\n").as_bytes(),
        );
    }
}

/// The side of the night that runs one part.
struct Parted<'a> {
    args: &'a Args,
    core: CoreChoice,
    seed: u64,
    traces: Traces,
    place: Place,
}

impl Parted<'_> {
    fn run(&self, part: Part, output: &mut Output) -> Result<ExitCode, Error> {
        let mut results = run::results(&self.place, RuleSet::ALL, self.seed, Some(self.args.budget));
        if part == Part::Canaries {
            let fuzzer = if self.args.canary_built { Fuzzer::Built } else { Fuzzer::Missing };
            let (offline, budget) = (self.args.offline, self.args.budget);
            let plan = canary::Plan { place: &self.place, seed: self.seed, fuzzer, offline, budget };
            match canary::run(&plan, output) {
                Ok(canaries) => results.canaries = canaries,
                Err(error) => results.engines.push(not_run(part.engine(), &error)),
            }
            worker::know(&results);
            return Ok(ExitCode::Held);
        }
        let mut take = |engine: EngineResult| {
            results.engines.push(engine);
            worker::know(&results);
        };
        let ran = match part {
            Part::Check => self.check(&mut take, output),
            Part::Protocol => self.protocol(&mut take, output),
            Part::Complete => self.complete(&mut take, output),
            Part::Conform => {
                let plan = conform::Plan { core: self.core, budget: self.args.budget, traces: &self.traces };
                conform::all(&plan, &mut take, output);
                Ok(())
            }
            _ => self.sampled(part, &mut take, output),
        };
        if let Err(error) = ran {
            if guard::subject_panicked() {
                // Then it is the subject that is broken, which is for whoever watches to tell.
                return Err(error);
            }
            take(not_run(part.engine(), &error));
        }
        Ok(ExitCode::Held)
    }

    fn search(&self) -> Search<'_> {
        let scope = self.args.scope.unwrap_or(match self.core {
            CoreChoice::Core => ScopeName::Default,
            CoreChoice::Canary => ScopeName::Tiny,
        });
        Search { budget: Some(self.args.budget), ..Search::whole(scope, &self.traces) }
    }

    fn check(&self, take: &mut dyn FnMut(EngineResult), output: &mut Output) -> Result<(), Error> {
        let search = self.search();
        let rules = RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect();
        let plan = check::Plan { search: &search, rules, core: self.core };
        check::run(&plan, output, &mut |explored, _| {
            take(explored.result());
            Ok(())
        })
    }

    fn protocol(&self, take: &mut dyn FnMut(EngineResult), output: &mut Output) -> Result<(), Error> {
        let started = Instant::now();
        let search = self.search();
        let plan = protocol::Plan { search: &search, laws: Law::ALL, design: Design::Barrier };
        let mut done = |explored: Explored, _: &mut Output| {
            take(explored.result());
            Ok(())
        };
        protocol::run(&plan, output, &mut done)?;
        let left = self.args.budget.saturating_sub(started.elapsed()).max(LEAST);
        let search = Search { budget: Some(left), ..self.search() };
        liveness::run(&protocol::Plan { search: &search, ..plan }, output, &mut done)
    }

    /// Every schedule of the races of a scope: the larger one where there is time for it.
    fn complete(&self, take: &mut dyn FnMut(EngineResult), output: &Output) -> Result<(), Error> {
        let budget = self.args.budget;
        let plan = complete::Plan {
            scope: if budget < complete::SMALL_TAKES {
                complete::Scope::Tiny
            } else {
                complete::Scope::Small
            },
            dialects: &Dialect::ALL,
            design: properties::race::Design::Barrier,
            fault: None,
            refine: properties::race::Refine::Yes,
            budget: Some(budget),
            threads: run::cores(),
            stop: if self.args.stop_at_first { race::Stop::AtFirst } else { race::Stop::Never },
            resume: None,
            traces: &self.traces,
        };
        for explored in complete::run(&plan, output)? {
            take(explored.result());
            explored.refinement().into_iter().for_each(&mut *take);
        }
        Ok(())
    }

    fn sampled(
        &self,
        part: Part,
        take: &mut dyn FnMut(EngineResult),
        output: &mut Output,
    ) -> Result<(), Error> {
        let (seed, budget, traces) = (self.seed, self.args.budget, &self.traces);
        match part {
            Part::Race => take(race::run(&self.races(), output)?),
            Part::Properties => {
                let stop = if self.args.stop_at_first { Stop::AtFirst } else { Stop::Never };
                let plan = sample::Plan {
                    core: self.core,
                    seed,
                    budget,
                    programs: None,
                    stop,
                    until: RuleSet::EMPTY,
                    traces,
                };
                take(sample::run(&plan, output)?);
            }
            Part::Live => self.live(take, output)?,
            Part::Adapter => self.adapters(take, output)?,
            _ => {
                let Some(target) = part.target() else { return Ok(()) };
                let (place, sanitizer, offline) = (&self.place, Sanitizer::None, self.args.offline);
                let plan = fuzz::Plan { place, target, sanitizer, budget, seed, offline, traces };
                take(fuzz::run(&plan, output)?);
            }
        }
        Ok(())
    }

    /// Races of the real service; a canary is a core, which they do not exchange.
    fn races(&self) -> race::Plan<'_> {
        race::Plan {
            kinds: &super::race::USUAL,
            design: properties::race::Design::Barrier,
            seed: self.seed,
            budget: self.args.budget,
            schedules: None,
            before: 0,
            stop: if self.args.stop_at_first { race::Stop::AtFirst } else { race::Stop::Never },
            traces: &self.traces,
        }
    }

    fn adapters(&self, take: &mut dyn FnMut(EngineResult), output: &Output) -> Result<(), Error> {
        let share = self.args.budget / self.args.adapter.len().max(1) as u32;
        for path in &self.args.adapter {
            let manifest = super::adapter::manifest(path)?;
            let stop = if self.args.stop_at_first { LiveStop::AtFirst } else { LiveStop::AtTheEnd };
            take(adapter::night(&manifest, (self.seed, share, stop), &self.traces, output)?);
        }
        Ok(())
    }

    fn live(&self, take: &mut dyn FnMut(EngineResult), output: &Output) -> Result<(), Error> {
        for (dialect, number) in Dialect::ALL.into_iter().zip(0..) {
            let (seed, budget) = (self.seed.wrapping_add(number), self.args.budget / 2);
            let usual = live::Plan::usual(dialect, seed, budget, &self.traces);
            let stop = if self.args.stop_at_first { LiveStop::AtFirst } else { LiveStop::AtTheEnd };
            take(live::run(&live::Plan { core: self.core, stop, ..usual }, output)?);
        }
        Ok(())
    }
}

/// For each seeded fault and engine: four times what it took the slowest of those that are run.
const KILL_BUDGET: Duration = Duration::from_secs(4);
