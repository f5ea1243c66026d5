//! The set of specification states that fit what was seen of an implementation.
//!
//! **What it is.** A run is followed line by line. Calls take effect between their start and their return, callbacks leave when the service comes to
//! it, transfers end as the server was ordered, timers fire as far as time has passed: the set has every state to which the model's own
//! stepper can come so. What is seen keeps those that fit. A set that is empty is a finding: what the last states would have shown,
//! and what came. Then the set begins anew with the states that have what the getters show (`again`), so the first defect hides no other.
//!
//! **What it is not.** A second specification: each step is one of [`Lockstep`]. And no second account of what the path
//! has found: `suite::recorded` leaves that out.
//!
//! **The laws it keeps.**
//! 1. A set with too many states, lines that come too late, and getters that no state has end it: the run is *undecided* from there on, never held.
//! 2. What the contract leaves to an implementation is in the set: a modification may be left out or come, a callback that failed may be tried again,
//!    a call that is refused for two reasons may have the code of either.

mod again;
mod found;
mod member;

use std::collections::{BTreeMap, BTreeSet};

use adapter::wire::DiskOrder;
use adapter::{Heard, SuspendAtEnd};
use contract::event::{Leave, Target};
use contract::{
    Call, CallId, Core as _, DeliveryId, Event, FileNames, HResult, JobId, JobState, Method, Out, Profile,
    Text, ThreadId, UserId,
};
use engine::core::Core;
use judge::RuleSet;
use judge::trace::{CallLine, EnterLine, Kind, LeaveLine, ReturnLine, Told};
use model::drive::{DiskResult, From, STRANGERS, Stimulus};
use model::lockstep::Lockstep;
use model::scope::Slice;
use model::spec::MAX_FILES;

use self::member::{Called, Cause, Member, World};
use crate::difference::{Difference, outcome, refused, same_answer};
use crate::foreign::names::{GOOD_LOCAL, GOOD_REMOTE_FILE as GOOD_REMOTE, renamed};
use crate::foreign::scripted::is_on_its_way;
use crate::server::{GoesOn, Served};
use crate::suite::{JOBS, is_getter, is_of_the_error, may_be_suspended, moves, one_of};

pub(super) use self::again::Shown;
pub(super) use self::member::Fed;

/// States of a set at most.
const MOST: usize = 1_000;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct States {
    world: World,
    members: Vec<Member>,
    standing: Standing,
    customs: Customs,
    /// Calls of the trace that are not back: where they are made, and what they are.
    open: BTreeMap<CallId, (Option<JobId>, Call)>,
    /// Files that each job has taken.
    files: BTreeMap<JobId, usize>,
    /// Calls of the observer, and the counter at their start.
    looks: BTreeMap<CallId, (Option<JobId>, Method, u64)>,
    /// Callbacks that are inside, and whose they are; none where no state has them.
    inside: BTreeMap<DeliveryId, Option<EnterLine>>,
    /// Callbacks that did not acknowledge: further attempts may come.
    failed: BTreeSet<(JobId, Event)>,
    disk: DiskResult,
    /// The counter of the last line.
    last: u64,
    after: String,
    named: Named,
    course: Course,
    owners: fn(JobId) -> UserId,
    /// Methods whose answer was in no state.
    wrong: BTreeSet<Method>,
    /// A call that the implementation took and the specification refuses, with values that it takes, too.
    taken: Option<(JobId, Call)>,
    /// Jobs that a call has suspended since they were looked at.
    suspended: BTreeSet<JobId>,
    /// What has put jobs on their way last, as names have it.
    sent: BTreeMap<JobId, String>,
    /// Jobs that were on their way in each state when the last call that names something was made.
    under_way: BTreeSet<JobId>,
}

