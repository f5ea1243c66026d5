//! What happened on a subject, held against a file of a suite: the one comparison of every subject.
//!
//! **What it is.** Suite and run are cut into *windows*, and what is seen in a window is compared: calls with their arguments, answers and what
//! they give back, callbacks with their receivers and how they leave, and states. Where the subject is led step by step ([`Led::Stepwise`]) a
//! window is a step. Where it runs by itself ([`Led::AtRest`]) a window lasts from a client's call at rest to the next.
//!
//! **What it is not.** The rules: they judge the run by themselves, and know the order within a window, which is the subject's choice here.
//!
//! **The laws it keeps.**
//! 1. What is due in a window of the suite is seen in that window of the run. What may come (a JobModification, a further attempt after a
//!    callback that failed, whatever follows a path that ends in the middle) is no difference.
//! 2. Calls of the observer are no client's. What they show is compared with the state in which the job is when everything rests.
//! 3. What a foreign subject does not give back is not compared. Of two reasons to refuse a call it may choose one.
//! 4. A step is *compared* when everything that the suite has of it was seen. What may be left out and was is not compared.

mod alike;
mod windows;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use adapter::SuspendAtEnd;
use contract::{Call, Event, JobId, JobState, Method, Profile};
use judge::{Recorded, Rule, Trace};

use self::alike::{
    entered, failure, inside, is_like, is_modification, is_same, job_of, lacks_out, leaves, moved, parted,
    polled, within,
};
pub(super) use self::windows::{Callback, What};
use self::windows::{Seen, Sight, StepHead, Window, Windows, deeds};
use self::words::{ANOTHER_CALL, NO_RETURN, in_words, words};
use super::doubt::{Doubt, is_getter, is_of_the_error, moves};
use super::rests::Rests;
use crate::difference::{Account, Concern, Difference, whereabouts};

/// How a subject is led, and so how finely it can be compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Led<'a> {
    /// It does a step on each request, and has done this number of steps.
    Stepwise {
        /// How many; later ones are not compared.
        steps: usize,
    },
    /// It runs by itself from one rest to the next.
    AtRest(&'a Rests),
}

/// What the comparison of a run came to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Where suite and run part.
    pub(super) differences: Vec<Difference>,
    /// The steps of the file that were compared, from 0 on.
    pub(super) steps: BTreeSet<usize>,
    /// Of a foreign subject: what is in doubt at the end.
    pub(super) doubt: Option<Doubt>,
    /// Of a foreign subject: the first lines of windows, and the jobs of which nothing is to be made there.
    doubted: Vec<(u64, BTreeSet<JobId>)>,
}

impl Compared {
    /// Whether nothing is to be made of a job at a line.
    pub(super) fn is_doubted(&self, job: JobId, seq: u64) -> bool {
        let window = self.doubted.iter().rev().find(|(first, _)| *first <= seq);
        window.is_some_and(|(_, jobs)| jobs.contains(&job))
    }
}

/// Compares a run with a file of a suite.
pub(super) fn compare(wanted: &Trace, run: &Trace, led: Led<'_>, suspend: SuspendAtEnd) -> Compared {
    let (ours, theirs) = (Seen::of(wanted), Seen::of(run));
    let whole = Windows::of(&ours, led);
    let found = Windows::of(&theirs, led);
    let mut comparison = Comparison {
        led,
        records_states: run.header.records.contains(&Recorded::State),
        differences: Vec::new(),
        unseen: BTreeSet::new(),
        states: [BTreeMap::new(), BTreeMap::new()],
        failed: BTreeSet::new(),
        confirmed: BTreeSet::new(),
        foreign: run.header.origin.is_foreign().then(|| run.header.profile()),
        doubt: run.header.origin.is_foreign().then(Doubt::default),
        doubted: Vec::new(),
        inside: Others::default(),
        suspend,
        deeds: deeds(&ours),
        last_seq: run.lines.last().map_or(0, |line| line.seq),
    };
    let count = whole.0.len();
    for (number, window) in whole.0.iter().enumerate() {
        let is_last = number + 1 == count;
        match found.0.get(number) {
            Some(seen) => {
                let polls_agree = comparison.window(window, seen, is_last);
                if polls_agree {
                    comparison.confirmed.extend(whole.steps_of(number, ours.steps.len()));
                }
            }
            None => {
                comparison.absent(window);
                break;
            }
        }
    }
    if let Some(more) = found.0.get(count)
        && comparison.differences.is_empty()
    {
        comparison.superfluous(more);
    }
    let steps = comparison.compared(&ours);
    let Comparison { differences, doubt, doubted, .. } = comparison;
    Compared { differences, steps, doubt, doubted }
}

