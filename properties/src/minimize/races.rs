//! Races on the service: the race, its values, and the schedule.
//!
//! A step of the race that goes shifts the choices after it, so the old schedule rarely breaks the smaller race. Then a number of
//! other schedules are tried. For the schedule itself only choices that are fewer or nearer to "on as before" count.

use std::ops::Range;
use std::sync::Arc;

use contract::JobId;
use judge::trace::Kind as LineKind;
use judge::{Ended, RuleSet, Trace};

use super::doings::does_as_much;
use super::shrink::{Effort, End, Smaller, shrink};
use super::values;
use super::{Failed, Identity, MOST_TESTS, Nearest};
use crate::race::{
    self, Destination, Fate, Kept, Kind, Leaves, Lock, Manner, On, Race, Run, Seen, Session, Stays, Tape,
    Wakes,
};

/// Schedules tried for each race with fewer parts.
const TRIES: usize = 64;

/// Schedules tried for each race with many parts fewer, which is a guess, or with a simpler value, which mostly leaves the choices
/// where they are.
const FEW_TRIES: usize = 8;

/// A race and a schedule.
#[derive(Clone, PartialEq, Debug)]
pub struct Scheduled {
    /// The race.
    pub race: Race,
    /// Its choices.
    pub schedule: Vec<u8>,
}

/// How the race fails with its schedule, if it does: by one of these rules, the first that is broken, or by a call that waits for
/// a later delivery (L3).
#[must_use]
pub fn failure(scheduled: &Scheduled, rules: RuleSet) -> Option<Failed> {
    let run = race::run(&scheduled.race, &scheduled.schedule);
    failure_of(&run, scheduled, rules)
}

fn failure_of(run: &Run, scheduled: &Scheduled, rules: RuleSet) -> Option<Failed> {
    let trace = || race::trace(&scheduled.race, &scheduled.schedule, None);
    if let Some(seen) = run.seen.as_ref().filter(|seen| rules.contains(seen.rule())) {
        return Some(failed_by(seen, trace()));
    }
    if run.violated.intersects(rules) {
        return Failed::first(trace(), rules);
    }
    (run.overwaits > 0 && (rules == RuleSet::ALL || rules.is_empty())).then(|| Failed {
        id: Identity::LaterDelivery,
        skeleton: vec!["a call waits for a later delivery".to_owned()],
        violation: None,
        difference: None,
        trace: trace(),
    })
}

/// What a race saw that stands in no event of its trace.
fn failed_by(seen: &Seen, trace: Trace) -> Failed {
    let id = Identity::Seen(seen.rule(), seen.name());
    Failed { id, skeleton: vec![seen.to_string()], violation: None, difference: None, trace }
}

/// Whether the race fails with this identity.
#[must_use]
pub fn fails_so(scheduled: &Scheduled, failed: &Failed) -> bool {
    is_so(&race::run(&scheduled.race, &scheduled.schedule), scheduled, failed)
}

fn is_so(run: &Run, scheduled: &Scheduled, failed: &Failed) -> bool {
    failure_of(run, scheduled, failed.id.rules()).is_some_and(|now| now.id == failed.id)
}

/// The race and the schedule as small as they get while they fail with the identity of `failed`: what it took for the one and the other.
#[must_use]
pub fn smallest(scheduled: &Scheduled, failed: &Failed) -> (Scheduled, [Effort; 2]) {
    let (mut small, mut efforts, mut most) = (scheduled.clone(), None, TRIES);
    loop {
        let before = small.clone();
        let mut with_others = |candidate: Steps| search(candidate, failed);
        let steps = Steps { scheduled: small, most, tries: most, longest: usize::MAX };
        let (steps, of_race) = shrink(steps, MOST_TESTS, &mut with_others);
        let mut as_it_is = |candidate: Choices| fails_so(&candidate.0, failed).then_some(candidate);
        let (choices, of_schedule) = shrink(Choices(steps.scheduled), MOST_TESTS, &mut as_it_is);
        small = choices.0;
        let now = [of_race, of_schedule];
        let so_far =
            efforts.map_or(now, |so_far: [Effort; 2]| [so_far[0].and(now[0]), so_far[1].and(now[1])]);
        // The schedules by chance are equal for equal races, so that what is new is its own shorter one.
        most = if small.race == before.race { 0 } else { TRIES };
        if small == before || so_far.iter().any(|effort| effort.end == End::Stopped) {
            return (small, so_far);
        }
        efforts = Some(so_far);
    }
}

