//! Judging a whole run: small ids per job, and what became of each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash as _, Hasher};
use std::io::BufRead;

use contract::answers;
use contract::call::{Call, Method, Out};
use contract::dialect::Profile;
use contract::env::EnvStep;
use contract::event::EventView;
use contract::hresult::HResult;
use contract::ids::{CallId, JobId, UserId};
use contract::mutation::Mutant;
use contract::state::JobState;
use contract::{Rule, RuleSet};
use serde::{Deserialize, Serialize};

use super::across::{Across, CALLBACK_SLOTS};
use super::fetched::Fetched;
use super::handed::Handed;
use super::polled::Polled;
use super::possible::Possible;
use super::queue::Queue;
use super::trace::{CallLine, Ended, Header, Kept, Kind, Line, Open, Reader, Recorded, Trace, TraceError};
use super::watched::{Watched, names_late_file};

/// One broken rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The event that broke it; the last of the run when it was broken by what did not happen.
    pub seq: u64,
    /// The job it was broken for; none for a call that is about no job.
    pub job: Option<JobId>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) at seq {}", self.rule, self.rule.name(), self.seq)?;
        self.job.map_or(Ok(()), |job| write!(f, ", job {job}"))
    }
}

/// What became of one rule in a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It had something to decide, and every decision was right.
    Held {
        /// How many decisions.
        decisions: u64,
    },
    /// It was broken.
    Violated {
        /// Where first.
        first: Violation,
        /// How often.
        count: u64,
    },
    /// It had nothing to decide.
    Vacuous,
    /// The run does not record enough to judge it, and what it records breaks nothing.
    Undecided {
        /// What is missing.
        why: String,
    },
}

/// What became of every rule that a run carried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Verdicts {
    /// By rule.
    pub rules: BTreeMap<Rule, Verdict>,
    /// Events judged.
    pub events: u64,
    /// Jobs seen.
    pub jobs: u64,
}

impl Verdicts {
    /// Judges a trace by every rule that has a monitor, as far as it recorded what they need.
    #[must_use]
    pub fn of(trace: &Trace) -> Verdicts {
        Verdicts::of_rules(trace, RuleSet::HERE)
    }

    /// Judges a trace by these rules.
    #[must_use]
    pub fn of_rules(trace: &Trace, rules: RuleSet) -> Verdicts {
        Verdicts::under(trace, &trace.header.profile(), rules)
    }

    /// Judges a trace by these rules under another profile than the trace's own, such as one with a mutant.
    #[must_use]
    pub fn under(trace: &Trace, profile: &Profile, rules: RuleSet) -> Verdicts {
        let mut judge = Judge::under(profile, &trace.header, rules);
        let mut open = Open::default();
        for line in &trace.lines {
            judge.mark(line, |id| open.call(id));
            if let Some(event) = open.view(line) {
                judge.event(line.seq, &event);
            }
        }
        judge.end(trace.header.ended)
    }

    /// Judges a trace while it is read, so that its length needs no memory.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn of_reader<R: BufRead>(reader: R) -> Result<Verdicts, TraceError> {
        let reader = Reader::new(reader)?;
        let mut judge = Judge::for_header(reader.header(), RuleSet::HERE);
        let ended = reader.header().ended;
        let mut kept = Kept::default();
        for line in reader {
            let line = line?;
            judge.mark(&line, |id| kept.call(id));
            kept.show(line, |seq, event| judge.event(seq, event));
        }
        Ok(judge.end(ended))
    }

    /// The rules that were broken.
    #[must_use]
    pub fn violated(&self) -> RuleSet {
        self.violations().map(|violation| violation.rule).collect()
    }

    /// The first violation of each broken rule, in the order of the rules.
    pub fn violations(&self) -> impl Iterator<Item = Violation> {
        self.rules.values().filter_map(|verdict| match verdict {
            Verdict::Violated { first, .. } => Some(*first),
            _ => None,
        })
    }

    /// The violation that came first in the run, and of those at one event the one of the lowest rule.
    #[must_use]
    pub fn first(&self) -> Option<Violation> {
        self.violations().min_by_key(|violation| (violation.seq, violation.rule))
    }
}