struct Comparison<'a> {
    led: Led<'a>,
    records_states: bool,
    differences: Vec<Difference>,
    /// Steps of the suite of which something was not seen.
    unseen: BTreeSet<usize>,
    /// The states of the jobs in the suite and in the run.
    states: [BTreeMap<JobId, JobState>; 2],
    /// Callbacks of the run that did not acknowledge, by job and event: further attempts may come.
    failed: BTreeSet<(JobId, Event)>,
    /// Steps of the suite behind which the observer has seen the states that the suite has.
    confirmed: BTreeSet<usize>,
    /// The profile of a foreign subject.
    foreign: Option<Profile>,
    /// Of a foreign subject: what is not known any more behind a difference.
    doubt: Option<Doubt>,
    /// The first lines of windows, and the jobs of which nothing is to be made there.
    doubted: Vec<(u64, BTreeSet<JobId>)>,
    /// Callbacks that one side has and the other has not, and that have not left.
    inside: Others,
    suspend: SuspendAtEnd,
    /// Steps of the suite that come from outside and are no calls, with what they are.
    deeds: Vec<(usize, String)>,
    last_seq: u64,
}

impl Comparison<'_> {
    /// Compares a window. Returns whether the observer has looked at its end, and has seen what the suite has.
    fn window(&mut self, wanted: &Window<'_>, run: &Window<'_>, is_last: bool) -> bool {
        let is_stepwise = matches!(self.led, Led::Stepwise { .. });
        let open_end = is_last && matches!(self.led, Led::AtRest(rests) if !rests.ends_at_rest());
        let (ours, our_moves) = parted(&wanted.seen);
        let (theirs, their_moves) = parted(&run.seen);
        let failed_before = self.failed.clone();
        let failed = run.seen.iter().filter_map(|seen| failure(&seen.what));
        self.failed.extend(failed);
        let (left_over, theirs) = self.unmatched(ours, theirs);
        let other = self.inside.and(&left_over, &theirs);
        if self.doubt.is_some() {
            let not_made = other.not_made(wanted, run);
            let elsewhere = not_made.into_iter().chain(set_otherwise(&left_over, &theirs)).collect();
            self.note_doubt(run, &elsewhere);
            if !open_end {
                self.lose_others(wanted, run, &our_moves, &elsewhere);
            }
        }
        // A callback that is missing or extra of a foreign subject takes the calls from inside with it.
        let is_foreign = self.doubt.is_some();
        let is_disturbed = |what: &What<'_>| is_foreign && other.disturbs(what);
        let (follow, mut theirs): (Vec<_>, Vec<_>) =
            theirs.into_iter().partition(|sight| is_disturbed(&sight.what));
        // What is like it but not equal is another one, not one missing and one extra.
        for sight in left_over {
            self.unseen.insert(sight.step);
            if is_disturbed(&sight.what) {
                self.follows(Some(&sight.what), None);
                continue;
            }
            let like = theirs.iter().position(|seen| is_like(&sight.what, &seen.what));
            let seen = like.map(|at| theirs.remove(at));
            let may_be_left_out = !is_stepwise && is_modification(&sight.what);
            let is_said = seen.is_none() && other.has_not_started(&sight.what);
            if !(seen.is_none() && may_be_left_out || is_said) {
                let after = self.deed_before(wanted, sight.step);
                self.differ(&after, Some(&sight.what), seen, run);
            }
        }
        for seen in theirs {
            let may_come = open_end || !is_stepwise && self.may_come(&seen.what);
            if !may_come && !other.has_started_too_much(&seen.what) {
                self.differ(&wanted.after, None, Some(seen), run);
            }
        }
        follow.iter().for_each(|seen| self.follows(None, Some(&seen.what)));
        self.inside = other.still_inside(wanted, run);
        self.failed = failed_before;
        run.seen.iter().for_each(|seen| self.note(&seen.what));
        let polled: BTreeMap<JobId, Option<JobState>> =
            run.seen.iter().filter_map(|seen| polled(&seen.what)).collect();
        self.moves(wanted, run, (&our_moves, &their_moves), &polled, open_end)
    }

    /// What the suite has and the run has not, and the other way round.
    fn unmatched<'w, 'a>(
        &mut self,
        ours: Vec<&'w Sight<'a>>,
        mut theirs: Vec<&'w Sight<'a>>,
    ) -> (Vec<&'w Sight<'a>>, Vec<&'w Sight<'a>>) {
        let mut left_over = Vec::new();
        for sight in ours {
            match theirs.iter().position(|seen| is_same(&sight.what, &seen.what, self.foreign.as_ref())) {
                Some(at) => {
                    let seen = theirs.remove(at);
                    if lacks_out(&sight.what, &seen.what) {
                        self.unseen.insert(sight.step);
                    }
                }
                None => left_over.push(sight),
            }
        }
        (left_over, theirs)
    }

    /// Notes of which jobs nothing is to be made in a window.
    fn note_doubt(&mut self, run: &Window<'_>, elsewhere: &BTreeSet<JobId>) {
        let (Some(doubt), Some(first)) = (&self.doubt, run.seen.first()) else { return };
        self.doubted.push((first.seq, doubt.lost().union(elsewhere).copied().collect()));
    }

    /// What follows from a callback that is missing or extra is no difference, and may have had an effect.
    fn follows(&mut self, wanted: Option<&What<'_>>, seen: Option<&What<'_>>) {
        if let Some(doubt) = &mut self.doubt {
            doubt.note(wanted, seen);
        }
    }

    /// A job that comes to rest in another state: that is the difference, and what is missing or extra of it follows.
    ///
    /// It is not where the job may be elsewhere for a reason that has a name: a callback whose calls were not made, or the answer of a setter.
    fn lose_others(
        &mut self,
        wanted: &Window<'_>,
        run: &Window<'_>,
        our_moves: &[&Sight<'_>],
        elsewhere: &BTreeSet<JobId>,
    ) {
        let mut states = self.states[0].clone();
        states.extend(our_moves.iter().filter_map(|sight| moved(&sight.what)));
        let polled: BTreeMap<JobId, Option<JobState>> =
            run.seen.iter().filter_map(|seen| polled(&seen.what)).collect();
        for (job, theirs) in polled {
            let ours = states.get(&job).copied();
            let is_gone = theirs.is_none() && ours.is_some_and(JobState::is_final);
            if ours != theirs && !is_gone && !elsewhere.contains(&job) {
                self.another_state(wanted, run, job, (ours, theirs));
            }
        }
    }

    /// Notes a callback that did not acknowledge.
    fn note(&mut self, what: &What<'_>) {
        if let What::Left { job, event, .. } = what {
            match failure(what) {
                Some(key) => drop(self.failed.insert(key)),
                None => drop(self.failed.remove(&(*job, *event))),
            }
        }
    }

    /// What the contract leaves to the subject.
    fn may_come(&self, what: &What<'_>) -> bool {
        match what {
            What::Entered { job, event, .. } | What::Left { job, event, .. } => {
                *event == Event::JobModification || self.failed.contains(&(*job, *event))
            }
            _ => false,
        }
    }

    /// Changes of state: stepwise each of them, else where the jobs are when everything rests.
    fn moves(
        &mut self,
        wanted: &Window<'_>,
        run: &Window<'_>,
        (ours, theirs): (&[&Sight<'_>], &[&Sight<'_>]),
        polled: &BTreeMap<JobId, Option<JobState>>,
        open_end: bool,
    ) -> bool {
        let of = |moves: &[&Sight<'_>]| moves.iter().map(|sight| moved(&sight.what)).collect::<Vec<_>>();
        let [our_states, their_states] = &mut self.states;
        our_states.extend(of(ours).into_iter().flatten());
        their_states.extend(of(theirs).into_iter().flatten());
        if !self.records_states {
            let agree = !open_end && self.polls(wanted, run, polled);
            if !agree {
                self.unseen.extend(ours.iter().map(|sight| sight.step));
            }
            return agree;
        }
        let (our_way, their_way) = (of(ours), of(theirs));
        // Behind a path that ends in the middle the subject goes on.
        if our_way == their_way || open_end && their_way.starts_with(&our_way) {
            return false;
        }
        self.unseen.extend(ours.iter().map(|sight| sight.step));
        if open_end {
            return false;
        }
        let [our_states, their_states] = &self.states;
        let jobs: BTreeSet<JobId> = our_states.keys().chain(their_states.keys()).copied().collect();
        let parted: Vec<(JobId, Option<JobState>, Option<JobState>)> = jobs
            .into_iter()
            .map(|job| (job, our_states.get(&job).copied(), their_states.get(&job).copied()))
            .filter(|(_, ours, theirs)| ours != theirs)
            .collect();
        if parted.is_empty() && matches!(self.led, Led::Stepwise { .. }) {
            self.another_way(&wanted.after, (ours, theirs), run);
        }
        for (job, ours, theirs) in parted {
            self.another_state(wanted, run, job, (ours, theirs));
        }
        false
    }

    /// What the observer has seen, where it has looked: whether it is what the suite has.
    fn polls(
        &mut self,
        wanted: &Window<'_>,
        run: &Window<'_>,
        polled: &BTreeMap<JobId, Option<JobState>>,
    ) -> bool {
        let mut agree = !polled.is_empty();
        for (&job, &theirs) in polled {
            let ours = self.states[0].get(&job).copied();
            // A job that has ended may be gone, and one that is gone has ended.
            let is_gone = theirs.is_none() && ours.is_some_and(JobState::is_final);
            if ours != theirs && !is_gone {
                agree = false;
                self.another_state(wanted, run, job, (ours, theirs));
            } else if let Some(doubt) = &mut self.doubt {
                let mut moves = wanted.seen.iter().filter_map(|sight| moved(&sight.what));
                doubt.agrees(job, moves.rfind(|(of, _)| *of == job).map(|(_, to)| to));
            }
        }
        agree
    }

    /// A job is in another state when everything rests.
    fn another_state(
        &mut self,
        wanted: &Window<'_>,
        run: &Window<'_>,
        job: JobId,
        (ours, theirs): (Option<JobState>, Option<JobState>),
    ) {
        if let Some(doubt) = &mut self.doubt {
            let is_lost = doubt.is_lost(job);
            doubt.lose(job);
            if is_lost || self.suspend == SuspendAtEnd::Either && is_suspended(run, job, (ours, theirs)) {
                return;
            }
        }
        let is_final = ours.or(theirs).is_some_and(JobState::is_final);
        self.push(Difference {
            skeleton: vec![
                wanted.after.clone(),
                format!("subject {}", whereabouts(theirs)),
                format!("wanted {}", whereabouts(ours)),
            ],
            after: wanted.after.clone(),
            subject: format!("{job} is {}", whereabouts(theirs)),
            wanted: format!("{job} is {}", whereabouts(ours)),
            account: Account::Suite,
            concern: Concern::Rule(if is_final { Rule::R10 } else { Rule::R13 }),
            job: Some(job),
            seq: self.end_of(run),
        });
        // Reported once: what follows from it has one cause. Of a foreign subject it is in doubt until a poll agrees with the path.
        if let Some(state) = theirs.filter(|_| self.doubt.is_none()) {
            self.states[0].insert(job, state);
        }
    }

    /// The job comes to the state that the suite has, and on another way.
    fn another_way(&mut self, after: &str, (ours, theirs): (&[&Sight<'_>], &[&Sight<'_>]), run: &Window<'_>) {
        let way = |moves: &[&Sight<'_>]| {
            let states: Vec<String> = moves.iter().map(|sight| in_words(&sight.what)).collect();
            if states.is_empty() { "no change of state".to_owned() } else { states.join(", then ") }
        };
        self.push(Difference {
            skeleton: vec![after.to_owned(), "another way to the same state".to_owned()],
            after: after.to_owned(),
            subject: way(theirs),
            wanted: way(ours),
            account: Account::Suite,
            concern: Concern::Rule(Rule::R13),
            job: ours.iter().chain(theirs).find_map(|sight| job_of(&sight.what)),
            seq: self.end_of(run),
        });
    }

    fn differ(&mut self, after: &str, wanted: Option<&What<'_>>, seen: Option<&Sight<'_>>, run: &Window<'_>) {
        let Some(what) = wanted.or(seen.map(|sight| &sight.what)) else { return };
        let is_open = self.is_of_what_has_ended(what);
        if let Some(doubt) = &mut self.doubt {
            let other = seen.map(|sight| &sight.what);
            let is_in_doubt = doubt.has(wanted, other);
            doubt.note(wanted, other);
            if is_in_doubt || is_open {
                return;
            }
        }
        let (words, concern) = words(after, wanted, seen.map(|sight| &sight.what));
        let none = || "nothing".to_owned();
        self.push(Difference {
            skeleton: words,
            after: after.to_owned(),
            subject: seen.map_or_else(none, |sight| in_words(&sight.what)),
            wanted: wanted.map_or_else(none, in_words),
            account: Account::Suite,
            concern,
            job: job_of(what),
            seq: seen.map_or_else(|| self.end_of(run), |sight| sight.seq),
        });
    }

    /// Whether it is about the error of a job that has ended. The documents leave open whether it still has one (facts G25).
    fn is_of_what_has_ended(&self, what: &What<'_>) -> bool {
        let ended = |job| self.states[0].get(&job).copied().is_some_and(JobState::is_final);
        match what {
            What::Returned { call, .. } => is_of_the_error(call.call.method()) && call.job.is_some_and(ended),
            _ => false,
        }
    }

    /// What comes from outside last before a step, in a window.
    fn deed_before(&self, window: &Window<'_>, step: usize) -> String {
        let begins = window.seen.first().map_or(0, |sight| sight.step);
        let deed = self.deeds.iter().rev().find(|(at, _)| (begins..step).contains(at));
        deed.map_or_else(|| window.after.clone(), |(_, what)| what.clone())
    }

    /// The last line of a window: where something is missing.
    fn end_of(&self, run: &Window<'_>) -> u64 {
        run.seen.last().map_or(self.last_seq, |sight| sight.seq)
    }

    /// The run ends before the window begins.
    fn absent(&mut self, wanted: &Window<'_>) {
        let Some(sight) = wanted.seen.first() else { return };
        self.unseen.extend(wanted.seen.iter().map(|sight| sight.step));
        self.push(Difference {
            skeleton: vec![ENDS_EARLY.to_owned()],
            after: wanted.after.clone(),
            subject: "the run has ended".to_owned(),
            wanted: in_words(&sight.what),
            account: Account::Suite,
            concern: Concern::GoesOn,
            job: job_of(&sight.what),
            seq: self.last_seq,
        });
    }

    /// The run goes on with calls that the suite does not have.
    fn superfluous(&mut self, run: &Window<'_>) {
        let Some(sight) = run.seen.first() else { return };
        self.push(Difference {
            skeleton: vec!["the run goes on".to_owned()],
            after: run.after.clone(),
            subject: in_words(&sight.what),
            wanted: "the path has ended".to_owned(),
            account: Account::Suite,
            concern: Concern::GoesOn,
            job: job_of(&sight.what),
            seq: sight.seq,
        });
    }

    fn push(&mut self, difference: Difference) {
        self.differences.push(difference);
    }

    /// The steps of which everything was seen. A step without anything to be seen counts with what makes it seen: a begin with its enter,
    /// any other with the states.
    fn compared(&self, ours: &Seen<'_>) -> BTreeSet<usize> {
        let mut by_step: BTreeMap<usize, usize> = BTreeMap::new();
        ours.all.iter().for_each(|sight| *by_step.entry(sight.step).or_default() += 1);
        let entered = |from: usize, job: JobId| {
            let enters = |sight: &&Sight<'_>| {
                sight.step > from && matches!(sight.what, What::Entered { job: of, .. } if of == job)
            };
            ours.all.iter().find(enters).is_some_and(|sight| !self.unseen.contains(&sight.step))
        };
        let is_stepwise = matches!(self.led, Led::Stepwise { .. });
        let is_compared = |(number, step): (usize, &StepHead)| {
            let is = match (by_step.contains_key(&number), step.begins) {
                (true, _) => !self.unseen.contains(&number),
                (false, Some(job)) => is_stepwise || entered(number, job),
                (false, None) => self.records_states || self.confirmed.contains(&number),
            };
            is.then_some(number)
        };
        ours.steps.iter().enumerate().filter_map(is_compared).collect()
    }
}

