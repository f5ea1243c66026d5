//! The exhaustive engine on liveness: what is owed comes, in every slice of one job, under weak fairness.

use contract::Dialect;
use model::explore::Extent;
use model::protocol::{LiveProof, LiveReport, Slice, check_live, live_slice};
use properties::pins::Size;

use super::explored::{Comparison, Done, ExploredSlice, Found, Law};
use super::protocol::{Look, Plan, Turn, keep_story};
use crate::error::Error;
use crate::output::Output;

/// Explores, and passes each dialect to `done` right after its exploration.
pub(crate) fn run(plan: &Plan<'_>, output: &mut Output, done: Done<'_>) -> Result<(), Error> {
    look().run(plan, output, done)
}

/// Gives the search the parts that are to be explored.
pub(crate) fn expect(plan: &Plan<'_>) {
    look().expect(plan);
}

fn look() -> Look {
    let memory = "what is owed comes, if every step of the engine, the network and the clock is weakly fair";
    Look {
        name: "check liveness",
        aspect: " liveness",
        memory: memory.to_owned(),
        slice: live_slice,
        label,
        of_slice,
    }
}

fn label(_: &Plan<'_>, dialect: Dialect, slice: &Slice) -> String {
    format!("check liveness in {} ({dialect})", slice.name)
}

fn of_slice(turn: &Turn<'_>, slice: &Slice, output: &Output) -> Result<ExploredSlice, Error> {
    let Turn { plan, dialect, .. } = *turn;
    let profile = dialect.profile();
    let whole = |report: &LiveReport| {
        let size = Size { states: report.states, edges: report.edges };
        (report.extent == Extent::Complete).then_some(size)
    };
    let label = label(plan, dialect, slice);
    let report = plan.search.explore(&label, turn.budget(), output, whole, |options| {
        let until = (options.budget, options.resources.enough);
        check_live(plan.design, None, profile, slice, options.threads, until)
    })?;
    let mut laws = Vec::new();
    for (duty, proof) in &report.proofs {
        let found = match proof {
            LiveProof::Proved => Found::Proved,
            LiveProof::Violated(lasso) => {
                let story = lasso.story(plan.design, profile, slice);
                let id = format!("{duty}-lasso");
                let name = slice.name.replace('/', "-");
                Found::Violated(keep_story(plan.search.traces, story, None, &id, (plan.design, &name)).into())
            }
            LiveProof::Vacuous => Found::Vacuous,
            LiveProof::Unfinished => Found::Unfinished,
        };
        laws.push((Law { id: duty.id(), name: duty.name() }, found));
    }
    let LiveReport { slice, scope, states, edges, depth, elapsed, extent, visited, .. } = report;
    Ok(ExploredSlice {
        name: slice,
        scope,
        states: states as usize,
        edges: edges as usize,
        depth: depth as usize,
        elapsed,
        visited,
        fired: Vec::new(),
        complete: extent == Extent::Complete,
        laws,
        comparison: Comparison::None,
        size: String::new(),
        remark: None,
    })
}
