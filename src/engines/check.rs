//! The exhaustive engine: every slice of a scope explored to its end, in each variant of the dialects.

use std::path::Path;
use std::time::Instant;

use contract::core::Config;
use contract::{Call, Core, Dialect, ThreadId};
use judge::{Rule, RuleSet};
use model::drive::{From, Stimulus};
use model::explore::{Extent, Proof, Report, explore};
use model::product::property_names;
use model::scope::{ScopeName, Slice, Variant, slices, variants};
use properties::canary::Canary as BrokenCore;
use properties::findings::{Broken, Findings, Raw};
use properties::minimize::Case;
use properties::pins::{self, Size};
use properties::program::Program;
use reports::{Canary, Subject};

use super::canary;
use super::explored::{self, Comparison, Done, Explored, ExploredSlice, Found, Law};
use super::registry::{Engine, Share, Sink, Task};
use super::search::{Part, Search};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::{Output, named};

/// What to explore.
pub(crate) struct Plan<'a> {
    pub(crate) search: &'a Search<'a>,
    pub(crate) rules: RuleSet,
    pub(crate) core: CoreChoice,
}

/// Explores, and passes each variant to `done` right after its exploration.
pub(crate) fn run(plan: &Plan<'_>, output: &mut Output, done: Done<'_>) -> Result<(), Error> {
    expect(plan);
    let deadline = plan.search.deadline();
    for dialect in plan.search.dialects {
        for variant in variants(*dialect, plan.search.scope) {
            if plan.search.is_enough() {
                return Ok(());
            }
            let explored = match plan.core {
                CoreChoice::Core => of_variant::<engine::core::Core>(plan, variant, deadline, output),
                CoreChoice::Canary => {
                    of_variant::<BrokenCore<engine::core::Core>>(plan, variant, deadline, output)
                }
            };
            done(explored?, output)?;
        }
    }
    Ok(())
}

/// Gives the search the parts that are to be explored.
pub(crate) fn expect(plan: &Plan<'_>) {
    let Search { scope, dialects, .. } = *plan.search;
    for variant in dialects.iter().flat_map(|dialect| variants(*dialect, scope)) {
        let heading = pins::product(scope, &variant);
        // What a rule remembers makes states differ, and what is committed is of all rules.
        let usual = plan.core == CoreChoice::Core && plan.rules == carried();
        plan.search.expect(slices(scope, &variant.profile).iter().map(|slice| Part {
            label: label(plan, &variant, slice),
            depends_on: if usual { String::new() } else { format!(", {}", plan.rules) },
            pinned: pins::size(&heading, slice.name).filter(|_| usual),
            edges_per_ms: EDGES_PER_MS,
        }));
    }
}

/// Edges of the product in a millisecond, about, on two cores.
const EDGES_PER_MS: u32 = 1_100;

/// The rules that the product can be judged by.
fn carried() -> RuleSet {
    RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect()
}

fn label(plan: &Plan<'_>, variant: &Variant, slice: &Slice) -> String {
    let broken = if plan.core == CoreChoice::Canary { " of the canary" } else { "" };
    format!("check {}{broken} ({})", slice.name, named(variant.profile.dialect, variant.turned))
}

fn of_variant<C: Core>(
    plan: &Plan<'_>,
    variant: Variant,
    deadline: Option<Instant>,
    output: &Output,
) -> Result<Explored, Error> {
    let name = match plan.core {
        CoreChoice::Core => "check product",
        CoreChoice::Canary => "check product (canary)",
    };
    plan.search.begin(name, Subject::Product);
    let explored = slices(plan.search.scope, &variant.profile)
        .into_iter()
        .map(|slice| of_slice::<C>(plan, &variant, &slice, deadline, output))
        .collect::<Result<_, _>>()?;
    Ok(Explored {
        name: name.to_owned(),
        aspect: "",
        subject: Subject::Product,
        scope: plan.search.scope,
        dialect: variant.profile.dialect,
        turned: variant.turned,
        design: None,
        memory: String::new(),
        slices: explored,
    })
}

