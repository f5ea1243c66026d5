//! The tables that the model is made of, for machines, and what of them no library prints.

use contract::sentence::Follows;
use contract::state::EDGES;
use contract::{Dialect, HResult, JobState, Method, answers, dialect};
use model::edges::Explored;
use properties::edges::{Breadth, explore, names};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::Output;
use crate::run::cores;

/// The names of all edges, sorted, as they are committed.
pub(crate) fn edges(output: &Output) -> Result<Vec<String>, Error> {
    let progress = output.progress("edges");
    progress.note("edges: every slice of both dialects is explored, which takes a minute or more");
    let mut tell = |dialect: Dialect, slice: &str, explored: &Explored| {
        progress.note(&format!(
            "edges: {dialect} {slice}: {} states",
            indicatif::HumanCount(explored.states as u64)
        ));
    };
    let edges = explore(Breadth::Index, cores(), &mut tell);
    let help = "run `bgcheck check` to see where".to_owned();
    let edges = edges.map_err(|unsound| Error::Broken { what: unsound.to_string(), help })?;
    Ok(names(&edges))
}

pub(crate) fn transitions(dialect: Dialect) -> Value {
    let edges = EDGES.iter().filter(|edge| edge.is_in(dialect));
    let rows = edges.map(|edge| {
        json!({
            "from": edge.from.to_string(), "cause": edge.cause.to_string(), "to": edge.to.to_string(),
            "source": edge.source, "follows": ids(edge.follows),
        })
    });
    json!({ "version": 1, "dialect": dialect, "transitions": rows.collect::<Vec<_>>() })
}

pub(crate) fn methods(dialect: Dialect) -> Value {
    let profile = dialect.profile();
    let allowed = |method: Method, state: JobState| -> Vec<&'static str> {
        let allowed = |hr: &HResult| answers::allows(profile, method, state, *hr);
        HResult::NAMED.iter().filter(|(_, hr)| allowed(hr)).map(|(name, _)| *name).collect()
    };
    let row = |method: &Method| {
        let cells = JobState::ALL.map(|state| (state.to_string(), json!(allowed(*method, state))));
        json!({
            "method": method.to_string(),
            "interface": format!("{:?}", method.interface()),
            "answers": cells.into_iter().collect::<serde_json::Map<_, _>>(),
        })
    };
    json!({ "version": 1, "dialect": dialect, "methods": Method::ALL.iter().map(row).collect::<Vec<_>>() })
}

pub(crate) fn dialects() -> Value {
    let row = |row: dialect::Row| {
        json!({
            "switch": row.field, "what": row.what,
            "bits": { "value": row.bits, "source": row.bits_source, "follows": ids(row.bits_follows) },
            "do": { "value": row.delivery_optimization, "source": row.do_source, "follows": ids(row.do_follows) },
        })
    };
    json!({ "version": 1, "dialects": dialect::rows().into_iter().map(row).collect::<Vec<_>>() })
}

/// The sentences of the documents that are followed there.
fn ids(follows: Follows) -> Vec<&'static str> {
    follows.iter().map(|sentence| sentence.id()).collect()
}

pub(crate) fn dialects_markdown() -> String {
    let mut text =
        String::from("| switch | what | BITS | source | DO | source |\n|---|---|---|---|---|---|\n");
    for row in dialect::rows() {
        let dialect::Row { field, what, bits, bits_source, delivery_optimization, do_source, .. } = row;
        text += &format!(
            "| `{field}` | {what} | {bits} | {bits_source} | {delivery_optimization} | {do_source} |\n"
        );
    }
    text
}

pub(crate) fn pretty(value: &Value) -> String {
    // `Display` of a JSON value cannot fail.
    format!("{value:#}\n")
}
