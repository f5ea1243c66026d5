//! A finding as its engine hands it over.

use contract::Rule;
use judge::{RuleSet, Trace, Verdicts, Violation, failure_id};

use crate::difference::Difference;
use crate::minimize::races::Scheduled;
use crate::minimize::{Case, CoreName, Failed};
use crate::program::Program;
use crate::race::{Failure, Seen};
use crate::run;

/// Something that broke, as its engine found it.
#[derive(Clone, PartialEq, Debug)]
pub struct Raw {
    /// What failed. A recorded run is run again where it can be.
    pub case: Case,
    /// What it was seen to break.
    pub broken: Broken,
    /// How much may be done with it.
    pub may: May,
    /// The engine, where the case's own traces do not name it.
    pub engine: &'static str,
    /// The seed, where a seed led to it. A recorded run has it in its header.
    pub seed: Option<u64>,
    /// How it ends, where no event has that.
    pub ending: String,
    /// Where it was found.
    pub story: String,
    /// The stem of its file's name, where that does not follow from the finding.
    pub file: Option<String>,
    /// The first line that is a part of its picture.
    pub begins: u64,
}

/// What a finding was seen to break.
#[derive(Clone, PartialEq, Debug)]
pub enum Broken {
    /// This rule.
    Rule(Rule),
    /// This rule, at this line of the recorded run.
    At(Violation),
    /// This rule, by something of this name that stands in no event.
    Seen(Rule, &'static str),
    /// No rule: specification and core part, or a call of a race waits on (L3).
    NoRule,
    /// No rule: two accounts part in this way.
    Differs(Difference),
    /// What no rule sees, with this name.
    Named(String),
}

/// How much may be done with a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum May {
    /// It is run again, and made small.
    BeMadeSmall,
    /// It is shown as it was seen: it cannot be run again here, or is the shortest already.
    BeSeen,
    /// It is shown as it was seen, with each forced switch of the race marked: a smaller race or schedule may need more of them. What
    /// breaks its rule without a line of its own is made small.
    BeMarked,
    /// It stays as it was found: it never comes back, or its end is loud.
    Stay,
}

impl Raw {
    /// A finding that may be made small.
    #[must_use]
    pub fn new(case: Case, broken: Broken) -> Raw {
        Raw {
            case,
            broken,
            may: May::BeMadeSmall,
            engine: "",
            seed: None,
            ending: String::new(),
            story: String::new(),
            file: None,
            begins: 0,
        }
    }

    /// What a program breaks on a core, one by one.
    pub fn of_program(
        core: CoreName,
        program: &Program,
        broken: &run::Broken,
        engine: &'static str,
    ) -> impl Iterator<Item = Raw> {
        let rules = match broken {
            run::Broken::Rules(rules) => *rules,
            run::Broken::Agreement(_) => RuleSet::EMPTY,
        };
        let all = Raw::of_rules(Case::Stepped(core, program.clone()), rules);
        all.map(move |raw| Raw { engine, ..raw })
    }

    /// A case that breaks these rules, one by one; where there are none, what it breaks is no rule.
    pub fn of_rules(case: Case, rules: RuleSet) -> impl Iterator<Item = Raw> {
        let no_rule = rules.is_empty().then_some(Broken::NoRule);
        let broken: Vec<Broken> = rules.iter().map(Broken::Rule).chain(no_rule).collect();
        broken.into_iter().map(move |broken| Raw::new(case.clone(), broken))
    }

