//! A path of the model as acts from outside, each with what is due behind it.
//!
//! **What it is.** An act is a call of a client, time that passes, a network that is lost, or the end of something that is *kept*: a callback
//! that stays inside, a program that runs on, a transfer of which no more bytes come. Acts follow one another where the service is still.
//!
//! **The law it keeps.** What an act needs beside plain calls is in [`Path::needs`], so that no adapter is led where it cannot follow.

use std::collections::{BTreeMap, BTreeSet};

use contract::core::{Failure, TransferEvent};
use contract::event::{Leave, Target};
use contract::{
    Call, CallId, Core as _, DiskAct, EnvStep, Event, EventView, FileId, HResult, JobId, JobState, Millis,
    ThreadId, UserId,
};
use engine::core::Core;
use judge::RuleSet;
use model::drive::{DiskResult, From, STRANGERS, Stimulus};
use model::lockstep::Lockstep;
use model::scope::{Delays, Slice};
use model::suite::{goes_on, is_still};

use adapter::order_for;
use adapter::wire::{DiskOrder, NetworkMove, Order, PlannedCall, can};

use super::kept::{Kept, Thing};
use super::scripted::is_on_its_way;
use crate::server::Served;
use crate::suite::JOBS;

/// A path, as an implementation can be led along it.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) acts: Vec<Act>,
    /// The jobs that have not ended behind the path, and whose they are.
    pub(super) open_jobs: Vec<(JobId, UserId)>,
    /// The files of these jobs, where the path ends at rest.
    pub(super) progress: BTreeMap<JobId, FileCount>,
    /// Files of jobs that have ended, and whether each has to be there.
    pub(super) files: Vec<(JobId, FileId, Stands)>,
    /// What the adapter has to be able to do: words of `can`.
    pub(super) needs: BTreeSet<&'static str>,
}

/// Files of a job behind the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileCount {
    /// Those that were added.
    pub(super) added: u32,
    /// Those of them that have come whole.
    pub(super) done: u32,
}

/// Whether a file has to stand at its destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stands {
    Whole,
    Nowhere,
}

/// What is done from outside.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Deed {
    Call(Made),
    /// A callback or a program that was held may go.
    Release(JobId, Thing),
    /// The transfer that stalls goes on.
    GoOn(JobId),
    Advance(Millis),
    Network(NetworkMove),
    Logoff(UserId),
}

impl Deed {
    /// What it is, without jobs and values.
    pub(super) fn what(&self) -> String {
        match self {
            Deed::Call(made) => made.call.method().to_string(),
            Deed::Release(_, Thing::Program) => "a program exits".to_owned(),
            Deed::Release(..) => "a callback leaves".to_owned(),
            Deed::GoOn(_) => "the rest of a file comes".to_owned(),
            Deed::Advance(_) => "time passes".to_owned(),
            Deed::Network(NetworkMove::Lost) => "the network is lost".to_owned(),
            Deed::Network(NetworkMove::Back) => "the network is back".to_owned(),
            Deed::Logoff(_) => "a user logs off".to_owned(),
        }
    }
}

/// A call that is made.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Made {
    pub(super) thread: ThreadId,
    pub(super) user: UserId,
    pub(super) job: Option<JobId>,
    pub(super) call: Call,
    /// How its disk work goes.
    pub(super) disk: Option<DiskOrder>,
    pub(super) returns: Returns,
}

/// When a call comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Returns {
    /// Before anything else is done from outside.
    AtOnce,
    /// It waits for something that is kept.
    Later,
}

/// What is done from outside, and what follows from it until everything is still.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) deed: Deed,
    /// How the downloads go that begin behind it.
    pub(super) served: Vec<(JobId, Served)>,
    /// How the callbacks behind it end, in order.
    pub(super) leaves: Vec<Ending>,
    /// Callbacks that have to come.
    pub(super) enters: Vec<(JobId, Event)>,
    /// Callbacks that have to leave.
    pub(super) due: Vec<(JobId, Event)>,
    /// Acts whose calls come back behind it.
    pub(super) back: Vec<usize>,
    /// Transfers that stalled and are wanted no more.
    pub(super) closes: Vec<JobId>,
    /// Where the jobs are then; none when the path ends before everything rests.
    pub(super) rest: Option<Vec<(JobId, JobState)>>,
}

