//! A night: engines for a budget, each in a process of its own, and the report.
//!
//! **The law.** An engine that hangs, dies or cannot run costs its own results and no others. What is known is written after each engine.
//!
//! [`Night`] is the process that waits; [`part()`] is the process that runs one engine.

mod directory;
mod forecast;
mod part;
mod set_up;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::defect::Fault;
use judge::RuleSet;
use model::protocol::Law;
use properties::stop::Stop;
use reports::{Amount, EngineResult, ExitCode, Kills, Results, Slow, Status, Trend, Unit};

pub(crate) use self::directory::traces_in;
use self::forecast::Forecast;
pub(crate) use self::part::part;
use self::set_up::Obstacle;
use crate::cli::CoreChoice;
use crate::engines::fuzz::{self, Target};
use crate::engines::registry::{self, Fuzzer, Named, Task};
use crate::engines::{history, kill, last_night, race};
use crate::error::Error;
use crate::finish::{self, Reader};
use crate::lock::Lock;
use crate::output::Output;
use crate::progress::night::OfNight;
use crate::progress::{self, Talk};
use crate::watch::{End, Input, Listener, Stopping, Watched};
use crate::{ci, run, signals, watch, watched};

/// What a night is to do.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// What each engine is to do, with the budget of all.
    pub(crate) task: Task<'a>,
    /// Only these engines; all of them when none is named.
    pub(crate) engines: &'a [Named],
    /// Not these.
    pub(crate) without: &'a [Named],
    /// Whether the engines are tried on seeded faults, too.
    pub(crate) kill: Kill,
    /// Where the report goes; into a new directory when left out.
    pub(crate) out: Option<&'a Path>,
    /// Where the line of the night is kept, when it is named.
    pub(crate) history: Option<&'a Path>,
    /// Nights that the history keeps.
    pub(crate) keep: usize,
    pub(crate) ci: &'a ci::Formats,
    pub(crate) reader: Reader,
}

/// Whether a night tries its engines on seeded faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kill {
    Known,
    None,
}

/// A night while it runs.
pub(crate) struct Night<'a> {
    plan: &'a Plan<'a>,
    /// The directory of the report, once there is one.
    out: PathBuf,
    results: Results,
    /// Why no more engines run.
    over: Option<&'static str>,
    /// The checkout and the directory of the report are of this night alone.
    _locks: [Lock; 2],
}

const UNDER_WAY: &str =
    "the night had not come to its end when this was written: it goes on, or it was killed";
const FOUND: &str = "it was to end with the first finding";

