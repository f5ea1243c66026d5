//! What was decided, what was not, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use contract::{Call, Event, NotifyFlags, Rule};
use judge::trace::{CallLine, Kind};
use judge::{Trace, Verdict, Verdicts, failure_id, fingerprint};

use super::ended::ended;
use super::play::Run;
use super::race::Raced;
use super::states::Course;
use crate::minimize::Identity;
use crate::suite::{Case, Finding, Judged, Outcome, steps_of};

/// One failure, by its name, wherever it was met.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// What it is.
    pub finding: Finding,
    /// The shortest run that has it.
    pub trace: Trace,
    /// The path it was met on, where it can be led again.
    pub case: Option<Box<Case>>,
    /// How many runs have it.
    pub count: u64,
    /// Where it was met first, and when after the beginning.
    pub first: (String, Duration),
    /// The case that it was met on first: a path by its place and its steps, a program or a race by its name.
    pub on: String,
    /// How many runs of this case have it.
    pub on_count: u64,
    /// What came when the path of its shortest run was led again.
    pub again: Option<Again>,
}

impl Found {
    /// Takes what another process met under this name, or this process under another name.
    fn merge(&mut self, other: Found) {
        self.count += other.count;
        let is_earlier = other.first.1 < self.first.1;
        if other.on == self.on {
            self.on_count += other.on_count;
        } else if is_earlier {
            (self.on, self.on_count) = (other.on, other.on_count);
        }
        if is_earlier {
            self.first = other.first;
        }
        if other.trace.lines.len() < self.trace.lines.len() {
            (self.finding, self.trace, self.case) = (other.finding, other.trace, other.case);
            self.again = other.again.or(self.again);
        }
    }
}

/// What came when a path was led again on which the implementation had failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Again {
    /// As it was led first: by what is due.
    pub led: Repeats,
    /// With silence behind each call, where that was not enough.
    pub at_rest: Repeats,
}

/// Runs of one path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Repeats {
    /// All of them.
    pub times: u32,
    /// Those with this failure.
    pub seen: u32,
    /// Those with this failure or another one that is not known.
    pub failed: u32,
}

impl Again {
    /// Whether the implementation failed in each run, or in each one at rest.
    ///
    /// A callback that is too much may come behind one call or behind the next, and then its failures have two names; or the next call
    /// forbids it. The implementation is as wrong in all of these runs.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.each().any(|runs| runs.failed == runs.times)
    }

    /// Whether the failure came under its name in each run, or in each one at rest.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.each().any(|runs| runs.seen == runs.times)
    }

    fn each(&self) -> impl Iterator<Item = Repeats> {
        [self.led, self.at_rest].into_iter().filter(|runs| runs.times > 0)
    }
}

/// What became of a rule, over all runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuleCount {
    /// Runs in which it had something to decide, and every decision was right.
    pub held: u64,
    /// Runs that broke it.
    pub violated: u64,
    /// Runs in which it had nothing to decide.
    pub vacuous: u64,
    /// Runs that do not show enough.
    pub undecided: u64,
    /// What is missing.
    pub why: Option<String>,
}

impl RuleCount {
    /// Whether there was nothing to decide in any run.
    #[must_use]
    pub const fn is_vacuous(&self) -> bool {
        self.held == 0 && self.violated == 0 && self.undecided == 0
    }
}

/// The process of the adapter ended, or did not answer. It may be the implementation that died or hangs in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Incident {
    /// What was tried.
    pub place: String,
    /// What was seen of it.
    pub what: String,
    /// The path that was led, where it can be led again.
    pub case: Option<Box<Case>>,
}

