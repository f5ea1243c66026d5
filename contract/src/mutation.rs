//! Mutants of the model's tables: small changes, chosen while it runs.
//!
//! **What it is.** A [`Mutant`] names one change of one place: a row of the transition table, a cell of the dialect table, a bit of a mask, the
//! answer of a method in a state, a guard of the specification, a monitor. A [`Profile`](crate::Profile) carries at most one, as a [`Mutation`],
//! and the function that reads a table checks it. So one build serves all mutants, and a workbench finds which of its engines notices one.
//!
//! **What it is not.** A change of code: cargo-mutants makes these (`bgcheck mutate --sources`). Nor a fault of the engine: that is
//! [`defect`](mod@crate::defect). An engine is built from a profile without a mutation. And it is no switch of a dialect: without the feature `mutants` a [`Mutation`] has no room for a mutant, the question is constant false,
//! and the compiler leaves nothing of it:
//!
//! ```
//! use contract::mutation::{Mutant, Mutation};
//!
//! assert_eq!(Mutation::of(Mutant::DisableIgnored).is(Mutant::DisableIgnored), Mutation::AVAILABLE);
//! assert!(!Mutation::NONE.is(Mutant::DisableIgnored));
//! ```
//!
//! **How they are chosen.** By operator, not by hand: every row, every cell, every bit, every pair of rule and kind of event. `model::mutants`
//! lists them all, with their names.

use std::fmt;

use crate::call::Method;
use crate::dialect::Dialect;
use crate::event::Leave;
use crate::hresult::HResult;
use crate::notify::Event;
use crate::state::JobState;

/// One change of the model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutant {
    /// This row of [`EDGES`](crate::state::EDGES) is gone.
    EdgeDropped(u8),
    /// This row leads to another state, [`elsewhere`](crate::state::elsewhere).
    EdgeElsewhere(u8),
    /// This cell of the dialect table holds something else, as the model reads it.
    Cell(Dialect, u8),
    /// The mask is not read for this event.
    MaskIgnored(Event),
    /// The bit of another event is read in the place of this one's.
    MaskOfAnother(Event),
    /// `BG_NOTIFY_DISABLE` masks nothing.
    DisableIgnored,
    /// As [`Mutant::MaskIgnored`], where the rules judge.
    JudgedMaskIgnored(Event),
    /// As [`Mutant::MaskOfAnother`], where the rules judge.
    JudgedMaskOfAnother(Event),
    /// As [`Mutant::DisableIgnored`], where the rules judge.
    JudgedDisableIgnored,
    /// The specification answers this method in this state with another code.
    Answer(Method, JobState),
    /// R12 does not allow this method the argument error of this number.
    AnswerForbidden(Method, u8),
    /// A leave like this acknowledges the event where it does not, or does not where it does.
    Leave(Event, Left),
    /// As [`Mutant::Leave`], where the rules judge.
    JudgedLeave(Event, Left),
    /// This rule, by its number, never complains.
    RuleSilent(u8),
    /// This rule, by its number, does not see events of the kind of this number.
    RuleBlind(u8, u8),
    /// The guard of this rule, by its number, holds nothing back.
    GuardDropped(u8),
    /// It does not hold back this event.
    GuardForgets(u8, Event),
}

/// How a callback or program leaves, as far as acknowledgements distinguish leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Left {
    /// With S_OK.
    Ok,
    /// With another success.
    Success,
    /// With a failure.
    Failure,
    /// By a panic.
    Panic,
    /// A program with 0.
    ExitedWell,
    /// A program with anything else.
    ExitedBadly,
}

impl Left {
    /// Every way.
    pub const ALL: [Left; 6] =
        [Left::Ok, Left::Success, Left::Failure, Left::Panic, Left::ExitedWell, Left::ExitedBadly];

    /// How `leave` leaves.
    #[must_use]
    pub const fn of(leave: Leave) -> Left {
        match leave {
            Leave::Returned(HResult::S_OK) => Left::Ok,
            Leave::Returned(hr) if hr.succeeded() => Left::Success,
            Leave::Returned(_) => Left::Failure,
            Leave::Panicked => Left::Panic,
            Leave::Exited(0) => Left::ExitedWell,
            Leave::Exited(_) => Left::ExitedBadly,
        }
    }
}

/// At most one mutant, as a [`Profile`](crate::Profile) carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mutation {
    #[cfg(feature = "mutants")]
    mutant: Option<Mutant>,
}

impl Mutation {
    /// No mutant: the unchanged model.
    pub const NONE: Mutation = Mutation {
        #[cfg(feature = "mutants")]
        mutant: None,
    };

    /// Whether this build can have mutants at all.
    pub const AVAILABLE: bool = cfg!(feature = "mutants");

    /// This mutant, where the build can have one.
    #[must_use]
    pub const fn of(mutant: Mutant) -> Mutation {
        #[cfg(feature = "mutants")]
        return Mutation { mutant: Some(mutant) };
        #[cfg(not(feature = "mutants"))]
        {
            let _ = mutant;
            Mutation {}
        }
    }

    /// The mutant: constantly none without the feature.
    #[inline(always)]
    #[must_use]
    pub const fn mutant(self) -> Option<Mutant> {
        #[cfg(feature = "mutants")]
        return self.mutant;
        #[cfg(not(feature = "mutants"))]
        None
    }

    /// Whether it is this mutant: constant false without the feature.
    #[inline(always)]
    #[must_use]
    pub fn is(self, asked: Mutant) -> bool {
        self.mutant().is_some_and(|mutant| mutant == asked)
    }

    /// `good`, or the opposite if it is this mutant.
    #[inline(always)]
    #[must_use]
    pub fn turns(self, asked: Mutant, good: bool) -> bool {
        good != self.is(asked)
    }
}

/// Mutants of the source, in a build that has some woven in (`bgcheck mutate --sources`): which of them runs.
#[cfg(feature = "mutants")]
pub mod woven {
    use std::sync::atomic::{AtomicU32, Ordering};

    static ACTIVE: AtomicU32 = AtomicU32::new(0);

    /// The number of the mutant that runs; 0 is none.
    pub fn active() -> u32 {
        ACTIVE.load(Ordering::Relaxed)
    }

    /// Lets this mutant run, in the whole process.
    pub fn activate(number: u32) {
        ACTIVE.store(number, Ordering::Relaxed);
    }
}

/// Without the feature nothing is carried.
#[cfg(not(feature = "mutants"))]
const _: () = assert!(size_of::<Mutation>() == 0);

impl fmt::Debug for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutant() {
            Some(mutant) => mutant.fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// Something else than a cell of the dialect table holds: what [`Mutant::Cell`] puts there.
pub(crate) trait Otherwise {
    fn otherwise(self) -> Self;
}

impl Otherwise for HResult {
    fn otherwise(self) -> HResult {
        // A success stays one, so that only the code differs.
        match self {
            HResult::S_FALSE => HResult::S_OK,
            hr if hr.succeeded() => HResult::S_FALSE,
            HResult::E_ABORT => HResult::E_FAIL,
            _ => HResult::E_ABORT,
        }
    }
}

impl Otherwise for Option<HResult> {
    fn otherwise(self) -> Option<HResult> {
        if self.is_some() { None } else { Some(HResult::E_ABORT) }
    }
}

impl Otherwise for u32 {
    fn otherwise(self) -> u32 {
        self.saturating_sub(1)
    }
}

/// The code that a mutated answer has in the place of `hr`.
#[must_use]
pub fn other_code(hr: HResult) -> HResult {
    hr.otherwise()
}
