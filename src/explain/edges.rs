//! Coverage points: an edge of the model, piece by piece, and an input that reaches it.

use contract::{Core as _, Event, JobState};
use engine::core::Core;
use model::edge::Edge;
use model::edges::Index;
use properties::run::run_bytes_telling;
use reports::Explanation;

use crate::engines::fuzz::{Target, committed};
use crate::place::Place;

/// The page of an edge, by the name that reports and `model/edges.txt` have.
pub(super) fn page(typed: &str, place: &Place) -> Option<Explanation> {
    let edge: Edge = typed.trim().parse().ok()?;
    let says =
        "One step of one job, as coverage is counted: where the job stood, what was done, what came of it.";
    let name = edge.to_string();
    let page = Explanation::new("edge", &name, says).list("Step by step", pieces(&name));
    if Index::committed().place(edge).is_none() {
        return Some(page.text("In the index", "No: the model does not have this step (model/edges.txt)."));
    }
    Some(match seed(edge, place) {
        Some(seed) => page.commands(
            "An input that reaches it",
            [format!("bgcheck replay {}", crate::run::quoted(&seed.to_string()))],
        ),
        None => page,
    })
}

/// The names of edges that have the text in them.
pub(super) fn that_contain(typed: &str) -> impl Iterator<Item = String> {
    // What is shorter stands in too many of them.
    let worth_while = typed.len() > 8;
    Index::text().lines().filter(move |name| worth_while && name.contains(typed)).map(str::to_owned)
}

/// What the pieces of a name mean.
fn pieces(name: &str) -> Vec<String> {
    let (context, step) = name.split_once(" | ").unwrap_or((name, ""));
    let (act, outcome) = step.split_once(" -> ").unwrap_or((step, ""));
    let said = context.split(' ').map(of_context);
    said.chain([format!("what is done: {act}"), format!("what comes of it: {outcome}")]).collect()
}

fn of_context(word: &str) -> String {
    match word.split_once('=') {
        Some(("mask", letters)) => format!("the flags let through: {}", events(letters)),
        Some(("reg", who)) => format!("registered: {}", registered(who)),
        Some(("pending", letters)) => format!("has to be told: {}", events(letters)),
        _ => state(word),
    }
}

fn state(name: &str) -> String {
    match JobState::ALL.into_iter().find(|state| state.to_string() == name) {
        Some(state) => format!("the job is {state}: {}", state.what()),
        None => "there is no such job".to_owned(),
    }
}

fn registered(who: &str) -> String {
    let said = who.split('+').map(|one| match one {
        "none" => "nothing",
        "object" => "an object without Callback2",
        "object2" => "an object with Callback2",
        "program" => "a program",
        other => other,
    });
    said.collect::<Vec<_>>().join(" and ")
}

fn events(letters: &str) -> String {
    let event = |letter| match letter {
        'F' => Some(Event::FileTransferred),
        'T' => Some(Event::JobTransferred),
        'E' => Some(Event::JobError),
        'M' => Some(Event::JobModification),
        _ => None,
    };
    let events: Vec<String> = letters.chars().filter_map(event).map(|event| event.to_string()).collect();
    if events.is_empty() { "nothing that matters here".to_owned() } else { events.join(", ") }
}

/// The first committed input of the fuzz target that reaches the edge.
fn seed(edge: Edge, place: &Place) -> Option<String> {
    let reaches = |bytes: &[u8]| {
        let mut reached = false;
        let _outcome = run_bytes_telling(bytes, Core::new, &mut |met: Edge| reached |= met == edge);
        reached
    };
    // Together they reach every edge; a test of `properties` sees to it.
    let mut seeds = committed(Target::Lockstep, place).into_iter();
    let found = seeds.find(|seed| std::fs::read(seed).is_ok_and(|bytes| reaches(&bytes)));
    found.map(|seed| seed.display().to_string())
}
