//! The tables as pictures: transitions as Markdown, DOT and Mermaid, answers as Markdown.
//!
//! Snapshots of them are committed, so a changed transition is a changed picture in review.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use contract::answers::{self, Class};
use contract::dialect::Profile;
use contract::state::{EDGES, Edge};
use contract::{Cause, Dialect, HResult, JobState, Method};

/// The transition table as Markdown, a row per edge, each with the fact it comes from.
#[must_use]
pub fn markdown(dialect: Dialect) -> String {
    let mut out = String::from("| from | cause | to | source |\n|---|---|---|---|\n");
    for edge in edges(dialect) {
        line(&mut out, format_args!("| {} | {} | {} | {} |", edge.from, edge.cause, edge.to, edge.source));
    }
    out
}

/// The transition table as a DOT graph. Calls are drawn solid, environment steps dashed.
#[must_use]
pub fn dot(dialect: Dialect) -> String {
    let mut out = format!("digraph {dialect} {{\n    rankdir=LR;\n    node [shape=box, style=rounded];\n");
    for state in states(dialect).filter(|state| state.is_final()) {
        line(&mut out, format_args!("    {state} [peripheries=2];"));
    }
    for ((from, to, kind), causes) in arrows(dialect) {
        let style = if kind == Arrow::Call { "solid" } else { "dashed" };
        line(&mut out, format_args!("    {from} -> {to} [label=\"{}\", style={style}];", causes.join("\\n")));
    }
    out + "}\n"
}

/// The transition table as a Mermaid state diagram.
#[must_use]
pub fn mermaid(dialect: Dialect) -> String {
    let mut out = format!("stateDiagram-v2\n    [*] --> {}\n", JobState::Suspended);
    for ((from, to, _), causes) in arrows(dialect) {
        line(&mut out, format_args!("    {from} --> {to}: {}", causes.join(", ")));
    }
    for state in states(dialect).filter(|state| state.is_final()) {
        line(&mut out, format_args!("    {state} --> [*]"));
    }
    out
}

/// The method x state table as Markdown: what a method may answer in each state, its argument errors apart.
#[must_use]
pub fn methods_markdown(dialect: Dialect) -> String {
    let profile = dialect.profile();
    let mut out = String::from("| method |");
    for state in states(dialect) {
        let _ = write!(out, " {state} |");
    }
    out += " argument errors |\n|---|";
    out += &"---|".repeat(states(dialect).count() + 1);
    out.push('\n');
    for method in Method::ALL {
        let _ = write!(out, "| {method} |");
        for state in states(dialect) {
            let _ = write!(out, " {} |", cell(profile, *method, state));
        }
        line(&mut out, format_args!(" {} |", argument_errors(profile, *method)));
    }
    out
}

/// Whether an arrow is a call or an environment step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Arrow {
    Call,
    Env,
}

fn edges(dialect: Dialect) -> impl Iterator<Item = &'static Edge> {
    EDGES.iter().filter(move |edge| edge.is_in(dialect))
}

/// The states a dialect shows: those some edge of it touches.
fn states(dialect: Dialect) -> impl Iterator<Item = JobState> {
    JobState::ALL
        .into_iter()
        .filter(move |state| edges(dialect).any(|edge| edge.from == *state || edge.to == *state))
}

/// Edges of one kind from one state to another as one arrow, with all their causes.
fn arrows(dialect: Dialect) -> BTreeMap<(JobState, JobState, Arrow), Vec<String>> {
    let mut arrows = BTreeMap::new();
    for edge in edges(dialect) {
        let kind = if matches!(edge.cause, Cause::Call(_)) { Arrow::Call } else { Arrow::Env };
        let causes: &mut Vec<String> = arrows.entry((edge.from, edge.to, kind)).or_default();
        causes.push(edge.cause.to_string());
    }
    arrows
}

/// What a method may answer in a state, as its cell of the table has it: codes, without those about its arguments.
#[must_use]
pub fn cell(profile: &Profile, method: Method, state: JobState) -> String {
    let errors = answers::argument_errors(method);
    let mut said: Vec<HResult> = Vec::new();
    for hr in plain_answers(profile) {
        let is_error = errors.contains(&hr) && hr != HResult::E_NOTIMPL;
        if !said.contains(&hr) && !is_error && answers::allows(profile, method, state, hr) {
            said.push(hr);
        }
    }
    // E_NOTIMPL is the answer of an omitted method, and else an argument error.
    if !answers::is_omitted(profile, method) {
        said.retain(|hr| *hr != HResult::E_NOTIMPL);
    }
    let mut names: Vec<&str> = said.iter().filter_map(|hr| hr.name()).collect();
    if answers::class(method) == Class::Complete && !state.is_final() {
        names.push("file-system error");
    }
    names.join(", ")
}

/// The answers that depend on the state.
fn plain_answers(profile: &Profile) -> [HResult; 10] {
    [
        HResult::S_OK,
        HResult::S_FALSE,
        HResult::E_NOTIMPL,
        profile.partial_complete,
        profile.unable_to_delete,
        profile.empty,
        profile.resume_transferred,
        profile.no_error_information,
        profile.not_found,
        profile.invalid_state,
    ]
}

fn argument_errors(profile: &Profile, method: Method) -> String {
    if answers::is_omitted(profile, method) {
        return String::new();
    }
    let names = answers::argument_errors(method).iter().filter_map(|hr| hr.name());
    names.collect::<Vec<_>>().join(", ")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
