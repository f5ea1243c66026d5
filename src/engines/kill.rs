//! Seeded faults x engines: builds the workbench with the faults inside, and runs each attack as a process of its own.
//!
//! A fault may make its subject spin or crash, so an attack is a child that can be given up, and its output is one line of JSON.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contract::defect::{Fault, Seeded};
use properties::kill::{self, Attacked, Engine, Sign};
use reports::{ExitCode, Expected, Kill, KillCell, KillRow, Kills};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::builds::{Inside, build, myself};
use super::fuzz::{self, Target};
use crate::error::Error;
use crate::files;
use crate::finish::Reader;
use crate::output::Output;
use crate::place::Place;
use crate::progress::{Ahead, Guess, Progress, Work};
use crate::run::{is_stopped, millis};
use crate::signals;
use crate::watch::{reaper, worker};

/// What to run.
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    pub(crate) faults: &'a [Fault],
    pub(crate) engines: &'a [Engine],
    /// Which pairs of them.
    pub(crate) pairs: Pairs,
    /// What earlier runs saw.
    pub(crate) expected: &'a Expected,
    /// For each fault and engine.
    pub(crate) budget: Duration,
    pub(crate) seed: u64,
    pub(crate) offline: bool,
    pub(crate) command_line: String,
}

/// Which pairs of fault and engine to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// Every one.
    All,
    /// Those that have to be seen in the budget.
    Due,
}

/// An engine that misses what is due gets this many times the budget for a second look. Threads and a busy machine are a matter of luck.
const SECOND_LOOK: u32 = 5;

const INSIDE: Inside = Inside { feature: "faults", verb: "kill", what: "faults" };

/// An attack that has not come back so long after its budget hangs.
const GRACE: Duration = Duration::from_secs(30);

/// What a process takes to begin, about.
const TO_BEGIN: Duration = Duration::from_millis(60);

/// The subject without a fault is attacked for so long at most.
const CONTROL: Duration = Duration::from_secs(3);

/// What a child prints.
#[derive(Serialize, Deserialize)]
struct Said {
    /// What it saw, as [`Sign`] prints it.
    by: Option<String>,
    /// Set when it could not run.
    failed: bool,
    runs: u64,
    time_ms: u64,
}

impl Plan<'_> {
    /// Whether this engine has to see this fault in the budget.
    fn is_due(&self, fault: Fault, engine: Engine) -> bool {
        self.expected.is_due(fault.name(), engine.name(), millis(self.budget))
    }

    /// Whether this pair is run.
    fn asks_for(&self, fault: Fault, engine: Engine) -> bool {
        engine.reaches(fault.place()) && (self.pairs == Pairs::All || self.is_due(fault, engine))
    }

    /// The attacks in their order, and what each is known to take: what is not known to be seen takes the whole budget.
    fn attacks(&self) -> Vec<(Attack, Duration)> {
        let control = self.engines.iter().map(|engine| ((None, *engine), self.budget.min(CONTROL)));
        let of_fault = |fault: &Fault| {
            let asked = self.engines.iter().filter(|engine| self.asks_for(*fault, **engine));
            asked.map(|engine| ((Some(*fault), *engine), self.cost(*fault, *engine))).collect::<Vec<_>>()
        };
        let asked = self.faults.iter().flat_map(of_fault);
        control.chain(asked).map(|(attack, cost)| (attack, cost + TO_BEGIN)).collect()
    }

    fn cost(&self, fault: Fault, engine: Engine) -> Duration {
        let seen = self.expected.kills.get(fault.name()).and_then(|engines| engines.get(engine.name()));
        seen.map_or(self.budget, |ms| Duration::from_millis(*ms).min(self.budget))
    }

    /// About how long it takes, without the build.
    pub(crate) fn takes(&self) -> Duration {
        self.attacks().iter().map(|(_, cost)| *cost).sum()
    }

    fn ahead(&self) -> Ahead {
        let ahead = Ahead::on(1, self.place);
        for (attack, cost) in self.attacks() {
            self.expect(&ahead, attack, cost);
        }
        ahead
    }

    /// The number of an attack among what is ahead. What it took with this budget is remembered: one that hangs takes longer than the budget.
    fn expect(&self, ahead: &Ahead, (fault, engine): Attack, cost: Duration) -> usize {
        let fault = fault.map_or("no fault", Fault::name);
        let name = format!("kill {} {engine} on {fault}", self.budget.as_secs());
        ahead.expect(name, Guess { ms: Some(cost.as_secs_f64() * 1e3), ..Guess::default() })
    }
}