impl Act {
    /// The calls of it, and on which jobs.
    pub(super) fn calls(&self) -> impl Iterator<Item = (Option<JobId>, &Call)> {
        let made = if let Deed::Call(made) = &self.deed { Some((made.job, &made.call)) } else { None };
        let inside = self
            .leaves
            .iter()
            .flat_map(|ending| ending.calls.iter().map(|(on, call)| (on.or(Some(ending.job)), call)));
        made.into_iter().chain(inside)
    }
}

/// How a callback ends. The calls from inside are those of the model.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) job: JobId,
    pub(super) event: Event,
    pub(super) leave: Leave,
    pub(super) calls: Vec<(Option<JobId>, Call)>,
    pub(super) stay: Stay,
}

/// Whether a callback stays inside until it is released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stay {
    No,
    UntilReleased,
}

impl Ending {
    /// Whether it is what happens without an order.
    pub(super) fn is_usual(&self) -> bool {
        self.leave == Leave::Returned(HResult::S_OK) && self.calls.is_empty() && self.stay == Stay::No
    }
}

/// Why an implementation cannot be led along a path.
pub(super) type Hindrance = &'static str;

const MOVES: Hindrance =
    "a callback calls on a job that moves meanwhile, and their order is the implementation's";

impl Path {
    /// Whether everything rests behind it.
    pub(super) fn ends_at_rest(&self) -> bool {
        self.acts.last().is_some_and(|act| act.rest.is_some())
    }

    /// The acts of a path in a slice.
    pub(super) fn of(
        slice: &Slice,
        profile: &contract::Profile,
        steps: &[Stimulus],
    ) -> Result<Path, Hindrance> {
        let config = slice.config(profile);
        let core = Core::new(&config);
        let owners = slice.users.owners();
        let lockstep = Lockstep::<_, JOBS>::around(core, &config, owners, RuleSet::EMPTY);
        let mut reader = Reader {
            lockstep,
            delays: slice.delays,
            owners,
            path: Path::default(),
            kept: Kept::default(),
            seen: Seen::default(),
            inside: BTreeMap::new(),
            made: 0,
        };
        for step in steps {
            reader.step(&config.profile, step)?;
        }
        reader.finish()
    }
}

struct Reader {
    lockstep: Lockstep<Core, JOBS>,
    delays: Delays,
    owners: fn(JobId) -> UserId,
    path: Path,
    kept: Kept,
    seen: Seen,
    /// Callbacks and programs that run: the act in which each came, and the place of its ending there.
    inside: BTreeMap<(JobId, Thing), (usize, usize)>,
    /// Jobs that were made, or were to be.
    made: u32,
}

/// What is seen on the path.
#[derive(Default)]
struct Seen {
    states: Vec<(JobId, JobState)>,
    /// Files that stand at their destinations.
    renamed: Vec<(JobId, FileId)>,
    /// Files that were added.
    added: BTreeMap<JobId, u32>,
    /// Files that have come whole.
    done: BTreeSet<(JobId, FileId)>,
    /// Calls of clients that have not come back, and their acts.
    open: BTreeMap<CallId, usize>,
}

impl Reader {
    fn step(&mut self, profile: &contract::Profile, step: &Stimulus) -> Result<(), Hindrance> {
        match step {
            Stimulus::Call { from: From::Callback(inside), job, call } => self.nested(*inside, *job, call)?,
            Stimulus::Call { job: Some(job), .. } if job.0 >= self.made => {
                return Err("a call is on a job that was not made, and a client has no object for it");
            }
            Stimulus::Call { from, job, call } => {
                let deed = self.call(*from, *job, call);
                self.begin(deed)?;
            }
            Stimulus::Transfer { job, event } => self.transfer(*job, event)?,
            Stimulus::Enter(job) => self.enters(*job)?,
            Stimulus::Leave { job, leave } => self.ends((*job, Thing::Callback), *leave)?,
            Stimulus::Exit { job, code } => {
                let starts = |told: &contract::core::Delivery| told.target == Target::CommandLine;
                if self.lockstep.driver().telling(*job).is_some_and(|told| starts(&told)) {
                    return Err("a program cannot be started");
                }
                self.ends((*job, Thing::Program), Leave::Exited(*code))?;
            }
            Stimulus::Disk { job, result } => self.disk(*job, *result)?,
            Stimulus::Turn | Stimulus::Begin(_) => {}
            Stimulus::Timeout => {
                let deed = self.timeout()?;
                self.begin(deed)?;
            }
            Stimulus::NetworkLost => self.begin_with(can::NETWORK, Deed::Network(NetworkMove::Lost))?,
            Stimulus::NetworkBack => self.begin_with(can::NETWORK, Deed::Network(NetworkMove::Back))?,
            Stimulus::Logoff(user) => self.begin_with(can::USERS, Deed::Logoff(*user))?,
            Stimulus::Late(_) => return Err("something comes from outside that the protocol does not have"),
        }
        let act = self.path.acts.len().saturating_sub(1);
        let (seen, acts) = (&mut self.seen, &mut self.path.acts);
        let _ = self.lockstep.apply(profile, step, &mut |event| {
            if let Some(back) = seen.note(event, act)
                && back != act
                && let Some(now) = acts.last_mut()
            {
                now.back.push(back);
            }
        });
        Ok(())
    }