/// Callbacks that one side has and the other has not. A callback that does not start does not leave either, and one that starts superfluously
/// leaves so, be it in a later window: that is one difference.
#[derive(Debug, Default)]
struct Others {
    /// The suite has them.
    unstarted: BTreeSet<Callback>,
    /// The run has them.
    superfluous: BTreeSet<Callback>,
}

impl Others {
    /// These, and those of a window.
    fn and(&self, left_over: &[&Sight<'_>], theirs: &[&Sight<'_>]) -> Others {
        let with = |inside: &BTreeSet<Callback>, sights: &[&Sight<'_>]| {
            inside.iter().copied().chain(sights.iter().filter_map(|sight| entered(&sight.what))).collect()
        };
        Others { unstarted: with(&self.unstarted, left_over), superfluous: with(&self.superfluous, theirs) }
    }

    /// Those that have not left at the end of a window.
    fn still_inside(self, wanted: &Window<'_>, run: &Window<'_>) -> Others {
        let Others { mut unstarted, mut superfluous } = self;
        unstarted.retain(|callback| is_inside(*callback, &wanted.seen));
        superfluous.retain(|callback| is_inside(*callback, &run.seen));
        Others { unstarted, superfluous }
    }

    fn has_not_started(&self, what: &What<'_>) -> bool {
        leaves(what).is_some_and(|callback| self.unstarted.contains(&callback))
    }