/// How far the states of the specification could follow a run.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Course {
    /// Where no state fitted, in order.
    pub(super) found: Vec<Difference>,
    /// How often the set began anew.
    pub again: u64,
    /// The most states that it had.
    pub largest: usize,
    /// What the implementation has chosen that the documents leave open.
    pub freedoms: BTreeSet<&'static str>,
    /// Why it could not follow to the end.
    pub undecided: Option<&'static str>,
}

/// What is this implementation's own.
#[derive(Clone, Default, Debug)]
pub(super) struct Customs {
    /// Codes of a method that mean one thing.
    pub(super) equal: Vec<(Method, Vec<HResult>)>,
    /// What URLs of the server begin with.
    pub(super) remote: String,
    /// What destinations begin with.
    pub(super) local: String,
    /// Whether it is known for what its calls wait.
    pub(super) waits: bool,
    /// What Suspend may make of a job that is in ERROR or TRANSFERRED.
    pub(super) suspend: SuspendAtEnd,
}

/// What is done from outside, as the names of what follows have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum After {
    Call,
    Deed(String),
    Nothing,
}

/// What names what is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
    ByThat,
    ByTheNextCall,
    By(CallId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Follows,
    /// No state fits. The set begins anew once getters have been called.
    Empty,
    Undecided,
}

impl States {
    /// The empty queue of a slice.
    pub(super) fn of(slice: &Slice, profile: &Profile, customs: Customs) -> States {
        let config = slice.config(profile);
        let core = <Core as contract::Core>::new(&config);
        let state = Lockstep::around(core, &config, slice.users.owners(), RuleSet::EMPTY);
        States {
            world: World { profile: config.profile, orders: Default::default(), strange: BTreeSet::new() },
            members: vec![Member::first(state)],
            standing: Standing::Follows,
            customs,
            open: BTreeMap::new(),
            files: BTreeMap::new(),
            looks: BTreeMap::new(),
            inside: BTreeMap::new(),
            failed: BTreeSet::new(),
            disk: DiskResult::Good,
            last: 0,
            after: "the beginning".to_owned(),
            named: Named::ByThat,
            course: Course { largest: 1, ..Course::default() },
            owners: slice.users.owners(),
            wrong: BTreeSet::new(),
            taken: None,
            suspended: BTreeSet::new(),
            sent: BTreeMap::new(),
            under_way: BTreeSet::new(),
        }
    }

    /// A download of the job gets this, behind those that were ordered before.
    pub(super) fn serve(&mut self, job: JobId, served: Served) {
        self.world.orders[job.index().min(JOBS - 1)].push(served);
    }

    /// A download that waits goes on.
    pub(super) fn go_on(&mut self, job: JobId, how: GoesOn) {
        self.close();
        self.members.iter_mut().for_each(|member| member.go_on(job.index().min(JOBS - 1), how));
    }

    /// Time passes.
    pub(super) fn pass(&mut self, ms: u64) {
        self.members.iter_mut().for_each(|member| member.pass(ms));
    }

    /// The network or a user does something.
    pub(super) fn happens(&mut self, step: &Stimulus) {
        self.members.iter_mut().for_each(|member| member.happens(step.clone()));
    }

    /// How the disk work of the next Complete or Cancel goes.
    pub(super) fn disk(&mut self, order: DiskOrder) {
        self.disk = match order {
            DiskOrder::Good => DiskResult::Good,
            DiskOrder::LeavesBehind => DiskResult::LeavesBehind,
            DiskOrder::RenameFails(at) => DiskResult::RenameFails(at),
        };
    }

    /// Something is done from outside: a call, which names itself, or something else in words, or the end of what is kept, which names nothing.
    pub(super) fn begin(&mut self, after: After) {
        self.named = match after {
            After::Call => Named::ByTheNextCall,
            After::Deed(what) => {
                // It can put any job on its way.
                self.sent = (0..JOBS as u32).map(|job| (JobId(job), what.clone())).collect();
                self.under_way.clear();
                self.after = what;
                Named::ByThat
            }
            After::Nothing => Named::ByThat,
        };
    }