/// Judges a run event by event, whatever ids its events have.
///
/// A job whose ids do not fit the monitors is no longer followed, and its rules end undecided, not held: more than 32
/// open calls or 8 open deliveries of one job at once, or 62 objects that may still be registered. Files after the eighth of
/// a job leave the rules about files undecided.
#[derive(Clone, Debug)]
pub struct Judge {
    profile: Profile,
    rules: RuleSet,
    /// The rules of which what clients are handed is judged. It needs no states, so it is judged also where the rest is undecided.
    of_handed: RuleSet,
    jobs: BTreeMap<JobId, Watched>,
    across: Across,
    handed: Handed,
    fetched: Fetched,
    queue: Queue,
    polled: Polled,
    /// Open calls about no job.
    manager_calls: BTreeMap<CallId, ManagerCall>,
    owners: BTreeMap<JobId, UserId>,
    counts: BTreeMap<Rule, Count>,
    undecided: BTreeMap<Rule, String>,
    /// Rules that the run does not record enough for, unless polls have decided them.
    lacking: BTreeMap<Rule, String>,
    /// Jobs with a call whose answer did not come in time; none for a call that is about no job.
    unanswered: BTreeSet<Option<JobId>>,
    /// When the first job ended.
    first_end: Option<u64>,
    events: u64,
    last_seq: u64,
}

/// The rules that hang on the answer to a call of this method.
fn hang_on(method: Method) -> RuleSet {
    let always = [Rule::R12, Rule::R16, Rule::R18, Rule::R19];
    let own: &[Rule] = match method {
        Method::Cancel => &[Rule::R1, Rule::R10, Rule::R13, Rule::R15],
        Method::Complete => &[Rule::R4, Rule::R10, Rule::R13, Rule::R15],
        Method::SetNotifyFlags => &[Rule::R2, Rule::R11],
        Method::SetNotifyInterface | Method::SetNotifyCmdLine => &[Rule::R3, Rule::R11],
        Method::Resume | Method::Suspend => &[Rule::R5, Rule::R13],
        Method::GetJob | Method::EnumJobs | Method::EnumJobsNext => &[Rule::R10],
        Method::GetState => &[Rule::R10, Rule::R13],
        _ => &[Rule::R11],
    };
    RuleSet::of(own).union(RuleSet::of(&always))
}

#[derive(Clone, Copy, Debug)]
struct ManagerCall {
    user: UserId,
    /// The number at which it started.
    called: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    decisions: u64,
    violations: u64,
    first: Option<Violation>,
}

impl Judge {
    /// A judge of a run of which every kind of event is recorded. Rules without a monitor are left out.
    #[must_use]
    pub fn new(profile: Profile, rules: RuleSet) -> Judge {
        let rules = rules.intersection(RuleSet::HERE);
        Judge {
            profile,
            rules,
            of_handed: rules,
            jobs: BTreeMap::new(),
            across: Across::new(rules, CALLBACK_SLOTS),
            handed: Handed::recorded(&[Recorded::Given, Recorded::Begin]),
            fetched: Fetched::recorded(),
            queue: Queue::default(),
            polled: Polled::new(RuleSet::EMPTY),
            manager_calls: BTreeMap::new(),
            owners: BTreeMap::new(),
            counts: rules.iter().map(|rule| (rule, Count::default())).collect(),
            undecided: BTreeMap::new(),
            lacking: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            first_end: None,
            events: 0,
            last_seq: 0,
        }
    }

    /// This judge, for a run with this limit on the callbacks of one user at once.
    #[must_use]
    pub fn with_slots(self, slots: u32) -> Judge {
        Judge { across: Across::new(self.rules, slots), ..self }
    }

    /// A judge of a run with this header: rules that need what it did not record are undecided from the start.
    #[must_use]
    pub fn for_header(header: &Header, rules: RuleSet) -> Judge {
        Judge::under(&header.profile(), header, rules)
    }

    fn under(profile: &Profile, header: &Header, rules: RuleSet) -> Judge {
        let mut judge = Judge::new(*profile, rules);
        for rule in judge.rules.iter() {
            let always = [Recorded::Call, Recorded::Return, Recorded::Enter, Recorded::Leave];
            let mut needed = always.iter().chain(rule.needs());
            if let Some(missing) = needed.find(|needed| !header.records.contains(needed)) {
                // Not stepped at all: without what it needs, it would cry out at nothing.
                let noted = if Polled::decides(rule) { &mut judge.lacking } else { &mut judge.undecided };
                noted.insert(rule, format!("the subject does not record {missing:?} events"));
            }
        }
        let records_given = header.records.contains(&Recorded::Given);
        judge.handed = Handed::recorded(&header.records);
        if !header.records.contains(&Recorded::Fetch) {
            judge.fetched = Fetched::default();
        }
        judge.polled = Polled::new(judge.lacking.keys().copied().collect());
        let lacks = |rule: &Rule| judge.undecided.contains_key(rule) || judge.lacking.contains_key(rule);
        judge.rules = judge.rules.iter().filter(|rule| !lacks(rule)).collect();
        if !records_given {
            judge.of_handed = judge.rules;
        }
        judge.with_slots(header.callback_slots)
    }