/// The account of a campaign.
#[derive(Clone, Debug)]
pub struct Tally {
    started: Instant,
    /// By name.
    pub found: BTreeMap<Identity, Found>,
    /// By rule.
    pub rules: BTreeMap<Rule, RuleCount>,
    /// Programs that passed.
    pub passed: u64,
    /// Programs that failed.
    pub failed: u64,
    /// Why programs could not be run, and how many.
    pub not_runnable: BTreeMap<String, u64>,
    /// Steps of programs of which everything was compared.
    pub compared: u64,
    /// Races.
    pub races: Vec<Raced>,
    /// Its process ended or did not answer.
    pub incidents: Vec<Incident>,
    /// For each event: runs that set its bit in the mask and had an object, and runs in which it came.
    pub events: BTreeMap<Event, (u64, u64)>,
    /// Items of suites that were covered, and of how many, by suite.
    pub covered: Vec<(String, u64, u64)>,
    /// Runs whose last events were judged.
    pub runs: u64,
    /// Calls that were made, by all processes together.
    pub calls: u64,
    /// Cases that were tried to their end, by the names that [`Found::on`] has. A race has no end.
    pub tried: BTreeSet<String>,
    /// Those of them that showed all that they can show: one that fails may hide another failure.
    pub passed_cases: BTreeSet<String>,
    /// What `reset` could not end, and how many of it.
    pub leftovers: BTreeMap<String, u64>,
    /// How far the states of the specification could follow.
    pub followed: Followed,
}

/// How far the states of the specification could follow the runs of paths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Followed {
    /// Runs that were followed to their end.
    pub runs: u64,
    /// How often no state fitted any more, and the set began anew with what the getters showed.
    pub again: u64,
    /// The most states at once.
    pub largest: usize,
    /// What the implementation has chosen that the documents leave open, and in how many runs.
    pub freedoms: BTreeMap<&'static str, u64>,
    /// Why runs could not be followed to their end, and how many.
    pub undecided: BTreeMap<&'static str, u64>,
}

impl Followed {
    fn take(&mut self, course: &Course) {
        match course.undecided {
            None => self.runs += 1,
            Some(why) => *self.undecided.entry(why).or_default() += 1,
        }
        for freedom in &course.freedoms {
            *self.freedoms.entry(freedom).or_default() += 1;
        }
        self.again += course.again;
        self.largest = self.largest.max(course.largest);
    }

    fn merge(&mut self, other: Followed) {
        self.runs += other.runs;
        self.again += other.again;
        self.largest = self.largest.max(other.largest);
        let added = [(&mut self.undecided, other.undecided), (&mut self.freedoms, other.freedoms)];
        for (ours, theirs) in added {
            for (what, count) in theirs {
                *ours.entry(what).or_default() += count;
            }
        }
    }
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Tally {
        Tally {
            started: Instant::now(),
            found: BTreeMap::new(),
            rules: BTreeMap::new(),
            passed: 0,
            failed: 0,
            not_runnable: BTreeMap::new(),
            compared: 0,
            races: Vec::new(),
            incidents: Vec::new(),
            events: BTreeMap::new(),
            covered: Vec::new(),
            runs: 0,
            calls: 0,
            tried: BTreeSet::new(),
            passed_cases: BTreeSet::new(),
            leftovers: BTreeMap::new(),
            followed: Followed::default(),
        }
    }

    /// Nothing yet, for a process beside this one: what it meets counts from one beginning.
    pub(super) fn beside(&self) -> Tally {
        Tally { started: self.started, ..Tally::new() }
    }

    /// How long ago it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes what came when a failure was led again. `named` is what it is called from now on, and a run at rest.
    pub(super) fn take_again(&mut self, id: Identity, again: Again, named: Option<(Finding, Trace)>) {
        let Some(mut found) = self.found.remove(&id) else { return };
        found.again = Some(again);
        if let Some((finding, trace)) = named {
            (found.finding, found.trace) = (finding, trace);
        }
        let name = found.finding.id();
        if name != id {
            // How often that one comes is known of runs at rest alone.
            let Repeats { times, failed, .. } = again.at_rest;
            let at_rest = Repeats { times, seen: times, failed };
            found.again = Some(Again { at_rest, ..Again::default() });
        }
        match self.found.get_mut(&name) {
            None => drop(self.found.insert(name, found)),
            Some(ours) => ours.merge(found),
        }
    }

    /// Takes what became of a program.
    pub(super) fn take(&mut self, place: &str, case: &Case, judged: &Judged) {
        let on = name_of(place, case);
        match &judged.outcome {
            Outcome::NotRunnable(why) => {
                *self.not_runnable.entry(why.clone()).or_default() += 1;
                return;
            }
            Outcome::Passed => {
                self.passed += 1;
                self.passed_cases.insert(on.clone());
            }
            Outcome::Failed(failed) => {
                self.failed += 1;
                let met = Met { place, on: &on, case: Some(case) };
                failed.findings.iter().for_each(|finding| self.note(finding, &failed.trace, &met));
            }
        }
        self.tried.insert(on);
        self.compared += judged.compared.len() as u64;
        self.runs += 1;
    }

