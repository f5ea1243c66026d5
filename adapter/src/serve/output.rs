//! The counter, and the lines that go out.

use std::io::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Where lines go. One line is never mixed with another.
pub(super) struct Output {
    q: AtomicU64,
    own: AtomicI64,
    lines: Mutex<Lines>,
}

struct Lines {
    to: Box<dyn Write + Send>,
    /// What a race holds back.
    held: Vec<u8>,
    races: u32,
}

impl Output {
    pub(super) fn new(to: Box<dyn Write + Send>) -> Output {
        let lines = Lines { to, held: Vec::new(), races: 0 };
        Output { q: AtomicU64::new(0), own: AtomicI64::new(-1), lines: Mutex::new(lines) }
    }

    /// The counter, at the moment of an event.
    pub(super) fn next_q(&self) -> u64 {
        self.q.fetch_add(1, Ordering::SeqCst)
    }

    /// A number for a call that the adapter makes by itself.
    pub(super) fn next_own(&self) -> i64 {
        self.own.fetch_sub(1, Ordering::SeqCst)
    }

    /// Writes a line. Outside of races it is out when this is back.
    pub(super) fn write(&self, line: &impl Serialize) {
        let mut text = Vec::with_capacity(128);
        // A line is plain data with text keys, which always has a JSON form.
        if serde_json::to_writer(&mut text, line).is_err() {
            return;
        }
        text.push(b'\n');
        let mut lines = self.lines();
        if lines.races > 0 {
            lines.held.extend_from_slice(&text);
        } else {
            lines.send(&text);
        }
    }

    /// Lines are held back from now on.
    pub(super) fn race_begins(&self) {
        self.lines().races += 1;
    }

    /// Lines go out again, those that were held back first.
    pub(super) fn race_ends(&self) {
        let mut lines = self.lines();
        lines.races = lines.races.saturating_sub(1);
        lines.release();
    }

    /// Writes what is held back, whether or not a race goes on.
    pub(super) fn release(&self) {
        self.lines().release();
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.send(&held);
    }

    fn send(&mut self, text: &[u8]) {
        // When bgcheck no longer reads, the input ends, too.
        let _ = self.to.write_all(text).and_then(|()| self.to.flush());
    }
}
