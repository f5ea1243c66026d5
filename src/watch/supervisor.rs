//! The side that watches.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use reports::{
    Agreement, Amount, Approach, Ended, EngineResult, ExitCode, Failure, Finding, Ran, Results, RuleId,
    RuleResult, Signal, Status, Subject, Unit,
};

use super::message::{Limit, MARK, Message};
use super::reaper::{How, end_group};
use super::{reaper, threads, worker};
use crate::signals;

/// What to run.
pub(crate) struct Order {
    /// The arguments of the worker.
    pub(crate) args: Vec<OsString>,
    pub(crate) input: Input,
    /// A limit that was typed.
    pub(crate) limit: Option<Duration>,
    /// Memory that it may take.
    pub(crate) memory: u64,
    /// Variables of its environment.
    pub(crate) env: Vec<(&'static str, String)>,
}

/// What the worker reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// Nothing but the watcher.
    None,
    /// What this process is given. Then it receives only signals of the watcher.
    Stdin,
}

/// What came of a worker.
pub(crate) struct Watched {
    pub(crate) end: End,
    pub(crate) known: Known,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// By itself, with this code.
    Exited(u8),
    /// Its limit was over: what its threads did then.
    Hung { limit: Limit, threads: Vec<String> },
    /// It died, and how.
    Died(String),
    /// It was killed from outside.
    Killed,
    /// It took more memory than this.
    Memory(u64),
    /// It was stopped, and did not end by itself.
    Stopped,
}

/// What the listener wants of its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stopping {
    No,
    /// It is to end with its results so far: this signal has come.
    Soon(Signal),
    /// It is to end now.
    Now,
}

/// Who waits for a worker.
pub(crate) trait Listener {
    /// The worker has written this line.
    fn line(&mut self, line: &[u8]);
    /// The worker has found this.
    fn found(&mut self, engine: &str, failure: &Failure) {
        let (_, _) = (engine, failure);
    }
    /// Called now and then.
    fn stopping(&mut self) -> Stopping;
    /// Called with where the worker stands, after SIGUSR1.
    fn stands(&mut self, where_it_stands: &str);
}

/// How often a worker is looked at.
const BEAT: Duration = Duration::from_millis(25);

/// How often its memory is looked at.
const MEMORY_BEAT: Duration = Duration::from_millis(100);

/// A change of its memory that is a sign of life.
const LIFE_BYTES: u64 = 1 << 20;

/// How long a worker may take to end once it was sent the stop. Its results so far are printed within two seconds.
const GRACE: Duration = Duration::from_millis(1_300);

/// How long what a worker has written last may be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// How long a worker may be quiet before it names an engine. It builds in that time, and a linker is quiet for long.
const FIRST: Duration = Duration::from_secs(1_800);

/// Runs a worker to its end, whatever it does.
pub(crate) fn run(order: &Order, listener: &mut dyn Listener) -> std::io::Result<Watched> {
    let mut child = start(order)?;
    if order.input == Input::Stdin {
        // The stdin of the others ends when this process is gone.
        reaper::watch(child.id());
    }
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (send, lines) = channel();
    let reader = stdout.map(|stdout| {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n') {
                let Ok(line) = line else { return };
                if send.send(line).is_err() {
                    return;
                }
            }
        })
    });
    let mut watch = Watch {
        child,
        stdin,
        lines,
        known: Known::default(),
        groups: Vec::new(),
        limit: order.limit.map_or(Limit::Silence(FIRST), Limit::Time),
        alive: Instant::now(),
        asked: None,
        memory: order.memory,
        resident: 0,
        looked: Instant::now(),
    };
    let end = watch.run_to_end(listener);
    watch.kill();
    // What it wrote last may still be on its way.
    let until = Instant::now() + ON_ITS_WAY;
    while reader.as_ref().is_some_and(|reader| !reader.is_finished()) && Instant::now() < until {
        watch.take(listener);
    }
    watch.take(listener);
    let Watch { known, .. } = watch;
    // A worker whose subject panicked has sent the message of the panic.
    let end = match (end, &known.panicked) {
        (End::Exited(code), Some(what)) if code == ExitCode::Internal.code() => {
            End::Died(format!("the subject panicked: {what}"))
        }
        (end, _) => end,
    };
    Ok(Watched { end, known })
}

