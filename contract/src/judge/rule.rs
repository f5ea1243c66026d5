//! The rules by number, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::trace::Recorded;
use crate::sentence::Follows;

/// What a rule stands on: `follows` sentences of the documents, or is `ours` for a reason.
macro_rules! ground {
    (follows follows [$($id:literal),*]) => { crate::sentences![$($id),*] };
    (follows ours [$why:literal]) => { &[] };
    (choice follows [$($id:literal),*]) => { None };
    (choice ours [$why:literal]) => { Some($why) };
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal, $source:literal, needs [$($needs:ident),*],
        $sentence:literal, $ground:ident [$($text:literal),* $(,)?];)*) => {
        /// A rule of contract section 3 (`docs/contract.md`), by its number.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Rule {
            $(#[doc = concat!("**", $word, "**: ", $sentence)] $name = $number,)*
        }

        impl Rule {
            /// Every rule, in order.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The rule's short name, such as `cancelled`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$name => $word,)* }
            }

            /// The rule as one sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Rule::$name => $sentence,)* }
            }

            /// Where the rule comes from.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Rule::$name => $source,)* }
            }

            /// The optional kinds of events without which a trace says nothing about the rule.
            #[must_use]
            pub const fn needs(self) -> &'static [Recorded] {
                match self { $(Rule::$name => &[$(Recorded::$needs,)*],)* }
            }

            /// The sentences of the documents that it follows.
            #[must_use]
            pub const fn follows(self) -> Follows {
                match self { $(Rule::$name => ground!(follows $ground [$($text),*]),)* }
            }

            /// Why it is there although the documents do not demand it; none when they do.
            #[must_use]
            pub const fn choice(self) -> Option<&'static str> {
                match self { $(Rule::$name => ground!(choice $ground [$($text),*]),)* }
            }

            const fn label(self) -> &'static str {
                match self { $(Rule::$name => stringify!($name),)* }
            }
        }
    };
}

rules! {
    R1 = 1, "cancelled", "contract R1; facts G50, J9", needs [],
        "Once a Cancel has returned with success, no callback of that job starts.",
        ours ["No page says what the return of Cancel means for a callback on its way (facts G50); a client has to know it."];
    R2 = 2, "masked", "contract R2; facts C1, G1, J5", needs [],
        "A callback starts only for an event that the notification flags may have let through at that moment.",
        follows ["flags.transferred", "flags.error", "flags.modification", "flags.file", "flags.disable",
            "flags.do-disable", "flags.one-set"];
    R3 = 3, "unregistered", "contract R3; facts C3.6, C3.8, G9", needs [],
        "A callback reaches only an object or a program that may have been registered at that moment.",
        follows ["interface.one", "interface.null", "interface.callback2", "flags.not-for-programs",
            "program.exists"];
    R4 = 4, "completed", "contract R4; facts J9", needs [],
        "Once a Complete has returned with success, no callback of that job starts.",
        ours ["No page says what the return of Complete means for a callback on its way (facts G50, J9); it is as for Cancel."];
    R5 = 5, "caused", "contract R5; facts C2, J4", needs [State, Env],
        "A callback reports something that has happened and has not been undone.",
        follows ["event.transferred", "event.error", "event.no-transient", "event.file"];
    R6 = 6, "once", "contract R6; facts C3.2, G16, J6", needs [State, Env],
        "What a client has acknowledged it is not told a second time, unless it registers again.",
        follows ["deliver.retry-transferred", "deliver.retry-error", "deliver.retry-file", "deliver.again",
            "program.not-when-told"];
    R7 = 7, "order", "contract R7; facts C3.4, G48, G49", needs [State, Env],
        "File callbacks come one at a time and before the callback about the whole job.",
        follows ["deliver.files-in-turn", "deliver.files-first", "deliver.overtaken", "deliver.again"];
    R8 = 8, "quiet change", "contract R8; facts C2, G53, G54", needs [State, Env],
        "A modification callback reports a change since the last one of its job began.",
        follows ["event.modification", "event.not-both", "event.may-drop"];
    R9 = 9, "slots", "contract R9; facts C3.3, J8", needs [],
        "One user's callbacks take at most four threads, and never another user's turn.",
        follows ["deliver.four", "deliver.blocked"];
    R10 = 10, "final", "contract R10; facts A, G32, J1", needs [],
        "A job that has ended stays as it ended, and the manager no longer finds it.",
        follows ["state.acknowledged-final", "state.cancelled-final", "manager.gone"];
    R11 = 11, "atomic", "contract R11; facts J1", needs [],
        "A call that fails leaves no trace in anything a client can read.",
        follows ["complete.rename-keeps", "complete.rename-state", "resume.empty-stays", "file.set-whole",
            "flags.read-back"];
    R12 = 12, "answers", "contract R12; facts B", needs [State],
        "Every call answers with a code that the job's state allows.",
        follows ["call.live", "methods.all", "methods.do-omitted", "code.invalid-state", "code.do-invalid-state",
            "code.empty", "code.do-empty", "code.not-found", "code.do-not-found", "code.no-error",
            "code.do-no-error", "code.no-file", "code.do-no-file"];
    R13 = 13, "edges", "contract R13; facts A, A2, B1", needs [State],
        "A job changes its state only along the edges of the transition table.",
        follows ["state.initial", "state.suspended-stays", "state.error-stays", "state.transferred-stays",
            "state.connecting-shown", "state.do-never-connects"];
    R14 = 14, "progress", "contract R14; facts F", needs [Env],
        "Progress adds up, and goes backwards only when a file starts again.",
        follows ["progress.unknown-size", "progress.readable"];
    R15 = 15, "files", "contract R15; facts B1", needs [Env],
        "Only Complete makes a file appear, and then the whole one; Cancel cleans up after the job and nothing else.",
        follows ["complete.partial", "complete.available", "cancel.deletes"];
    R16 = 16, "no deadlock", "contract R16", needs [],
        "Every open call has somebody else to blame for waiting, and that somebody is a client.",
        follows ["deliver.calls-inside"];
    R17 = 17, "restart", "contract R17; facts J10", needs [State],
        "What was acknowledged to a client before a crash is still true after it.",
        follows ["interface.not-kept", "program.kept"];
    R18 = 18, "robust", "contract R18; facts C3.2", needs [State, Env],
        "A callback that fails or panics is repeated, and harms nobody else.",
        follows ["deliver.retry-transferred", "deliver.retry-error", "deliver.retry-file",
            "deliver.retry-when", "program.both-fail", "program.exit-code"];
    R19 = 19, "told", "contract R19, L1, L2; facts C2, C3.2", needs [State, Env],
        "When nothing of a job moves any more, what it had to tell has been told and acknowledged.",
        follows ["event.transferred", "event.error", "event.file", "deliver.retry-transferred",
            "deliver.retry-error", "deliver.retry-file"];
}

