//! R12 and R13 where changes of state are not recorded: by what polls of the observer show.
//!
//! **What it is.** From a poll on, a job is in one of the states to which the table leads from what the poll has shown: by the environment at
//! any time, and by the calls that were open since. A GetState that returns another state breaks R13; an answer that the table allows in none of
//! these states breaks R12.
//!
//! **What it is not.** Exact: what a call has done is not followed, so it may have taken each of its edges, or none. Before the first poll of a
//! job, and behind a restart, nothing is known of it.
//!
//! **The law it keeps.** The set has every state in which the job can be, so what it rules out is wrong.

use std::collections::BTreeMap;

use contract::answers;
use contract::call::{Call, Method, Out};
use contract::dialect::Profile;
use contract::event::EventView;
use contract::ids::{CallId, JobId};
use contract::state::{Cause, JobState, StateSet, targets};
use contract::{Rule, RuleSet, ThreadId, env::StepKind};

/// What polls have shown of each job.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Polled {
    /// The rules that are judged by polls: none where changes of state are recorded.
    rules: RuleSet,
    jobs: BTreeMap<JobId, Seen>,
}

/// A job.
#[derive(Clone, Debug, Hash)]
struct Seen {
    /// Where it may be.
    may: StateSet,
    open: Vec<Open>,
}

/// An open call.
#[derive(Clone, Debug, Hash)]
struct Open {
    id: CallId,
    method: Method,
    /// Where the job may have been since the call has started.
    since: StateSet,
    /// Whether it is a poll, and the methods of the calls that were open beside it.
    beside: Option<Vec<Method>>,
}

impl Polled {
    /// That judges these rules, which lack changes of state.
    pub(crate) const fn new(rules: RuleSet) -> Polled {
        Polled { rules, jobs: BTreeMap::new() }
    }

    /// Whether polls can decide a rule.
    pub(crate) const fn decides(rule: Rule) -> bool {
        matches!(rule, Rule::R12 | Rule::R13)
    }

    /// See the field.
    pub(crate) const fn rules(&self) -> RuleSet {
        self.rules
    }

    /// Calls are gone, and what they have done may be.
    pub(crate) fn restart(&mut self) {
        self.jobs.clear();
    }

    /// Takes in an event. Returns the rules that it breaks, and those that had something to decide.
    pub(crate) fn event(&mut self, profile: &Profile, event: &EventView<'_>) -> (RuleSet, RuleSet) {
        let nothing = (RuleSet::EMPTY, RuleSet::EMPTY);
        if self.rules.is_empty() {
            return nothing;
        }
        match *event {
            EventView::Call { id, caller, job: Some(job), call } => {
                let is_poll = caller.thread == ThreadId::OBSERVER && matches!(call, Call::GetState);
                let seen = self.jobs.entry(job).or_insert_with(Seen::unknown);
                seen.starts(profile, id, call.method(), is_poll.then(Vec::new));
                nothing
            }
            EventView::Return { id, job: Some(job), call, hr, out } => {
                let Some(seen) = self.jobs.get_mut(&job) else { return nothing };
                let Some(at) = seen.open.iter().position(|open| open.id == id) else { return nothing };
                let open = seen.open.swap_remove(at);
                let told = match out {
                    Out::State(state) if hr.succeeded() && matches!(call, Call::GetState) => Some(*state),
                    _ => None,
                };
                let (mut broken, mut decided) = nothing;
                let mut decides = |rule: Rule, good: bool| {
                    decided = decided.with(rule);
                    if !good {
                        broken = broken.with(rule);
                    }
                };
                // A set with every state rules out nothing.
                if open.since != StateSet::ALL {
                    match told {
                        Some(state) => decides(Rule::R13, open.since.contains(state)),
                        // The observer is no client.
                        None if open.beside.is_none() => {
                            let allows = |state| answers::allows(profile, open.method, state, hr);
                            decides(Rule::R12, open.since.iter().any(allows));
                        }
                        None => {}
                    }
                }
                if let (Some(state), Some(beside)) = (told, open.beside) {
                    seen.shows(profile, state, &beside);
                }
                (broken.intersection(self.rules), decided.intersection(self.rules))
            }
            _ => nothing,
        }
    }
}

impl Seen {
    const fn unknown() -> Seen {
        Seen { may: StateSet::ALL, open: Vec::new() }
    }

    fn starts(&mut self, profile: &Profile, id: CallId, method: Method, poll: Option<Vec<Method>>) {
        let beside = poll.map(|_| self.open.iter().map(|open| open.method).collect());
        self.open.push(Open { id, method, since: StateSet::EMPTY, beside });
        for open in &mut self.open {
            if let Some(beside) = &mut open.beside {
                beside.push(method);
            }
        }
        self.goes_on(profile, self.may, &[]);
    }

    /// A poll has shown this state at some moment, beside calls of these methods.
    fn shows(&mut self, profile: &Profile, state: JobState, beside: &[Method]) {
        self.goes_on(profile, StateSet::of(state), beside);
    }

    /// The job is in one of these states, and goes on from there by what is open, and by calls of these methods. What an open call met
    /// before stays possible for it; where it has led the job itself is no state that it was called in.
    fn goes_on(&mut self, profile: &Profile, from: StateSet, beside: &[Method]) {
        let open: Vec<(CallId, Method)> = self.open.iter().map(|open| (open.id, open.method)).collect();
        let but = |own: Option<CallId>| -> Vec<Method> {
            let others = open.iter().filter(|(id, _)| Some(*id) != own).map(|(_, method)| *method);
            others.chain(beside.iter().copied()).collect()
        };
        for open in &mut self.open {
            let met = reached(profile, from, &but(Some(open.id)));
            open.since = union(open.since, met);
        }
        self.may = reached(profile, from, &but(None));
    }
}

/// The states to which the environment and calls of these methods lead from these.
fn reached(profile: &Profile, from: StateSet, methods: &[Method]) -> StateSet {
    // Of another implementation's own methods nothing is known.
    if from == StateSet::ALL || methods.contains(&Method::Other) {
        return StateSet::ALL;
    }
    let mut all = from;
    loop {
        let before = all;
        for state in before.iter() {
            let causes = StepKind::ALL.into_iter().map(Cause::Env);
            let causes = causes.chain(methods.iter().copied().map(Cause::Call));
            for to in causes.flat_map(|cause| targets(profile, state, cause)).chain(freely(state, methods)) {
                all = all.with(to);
            }
        }
        if all == before {
            return all;
        }
    }
}

/// What the table leaves out, and another implementation may do: policies hold transfers up (facts A2), and Suspend may take a job out of ERROR
/// and TRANSFERRED (facts G20).
fn freely(state: JobState, methods: &[Method]) -> Option<JobState> {
    use JobState as S;
    match state {
        S::Queued | S::Connecting | S::Transferring => Some(S::TransientError),
        S::Error | S::Transferred if methods.contains(&Method::Suspend) => Some(S::Suspended),
        _ => None,
    }
}

fn union(one: StateSet, other: StateSet) -> StateSet {
    other.iter().fold(one, StateSet::with)
}
