//! L1 to L4 on the code: what the protocol owes comes in every fair run of the races that were held to it.
//!
//! **What it is.** A race that is complete has no fair run without an end, and at its end the protocol is at rest, too (`Trail::rests`). So each
//! fair run of the service is a fair run of the protocol. [`proved`] explores the protocol with all the calls of these races, and decides each
//! duty there; so the duty holds for the code in these races. A call that the protocol does not have returns by R16, which is judged at the end of
//! each run.
//!
//! **What it is not.** For races of two jobs: liveness takes slices of one (`model::protocol::check_live`).

use std::time::{Duration, Instant};

use contract::defect::Design;
use model::protocol::{Duty, Jobs, LiveProof, Slice, check_live};
use properties::race::{Scoped, Situation, ground, scoped, slices};
use reports::Finding;

use super::{Plan, Row, Turn};
use crate::watch::worker;

/// How each duty stands; nothing where no race of one job was held to the protocol.
pub(super) fn proved(plan: &Plan<'_>, turn: &Turn<'_>, rows: &[Row]) -> Vec<(Duty, Finding)> {
    let Turn { dialect, races, deadline, .. } = *turn;
    let held = races.iter().zip(rows).filter(|(_, row)| row.protocol.is_some());
    let alone: Vec<&Scoped> = held.map(|(scoped, _)| scoped).filter(|scoped| is_of_one_job(scoped)).collect();
    if alone.is_empty() {
        return Vec::new();
    }
    let standing = match rows.len() == races.len() && rows.iter().all(Row::is_sound) {
        false => Err("not every race was explored to its end, with nothing wrong".to_owned()),
        true => all(plan, &alone, deadline),
    };
    let all_of_scope = scoped(plan.scope, dialect).len();
    let scope = format!("{}, {} of {all_of_scope} races", plan.scope, alone.len());
    let finding = |duty: Duty| match &standing {
        Err(why) => Finding::NotDecidable { why: why.clone() },
        Ok(owed) if owed.contains(&duty) && alone.iter().any(|scoped| owes(duty, scoped.situation)) => {
            Finding::Proved { scope: scope.clone() }
        }
        Ok(_) => Finding::Vacuous,
    };
    Duty::ALL.iter().map(|duty| (*duty, finding(*duty))).collect()
}

/// Whether something is owed in the races of a situation. What the protocol owes beyond, the code is not seen to owe.
fn owes(duty: Duty, situation: Situation) -> bool {
    let errors_or_files = matches!(situation, Situation::Error | Situation::Files | Situation::TransferFails);
    match duty {
        Duty::TellsTransferred => !errors_or_files,
        Duty::TellsErrorsAndFiles => errors_or_files,
        Duty::Returns | Duty::MovesOn => true,
    }
}

fn is_of_one_job(scoped: &Scoped) -> bool {
    ground(&scoped.race).is_ok_and(|ground| ground.jobs == Jobs::One)
}

/// The duties that something is owed for in a run, where all are kept.
fn all(plan: &Plan<'_>, races: &[&Scoped], deadline: Option<Instant>) -> Result<Vec<Duty>, String> {
    let slices = slices(races.iter().map(|scoped| &scoped.race)).map_err(|beyond| beyond.to_string())?;
    let mut owed = Vec::new();
    for (profile, slice) in slices {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        for (duty, proof) in proofs(plan, &profile, &slice, left)? {
            match proof {
                LiveProof::Proved => owed.push(duty),
                LiveProof::Vacuous => {}
                LiveProof::Violated(_) => {
                    return Err(format!("the protocol breaks {duty} in {}", slice.describe()));
                }
                LiveProof::Unfinished => return Err("the protocol was not explored to its end".to_owned()),
            }
        }
    }
    Ok(owed)
}

fn proofs(
    plan: &Plan<'_>,
    profile: &contract::Profile,
    slice: &Slice,
    left: Option<Duration>,
) -> Result<Vec<(Duty, LiveProof)>, String> {
    worker::sign();
    let until = (left, Some(worker::stop()));
    // Trails are held to the barrier, whatever the service has in its place.
    let report = check_live(Design::Barrier, None, profile, slice, plan.threads, until);
    report.map(|report| report.proofs).map_err(|error| error.to_string())
}
