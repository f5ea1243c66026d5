//! A path of the model on an implementation that runs by itself.
//!
//! The implementation is led by what is due: after each call the callbacks of the path are awaited, and then the state that the path has.
//! Silence is awaited at the end of a path, where what is extra must have time to come, and behind a call that has to wait.

mod follow;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use adapter::wire::{ClockMove, PlannedCall, Verb, can};
use adapter::{Answered, Calling, Fault, Session, SuspendAtEnd};
use contract::{Call, Event, HResult, JobId, JobState, Method, Profile, ThreadId};
use judge::trace::Told;
use judge::{Rule, Trace, Verdicts};
use model::drive::Stimulus;
use model::scope::Slice;

use super::Stage;
use super::abilities::is_no_download;
use super::aftermath::{self, Litter};
use super::ended::{self, has_ended};
use super::kept::Thing;
use super::leftovers::{Cleared, clear};
use super::names::Names;
use super::path::{Act, Deed, Ending, Made, Path, Returns, orders};
use super::states::{Course, States};
use crate::difference::{Account, Concern, Difference};
use crate::server::{GoesOn, Served, Server};
use crate::suite::{
    Broken, Case, Finding, JOBS, Judged, Led, hung, led, may_be_suspended, slice_of, steps_of,
};

/// A run of the implementation along a path.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// What happened.
    pub trace: Trace,
    /// What the rules make of it.
    pub verdicts: Verdicts,
    /// How far the specification's states could follow it.
    pub course: Option<Course>,
}

/// What became of a path on the implementation, and its run, where there was one.
///
/// # Errors
/// The adapter does something wrong.
pub fn play(case: &Case, stage: &mut Stage) -> Result<(Judged, Option<Run>), Fault> {
    let header = &case.trace.header;
    let Some(slice) = slice_of(header) else {
        return Ok((Judged::not_runnable(format!("there is no slice {:?} any more", header.scope)), None));
    };
    let path = steps_of(&case.trace)
        .map_err(|error| error.to_string())
        .and_then(|steps| Path::of(&slice, &header.profile(), &steps).map_err(str::to_owned));
    match path {
        Ok(Path { needs, .. }) if needs.iter().any(|word| !stage.session.can(word)) => {
            let missing: Vec<&str> = needs.into_iter().filter(|word| !stage.session.can(word)).collect();
            Ok((Judged::not_runnable(format!("the adapter cannot `{}`", missing.join("`, `"))), None))
        }
        Ok(path) if path.acts.iter().flat_map(Act::calls).any(|(_, call)| is_no_download(call)) => {
            Ok((Judged::not_runnable("it asks for an upload, which an implementation may have"), None))
        }
        Ok(path) => Player::begin(stage, &slice, &header.profile())?.play(case, &path),
        Err(why) => Ok((Judged::not_runnable(why), None)),
    }
}

/// What an adapter has to be able to do to be led along a path; nothing where no adapter can be.
pub(super) fn needs(case: &Case) -> BTreeSet<&'static str> {
    let header = &case.trace.header;
    let path = slice_of(header).zip(steps_of(&case.trace).ok());
    let path = path.and_then(|(slice, steps)| Path::of(&slice, &header.profile(), &steps).ok());
    path.map(|path| path.needs).unwrap_or_default()
}

