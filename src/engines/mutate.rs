//! Mutants of the model x engines: builds the workbench with the mutants inside, and lets it look at all of them in one process.
//!
//! A mutant may send the model astray, so the looking is a child's work, and it prints a line of JSON for each mutant.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use contract::mutation::Mutation;
use model::mutants::{Listed, all};
use reports::{ExitCode, Extent, Fate, MutantRow, Mutations};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::builds::{Inside, build, myself};
use super::lines::Running;
#[cfg(feature = "mutants")]
pub(crate) use super::looker::look_here;
#[cfg(not(feature = "mutants"))]
use super::mutants::Woven;
use crate::error::Error;
use crate::finish::Reader;
use crate::output::{Output, counted};
use crate::place::Place;
use crate::progress::{Ahead, Cost, Guess, Progress};
use crate::run::millis;
use crate::signals;
use crate::watch::worker;

/// What to run.
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    /// The mutants, in order.
    pub(crate) mutants: &'a [Listed],
    /// Names or beginnings of names, as they were typed; none for all.
    pub(crate) only: &'a [String],
    /// The engines, by name; none for all.
    pub(crate) engines: &'a [String],
    pub(crate) seed: u64,
    pub(crate) offline: bool,
    pub(crate) command_line: String,
}

/// The engines by name: the ordinary build has the names and not the engines.
pub(crate) const ENGINES: [&str; 9] =
    ["lockstep", "faults", "traces", "suites", "product", "protocol", "liveness", "refusals", "deadlines"];

const INSIDE: Inside = Inside { feature: "mutants", verb: "mutate", what: "mutants" };

/// A line that a child prints.
#[derive(Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "kebab-case")]
pub(crate) enum Said {
    /// This engine noticed something of the unchanged model.
    Wolf { engine: String, sign: String },
    /// None did, or it was reported: mutants follow.
    Ready,
    /// What became of a mutant.
    Row { row: MutantRow },
}

/// Lets every engine look at every mutant, each mutant until one engine notices it.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<Mutations, Error> {
    let looker =
        if Mutation::AVAILABLE { myself()? } else { build(plan.place, INSIDE, plan.offline, output)? };
    let ahead = Ahead::on(crate::run::cores().clamp(1, THREADS), plan.place);
    for listed in plan.mutants {
        ahead.expect(part(&listed.name), Guess::default());
    }
    let progress = output.progress_along("mutate", ahead.track());
    let started = Instant::now();
    let (wolves, mut rows) = look(&looker, plan, &ahead, &progress)?;
    let place = |row: &MutantRow| plan.mutants.iter().position(|listed| listed.name == row.name);
    rows.sort_by_key(place);
    let extent = if plan.engines.is_empty() { Extent::EveryEngine } else { Extent::SomeEngines };
    let asked =
        |engine: &&&str| plan.engines.is_empty() || plan.engines.iter().any(|asked| asked == **engine);
    Ok(Mutations {
        commit: plan.place.commit(),
        command_line: plan.command_line.clone(),
        seed: plan.seed,
        engines: ENGINES.iter().filter(asked).map(|engine| (*engine).to_owned()).collect(),
        extent,
        wolves,
        rows,
        time_ms: millis(started.elapsed()),
        stopped_by: signals::first(),
    })
}

/// Runs the child to its end.
fn look(
    looker: &Path,
    plan: &Plan<'_>,
    ahead: &Ahead,
    progress: &Progress,
) -> Result<(Vec<String>, Vec<MutantRow>), Error> {
    let mut command = Command::new(looker);
    command.args(["--quiet", "mutate", "--attack", "--seed", &plan.seed.to_string()]);
    command.args(plan.only.iter().flat_map(|only| ["--only", only]));
    command.args(plan.engines.iter().flat_map(|engine| ["--engine", engine]));
    let mut child = Child::of(command)?;
    let (mut wolves, mut rows) = (Vec::new(), Vec::new());
    loop {
        let survivors =
            rows.iter().filter(|row: &&MutantRow| matches!(row.fate, Fate::Survived { .. })).count();
        progress.tell(ahead.in_parts("mutants"), || counted(survivors as u64, "survivor"));
        match child.next(Duration::MAX)? {
            Heard::Said(Said::Wolf { engine, sign }) => {
                progress.note(&format!("mutate: {engine} notices of the unchanged model: {sign}"));
                wolves.push(engine);
            }
            Heard::Said(Said::Ready) => {}
            Heard::Said(Said::Row { row }) => {
                if matches!(row.fate, Fate::Survived { .. }) {
                    progress.note(&format!("mutate: {} survives", row.name));
                }
                let number = ahead.expect(part(&row.name), Guess::default());
                match row.fate {
                    Fate::Noticed { time_ms, .. } | Fate::Survived { time_ms, .. } => {
                        ahead.end(number, Cost { amount: 1, ms: time_ms, ..Cost::default() });
                    }
                    Fate::OutOfReach => ahead.leave(number, 1),
                }
                rows.push(row);
            }
            Heard::Silent | Heard::Ended => break,
        }
    }
    if crate::run::is_stopped() {
        progress.note(&format!("mutate: stopped after {} of {} mutants", rows.len(), plan.mutants.len()));
        return Ok((wolves, rows));
    }
    if rows.len() == plan.mutants.len() {
        Ok((wolves, rows))
    } else {
        Err(failed(format!("it ended after {} of {} mutants", rows.len(), plan.mutants.len())))
    }
}

