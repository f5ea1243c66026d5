//! A page as one file that needs no server: a walk through all states of a scope, or a trace.
//!
//! **The law it keeps.** A file has all that its buttons lead to. What does not fit is refused with its size, and never cut.

use std::collections::BTreeMap;

use contract::Core;
use judge::Trace;
use maud::{Markup, html};
use properties::simulate::{Session, Statement, read};

use crate::ask::Ask;
use crate::frame;
use crate::graph::{Links, sections};
use crate::problem::Problem;
use crate::steps::{Visit, Walked, obey_path, visit};
use crate::store::Loaded;
use crate::trace::{Extent, Filter, page};
use crate::walk::{self, Doing};

/// States of a walk in one file at most.
pub const MOST_STATES: usize = 300;

/// Events of a trace in one file at most.
pub const MOST_EVENTS: usize = 2_000;

/// Bytes of one file at most.
pub const MOST_BYTES: usize = 12 << 20;

/// A file, and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// The page.
    pub html: String,
    /// What is in it, in words.
    pub holds: String,
}

/// Why a page is not exported.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotExported {
    /// The page itself cannot be made.
    #[error("{0}")]
    Problem(Problem),
    /// There are too many states.
    #[error("{states} states and more are within {within} of the path, and a file has {MOST_STATES} at most")]
    States {
        /// How many were found.
        states: usize,
        /// How far, in words.
        within: String,
        /// The number of steps that fit; 0 where none do.
        fits: usize,
    },
    /// There are too many events.
    #[error("the trace has {events} events, and a file has {MOST_EVENTS} at most")]
    Events {
        /// How many there are.
        events: usize,
    },
    /// The file would be too large.
    #[error("the file would have {} MiB, and {} MiB is the most", bytes >> 20, MOST_BYTES >> 20)]
    Bytes {
        /// Its size.
        bytes: usize,
    },
}

impl NotExported {
    /// What to type instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            NotExported::Problem(problem) => problem.help(),
            NotExported::States { fits: 0, .. } => {
                "leave `--export` out, and walk with the server; or choose a `--slice`, whose menu is shorter"
                    .to_owned()
            }
            NotExported::States { fits, .. } => {
                format!("type `--depth {fits}`, or begin further along with `--path`, or choose a `--slice`")
            }
            NotExported::Events { .. } => {
                "make it small with `bgcheck minimize`, or leave `--export` out".to_owned()
            }
            NotExported::Bytes { .. } => "type a smaller `--depth`".to_owned(),
        }
    }
}

/// A walk through all states that are at most `depth` steps behind the path of `ask`. Where `depth` is none, through all that there are.
///
/// # Errors
/// The path is none, or there is more than a file has room for.
pub fn export_walk(ask: &Ask, depth: Option<usize>) -> Result<Export, NotExported> {
    let states = visit(ask, Explore { ask, depth }).map_err(NotExported::Problem)??;
    let transitions: usize = states.iter().map(|state| state.to.iter().flatten().count()).sum();
    let holds = format!("{} states, {transitions} steps", states.len());
    let main = html! {
        h1.unseen { "Walk through the specification" }
        p.soft { (ask.dialects.label()) ", core: " (ask.core) @if !ask.slice.is_empty() { ", slice " (ask.slice) } ". "
            (holds) @if let Some(depth) = depth { ": all that is within " (depth) " steps" } "." }
        section #walk aria-label="Walk" {
            noscript { p { "The walk in this file needs its script; the tables below do not." } }
            div #here {}
            h2 { "The way here" }
            p { button type="button" data-keep="0" { "Begin again" } }
            ol #walked.path {}
            div #states-of-this-file { @for (at, state) in states.iter().enumerate() {
                template id={ "state-" (at) } { (state_of(ask, state)) }
            } }
        }
        div #graph { (sections(ask.dialects, Links::None)) }
    };
    fitting(frame::file("Walk", &[("walk", "Walk"), ("graph", "Graph")], &main), holds)
}

