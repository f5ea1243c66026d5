//! A run to show: as it was recorded, or run again.

use std::path::Path;

use judge::trace::HeaderFinding;
use judge::{Header, RuleSet, Trace};
use properties::difference::Difference;
use properties::minimize::races::Scheduled;
use properties::minimize::{Case, CoreName};
use properties::program::Program;
use properties::race;
use properties::run::{Broken, from_trace};
use properties::translate::{calls_of, translated};

use crate::cli::CoreChoice;
use crate::error::Error;
use crate::input::Given;
use crate::output::counted;

/// A run to show.
pub(super) struct Played {
    pub(super) trace: Trace,
    /// The program, when it was run here.
    pub(super) program: Option<String>,
    /// What specification and core disagree about, or which call waits too long: no trace has it.
    pub(super) broken: Option<String>,
    /// What it was written down for, when it is shown as it was recorded.
    pub(super) finding: Option<HeaderFinding>,
    /// Where specification and core part.
    pub(super) difference: Option<Difference>,
    /// Of a run of another subject that was translated: the calls that were made, and those that it has.
    pub(super) made: Option<(usize, usize)>,
}

pub(super) fn played(path: &Path, given: Given, subject: Option<CoreChoice>) -> Result<Played, Error> {
    match (given, subject) {
        (Given::Trace(mut trace), None) => {
            let finding = trace.header.finding.take();
            Ok(Played { trace, program: None, broken: None, difference: None, finding, made: None })
        }
        (Given::Trace(trace), Some(subject)) => again(path, &trace, subject),
        (Given::Program(core, program), subject) => {
            Ok(of_program(&program, subject.map_or(core, CoreName::from)))
        }
        (Given::Race(scheduled), _) => Ok(of_race(&scheduled)),
        (Given::Text(_), _) => {
            Err(Error::usage("a text for the parser is no run", "leave `--target trace` out"))
        }
    }
}

/// The run of a file as a trace: as it was recorded, or run now.
pub(crate) fn trace_of(given: Given) -> Result<Trace, Error> {
    match given {
        Given::Trace(trace) => Ok(trace),
        Given::Program(core, program) => Ok(of_program(&program, core).trace),
        Given::Race(scheduled) => Ok(of_race(&scheduled).trace),
        Given::Text(_) => Err(Error::usage("a text for the parser is no run", "name a trace in JSON Lines")),
    }
}

fn of_race(Scheduled { race, schedule }: &Scheduled) -> Played {
    let trace = race::trace(race, schedule, None);
    let broken = beside(race, schedule);
    Played { trace, program: Some(race.to_string()), broken, difference: None, finding: None, made: None }
}

/// What stands in no event of the race: what it saw besides, and L3, as far as a run shows it.
fn beside(race: &race::Race, schedule: &[u8]) -> Option<String> {
    let run = race::run(race, schedule);
    if let Some(seen) = &run.seen {
        return Some(format!("{}: {seen}", seen.rule()));
    }
    let times = run.overwaits;
    (times > 0).then(|| {
        let calls = counted(times, "call");
        format!("L3: {calls} waited on for a later callback, although the one that was waited for had left")
    })
}

/// Runs the program of a trace again; a race on the service, step by step as it was.
fn again(path: &Path, trace: &Trace, subject: CoreChoice) -> Result<Played, Error> {
    let no_program = |why: String| Error::NotAProgram { path: path.to_owned(), why };
    if trace.header.subject == race::SUBJECT {
        let again = race::replay(trace).map_err(|error| no_program(error.to_string()))?;
        let (race, schedule) = race::from_trace(trace).map_err(|error| no_program(error.to_string()))?;
        let broken = beside(&race, &schedule);
        let program = Some(race.to_string());
        return Ok(Played { trace: again, program, broken, difference: None, finding: None, made: None });
    }
    let translation = translated(trace).map_err(|error| no_program(error.to_string()))?;
    let is_translated = translation.is_some();
    let program = match translation {
        Some(program) => program,
        None => from_trace(trace).map_err(|error| no_program(error.to_string()))?,
    };
    if program.steps.is_empty() {
        return Err(no_program("it has no call".to_owned()));
    }
    let mut played = of_program(&program, subject.into());
    let Header { engine, seed, .. } = &trace.header;
    (played.trace.header.engine, played.trace.header.seed) = (engine.clone(), *seed);
    played.made = is_translated.then(|| (calls_of(&played.trace), calls_of(trace)));
    Ok(played)
}

fn of_program(program: &Program, core: CoreName) -> Played {
    let case = Case::Stepped(core, program.clone());
    let mut trace = case.trace();
    "replay".clone_into(&mut trace.header.engine);
    let broken = core.run(program).broken;
    let difference = match broken {
        Some(Broken::Agreement(_)) => case.failure(RuleSet::ALL).and_then(|failed| failed.difference),
        _ => None,
    };
    let broken = match &difference {
        Some(difference) => Some(format!("{}: {}", difference.id(), difference.line())),
        None => broken.map(|broken| broken.to_string()),
    };
    Played { trace, program: Some(program.to_string()), broken, difference, finding: None, made: None }
}