    /// Takes in lines that are new, in the order of the adapter's counter.
    pub(super) fn take(&mut self, lines: &[Heard]) {
        for Heard { q, seq, what } in lines {
            if self.standing == Standing::Undecided {
                return;
            }
            match what {
                Kind::Call(call) if call.thread == ThreadId::OBSERVER => {
                    self.looks.insert(call.id, (call.job, call.call.method(), *q));
                    continue;
                }
                Kind::Return(back) if self.looks.contains_key(&back.call) => {
                    self.looked(back, *seq);
                    continue;
                }
                Kind::Given(_) => continue,
                _ if *q < self.last => return self.give_up("a line came behind a later one"),
                _ => self.last = *q,
            }
            match what {
                Kind::Call(call) => self.called(call),
                Kind::Return(back) => self.returned(back, *seq),
                Kind::Enter(enter) => self.entered(enter, *seq),
                Kind::Leave(leave) => self.left(leave),
                _ => {}
            }
        }
    }

    /// Whether some state has nothing more to come.
    pub(super) fn rests(&mut self) -> bool {
        self.close();
        self.standing != Standing::Follows || self.members.iter().any(Member::rests)
    }

    /// What was to come has had its time: a set in which no state rests is empty.
    pub(super) fn must_rest(&mut self, seq: u64) {
        if self.rests() {
            return;
        }
        let stuck: Vec<&Member> =
            self.members.iter().filter(|member| member.successors(&self.world).is_empty()).collect();
        let difference = found::missing(&stuck, &self.after, seq);
        self.fail(difference);
    }

