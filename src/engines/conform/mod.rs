//! Engine "suites": generated suites on a subject.
//!
//! Plan a suite, run it on a [`subject`], and show what became of it as a [`page`].

mod ahead;
pub(crate) mod page;
pub(crate) mod proof;
mod slices;
mod subject;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::Core;
use contract::core::Config;
use contract::defect::Design;
use model::suite::{Cover, Error as Unplanned, Pace, Progress, UnknownCover};
use properties::findings::{Broken, Raw};
use properties::minimize::{Case as Found, Identity};
use properties::suite::{
    COMMITTED, Case, Committed, Conformed, Failed, Finding, Judged, MANIFEST, Order, Suite, generate,
    on_core, on_other as on_another,
};
use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, Ran, RuleId, RuleResult, Status, Subject, Unit,
};

pub(crate) use self::ahead::{Suites, Turn};
use self::slices::Slices;
pub(crate) use self::subject::Subject as On;
use super::canary;
use super::registry::{Engine, Share, Sink, Task};
use crate::cli::CoreChoice;
use crate::error::Error;
use crate::findings::Traces;
use crate::output::{Output, counted, named};
use crate::place::Place;
use crate::progress::{Ahead, Guess};
use crate::run::{cores, is_stopped, millis, quoted};
use crate::watch::{Limit, worker};

/// Steps of a path at which it ends, unless another number is given.
pub(crate) const LONGEST: usize = 200;

/// Generates a suite on the engine's own core.
pub(crate) fn planned(order: &Order, output: &Output) -> Result<Suite, Error> {
    worker::begin("generate", None, "", Limit::Silence(PATIENCE * 5));
    let label = format!("generate {} ({})", order.cover, named(order.dialect, ""));
    let slices = Slices::of(order);
    let progress = output.progress_along(&label, slices.ahead.track());
    let tell = |slice: &str, now: Progress| progress.tell(slices.work(slice, now), || told(slice, now));
    let suite = generate(order, engine::core::Core::new, &tell).map_err(not_generated)?;
    slices.end();
    Ok(suite)
}

fn told(slice: &str, now: Progress) -> String {
    match now {
        Progress::Exploring(states) => format!("{slice}: {} explored", counted(states as u64, "state")),
        Progress::Covering { left, of } => {
            format!("{slice}: {} of {} to be covered", left, counted(of as u64, "item"))
        }
    }
}

fn not_generated(error: Unplanned) -> Error {
    match error {
        Unplanned::TooWide(_) => Error::usage(error.to_string(), "take a smaller scope: `--scope default`"),
        _ => {
            let help = "run `bgcheck check` on this scope for the shortest counterexample".to_owned();
            Error::Broken { what: error.to_string(), help }
        }
    }
}

/// Reads a suite.
pub(crate) fn read(dir: &Path) -> Result<Suite, Error> {
    Suite::read(dir).map_err(|error| {
        let help = format!(
            "name a directory with a {MANIFEST}, make one with `bgcheck generate -o {}`, or name a committed suite: {}",
            quoted(&dir.display().to_string()),
            COMMITTED.iter().map(|committed| committed.name).collect::<Vec<_>>().join(", ")
        );
        Error::usage(error.to_string(), help)
    })
}

/// A committed suite.
pub(crate) fn committed(committed: &Committed) -> Result<Suite, Error> {
    committed.read().map_err(|error| {
        let help = "generate it again in a checkout: `bgcheck generate --committed`";
        Error::usage(format!("the committed suite {}: {error}", committed.name), help)
    })
}

