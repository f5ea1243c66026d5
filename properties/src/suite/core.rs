//! A suite on a core, stepped by hand.
//!
//! Each file is walked in lockstep with the specification. It fails when a step does nothing, when a rule is broken, when
//! specification and core part, when an answer or a callback comes that the file does not have, and when a call that was refused
//! has changed the core.

use std::collections::BTreeSet;

use adapter::SuspendAtEnd;
use contract::core::Config;
use contract::core::TransferEvent;
use contract::event::Leave;
use contract::mutation::Mutation;
use contract::{Core, JobId};
use contract::{HResult, JobState};
use judge::{Header, Rule, RuleSet, Trace, Violation, failure_id};
use model::drive::DiskResult;
use model::drive::{Applied, From, Stimulus};
use model::lockstep::Lockstep;
use model::scope::{Slice, Users};
use model::suite::{Cover, Item, Quotient, Walk, Walked};
use model::suite::{goes_on, is_still};

use super::compare::{Led, compare};
use super::{Case, Conformed, Failed, Finding, JOBS, Judged, Outcome, Suite, slice_of, steps_of};
use crate::difference::{Account, Concern, Difference, parting, step_of};
use crate::minimize::stepped::violation;
use crate::run::Lines;
use crate::tape;

/// Runs every file of a suite on a core, and counts what the ones that passed cover. `progress` is called with the number of files done.
///
/// # Errors
/// The manifest names no cover.
pub fn on_core<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
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
        let outcome = run_of(case, make, Mutation::NONE, cover, &mut quotient, &mut note, &mut steps);
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

/// Runs files of a suite on a core until one fails, or until `goes_on` returns false, beside a specification and judged by rules that may
/// have a mutant. The suite stays that of the unchanged model.
///
/// # Errors
/// The manifest names no cover.
pub fn first_failure<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    mutation: Mutation,
    goes_on: &dyn Fn() -> bool,
) -> Result<FirstFailure, model::suite::UnknownCover> {
    let cover = suite.manifest.cover()?;
    let mut quotient = Quotient::new();
    let mut first = FirstFailure { files: 0, failed: None };
    for case in suite.cases.iter().take_while(|_| goes_on()) {
        first.files += 1;
        let outcome = run_of(case, make, mutation, cover, &mut quotient, &mut |_| (), &mut 0);
        if let Outcome::Failed(failed) = outcome {
            first.failed = Some((case.name.clone(), *failed));
            break;
        }
    }
    Ok(first)
}

/// How far a suite was run, and what failed first.
#[derive(Clone, PartialEq, Debug)]
pub struct FirstFailure {
    /// Files that ran, with the one that failed.
    pub files: u64,
    /// The file that failed, and how.
    pub failed: Option<(String, Failed)>,
}