/// A trace with all its events.
///
/// # Errors
/// There is more than a file has room for.
pub fn export_trace(name: &str, trace: Trace) -> Result<Export, NotExported> {
    let events = trace.lines.len();
    if events > MOST_EVENTS {
        return Err(NotExported::Events { events });
    }
    let loaded = Loaded::new(name, trace).map_err(NotExported::Problem)?;
    let main = html! { div #trace { (page(&loaded, &Filter::default(), Extent::Whole)) } };
    fitting(frame::file(name, &[("trace", "Trace")], &main), format!("{events} events"))
}

fn fitting(html: String, holds: String) -> Result<Export, NotExported> {
    match html.len() {
        bytes if bytes > MOST_BYTES => Err(NotExported::Bytes { bytes }),
        _ => Ok(Export { html, holds }),
    }
}

fn state_of(ask: &Ask, state: &State) -> Markup {
    html! {
        div.columns.three {
            div { (walk::now(&state.walked)) (walk::next(&state.walked, &Doing::There(&state.to))) }
            div { (walk::chart(&state.walked, "")) p.soft { "This is a shortest way to this state." } }
            div { (walk::graph(ask.dialects, &state.walked)) (walk::rules(&state.walked)) }
        }
    }
}

/// A state of the file.
struct State {
    walked: Walked,
    /// The state to which each choice leads, by its number.
    to: Vec<Option<usize>>,
}

/// Breadth first, so that the way to each state is a shortest one.
struct Explore<'a> {
    ask: &'a Ask,
    depth: Option<usize>,
}

impl Visit for Explore<'_> {
    type Out = Result<Vec<State>, NotExported>;

    fn visit<C: Core>(self, mut session: Session<C>) -> Self::Out {
        let (said, last) = obey_path(&mut session, &self.ask.path).map_err(NotExported::Problem)?;
        let mut known: BTreeMap<u64, Vec<usize>> = BTreeMap::from([(session.fingerprint(), vec![0])]);
        let mut states = vec![State { walked: Walked::of(&session, said, last), to: Vec::new() }];
        let mut sessions = vec![(session, 0)];
        let mut at = 0;
        while at < states.len() {
            let (here, far) = (sessions[at].0.clone(), sessions[at].1);
            let mut to = Vec::new();
            for choice in states[at].walked.choices.clone() {
                let beyond = self.depth.is_some_and(|depth| far >= depth) || choice.changes_nothing();
                let next = if beyond { None } else { then(&here, &choice.typed) };
                let Some((next, step)) = next else {
                    to.push(None);
                    continue;
                };
                let like = known.entry(next.fingerprint()).or_default();
                if let Some(place) = like.iter().find(|place| sessions[**place].0.is_like(&next)) {
                    to.push(Some(*place));
                    continue;
                }
                let place = sessions.len();
                if place == MOST_STATES {
                    // What is nearer than this state is there, all of it.
                    return Err(NotExported::States { states: place, within: self.within(), fits: far });
                }
                like.push(place);
                let mut said = states[at].walked.said.clone();
                said.push(choice.typed);
                states.push(State { walked: Walked::of(&next, said, Some(step)), to: Vec::new() });
                sessions.push((next, far + 1));
                to.push(Some(place));
            }
            states[at].to = to;
            at += 1;
        }
        Ok(states)
    }
}

impl Explore<'_> {
    fn within(&self) -> String {
        match self.depth {
            Some(1) => "1 step".to_owned(),
            Some(depth) => format!("{depth} steps"),
            None => "any number of steps".to_owned(),
        }
    }
}

/// The session with one more step.
fn then<C: Core>(session: &Session<C>, typed: &str) -> Option<(Session<C>, properties::simulate::Step)> {
    let statement = read(typed).ok()?.into_iter().next().filter(|one| matches!(one, Statement::Act(_)))?;
    let mut next = session.clone();
    match next.obey(&statement) {
        Ok(properties::simulate::Reply::Stepped(step)) => Some((next, step)),
        _ => None,
    }
}
