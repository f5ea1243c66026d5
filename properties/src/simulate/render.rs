//! Replies as text for a reader, and as JSON for a machine.

use contract::{Dialect, Method};
use serde_json::{Value, json};

use super::session::{Answers, Asked, Reply, Sided, Step, answer, rules};
use super::side::{Done, NotNow, Would};
use super::situation::{Fate, JobStands, Situation};
use super::why::{Cited, Reason};

/// A reply for a reader. Where everything stands behind a step is [`standing`].
#[must_use]
pub fn text(reply: &Reply) -> String {
    match reply {
        Reply::Stepped(step) => step_text(step, Detail::Short),
        Reply::WhatIf(steps) => {
            let mut text: String = steps.iter().map(|step| step_text(step, Detail::Short)).collect();
            if let Some(last) = steps.last() {
                text += &indented(&standing(&last.stands));
            }
            text + "nothing was changed\n"
        }
        Reply::Asked(asked) => asked_text(asked),
        Reply::Answers(sides) => lines(&by_side(sides, answers_text)),
        Reply::Why(step) => step_text(step, Detail::Full),
        Reply::Back(number, stands) => {
            let behind = match number {
                0 => "behind no step\n".to_owned(),
                number => format!("behind step {number}\n"),
            };
            behind + &standing(stands)
        }
        Reply::Shown(stands) => standing(stands),
        Reply::Chosen(job) => format!("what follows is about {job}\n"),
        Reply::Steps(steps) => {
            steps.iter().enumerate().map(|(at, typed)| format!("{:>3}  {typed}\n", at + 1)).collect()
        }
        Reply::Text(text) => text.clone(),
        Reply::Save(file, trace) => format!("{} lines written to {file}\n", trace.lines.len()),
        Reply::Load(_) | Reply::Quit => String::new(),
    }
}

/// Where everything stands, for a reader.
#[must_use]
pub fn standing(stands: &[Sided<Situation>]) -> String {
    let parts: [fn(&Situation) -> Vec<String>; 3] = [jobs_text, |one| one.open.clone(), next_text];
    let mut all = String::new();
    for part in parts {
        all += &lines(&by_side(stands, part));
    }
    all
}

/// How much is printed of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Short,
    Full,
}

/// Reasons of a step that are printed without a `why`.
const REASONS: usize = 3;

fn step_text(step: &Step, detail: Detail) -> String {
    let number = step.number.map_or_else(String::new, |number| format!("{number}  "));
    let mut text = format!("{number}{}\n", step.typed);
    let happened = by_side(&step.done, happened_text);
    let parted = happened.len() > 1;
    text += &indented(&lines(&happened));
    text += &indented(&lines(&by_side(&step.done, |done| reasons_text(done, detail))));
    if parted {
        text += "  the dialects part here\n";
    }
    if detail == Detail::Full {
        let exercised = step.done.iter().filter_map(|one| one.what.as_ref().ok()).map(|done| done.exercised);
        let exercised = exercised.fold(judge::RuleSet::EMPTY, judge::RuleSet::union);
        if !exercised.is_empty() {
            text += &format!("  rules that had something to decide: {}\n", rules(exercised));
        }
    }
    let broken: Vec<String> = step.stands.iter().filter_map(|one| one.what.broken.clone()).collect();
    let agrees = "  specification and core agree, and no rule is broken\n";
    match (broken.first(), detail) {
        (Some(broken), _) => text + &format!("  BROKEN: {broken}\n"),
        (None, Detail::Full) => text + agrees,
        (None, Detail::Short) => text,
    }
}

fn happened_text(done: &Result<Done, NotNow>) -> Vec<String> {
    match done {
        Ok(done) => vec![done.happened.join("; ")],
        Err(not) => vec![format!("not possible: {not}")],
    }
}

fn reasons_text(done: &Result<Done, NotNow>, detail: Detail) -> Vec<String> {
    let Ok(done) = done else { return Vec::new() };
    match detail {
        Detail::Short => {
            // A sentence that two reasons have is printed once.
            let mut cited = Vec::new();
            let reasons = done.why.iter().filter(|reason| {
                let first = reason.sentences.first().map(|first| first.id);
                let is_new = first.is_none_or(|first| !cited.contains(&first));
                cited.extend(first);
                is_new
            });
            let reasons = reasons.take(REASONS);
            reasons.map(|reason| format!("because {}", short(reason))).collect()
        }
        Detail::Full => done.why.iter().flat_map(in_full).collect(),
    }
}

fn short(reason: &Reason) -> String {
    match reason.sentences.first() {
        Some(first) => format!("{}: {}", reason.by, cited(first)),
        None => reason.by.clone(),
    }
}

fn in_full(reason: &Reason) -> Vec<String> {
    let sentences = reason.sentences.iter().map(|one| format!("  {}", cited(one)));
    std::iter::once(format!("because {}", reason.by)).chain(sentences).collect()
}

fn cited(one: &Cited) -> String {
    format!("{} ({}; {})", one.says, one.id, one.source)
}

fn asked_text(asked: &Asked) -> String {
    let one = |would: &Result<Would, NotNow>| match would {
        Err(not) => vec![format!("not now: {not}")],
        Ok(would) => {
            let mut said = vec![format!("{} would answer: {}", asked.typed, answer(would))];
            said.push(format!("  {}", would.done.happened.join("; ")));
            said.extend(would.done.why.iter().flat_map(in_full).map(|line| format!("  {line}")));
            said
        }
    };
    lines(&by_side(&asked.would, one)) + "nothing was changed\n"
}

