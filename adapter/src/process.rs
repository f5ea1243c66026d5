//! The process of an adapter: its lines, what it writes to stderr, and its end.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use contract::Method;

use crate::Manifest;
use crate::wire::{self, Line, LineError, MAX_LINE};

/// The adapter did something wrong, or is gone. It is never a verdict on the implementation.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The program cannot be started.
    #[error("{program} cannot be started: {why}")]
    NotStarted {
        /// The program.
        program: String,
        /// Why.
        why: String,
    },
    /// It has ended.
    #[error("the adapter has ended ({status}) while {during}{stderr}")]
    Ended {
        /// How.
        status: String,
        /// What it did last.
        during: String,
        /// What it has written to stderr last, on lines of its own.
        stderr: String,
    },
    /// A line is none of the protocol.
    #[error("a line of the adapter is none of the protocol: {error}\n    {text}")]
    Line {
        /// The beginning of the line.
        text: String,
        /// What is wrong.
        error: LineError,
    },
    /// Lines do not go together.
    #[error("the adapter's lines do not go together: {0}")]
    Disorder(String),
    /// It answered that it could not carry out a command.
    #[error("the adapter reports a fault of its own while {during}: {message}{traceback}")]
    Errored {
        /// What it was doing.
        during: String,
        /// What went wrong.
        message: String,
        /// Where, on lines of its own.
        traceback: String,
    },
    /// It speaks another version.
    #[error("the adapter speaks version {0} of the protocol, and this is version {ours}", ours = wire::VERSION)]
    Version(u32),
    /// It does not make a call. No implementation is to blame for a call that was never made.
    #[error("the adapter does not begin the call {method} within {} ms{stderr}", limit.as_millis())]
    NotBegun {
        /// How long it had.
        limit: Duration,
        /// What was to be called.
        method: Method,
        /// What it has written to stderr last.
        stderr: String,
    },
    /// It does not answer.
    #[error("the adapter does not answer within {} ms while {during}{stderr}", limit.as_millis())]
    Silent {
        /// How long it had.
        limit: Duration,
        /// What it was doing.
        during: String,
        /// What it has written to stderr last.
        stderr: String,
    },
}

impl Fault {
    /// Whether the process is gone or does not answer. It may be the implementation that died or hangs in it, so there is more to be learned from
    /// a new one.
    #[must_use]
    pub const fn is_interruption(&self) -> bool {
        matches!(self, Fault::Ended { .. } | Fault::Silent { .. } | Fault::NotBegun { .. })
    }
}

/// A running adapter.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<Line, Fault>>,
    stderr: Arc<Mutex<VecDeque<String>>>,
}

/// Called with the process group of each adapter that is started.
static ON_START: OnceLock<fn(u32)> = OnceLock::new();

/// From here on, `hook` is called with the process group of each adapter that is started. A process that may be killed can thus have these
/// groups ended. The first hook stays.
pub fn on_start(hook: fn(u32)) {
    let _ = ON_START.set(hook);
}

/// The variable that has the number of a process among those that run at once.
const NUMBER: &str = "BGCHECK_PROCESS";

/// Lines of stderr that are kept.
const KEPT: usize = 12;

/// Lines that are read ahead. An adapter that never stops writing has to wait.
const AHEAD: usize = 1 << 14;

/// Bytes of a line that a pipe takes although the adapter does not read: few lines are not answered at once.
const SHORT: usize = 4096;

/// How long an adapter may take to end once its input is over.
const GRACE: Duration = Duration::from_secs(2);