    fn has_started_too_much(&self, what: &What<'_>) -> bool {
        leaves(what).is_some_and(|callback| self.superfluous.contains(&callback))
    }

    /// Whether a call may be there or not because of these callbacks: it is made from inside of one, or of another one of such a job on it.
    fn disturbs(&self, what: &What<'_>) -> bool {
        let mut all = self.unstarted.iter().chain(&self.superfluous);
        let is_within = |callback: &Callback| within(what) == Some(*callback);
        inside(what).is_some() && all.any(|callback| is_within(callback) || inside(what) == Some(callback.0))
    }

    /// The jobs on which calls were scripted inside of callbacks that are missing, or were made inside of extra ones: where these jobs are is
    /// not known then. A callback of another file or at another receiver is neither.
    fn not_made(&self, wanted: &Window<'_>, run: &Window<'_>) -> BTreeSet<JobId> {
        let sides = [(wanted, &self.unstarted, &self.superfluous), (run, &self.superfluous, &self.unstarted)];
        let jobs = sides.into_iter().flat_map(|(window, own, others)| {
            let is_alone = |callback: &Callback| {
                own.contains(callback)
                    && !others.iter().any(|other| (other.0, other.1) == (callback.0, callback.1))
            };
            let alone =
                window.seen.iter().filter(move |sight| within(&sight.what).as_ref().is_some_and(is_alone));
            alone.filter_map(|sight| effect(&sight.what))
        });
        jobs.collect()
    }
}

