//! The child's side of [`mutate`](super::mutate): every mutant until an engine notices it, on as many threads as there are cores; those of
//! the source one after another, because such a one runs in the whole process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use model::mutants::{Listed, Reach};
use properties::mutate::{Bench, Change, Engine};
use reports::{Fate, MutantRow};

use super::mutants::Woven;
use super::mutate::Said;
use crate::error::Error;
use crate::output::Output;
use crate::run::millis;

/// The child's side: mutants of the source when there are any, else those of the tables.
pub(crate) fn look_here(
    mutants: &[Listed],
    woven: &[Woven],
    engines: &[String],
    seed: u64,
    output: &mut Output,
) -> Result<(), Error> {
    let asked = |engine: &&Engine| engines.is_empty() || engines.iter().any(|name| name == engine.name());
    let engines: Vec<Engine> = Engine::ALL.iter().filter(asked).copied().collect();
    let bench = Bench::new(seed);
    if woven.is_empty() {
        control(&bench, &engines, &mut mutants.iter().map(|listed| listed.reach), output)?;
        return tables(&bench, &engines, mutants, output);
    }
    control(&bench, &engines, &mut woven.iter().map(|woven| woven.reach), output)?;
    woven.iter().try_for_each(|woven| {
        let fate = fate(&bench, &engines, woven.reach, Change::Source(woven.number));
        let row = MutantRow { name: woven.number.to_string(), what: String::new(), fate, survivor: None };
        say(&Said::Row { row }, output)
    })
}

/// Reports what the engines notice of the unchanged model.
fn control(
    bench: &Bench,
    engines: &[Engine],
    reaches: &mut dyn Iterator<Item = Reach>,
    output: &mut Output,
) -> Result<(), Error> {
    let reaches: Vec<Reach> = reaches.collect();
    let used = |engine: &&Engine| reaches.iter().any(|reach| engine.reaches(*reach));
    for engine in engines.iter().filter(used) {
        if let Some(sign) = bench.attack(*engine, Change::None).sign {
            say(&Said::Wolf { engine: engine.to_string(), sign }, output)?;
        }
    }
    say(&Said::Ready, output)
}

fn tables(bench: &Bench, engines: &[Engine], mutants: &[Listed], output: &mut Output) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..crate::run::cores().clamp(1, super::mutate::THREADS) {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                while let Some(listed) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // There is no receiver any more when a line could not be written.
                    let _ = tell.send(row(bench, engines, listed));
                }
            });
        }
        drop(tell);
        told.iter().try_for_each(|row| say(&Said::Row { row }, output))
    })
}

fn row(bench: &Bench, engines: &[Engine], listed: &Listed) -> MutantRow {
    let mut fate = fate(bench, engines, listed.reach, Change::Table(listed.mutant));
    if let Fate::Survived { same_states, .. } = &mut fate {
        *same_states = Bench::same_as_the_model(listed);
    }
    MutantRow { name: listed.name.clone(), what: listed.what.clone(), fate, survivor: None }
}

fn fate(bench: &Bench, engines: &[Engine], reach: Reach, change: Change) -> Fate {
    let mut looked = Duration::ZERO;
    let mut fate = Fate::OutOfReach;
    for engine in engines.iter().filter(|engine| engine.reaches(reach)) {
        let seen = bench.attack(*engine, change);
        looked += seen.elapsed;
        let time_ms = millis(looked);
        if let Some(sign) = seen.sign {
            return Fate::Noticed { by: engine.to_string(), sign, time_ms };
        }
        fate = Fate::Survived { time_ms, same_states: None };
    }
    fate
}

fn say(said: &Said, output: &mut Output) -> Result<(), Error> {
    let text = serde_json::to_string(said).map_err(|error| Error::Stdout(error.into()))?;
    output.text(&text)
}