    fn call(&mut self, from: From, job: Option<JobId>, call: &Call) -> Deed {
        let of_job = job.map_or(UserId(0), self.owners);
        let (thread, user) = match from {
            From::Client(thread) => (thread, of_job),
            From::User(user) => (ThreadId(STRANGERS + user.0), user),
            // Those are no acts.
            From::Callback(_) => (ThreadId(0), of_job),
        };
        let user = if matches!(call, Call::CreateJob { .. }) {
            self.made += 1;
            (self.owners)(JobId(self.made - 1))
        } else {
            user
        };
        if user != UserId(0) {
            self.path.needs.insert(can::USERS);
        }
        let call = call.clone();
        Deed::Call(Made { thread, user, job, call, disk: None, returns: Returns::AtOnce })
    }

    fn timeout(&mut self) -> Result<Deed, Hindrance> {
        if self.delays != Delays::Own {
            return Err("time passes");
        }
        let core = self.lockstep.driver().core();
        let fetches = (0..JOBS as u32).any(|job| core.transfer(JobId(job)).is_some());
        if fetches || self.path.needs.contains(can::STALL) {
            return Err("time passes behind a transfer that has stalled: when its bytes came is not known");
        }
        self.path.needs.insert(can::CLOCK);
        let core = self.lockstep.driver().core();
        let at = core.poll_timeout().ok_or("time passes, and no timer runs")?;
        Ok(Deed::Advance(Millis(at.0.saturating_sub(core.now().0))))
    }

    fn begin_with(&mut self, word: &'static str, deed: Deed) -> Result<(), Hindrance> {
        self.path.needs.insert(word);
        self.begin(deed)
    }

    /// The act that came last is over, and the next one begins.
    fn begin(&mut self, deed: Deed) -> Result<(), Hindrance> {
        if !is_still(&self.lockstep) {
            return Err("something comes from outside in the middle of what the service does by itself");
        }
        self.settle()?;
        self.path.acts.push(Act {
            deed,
            served: Vec::new(),
            leaves: Vec::new(),
            enters: Vec::new(),
            due: Vec::new(),
            back: Vec::new(),
            closes: Vec::new(),
            rest: None,
        });
        Ok(())
    }

    fn transfer(&mut self, job: JobId, event: &TransferEvent) -> Result<(), Hindrance> {
        let stalls = self.kept.has(job, Thing::Transfer);
        let served = match event {
            TransferEvent::Connected => return Ok(()),
            TransferEvent::FileDone if stalls => {
                self.begin(Deed::GoOn(job))?;
                self.kept.remove(job, Thing::Transfer);
                return Ok(());
            }
            TransferEvent::Failed { .. } if stalls => return Err("what has begun to come fails"),
            TransferEvent::FileDone => Served::Whole,
            TransferEvent::Failed { class: Failure::Fatal, .. } => Served::Status(404),
            TransferEvent::Failed { .. } => Served::Status(503),
            _ => return Err("single bytes are counted"),
        };
        if let Some(act) = self.path.acts.last_mut() {
            act.served.push((job, served));
        }
        Ok(())
    }

    fn disk(&mut self, job: JobId, result: DiskResult) -> Result<(), Hindrance> {
        let order = match result {
            DiskResult::Good => return Ok(()),
            DiskResult::LeavesBehind => DiskOrder::LeavesBehind,
            DiskResult::RenameFails(after) => DiskOrder::RenameFails(after),
        };
        self.path.needs.insert(can::DISK);
        match self.path.acts.last_mut().map(|act| &mut act.deed) {
            Some(Deed::Call(made))
                if made.job == Some(job) && matches!(made.call, Call::Complete | Call::Cancel) =>
            {
                made.disk = Some(order);
                Ok(())
            }
            _ => Err("disk work fails that is no client's"),
        }
    }

