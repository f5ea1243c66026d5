//! The child's side of [`mutate`](super::mutate): every mutant until an engine notices it, on as many threads as there are cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use model::mutants::Listed;
use properties::mutate::{Bench, Engine};
use reports::{Fate, MutantRow};

use super::mutate::Said;
use crate::error::Error;
use crate::output::Output;
use crate::run::millis;

/// The child's side.
pub(crate) fn look_here(
    mutants: &[Listed],
    engines: &[String],
    seed: u64,
    output: &mut Output,
) -> Result<(), Error> {
    let asked = |engine: &&Engine| engines.is_empty() || engines.iter().any(|name| name == engine.name());
    let engines: Vec<Engine> = Engine::ALL.iter().filter(asked).copied().collect();
    let bench = Bench::new(seed);
    let used = |engine: &&Engine| mutants.iter().any(|listed| engine.reaches(listed));
    for engine in engines.iter().filter(used) {
        if let Some(sign) = bench.attack(*engine, None).sign {
            say(&Said::Wolf { engine: engine.to_string(), sign }, output)?;
        }
    }
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..crate::run::cores().clamp(1, 8) {
            let (tell, next, bench, engines) = (tell.clone(), &next, &bench, &engines);
            scope.spawn(move || {
                while let Some(listed) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody listens any more when a line could not be written.
                    let _ = tell.send(row(bench, engines, listed));
                }
            });
        }
        drop(tell);
        told.iter().try_for_each(|row| say(&Said::Row { row }, output))
    })
}

fn row(bench: &Bench, engines: &[Engine], listed: &Listed) -> MutantRow {
    let mut looked = Duration::ZERO;
    let mut fate = Fate::OutOfReach;
    for engine in engines.iter().filter(|engine| engine.reaches(listed)) {
        let seen = bench.attack(*engine, Some(listed.mutant));
        looked += seen.elapsed;
        let time_ms = millis(looked);
        if let Some(sign) = seen.sign {
            fate = Fate::Noticed { by: engine.to_string(), sign, time_ms };
            break;
        }
        fate = Fate::Survived { time_ms, same_states: None };
    }
    if let Fate::Survived { same_states, .. } = &mut fate {
        *same_states = Bench::same_as_the_model(listed);
    }
    MutantRow { name: listed.name.clone(), what: listed.what.clone(), fate, survivor: None }
}

fn say(said: &Said, output: &mut Output) -> Result<(), Error> {
    let text = serde_json::to_string(said).map_err(|error| Error::Stdout(error.into()))?;
    output.text(&text)
}