/// A schedule with which the race fails so: the old one, or another one by chance.
fn search(candidate: Steps, failed: &Failed) -> Option<Steps> {
    let Steps { scheduled: Scheduled { race, schedule }, most, tries, longest } = candidate;
    let shared = Arc::new(race);
    let mut same = Session::new(Box::new(Tape::new(schedule)));
    let mut others = Session::new(Kind::Random.start(0));
    let runs = std::iter::once_with(|| same.run(&shared)).chain((0..tries).map(|_| others.run(&shared)));
    runs.filter(Run::is_broken).find_map(|run| {
        let schedule = Tape::of(&run.choices).choices().to_vec();
        if schedule.len() > longest {
            return None;
        }
        let found = Scheduled { race: Race::clone(&shared), schedule };
        let steps = |scheduled| Steps { scheduled, most, tries: most, longest: usize::MAX };
        is_so(&run, &found, failed).then(|| steps(found))
    })
}

/// The first tape of a race: its steps, and their values.
#[derive(Clone)]
struct Steps {
    scheduled: Scheduled,
    /// Schedules to try by chance at most, for whatever comes of it.
    most: usize,
    /// Schedules to try by chance for this one.
    tries: usize,
    /// Choices of a schedule at most. Without a rest before it a race may be one step smaller, and its run far longer.
    longest: usize,
}

impl Steps {
    /// As many parts, with a value changed.
    fn with(&self, change: impl FnOnce(&mut Race)) -> Steps {
        let mut steps = Steps { tries: self.most.min(FEW_TRIES), ..self.clone() };
        change(&mut steps.scheduled.race);
        steps
    }

    fn with_fate(&self, job: usize, fate: Fate) -> Steps {
        self.with(|race| race.jobs[job] = fate)
    }

    fn with_manner(&self, object: usize, manner: Manner) -> Steps {
        self.with(|race| race.objects[object] = manner)
    }
}

impl Smaller for Steps {
    fn parts(&self) -> usize {
        let race = &self.scheduled.race;
        let manners = race.objects.iter().filter(|manner| **manner != Manner::default()).count();
        let fates = race.jobs.iter().filter(|fate| **fate != Fate::default()).count();
        let idle = race.branches.last().is_some_and(|branch| branch.calls.is_empty());
        race.size() + manners + fates + usize::from(idle)
    }

    fn without(&self, parts: Range<usize>) -> Steps {
        // From the last, so that the others keep their numbers.
        let one = parts.len() == 1;
        let mut smaller = self.with(|race| parts.rev().for_each(|part| leave_out(race, part)));
        if calls(&mut smaller.scheduled.race).count() == calls(&mut self.scheduled.race.clone()).count() {
            smaller.longest = self.scheduled.schedule.len();
        }
        if one { Steps { tries: self.most, ..smaller } } else { smaller }
    }

    /// The frame, what happens to each job, what each object does, then each call.
    fn places(&self) -> usize {
        1 + self.scheduled.race.jobs.len() + self.scheduled.race.objects.len() + self.scheduled.race.size()
    }

    fn simpler(&self, place: usize) -> Vec<Steps> {
        let race = &self.scheduled.race;
        let Some(at) = place.checked_sub(1) else { return self.simpler_frame() };
        let Some(at) = at.checked_sub(race.jobs.len()) else { return self.simpler_fate(at) };
        let Some(at) = at.checked_sub(race.objects.len()) else { return self.simpler_manner(at) };
        let Some(call) = calls(&mut race.clone()).nth(at).map(|step| step.clone()) else { return Vec::new() };
        let with = |step: race::Calling| {
            self.with(|race| calls(race).nth(at).into_iter().for_each(|old| *old = step.clone()))
        };
        let own = (call.on != On::Own && call.on != On::Nothing && call.on != On::Job(JobId(0)))
            .then(|| race::Calling { on: On::Job(JobId(0)), ..call.clone() });
        let owner = call.by.is_some().then(|| race::Calling { by: None, ..call.clone() });
        let calls = values::of_call(&call.call)
            .into_iter()
            .map(|simpler| race::Calling { call: simpler, ..call.clone() });
        own.into_iter().chain(owner).chain(calls).map(with).collect()
    }
}