    /// The next event; `seq` rises.
    pub fn event(&mut self, seq: u64, event: &EventView<'_>) {
        self.events += 1;
        self.last_seq = seq;
        self.note_owner(event);
        self.feed_across(seq, event);
        let handed = (self.handed.event(event), self.of_handed);
        let fetched = (self.fetched.event(event), self.rules);
        let queue = (self.queue.event(&self.profile, seq, event), self.rules);
        let polled = (self.polled.event(&self.profile, event), RuleSet::ALL);
        for ((violated, exercised), rules) in [handed, fetched, queue, polled] {
            self.note(seq, event.job(), violated.intersection(rules), exercised.intersection(rules));
        }
        match (*event, event.job()) {
            (EventView::Return { id, call: Call::CreateJob { .. }, hr, .. }, job) => {
                self.manager_calls.remove(&id);
                self.manager_answer(seq, job, Method::CreateJob, hr);
                // A job that was never made has no monitors; one that was is followed from here on.
                if let Some(job) = job.filter(|_| hr.succeeded()) {
                    self.feed(seq, job, event);
                }
            }
            (_, Some(job)) => self.feed(seq, job, event),
            (EventView::Call { id, caller, .. }, None) => {
                self.manager_calls.insert(id, ManagerCall { user: caller.user, called: seq });
            }
            (EventView::Return { id, call, hr, out, .. }, None) => {
                let called = self.manager_calls.remove(&id).map_or(seq, |call| call.called);
                self.manager_answer(seq, None, call.method(), hr);
                self.enumerated(seq, called, out);
            }
            (EventView::Env { step: EnvStep::Idle, .. }, None) => {
                for job in self.jobs.keys().copied().collect::<Vec<_>>() {
                    self.feed(seq, job, event);
                }
            }
            // The network, the clock: what it did to each job is recorded with that job.
            _ => {}
        }
    }

    /// The service died, or started again. Rules that can be judged across it go on (see [`RuleSet::ACROSS_RESTART`]); the others
    /// end undecided, unless they are broken already.
    pub fn restart(&mut self) {
        self.undecidable(
            RuleSet::ALL.intersection(RuleSet::ACROSS_RESTART.complement()),
            "the service died during the run, and this rule does not follow it beyond that",
        );
        self.rules = self.rules.intersection(RuleSet::ACROSS_RESTART);
        self.of_handed = self.of_handed.intersection(RuleSet::ACROSS_RESTART);
        self.jobs.values_mut().for_each(|watched| watched.restart());
        self.across.restart();
        self.handed.restart();
        self.fetched.restart();
        self.queue.restart();
        self.polled.restart();
        self.manager_calls.clear();
    }

