//! Running transfers.
//!
//! A worker takes on what the core's scheduler gives, fetches its files one after another, and reports each step under the
//! lock. No call waits for a worker: a Cancel stops the attempt in the core, and the reply to the worker's next report stops the worker.
//! Only another worker waits, when it has a newer attempt of that job, because both would write one temporary file.
//!
//! A worker also removes the temporary files of jobs that have expired.
//!
//! At most as many workers transfer at once as the builder allows, and one more for each user whom none of them serves.

use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use contract::call::ErrorContext;
use contract::core::{Attempt, Core as _, Failure, TransferEvent, TransferReply, TransferStart};
use contract::{EnvStep, EventView, FileId, HResult, JobId, JobState, Priority, ThreadId, UserId, fault};

use super::backends::{Order, Place};
use super::runtime::{Point, Runtime};
use super::shared::{Guard, Shared, State, Wake};
use super::threads::{Grown, Role, Whereabouts};
use crate::transfer::Progress;

/// Bytes are reported to the core at the latest when this many further ones are here. Each report takes the lock and wakes waiting threads.
pub const REPORT_BYTES: u64 = 1 << 20;
/// They are reported earlier at the beginning of a file: what was not reported is fetched again when the transfer is stopped. So at most
/// this number of bytes is fetched again, or a sixteenth of the file.
const FIRST_BYTES: u64 = 64 << 10;
const SHARE: u64 = 16;
/// ... or this much time has passed, so that a slow transfer, too, soon receives the reply that stops it.
const REPORT_AFTER: Duration = Duration::from_millis(50);

impl<R: Runtime> Shared<R> {
    /// The life of a worker.
    pub(super) fn work(self: &Arc<Self>, me: ThreadId) {
        while let Some((start, user)) = self.take_on(me) {
            self.point(Point::Fetching);
            self.run_transfer(start);
            self.runtime.carries(&(start.job, user));
            let mut state = self.enter();
            state.fetching.remove(&start.job);
            state.end_transfer(user);
            self.set_place(&mut state, me, Whereabouts::Service);
            self.publish(&mut state, None, Wake::All);
        }
    }

    /// Waits until the scheduler has something to run. None at shutdown.
    fn take_on(&self, me: ThreadId) -> Option<(TransferStart, UserId)> {
        self.runtime.looks_for_work();
        let mut state = self.enter();
        loop {
            if self.is_stopping() {
                return None;
            }
            let starves = fault!(self, UsersStarved) && state.workers.is_full();
            if !state.wants_worker() || starves {
                // Nothing to do: the timer's or a caller's wake-up comes after the next change.
                self.publish_time(&mut state, Wake::All);
                self.runtime.looks_for_work();
                state = self.runtime.wait(&self.transfers, state);
                self.pass_time(&mut state);
                continue;
            }
            let (looked_again, grown) = self.grow(state, Role::Worker);
            state = looked_again;
            if grown == Grown::Yes {
                continue;
            }
            if let Some(place) = state.expired.pop() {
                state = self.remove_expired(state, me, &place);
                continue;
            }
            let taken = state.poll_transfer();
            self.publish(&mut state, None, Wake::All);
            let Some((start, user)) = taken else { continue };
            let waited = self.wait_for_older(state, start);
            state = waited.0;
            if waited.1 == Wanted::Yes {
                state.fetching.insert(start.job);
                self.set_place(&mut state, me, Whereabouts::Foreign(Role::Worker));
                self.runtime.carries(&(start, user));
                return Some((start, user));
            }
            state.end_transfer(user);
        }
    }

    /// The temporary file of a job that has expired goes. No call is left that could report a failed removal. Where an attempt still
    /// writes it, the worker of that attempt removes it once more.
    fn remove_expired<'a>(&'a self, mut state: Guard<'a, R>, me: ThreadId, place: &Place) -> Guard<'a, R> {
        state.workers.busy += 1;
        self.set_place(&mut state, me, Whereabouts::Foreign(Role::Worker));
        self.publish(&mut state, None, Wake::All);
        self.runtime.carries(place);
        drop(state);
        let _ = self.disk.remove(place);
        self.runtime.carries(&place.job);
        let mut state = self.enter();
        state.workers.busy -= 1;
        state.unpublished = true;
        self.set_place(&mut state, me, Whereabouts::Service);
        state
    }

