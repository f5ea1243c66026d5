//! What the protocol is held to: the rules, and the part of L3 that a single state shows.

use std::fmt;

use judge::{Rule, RuleSet};

/// A rule, or a law that is not one of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Law {
    /// A rule of contract section 3.
    Rule(Rule),
    /// L3, as far as a state can break it: no call waits for a delivery that began after the call's effect (clause 3).
    BoundedWait,
}

macro_rules! laws {
    ($($rule:ident),*) => {
        impl Law {
            /// Every law the protocol is held to, in order.
            pub const ALL: &'static [Law] = &[$(Law::Rule(Rule::$rule),)* Law::BoundedWait];

            /// The name, such as `R1`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Law::Rule(Rule::$rule) => stringify!($rule),)*
                    Law::Rule(_) => "a rule that the protocol does not carry",
                    Law::BoundedWait => "L3",
                }
            }
        }

        /// A property for each law, since stateright's conditions are bare functions.
        macro_rules! properties {
            ($model:ty, $state:ty) => {
                |law: Law| match law {
                    $(Law::Rule(Rule::$rule) => Property::always(stringify!($rule), |model: &$model, state: &$state| {
                        model.holds(state, Law::Rule(Rule::$rule))
                    }),)*
                    _ => Property::always("L3", |model: &$model, state: &$state| model.holds(state, Law::BoundedWait)),
                }
            };
        }
        pub(super) use properties;
    };
}

laws!(R1, R2, R3, R4, R5, R6, R7, R9, R10, R12, R13, R16);

impl Law {
    /// The laws of these rules; L3 goes with R16, since both are about calls that do not come back.
    #[must_use]
    pub fn of(rules: RuleSet) -> Vec<Law> {
        let asked = |law: &Law| match law {
            Law::Rule(rule) => rules.contains(*rule),
            Law::BoundedWait => rules.contains(Rule::R16),
        };
        Law::ALL.iter().copied().filter(asked).collect()
    }

    /// The law's short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Law::Rule(rule) => rule.name(),
            Law::BoundedWait => "bounded wait",
        }
    }

    /// The law as one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Law::Rule(rule) => rule.sentence(),
            Law::BoundedWait => {
                "A call waits for the callback that had begun when it took effect, and for no later one."
            }
        }
    }

    /// A number below 32.
    pub(super) const fn bit(self) -> u32 {
        match self {
            Law::Rule(rule) => 1 << rule as u8,
            Law::BoundedWait => 1 << 31,
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