    /// Takes in a line that is no event, if it is one that judging needs.
    fn mark<'l>(&mut self, line: &Line, call: impl FnOnce(CallId) -> Option<&'l CallLine>) {
        match &line.what {
            Kind::Crash {} | Kind::Restart {} => self.restart(),
            Kind::Unknown(unknown) => {
                self.unknown(unknown.job, call(unknown.call).map(|call| call.call.method()));
            }
            _ => {}
        }
    }

    /// The answer to a call on this job did not come in time. Rules that hang on it are undecided, unless they are broken already or for
    /// another job. Of the job nothing follows from what is open at the end.
    pub fn unknown(&mut self, job: Option<JobId>, method: Option<Method>) {
        let hang = method.map_or(RuleSet::ALL, hang_on);
        let name = method.map_or("a call", Method::name);
        let on = job.map(|job| format!("{job}.")).unwrap_or_default();
        let hang = hang.intersection(self.rules.union(self.polled.rules()));
        self.note_undecided(hang, &format!("the answer to {on}{name} did not come in time"));
        self.unanswered.insert(job);
    }

    /// The end of a run that ended so.
    #[must_use]
    pub fn end(self, ended: Ended) -> Verdicts {
        match ended {
            Ended::AtRest => self.finish(),
            Ended::Cut => self.cut(),
        }
    }

    /// The end of a run that came to rest: what is open now stays open.
    #[must_use]
    pub fn finish(mut self) -> Verdicts {
        let seq = self.last_seq;
        let unanswered = std::mem::take(&mut self.unanswered);
        let is_answered = |job: Option<JobId>| !unanswered.contains(&job);
        for job in self.jobs.keys().copied().filter(|job| is_answered(Some(*job))).collect::<Vec<_>>() {
            let mut violated = self.jobs[&job].finish(&self.profile);
            // That everything is delivered assumes that every callback leaves (contract L1).
            if !self.across.is_quiet() {
                violated = violated.without(Rule::R19);
            }
            // What is open waits for a destructor, and R16 judges what that waits for.
            if self.across.runs_client_code(job) {
                violated = violated.without(Rule::R18);
            }
            self.note(seq, Some(job), violated, violated);
            if self.is_starved(job) {
                let r9 = RuleSet::of(&[Rule::R9]);
                self.note(seq, Some(job), r9, r9);
            }
        }
        for job in self.across.stuck().filter(|job| is_answered(*job)).collect::<Vec<_>>() {
            let r16 = RuleSet::of(&[Rule::R16]);
            self.note(seq, job, r16, r16);
        }
        self.cut()
    }

    /// The end of a run that was stopped: nothing follows from what is still open.
    #[must_use]
    pub fn cut(self) -> Verdicts {
        let jobs = self.jobs.len() as u64;
        let Judge { counts, mut undecided, mut lacking, events, .. } = self;
        let verdict = |(rule, count): (Rule, Count)| {
            let verdict = match (count.first, undecided.remove(&rule), count.decisions) {
                (Some(first), _, _) => Verdict::Violated { first, count: count.violations },
                (None, Some(why), _) => Verdict::Undecided { why },
                (None, None, 0) => match lacking.remove(&rule) {
                    Some(why) => Verdict::Undecided { why },
                    None => Verdict::Vacuous,
                },
                (None, None, decisions) => Verdict::Held { decisions },
            };
            (rule, verdict)
        };
        Verdicts { rules: counts.into_iter().map(verdict).collect(), events, jobs }
    }

    /// Records that these rules cannot be judged in this run, whatever was seen so far; a violation seen stays one.
    pub fn undecidable(&mut self, rules: RuleSet, why: &str) {
        self.note_undecided(rules.intersection(self.rules), why);
    }

    fn note_undecided(&mut self, rules: RuleSet, why: &str) {
        for rule in rules.iter() {
            self.undecided.entry(rule).or_insert_with(|| why.to_owned());
        }
    }

    /// Adds to a hash all that the verdicts on what is still to come depend on, and which rules are broken already. How often a rule decided
    /// something is no part of it, nor are the numbers of past events: of them only the order counts, while a call is open.
    pub fn digest<H: Hasher>(&self, state: &mut H) {
        // Taken apart, so that a field that is added is not forgotten.
        let Judge {
            profile: _,
            rules,
            of_handed,
            jobs,
            across,
            handed,
            fetched,
            queue,
            polled,
            manager_calls,
            owners,
            counts,
            undecided,
            lacking: _,
            unanswered,
            first_end,
            events: _,
            last_seq: _,
        } = self;
        (rules, of_handed, across, handed, fetched, polled, owners, first_end.is_some()).hash(state);
        queue.digest(state);
        for (job, watched) in jobs {
            job.hash(state);
            watched.digest(state);
        }
        for (id, call) in manager_calls {
            let before = |ended: Option<u64>| ended.is_some_and(|ended| ended < call.called);
            (id, call.user, before(*first_end)).hash(state);
            jobs.values().for_each(|watched| before(watched.ended()).hash(state));
        }
        counts.values().for_each(|count| count.first.is_some().hash(state));
        (jobs.len(), manager_calls.len(), undecided.len(), unanswered).hash(state);
    }

    /// How often each rule has decided something so far.
    pub fn decisions(&self) -> impl Iterator<Item = (Rule, u64)> {
        self.counts.iter().map(|(rule, count)| (*rule, count.decisions))
    }

    /// What clients may have set so far of this job, register by register; nothing of a job that is not followed.
    #[must_use]
    pub fn possible(&self, job: JobId) -> Vec<Possible> {
        self.jobs.get(&job).map(|watched| watched.possible()).unwrap_or_default()
    }

    /// The violations seen so far, the first of each rule.
    pub fn violations(&self) -> impl Iterator<Item = Violation> {
        self.counts.values().filter_map(|count| count.first)
    }

    /// Whose job it is: of who created it, else of the first who calls on it.
    fn note_owner(&mut self, event: &EventView<'_>) {
        let (job, user) = match *event {
            EventView::Return { id, call: Call::CreateJob { .. }, job, .. } => {
                (job, self.manager_calls.get(&id).map(|call| call.user))
            }
            EventView::Call { job, caller, .. } => (job, Some(caller.user)),
            _ => return,
        };
        if let (Some(job), Some(user)) = (job, user) {
            self.owners.entry(job).or_insert(user);
        }
    }

    fn feed_across(&mut self, seq: u64, event: &EventView<'_>) {
        let owner = event.job().and_then(|job| self.owners.get(&job).copied());
        let mut exercised = RuleSet::EMPTY;
        let violated = self.across.step(owner, event, &mut exercised);
        self.note(seq, event.job(), violated, exercised);
    }

    fn is_starved(&self, job: JobId) -> bool {
        let (Some(watched), Some(owner)) = (self.jobs.get(&job), self.owners.get(&job)) else { return false };
        watched.is_waiting_to_tell(&self.profile) && self.across.is_starved(*owner, job)
    }

    fn feed(&mut self, seq: u64, job: JobId, event: &EventView<'_>) {
        let rules = self.rules;
        let watched = self.jobs.entry(job).or_insert_with(|| Watched::new(rules));
        let mut exercised = RuleSet::EMPTY;
        let outcome = watched.event(&self.profile, seq, event, &mut exercised);
        if let Some(ended) = watched.ended() {
            self.first_end.get_or_insert(ended);
        }
        match outcome {
            Ok(violated) => self.note(seq, Some(job), violated, exercised),
            Err(lost) => {
                let why = format!("job {job} has {lost}, more than the rules follow");
                self.undecidable(RuleSet::ALL, &why);
            }
        }
        if names_late_file(event) {
            let about_files = RuleSet::of(&[Rule::R5, Rule::R6, Rule::R7, Rule::R15, Rule::R18, Rule::R19]);
            self.undecidable(about_files, "a job has more than eight files, more than the rules follow");
        }
    }

    fn note(&mut self, seq: u64, job: Option<JobId>, violated: RuleSet, exercised: RuleSet) {
        if exercised.is_empty() {
            return;
        }
        let silent = |rule: &Rule| self.profile.mutation.is(Mutant::RuleSilent(*rule as u8));
        let violated: RuleSet = violated.iter().filter(|rule| !silent(rule)).collect();
        for rule in exercised.iter() {
            self.counts.entry(rule).or_default().decisions += 1;
        }
        for rule in violated.iter() {
            let count = self.counts.entry(rule).or_default();
            count.violations += 1;
            count.first.get_or_insert(Violation { rule, seq, job });
        }
    }

    /// R12 for the manager's methods, whose answers depend on no job's state.
    fn manager_answer(&mut self, seq: u64, job: Option<JobId>, method: Method, hr: HResult) {
        if self.rules.contains(Rule::R12) {
            let r12 = RuleSet::of(&[Rule::R12]);
            let good = answers::allows(&self.profile, method, JobState::Suspended, hr);
            self.note(seq, job, if good { RuleSet::EMPTY } else { r12 }, r12);
        }
    }

    /// R10 for a list of jobs: none that had ended when the call started. As many steps as jobs in the list, not as
    /// jobs in the run.
    fn enumerated(&mut self, seq: u64, called: u64, out: &Out) {
        let Out::Jobs(jobs) = out else { return };
        if !self.rules.contains(Rule::R10) {
            return;
        }
        let r10 = RuleSet::of(&[Rule::R10]);
        for job in jobs {
            let Some(ended) = self.jobs.get(job).and_then(Watched::ended) else { continue };
            if ended < called {
                self.note(seq, Some(*job), r10, r10);
            }
        }
        // A list is a decision when there was a job to leave out.
        if self.first_end.is_some_and(|ended| ended < called) {
            self.note(seq, None, RuleSet::EMPTY, r10);
        }
    }
}