fn of_slice<C: Core>(
    plan: &Plan<'_>,
    variant: &Variant,
    slice: &Slice,
    deadline: Option<Instant>,
    output: &Output,
) -> Result<ExploredSlice, Error> {
    let Plan { search, rules, core } = *plan;
    let budget = deadline.map(explored::budget_until);
    let make: fn(&Config) -> C = C::new;
    let whole = |report: &Report| Some(Size::of(report.whole()?, report.edges));
    let report = search.explore(&label(plan, variant, slice), budget, output, whole, |options| {
        explore(&variant.profile, slice, rules, make, options)
    })?;
    let mut findings = Findings::default();
    let mut keep = |stimuli: &[Stimulus], broken| {
        let case = Case::Stepped(core.into(), program(variant, slice, stimuli));
        let raw = Raw { engine: "check", ..Raw::new(case, broken) };
        search.traces.keep_among(&mut findings, raw).failure.clone()
    };
    let mut laws = Vec::new();
    for (rule, proof) in &report.proofs {
        let found = match proof {
            Proof::Proved => Found::Proved,
            Proof::Violated(stimuli) => Found::Violated(keep(stimuli, Broken::Rule(*rule)).into()),
            Proof::Vacuous => Found::Vacuous,
            Proof::Unfinished => Found::Unfinished,
            Proof::Parted => Found::Parted,
        };
        laws.push((law(*rule), found));
    }
    let comparison = match &report.disagreement {
        None => Comparison::Agree,
        Some((disagreement, stimuli)) => {
            Comparison::Part(disagreement.to_string(), keep(stimuli, Broken::NoRule))
        }
    };
    let Report { states, edges, depth, elapsed, extent, visited, fired, .. } = report;
    Ok(ExploredSlice {
        name: report.slice,
        scope: report.scope,
        states,
        edges,
        depth,
        elapsed,
        visited,
        fired,
        complete: extent == Extent::Complete,
        laws,
        comparison,
        size: String::new(),
        remark: None,
    })
}

/// What the checker found, as a program.
fn program(variant: &Variant, slice: &Slice, stimuli: &[Stimulus]) -> Program {
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let created = Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create };
    let created = std::iter::repeat_n(created, slice.jobs.max(1));
    Program {
        variant: *variant,
        callback_slots: slice.callback_slots,
        users: slice.users,
        slice: slice.name,
        steps: created.chain(stimuli.iter().cloned()).collect(),
    }
}

/// A rule as a law.
fn law(rule: Rule) -> Law {
    Law { id: property_names(rule).map_or("", |(id, _)| id), name: rule.name() }
}

/// The engine of a night.
pub(crate) struct Check;

impl Engine for Check {
    fn id(&self) -> &'static str {
        "check"
    }

    fn what(&self) -> &'static str {
        "The product of specification and core, explored"
    }

    fn in_results(&self) -> &'static str {
        "check product"
    }

    fn share(&self) -> Share {
        Share::UntilPercent(65)
    }

    fn has_canary_core(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        run(
            &Plan { search: &task.search(), rules: carried(), core: task.core },
            output,
            &mut |explored, _| {
                sink.take(explored.result());
                Ok(())
            },
        )
    }

    /// In its smallest scope and one dialect.
    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<Canary> {
        let search = Search { dialects: &[Dialect::Bits], ..Search::whole(ScopeName::Tiny, task.traces) };
        let (rules, expected) = canary::expected();
        let plan = Plan { search: &search, rules, core: task.core };
        let engine = canary::explored(|done| run(&plan, output, done))?;
        Some(Canary::of(&canary::or_failed(self, engine), &canary::broken_core(), &expected))
    }
}

/// Where traces go when no other place is named.
pub(crate) fn default_traces(target: &Path) -> Traces {
    Traces::in_dir(target.join("traces"))
}
