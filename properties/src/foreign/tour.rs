//! A tour of the protocol: each command that an adapter declares, played once.

use std::time::Duration;

use adapter::wire::{
    Action, ClockMove, DiskOrder, NetworkMove, Order, PlannedCall, RaceOrder, RestartKind, RunOrder, Trigger,
    Verb, can,
};
use adapter::{Answered, Fault};
use contract::{Call, Event, FileNames, Interfaces, JobId, Method, Receiver, ReceiverId, ThreadId};

use super::Stage;
use super::abilities::Abilities;
use super::leftovers::clear;

/// Plays each command. Returns what was played, in words.
///
/// # Errors
/// The adapter does something wrong.
pub fn tour(stage: &mut Stage) -> Result<Vec<String>, Fault> {
    let abilities = Abilities::of(&stage.session);
    let mut tour = Tour { stage, abilities, played: Vec::new() };
    tour.unknown_command()?;
    tour.methods()?;
    tour.callback()?;
    tour.races()?;
    tour.others()?;
    Ok(tour.played)
}

struct Tour<'a> {
    stage: &'a mut Stage,
    abilities: Abilities,
    played: Vec<String>,
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
        for call in getters().into_iter().filter(|call| self.abilities.has(call.method())) {
            match self.stage.session.call(THREAD, Some(JOB), &call)? {
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
        match self.stage.session.call(THREAD, None, &create)? {
            Answered::Returned { hr, .. } => Ok(hr.succeeded()),
            Answered::Unimplemented(_) => Ok(false),
            Answered::Open => Err(self.silent(Method::CreateJob)),
        }
    }

    /// A transfer whose callback is held, where that can be, and released.
    fn callback(&mut self) -> Result<(), Fault> {
        let needed = [Method::CreateJob, Method::AddFile, Method::Resume, Method::SetNotifyInterface];
        if !self.abilities.has_all(&needed) {
            return Ok(());
        }
        let feed = self.stage.server.feed();
        let holds = self.stage.session.can(can::HOLD);
        self.stage.session.begin()?;
        let action = Action { hold: holds, ..Action::default() };
        self.stage.session.order(vec![Order {
            event: Event::JobTransferred.to_string(),
            job: None,
            action,
        }])?;
        self.make_job()?;
        let file = FileNames {
            remote: feed.url("tour").into(),
            local: self.stage.session.destination("tour").into(),
        };
        let receiver = Some(Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK });
        for call in [Call::AddFile { file }, Call::SetNotifyInterface { receiver }, Call::Resume] {
            if self.stage.session.call(THREAD, Some(JOB), &call)? == Answered::Open {
                return Err(self.silent(call.method()));
            }
        }
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
            (false, ..) => format!("a transfer, and no callback within {} ms", due.as_millis()),
        });
        self.stage.server.forget(&feed);
        self.reset()
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
