//! One mutant after another, each in front of one engine after another until one sees something.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use contract::defect::Place;
use properties::kill::Engine;
use reports::{Kill, KillCell, MutantFate};

use super::Attack;
use super::list::{Mutant, Room};
use super::usual::Usual;
use super::weave::{self, Number};
use crate::engines::kill::{attack, attacker};
use crate::error::Error;
use crate::output::Output;
use crate::progress::{Ahead, Cost, Guess, Progress, Work};
use crate::run::{cores, is_stopped, millis};

/// What the engines see of the unchanged engine.
pub(super) fn control(program: &Path, plan: &Attack<'_>, output: &Output) -> Vec<KillCell> {
    let progress = output.progress("kill");
    let of = plan.engines.len() as u64;
    let cell = |(engine, done): (&Engine, u64)| {
        progress.tell(Work::counted(done, of, "engines"), || format!("{engine} on the unchanged engine"));
        KillCell { engine: engine.to_string(), kill: look(program, Number(0), *engine, plan) }
    };
    plan.engines.iter().zip(0..).map(cell).collect()
}

/// Judges these, as many at once as there are cores, and hands over what becomes of each.
pub(super) fn all<'m>(
    program: &Path,
    mutants: &[(Number, &'m Mutant)],
    plan: &Attack<'_>,
    usual: &Usual,
    output: &Output,
    each: &mut dyn FnMut(&'m Mutant, MutantFate) -> Result<(), Error>,
) -> Result<(), Error> {
    let lanes = cores().clamp(1, mutants.len().max(1));
    let ahead = ahead(lanes, "kill", mutants, usual);
    let progress = output.progress_along("kill", ahead.track());
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                while let Some((number, mutant)) =
                    mutants.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !is_stopped())
                {
                    // After a result that could not be written there is no receiver, and no more to do.
                    if tell.send((*mutant, fate(program, *number, mutant, plan))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(tell);
        for (mutant, fate) in told {
            // What a stopped run has not judged to its end has no fate.
            if is_stopped() {
                continue;
            }
            note(&progress, mutant, &fate);
            end(&ahead, "kill", mutant, &fate);
            progress.tell(ahead.in_parts("mutants"), || format!("judged {}", mutant.id));
            each(mutant, fate)?;
        }
        Ok(())
    })
}

/// The mutants as parts of the work of this verb. One that was not judged before takes what those of its room took.
pub(super) fn ahead(lanes: usize, verb: &str, mutants: &[(Number, &Mutant)], usual: &Usual) -> Ahead {
    let ahead = Ahead::on(lanes, &crate::place::Place::here());
    for (_, mutant) in mutants {
        let ms = usual.of(mutant.room());
        ahead.expect(part(verb, mutant), Guess { amount: Some(1), ms, worth: 1 });
    }
    ahead
}

/// A mutant is judged.
pub(super) fn end(ahead: &Ahead, verb: &str, mutant: &Mutant, fate: &MutantFate) {
    let number = ahead.expect(part(verb, mutant), Guess::default());
    match fate {
        MutantFate::Survived { time_ms } | MutantFate::Noticed { time_ms, .. } => {
            ahead.end(number, Cost { amount: 1, ms: *time_ms, ..Cost::default() });
        }
        MutantFate::Failed { .. } | MutantFate::Unviable => ahead.leave(number, 1),
    }
}

fn part(verb: &str, mutant: &Mutant) -> String {
    format!("{verb} {}", mutant.id)
}

pub(super) fn note(progress: &Progress, mutant: &Mutant, fate: &MutantFate) {
    match fate {
        MutantFate::Survived { .. } => progress.note(&format!("kill: survives: {}", mutant.id)),
        MutantFate::Failed { why } => progress.note(&format!("kill: not judged: {}: {why}", mutant.id)),
        MutantFate::Noticed { .. } | MutantFate::Unviable => {}
    }
}

fn fate(program: &Path, number: Number, mutant: &Mutant, plan: &Attack<'_>) -> MutantFate {
    let started = Instant::now();
    for engine in plan.engines.iter().filter(|engine| reaches(**engine, mutant.room())) {
        let sign = match look(program, number, *engine, plan) {
            Kill::Killed { by, .. } => by,
            // It ran on the unchanged engine, and a night with an engine that could not run is not green.
            Kill::Failed { .. } => "no run".to_owned(),
            Kill::NotSeen { .. } | Kill::OutOfReach | Kill::NotTried => continue,
        };
        return MutantFate::Noticed { by: engine.to_string(), sign, time_ms: millis(started.elapsed()) };
    }
    MutantFate::Survived { time_ms: millis(started.elapsed()) }
}

/// Whether a room of the engine is in the subject of this engine at all.
fn reaches(engine: Engine, room: Room) -> bool {
    match room {
        Room::Core => engine.reaches(Place::Core),
        Room::Service => engine.reaches(Place::Service),
        Room::Transfer => engine.reaches(Place::Transfer),
        // Model and rules are part of each.
        Room::Spec | Room::Protocol | Room::Rules => true,
    }
}

/// A live run takes seconds where others take milliseconds, and an exploration shows the most by its number of states, which it has at its end.
fn budget(engine: Engine, plan: &Attack<'_>) -> Duration {
    match engine {
        Engine::Live | Engine::Check => plan.budget * 3,
        _ => plan.budget,
    }
}

/// One engine on one mutant. A busy machine may make an attack late, and its disk may be full for a moment: a hang and an engine that
/// cannot run have to be seen twice.
fn look(program: &Path, number: Number, engine: Engine, plan: &Attack<'_>) -> Kill {
    let once = || attack(command(program, number, engine, plan), engine, budget(engine, plan));
    match once() {
        Kill::Killed { by, .. } if by == "hang" => once(),
        Kill::Failed { .. } => once(),
        kill => kill,
    }
}

fn command(program: &Path, number: Number, engine: Engine, plan: &Attack<'_>) -> Command {
    let mut command = attacker(program, engine, budget(engine, plan), plan.seed);
    command.env(weave::VARIABLE, number.0.to_string());
    command
}
