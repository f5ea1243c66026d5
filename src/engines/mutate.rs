//! Mutants of the model x engines: builds the workbench with the mutants inside, and lets it look at all of them in one process.
//!
//! A mutant may send the model astray, so the looking is a child's work, and what it says is a line of JSON for each mutant.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use contract::mutation::Mutation;
use model::mutants::Listed;
use reports::{Extent, Fate, MutantRow, Mutations};
use serde::{Deserialize, Serialize};

use super::builds::{Inside, build, myself};
use super::lines::Running;
#[cfg(feature = "mutants")]
pub(crate) use super::looker::look_here;
use crate::error::Error;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Progress;
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

/// What a child says.
#[derive(Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "kebab-case")]
pub(crate) enum Said {
    /// This engine noticed something of the model as it is.
    Wolf { engine: String, sign: String },
    /// What became of a mutant.
    Row { row: MutantRow },
}

/// Lets every engine look at every mutant, each mutant until somebody notices.
pub(crate) fn run(plan: &Plan<'_>, output: &Output) -> Result<Mutations, Error> {
    let looker =
        if Mutation::AVAILABLE { myself()? } else { build(plan.place, INSIDE, plan.offline, output)? };
    let progress = output.progress("mutate");
    let started = Instant::now();
    let (wolves, mut rows) = look(&looker, plan, &progress)?;
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

/// How often it is looked whether the run is stopped.
const BEAT: Duration = Duration::from_millis(100);

/// Runs the child to its end.
fn look(looker: &Path, plan: &Plan<'_>, progress: &Progress) -> Result<(Vec<String>, Vec<MutantRow>), Error> {
    let failed = |why: String| Error::Program { program: "bgcheck mutate --attack".to_owned(), why };
    let mut command = Command::new(looker);
    command.args(["--quiet", "mutate", "--attack", "--seed", &plan.seed.to_string()]);
    command.args(plan.only.iter().flat_map(|only| ["--only", only]));
    command.args(plan.engines.iter().flat_map(|engine| ["--engine", engine]));
    worker::alone(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Running(command.spawn().map_err(|error| failed(error.to_string()))?);
    worker::group(child.0.id());
    let Some(stdout) = child.0.stdout.take() else { return Err(failed("it says nothing".to_owned())) };
    let (mut wolves, mut rows) = (Vec::new(), Vec::new());
    let (send, said) = channel();
    std::thread::spawn(move || {
        // Who does not listen any more has stopped.
        BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    loop {
        let line = match said.recv_timeout(BEAT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) if crate::run::is_stopped() => break,
            Err(RecvTimeoutError::Timeout) => {
                worker::sign();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match serde_json::from_str::<Said>(&line) {
            Ok(Said::Wolf { engine, sign }) => {
                progress.note(&format!("mutate: {engine} notices of the model as it is: {sign}"));
                wolves.push(engine);
            }
            Ok(Said::Row { row }) => {
                if matches!(row.fate, Fate::Survived { .. }) {
                    progress.note(&format!("mutate: {} survives", row.name));
                }
                rows.push(row);
            }
            Err(error) => return Err(failed(format!("{error}: {line}"))),
        }
        progress.tell(|| format!("{} of {} mutants", rows.len(), plan.mutants.len()));
        if crate::run::is_stopped() {
            break;
        }
    }
    if crate::run::is_stopped() {
        progress.note(&format!("mutate: stopped after {} of {} mutants", rows.len(), plan.mutants.len()));
        return Ok((wolves, rows));
    }
    let ended = child.0.wait().map_err(|error| failed(error.to_string()))?;
    if ended.success() && rows.len() == plan.mutants.len() {
        Ok((wolves, rows))
    } else {
        Err(failed(format!("it ended after {} of {} mutants", rows.len(), plan.mutants.len())))
    }
}

/// The child's side of a build that has no mutants: the parent does not call it.
#[cfg(not(feature = "mutants"))]
pub(crate) fn look_here(
    _mutants: &[Listed],
    _engines: &[String],
    _seed: u64,
    _output: &mut Output,
) -> Result<(), Error> {
    Err(Error::usage("this build has no mutants inside", "leave `--attack` out"))
}
