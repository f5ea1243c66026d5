//! Rules and duties: the sentence, why it is there, who decides it, and a run that breaks it.

use contract::defect::Fault;
use judge::cases::Example;
use judge::{Recorded, Rule, RuleSet, TimelineOptions, timeline};
use model::product;
use model::protocol::{Duty, Law};
use reports::{Explanation, Subject};

use super::tables::sentence_lines;
use super::{Kind, Word};
use crate::error::Error;

pub(super) fn words() -> Vec<Word> {
    let rules = Rule::ALL.iter().map(|rule| {
        let page = |page| Ok(about(*rule, page));
        let name = format!("{rule} {}", rule.name());
        Word::new(Kind::Rule, name, rule.sentence(), page).also(rule.to_string()).also(rule.name())
    });
    let duties = Duty::ALL.iter().map(|duty| {
        let page = |page| about_duty(*duty, page);
        let name = format!("{duty} {}", duty.name());
        Word::new(Kind::Rule, name, duty.sentence(), page).also(duty.to_string()).also(duty.name())
    });
    rules.chain(duties).collect()
}

fn about(rule: Rule, page: Explanation) -> Explanation {
    let page = page.text("Why", rule.why()).text("From", rule.source());
    let page = page.list("Documents that say so", sentence_lines(rule.follows()));
    let page = match rule.choice() {
        Some(choice) => page.text("Our choice", choice),
        None => page,
    };
    let page = decided(rule, page);
    let faults = Fault::ALL.iter().filter(|fault| fault.rule() == rule).map(|fault| fault.name().to_owned());
    let page = page.words("Seeded faults that break it", faults);
    match Example::of(rule) {
        Some(example) => {
            let (dialect, seq) = (example.trace.header.dialect, example.violation.seq);
            page.picture(&format!("A run in {dialect} that breaks it, at seq {seq}"), drawn(&example))
        }
        None => page,
    }
}

fn decided(rule: Rule, page: Explanation) -> Explanation {
    let by = deciders(rule);
    if by.is_empty() {
        return page.text("Decided by", "No subject: bgcheck has no monitor for it.");
    }
    let page = page.list("Decided by", by);
    let needs: Vec<String> = rule.needs().iter().filter_map(|kind| recorded(*kind)).collect();
    match needs.is_empty() {
        true => page,
        false => page.text("A trace has to record", needs.join(" and ")),
    }
}

/// The subjects in which something decides the rule, each with how it does and what to type.
fn deciders(rule: Rule) -> Vec<String> {
    let is_here = RuleSet::HERE.contains(rule);
    let line = |subject: Subject, how: &str, command: String| format!("{subject}, {how}: {command}");
    let product = product::property_names(rule)
        .map(|_| line(Subject::Product, "proved in a scope", format!("bgcheck check --rules {rule}")));
    let protocol = Law::ALL.contains(&Law::Rule(rule)).then(|| {
        let command = format!("bgcheck check --model protocol --rules {rule}");
        line(Subject::Protocol, "proved in a scope", command)
    });
    let race = is_here.then(|| line(Subject::Race, "sampled", "bgcheck race".to_owned()));
    let live = is_here.then(|| line(Subject::Live, "sampled", "bgcheck live".to_owned()));
    let foreign = is_here.then(|| line(Subject::Foreign, "by its traces", "bgcheck replay FILE".to_owned()));
    [product, protocol, race, live, foreign].into_iter().flatten().collect()
}

/// The name of a kind of lines, as the header of a trace has it.
fn recorded(kind: Recorded) -> Option<String> {
    serde_json::to_value(kind).ok()?.as_str().map(str::to_owned)
}

/// Lines of a run that is drawn as a whole; of a longer one only what matters is drawn.
const WHOLE: usize = 40;

/// The timeline without its first line, which repeats the page.
fn drawn(example: &Example) -> String {
    let Example { trace, violation } = example;
    let options = TimelineOptions { violation: Some(*violation), ..TimelineOptions::default() };
    let picture = timeline(trace, &options);
    let (_, picture) = picture.split_once('\n').unwrap_or_default();
    let picture = picture.trim_start_matches('\n');
    if trace.lines.len() <= WHOLE {
        return picture.to_owned();
    }
    let (before, lines) = picture.split_at(picture.find("   seq").unwrap_or(0));
    let kept = lines.lines().enumerate().filter(|(at, line)| *at == 0 || line.starts_with(">>"));
    let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
    let left_out = trace.lines.len() + 1 - kept.len();
    format!("{before}{}\n\n{left_out} lines that lead there are not shown\n", kept.join("\n"))
}

fn about_duty(duty: Duty, page: Explanation) -> Result<Explanation, Error> {
    let page = page.text("Why", duty.why()).text("From", format!("contract {duty}"));
    let by = "protocol with one job, proved in a scope under weak fairness: bgcheck check --model protocol";
    let part = duty.finite_part().map(|rule| format!("the part that a finite run shows, by rule {rule}"));
    let page = page.list("Decided by", [by.to_owned()].into_iter().chain(part));
    let story = duty.example()?;
    let picture = story.map(|story| format!("{}\n\n{}", duty.flaw().what(), story.picture(None)));
    Ok(match picture {
        Some(picture) => page.picture("A run that breaks it", picture),
        None => page,
    })
}
