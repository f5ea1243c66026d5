//! The process that outlives this one for a moment, and ends what this one has started.
//!
//! **What it is.** A process that is killed (SIGKILL) cannot end its children. So there is another one, this program again. It receives
//! the number of each group of processes that is started, through a pipe. When the pipe is closed, it ends the groups that are left, and
//! itself.
//!
//! **What it is not.** A watcher: it knows no limit and no engine, and prints nothing.
//!
//! **The law it keeps.** It is started with the first group, so that what starts nothing costs nothing; and it ends with its parent.

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use reports::Signal;

/// What marks the process.
const REAPER: &str = "BGCHECK_REAPER";

/// How a group of processes is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// It is sent this signal, and may print its results so far.
    Asked(Signal),
    AtOnce,
}

/// The process, once it was started; nothing when it could not be.
static STARTED: Mutex<Option<Option<Child>>> = Mutex::new(None);

/// Whether this process is the one.
pub(crate) fn is_reaper() -> bool {
    std::env::var_os(REAPER).is_some()
}

/// From here on this group ends with this process, however that ends.
pub(crate) fn watch(group: u32) {
    send(&format!("+{group}\n"));
}

/// This group has ended.
pub(crate) fn forget(group: u32) {
    send(&format!("-{group}\n"));
}

/// This process is about to end: what is left is ended, and this process waits for the reaper, so that no process stays behind.
pub(crate) fn finish() {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Some(mut reaper)) = started {
        drop(reaper.stdin.take());
        // It ends groups and itself, which takes milliseconds.
        let _ = reaper.wait();
    }
}

fn send(line: &str) {
    if !cfg!(unix) {
        return;
    }
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let reaper = started.get_or_insert_with(|| start().ok());
    if let Some(stdin) = reaper.as_mut().and_then(|reaper| reaper.stdin.as_mut()) {
        // Without it, everything that ends in the usual way is ended, too.
        let _ = stdin.write_all(line.as_bytes());
    }
}

fn start() -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(REAPER, "1").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    in_own_group(&mut command).spawn()
}

/// The work of the process.
pub(crate) fn reap() {
    let mut groups = BTreeSet::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match (line.strip_prefix('+').map(str::parse), line.strip_prefix('-').map(str::parse)) {
            (Some(Ok(group)), _) => {
                groups.insert(group);
            }
            (_, Some(Ok(group))) => {
                groups.remove(&group);
            }
            _ => {}
        }
    }
    groups.into_iter().for_each(|group: u32| {
        end_group(group, How::AtOnce);
    });
}

/// A group of its own, so that what the program starts ends with it, and so that Ctrl-C reaches it through us.
#[cfg(unix)]
pub(crate) fn in_own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0)
}

#[cfg(not(unix))]
pub(crate) fn in_own_group(command: &mut Command) -> &mut Command {
    command
}

/// Ends a group of processes. Returns whether there was one.
#[cfg(unix)]
pub(crate) fn end_group(group: u32, how: How) -> bool {
    use rustix::process::{Pid, Signal as Number, kill_process, kill_process_group};
    let signal = match how {
        How::Asked(Signal::HangUp) => Number::HUP,
        How::Asked(Signal::Interrupt) => Number::INT,
        How::Asked(Signal::Terminate) => Number::TERM,
        How::AtOnce => Number::KILL,
    };
    let group = i32::try_from(group).ok().and_then(Pid::from_raw);
    // A worker that reads what this process is given has no group of its own.
    group.is_some_and(|group| {
        kill_process_group(group, signal).or_else(|_| kill_process(group, signal)).is_ok()
    })
}

#[cfg(not(unix))]
pub(crate) fn end_group(_: u32, _: How) -> bool {
    false
}
