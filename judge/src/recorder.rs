//! A recorder that makes a trace.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use contract::event::{EventView, Recorder};

use super::trace::{Header, Line, Trace};

/// Records from many threads. Numbers come from one atomic counter and lines go through a channel, so the recorder puts
/// no lock between threads that the subject does not have.
#[derive(Debug)]
pub struct TraceRecorder {
    next: AtomicU64,
    lines: Sender<Line>,
    /// Locked by [`TraceRecorder::finish`] alone, never while something is recorded.
    recorded: Mutex<Receiver<Line>>,
}

impl TraceRecorder {
    /// A recorder that has recorded nothing; the first number is 1.
    #[must_use]
    pub fn new() -> TraceRecorder {
        let (lines, recorded) = channel();
        TraceRecorder { next: AtomicU64::new(1), lines, recorded: Mutex::new(recorded) }
    }

    /// How many events have been recorded.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next.load(Ordering::SeqCst) - 1
    }

    /// Whether nothing has been recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has been recorded since the last time, in the order of the numbers. To be called when nothing records any
    /// more: an event whose number is taken and whose line is on its way would be missing.
    pub fn finish(&self, header: Header) -> Trace {
        // A thread that panicked in here left the channel as good as it was.
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<Line> = recorded.try_iter().collect();
        lines.sort_unstable_by_key(|line| line.seq);
        Trace { header, lines }
    }
}

impl Default for TraceRecorder {
    fn default() -> TraceRecorder {
        TraceRecorder::new()
    }
}

impl Recorder for TraceRecorder {
    fn record(&self, event: EventView<'_>) {
        // Sequentially consistent: the numbers are the order in which the rules see the threads' events.
        let seq = self.next.fetch_add(1, Ordering::SeqCst);
        // The receiver lives as long as `self`, so nothing can be lost here.
        let _ = self.lines.send(Line::from_view(seq, &event));
    }
}
