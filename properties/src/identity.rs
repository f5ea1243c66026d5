//! The names of failures: one for each way of failing, whatever seed or engine came upon it.
//!
//! **What it is not.** A finding: it has a run, too.

use std::fmt;

use judge::{FailureId, Rule, RuleSet};

/// What fails: one name, whatever seed or engine came upon it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Identity {
    /// A rule is broken so.
    Rule(FailureId),
    /// Specification and core part so.
    Agreement(u32),
    /// A call waits for a later delivery than the one it may wait for (L3).
    LaterDelivery,
    /// A race sees something of this name that stands in no event, and that breaks this rule.
    Seen(Rule, &'static str),
}

impl Identity {
    /// The rules to look at for it; all of them where it is about none.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        match self {
            Identity::Rule(id) => RuleSet::of(&[id.rule]),
            Identity::Agreement(_) => RuleSet::ALL,
            Identity::LaterDelivery => RuleSet::EMPTY,
            Identity::Seen(rule, _) => RuleSet::of(&[*rule]),
        }
    }

    /// The rule, if it is about one.
    #[must_use]
    pub const fn rule(&self) -> Option<Rule> {
        match self {
            Identity::Rule(id) => Some(id.rule),
            Identity::Seen(rule, _) => Some(*rule),
            Identity::Agreement(_) | Identity::LaterDelivery => None,
        }
    }
}

/// A text is no name of a failure that is seen again by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a failure, such as `R1-7f3a09c2` or `agreement-0123abcd`")]
pub struct UnknownIdentity(String);

impl std::str::FromStr for Identity {
    type Err = UnknownIdentity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let agreement = text.strip_prefix("agreement-").filter(|digits| digits.len() == 8);
        let agreement = agreement.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let named = agreement.map(Identity::Agreement).or_else(|| text.parse().ok().map(Identity::Rule));
        named.ok_or_else(|| UnknownIdentity(text.to_owned()))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Rule(id) => write!(f, "{id}"),
            Identity::Agreement(words) => write!(f, "agreement-{words:08x}"),
            Identity::LaterDelivery => f.write_str("L3-later-delivery"),
            Identity::Seen(rule, name) => write!(f, "{rule}-{name}"),
        }
    }
}