    /// A call from inside names its job where that is another one.
    fn nested(&mut self, job: JobId, on: Option<JobId>, call: &Call) -> Result<(), Hindrance> {
        let on = on.filter(|on| *on != job);
        if let Some(on) = on {
            self.path.needs.insert(can::NESTED_JOBS);
            if self.moves_by_itself(on) {
                return Err(MOVES);
            }
        }
        let now = self.path.acts.len().saturating_sub(1);
        let inside = self.inside.get(&(job, Thing::Callback)).filter(|(act, _)| *act == now);
        let (act, at) = inside.ok_or("a callback calls that was held")?;
        if let Some(ending) = self.path.acts.get_mut(*act).and_then(|act| act.leaves.get_mut(*at)) {
            if ending.event == Event::JobModification {
                return Err("a modification makes calls, which need not come");
            }
            ending.calls.push((on, call.clone()));
        }
        Ok(())
    }

    /// Whether a job has been transferred since the act began, or is on its way and nothing that is kept holds it up.
    fn moves_by_itself(&self, job: JobId) -> bool {
        let has_come = self.path.acts.last().is_some_and(|act| act.served.iter().any(|(of, _)| *of == job));
        let is_held_up = (0..JOBS as u32).any(|job| self.kept.has(JobId(job), Thing::Transfer));
        let state = self.lockstep.driver().core().state(job);
        has_come || !is_held_up && state.is_some_and(is_on_its_way)
    }

    fn enters(&mut self, job: JobId) -> Result<(), Hindrance> {
        let Some(told) = self.lockstep.driver().telling(job) else { return Ok(()) };
        let event = told.event;
        let (thing, leave) = match told.target {
            Target::CommandLine => (Thing::Program, Leave::Exited(0)),
            Target::Interface(_) => (Thing::Callback, Leave::Returned(HResult::S_OK)),
        };
        let number = self.path.acts.len().saturating_sub(1);
        let Some(act) = self.path.acts.last_mut() else { return Ok(()) };
        self.inside.insert((job, thing), (number, act.leaves.len()));
        act.leaves.push(Ending { job, event, leave, calls: Vec::new(), stay: Stay::No });
        if event != Event::JobModification {
            act.enters.push((job, event));
        }
        Ok(())
    }

    fn ends(&mut self, (job, thing): (JobId, Thing), leave: Leave) -> Result<(), Hindrance> {
        if self.kept.has(job, thing) {
            self.begin(Deed::Release(job, thing))?;
            self.kept.remove(job, thing);
        }
        let Some((act, at)) = self.inside.remove(&(job, thing)) else { return Ok(()) };
        let Some(ending) = self.path.acts.get_mut(act).and_then(|act| act.leaves.get_mut(at)) else {
            return Ok(());
        };
        ending.leave = leave;
        let event = ending.event;
        if let Some(act) = self.path.acts.last_mut().filter(|_| event != Event::JobModification) {
            act.due.push((job, event));
        }
        Ok(())
    }