/// The jobs on which a setter has succeeded that had to fail, or failed that had to succeed. A call that moves its job is none: there the state is the
/// failure.
fn set_otherwise(left_over: &[&Sight<'_>], theirs: &[&Sight<'_>]) -> BTreeSet<JobId> {
    let succeeds = |what: &What<'_>| match what {
        What::Returned { back, .. } => Some(back.hr.succeeded()),
        _ => None,
    };
    let is_otherwise = |wanted: &&&Sight<'_>| {
        let like = theirs.iter().find(|seen| is_like(&wanted.what, &seen.what));
        like.is_some_and(|seen| succeeds(&wanted.what) != succeeds(&seen.what))
    };
    let job = |sight: &&Sight<'_>| match &sight.what {
        What::Returned { call, .. } if is_setter(call.call.method()) => call.job,
        _ => None,
    };
    left_over.iter().filter(is_otherwise).filter_map(job).collect()
}

fn is_setter(method: Method) -> bool {
    !is_getter(method) && !moves(method) && method != Method::CreateJob
}

/// The job that a call may change.
fn effect(what: &What<'_>) -> Option<JobId> {
    match what {
        What::Called { call, .. } if !is_getter(call.call.method()) => call.job,
        _ => None,
    }
}

/// Whether a callback that was inside, or has entered, is inside at the end.
fn is_inside(callback: Callback, seen: &[Sight<'_>]) -> bool {
    let is_it = |sight: &&Sight<'_>| {
        entered(&sight.what).or_else(|| leaves(&sight.what)).is_some_and(|of| of == callback)
    };
    seen.iter().rev().find(is_it).is_none_or(|last| leaves(&last.what).is_none())
}

