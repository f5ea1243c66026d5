//! The rules by number, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Recorded;
use crate::sentence::Follows;

/// What a rule stands on: `follows` sentences of the documents, or is `ours` for a reason.
macro_rules! ground {
    (follows follows [$($id:literal),*]) => { crate::sentences![$($id),*] };
    (follows ours [$why:literal]) => { &[] };
    (choice follows [$($id:literal),*]) => { None };
    (choice ours [$why:literal]) => { Some($why) };
}

/// The only one, if there is one.
const fn first(cases: &[&'static str]) -> Option<&'static str> {
    match cases {
        [case, ..] => Some(case),
        [] => None,
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal, $source:literal, needs [$($needs:ident),*],
        $sentence:literal, $why:literal, $ground:ident [$($text:literal),* $(,)?], broken in [$($case:literal)?];)*) => {
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

            /// What goes wrong in a client when the rule is broken.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Rule::$name => $why,)* }
            }

            /// The test with a run that breaks it (`judge::cases`); none where a restart is needed.
            #[must_use]
            pub const fn case(self) -> Option<&'static str> {
                match self { $(Rule::$name => first(&[$($case)?]),)* }
            }

            /// Where the rule comes from.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Rule::$name => $source,)* }
            }

            /// The optional kinds of events that a trace must record for the rule to be judged.
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
        "A client frees what its callback uses once Cancel is back. A later callback uses freed memory, or speaks of a job that the client has forgotten.",
        ours ["No page says what the return of Cancel means for a callback on its way (facts G50); a client has to know it."],
        broken in ["silence::only_the_silence_after_cancel_is_broken_when_all_else_would_allow_it"];
    R2 = 2, "masked", "contract R2; facts C1, G1, J5", needs [],
        "A callback starts only for an event that the notification flags may have let through at that moment.",
        "A client masks an event when it is not ready for it, such as while it shuts down. The callback then runs into code that expects silence.",
        follows ["flags.transferred", "flags.error", "flags.modification", "flags.file", "flags.disable",
            "flags.do-disable", "flags.one-set"],
        broken in ["silence::the_mask_in_force_decides_and_an_open_setter_leaves_both_possible"];
    R3 = 3, "unregistered", "contract R3; facts C3.6, C3.8, G9", needs [],
        "A callback reaches only an object or a program that may have been registered at that moment.",
        "A client that has registered NULL or another object may destroy the old one. A callback on the old object is a call into freed memory.",
        follows ["interface.one", "interface.null", "interface.callback2", "flags.not-for-programs",
            "program.exists"],
        broken in ["silence::nobody_is_told_after_null_was_registered"];
    R4 = 4, "completed", "contract R4; facts J9", needs [],
        "Once a Complete has returned with success, no callback of that job starts.",
        "After Complete the client owns the files and forgets the job. A later callback makes it complete a job that is gone, or use the files twice.",
        ours ["No page says what the return of Complete means for a callback on its way (facts G50, J9); it is as for Cancel."],
        broken in ["silence::a_callback_may_start_while_complete_runs_and_not_after"];
    R5 = 5, "caused", "contract R5; facts C2, J4", needs [State, Env],
        "A callback reports something that has happened and has not been undone.",
        "A client that is told of the end opens the files. When the end has not come, the files are not there; when it is undone, the client acts on the past.",
        follows ["event.transferred", "event.error", "event.no-transient", "event.file"],
        broken in ["causes::a_transient_error_is_no_error"];
    R6 = 6, "once", "contract R6; facts C3.2, G16, J6", needs [State, Env],
        "What a client has acknowledged it is not told a second time, unless it registers again.",
        "A client does its work once for each event: it installs, it bills, it completes the job. A repetition does that work twice.",
        follows ["deliver.retry-transferred", "deliver.retry-error", "deliver.retry-file", "deliver.again",
            "program.not-when-told"],
        broken in ["causes::what_was_acknowledged_is_not_told_again_and_what_failed_is"];
    R7 = 7, "order", "contract R7; facts C3.4, G48, G49", needs [State, Env],
        "File callbacks come one at a time and before the callback about the whole job.",
        "A client handles file after file and then the job. When the order is broken, it completes a job whose last file it has not seen.",
        follows ["deliver.files-in-turn", "deliver.files-first", "deliver.overtaken", "deliver.again"],
        broken in ["causes::the_job_waits_for_files_that_were_enabled_from_their_end_on"];
    R8 = 8, "quiet change", "contract R8; facts C2, G53, G54", needs [State, Env],
        "A modification callback reports a change since the last one of its job began.",
        "A client reads the job again at each modification. Callbacks without a change keep it busy for nothing.",
        follows ["event.modification", "event.not-both", "event.may-drop"],
        broken in ["causes::many_changes_are_one_callback_and_one_that_may_have_been_on_its_way"];
    R9 = 9, "slots", "contract R9; facts C3.3, J8", needs [],
        "One user's callbacks take at most four threads, and never another user's turn.",
        "One client that blocks would silence the clients of every other user. With more than four threads a client is called from more of them than the documents promise.",
        follows ["deliver.four", "deliver.blocked"],
        broken in ["crowds::four_callbacks_of_a_user_run_and_a_fifth_does_not"];
    R10 = 10, "final", "contract R10; facts A, G32, J1", needs [],
        "A job that has ended stays as it ended, and the manager no longer finds it.",
        "A client deletes its records of a job that has ended. When the job moves on or comes back, no client is left to end it again.",
        follows ["state.acknowledged-final", "state.cancelled-final", "manager.gone"],
        broken in ["answers::a_final_job_stays_final_and_is_not_found"];
    R11 = 11, "atomic", "contract R11; facts J1", needs [],
        "A call that fails leaves no trace in anything a client can read.",
        "A client that got an error goes on as if it had not called. When the call has changed something, client and service disagree from then on.",
        follows ["complete.rename-keeps", "complete.rename-state", "resume.empty-stays", "file.set-whole",
            "flags.read-back"],
        broken in ["answers::getters_do_not_give_what_was_refused_or_replaced"];
    R12 = 12, "answers", "contract R12; facts B", needs [State],
        "Every call answers with a code that the job's state allows.",
        "A client decides by the code what to do next. A code that the state rules out sends it into the wrong branch, such as a retry without end.",
        follows ["call.live", "methods.all", "methods.do-omitted", "code.invalid-state", "code.do-invalid-state",
            "code.empty", "code.do-empty", "code.not-found", "code.do-not-found", "code.no-error",
            "code.do-no-error", "code.no-file", "code.do-no-file"],
        broken in ["answers::a_job_that_is_not_transferred_is_not_completed_as_a_whole"];
    R13 = 13, "edges", "contract R13; facts A, A2, B1", needs [State],
        "A job changes its state only along the edges of the transition table.",
        "A client follows the documented states. After a change that the table lacks it waits for something that does not come.",
        follows ["state.initial", "state.suspended-stays", "state.error-stays", "state.transferred-stays",
            "state.connecting-shown", "state.do-never-connects"],
        broken in ["answers::the_dialect_decides_which_edges_there_are"];
    R14 = 14, "progress", "contract R14; facts F", needs [Env],
        "Progress adds up, and goes backwards only when a file starts again.",
        "A client shows progress and detects a stall by it. A count that shrinks or passes its total makes it cancel a healthy job.",
        follows ["progress.unknown-size", "progress.readable"],
        broken in ["files::bytes_do_not_pass_the_total_or_stop_short_of_it_or_go_back"];
    R15 = 15, "files", "contract R15; facts B1", needs [Env],
        "Only Complete makes a file appear, and then the whole one; Cancel cleans up after the job and nothing else.",
        "A client opens what stands at the destination. A file that appears early is incomplete, and one that Cancel removes may have been the user's own.",
        follows ["complete.partial", "complete.available", "cancel.deletes"],
        broken in ["files::a_file_does_not_appear_otherwise"];
    R16 = 16, "no deadlock", "contract R16", needs [],
        "When nothing moves any more, each open call waits for code of a client: a callback or a destructor.",
        "A call that never returns costs the client its thread, and often its user interface. Only the end of the process helps.",
        follows ["deliver.calls-inside"],
        broken in ["crowds::a_call_may_wait_for_a_callback_that_has_made_no_call"];
    R17 = 17, "restart", "contract R17; facts J10", needs [State],
        "What was acknowledged to a client before a crash is still true after it.",
        "A client relies on what the service has confirmed. When a restart forgets it, downloads are lost or done again, and no error says so.",
        follows ["interface.not-kept", "program.kept"],
        broken in [];
    R18 = 18, "robust", "contract R18; facts C3.2", needs [State, Env],
        "A callback that fails or panics is repeated, and harms no other call or job.",
        "One callback that fails would silence its job for ever. A service that dies with a client takes the jobs of all other clients along.",
        follows ["deliver.retry-transferred", "deliver.retry-error", "deliver.retry-file",
            "deliver.retry-when", "program.both-fail", "program.exit-code"],
        broken in ["retries::a_failed_callback_is_told_again_before_the_service_rests"];
    R19 = 19, "told", "contract R19, L1, L2; facts C2, C3.2", needs [State, Env],
        "When nothing of a job moves any more, what it had to tell has been told and acknowledged.",
        "A client that is not told waits for ever, and its files never appear. It looks like a download that does not end.",
        follows ["event.transferred", "event.error", "event.file", "deliver.retry-transferred",
            "deliver.retry-error", "deliver.retry-file"],
        broken in ["told::an_end_that_was_never_told_is_a_violation_at_rest"];
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

#[cfg(feature = "schema")]
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
