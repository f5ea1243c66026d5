//! The strategies that look for schedules: by chance, by priorities, and one after another.
//!
//! **What it is not.** The exploration that comes to an end soonest: that is `complete.rs`.

use serde::{Deserialize, Serialize};

use super::complete::{Merges, complete};
use super::digest::Forgets;
use super::strategy::{More, Options, Strategy, Tape, What};
use super::world::{Choice, HOST};
use crate::random::split_mix;

/// Which strategy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "strategy")]
pub enum Kind {
    /// Every choice by chance; time passes seldom.
    Random,
    /// Priorities by chance, that change at a few points by chance (Burckhardt et al. 2010).
    Pct {
        /// Points at which they change, plus one.
        depth: u32,
    },
    /// Every schedule of a program, one after another.
    Exhaustive,
    /// Every schedule of a program, up to those whose rest is known from another one.
    Complete {
        /// Which moments are taken for one.
        merges: Merges,
    },
}

impl Kind {
    /// The strategy, from a seed where it plays with chance.
    #[must_use]
    pub fn start(self, seed: u64) -> Box<dyn Strategy> {
        match self {
            Kind::Random => Box::new(Random { state: seed }),
            Kind::Pct { depth } => Box::new(Pct::new(seed, depth)),
            Kind::Exhaustive => Box::<Exhaustive>::default(),
            Kind::Complete { merges } => complete(merges, Forgets::Nothing),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Random => f.write_str("random"),
            Kind::Pct { depth } => write!(f, "pct {depth}"),
            Kind::Exhaustive => f.write_str("exhaustive"),
            Kind::Complete { .. } => f.write_str("complete"),
        }
    }
}

/// See [`Kind::Random`].
struct Random {
    state: u64,
}

impl Strategy for Random {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        let drawn = split_mix(&mut self.state);
        let ways = options.tasks.len();
        let low = (drawn & 0xFFFF_FFFF) as usize;
        match options.what {
            What::GoesOn | What::Wakes => low % ways,
            What::GoesOnOrTime if drawn >> 60 == 0 => ways - 1,
            // At least two ways, so there is one besides time.
            What::GoesOnOrTime => low % (ways - 1),
            What::WakesWithoutCause if is_seldom(drawn) => low % ways,
            What::WakesWithoutCause => 0,
        }
    }
}

/// Whether, by chance, something happens that happens seldom.
const fn is_seldom(drawn: u64) -> bool {
    drawn >> 61 == 0
}

/// See [`Kind::Pct`].
struct Pct {
    state: u64,
    depth: u32,
    /// By task. Drawn when a task is first seen, from the upper half; a change point takes one from the lower.
    priorities: Vec<u64>,
    /// The numbers of the choices at which the first task falls behind.
    changes: Vec<u64>,
    made: u64,
    /// How many choices the last runs had, since the points are spread over them.
    expected: u64,
}

impl Pct {
    fn new(seed: u64, depth: u32) -> Pct {
        let (priorities, changes) = (Vec::new(), Vec::new());
        let mut pct = Pct { state: seed, depth, priorities, changes, made: 0, expected: 48 };
        pct.deal();
        pct
    }

    fn deal(&mut self) {
        self.priorities.clear();
        self.made = 0;
        self.changes.clear();
        for _ in 1..self.depth {
            let at = split_mix(&mut self.state) % self.expected.max(1);
            self.changes.push(at);
        }
    }

    fn priority(&mut self, task: usize) -> u64 {
        while self.priorities.len() <= task {
            let drawn = split_mix(&mut self.state);
            // Time is behind all other tasks in three runs of four: else it would pass whenever it can.
            let last = self.priorities.len() == HOST && drawn & 3 != 0;
            self.priorities.push(if last { 0 } else { drawn | 1 << 63 });
        }
        self.priorities[task]
    }

    fn first(&mut self, options: &Options<'_>) -> usize {
        let ranked = options.tasks.iter().enumerate();
        ranked.map(|(place, task)| (self.priority(*task), place)).max().map_or(0, |(_, place)| place)
    }
}

impl Strategy for Pct {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        if options.what == What::WakesWithoutCause {
            let drawn = split_mix(&mut self.state);
            let low = (drawn & 0xFFFF_FFFF) as usize;
            return if is_seldom(drawn) { low % options.tasks.len() } else { 0 };
        }
        if self.changes.contains(&self.made) {
            let first = self.first(options);
            let fallen = split_mix(&mut self.state) >> 1;
            self.priorities[options.tasks[first]] = fallen;
        }
        self.made += 1;
        self.first(options)
    }

    fn next(&mut self, choices: &[Choice]) -> More {
        self.expected = (self.expected + choices.len() as u64) / 2;
        self.deal();
        More::Yes
    }
}

/// See [`Kind::Exhaustive`]: the last choice that has a way left takes it, and what came after it starts again.
#[derive(Default)]
struct Exhaustive {
    tape: Tape,
}

impl Strategy for Exhaustive {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        self.tape.choose(options)
    }

    fn next(&mut self, choices: &[Choice]) -> More {
        let Some(last) = choices.iter().rposition(|choice| choice.taken + 1 < choice.options) else {
            return More::No;
        };
        let mut taken: Vec<u8> = choices[..=last].iter().map(|choice| choice.taken).collect();
        taken[last] += 1;
        self.tape = Tape::new(taken);
        More::Yes
    }
}
