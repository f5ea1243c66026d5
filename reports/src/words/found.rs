//! The failures of a run, each once, whichever engines found it.

use super::timeline::{Line, timeline};
use super::{engine_title, of_replays, rule_sentence, rule_title, thousands};
use crate::results::{Failure, Finding, Ran, Results, RuleId, Status};

/// A failure of a run, with the engines that found it and what it breaks. Engines that find one failure id find one thing.
pub(crate) struct Found<'a> {
    /// As the first engine found it of which it came again each time.
    pub(crate) failure: &'a Failure,
    /// The rule that it breaks; nothing when two accounts of one run part.
    pub(crate) rule: Option<&'a RuleId>,
    /// The rule with its name, or what should have been equal.
    pub(crate) broken: String,
    /// What that demands.
    pub(crate) sentence: &'a str,
    /// The engines that found it, the one of `failure` first.
    pub(crate) engines: Vec<String>,
    /// How it comes back, when it does not come back each time.
    pub(crate) flaky: Option<String>,
}

/// Every failure of the run, each once: of rules first, then disagreements.
pub(crate) fn failures(results: &Results) -> Vec<Found<'_>> {
    let mut all: Vec<Found<'_>> = Vec::new();
    for found in reported(results) {
        match all.iter_mut().find(|one| one.failure.id == found.failure.id && one.rule == found.rule) {
            None => all.push(found),
            Some(one) => one.join(found),
        }
    }
    all
}

impl Found<'_> {
    /// The engines that found it, the first by name.
    pub(crate) fn found_by(&self) -> String {
        match self.engines.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, second] => format!("{first} and {second}"),
            [first, others @ ..] => format!("{first} and {} more engines", others.len()),
        }
    }
}

impl<'a> Found<'a> {
    /// Adds another report of the failure. One that came again each time is worth more than one that did not.
    fn join(&mut self, mut other: Found<'a>) {
        if self.flaky.is_some() && other.flaky.is_none() {
            std::mem::swap(self, &mut other);
        }
        self.engines.append(&mut other.engines);
    }
}

/// Every failure as each engine reported it.
fn reported(results: &Results) -> Vec<Found<'_>> {
    let mut all = Vec::new();
    for engine in &results.engines {
        let Status::Ran(ran) = &engine.status else { continue };
        all.extend(ran.findings.iter().filter_map(|result| {
            let failure = result.finding.failure()?;
            let flaky = match &result.finding {
                Finding::Flaky { reproduced, replays, .. } => {
                    Some(format!("broken on {} of {}", thousands(*reproduced), of_replays(*replays)))
                }
                _ => None,
            };
            let broken = rule_title(results, &result.rule);
            let sentence = rule_sentence(results, &result.rule);
            let rule = Some(&result.rule);
            Some(Found { failure, rule, broken, sentence, engines: vec![engine_title(engine)], flaky })
        }));
    }
    for engine in &results.engines {
        let Status::Ran(Ran { agreement: Some(agreement), .. }) = &engine.status else { continue };
        all.extend(agreement.disagreements.iter().map(|failure| Found {
            failure,
            rule: None,
            broken: "disagreement".to_owned(),
            sentence: &agreement.what,
            engines: vec![engine_title(engine)],
            flaky: None,
        }));
    }
    all
}

/// What a failure is about, in one line: which call had to wait for what; else both sides of a disagreement, else what its id is made of, else the line that decides, else what the rule
/// demands.
pub(crate) fn story(found: &Found<'_>) -> String {
    let note =
        |name: &str| found.failure.notes.iter().find_map(|note| note.strip_prefix(name)).map(str::trim);
    let identity = note("identity:");
    if let Some(owed) = &found.failure.owed {
        let seen = identity.map(|identity| format!(" ({identity})")).unwrap_or_default();
        return format!("{owed}{seen}");
    }
    // Where one side has nothing, what its id is made of has the word for it: an answer that is early, an event too many.
    let both = note("subject:").zip(note("wanted:"));
    if let Some((subject, wanted)) =
        both.filter(|(subject, wanted)| ![*subject, *wanted].contains(&"nothing") || identity.is_none())
    {
        return format!("wanted: {wanted}; the subject: {subject}");
    }
    let decisive = || {
        let lines = timeline(found.failure).filter(|(line, _)| *line == Line::Decisive);
        let text = lines.last().map(|(_, text)| text)?;
        let text = text.trim_start_matches(|each: char| !each.is_alphabetic());
        (!text.is_empty()).then(|| text.to_owned())
    };
    identity.map(str::to_owned).or_else(decisive).unwrap_or_else(|| found.sentence.to_owned())
}
