//! Running a program in lockstep, and what came of it.

use std::borrow::Borrow;

use contract::core::Config;
#[cfg(feature = "mutants")]
use contract::mutation::Mutation;
use contract::{Core, EventView, Profile};
use judge::trace::{ChooseLine, Kind};
use judge::{Ended, Header, Line, RuleSet, Trace};
use model::drive::{Applied, STRANGERS, Stimulus};
use model::edge::{EdgeSink, NoEdges};
use model::lockstep::{Disagreement, Lockstep};
use model::scope::Users;

use crate::program::{JOBS, Program, USER};
use crate::tape;

/// What a run broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// These rules.
    Rules(RuleSet),
    /// The agreement of specification and core.
    Agreement(Disagreement),
}

impl Broken {
    /// Whether both are one failure: a rule in common, or both disagreements.
    #[must_use]
    pub fn is_like(&self, other: &Broken) -> bool {
        match (self, other) {
            (Broken::Rules(ours), Broken::Rules(theirs)) => ours.intersects(*theirs),
            (Broken::Agreement(_), Broken::Agreement(_)) => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Rules(rules) => {
                let said: Vec<String> =
                    rules.iter().map(|rule| format!("{rule} {}: {}", rule.name(), rule.sentence())).collect();
                f.write_str(&said.join("; "))
            }
            Broken::Agreement(disagreement) => write!(f, "specification and core disagree: {disagreement}"),
        }
    }
}

/// What came of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Stimuli that did something.
    pub steps: usize,
    /// What broke, if anything did.
    pub broken: Option<Broken>,
}

/// Runs a program on a core in lockstep with the specification, judged by every rule there is.
pub fn run<C: Core>(program: &Program, make: fn(&Config) -> C) -> Outcome {
    run_watched(program, make, &mut |_, _| ())
}

/// As [`run()`], and calls `watch` after every stimulus that did something, with the rules that had something to decide.
pub fn run_watched<C: Core>(
    program: &Program,
    make: fn(&Config) -> C,
    watch: &mut impl FnMut(&Stimulus, RuleSet),
) -> Outcome {
    run_steps(program, program.steps.iter(), make, watch, &mut NoEdges)
}

/// Runs the program that these bytes mean, each step right after its bytes are read.
pub fn run_bytes<C: Core>(bytes: &[u8], make: fn(&Config) -> C) -> Outcome {
    run_bytes_telling(bytes, make, &mut NoEdges)
}

/// As [`run_bytes`], and passes the edges of the steps to `edges`.
pub fn run_bytes_telling<C: Core>(
    bytes: &[u8],
    make: fn(&Config) -> C,
    edges: &mut impl EdgeSink,
) -> Outcome {
    let (program, steps) = Program::read(bytes);
    run_steps(&program, steps, make, &mut |_, _| (), edges)
}

/// Runs a program in lockstep with a specification that has a mutant, judged by these rules, which have it, too.
#[cfg(feature = "mutants")]
pub fn run_mutated<C: Core>(
    program: &Program,
    make: impl Fn(&Config) -> C,
    rules: RuleSet,
    mutation: Mutation,
) -> Outcome {
    let config = program.config();
    let users = program.users.owners();
    let mut lockstep = Lockstep::<C, JOBS>::around(make(&config), &config, users, rules);
    let profile = config.profile.mutated(mutation);
    // The core is what it always is; behind a disagreement there is nothing to see.
    let mut steps = 0;
    for stimulus in &program.steps {
        steps += usize::from(lockstep.apply(&profile, stimulus, &mut |_| ()) == Applied::Done);
        if !lockstep.is_sound() {
            break;
        }
    }
    Outcome { steps, broken: broken(&lockstep) }
}

fn run_steps<C: Core, S: Borrow<Stimulus>>(
    program: &Program,
    stimuli: impl Iterator<Item = S>,
    make: fn(&Config) -> C,
    watch: &mut impl FnMut(&Stimulus, RuleSet),
    edges: &mut impl EdgeSink,
) -> Outcome {
    let config = program.config();
    run_on(lockstep(&config, program.users, make), &config.profile, stimuli, watch, edges)
}

fn run_on<C: Core, S: Borrow<Stimulus>>(
    mut lockstep: Lockstep<C, JOBS>,
    profile: &Profile,
    stimuli: impl Iterator<Item = S>,
    watch: &mut impl FnMut(&Stimulus, RuleSet),
    edges: &mut impl EdgeSink,
) -> Outcome {
    let mut steps = 0;
    for stimulus in stimuli {
        let stimulus = stimulus.borrow();
        if lockstep.apply_telling(profile, stimulus, &mut |_| (), edges) == Applied::Done {
            steps += 1;
            watch(stimulus, lockstep.exercised());
            // Behind a disagreement the core goes on alone, and a rule that it breaks there is the better finding.
            if !lockstep.violated().is_empty() {
                break;
            }
        }
    }
    Outcome { steps, broken: broken(&lockstep) }
}