fn start(order: &Order) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let (stdin, how) = match order.input {
        Input::None => (Stdio::piped(), worker::HEARD),
        Input::Stdin => (Stdio::inherit(), "alone"),
    };
    command.args(&order.args).stdin(stdin).stdout(Stdio::piped()).env(worker::WORKER, how);
    command.envs(order.env.iter().map(|(name, value)| (name, value)));
    if let Some(limit) = order.limit {
        command.env(worker::LIMIT, limit.as_millis().to_string());
    }
    #[cfg(unix)]
    if order.input == Input::None {
        use std::os::unix::process::CommandExt as _;
        // So that Ctrl-C reaches the watcher alone, and that everything the worker starts can be ended with it.
        command.process_group(0);
    }
    command.spawn()
}

struct Watch {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    known: Known,
    /// Groups of processes that end with the worker.
    groups: Vec<u32>,
    limit: Limit,
    /// Since when the limit counts.
    alive: Instant,
    /// When it was sent the stop.
    asked: Option<Instant>,
    memory: u64,
    /// What it had when it was looked at.
    resident: u64,
    looked: Instant,
}

impl Watch {
    fn run_to_end(&mut self, listener: &mut dyn Listener) -> End {
        loop {
            let open = self.take(listener);
            match self.child.try_wait() {
                Ok(Some(status)) => return ended(status),
                Ok(None) => {}
                Err(error) => return End::Died(format!("it cannot be waited for: {error}")),
            }
            if !open {
                // It has closed its stdout and is about to end.
                std::thread::sleep(BEAT);
            }
            match listener.stopping() {
                Stopping::No => {}
                Stopping::Now => return End::Stopped,
                Stopping::Soon(signal) => self.ask(signal),
            }
            if signals::is_asked() {
                listener.stands(&self.known.stands());
            }
            if self.asked.is_some_and(|asked| asked.elapsed() > GRACE) {
                return End::Stopped;
            }
            if self.alive.elapsed() > self.limit.length() {
                return End::Hung { limit: self.limit, threads: threads::of_process(self.child.id()) };
            }
            if self.looked.elapsed() > MEMORY_BEAT {
                self.looked = Instant::now();
                let bytes = resident(self.child.id()).unwrap_or(self.resident);
                if bytes > self.memory {
                    return End::Memory(self.memory);
                }
                self.look_for_life(bytes);
            }
        }
    }

    /// A search that finds states takes memory, also in a level that takes long.
    fn look_for_life(&mut self, bytes: u64) {
        if bytes.abs_diff(self.resident) >= LIFE_BYTES {
            self.resident = bytes;
            if matches!(self.limit, Limit::Silence(_)) {
                self.alive = Instant::now();
            }
        }
    }

    /// Sends it the stop, once. One that cannot be reached is ended.
    fn ask(&mut self, signal: Signal) {
        if self.asked.is_some() {
            return;
        }
        let heard =
            self.stdin.as_mut().is_some_and(|stdin| writeln!(stdin, "stop {}", signal.number()).is_ok());
        // One that reads what this process is given catches signals itself.
        let heard = heard || end_group(self.child.id(), How::Asked(signal));
        let long_ago = Instant::now().checked_sub(GRACE * 2);
        self.asked = Some(if heard { Instant::now() } else { long_ago.unwrap_or_else(Instant::now) });
    }