impl Process {
    pub(crate) fn start(manifest: &Manifest, number: u64) -> Result<Process, Fault> {
        let [program, args @ ..] = &manifest.command[..] else {
            return Err(Fault::NotStarted { program: String::new(), why: "no program is named".to_owned() });
        };
        let not_started =
            |why: std::io::Error| Fault::NotStarted { program: program.clone(), why: why.to_string() };
        // A path is one below the manifest's directory; a bare name is looked up.
        let path = if program.contains(['/', '\\']) {
            std::path::absolute(manifest.directory.join(program)).map_err(not_started)?
        } else {
            program.into()
        };
        let mut command = Command::new(path);
        command.args(args).current_dir(&manifest.directory);
        command.env(NUMBER, number.to_string()).envs(&manifest.env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = in_own_group(&mut command).spawn().map_err(not_started)?;
        if let Some(hook) = ON_START.get() {
            hook(child.id());
        }
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(pipe) = child.stderr.take() {
            let kept = Arc::clone(&stderr);
            std::thread::spawn(move || keep(pipe, &kept));
        }
        let (send, lines) = sync_channel(AHEAD);
        if let Some(pipe) = child.stdout.take() {
            std::thread::spawn(move || read(pipe, &|line| send.send(line).is_ok()));
        }
        let stdin = child.stdin.take();
        Ok(Process { child, stdin, lines, stderr })
    }

    /// Writes a line. An adapter that no longer reads is noticed by its missing answer.
    pub(crate) fn write(&mut self, mut line: String) {
        line.push('\n');
        let Some(stdin) = &mut self.stdin else { return };
        let own = if line.len() > SHORT { another_end(stdin).ok() } else { None };
        let written = match own {
            // An adapter that does not read would keep us from seeing that it does not answer. The thread ends with the process.
            Some(mut end) => {
                std::thread::spawn(move || end.write_all(line.as_bytes()));
                Ok(())
            }
            None => stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()),
        };
        if written.is_err() {
            self.stdin = None;
        }
    }

    /// The next line, if one comes in time.
    pub(crate) fn next(
        &mut self,
        until: Instant,
        during: &dyn Fn() -> String,
    ) -> Result<Option<Line>, Fault> {
        let wait = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(wait) {
            Ok(line) => line.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(during())),
        }
    }

    fn ended(&mut self, during: String) -> Fault {
        let until = Instant::now() + GRACE;
        let mut status = self.child.try_wait();
        while matches!(status, Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
            status = self.child.try_wait();
        }
        let status = match status {
            Ok(Some(status)) => status.to_string(),
            _ => "its output is closed".to_owned(),
        };
        Fault::Ended { status, during, stderr: self.stderr() }
    }

    /// What it has written to stderr last, to stand behind a sentence.
    pub(crate) fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|line| format!("\n    stderr: {line}")).collect()
    }

    /// Closes its input, and waits a while for its end.
    pub(crate) fn finish(mut self) -> Option<Fault> {
        self.stdin = None;
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Ok(Some(status)) if !status.success() => {
                    let during = "its input is over".to_owned();
                    return Some(Fault::Ended { status: status.to_string(), during, stderr: self.stderr() });
                }
                _ => return None,
            }
        }
        Some(Fault::Silent { limit: GRACE, during: "its input is over".to_owned(), stderr: self.stderr() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            end_group(self.child.id());
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn read(pipe: impl Read, send: &dyn Fn(Result<Line, Fault>) -> bool) {
    let mut pipe = BufReader::with_capacity(1 << 16, pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let limit = MAX_LINE as u64 + 2;
        match pipe.by_ref().take(limit).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let line = Line::parse(text)
            .map_err(|error| Fault::Line { text: text.chars().take(SHOWN).collect(), error });
        let is_over = line.is_err();
        if !send(line) || is_over {
            return;
        }
    }
}

/// Characters that are shown of a line that is wrong.
const SHOWN: usize = 300;

fn keep(pipe: impl Read, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(pipe).split(b'\n') {
        let Ok(mut line) = line else { return };
        line.truncate(SHOWN);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}

/// Another handle to the input of a process.
#[cfg(unix)]
fn another_end(stdin: &ChildStdin) -> std::io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    stdin.as_fd().try_clone_to_owned().map(Into::into)
}

#[cfg(windows)]
fn another_end(stdin: &ChildStdin) -> std::io::Result<std::fs::File> {
    use std::os::windows::io::AsHandle as _;
    stdin.as_handle().try_clone_to_owned().map(Into::into)
}

/// A group of its own, so that what the adapter starts ends with it, and so that Ctrl-C does not reach it before us.
#[cfg(unix)]
fn in_own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0)
}

#[cfg(not(unix))]
fn in_own_group(command: &mut Command) -> &mut Command {
    command
}

#[cfg(unix)]
fn end_group(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // A group without a process is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: u32) {}