impl<'a> Night<'a> {
    /// Takes the checkout, and the directory of the report where one is named.
    pub(crate) fn begin(plan: &'a Plan<'a>) -> Result<Night<'a>, Error> {
        let Task { place, seed, budget, .. } = plan.task;
        let checkout = match place.is_checkout() {
            true => Lock::of(&place.target().join("nightly"))?,
            false => Lock::of_named(None)?,
        };
        let own = Lock::of_named(plan.out)?;
        let mut results = run::results(place, RuleSet::ALL, seed, Some(budget));
        results.rules.push(run::law_text(Law::BoundedWait));
        results.rules.extend(run::duty_texts());
        results.sentences = Some(run::sentences().counts);
        Ok(Night { plan, out: PathBuf::new(), results, over: None, _locks: [checkout, own] })
    }

    /// Installs and builds what the engines need, and runs none.
    pub(crate) fn build(mut self, output: &mut Output) -> Result<ExitCode, Error> {
        let engines = self.engines();
        let obstacles = self.set_up(&engines, output);
        self.set_up_canary(&engines, &obstacles, output);
        for step in &self.results.set_up {
            output.text(&format!("{}: {:.1} s", step.what, step.time_ms as f64 / 1000.0))?;
        }
        match obstacles.into_iter().next() {
            None => {
                output.text("What a night needs is built. No engine ran, so there is no verdict.")?;
                Ok(ExitCode::Held)
            }
            Some((target, obstacle)) => Err(missing(target, obstacle)),
        }
    }

    /// Runs the engines, and writes and prints what is known.
    pub(crate) fn run(mut self, output: &mut Output) -> Result<ExitCode, Error> {
        let engines = self.engines();
        self.make_room(output);
        self.keep_so_far();
        let obstacles = self.set_up(&engines, output);
        let fuzzer = self.set_up_canary(&engines, &obstacles, output);
        let mut forecast = Forecast::of(&self.plan.task, self.kill_takes());
        let started = Instant::now();
        for (at, engine) in engines.iter().enumerate() {
            let left = self.plan.task.budget.saturating_sub(started.elapsed());
            let budget = registry::budget(&engines[at..], self.plan.task.budget, left);
            let part = forecast.part(&engines, at, left);
            let began = Instant::now();
            self.engine(*engine, (budget, part), (&obstacles, fuzzer), output);
            forecast.learn(*engine, budget, began.elapsed());
        }
        if self.over.is_none() {
            if let Some(part) = forecast.last(&engines) {
                progress::night::take_part(part);
            }
            match self.kills(output) {
                Ok(kills) => self.results.kills = kills,
                Err(error) => self.results.engines.push(not_run("kill", &error)),
            }
        }
        self.report(output)
    }

    /// Makes the directory of the report.
    fn make_room(&mut self, output: &Output) {
        self.out = directory::of_report(self.plan.out, self.plan.task.place, output);
        if let Some(name) = self.out.file_name() {
            self.results.run.id = name.to_string_lossy().into_owned();
        }
    }

    /// Writes what is known so far: a night that is killed leaves it behind.
    fn keep_so_far(&self) {
        let mut so_far = self.results.clone();
        so_far.run.partial.get_or_insert(UNDER_WAY.to_owned());
        watched::name_rules(&mut so_far);
        // It is written again at the end, and an error is reported then.
        let _ = reports::write_all(&self.out, &so_far);
    }

    fn engines(&self) -> Vec<Named> {
        Named::all().filter(|engine| self.has(*engine)).collect()
    }

    /// Whether an engine belongs to this night.
    fn has(&self, engine: Named) -> bool {
        let Plan { task, engines, without, .. } = self.plan;
        (engines.is_empty() || engines.contains(&engine))
            && !without.contains(&engine)
            && engine.0.is_in_night(task.adapters)
            && (task.core == CoreChoice::Core || engine.0.has_canary_core())
    }

    /// Runs an engine, or records what is in the way.
    fn engine(
        &mut self,
        engine: Named,
        (budget, part): (Duration, OfNight),
        (obstacles, fuzzer): (&[(Target, Obstacle)], Fuzzer),
        output: &mut Output,
    ) {
        let of_target = |target: Target| obstacles.iter().find(|(of, _)| *of == target);
        match engine.0.target().and_then(of_target) {
            Some((target, obstacle)) => self.results.engines.push(fuzz::result(*target, obstacle.clone())),
            None => {
                // One that cannot be started costs its own results, and no others.
                if let Err(error) = self.in_a_process(engine, (budget, part), fuzzer, output) {
                    self.results.engines.push(not_run(engine.0.in_results(), &error));
                }
                self.keep_so_far();
            }
        }
    }

    /// Runs an engine in a process of its own, and takes over what it found.
    fn in_a_process(
        &mut self,
        engine: Named,
        (budget, part): (Duration, OfNight),
        fuzzer: Fuzzer,
        output: &mut Output,
    ) -> Result<(), Error> {
        if signals::has_come() {
            self.over.get_or_insert(watched::STOPPED);
        }
        if let Some(why) = self.over {
            self.results.engines.push(skipped(engine.0.in_results(), why));
            return Ok(());
        }
        let mut order = watched::order(self.arguments(engine, budget, fuzzer, output), Input::None, output);
        order.env.push((progress::night::VARIABLE, part.print()));
        let Watched { end, mut known } = watch::run(&order, &mut Parts).map_err(watched::not_started)?;
        if let Some(results) = known.results.take() {
            self.results.engines.extend(results.engines);
            self.results.canaries.extend(results.canaries);
        }
        if !matches!(end, End::Exited(0)) {
            let cut_off = known.cut_off(&end, engine.0.in_results());
            self.results.engines.extend(cut_off.map(|cut| of_subject(engine, cut, &end)));
            self.results.run.partial.get_or_insert(watched::why(&end));
        }
        if self.plan.task.stop == Stop::AtFirst && self.results.engines.iter().any(has_found) {
            self.over = Some(FOUND);
        }
        Ok(())
    }

    fn arguments(&self, engine: Named, budget: Duration, fuzzer: Fuzzer, output: &Output) -> Vec<OsString> {
        let task = &self.plan.task;
        let seconds = budget.as_secs().max(1).to_string();
        let seed = task.seed.to_string();
        let mut args: Vec<OsString> =
            ["nightly", "--part", engine.0.id(), "--budget", &seconds, "--seed", &seed]
                .map(OsString::from)
                .into();
        args.extend(["--out".into(), self.out.clone().into_os_string()]);
        if let Some(scope) = task.scope {
            args.extend(["--scope".into(), scope.to_string().into()]);
        }
        for adapter in task.adapters {
            args.extend(["--adapter".into(), adapter.clone().into_os_string()]);
        }
        let flags = [
            ("--canary", task.core == CoreChoice::Canary),
            ("--offline", task.offline),
            ("--stop-at-first", task.stop == Stop::AtFirst),
            ("--canary-built", fuzzer == Fuzzer::Built),
            ("--quiet", output.is_quiet()),
        ];
        if let Talk::As(manner) = output.talk() {
            args.extend(["--progress", manner.name()].map(OsString::from));
        }
        args.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.into()));
        args
    }

    /// About how long the seeded faults take behind the engines, without the build; nothing when there are none.
    fn kill_takes(&self) -> Option<Duration> {
        let is_wanted = self.plan.kill == Kill::Known;
        let expected = is_wanted.then(|| kill::expected(self.plan.task.place).ok()).flatten()?;
        Some(self.kill_plan(&expected).takes())
    }

    /// Whether the engines still see the seeded faults that they used to see.
    fn kills(&self, output: &Output) -> Result<Option<Kills>, Error> {
        if self.plan.kill == Kill::None {
            return Ok(None);
        }
        let expected = kill::expected(self.plan.task.place)?;
        let mut kills = kill::run(&self.kill_plan(&expected), output)?;
        kills.lost = expected.lost(&kills);
        Ok(Some(kills))
    }

    fn kill_plan<'e>(&self, expected: &'e reports::Expected) -> kill::Plan<'e>
    where
        'a: 'e,
    {
        let Task { place, seed, offline, .. } = self.plan.task;
        kill::Plan {
            place,
            faults: Fault::ALL,
            engines: properties::kill::Engine::ALL,
            pairs: kill::Pairs::Due,
            expected,
            budget: KILL_BUDGET,
            seed,
            offline,
            command_line: run::command_line(),
        }
    }

    /// Where the line of the night is kept, if it is.
    fn history(&self) -> Option<PathBuf> {
        let Plan { task, out, history, .. } = self.plan;
        let usual = || (out.is_none() && task.core == CoreChoice::Core).then(|| task.place.history());
        history.map(Path::to_owned).or_else(usual)
    }

    /// Schedules of the nights before: those of the history, or of the reports that are kept, whichever has more.
    fn schedules_before(&self) -> u64 {
        let history = self.history().and_then(|file| history::read(&file).ok());
        let of_reports = race::schedules_before(&self.plan.task.place.reports());
        history.map_or(0, |history| history.schedules()).max(of_reports)
    }

    /// Keeps the line of the night, and gives how the nights compare.
    fn keep(&mut self, output: &Output) -> Option<Trend> {
        let file = self.history()?;
        let kept = history::Kept { file: &file, nights: self.plan.keep };
        history::keep(&kept, &mut self.results, output)
    }

    /// Writes and prints what is known. A report that cannot be written changes no verdict.
    fn report(mut self, output: &mut Output) -> Result<ExitCode, Error> {
        if signals::has_come() {
            self.results.run.partial = Some(watched::STOPPED.to_owned());
            self.results.run.stopped_by = signals::first();
        }
        let before = self.schedules_before();
        count_all_nights(&mut self.results.engines, before);
        // Read late: another night may have ended meanwhile.
        let nights = last_night::nights(&self.plan.task.place.reports(), &self.out);
        let history = self.history().and_then(|file| history::read(&file).ok()).unwrap_or_default();
        last_night::carry_on(&mut self.results.engines, &nights, &history);
        watched::name_rules(&mut self.results);
        let trend = self.keep(output);
        let slow = trend.iter().flat_map(|trend| &trend.slow);
        let warnings: Vec<String> = slow.map(Slow::sentence).collect();
        warnings.iter().for_each(|warning| output.note(&format!("warning: {warning}")));
        let (results, reader) = (&self.results, self.plan.reader);
        let audience = match self.plan.task.core {
            CoreChoice::Canary => ci::Audience::Named,
            CoreChoice::Core => ci::Audience::All,
        };
        let code = results.outcome().exit_code;
        let text = match reader {
            Reader::Machine => reports::json(results),
            Reader::Person => reports::terminal(results, output.style()),
        };
        finish::print(&text, code, output);
        ci::inform(self.plan.ci, results, &warnings, audience, output);
        finish::report_with(&self.out, results, trend.as_ref(), reader, output);
        Ok(code)
    }
}

