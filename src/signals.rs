//! Ctrl-C and SIGTERM: once means to stop and print what is known, twice means to quit.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::watch::Stopping;

static SEEN: AtomicU32 = AtomicU32::new(0);

/// From here on, a signal does not end this process at once.
pub(crate) fn catch() {
    // Without a handler a signal ends the process, as it does everywhere.
    let _ = ctrlc::set_handler(|| {
        SEEN.fetch_add(1, Ordering::Relaxed);
    });
}

/// What has been asked for by signals.
pub(crate) fn stopping() -> Stopping {
    match SEEN.load(Ordering::Relaxed) {
        0 => Stopping::No,
        1 => Stopping::Soon,
        _ => Stopping::Now,
    }
}

/// Whether a signal has come.
pub(crate) fn has_come() -> bool {
    stopping() != Stopping::No
}