    /// Everything is still: the act that came last is over. What goes on is kept from here on.
    fn settle(&mut self) -> Result<(), Hindrance> {
        let now = self.path.acts.len().saturating_sub(1);
        let gone = self.kept.drop_lost_transfers(&self.lockstep);
        let news = self.kept.keep(&self.lockstep);
        for (job, thing) in &news {
            if *thing == Thing::Transfer {
                self.path.needs.insert(can::STALL);
                continue;
            }
            self.path.needs.insert(can::HOLD);
            let Some((act, at)) = self.inside.get(&(*job, *thing)) else { continue };
            if let Some(ending) = self.path.acts.get_mut(*act).and_then(|act| act.leaves.get_mut(*at)) {
                if ending.event == Event::JobModification {
                    return Err("a modification is held, which need not come");
                }
                ending.stay = Stay::UntilReleased;
            }
        }
        let Some(act) = self.path.acts.last_mut() else { return Ok(()) };
        let stalls = news.iter().filter(|(_, thing)| *thing == Thing::Transfer);
        act.served.extend(stalls.map(|(job, _)| (*job, Served::Stalls)));
        act.closes = gone;
        if let Deed::Call(made) = &mut act.deed
            && self.seen.open.values().any(|of| *of == now)
        {
            made.returns = Returns::Later;
        }
        if are_mixed(&act.leaves) {
            if act.leaves.iter().any(|ending| !ending.calls.is_empty()) {
                return Err(
                    "callbacks of two jobs come at once and call, and their order is the implementation's",
                );
            }
            self.path.needs.insert(can::ORDER_JOBS);
        }
        // Where a job is while a call on it waits is the implementation's own matter.
        let open = self.seen.open.values();
        let waiting: Vec<Option<JobId>> = open.filter_map(|act| job_of(self.path.acts.get(*act)?)).collect();
        // And when a timer fires that is over already, but was not let fire before.
        let overdue = is_overdue(self.lockstep.driver().core());
        let states = self.seen.states.iter();
        let states = states.filter(|(job, _)| !overdue && !waiting.contains(&Some(*job)));
        let states = states.copied().collect();
        if let Some(act) = self.path.acts.last_mut() {
            act.rest = Some(states);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Path, Hindrance> {
        let rests = !goes_on(&self.lockstep);
        if rests {
            self.settle()?;
        } else if !self.kept.is_empty() {
            return Err("the path ends while something is held");
        }
        let states = self.seen.states;
        let mut path = self.path;
        let open = states.iter().filter(|(_, state)| !state.is_final());
        path.open_jobs = open.map(|(job, _)| (*job, (self.owners)(*job))).collect();
        // Where the path ends in the middle, more files may come.
        for (job, _) in path.open_jobs.iter().filter(|_| rests) {
            let done = self.seen.done.iter().filter(|(of, _)| of == job).count();
            let added = self.seen.added.get(job).copied().unwrap_or(0);
            path.progress.insert(*job, FileCount { added, done: done as u32 });
        }
        for (job, _) in states.iter().filter(|(_, state)| state.is_final()) {
            for file in (0..FILES).map(FileId) {
                let whole = self.seen.renamed.contains(&(*job, file));
                path.files.push((*job, file, if whole { Stands::Whole } else { Stands::Nowhere }));
            }
        }
        Ok(path)
    }
}

/// Whether a timer is over that has not fired: an implementation lets it fire when it comes to it.
pub(super) fn is_overdue(core: &impl contract::Core) -> bool {
    core.poll_timeout().is_some_and(|at| at <= core.now())
}

/// The job that the call of an act is on.
fn job_of(act: &Act) -> Option<Option<JobId>> {
    if let Deed::Call(made) = &act.deed { Some(made.job) } else { None }
}

/// Whether callbacks of two jobs, whose order is the implementation's choice, could take one another's orders.
fn are_mixed(leaves: &[Ending]) -> bool {
    let other = |one: &Ending| leaves.iter().any(|ending| ending.job != one.job);
    leaves.iter().any(|ending| !ending.is_usual() && ending.leave != Leave::Exited(0) && other(ending))
}

/// Files of a job that are looked at.
const FILES: u32 = 4;

impl Seen {
    /// Notes an event of an act. Returns the act whose call is back, if one is.
    fn note(&mut self, event: &EventView<'_>, act: usize) -> Option<usize> {
        match *event {
            EventView::State { job, to, .. } => {
                match self.states.iter_mut().find(|(of, _)| *of == job) {
                    Some((_, state)) => *state = to,
                    None => self.states.push((job, to)),
                }
                None
            }
            EventView::Env {
                step: EnvStep::Disk { act: DiskAct::Renamed },
                job: Some(job),
                file: Some(file),
            } => {
                self.renamed.push((job, file));
                None
            }
            EventView::Env { step, job: Some(job), file: Some(file) } => {
                match step {
                    EnvStep::FileDone => drop(self.done.insert((job, file))),
                    EnvStep::FileRestarted => drop(self.done.remove(&(job, file))),
                    _ => {}
                }
                None
            }
            EventView::Call { id, caller, .. } if caller.inside.is_none() => {
                self.open.insert(id, act);
                None
            }
            EventView::Return { id, job, call, hr, .. } => {
                let added = match call {
                    Call::AddFile { .. } if hr.succeeded() => 1,
                    Call::AddFileSet { files } if hr.succeeded() => files.len() as u32,
                    _ => 0,
                };
                if let Some(job) = job.filter(|_| added > 0) {
                    *self.added.entry(job).or_default() += added;
                }
                self.open.remove(&id)
            }
            _ => None,
        }
    }
}

/// How callbacks end, as the adapter gets it. `here` turns a call of the model into one of the implementation. A failure stays in force, so that an
/// implementation that tries again at once finds it again.
pub(super) fn orders(
    leaves: &[Ending],
    here: &dyn Fn(JobId, Option<JobId>, &Call) -> PlannedCall,
    number: &dyn Fn(JobId) -> Option<u32>,
) -> Vec<Order> {
    let mut orders = Vec::new();
    let mixed = are_mixed(leaves);
    for (place, ending) in leaves.iter().enumerate() {
        let job = if mixed { number(ending.job) } else { None };
        let again = Order { job, ..order_for(ending.event, ending.leave) };
        let mut first = again.clone();
        first.action.calls = ending.calls.iter().map(|(on, call)| here(ending.job, *on, call)).collect();
        first.action.hold = ending.stay == Stay::UntilReleased;
        orders.push(first);
        // An order that stays in force would be taken by what comes behind it.
        let is_same = |later: &Ending| later.event == ending.event && (!mixed || later.job == ending.job);
        let is_last = !leaves[place + 1..].iter().any(is_same);
        let fails = is_last && !matches!(ending.leave, Leave::Returned(HResult::S_OK) | Leave::Exited(0));
        // The calls from inside are made once, as on the path.
        orders.extend(std::iter::repeat_n(again, if fails { AGAIN } else { 0 }));
    }
    orders
}

/// Attempts of one callback that find the order that it is to fail.
const AGAIN: usize = 50;

#[cfg(test)]
mod tests {
    use contract::{Dialect, FileNames, Interfaces, Receiver, ReceiverId};
    use model::scope::slices_to_lead;

    use super::*;

    fn on(from: From, job: u32, call: Call) -> Stimulus {
        Stimulus::Call { from, job: Some(JobId(job)), call }
    }

    /// Two jobs with a file and an object each.
    fn two_jobs() -> Vec<Stimulus> {
        let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
        let file = FileNames { remote: "http://127.0.0.1/file".into(), local: "/destination".into() };
        let mut steps = vec![Stimulus::Call { from: CLIENT, job: None, call: create }; 2];
        for job in 0..2 {
            let receiver = Some(Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK });
            steps.push(on(CLIENT, job, Call::AddFile { file: file.clone() }));
            steps.push(on(CLIENT, job, Call::SetNotifyInterface { receiver }));
        }
        steps
    }

    fn transfer(job: u32, event: TransferEvent) -> Stimulus {
        Stimulus::Transfer { job: JobId(job), event }
    }

    /// The callback of the first job makes a call on the second one.
    fn calls_on_the_other() -> [Stimulus; 4] {
        let first = JobId(0);
        let leave = Leave::Returned(HResult::S_OK);
        let call = on(From::Callback(first), 1, Call::GetState);
        [Stimulus::Begin(first), Stimulus::Enter(first), call, Stimulus::Leave { job: first, leave }]
    }

    /// The second job waits for the slot of the first one, so it moves when that one has come. Where a call from the callback finds it is
    /// the implementation's choice: a path that has such a call was a false alarm on a sound engine.
    #[test]
    fn a_callback_does_not_call_on_a_job_that_moves_meanwhile() {
        let profile = Dialect::Bits.profile();
        let slices = slices_to_lead(profile);
        let slice = slices.iter().find(|slice| slice.name == "led/jobs").expect("it is led");
        let led =
            |parts: &[&[Stimulus]]| Path::of(slice, profile, &parts.concat()).map(|path| path.acts.len());
        let begins = [on(CLIENT, 0, Call::Resume), Stimulus::Turn, transfer(0, TransferEvent::Connected)];
        let comes = [transfer(0, TransferEvent::FileDone)];
        let calls = calls_on_the_other();
        assert_eq!(led(&[&two_jobs(), &begins, &comes, &calls]), Ok(7));
        let waits = [on(CLIENT, 1, Call::Resume)];
        let (turn, connects) = ([Stimulus::Turn], [transfer(1, TransferEvent::Connected)]);
        let done = [transfer(1, TransferEvent::FileDone)];
        let mut moved: Vec<&[Stimulus]> = Vec::new();
        for step in [&[][..], &turn, &connects, &done] {
            moved.push(step);
            let path = [two_jobs(), begins.to_vec(), waits.to_vec(), comes.to_vec(), moved.concat()].concat();
            assert_eq!(led(&[&path, &calls]), Err(MOVES), "{moved:?}");
        }
    }

    const CLIENT: From = From::Client(ThreadId(0));
}