struct Player<'a> {
    session: &'a mut Session,
    server: &'a Server,
    pace: &'a mut Pace,
    names: Names,
    header: judge::Header,
    /// Callbacks that have to have entered so far.
    entered: BTreeMap<(JobId, Event), usize>,
    /// Callbacks that have to have left so far.
    due: BTreeMap<(JobId, Event), usize>,
    /// Calls from inside of callbacks that have to have come back so far.
    own_back: usize,
    /// Calls that wait, by their acts.
    waiting: BTreeMap<usize, Calling>,
    /// Calls that came back although they had to wait.
    early: Vec<(Method, Option<JobId>)>,
    /// Jobs whose transfers stall.
    stalled: BTreeSet<JobId>,
    /// Jobs that are not where the path has them. Nothing of them is awaited until they are there again.
    lost: BTreeSet<JobId>,
    /// Jobs that did not fetch in time what they were to fetch.
    unserved: BTreeSet<JobId>,
    /// Where the first of them parted from the path.
    parted: Option<Difference>,
    /// Whether orders for callbacks are in force.
    ordered: bool,
    litter: &'a mut Litter,
    leftovers: &'a mut BTreeMap<String, u64>,
    /// The states of the specification that fit what was seen.
    states: States,
    /// Lines that they have taken in.
    heard: u64,
}

/// How long what is due takes to come, as far as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    slowest: Duration,
    /// How often it did not come.
    missing: u32,
    pub(super) waits: Waits,
}

/// What is waited for behind an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Waits {
    /// What is due, as long as it seems worth it.
    #[default]
    AsSeen,
    /// What is due, as long as the manifest has it, whatever was seen. A machine that was busy for a moment is no finding.
    Whole,
    /// That, and then silence: a callback that is too much comes behind the call that made it, and never behind the next one.
    Silence,
}

impl Pace {
    /// How long to wait. An implementation that has often left something out is not waited for much longer than it ever took.
    fn patience(&self, whole: Duration) -> Duration {
        if self.waits != Waits::AsSeen || self.missing < OFTEN {
            whole
        } else {
            (self.slowest * 5).max(LEAST).min(whole)
        }
    }
}

/// How often something has to be missing before less time is spent on it. A busy machine is not that slow that often.
const OFTEN: u32 = 5;

/// The least that is waited for what is due.
const LEAST: Duration = Duration::from_millis(100);

/// How long a call that gives a transfer up may take before the rest of the transfer is closed.
const GIVING_UP: Duration = Duration::from_millis(200);

/// How often a wait looks again at what has come.
const LOOKS: Duration = Duration::from_millis(1);

/// How a path was left.
enum Left {
    AtItsEnd,
    /// The next call is on a job that was not made.
    WithoutJob,
    /// A call did not come back in time.
    Open(Method),
    /// The adapter does not make a call.
    Unimplemented(Method, String),
    /// A call was answered in place of a service that is not there any more.
    ServiceEnded,
}

