//! The connections that are open, how many there may be, and the end of them all.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Open connections at most, each with a thread. More wait in the listener's queue.
pub(super) const MAX_CONNECTIONS: usize = 64;

/// Open connections, until the server stops.
#[derive(Default)]
pub(super) struct Live {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    next: u64,
    sockets: BTreeMap<u64, TcpStream>,
}

/// A connection's place among the open ones. Dropped, it is free.
pub(super) struct Ticket<'a> {
    live: &'a Live,
    number: u64,
}

/// How a pause ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Paused {
    /// The time has passed.
    Over,
    /// The server stops.
    Stopped,
}

impl Live {
    /// Takes a connection in, when there is room. None when the server stops, or the socket cannot be shared.
    pub(super) fn admit(&self, socket: &TcpStream) -> Option<Ticket<'_>> {
        let socket = socket.try_clone().ok()?;
        let full = |state: &mut State| !state.stopped && state.sockets.len() >= MAX_CONNECTIONS;
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.sockets.insert(number, socket);
        Some(Ticket { live: self, number })
    }

    /// Lets time pass, unless the server stops.
    pub(super) fn pause(&self, time: Duration) -> Paused {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.stopped);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.stopped { Paused::Stopped } else { Paused::Over }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Ends all connections, whatever they are doing, and admits no more.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        for socket in state.sockets.values() {
            // A socket that is closed already needs nothing.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.live.lock().sockets.remove(&self.number);
        self.live.changed.notify_all();
    }
}
