//! The page of the specification's tables: the state graph, what each method may answer, and what the dialects disagree on.
//!
//! **The law it keeps.** Each row of the transition table is there with the sentences that it follows, and with the test that takes it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use contract::sentence::Follows;
use contract::state::{EDGES, Edge, In};
use contract::{Cause, Dialect, EventView, HResult, JobState, Method, Profile, answers, dialect};
use judge::Trace;
use judge::trace::Kind;
use maud::{Markup, html};
use model::edges::Index;
use model::spec::pictures::cell;
use properties::run::from_trace;
use properties::simulate::Act;
use properties::suite::COMMITTED;

use crate::ask::{Ask, Dialects, one_of};
use crate::layout::{Arrows, Shown, arrow_id, state_graph};
use crate::problem::Problem;

/// Reads the dialects of the query: both, when it has none.
pub(crate) fn asked(query: &str) -> Result<Dialects, Problem> {
    let dialect = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "dialect");
    dialect.map_or(Ok(Dialects::Both), |(_, value)| one_of("dialect", &value, Dialects::ALL.into_iter()))
}

/// Whether a page has a server behind it, to which its links lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Links {
    Served,
    None,
}

/// The page.
pub(crate) fn page(dialects: Dialects) -> Markup {
    html! {
        h1 data-focus="yes" { "The specification's tables" }
        form.options action="/graph" method="get" data-here="yes" aria-label="Which dialect" {
            label { "Dialect"
                select name="dialect" data-auto="yes" {
                    @for each in Dialects::ALL { option value=(each) selected[each == dialects] { (each.label()) } }
                }
            }
            button { "Show" }
        }
        (sections(dialects, Links::Served))
    }
}

/// The parts of the page.
pub(crate) fn sections(dialects: Dialects, links: Links) -> Markup {
    html! {
        div.columns.atlas {
            section aria-labelledby="graph-title" {
                h2 #graph-title { "States of a job" }
                (key(dialects))
                (state_graph(&Shown { dialects, here: Vec::new(), arrows: Arrows::Linked }))
                p.soft { "Choose an arrow for what moves a job that way, the sentence that demands it, and its test." }
            }
            (edges(dialects, links))
        }
        (methods(dialects))
        (differences())
    }
}

fn key(dialects: Dialects) -> Markup {
    let line = |class: &str| {
        html! {
            svg.states width="36" height="10" aria-hidden="true" { g class=(class) { path.line d="M0 5H28" {} path.head d="M36 5L28 9L28 1Z" {} } }
        }
    };
    html! {
        ul.key {
            li { (line("arrow call")) " a call" }
            li { (line("arrow env")) " network, clock or scheduler" }
            @if dialects == Dialects::Both {
                li.dialect-bits { (line("arrow call only-bits")) " BITS only" }
                li.dialect-do { (line("arrow call only-do")) " Delivery Optimization only" }
            }
        }
    }
}

fn edges(dialects: Dialects, links: Links) -> Markup {
    let shown = dialects.each();
    let mut by_arrow: BTreeMap<(JobState, JobState), Vec<&Edge>> = BTreeMap::new();
    for edge in EDGES.iter().filter(|edge| shown.iter().any(|dialect| edge.is_in(*dialect))) {
        by_arrow.entry((edge.from, edge.to)).or_default().push(edge);
    }
    html! {
        section aria-labelledby="edges-title" {
            h2 #edges-title { "Each arrow, its sentence and its test" }
            div.arrows role="region" aria-label="Arrows" tabindex="0" {
                @for ((from, to), edges) in by_arrow {
                    section id=(arrow_id(from, to)) {
                        h3 { (from) " \u{2192} " (to) }
                        @for edge in edges { (row(edge, links)) }
                    }
                }
            }
        }
    }
}

