//! Strategies: which of several ways a run takes.
//!
//! **What it is.** A [`Strategy`] answers one question: here are the tasks that could go on, which does? The first way is always "on as
//! before": with the task that runs, or when it waits, with the next in turn; time passes last. So the tape of nothing but zeros
//! and the empty tape are one schedule, the one with the fewest switches, and a tape grows smaller by cutting it and by setting
//! choices to zero.
//!
//! **The law it keeps.** Whatever strategy made the choices, they are a [`Tape`], and the tape repeats the run.

use judge::RuleSet;
use serde::{Deserialize, Serialize};

use super::digest::{Digest, Forgets};
use super::moment::{Moment, Recalled};
use super::world::Choice;

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
    /// Which task goes on, where the last of them is the environment: taken, it lets time pass.
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

    /// Which task leads from which of these moments to which.
    fn leads(&self) -> Vec<(Digest, usize, Digest)> {
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

/// How far a complete exploration has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Explored {
    /// Moments with a choice of who goes on, no two with one digest.
    pub states: u64,
    /// Schedules that ended at a moment that was known.
    pub merged: u64,
    /// Legs, those of runs and those that were known.
    pub legs: u64,
    /// Legs that were run.
    pub run: u64,
    /// Choices in the longest schedule.
    pub depth: u64,
    /// Every schedule that forces at most this number of switches has been run; none when not even those without one have.
    pub bound: Option<u32>,
    /// Once every schedule is known: the choices in a circle that a fair schedule goes round for ever. None where each has an end.
    pub circle: Option<u64>,
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