/// Why nothing can be run of this target.
fn missing(target: Target, obstacle: Obstacle) -> Error {
    match obstacle {
        Status::Skipped { why, install_hint } => {
            let help =
                install_hint.unwrap_or_else(|| "run `bgcheck doctor` to see what is missing".to_owned());
            Error::Missing { what: why, help }
        }
        Status::Failed { why } => {
            Error::Program { program: format!("cargo fuzz build {}", target.name()), why }
        }
        Status::Ran(_) => unreachable!("what ran is no obstacle"),
    }
}

/// An engine that could not run: something outside is in the way, or the workbench is at fault.
fn not_run(engine: &str, error: &Error) -> EngineResult {
    match error.exit_code() {
        // A build that was ended with the night is no fault of the workbench.
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

/// The result of a part that was cut off. That of canaries, which are broken on purpose, counts as a failure of the engine.
fn of_subject(engine: Named, result: EngineResult, end: &End) -> EngineResult {
    if engine.0.is_about_subject() || matches!(end, End::Stopped) {
        return result;
    }
    EngineResult::failed(engine.0.in_results(), format!("in {}: {}", result.name, watched::why(end)))
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

/// Waits for the engines of a night. They write their progress themselves.
struct Parts;

impl Listener for Parts {
    fn line(&mut self, _: &[u8]) {}

    fn stopping(&mut self) -> Stopping {
        signals::stopping()
    }

    fn stands(&mut self, where_it_stands: &str) {
        // Stderr may have no reader, which must not stop the work.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("nightly: {where_it_stands}\n").as_bytes(),
        );
    }
}

/// For each seeded fault and engine: four times what it took the slowest of those that are run.
const KILL_BUDGET: Duration = Duration::from_secs(4);