impl Rule {
    /// The rule's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The text names no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rule: expected R1 to R19")]
pub struct UnknownRule(String);

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Rule::ALL.iter().find(|rule| rule.label() == text);
        found.copied().ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Rule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rule".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^R([1-9]|1[0-9])$" })
    }
}

/// A set of rules: those a run carries, or those it broke.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RuleSet(u32);

impl RuleSet {
    /// No rule.
    pub const EMPTY: RuleSet = RuleSet(0);
    /// Every rule there is.
    pub const ALL: RuleSet = RuleSet::of(Rule::ALL);
    /// The rules that have a monitor here: R17 needs a restart.
    pub const HERE: RuleSet = RuleSet(RuleSet::ALL.0 & !RuleSet::of(&[Rule::R17]).0);
    /// Those of them that are judged across a death of the service: what they remember outlives it, or is empty after it.
    pub const ACROSS_RESTART: RuleSet =
        RuleSet::of(&[Rule::R1, Rule::R2, Rule::R3, Rule::R4, Rule::R10, Rule::R11, Rule::R12, Rule::R16]);
    /// Those of them that one job breaks by itself. R9 and R16 need more than one job, or threads.
    pub const OF_A_JOB: RuleSet = RuleSet(RuleSet::HERE.0 & !RuleSet::of(&[Rule::R9, Rule::R16]).0);

    /// The set of these rules.
    #[must_use]
    pub const fn of(rules: &[Rule]) -> RuleSet {
        let mut set = RuleSet::EMPTY;
        let mut i = 0;
        while i < rules.len() {
            set = set.with(rules[i]);
            i += 1;
        }
        set
    }

    /// The set with `rule` added.
    #[must_use]
    pub const fn with(self, rule: Rule) -> RuleSet {
        RuleSet(self.0 | 1 << rule as u8)
    }

    /// The set without `rule`.
    #[must_use]
    pub const fn without(self, rule: Rule) -> RuleSet {
        RuleSet(self.0 & !(1 << rule as u8))
    }

    /// Whether `rule` is in the set.
    #[must_use]
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u8 != 0
    }

    /// The rules in either set.
    #[must_use]
    pub const fn union(self, other: RuleSet) -> RuleSet {
        RuleSet(self.0 | other.0)
    }

    /// The rules in both sets.
    #[must_use]
    pub const fn intersection(self, other: RuleSet) -> RuleSet {
        RuleSet(self.0 & other.0)
    }

    /// Every rule that is not in the set.
    #[must_use]
    pub const fn complement(self) -> RuleSet {
        RuleSet(RuleSet::ALL.0 & !self.0)
    }

    /// Whether the sets have a rule in common.
    #[must_use]
    pub const fn intersects(self, other: RuleSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no rule in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many rules are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The rules of the set, in order.
    pub fn iter(mut self) -> impl Iterator<Item = Rule> {
        std::iter::from_fn(move || {
            // Rules are numbered from one, and an empty set has no bit below the 32nd.
            let first = *Rule::ALL.get((self.0.trailing_zeros() as usize).wrapping_sub(1))?;
            self.0 &= self.0 - 1;
            Some(first)
        })
    }
}

impl FromIterator<Rule> for RuleSet {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> RuleSet {
        rules.into_iter().fold(RuleSet::EMPTY, RuleSet::with)
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no rule");
        }
        for (i, rule) in self.iter().enumerate() {
            write!(f, "{}{rule}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