    /// Notes a program of which no call came back: nothing of it was tried.
    pub(super) fn count_idle(&mut self, place: &str) {
        self.count_not_runnable(&format!("{place}: no call came back"));
    }

    /// Takes the verdicts of a program.
    pub(super) fn count(&mut self, run: &Run) {
        self.count_rules(&run.verdicts);
        self.count_events(&run.trace);
        run.course.iter().for_each(|course| self.followed.take(course));
    }

    fn count_events(&mut self, trace: &Trace) {
        let mut asked = NotifyFlags::empty();
        let mut has_object = false;
        let mut came = BTreeSet::new();
        for line in &trace.lines {
            match &line.what {
                Kind::Call(CallLine { call: Call::SetNotifyFlags { flags }, .. }) => {
                    asked |= NotifyFlags::from_bits_truncate(*flags);
                }
                Kind::Call(CallLine { call: Call::SetNotifyInterface { receiver }, .. }) => {
                    has_object |= receiver.is_some();
                }
                Kind::Enter(enter) => drop(came.insert(enter.event)),
                _ => {}
            }
        }
        for event in Event::ALL {
            let is_asked = has_object && asked.contains(event.flag());
            let (runs, seen) = self.events.entry(event).or_default();
            *runs += u64::from(is_asked);
            *seen += u64::from(came.contains(&event));
        }
    }

    /// Events that came in no run, although some runs enabled them, with the number of these runs.
    pub fn never_came(&self) -> impl Iterator<Item = (Event, u64)> {
        let never = self.events.iter().filter(|(_, (asked, came))| *asked > 0 && *came == 0);
        never.map(|(event, (asked, _))| (*event, *asked))
    }

    fn note(&mut self, finding: &Finding, trace: &Trace, Met { place, on, case }: &Met<'_>) {
        let first = ((*place).to_owned(), self.elapsed());
        let found = self.found.entry(finding.id()).or_insert_with(|| Found {
            finding: finding.clone(),
            trace: trace.clone(),
            case: case.cloned().map(Box::new),
            count: 0,
            first,
            on: (*on).to_owned(),
            on_count: 0,
            again: None,
        });
        found.count += 1;
        found.on_count += u64::from(found.on == *on);
        if trace.lines.len() < found.trace.lines.len() {
            (found.finding, found.trace) = (finding.clone(), trace.clone());
            found.case = case.cloned().map(Box::new);
        }
    }

    pub(super) fn take_race(&mut self, trace: &Trace, verdicts: &Verdicts, racer: &str) {
        let broken =
            verdicts.violations().map(|violation| Finding::Broken(failure_id(trace, &violation), violation));
        let place = race_against(racer);
        let met = Met { place: &place, on: &place, case: None };
        for finding in broken.chain(ended(trace).map(Finding::Differs)) {
            self.note(&finding, trace, &met);
        }
        self.count_rules(verdicts);
        self.runs += 1;
    }

    /// Notes that a program could not be run.
    pub(super) fn count_not_runnable(&mut self, why: &str) {
        *self.not_runnable.entry(why.to_owned()).or_default() += 1;
    }

    /// Takes what became of a program that is written down.
    pub(super) fn take_scripted(
        &mut self,
        place: &str,
        trace: &Trace,
        verdicts: &Verdicts,
        findings: &[Finding],
    ) {
        let broken =
            verdicts.violations().map(|violation| Finding::Broken(failure_id(trace, &violation), violation));
        let all: Vec<Finding> = broken.chain(findings.iter().cloned()).collect();
        if all.is_empty() && !did_something(trace) {
            return self.count_idle(place);
        }
        let met = Met { place, on: place, case: None };
        all.iter().for_each(|finding| self.note(finding, trace, &met));
        if all.is_empty() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.count_rules(verdicts);
        self.runs += 1;
    }

    pub(super) fn count_race_runs(&mut self, raced: &Raced) {
        let is_it = |other: &&mut Raced| other.racer == raced.racer && other.trigger == raced.trigger;
        match self.races.iter_mut().find(is_it) {
            Some(before) => before.add(raced),
            None => self.races.push(raced.clone()),
        }
    }

