//! The side that works: it sends the watcher how far it is. A process without a watcher sends nothing.

use std::io::{BufRead as _, Write as _};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reports::{ExitCode, Failure, Results, RuleId, Signal, Subject};

use super::message::{Limit, MARK, Message};
use super::reaper;
use crate::{progress, signals};

/// What marks the process that works.
pub(super) const WORKER: &str = "BGCHECK_WORKER";

/// What the variable has for a worker that reads what the watcher sends to its stdin.
pub(super) const HEARD: &str = "heard";

/// Its limit, when one was typed, in milliseconds.
pub(super) const LIMIT: &str = "BGCHECK_LIMIT";

/// How often a sign of life is passed on.
const BEAT: Duration = Duration::from_millis(250);

static SIGNS: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
/// One more than the seed under way; nothing is under way at 0.
static AT: AtomicU64 = AtomicU64::new(0);
static STDOUT: Mutex<()> = Mutex::new(());

/// Whether this process is the one that works.
pub(crate) fn is_worker() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| std::env::var_os(WORKER).is_some())
}

/// A group has ended, and has been waited for.
pub(crate) fn ended(process: u32) {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner).retain(|group| *group != process);
    if !is_worker() {
        reaper::forget(process);
    }
}

/// Makes a command run this program without a watcher: it is no worker, whatever this process is.
pub(crate) fn alone(command: &mut Command) -> &mut Command {
    reaper::in_own_group(command).env_remove(WORKER).env_remove(LIMIT)
}

/// Set when the run is to end early, with its results so far.
pub(crate) fn stop() -> &'static AtomicBool {
    signals::stop()
}

/// Whether the run is to end early.
pub(crate) fn is_stopped() -> bool {
    signals::has_come()
}

/// Begins to listen to the watcher, and to give signs of life.
pub(crate) fn start() {
    signals::collect();
    // Stdin is the watcher's, unless the verb reads it; then the watcher ends the worker without a word.
    if std::env::var_os(WORKER).is_some_and(|how| how == HEARD) {
        // A worker without this thread ends when the watcher ends it.
        let _ = std::thread::Builder::new().name("listener".to_owned()).spawn(listen);
    }
    let _ = std::thread::Builder::new().name("beat".to_owned()).spawn(beat);
}

/// Reads `stop` with the number of a signal. The end of the watcher ends this process, too.
fn listen() {
    for line in std::io::stdin().lock().lines() {
        let stopped = line.ok().and_then(|line| line.strip_prefix("stop ")?.parse().ok());
        if let Some(signal) = stopped {
            signals::come(Signal::of(signal));
        }
    }
    std::process::exit(ExitCode::Internal.code().into());
}

fn beat() {
    let (mut before, mut stood) = (None, None);
    loop {
        std::thread::sleep(BEAT);
        let stands = progress::stands();
        if stands != stood {
            stands.clone().into_iter().for_each(|line| send(&Message::Stands(line)));
            stood = stands;
        }
        let now = (SIGNS.load(Ordering::Relaxed), DONE.load(Ordering::Relaxed), AT.load(Ordering::Relaxed));
        if before.replace(now) != Some(now) {
            let (signs, done, at) = now;
            send(&Message::Beat { signs, done, at: at.checked_sub(1) });
        }
    }
}

/// An engine begins. `again` is the command that does it again, in which `{at}` stands for the seed under way.
pub(crate) fn begin(engine: &str, subject: Option<Subject>, again: &str, limit: Limit) {
    DONE.store(0, Ordering::Relaxed);
    AT.store(0, Ordering::Relaxed);
    let typed = std::env::var(LIMIT).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let limit = typed.map_or(limit, Limit::Time);
    let (engine, again) = (engine.to_owned(), again.to_owned());
    send(&Message::Begin { engine, subject, again, limit });
}

/// A sign of life.
pub(crate) fn sign() {
    SIGNS.fetch_add(1, Ordering::Relaxed);
}

/// So much is done.
pub(crate) fn done(amount: u64) {
    DONE.store(amount, Ordering::Relaxed);
    sign();
}

/// The seed under way.
pub(crate) fn at(seed: u64) {
    if AT.swap(seed.wrapping_add(1), Ordering::Relaxed) == 0 {
        // The first may be the last, and then no beat comes any more.
        let [signs, done] = [&SIGNS, &DONE].map(|count| count.load(Ordering::Relaxed));
        send(&Message::Beat { signs, done, at: Some(seed) });
    }
}

/// A failure was found.
pub(crate) fn found(rule: Option<RuleId>, failure: &Failure) {
    send(&Message::Found { rule, failure: failure.clone() });
}

/// These engines are done.
pub(crate) fn know(results: &Results) {
    if is_worker() {
        send(&Message::Known(Box::new(results.clone())));
    }
}

/// The subject panicked.
pub(crate) fn panicked(what: &str) {
    send(&Message::Panicked(what.to_owned()));
}

/// Groups that were started.
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Ends every group that was started: a run that is stopped does not wait for what they answer.
pub(crate) fn end_groups() {
    let groups = std::mem::take(&mut *GROUPS.lock().unwrap_or_else(PoisonError::into_inner));
    groups.into_iter().for_each(|group| {
        reaper::end_group(group, reaper::How::AtOnce);
    });
}

/// A process with a group of its own was started. The watcher ends it with this one; without a watcher, the reaper does.
pub(crate) fn group(process: u32) {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    if is_worker() {
        send(&Message::Group(process));
    } else {
        reaper::watch(process);
    }
}

fn send(message: &Message) {
    if !is_worker() {
        return;
    }
    // A message is data with text keys, which always has a JSON form.
    let Ok(text) = serde_json::to_string(message) else { return };
    let line = [&[MARK], text.as_bytes(), b"\n"].concat();
    let _whole = STDOUT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stdout = std::io::stdout().lock();
    // A watcher that is gone needs no messages.
    let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
}