/// Generates every committed suite as the model has it now, in the order of the list, on each of the machine's processors.
pub(crate) fn regenerated(output: &Output) -> Result<Vec<Suite>, Error> {
    worker::begin("generate", None, "", Limit::Silence(PATIENCE * 5));
    let processors = cores();
    let ahead = Ahead::on(processors, &Place::here());
    for suite in COMMITTED.iter().rev() {
        ahead.expect(format!("generate committed {}", suite.name), Guess::default());
    }
    let progress = output.progress_along("generate", ahead.track());
    // The large ones stand last in the list. They come first here, so that no processor is left with one at the end.
    let queue = Mutex::new(COMMITTED.iter().enumerate().rev());
    let mut done = BTreeMap::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..processors.min(COMMITTED.len()) {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || regenerate(queue, &sender));
        }
        drop(sender);
        for said in receiver {
            match said {
                Said::Progress(text) => progress.tell(ahead.in_parts("suites"), || text),
                Said::Done(number, suite, began) => {
                    ahead.end_since(COMMITTED.len() - 1 - number, 1, began);
                    done.insert(number, *suite);
                }
            }
        }
    });
    // A thread that panics ends the scope, so every suite is there.
    done.into_values().map(|suite| suite.map_err(not_generated)).collect()
}

/// What a thread that generates committed suites sends.
enum Said {
    Progress(String),
    /// The suite of this number, and when it was begun.
    Done(usize, Box<Result<Suite, Unplanned>>, Instant),
}

/// Generates suites of the queue until it is empty.
fn regenerate(queue: &Mutex<impl Iterator<Item = (usize, &'static Committed)>>, said: &Sender<Said>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some((number, committed)) = next() {
        let tell = |slice: &str, now: Progress| {
            // Without a receiver the run is over.
            let _ = said.send(Said::Progress(format!("{}: {}", committed.name, told(slice, now))));
        };
        let began = Instant::now();
        let suite = committed.generate(&tell);
        let _ = said.send(Said::Done(number, Box::new(suite), began));
    }
}

/// Runs a suite on a core.
pub(crate) fn on<C: Core>(
    suite: &Suite,
    make: fn(&Config) -> C,
    turn: Turn<'_>,
    output: &Output,
) -> Result<Conformed, Error> {
    conformed(suite, turn, output, |tell| on_core(suite, make, tell))
}

/// Runs a suite in another way: on the service, on another implementation, or with recorded traces.
pub(crate) fn on_other(
    suite: &Suite,
    judge: &dyn Fn(&Case) -> Judged,
    turn: Turn<'_>,
    output: &Output,
) -> Result<Conformed, Error> {
    let judge = |case: &Case| match is_stopped() {
        true => Judged::not_runnable("the run was stopped before"),
        false => judge(case),
    };
    conformed(suite, turn, output, |tell| on_another(suite, engine::core::Core::new, tell, &judge))
}

/// Runs a suite, and shows meanwhile how many files are done.
fn conformed(
    suite: &Suite,
    turn: Turn<'_>,
    output: &Output,
    run: impl FnOnce(&dyn Fn(usize)) -> Result<Conformed, UnknownCover>,
) -> Result<Conformed, Error> {
    worker::begin("conform", None, "", Limit::Silence(PATIENCE));
    let progress = output.progress_along("conform", turn.suites.ahead.track());
    let files = suite.cases.len() as u64;
    let tell = |done| progress.tell(turn.reach(done), || format!("{done} of {}", counted(files, "file")));
    let conformed = run(&tell).map_err(of_another_version)?;
    turn.end();
    Ok(conformed)
}

/// How long one file of a suite may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The manifest names a cover that this version does not know.
pub(crate) fn of_another_version(error: UnknownCover) -> Error {
    Error::usage(error.to_string(), "generate the suite again with this version: `bgcheck generate`")
}

/// Writes down the failure of a suite that is to be read: the shortest that breaks a rule, or else the shortest.
pub(crate) fn keep(conformed: &Conformed, traces: &Traces) -> Option<(String, reports::Failure)> {
    let shortest =
        conformed.failures().min_by_key(|(_, failed)| (failed.rule().is_none(), failed.trace.lines.len()));
    let (name, failed) = shortest?;
    // A file that failed has a finding.
    Some((name.to_owned(), traces.keep(raw(failed, failed.findings.first()?))))
}

/// One thing that went wrong in a file.
fn raw(failed: &Failed, finding: &Finding) -> Raw {
    let broken = match finding {
        Finding::Differs(difference) => Broken::Differs(difference.clone()),
        Finding::Broken(id, _) => Broken::Rule(id.rule),
    };
    Raw::new(Found::Recorded(failed.trace.clone()), broken)
}

