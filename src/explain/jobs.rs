//! What a job has: states, events, flags, methods, and the steps of the environment that move it.

use contract::env::StepKind;
use contract::state::{Cause, EDGES, Edge, In};
use contract::{Dialect, Event, HResult, JobState, Method, NotifyFlags, answers, dialect};
use reports::Explanation;

use super::codes::in_states;
use super::tables::{sentence_lines, sentences_about};
use super::{Kind, Word, mentions, sentence};

pub(super) fn states() -> Vec<Word> {
    let word = |state: JobState| {
        let page = move |page: Explanation| {
            let page = page.list("Left by", moves(|edge| edge.from == state));
            let page = page.list("Entered by", moves(|edge| edge.to == state));
            Ok(page.list("Documents", sentences_about(&state.to_string())))
        };
        Word::new(Kind::State, state.to_string(), state.what(), page).also(state.documented_name())
    };
    JobState::ALL.into_iter().map(word).collect()
}

pub(super) fn steps() -> Vec<Word> {
    let word = |step: StepKind| {
        let page = move |page: Explanation| {
            Ok(page.list("Moves a job", moves(|edge| edge.cause == Cause::Env(step))))
        };
        Word::new(Kind::Step, step.to_string(), step.what(), page)
    };
    StepKind::ALL.into_iter().map(word).collect()
}

/// The rows of the transition table that are asked for.
fn moves(asked: impl Fn(&Edge) -> bool) -> Vec<String> {
    let line = |edge: &Edge| {
        let only = match edge.dialects {
            In::Both => String::new(),
            In::Only(dialect) => format!(", in {dialect} only"),
        };
        format!("{} -> {} by {} ({}{only})", edge.from, edge.to, edge.cause, edge.source)
    };
    EDGES.iter().filter(|edge| asked(edge)).map(line).collect()
}

pub(super) fn events() -> Vec<Word> {
    let word = |event: Event| {
        let page = move |page: Explanation| {
            let flag = NotifyFlags::NAMED.iter().find(|(_, flag, _)| *flag == event.flag());
            let page = page.words("Asked for by the flag", flag.map(|(name, ..)| (*name).to_owned()));
            Ok(page.list("Documents", sentences_about(&event.to_string())))
        };
        Word::new(Kind::Event, event.to_string(), event.what(), page)
    };
    Event::ALL.into_iter().map(word).collect()
}

pub(super) fn flags() -> Vec<Word> {
    let word = |(name, flag, what): &(&'static str, NotifyFlags, &'static str)| {
        let (name, flag, documented) = (*name, *flag, format!("BG_NOTIFY_{name}"));
        let long = documented.clone();
        let page = move |page: Explanation| {
            let default = if NotifyFlags::DEFAULT.contains(flag) { ", set in a new job" } else { "" };
            let page = page.text("Value", format!("0x{:02X}{default}", flag.bits()));
            let event = Event::ALL.into_iter().find(|event| event.flag() == flag);
            let page = page.words("Asks for the event", event.map(|event| event.to_string()));
            let rows = dialect::rows().into_iter().filter(|row| mentions(row.what, &long));
            let page = page.list("Switches", rows.map(|row| format!("{}: {}", row.field, row.what)));
            Ok(page.list("Documents", sentences_about(&long)))
        };
        Word::new(Kind::Flag, name, sentence(what), page).also(documented)
    };
    NotifyFlags::NAMED.iter().map(word).collect()
}

pub(super) fn methods() -> Vec<Word> {
    let word = |method: Method| {
        Word::new(Kind::Method, method.name(), method.what(), move |page| Ok(about(method, page)))
    };
    Method::ALL.iter().copied().map(word).collect()
}

fn about(method: Method, page: Explanation) -> Explanation {
    let page = page.text("Interface", method.interface().what());
    let page = page.text("Answers E_NOTIMPL", method.omitted().what());
    let page = page.list("Moves a job", moves(|edge| edge.cause == Cause::Call(method)));
    let page = Dialect::ALL
        .into_iter()
        .fold(page, |page, dialect| page.list(&format!("Answers in {dialect}"), answers_of(dialect, method)));
    let page = page.list("Documents", sentence_lines(answers::follows(method)));
    page.list("Documents, beyond states", sentence_lines(answers::follows_beyond_state(method)))
}

/// The codes that a method may answer, each with the states in which it may.
fn answers_of(dialect: Dialect, method: Method) -> Vec<String> {
    let line = |(name, hr): &(&'static str, HResult)| {
        let allows = |state: &JobState| answers::allows(dialect.profile(), method, *state, *hr);
        let states: Vec<JobState> = JobState::ALL.into_iter().filter(allows).collect();
        (!states.is_empty()).then(|| format!("{name}: {}", in_states(&states)))
    };
    HResult::NAMED.iter().filter_map(line).collect()
}
