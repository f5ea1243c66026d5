//! The results of a check: for a reader and for a machine.

use std::fmt::Write as _;

use explorer::Identity;
use indicatif::HumanCount;
use judge::{Rule, RuleSet};
use model::explore::Visited;
use reports::{ExitCode, Failure, Finding, Outcome, Results, Status};
use serde_json::{Value, json};

use crate::engines::explored::{Comparison, Explored, ExploredSlice, Found, Together};
use crate::output::{Output, Paint, named};
use crate::run;

/// The rules that every exploration of the run decided, when another one had nothing to decide.
fn decided(results: &Results) -> RuleSet {
    let found = || {
        let ran = results.engines.iter().filter_map(|engine| match &engine.status {
            Status::Ran(ran) => Some(ran.findings.iter()),
            _ => None,
        });
        ran.flatten().filter_map(|result| Some((result.rule.0.parse::<Rule>().ok()?, &result.finding)))
    };
    let vacuous: RuleSet =
        found().filter(|(_, finding)| matches!(finding, Finding::Vacuous)).map(|(rule, _)| rule).collect();
    if vacuous.is_empty() {
        return RuleSet::EMPTY;
    }
    found().map(|(rule, _)| rule).filter(|rule| !vacuous.contains(*rule)).collect()
}

/// The last lines: why it ends as it does, and the rules that the scope decides, when it has too little for others.
pub(super) fn verdict(results: &Results, outcome: &Outcome, output: &Output) -> String {
    let (decided, mut text) = (decided(results), String::new());
    if let Some(partial) = &results.run.partial {
        put(&mut text, format_args!("partial: {partial}; these are the results up to then"));
    }
    for reason in &outcome.reasons {
        put(&mut text, format_args!("exit {}: {}", reason.exit_code.code(), reason.what));
    }
    if outcome.exit_code == ExitCode::Vacuous && !decided.is_empty() {
        let rules: Vec<String> = decided.iter().map(|rule| rule.to_string()).collect();
        let rules = rules.join(",");
        put(&mut text, format_args!("only the rules that this scope decides: `--rules {rules}`"));
    }
    put(&mut text, format_args!("{}", output.verdict(outcome.exit_code)));
    text
}

/// The results with a field for each slice, which a reader of results ignores.
pub(super) fn document(results: &Results, slices: Vec<Value>) -> Value {
    let mut document: Value = reports::json(results).parse().unwrap_or_default();
    document["slices"] = Value::Array(slices);
    document
}

pub(super) fn slice_json(explored: &Explored, slice: &ExploredSlice) -> Value {
    let laws = slice.laws.iter().map(|(law, found)| (law.id.to_owned(), json!(found.word())));
    let disagreement = match &slice.comparison {
        Comparison::Part(what, _) => Some(what),
        Comparison::None | Comparison::Agree => None,
    };
    json!({
        "slice": slice.name,
        "scope": slice.scope,
        "dialect": explored.dialect,
        "switches": explored.turned,
        "design": explored.design,
        "states": slice.states, "edges": slice.edges, "depth": slice.depth,
        "time_ms": run::millis(slice.elapsed),
        "collision_probability": slice.visited.collision_probability,
        "bytes": slice.visited.bytes,
        "bytes_on_disk": slice.visited.bytes_on_disk,
        "fired": slice.fired.iter().map(|fired| (fired.class.clone(), json!(fired.edges))).collect::<serde_json::Map<_, _>>(),
        "complete": slice.complete,
        "rules": laws.collect::<serde_json::Map<_, _>>(),
        "disagreement": disagreement,
    })
}

/// The results for a reader.
pub(super) struct Page<'a> {
    pub(super) times: Times,
    pub(super) output: &'a Output,
}

/// Whether times and rates are shown, which differ from run to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Times {
    Shown,
    LeftOut,
}

