//! The runs that the tests of the rules judge, as data: examples for people, and what mutants of the rules are held against.
//!
//! They are written down by a test (`judge/tests/rules/cases.rs`). The scope of each is the test that it is from.

use contract::{Rule, RuleSet};

use super::trace::{Trace, TraceError};
use super::verdict::{Verdicts, Violation};

/// All runs as text: traces in JSON Lines, one after another. They are half a megabyte, and only mutants need them.
#[cfg(feature = "mutants")]
pub static TEXT: &str = include_str!("../tests/rules/cases.jsonl");

/// Of these the ones that are examples of a rule.
static EXAMPLES: &str = include_str!("../tests/rules/examples.jsonl");

/// All runs.
///
/// # Errors
/// The text is no list of traces; a test sees to it that it is.
#[cfg(feature = "mutants")]
pub fn all() -> Result<Vec<Trace>, TraceError> {
    Trace::parse_all(TEXT)
}

/// The examples.
fn examples() -> Result<Vec<Trace>, TraceError> {
    Trace::parse_all(EXAMPLES)
}

/// A run that breaks a rule, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    /// What happened.
    pub trace: Trace,
    /// The first violation of the rule in it.
    pub violation: Violation,
}

impl Example {
    /// The run that the table of rules names for it; none for a rule that no run of one service can break.
    #[must_use]
    pub fn of(rule: Rule) -> Option<Example> {
        Example::among(examples().ok()?, rule)
    }

    /// As [`Example::of`], among these runs.
    #[must_use]
    pub fn among(runs: Vec<Trace>, rule: Rule) -> Option<Example> {
        let case = rule.case()?;
        let of_the_test = runs.into_iter().filter(|trace| trace.header.scope == case);
        let mut broken =
            of_the_test.filter_map(|trace| Some(Example { violation: broken(&trace, rule)?, trace }));
        broken.next()
    }
}

fn broken(trace: &Trace, rule: Rule) -> Option<Violation> {
    Verdicts::of_rules(trace, RuleSet::of(&[rule])).first()
}