/// Runs a program and writes down what happened. Stimuli that are not calls stand in it as `choose` lines,
/// so the program can be had back from the trace ([`from_trace`]).
pub fn trace<C: Core>(program: &Program, make: fn(&Config) -> C, engine: &str, seed: Option<u64>) -> Trace {
    let config = program.config();
    let mut lockstep = lockstep(&config, program.users, make);
    let mut lines = Lines::default();
    for stimulus in &program.steps {
        lines.stimulus(stimulus);
        let applied = lockstep.apply(&config.profile, stimulus, &mut |event| lines.event(event));
        if applied == Applied::NotEnabled && !matches!(stimulus, Stimulus::Call { .. }) {
            lines.lines.pop();
        }
    }
    let header = Header {
        scope: match program.slice {
            "" => format!("callback slots {}", program.callback_slots),
            slice => slice.to_owned(),
        },
        subject: "core".to_owned(),
        engine: engine.to_owned(),
        seed,
        ended: Ended::Cut,
        callback_slots: program.callback_slots,
        ..Header::of(&program.variant.profile)
    };
    Trace { header, lines: lines.lines }
}

/// The lines of a trace, as they come.
#[derive(Default)]
pub struct Lines {
    /// The lines so far.
    pub lines: Vec<Line>,
}

impl Lines {
    /// What is not a call stands in a trace as a choice with one way to go.
    pub fn stimulus(&mut self, stimulus: &Stimulus) {
        if !matches!(stimulus, Stimulus::Call { .. }) {
            let what = Kind::Choose(ChooseLine { site: tape::print(stimulus), options: 1, taken: 0 });
            self.lines.push(Line { seq: self.lines.len() as u64 + 1, what });
        }
    }

    /// Adds the event to the trace unchanged.
    pub fn event(&mut self, event: &EventView<'_>) {
        self.lines.push(Line::from_view(self.lines.len() as u64 + 1, event));
    }
}

/// The program a trace of [`trace`] was written by: its calls and its `choose` lines, in order. A trace of another subject gives
/// its calls alone.
///
/// # Errors
/// A `choose` line that is not a stimulus.
pub fn from_trace(trace: &Trace) -> Result<Program, tape::Error> {
    let profile = trace.header.profile();
    let dialect = profile.dialect;
    let known = model::scope::variants(dialect, model::scope::ScopeName::Wide);
    let turned =
        known.into_iter().find(|variant| variant.profile == profile).map_or("", |variant| variant.turned);
    let mut steps = Vec::new();
    let mut telling = std::collections::BTreeMap::new();
    let mut users = Users::One;
    for line in &trace.lines {
        match &line.what {
            Kind::Choose(choose) => steps.push(tape::parse(&choose.site)?),
            Kind::Enter(enter) => {
                telling.insert(enter.delivery, enter.job);
            }
            Kind::Call(call) => {
                let inside = call.inside.and_then(|delivery| telling.get(&delivery).copied());
                // A user other than the first has a job of its own, or calls on a job of another user.
                let stranger = call.thread.0.checked_sub(STRANGERS).filter(|_| call.inside.is_none());
                // A job is made as the user that is to own it, so a stranger that makes one is recorded as its owner.
                let as_owner = stranger.is_none() || matches!(call.call, contract::Call::CreateJob { .. });
                if as_owner && call.user != USER {
                    users = Users::Two;
                }
                let from = match stranger {
                    Some(user) => model::drive::From::User(contract::UserId(user)),
                    None => {
                        inside.map_or(model::drive::From::Client(call.thread), model::drive::From::Callback)
                    }
                };
                steps.push(Stimulus::Call { from, job: call.job, call: call.call.clone() });
            }
            _ => {}
        }
    }
    let variant = model::scope::Variant { profile, turned };
    let program = Program { variant, callback_slots: trace.header.callback_slots, users, slice: "", steps };
    Ok(program.in_slice(&trace.header.scope))
}

/// For tests: the program breaks nothing on the engine's core.
///
/// # Panics
/// It breaks something; the message is the program and what it breaks.
pub fn assert_sound(program: &Program) {
    if let Some(broken) = run(program, engine::core::Core::new).broken {
        panic!("{broken}\n{program}");
    }
}

/// Specification and core side by side, before the first step of a program.
pub fn lockstep<C: Core>(config: &Config, users: Users, make: fn(&Config) -> C) -> Lockstep<C, JOBS> {
    Lockstep::around(make(config), config, users.owners(), RuleSet::OF_A_JOB)
}

fn broken<C: Core>(lockstep: &Lockstep<C, JOBS>) -> Option<Broken> {
    let rules = lockstep.violated();
    if !rules.is_empty() {
        return Some(Broken::Rules(rules));
    }
    lockstep.disagreement().map(Broken::Agreement)
}