    /// Whether the set is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.standing == Standing::Empty
    }

    /// Whose a job is.
    pub(super) fn owner(&self, job: JobId) -> UserId {
        (self.owners)(job)
    }

    /// What came of it. Nothing more is followed.
    pub(super) fn take_course(&mut self) -> Course {
        self.standing = Standing::Undecided;
        std::mem::take(&mut self.course)
    }

    /// Everything to which the states can come without anything that is seen.
    fn close(&mut self) {
        if self.standing == Standing::Undecided {
            return;
        }
        let members = std::mem::take(&mut self.members);
        match closed(&self.world, members) {
            Some(all) => {
                self.course.largest = self.course.largest.max(all.len());
                self.members = all;
            }
            None => self.give_up("too many states fit what was seen"),
        }
    }

    /// Jobs that move by themselves in each state.
    fn on_their_way(&self) -> BTreeSet<JobId> {
        let moves = |job: &JobId| {
            let state = |member: &Member| member.state.driver().core().state(*job);
            !self.members.is_empty()
                && self.members.iter().all(|member| state(member).is_some_and(is_on_its_way))
        };
        (0..JOBS as u32).map(JobId).filter(moves).collect()
    }

    /// What names the state to which a job has come. A call that came while the job was on its way, and does not move it, is not the cause.
    fn cause_of(&self, job: JobId) -> &str {
        let sent = self.sent.get(&job).filter(|_| self.under_way.contains(&job));
        sent.unwrap_or(&self.after)
    }

    fn give_up(&mut self, why: &'static str) {
        self.standing = Standing::Undecided;
        self.course.undecided.get_or_insert(why);
        self.members.clear();
    }

    /// Takes in the files of a call that was taken. Whether the model's jobs can have as many: it has few, and refuses what is too many for it.
    fn has_room(&mut self, job: JobId, call: &Call) -> bool {
        let added = match call {
            Call::AddFile { .. } => 1,
            Call::AddFileSet { files } => files.len(),
            _ => 0,
        };
        let files = self.files.entry(job).or_default();
        *files += added;
        added == 0 || *files <= MAX_FILES || *files > self.world.profile.files_per_job as usize
    }

    fn fail(&mut self, difference: Difference) {
        if self.standing == Standing::Follows {
            self.standing = Standing::Empty;
            self.course.found.push(difference);
        }
    }

    /// A Suspend has taken the job out of ERROR or TRANSFERRED, as it may. The model has no way out of TRANSFERRED with all files.
    fn choose(&mut self, job: JobId) {
        let in_error = |member: &Member| member.state.driver().core().state(job) == Some(JobState::Error);
        if self.members.iter().all(in_error) {
            self.course.freedoms.insert("Suspend takes a job out of ERROR (facts G20)");
            self.standing = Standing::Empty;
        } else {
            self.course.freedoms.insert("Suspend takes a job out of TRANSFERRED (facts G20)");
            self.give_up("Suspend has taken a job out of TRANSFERRED, and what it is then is open");
        }
    }

    fn called(&mut self, line: &CallLine) {
        let from = match line.inside {
            Some(delivery) => match self.inside.get(&delivery) {
                Some(Some(enter)) => From::Callback(enter.job),
                // No state has this callback, so a client calls.
                _ => From::Client(ThreadId(GHOSTS + delivery.0 % GHOSTS)),
            },
            None if line.thread.0 >= STRANGERS => From::User(UserId(line.thread.0 - STRANGERS)),
            None => From::Client(line.thread),
        };
        let call = self.customs.of_the_model(&line.call);
        let disk = if matches!(call, Call::Complete | Call::Cancel) {
            std::mem::replace(&mut self.disk, DiskResult::Good)
        } else {
            DiskResult::Good
        };
        // What is seen behind a getter comes of what was before it.
        if line.inside.is_none() && self.named == Named::ByTheNextCall && !is_getter(call.method()) {
            self.named = Named::By(line.id);
            self.after = format!("{} is called", call.method());
            self.under_way = self.on_their_way();
            if moves(call.method()) {
                self.under_way.retain(|job| Some(*job) != line.job);
            }
        }
        if let (Some(job), Method::Resume) = (line.job, call.method()) {
            self.sent.insert(job, self.after.clone());
        }
        let is_busy = |member: &Member| !member.state.driver().may_call(from);
        if matches!(from, From::User(_)) && self.members.iter().any(is_busy) {
            return self.give_up("another user calls while an earlier call of it waits in the model");
        }
        for member in &mut self.members {
            let from = match from {
                From::Client(_) if is_busy(member) => {
                    From::Client(ThreadId(BUSY + line.id.0 % (STRANGERS - BUSY)))
                }
                from => from,
            };
            member.make(line.id, from, line.job, call.clone(), disk);
        }
        self.open.insert(line.id, (line.job, call));
    }

    fn returned(&mut self, back: &ReturnLine, seq: u64) {
        let Some((on, call)) = self.open.remove(&back.call) else { return };
        if let (Some(job), true) = (on, back.hr.succeeded())
            && !self.has_room(job, &call)
        {
            return self.give_up("a job has more files than the model has room for");
        }
        self.close();
        let method = call.method();
        if self.named == Named::By(back.call) {
            let called = std::mem::replace(&mut self.after, format!("{method} -> {}", outcome(back.hr)));
            // What it has sent on its way has the name with the answer, too.
            self.sent
                .values_mut()
                .filter(|sent| **sent == called)
                .for_each(|sent| sent.clone_from(&self.after));
        }
        if let (Some(job), Method::Suspend, true) = (back.job, method, back.hr.succeeded()) {
            self.suspended.insert(job);
        }
        let fits = |member: &Member| match member.calls.get(&back.call) {
            Some(Called::Back { hr, out }) => {
                let is_open = on.is_some_and(|job| member.cause(job) == Cause::Open);
                self.customs.is_answer(method, (*hr, out), back)
                    || refused::is_for_a_value(&self.world.profile, &call, *hr, back.hr)
                    || is_open && self.customs.may_be_answer(method, *hr, back.hr)
                    || on.is_some_and(|job| is_of_what_has_ended(method, job, member))
            }
            _ => false,
        };
        let mut fitting: Vec<Member> = self.members.iter().filter(|member| fits(member)).cloned().collect();
        if fitting.is_empty() && !self.customs.waits && back.hr.succeeded() {
            // It waits on in these states, and its thread goes on.
            let waits = |member: &&Member| matches!(member.calls.get(&back.call), Some(Called::Waits(_)));
            fitting = self.members.iter().filter(waits).cloned().collect();
            if !fitting.is_empty() {
                self.course
                    .freedoms
                    .insert("a call is back before a callback that the model's call waits for");
            }
        }
        if let (Some(job), true) = (on, fitting.is_empty() && back.hr.succeeded() && names_files(method)) {
            self.world.strange.insert(job);
        }
        let is_open = method == Method::Complete && on.is_some_and(|job| self.world.strange.contains(&job));
        if fitting.is_empty() && self.standing == Standing::Follows && is_open {
            // What Complete makes of a file that the specification refuses is open, too.
            self.standing = Standing::Empty;
        }
        if fitting.is_empty() && self.standing == Standing::Follows {
            let taken = on.filter(|_| back.hr.succeeded()).zip(again::accepted(&call, &self.world.profile));
            self.taken = taken;
            self.wrong.insert(method);
            let difference = found::another_answer(&self.members, (method, back), &self.after, seq);
            self.fail(difference);
        }
        if !fitting.is_empty() {
            self.members = fitting;
        }
        for member in &mut self.members {
            member.calls.remove(&back.call);
        }
    }

    fn entered(&mut self, enter: &EnterLine, seq: u64) {
        if enter.event == Event::JobModification {
            // It comes and goes within a state.
            self.inside.insert(enter.delivery, None);
            return;
        }
        self.close();
        let enters = |member: &Member| {
            let told = member.state.driver().telling(enter.job)?;
            let is_it = told.event == enter.event
                && told.target == Target::from(enter.receiver)
                && (enter.file.is_none() || told.file == enter.file);
            if is_it { member.after(&self.world, &Stimulus::Enter(enter.job)) } else { None }
        };
        let fitting: Vec<Member> = self.members.iter().filter_map(enters).collect();
        if !fitting.is_empty() {
            self.members = fitting;
            self.inside.insert(enter.delivery, Some(*enter));
            return;
        }
        self.inside.insert(enter.delivery, None);
        if self.standing == Standing::Follows {
            if self.failed.contains(&(enter.job, enter.event)) {
                return self.give_up("a callback that failed was tried again early, as it may");
            }
            let difference = found::extra(&self.members, enter, &self.after, seq);
            self.fail(difference);
        }
    }

    fn left(&mut self, leave: &LeaveLine) {
        let Some(Some(enter)) = self.inside.remove(&leave.delivery) else { return };
        let job = enter.job;
        let outcome = Leave::from(leave.outcome);
        let key = (job, enter.event);
        if matches!(outcome, Leave::Returned(HResult::S_OK) | Leave::Exited(0)) {
            self.failed.remove(&key);
        } else {
            self.failed.insert(key);
        }
        let step = match (enter.receiver, outcome) {
            (Told::CommandLine, Leave::Exited(code)) => Stimulus::Exit { job, code },
            _ => Stimulus::Leave { job, leave: outcome },
        };
        self.happens(&step);
    }

    /// The observer has looked at a state. Where something happened meanwhile, or a call on the job is open, it shows nothing.
    fn looked(&mut self, back: &ReturnLine, seq: u64) {
        let Some((Some(job), Method::GetState, since)) = self.looks.remove(&back.call) else { return };
        let is_called = self.open.values().any(|(of, _)| *of == Some(job));
        if since < self.last || is_called {
            return;
        }
        let seen = if let Out::State(state) = back.out { Some(state) } else { None };
        self.close();
        let fits = |member: &&Member| is_in(member, job, seen);
        let fitting: Vec<Member> = self.members.iter().filter(fits).cloned().collect();
        let is_suspended = self.suspended.remove(&job) && self.customs.suspend == SuspendAtEnd::Either;
        if !fitting.is_empty() {
            self.members = fitting;
        } else if self.standing == Standing::Follows {
            let of = |member: &Member| member.state.driver().core().state(job);
            if is_suspended && self.members.iter().all(|member| may_be_suspended(of(member), seen)) {
                return self.choose(job);
            }
            let difference = found::another_state(&self.members, (job, seen), self.cause_of(job), seq);
            self.fail(difference);
        }
    }
}