/// What is held against the committed suites, and for how long.
pub(crate) struct Plan<'a> {
    pub(crate) core: CoreChoice,
    /// No suite is begun after it.
    pub(crate) budget: Duration,
    pub(crate) traces: &'a Traces,
}

/// The core, its service led, and its service on threads, each against the committed suites that it can follow. A suite that is generated
/// from the engine under test would only compare the engine with itself.
pub(crate) fn all(plan: &Plan<'_>, take: &mut dyn FnMut(EngineResult), output: &Output) {
    let until = Instant::now() + plan.budget;
    let on = |subject: On<'static>| move |suite: &Suite, turn: Turn<'_>| subject.run(suite, turn, output);
    let stepped = |order: &Order| order.pace == Pace::AnyTime;
    let edges = |order: &Order| stepped(order) && order.cover == Cover::Transition;
    let at_rest = |order: &Order| order.pace == Pace::AtRest;
    // A canary is a core, and the service has none to exchange.
    let has_service = plan.core == CoreChoice::Core;
    let names = |wanted: &dyn Fn(&Order) -> bool| -> Vec<&'static str> {
        COMMITTED.iter().filter(|suite| wanted(&suite.order)).map(|suite| suite.name).collect()
    };
    let mut subjects = vec![(CORE, names(&stepped))];
    if has_service {
        subjects.extend([(LIVE, names(&at_rest)), (RACE, names(&edges))]);
    }
    let suites = Suites::within(plan.budget, subjects);
    let rest = (plan.traces, until, &suites);
    take(against(CORE, Subject::Product, &stepped, &on(On::Core(plan.core)), rest));
    if has_service {
        take(against(LIVE, Subject::Live, &at_rest, &on(On::Live), rest));
        take(against(RACE, Subject::Race, &edges, &on(On::Race(Design::Barrier)), rest));
    }
}

/// The subjects in results.
const CORE: &str = "conform core";
const LIVE: &str = "conform live";
const RACE: &str = "conform race";

/// The engine of a night.
pub(crate) struct Conform;

impl Engine for Conform {
    fn id(&self) -> &'static str {
        "conform"
    }

    fn what(&self) -> &'static str {
        "The engine's core and service against the committed suites"
    }

    fn share(&self) -> Share {
        Share::Part(8)
    }

    fn has_canary_core(&self) -> bool {
        true
    }

    fn run(&self, task: &Task<'_>, sink: &mut Sink<'_>, output: &mut Output) -> Result<(), Error> {
        let plan = Plan { core: task.core, budget: task.budget, traces: task.traces };
        all(&plan, &mut |engine| sink.take(engine), output);
        Ok(())
    }

    /// The core against the smallest suite.
    fn canary(&self, task: &Task<'_>, output: &mut Output) -> Option<reports::Canary> {
        // The small suite is run whatever the time, and comes before those of the service.
        let plan = Plan { core: task.core, budget: Duration::ZERO, traces: task.traces };
        let mut core = None;
        all(&plan, &mut |engine| _ = core.get_or_insert(engine), output);
        Some(reports::Canary::of(&core?, &canary::broken_core(), &[]))
    }
}