    fn count_rules(&mut self, verdicts: &Verdicts) {
        for (rule, verdict) in &verdicts.rules {
            let count = self.rules.entry(*rule).or_default();
            match verdict {
                Verdict::Held { .. } => count.held += 1,
                Verdict::Violated { .. } => count.violated += 1,
                Verdict::Vacuous => count.vacuous += 1,
                Verdict::Undecided { why } => {
                    count.undecided += 1;
                    count.why.get_or_insert_with(|| why.clone());
                }
            }
        }
    }

    /// Runs of each race, by the name that [`Found::on`] has.
    #[must_use]
    pub fn runs_of_races(&self) -> BTreeMap<String, u64> {
        let mut runs = BTreeMap::new();
        for raced in &self.races {
            *runs.entry(race_against(&raced.racer)).or_default() += raced.runs;
        }
        runs
    }

    /// Takes what each whole run of a program found that is written down.
    pub(super) fn take_played(&mut self, place: &str, runs: &[BTreeSet<Identity>]) {
        let here = |found: &&mut Found| found.on == place && found.case.is_none() && found.again.is_none();
        for found in self.found.values_mut().filter(here).filter(|_| !runs.is_empty()) {
            let id = found.finding.id();
            let seen = runs.iter().filter(|names| names.contains(&id)).count() as u32;
            let led = Repeats { times: runs.len() as u32, seen, failed: seen };
            found.again = Some(Again { led, ..Again::default() });
        }
    }

    /// Notes that a program that is written down was tried to its end.
    pub(super) fn finish(&mut self, place: &str) {
        self.tried.insert(place.to_owned());
        self.passed_cases.insert(place.to_owned());
    }

    /// Takes what `reset` could not end.
    pub(super) fn take_leftovers(&mut self, left: BTreeMap<String, u64>) {
        for (what, count) in left {
            *self.leftovers.entry(what).or_default() += count;
        }
    }

    /// Takes what another tally took down meanwhile.
    pub(super) fn merge(&mut self, other: Tally) {
        for (id, theirs) in other.found {
            let Some(ours) = self.found.get_mut(&id) else {
                self.found.insert(id, theirs);
                continue;
            };
            ours.merge(theirs);
        }
        for (rule, theirs) in other.rules {
            let ours = self.rules.entry(rule).or_default();
            ours.held += theirs.held;
            ours.violated += theirs.violated;
            ours.vacuous += theirs.vacuous;
            ours.undecided += theirs.undecided;
            ours.why = ours.why.take().or(theirs.why);
        }
        for (event, (asked, came)) in other.events {
            let ours = self.events.entry(event).or_default();
            *ours = (ours.0 + asked, ours.1 + came);
        }
        for (why, count) in other.not_runnable {
            *self.not_runnable.entry(why).or_default() += count;
        }
        self.passed += other.passed;
        self.failed += other.failed;
        self.compared += other.compared;
        self.runs += other.runs;
        self.tried.extend(other.tried);
        self.passed_cases.extend(other.passed_cases);
        self.take_leftovers(other.leftovers);
        other.races.iter().for_each(|raced| self.count_race_runs(raced));
        self.calls += other.calls;
        self.incidents.extend(other.incidents);
        self.covered.extend(other.covered);
        self.followed.merge(other.followed);
    }

    /// The names of what was found.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<Identity> {
        self.found.keys().copied().collect()
    }
}

/// The case of a race.
fn race_against(racer: &str) -> String {
    format!("race against {racer}")
}

/// Where a failure is met.
struct Met<'a> {
    place: &'a str,
    on: &'a str,
    case: Option<&'a Case>,
}

/// The name of a path: it follows from the steps, and neither from its place in a list nor from what else is tried.
fn name_of(place: &str, case: &Case) -> String {
    let steps = steps_of(&case.trace).unwrap_or_default();
    let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    let words = std::iter::once(&*case.trace.header.scope).chain(steps.iter().map(String::as_str));
    format!("{place}, path {:08x}", fingerprint(words))
}

/// Whether a call of a run came back: where none did, nothing was tried.
pub(super) fn did_something(trace: &Trace) -> bool {
    trace.lines.iter().any(|line| matches!(line.what, Kind::Return(_)))
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}