fn answers_text(answers: &Answers) -> Vec<String> {
    let line = |(said, methods): &(String, Vec<Method>)| {
        let methods: Vec<&str> = methods.iter().map(|method| method.name()).collect();
        format!("{said}: {}", methods.join(", "))
    };
    answers.by_answer.iter().map(line).collect()
}

fn jobs_text(one: &Situation) -> Vec<String> {
    if one.jobs.is_empty() {
        return vec!["there is no job".to_owned()];
    }
    one.jobs.iter().flat_map(job_text).collect()
}

fn job_text(stands: &JobStands) -> Vec<String> {
    let mut said = vec![format!("{} {}: {}.", stands.job, stands.state, stands.has)];
    let nothing_comes =
        stands.due.iter().all(|due| !matches!(due.fate, Fate::MayBegin | Fate::UnderWay | Fate::Waits));
    said.extend(stands.due.iter().map(|due| format!("  {}.", due.line())));
    if let Some(last) = said.last_mut().filter(|_| nothing_comes && !stands.due.is_empty()) {
        last.push_str(" Nothing will be called.");
    }
    said
}

fn next_text(one: &Situation) -> Vec<String> {
    let next = if one.next.is_empty() { "only calls".to_owned() } else { one.next.join(" | ") };
    vec![format!("next: {next}")]
}

/// What is equal in all dialects once, and else each with its dialect.
fn by_side<T>(sides: &[Sided<T>], of: impl Fn(&T) -> Vec<String>) -> Vec<(Option<Dialect>, Vec<String>)> {
    let said: Vec<(Dialect, Vec<String>)> = sides.iter().map(|side| (side.dialect, of(&side.what))).collect();
    match said.as_slice() {
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => {
            vec![(None, first.clone())]
        }
        _ => said.into_iter().map(|(dialect, lines)| (Some(dialect), lines)).collect(),
    }
}

fn lines(sides: &[(Option<Dialect>, Vec<String>)]) -> String {
    let line = |(dialect, lines): &(Option<Dialect>, Vec<String>)| {
        let sign = dialect.map_or_else(String::new, |dialect| format!("{:<6}", format!("{dialect}:")));
        lines.iter().map(|line| format!("{sign}{line}\n")).collect::<String>()
    };
    sides.iter().map(line).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A reply for a machine: one object.
#[must_use]
pub fn json(reply: &Reply) -> Value {
    match reply {
        Reply::Stepped(step) => step_json("step", step),
        Reply::WhatIf(steps) => {
            json!({ "kind": "what_if", "steps": steps.iter().map(|step| step_json("step", step)).collect::<Vec<_>>() })
        }
        Reply::Asked(asked) => {
            let one = |side: &Sided<Result<Would, NotNow>>| match &side.what {
                Ok(would) => json!({
                    "dialect": side.dialect, "answer": would.answer, "waits_for": would.waits,
                    "disk_work": would.disk, "happens": would.done.happened, "why": would.done.why,
                }),
                Err(not) => not_json(side.dialect, not),
            };
            json!({ "kind": "asked", "typed": asked.typed, "dialects": asked.would.iter().map(one).collect::<Vec<_>>() })
        }
        Reply::Answers(sides) => {
            let one = |side: &Sided<Answers>| {
                let answers = side.what.by_answer.iter().map(|(said, methods)| {
                    json!({ "answer": said, "methods": methods.iter().map(|method| method.name()).collect::<Vec<_>>() })
                });
                json!({ "dialect": side.dialect, "answers": answers.collect::<Vec<_>>() })
            };
            json!({ "kind": "answers", "dialects": sides.iter().map(one).collect::<Vec<_>>() })
        }
        Reply::Why(step) => step_json("why", step),
        Reply::Back(number, stands) => json!({ "kind": "back", "number": number, "stands": stands }),
        Reply::Shown(stands) => json!({ "kind": "stands", "stands": stands }),
        Reply::Chosen(job) => json!({ "kind": "job", "job": job.to_string() }),
        Reply::Steps(steps) => json!({ "kind": "steps", "steps": steps }),
        Reply::Text(text) => json!({ "kind": "text", "text": text }),
        Reply::Save(file, trace) => json!({ "kind": "saved", "file": file, "lines": trace.lines.len() }),
        Reply::Load(file) => json!({ "kind": "load", "file": file }),
        Reply::Quit => json!({ "kind": "quit" }),
    }
}

fn step_json(kind: &str, step: &Step) -> Value {
    let one = |side: &Sided<Result<Done, NotNow>>| match &side.what {
        Ok(done) => json!({ "dialect": side.dialect, "happened": done.happened, "why": done.why }),
        Err(not) => not_json(side.dialect, not),
    };
    json!({
        "kind": kind,
        "number": step.number,
        "typed": step.typed,
        "dialects": step.done.iter().map(one).collect::<Vec<_>>(),
        "stands": step.stands,
    })
}

fn not_json(dialect: Dialect, not: &NotNow) -> Value {
    json!({ "dialect": dialect, "not_now": not.what, "help": not.help })
}
