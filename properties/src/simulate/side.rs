//! One dialect of a session: specification and core side by side, and what an act does to them.

use std::collections::BTreeMap;

use contract::event::{By, Leave, Target};
use contract::{
    Call, CallId, Cause, Core, DeliveryId, EventView, HResult, JobId, JobState, Method, Out, Profile, Rule,
    UserId,
};
use judge::RuleSet;
use model::drive::{Applied, DiskResult, Driver, From, InFlight, Late, Pends, Phase, STRANGERS, Stimulus};
use model::lockstep::Lockstep;

use super::act::{Act, On, Verb, Who};
use super::call;
use super::situation::Situation;
use super::why::{self, Answered, Reason, of_move, of_resume};
use crate::program::{JOBS, Program};
use crate::run::Broken;

/// What an act did.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Done {
    /// What happened, in order.
    pub happened: Vec<String>,
    /// Why.
    pub why: Vec<Reason>,
    /// The rules that had something to decide.
    #[serde(skip)]
    pub exercised: RuleSet,
    /// The calls that came back.
    #[serde(skip)]
    pub(super) answers: Vec<(Method, HResult)>,
    /// What it was made of.
    #[serde(skip)]
    pub(super) stimuli: Vec<Stimulus>,
}

/// Why an act is not possible now.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}")]
pub struct NotNow {
    /// What is in the way.
    pub what: String,
    /// What to type instead.
    pub help: String,
}

impl NotNow {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> NotNow {
        NotNow { what: what.into(), help: help.into() }
    }
}

/// One dialect.
#[derive(Clone, Debug)]
pub(super) struct Side<C: Core> {
    /// The program without its steps.
    pub(super) frame: Program,
    pub(super) profile: Profile,
    pub(super) lockstep: Lockstep<C, JOBS>,
}

impl<C: Core> Side<C> {
    pub(super) fn new(frame: Program, make: fn(&contract::core::Config) -> C) -> Side<C> {
        let config = frame.config();
        let lockstep = Lockstep::around(make(&config), &config, frame.users.owners(), RuleSet::OF_A_JOB);
        Side { frame: Program { steps: Vec::new(), ..frame }, profile: config.profile, lockstep }
    }

    /// What is wrong, if anything is.
    pub(super) fn broken(&self) -> Option<Broken> {
        let rules = self.lockstep.violated();
        if !rules.is_empty() {
            return Some(Broken::Rules(rules));
        }
        self.lockstep.disagreement().map(Broken::Agreement)
    }

    /// Calls from inside callbacks that wait in a circle (R16), in words.
    pub(super) fn circle(&self) -> Option<String> {
        let driver = self.lockstep.driver();
        // From the callback that waits to the one that it waits for.
        let waits: BTreeMap<DeliveryId, DeliveryId> = driver
            .pending_calls()
            .filter_map(|open| {
                let From::Callback(job) = open.from else { return None };
                let runs = |one: &InFlight| one.delivery.job == job && one.phase != Phase::ProgramRuns;
                Some((driver.in_flight().find(runs)?.id, open.delivery?))
            })
            .collect();
        waits.keys().find_map(|first| {
            let mut on_the_way = vec![*first];
            while let Some(next) = on_the_way.last().and_then(|last| waits.get(last)) {
                if next == first {
                    let waiting: Vec<String> = on_the_way.iter().map(ToString::to_string).collect();
                    let rule = why::by_rule(Rule::R16);
                    return Some(format!("{rule}: {} waits for {first}", waiting.join(" waits for ")));
                }
                if on_the_way.contains(next) {
                    return None;
                }
                on_the_way.push(*next);
            }
            None
        })
    }

    /// Does what was done before.
    pub(super) fn again(&mut self, stimuli: &[Stimulus]) {
        for stimulus in stimuli {
            let _as_before = self.lockstep.apply(&self.profile, stimulus, &mut |_| ());
        }
    }

