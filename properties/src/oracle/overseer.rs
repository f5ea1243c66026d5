//! What stands between the service and its HTTP client: it listens to every report, makes trouble, and notes what cannot be.

use std::fs;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use contract::core::{TransferEvent, TransferReply};
use contract::{Call, JobId, ThreadId, UserId};
use engine::service::{Client, Fetch, HttpFetch, Order};
use engine::transfer::{ClientConfig, Progress};

use super::case::{Said, Trouble};

/// The most bytes between two reports: as many as a transfer holds at once.
const LARGEST_STEP: u64 = 64 * 1024;

/// The thread of the client that makes trouble.
const TROUBLE: ThreadId = ThreadId(99);

pub(super) struct Overseer {
    http: HttpFetch,
    trouble: Trouble,
    client: OnceLock<(Client, UserId)>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    fetches: u32,
    running: u32,
    troubled: Troubled,
    said: Vec<Said>,
    impossible: Vec<String>,
}

/// Whether the trouble has been made.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Troubled {
    #[default]
    NotYet,
    Done,
}

impl Overseer {
    pub(super) fn new(config: ClientConfig, trouble: Trouble) -> Overseer {
        Overseer { http: HttpFetch::new(config), trouble, client: OnceLock::new(), seen: Mutex::default() }
    }

    /// The client that makes trouble, once there is a service.
    pub(super) fn meet(&self, client: Client, owner: UserId) {
        // Called once, by who starts the service.
        let _ = self.client.set((client, owner));
    }

    /// Every report so far, in the words of the table.
    pub(super) fn said(&self) -> Vec<Said> {
        self.seen().said.clone()
    }

    /// What no transfer may do, whatever the server does.
    pub(super) fn impossible(&self) -> Vec<String> {
        self.seen().impossible.clone()
    }

    /// Transfers that run now.
    pub(super) fn running(&self) -> u32 {
        self.seen().running
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, job: JobId, call: &Call) {
        if let Some((client, owner)) = self.client.get() {
            let _ = client.call(TROUBLE, *owner, Some(job), call);
        }
    }
}

impl Fetch for Overseer {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let nth = {
            let mut seen = self.seen();
            seen.running += 1;
            if seen.running > 1 {
                seen.impossible.push("two transfers of one job run at once".to_owned());
            }
            seen.fetches += 1;
            seen.fetches
        };
        if nth == 2 {
            let temporary = order.temporary();
            // When there is nothing to lose, the row finds that out.
            let _ = match self.trouble {
                Trouble::TemporaryLost => fs::remove_file(temporary.path()),
                Trouble::TemporaryShorter => fs::write(temporary.path(), b"short"),
                _ => Ok(()),
            };
        }
        let mut ear = Ear { overseer: self, order, inner: progress, over: None, here: order.from };
        self.http.fetch(order, &mut ear);
        let over = ear.over;
        let mut seen = self.seen();
        seen.running -= 1;
        if over.is_none() {
            seen.impossible.push("a transfer went away without a last word".to_owned());
        }
    }
}

/// Between one transfer and the worker.
struct Ear<'a> {
    overseer: &'a Overseer,
    order: &'a Order,
    inner: &'a mut dyn Progress,
    /// The event after which no more may be reported.
    over: Option<TransferEvent>,
    here: u64,
}

impl Progress for Ear<'_> {
    fn report(&mut self, event: TransferEvent) -> TransferReply {
        self.check(event);
        let reply = self.inner.report(event);
        let last = matches!(event, TransferEvent::FileDone | TransferEvent::Failed { .. });
        let stopped = reply != TransferReply::Continue;
        if last || stopped {
            self.over = Some(event);
        }
        self.note(event, last, stopped);
        self.make_trouble(event);
        reply
    }
}

impl Ear<'_> {
    fn check(&mut self, event: TransferEvent) {
        let mut seen = self.overseer.seen();
        if let Some(over) = self.over {
            seen.impossible.push(format!("{event:?} after {over:?} was the last word"));
        }
        match event {
            TransferEvent::Restarted => self.here = 0,
            TransferEvent::Bytes(bytes) => {
                if bytes <= self.here && self.here != self.order.from || bytes > self.here + LARGEST_STEP {
                    seen.impossible.push(format!("{bytes} bytes after {}", self.here));
                }
                self.here = bytes;
            }
            _ => {}
        }
    }

    fn note(&self, event: TransferEvent, last: bool, stopped: bool) {
        let said = match event {
            TransferEvent::Connected => Said::Connected,
            TransferEvent::SizeKnown(size) => Said::Size(size),
            TransferEvent::Bytes(bytes) => Said::Here(bytes),
            TransferEvent::Restarted => Said::Restarted,
            TransferEvent::FileDone => Said::Done,
            TransferEvent::Failed { class, hr, context } => Said::Failed(class, hr, context),
        };
        let said = if stopped && !last { Said::Stopped } else { said };
        let all = &mut self.overseer.seen().said;
        // Of consecutive reports of bytes only the last is kept. One that was answered with Stop is noted as `Stopped` instead.
        if let (Said::Here(_), Some(before @ Said::Here(_))) = (said, all.last_mut()) {
            *before = said;
            return;
        }
        all.push(said);
    }

    fn make_trouble(&mut self, event: TransferEvent) {
        let TransferEvent::Bytes(bytes) = event else { return };
        let (call, at) = match self.overseer.trouble {
            Trouble::SuspendAt(at) => (Call::Suspend, at),
            Trouble::CancelAt(at) => (Call::Cancel, at),
            _ => return,
        };
        let due = {
            let mut seen = self.overseer.seen();
            let due = bytes >= at && seen.troubled == Troubled::NotYet;
            if due {
                seen.troubled = Troubled::Done;
            }
            due
        };
        if due {
            self.overseer.call(self.order.job, &call);
        }
    }
}