/// An attack by an engine on a fault, or on none.
type Attack = (Option<Fault>, Engine);

/// What earlier runs saw, below the checkout.
pub(crate) const EXPECTED: &str = "docs/pinned/kill-expected.json";

/// Reads it.
pub(crate) fn expected(place: &Place) -> Result<Expected, Error> {
    let help = "run `bgcheck kill --bless` to write it anew, after deleting it";
    files::expected(&place.join(EXPECTED), help)
}

/// Runs the pairs.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<Kills, Error> {
    let program =
        if Seeded::AVAILABLE { myself()? } else { build(plan.place, INSIDE, plan.offline, output)? };
    let ahead = plan.ahead();
    let progress = output.progress_along("kill", ahead.track());
    let cell = |fault: Option<Fault>, engine: Engine, budget: Duration| KillCell {
        engine: engine.to_string(),
        kill: {
            let mut command = attacker(&program, engine, budget, plan.seed);
            command.args(fault.iter().flat_map(|fault| ["--only", fault.name()]));
            attack(command, engine, budget)
        },
    };
    let mut kills = Kills {
        commit: plan.place.commit(),
        command_line: plan.command_line.clone(),
        seed: plan.seed,
        budget_ms: millis(plan.budget),
        engines: plan.engines.iter().map(ToString::to_string).collect(),
        control: Vec::new(),
        rows: Vec::new(),
        lost: Vec::new(),
        stopped_by: None,
    };
    let over = |attack: Attack, began: Instant| {
        ahead.end_since(plan.expect(&ahead, attack, Duration::ZERO), 1, began);
    };
    for engine in plan.engines.iter().take_while(|_| !is_stopped()) {
        progress.tell(ahead.in_parts("attacks"), || format!("{engine} on no fault"));
        let began = Instant::now();
        kills.control.push(cell(None, *engine, plan.budget.min(CONTROL)));
        over((None, *engine), began);
    }
    for (done, fault) in plan.faults.iter().enumerate() {
        // An attack that a signal has ended is none, and what was seen before is worth a matrix.
        if is_stopped() {
            break;
        }
        let mut row = KillRow::of(*fault);
        for engine in plan.engines {
            progress.tell(ahead.in_parts("attacks"), || {
                format!("{engine} on {fault}, fault {} of {}", done + 1, plan.faults.len())
            });
            let unasked = |kill| KillCell { engine: engine.to_string(), kill };
            row.cells.push(if !engine.reaches(fault.place()) {
                unasked(Kill::OutOfReach)
            } else if plan.asks_for(*fault, *engine) {
                let began = Instant::now();
                let first = cell(Some(*fault), *engine, plan.budget);
                let missed = matches!(first.kill, Kill::NotSeen { .. }) && plan.is_due(*fault, *engine);
                let seen =
                    if missed { cell(Some(*fault), *engine, plan.budget * SECOND_LOOK) } else { first };
                if is_stopped() {
                    unasked(Kill::NotTried)
                } else {
                    over((Some(*fault), *engine), began);
                    seen
                }
            } else {
                unasked(Kill::NotTried)
            });
        }
        note(&progress, &row);
        kills.rows.push(row);
    }
    kills.stopped_by = signals::first();
    Ok(kills)
}

/// Prints the faults.
pub(crate) fn list(faults: &[Fault], reader: Reader, output: &mut Output) -> Result<ExitCode, Error> {
    if reader == Reader::Machine {
        let fault = |fault: &Fault| {
            json!({
                "fault": fault.name(),
                "rule": fault.rule().to_string(),
                "clause": fault.clause(),
                "what": fault.what(),
            })
        };
        let faults: Vec<Value> = faults.iter().map(fault).collect();
        output.json(&json!({ "version": 1, "faults": faults }))?;
        return Ok(ExitCode::Held);
    }
    for fault in faults {
        let clause = fault.clause().map_or(String::new(), |clause| format!(", clause {clause}"));
        output.text(&format!("{fault} ({}{clause}): {}", fault.rule(), fault.what()))?;
    }
    Ok(ExitCode::Held)
}