    /// Does it, or returns why it is not possible and leaves everything as it was.
    pub(super) fn perform(&mut self, act: &Act, chosen: JobId) -> Result<Done, NotNow> {
        let before = self.lockstep.clone();
        let done = self.attempt(act, chosen);
        if done.is_err() {
            self.lockstep = before;
        }
        done
    }

    fn attempt(&mut self, act: &Act, chosen: JobId) -> Result<Done, NotNow> {
        let rules = self.lockstep.violated();
        if !rules.is_empty() {
            let what = format!("{} broken: what happens behind that explains nothing", are(rules));
            return Err(NotNow::new(what, "type `undo`, `timeline` or `save FILE`"));
        }
        let job = self.job(act, chosen)?;
        let mut done = Done::default();
        match &act.verb {
            Verb::Call(call) => {
                let from = self.caller(act.who)?;
                let on = match act.on {
                    On::None => None,
                    On::Chosen if !call::needs_job(call.method()) => None,
                    _ => Some(job),
                };
                self.step(Stimulus::Call { from, job: on, call: call.clone() }, &mut done)?;
            }
            Verb::Transfer(event) => {
                self.wait_for_turn(job, &mut done)?;
                self.step(Stimulus::Transfer { job, event: *event }, &mut done)?;
            }
            Verb::Deliver(leave) => self.deliver(job, *leave, &mut done)?,
            Verb::Turn => self.step(Stimulus::Turn, &mut done)?,
            Verb::Disk(result) => self.step(Stimulus::Disk { job, result: *result }, &mut done)?,
            Verb::Begin => self.step(Stimulus::Begin(job), &mut done)?,
            Verb::Enter => self.step(Stimulus::Enter(job), &mut done)?,
            Verb::Leave(leave) => self.step(Stimulus::Leave { job, leave: *leave }, &mut done)?,
            Verb::Exit(code) => self.step(Stimulus::Exit { job, code: *code }, &mut done)?,
            Verb::Time => self.step(Stimulus::Timeout, &mut done)?,
            Verb::Logoff(user) => self.step(Stimulus::Logoff(*user), &mut done)?,
            Verb::NetworkLost => self.step(Stimulus::NetworkLost, &mut done)?,
            Verb::NetworkBack => self.step(Stimulus::NetworkBack, &mut done)?,
            Verb::LateTransfer(event) => {
                self.step(Stimulus::Late(Late::Report { job, event: *event }), &mut done)?;
            }
            Verb::LateDisk(result) => {
                self.step(Stimulus::Late(Late::Disk { job, result: *result }), &mut done)?;
            }
            Verb::LateCall => self.step(Stimulus::Late(Late::Called), &mut done)?,
            Verb::LateLeave(leave) => self.step(Stimulus::Late(Late::Left(*leave)), &mut done)?,
            Verb::LateStart => self.step(Stimulus::Late(Late::Started), &mut done)?,
        }
        if done.happened.is_empty() {
            done.happened.push("nothing changes".to_owned());
        }
        Ok(done)
    }

    /// The job that an act is about: the one that is typed, that of the callback that acts, or the chosen one.
    fn job(&self, act: &Act, chosen: JobId) -> Result<JobId, NotNow> {
        match (act.on, act.who) {
            (On::Job(job), _) => Ok(job),
            (_, Some(Who::CallbackOf(job))) => Ok(job),
            (_, Some(Who::Delivery(id))) => self.job_of(id),
            _ => Ok(chosen),
        }
    }

    fn job_of(&self, id: DeliveryId) -> Result<JobId, NotNow> {
        let mut in_flight = self.lockstep.driver().in_flight();
        let found = in_flight.find(|one| one.id == id).map(|one| one.delivery.job);
        let begun: Vec<String> = self.lockstep.driver().in_flight().map(|one| one.id.to_string()).collect();
        let help = match begun.as_slice() {
            [] => "no callback has begun; `begin` begins the next one that is due".to_owned(),
            begun => format!("there {} {}", if begun.len() == 1 { "is" } else { "are" }, begun.join(", ")),
        };
        found.ok_or_else(|| NotNow::new(format!("there is no callback {id}"), help))
    }

