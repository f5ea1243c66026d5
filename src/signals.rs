//! Signals. SIGINT, SIGTERM and SIGHUP: once means to stop and print what is known, twice means to quit. SIGUSR1: print how far it is.
//!
//! **What it is.** One thread that waits for signals, and what has come so far, for everything that runs for long to look at.
//!
//! **What it is not.** A place where work is ended: engines look at [`stop`], watchers at [`stopping`].
//!
//! **The law it keeps.** After the second signal no process of this command goes on for longer than a moment, whatever it does.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use reports::Signal;

use crate::watch::Stopping;

/// Signals that have come and ask for the end.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// The first of them.
static FIRST: AtomicU8 = AtomicU8::new(0);

/// Set when the run is to end early, with its results so far.
static STOP: AtomicBool = AtomicBool::new(false);

/// Set when SIGUSR1 has come and the watcher has to print how far its worker is.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Set when this process has something to print before it ends.
static COLLECTS: AtomicBool = AtomicBool::new(false);

/// From here on a first signal does not end this process: it has something to print.
pub(crate) fn collect() {
    COLLECTS.store(true, Ordering::Relaxed);
}

/// Set when the run is to end early, with its results so far.
pub(crate) fn stop() -> &'static AtomicBool {
    &STOP
}

/// The run is to end early: this signal has come, here or to the watcher.
pub(crate) fn come(signal: Option<Signal>) {
    // The first one counts.
    let number = signal.unwrap_or(Signal::Terminate).number();
    let _ = FIRST.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
    STOP.store(true, Ordering::Relaxed);
    SEEN.fetch_add(1, Ordering::Relaxed);
}

/// What the signals that have come demand.
pub(crate) fn stopping() -> Stopping {
    match (SEEN.load(Ordering::Relaxed), first()) {
        (0, _) | (_, None) => Stopping::No,
        (1, Some(signal)) => Stopping::Soon(signal),
        _ => Stopping::Now,
    }
}

/// Whether a signal has come.
pub(crate) fn has_come() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// The first signal that came.
pub(crate) fn first() -> Option<Signal> {
    Signal::of(FIRST.load(Ordering::Relaxed))
}

/// Whether SIGUSR1 has come since this was last looked at, and the watcher has to print how far its worker is.
pub(crate) fn is_asked() -> bool {
    ASKED.swap(false, Ordering::Relaxed)
}

#[cfg(unix)]
pub(crate) use self::unix::catch;

#[cfg(unix)]
mod unix {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use reports::Signal;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    use super::{ASKED, COLLECTS, come};
    use crate::watch::{reaper, worker};

    /// How long what is known may take to be printed after the second signal: the reader of the output may be blocked.
    const LAST_WORDS: Duration = Duration::from_millis(700);

    /// From here on signals are counted. Whether the first one ends this process, [`super::collect`] decides.
    pub(crate) fn catch() {
        let hang_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        let wanted = [SIGINT, SIGTERM, SIGUSR1].into_iter().chain(hang_up);
        // Without a handler a signal ends the process, as it does everywhere.
        let Ok(signals) = Signals::new(wanted) else { return };
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(move || take(signals));
    }

    fn take(mut signals: Signals) {
        let mut seen = 0;
        for number in signals.forever() {
            let Some(signal) = u8::try_from(number).ok().and_then(Signal::of) else {
                // A process that watches another one prints where that one stands.
                if COLLECTS.load(Ordering::Relaxed) && !crate::progress::is_under_way() {
                    ASKED.store(true, Ordering::Relaxed);
                } else {
                    crate::progress::say_where_it_stands();
                }
                continue;
            };
            seen += 1;
            come(Some(signal));
            let code = i32::from(super::first().unwrap_or(signal).exit_code().code());
            if !COLLECTS.load(Ordering::Relaxed) {
                end(code);
            }
            // A worker is ended by its watcher.
            if seen == 2 && !worker::is_worker() {
                std::thread::spawn(move || {
                    std::thread::sleep(LAST_WORDS);
                    end(code);
                });
            }
        }
    }

    fn end(code: i32) -> ! {
        reaper::finish();
        std::process::exit(code)
    }

    /// Whether a signal was ignored when this process began, as `nohup` wants it; where the system does not show it, it was not.
    fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask & (1 << (signal - 1)) != 0
    }
}

/// From here on Ctrl-C is counted.
#[cfg(not(unix))]
pub(crate) fn catch() {
    // Without a handler Ctrl-C ends the process, as it does everywhere.
    let _ = ctrlc::set_handler(|| {
        come(Some(Signal::Interrupt));
        if !COLLECTS.load(Ordering::Relaxed) {
            std::process::exit(Signal::Interrupt.exit_code().code().into());
        }
    });
}
