//! The parts of a run by their names: what each took before, how far it is, and what it takes now.
//!
//! **What it is.** A [`Course`] whose parts are remembered from run to run ([`Took`]). What a part took in an earlier run is the best that is
//! known of it; then a guess, from what is committed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::course::{Course, Known};
use super::{Cost, Took, Track, Work};
use crate::place::Place;
use crate::run::millis;

/// What is known of a part that was not measured yet: its amount, and what it takes, in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Guess {
    pub(crate) amount: Option<u64>,
    pub(crate) ms: Option<f64>,
    /// As many measured runs are worth as much as the guess; with 0 one is worth more.
    pub(crate) worth: u32,
}

/// The parts of a run, and how far they are together.
pub(crate) struct Ahead {
    track: Track,
    parts: Mutex<Parts>,
}

struct Parts {
    took: Took,
    course: Course,
    /// In the order of the course: a name that has everything that the size of the part depends on.
    names: Vec<String>,
    /// What was learned and is not written down.
    learned: Vec<(String, Cost)>,
    /// The budget of what is under way, counted from the beginning of all.
    budget: Option<Duration>,
}

impl Ahead {
    /// Nothing yet, to be done on this number of lanes at once.
    pub(crate) fn on(lanes: usize, place: &Place) -> Ahead {
        let (course, took) = (Course::on(lanes), Took::of(place));
        let parts = Parts { took, course, names: Vec::new(), learned: Vec::new(), budget: None };
        Ahead { track: Track::new(), parts: Mutex::new(parts) }
    }

    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// From now on it goes on for so long at most.
    pub(crate) fn bound(&self, budget: Option<Duration>) {
        self.parts().budget = budget.map(|budget| self.track.elapsed() + budget);
    }

    /// One more part, unless it is known already. Gives its number.
    pub(crate) fn expect(&self, name: String, guess: Guess) -> usize {
        let mut parts = self.parts();
        if let Some(number) = parts.names.iter().position(|known| *known == name) {
            return number;
        }
        let before = parts.took.known(&name);
        let amount = before.map(|before| before.amount).or(guess.amount);
        let measured = before.map(|before| (before.ms as f64, before.runs));
        parts.names.push(name);
        parts.course.expect(amount, Known { guess: guess.ms, worth: guess.worth, measured })
    }

    /// What is expected from here on begins when all before is done.
    pub(crate) fn next_stage(&self) {
        self.parts().course.next_stage();
    }

    /// What the part of this name took in an earlier run.
    pub(crate) fn before(&self, name: &str) -> Option<Cost> {
        self.parts().took.known(name)
    }

    /// A part has so much, as is seen when it begins.
    pub(crate) fn has(&self, number: usize, amount: u64) {
        self.parts().course.has(number, amount);
    }

    /// A part has come so far.
    pub(crate) fn reach(&self, number: usize, done: u64) {
        self.parts().course.reach(number, done);
    }

    /// A part has come to its end, and is remembered.
    pub(crate) fn end(&self, number: usize, cost: Cost) {
        let mut parts = self.parts();
        parts.course.end(number, cost.amount);
        if let Some(name) = parts.names.get(number).cloned() {
            parts.learned.push((name, cost));
        }
    }

    /// A part is over that began then.
    pub(crate) fn end_since(&self, number: usize, amount: u64, began: Instant) {
        self.end(number, Cost { amount, ms: millis(began.elapsed()), ..Cost::default() });
    }

    /// A part that was not begun will not be.
    pub(crate) fn skip(&self, number: usize) {
        self.parts().course.skip(number);
    }

    /// A part is over without having come to its end.
    pub(crate) fn leave(&self, number: usize, amount: u64) {
        self.parts().course.end(number, amount);
    }

    /// How much is done, in parts.
    pub(crate) fn in_parts(&self, unit: &'static str) -> Work {
        let parts = self.parts();
        parts.course.parts(unit).within(parts.budget)
    }

    /// How much is done, in what parts have; in parts where that is not known of each.
    pub(crate) fn in_amounts(&self, unit: &'static str, parts: &'static str) -> Work {
        let of = self.parts();
        of.course.amounts(unit).unwrap_or_else(|| of.course.parts(parts)).within(of.budget)
    }

    /// Writes down what was learned, for the next run.
    pub(crate) fn remember(&self) {
        let mut parts = self.parts();
        let learned = std::mem::take(&mut parts.learned);
        if !learned.is_empty() {
            parts.took.learn(learned);
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.remember();
    }
}
