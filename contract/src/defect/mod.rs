//! The catalogue of defects: every mistake that is made on purpose, to show that the workbench would find it.
//!
//! **What it is.** One list. A [`Defect`] has a name, one sentence that states what is wrong, the rule or the duty that it breaks first, the
//! clause of the barrier (contract section 4) that it disobeys, and its places. Each is a variant of an enum, by which code asks for it:
//! - [`Fault`]: a wrong line of the engine.
//! - [`Design`]: what stands in the place of the barrier.
//! - [`Flaw`]: a mistake of the protocol model that breaks a duty.
//! - [`Canary`]: a subject that is as broken as it can be, and found at once.
//!
//! **What it is not.** Behaviour: what a defect does stands in its place. Mutants of the model's tables are not in it either
//! ([`mutation`](crate::mutation)): they are made by the hundred, and none has a sentence.
//!
//! **The law it keeps.** A name is that of one defect. What lists defects goes through [`Defect::all`] or `ALL` of an enum. A design that is a
//! fault of the core, too, has its rule and its clause from that fault.

mod canary;
mod design;
mod fault;
mod flaw;

use std::fmt;

use crate::Rule;
use crate::core::Config;
use crate::described::described;

pub use self::canary::{Canary, UnknownCanary};
pub use self::design::{Design, UnknownDesign};
pub use self::fault::{Fault, Seeded, UnknownFault};
pub use self::flaw::Flaw;

/// A mistake that is made on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Defect {
    /// Its name, as a user types it.
    pub name: &'static str,
    /// What it is a variant of.
    pub kind: Kind,
    /// Where it sits.
    pub places: &'static [Place],
    /// What it breaks first of all; what else goes wrong follows from it.
    pub breaks: Breaks,
    /// The clause of contract section 4 that it disobeys, by number, where it is about the barrier.
    pub clause: Option<u8>,
    /// The seeded fault of the core that is this very mistake, where it is none itself.
    pub fault: Option<Fault>,
    /// Who can meet it.
    pub reach: Reach,
    /// What is wrong, as one sentence.
    pub what: &'static str,
}

/// The enums of defects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A [`Fault`].
    Fault,
    /// A [`Design`].
    Design,
    /// A [`Flaw`].
    Flaw,
    /// A [`Canary`].
    Canary,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

described! {
    /// Where a defect sits, and so which subjects have it.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub enum Place {
        /// In `engine::core`: every subject with the engine's core inside has it.
        Core,
        /// In `engine::service`: only where its threads run.
        Service,
        /// In `engine::transfer`: only where files are fetched over HTTP.
        Transfer,
        /// In `model::protocol`: threads and lock, without the engine's code.
        Protocol,
        /// Around a core: some of what the core answers is changed.
        AroundCore,
        /// Between the service and the objects of its clients, in live runs.
        Clients,
        /// Between bgcheck and an adapter: some of what the two tell each other is changed.
        Conversation,
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Place::Core => "core",
            Place::Service => "service",
            Place::Transfer => "transfer",
            Place::Protocol => "protocol",
            Place::AroundCore => "around a core",
            Place::Clients => "clients",
            Place::Conversation => "conversation",
        })
    }
}

/// What a defect breaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Breaks {
    /// This rule.
    Rule(Rule),
    /// This duty, L1 to L4, by number.
    Duty(u8),
    /// No rule: the subject does not come back, or its process ends.
    Process,
    /// Nothing: it is no defect.
    Nothing,
}

impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breaks::Rule(rule) => rule.fmt(f),
            Breaks::Duty(number) => write!(f, "L{number}"),
            Breaks::Process => f.pad("process"),
            Breaks::Nothing => f.pad("nothing"),
        }
    }
}

/// Who can meet a defect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// Every run of a subject that has its place inside.
    EveryEngine,
    /// Only a run whose schedule is chosen, and why: on real threads the moment is too short.
    OnlySchedules(&'static str),
    /// Only a run with a real disk and a real network, and why.
    OnlyLive(&'static str),
}

/// A subject that can be made with a defect of this enum.
pub trait With<D>: Sized {
    /// One that has it.
    fn with(defect: D, config: &Config) -> Self;
}

impl Defect {
    /// Every one: faults, designs, flaws, canaries. The barrier is a design, and no defect.
    pub fn all() -> impl Iterator<Item = &'static Defect> {
        let all = [Fault::DEFECTS, Design::DEFECTS, Flaw::DEFECTS, Canary::DEFECTS];
        all.into_iter().flatten().filter(|defect| defect.breaks != Breaks::Nothing)
    }

    /// Whether it sits there, too.
    #[must_use]
    pub fn is_in(&self, place: Place) -> bool {
        self.places.contains(&place)
    }

    /// Where it sits, in words.
    #[must_use]
    pub fn sits_in(&self) -> String {
        self.places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong, as the part of a sentence.
    #[must_use]
    pub fn phrase(&self) -> String {
        let mut letters = self.what.trim_end_matches('.').chars();
        let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
        first + letters.as_str()
    }
}

/// What breaks a rule, and disobeys a clause or none. The lists below fill in the rest.
const fn rule(rule: Rule, clause: Option<u8>) -> Defect {
    Defect { breaks: Breaks::Rule(rule), clause, ..HARMLESS }
}

/// What breaks a duty.
const fn duty(number: u8, clause: Option<u8>) -> Defect {
    Defect { breaks: Breaks::Duty(number), clause, ..HARMLESS }
}

/// What is a fault of the core, too.
const fn also(fault: Fault) -> Defect {
    let Defect { breaks, clause, .. } = *fault.defect();
    Defect { breaks, clause, fault: Some(fault), ..HARMLESS }
}

const HARMLESS: Defect = Defect {
    name: "",
    kind: Kind::Fault,
    places: &[],
    breaks: Breaks::Nothing,
    clause: None,
    fault: None,
    reach: Reach::EveryEngine,
    what: "",
};

/// An enum of defects, and its part of the catalogue.
macro_rules! defects {
    (
        $(#[$doc:meta])* $kind:ident:
        $($name:ident = $text:literal, $($place:ident)|+, $breaks:expr, $reach:expr, $what:literal;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $kind {
            $(#[doc = $what] $name,)*
        }

        impl $kind {
            /// Every one, in the order of the list.
            pub const ALL: &'static [$kind] = &[$($kind::$name,)*];

            /// Its part of the catalogue.
            pub(super) const DEFECTS: &'static [$crate::defect::Defect] = &[$($crate::defect::Defect {
                name: $text,
                kind: $crate::defect::Kind::$kind,
                places: &[$($crate::defect::Place::$place),+],
                reach: $reach,
                what: $what,
                ..$breaks
            },)*];

            /// Those that sit there.
            pub fn of(place: $crate::defect::Place) -> impl Iterator<Item = $kind> + Clone {
                $kind::ALL.iter().copied().filter(move |one| one.defect().is_in(place))
            }

            /// All about it.
            #[must_use]
            pub const fn defect(self) -> &'static $crate::defect::Defect {
                &$kind::DEFECTS[self as usize]
            }

            /// How to make a subject that has it, for drivers that take a plain function.
            #[must_use]
            pub fn maker<S: $crate::defect::With<$kind>>(self) -> fn(&$crate::core::Config) -> S {
                match self { $($kind::$name => |config| S::with($kind::$name, config),)* }
            }

            /// Its name, as a user types it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                self.defect().name
            }

            /// What is wrong, as one sentence.
            #[must_use]
            pub const fn what(self) -> &'static str {
                self.defect().what
            }
        }
    };
}

use defects;
