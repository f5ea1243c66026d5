//! Strategies: which of several ways a run takes.
//!
//! **What it is.** A [`Strategy`] answers one question: here are the tasks that could go on, which does? The first way is always "on as
//! before": with whoever runs, or when he waits, with the next in turn; time passes last. So the tape of nothing but zeros
//! and the empty tape are the same schedule, the one with the fewest switches, and a tape grows smaller by cutting it and by setting
//! choices to zero.
//!
//! **The law it keeps.** Whatever strategy made the choices, they are a [`Tape`], and the tape repeats the run.

use judge::RuleSet;
use serde::{Deserialize, Serialize};

use super::complete::{Explored, Merges, complete};
use super::digest::{Digest, Forgets};
use super::moment::{Moment, Recalled};
use super::world::{Choice, HOST};
use crate::sample::split_mix;

/// The ways to go. Never empty.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Tasks by number: the environment is task 0.
    pub tasks: &'a [usize],
    /// What is chosen among them.
    pub what: What,
    /// The task that ran until now.
    pub current: usize,
}

/// What a choice is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Which task goes on.
    GoesOn,
    /// The same, and the last of them is the environment: taken, it lets time pass.
    GoesOnOrTime,
    /// Which of several waiters a notification wakes.
    Wakes,
    /// Which waiter wakes without a notification. The first way is that none does.
    WakesWithoutCause,
}

/// Chooses among several ways.
pub trait Strategy: Send {
    /// The place of one of the tasks; a number beyond the last counts round.
    fn choose(&mut self, options: &Options<'_>) -> usize;

    /// Whether the strategy compares moments by their digests, for which a run keeps more of what happens.
    fn digests(&self) -> Digests {
        Digests::None
    }

    /// What is left out of a digest.
    fn forgets(&self) -> Forgets {
        Forgets::Nothing
    }

    /// The run comes to a moment, while digests are kept.
    fn arrives(&mut self, moment: &Moment<'_>) -> Arrives {
        let _ = moment;
        Arrives::AtNew
    }

    /// The last choice led to where no run has been, from a moment with these parts.
    fn recalls(&mut self) -> Option<Recalled> {
        None
    }

    /// A run is over; these were its choices. Gives back whether there is another schedule to run.
    fn next(&mut self, choices: &[Choice]) -> More {
        let _ = choices;
        More::Yes
    }

    /// How far it has come, if it is one that comes to an end.
    fn explored(&self) -> Option<Explored> {
        None
    }

    /// The rules that have had something to decide, if it compares moments.
    fn decided(&self) -> RuleSet {
        RuleSet::EMPTY
    }

    /// The moments with a choice to which it has come, if it compares them.
    fn moments(&self) -> Vec<Digest> {
        Vec::new()
    }
}

/// Whether a run keeps what the digest of a moment is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Digests {
    /// It does.
    Kept,
    /// It does from where [`Strategy::recalls`] gives it what it would have kept up to there.
    Later,
    /// It does not.
    None,
}

/// Stands in the place of a strategy while that is at work.
pub(super) struct Idle;

impl Strategy for Idle {
    fn choose(&mut self, _: &Options<'_>) -> usize {
        0
    }
}

/// Whether a moment is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrives {
    /// The run goes on.
    AtNew,
    /// A run has been there: this one ends.
    AtKnown,
}

/// Whether a strategy has another schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum More {
    /// It has.
    Yes,
    /// It has been through all of them.
    No,
}

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

/// Choices that are given. Beyond its end a tape goes on as before, which is the first way.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tape {
    choices: Vec<u8>,
    read: usize,
}

impl Tape {
    /// A tape of these choices. Each counts round where there are fewer ways, so any bytes are a tape.
    #[must_use]
    pub fn new(choices: Vec<u8>) -> Tape {
        Tape { choices, read: 0 }
    }

    /// The tape that repeats a run, without what the first way does by itself.
    #[must_use]
    pub fn of(choices: &[Choice]) -> Tape {
        let mut taken: Vec<u8> = choices.iter().map(|choice| choice.taken).collect();
        while taken.last() == Some(&0) {
            taken.pop();
        }
        Tape::new(taken)
    }

    /// The choices.
    #[must_use]
    pub fn choices(&self) -> &[u8] {
        &self.choices
    }
}

impl Strategy for Tape {
    fn choose(&mut self, _: &Options<'_>) -> usize {
        let choice = self.choices.get(self.read).copied().unwrap_or(0);
        self.read += 1;
        usize::from(choice)
    }

    fn next(&mut self, _: &[Choice]) -> More {
        More::No
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
    /// The numbers of the choices at which whoever is first falls behind.
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
            // Time is behind everybody in three runs of four: else it would pass whenever it can.
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