/// Runs every file of a suite in another way, and counts what the steps that were compared cover, of the files that passed.
///
/// # Errors
/// The manifest names no cover.
pub fn on_other<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    progress: &dyn Fn(usize),
    judge: &dyn Fn(&Case) -> Judged,
) -> Result<Conformed, model::suite::UnknownCover> {
    let cover = suite.manifest.cover()?;
    let (mut quotient, mut covered) = (Quotient::new(), BTreeSet::new());
    let mut steps = 0;
    let mut files = Vec::new();
    for (number, case) in suite.cases.iter().enumerate() {
        progress(number);
        let Judged { outcome, compared } = judge(case);
        if outcome == Outcome::Passed {
            let reached = reached(case, make, cover, &mut quotient, &compared);
            steps += reached.steps;
            covered.extend(reached.items);
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

/// What a path covers.
struct Reached {
    items: Vec<Item>,
    steps: u64,
}

/// What the steps of a path cover that were compared. An item of two edges is covered by two steps.
fn reached<C: Core>(
    case: &Case,
    make: fn(&Config) -> C,
    cover: Cover,
    quotient: &mut Quotient,
    compared: &BTreeSet<usize>,
) -> Reached {
    let header = &case.trace.header;
    let mut reached = Reached { items: Vec::new(), steps: 0 };
    let (Some(slice), Ok(path)) = (slice_of(header), steps_of(&case.trace)) else { return reached };
    let config = slice.config(&header.profile());
    let mut walk = Walk::new(&config.profile, lockstep::<C>(&config, slice.users, make), quotient);
    let mut before = true;
    for (number, stimulus) in path.iter().enumerate() {
        let walked = walk.step(stimulus, &mut |_| ());
        reached.steps += 1;
        let item = item(&mut walk, walked, cover, stimulus);
        let now = compared.contains(&number);
        let both = now && (before || cover != Cover::Pair);
        reached.items.extend(item.filter(|_| both));
        if walked.edge.is_some() {
            before = now;
        }
    }
    reached
}

/// What a step covers; the first state of a job is no edge's.
fn item<C: Core>(
    walk: &mut Walk<'_, C, JOBS>,
    walked: Walked,
    cover: Cover,
    stimulus: &Stimulus,
) -> Option<Item> {
    let place = if walked.edge.is_none() { walk.place(JobId(0)) } else { None };
    let first = place.filter(|_| cover == Cover::State).map(Item::State);
    walked.item(cover, stimulus).or(first)
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
    let profile = config.profile.mutated(mutation);
    let mut walk = Walk::new(&profile, lockstep::<C>(&config, slice.users, make), quotient);
    let mut lines = Lines::default();
    let (mut wrong, mut parted) = (None, None);
    let mut taken = 0;
    for stimulus in &path {
        let checked = Checked::before(&walk, stimulus);
        lines.stimulus(stimulus);
        let walked = walk.step(stimulus, &mut |event| lines.event(event));
        (taken, *steps) = (taken + 1, *steps + 1);
        if walk.lockstep().disagreement().is_some() && walk.lockstep().violated().is_empty() {
            // Behind a disagreement the core goes on alone, and a rule that it breaks there is the better finding.
            parted.get_or_insert(taken);
            if walked.applied == Applied::NotEnabled {
                break;
            }
            continue;
        }
        wrong = checked.what_is_wrong(&walk, walked);
        if wrong.is_some() {
            break;
        }
        item(&mut walk, walked, cover, stimulus).into_iter().for_each(&mut *reached);
    }
    let trace = Trace { header: header.clone(), lines: lines.lines };
    let first = wrong.map(|wrong| match wrong {
        Wrong::Rule(rule) => broken(&trace, rule),
        Wrong::NotFollowed => Finding::Differs(not_followed(&trace, &path[taken - 1])),
    });
    let parted = parted.and_then(|steps| {
        let start = lockstep::<C>(&config, slice.users, make);
        parting(start, &profile, &path[..steps]).map(Finding::Differs)
    });
    let first = first.into_iter().chain(parted);
    let compared = compare(&case.trace, &trace, Led::Stepwise { steps: taken }, SuspendAtEnd::Stays);
    let differences = compared.differences.into_iter().map(Finding::Differs);
    let findings: Vec<Finding> = first.chain(differences).collect();
    Failed::of(trace, findings).map_or(Outcome::Passed, |failed| Outcome::Failed(Box::new(failed)))
}

fn broken(trace: &Trace, rule: Rule) -> Finding {
    let last = || trace.events().last().map(|(seq, event)| Violation { rule, seq, job: event.job() });
    let violation = violation(trace, rule).or_else(last);
    // A rule is broken by an event, so there is one.
    let violation = violation.unwrap_or(Violation { rule, seq: 0, job: None });
    Finding::Broken(failure_id(trace, &violation), violation)
}

/// A step of the suite that does nothing on the subject.
pub(super) fn not_followed(trace: &Trace, stimulus: &Stimulus) -> Difference {
    Difference {
        skeleton: vec![step_of(stimulus), "does nothing".to_owned()],
        after: tape::describe(stimulus),
        subject: "this makes no sense now, and nothing happens".to_owned(),
        wanted: "it is a step of the path".to_owned(),
        account: Account::Suite,
        concern: Concern::GoesOn,
        job: None,
        seq: trace.lines.last().map_or(0, |line| line.seq),
    }
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

/// When something may come from outside on a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settles {
    /// When everything rests.
    AtRest,
    /// When nothing goes on but what can be kept: see [`is_still`].
    WhenStill,
}

/// As [`record`], of steps that make sense. Before something comes from outside, and at the end, what the service does by itself is done.
pub(super) fn record_what_makes_sense<C: Core>(
    slice: &Slice,
    header: Header,
    path: &[Stimulus],
    settles: Settles,
    make: fn(&Config) -> C,
) -> Trace {
    let config = slice.config(&header.profile());
    let mut lockstep = lockstep::<C>(&config, slice.users, make);
    let mut lines = Lines::default();
    for stimulus in path {
        match settles {
            _ if !is_from_outside(stimulus) => {}
            Settles::AtRest => go_on(&mut lockstep, &config, &mut lines, |lockstep| !goes_on(lockstep)),
            Settles::WhenStill => go_on(&mut lockstep, &config, &mut lines, is_still),
        }
        take(&mut lockstep, &config, &mut lines, stimulus);
    }
    go_on(&mut lockstep, &config, &mut lines, |lockstep| !goes_on(lockstep));
    Trace { header, lines: lines.lines }
}

/// Whether a step comes from outside: the service does not do it by itself.
#[must_use]
pub fn is_from_outside(step: &Stimulus) -> bool {
    matches!(
        step,
        Stimulus::Call { from: From::Client(_) | From::User(_), .. }
            | Stimulus::Timeout
            | Stimulus::NetworkLost
            | Stimulus::NetworkBack
            | Stimulus::Logoff(_)
    )
}

/// Takes a step and writes it down. Whether it made sense.
fn take<C: Core>(
    lockstep: &mut Lockstep<C, JOBS>,
    config: &Config,
    lines: &mut Lines,
    step: &Stimulus,
) -> bool {
    let before = lines.lines.len();
    lines.stimulus(step);
    let applied = lockstep.apply(&config.profile, step, &mut |event| lines.event(event));
    if applied == Applied::NotEnabled {
        lines.lines.truncate(before);
    }
    applied == Applied::Done
}

/// Steps that the service does by itself at most. Where it never rests, the path is none that can be followed.
const MOST_STEPS: usize = 200;

/// Does what the service does by itself, everything going well, until it is where it is wanted. What could be kept ends last.
fn go_on<C: Core>(
    lockstep: &mut Lockstep<C, JOBS>,
    config: &Config,
    lines: &mut Lines,
    is_there: impl Fn(&Lockstep<C, JOBS>) -> bool,
) {
    let moves: [fn(JobId) -> Stimulus; 8] = [
        |job| Stimulus::Disk { job, result: DiskResult::Good },
        Stimulus::Enter,
        Stimulus::Begin,
        |_| Stimulus::Turn,
        |job| Stimulus::Transfer { job, event: TransferEvent::Connected },
        |job| Stimulus::Leave { job, leave: Leave::Returned(HResult::S_OK) },
        |job| Stimulus::Exit { job, code: 0 },
        |job| Stimulus::Transfer { job, event: TransferEvent::FileDone },
    ];
    let jobs = || (0..JOBS as u32).map(JobId);
    for _ in 0..MOST_STEPS {
        // A transfer that has connected connects once more without an effect.
        let connected = |lockstep: &Lockstep<C, JOBS>, step: &Stimulus| match step {
            Stimulus::Transfer { job, event: TransferEvent::Connected } => {
                lockstep.driver().core().state(*job) == Some(JobState::Transferring)
            }
            _ => false,
        };
        let mut steps = moves.iter().flat_map(|to| jobs().map(to));
        let goes = !is_there(lockstep)
            && steps.any(|step| !connected(lockstep, &step) && take(lockstep, config, lines, &step));
        if !goes {
            return;
        }
    }
}

fn lockstep<C: Core>(config: &Config, users: Users, make: fn(&Config) -> C) -> Lockstep<C, JOBS> {
    Lockstep::around(make(config), config, users.owners(), RuleSet::OF_A_JOB)
}

/// What is wrong after a step.
enum Wrong {
    Rule(Rule),
    NotFollowed,
}

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
            return Some(Wrong::NotFollowed);
        }
        if let Some(rule) = lockstep.violated().iter().next() {
            return Some(Wrong::Rule(rule));
        }
        let refused = walked.seen.returned.is_some_and(|hr| !hr.succeeded());
        let changed = self.view.as_ref().is_some_and(|view| *view != lockstep.driver().core().canonical());
        (refused && changed).then_some(Wrong::Rule(Rule::R11))
    }
}
