//! What a complete exploration prints: a line for each situation or for each race, and one on the protocol.

use std::collections::{BTreeMap, BTreeSet};

use judge::RuleSet;
use properties::race::{Beyond, Situation};

use super::{Explored, Protocol, Row};

/// Whether times are shown, which differ from run to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Times {
    Shown,
    Left,
}

impl Explored {
    /// What was explored, a line for each situation, and one on the protocol.
    pub(crate) fn table(&self, times: Times) -> String {
        let situations: BTreeSet<Situation> = self.rows.iter().map(|row| row.situation).collect();
        let lines = situations.into_iter().map(|situation| self.line(situation, times));
        lines.chain(self.protocol_line()).map(|line| line + "\n").collect()
    }

    /// Which races were held to the protocol, and what it could do and the service never did.
    fn protocol_line(&self) -> Option<String> {
        let held: Vec<&Protocol> = self.rows.iter().filter_map(|row| row.protocol.as_ref()).collect();
        let union = |of: fn(&Protocol) -> &BTreeSet<String>| -> BTreeSet<&String> {
            held.iter().flat_map(|protocol| of(protocol)).collect()
        };
        let (offered, taken) = (union(|protocol| &protocol.offered), union(|protocol| &protocol.taken));
        let never: Vec<&str> = offered.difference(&taken).map(|kind| kind.as_str()).collect();
        let never = if never.is_empty() { "none".to_owned() } else { never.join(", ") };
        (!held.is_empty()).then(|| {
            format!(
                "race {} ({}) | protocol: {} of {} races held to it, {} kinds of steps taken; possible and never taken: {never}{}",
                self.scope,
                self.dialect,
                held.len(),
                self.rows.len(),
                taken.len(),
                self.beyond(),
            )
        })
    }

    /// How many races are not held to the protocol, by what is in them.
    fn beyond(&self) -> String {
        let mut counts: BTreeMap<Beyond, usize> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.protocol.is_none()) {
            row.beyond.into_iter().for_each(|beyond| *counts.entry(beyond).or_insert(0) += 1);
        }
        let reasons: Vec<String> =
            counts.iter().map(|(beyond, count)| format!("{beyond} ({count})")).collect();
        if reasons.is_empty() { String::new() } else { format!("; not held to it: {}", reasons.join(", ")) }
    }

    fn line(&self, situation: Situation, times: Times) -> String {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.situation == situation).collect();
        let sum = |of: fn(&Row) -> u64| indicatif::HumanCount(rows.iter().map(|row| of(row)).sum());
        let complete = rows.iter().filter(|row| row.complete).count();
        let depth = rows.iter().map(|row| row.depth).max().unwrap_or(0);
        let mut line = format!(
            "race {} ({}) | {situation}: {complete} of {} races complete, {} states, {} steps, {} of them in {} runs, {} merged, depth {depth}",
            self.scope,
            self.dialect,
            rows.len(),
            sum(|row| row.states),
            sum(|row| row.steps),
            sum(|row| row.run),
            sum(|row| row.schedules),
            sum(|row| row.merged),
        );
        if times == Times::Shown {
            let seconds = rows.iter().map(|row| row.time_ms).sum::<u64>() as f64 / 1000.0;
            line += &format!(", {seconds:.1} s");
        }
        line
    }

    /// A line for each race.
    pub(crate) fn list(&self, times: Times) -> String {
        self.rows.iter().map(|row| row.line(times) + "\n").collect()
    }
}

impl Row {
    fn line(&self, times: Times) -> String {
        let Row {
            dialect,
            name,
            states,
            steps,
            run,
            schedules,
            merged,
            depth,
            bound,
            complete,
            endless,
            circle,
            time_ms,
            ..
        } = self;
        let end = match (complete, circle, bound) {
            (true, ..) => "complete".to_owned(),
            (_, Some(choices), _) => {
                format!("not complete, since a fair schedule of it repeats {choices} choices for ever")
            }
            _ if *endless => "not complete, since a run of it has no end".to_owned(),
            (_, None, Some(bound)) => format!("complete up to {bound} forced switches"),
            (_, None, None) => "not complete".to_owned(),
        };
        let time = if times == Times::Shown { format!(", {time_ms} ms") } else { String::new() };
        format!(
            "{dialect} | {name}: {end}, {states} states, {steps} steps, {run} of them in {schedules} runs, {merged} merged, depth {depth}{time}; {}",
            self.rules()
        )
    }

    /// How each rule stands in this race.
    fn rules(&self) -> String {
        let standing = |rule| match self.decisions.get(&rule) {
            _ if self.found.iter().any(|found| found.is_of(rule)) => "violated",
            _ if !self.complete => "not decided",
            Some(decisions) if *decisions > 0 => "proved",
            _ => "vacuous",
        };
        let of = |word: &str| {
            let rules: Vec<String> = RuleSet::HERE
                .iter()
                .filter(|rule| standing(*rule) == word)
                .map(|rule| rule.to_string())
                .collect();
            (!rules.is_empty()).then(|| format!("{word} {}", rules.join(" ")))
        };
        ["violated", "proved", "vacuous", "not decided"]
            .into_iter()
            .filter_map(of)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