impl Page<'_> {
    pub(super) fn explored(&self, explored: &Explored) -> String {
        let mut text = String::new();
        let dialect = named(explored.dialect, explored.turned);
        let design =
            explored.design.map_or_else(String::new, |design| format!(" of the protocol, design {design}"));
        let aspect = explored.aspect;
        let title = format!("check{aspect}, scope {}{design}, dialect {dialect}", explored.scope);
        put(&mut text, format_args!("{}", self.output.paint(Paint::Bold, &title)));
        if !explored.memory.is_empty() {
            put(&mut text, format_args!("  {}", explored.memory));
        }
        let mut drawn = Vec::new();
        for slice in &explored.slices {
            self.slice(slice, &mut drawn, &mut text);
        }
        self.scope(explored, &dialect, &mut text);
        text
    }

    /// A failure that has been drawn in an earlier slice is named and not drawn again.
    fn slice<'a>(&self, slice: &'a ExploredSlice, drawn: &mut Vec<&'a str>, text: &mut String) {
        put(text, format_args!("\n  {}", slice.scope));
        let [states, edges] = [slice.states, slice.edges].map(|count| HumanCount(count as u64));
        let rate = HumanCount(slice.states_per_second() as u64);
        let times = match self.times {
            Times::LeftOut => String::new(),
            Times::Shown => format!(", {:.1} s, {rate} states/s", slice.elapsed.as_secs_f64()),
        };
        put(text, format_args!("    {states} states, {edges} edges, depth {}{times}", slice.depth));
        put(text, format_args!("    {}", self.visited(slice)));
        if !slice.size.is_empty() {
            put(text, format_args!("    {}", slice.size));
        }
        self.laws_of(slice, text);
        self.witnesses(slice, text);
        match &slice.comparison {
            Comparison::None => {}
            Comparison::Agree => put(
                text,
                format_args!("    agreement   specification and core agree in every state explored"),
            ),
            Comparison::Part(what, failure) => {
                self.failure(
                    &format!("{}: specification and core disagree: {what}", failure.id),
                    failure,
                    text,
                );
            }
        }
        for (_, found) in &slice.laws {
            let Found::Violated(failure) = found else { continue };
            if drawn.contains(&failure.id.as_str()) {
                put(text, format_args!("    {} again: {}", failure.id, failure.replay_command));
            } else {
                drawn.push(&failure.id);
                self.failure(&format!("{}, as short as it can be", failure.id), failure, text);
            }
        }
        if let Some((what, failure)) = &slice.remark {
            put(text, format_args!("    {what}: {}", failure.replay_command));
        }
    }

    /// How states were remembered, and so how sure it is that none was left out.
    fn visited(&self, slice: &ExploredSlice) -> String {
        let Visited { identity, collision_probability, bytes, bytes_on_disk } = slice.visited;
        let per_state = |bytes: u64| bytes as f64 / slice.states.max(1) as f64;
        let mut held = bytes
            .filter(|_| self.times == Times::Shown)
            .map_or_else(String::new, |bytes| format!(", {:.1} bytes a state", per_state(bytes)));
        if bytes_on_disk > 0 && self.times == Times::Shown {
            // Writing to a String cannot fail.
            let _ = write!(held, " and {:.1} on disk", per_state(bytes_on_disk));
        }
        match identity {
            Identity::Packed => format!("each state remembered whole{held}"),
            Identity::Fingerprint { bits } => {
                format!("{bits}-bit fingerprints, collision probability {collision_probability:.0e}{held}")
            }
        }
    }

    fn laws_of(&self, slice: &ExploredSlice, text: &mut String) {
        let words = [
            ("proved", Paint::Good),
            ("violated", Paint::Bad),
            ("vacuous", Paint::Warn),
            ("unfinished", Paint::Warn),
            ("undecided", Paint::Warn),
        ];
        for (name, paint) in words {
            let of_it = slice.laws.iter().filter(|(_, found)| found.word() == name);
            let laws: Vec<&str> = of_it.map(|(law, _)| law.id).collect();
            if !laws.is_empty() {
                let padded = self.output.paint(paint, &format!("{name:<12}"));
                put(text, format_args!("    {padded}{}", laws.join(" ")));
            }
        }
    }

    fn witnesses(&self, slice: &ExploredSlice, text: &mut String) {
        let count = |word: &str| slice.laws.iter().filter(|(_, found)| found.word() == word).count();
        let (all, reached, broken) = (slice.laws.len(), count("proved"), count("violated"));
        let beside =
            if broken == 0 { String::new() } else { format!("; {broken} violated, which need none") };
        put(
            text,
            format_args!(
                "    witnesses   {reached} of {all} rules decide something in a reachable state{beside}"
            ),
        );
    }

    fn failure(&self, head: &str, failure: &Failure, text: &mut String) {
        put(text, format_args!("\n    {}", self.output.paint(Paint::Bad, head)));
        for line in failure.timeline.lines() {
            put(text, format_args!("{}", format!("      {line}").trim_end()));
        }
        for note in &failure.notes {
            put(text, format_args!("      {note}"));
        }
        let trace = failure.trace_file.as_deref().unwrap_or("nowhere");
        put(text, format_args!("      trace:  {trace}\n      replay: {}", failure.replay_command));
    }

    /// The rules in the scope: what the slices show together.
    fn scope(&self, explored: &Explored, dialect: &str, text: &mut String) {
        put(text, format_args!("\n  rules in scope {}, dialect {dialect}", explored.scope));
        for law in explored.laws() {
            let (paint, said) = match explored.together(law) {
                Together::Proved(slices) => (Paint::Good, format!("proved in {}", slices.join(", "))),
                Together::Violated(failure) => (Paint::Bad, format!("violated: {}", failure.id)),
                Together::Vacuous => (Paint::Warn, "vacuous: nothing to decide in any slice".to_owned()),
                Together::Unfinished => (Paint::Warn, "unfinished: the budget was spent before".to_owned()),
                Together::Parted(slices) => {
                    (Paint::Warn, format!("undecided: specification and core part in {}", slices.join(", ")))
                }
            };
            let said = self.output.paint(paint, &said);
            put(text, format_args!("    {:<4}{:<14}{said}", law.id, law.name));
        }
        let idle = explored.never_fired();
        if !idle.is_empty() {
            put(text, format_args!("    actions that no slice took: {}", idle.join(", ")));
        }
        text.push('\n');
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