/// One subject against committed suites, as a result.
fn against(
    name: &str,
    subject: Subject,
    wanted: &dyn Fn(&Order) -> bool,
    run: &dyn Fn(&Suite, Turn<'_>) -> Result<Conformed, Error>,
    (traces, until, ahead): (&Traces, Instant, &Suites),
) -> EngineResult {
    let started = Instant::now();
    let suites = COMMITTED.iter().filter(|suite| wanted(&suite.order));
    let mut kept = Kept::default();
    let done: Result<(), Error> = { suites }.enumerate().try_for_each(|(number, suite)| {
        // The first is small, and is run whatever the time.
        if number > 0 && Instant::now() >= until {
            kept.ended = Ended::BudgetSpent;
            return Ok(());
        }
        let read = committed(suite)?;
        let conformed = run(&read, ahead.turn(name, suite.name, &read))?;
        let whole = subject == Subject::Product;
        kept.take(suite.name, &conformed, whole, traces);
        Ok(())
    });
    let status = match (done, kept.stale.take()) {
        (Err(error), _) => return EngineResult::failed(name, error),
        (Ok(()), Some(why)) => Status::Failed { why },
        (Ok(()), None) => Status::Ran(kept.ran(started)),
    };
    EngineResult {
        name: name.to_owned(),
        subject: Some(subject),
        dialect: None,
        scope: None,
        switches: String::new(),
        status,
    }
}

/// What several suites came to on one subject.
struct Kept {
    ended: Ended,
    files: u64,
    passed: u64,
    steps: u64,
    compared: u64,
    broken: Vec<RuleResult>,
    disagreements: Vec<reports::Failure>,
    stale: Option<String>,
}

/// Failures of a subject that are made small and written down; of more there is the number.
const MOST_KEPT: usize = 12;

impl Default for Kept {
    fn default() -> Kept {
        let (files, passed, steps, compared) = (0, 0, 0, 0);
        let (broken, disagreements) = (Vec::new(), Vec::new());
        Kept { ended: Ended::Done, files, passed, steps, compared, broken, disagreements, stale: None }
    }
}

impl Kept {
    fn take(&mut self, name: &str, conformed: &Conformed, whole: bool, traces: &Traces) {
        let failed = conformed.failures().count() as u64;
        self.files += conformed.files.len() as u64;
        self.passed += conformed.passed() as u64;
        self.compared += conformed.passed() as u64 + failed;
        self.steps += conformed.steps;
        for (id, (count, ..)) in conformed.by_id() {
            let known = self.broken.len() + self.disagreements.len();
            // Each file has its own run and its own place in it.
            let files = conformed.failures().filter_map(|(_, failed)| {
                Some((failed, failed.findings.iter().find(|finding| finding.id() == id)?))
            });
            let Some((shortest, finding)) = files.min_by_key(|(failed, _)| failed.trace.lines.len()) else {
                continue;
            };
            if known >= MOST_KEPT || self.is_known(&id) {
                continue;
            }
            let mut failure = traces.keep(raw(shortest, finding));
            failure.notes.push(format!("in {} of the suite {name}", counted(count as u64, "file")));
            match finding.rule() {
                Some(rule) => self.broken.push(RuleResult {
                    rule: RuleId(rule.to_string()),
                    finding: reports::Finding::broken(failure),
                }),
                None => self.disagreements.push(failure),
            }
        }
        if whole && failed == 0 && !conformed.missing.is_empty() {
            let missing = counted(conformed.missing.len() as u64, "item");
            self.stale = Some(format!(
                "the committed suite {name} promises {missing} that its files do not reach; after a change of the model \
                 run `bgcheck generate --committed`"
            ));
        }
    }

    /// Whether there is a failure of this name, or of its rule: a report has a place for each rule.
    fn is_known(&self, id: &Identity) -> bool {
        let of_rule = id.rule().is_some_and(|rule| {
            let rule = RuleId(rule.to_string());
            self.broken.iter().any(|result| result.rule == rule)
        });
        of_rule || self.disagreements.iter().any(|failure| failure.id == id.to_string())
    }

    fn ran(self, started: Instant) -> Ran {
        Ran {
            approach: Approach::Sampling,
            ended: self.ended,
            work: vec![
                Amount::out_of(Unit::Traces, self.passed, self.files),
                Amount::new(Unit::Steps, self.steps),
            ],
            time_ms: millis(started.elapsed()),
            findings: self.broken,
            agreement: Some(Agreement {
                what: "the subject and the committed suites, in answers, callbacks and states".to_owned(),
                compared: self.compared,
                disagreements: self.disagreements,
            }),
            witnesses: Vec::new(),
            freedoms: Vec::new(),
            windows: None,
            edges: None,
            corpus: None,
            account: None,
        }
    }
}
