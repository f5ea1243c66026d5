//! The exhaustive engine on the protocol: every interleaving in every slice of a scope, under a design.

use std::time::{Duration, Instant};

use contract::Dialect;
use contract::defect::Design;
use judge::{Rule, Verdicts, failure_id};
use model::explore::{Extent, Proof};
use model::protocol::{Law, Reduction, Report, Slice, Story, check, memory, slices};
use model::scope::ScopeName;
use properties::findings::{Broken, May, Raw};
use properties::minimize::{Case, Identity};
use properties::pins::{self, Size};
use reports::{Canary, Failure, Subject};

use super::explored::{self, Comparison, Done, Explored, ExploredSlice, Found};
use super::registry::{Engine, LEAST, Share, Sink, Task};
use super::search::{Part, Search};
use super::{canary, liveness};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::{OWN_LOCK, Traces};
use crate::output::Output;

/// What to explore.
pub(crate) struct Plan<'a> {
    pub(crate) search: &'a Search<'a>,
    pub(crate) laws: &'a [Law],
    pub(crate) design: Design,
}

/// Explores, and passes each dialect to `done` right after its exploration.
pub(crate) fn run(plan: &Plan<'_>, output: &mut Output, done: Done<'_>) -> Result<(), Error> {
    look().run(plan, output, done)
}

/// Gives the search the parts that are to be explored.
pub(crate) fn expect(plan: &Plan<'_>) {
    look().expect(plan);
}

fn look() -> Look {
    Look { name: "check protocol", aspect: "", memory: remembered(), slice: Some, label, of_slice }
}

fn label(plan: &Plan<'_>, dialect: Dialect, slice: &Slice) -> String {
    format!("check {} under {} ({dialect})", slice.name, plan.design)
}

/// What is looked at in the protocol: its rules, or its duties.
pub(super) struct Look {
    /// The engine's name.
    pub(super) name: &'static str,
    /// What stands in the title, where that is not all rules.
    pub(super) aspect: &'static str,
    /// What stands below it.
    pub(super) memory: String,
    /// The slice in the form that is explored; none where it is not explored.
    pub(super) slice: fn(Slice) -> Option<Slice>,
    /// The name of an exploration in progress.
    pub(super) label: fn(&Plan<'_>, Dialect, &Slice) -> String,
    pub(super) of_slice: fn(&Turn<'_>, &Slice, &Output) -> Result<ExploredSlice, Error>,
}

/// One dialect's turn.
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) dialect: Dialect,
    deadline: Option<Instant>,
}

impl Turn<'_> {
    /// What is left for a slice.
    pub(super) fn budget(&self) -> Option<Duration> {
        self.deadline.map(explored::budget_until)
    }
}

impl Look {
    pub(super) fn run(&self, plan: &Plan<'_>, output: &mut Output, done: Done<'_>) -> Result<(), Error> {
        self.expect(plan);
        let deadline = plan.search.deadline();
        for dialect in plan.search.dialects {
            if plan.search.is_enough() {
                return Ok(());
            }
            let explored = self.explored(&Turn { plan, dialect: *dialect, deadline }, output)?;
            done(explored, output)?;
        }
        Ok(())
    }

    /// Gives the search the parts that are to be explored.
    pub(super) fn expect(&self, plan: &Plan<'_>) {
        let (scope, design) = (plan.search.scope, plan.design);
        // What a law remembers makes states differ, and what is committed is of all laws.
        let laws: Vec<&str> = plan.laws.iter().map(|law| law.id()).collect();
        let usual = plan.laws == Law::ALL && design == Design::Barrier;
        for dialect in plan.search.dialects {
            let heading = format!(
                "check{}, scope {scope} of the protocol, design {design}, dialect {dialect}",
                self.aspect
            );
            let slices = slices(scope, dialect.profile()).into_iter().filter_map(self.slice);
            plan.search.expect(slices.map(|slice| Part {
                label: (self.label)(plan, *dialect, &slice),
                depends_on: if usual { String::new() } else { format!(", {design}, {}", laws.join(",")) },
                pinned: pins::size(&heading, slice.name).filter(|_| usual),
                edges_per_ms: EDGES_PER_MS,
            }));
        }
    }

    fn explored(&self, turn: &Turn<'_>, output: &Output) -> Result<Explored, Error> {
        let Turn { plan, dialect, .. } = *turn;
        plan.search.begin(self.name, Subject::Protocol);
        let slices = slices(plan.search.scope, dialect.profile()).into_iter().filter_map(self.slice);
        let slices = slices.map(|slice| (self.of_slice)(turn, &slice, output)).collect::<Result<_, _>>()?;
        let name = match plan.design {
            Design::Barrier => self.name.to_owned(),
            other => format!("{} ({other})", self.name),
        };
        Ok(Explored {
            name,
            aspect: self.aspect,
            subject: Subject::Protocol,
            scope: plan.search.scope,
            dialect,
            turned: "",
            design: Some(plan.design.name()),
            memory: self.memory.clone(),
            slices,
        })
    }
}

/// Edges of the protocol in a millisecond, about, on two cores.
const EDGES_PER_MS: u32 = 7_000;