    fn caller(&self, who: Option<Who>) -> Result<From, NotNow> {
        Ok(match who {
            None => From::Client(contract::ThreadId(0)),
            Some(Who::Thread(thread)) => From::Client(thread),
            Some(Who::User(user)) => From::User(user),
            Some(Who::CallbackOf(job)) => From::Callback(job),
            Some(Who::Delivery(id)) => From::Callback(self.job_of(id)?),
        })
    }

    /// A job that waits for its turn, or has it and no transfer yet, gets its transfer.
    fn wait_for_turn(&mut self, job: JobId, done: &mut Done) -> Result<(), NotNow> {
        for _ in 0..=JOBS {
            let core = self.lockstep.driver().core();
            let state = core.state(job);
            let waits = state.is_some_and(|state| state == JobState::Queued || state.is_running());
            if !waits || core.transfer(job).is_some() || !core.wants_transfer() {
                return Ok(());
            }
            self.step(Stimulus::Turn, done)?;
        }
        Ok(())
    }

    /// What is left of a delivery, from its begin to its end.
    fn deliver(&mut self, job: JobId, leave: Leave, done: &mut Done) -> Result<(), NotNow> {
        let phase = |side: &Side<C>| {
            let mut in_flight = side.lockstep.driver().in_flight();
            let callback = in_flight.find(|one| one.delivery.job == job && one.phase != Phase::ProgramRuns);
            callback.map(|one| (one.phase, one.delivery.target))
        };
        if phase(self).is_none() {
            self.step(Stimulus::Begin(job), done)?;
        }
        let target = phase(self).map(|(_, target)| target);
        if phase(self).is_some_and(|(phase, _)| phase == Phase::Begun) {
            self.step(Stimulus::Enter(job), done)?;
        }
        match (target, leave) {
            (Some(Target::CommandLine), leave) => {
                let code = match leave {
                    Leave::Exited(code) => code,
                    Leave::Returned(hr) if hr.succeeded() => 0,
                    _ => 1,
                };
                self.step(Stimulus::Exit { job, code }, done)
            }
            _ => self.step(Stimulus::Leave { job, leave }, done),
        }
    }

    /// Applies a stimulus, and notes what happened and why.
    fn step(&mut self, stimulus: Stimulus, done: &mut Done) -> Result<(), NotNow> {
        if !self.lockstep.violated().is_empty() {
            return Ok(());
        }
        let before = self.lockstep.clone();
        let mut teller = Teller {
            profile: self.profile,
            calls: before
                .driver()
                .pending_calls()
                .map(|open| (open.id, Known::before(before.driver(), &open)))
                .collect(),
            before: &before,
            done: Done::default(),
            resumed: false,
        };
        let applied = self.lockstep.apply(&self.profile, &stimulus, &mut |event| teller.hear(event));
        if applied == Applied::NotEnabled {
            return Err(self.why_not(&stimulus));
        }
        if let Stimulus::Call { from, .. } = &stimulus
            && let Some(open) = self.lockstep.driver().pending_calls().find(|open| open.from == *from)
            && open.delivery.is_none()
        {
            teller.note_disk(speaker(self.lockstep.driver(), *from), &open);
        }
        let Done { happened, why, answers, .. } = teller.done;
        done.happened.extend(happened);
        done.answers.extend(answers);
        for reason in why {
            if !done.why.contains(&reason) {
                done.why.push(reason);
            }
        }
        done.exercised = done.exercised.union(self.lockstep.exercised());
        done.stimuli.push(stimulus);
        Ok(())
    }

