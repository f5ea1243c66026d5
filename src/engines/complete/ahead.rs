//! How far the races of a scope are, which differ 100-fold in what they take.

use contract::Dialect;
use properties::pins;
use properties::race::{Scoped, States};

use super::{Plan, Row};
use crate::place::Place;
use crate::progress::{Ahead, Cost, Guess};

/// Steps along schedules in a millisecond, and how many of them are as costly as one run of the service (`docs/performance.md`).
const STEPS_OF_A_MS: f64 = 1_000.0;
const STEPS_OF_A_RUN: u64 = 40;

/// What is ahead of a run.
pub(super) fn of(plan: &Plan<'_>, races: &[(Dialect, Vec<Scoped>)]) -> Ahead {
    let ahead = Ahead::on(plan.threads, &Place::here());
    for (dialect, races) in races {
        let scope = format!("race {} ({dialect})", plan.scope);
        for (scoped, nth) in races.iter().zip(1..) {
            let average = pins::race(&scope, &scoped.situation.to_string());
            let guess = average.map_or(Guess::default(), |pins::RaceSize { steps, runs }| Guess {
                amount: Some(runs),
                ms: Some((steps + STEPS_OF_A_RUN * runs) as f64 / STEPS_OF_A_MS),
                worth: 0,
            });
            ahead.expect(name(plan, (*dialect, nth), scoped), guess);
        }
        ahead.next_stage();
    }
    ahead.bound(plan.budget);
    ahead
}

/// A race is explored, to its end or as far as this run takes it.
pub(super) fn end(ahead: &Ahead, number: usize, row: &Row) {
    match row.complete {
        true => {
            let cost = Cost { amount: row.schedules, ms: row.time_ms, states: row.states, ..Cost::default() };
            ahead.end(number, cost);
        }
        false => ahead.leave(number, row.schedules),
    }
}

/// A race by everything that its size depends on.
fn name(plan: &Plan<'_>, (dialect, nth): (Dialect, u32), scoped: &Scoped) -> String {
    let states = if plan.states == States::Hashed { "" } else { ", states kept" };
    let fault = plan.fault.map(|fault| format!(", {fault}")).unwrap_or_default();
    let (scope, design, refine) = (plan.scope, plan.design, plan.refine);
    format!("race {scope} ({dialect}) {nth}, {}, {design}, refine {refine:?}{states}{fault}", scoped.name)
}