impl<'a> Player<'a> {
    fn begin(stage: &'a mut Stage, slice: &Slice, profile: &Profile) -> Result<Player<'a>, Fault> {
        let program = stage.next_program();
        let header = stage.header(slice.name);
        let feeds = std::array::from_fn(|_| stage.server.feed());
        let names = Names { program, files: BTreeMap::new(), feeds };
        stage.session.begin()?;
        // What an earlier program has left is not this one's.
        stage.litter.note(&stage.session);
        let states = States::of(slice, profile, follow::customs(&stage.session, &stage.server));
        Ok(Player {
            session: &mut stage.session,
            server: &stage.server,
            pace: &mut stage.pace,
            names,
            header,
            entered: BTreeMap::new(),
            due: BTreeMap::new(),
            own_back: 0,
            waiting: BTreeMap::new(),
            early: Vec::new(),
            stalled: BTreeSet::new(),
            lost: BTreeSet::new(),
            unserved: BTreeSet::new(),
            parted: None,
            ordered: false,
            litter: &mut stage.litter,
            leftovers: &mut stage.leftovers,
            states,
            heard: 0,
        })
    }

    /// Leads the implementation along the path. That it does not answer any more is a finding; that the process is gone is not.
    fn play(mut self, case: &Case, path: &Path) -> Result<(Judged, Option<Run>), Fault> {
        let led = self.lead(case, path);
        self.names.feeds.iter().for_each(|feed| self.server.forget(feed));
        match led {
            Err(Fault::Silent { during, .. }) if self.session.has_answered() => {
                let trace = self.session.finish(&self.header);
                let hangs =
                    Finding::Differs(hung(&trace, &format!("nothing is answered any more while {during}")));
                let verdicts = Verdicts::of(&trace);
                let run = Run { trace: trace.clone(), verdicts, course: None };
                Ok((Judged::of(trace, [hangs], BTreeSet::new()), Some(run)))
            }
            done => done,
        }
    }

    fn lead(&mut self, case: &Case, path: &Path) -> Result<(Judged, Option<Run>), Fault> {
        let left = self.acts(path)?;
        if !self.session.is_gone() {
            self.session.rest(self.session.limits().quiet)?;
        }
        if matches!(left, Left::AtItsEnd) && path.ends_at_rest() {
            self.follow(Instant::now())?;
        }
        let lines = self.session.events();
        let (mut aftermath, mut more) = (Vec::new(), Vec::new());
        match &left {
            Left::Unimplemented(method, why) => {
                self.end_jobs(path)?;
                return Ok((Judged::not_runnable(format!("{method}: {why}")), None));
            }
            Left::AtItsEnd => {
                aftermath.extend(aftermath::files(self.session, &self.names, path)?);
                aftermath.extend(aftermath::progress(self.session, path)?);
            }
            Left::ServiceEnded => self.session.kill(),
            Left::Open(_) | Left::WithoutJob => {}
        }
        let ended = self.end_jobs(path)?;
        if matches!(left, Left::AtItsEnd) && ended == Ended::Clean {
            aftermath.extend(aftermath::leftovers(self.session, &self.names, path, self.litter));
        }
        let trace = self.session.finish(&self.header);
        let service = ended::ended(&trace);
        if service.is_some() {
            self.session.kill();
        }
        let last = trace.lines.last().map_or(0, |line| line.seq);
        more.extend(self.early.iter().map(|(method, job)| early(*method, *job, last)));
        if let Left::Open(method) = &left {
            let what = format!("{method} does not come back in time");
            more.push(hung(&trace, &what));
        }
        let broken_off = match (left, self.parted.take()) {
            (Left::AtItsEnd, None) => Broken::Not,
            (Left::WithoutJob, parted) => Broken::WithoutJob(parted),
            (_, parted) => Broken::Off(parted),
        };
        let (equal, verdicts) = (equal(self.session), Verdicts::of(&trace));
        let course = self.states.take_course();
        let (found, suspend) = (course.found.clone(), self.session.manifest().suspend_at_end);
        let judged = led(
            case,
            Led {
                trace: trace.clone(),
                verdicts: &verdicts,
                lines,
                broken_off,
                equal,
                aftermath,
                more,
                found,
                service,
                suspend,
            },
        );
        Ok((judged, Some(Run { trace, verdicts, course: Some(course) })))
    }

    /// How the callbacks behind an act end. The orders of the act before are forgotten.
    fn give_orders(&mut self, act: &Act) -> Result<(), Fault> {
        let usual = act.leaves.iter().all(Ending::is_usual);
        if usual && !self.ordered {
            return Ok(());
        }
        self.ordered = !usual;
        let (names, session) = (&self.names, &*self.session);
        let inner = |job: JobId, on: Option<JobId>, call: &Call| {
            let other = on.and_then(|on| session.number(on));
            PlannedCall::of(other, &names.here(session, Some(on.unwrap_or(job)), call))
        };
        let number = |job: JobId| session.number(job);
        let orders = if usual { Vec::new() } else { orders(&act.leaves, &inner, &number) };
        self.session.order(orders)
    }

    fn acts(&mut self, path: &Path) -> Result<Left, Fault> {
        for (number, act) in path.acts.iter().enumerate() {
            let left = self.act(number, act)?;
            if !matches!(left, Left::AtItsEnd) {
                return Ok(left);
            }
        }
        Ok(Left::AtItsEnd)
    }

    fn act(&mut self, number: usize, act: &Act) -> Result<Left, Fault> {
        self.give_orders(act)?;
        self.states.begin(follow::after(&act.deed));
        for (job, served) in &act.served {
            let feed = self.names.feed(*job);
            // What a job did not fetch that is elsewhere is still there for it.
            if !self.lost.contains(job) || self.server.is_used_up(feed) {
                self.server.serve(feed, *served);
                self.unserved.remove(job);
                self.states.serve(*job, *served);
            }
        }
        let done = self.deed(number, act)?;
        if !matches!(done, Left::AtItsEnd) {
            return Ok(done);
        }
        let Some(states) = &act.rest else { return Ok(Left::AtItsEnd) };
        self.expect(act);
        let begun = Instant::now();
        let patience = self.pace.patience(self.session.limits().due);
        let until = begun + patience;
        let came = self.comes(patience)?;
        for call in &act.back {
            let Some(calling) = self.waiting.remove(call) else { continue };
            match self.session.await_call(&calling)? {
                Answered::Open => return Ok(Left::Open(calling.method())),
                Answered::Unimplemented(why) => return Ok(Left::Unimplemented(calling.method(), why)),
                Answered::Returned { hr, .. } if has_ended(hr) => return Ok(Left::ServiceEnded),
                Answered::Returned { .. } => {}
            }
        }
        for (job, state) in states {
            if self.session.number(*job).is_none() {
                continue;
            }
            // One that was lost is looked for, and not waited for.
            let until = if self.lost.contains(job) { begun } else { until };
            match self.reaches(*job, *state, until)? {
                None => drop(self.lost.remove(job)),
                // Nothing of it is known then, and nothing is wrong with it.
                Some(now) if self.may_be_suspended(act, *job, now, *state) => drop(self.lost.insert(*job)),
                Some(now) => self.lose(*job, another_state(act, *job, now, *state)),
            }
        }
        if let Some(job) = self.stall(until)? {
            self.lose(job, no_transfer(act, job));
        }
        if came && self.lost.is_empty() {
            self.pace.slowest = self.pace.slowest.max(begun.elapsed());
        }
        if self.pace.waits == Waits::Silence {
            self.session.rest(self.session.limits().quiet)?;
        }
        self.follow(until)?;
        Ok(Left::AtItsEnd)
    }

    /// What has to come behind an act, of jobs that are where the path has them.
    fn expect(&mut self, act: &Act) {
        let is_here = |job: &JobId| !self.lost.contains(job);
        for of in act.enters.iter().filter(|(job, _)| is_here(job)) {
            *self.entered.entry(*of).or_default() += 1;
        }
        for of in act.due.iter().filter(|(job, _)| is_here(job)) {
            *self.due.entry(*of).or_default() += 1;
        }
        let endings = act.leaves.iter().filter(|ending| is_here(&ending.job));
        self.own_back += endings.map(|ending| ending.calls.len()).sum::<usize>();
        let stalls = act.served.iter().filter(|(job, served)| *served == Served::Stalls && is_here(job));
        let stalls: Vec<JobId> = stalls.map(|(job, _)| *job).collect();
        self.stalled.extend(stalls);
    }

    /// Whether an act has suspended a job that the path has in ERROR or TRANSFERRED, as this implementation may (facts G20).
    fn may_be_suspended(&self, act: &Act, job: JobId, now: Option<JobState>, wanted: JobState) -> bool {
        self.session.manifest().suspend_at_end == SuspendAtEnd::Either
            && act.calls().any(|(on, call)| on == Some(job) && *call == Call::Suspend)
            && may_be_suspended(Some(wanted), now)
    }

    /// A job is not where the path has it.
    fn lose(&mut self, job: JobId, difference: Difference) {
        self.stalled.remove(&job);
        if self.lost.insert(job) {
            self.pace.missing += 1;
            let seq = self.session.events() as u64;
            self.parted.get_or_insert(Difference { seq, ..difference });
        }
    }

    /// Does what the act is.
    fn deed(&mut self, number: usize, act: &Act) -> Result<Left, Fault> {
        match &act.deed {
            Deed::Call(made) => return self.call(number, made, &act.closes),
            Deed::Release(job, thing) => {
                let is_it = |told: &Told| (*told == Told::CommandLine) == (*thing == Thing::Program);
                let inside = self.session.inside_of(*job).into_iter();
                let held: Vec<u64> =
                    inside.filter(|(_, told)| is_it(told)).map(|(number, _)| number).collect();
                for callback in held {
                    self.session.release(callback)?;
                }
            }
            Deed::GoOn(job) => {
                self.stalled.remove(job);
                self.states.go_on(*job, GoesOn::Rest);
                self.server.go_on(self.names.feed(*job), GoesOn::Rest);
            }
            Deed::Advance(time) => {
                self.states.pass(time.0);
                for part in parts(time.0, self.session.dialect().profile().retry_delay.0) {
                    self.command(Verb::Clock { clock: ClockMove { advance_ms: part } }, can::CLOCK)?;
                }
            }
            Deed::Network(network) => {
                self.states.happens(&follow::moved(*network));
                self.command(Verb::Network { network: *network }, can::NETWORK)?;
            }
            Deed::Logoff(user) => {
                self.states.happens(&Stimulus::Logoff(*user));
                self.command(Verb::Logoff { logoff: user.0 }, can::USERS)?;
            }
        }
        self.close(&act.closes);
        Ok(Left::AtItsEnd)
    }

    /// A command that stands in `can`.
    fn command(&mut self, verb: Verb, word: &str) -> Result<(), Fault> {
        let end = self.session.command(verb, &format!("it carries out what `{word}` in `can` stands for"))?;
        match end.unimplemented {
            None => Ok(()),
            Some(why) => Err(Fault::Disorder(format!("`{word}` is in `can`, and unimplemented: {why}"))),
        }
    }

    /// Makes a call. One that has to wait gets time to come back too early.
    fn call(&mut self, number: usize, made: &Made, closes: &[JobId]) -> Result<Left, Fault> {
        let Made { thread, user, job, call, disk, returns } = made;
        if job.is_some_and(|job| self.session.number(job).is_none()) {
            return Ok(Left::WithoutJob);
        }
        if let Some(disk) = disk {
            self.states.disk(*disk);
            self.command(Verb::Disk { disk: *disk }, can::DISK)?;
        }
        let call = self.names.here(self.session, *job, call);
        let calling = self.session.start_call((*thread, *user), *job, &call);
        if !closes.is_empty() {
            // A transfer that is closed before it is given up would fail.
            self.session.wait(GIVING_UP, &mut |session| session.is_back(&calling))?;
            self.close(closes);
        }
        if *returns == Returns::Later {
            // What comes next is to find it waiting.
            let limit = self.session.manifest().call();
            self.session.wait(limit, &mut |session| session.has_started(&calling))?;
            let quiet = self.session.limits().quiet;
            let is_back = self.session.wait(quiet, &mut |session| session.is_back(&calling))?;
            let is_here = job.is_none_or(|job| !self.lost.contains(&job));
            if is_back && is_here && self.session.can(can::WAITS) {
                self.early.push((call.method(), *job));
            }
            self.waiting.insert(number, calling);
            return Ok(Left::AtItsEnd);
        }
        match self.session.await_call(&calling)? {
            Answered::Open => return Ok(Left::Open(call.method())),
            Answered::Unimplemented(why) => return Ok(Left::Unimplemented(call.method(), why)),
            Answered::Returned { hr, .. } if has_ended(hr) => return Ok(Left::ServiceEnded),
            Answered::Returned { hr, .. } if hr.succeeded() => self.names.note(*job, &call),
            Answered::Returned { .. } => {}
        }
        Ok(Left::AtItsEnd)
    }

    fn close(&mut self, jobs: &[JobId]) {
        for job in jobs {
            self.stalled.remove(job);
            self.states.go_on(*job, GoesOn::Closed);
            self.server.go_on(self.names.feed(*job), GoesOn::Closed);
        }
    }

    /// Waits until the callbacks that are due have come, and those that are to leave have left.
    fn comes(&mut self, patience: Duration) -> Result<bool, Fault> {
        let (entered, due) = (self.entered.clone(), self.due.clone());
        let own_back = self.own_back;
        let mut have_come = |session: &Session| {
            session.own_back() >= own_back
                && entered.iter().all(|((job, event), count)| session.entered_of(*job, *event) >= *count)
                && due.iter().all(|((job, event), count)| session.left_of(*job, *event) >= *count)
        };
        let came = self.session.wait(patience, &mut have_come)?;
        let fetched = self.fetch(patience)?;
        if !came || !fetched {
            self.pace.missing += 1;
        }
        if !came {
            // What is missing is found where the run is compared. It is not waited for again.
            self.own_back = self.session.own_back();
            for ((job, event), count) in &mut self.entered {
                *count = self.session.entered_of(*job, *event);
            }
            for ((job, event), count) in &mut self.due {
                *count = self.session.left_of(*job, *event);
            }
        }
        Ok(came && fetched)
    }

    /// Waits until everything is fetched that is to be: a retry that fails again shows in no state and in no callback. What is not fetched in time is not
    /// waited for again.
    fn fetch(&mut self, patience: Duration) -> Result<bool, Fault> {
        let until = Instant::now() + patience;
        while self.unfetched().next().is_some() {
            if Instant::now() >= until {
                let late: Vec<JobId> = self.unfetched().collect();
                self.unserved.extend(late);
                return Ok(false);
            }
            self.session.wait(LOOKS, &mut |_| false)?;
        }
        Ok(true)
    }

    /// Jobs that are where the path has them, and have not fetched what they are to fetch.
    fn unfetched(&self) -> impl Iterator<Item = JobId> {
        let jobs = (0..JOBS as u32).map(JobId);
        let waits = |job: &JobId| !self.lost.contains(job) && !self.unserved.contains(job);
        jobs.filter(move |job| waits(job) && !self.server.is_used_up(self.names.feed(*job)))
    }

    /// Waits until every transfer that is to stall does. Returns a job whose transfer does not begin.
    fn stall(&mut self, until: Instant) -> Result<Option<JobId>, Fault> {
        let begins = |player: &Self, job: &JobId| player.server.is_stalled(player.names.feed(*job));
        while let Some(job) = self.stalled.iter().copied().find(|job| !begins(self, job)) {
            if Instant::now() >= until {
                return Ok(Some(job));
            }
            self.session.wait(LOOKS, &mut |_| false)?;
        }
        Ok(None)
    }

    /// Polls a job until it is in this state. Returns in which other one it stays, or that it is gone.
    fn reaches(
        &mut self,
        job: JobId,
        state: JobState,
        until: Instant,
    ) -> Result<Option<Option<JobState>>, Fault> {
        let mut pause = Duration::from_micros(200);
        loop {
            match self.session.poll(job)? {
                Some(now) if now == state => return Ok(None),
                None if state.is_final() => return Ok(None),
                now if Instant::now() >= until => return Ok(Some(now)),
                _ => {}
            }
            self.session.forget_poll();
            self.session.wait(pause, &mut |_| false)?;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends what the path has left open, as a client would, so that what comes after it is seen; and then whatever is left.
    fn end_jobs(&mut self, path: &Path) -> Result<Ended, Fault> {
        if self.session.is_gone() {
            return Ok(Ended::NotSo);
        }
        let mut ended = Ended::Clean;
        self.names.feeds.iter().for_each(|feed| self.server.go_on(feed, GoesOn::Closed));
        // Where something is held, a Cancel would wait for it. The reset lets go of it.
        if self.session.has(Method::Cancel) && self.waiting.is_empty() && self.session.inside().is_empty() {
            for (job, user) in &path.open_jobs {
                if self.session.number(*job).is_none() {
                    continue;
                }
                let calling = self.session.start_call((ThreadId(0), *user), Some(*job), &Call::Cancel);
                let answered = self.session.await_call(&calling)?;
                match answered {
                    Answered::Open => return Ok(Ended::NotSo),
                    Answered::Returned { hr: HResult::S_OK, .. } => {}
                    // It may have left files behind, and has answered so.
                    _ => ended = Ended::NotSo,
                }
            }
            if !path.open_jobs.is_empty() {
                self.session.rest(self.session.limits().quiet)?;
            }
        }
        if clear(self.session, "a path", self.leftovers)? == Cleared::NotAll {
            ended = Ended::NotSo;
        }
        Ok(ended)
    }
}

/// How the jobs of a path were ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    /// Each of them, and with success.
    Clean,
    NotSo,
}

/// A job stays in another state than the path has.
fn another_state(act: &Act, job: JobId, now: Option<JobState>, wanted: JobState) -> Difference {
    let named =
        |state: Option<JobState>| state.map_or_else(|| "nowhere".to_owned(), |state| state.to_string());
    let words = [act.deed.what(), format!("subject {}", named(now)), format!("wanted {wanted}")];
    let sides = (format!("{job} is {}", named(now)), format!("{job} is {wanted}"));
    early_end(act, job, words.to_vec(), sides)
}

/// A transfer that the path has does not begin.
fn no_transfer(act: &Act, job: JobId) -> Difference {
    let words = [act.deed.what(), "no transfer begins".to_owned()];
    let sides = ("no request for the file comes".to_owned(), format!("the transfer of {job} begins"));
    early_end(act, job, words.to_vec(), sides)
}

fn early_end(
    act: &Act,
    job: JobId,
    skeleton: Vec<String>,
    (subject, wanted): (String, String),
) -> Difference {
    Difference {
        skeleton,
        after: act.deed.what(),
        subject,
        wanted,
        account: Account::Suite,
        concern: Concern::Rule(Rule::R13),
        job: Some(job),
        seq: 0,
    }
}

/// A call came back while the callback that it forbids was inside.
fn early(method: Method, job: Option<JobId>, seq: u64) -> Difference {
    let rule = match method {
        Method::Cancel => Rule::R1,
        Method::SetNotifyFlags => Rule::R2,
        Method::SetNotifyInterface | Method::SetNotifyCmdLine => Rule::R3,
        Method::Complete => Rule::R4,
        _ => Rule::R5,
    };
    Difference {
        skeleton: vec![method.to_string(), "does not wait for the callback".to_owned()],
        after: "a callback is held inside".to_owned(),
        subject: format!("{method} is back before the callback has left"),
        wanted: format!("{method} waits until the callback has left"),
        account: Account::Suite,
        concern: Concern::Rule(rule),
        job,
        seq,
    }
}

/// Time in parts: a retry that should not be comes before what is due, and just before it nothing is.
fn parts(ms: u64, retry_ms: u64) -> impl Iterator<Item = u64> {
    let early = if ms > retry_ms * 4 { retry_ms * 2 } else { 0 };
    let last = 1.min(ms - early);
    let parts = [early, ms - early - last, last].into_iter().enumerate();
    // Also where no time is left: what is over fires then.
    parts.filter(|(number, part)| *part > 0 || *number == 2).map(|(_, part)| part)
}

/// The codes that mean one thing to the implementation.
fn equal(session: &Session) -> Vec<(Method, Vec<HResult>)> {
    let method = |name: &str| Method::ALL.iter().copied().find(|method| method.name() == name);
    let groups = session.hello().equal.iter().filter_map(|(name, groups)| Some((method(name)?, groups)));
    groups.flat_map(|(method, groups)| groups.iter().map(move |codes| (method, codes.clone()))).collect()
}