/// The identity of a run that has ended where a suite has more.
const ENDS_EARLY: &str = "the run ends early";

impl Difference {
    /// Whether it is that nothing follows.
    pub(super) fn is_of_the_end(&self) -> bool {
        self.skeleton.first().is_some_and(|first| first == ENDS_EARLY)
    }
}

impl Difference {
    /// Whether it is that this job is in another state.
    pub(super) fn is_about_the_state_of(&self, job: Option<JobId>) -> bool {
        self.job == job
            && self.skeleton.get(1).is_some_and(|word| word.starts_with("subject "))
            && matches!(self.concern, Concern::Rule(Rule::R10 | Rule::R13))
    }

    /// Whether it is that a call was not made, or is not back.
    pub(super) fn lacks_a_call(&self) -> bool {
        let begins = self.skeleton.first().is_some_and(|first| first.starts_with(ANOTHER_CALL));
        begins || self.skeleton.last().is_some_and(|last| last == NO_RETURN)
    }

    /// Whether it comes behind a call.
    pub(super) fn is_behind_a_call(&self) -> bool {
        Method::ALL.iter().any(|method| self.skeleton.first().is_some_and(|first| first == method.name()))
    }
}

/// Whether a Suspend has taken the job out of ERROR or TRANSFERRED, which an implementation may choose (facts G20).
fn is_suspended(run: &Window<'_>, job: JobId, (ours, theirs): (Option<JobState>, Option<JobState>)) -> bool {
    let suspends = |sight: &Sight<'_>| match &sight.what {
        What::Returned { call, back, .. } => {
            call.job == Some(job) && call.call == Call::Suspend && back.hr.succeeded()
        }
        _ => false,
    };
    may_be_suspended(ours, theirs) && run.seen.iter().any(suspends)
}

/// Whether these are the two states between which an implementation may choose behind a Suspend.
pub(crate) fn may_be_suspended(ours: Option<JobState>, theirs: Option<JobState>) -> bool {
    matches!(ours, Some(JobState::Error | JobState::Transferred)) && theirs == Some(JobState::Suspended)
}
