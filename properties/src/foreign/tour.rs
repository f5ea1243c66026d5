//! A tour of the protocol: each command that an adapter declares, played once. What is not played is named.

use std::collections::BTreeSet;
use std::time::Duration;

use adapter::wire::{
    Action, ClockMove, DiskOrder, NetworkMove, Order, PlannedCall, RaceOrder, RestartKind, RunOrder, Trigger,
    Verb, can,
};
use adapter::{Answered, Fault};
use contract::{Call, Event, FileNames, Interfaces, JobId, Method, Receiver, ReceiverId, ThreadId, UserId};
use judge::trace::{Kind, Left};

use super::Stage;
use super::abilities::Abilities;
use super::leftovers::clear;
use crate::server::Feed;

/// Plays each command. Returns what was played, in words.
///
/// # Errors
/// The adapter does something wrong.
pub fn tour(stage: &mut Stage) -> Result<Vec<String>, Fault> {
    let abilities = Abilities::of(&stage.session);
    let mut tour = Tour { stage, abilities, played: Vec::new(), called: BTreeSet::new() };
    tour.unknown_command()?;
    tour.methods()?;
    tour.callback()?;
    tour.throws()?;
    tour.nests()?;
    tour.users()?;
    tour.races()?;
    tour.others()?;
    tour.exits()?;
    tour.names_what_was_not_played();
    Ok(tour.played)
}

struct Tour<'a> {
    stage: &'a mut Stage,
    abilities: Abilities,
    played: Vec<String>,
    called: BTreeSet<Method>,
}

const JOB: JobId = JobId(0);
const THREAD: ThreadId = ThreadId(0);

