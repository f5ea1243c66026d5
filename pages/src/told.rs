//! A trace event by event: what each one changes, and what the rules make of it there.
//!
//! **The law it keeps.** The verdicts are those of [`Verdicts`]: where a rule is broken by the end of the run, the last event has it.

use std::collections::BTreeMap;

use contract::{CallId, EventView, JobId, Rule, RuleSet};
use judge::trace::Kind;
use judge::{Judge, Possible, Trace, Verdict, Verdicts};

/// An event, and what it changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) seq: u64,
    pub(crate) kind: &'static str,
    pub(crate) job: Option<JobId>,
    /// Who acts: a client's thread, a callback, or the service.
    pub(crate) who: String,
    /// What changes, a sentence each.
    pub(crate) changed: Vec<String>,
    /// Rules that had something to decide, and found it right.
    pub(crate) held: RuleSet,
    /// Rules that it breaks.
    pub(crate) broken: RuleSet,
}

/// Every event that is one, in order.
pub(crate) fn told(trace: &Trace, verdicts: &Verdicts) -> Vec<Told> {
    let mut judging = Judging {
        judge: Judge::for_header(&trace.header, RuleSet::HERE),
        decided: BTreeMap::new(),
        possible: BTreeMap::new(),
        running: 0,
        open: BTreeMap::new(),
    };
    let events: BTreeMap<u64, EventView<'_>> = trace.events().collect();
    let mut all = Vec::new();
    for line in &trace.lines {
        let kind = kind(&line.what);
        let mut told = Told {
            seq: line.seq,
            kind,
            job: None,
            who: SERVICE.to_owned(),
            changed: Vec::new(),
            held: RuleSet::EMPTY,
            broken: RuleSet::EMPTY,
        };
        if matches!(line.what, Kind::Crash {} | Kind::Restart {}) {
            judging.judge.restart();
            told.changed.push("Calls and callbacks that were open are gone.".to_owned());
        }
        if let Kind::Unknown(unknown) = &line.what {
            let called = trace.lines.iter().rev().filter(|before| before.seq < line.seq);
            let method = called.filter_map(|before| match &before.what {
                Kind::Call(call) if call.id == unknown.call => Some(call.call.method()),
                _ => None,
            });
            judging.judge.unknown(unknown.job, method.into_iter().next());
            told.changed.push("Rules that hang on its answer are undecided.".to_owned());
        }
        if let Some(event) = events.get(&line.seq) {
            judging.event(event, &mut told);
        }
        all.push(told);
    }
    // A rule that the end breaks has no event of its own.
    for verdict in verdicts.rules.values() {
        if let Verdict::Violated { first, .. } = verdict
            && let Some(told) = all.iter_mut().find(|told| told.seq == first.seq)
        {
            told.broken = told.broken.with(first.rule);
            told.held = told.held.without(first.rule);
        }
    }
    all
}

/// Whose what is that neither a client's thread nor a callback does.
const SERVICE: &str = "service";

struct Judging {
    judge: Judge,
    decided: BTreeMap<Rule, u64>,
    possible: BTreeMap<JobId, Vec<Possible>>,
    running: usize,
    /// Who has made each call that is open.
    open: BTreeMap<CallId, String>,
}

impl Judging {
    fn event(&mut self, event: &EventView<'_>, told: &mut Told) {
        self.judge.event(told.seq, event);
        told.job = event.job();
        told.who = self.who(event);
        self.note_lives(event, told);
        if let Some(job) = told.job {
            self.note_registers(job, told);
        }
        for (rule, decisions) in self.judge.decisions() {
            if self.decided.insert(rule, decisions).unwrap_or(0) != decisions {
                told.held = told.held.with(rule);
            }
        }
        let broken = self.judge.violations().filter(|violation| violation.seq == told.seq);
        told.broken = broken.map(|violation| violation.rule).collect();
        told.held = told.broken.iter().fold(told.held, RuleSet::without);
    }

    fn who(&mut self, event: &EventView<'_>) -> String {
        match *event {
            EventView::Call { id, caller, .. } => {
                let who = match caller.inside {
                    Some(delivery) => delivery.to_string(),
                    None => caller.thread.to_string(),
                };
                self.open.insert(id, who.clone());
                who
            }
            EventView::Return { id, .. } => self.open.remove(&id).unwrap_or_else(|| SERVICE.to_owned()),
            EventView::Wait { id, .. } => self.open.get(&id).cloned().unwrap_or_else(|| SERVICE.to_owned()),
            EventView::Begin { delivery, .. }
            | EventView::Enter { delivery, .. }
            | EventView::Given { delivery, .. }
            | EventView::Leave { delivery, .. } => delivery.to_string(),
            EventView::Env { .. } | EventView::State { .. } => SERVICE.to_owned(),
        }
    }

    fn note_lives(&mut self, event: &EventView<'_>, told: &mut Told) {
        let plural = |number: usize, one: &str| {
            let does = if one == "call" { "open" } else { "running" };
            if number == 1 { format!("1 {one} is {does}.") } else { format!("{number} {one}s are {does}.") }
        };
        match *event {
            EventView::State { job, from, to, .. } => told.changed.push(match from {
                Some(from) => format!("{job} was {from}, and is {to}: {}", to.what()),
                None => format!("{job} is new, and {to}: {}", to.what()),
            }),
            EventView::Call { .. } => told.changed.push(plural(self.open.len(), "call")),
            EventView::Return { hr, .. } => {
                let means = if hr.succeeded() { "succeeded" } else { "failed" };
                told.changed.push(format!("The call has {means}: {hr}. {}", plural(self.open.len(), "call")));
            }
            EventView::Enter { event, .. } => {
                self.running += 1;
                told.changed.push(format!(
                    "The client's code runs for {event}. {}",
                    plural(self.running, "callback")
                ));
            }
            EventView::Leave { .. } => {
                self.running = self.running.saturating_sub(1);
                told.changed.push(plural(self.running, "callback"));
            }
            EventView::Begin { delivery, .. } => {
                told.changed.push(format!("From here on a call that forbids {delivery} waits for it."));
            }
            EventView::Wait { .. } | EventView::Given { .. } | EventView::Env { .. } => {}
        }
    }

    /// Notes the values that clients may have set now, where they differ from those before.
    fn note_registers(&mut self, job: JobId, told: &mut Told) {
        let now = self.judge.possible(job);
        let before = self.possible.insert(job, now.clone()).unwrap_or_default();
        for one in &now {
            let was = before.iter().find(|other| other.register == one.register);
            if was.is_some_and(|was| was != one) {
                told.changed.push(format!("The {} of {job} may be {}.", one.register, values(one)));
            }
        }
    }
}

/// The values of a register, in words.
pub(crate) fn values(possible: &Possible) -> String {
    let values: Vec<String> = possible.values.iter().map(ToString::to_string).collect();
    if values.is_empty() { "anything".to_owned() } else { values.join(" or ") }
}

/// The kinds by which events are hidden.
pub(crate) const KINDS: [&str; 5] = ["call", "callback", "environment", "state", CHOICE];

/// The kind of lines that only a replay needs.
pub(crate) const CHOICE: &str = "choice";

fn kind(what: &Kind) -> &'static str {
    match what {
        Kind::Call(_) | Kind::Return(_) | Kind::Unknown(_) | Kind::Wait(_) => "call",
        Kind::Begin(_) | Kind::Enter(_) | Kind::Given(_) | Kind::Leave(_) => "callback",
        Kind::Env(_) | Kind::Crash {} | Kind::Restart {} => "environment",
        Kind::State(_) => "state",
        Kind::Choose(_) => CHOICE,
    }
}