/// The child's side: one attack, and a line of JSON for it.
pub(crate) fn one(
    fault: Option<Fault>,
    engine: Engine,
    budget: Duration,
    seed: u64,
    output: &mut Output,
) -> Result<(), Error> {
    let progress = output.progress("kill");
    let attack =
        fault.map_or_else(|| format!("{engine} on no fault"), |fault| format!("{engine} on {fault}"));
    progress.tell(Work::timed(budget), || attack);
    let unwritable = |source| Error::Write { path: std::env::temp_dir(), source };
    let directory = tempfile::tempdir().map_err(unwritable)?;
    let corpus = if engine == Engine::Lockstep { committed_inputs() } else { Vec::new() };
    let plan = kill::Plan { fault, budget, seed, directory: directory.path(), corpus: &corpus };
    let Attacked { sign, runs, elapsed } = kill::attack(engine, &plan);
    let failed = matches!(sign, Some(Sign::Failed(_)));
    let by = sign.map(|sign| sign.to_string());
    let said = Said { by, failed, runs, time_ms: millis(elapsed) };
    drop(progress);
    let text = serde_json::to_string(&said).map_err(|error| Error::Stdout(error.into()))?;
    output.text(&text)
}

/// What the committed inputs of `lockstep` contain; none outside of a checkout.
fn committed_inputs() -> Vec<Vec<u8>> {
    let paths = fuzz::committed(Target::Lockstep, &Place::here());
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

fn note(progress: &Progress, row: &KillRow) {
    let seen = row.cells.iter().filter(|cell| matches!(cell.kill, Kill::Killed { .. }));
    let engines: Vec<&str> = seen.map(|cell| cell.engine.as_str()).collect();
    let by = if engines.is_empty() { "no engine".to_owned() } else { engines.join(", ") };
    progress.note(&format!("kill: {} seen by {by}", row.fault));
}

/// The command that attacks by this engine. What it attacks is not yet set.
pub(super) fn attacker(program: &Path, engine: Engine, budget: Duration, seed: u64) -> Command {
    let mut command = Command::new(program);
    command.args(["--quiet", "kill", "--attack", "--engine", engine.name()]);
    command.args(["--budget", &format!("{}s", budget.as_secs().max(1)), "--seed", &seed.to_string()]);
    worker::alone(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Runs it to its end, or until it is late.
pub(super) fn attack(mut command: Command, engine: Engine, budget: Duration) -> Kill {
    let started = Instant::now();
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Kill::Failed { why: error.to_string() },
    };
    let runs_are = engine.runs_are().to_owned();
    let killed = |by: String, time_ms, runs, runs_are| Kill::Killed { by, time_ms, runs, runs_are };
    match wait(child, budget + GRACE) {
        Ended::Late => killed("hang".to_owned(), millis(started.elapsed()), 0, runs_are),
        Ended::Stopped => Kill::NotTried,
        Ended::Refused => Kill::Failed { why: "it was asked for what it does not know".to_owned() },
        Ended::Said(text) => match serde_json::from_str::<Said>(text.trim()) {
            Ok(Said { failed: true, by, .. }) => Kill::Failed { why: by.unwrap_or_default() },
            Ok(Said { by: Some(by), time_ms, runs, .. }) => killed(by, time_ms, runs, runs_are),
            Ok(Said { by: None, time_ms, runs, .. }) => Kill::NotSeen { time_ms, runs, runs_are },
            // A process that dies prints no result, and that is what a fuzzer calls a crash.
            Err(_) => killed("crash".to_owned(), millis(started.elapsed()), 0, runs_are),
        },
    }
}

enum Ended {
    Said(String),
    /// It does not know the fault or the engine: it is not the build that it should be.
    Refused,
    Late,
    /// The run is stopped, and it with it.
    Stopped,
}

/// What a child ends with that does not understand its arguments.
const USAGE: i32 = ExitCode::Usage.code() as i32;

/// How often a child is looked at.
const BEAT: Duration = Duration::from_millis(2);

fn wait(mut child: Child, limit: Duration) -> Ended {
    let started = Instant::now();
    worker::group(child.id());
    let status = loop {
        // A line fits into the pipe, so a child that has printed it can end without a reader.
        match child.try_wait() {
            Ok(None) => {}
            ended => break ended.ok().flatten(),
        }
        if started.elapsed() >= limit || is_stopped() {
            // It may have ended by itself in between, which changes nothing: it was late.
            reaper::end_group(child.id(), reaper::How::AtOnce);
            let _ = child.kill();
            let _ = child.wait();
            worker::ended(child.id());
            return if is_stopped() { Ended::Stopped } else { Ended::Late };
        }
        worker::sign();
        std::thread::sleep(BEAT);
    };
    worker::ended(child.id());
    if status.and_then(|status| status.code()) == Some(USAGE) {
        return Ended::Refused;
    }
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut text);
    }
    Ended::Said(text)
}
