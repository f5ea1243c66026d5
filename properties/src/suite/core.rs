//! A suite on a core, stepped by hand.
//!
//! Each file is walked in lockstep with the specification. It fails when a step does nothing, when a rule is broken, when
//! specification and core part, when something is answered or told that the file does not have, and when a call that was refused
//! has changed the core.

use std::collections::BTreeSet;

use contract::core::Config;
use contract::judge::trace::Kind;
use contract::judge::{Header, Line, Rule, RuleSet, Trace};
use contract::mutation::Mutation;
use contract::{Core, JobId};
use model::drive::{Applied, From, Stimulus};
use model::lockstep::Lockstep;
use model::scope::{Slice, Users};
use model::suite::{Cover, Item, Quotient, Walk, Walked};

use super::{Case, Conformed, Failed, JOBS, Outcome, Suite, slice_of, steps_of};
use crate::run::Lines;
use crate::tape;

/// Runs every file of a suite on a core, and counts what the ones that passed cover. `progress` hears how many files are done.
///
/// # Errors
/// The manifest names no cover.
pub fn on_core<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    progress: &dyn Fn(usize),
) -> Result<Conformed, model::suite::UnknownCover> {
    on_core_of(suite, make, Mutation::NONE, progress)
}

/// The same beside a specification, and judged by rules, that have a mutant. The suite stays that of the model as it is.
///
/// # Errors
/// As of [`on_core`].
pub fn on_core_of<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    mutation: Mutation,
    progress: &dyn Fn(usize),
) -> Result<Conformed, model::suite::UnknownCover> {
    let cover = suite.manifest.cover()?;
    let (mut quotient, mut covered) = (Quotient::new(), BTreeSet::new());
    let mut steps = 0;
    let mut files = Vec::new();
    for (number, case) in suite.cases.iter().enumerate() {
        progress(number);
        let mut reached = BTreeSet::new();
        let mut note = |item| {
            reached.insert(item);
        };
        let outcome = run_of(case, make, mutation, cover, &mut quotient, &mut note, &mut steps);
        if outcome == Outcome::Passed {
            covered.append(&mut reached);
        }
        files.push((case.name.clone(), outcome));
    }
    Ok(Conformed {
        files,
        steps,
        items: suite.manifest.items.len() as u64,
        missing: suite.manifest.missing(&covered, &quotient),
        absent: suite.absent.clone(),
    })
}

/// Runs every file of a suite in another way, and counts what the ones that passed cover: what the core covers on their paths.
///
/// # Errors
/// The manifest names no cover.
pub fn on_other<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    progress: &dyn Fn(usize),
    outcome: &dyn Fn(&Case) -> Outcome,
) -> Result<Conformed, model::suite::UnknownCover> {
    let mut passed =
        Suite { manifest: suite.manifest.clone(), cases: Vec::new(), absent: suite.absent.clone() };
    let mut files = Vec::new();
    for (number, case) in suite.cases.iter().enumerate() {
        progress(number);
        let outcome = outcome(case);
        if outcome == Outcome::Passed {
            passed.cases.push(case.clone());
        }
        files.push((case.name.clone(), outcome));
    }
    Ok(Conformed { files, ..on_core(&passed, make, &|_| ())? })
}

/// Runs one file on a core. `reached` hears what it covers, `steps` counts its stimuli.
pub fn run<C: Core>(
    case: &Case,
    make: fn(&Config) -> C,
    cover: Cover,
    quotient: &mut Quotient,
    reached: &mut dyn FnMut(Item),
    steps: &mut u64,
) -> Outcome {
    run_of(case, make, Mutation::NONE, cover, quotient, reached, steps)
}