/// Whether a call gives a job names of files.
const fn names_files(method: Method) -> bool {
    matches!(method, Method::AddFile | Method::AddFileSet | Method::FileSetRemoteName)
}

/// Threads of calls from inside of callbacks that no state has.
const GHOSTS: u32 = 70;

/// Threads of calls by threads that still wait in the model, and not in the trace.
const BUSY: u32 = 2 * GHOSTS;

/// Whether a job is in this state, or has ended and is gone.
fn is_in(member: &Member, job: JobId, seen: Option<JobState>) -> bool {
    let state = member.state.driver().core().state(job);
    state == seen || seen.is_none() && state.is_none_or(JobState::is_final)
}

/// All states to which these can come without anything that is seen, each once; none where there are too many.
fn closed(world: &World, members: Vec<Member>) -> Option<Vec<Member>> {
    let mut known = BTreeSet::new();
    let (mut all, mut next) = (Vec::new(), members);
    while let Some(member) = next.pop() {
        if !known.insert(member.fingerprint()) {
            continue;
        }
        if all.len() == MOST {
            return None;
        }
        next.extend(member.successors(world));
        all.push(member);
    }
    Some(all)
}

impl Customs {
    /// The call with the names that the model has for good ones.
    fn of_the_model(&self, call: &Call) -> Call {
        let good = |text: &Text, here: &str, good: &'static str| text.starts_with(here).then(|| good.into());
        let remote = |url: &Text| good(url, &self.remote, GOOD_REMOTE);
        let names = |file: &FileNames, _: u32| FileNames {
            remote: remote(&file.remote).unwrap_or_else(|| file.remote.clone()),
            local: good(&file.local, &self.local, GOOD_LOCAL).unwrap_or_else(|| file.local.clone()),
        };
        renamed(call, names, remote)
    }