fn of_slice(turn: &Turn<'_>, slice: &Slice, output: &Output) -> Result<ExploredSlice, Error> {
    let Turn { plan, dialect, .. } = *turn;
    let Plan { search, laws, design } = *plan;
    let whole = |report: &Report| Some(Size::of(report.whole()?, report.edges));
    let report = search.explore(&label(plan, dialect, slice), turn.budget(), output, whole, |options| {
        check(design, dialect.profile(), slice, laws, Reduction::Fewest, options)
    })?;
    let story = |law, acts: &[_]| Story::of(design, dialect.profile(), slice, law, acts);
    let name = slice.name.replace('/', "-");
    let place = (design, name.as_str());
    let keep = |story, rule, id| keep_story(search.traces, story, rule, id, place);
    let mut laws = Vec::new();
    for (law, proof) in &report.proofs {
        let found = match proof {
            Proof::Proved => Found::Proved,
            Proof::Violated(acts) => {
                let told = story(Some(*law), acts);
                Found::Violated(keep(told, rule(*law), law.id()).into())
            }
            Proof::Vacuous => Found::Vacuous,
            Proof::Unfinished => Found::Unfinished,
            // The protocol is one account, and parts from no other.
            Proof::Parted => Found::Parted,
        };
        laws.push((explored::Law { id: law.id(), name: law.name() }, found));
    }
    let remark = match &report.clients_own {
        None => None,
        Some(acts) => {
            let failure = keep(story(None, acts), None, OWN_LOCK);
            let steps = acts.len();
            Some((
                format!("no violation: a client can lock itself out, in {steps} steps (clause 7)"),
                failure,
            ))
        }
    };
    let Report { slice, scope, states, edges, depth, elapsed, extent, size, visited, fired, .. } = report;
    Ok(ExploredSlice {
        name: slice,
        scope,
        states,
        edges,
        depth,
        elapsed,
        visited,
        fired,
        complete: extent == Extent::Complete,
        laws,
        comparison: Comparison::None,
        size: format!("{} bytes a state, of which {} for the protocol", size.state, size.protocol),
        remark,
    })
}

/// Writes down how the protocol breaks a rule, or a law that is none. `id` names it where the trace cannot. Each
/// design and each slice has a file of its own for one failure.
pub(super) fn keep_story(
    traces: &Traces,
    story: Story,
    rule: Option<Rule>,
    id: &str,
    (design, slice): (Design, &str),
) -> Failure {
    let broken = |rule| Verdicts::of(&story.trace).violations().find(|violation| violation.rule == rule);
    let violation = rule.and_then(broken);
    let named = violation.map(|violation| failure_id(&story.trace, &violation).to_string());
    let file = Some(format!("{}-{design}-{slice}", named.as_deref().unwrap_or(id)));
    let broken = match violation {
        Some(violation) => Broken::At(violation),
        // The one law that is no rule has the name that it has in races.
        None if id == Law::BoundedWait.id() => Broken::Named(Identity::LaterDelivery.to_string()),
        None => Broken::Named(format!("{id}-{design}")),
    };
    let ending = if story.ending.is_empty() { String::new() } else { format!("then: {}", story.ending) };
    // How the jobs came into their first state is in the file, and no part of the picture.
    let (may, begins) = (May::BeSeen, story.begins);
    traces.keep(Raw { may, ending, file, begins, ..Raw::new(Case::Recorded(story.trace), broken) })
}

/// What the rules remember of a job, which makes states what they are.
fn remembered() -> String {
    let (rules, shared) = memory();
    let rules: Vec<String> = rules.iter().map(|(law, size)| format!("{law} {size}")).collect();
    format!("bytes that each rule remembers about a job: {}, and {shared} together", rules.join(", "))
}

/// The engine of a night.
pub(crate) struct Protocol;

impl Engine for Protocol {
    fn id(&self) -> &'static str {
        "protocol"
    }

    fn what(&self) -> &'static str {
        "The protocol, explored, and its duties"
    }

    fn in_results(&self) -> &'static str {
        "check protocol"
    }

    fn share(&self) -> Share {
        Share::UntilPercent(85)
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let started = Instant::now();
        let mut done = |explored: Explored, _: &mut Output| {
            sink.take(explored.result());
            Ok(())
        };
        let search = task.search();
        let plan = Plan { search: &search, laws: Law::ALL, design: Design::Barrier };
        expect(&plan);
        liveness::expect(&plan);
        run(&plan, output, &mut done)?;
        let left = task.budget.saturating_sub(started.elapsed()).max(LEAST);
        let search = Search { budget: Some(left), ..search };
        liveness::run(&Plan { search: &search, laws: Law::ALL, design: Design::Barrier }, output, &mut done)
    }

    /// The design that looks at the job again instead of waiting, in the smallest scope and one dialect.
    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<Canary> {
        let search = Search { dialects: &[Dialect::Bits], ..Search::whole(ScopeName::Tiny, task.traces) };
        let design = if task.core == CoreChoice::Canary { Design::Recheck } else { Design::Barrier };
        let plan = Plan { search: &search, laws: Law::ALL, design };
        let engine = canary::explored(|done| run(&plan, output, done))?;
        Some(Canary::of(&canary::or_failed(self, engine), canary::LOOKS_AGAIN, &[]))
    }
}

/// The rule of a law, if it is one.
fn rule(law: Law) -> Option<Rule> {
    match law {
        Law::Rule(rule) => Some(rule),
        Law::BoundedWait => None,
    }
}