fn run_of<C: Core>(
    case: &Case,
    make: fn(&Config) -> C,
    mutation: Mutation,
    cover: Cover,
    quotient: &mut Quotient,
    reached: &mut dyn FnMut(Item),
    steps: &mut u64,
) -> Outcome {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Outcome::NotRunnable(format!("there is no slice {:?} any more", header.scope));
    };
    let path = match steps_of(&case.trace) {
        Ok(path) => path,
        Err(error) => return Outcome::NotRunnable(error.to_string()),
    };
    let config = slice.config(&header.profile());
    let lockstep = lockstep::<C>(&config, slice.users, make);
    let profile = config.profile.mutated(mutation);
    let mut walk = Walk::new(&profile, lockstep, quotient);
    let mut lines = Lines::default();
    let mut wanted = told(&case.trace.lines);
    let mut differed: Option<Failed> = None;
    for (number, stimulus) in path.iter().enumerate() {
        let seen = lines.lines.len();
        let checked = Checked::before(&walk, stimulus);
        lines.stimulus(stimulus);
        let walked = walk.step(stimulus, &mut |event| lines.event(event));
        *steps += 1;
        let failed = |lines: &Lines, (rule, what): Wrong| {
            let what = format!("step {}, {}: {what}", number + 1, tape::describe(stimulus));
            Failed { trace: Trace { header: header.clone(), lines: lines.lines.clone() }, rule, what }
        };
        if let Some(parted) = walk.lockstep().disagreement().filter(|_| walk.lockstep().violated().is_empty())
        {
            // Behind a disagreement the core goes on alone, and a rule that it breaks there says more.
            differed.get_or_insert_with(|| failed(&lines, (None, parted.to_string())));
            continue;
        }
        if let Some(wrong) = checked.what_is_wrong(&walk, walked) {
            // A rule that is broken says more than what differed before, and that more than what follows from it.
            let last = failed(&lines, wrong);
            let failed = if last.rule.is_some() { last } else { differed.unwrap_or(last) };
            return Outcome::Failed(Box::new(failed));
        }
        if differed.is_none() {
            differed = differs(&lines.lines[seen..], &mut wanted).map(|wrong| failed(&lines, wrong));
        }
        let place = if walked.edge.is_none() { walk.place(JobId(0)) } else { None };
        let first = place.filter(|_| cover == Cover::State).map(Item::State);
        walked.item(cover, stimulus).or(first).into_iter().for_each(&mut *reached);
    }
    differed.map_or(Outcome::Passed, |failed| Outcome::Failed(Box::new(failed)))
}

/// Walks a path and writes down what happens, so that it can be walked again.
pub(super) fn record<C: Core>(
    slice: &Slice,
    header: Header,
    path: &[Stimulus],
    make: fn(&Config) -> C,
) -> Trace {
    let config = slice.config(&header.profile());
    let mut lockstep = lockstep::<C>(&config, slice.users, make);
    let mut lines = Lines::default();
    for stimulus in path {
        lines.stimulus(stimulus);
        let _ = lockstep.apply(&config.profile, stimulus, &mut |event| lines.event(event));
    }
    Trace { header, lines: lines.lines }
}

fn lockstep<C: Core>(config: &Config, users: Users, make: fn(&Config) -> C) -> Lockstep<C, JOBS> {
    Lockstep::around(make(config), config, users.owners(), RuleSet::OF_A_JOB)
}

type Wrong = (Option<Rule>, String);

/// What a step is held against.
struct Checked<V> {
    /// The core before a client's call: if it is refused, nothing may change.
    view: Option<V>,
}

impl<V: PartialEq> Checked<V> {
    fn before<C: Core<View = V>>(walk: &Walk<'_, C, JOBS>, stimulus: &Stimulus) -> Checked<V> {
        let from_outside = matches!(stimulus, Stimulus::Call { from: From::Client(_), .. });
        Checked { view: from_outside.then(|| walk.lockstep().driver().core().canonical()) }
    }

    fn what_is_wrong<C: Core<View = V>>(&self, walk: &Walk<'_, C, JOBS>, walked: Walked) -> Option<Wrong> {
        let lockstep = walk.lockstep();
        if walked.applied == Applied::NotEnabled {
            return Some((None, "this makes no sense here, and in the suite it does".to_owned()));
        }
        if let Some(rule) = lockstep.violated().iter().next() {
            return Some((Some(rule), format!("{rule} {}: {}", rule.name(), rule.sentence())));
        }
        let refused = walked.seen.returned.is_some_and(|hr| !hr.succeeded());
        let changed = self.view.as_ref().is_some_and(|view| *view != lockstep.driver().core().canonical());
        (refused && changed)
            .then(|| (Some(Rule::R11), "the call was refused and changed something".to_owned()))
    }
}

/// What clients are told in a trace: answers and callbacks, without the numbers that traces differ in.
fn told(lines: &[Line]) -> impl Iterator<Item = Kind> + use<'_> {
    lines.iter().filter(|line| is_told(line)).map(|line| line.what.clone())
}

fn is_told(line: &Line) -> bool {
    matches!(line.what, Kind::Return(_) | Kind::Enter(_) | Kind::Leave(_))
}

/// The first thing told that the suite does not have next.
fn differs(lines: &[Line], wanted: &mut impl Iterator<Item = Kind>) -> Option<Wrong> {
    let said = lines.iter().filter(|line| is_told(line)).map(|line| &line.what);
    for said in said {
        let wanted = wanted.next();
        if wanted.as_ref() != Some(said) {
            let wanted = wanted.map_or_else(|| "nothing".to_owned(), |wanted| in_words(&wanted));
            return Some((None, format!("{}, and in the suite {wanted}", in_words(said))));
        }
    }
    None
}

/// A line in a few words.
fn in_words(what: &Kind) -> String {
    match what {
        Kind::Return(line) => format!("returns {} {:?}", line.hr, line.out),
        Kind::Enter(line) => format!("{} enters at {:?}", line.event, line.receiver),
        Kind::Leave(line) => format!("a delivery leaves with {:?}", line.outcome),
        other => format!("{other:?}"),
    }
}