    /// Waits until no worker runs an older attempt of this job.
    fn wait_for_older<'a>(&'a self, mut state: Guard<'a, R>, start: TransferStart) -> (Guard<'a, R>, Wanted) {
        let waits = !fault!(self, OlderAttemptIgnored);
        while waits && state.fetching.contains(&start.job) && is_wanted(&state, start.job, start.attempt) {
            if self.is_stopping() {
                return (state, Wanted::No);
            }
            self.runtime.carries(&start);
            state = self.runtime.wait(&self.progress, state);
            self.pass_time(&mut state);
        }
        let wanted = is_wanted(&state, start.job, start.attempt);
        (state, if wanted { Wanted::Yes } else { Wanted::No })
    }

    /// Fetches file after file until the core's reply names no further file.
    fn run_transfer(&self, start: TransferStart) {
        let (mut file, mut from) = (start.file, start.from);
        loop {
            let Some(order) = self.order(start, file, from) else { return };
            let mut reports = Reports::new(self, start, &order);
            reports.carries();
            // A transfer that panics has failed; the worker goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| self.fetch.fetch(&order, &mut reports)));
            self.record_fetch(start, file, EnvStep::FetchEnds { attempt: start.attempt.0 });
            let end = reports.finish();
            self.tidy(order, &(start, end));
            match end {
                TransferReply::Next { file: next, from: there } => (file, from) = (next, there),
                TransferReply::Continue | TransferReply::Stop => return,
            }
        }
    }

    /// What to fetch, unless the attempt has been stopped already.
    fn order(&self, start: TransferStart, file: FileId, from: u64) -> Option<Order> {
        let state = self.runtime.lock(&self.state);
        let job = start.job;
        if self.is_stopping() || !is_wanted(&state, job, start.attempt) {
            return None;
        }
        let order = Order {
            instance: self.instance,
            job,
            file,
            remote: state.core.remote(job, file)?.to_owned(),
            local: state.core.local(job, file)?.to_owned(),
            from,
            priority: state.core.priority(job).unwrap_or(Priority::Normal),
        };
        // Inside the lock, so that a call which ends the attempt comes before it or after it.
        self.record_fetch(start, file, EnvStep::FetchBegins { attempt: start.attempt.0 });
        Some(order)
    }

    fn record_fetch(&self, start: TransferStart, file: FileId, step: EnvStep) {
        if !fault!(self, FetchUnrecorded) {
            self.recorder.record(EventView::Env { step, job: Some(start.job), file: Some(file) });
        }
    }

    /// A Cancel or a partial Complete may have removed the temporary file just before the transfer created it again.
    ///
    /// While the job is finalising, its end is not decided yet: what that Cancel has already removed may be here again. Its
    /// disk work waits for nothing, so this wait ends by itself, at shutdown as well.
    ///
    /// `then` is what the worker needs afterwards.
    fn tidy(&self, order: Order, then: &impl Hash) {
        self.runtime.carries(&(&order, then));
        let mut state = self.runtime.lock(&self.state);
        while state.core.is_finalising(order.job) {
            self.runtime.carries(&(&order, then));
            state = self.runtime.wait(&self.progress, state);
            if fault!(self, TidyLooksOnce) {
                break;
            }
        }
        let ended = state.core.state(order.job).is_none_or(JobState::is_final);
        drop(state);
        if ended && !fault!(self, LeftoverKept) {
            // It is a leftover of a job that has ended: no call is left that could report a failed removal.
            let Order { instance, job, file, local, .. } = order;
            let _ = self.disk.remove(&Place { instance, job, file, local });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    Yes,
    No,
}

fn is_wanted<R: Runtime>(state: &State<R>, job: JobId, attempt: Attempt) -> bool {
    state.core.transfer(job).is_some_and(|(current, _)| current == attempt)
}

/// The worker's ear: passes reports on to the core, bytes not more often than needed.
struct Reports<'a, R: Runtime> {
    shared: &'a Shared<R>,
    start: TransferStart,
    order: &'a Order,
    sent: Sent,
}