    fn why_not(&self, stimulus: &Stimulus) -> NotNow {
        let driver = self.lockstep.driver();
        let core = driver.core();
        let state = |job: JobId| core.state(job).map_or("not there".to_owned(), |state| state.to_string());
        match stimulus {
            Stimulus::Call { from, job, .. } => self.why_no_call(*from, *job, stimulus.is_create()),
            Stimulus::Disk { job, .. } => NotNow::new(
                format!("no call waits for the disk work of {job}"),
                "Cancel and Complete do: type `cancel` or `complete` first",
            ),
            Stimulus::Turn => {
                NotNow::new("the scheduler has nothing to do", "a job has to be QUEUED: type `resume`")
            }
            Stimulus::Transfer { job, .. } => NotNow::new(
                format!("no transfer of {job} runs: it is {}", state(*job)),
                "a job with a file that was resumed gets one: type `add`, then `resume`",
            ),
            Stimulus::Begin(job) => {
                let why = Situation::of(self).of_job(*job).map(|job| job.silence()).unwrap_or_default();
                let why = if why.is_empty() { "nothing of it is due".to_owned() } else { why };
                NotNow::new(format!("no delivery of {job} may begin: {why}"), "type `show` for what is due")
            }
            Stimulus::Enter(job) => NotNow::new(
                format!("no delivery of {job} has begun and not entered"),
                "type `begin`, or `deliver` for all of it",
            ),
            Stimulus::Leave { job, .. } => {
                let calls = driver.pending_calls().find(|open| open.from == From::Callback(*job));
                match calls {
                    Some(open) => NotNow::new(
                        format!("the callback of {job} is in {}, which has not returned", open.call.method()),
                        "let it return first: type `show` for what it waits for",
                    ),
                    None => NotNow::new(
                        format!("no callback of {job} runs"),
                        "type `begin` and `enter` first, or `exit` for a program",
                    ),
                }
            }
            Stimulus::Exit { job, .. } => NotNow::new(
                format!("no program of {job} runs"),
                "type `program PATH`, then `begin` and `enter`",
            ),
            Stimulus::Timeout => NotNow::new("no timer runs", "type `show` for what may happen"),
            Stimulus::Late(Late::Disk { job, .. }) => NotNow::new(
                format!("a call waits for the disk work of {job}, so it is not late"),
                format!("type `{job}.disk`"),
            ),
            Stimulus::Late(_) => NotNow::new("no callback has left yet", "type `deliver` first"),
            Stimulus::Logoff(_) | Stimulus::NetworkLost | Stimulus::NetworkBack => {
                NotNow::new("this is not possible now", "type `show` for what may happen")
            }
        }
    }

    fn why_no_call(&self, from: From, job: Option<JobId>, creates: bool) -> NotNow {
        let driver = self.lockstep.driver();
        if creates && self.lockstep.spec().jobs().len() == JOBS {
            let what = format!("a session has {JOBS} jobs at most");
            return NotNow::new(what, "type `undo`, or `back N` for what was before");
        }
        if let Some(open) = driver.pending_calls().find(|open| open.from == from) {
            let what = format!(
                "{} is in {}{}, which has not returned",
                caller(from),
                on(open.job),
                open.call.method()
            );
            return NotNow::new(
                what,
                "type another thread before it, such as `t1: ...`, or let the call return",
            );
        }
        if let Some(job) = job.filter(|job| driver.core().is_finalising(*job)) {
            let what = format!("{job} is being ended: the call has to wait until the disk work is done");
            return NotNow::new(what, format!("type `{job}.disk`"));
        }
        match from {
            From::Callback(job) => NotNow::new(
                format!("no callback of {job} has entered"),
                "type `enter` first: only client code that runs makes calls",
            ),
            _ => NotNow::new("four calls are open, and there is no room for more", "let one return"),
        }
    }