fn row(edge: &Edge, links: Links) -> Markup {
    let whose = match edge.dialects {
        In::Both => html! {},
        In::Only(Dialect::Bits) => html! { span.dialect-bits { "BITS only" } },
        In::Only(Dialect::Do) => html! { span.dialect-do { "Delivery Optimization only" } },
    };
    html! {
        div.why {
            p { b { "by " (edge.cause) } " " (whose) }
            (sentences(edge.follows))
            p.soft { "Source: " (edge.source) }
            p { (test(edge, links)) }
        }
    }
}

fn sentences(follows: Follows) -> Markup {
    html! {
        @if follows.is_empty() { span.soft { "our choice: no sentence demands it" } }
        @for sentence in follows {
            @let text = sentence.text();
            div { (text.says) " " span.soft { code { (sentence.id()) } " (" (text.source()) ")" } }
        }
    }
}

fn test(edge: &Edge, links: Links) -> Markup {
    let dialect = if edge.is_in(Dialect::Bits) { Dialect::Bits } else { Dialect::Do };
    let tests = tests();
    let of = |dialect: Dialect| tests.get(&(dialect as u8, edge.from, edge.cause.to_string(), edge.to));
    match of(dialect).or_else(|| of(Dialect::Do)) {
        Some(test) => html! {
            "Test: " code { "bgcheck conform --suite " (test.suite) } " "
            span.soft { (test.file) ", event " (test.seq) }
            @if let (Links::Served, Some(ask)) = (links, &test.ask) { " " a href=(ask.url()) { "Walk there" } }
        },
        None => match indexed(edge) {
            Some(name) => html! { "Input that reaches it: " code { "bgcheck explain '" (name) "'" } },
            None => html! { span.soft { "Test: no committed suite takes it." } },
        },
    }
}

/// The name of a step in the committed index of coverage that takes an edge; an input of the fuzz target reaches each of them.
fn indexed(edge: &Edge) -> Option<&'static str> {
    let (from, cause, to) = (edge.from.to_string(), edge.cause.to_string(), edge.to.to_string());
    Index::text().lines().find(|name| {
        let Some((context, step)) = name.split_once(" | ") else { return false };
        let is_there = context.split(' ').next() == Some(from.as_str());
        is_there && step.starts_with(&cause) && step.split([' ', ',']).any(|word| word == to)
    })
}

/// The shortest file of a committed suite that takes an edge.
struct Test {
    suite: &'static str,
    file: String,
    seq: u64,
    /// The walk up to there; none of a run that cannot be typed.
    ask: Option<Ask>,
}

type Tests = BTreeMap<(u8, JobState, String, JobState), Test>;

/// The committed suites take all edges; they are read once.
fn tests() -> &'static Tests {
    static TESTS: OnceLock<Tests> = OnceLock::new();
    TESTS.get_or_init(|| {
        let mut tests = Tests::new();
        for committed in COMMITTED {
            // A suite that cannot be read is the business of the test that compares the committed ones.
            let Ok(suite) = committed.read() else { continue };
            for case in &suite.cases {
                note(&mut tests, committed.name, &case.name, &case.trace);
            }
        }
        tests
    })
}

fn note(tests: &mut Tests, suite: &'static str, file: &str, trace: &Trace) {
    let dialect = trace.header.dialect;
    let mut calls = BTreeMap::new();
    for (seq, event) in trace.events() {
        match event {
            EventView::Call { id, call, .. } => {
                calls.insert(id, call.method());
            }
            EventView::State { from: Some(from), to, by, .. } => {
                let cause = match by {
                    contract::event::By::Call(id) => calls.get(&id).map(|method| Cause::Call(*method)),
                    contract::event::By::Env(step) => Some(Cause::Env(step.kind())),
                };
                let Some(cause) = cause else { continue };
                let key = (dialect as u8, from, cause.to_string(), to);
                if tests.get(&key).is_none_or(|known| seq < known.seq) {
                    let ask = walk_up_to(trace, seq);
                    tests.insert(key, Test { suite, file: file.to_owned(), seq, ask });
                }
            }
            _ => {}
        }
    }
}