impl Steps {
    fn simpler_frame(&self) -> Vec<Steps> {
        let race = &self.scheduled.race;
        let usual = Race::empty(race.variant);
        let profile = *race.variant.profile.dialect.profile();
        let mut simpler = Vec::new();
        if !race.variant.turned.is_empty() {
            simpler.push(self.with(|race| race.variant = model::scope::Variant { profile, turned: "" }));
        }
        simpler.extend((race.slots != usual.slots).then(|| self.with(|race| race.slots = usual.slots)));
        simpler.extend((race.users != usual.users).then(|| self.with(|race| race.users = usual.users)));
        let more = race.dispatchers != usual.dispatchers;
        simpler.extend(more.then(|| self.with(|race| race.dispatchers = usual.dispatchers)));
        simpler.extend((!race.exits.is_empty()).then(|| self.with(|race| race.exits.clear())));
        let by_chance = race.wakes != Wakes::First;
        simpler.extend(by_chance.then(|| self.with(|race| race.wakes = Wakes::First)));
        simpler.extend((0..race.spurious).map(|fewer| self.with(|race| race.spurious = fewer)));
        let expires = race.expires != usual.expires;
        simpler.extend(expires.then(|| self.with(|race| race.expires = usual.expires)));
        for branch in 0..race.branches.len() {
            let held = race.branches[branch].lock == Lock::Held;
            simpler.extend(held.then(|| self.with(|race| race.branches[branch].lock = Lock::None)));
        }
        simpler
    }

    fn simpler_fate(&self, job: usize) -> Vec<Steps> {
        let fate = &self.scheduled.race.jobs[job];
        let fewer = (0..fate.fetches.len())
            .map(|count| Fate { fetches: fate.fetches[..count].to_vec(), ..fate.clone() });
        let fewer = fewer.map(|fate| self.with_fate(job, fate));
        let renames =
            (fate.renames_fail > 0).then(|| self.with_fate(job, Fate { renames_fail: 0, ..fate.clone() }));
        let removals =
            (fate.removals_fail > 0).then(|| self.with_fate(job, Fate { removals_fail: 0, ..fate.clone() }));
        let absent = (fate.destination != Destination::Absent)
            .then(|| self.with_fate(job, Fate { destination: Destination::Absent, ..fate.clone() }));
        fewer.chain(renames).chain(removals).chain(absent).collect()
    }

    fn simpler_manner(&self, object: usize) -> Vec<Steps> {
        let manner = &self.scheduled.race.objects[object];
        let takes = manner.takes.map(|_| Manner { takes: None, ..manner.clone() });
        let stays =
            (manner.stays != Stays::Briefly).then(|| Manner { stays: Stays::Briefly, ..manner.clone() });
        let leaves = (manner.leaves != Leaves::Ok).then(|| Manner { leaves: Leaves::Ok, ..manner.clone() });
        let times = (manner.times > 1).then(|| Manner { times: 1, ..manner.clone() });
        let kept = (manner.kept != Kept::ToTheEnd && manner.drops.is_empty())
            .then(|| Manner { kept: Kept::ToTheEnd, ..manner.clone() });
        let all = takes.into_iter().chain(stays).chain(leaves).chain(times).chain(kept);
        all.map(|manner| self.with_manner(object, manner)).collect()
    }
}

/// The calls of a race, in the order of its parts.
fn calls(race: &mut Race) -> impl Iterator<Item = &mut race::Calling> {
    let prefix = race.prefix.iter_mut().filter_map(|act| match act {
        race::Act::Call(step) => Some(step),
        race::Act::Settle | race::Act::Pass => None,
    });
    let branches = race.branches.iter_mut().flat_map(|branch| branch.calls.iter_mut());
    let objects =
        race.objects.iter_mut().flat_map(|object| object.calls.iter_mut().chain(object.drops.iter_mut()));
    prefix.chain(branches).chain(objects)
}