    /// The rule that is broken, if it is one.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        match &self.broken {
            Broken::Rule(rule) | Broken::Seen(rule, _) => Some(*rule),
            Broken::At(violation) => Some(violation.rule),
            Broken::NoRule | Broken::Differs(_) | Broken::Named(_) => None,
        }
    }

    /// What it can be run again as, and how it fails then; nothing where it does not fail so.
    pub(super) fn again(&self) -> Option<(Case, Failed)> {
        let case = match &self.case {
            Case::Recorded(trace) => Case::of_trace(trace),
            case => case.clone(),
        };
        let failed = case.failure(self.rules(&case))?;
        let fits = match &self.broken {
            Broken::Differs(difference) => failed.id == difference.id(),
            _ => true,
        };
        fits.then_some((case, failed))
    }

    fn rules(&self, case: &Case) -> RuleSet {
        match (case, self.rule()) {
            (_, Some(rule)) => RuleSet::of(&[rule]),
            // Of a race only the waits are no rule's business.
            (Case::Race(_), None) => RuleSet::EMPTY,
            (_, None) => RuleSet::ALL,
        }
    }

    /// The run, with engine and seed in its header.
    pub(super) fn trace(&self) -> Trace {
        let mut trace = self.case.trace();
        self.sign(&mut trace);
        trace
    }

    /// Writes engine and seed into the header of a run of it.
    pub(super) fn sign(&self, trace: &mut Trace) {
        if let Case::Recorded(recorded) = &self.case {
            trace.header.engine.clone_from(&recorded.header.engine);
            trace.header.seed = recorded.header.seed;
        } else {
            trace.header.seed = self.seed;
        }
        if !self.engine.is_empty() {
            self.engine.clone_into(&mut trace.header.engine);
        }
    }

    /// Where this run of it breaks the rule.
    pub(super) fn violation(&self, trace: &Trace) -> Option<Violation> {
        match &self.broken {
            Broken::At(violation) => Some(*violation),
            Broken::Rule(rule) => Verdicts::of(trace).violations().find(|violation| violation.rule == *rule),
            Broken::Seen(..) | Broken::NoRule | Broken::Differs(_) | Broken::Named(_) => None,
        }
    }

    /// Its name by this run, in which a rule is broken there.
    pub(super) fn id(&self, trace: &Trace, violation: Option<&Violation>) -> String {
        let by_engine = |what: &str| format!("{what}-{}", trace.header.engine.replace(' ', "-"));
        match (&self.broken, violation) {
            (_, Some(violation)) => failure_id(trace, violation).to_string(),
            (Broken::Rule(rule), None) => by_engine(&rule.to_string()),
            (Broken::At(violation), None) => by_engine(&violation.rule.to_string()),
            (Broken::Seen(rule, name), None) => format!("{rule}-{name}"),
            (Broken::NoRule, None) => by_engine("agreement"),
            (Broken::Differs(difference), None) => difference.id().to_string(),
            (Broken::Named(name), None) => name.clone(),
        }
    }
}

impl Failure {
    /// What it breaks, one by one.
    pub fn raws(&self) -> impl Iterator<Item = Raw> {
        self.violated.iter().map(|rule| self.raw(Some(rule)))
    }

    /// As the failure of this rule, or as the call that waited on.
    #[must_use]
    pub fn raw(&self, rule: Option<Rule>) -> Raw {
        let Failure { seed, after, race, schedule, seen, .. } = self;
        let case = Case::Race(Scheduled { race: race.clone(), schedule: schedule.clone() });
        let (broken, may) = match (rule, seen) {
            // A panic speaks on the terminal each time, so the race that panics stays as it was found.
            (Some(rule), Some(seen @ Seen::Died { .. })) => (Broken::Seen(rule, seen.name()), May::Stay),
            (Some(rule), _) => (Broken::Rule(rule), May::BeMadeSmall),
            (None, _) => (Broken::NoRule, May::BeMadeSmall),
        };
        let ending = match (rule, seen) {
            (None, _) => WAITS_ON.to_owned(),
            (Some(_), seen) => seen.as_ref().map(|seen| format!("then: {seen}")).unwrap_or_default(),
        };
        let story = format!("found with seed {seed} after {after} schedules");
        Raw { may, seed: Some(*seed), ending, story, ..Raw::new(case, broken) }
    }
}

/// What breaks L3.
const WAITS_ON: &str = "then: a call waits on, although the callback it waited for has left";