    /// What a call would answer now, and why; nothing is changed.
    pub(super) fn ask(&self, act: &Act, chosen: JobId) -> Result<Would, NotNow> {
        let Verb::Call(call) = &act.verb else {
            return Err(NotNow::new("only a call has an answer", "type `what-if` before it"));
        };
        let mut side = self.clone();
        let job = side.job(act, chosen)?;
        let mut done = side.attempt(act, chosen)?;
        let from = side.caller(act.who)?;
        let pends = |side: &Side<C>| {
            let mut calls = side.lockstep.driver().pending_calls();
            calls.find(|open| open.from == from).map(|open| open.delivery)
        };
        let disk = pends(&side) == Some(None);
        if disk {
            side.step(Stimulus::Disk { job, result: DiskResult::Good }, &mut done)?;
        }
        let waits = pends(&side).flatten();
        let answer =
            done.answers.iter().rev().find(|(method, _)| *method == call.method()).map(|(_, hr)| *hr);
        Ok(Would { answer, waits, disk, done })
    }
}

/// What a call would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Would {
    /// The code; none when it would not return yet.
    pub answer: Option<HResult>,
    /// The delivery that it would wait for.
    pub waits: Option<DeliveryId>,
    /// Whether it has disk work, which is taken to go well.
    pub disk: bool,
    /// What would happen.
    pub done: Done,
}

/// `R1 is`, or `R1 and R5 are`.
pub(super) fn are(rules: RuleSet) -> String {
    let names: Vec<String> = rules.iter().map(|rule| rule.to_string()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(" and "))
}

/// Who calls, in words.
pub(super) fn caller(from: From) -> String {
    match from {
        From::Client(thread) => thread.to_string(),
        From::User(user) => user.to_string(),
        From::Callback(job) => format!("the callback of {job}"),
    }
}

/// Who calls, a callback by its number.
pub(super) fn speaker<C: Core>(driver: &Driver<C>, from: From) -> String {
    let From::Callback(job) = from else { return caller(from) };
    let runs = |one: &InFlight| one.delivery.job == job && one.phase != Phase::ProgramRuns;
    driver.in_flight().find(runs).map_or_else(|| caller(from), |one| format!("inside {}", one.id))
}

pub(super) fn on(job: Option<JobId>) -> String {
    job.map_or_else(String::new, |job| format!("{job}."))
}

/// A delivery in words: `p0.JobTransferred(j0)`.
pub(super) fn delivery(
    event: contract::Event,
    job: JobId,
    file: Option<contract::FileId>,
    target: Target,
) -> String {
    let file = file.map_or_else(String::new, |file| format!(", {file}"));
    match target {
        Target::Interface(object) => format!("{object}.{event}({job}{file})"),
        Target::CommandLine => format!("the program of {job} ({event})"),
    }
}

/// A call that is open.
struct Known {
    who: String,
    method: Method,
    /// Whether it waited for a delivery when the step began.
    waited: Waited,
}

/// Whether a call waited for a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    No,
    Yes,
}

impl Known {
    fn before<C: Core>(driver: &Driver<C>, open: &Pends<'_>) -> Known {
        let waited = if open.delivery.is_some() { Waited::Yes } else { Waited::No };
        Known { who: speaker(driver, open.from), method: open.call.method(), waited }
    }
}

/// Turns events into words and reasons.
struct Teller<'a, C: Core> {
    profile: Profile,
    calls: BTreeMap<CallId, Known>,
    before: &'a Lockstep<C, JOBS>,
    done: Done,
    resumed: bool,
}