/// Takes the n-th part out of the race.
fn leave_out(race: &mut Race, number: usize) {
    let mut left = number;
    if left < race.prefix.len() {
        race.prefix.remove(left);
        return;
    }
    left -= race.prefix.len();
    let lists = race.branches.iter_mut().map(|branch| &mut branch.calls);
    let objects = race.objects.iter_mut().flat_map(|object| [&mut object.calls, &mut object.drops]);
    for calls in lists.chain(objects) {
        if left < calls.len() {
            calls.remove(left);
            return;
        }
        left -= calls.len();
    }
    if left < race.outside.len() {
        race.outside.remove(left);
        return;
    }
    left -= race.outside.len();
    let unusual = |manner: &&mut Manner| **manner != Manner::default();
    let manners = race.objects.iter_mut().filter(unusual).count();
    if let Some(object) = race.objects.iter_mut().filter(unusual).nth(left) {
        *object = Manner::default();
        return;
    }
    left -= manners;
    let unusual = |fate: &&mut Fate| **fate != Fate::default();
    if let Some(fate) = race.jobs.iter_mut().filter(unusual).nth(left) {
        *fate = Fate::default();
        return;
    }
    // A branch that has nothing left to do goes from the end, so that the others keep their numbers.
    if race.branches.last().is_some_and(|branch| branch.calls.is_empty()) {
        race.branches.pop();
    }
}

/// The second tape: the choices of the schedule, each of which can go, or be "on as before".
#[derive(Clone)]
struct Choices(Scheduled);

impl Smaller for Choices {
    fn parts(&self) -> usize {
        self.0.schedule.len()
    }

    fn without(&self, parts: Range<usize>) -> Choices {
        let mut choices = self.clone();
        choices.0.schedule.drain(parts);
        choices
    }

    fn places(&self) -> usize {
        self.0.schedule.len()
    }

    fn simpler(&self, place: usize) -> Vec<Choices> {
        let with = |choice| {
            let mut choices = self.clone();
            choices.0.schedule[place] = choice;
            choices
        };
        (0..self.0.schedule[place]).map(with).collect()
    }
}

/// Of the runs that differ in one choice of the schedule the first that comes to rest, breaks nothing and does as much as the failing one, from
/// the last choice backwards; none where there is no such run.
#[must_use]
pub fn nearest(scheduled: &Scheduled, failed: &Failed) -> Option<Nearest> {
    let run = race::run(&scheduled.race, &scheduled.schedule);
    let choices: Vec<u8> = run.choices.iter().map(|choice| choice.taken).collect();
    let passes = |scheduled: &Scheduled| {
        let run = race::run(&scheduled.race, &scheduled.schedule);
        !run.is_broken() && run.ended == Ended::AtRest
    };
    let ways = (0..choices.len()).rev().flat_map(|at| (0..run.choices[at].options).map(move |way| (at, way)));
    let other = ways.filter(|(at, way)| *way != choices[*at]).map(|(at, way)| {
        let mut schedule = choices.clone();
        schedule[at] = way;
        (at, Scheduled { race: scheduled.race.clone(), schedule })
    });
    let passing = other.filter(|(_, candidate)| passes(candidate));
    { passing }.find_map(|(at, candidate)| {
        let trace = race::trace(&candidate.race, &candidate.schedule, None);
        if !does_as_much(&failed.trace, failed.broken_at(), &trace) {
            return None;
        }
        let failing = race::trace(&scheduled.race, &scheduled.schedule, None);
        let (now, then) = (chosen(&failing, at), chosen(&trace, at));
        let what = format!("at choice {} of {} goes on \"{then}\", and not \"{now}\"", at + 1, choices.len());
        Some(Nearest { what, trace })
    })
}

/// Who goes on at the n-th choice.
fn chosen(trace: &Trace, number: usize) -> String {
    let choices = trace.lines.iter().filter_map(|line| match &line.what {
        LineKind::Choose(choose) if choose.options > 1 => Some(&choose.site),
        _ => None,
    });
    { choices }.nth(number).cloned().unwrap_or_else(|| "no task".to_owned())
}