    /// Whether it may be the answer of a job whose error is open. Which file an error names depends on its context.
    fn may_be_answer(&self, method: Method, hr: HResult, back: HResult) -> bool {
        let one_of = |hr| one_of(&self.equal, method, hr);
        is_of_the_error(method) && (method == Method::ErrorGetFile || one_of(hr) == one_of(back))
    }

    fn is_answer(&self, method: Method, (hr, out): (HResult, &Out), back: &ReturnLine) -> bool {
        let lacks = back.out == Out::None;
        let one_of = |hr| one_of(&self.equal, method, hr);
        one_of(hr) == one_of(back.hr)
            && (lacks || is_of_its_own(method) || same_answer(out, &back.out).is_empty())
    }
}

/// Whether a method is about the error of a job that has ended. The documents leave open whether it still has one (facts G25).
fn is_of_what_has_ended(method: Method, job: JobId, member: &Member) -> bool {
    let state = member.state.driver().core().state(job);
    is_of_the_error(method) && state.is_none_or(JobState::is_final)
}

/// What each implementation may count in its own way, and what a state of the set does not hold apart.
const fn is_of_its_own(method: Method) -> bool {
    matches!(
        method,
        Method::GetProgress
            | Method::FileGetProgress
            | Method::GetTimes
            | Method::GetId
            | Method::GetErrorCount
            | Method::ErrorGetFile
    )
}

#[cfg(test)]
mod tests;