impl<C: Core> Teller<'_, C> {
    fn hear(&mut self, event: &EventView<'_>) {
        match *event {
            EventView::Call { id, caller, call, .. } => {
                let who = match (caller.inside, caller.thread.0.checked_sub(STRANGERS)) {
                    (Some(delivery), _) => format!("inside {delivery}"),
                    (None, Some(user)) => UserId(user).to_string(),
                    (None, None) => caller.thread.to_string(),
                };
                self.calls.insert(id, Known { who, method: call.method(), waited: Waited::No });
            }
            EventView::Return { id, job, call, hr, out } => self.returned(id, job, call, hr, out),
            EventView::Wait { id, job, delivery } => {
                let call = match self.calls.get(&id) {
                    Some(known) => format!("{}: {job}.{}", known.who, known.method),
                    None => format!("{id}"),
                };
                self.say(format!("{call} waits until {delivery} has left, or has called"));
                self.done.why.push(why::of_wait());
            }
            EventView::State { job, from, to, by } => {
                let cause = match by {
                    By::Env(step) => Some(Cause::Env(step.kind())),
                    By::Call(id) => self.calls.get(&id).map(|known| Cause::Call(known.method)),
                };
                self.say(match from {
                    Some(from) => format!("{job} {from} -> {to}"),
                    None => format!("{job} is new: {to}"),
                });
                if let Some(cause) = cause {
                    self.resumed |= cause == Cause::Call(Method::Resume);
                    let reason = of_move(&self.profile, from, to, cause);
                    self.done.why.push(reason);
                }
            }
            EventView::Env { step, job, file } => {
                let hidden = matches!(step.kind(), contract::StepKind::Idle | contract::StepKind::Turn);
                if !hidden {
                    let job = job.map_or_else(|| "every job".to_owned(), |job| job.to_string());
                    let file = file.map_or_else(String::new, |file| format!(" {file}"));
                    self.say(format!("{job}{file}: {step}"));
                }
            }
            EventView::Begin { delivery: id, job, event, target, file } => {
                self.say(format!("{id}: {} begins", delivery(event, job, file, target)));
                self.done.why.push(why::of_event(&self.profile, event));
            }
            EventView::Enter { delivery: id, job, event, target, file } => {
                self.say(format!("{id}: {} starts", delivery(event, job, file, target)));
            }
            EventView::Leave { delivery: id, job, event, target, file, leave } => {
                let how = match leave {
                    Leave::Returned(hr) => format!("-> {hr:?}"),
                    Leave::Panicked => "panics".to_owned(),
                    Leave::Exited(code) => format!("exits with {code}"),
                };
                self.say(format!("{id}: {} {how}", delivery(event, job, file, target)));
            }
            EventView::Given { .. } => {}
        }
    }

    fn say(&mut self, line: String) {
        self.done.happened.push(line);
    }

    fn returned(&mut self, id: CallId, job: Option<JobId>, call: &Call, hr: HResult, out: &Out) {
        let made = matches!(call, Call::CreateJob { .. });
        let gives = match out {
            Out::None => String::new(),
            Out::Job(job) => format!(", {job}"),
            Out::State(state) => format!(", {state}"),
            Out::Flags(flags) => format!(", {flags}"),
            other => format!(", {other:?}"),
        };
        let on = on(job.filter(|_| !made));
        let known = self.calls.get(&id);
        let who = known.map_or_else(String::new, |known| format!("{}: ", known.who));
        let waited = known.is_some_and(|known| known.waited == Waited::Yes);
        self.say(format!("{who}{on}{} -> {hr:?}{gives}", call.method()));
        self.done.answers.push((call.method(), hr));
        if waited {
            self.done.why.push(why::of_release());
            return;
        }
        let state = job.filter(|_| !made).and_then(|job| self.before.spec().state(job));
        let state = if call::needs_job(call.method()) { state } else { None };
        let answered = Answered { profile: &self.profile, state, call, hr };
        self.done.why.extend(answered.reasons());
        if self.resumed {
            self.done.why.extend(of_resume(&self.profile));
        }
    }

    /// A call that has only begun, and waits for the disk.
    fn note_disk(&mut self, who: String, open: &Pends<'_>) {
        let on = on(open.job);
        self.say(format!("{who}: {on}{} waits for its disk work", open.call.method()));
    }
}