/// Threads of a child at most.
pub(super) const THREADS: usize = 8;

/// A mutant as a part of the work.
fn part(name: &str) -> String {
    format!("mutate {name}")
}

fn failed(why: String) -> Error {
    Error::Program { program: "bgcheck mutate --attack".to_owned(), why }
}

/// A child that looks, and its lines.
pub(super) struct Child {
    // It is ended with this.
    _running: Running,
    lines: Receiver<String>,
}

/// What came of listening to a child.
pub(super) enum Heard {
    Said(Said),
    /// Nothing for as long as it was waited.
    Silent,
    /// It has ended, or this run is to end.
    Ended,
}

/// How often it is looked whether the run is stopped.
const BEAT: Duration = Duration::from_millis(100);

impl Child {
    pub(super) fn of(mut command: Command) -> Result<Child, Error> {
        worker::alone(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut running = Running(command.spawn().map_err(|error| failed(error.to_string()))?);
        worker::group(running.0.id());
        let Some(stdout) = running.0.stdout.take() else { return Err(failed("it has no stdout".to_owned())) };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            // When the receiver is gone, the child is not wanted any more.
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Ok(Child { _running: running, lines })
    }

    pub(super) fn next(&mut self, patience: Duration) -> Result<Heard, Error> {
        let started = Instant::now();
        loop {
            match self.lines.recv_timeout(BEAT) {
                Ok(line) => {
                    let said =
                        serde_json::from_str(&line).map_err(|error| failed(format!("{error}: {line}")))?;
                    return Ok(Heard::Said(said));
                }
                Err(RecvTimeoutError::Timeout) if !crate::run::is_stopped() => worker::sign(),
                Err(_) => return Ok(Heard::Ended),
            }
            if started.elapsed() > patience {
                return Ok(Heard::Silent);
            }
        }
    }
}

/// Prints the mutants.
pub(crate) fn list(mutants: &[Listed], reader: Reader, output: &mut Output) -> Result<ExitCode, Error> {
    if reader == Reader::Machine {
        let mutant = |listed: &Listed| json!({ "name": listed.name, "what": listed.what });
        let mutants: Vec<Value> = mutants.iter().map(mutant).collect();
        output.json(&json!({ "version": 1, "mutants": mutants }))?;
        return Ok(ExitCode::Held);
    }
    let lines: Vec<String> =
        mutants.iter().map(|listed| format!("{}: {}", listed.name, listed.what)).collect();
    output.text(&lines.join("\n"))?;
    Ok(ExitCode::Held)
}

/// The mutants of these names, or whose names begin so.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<Listed>, Error> {
    let all = all();
    let is_of = |listed: &Listed, name: &String| {
        listed.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(name) = only.iter().find(|name| !all.iter().any(|listed| is_of(listed, name))) {
        let what = format!("there is no mutant {name:?}");
        return Err(Error::usage(what, "see `bgcheck mutate --list` for all of them"));
    }
    let asked = |listed: &Listed| only.is_empty() || only.iter().any(|name| is_of(listed, name));
    Ok(all.into_iter().filter(asked).collect())
}

/// The child's side of a build that has no mutants: the parent does not call it.
#[cfg(not(feature = "mutants"))]
pub(crate) fn look_here(
    _mutants: &[Listed],
    _woven: &[Woven],
    _engines: &[String],
    _seed: u64,
    _output: &mut Output,
) -> Result<(), Error> {
    Err(Error::usage("this build has no mutants inside", "leave `--attack` out"))
}
