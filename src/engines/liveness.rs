//! The exhaustive engine on liveness: what is owed comes, in every slice of one job, under weak fairness.

use std::time::Instant;

use contract::Dialect;
use model::explore::Extent;
use model::protocol::{
    Design, Flaw, Lasso, LiveProof, LiveReport, Slice, Story, check_live, live_slice, slices,
};
use reports::Subject;

use super::explored::{self, Comparison, Explored, ExploredSlice, Found, Law};
use super::protocol::Plan;
use crate::error::Error;
use crate::output::Output;

/// Explores, and gives each dialect to `done` as soon as it is explored.
pub(crate) fn run(
    plan: &Plan<'_>,
    output: &mut Output,
    done: &mut dyn FnMut(Explored, &mut Output) -> Result<(), Error>,
) -> Result<(), Error> {
    let deadline = plan.budget.map(|budget| Instant::now() + budget);
    for dialect in plan.dialects {
        let live = slices(plan.scope, dialect.profile()).iter().filter_map(live_slice).collect::<Vec<_>>();
        let of_slice = |slice: &Slice| of_slice(plan, *dialect, slice, deadline, output);
        let slices = live.iter().map(of_slice).collect::<Result<_, _>>()?;
        let name = match plan.design {
            Design::Barrier => "check liveness".to_owned(),
            other => format!("check liveness ({other})"),
        };
        let explored = Explored {
            name,
            aspect: " liveness",
            subject: Subject::Protocol,
            scope: plan.scope,
            dialect: *dialect,
            turned: "",
            design: Some(plan.design.name()),
            memory:
                "what is owed comes, if every step of the engine, the network and the clock is weakly fair"
                    .to_owned(),
            slices,
        };
        done(explored, output)?;
    }
    Ok(())
}

fn of_slice(
    plan: &Plan<'_>,
    dialect: Dialect,
    slice: &Slice,
    deadline: Option<Instant>,
    output: &Output,
) -> Result<ExploredSlice, Error> {
    let _progress = output.progress(&format!("check liveness in {} ({dialect})", slice.name));
    let budget = deadline.map(explored::budget_until);
    let report = check_live(plan.design, Flaw::None, dialect.profile(), slice, plan.threads, budget)?;
    let mut laws = Vec::new();
    for (duty, proof) in &report.proofs {
        let found = match proof {
            LiveProof::Proved => Found::Proved,
            LiveProof::Violated(lasso) => {
                let story = told(plan.design, dialect, slice, lasso);
                let id = format!("{duty}-lasso");
                let name = slice.name.replace('/', "-");
                Found::Violated(plan.traces.keep_story(&story, None, &id, (plan.design, &name))?)
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
        complete: extent == Extent::Complete,
        laws,
        comparison: Comparison::None,
        size: String::new(),
        remark: None,
    })
}

/// A lasso as a story: the steps to the circle, once round it, and what then happens for ever.
fn told(design: Design, dialect: Dialect, slice: &Slice, lasso: &Lasso) -> Story {
    let acts: Vec<_> = lasso.stem.iter().chain(&lasso.cycle).copied().collect();
    let story = Story::of(design, dialect.profile(), slice, None, &acts);
    let ending = match lasso.cycle.len() {
        0 => "nothing more has to happen, and what is owed never comes".to_owned(),
        steps => format!("the last {steps} steps again and again, and what is owed never comes"),
    };
    Story { ending, ..story }
}
