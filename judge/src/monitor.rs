//! All rules of one job, as one small value.

use contract::dialect::Profile;
use contract::event::EventView;
use contract::ids::ReceiverId;
use contract::mutation::Mutant;
use contract::{Rule, RuleSet};

use super::facts::Facts;
use super::possible::{Possible, possible};
use super::registers::Register;
use super::rules::{R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15, R18, R19};

/// What a rule makes of one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Outcome {
    /// There was nothing to decide.
    Held,
    /// There was something to decide, and it was right.
    Exercised,
    /// The rule is broken.
    Violated,
}

impl Outcome {
    /// The outcome of a check that has been made.
    pub(crate) const fn check(good: bool) -> Outcome {
        if good { Outcome::Exercised } else { Outcome::Violated }
    }
}

/// What a rule may look at besides the event and its own memory.
pub(crate) struct Cx<'a, const CALLS: usize> {
    pub(crate) profile: &'a Profile,
    /// After the event for a `call`, before it for every other event.
    pub(crate) facts: &'a Facts<CALLS>,
}

/// One rule watching one job.
pub(crate) trait Monitor<const CALLS: usize> {
    /// Which rule.
    const RULE: Rule;

    /// The kinds of events it looks at. At every other it would return that it held, and remember nothing.
    const SEES: &'static [Kind];

    /// Looks at one event.
    fn step(&mut self, cx: &Cx<'_, CALLS>, event: &EventView<'_>) -> Outcome;
}

/// The kinds of events, as [`EventView`] has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A call starts.
    Call,
    /// A call is back.
    Return,
    /// A delivery begins.
    Begin,
    /// A callback starts.
    Enter,
    /// A callback is back.
    Leave,
    /// The environment moves.
    Env,
    /// A job changes its state.
    State,
}

macro_rules! all_rules {
    ($($field:ident: $rule:ident,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        struct Rules { $($field: $rule,)* }

        impl Rules {
            const SEES: &'static [(Rule, &'static [Kind])] =
                &[$((Rule::$rule, <$rule as Monitor<1>>::SEES),)*];

            const SIZES: &'static [(Rule, usize)] = &[$((Rule::$rule, size_of::<$rule>()),)*];

            fn memory(&self) -> Vec<(Rule, String)> {
                vec![$((Rule::$rule, format!("{:?}", self.$field)),)*]
            }

            /// The rules that look at events of this kind: the others are not even compiled in.
            #[inline(always)]
            fn step_kind<const KIND: u8, const CALLS: usize>(
                &mut self,
                carried: RuleSet,
                cx: &Cx<'_, CALLS>,
                event: &EventView<'_>,
                exercised: &mut RuleSet,
            ) -> RuleSet {
                let mut violated = RuleSet::EMPTY;
                $(if const { sees::<$rule>(KIND) }
                    && carried.contains(Rule::$rule)
                    && !cx.profile.mutation.is(Mutant::RuleBlind(Rule::$rule as u8, KIND))
                {
                    const { assert!(<$rule as Monitor<CALLS>>::RULE as u8 == Rule::$rule as u8) };
                    match self.$field.step(cx, event) {
                        Outcome::Held => {}
                        Outcome::Exercised => *exercised = exercised.with(Rule::$rule),
                        Outcome::Violated => {
                            *exercised = exercised.with(Rule::$rule);
                            if !cx.profile.mutation.is(Mutant::RuleSilent(Rule::$rule as u8)) {
                                violated = violated.with(Rule::$rule);
                            }
                        }
                    }
                })*
                violated
            }
        }
    };
}

all_rules! {
    r1: R1,
    r2: R2,
    r3: R3,
    r4: R4,
    r5: R5,
    r6: R6,
    r7: R7,
    r8: R8,
    r9: R9,
    r10: R10,
    r11: R11,
    r12: R12,
    r13: R13,
    r14: R14,
    r15: R15,
    r18: R18,
    r19: R19,
}

const fn sees<R: Monitor<1>>(kind: u8) -> bool {
    let mut i = 0;
    while i < R::SEES.len() {
        if R::SEES[i] as u8 == kind {
            return true;
        }
        i += 1;
    }
    false
}

impl Rules {
    #[inline(always)]
    fn step<const CALLS: usize>(
        &mut self,
        carried: RuleSet,
        cx: &Cx<'_, CALLS>,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> RuleSet {
        macro_rules! by_kind {
            ($($kind:ident),*) => {
                match event {
                    $(EventView::$kind { .. } => {
                        self.step_kind::<{ Kind::$kind as u8 }, CALLS>(carried, cx, event, exercised)
                    })*
                    // What they hold is compared over a whole run (`judge::handed`).
                    EventView::Wait { .. } | EventView::Given { .. } => RuleSet::EMPTY,
                }
            };
        }
        by_kind!(Call, Return, Begin, Enter, Leave, Env, State)
    }
}