/// The steps of a trace up to an event, as a walk.
fn walk_up_to(trace: &Trace, seq: u64) -> Option<Ask> {
    let program = from_trace(trace).ok()?;
    let is_step = |kind: &Kind| matches!(kind, Kind::Call(_) | Kind::Choose(_));
    let steps = trace.lines.iter().filter(|line| line.seq <= seq && is_step(&line.what)).count();
    let typed = program.steps.iter().take(steps).map(|step| Some(Act::of(step)?.to_string()));
    let path = typed.collect::<Option<Vec<_>>>()?.join("; ");
    let dialects = Dialects::One(trace.header.dialect);
    Some(Ask { dialects, slice: program.slice.to_owned(), path, ..Ask::default() })
}

/// What each method may answer in each state.
fn methods(dialects: Dialects) -> Markup {
    html! {
        @for dialect in dialects.each() {
            section aria-label={ "Methods in " (dialect) } {
                h2 { "What each method may answer: " (Dialects::One(dialect).label()) }
                details open[dialects != Dialects::Both] {
                    summary { (Method::ALL.len()) " methods by " (JobState::ALL.len()) " states" }
                    (matrix(dialect))
                }
            }
        }
    }
}

fn matrix(dialect: Dialect) -> Markup {
    let profile = dialect.profile();
    let states: Vec<JobState> = JobState::ALL
        .into_iter()
        .filter(|state| {
            EDGES.iter().any(|edge| edge.is_in(dialect) && (edge.from == *state || edge.to == *state))
        })
        .collect();
    let states = &states;
    html! {
        div.scroll role="region" aria-label={ "Answers in " (dialect) } tabindex="0" {
            table.matrix {
                thead { tr { th scope="col" { "method" } @for state in states { th scope="col" { (state) } } } }
                tbody { @for method in Method::ALL {
                    @let follows = [answers::follows(*method), answers::follows_beyond_state(*method)].concat();
                    tr {
                        th scope="row" {
                            @if follows.is_empty() { (method) }
                            @else { details { summary { (method) } @for sentence in &follows {
                                span.soft { (sentence.text().says) " (" code { (sentence.id()) } ")" }
                            } } }
                        }
                        @for state in states { (answer(profile, *method, *state)) }
                    }
                } }
            }
        }
    }
}

fn answer(profile: &Profile, method: Method, state: JobState) -> Markup {
    let codes = cell(profile, method, state);
    let class = if answers::allows(profile, method, state, HResult::S_OK) { "ok" } else { "refused" };
    html! { td class=(class) { (codes) } }
}

/// The rows of the table on which the dialects disagree, and then the others.
fn differences() -> Markup {
    let (differing, equal): (Vec<_>, Vec<_>) =
        dialect::rows().into_iter().partition(|row| row.bits != row.delivery_optimization);
    html! {
        section aria-labelledby="dialects-title" {
            h2 #dialects-title { "Where the two dialects part" }
            (cells(&differing, "The dialects part"))
            details { summary { (equal.len()) " rows are equal in both" } (cells(&equal, "The dialects agree")) }
        }
    }
}

fn cells(rows: &[dialect::Row], label: &str) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table.matrix {
                thead { tr { @for head in ["switch", "what", "BITS", "Delivery Optimization"] { th scope="col" { (head) } } } }
                tbody { @for row in rows { tr {
                    th scope="row" { (row.field) }
                    td { (row.what) }
                    td { b { (row.bits) } " " span.soft { (row.bits_source) } @if !row.bits_follows.is_empty() { (sentences(row.bits_follows)) } }
                    td { b { (row.delivery_optimization) } " " span.soft { (row.do_source) } @if !row.do_follows.is_empty() { (sentences(row.do_follows)) } }
                } } }
            }
        }
    }
}
