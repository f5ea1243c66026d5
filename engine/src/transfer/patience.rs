//! A limit on how long the client may read without getting a byte of the file.
//!
//! ureq bounds each read of the socket, but not how many of them it makes for one byte of the body. A server may
//! send the framing around a body for ever (an endless chunk extension, trailer or TLS record). It would keep a worker
//! for ever, and the worker would never receive the reply that stops its transfer. So every read of the body has a
//! deadline, and the transport, the one place that all framing passes through, looks at it before it reads on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

use super::client::Slowest;

/// The deadline of the read that one transfer is making. None before the body, where ureq's own limits are enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Instant>>>);

/// Whether a body comes as fast as it has to. A server that sends a byte from time to time keeps every single read short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    slowest: Slowest,
    since: Instant,
    bytes: u64,
}

/// What [`Pace::came`] returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Speed {
    Enough,
    TooSlow,
}

impl Pace {
    /// The body begins now.
    pub(super) fn new(slowest: Slowest, now: Instant) -> Pace {
        Pace { slowest, since: now, bytes: 0 }
    }

    /// This number of further bytes has come.
    pub(super) fn came(&mut self, bytes: u64, now: Instant) -> Speed {
        self.bytes = self.bytes.saturating_add(bytes);
        if now.duration_since(self.since) < self.slowest.within {
            return Speed::Enough;
        }
        let speed = if self.bytes < self.slowest.bytes { Speed::TooSlow } else { Speed::Enough };
        (self.since, self.bytes) = (now, 0);
        speed
    }
}

/// Connects as usual, and keeps an eye on the deadline. Goes below TLS, whose records can be endless, too.
#[derive(Debug)]
pub(super) struct Watch(pub(super) Patience);

/// A connection that stops reading at the deadline.
#[derive(Debug)]
pub(super) struct Watched<T> {
    inner: T,
    patience: Patience,
}

/// One connector for many agents, so that what it has cached is made once.
#[derive(Debug)]
pub(super) struct Shared<C>(pub(super) Arc<C>);

impl Patience {
    pub(super) fn until(&self, deadline: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    fn check(&self) -> Result<(), Error> {
        let deadline = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Timeout(Timeout::PerRead)),
            _ => Ok(()),
        }
    }
}

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Watched<In>>, Error> {
        Ok(chained.map(|inner| Watched { inner, patience: self.0.clone() }))
    }
}

impl<In: Transport, C: Connector<In>> Connector<In> for Shared<C> {
    type Out = C::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<C::Out>, Error> {
        self.0.connect(details, chained)
    }
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.patience.check()?;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_stretch_of_time_needs_its_bytes() {
        let slowest = Slowest { bytes: 100, within: Duration::from_secs(10) };
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut pace = Pace::new(slowest, begun);
        assert_eq!(pace.came(1, at(9)), Speed::Enough, "the time is not over");
        assert_eq!(pace.came(99, at(11)), Speed::Enough);
        assert_eq!(pace.came(99, at(20)), Speed::Enough);
        assert_eq!(pace.came(0, at(21)), Speed::TooSlow);
        assert_eq!(pace.came(1_000, at(60)), Speed::Enough);
        assert_eq!(pace.came(1, at(70)), Speed::TooSlow, "what came before does not count");
    }
}