impl Tour<'_> {
    fn unknown_command(&mut self) -> Result<(), Fault> {
        let unknown = serde_json::json!({ "stand": "on your head" });
        let end = self.stage.session.unknown(unknown, "it gets a command that there is not")?;
        if end.unimplemented.is_none() {
            return Err(Fault::Disorder(
                "a command that there is not has to be answered with `unimplemented`".to_owned(),
            ));
        }
        self.played.push("a command that there is not: unimplemented".to_owned());
        Ok(())
    }

    /// Calls each method that takes no arguments, on a fresh job.
    fn methods(&mut self) -> Result<(), Fault> {
        self.stage.session.begin()?;
        if !self.make_job()? {
            return Ok(());
        }
        let (mut answered, mut not) = (0, Vec::new());
        let polled = self.stage.session.poll(JOB)?;
        let here = getters().into_iter().filter(|call| self.abilities.has(call.method()));
        for call in here.collect::<Vec<_>>() {
            match self.call(&call)? {
                Answered::Returned { .. } => answered += 1,
                Answered::Unimplemented(why) => not.push(format!("{}: {why}", call.method())),
                Answered::Open => return Err(self.silent(call.method())),
            }
        }
        self.played.push(format!(
            "{answered} getters answered, a poll: {}",
            polled.map_or("gone".to_owned(), |state| state.to_string())
        ));
        self.played.extend(not.into_iter().map(|one| format!("in `methods`, and unimplemented: {one}")));
        self.reset()
    }

    /// Makes the first job of a program; false when that is not implemented.
    fn make_job(&mut self) -> Result<bool, Fault> {
        if !self.abilities.has(Method::CreateJob) {
            return Ok(false);
        }
        let create = Call::CreateJob { name: Some("tour".into()), kind: 0 };
        self.called.insert(Method::CreateJob);
        match self.stage.session.call(THREAD, None, &create)? {
            Answered::Returned { hr, .. } => Ok(hr.succeeded()),
            Answered::Unimplemented(_) => Ok(false),
            Answered::Open => Err(self.silent(Method::CreateJob)),
        }
    }

    /// Makes a call on the first job of a program.
    fn call(&mut self, call: &Call) -> Result<Answered, Fault> {
        self.called.insert(call.method());
        self.stage.session.call(THREAD, Some(JOB), call)
    }

    /// A transfer whose callback is held, where that can be, and released.
    fn callback(&mut self) -> Result<(), Fault> {
        let holds = self.stage.session.can(can::HOLD);
        let Some(feed) = self.transfers(Action { hold: holds, ..Action::default() })? else { return Ok(()) };
        let due = self.stage.session.limits().due;
        let entered = self.stage.session.wait(due, &mut |session| session.callbacks().0 > 0)?;
        if holds && entered {
            self.stage.session.rest(self.stage.session.limits().quiet)?;
            if self.stage.session.callbacks().1 > 0 {
                return Err(Fault::Disorder(
                    "a callback that was ordered to `hold` has left before `release`".to_owned(),
                ));
            }
            for callback in self.stage.session.inside() {
                self.stage.session.release(callback)?;
            }
        }
        let left = self.stage.session.wait(due, &mut |session| session.callbacks().1 > 0)?;
        self.played.push(match (entered, left, holds) {
            (true, true, true) => "a transfer, its callback held and released".to_owned(),
            (true, true, false) => "a transfer, and its callback".to_owned(),
            (true, false, _) => "a transfer, and a callback that does not leave".to_owned(),
            (false, ..) => format!("a transfer, and {}", self.no_callback()),
        });
        self.stage.server.forget(&feed);
        self.reset()
    }

    /// A job whose callback for JobTransferred is ordered to end so, on its way. Nothing where the adapter has no such callbacks.
    fn transfers(&mut self, action: Action) -> Result<Option<Feed>, Fault> {
        let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::SetNotifyInterface];
        if !self.abilities.has_all(&needed) || !self.stage.session.reports(Event::JobTransferred) {
            return Ok(None);
        }
        let feed = self.stage.server.feed();
        self.stage.session.begin()?;
        self.stage.session.order(vec![Order {
            event: Event::JobTransferred.to_string(),
            job: None,
            action,
        }])?;
        self.make_job()?;
        let name = format!("tour-{}", self.stage.next_program());
        let file =
            FileNames { remote: feed.url(&name).into(), local: self.stage.session.destination(&name).into() };
        let receiver = Some(Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK });
        for call in [Call::AddFile { file }, Call::SetNotifyInterface { receiver }, Call::Resume] {
            if self.call(&call)? == Answered::Open {
                return Err(self.silent(call.method()));
            }
        }
        Ok(Some(feed))
    }

    /// What the callback of such a job did, line by line. Nothing where none came and left in time.
    fn first_callback(&mut self, feed: &Feed) -> Result<Option<Vec<Kind>>, Fault> {
        let due = self.stage.session.limits().due;
        let left = self.stage.session.wait(due, &mut |session| session.callbacks().1 > 0)?;
        let header = self.stage.header("tour");
        let lines = self.stage.session.finish(&header).lines;
        self.stage.server.forget(feed);
        self.reset()?;
        Ok(left.then(|| lines.into_iter().map(|line| line.what).collect()))
    }

    fn no_callback(&self) -> String {
        format!("no callback within {} ms", self.stage.session.limits().due.as_millis())
    }

    /// A callback that throws.
    fn throws(&mut self) -> Result<(), Fault> {
        if !self.stage.session.can(can::THROW) {
            return Ok(());
        }
        let Some(feed) = self.transfers(Action { throw: true, ..Action::default() })? else { return Ok(()) };
        let Some(lines) = self.first_callback(&feed)? else {
            self.played.push(format!("a callback that is to throw: {}", self.no_callback()));
            return Ok(());
        };
        let first = lines.iter().find_map(|what| match what {
            Kind::Leave(leave) => Some(leave.outcome),
            _ => None,
        });
        if first != Some(Left::Panicked) {
            return Err(Fault::Disorder(
                "a callback that was ordered to `throw` has left without `threw`".to_owned(),
            ));
        }
        self.played.push("a callback that throws".to_owned());
        Ok(())
    }

    /// Calls from inside of a callback.
    fn nests(&mut self) -> Result<(), Fault> {
        let getter = getters().into_iter().find(|call| self.abilities.has(call.method()));
        let Some(getter) = getter.filter(|_| self.stage.session.can(can::NESTED)) else { return Ok(()) };
        let calls = vec![PlannedCall::of(None, &getter); NESTED];
        let Some(feed) = self.transfers(Action { calls, ..Action::default() })? else { return Ok(()) };
        let Some(lines) = self.first_callback(&feed)? else {
            self.played.push(format!("a callback that is to make calls: {}", self.no_callback()));
            return Ok(());
        };
        let inside = lines.iter().filter(|what| matches!(what, Kind::Call(call) if call.inside.is_some()));
        let (inside, method) = (inside.count(), getter.method());
        if inside != NESTED {
            return Err(Fault::Disorder(format!(
                "a callback that was ordered to call {method} {NESTED} times has made {inside} calls"
            )));
        }
        self.played.push(format!("a callback that calls {method} {NESTED} times from inside"));
        Ok(())
    }

    /// Calls of two users, each on a job of its own.
    fn users(&mut self) -> Result<(), Fault> {
        let getter = getters().into_iter().find(|call| self.abilities.has(call.method()));
        let can = self.stage.session.can(can::USERS) && self.abilities.has(Method::CreateJob);
        let Some(getter) = getter.filter(|_| can) else { return Ok(()) };
        self.stage.session.begin()?;
        for user in [UserId(0), UserId(1)] {
            let create = Call::CreateJob { name: Some("tour".into()), kind: 0 };
            for (job, call) in [(None, create), (Some(JobId(user.0)), getter.clone())] {
                let calling = self.stage.session.start_call((THREAD, user), job, &call);
                match self.stage.session.await_call(&calling)? {
                    Answered::Returned { .. } => {}
                    Answered::Open => return Err(self.silent(call.method())),
                    Answered::Unimplemented(why) => {
                        let what = format!(
                            "`users` is in `can`, and {} of {user} is unimplemented: {why}",
                            call.method()
                        );
                        return Err(Fault::Disorder(what));
                    }
                }
            }
        }
        self.played.push("calls of two users".to_owned());
        self.reset()
    }

    /// The process is ended while a call is open. A new one makes calls.
    fn exits(&mut self) -> Result<(), Fault> {
        if !self.abilities.has(Method::CreateJob) {
            return Ok(());
        }
        self.stage.session.begin()?;
        let create = Call::CreateJob { name: Some("tour".into()), kind: 0 };
        let calling = self.stage.session.start_call((THREAD, UserId(0)), None, &create);
        let limit = self.stage.session.manifest().call();
        let _begun = self.stage.session.wait(limit, &mut |session| session.has_started(&calling))?;
        self.stage.session.kill();
        self.stage.session.begin()?;
        let made = self.make_job()?;
        let after = if made { "a new one makes a job" } else { "a new one makes no job" };
        self.played.push(format!("its process ended during a call, and {after}"));
        self.reset()
    }

    /// What the adapter has and the tour does not play, and what it cannot do.
    fn names_what_was_not_played(&mut self) {
        let session = &self.stage.session;
        let methods =
            Method::ALL.iter().filter(|method| session.has(**method) && !self.called.contains(*method));
        let methods: Vec<String> = methods.map(Method::to_string).collect();
        let words = |is_in: bool, words: &[&str]| {
            let words = words.iter().filter(|word| session.can(word) == is_in);
            words.map(|word| format!("`{word}`")).collect::<Vec<_>>()
        };
        let (can, cannot) = (words(true, &NOT_PLAYED), words(false, &can::ALL));
        let lists = [("methods", methods), ("in `can`", can), ("not in `can`", cannot)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        self.played.extend(lists.map(|(what, names)| format!("not played, {what}: {}", names.join(", "))));
    }

    fn races(&mut self) -> Result<(), Fault> {
        if !self.stage.session.can(can::RACE) || !self.abilities.has(Method::CreateJob) {
            return Ok(());
        }
        let create = Call::CreateJob { name: Some("tour".into()), kind: 0 };
        let run = |job: u32| RunOrder {
            job,
            before: vec![PlannedCall::of(Some(job), &create)],
            trigger: Trigger::AfterReturn,
            delay_us: 100,
            racer: Some(PlannedCall::of(Some(job), &Call::GetState)),
            after: Vec::new(),
        };
        let jobs: Vec<u32> = (0..RUNS).map(|_| self.stage.session.new_race_job()).collect();
        let race = RaceOrder { settle_ms: 0, runs: jobs.into_iter().map(run).collect() };
        let header = self.stage.header("tour");
        let traces = self.stage.session.race(race, Duration::from_secs(30), &header)?;
        if traces.iter().any(|trace| trace.lines.is_empty()) {
            return Err(Fault::Disorder(
                "a run of a race has no events: its calls need `start` and `end` lines".to_owned(),
            ));
        }
        self.played.push(format!("a race of {RUNS} runs"));
        self.reset()
    }

    fn others(&mut self) -> Result<(), Fault> {
        let verbs = [
            (can::OBSERVE, Verb::Observe { observe: vec!["nothing".to_owned()] }),
            (can::CLOCK, Verb::Clock { clock: ClockMove { advance_ms: 0 } }),
            (can::DISK, Verb::Disk { disk: DiskOrder::Good }),
            (can::NETWORK, Verb::Network { network: NetworkMove::Lost }),
            (can::NETWORK, Verb::Network { network: NetworkMove::Back }),
            (can::USERS, Verb::Logoff { logoff: 1 }),
            (can::RESTART, Verb::Restart { restart: RestartKind::Stop }),
        ];
        for (word, verb) in verbs {
            if !self.stage.session.can(word) {
                continue;
            }
            let end = self.stage.session.command(verb, &format!("it plays `{word}`"))?;
            if let Some(why) = end.unimplemented {
                return Err(Fault::Disorder(format!("`{word}` is in `can`, and unimplemented: {why}")));
            }
            self.played.push(format!("`{word}`"));
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Fault> {
        let Stage { session, leftovers, .. } = &mut *self.stage;
        let _ended = clear(session, "the tour", leftovers)?;
        for (what, count) in std::mem::take(leftovers) {
            self.played.push(format!("`reset` could not end {what}: {count} times"));
        }
        Ok(())
    }

    fn silent(&self, method: Method) -> Fault {
        let limit = self.stage.session.manifest().call();
        Fault::Silent { limit, during: format!("it makes the call {method}"), stderr: String::new() }
    }
}

const RUNS: u32 = 3;

/// Calls from inside of one callback.
const NESTED: usize = 2;

/// What shows in the suites and paths of a run alone.
const NOT_PLAYED: [&str; 8] = [
    can::NESTED_JOBS,
    can::ORDER_JOBS,
    can::GIVEN,
    can::PROGRAMS,
    can::STALL,
    can::WAITS,
    can::HTTPS,
    can::CALLBACK3,
];

fn getters() -> Vec<Call> {
    vec![
        Call::GetJob,
        Call::EnumFiles,
        Call::GetId,
        Call::GetType,
        Call::GetProgress,
        Call::GetTimes,
        Call::GetState,
        Call::GetError,
        Call::GetOwner,
        Call::GetDisplayName,
        Call::GetDescription,
        Call::GetPriority,
        Call::GetNotifyFlags,
        Call::GetNotifyInterface,
        Call::GetMinimumRetryDelay,
        Call::GetNoProgressTimeout,
        Call::GetErrorCount,
        Call::GetNotifyCmdLine,
        Call::EnumFilesGetCount,
    ]
}
