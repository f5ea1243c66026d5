//! How far the suites of a run are: each is a part, whose amount is the steps of its files.

use std::time::{Duration, Instant};

use properties::suite::Suite;

use crate::place::Place;
use crate::progress::{Ahead, Guess, Work};
use crate::run::is_stopped;

/// The suites of a run, and which subject runs each.
pub(crate) struct Suites {
    pub(super) ahead: Ahead,
    /// Those that are not begun when so much time is over.
    in_time: Vec<usize>,
    budget: Duration,
}

impl Suites {
    pub(crate) fn none() -> Suites {
        Suites { ahead: Ahead::on(1, &Place::here()), in_time: Vec::new(), budget: Duration::MAX }
    }

    /// The suites of several subjects, of each the first whatever the time, and the others if they begin within the budget.
    pub(super) fn within<'a>(
        budget: Duration,
        subjects: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>,
    ) -> Suites {
        let mut suites = Suites { budget, ..Suites::none() };
        let mut spent = Duration::ZERO;
        for (subject, names) in subjects {
            for (name, nth) in names.into_iter().zip(0..) {
                let part = part(subject, name);
                let before = suites.ahead.before(&part).map_or(0, |before| before.ms);
                if nth > 0 && spent >= budget {
                    continue;
                }
                let number = suites.ahead.expect(part, Guess::default());
                if nth > 0 {
                    suites.in_time.push(number);
                }
                spent += Duration::from_millis(before);
            }
        }
        suites
    }

    /// The turn of a suite. Where it was not expected, it is one more.
    pub(crate) fn turn(&self, subject: &str, name: &str, suite: &Suite) -> Turn<'_> {
        let mut steps = 0;
        let upto = suite.manifest.files.iter().map(|file| {
            steps += file.steps;
            steps
        });
        let upto: Vec<u64> = std::iter::once(0).chain(upto).collect();
        let all = upto.last().copied();
        let number = self.ahead.expect(part(subject, name), Guess { amount: all, ..Guess::default() });
        self.ahead.has(number, all.unwrap_or_default());
        Turn { suites: self, number, upto, began: Instant::now() }
    }
}

fn part(subject: &str, name: &str) -> String {
    format!("conform {} {name}", subject.trim_start_matches("conform "))
}

/// A suite while it runs.
pub(crate) struct Turn<'a> {
    pub(super) suites: &'a Suites,
    number: usize,
    /// Steps of the first files.
    upto: Vec<u64>,
    began: Instant,
}

impl Turn<'_> {
    /// This number of files is done.
    pub(super) fn reach(&self, files: usize) -> Work {
        let steps = self.upto.get(files).or(self.upto.last()).copied().unwrap_or_default();
        self.suites.ahead.reach(self.number, steps);
        if self.suites.ahead.track().elapsed() >= self.suites.budget {
            self.suites.in_time.iter().for_each(|number| self.suites.ahead.skip(*number));
        }
        self.suites.ahead.in_amounts("steps", "suites")
    }

    /// All are done, or the run is stopped.
    pub(super) fn end(self) {
        let steps = self.upto.last().copied().unwrap_or_default();
        match is_stopped() {
            true => self.suites.ahead.leave(self.number, steps),
            false => self.suites.ahead.end_since(self.number, steps, self.began),
        }
    }
}
