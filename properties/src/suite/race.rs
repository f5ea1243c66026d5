//! A suite on the engine's real service, led along each path in the race runtime ([`crate::race::follow`]).
//!
//! A file passes when the service can be led along its whole path, when everything that clients see and every change of state comes
//! as the file has it, and when no rule is broken. A path of two jobs is not led: which of them the service serves is its own choice.

use contract::judge::trace::{Kind, Line};
use contract::judge::{Header, Trace};
use contract::{JobId, Out};

use super::recorded::broken_rule;
use super::{Case, Failed, Outcome, slice_of, steps_of};
use crate::race::{Design, follow};
use crate::tape;

/// What became of a file on the service, with this design in the place of the barrier.
pub fn on_race(case: &Case, design: Design) -> Outcome {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Outcome::NotRunnable(format!("there is no slice {:?} any more", header.scope));
    };
    if slice.jobs > 1 {
        return Outcome::NotRunnable("of several jobs the service chooses itself which it serves".to_owned());
    }
    let path = match steps_of(&case.trace) {
        Ok(path) => path,
        Err(error) => return Outcome::NotRunnable(error.to_string()),
    };
    let followed = follow(&slice.config(&header.profile()), design, &path);
    let header = Header { subject: "service, led".to_owned(), ..header.clone() };
    let trace = Trace { header, lines: followed.lines };
    if let Some((rule, what)) = broken_rule(&trace) {
        return Outcome::Failed(Box::new(Failed { trace, rule: Some(rule), what }));
    }
    let stuck = followed.stuck.map(|(number, why)| {
        let stimulus = path.get(number).map(tape::describe).unwrap_or_default();
        format!("step {}, {stimulus}: {why}", number + 1)
    });
    let differs = differs(&sorted(seen(&case.trace.lines)), &sorted(seen(&trace.lines)));
    match (stuck, differs) {
        (None, None) => Outcome::Passed,
        // What differs is the cause, and where it gets stuck often only follows from it.
        (stuck, differs) => {
            let what = stuck.into_iter().chain(differs).collect::<Vec<_>>().join("; ");
            Outcome::Failed(Box::new(Failed { trace, rule: None, what }))
        }
    }
}

/// What is seen from outside, in words, without numbers of calls, deliveries and threads.
fn seen(lines: &[Line]) -> Vec<String> {
    let mut calls = std::collections::BTreeMap::new();
    let mut seen = Vec::new();
    for line in lines {
        match &line.what {
            Kind::Call(line) => {
                calls.insert(line.id, line.call.to_string());
                seen.push(format!("{}: {}", on(line.job), line.call));
            }
            Kind::Return(line) => {
                let call = calls.remove(&line.call).unwrap_or_default();
                let out = if is_counted_otherwise(&line.out) { &Out::None } else { &line.out };
                seen.push(format!("{}: {call}{ANSWERS}{} {out:?}", on(line.job), line.hr));
            }
            Kind::Enter(line) => {
                seen.push(format!("{}: {} enters at {:?}", line.job, line.event, line.receiver));
            }
            Kind::Leave(line) => seen.push(format!("a delivery leaves with {:?}", line.outcome)),
            Kind::State(line) => {
                let from = line.from.map_or_else(|| "nowhere".to_owned(), |from| from.to_string());
                seen.push(format!("{}{MOVES}{from} to {}", line.job, line.to));
            }
            _ => {}
        }
    }
    seen
}

/// Calls that are let go at the same moment return in any order, before or after what the call that let them go does to the state.
fn sorted(mut seen: Vec<String>) -> Vec<String> {
    let moves = |line: &String| line.contains(ANSWERS) || line.contains(MOVES);
    for together in seen.chunk_by_mut(|one, next| moves(one) && moves(next)) {
        together.sort_by_key(|line| if line.contains(ANSWERS) { Some(line.clone()) } else { None });
    }
    seen
}

/// What a line has that is an answer, and one that is a change of state.
const ANSWERS: &str = " answers ";
const MOVES: &str = " moves from ";

fn on(job: Option<JobId>) -> String {
    job.map_or_else(|| "no job".to_owned(), |job| job.to_string())
}

/// The service counts bytes in thousands where a path has single ones, and has a clock of its own.
fn is_counted_otherwise(out: &Out) -> bool {
    matches!(out, Out::Progress(_) | Out::FileProgress(_) | Out::Times(_))
}

fn differs(wanted: &[String], said: &[String]) -> Option<String> {
    let at = (0..wanted.len().max(said.len())).find(|at| wanted.get(*at) != said.get(*at))?;
    let word = |line: Option<&String>| line.map_or("nothing", String::as_str).to_owned();
    Some(format!("{}; and in the suite {}", word(said.get(at)), word(wanted.get(at))))
}
