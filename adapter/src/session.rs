//! A conversation with an adapter: commands, answers, and the trace of what its clients see.
//!
//! **What it is.** A [`Session`] holds one process at a time. What happens belongs to the *program* that is being played, from
//! [`Session::begin`] to [`Session::finish`]: its jobs are numbered from 0 on in the trace, whatever numbers the adapter has for them.
//!
//! **What it is not.** An interpreter of verdicts, or of suites.
//!
//! **The laws it keeps.**
//! 1. What comes of a job of an earlier program is no event of this one.
//! 2. After a command that was not answered in time the process is gone, and the program is over.

mod program;
mod tamper;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::defect::Canary;
use contract::event::Recorded;
use contract::{Call, CallId, Dialect, Event, HResult, JobId, JobState, Method, Out, ThreadId, UserId};
use judge::trace::{CallLine, Kind, ReturnLine, Told};
use judge::{Header, Trace};

use self::program::{Happening, OpenCall, Program, by_job, trace};
use crate::Manifest;
use crate::process::{Fault, Process};
use crate::wire::{
    self, Action, Command, End, Greeting, Hello, Line, Order, PlannedCall, RaceOrder, RestartKind, Verb,
    WireOut, WireReceiver, can,
};

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// What is due, to come.
    pub due: Duration,
    /// Silence after which everything rests.
    pub quiet: Duration,
}

/// What bgcheck has made for an adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Surroundings {
    /// An empty directory for destinations.
    pub root: PathBuf,
    /// The base of the file server.
    pub http: String,
    /// A file with the server's certificate.
    pub certificate: PathBuf,
    /// Which of the processes that run at once it is, from 0 on: `BGCHECK_PROCESS` in its environment.
    pub number: u64,
}

/// What became of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Answered {
    /// It is back.
    Returned {
        /// The answer.
        hr: HResult,
        /// What it gave back, where the adapter reports it.
        out: Option<Out>,
    },
    /// The adapter does not make it, and why.
    Unimplemented(String),
    /// It was not back in time. The process is gone.
    Open,
}

/// A call that was made and has not been awaited.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Calling {
    id: i64,
    method: Method,
}

/// A line that was taken in, with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// The adapter's counter.
    pub q: u64,
    /// Its place in the trace, among the lines that are known so far.
    pub seq: u64,
    /// What happened.
    pub what: Kind,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Session {
    manifest: Manifest,
    around: Surroundings,
    seed: u64,
    /// What bgcheck does to what the adapter reports, to show that it would be noticed.
    canary: Option<Canary>,
    process: Option<Process>,
    hello: Hello,
    next_id: i64,
    next_job: u32,
    /// Traces that were made.
    traces: u64,
    program: Program,
    /// The ends of commands that were done, until `await_end` takes them.
    ends: BTreeMap<i64, End>,
    /// Calls made so far, in all programs.
    calls: u64,
    /// Commands that were done, in all programs.
    done: u64,
}

impl Calling {
    /// What was called.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }
}

impl Session {
    /// Starts an adapter.
    ///
    /// # Errors
    /// It cannot be started, or does not answer as the protocol has it.
    pub fn start(
        manifest: &Manifest,
        around: Surroundings,
        seed: u64,
        canary: Option<Canary>,
    ) -> Result<Session, Fault> {
        let mut session = Session {
            manifest: manifest.clone(),
            around,
            seed,
            canary,
            process: None,
            hello: Hello::default(),
            next_id: 1,
            next_job: 0,
            traces: 0,
            program: Program::default(),
            ends: BTreeMap::new(),
            calls: 0,
            done: 0,
        };
        session.start_process()?;
        Ok(session)
    }

    fn start_process(&mut self) -> Result<(), Fault> {
        let mut process = Process::start(&self.manifest, self.around.number)?;
        process.write(json(&Command::Hello(Greeting {
            hello: wire::VERSION,
            dialect: self.manifest.dialect,
            root: self.around.root.display().to_string(),
            http: self.around.http.clone(),
            certificate: Some(self.around.certificate.display().to_string()),
            seed: self.seed,
        })));
        let limit = self.manifest.start();
        let during = || "it starts".to_owned();
        let hello = match process.next(Instant::now() + limit, &during)? {
            Some(Line::Hello(hello)) if hello.hello == wire::VERSION => hello,
            Some(Line::Hello(hello)) => return Err(Fault::Version(hello.hello)),
            Some(_) => return Err(Fault::Disorder("the first line is not `hello`".to_owned())),
            None => return Err(Fault::Silent { limit, during: during(), stderr: process.stderr() }),
        };
        self.hello = hello;
        self.process = Some(process);
        Ok(())
    }

