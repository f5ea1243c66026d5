//! Failures with one cause.
//!
//! **What it is.** Failures that break one rule because one wait is missing: which call had to wait for a callback of which kind. They have
//! different ids, because what leads there differs.
//!
//! **What it is not.** A diagnosis of the others: a failure of which no wait is known stands alone.

use super::{Found, timeline};

/// Failures with one cause, by their places among all.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    /// What was missing, where several failures share it.
    pub(crate) name: Option<String>,
    /// The smallest of them.
    pub(crate) shown: usize,
    pub(crate) others: Vec<usize>,
}

impl Cause {
    /// How many failures it has.
    pub(crate) fn size(&self) -> usize {
        1 + self.others.len()
    }
}

/// The causes, in the order in which their first failures stand.
pub(crate) fn causes(all: &[Found<'_>]) -> Vec<Cause> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, found) in all.iter().enumerate() {
        let shares =
            |group: &&mut Vec<usize>| missing(found).is_some() && missing(&all[group[0]]) == missing(found);
        match groups.iter_mut().find(shares) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.into_iter().map(|group| cause(all, &group)).collect()
}

fn cause(all: &[Found<'_>], group: &[usize]) -> Cause {
    let size = |at: &&usize| timeline(all[**at].failure).count();
    let shown = group.iter().min_by_key(size).copied().unwrap_or_default();
    let others: Vec<usize> = group.iter().copied().filter(|at| *at != shown).collect();
    let name = missing(&all[shown]).map(|(_, owed)| owed).filter(|_| !others.is_empty());
    Cause { name, shown, others }
}

/// The rule that is broken, and the wait that is missing. Which delivery it was differs from run to run.
fn missing<'a>(found: &Found<'a>) -> Option<(Option<&'a str>, String)> {
    let owed = found.failure.owed.as_deref()?;
    let is_delivery = |word: &&str| word.strip_prefix("(d").is_some_and(|rest| rest.ends_with(')'));
    let words: Vec<&str> = owed.split(' ').filter(|word| !is_delivery(word)).collect();
    Some((found.rule.map(|rule| rule.0.as_str()), words.join(" ")))
}
