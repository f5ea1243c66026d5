//! Mistakes that make something owed never come, while nothing forbidden ever happens.

use super::state::Outcome;

/// A mistake that breaks a duty: witnesses that the duties can be broken.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// The dispatcher drops a delivery that failed, and does not try again.
    DropsFailed,
    /// A call that waits for a delivery is not woken when it has left.
    WakesNobody,
    /// The scheduler takes no job on.
    NeverTurns,
}

impl Flaw {
    /// What is wrong, as a sentence.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Flaw::None => "Nothing is wrong.",
            Flaw::DropsFailed => "The dispatcher drops a delivery that failed, and does not try again.",
            Flaw::WakesNobody => "A call that waits for a delivery is not woken when it has left.",
            Flaw::NeverTurns => "The scheduler takes no job on.",
        }
    }

    /// Whether a delivery that ended so is dropped.
    pub(super) fn drops(self, outcome: Outcome) -> bool {
        self == Flaw::DropsFailed && outcome == Outcome::Fails
    }
}