    /// Who it is, and what it can do.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The manifest it was started by.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How it is tampered with.
    #[must_use]
    pub const fn canary(&self) -> Option<Canary> {
        self.canary
    }

    /// How long things may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { due: self.manifest.due(), quiet: self.manifest.quiet() }
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.manifest.dialect
    }

    /// Whether it can do this: one of [`wire::can`].
    #[must_use]
    pub fn can(&self, word: &str) -> bool {
        self.hello.can.iter().any(|known| known == word)
    }

    /// How long the slowest of its methods may take; no time where it names none.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.hello.slow_ms.values().copied().max().map_or(Duration::ZERO, Duration::from_millis)
    }

    /// Whether it passes on this method.
    #[must_use]
    pub fn has(&self, method: Method) -> bool {
        self.hello.methods.iter().any(|known| known == method.name())
    }

    /// Whether it passes on this event.
    #[must_use]
    pub fn reports(&self, event: Event) -> bool {
        self.hello.events.iter().any(|known| *known == event.to_string())
    }

    /// A destination of this name, in the words of the implementation.
    #[must_use]
    pub fn destination(&self, name: &str) -> String {
        match &self.hello.dir {
            Some(dir) => format!("{dir}{name}"),
            None => self.around.root.join(name).display().to_string(),
        }
    }

    /// Where that destination is for us.
    #[must_use]
    pub fn seen_at(&self, name: &str) -> PathBuf {
        self.hello.seen_at.as_ref().map_or_else(|| self.around.root.clone(), PathBuf::from).join(name)
    }

    /// The kinds of events that its traces have.
    #[must_use]
    pub fn records(&self) -> Vec<Recorded> {
        let mut records = vec![Recorded::Call, Recorded::Return, Recorded::Enter, Recorded::Leave];
        if self.can(can::GIVEN) {
            records.push(Recorded::Given);
        }
        records
    }

    /// Calls made so far, in all programs.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether any command was ever done. An adapter that has done none is at fault when it does not answer; behind others the
    /// implementation may hang.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        self.done > 0
    }

    /// Begins a program. The process is started again where it is gone.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub fn begin(&mut self) -> Result<(), Fault> {
        if self.process.is_none() {
            self.start_process()?;
        }
        self.ends.clear();
        self.program = Program::default();
        Ok(())
    }

    /// Ends the process. The next program has a new one.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Makes a call on a thread of the adapter, and waits until it is back. A CreateJob makes the next job of the program.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub fn call(&mut self, thread: ThreadId, job: Option<JobId>, call: &Call) -> Result<Answered, Fault> {
        let calling = self.start_call((thread, UserId(0)), job, call);
        self.await_call(&calling)
    }

    /// Makes a call on a thread of the adapter and for a user, and does not wait for it. A CreateJob makes the next job of the program.
    pub fn start_call(
        &mut self,
        (thread, user): (ThreadId, UserId),
        job: Option<JobId>,
        call: &Call,
    ) -> Calling {
        let number = match call {
            Call::CreateJob { .. } => Some(self.new_job()),
            _ => job.and_then(|job| self.program.jobs.get(job.index()).copied()),
        };
        self.calls += 1;
        let id = self.id();
        let planned = PlannedCall::of(number, &self.tampered(call));
        let open = OpenCall { id: CallId(self.program.calls), job, call: call.clone(), thread, user };
        self.program.open.insert(id, open);
        self.program.calls += 1;
        self.send(id, Verb::Call { thread: thread.0, user: user.0, call: planned });
        Calling { id, method: call.method() }
    }

    /// Waits until a call is back.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub fn await_call(&mut self, calling: &Calling) -> Result<Answered, Fault> {
        let Calling { id, method } = *calling;
        let slow = self.hello.slow_ms.get(method.name()).map(|ms| Duration::from_millis(*ms));
        let limit = slow.map_or(self.manifest.call(), |slow| slow.max(self.manifest.call()));
        let during = || format!("it makes the call {method}");
        let Some(end) = self.await_end(id, limit, &during)? else {
            let stderr = self.process.take().map(|process| process.stderr()).unwrap_or_default();
            if self.has_answered() && self.has_started(calling) {
                self.program.is_unanswered(id);
                return Ok(Answered::Open);
            }
            if self.has_answered() {
                return Err(Fault::NotBegun { limit, method, stderr });
            }
            return Err(Fault::Silent { limit, during: during(), stderr });
        };
        self.answered(end, method)
    }

    /// Whether a call that was not awaited was begun, by the lines read so far: a busy adapter takes its time.
    #[must_use]
    pub fn has_started(&self, calling: &Calling) -> bool {
        let Some(open) = self.program.open.get(&calling.id) else { return true };
        let starts =
            |happening: &Happening| matches!(&happening.what, Kind::Call(line) if line.id == open.id);
        self.program.happened.iter().rev().any(starts)
    }

    /// Whether a call that was not awaited is back, by the lines read so far.
    #[must_use]
    pub fn is_back(&self, calling: &Calling) -> bool {
        self.ends.contains_key(&calling.id)
    }

    fn answered(&self, end: End, method: Method) -> Result<Answered, Fault> {
        if let Some(why) = end.unimplemented {
            return Ok(Answered::Unimplemented(why));
        }
        let Some(hr) = end.hr else {
            return Err(Fault::Disorder(format!(
                "the end of the call {method} has neither `hr` nor `unimplemented`"
            )));
        };
        let out = end.out.map(|out| out.to_contract(&|number| self.program.job(number)));
        Ok(Answered::Returned { hr, out })
    }

    /// The state of a job, from outside of any client. None when it is gone.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn poll(&mut self, job: JobId) -> Result<Option<JobState>, Fault> {
        let Some(number) = self.program.jobs.get(job.index()).copied() else { return Ok(None) };
        let id = self.id();
        self.send(id, Verb::Poll { poll: number });
        let end = self.end_of(id, self.manifest.call(), "it polls the state of a job")?;
        let state = match end.out {
            Some(WireOut::State(state)) => Some(state),
            _ => None,
        };
        let call = CallId(self.program.calls);
        self.program.calls += 1;
        let called = CallLine {
            id: call,
            thread: ThreadId::OBSERVER,
            user: UserId(0),
            inside: None,
            job: Some(job),
            call: Call::GetState,
        };
        let hr = if state.is_some() { HResult::S_OK } else { HResult::BG_E_NOT_FOUND };
        let back = ReturnLine { call, job: Some(job), hr, out: state.map_or(Out::None, Out::State) };
        self.program.happens(end.q0.unwrap_or(end.q), Kind::Call(called));
        self.program.happens(end.q, Kind::Return(back));
        Ok(state)
    }

    /// Forgets the poll that was made last: the job was on its way.
    pub fn forget_poll(&mut self) {
        let happened = &mut self.program.happened;
        let of = |happening: &Happening| match &happening.what {
            Kind::Call(call) if call.thread == ThreadId::OBSERVER => Some(call.id),
            _ => None,
        };
        let Some(last) = happened.iter().rev().find_map(of) else { return };
        happened.retain(|happening| match &happening.what {
            Kind::Call(call) => call.id != last,
            Kind::Return(back) => back.call != last,
            _ => true,
        });
    }

    /// How the next callbacks end.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn order(&mut self, leaves: Vec<Order>) -> Result<(), Fault> {
        self.command(Verb::Leaves { leaves }, "it takes orders for callbacks").map(drop)
    }

    /// Lets a callback that was held return.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn release(&mut self, enter: u64) -> Result<(), Fault> {
        self.command(Verb::Release { release: enter }, "it releases a callback").map(drop)
    }

    /// Any other command. Returns its end.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn command(&mut self, verb: Verb, during: &str) -> Result<End, Fault> {
        let id = self.id();
        self.send(id, verb);
        self.end_of(id, self.manifest.call(), during)
    }

    /// Ends the implementation and starts it again. Returns what it has lost, in the adapter's words.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn restart(&mut self, how: RestartKind) -> Result<Vec<String>, Fault> {
        let id = self.id();
        self.send(id, Verb::Restart { restart: how });
        let limit = self.manifest.start().max(self.manifest.call());
        let end = self.end_of(id, limit, "it restarts the implementation")?;
        if let Some(why) = end.unimplemented {
            return Err(Fault::Disorder(format!("`restart` is in `can`, and unimplemented: {why}")));
        }
        self.program.happens(end.q, Kind::Restart {});
        // A callback that was inside has no caller to return to.
        self.program.inside.clear();
        Ok(end.lost)
    }

    /// A command that the protocol does not have. Returns its end.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn unknown(&mut self, mut command: serde_json::Value, during: &str) -> Result<End, Fault> {
        let id = self.id();
        command["id"] = id.into();
        if let Some(process) = &mut self.process {
            process.write(command.to_string());
        }
        self.end_of(id, self.manifest.call(), during)
    }

    /// Ends every job of the adapter. Returns the numbers of those that could not be ended.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn reset(&mut self) -> Result<Vec<u32>, Fault> {
        let id = self.id();
        self.send(id, Verb::Reset { reset: true });
        let limit = self.manifest.call().max(self.slowest());
        self.end_of(id, limit, "it ends its jobs").map(|end| end.left)
    }

    /// Runs races, and returns the trace of each run.
    ///
    /// # Errors
    /// The adapter does something wrong, or does not answer.
    pub fn race(&mut self, race: RaceOrder, limit: Duration, header: &Header) -> Result<Vec<Trace>, Fault> {
        self.begin()?;
        let race = self.tampered_race(race);
        self.program.jobs = race.runs.iter().map(|run| run.job).collect();
        let runs = self.program.jobs.len();
        let id = self.id();
        self.send(id, Verb::Race { race });
        let end = self.end_of(id, limit, "it runs races")?;
        if let Some(why) = end.unimplemented {
            return Err(Fault::Disorder(format!("it can `race`, and answers that it cannot: {why}")));
        }
        // What is late comes with the lines of the race: callbacks that are on their way when it ends are waited for.
        self.rest(self.manifest.quiet())?;
        let happened = std::mem::take(&mut self.program.happened);
        let traces: Vec<Trace> = by_job(happened, runs)
            .into_iter()
            .zip(0..)
            .map(|(part, run)| trace(part, header, Some(JobId(run))))
            .collect();
        Ok(traces.into_iter().map(|trace| self.tampered_trace(trace)).collect())
    }

    /// A number for a job of a race.
    pub fn new_race_job(&mut self) -> u32 {
        let number = self.next_job;
        self.next_job += 1;
        number
    }

    /// Takes in what comes until `is_done` is true, or time is over. Whether it became true.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub fn wait(
        &mut self,
        limit: Duration,
        is_done: &mut dyn FnMut(&Session) -> bool,
    ) -> Result<bool, Fault> {
        let until = Instant::now() + limit;
        loop {
            if is_done(self) {
                return Ok(true);
            }
            // One that never stops writing is awaited no longer than one that is silent.
            if !self.take_in(until, &|| "callbacks are awaited".to_owned())? || Instant::now() >= until {
                return Ok(is_done(self));
            }
        }
    }

    /// Takes in what comes until nothing has come for so long. What never rests is left after the time for a call.
    ///
    /// # Errors
    /// The adapter does something wrong.
    pub fn rest(&mut self, quiet: Duration) -> Result<(), Fault> {
        let until = Instant::now() + self.manifest.call().max(quiet * 2);
        while self.process.is_some()
            && Instant::now() < until
            && self.take_in(Instant::now() + quiet, &|| "it is at rest".to_owned())?
        {}
        Ok(())
    }

    /// Callbacks of the program that have entered so far, and how many of them have left.
    #[must_use]
    pub fn callbacks(&self) -> (u32, u32) {
        (self.program.entered, self.program.left)
    }

    /// The adapter's number of a job of the program.
    #[must_use]
    pub fn number(&self, job: JobId) -> Option<u32> {
        self.program.jobs.get(job.index()).copied()
    }

    /// The program's job of one of the adapter's numbers.
    #[must_use]
    pub fn job(&self, number: u32) -> Option<JobId> {
        self.program.job(number)
    }

    /// Calls from inside of callbacks that have come back so far.
    #[must_use]
    pub fn own_back(&self) -> usize {
        self.program.own_back
    }

    /// Callbacks of this event on this job that have entered so far.
    #[must_use]
    pub fn entered_of(&self, job: JobId, event: Event) -> usize {
        self.program.entered_of.get(&(job, event)).copied().unwrap_or(0)
    }

    /// Callbacks of this event on this job that have left so far.
    #[must_use]
    pub fn left_of(&self, job: JobId, event: Event) -> usize {
        self.program.left_of.get(&(job, event)).copied().unwrap_or(0)
    }

    /// The callbacks that run now, by the adapter's numbers.
    #[must_use]
    pub fn inside(&self) -> Vec<u64> {
        self.program.inside.keys().copied().collect()
    }

    /// The callbacks of a job that run now, by the adapter's numbers, and their receivers.
    #[must_use]
    pub fn inside_of(&self, job: JobId) -> Vec<(u64, Told)> {
        let inside = self.program.inside.iter();
        inside.filter(|(_, (_, of, ..))| *of == job).map(|(number, (.., told))| (*number, *told)).collect()
    }

    /// Events of the program so far.
    #[must_use]
    pub fn events(&self) -> usize {
        self.program.happened.len()
    }

    /// The lines of the program from this number on, in the order of the adapter's counter, and the number of the next one.
    #[must_use]
    pub fn heard_since(&self, number: u64) -> (Vec<Heard>, u64) {
        (self.program.since(number), self.program.heard)
    }

    /// Whether the process is gone, after a command that it did not answer.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.process.is_none()
    }

    /// The trace of the program so far.
    #[must_use]
    pub fn finish(&mut self, header: &Header) -> Trace {
        let happened = std::mem::take(&mut self.program.happened);
        let trace = trace(happened, header, None);
        self.tampered_trace(trace)
    }

    /// Ends the adapter. What was wrong with its end, if anything was.
    pub fn end(mut self) -> Option<Fault> {
        self.process.take().and_then(Process::finish)
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn new_job(&mut self) -> u32 {
        let number = self.new_race_job();
        self.program.jobs.push(number);
        number
    }

    fn send(&mut self, id: i64, verb: Verb) {
        if let Some(process) = &mut self.process {
            process.write(json(&Command::Do { id, verb }));
        }
    }

    /// The end of a command that has to be answered.
    fn end_of(&mut self, id: i64, limit: Duration, during: &str) -> Result<End, Fault> {
        if let Some(end) = self.await_end(id, limit, &|| during.to_owned())? {
            return Ok(end);
        }
        let stderr = self.process.take().map(|process| process.stderr()).unwrap_or_default();
        Err(Fault::Silent { limit, during: during.to_owned(), stderr })
    }

    fn await_end(
        &mut self,
        id: i64,
        limit: Duration,
        during: &dyn Fn() -> String,
    ) -> Result<Option<End>, Fault> {
        let until = Instant::now() + limit;
        loop {
            if let Some(end) = self.ends.remove(&id) {
                return Ok(Some(end));
            }
            if !self.take_in(until, during)? || Instant::now() >= until {
                return Ok(self.ends.remove(&id));
            }
        }
    }

    /// Takes in one line; false when none came in time.
    fn take_in(&mut self, until: Instant, during: &dyn Fn() -> String) -> Result<bool, Fault> {
        let Some(process) = &mut self.process else { return Ok(false) };
        let line = match process.next(until, during) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(false),
            Err(fault) => {
                self.process = None;
                return Err(fault);
            }
        };
        let absorbed = self.absorb(line, during);
        if absorbed.is_err() {
            self.process = None;
        }
        absorbed.map(|()| true)
    }

    fn absorb(&mut self, line: Line, during: &dyn Fn() -> String) -> Result<(), Fault> {
        match line {
            Line::Hello(_) => Err(Fault::Disorder("a second `hello`".to_owned())),
            Line::Start(start) => self.program.start(start),
            Line::End(end) => {
                self.done += 1;
                self.program.end(&end).map(|()| drop(self.ends.insert(end.end, end)))
            }
            Line::Enter(_) | Line::Leave(_) if self.canary == Some(Canary::NeverCallsBack) => Ok(()),
            Line::Enter(mut enter) => {
                if self.can(can::GIVEN) && matches!(enter.receiver, WireReceiver::Object(_)) {
                    // Nothing that was looked at is no sign that the object was not called.
                    enter.given.get_or_insert_default();
                }
                self.program.enter(&enter)
            }
            Line::Leave(leave) => self.program.leave(&leave),
            Line::Errored(errored) => {
                let traceback = errored.traceback.unwrap_or_default();
                let traceback = traceback.lines().map(|line| format!("\n    {line}")).collect();
                Err(Fault::Errored { during: during(), message: errored.message, traceback })
            }
        }
    }
}

/// A command as a line. It is plain data with text keys, which always has a JSON form.
fn json(command: &Command) -> String {
    serde_json::to_string(command).unwrap_or_default()
}

/// An order that a callback of this event fails, throws, or exits with a code.
#[must_use]
pub fn order_for(event: Event, leave: contract::event::Leave) -> Order {
    use contract::event::Leave as How;
    let action = match leave {
        How::Returned(hr) => Action { hr: Some(hr), ..Action::default() },
        How::Panicked => Action { throw: true, ..Action::default() },
        How::Exited(code) => Action { exit: Some(code), ..Action::default() },
    };
    Order { event: event.to_string(), job: None, action }
}