/// The monitors of one job: the rules of a set, and what they remember.
///
/// Ids are small and reused: a `CallId` is a slot of open calls of this job, below `CALLS` and at most 32; a `DeliveryId` a slot of
/// open deliveries, below 8; a `ReceiverId` is below 62 and a `FileId` below 8. A larger id is not followed: rules decide
/// nothing by it. [`Judge`](super::Judge) maps the ids of a run to small ones. Events of no job in particular
/// (EnumJobs, `idle` of everything) go to the monitors of every job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Monitors<const CALLS: usize> {
    facts: Facts<CALLS>,
    rules: Rules,
    carried: RuleSet,
}

impl<const CALLS: usize> Monitors<CALLS> {
    /// The monitors of a job of which nothing has happened yet. Rules without a monitor here are left out.
    #[must_use]
    pub fn new(rules: RuleSet) -> Self {
        const { assert!(CALLS <= 32, "sets of calls have 32 bits") };
        let carried = rules.intersection(RuleSet::OF_A_JOB.with(Rule::R9));
        Monitors { facts: Facts::new(), rules: Rules::default(), carried }
    }

    /// How many bytes each rule remembers about a job, and last what they share.
    #[must_use]
    pub const fn sizes() -> (&'static [(Rule, usize)], usize) {
        (Rules::SIZES, size_of::<Facts<CALLS>>())
    }

    /// The kinds of events that each rule looks at.
    #[must_use]
    pub const fn sees() -> &'static [(Rule, &'static [Kind])] {
        Rules::SEES
    }

    /// What clients may have set, register by register.
    #[must_use]
    pub fn possible(&self) -> Vec<Possible> {
        self.possible_named(|object| object)
    }

    /// As [`Monitors::possible`], with another name for each object.
    pub(crate) fn possible_named(&self, object: impl Fn(ReceiverId) -> ReceiverId) -> Vec<Possible> {
        possible(&self.facts.registers, object)
    }

    /// What each rule that is carried remembers of the job, as its own fields; nothing of a rule that remembers nothing.
    #[must_use]
    pub fn memory(&self) -> Vec<(Rule, String)> {
        let carried = self.rules.memory().into_iter().filter(|(rule, _)| self.carried.contains(*rule));
        carried.filter(|(rule, fields)| *fields != rule.to_string()).collect()
    }

    /// The rules carried.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        self.carried
    }

    /// Feeds one event of this job; returns the rules it violates.
    pub fn step(&mut self, profile: &Profile, event: &EventView<'_>) -> RuleSet {
        let mut exercised = RuleSet::EMPTY;
        self.step_counting(profile, event, &mut exercised)
    }

    /// As [`Monitors::step`], and adds to `exercised` the rules that had something to decide.
    pub fn step_counting(
        &mut self,
        profile: &Profile,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> RuleSet {
        match self.carried {
            // What runs and the model checker carry is compiled for itself: nothing checks which rules there are.
            RuleSet::OF_A_JOB => self.step_carrying(RuleSet::OF_A_JOB, profile, event, exercised),
            carried => self.step_carrying(carried, profile, event, exercised),
        }
    }

    #[inline(always)]
    fn step_carrying(
        &mut self,
        carried: RuleSet,
        profile: &Profile,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> RuleSet {
        self.facts.before(carried, profile, event);
        let cx = Cx { profile, facts: &self.facts };
        let violated = self.rules.step(carried, &cx, event, exercised);
        self.facts.after(carried, event);
        violated
    }

    /// The service died and started again: rules that are not judged across that are carried no more.
    pub(crate) fn restart(&mut self) {
        self.carried = self.carried.intersection(RuleSet::ACROSS_RESTART);
        self.facts.restart();
        self.rules.r10.restart();
        self.rules.r11.restart();
    }

    /// The end of a run that came to rest by itself; returns the rules violated by what is still open.
    #[must_use]
    pub fn finish(&self, profile: &Profile) -> RuleSet {
        let cx = Cx { profile, facts: &self.facts };
        let judged =
            |rule: Rule| self.carried.contains(rule) && !profile.mutation.is(Mutant::RuleSilent(rule as u8));
        let stuck = judged(Rule::R18) && self.rules.r18.is_stuck(&cx);
        let owing = judged(Rule::R19) && self.rules.r19.is_owing(&cx);
        let left = judged(Rule::R15) && self.rules.r15.has_left_files();
        let broken = [(left, Rule::R15), (stuck, Rule::R18), (owing, Rule::R19)];
        broken.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule).collect()
    }

    /// Whether the job has an event that could have been delivered and that no callback has delivered (R9).
    pub(crate) fn is_waiting_to_tell(&self, profile: &Profile) -> bool {
        let cx = Cx { profile, facts: &self.facts };
        self.carried.contains(Rule::R9) && self.rules.r9.is_waiting(&cx)
    }

    /// The small ids of objects that may still turn up, a bit each: they cannot be given to other objects.
    pub(crate) fn objects_in_use(&self) -> u64 {
        self.facts.registers.in_use(Register::Registration)
    }

    /// Makes a small id ready for another object.
    pub(crate) fn forget_object(&mut self, small: u8) {
        self.facts.forget_object(small);
    }
}

#[cfg(test)]
mod tests;
