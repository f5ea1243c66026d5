//! The two kinds of codes: those that the command ends with, and those that methods answer.

use std::collections::BTreeMap;

use contract::dialect;
use contract::{Dialect, HResult, JobState, Method, answers};
use reports::{ExitCode, Explanation};

use super::tables::sentences_about;
use super::{Kind, Word, sentence};

pub(super) fn exit_codes() -> Vec<Word> {
    let mut codes: Vec<ExitCode> = ExitCode::all().collect();
    codes.sort_by_key(|code| code.code());
    let word = |code: ExitCode| {
        // Where a usage error ends it, nothing ran that could end otherwise.
        let order = ExitCode::BY_PRECEDENCE.into_iter().filter(|code| *code != ExitCode::Usage);
        let order: Vec<String> = order.map(|code| code.code().to_string()).collect();
        let page = move |page: Explanation| {
            let first = format!("When several codes apply, the first of these wins: {}.", order.join(", "));
            Ok(page.text("Which code wins", first).text("Verb by verb", "docs/exit-codes.md"))
        };
        let name = format!("{} {}", code.code(), code.verdict());
        Word::new(Kind::ExitCode, name, code.when(), page).also(code.code().to_string()).also(code.verdict())
    };
    codes.into_iter().map(word).collect()
}

pub(super) fn hresults() -> Vec<Word> {
    let word = |(name, hr): &(&'static str, HResult)| {
        let (name, hr) = (*name, *hr);
        let says = sentence(HResult::what(name).unwrap_or_default());
        Word::new(Kind::HResult, name, says, move |page| Ok(about(hr, name, page)))
            .also(format!("0x{:08X}", hr.0))
            .also((hr.0 as i32).to_string())
    };
    // 0 is the exit code, and 1 is.
    let mut words: Vec<Word> = HResult::NAMED.iter().map(word).collect();
    words.iter_mut().for_each(|word| word.also.retain(|spelling| !matches!(spelling.as_str(), "0" | "1")));
    words
}

/// A code by its number, where it has no name.
pub(super) fn number(typed: &str) -> Option<Explanation> {
    let lower = typed.to_lowercase();
    let hr = lower.parse::<HResult>().ok().or_else(|| Some(HResult(lower.parse::<i32>().ok()? as u32)))?;
    // A small decimal number is meant as an exit code that does not exist.
    let is_code = lower.starts_with("0x") || hr.failed();
    let name = hr.name().unwrap_or_default();
    let says = match (HResult::what(name), hr.0 >> 16) {
        (Some(what), _) => sentence(what),
        (None, 0x8007) => format!("The Windows error {}, as an HRESULT.", hr.0 & 0xFFFF),
        (None, 0x8019) => format!("The HTTP status {}, as an HRESULT.", hr.0 & 0xFFFF),
        (None, _) => "A code that has no name here.".to_owned(),
    };
    let page = Explanation::new(Kind::HResult.one(), hr.to_string(), says);
    is_code.then(|| about(hr, name, page))
}

fn about(hr: HResult, name: &str, page: Explanation) -> Explanation {
    let outcome = if hr.succeeded() { "the call succeeded" } else { "the call failed" };
    let page = page.text("Value", format!("0x{:08X}: {outcome}", hr.0));
    let others = HResult::NAMED.iter().filter(|(other, value)| *value == hr && *other != name);
    let page = page.words("Other names", others.map(|(other, _)| (*other).to_owned()));
    let page = Dialect::ALL
        .into_iter()
        .fold(page, |page, dialect| page.list(&format!("Answered in {dialect}"), answered(dialect, hr)));
    let switches = dialect::rows().into_iter().filter(|row| {
        let code = format!("{hr:?}");
        [&row.bits, &row.delivery_optimization].iter().any(|cell| super::mentions(cell, &code))
    });
    let page = page.list("Switches", switches.map(|row| format!("{}: {}", row.field, row.what)));
    if name.is_empty() { page } else { page.list("Documents", sentences_about(name)) }
}

/// The methods that may answer a code, by the states in which they may.
fn answered(dialect: Dialect, hr: HResult) -> Vec<String> {
    let mut by_states: BTreeMap<Vec<JobState>, Vec<&str>> = BTreeMap::new();
    for method in Method::ALL {
        let allows = |state: &JobState| answers::allows(dialect.profile(), *method, *state, hr);
        let states: Vec<JobState> = JobState::ALL.into_iter().filter(allows).collect();
        if !states.is_empty() {
            by_states.entry(states).or_default().push(method.name());
        }
    }
    let line = |(states, methods): (Vec<JobState>, Vec<&str>)| {
        format!("{}: {}", in_states(&states), methods.join(", "))
    };
    by_states.into_iter().map(line).collect()
}

/// `in every state`, or the states.
pub(super) fn in_states(states: &[JobState]) -> String {
    match states.len() == JobState::ALL.len() {
        true => "in every state".to_owned(),
        false => states.iter().map(JobState::to_string).collect::<Vec<_>>().join(", "),
    }
}