    /// Takes what it has written, for a moment; false when there will be no more.
    fn take(&mut self, listener: &mut dyn Listener) -> bool {
        let until = Instant::now() + BEAT;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.split_first() {
                    Some((&MARK, message)) => self.message(message, listener),
                    _ => listener.line(&line),
                },
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn message(&mut self, text: &[u8], listener: &mut dyn Listener) {
        // A worker that dies may leave half a message.
        let Ok(message) = serde_json::from_slice(text) else { return };
        // The line with where a worker stands changes with the time, whatever the worker does.
        let is_sign = !matches!(message, Message::Stands(_)) && matches!(self.limit, Limit::Silence(_));
        if is_sign || matches!(message, Message::Begin { .. }) {
            self.alive = Instant::now();
        }
        match message {
            Message::Begin { engine, subject, again, limit } => {
                self.limit = limit;
                self.known.under_way =
                    Some(UnderWay { engine, subject, again, began: Instant::now(), ..UnderWay::default() });
            }
            Message::Beat { done, at, .. } => {
                if let Some(under_way) = &mut self.known.under_way {
                    (under_way.done, under_way.at) = (done, at);
                }
            }
            Message::Stands(line) => self.known.stands = Some(line),
            Message::Found { rule, failure } => {
                let under_way = self.known.under_way.get_or_insert_default();
                listener.found(&under_way.engine, &failure);
                under_way.found.push((rule, failure));
            }
            Message::Known(results) => {
                self.known.results = Some(results);
                self.known.under_way = None;
                self.limit = Limit::Silence(FIRST);
                self.alive = Instant::now();
            }
            Message::Panicked(what) => self.known.panicked = Some(what),
            Message::Group(group) => {
                reaper::watch(group);
                self.groups.push(group);
            }
        }
    }

    /// Ends the worker and everything that it has started.
    fn kill(&mut self) {
        for group in self.groups.drain(..).chain([self.child.id()]) {
            end_group(group, How::AtOnce);
            reaper::forget(group);
        }
        // It may have ended by itself in between, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(status: ExitStatus) -> End {
    if let Some(code) = status.code() {
        return u8::try_from(code).map_or_else(|_| End::Died(format!("it ended with {code}")), End::Exited);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        let signal = status.signal().unwrap_or_default();
        match signal {
            // Hang-up, interrupt, quit, terminate.
            1 | 2 | 3 | 15 => return End::Stopped,
            9 => return End::Killed,
            _ => {}
        }
        let named = match signal {
            4 => "an illegal instruction",
            6 => "an abort, such as an overflow of the stack",
            7 | 11 => "an access to memory that is not there, such as an overflow of the stack",
            _ => "a signal",
        };
        End::Died(format!("{named} (signal {signal})"))
    }
    #[cfg(not(unix))]
    End::Died("a signal".to_owned())
}

/// The memory that a process has, in bytes, where the system shows it.
fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What is known of a worker's work.
#[derive(Default)]
pub(crate) struct Known {
    /// The engines that are done.
    pub(crate) results: Option<Box<Results>>,
    under_way: Option<UnderWay>,
    /// Where the worker stands, by its own words.
    stands: Option<String>,
    panicked: Option<String>,
}

/// The engine under way.
#[derive(Debug)]
struct UnderWay {
    engine: String,
    subject: Option<Subject>,
    again: String,
    began: Instant,
    done: u64,
    at: Option<u64>,
    found: Vec<(Option<RuleId>, Failure)>,
}

impl Default for UnderWay {
    fn default() -> Self {
        UnderWay {
            engine: String::new(),
            subject: None,
            again: String::new(),
            began: Instant::now(),
            done: 0,
            at: None,
            found: Vec::new(),
        }
    }
}

impl Known {
    /// How far the worker is, in a line.
    fn stands(&self) -> String {
        let done: Vec<String> =
            self.results.iter().flat_map(|results| &results.engines).map(|one| one.name.clone()).collect();
        let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
        let stands = self.stands.as_deref().unwrap_or("getting ready");
        let Some(under_way) = &self.under_way else { return format!("{stands}; done: {done}") };
        let at = under_way.at.map_or_else(String::new, |seed| format!("; at seed {seed}"));
        format!("{stands}{at}; failures so far: {}; done: {done}", under_way.found.len())
    }

    /// The engine that was under way when the worker ended otherwise than by itself, with what it had found and how it ended. `name` is
    /// for one that has not named itself.
    pub(crate) fn cut_off(&mut self, end: &End, name: &str) -> Option<EngineResult> {
        let mut under_way = self.under_way.take().unwrap_or_default();
        if under_way.engine.is_empty() {
            if matches!(end, End::Stopped) {
                return None;
            }
            name.clone_into(&mut under_way.engine);
            if matches!(end, End::Hung { .. }) {
                let why = "what comes before it did not come back: a build, or another program".to_owned();
                return Some(under_way.named(Status::Failed { why }));
            }
        }
        Some(under_way.result(end))
    }
}

/// What a worker's end is blamed on.
enum Blame {
    /// A rule is broken so.
    Rule(&'static str, Box<Failure>),
    /// The engine did not work.
    Engine(String),
    Nothing,
}

impl UnderWay {
    fn result(self, end: &End) -> EngineResult {
        let blame = self.blame(end);
        let status = match blame {
            Blame::Engine(why) if self.found.is_empty() => Status::Failed { why },
            blame => Status::Ran(self.ran(blame, end)),
        };
        self.named(status)
    }

    fn named(self, status: Status) -> EngineResult {
        EngineResult {
            name: self.engine,
            subject: self.subject,
            dialect: None,
            scope: None,
            switches: String::new(),
            status,
        }
    }

    fn ran(&self, blame: Blame, end: &End) -> Ran {
        let mut findings: Vec<RuleResult> = Vec::new();
        let mut disagreements = Vec::new();
        for (rule, failure) in self.found.iter().cloned() {
            match rule {
                Some(rule) => findings.push(RuleResult { rule, finding: Finding::broken(failure) }),
                None => disagreements.push(failure),
            }
        }
        if let Blame::Rule(rule, failure) = blame {
            findings.push(RuleResult { rule: RuleId(rule.to_owned()), finding: Finding::Violated(*failure) });
        }
        // Of an exploration that was stopped is known that it broke nothing so far, and no more.
        let approach = match (end, self.unit()) {
            (End::Stopped, Unit::States) => Approach::Exhaustive,
            _ => Approach::Sampling,
        };
        Ran {
            approach,
            ended: Ended::BudgetSpent,
            work: vec![Amount::new(self.unit(), self.done)],
            time_ms: crate::run::millis(self.began.elapsed()),
            findings,
            agreement: (!disagreements.is_empty()).then(|| Agreement {
                what: "what the engine compares".to_owned(),
                compared: self.done,
                disagreements,
            }),
            witnesses: Vec::new(),
            freedoms: Vec::new(),
            windows: None,
            edges: None,
            corpus: None,
            account: None,
        }
    }

    fn unit(&self) -> Unit {
        match &*self.engine {
            name if name.starts_with("check") => Unit::States,
            name if name.starts_with("race") => Unit::Schedules,
            name if name.starts_with("live") => Unit::Jobs,
            _ => Unit::Runs,
        }
    }

    fn blame(&self, end: &End) -> Blame {
        match end {
            End::Hung { limit, threads } => {
                let waited = match limit {
                    Limit::Time(length) => format!("did not come back within {} s", length.as_secs()),
                    Limit::Silence(length) => format!("gave no sign of life for {} s", length.as_secs()),
                };
                Blame::Rule("R16", self.failure("hang", &waited, threads).into())
            }
            End::Died(how) => Blame::Rule("R18", self.failure("crash", &format!("died: {how}"), &[]).into()),
            // A sampler forgets each run. An exploration remembers every state, and that is not the subject's fault.
            End::Memory(bytes) if self.unit() == Unit::States => Blame::Engine(format!(
                "it took more than {} MiB of memory; `--memory SIZE` puts states on the disk",
                bytes >> 20
            )),
            End::Memory(bytes) => {
                let how = format!("took more than {} MiB of memory", bytes >> 20);
                Blame::Rule("R18", self.failure("memory", &how, &[]).into())
            }
            End::Killed => Blame::Engine(
                "it was killed from outside, perhaps because the machine had no memory left".to_owned(),
            ),
            End::Exited(code) if *code != ExitCode::Held.code() => {
                Blame::Engine(format!("it ended with {code}; what it said is above"))
            }
            End::Exited(_) | End::Stopped => Blame::Nothing,
        }
    }

    fn failure(&self, kind: &str, how: &str, threads: &[String]) -> Failure {
        let engine = &self.engine;
        let mut timeline = format!("{engine} {how}, after {} {}", self.done, in_plural(self.unit()));
        if let Some(at) = self.at {
            timeline += &format!(", at seed {at}");
        }
        for thread in threads {
            timeline += &format!("\n  {thread}");
        }
        let command_line = crate::run::command_line();
        let again = match (&*self.again, self.at) {
            ("", _) => command_line,
            (again, Some(at)) => again.replace("{at}", &at.to_string()),
            (again, None) if again.contains("{at}") => command_line,
            (again, None) => again.to_owned(),
        };
        Failure {
            id: format!("{kind}-{}", engine.replace(' ', "-")),
            replay_command: again,
            timeline: timeline + "\n",
            ..Failure::default()
        }
    }
}

const fn in_plural(unit: Unit) -> &'static str {
    match unit {
        Unit::States => "states",
        Unit::Schedules => "schedules",
        Unit::Jobs => "jobs",
        _ => "runs",
    }
}