/// What was passed on, and what was held back.
#[derive(Clone, Copy, Hash, Debug)]
struct Sent {
    /// The reply to the last report that was passed on.
    reply: TransferReply,
    bytes: u64,
    at: Duration,
    unsent: Option<u64>,
}

impl<R: Runtime> Progress for Reports<'_, R> {
    fn report(&mut self, event: TransferEvent) -> TransferReply {
        let reply = self.pass_on(event);
        // Not before: what is still to be passed on is known by what the transfer had read.
        self.carries();
        reply
    }
}

impl<'a, R: Runtime> Reports<'a, R> {
    fn pass_on(&mut self, event: TransferEvent) -> TransferReply {
        if self.shared.is_stopping() {
            return TransferReply::Stop;
        }
        match event {
            TransferEvent::Bytes(bytes) if !self.is_due(bytes) => {
                self.sent.unsent = Some(bytes);
                return TransferReply::Continue;
            }
            TransferEvent::Bytes(_) | TransferEvent::Restarted => self.sent.unsent = None,
            TransferEvent::FileDone | TransferEvent::Failed { .. } => {
                // The bytes that were held back come first, so that what is here is never less than what was seen.
                if let Some(bytes) =
                    self.sent.unsent.take().filter(|_| !fault!(self.shared, HeldBackBytesLost))
                    && self.send(TransferEvent::Bytes(bytes)) != TransferReply::Continue
                {
                    return self.sent.reply;
                }
            }
            TransferEvent::Connected | TransferEvent::SizeKnown(_) => {}
        }
        self.send(event)
    }

    fn new(shared: &'a Shared<R>, start: TransferStart, order: &'a Order) -> Self {
        let at = shared.runtime.now();
        let sent = Sent { reply: TransferReply::Continue, bytes: 0, at, unsent: None };
        Reports { shared, start, order, sent }
    }

    /// All that the worker needs while the transfer runs; what the transfer itself needs is its own.
    fn carries(&self) {
        self.shared.runtime.carries(&(self.start, self.order, self.sent));
    }

    /// What to do next. A transfer that went away without a last word, or whose last word was not believed, has failed.
    fn finish(mut self) -> TransferReply {
        if self.sent.reply == TransferReply::Continue && !fault!(self.shared, MuteTransferForgotten) {
            let (class, hr) = (Failure::Transient, HResult::E_UNEXPECTED);
            let context = ErrorContext::GeneralTransport;
            let _ = self.report(TransferEvent::Failed { class, hr, context });
        }
        self.sent.reply
    }

    fn is_due(&self, bytes: u64) -> bool {
        bytes.abs_diff(self.sent.bytes) >= (self.sent.bytes / SHARE).clamp(FIRST_BYTES, REPORT_BYTES)
            || self.shared.runtime.now().saturating_sub(self.sent.at) >= REPORT_AFTER
    }

    fn send(&mut self, event: TransferEvent) -> TransferReply {
        self.shared.point(Point::Reporting);
        let mut state = self.shared.enter();
        self.sent.reply = state.core.handle_transfer(self.start.job, self.start.attempt, event);
        if self.sent.reply == TransferReply::Stop && fault!(self.shared, StopUnheard) {
            self.sent.reply = TransferReply::Continue;
        }
        self.shared.publish(&mut state, None, Wake::All);
        drop(state);
        self.sent.at = self.shared.runtime.now();
        match event {
            TransferEvent::Bytes(bytes) => self.sent.bytes = bytes,
            TransferEvent::Restarted => self.sent.bytes = 0,
            _ => {}
        }
        self.sent.reply
    }
}
